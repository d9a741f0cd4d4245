/* test_paired.c: paired rounds on a clock of our own, whose time is counted work: deterministic, so that drift,
 * preemption and order can be staged exactly. And the machine's clock, as far as it can be promised anything. */
#include "measure/clock.h"
#include "measure/paired.h"

#include <check.h> /* last: it has a macro `fail` */
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a machine of our own ---------------------------------------------------------------------------------- */

enum { MOST_VARIANTS = 8, MOST_STEPS = 1 << 16 };

/* One call of a variant inside a round. */
typedef struct step {
    size_t round, variant;
    uint64_t iterations;
} step;

typedef struct machine {
    double now_ns;
    double drift_per_s;   /* work takes 1 + drift_per_s * now times as long */
    double jitter;        /* relative, a fixed pattern that does not follow the rounds */
    size_t preempt_every; /* every so-manieth round loses the processor for `preempt_ns`; 0: none */
    double preempt_ns;
    bool still; /* time does not pass */
    uint64_t preemptions, calls;
    size_t rounds; /* begun */
    bool inside;   /* a round, between its two readings of the preemption count */
    step *steps;   /* [MOST_STEPS], every call inside a round */
    size_t step_count;
} machine;

typedef struct work {
    machine *m;
    size_t variant;
    double cost_ns;
} work;

static void work_run(void *state, uint64_t iterations) {
    const work *w = state;
    machine *m = w->m;
    const double pattern = sin(0.7 * (double)m->calls++);
    if (!m->still)
        m->now_ns +=
            (double)iterations * w->cost_ns * (1 + 1e-9 * m->drift_per_s * m->now_ns) * (1 + m->jitter * pattern);
    if (!m->inside) return;
    ck_assert_uint_lt(m->step_count, MOST_STEPS);
    m->steps[m->step_count++] = (step){m->rounds - 1, w->variant, iterations};
    if (m->preempt_every != 0 && (m->rounds - 1) % m->preempt_every == 0 && w->variant == 0) {
        m->now_ns += m->preempt_ns;
        m->preemptions++;
    }
}

static uint64_t machine_now(void *context) { return (uint64_t)((machine *)context)->now_ns; }

/* paired_measure reads it before and after each round: that tells where a round begins. */
static uint64_t machine_lost(void *context) {
    machine *m = context;
    m->inside = !m->inside;
    m->rounds += m->inside;
    return m->preemptions;
}

static double machine_hz(void *context) { return 1e9 + (double)((machine *)context)->rounds; }

typedef struct stage {
    machine m;
    work work[MOST_VARIANTS];
    paired_variant variant[MOST_VARIANTS];
    paired_clock clock;
    paired_options options;
    paired_samples samples;
    size_t variants;
} stage;

static stage s;

static void stage_set(const double *cost_ns, size_t variants) {
    memset(&s, 0, sizeof s);
    s.m.steps = calloc(MOST_STEPS, sizeof *s.m.steps);
    ck_assert_ptr_nonnull(s.m.steps);
    s.variants = variants;
    s.clock = (paired_clock){machine_now, machine_lost, machine_hz, &s.m};
    for (size_t v = 0; v < variants; v++) {
        s.work[v] = (work){&s.m, v, cost_ns[v]};
        s.variant[v] = (paired_variant){work_run, &s.work[v]};
    }
    s.options = paired_defaults();
    s.options.clock = &s.clock;
}

static void stage_clear(void) {
    paired_free(&s.samples);
    free(s.m.steps);
    s.m.steps = NULL;
}

static void measure(void) {
    error e = {""};
    ck_assert_msg(paired_measure(s.variant, s.variants, &s.options, &s.samples, &e), "%s", e.text);
}

static bool holds(interval i, double value) { return i.low <= value && value <= i.high; }

/* ---- tests ------------------------------------------------------------------------------------------------- */

START_TEST(times_are_per_iteration) {
    stage_set((const double[]){100, 250, 40000}, 3);
    measure();
    ck_assert_uint_eq(s.samples.rounds, 100);
    ck_assert_uint_eq(s.samples.discarded, 0);
    for (size_t v = 0; v < 3; v++)
        ck_assert_double_eq_tol(paired_time(&s.samples, v, 0.99).median, s.work[v].cost_ns,
                                0.01 * s.work[v].cost_ns);
    ck_assert_double_eq_tol(paired_ratio(&s.samples, 1, 0, 0.99).median, 2.5, 1e-3);
    ck_assert_double_eq_tol(paired_ratio(&s.samples, 0, 2, 0.99).median, 100. / 40000, 1e-5);
    ck_assert_double_eq_tol(paired_control(&s.samples, 0.99).median, 1, 1e-3);
    ck_assert_double_eq_tol(paired_core_hz(&s.samples).median, 1e9, 1000);
}
END_TEST

START_TEST(slices_are_filled_or_shared) {
    stage_set((const double[]){100, 1000, 1e6}, 3);
    measure();
    ck_assert_uint_eq(s.samples.iterations[0], 2000);
    ck_assert_uint_eq(s.samples.iterations[1], 200);
    ck_assert_uint_eq(s.samples.iterations[2], 1);
    ck_assert_uint_eq(s.samples.iterations[3], 2000);
    stage_clear();
    stage_set((const double[]){100, 1000}, 2);
    s.options.shared_iterations = true;
    s.options.baseline = 1;
    measure();
    for (size_t slot = 0; slot < 3; slot++) ck_assert_uint_eq(s.samples.iterations[slot], 200);
}
END_TEST

/* Its slot then measures that one, in the baseline's number of iterations. */
START_TEST(a_control_may_be_brought_along) {
    stage_set((const double[]){100, 250, 102}, 3);
    s.variants = 2;
    s.options.control = &s.variant[2];
    measure();
    ck_assert_uint_eq(s.samples.variants, 2);
    ck_assert_double_eq_tol(paired_control(&s.samples, 0.99).median, 1.02, 1e-3);
    ck_assert_double_eq_tol(paired_ratio(&s.samples, 1, 0, 0.99).median, 2.5, 1e-3);
}
END_TEST

/* In every block of variants + 1 rounds, each variant has stood once at each position, the baseline (with its
 * control) twice; a slice is an untimed lead-in and the timed run; blocks differ. */
START_TEST(order_is_a_latin_square) {
    enum { VARIANTS = 5, SLOTS = VARIANTS + 1, BASELINE = 2 };
    stage_set((const double[]){100, 110, 120, 130, 140}, VARIANTS);
    s.options.baseline = BASELINE;
    s.options.rounds = 10 * SLOTS;
    measure();
    ck_assert_uint_eq(s.m.step_count, 2 * SLOTS * s.options.rounds);
    size_t same_as_before = 0, shifted = 0, neighbours[VARIANTS] = {0};
    for (size_t block = 0; block < 10; block++) {
        int stood[VARIANTS][SLOTS] = {{0}};
        const step *first = &s.m.steps[2 * SLOTS * SLOTS * block];
        for (size_t r = 0; r < SLOTS; r++) {
            const step *row = first + 2 * SLOTS * r;
            shifted += r > 0 && row[0].variant == (row - 2 * SLOTS)[2].variant;
            for (size_t position = 0; position < SLOTS; position++) {
                const step *lead_in = &row[2 * position], *timed = lead_in + 1;
                ck_assert_uint_eq(timed->round, block * SLOTS + r);
                ck_assert_uint_eq(lead_in->variant, timed->variant);
                ck_assert_uint_eq(lead_in->iterations, (timed->iterations + 7) / 8);
                stood[timed->variant][position]++;
                if (position > 0 && row[2 * position - 1].variant == 0) neighbours[timed->variant]++;
            }
        }
        for (size_t v = 0; v < VARIANTS; v++)
            for (size_t position = 0; position < SLOTS; position++)
                ck_assert_int_eq(stood[v][position], v == BASELINE ? 2 : 1);
        if (block > 0) {
            bool same = true;
            for (size_t i = 0; i < 2 * SLOTS * SLOTS; i++)
                same = same && first[i].variant == (first - 2 * SLOTS * SLOTS)[i].variant;
            same_as_before += same;
        }
    }
    ck_assert_uint_eq(same_as_before, 0);
    ck_assert_uint_lt(shifted, 10 * (SLOTS - 1) / 2); /* a round is not just the one before, moved on by one */
    size_t followers = 0;
    for (size_t v = 0; v < VARIANTS; v++) followers += neighbours[v] > 0;
    ck_assert_uint_ge(followers, 3); /* not always the same one behind variant 0 */
}
END_TEST

START_TEST(order_follows_the_seed) {
    step *before = calloc(MOST_STEPS, sizeof *before);
    ck_assert_ptr_nonnull(before);
    static const uint64_t seeds[] = {1, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        stage_set((const double[]){100, 110, 120}, 3);
        s.options.seed = seeds[i];
        measure();
        bool same = true;
        for (size_t c = 0; c < s.m.step_count; c++) same = same && s.m.steps[c].variant == before[c].variant;
        if (i > 0) ck_assert(same == (seeds[i] == seeds[i - 1]));
        memcpy(before, s.m.steps, MOST_STEPS * sizeof *before);
        stage_clear();
    }
    free(before);
}
END_TEST

/* The machine slows down more than twofold on the way, and wobbles by 2 %. The times show it; the ratio does not.
 */
START_TEST(drift_cancels_in_ratios) {
    stage_set((const double[]){100, 200}, 2);
    s.m.drift_per_s = 20;
    s.m.jitter = 0.02;
    measure();
    const interval ratio = paired_ratio(&s.samples, 1, 0, 0.99), control = paired_control(&s.samples, 0.99);
    const size_t slots = s.samples.variants + 1;
    const double first = s.samples.ns[0], last = s.samples.ns[(s.samples.rounds - 1) * slots];
    ck_assert_double_gt(last, 2 * first);
    ck_assert(holds(ratio, 2));
    ck_assert_double_gt(ratio.low, 1.95);
    ck_assert_double_lt(ratio.high, 2.05);
    ck_assert(holds(control, 1));
    /* What measuring one after the other would have said: variant 0 in the first half, 1 in the second. */
    double early[50], late[50], scratch[50];
    for (size_t r = 0; r < 50; r++) {
        early[r] = s.samples.ns[r * slots];
        late[r] = s.samples.ns[(r + 50) * slots + 1];
    }
    interval sequential;
    stats_ratio_interval(late, early, 50, 0.99, scratch, &sequential);
    ck_assert(!holds(sequential, 2));
}
END_TEST

START_TEST(preempted_rounds_are_discarded_whole) {
    stage_set((const double[]){100, 300}, 2);
    s.m.preempt_every = 5;
    s.m.preempt_ns = 4e6;
    measure();
    ck_assert_uint_eq(s.samples.rounds, 100);
    ck_assert_uint_eq(s.samples.discarded, 25); /* rounds 0, 5, ..., 120 of 125 */
    ck_assert_uint_eq(s.m.rounds, 125);
    ck_assert_uint_eq(s.samples.disturbed, 0);
    for (size_t i = 0; i < s.samples.rounds * 3; i++) ck_assert_double_lt(s.samples.ns[i], 310);
    /* The rows are those of the rounds that were kept: the probe counts rounds. */
    for (size_t r = 0; r < s.samples.rounds; r++)
        ck_assert_double_eq(s.samples.core_hz[r], 1e9 + (double)(r + 1 + r / 4));
}
END_TEST

START_TEST(too_busy_a_machine_is_told_not_waited_for) {
    stage_set((const double[]){100, 300}, 2);
    s.m.preempt_every = 1;
    s.m.preempt_ns = 1e5;
    s.options.rounds = 20;
    measure();
    ck_assert_uint_eq(s.m.rounds, 80);
    ck_assert_uint_eq(s.samples.rounds, 80);
    ck_assert_uint_eq(s.samples.disturbed, 80);
    ck_assert_uint_eq(s.samples.discarded, 0);
}
END_TEST

START_TEST(budget_ends_the_rounds_but_not_below_the_level) {
    static const double none = 0, round_s = 1e-9 * 200e3 * 3 * 9 / 8;
    stage_set((const double[]){100, 300}, 2);
    s.options.budget_s = none;
    measure();
    ck_assert_uint_eq(s.samples.rounds, stats_rounds_needed(s.options.level));
    stage_clear();
    stage_set((const double[]){100, 300}, 2);
    s.options.budget_s = 30 * round_s;
    measure();
    ck_assert_uint_ge(s.samples.rounds, 29);
    ck_assert_uint_le(s.samples.rounds, 31);
}
END_TEST

START_TEST(too_few_rounds_are_refused) {
    stage_set((const double[]){100}, 1);
    s.options.rounds = 7;
    error e = {""};
    ck_assert(!paired_measure(s.variant, 1, &s.options, &s.samples, &e));
    ck_assert_str_eq(e.text, "7 rounds are too few for intervals at the level 0.99; at least 8 are needed");
    ck_assert_ptr_null(s.samples.ns);
}
END_TEST

START_TEST(a_clock_that_stands_still_is_an_error) {
    stage_set((const double[]){100, 0}, 2);
    s.options.warm_up_ns = 0;
    error e = {""};
    ck_assert(!paired_measure(s.variant, 2, &s.options, &s.samples, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "variant 1"));
    ck_assert_ptr_nonnull(strstr(e.text, "stands still"));
    ck_assert_ptr_null(s.samples.ns);
}
END_TEST

/* ---- this machine's clock ---------------------------------------------------------------------------------- */

START_TEST(machine_clock_goes_forward) {
    const uint64_t start = clock_now_ns();
    uint64_t now = start;
    for (int i = 0; i < 1000; i++) {
        const uint64_t next = clock_now_ns();
        ck_assert_uint_ge(next, now);
        now = next;
    }
    while (clock_now_ns() == start) continue;
    ck_assert_uint_ge(clock_preemptions() + 1, 1);
}
END_TEST

START_TEST(core_clock_is_plausible_or_unavailable) {
    const char *reason = NULL;
    const double hz = clock_core_hz(&reason);
    if (hz == 0)
        ck_assert_ptr_nonnull(reason);
    else
        ck_assert(hz > 1e7 && hz < 1e10); /* wide: emulators and sanitizers count too */
}
END_TEST

START_TEST(pin_holds_and_gives_back) {
    cpu_pin before, pin, after;
    const char *reason = NULL;
    if (!cpu_pin_here(&before, &reason)) {
        ck_assert_ptr_nonnull(reason);
        ck_assert_int_eq(before.cpu, -1);
        return;
    }
    /* Pinned: a second pin sees a mask of one CPU, the same one. */
    ck_assert(cpu_pin_here(&pin, NULL));
    ck_assert_int_eq(pin.cpu, before.cpu);
    size_t bits = 0;
    for (size_t i = 0; i < sizeof pin.old_mask / sizeof pin.old_mask[0]; i++)
        for (unsigned long m = pin.old_mask[i]; m != 0; m &= m - 1) bits++;
    ck_assert_uint_eq(bits, 1);
    cpu_pin_release(&pin);
    cpu_pin_release(&before);
    cpu_pin_release(&before);
    ck_assert(cpu_pin_here(&after, NULL));
    ck_assert_mem_eq(after.old_mask, before.old_mask, sizeof before.old_mask);
    cpu_pin_release(&after);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("paired");
    TCase *rounds = tcase_create("rounds"), *clock = tcase_create("clock");
    tcase_add_checked_fixture(rounds, NULL, stage_clear);
    tcase_add_test(rounds, times_are_per_iteration);
    tcase_add_test(rounds, slices_are_filled_or_shared);
    tcase_add_test(rounds, a_control_may_be_brought_along);
    tcase_add_test(rounds, order_is_a_latin_square);
    tcase_add_test(rounds, order_follows_the_seed);
    tcase_add_test(rounds, drift_cancels_in_ratios);
    tcase_add_test(rounds, preempted_rounds_are_discarded_whole);
    tcase_add_test(rounds, too_busy_a_machine_is_told_not_waited_for);
    tcase_add_test(rounds, budget_ends_the_rounds_but_not_below_the_level);
    tcase_add_test(rounds, too_few_rounds_are_refused);
    tcase_add_test(rounds, a_clock_that_stands_still_is_an_error);
    tcase_add_test(clock, machine_clock_goes_forward);
    tcase_add_test(clock, core_clock_is_plausible_or_unavailable);
    tcase_add_test(clock, pin_holds_and_gives_back);
    suite_add_tcase(suite, rounds);
    suite_add_tcase(suite, clock);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
