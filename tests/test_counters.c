/* test_counters.c: hardware counters over a fake kernel interface: what is counted, how it is scaled, and that what
 * is missing says why. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/counters.h"
#include "tree.h"

#include <check.h> /* last: it has a macro named fail */

/* ---- a kernel that counts what it is told to -------------------------------------------------------------------
 */

typedef struct fake {
    int refuse[COUNTERS]; /* errno of an open; 0 opens */
    int group[COUNTERS];  /* as the open was asked */
    bool open[COUNTERS];
    int refuse_control, refuse_read; /* errno, else 0 */
    bool named[COUNTERS];            /* by a library of event names */
    uint64_t per_call[COUNTERS];     /* counted by each call while its group is on */
    counters_sample sample[COUNTERS];
    uint64_t running_ns; /* of 1000 ns that a switch enables */
    unsigned on;         /* groups that count now, as bits of their leader's descriptor */
    unsigned runs, closes;
    tree files;
    counters_kernel kernel;
} fake;

enum { BASE = 10 }; /* descriptors are BASE + counter */

static int fake_open(void *context, counter which, int group) {
    fake *f = context;
    if (f->refuse[which] != 0) {
        errno = f->refuse[which];
        return -1;
    }
    f->group[which] = group;
    f->open[which] = true;
    return BASE + (int)which;
}

static int fake_control(void *context, int group, bool on) {
    fake *f = context;
    if (f->refuse_control != 0) return errno = f->refuse_control, -1;
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (f->group[i] != group && BASE + (int)i != group) continue;
        if (!f->open[i]) continue;
        f->on = on ? f->on | 1u << i : f->on & ~(1u << i);
        if (!on) {
            f->sample[i].enabled_ns += 1000;
            f->sample[i].running_ns += f->running_ns;
        }
    }
    return 0;
}

static int fake_read(void *context, int descriptor, counters_sample *sample) {
    fake *f = context;
    if (f->refuse_read != 0) return errno = f->refuse_read, -1;
    *sample = f->sample[descriptor - BASE];
    return 0;
}

static void fake_close(void *context, int descriptor) {
    fake *f = context;
    ck_assert(f->open[descriptor - BASE]);
    f->open[descriptor - BASE] = false;
    f->closes++;
}

static bool fake_named(void *context, counter which) {
    const fake *f = context;
    return f->named[which];
}

static fake machine;

/* A machine like a Sapphire Rapids, on which everything works. */
static void setup(void) {
    static const uint64_t per_call[COUNTERS] = {1000, 3000, 2, 4, 40, 400, 4000};
    machine = (fake){.running_ns = 1000};
    memcpy(machine.per_call, per_call, sizeof per_call);
    tree_make(&machine.files);
    tree_put(&machine.files, "bus/event_source/devices/cpu/caps/pmu_name", "sapphire_rapids\n");
    tree_put(&machine.files, "sys/kernel/perf_event_paranoid", "2\n");
    machine.kernel = (counters_kernel){fake_open,  fake_control, fake_read,          fake_close,
                                       fake_named, &machine,     machine.files.root, machine.files.root};
}

static void teardown(void) { tree_remove(&machine.files); }

static void work(void *state, uint64_t iterations) {
    fake *f = state;
    f->runs++;
    for (unsigned i = 0; i < COUNTERS; i++)
        if ((f->on & 1u << i) != 0) f->sample[i].count += iterations * f->per_call[i];
}

static void count(counters_value value[COUNTERS], counters *c) {
    counters_open(c, &machine.kernel);
    counters_count(c, work, &machine, 50, value);
}

/* All are unavailable for a reason in which `part` stands. */
static void all_unavailable(const counters_value value[COUNTERS], const char *part) {
    for (unsigned i = 0; i < COUNTERS; i++) {
        ck_assert_ptr_nonnull(value[i].unavailable);
        ck_assert_msg(strstr(value[i].unavailable, part) != NULL, "%s: '%s' does not say '%s'", counter_name(i),
                      value[i].unavailable, part);
        ck_assert_msg(isnan(value[i].count), "%s has a count and a reason for none", counter_name(i));
    }
}

/* ---- counting --------------------------------------------------------------------------------------------------
 */

START_TEST(counts_are_those_of_one_iteration) {
    counters c;
    counters_value value[COUNTERS];
    count(value, &c);
    ck_assert(counters_any(&c));
    for (unsigned i = 0; i < COUNTERS; i++) {
        ck_assert_ptr_null(value[i].unavailable);
        ck_assert_ptr_null(counter_unavailable(&c, i));
        ck_assert_double_eq(value[i].count, (double)machine.per_call[i]);
    }
    ck_assert_uint_eq(machine.runs, 2);           /* once for each group */
    counters_count(&c, work, &machine, 7, value); /* the second time counts from where the first ended */
    ck_assert_double_eq(value[COUNTER_CYCLES].count, 1000);
    ck_assert_uint_eq(machine.on, 0);
    counters_close(&c);
    ck_assert_uint_eq(machine.closes, COUNTERS);
    ck_assert(!counters_any(&c));
}
END_TEST

/* A core that the list does not hold, but the library of names does: what it names is opened, the rest says why. */
START_TEST(names_open_what_the_list_lacks) {
    counters c;
    tree_put(&machine.files, "bus/event_source/devices/cpu/caps/pmu_name", "lunar_lagoon\n");
    machine.named[COUNTER_FP_256] = true;
    counters_open(&c, &machine.kernel);
    ck_assert_ptr_null(counter_unavailable(&c, COUNTER_FP_256));
    ck_assert_ptr_nonnull(strstr(counter_unavailable(&c, COUNTER_FP_512), "lunar_lagoon"));
    counters_close(&c);
}
END_TEST

START_TEST(a_group_fits_into_four_counters) {
    counters c;
    counters_open(&c, &machine.kernel);
    for (unsigned leader = 0; leader < COUNTERS; leader++) {
        unsigned members = 0;
        for (unsigned i = 0; i < COUNTERS; i++) members += i == leader || machine.group[i] == BASE + (int)leader;
        ck_assert_uint_le(members, 4);
    }
    counters_close(&c);
}
END_TEST

START_TEST(a_shared_counter_is_scaled) {
    counters c;
    counters_value value[COUNTERS];
    machine.running_ns = 250; /* it ran a quarter of the time */
    count(value, &c);
    ck_assert_double_eq(value[COUNTER_CYCLES].count, 4000);
    ck_assert_double_eq(value[COUNTER_FP_512].count, 16000);
    counters_close(&c);
}
END_TEST

START_TEST(one_that_never_ran_is_not_zero) {
    counters c;
    counters_value value[COUNTERS];
    machine.running_ns = 0;
    count(value, &c);
    all_unavailable(value, "others hold them");
    counters_close(&c);
}
END_TEST

START_TEST(the_others_count_where_one_is_missing) {
    counters c;
    counters_value value[COUNTERS];
    machine.refuse[COUNTER_CYCLES] = ENOENT; /* the leader: the next one leads */
    machine.refuse[COUNTER_FP_256] = EINVAL;
    count(value, &c);
    ck_assert_ptr_nonnull(value[COUNTER_CYCLES].unavailable);
    ck_assert_ptr_nonnull(strstr(value[COUNTER_FP_256].unavailable, "beside the others"));
    ck_assert_int_eq(machine.group[COUNTER_INSTRUCTIONS], -1);
    ck_assert_int_eq(machine.group[COUNTER_CACHE_MISSES], BASE + COUNTER_INSTRUCTIONS);
    ck_assert_double_eq(value[COUNTER_INSTRUCTIONS].count, 3000);
    ck_assert_double_eq(value[COUNTER_CACHE_MISSES].count, 2);
    ck_assert_double_eq(value[COUNTER_FP_128].count, 40);
    counters_close(&c);
}
END_TEST

/* ---- reasons ---------------------------------------------------------------------------------------------------
 */

static const struct {
    int error_number;
    const char *paranoid, *part;
} refusals[] = {
    {ENOENT, "2\n", "virtual machine"},
    {EOPNOTSUPP, "2\n", "virtual machine"},
    {EACCES, "4\n", "perf_event_paranoid is 4"},
    {EPERM, "3\n", "sysctl kernel.perf_event_paranoid=2"},
    {EACCES, "2\n", "seccomp"},
    {EPERM, "-1\n", "seccomp"},
    {ENOSYS, "2\n", "no perf_event_open"},
    {EMFILE, "2\n", "Too many open files"},
};

START_TEST(a_refusal_says_why) {
    counters c;
    counters_value value[COUNTERS];
    for (unsigned i = 0; i < COUNTERS; i++) machine.refuse[i] = refusals[_i].error_number;
    tree_put(&machine.files, "sys/kernel/perf_event_paranoid", refusals[_i].paranoid);
    count(value, &c);
    all_unavailable(value, refusals[_i].part);
    ck_assert(!counters_any(&c));
    ck_assert_uint_eq(machine.runs, 0);
    counters_close(&c);
    ck_assert_uint_eq(machine.closes, 0);
}
END_TEST

START_TEST(a_failing_switch_and_a_failing_read_say_so) {
    counters c;
    counters_value value[COUNTERS];
    machine.refuse_control = EBADF;
    count(value, &c);
    all_unavailable(value, "switched on");
    ck_assert_uint_eq(machine.runs, 0);
    machine.refuse_control = 0;
    machine.refuse_read = EIO;
    counters_count(&c, work, &machine, 50, value);
    all_unavailable(value, "could not be read");
    counters_close(&c);
}
END_TEST

/* The same event number is another event on other cores. */
START_TEST(arithmetic_is_counted_on_known_cores_only) {
    counters c;
    counters_value value[COUNTERS];
    tree_put(&machine.files, "bus/event_source/devices/cpu/caps/pmu_name", "gracemont\n");
    count(value, &c);
    ck_assert_ptr_null(value[COUNTER_CYCLES].unavailable);
    ck_assert_ptr_nonnull(strstr(value[COUNTER_FP_128].unavailable, "gracemont"));
    ck_assert(!machine.open[COUNTER_FP_SCALAR]);
    counters_close(&c);
    tree_take(&machine.files, "bus/event_source/devices/cpu/caps/pmu_name");
    count(value, &c);
    ck_assert_ptr_nonnull(strstr(value[COUNTER_FP_512].unavailable, "does not name"));
    counters_close(&c);
}
END_TEST

/* ---- the record ------------------------------------------------------------------------------------------------
 */

static double number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    ck_assert_msg(json_is_number(value), "%s is not a number", key);
    return json_number_value(value);
}

START_TEST(the_record_has_counts_and_flops) {
    counters c;
    counters_value value[COUNTERS];
    count(value, &c);
    json_t *object = counters_json(value);
    ck_assert_double_eq(number(object, "cycles"), 1000);
    ck_assert_double_eq(number(object, "fp_512"), 4000);
    ck_assert_double_eq(number(object, "flops"), 4 + 4 * 40 + 8 * 400 + 16 * 4000);
    ck_assert_uint_eq(json_object_size(object), COUNTERS + 1);
    json_decref(object);

    value[COUNTER_FP_256].unavailable = "so";
    object = counters_json(value);
    const json_t *flops = json_object_get(object, "flops"); /* a part of the sum is no sum */
    ck_assert_str_eq(json_string_value(json_object_get(flops, "unavailable")), "so");
    ck_assert_double_eq(number(object, "cycles"), 1000);
    json_decref(object);
    counters_close(&c);
}
END_TEST

START_TEST(a_record_without_any_is_one_reason) {
    counters c;
    counters_value value[COUNTERS];
    for (unsigned i = 0; i < COUNTERS; i++) machine.refuse[i] = ENOENT;
    count(value, &c);
    json_t *object = counters_json(value);
    ck_assert_uint_eq(json_object_size(object), 1);
    ck_assert(json_is_string(json_object_get(object, "unavailable")));
    json_decref(object);
    counters_close(&c);
}
END_TEST

/* ---- this machine ----------------------------------------------------------------------------------------------
 */

static volatile double sink;

static void additions(void *state, uint64_t iterations) {
    (void)state;
    for (uint64_t i = 0; i < iterations; i++) sink += 1;
}

/* Whatever this machine has: a counter counts, or says why not. */
START_TEST(the_real_counters_count_or_say_why) {
    counters c;
    counters_value value[COUNTERS];
    counters_open(&c, NULL);
    counters_count(&c, additions, NULL, 100000, value);
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (value[i].unavailable != NULL)
            ck_assert_uint_gt(strlen(value[i].unavailable), 10);
        else
            ck_assert(isfinite(value[i].count) && value[i].count >= 0);
    }
    if (value[COUNTER_INSTRUCTIONS].unavailable == NULL) ck_assert_double_gt(value[COUNTER_INSTRUCTIONS].count, 1);
    counters_close(&c);
}
END_TEST

int main(void) {
    Suite *s = suite_create("counters");
    TCase *t = tcase_create("counters");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, counts_are_those_of_one_iteration);
    tcase_add_test(t, names_open_what_the_list_lacks);
    tcase_add_test(t, a_group_fits_into_four_counters);
    tcase_add_test(t, a_shared_counter_is_scaled);
    tcase_add_test(t, one_that_never_ran_is_not_zero);
    tcase_add_test(t, the_others_count_where_one_is_missing);
    tcase_add_loop_test(t, a_refusal_says_why, 0, (int)(sizeof refusals / sizeof refusals[0]));
    tcase_add_test(t, a_failing_switch_and_a_failing_read_say_so);
    tcase_add_test(t, arithmetic_is_counted_on_known_cores_only);
    tcase_add_test(t, the_record_has_counts_and_flops);
    tcase_add_test(t, a_record_without_any_is_one_reason);
    tcase_add_test(t, the_real_counters_count_or_say_why);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
