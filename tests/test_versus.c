/* test_versus.c: from processes to verdicts. Processes are simulated (their estimates drawn from known
 * distributions, or a shell script in a worker's place), so that nothing here depends on this machine's times. One
 * real worker runs, whose times are not judged. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "model/random.h"
#include "results/results.h"
#include "versus/versus.h"
#include "versus/versus_worker.h"

#include <check.h> /* last: it has a macro named fail */

static versus_options of_scalars(const char *const *names, unsigned count) {
    const workload_shape shape = {.out = 8, .in = 16, .m = 8, .batch = 1, .percent = 100, .layout = IDP_LAYOUT_ROW};
    versus_options o = versus_defaults();
    for (unsigned w = 0; w < count; w++) {
        error e = {""};
        ck_assert_msg(workload_parse(names[w], &shape, &o.workload[w], &e), "%s", e.text);
    }
    o.workloads = count;
    return o;
}

static versus_options of_two(void) { return of_scalars((const char *const[]){"scalar", "scalar@50"}, 2); }

/* ---- verdicts ---------------------------------------------------------------------------------------------- */

enum { SIMULATED = 20 };

/* Simulated processes: log-ratios around the true ones, by a distribution with median 0. */
typedef double noise(random_state *r);

static double normal(random_state *r) { return random_normal(r); }
/* Now and then a process whose memory lies badly. */
static double outliers(random_state *r) {
    const double scale = random_below(r, 5) == 0 ? 20 : 1;
    return scale * random_normal(r);
}
/* Skewed, with median 0: one side is squeezed. */
static double skewed(random_state *r) {
    const double z = random_normal(r);
    return z < 0 ? z / 4 : 3 * z;
}
/* Two modes far apart, as clocks have. */
static double modes(random_state *r) { return (random_below(r, 2) == 0 ? -5 : 5) + random_normal(r); }

static noise *const noises[] = {normal, outliers, skewed, modes};
static const char *const noise_names[] = {"normal", "outliers", "skewed", "modes"};
enum { NOISES = sizeof noises / sizeof noises[0] };

static void simulate(random_state *r, noise *draw, double sd, const double *truth, unsigned workloads,
                     versus_process *process, size_t count) {
    for (size_t p = 0; p < count; p++) {
        process[p] = (versus_process){.seed = p, .rounds = 10, .discarded = 1};
        for (unsigned w = 0; w < workloads; w++) {
            process[p].log_ratio[w] = truth[w] + sd * draw(r);
            process[p].time_ns[w] = 1000 * exp(truth[w]);
        }
    }
}

START_TEST(verdicts_need_more_than_the_noise) {
    static const struct {
        double low, high;       /* of the ratio */
        double aa_low, aa_high; /* of the control */
        versus_verdict verdict;
        double noise_floor;
    } cases[] = {
        {1.02, 1.04, 0.999, 1.001, VERSUS_SLOWER, 1 / 0.999 - 1},
        {0.96, 0.98, 0.999, 1.001, VERSUS_FASTER, 1 / 0.999 - 1},
        {0.99, 1.04, 0.999, 1.001, VERSUS_SAME, 1 / 0.999 - 1}, /* covers 1 */
        {1.02, 1.04, 0.97, 1.01, VERSUS_SAME, 1 / 0.97 - 1},    /* within the floor, on the other side of it */
        {1.02, 1.04, 1.01, 1.03, VERSUS_SAME, 0.03},            /* a control that is off is a floor too */
        {0.96, 0.98, 1.01, 1.03, VERSUS_SAME, 0.03},
        {1.04, 1.05, 1.01, 1.03, VERSUS_SLOWER, 0.03},
        {1, 1, 1, 1, VERSUS_SAME, 0},
        {1.0001, 1.0002, 1, 1, VERSUS_SLOWER, 0},
    };
    versus_options o = of_two();
    o.processes = SIMULATED;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        versus_process process[SIMULATED];
        for (size_t p = 0; p < SIMULATED; p++) {
            /* 20 at the level 0.99: from the 4th to the 17th. */
            const double part = p <= 3 ? 0 : p >= 16 ? 1 : 0.5;
            process[p] = (versus_process){.rounds = 10, .time_ns = {100, 200}};
            process[p].log_ratio[1] = log(cases[c].low) + part * log(cases[c].high / cases[c].low);
            process[p].log_ratio[0] = log(cases[c].aa_low) + part * log(cases[c].aa_high / cases[c].aa_low);
        }
        const versus_samples samples = {.process = process, .processes = SIMULATED};
        versus_result r;
        versus_judge(&o, &samples, &r);
        ck_assert_uint_eq(r.rank, 4);
        ck_assert_uint_eq(r.rounds, 10 * SIMULATED);
        ck_assert_double_eq_tol(r.of[1].ratio.low, cases[c].low, 1e-12);
        ck_assert_double_eq_tol(r.of[1].ratio.high, cases[c].high, 1e-12);
        ck_assert_double_eq_tol(r.of[0].ratio.low, cases[c].aa_low, 1e-12);
        ck_assert_double_eq_tol(r.noise_floor, cases[c].noise_floor, 1e-9);
        ck_assert_msg(r.of[1].verdict == cases[c].verdict, "case %zu: %s", c, versus_verdict_name(r.of[1].verdict));
        const double detectable = sqrt(cases[c].high / cases[c].low) * (1 + cases[c].noise_floor) - 1;
        ck_assert_double_eq_tol(r.of[1].detectable, detectable, 1e-9);
        ck_assert_double_eq_tol(r.of[1].time_ns.median, 200, 1e-9);
    }
}
END_TEST

/* A difference is called exactly where it is larger than what the same noise makes detectable. */
START_TEST(detectable_is_where_verdicts_begin) {
    random_state random;
    random_seed(&random, 3, RANDOM_TEST);
    versus_options o = of_two();
    for (int t = 0; t < 200; t++) {
        versus_process process[SIMULATED];
        simulate(&random, normal, 0.01, (const double[]){0, 0}, 2, process, SIMULATED);
        const versus_samples samples = {.process = process, .processes = SIMULATED};
        versus_result r;
        versus_judge(&o, &samples, &r);
        const double middle = log(sqrt(r.of[1].ratio.low * r.of[1].ratio.high));
        for (int more = 0; more < 2; more++) {
            const double moved = log1p(r.of[1].detectable) * (more ? 1.001 : 0.999) - middle;
            versus_process shifted[SIMULATED];
            memcpy(shifted, process, sizeof shifted);
            for (size_t p = 0; p < SIMULATED; p++) shifted[p].log_ratio[1] += moved;
            const versus_samples other = {.process = shifted, .processes = SIMULATED};
            versus_result again;
            versus_judge(&o, &other, &again);
            ck_assert_int_eq(again.of[1].verdict, more ? VERSUS_SLOWER : VERSUS_SAME);
        }
    }
}
END_TEST

/* What is the same is called different at most as often as the level allows, whatever the noise; also when many
 * are compared at once. */
START_TEST(false_verdicts_are_as_rare_as_promised) {
    enum { TRIALS = 1000 };
    static const char *const names[] = {"scalar", "scalar", "scalar", "scalar", "scalar", "scalar"};
    static const double truth[VERSUS_MOST] = {0};
    for (unsigned workloads = 2; workloads <= 6; workloads += 4) {
        versus_options o = of_scalars(names, workloads);
        random_state random;
        random_seed(&random, (uint64_t)(100 * _i) + workloads, RANDOM_TEST);
        int tables_called = 0;
        for (int t = 0; t < TRIALS; t++) {
            versus_process process[SIMULATED];
            simulate(&random, noises[_i], 0.01, truth, workloads, process, SIMULATED);
            const versus_samples samples = {.process = process, .processes = SIMULATED};
            versus_result r;
            versus_judge(&o, &samples, &r);
            bool called = false;
            for (unsigned w = 1; w < workloads; w++) called = called || r.of[w].verdict != VERSUS_SAME;
            tables_called += called;
        }
        const double allowed = TRIALS * 0.01;
        ck_assert_msg(tables_called <= allowed + 4.5 * sqrt(allowed), "%s, %u workloads: %d of %d tables",
                      noise_names[_i], workloads, tables_called, TRIALS);
    }
}
END_TEST

/* A true difference is within the interval as often as the level says, and found where it is large against the
 * noise. */
START_TEST(true_differences_are_covered_and_found) {
    enum { TRIALS = 1000 };
    const double truth[VERSUS_MOST] = {0, log(1.03)};
    versus_options o = of_two();
    random_state random;
    random_seed(&random, (uint64_t)(7 + _i), RANDOM_TEST);
    int covered = 0, found = 0;
    for (int t = 0; t < TRIALS; t++) {
        versus_process process[SIMULATED];
        simulate(&random, noises[_i], 0.001, truth, 2, process, SIMULATED);
        const versus_samples samples = {.process = process, .processes = SIMULATED};
        versus_result r;
        versus_judge(&o, &samples, &r);
        covered += r.of[1].ratio.low <= 1.03 && 1.03 <= r.of[1].ratio.high;
        found += r.of[1].verdict == VERSUS_SLOWER;
    }
    const double promised = stats_rank_coverage(SIMULATED, 4);
    ck_assert_msg(fabs((double)covered / TRIALS - promised) <= 4.5 * sqrt(promised * (1 - promised) / TRIALS),
                  "%s: covers %d of %d", noise_names[_i], covered, TRIALS);
    ck_assert_int_ge(found, TRIALS * 95 / 100);
}
END_TEST

START_TEST(levels_and_processes_follow_the_table) {
    static const char *const names[] = {"scalar", "scalar", "scalar", "scalar", "scalar", "scalar"};
    versus_options two = of_scalars(names, 2), six = of_scalars(names, 6);
    ck_assert_double_eq(versus_each_level(&two), 0.99);
    ck_assert_double_eq_tol(versus_each_level(&six), 0.998, 1e-12);
    ck_assert_uint_eq(versus_processes_needed(&two), 8);
    ck_assert_uint_eq(versus_processes_needed(&six), 10);
    six.processes = 9;
    versus_samples samples;
    error e = {""};
    ck_assert(!versus_measure(&six, NULL, &samples, &e));
    ck_assert_str_eq(e.text, "9 processes are too few for 5 comparisons at the level 0.99; at least 10 are needed");
}
END_TEST

/* ---- a worker ---------------------------------------------------------------------------------------------- */

START_TEST(a_worker_does_what_was_asked) {
    versus_options o = of_scalars((const char *const[]){"scalar", "scalar@50", "fc_f32_panel_1x8_scalar+3%"}, 3);
    o.rounds = VERSUS_LEAST_ROUNDS;
    o.ftz = _i != 0;
    o.cold_bytes = _i != 0 ? 4096 : 0;
    for (int alone = -1; alone < 3; alone++) {
        char *request = versus_request(&o, 4, alone, 60, 600), *report = NULL;
        ck_assert_ptr_nonnull(request);
        versus_process process;
        error e = {""};
        const ftz_mode before = clock_ftz();
        const bool ok = versus_work(request, &report, &e);
        const ftz_mode within = clock_ftz();
        clock_set_ftz(before == FTZ_ON);
        ck_assert_msg(ok, "%s", e.text);
        ck_assert_msg(versus_report(report, alone < 0 ? 3 : 1, &process, &e), "%s", e.text);
        ck_assert(!versus_report(report, alone < 0 ? 1 : 3, &process, NULL));
        ck_assert_uint_ge(process.rounds, VERSUS_LEAST_ROUNDS);
        ck_assert_int_eq(process.ftz, within);
        if (within != FTZ_UNKNOWN) ck_assert_int_eq(process.ftz, o.ftz ? FTZ_ON : FTZ_OFF);
        for (int w = 0; w < (alone < 0 ? 3 : 1); w++) {
            ck_assert_double_gt(process.time_ns[w], 0);
            ck_assert(isfinite(process.log_ratio[w]));
        }
        free(request);
        free(report);
    }
}
END_TEST

START_TEST(processes_have_seeds_of_their_own) {
    versus_options o = of_two();
    char *seen[3 * 5];
    size_t count = 0;
    for (size_t index = 0; index < 5; index++)
        for (int alone = -1; alone < 2; alone++) {
            char *request = versus_request(&o, index, alone, 1, 2), *same = versus_request(&o, index, alone, 1, 2);
            ck_assert_str_eq(request, same);
            free(same);
            const char *seed = strstr(request, "\"seed\":");
            ck_assert_ptr_nonnull(seed);
            seen[count] = strdup(seed);
            seen[count][strcspn(seen[count], ",}")] = '\0';
            for (size_t before = 0; before < count; before++) ck_assert_str_ne(seen[before], seen[count]);
            count++;
            free(request);
        }
    while (count > 0) free(seen[--count]);
}
END_TEST

START_TEST(damaged_requests_are_refused) {
    static const char *const requests[] = {
        "",
        "{}",
        "[1]",
        "{\"workloads\":[\"scalar\"]}",
        "{\"workloads\":[],\"out\":8,\"in\":16,\"m\":8,\"batch\":1,\"percent\":100,\"rounds\":9,\"budget_s\":1,"
        "\"limit_s\":9,\"seed\":1,\"cold_bytes\":0,\"ftz\":false}",
        "{\"workloads\":[\"scalar\"],\"out\":8,\"in\":16,\"m\":9,\"batch\":1,\"percent\":100,\"rounds\":9,"
        "\"budget_s\":1,\"limit_s\":9,\"seed\":1,\"cold_bytes\":0,\"ftz\":false}",
        "{\"workloads\":[7],\"out\":8,\"in\":16,\"m\":8,\"batch\":1,\"percent\":100,\"rounds\":9,\"budget_s\":1,"
        "\"limit_s\":9,\"seed\":1,\"cold_bytes\":0,\"ftz\":false}",
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        char *report = NULL;
        error e = {""};
        ck_assert(!versus_work(requests[i], &report, &e));
        ck_assert_str_ne(e.text, "");
        ck_assert_ptr_null(report);
    }
}
END_TEST

#define REPORT(ROUNDS, TIMES, RATIOS)                                                                           \
    "{\"seed\":5,\"rounds\":" ROUNDS ",\"discarded\":2,\"disturbed\":0,\"core_hz\":3e9,\"pinned\":true,\"ftz\"" \
    ":false,\"time_ns\":" TIMES ",\"log_ratio\":" RATIOS "}"

START_TEST(reports_are_read) {
    versus_process process;
    error e = {""};
    ck_assert_msg(versus_report(REPORT("3", "[100, 50.5]", "[[0, 0.3, -0.1], [0.2, 0.1, 9]]"), 2, &process, &e),
                  "%s", e.text);
    ck_assert_uint_eq(process.seed, 5);
    ck_assert_uint_eq(process.rounds, 3);
    ck_assert_uint_eq(process.discarded, 2);
    ck_assert_double_eq(process.core_hz, 3e9);
    ck_assert(process.pinned);
    ck_assert_int_eq(process.ftz, FTZ_OFF);
    ck_assert_double_eq(process.time_ns[1], 50.5);
    ck_assert_double_eq(process.log_ratio[0], 0);
    ck_assert_double_eq(process.log_ratio[1], 0.2);
}
END_TEST

START_TEST(damaged_reports_are_refused) {
    static const char *const reports[] = {
        "",
        "nothing",
        "{}",
        REPORT("3", "[100]", "[[0, 0, 0], [0, 0, 0]]"),
        REPORT("3", "[100, 50]", "[[0, 0, 0]]"),
        REPORT("3", "[100, 50]", "[[0, 0, 0], [0, 0]]"),
        REPORT("3", "[100, 50]", "[[0, 0, 0], [0, 0, \"x\"]]"),
        REPORT("3", "[100, -1]", "[[0, 0, 0], [0, 0, 0]]"),
        REPORT("0", "[100, 50]", "[[], []]"),
        "{\"seed\":5,\"rounds\":1,\"discarded\":0,\"disturbed\":2,\"core_hz\":0,\"pinned\":true,\"ftz\":null,"
        "\"time_ns\":[9,9],\"log_ratio\":[[0],[0]]}",
        REPORT("3", "[100, 50]", "[[0, 0, 0], [0, 0, 0]") /* cut off */,
    };
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        versus_process process = {.rounds = 77};
        error e = {""};
        ck_assert_msg(!versus_report(reports[i], 2, &process, &e), "%s", reports[i]);
        ck_assert_ptr_nonnull(strstr(e.text, "its report is damaged"));
        ck_assert_uint_eq(process.rounds, 77);
    }
}
END_TEST

/* ---- a whole run, with a script in the worker's place ----------------------------------------------------------
 */

static char folder[32], script[64], counter[64], records[64];

static void make_folder(void) {
    strcpy(folder, "/tmp/idp-versus-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(script, sizeof script, "%s/worker", folder);
    snprintf(counter, sizeof counter, "%s/count", folder);
    snprintf(records, sizeof records, "%s/records.json", folder);
}

static void remove_folder(void) {
    unlink(script);
    unlink(counter);
    unlink(records);
    rmdir(folder);
}

/* A worker of these lines of shell: $2 is "--worker", $3 the request; $n counts the processes from 1. */
static void write_script(const char *lines) {
    FILE *file = fopen(script, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "#!/bin/sh\n[ \"$1 $2\" = 'versus --worker' ] || exit 9\necho >>'%s'\nn=$(($(wc -l <'%s')))\n%s\n",
            counter, counter, lines);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(script, 0700), 0);
}

#define GOOD "echo '" REPORT("3", "[100, 50]", "[[0, 0, 0], [-0.7, -0.7, -0.6]]") "'"

static bool measure(versus_options *o, const char *lines, versus_samples *samples, error *e) {
    write_script(lines);
    o->program = script;
    return versus_measure(o, NULL, samples, e);
}

START_TEST(processes_make_a_record) {
    versus_options o = of_two();
    versus_samples samples;
    versus_result result;
    error e = {""};
    ck_assert_msg(measure(&o, GOOD, &samples, &e), "%s", e.text);
    ck_assert_uint_eq(samples.processes, 20);
    versus_judge(&o, &samples, &result);
    ck_assert_int_eq(result.of[1].verdict, VERSUS_FASTER);
    results r;
    ck_assert(results_new(&r, "idp versus", 1, &e));
    results_add(&r, versus_record(&o, &samples, &result, 1));
    ck_assert_msg(results_write(&r, records, &e), "%s", e.text);
    results_free(&r);
    versus_free(&samples);

    ck_assert_msg(results_read(&r, records, &e), "%s", e.text); /* every field that SCHEMA.md names, and its type */
    const json_t *one = json_array_get(r.records, 0);
    ck_assert_str_eq(json_string_value(json_object_get(one, "kind")), "versus");
    ck_assert_str_eq(json_string_value(json_object_get(one, "a")), "fc_f32_row_4x1_scalar");
    ck_assert_str_eq(json_string_value(json_object_get(one, "b")), "fc_f32_row_4x1_scalar@50");
    ck_assert_str_eq(json_string_value(json_object_get(one, "verdict")), "faster");
    const struct {
        const char *field;
        double value;
    } numbers[] = {{"ratio", exp(-0.7)}, {"low", exp(-0.7)}, {"high", exp(-0.7)}, {"rounds", 60},
                   {"discarded", 40},    {"processes", 20},  {"level", 0.99},     {"rank", 4},
                   {"detectable", 0},    {"out", 8},         {"in", 16},          {"k", 8},
                   {"a_k", 16},          {"percent", 50},    {"a_percent", 100},  {"batch", 1}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        ck_assert_msg(fabs(json_number_value(json_object_get(one, numbers[i].field)) - numbers[i].value) < 1e-5,
                      "field '%s'", numbers[i].field);
    ck_assert(json_is_true(json_object_get(one, "warm")));
    ck_assert(json_is_false(json_object_get(one, "ftz")));
    ck_assert_uint_eq(json_array_size(json_object_get(one, "estimates")), 20);
    ck_assert_ptr_null(json_object_get(one, "unpaired"));
    json_t *last = json_array_get(json_object_get(one, "estimates"), 19);
    json_object_del(last, "seed");
    ck_assert(!results_write(&r, records, &e)); /* the reader looks at every process */
    ck_assert_msg(strstr(e.text, "estimates[19], has no field 'seed'") != NULL, "%s", e.text);
    results_free(&r);
}
END_TEST

START_TEST(unpaired_measures_one_after_the_other) {
    versus_options o = of_two();
    o.unpaired = true;
    versus_samples samples;
    versus_result result;
    error e = {""};
    /* The machine gets slower all the time: paired does not see it, unpaired does. */
    ck_assert_msg(measure(&o,
                          "t=$((100 + n))\n"
                          "case $3 in *'\"fc_f32_row_4x1_scalar\",\"fc_f32_row_4x1_scalar@50\"'*)\n"
                          "echo '" REPORT("1", "['$t', '$t']",
                                          "[[0], [0]]") "' ;;\n"
                                                        "*) echo '" REPORT("1", "['$t']", "[[0]]") "' ;; esac",
                          &samples, &e),
                  "%s", e.text);
    versus_judge(&o, &samples, &result);
    ck_assert_int_eq(result.of[1].verdict, VERSUS_SAME);
    ck_assert_double_eq(result.of[1].ratio.median, 1);
    ck_assert_double_eq(samples.alone[0][0].time_ns[0], 121);
    ck_assert_double_eq(samples.alone[1][19].time_ns[0], 160);
    ck_assert_double_gt(result.of[1].unpaired.low, 1.1);
    json_t *record = versus_record(&o, &samples, &result, 1);
    ck_assert(json_is_object(json_object_get(record, "unpaired")));
    json_decref(record);
    versus_free(&samples);
}
END_TEST

START_TEST(a_worker_that_fails_ends_the_run) {
    static const struct {
        const char *lines, *says;
    } cases[] = {
        {"if [ $n = 3 ]; then kill -SEGV $$; fi\n" GOOD, "process 3 of 20: died of signal 11"},
        {"echo 'idp versus: no memory' >&2; exit 2", "process 1 of 20: ended with status 2: idp versus: no memory"},
        {"echo something else", "process 1 of 20: its report is damaged"},
        {"true", "process 1 of 20: its report is damaged"},
        {"if [ $n = 12 ]; then echo '{}'; else " GOOD "; fi", "process 12 of 20: its report is damaged"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        versus_options o = of_two();
        versus_samples samples;
        error e = {""};
        unlink(counter);
        ck_assert(!measure(&o, cases[i].lines, &samples, &e));
        ck_assert_msg(strstr(e.text, cases[i].says) != NULL, "'%s' lacks '%s'", e.text, cases[i].says);
    }
}
END_TEST

START_TEST(time_runs_out) {
    versus_options o = of_two();
    versus_samples samples;
    error e = {""};
    o.limit_s = 1;
    ck_assert(!measure(&o, "if [ $n -gt 3 ]; then sleep 600; fi\n" GOOD, &samples, &e));
    ck_assert_msg(strstr(e.text, " of 20 processes ended within 1 s, and 8 are needed: raise --time-limit") != NULL,
                  "%s", e.text);
    /* What is enough stands. */
    o.limit_s = 5;
    unlink(counter);
    ck_assert_msg(measure(&o, "if [ $n -gt 9 ]; then sleep 600; fi\n" GOOD, &samples, &e), "%s", e.text);
    ck_assert(samples.processes == 8 || samples.processes == 9); /* 8 on a machine that is busy indeed */
    versus_result result;
    versus_judge(&o, &samples, &result);
    ck_assert_uint_eq(result.rank, 1);
    versus_free(&samples);
}
END_TEST

/* ---- trying the measurement --------------------------------------------------------------------------------- */

static void count_try(void *context, const versus_options *o, const versus_samples *samples,
                      const versus_result *result) {
    (void)result;
    ck_assert_uint_eq(o->workloads, 2);
    ck_assert_uint_eq(samples->processes, 8);
    ++*(size_t *)context;
}

/* A worker that tells what was planted is trusted; one that never sees a difference, or always, is found out. */
START_TEST(trying_finds_bad_measurements) {
#define TIMES_OF(RATIO) "echo '" REPORT("1", "[100, 100]", "[[0], [" RATIO "]]") "'"
    static const struct {
        const char *lines;
        size_t called, found;
    } cases[] = {
        {"case $3 in *+3%*) " TIMES_OF("0.03") " ;; *) " TIMES_OF("0") " ;; esac", 0, 2},
        {TIMES_OF("0"), 0, 0},
        {TIMES_OF("0.03"), 10, 2},
        {TIMES_OF("-0.03"), 10, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        versus_options o = of_scalars((const char *const[]){"scalar@50"}, 1);
        versus_trust trust;
        size_t told = 0;
        error e = {""};
        o.processes = 8;
        o.program = script;
        unlink(counter);
        write_script(cases[i].lines);
        ck_assert_msg(versus_try(&o, 10, 3, NULL, count_try, &told, &trust, &e), "%s", e.text);
        ck_assert_uint_eq(trust.same, 10);
        ck_assert_uint_eq(trust.planted, 2);
        ck_assert_uint_eq(trust.called, cases[i].called);
        ck_assert_uint_eq(trust.found, cases[i].found);
        ck_assert_uint_eq(told, 12);
    }
}
END_TEST

/* ---- the command -------------------------------------------------------------------------------------------- */

START_TEST(wrong_words_are_refused) {
    static const struct {
        const char *words[8], *says;
    } cases[] = {
        {{"scalar"}, "name two or more to compare"},
        {{"scalar", "nothing"}, "there is no kernel and no back end 'nothing'"},
        {{"scalar", "scalar", "--shape", "10x10,20x20"}, "one layer at a time"},
        {{"scalar", "scalar", "--shape", "0x10"}, "--shape '0x10'"},
        {{"scalar", "scalar", "--m", "101"}, "--m 101 is more than the layer's 100 outputs"},
        {{"scalar", "scalar", "--m", "1.5"}, "--m 1.5 is not a whole number"},
        {{"scalar", "scalar", "--layout", "column"}, "--layout 'column': it is panel, batch, row or sample"},
        {{"scalar", "scalar", "--level", "1"}, "--level 1 is outside"},
        {{"scalar", "scalar", "--processes", "7"}, "7 processes are too few for 1 comparison at the level 0.99"},
        {{"scalar", "scalar", "--rounds", "7"}, "--rounds 7 is outside"},
        {{"scalar", "scalar", "--require-isa", "mmx"}, "there is no back end 'mmx'"},
        {{"scalar", "scalar", "--json", "/nonexistent/folder/file"}, "/nonexistent/folder"},
        {{"scalar", "scalar", "--wrong"}, "there is no option '--wrong'"},
        {{"scalar", "scalar", "--self-test"}, "the self-test takes one name"},
        {{"--worker", "{}"}, "not a worker's request"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *argv[16] = {"versus"};
        int argc = 1;
        for (size_t w = 0; w < 8 && cases[i].words[w] != NULL; w++) argv[argc++] = (char *)cases[i].words[w];
        error e = {""};
        ck_assert_int_eq(cmd_versus(argc, argv, &e), EXIT_ERROR);
        ck_assert_msg(strstr(e.text, cases[i].says) != NULL, "'%s' lacks '%s'", e.text, cases[i].says);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("versus");
    TCase *verdicts = tcase_create("verdicts"), *worker = tcase_create("worker"), *runs = tcase_create("runs"),
          *words = tcase_create("command");
    tcase_set_timeout(verdicts, 120);
    tcase_add_test(verdicts, verdicts_need_more_than_the_noise);
    tcase_add_test(verdicts, detectable_is_where_verdicts_begin);
    tcase_add_loop_test(verdicts, false_verdicts_are_as_rare_as_promised, 0, NOISES);
    tcase_add_loop_test(verdicts, true_differences_are_covered_and_found, 0, NOISES - 1); /* modes: as far as 1 % */
    tcase_add_test(verdicts, levels_and_processes_follow_the_table);
    tcase_set_timeout(worker, 120);
    tcase_add_loop_test(worker, a_worker_does_what_was_asked, 0, 2);
    tcase_add_test(worker, processes_have_seeds_of_their_own);
    tcase_add_test(worker, damaged_requests_are_refused);
    tcase_add_test(worker, reports_are_read);
    tcase_add_test(worker, damaged_reports_are_refused);
    tcase_set_timeout(runs, 120);
    tcase_add_checked_fixture(runs, make_folder, remove_folder);
    tcase_add_test(runs, processes_make_a_record);
    tcase_add_test(runs, unpaired_measures_one_after_the_other);
    tcase_add_test(runs, a_worker_that_fails_ends_the_run);
    tcase_add_test(runs, time_runs_out);
    tcase_add_test(runs, trying_finds_bad_measurements);
    tcase_add_test(words, wrong_words_are_refused);
    suite_add_tcase(suite, verdicts);
    suite_add_tcase(suite, worker);
    suite_add_tcase(suite, runs);
    suite_add_tcase(suite, words);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
