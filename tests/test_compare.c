/* test_compare.c: a comparison calls better and worse what is, and nothing else: not noise, not other machines, not
 * other data. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../harness/commands.h"
#include "../harness/compare/compare.h"
#include "../harness/compare/noise.h"
#include "../harness/model/random.h"
#include "../harness/results/results.h"

#include <check.h> /* last: it makes a macro of the name `fail` */

enum { IMAGES = 10000 };

/* ---- documents ------------------------------------------------------------------------------------------------
 */

static json_t *pack(json_t *value) {
    ck_assert_ptr_nonnull(value);
    return value;
}

/* Without records. */
static json_t *document(void) {
    return pack(
        json_pack("{s:s, s:{s:s, s:s, s:[s], s:i, s:[{s:i, s:s, s:i}], s:n, s:s, s:I}, s:{s:s, s:s, s:s, s:s, s:b},"
                  " s:{s:s, s:i, s:s, s:f, s:{s:s, s:b, s:s, s:i, s:i}}, s:[]}",
                  "schema", RESULTS_SCHEMA, "machine", "cpu", "A CPU", "architecture", "x86-64", "features",
                  "avx2+fma", "cores", 2, "caches", "level", 1, "type", "data", "bytes", 49152, "hypervisor",
                  "system", "Linux 6.1", "memory_bytes", (json_int_t)8 << 30, "build", "version", "0.1.0", "commit",
                  "0123abc", "compiler", "gcc", "flags", "Release", "sanitized", 0, "run", "command", "idp bench",
                  "seed", 7, "time", "2025-01-02T03:04:05Z", "seconds", 12.5, "data", "name", "mnist", "synthetic",
                  0, "sha256", "00", "train", 60000, "test", IMAGES, "records"));
}

static void add(json_t *whole, json_t *record) {
    ck_assert_int_eq(json_array_append_new(json_object_get(whole, "records"), pack(record)), 0);
}

static json_t *interval_json(double median, double low, double high) {
    return pack(json_pack("{s:f, s:f, s:f}", "median", median, "low", low, "high", high));
}

/* The range of `repetitions` is `spread` wide, as a share of the median. */
static json_t *bench(int k, double median, double spread, int repetitions) {
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:i, s:i, s:o, s:f, s:i}", "kind", "bench", "kernel",
                     "fc_f32_row_1x8_avx2", "backend", "avx2", "out", 100, "in", 784, "batch", 1, "percent", 50.0,
                     "m", 100, "k", k, "time_ns",
                     interval_json(median, median * (1 - spread / 2), median * (1 + spread / 2)), "gflops", 1.5,
                     "repetitions", repetitions);
}

static json_t *sweep(double percent, double from, double to, double accuracy, double one_ns, double aa_high) {
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:[f,f], s:f, s:i, s:i, s:f, s:i, s:i, s:s, s:{s:o}, s:{s:o}, s:f}",
                     "kind", "sweep", "model", "authors linear 0-30,30-100", "recipe", "authors", "gamma", "linear",
                     "profile", from > 0, "range_percent", from, to, "percent", percent, "k", (int)percent, "seed",
                     1, "accuracy_percent", accuracy, "nominal_flops", 1000, "useful_flops", 900, "backend", "avx2",
                     "latency_ns", "batch_1", interval_json(one_ns, one_ns * 0.999, one_ns * 1.001), "aa_ratio",
                     "batch_1", interval_json(1, 1, aa_high), "level", 0.99);
}

static json_t *verify(const char *status) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:f}", "kind", "verify", "kernel", "fc_f32_row_1x8_avx2",
                     "backend", "avx2", "status", status, "reason", "", "cases", 1234, "seed", 1,
                     "worst_error_over_bound", 0.5);
}

static json_t *flops(int instructions, const char *isa) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:i, s:i, s:i, s:i, s:i, s:s}", "kind", "flops",
                     "status", "counted", "reason", "", "kernel", "fc_f32_row_1x8_avx2", "backend", "avx2", "out",
                     100, "in", 784, "batch", 1, "percent", 50.0, "m", 100, "k", 392, "instructions", instructions,
                     "nominal_flops", 78400, "issued_flops", 80000, "executed_isa", isa);
}

/* With `processes` estimates around the ratio, `spread` wide from the first to the last. */
static json_t *versus(double ratio, double spread, int processes) {
    json_t *estimates = json_array();
    for (int p = 0; p < processes; p++)
        json_array_append_new(estimates, pack(json_pack("{s:i, s:f}", "process", p, "ratio",
                                                        ratio * (1 + spread * ((p + 0.5) / processes - 0.5)))));
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:s, s:i, s:i, s:i, s:f, s:i, s:i, s:b, s:o, s:o}", "kind",
                     "versus", "a", "scalar", "b", "avx2", "ratio", ratio, "low", ratio * (1 - 2 * spread), "high",
                     ratio * (1 + 2 * spread), "verdict", "faster", "rounds", 800, "discarded", 4, "processes",
                     processes, "level", 0.99, "out", 100, "in", 784, "warm", 1, "aa_ratio",
                     interval_json(1, 0.999, 1.001), "estimates", estimates);
}

/* ---- two documents and their comparison ------------------------------------------------------------------------
 */

static json_t *before, *after;
static comparison c;
static compare_options options;

static void set_up(void) {
    before = document();
    after = document();
    c = (comparison){0};
    options = compare_defaults();
}

static void tear_down(void) {
    compare_free(&c);
    json_decref(before);
    json_decref(after);
}

static void compare(void) {
    error e = {""};
    compare_free(&c);
    ck_assert_msg(compare_documents(before, after, &options, &c, &e), "%s", e.text);
    size_t rows = 0;
    for (int v = 0; v < COMPARE_VERDICTS; v++) rows += c.count[v];
    ck_assert_uint_eq(rows, c.rows);
}

static const compare_row *row_of(const char *end) {
    for (size_t r = 0; r < c.rows; r++) {
        const size_t length = strlen(c.row[r].name);
        if (length >= strlen(end) && strcmp(c.row[r].name + length - strlen(end), end) == 0) return &c.row[r];
    }
    ck_abort_msg("no row ends with '%s'", end);
    return NULL;
}

static void expect(const char *end, compare_verdict verdict) {
    const compare_row *row = row_of(end);
    ck_assert_msg(row->verdict == verdict, "%s: %s, expected %s", row->name, compare_verdict_name(row->verdict),
                  compare_verdict_name(verdict));
}

static bool warned(const char *words) {
    for (unsigned w = 0; w < c.warnings; w++)
        if (strstr(c.warning[w], words) != NULL) return true;
    return false;
}

/* One bench record on either side. */
static compare_verdict benches(json_t *left, json_t *right) {
    tear_down();
    const compare_options kept = options;
    set_up();
    options = kept;
    add(before, left);
    add(after, right);
    compare();
    ck_assert_uint_eq(c.rows, 1);
    return c.row[0].verdict;
}

/* ---- noise -----------------------------------------------------------------------------------------------------
 */

START_TEST(deviations_are_the_normal_distributions) {
    /* Abramowitz and Stegun, table 26.5 and later. */
    ck_assert_double_eq_tol(noise_deviations(0.05), 1.959963985, 1e-8);
    ck_assert_double_eq_tol(noise_deviations(0.01), 2.575829304, 1e-8);
    ck_assert_double_eq_tol(noise_deviations(1e-6), 4.891638476, 1e-8);
    ck_assert_double_eq_tol(noise_deviations(1), 0, 1e-8);
}
END_TEST

START_TEST(wider_intervals_grow_as_deviations_do) {
    const interval i = {100, 98, 103};
    interval same = noise_widen(i, 0.01, 0.05);
    ck_assert(same.low == 98 && same.high == 103); /* never narrower */
    same = noise_widen(i, 0.01, 1e-6);
    const double factor = 4.891638476 / 2.575829304;
    ck_assert_double_eq_tol(log(same.low / 100), factor * log(0.98), 1e-8);
    ck_assert_double_eq_tol(log(same.high / 100), factor * log(1.03), 1e-8);
    ck_assert_double_eq(same.median, 100);
}
END_TEST

START_TEST(draws_give_order_statistics_while_they_last) {
    double draws[20], again[20];
    for (int d = 0; d < 20; d++) draws[d] = again[d] = 120 - d;
    interval exact, i = noise_of_draws(draws, 20, 0.01);
    stats_sort(again, 20);
    ck_assert(stats_median_interval(again, 20, 0.99, &exact));
    ck_assert(i.low == exact.low && i.high == exact.high && i.median == exact.median);
    ck_assert_double_gt(i.low, 101); /* not the whole range */
    i = noise_of_draws(draws, 3, 0.01);
    ck_assert(i.low < draws[0] && i.high > draws[2]); /* three draws never reach 99 % */
}
END_TEST

/* P(Binomial(n, p) >= x) term by term. */
static double tail(size_t x, size_t n, double p) {
    double sum = 0;
    for (size_t i = x; i <= n; i++)
        sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) - lgamma((double)(n - i) + 1) +
                   (double)i * log(p) + (double)(n - i) * log1p(-p));
    return sum;
}

START_TEST(shares_have_exact_intervals) {
    interval i = noise_of_share(0, 10, 0.05);
    ck_assert_double_eq(i.low, 0);
    ck_assert_double_eq_tol(i.high, 1 - pow(0.025, 0.1), 1e-12);
    i = noise_of_share(10, 10, 0.05);
    ck_assert_double_eq_tol(i.low, pow(0.025, 0.1), 1e-12);
    ck_assert_double_eq(i.high, 1);
    static const size_t cases[][2] = {{5, 10}, {1, 1000}, {9780, 10000}, {9999, 10000}, {300, 10000}};
    static const double misses[] = {0.05, 1e-6};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        for (size_t m = 0; m < 2; m++) {
            const size_t x = cases[k][0], n = cases[k][1];
            i = noise_of_share(x, n, misses[m]);
            ck_assert_double_eq_tol(tail(x, n, i.low) / (misses[m] / 2), 1, 1e-6);
            ck_assert_double_eq_tol(tail(n - x, n, 1 - i.high) / (misses[m] / 2), 1, 1e-6);
        }
}
END_TEST

/* ---- times ------------------------------------------------------------------------------------------------------
 */

START_TEST(a_slower_kernel_is_worse_and_a_faster_one_better) {
    ck_assert_int_eq(benches(bench(392, 1000, 0.01, 9), bench(392, 1200, 0.01, 9)), COMPARE_WORSE);
    ck_assert_double_eq_tol(c.row[0].change.median, 1.2, 1e-12);
    ck_assert(c.row[0].change.low > 1.15 && c.row[0].change.high < 1.25);
    ck_assert_int_eq(benches(bench(392, 1200, 0.01, 9), bench(392, 1000, 0.01, 9)), COMPARE_BETTER);
    ck_assert_int_eq(benches(bench(392, 1000, 0.01, 9), bench(392, 1000, 0.01, 9)), COMPARE_SAME);
}
END_TEST

START_TEST(both_the_intervals_and_the_threshold_decide) {
    /* Apart, but by 3 %. */
    ck_assert_int_eq(benches(bench(392, 1000, 0.002, 9), bench(392, 1030, 0.002, 9)), COMPARE_SAME);
    options.threshold_percent = 2;
    ck_assert_int_eq(benches(bench(392, 1000, 0.002, 9), bench(392, 1030, 0.002, 9)), COMPARE_WORSE);
    ck_assert_int_eq(benches(bench(392, 1030, 0.002, 9), bench(392, 1000, 0.002, 9)), COMPARE_BETTER);
    /* By 20 %, but within noise. */
    ck_assert_int_eq(benches(bench(392, 1000, 0.3, 9), bench(392, 1200, 0.3, 9)), COMPARE_SAME);
    /* The same medians and ranges: of 3 repetitions they say less than of 9. */
    ck_assert_int_eq(benches(bench(392, 1000, 0.07, 9), bench(392, 1100, 0.07, 9)), COMPARE_WORSE);
    ck_assert_int_eq(benches(bench(392, 1000, 0.07, 3), bench(392, 1100, 0.07, 3)), COMPARE_SAME);
}
END_TEST

START_TEST(one_repetition_says_nothing) {
    ck_assert_int_eq(benches(bench(392, 1000, 0, 1), bench(392, 2000, 0, 1)), COMPARE_NOT_COMPARED);
    ck_assert_ptr_nonnull(strstr(c.row[0].reason, "single repetition"));
}
END_TEST

START_TEST(more_comparisons_need_more_evidence) {
    const json_t *left = bench(392, 1000, 0.05, 9), *right = bench(392, 1070, 0.05, 9);
    ck_assert_int_eq(benches(json_deep_copy(left), json_deep_copy(right)), COMPARE_WORSE);
    json_decref((json_t *)(uintptr_t)left);
    for (int k = 0; k < 391; k++) {
        add(before, bench(k, 1000, 0.05, 9));
        add(after, bench(k, 1000, 0.05, 9));
    }
    compare();
    ck_assert_uint_eq(c.tests, 392);
    ck_assert_double_eq_tol(c.miss, 0.01 / 392, 1e-9);
    expect("k:392/batch:1: time", COMPARE_SAME);
    options.only = "k:392/"; /* and alone it is called again */
    compare();
    expect("k:392/batch:1: time", COMPARE_WORSE);
    json_decref((json_t *)(uintptr_t)right);
}
END_TEST

/* Repetitions that agree by chance are not taken at their word. */
START_TEST(a_narrow_range_among_wide_ones_is_chance) {
    for (int k = 1; k <= 20; k++) {
        add(before, bench(k, 1000, 0.2, 3));
        add(after, bench(k, 1000, 0.2, 3));
    }
    add(before, bench(392, 1000, 0.001, 3));
    add(after, bench(392, 1100, 0.001, 3));
    compare();
    expect("k:392/batch:1: time", COMPARE_SAME);
    options.only = "k:392/";
    compare();
    expect("k:392/batch:1: time", COMPARE_WORSE); /* nothing tells of the others */
}
END_TEST

START_TEST(the_control_of_the_run_widens_its_times) {
    add(before, sweep(100, 30, 100, 97, 1000, 1.001));
    add(after, sweep(100, 30, 100, 97, 1100, 1.001));
    compare();
    expect("time of 1 sample", COMPARE_WORSE);
    json_array_clear(json_object_get(after, "records"));
    add(after, sweep(100, 30, 100, 97, 1100, 1.12)); /* the same code differed from itself by more */
    compare();
    expect("time of 1 sample", COMPARE_SAME);
}
END_TEST

START_TEST(processes_are_the_draws_of_a_ratio) {
    options.threshold_percent = 1;
    add(before, versus(0.100, 0.01, 20));
    add(after, versus(0.103, 0.01, 20));
    compare();
    expect("over the first", COMPARE_WORSE);
    options.threshold_percent = 5;
    compare();
    expect("over the first", COMPARE_SAME);
    options.threshold_percent = 1;
    json_object_del(json_array_get(json_object_get(before, "records"), 0), "estimates");
    json_object_del(json_array_get(json_object_get(after, "records"), 0), "estimates");
    compare(); /* only the recorded intervals, which are wider here */
    expect("over the first", COMPARE_SAME);
}
END_TEST

/* 300 documents of 30 kernels, measured twice without any change: 5 repetitions with 2 % of normal noise. */
START_TEST(noise_alone_is_not_called_a_difference) {
    enum { DOCUMENTS = 300, KERNELS = 30, REPETITIONS = 5 };
    random_state random;
    random_seed(&random, 11, RANDOM_TEST);
    options.threshold_percent = 0;
    int called = 0;
    for (int d = 0; d < DOCUMENTS; d++) {
        json_t *const sides[2] = {before, after};
        for (int side = 0; side < 2; side++) {
            json_array_clear(json_object_get(sides[side], "records"));
            for (int k = 0; k < KERNELS; k++) {
                double ns[REPETITIONS];
                for (int r = 0; r < REPETITIONS; r++) ns[r] = 1000 * exp(0.02 * random_normal(&random));
                stats_sort(ns, REPETITIONS);
                json_t *record = pack(bench(k, ns[REPETITIONS / 2], 0, REPETITIONS));
                json_object_set_new(record, "time_ns",
                                    interval_json(ns[REPETITIONS / 2], ns[0], ns[REPETITIONS - 1]));
                add(sides[side], record);
            }
        }
        compare();
        called += c.count[COMPARE_WORSE] + c.count[COMPARE_BETTER] > 0;
    }
    ck_assert_int_le(called, 3); /* 1 % of the documents at the level 0.99 */
}
END_TEST

START_TEST(times_that_other_work_shared_are_not_compared) {
    json_t *shared = pack(bench(392, 2000, 0.01, 9)), *alone = pack(bench(392, 1000, 0.01, 9));
    json_object_set_new(shared, "cpu_ns", json_real(1000));
    json_object_set_new(alone, "cpu_ns", json_real(990));
    ck_assert_int_eq(benches(alone, json_incref(shared)), COMPARE_NOT_COMPARED);
    ck_assert_ptr_nonnull(strstr(c.row[0].reason, "in the run after"));
    json_object_set_new(shared, "cpu_ns", json_real(1990));
    ck_assert_int_eq(benches(bench(392, 1000, 0.01, 9), shared), COMPARE_WORSE);

    json_t *busy = pack(sweep(30, 0, 30, 96, 2000, 1));
    json_object_set_new(busy, "rounds", pack(json_pack("{s:i}", "batch_1", 40)));
    json_object_set_new(busy, "disturbed", pack(json_pack("{s:i}", "batch_1", 21)));
    tear_down();
    set_up();
    add(before, busy);
    add(after, sweep(30, 0, 30, 96, 1000, 1));
    compare();
    expect("time of 1 sample", COMPARE_NOT_COMPARED);
    expect("accuracy", COMPARE_SAME);
    json_object_set_new(busy, "disturbed", pack(json_pack("{s:i}", "batch_1", 20)));
    json_object_set_new(before, "environment", pack(json_pack("{s:f}", "waited_percent", 12.0)));
    compare();
    expect("time of 1 sample", COMPARE_BETTER);
    ck_assert(warned("BEFORE waited for a processor during 12 %"));
}
END_TEST

/* ---- the other measures
 * ------------------------------------------------------------------------------------------ */

START_TEST(accuracy_is_a_share_of_the_test_images) {
    add(before, sweep(30, 0, 30, 96.0, 1000, 1));
    add(after, sweep(30, 0, 30, 95.5, 1000, 1));
    compare();
    expect("percent:30/seed:1: accuracy",
           COMPARE_SAME); /* 50 of 10,000: two standard deviations of their difference */
    json_object_set_new(json_array_get(json_object_get(after, "records"), 0), "accuracy_percent", json_real(94.0));
    compare();
    expect("percent:30/seed:1: accuracy", COMPARE_WORSE);
    const compare_row *row = row_of("accuracy");
    ck_assert_double_eq_tol(row->change.median, -2, 1e-9);
    ck_assert(row->change.low < -2 && row->change.high < 0);
}
END_TEST

START_TEST(accuracy_on_other_images_is_not_compared) {
    add(before, sweep(30, 0, 30, 96, 1000, 1));
    add(after, sweep(30, 0, 30, 50, 1000, 1));
    json_object_set_new(json_object_get(json_object_get(after, "run"), "data"), "sha256", json_string("11"));
    compare();
    expect("accuracy", COMPARE_NOT_COMPARED);
    expect("time of 1 sample", COMPARE_SAME); /* times do not depend on the data */
    ck_assert(warned("data sets differ"));
}
END_TEST

START_TEST(accuracy_outside_the_own_part_is_chance) {
    add(before, sweep(20, 30, 100, 60, 1000, 1));
    add(after, sweep(20, 30, 100, 40, 1000, 1));
    compare();
    expect("accuracy", COMPARE_NOT_COMPARED);
    ck_assert_ptr_nonnull(strstr(row_of("accuracy")->reason, "own part"));
}
END_TEST

START_TEST(counts_are_exact) {
    add(before, flops(1000, "avx2+fma"));
    add(after, flops(1000, "avx2+fma"));
    compare();
    ck_assert_uint_eq(c.count[COMPARE_SAME], 3);
    ck_assert_uint_eq(c.tests, 0);
    json_array_clear(json_object_get(after, "records"));
    add(after, flops(1010, "scalar-sse"));
    compare();
    expect(": instructions", COMPARE_CHANGED); /* by less than the threshold */
    expect(": executed ISA", COMPARE_CHANGED);
    json_array_clear(json_object_get(after, "records"));
    add(after, flops(1100, "avx2+fma"));
    compare();
    expect(": instructions", COMPARE_WORSE);
}
END_TEST

START_TEST(verification_is_judged_by_what_is_lost) {
    static const struct {
        const char *before, *after;
        compare_verdict verdict;
    } cases[] = {{"passed", "passed", COMPARE_SAME},    {"passed", "failed", COMPARE_WORSE},
                 {"skipped", "failed", COMPARE_WORSE},  {"passed", "skipped", COMPARE_WORSE},
                 {"failed", "passed", COMPARE_BETTER},  {"skipped", "passed", COMPARE_BETTER},
                 {"failed", "skipped", COMPARE_CHANGED}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        json_array_clear(json_object_get(before, "records"));
        json_array_clear(json_object_get(after, "records"));
        add(before, verify(cases[k].before));
        add(after, verify(cases[k].after));
        compare();
        expect("verification", cases[k].verdict);
    }
}
END_TEST

/* ---- matching
 * ----------------------------------------------------------------------------------------------------- */

START_TEST(records_of_one_side_are_told) {
    add(before, bench(10, 1000, 0.01, 9));
    add(before, bench(20, 1000, 0.01, 9));
    add(after, bench(20, 1000, 0.01, 9));
    add(after, bench(30, 1000, 0.01, 9));
    add(after, json_pack("{s:s, s:i}", "kind", "of_a_later_version", "figure", 1));
    compare();
    ck_assert_uint_eq(c.rows, 3);
    expect("k:10/batch:1: time", COMPARE_ONLY_BEFORE);
    expect("k:20/batch:1: time", COMPARE_SAME);
    expect("k:30/batch:1: time", COMPARE_ONLY_AFTER);
    ck_assert_str_eq(c.row[0].name, "bench fc_f32_row_1x8_avx2/avx2/out:100/in:784/m:100/k:10/batch:1: time");
    ck_assert(c.row[0].before.present && !c.row[0].after.present);
}
END_TEST

START_TEST(records_of_the_same_name_are_matched_in_order) {
    for (int n = 0; n < 3; n++) {
        add(before, bench(10, 1000 * (n + 1), 0.01, 9));
        if (n < 2) add(after, bench(10, 1000 * (n + 1), 0.01, 9));
    }
    compare();
    ck_assert_uint_eq(c.count[COMPARE_SAME], 2);
    ck_assert_uint_eq(c.count[COMPARE_ONLY_BEFORE], 1);
    ck_assert_double_eq(c.row[2].before.figure.median, 3000);
}
END_TEST

START_TEST(nothing_in_common_is_not_comparable) {
    error e = {""};
    add(before, bench(10, 1000, 0.01, 9));
    add(after, bench(20, 1000, 0.01, 9));
    compare();
    ck_assert(!compare_comparable(&c, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "no figure in common"));
}
END_TEST

/* ---- machines, builds
 * -------------------------------------------------------------------------------------------- */

START_TEST(other_machines_are_no_regression) {
    static const char *const fields[] = {"cpu", "architecture", "features", "caches", "cores", "hypervisor"};
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        tear_down();
        set_up();
        add(before, bench(10, 1000, 0.01, 9));
        add(after, bench(10, 2000, 0.01, 9));
        add(before, verify("passed"));
        add(after, verify("failed"));
        add(before, bench(20, 1000, 0.01, 9));
        add(after, bench(20, 1000, 0.01, 9));
        json_object_set_new(json_object_get(after, "machine"), fields[f], json_string("another"));
        compare();
        error e = {""};
        ck_assert(!c.same_machine);
        ck_assert_str_eq(c.machines, fields[f]);
        ck_assert_uint_eq(c.count[COMPARE_OTHER_MACHINE], 2);
        ck_assert_uint_eq(c.count[COMPARE_SAME], 1);
        ck_assert(!compare_comparable(&c, &e));
        ck_assert_ptr_nonnull(strstr(e.text, fields[f]));
        ck_assert(warned("different machines"));
    }
}
END_TEST

START_TEST(what_is_unknown_or_no_identity_is_no_other_machine) {
    json_t *a = json_object_get(before, "machine"), *b = json_object_get(after, "machine");
    json_object_set_new(a, "vendor", json_null());
    json_object_set_new(b, "vendor", json_string("Someone"));
    json_object_set_new(b, "stepping", json_integer(3)); /* an older program did not tell */
    json_object_set_new(b, "system", json_string("Linux 6.2"));
    json_object_set_new(b, "memory_bytes", json_integer(1));
    add(before, bench(10, 1000, 0.01, 9));
    add(after, bench(10, 2000, 0.01, 9));
    compare();
    ck_assert(c.same_machine);
    expect("time", COMPARE_WORSE);
    ck_assert(warned("operating systems differ"));
}
END_TEST

START_TEST(builds_that_weaken_a_comparison_are_told) {
    json_object_set_new(json_object_get(after, "build"), "commit", json_string("0123abd-dirty"));
    json_object_set_new(json_object_get(after, "build"), "compiler", json_string("clang"));
    json_object_set_new(after, "warnings",
                        json_pack("[{s:s, s:s}]", "code", "busy", "text", "others were at work"));
    compare();
    ck_assert(warned("changed files (0123abd-dirty)"));
    ck_assert(warned("compilers differ"));
    ck_assert(warned("AFTER alone: others were at work"));
    ck_assert(!warned("BEFORE"));
    json_object_set_new(json_object_get(before, "build"), "sanitized", json_true());
    add(before, bench(10, 1000, 0.01, 9));
    add(after, bench(10, 2000, 0.01, 9));
    compare();
    expect("time", COMPARE_NOT_COMPARED);
    ck_assert_ptr_nonnull(strstr(c.row[0].reason, "sanitizers"));
}
END_TEST

START_TEST(times_that_move_together_raise_a_doubt) {
    for (int k = 0; k < 12; k++) {
        add(before, bench(k, 1000, 0.01, 9));
        add(after, bench(k, k == 5 ? 990 : 1110 + k, 0.01, 9));
    }
    compare();
    ck_assert(warned("moved together"));
    json_array_clear(json_object_get(after, "records"));
    for (int k = 0; k < 12; k++) add(after, bench(k, k < 6 ? 1200 : 900, 0.01, 9));
    compare();
    ck_assert(!warned("moved together"));
}
END_TEST

/* ---- the command
 * --------------------------------------------------------------------------------------------------- */

static char folder[256], output_text[1 << 16];

static void make_folder(void) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/idp-compare-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    set_up();
}

static void path_of(const char *name, char path[512]) { snprintf(path, 512, "%s/%s", folder, name); }

static void remove_folder(void) {
    static const char *const names[] = {"before.json", "after.json", "verdicts.json", "output"};
    char path[512];
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        path_of(names[n], path);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0);
    tear_down();
}

static void store(const json_t *whole, const char *name) {
    char path[512];
    path_of(name, path);
    ck_assert_int_eq(json_dump_file(whole, path, 0), 0);
}

/* idp compare before.json after.json and the words (NULL ends them); what it prints is in output_text. */
static int run(error *e, const char *const words[]) {
    char argument[10][512], *argv[11], output[512];
    int argc = 0;
    snprintf(argument[argc++], 512, "compare");
    path_of("before.json", argument[argc++]);
    path_of("after.json", argument[argc++]);
    for (int w = 0; words[w] != NULL; w++) snprintf(argument[argc++], 512, "%s", words[w]);
    for (int a = 0; a < argc; a++) argv[a] = argument[a];
    argv[argc] = NULL;
    path_of("output", output);
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    ck_assert_ptr_nonnull(freopen(output, "w", stdout));
    const int status = cmd_compare(argc, argv, e);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    FILE *file = fopen(output, "r");
    ck_assert_ptr_nonnull(file);
    output_text[fread(output_text, 1, sizeof output_text - 1, file)] = '\0';
    fclose(file);
    return status;
}

#define RUN(e, ...) run(e, (const char *const[]){__VA_ARGS__, NULL})

static void store_both(void) {
    store(before, "before.json");
    store(after, "after.json");
}

START_TEST(status_tells_the_verdict) {
    error e = {""};
    add(before, bench(10, 1000, 0.01, 9));
    add(after, bench(10, 1000, 0.01, 9));
    store_both();
    ck_assert_int_eq(RUN(&e, "--all"), 0);
    ck_assert_ptr_nonnull(strstr(output_text, "no difference"));
    ck_assert_ptr_nonnull(strstr(output_text, "commit 0123abc"));
    json_array_clear(json_object_get(after, "records"));
    add(after, bench(10, 1300, 0.01, 9));
    store_both();
    ck_assert_int_eq(RUN(&e, "--level", "0.95"), EXIT_NO);
    ck_assert_ptr_nonnull(strstr(output_text, "\nworse"));
    ck_assert_ptr_nonnull(strstr(output_text, "+30.0 %"));
    ck_assert_int_eq(RUN(&e, "--threshold", "50"), 0);
    ck_assert_int_eq(RUN(&e, "--only", "^bench .*k:10/"), EXIT_NO);
    json_object_set_new(json_object_get(after, "machine"), "cores", json_integer(64));
    store_both();
    ck_assert_int_eq(RUN(&e, "--all"), EXIT_ERROR);
    ck_assert_ptr_nonnull(strstr(e.text, "different machines (cores)"));
    ck_assert_ptr_nonnull(strstr(output_text, "\ndifferent machines"));
}
END_TEST

START_TEST(wrong_commands_give_one_line) {
    static const struct {
        const char *word[3], *message;
    } cases[] = {{{"--only", "("}, "regular expression"},
                 {{"--only", "nothing has this name"}, "no figure's name matches"},
                 {{"--threshold", "-1"}, "--threshold"},
                 {{"--threshold", "many"}, "--threshold"},
                 {{"--level", "1"}, "--level"},
                 {{"--level"}, "--level"},
                 {{"--bogus"}, "--bogus"},
                 {{"third.json"}, "two results documents"},
                 {{"--json", "/nowhere/at/all.json"}, "/nowhere/at/all.json"}};
    add(before, bench(10, 1000, 0.01, 9));
    add(after, bench(10, 1000, 0.01, 9));
    store_both();
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        error e = {""};
        ck_assert_int_eq(run(&e, cases[k].word), EXIT_ERROR);
        ck_assert_msg(strstr(e.text, cases[k].message) != NULL && strchr(e.text, '\n') == NULL, "case %zu: '%s'", k,
                      e.text);
    }
}
END_TEST

START_TEST(files_that_are_no_results_are_refused) {
    error e = {""};
    store(before, "before.json");
    ck_assert_int_eq(RUN(&e, "--all"), EXIT_ERROR);
    ck_assert_ptr_nonnull(strstr(e.text, "after.json"));
    json_object_set_new(after, "schema", json_string("idp-results/99"));
    store(after, "after.json");
    ck_assert_int_eq(RUN(&e, "--all"), EXIT_ERROR);
    ck_assert_msg(strstr(e.text, "idp-results/99") != NULL, "the message is '%s'", e.text);
}
END_TEST

START_TEST(markdown_keeps_hostile_names_in_their_cell) {
    error e = {""};
    json_t *left = bench(10, 1000, 0.01, 9), *right = bench(10, 2000, 0.01, 9);
    json_object_set_new(left, "kernel", json_string("<script>|x|*y* @everyone"));
    json_object_set_new(right, "kernel", json_string("<script>|x|*y* @everyone"));
    add(before, left);
    add(after, right);
    store_both();
    ck_assert_int_eq(RUN(&e, "--markdown"), EXIT_NO);
    ck_assert_ptr_nonnull(strstr(output_text, "# Something is worse\n"));
    ck_assert_ptr_nonnull(strstr(output_text, "\n| verdict | figure | before | after | change |\n"));
    ck_assert_ptr_nonnull(strstr(output_text, "| worse | bench &lt;script\\>\\|x\\|\\*y\\*"));
    ck_assert_ptr_null(strstr(output_text, "<script"));
    ck_assert_ptr_null(strstr(output_text, "@everyone"));
    ck_assert_ptr_nonnull(strstr(output_text, "| 1 us | 2 us | +100.0 %"));
}
END_TEST

START_TEST(markdown_fits_a_comment) {
    error e = {""};
    enum { GITHUB_COMMENT = 65536 };
    for (int k = 0; k < 600; k++) {
        add(before, bench(k, 1000, 0.01, 9));
        add(after, bench(k, 2000 + k, 0.01, 9));
    }
    store_both();
    ck_assert_int_eq(RUN(&e, "--markdown", "--all"), EXIT_NO);
    ck_assert_uint_lt(strlen(output_text), GITHUB_COMMENT - 1);
    ck_assert_ptr_nonnull(strstr(output_text, "Not shown: 420 worse."));
    ck_assert_ptr_nonnull(strstr(output_text, "/k:599/")); /* the largest change is never left out */
}
END_TEST

START_TEST(long_one_sided_lists_are_cut) {
    error e = {""};
    for (int k = 0; k < 40; k++) add(before, bench(k, 1000, 0.01, 9));
    add(after, bench(0, 1000, 0.01, 9));
    store_both();
    ck_assert_int_eq(run(&e, (const char *const[]){NULL}), 0);
    ck_assert_ptr_nonnull(strstr(output_text, "Not shown: 29 only before, 1 no difference (--all shows them)."));
    ck_assert_int_eq(RUN(&e, "--all"), 0);
    ck_assert_ptr_null(strstr(output_text, "Not shown"));
}
END_TEST

START_TEST(reasons_are_counted) {
    error e = {""};
    for (int k = 0; k < 3; k++) {
        add(before, bench(k, 1000, 0, 1));
        add(after, bench(k, 2000, 0, 1));
    }
    add(before, sweep(20, 30, 100, 60, 1000, 1));
    add(after, sweep(20, 30, 100, 40, 1000, 1));
    store_both();
    ck_assert_int_eq(run(&e, (const char *const[]){NULL}), 0);
    ck_assert_ptr_nonnull(
        strstr(output_text, "Not compared: 3 (a single repetition says nothing of its noise), 1 (outside"));
}
END_TEST

START_TEST(verdicts_are_records_too) {
    error e = {""};
    char path[512];
    add(before, bench(10, 1000, 0.01, 9));
    add(after, bench(10, 1300, 0.01, 9));
    add(before, sweep(30, 0, 30, 96, 1000, 1));
    add(after, sweep(30, 0, 30, 96, 1000, 1));
    add(before, verify("passed"));
    store_both();
    path_of("verdicts.json", path);
    ck_assert_msg(RUN(&e, "--json", path) == EXIT_NO, "%s", e.text);
    results r = {0};
    ck_assert_msg(results_read(&r, path, &e), "%s", e.text);
    const json_t *head = json_array_get(r.records, 0), *row = json_array_get(r.records, 1);
    ck_assert_uint_eq(json_array_size(r.records), 5); /* time, accuracy and time, verification */
    ck_assert_str_eq(json_string_value(json_object_get(head, "kind")), "comparison");
    ck_assert(json_is_true(json_object_get(head, "same_machine")));
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(head, "verdicts"), "worse")), 1);
    ck_assert_str_eq(json_string_value(json_object_get(row, "kind")), "compare");
    ck_assert_str_eq(json_string_value(json_object_get(row, "verdict")), "worse");
    ck_assert_double_eq_tol(json_number_value(json_object_get(json_object_get(row, "change"), "median")), 1.3,
                            1e-3);
    ck_assert(json_is_null(json_object_get(json_array_get(r.records, 4), "after")));
    results_free(&r);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("compare");
    const struct {
        const char *name;
        void (*before)(void), (*after)(void);
        const TTest *tests[12];
    } subjects[] = {
        {"noise",
         set_up,
         tear_down,
         {deviations_are_the_normal_distributions, wider_intervals_grow_as_deviations_do,
          draws_give_order_statistics_while_they_last, shares_have_exact_intervals}},
        {"times",
         set_up,
         tear_down,
         {a_slower_kernel_is_worse_and_a_faster_one_better, both_the_intervals_and_the_threshold_decide,
          one_repetition_says_nothing, more_comparisons_need_more_evidence,
          a_narrow_range_among_wide_ones_is_chance, the_control_of_the_run_widens_its_times,
          processes_are_the_draws_of_a_ratio, times_that_other_work_shared_are_not_compared,
          noise_alone_is_not_called_a_difference}},
        {"measures",
         set_up,
         tear_down,
         {accuracy_is_a_share_of_the_test_images, accuracy_on_other_images_is_not_compared,
          accuracy_outside_the_own_part_is_chance, counts_are_exact, verification_is_judged_by_what_is_lost}},
        {"matching",
         set_up,
         tear_down,
         {records_of_one_side_are_told, records_of_the_same_name_are_matched_in_order,
          nothing_in_common_is_not_comparable}},
        {"machines",
         set_up,
         tear_down,
         {other_machines_are_no_regression, what_is_unknown_or_no_identity_is_no_other_machine,
          builds_that_weaken_a_comparison_are_told, times_that_move_together_raise_a_doubt}},
        {"command",
         make_folder,
         remove_folder,
         {status_tells_the_verdict, wrong_commands_give_one_line, files_that_are_no_results_are_refused,
          markdown_keeps_hostile_names_in_their_cell, markdown_fits_a_comment, long_one_sided_lists_are_cut,
          reasons_are_counted, verdicts_are_records_too}},
    };
    for (size_t s = 0; s < sizeof subjects / sizeof subjects[0]; s++) {
        TCase *subject = tcase_create(subjects[s].name);
        tcase_add_checked_fixture(subject, subjects[s].before, subjects[s].after);
        tcase_set_timeout(subject, 120);
        for (size_t t = 0; t < 12 && subjects[s].tests[t] != NULL; t++)
            tcase_add_test(subject, subjects[s].tests[t]);
        suite_add_tcase(suite, subject);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
