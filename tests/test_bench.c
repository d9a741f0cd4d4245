/* test_bench.c: idp bench, through its command function: every benchmark asked for runs, names parse back, records
 * are well-formed, and what is wrong is refused. Times are not judged here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/bench_layer.h"
#include "commands.h"
#include "peers/peers.h"

#include <check.h> /* last: it has a macro named fail */

static char path[] = "/tmp/idp-bench-XXXXXX";

static void make_file(void) {
    strcpy(path, "/tmp/idp-bench-XXXXXX");
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
}

static void remove_file(void) { unlink(path); }

/* Runs `idp bench WORDS --json path` and reads the records. */
enum { WORDS = 32 };

static int bench(const char *const words[], error *e) {
    char *argv[WORDS + 4] = {"bench", "--json", path};
    int argc = 3;
    for (unsigned w = 0; words[w] != NULL; w++) argv[argc++] = (char *)words[w]; /* getopt only reorders them */
    return cmd_bench(argc, argv, e);
}

static results bench_records(const char *const words[]) {
    error e = {""};
    results r;
    ck_assert_msg(bench(words, &e) == 0, "%s", e.text);
    ck_assert_msg(results_read(&r, path, &e), "%s", e.text);
    return r;
}

/* The same without the A/A control, which must be the last record: of so many cases, all measured twice. */
static results bench_cases(const char *const words[]) {
    results r = bench_records(words);
    const size_t last = json_array_size(r.records) - 1;
    const json_t *control = json_array_get(r.records, last);
    ck_assert_str_eq(json_string_value(json_object_get(control, "kind")), "control");
    ck_assert_str_eq(json_string_value(json_object_get(control, "command")), "bench");
    const json_t *ratio = json_object_get(control, "ratio");
    const double low = json_number_value(json_object_get(ratio, "low")),
                 high = json_number_value(json_object_get(ratio, "high")),
                 worst = json_number_value(json_object_get(control, "detectable_percent"));
    ck_assert(0 < low && low <= json_number_value(json_object_get(ratio, "median")));
    ck_assert(json_number_value(json_object_get(ratio, "median")) <= high);
    /* The interval is rounded to four digits of its width. */
    ck_assert_double_eq_tol(worst, 100 * fmax(fabs(low - 1), fabs(high - 1)), 0.1 * (high - low) + 1e-3);
    ck_assert_int_ge(json_integer_value(json_object_get(control, "cases")), 1);
    json_array_remove(r.records, last);
    return r;
}

static double number(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    ck_assert_msg(json_is_number(value), "field '%s'", name);
    return json_number_value(value);
}

static const char *text(const json_t *object, const char *name) {
    const char *value = json_string_value(json_object_get(object, name));
    ck_assert_msg(value != NULL, "field '%s'", name);
    return value;
}

/* ---- names
 * ------------------------------------------------------------------------------------------------------- */

START_TEST(names_parse_back) {
    const bench_name name = {
        .kernel = "fc_f32_panel_1x96_avx512f", .out = 100, .in = 784, .m = 100, .k = 392, .batch = 1};
    bench_name back;
    char printed[256];
    bench_name_print(&name, printed, sizeof printed);
    ck_assert_str_eq(printed, "fc_f32_panel_1x96_avx512f/out:100/in:784/m:100/k:392/batch:1");
    ck_assert(bench_name_parse(printed, &back));
    ck_assert_str_eq(back.kernel, name.kernel);
    ck_assert(back.out == 100 && back.in == 784 && back.m == 100 && back.k == 392 && back.batch == 1);
    strcat(printed, "_median");
    ck_assert(!bench_name_parse(printed, &back));
    ck_assert(!bench_name_parse("fc/out:1/in:2/m:1", &back));
    ck_assert(!bench_name_parse("", &back));
}
END_TEST

/* ---- records
 * ----------------------------------------------------------------------------------------------------- */

static void check_record(const json_t *record, unsigned repetitions) {
    const idp_backend *backend = NULL;
    const idp_kernel *kernel = idp_kernel_find(text(record, "kernel"), &backend);
    const peer *other = peer_find(text(record, "kernel"));
    ck_assert((kernel != NULL) != (other != NULL));
    ck_assert_str_eq(text(record, "kind"), "bench");
    ck_assert_str_eq(text(record, "backend"), other != NULL ? other->library : backend->name);
    ck_assert(other != NULL || idp_backend_status(backend) == IDP_OK);
    ck_assert_double_eq(number(record, "m"), number(record, "out"));
    ck_assert_double_eq(number(record, "k"),
                        (double)idp_prefix((size_t)number(record, "in"), number(record, "percent")));
    const bool single = other != NULL ? other->form == PEER_SINGLE : !idp_layout_batched(kernel->layout);
    if (single) ck_assert_double_eq(number(record, "batch"), 1);
    const json_t *time = json_object_get(record, "time_ns");
    const double median = number(time, "median");
    ck_assert_double_gt(median, 0);
    ck_assert_double_le(number(time, "low"), median);
    ck_assert_double_ge(number(time, "high"), median);
    ck_assert_double_gt(number(record, "cpu_ns"), 0);
    const double flops = 2 * number(record, "m") * number(record, "k") * number(record, "batch");
    const double gflops = number(record, "gflops"), spread = number(time, "high") - number(time, "low");
    /* The recorded median is rounded to four digits of the spread. */
    ck_assert_double_le(fabs(gflops * median - flops), 1e-3 * gflops * spread + 1e-9 * flops);
    ck_assert_double_eq(number(record, "repetitions"), repetitions);
}

/* Two shapes, two percentages; the batch kernels at two sizes, the others at one. */
START_TEST(every_kernel_runs_at_every_point_asked_for) {
    static const char *const words[] = {"--shape",    "20x30,3x7", "--percent",     "50,100", "--batch", "1,5",
                                        "--min-time", "0.00005",   "--repetitions", "2",      NULL};
    const idp_backend *usable[BACKENDS_MOST];
    unsigned backends = 0;
    size_t expected = 0;
    error e;
    ck_assert(backend_list(NULL, usable, &backends, &e));
    for (unsigned b = 0; b < backends; b++)
        for (size_t i = 0; i < usable[b]->kernel_count; i++)
            expected += idp_layout_batched(usable[b]->kernels[i].layout) ? 2 * 2 * 2 : 2 * 2;
    for (size_t i = 0; i < peer_count(); i++) expected += peer_at(i)->form == PEER_SINGLE ? 2 * 2 : 2 * 2 * 2;
    results r = bench_cases(words);
    size_t index;
    json_t *record;
    json_array_foreach(r.records, index, record) check_record(record, 2);
    /* A benchmark that other work on this machine disturbed thrice is left out, and that is all that may be. */
    ck_assert_uint_le(json_array_size(r.records), expected);
    ck_assert_uint_ge(json_array_size(r.records), expected - expected / 4);
    results_free(&r);
}
END_TEST

START_TEST(options_choose_what_runs) {
    static const char *const words[] = {
        "--backend", "scalar",        "--kernel", "^fc_f32_row_", "--shape", "4x8", "--percent",
        "25:100:25", "--repetitions", "1",        "--min-time",   "0.001",   "--",  "--benchmark_filter=k:(2|8)/",
        NULL};
    results r = bench_cases(words);
    size_t index;
    json_t *record;
    ck_assert_uint_ge(json_array_size(r.records), 2); /* 25 and 100 %, for each row kernel of the back end */
    json_array_foreach(r.records, index, record) {
        check_record(record, 1);
        ck_assert_str_eq(text(record, "backend"), "scalar");
        ck_assert(number(record, "k") == 2 || number(record, "k") == 8);
        ck_assert_ptr_nonnull(strstr(text(record, "kernel"), "_row_"));
    }
    results_free(&r);
}
END_TEST

START_TEST(options_behind_the_dashes_reach_google_benchmark) {
    static const char *const words[] = {"--backend",
                                        "scalar",
                                        "--kernel",
                                        "panel",
                                        "--shape",
                                        "4x8",
                                        "--percent",
                                        "100",
                                        "--min-time",
                                        "0.001",
                                        "--",
                                        "--benchmark_repetitions=5",
                                        "--benchmark_report_aggregates_only=true",
                                        NULL};
    results r = bench_records(words);
    ck_assert_uint_ge(json_array_size(r.records), 1);
    check_record(json_array_get(r.records, 0), 5);
    results_free(&r);
}
END_TEST

START_TEST(percentages_that_come_to_the_same_run_once) {
    static const char *const words[] = {"--backend", "scalar",    "--kernel",   "panel", "--shape", "4x3",
                                        "--percent", "40,50,100", "--min-time", "0.001", NULL};
    results r = bench_cases(words); /* k = 1, 1, 3 */
    ck_assert_uint_eq(json_array_size(r.records) % 2, 0);
    ck_assert_double_eq(number(json_array_get(r.records, 0), "k"), 1);
    ck_assert_double_eq(number(json_array_get(r.records, 1), "k"), 3);
    results_free(&r);
}
END_TEST

START_TEST(listing_runs_nothing) {
    static const char *const words[] = {"--backend", "scalar", "--", "--benchmark_list_tests=true", NULL};
    results r = bench_records(words);
    ck_assert_uint_eq(json_array_size(r.records), 0);
    results_free(&r);
}
END_TEST

/* ---- refusals
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(wrong_options_are_refused) {
    static const struct {
        const char *words[6], *names;
    } wrong[] = {
        {{"--shape", "10x"}, "10x"},
        {{"--shape", "0x10"}, "0x10"},
        {{"--shape", "10x10,"}, "--shape"},
        {{"--shape", "10x99999"}, "10x99999"},
        {{"--shape", "4x4,4x4"}, "twice"},
        {{"--batch", "1.5"}, "1.5"},
        {{"--batch", "0"}, "--batch"},
        {{"--batch", "4,4"}, "twice"},
        {{"--percent", "101"}, "101"},
        {{"--repetitions", "0"}, "--repetitions"},
        {{"--repetitions", "2.5"}, "2.5"},
        {{"--min-time", "0"}, "--min-time"},
        {{"--backend", "sse9"}, "sse9"},
        {{"--kernel", "("}, "'('"},
        {{"--kernel", "no such kernel"}, "no such kernel"},
        {{"--nonsense"}, "--nonsense"},
        {{"word"}, "'word'"},
        {{"--json", "/nonexistent/folder/b.json"}, "/nonexistent/folder/b.json"},
        {{"--", "--no_such_flag"}, "--no_such_flag"},
        {{"--", "--benchmark_repetitions=many"}, "--benchmark_repetitions=many"},
        {{"--", "--benchmark_filter=nothing has this name"}, "filter"},
        {{"--", "--benchmark_format=xml"}, "xml"},
        {{"--", "--benchmark_out=/nonexistent/folder/b.json"}, "/nonexistent/folder"},
    };
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
        error e = {""};
        ck_assert_msg(bench(wrong[w].words, &e) == EXIT_ERROR, "'%s' was accepted", wrong[w].words[0]);
        ck_assert_msg(strstr(e.text, wrong[w].names) != NULL, "'%s' does not name '%s'", e.text, wrong[w].names);
    }
}
END_TEST

/* ---- the data
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(layers_hold_normal_numbers_only) {
    bench_layer layer = {0};
    error e = {""};
    const idp_kernel *kernel = idp_backend_kernel(idp_backend_find("scalar"), IDP_LAYOUT_BATCH);
    ck_assert_msg(bench_layer_set(&layer, kernel, 33, 77, 5, &e), "%s", e.text);
    const float *packed = layer.packed;
    for (size_t i = 0; i < idp_packed_floats(kernel, 33, 77); i++)
        ck_assert(packed[i] == 0 || isnormal(packed[i])); /* 0: padding */
    for (size_t i = 0; i < 77 * layer.stride; i++) ck_assert(layer.x[i] == 0 || isnormal(layer.x[i]));
    ck_assert_uint_eq((uintptr_t)layer.packed % 64, 0);
    ck_assert_uint_eq((uintptr_t)layer.x % 64, 0);
    ck_assert_uint_eq((uintptr_t)layer.y % 64, 0);
    ck_assert(bench_layer_set(&layer, kernel, 33, 77, 5, &e));
    ck_assert_ptr_eq(layer.packed, packed); /* the same layer is not made anew */
    bench_layer_free(&layer);
    ck_assert_ptr_null(layer.packed);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bench");
    TCase *runs = tcase_create("runs"), *data = tcase_create("data");
    tcase_add_checked_fixture(runs, make_file, remove_file);
    tcase_set_timeout(runs, 120);
    tcase_add_test(runs, every_kernel_runs_at_every_point_asked_for);
    tcase_add_test(runs, options_choose_what_runs);
    tcase_add_test(runs, options_behind_the_dashes_reach_google_benchmark);
    tcase_add_test(runs, percentages_that_come_to_the_same_run_once);
    tcase_add_test(runs, listing_runs_nothing);
    tcase_add_test(runs, wrong_options_are_refused);
    tcase_add_test(data, names_parse_back);
    tcase_add_test(data, layers_hold_normal_numbers_only);
    suite_add_tcase(suite, runs);
    suite_add_tcase(suite, data);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
