/* test_across.c: several results documents on one page: the same cells side by side, what is missing said, hostile
 * files harmless; and which documents may be published, under which name. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../harness/output.h"
#include "../harness/results/publish.h"
#include "../harness/results/results.h"
#include "../harness/results/schema.h"
#include "../reports/across.h"
#include "../reports/report.h"

#include <check.h> /* last: it makes a macro of the name `fail` */

#define DASH "\xe2\x80\x93"
#define HOSTILE "<script>alert(1)</script>\"'&|`touch pwned`';system('touch pwned');#@everyone\n# [a](b)"

enum { LARGEST_FILE = 1 << 24 };

/* ---- a folder ------------------------------------------------------------------------------------------------
 */

static char folder[256];

static void make_folder(void) {
    strcpy(folder, "/tmp/idp-across-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void) {
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.') unlink(path);
    }
    closedir(listing);
    ck_assert_int_eq(rmdir(folder), 0);
}

static char *content(const char *name) {
    char path[512], *bytes = NULL;
    size_t size = 0;
    error e = {""};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ck_assert_msg(input_read(path, LARGEST_FILE, &bytes, &size, &e), "%s", e.text);
    return bytes;
}

static size_t count(const char *whole, const char *part) {
    size_t times = 0;
    for (const char *at = whole; (at = strstr(at, part)) != NULL; at += strlen(part)) times++;
    return times;
}

/* ---- documents ------------------------------------------------------------------------------------------------
 */

static json_t *interval_json(double median) {
    return json_pack("{s:f, s:f, s:f}", "median", median, "low", median, "high", median);
}

static json_t *document(const char *cpu, const char *feature, const char *commit) {
    json_t *made = json_pack(
        "{s:s, s:{s:s, s:s, s:[s], s:i, s:[], s:n, s:s, s:I, s:i, s:i, s:b}, s:{s:s, s:s, s:s, s:s, s:b},"
        " s:{s:s, s:i, s:s, s:f, s:{s:s, s:b, s:s, s:i, s:i}}, s:[]}",
        "schema", RESULTS_SCHEMA, "machine", "cpu", cpu, "architecture", "x86-64", "features", feature, "cores", 2,
        "caches", "hypervisor", "system", "Linux", "memory_bytes", (json_int_t)1 << 30, "family", 6, "model", 207,
        "emulated", 0, "build", "version", "0.1.0", "commit", commit, "compiler", "gcc", "flags", "Release",
        "sanitized", 0, "run", "command", "idp run", "seed", 1, "time", "2026-01-02T03:04:05Z", "seconds", 1.5,
        "data", "name", "mnist", "synthetic", 0, "sha256", "00", "train", 60000, "test", 10000, "records");
    ck_assert_ptr_nonnull(made);
    return made;
}

static void add(json_t *to, json_t *record) {
    ck_assert_ptr_nonnull(record);
    ck_assert_int_eq(json_array_append_new(json_object_get(to, "records"), record), 0);
}

static json_t *sweep(const char *model, double percent, double time_ns) {
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:[f,f], s:f, s:i, s:i, s:f, s:f, s:f, s:s, s:{s:o, s:o}}", "kind",
                     "sweep", "model", model, "recipe", "nested", "gamma", "linear", "profile", 0, "range_percent",
                     0.0, 100.0, "percent", percent, "k", 50, "seed", 1, "accuracy_percent", 90.25, "nominal_flops",
                     1000 * percent, "useful_flops", 1000 * percent, "backend", "avx2", "latency_ns", "batch_1",
                     interval_json(time_ns), "batch_128", interval_json(100 * time_ns));
}

static json_t *bench(const char *kernel, double percent, double time_ns) {
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:i, s:i, s:o, s:f}", "kind", "bench", "kernel", kernel,
                     "backend", "avx2", "out", 100, "in", 784, "batch", 1, "percent", percent, "m", 100, "k", 78,
                     "time_ns", interval_json(time_ns), "gflops", 1.0);
}

/* measured 0: on a CPU that nobody has. */
static json_t *prediction(const char *kernel, const char *cpu, double cycles, double measured) {
    json_t *made =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:b}", "kind", "prediction", "kernel",
                  kernel, "architecture", "x86-64", "cpu", cpu, "tool", "llvm-mca", "tool_version", "19.1.7",
                  "loop_instructions", 13, "loop_fma", 8, "loop_multiply_adds", 64, "instructions_per_multiply_add",
                  0.25, "cycles_per_multiply_add", cycles, "host", (int)(measured > 0));
    if (measured > 0) json_object_set_new(made, "measured_cycles_per_multiply_add", interval_json(measured));
    return made;
}

/* Reports them into the folder; good documents, and takes them. */
static void report(json_t **list, const char *const *path, size_t documents) {
    const report_options options = {.formats = REPORT_USUAL};
    error e = {""};
    for (size_t d = 0; d < documents; d++) ck_assert_msg(schema_check(list[d], path[d], &e), "%s", e.text);
    ck_assert_msg(report_write_across((const json_t *const *)list, path, documents, folder, &options, &e), "%s",
                  e.text);
    for (size_t d = 0; d < documents; d++) json_decref(list[d]);
}

/* ---- side by side ---------------------------------------------------------------------------------------------
 */

START_TEST(the_same_cells_stand_in_one_row_and_what_is_missing_is_a_dash) {
    static const char *const path[] = {"a.json", "b.json"};
    json_t *d[] = {document("First CPU", "avx512f", "aaaaaaaaaaaa"),
                   document("Second CPU", "avx2", "aaaaaaaaaaaa")};
    for (unsigned m = 0; m < 2; m++) {
        add(d[m], sweep("net", 50, m == 0 ? 400 : 600));
        add(d[m], sweep("net", 100, 1000));
        add(d[m], bench("fc_f32_row_1x8_avx2", 10, 1234));
        add(d[m], bench("openblas_sgemv_slice", 10, 1)); /* a peer is none of our kernels */
    }
    add(d[0], bench("fc_f32_row_1x16_avx512f", 10, 617)); /* faster: stands for the machine */
    add(d[0], sweep("other", 50, 500));
    add(d[0], sweep("other", 100, 1000));
    report(d, path, 2);
    char *markdown = content("report.md"), *html = content("index.html"), *csv = content("sweep.csv");
    ck_assert_ptr_nonnull(strstr(markdown, "| net | 50 | 50.0 | 60.0 | 40.0 |"));
    ck_assert_ptr_nonnull(strstr(markdown, "| other | 50 | 50.0 | 50.0 | " DASH " |"));
    ck_assert_ptr_nonnull(strstr(markdown, "| percentages of networks | 4 | all | 2, 2 missing |"));
    ck_assert_ptr_nonnull(strstr(markdown, "fastest kernel, \xc2\xb5s | 1 | 0.617 | 1.23 |"));
    ck_assert_ptr_nonnull(strstr(html, "<h2>What is missing</h2>"));
    ck_assert_ptr_null(strstr(html, ">nan<"));
    ck_assert_int_eq(strncmp(csv, "machine,kind,model", 18), 0);
    ck_assert_ptr_nonnull(strstr(csv, "\r\nSecond CPU,sweep,net"));
    free(markdown);
    free(html);
    free(csv);
}
END_TEST

START_TEST(machines_of_one_name_are_told_apart_and_hidden_back_ends_told) {
    static const char *const path[] = {"x/a.json", "x/b.json", "x/c.json", "x/d.json", "x/e.json"};
    json_t *d[] = {document("CPU", "avx2", "aaaaaaaaaaaa"), document("CPU", "avx2", "bbbbbbbbbbbb"),
                   document("CPU", "avx2", "bbbbbbbbbbbb"), document("CPU", "avx2", "aaaaaaaaaaaa"),
                   document("CPU", "avx2", "aaaaaaaaaaaa")};
    for (unsigned m = 0; m < 5; m++) add(d[m], sweep("net", 100, 1000));
    json_object_set_new(json_object_get(d[4], "machine"), "hidden", json_string("avx512f"));
    add(d[2], sweep("net", 50, 500));
    error e = {""};
    across a;
    /* d[3] is d[0] again. */
    ck_assert_msg(across_read(&a, (const json_t *const *)d, path, 5, &e), "%s", e.text);
    ck_assert_uint_eq(a.machines, 4);
    ck_assert_uint_eq(a.twice, 1);
    static const char *const names[] = {"CPU, aaaaaaaaaaaa", "CPU, bbbbbbbbbbbb, b.json",
                                        "CPU, bbbbbbbbbbbb, c.json", "CPU, avx512f hidden"};
    for (size_t m = 0; m < 4; m++) ck_assert_str_eq(a.machine[m].name.text, names[m]);
    across_free(&a);
    report(d, path, 5);
    char *markdown = content("report.md");
    ck_assert_ptr_nonnull(strstr(markdown, "a CPU of which avx512f was hidden"));
    free(markdown);
}
END_TEST

START_TEST(more_documents_than_a_page_holds_are_refused) {
    enum { MANY = ACROSS_MOST + 1 };
    const json_t *d[MANY];
    const char *path[MANY];
    json_t *one = document("CPU", "avx2", "aaaaaaaaaaaa");
    across a;
    error e = {""};
    for (size_t m = 0; m < MANY; m++) {
        d[m] = one;
        path[m] = "a.json";
    }
    ck_assert(!across_read(&a, d, path, MANY, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "at most 64"));
    json_decref(one);
}
END_TEST

/* ---- predictions ----------------------------------------------------------------------------------------------
 */

START_TEST(predictions_have_no_column_and_are_calibrated_or_not_shown) {
    static const char *const path[] = {"a.json", "p.json"};
    json_t *d[] = {document("First CPU", "avx2", "aaaaaaaaaaaa"), document("First CPU", "avx2", "aaaaaaaaaaaa")};
    add(d[0], sweep("net", 100, 1000));
    add(d[1], prediction("fc_f32_row_4x8_avx2", "here", 0.08, 0.10));     /* 1.25 */
    add(d[1], prediction("fc_f32_row_4x16_avx512f", "here", 0.04, 0.06)); /* 1.5 */
    add(d[1], prediction("fc_f32_batch_16x6_avx2", "here", 0.08, 0.04));  /* faster than predicted: refuted */
    add(d[1], prediction("fc_f32_row_4x8_avx2", "elsewhere", 0.2, 0));
    add(d[1], prediction("fc_f32_batch_16x6_avx2", "elsewhere", 0.3, 0));
    report(d, path, 2);
    char *markdown = content("report.md");
    ck_assert_ptr_nonnull(strstr(markdown, "# Incomplete dot products on 1 machine\n"));
    ck_assert_ptr_nonnull(strstr(markdown,
                                 "| elsewhere | prediction: nobody here has it | fc_f32_row_4x8_avx2 | 0.2000 "
                                 "| 0.2500" DASH "0.3000 | " DASH " |"));
    ck_assert_ptr_null(strstr(markdown, "nobody here has it | fc_f32_batch"));
    ck_assert_ptr_nonnull(strstr(markdown, "calibrates nothing | fc_f32_batch_16x6_avx2"));
    free(markdown);
}
END_TEST

START_TEST(predictions_without_a_measurement_are_not_shown) {
    static const char *const path[] = {"a.json", "p.json"};
    json_t *d[] = {document("First CPU", "avx2", "aaaaaaaaaaaa"), document("First CPU", "avx2", "aaaaaaaaaaaa")};
    add(d[0], sweep("net", 100, 1000));
    add(d[1], prediction("fc_f32_row_4x8_avx2", "elsewhere", 0.2, 0));
    report(d, path, 2);
    char *markdown = content("report.md");
    ck_assert_ptr_null(strstr(markdown, "elsewhere"));
    ck_assert_ptr_nonnull(strstr(markdown, "none is shown"));
    free(markdown);
}
END_TEST

/* ---- hostile files --------------------------------------------------------------------------------------------
 */

START_TEST(hostile_strings_stay_text) {
    static const char *const path[] = {HOSTILE, "x/" HOSTILE};
    json_t *d[] = {document(HOSTILE, HOSTILE, HOSTILE), document(HOSTILE, HOSTILE, HOSTILE)};
    for (unsigned m = 0; m < 2; m++) {
        json_object_set_new(json_object_get(d[m], "machine"), "hidden", json_string(HOSTILE));
        json_object_set_new(d[m], "warnings", json_pack("[{s:s, s:s}]", "code", HOSTILE, "text", HOSTILE));
        add(d[m], sweep(HOSTILE, 50, 400 + m));
        add(d[m], sweep(HOSTILE, 100, 1000));
        add(d[m], bench("fc_" HOSTILE, 10, 5));
        add(d[m], prediction(HOSTILE, HOSTILE, 1, 2));
    }
    report(d, path, 2);
    char *html = content("index.html"), *markdown = content("report.md");
    ck_assert_uint_eq(count(html, "<script"), 1); /* our own */
    ck_assert_ptr_null(strstr(html, "alert(1)</script>"));
    ck_assert_ptr_null(strstr(markdown, "<script"));
    ck_assert_ptr_null(strstr(markdown, "@everyone"));
    ck_assert_ptr_null(strstr(markdown, "\n# ["));
    ck_assert_int_ne(access("pwned", F_OK), 0);
    free(html);
    free(markdown);
}
END_TEST

START_TEST(hostile_numbers_and_long_names_leave_a_page) {
    static const char *const path[] = {"a.json", "b.json"};
    static const double extremes[] = {0, -1, 1e300, -1e300, 1e-300, 5e-324, 1e304};
    static char longest[1 << 18];
    json_t *d[2];
    for (size_t i = 0; i + 2 < sizeof longest; i += 2) memcpy(longest + i, "\xc3\xa9", 2); /* e with an accent */
    for (unsigned m = 0; m < 2; m++) {
        d[m] = document(longest, longest, longest);
        for (size_t x = 0; x < sizeof extremes / sizeof extremes[0]; x++)
            for (size_t y = 0; y < sizeof extremes / sizeof extremes[0]; y++) {
                add(d[m], sweep("net", extremes[x], extremes[y]));
                add(d[m], bench("fc_f32_row", extremes[x], extremes[y] + m));
                add(d[m], prediction("fc_f32_row_1", "x", extremes[x], extremes[y]));
            }
    }
    report(d, path, 2);
    char *html = content("index.html");
    ck_assert_ptr_nonnull(strstr(html, "</html>"));
    ck_assert_ptr_null(strstr(html, ">nan<"));
    free(html);
}
END_TEST

/* ---- publishing -----------------------------------------------------------------------------------------------
 */

START_TEST(what_nobody_can_repeat_is_not_published) {
    static const struct {
        const char *object, *field, *value, *named;
    } cases[] = {
        {"build", "commit", "\"unknown\"", "build.commit"},
        {"build", "commit", "\"abcdef-dirty\"", "build.commit"},
        {"build", "sanitized", "true", "build.sanitized"},
        {"build", "flags", "\"Debug -g\"", "build.flags"},
        {"build", "flags", "\"Release -DIDP_SIMDE\"", "build.flags has -DIDP_SIMDE"},
        {"machine", "emulated", "true", "machine.emulated"},
        {"run", "command", "\"idp run --quick --out x\"", "--quick"},
        {"run", "command", "\"idp run --quick\"", "--quick"},
        {"run", "parts", "[{\"command\": \"idp bench --quick\"}]", "--quick"},
        {"run", "data", "{\"synthetic\": true}", "run.data.synthetic"},
        {"run", "data", "{}", "run.data.synthetic"},
    };
    json_t *d = document("CPU", "avx2", "aaaaaaaaaaaa");
    error e = {""};
    ck_assert(!publish_check(d, "a.json", &e)); /* no records */
    add(d, sweep("net", 100, 1000));
    ck_assert_msg(publish_check(d, "a.json", &e), "%s", e.text);
    json_object_set_new(json_object_get(d, "run"), "command", json_string("idp run --out x--quick"));
    ck_assert_msg(publish_check(d, "a.json", &e), "%s", e.text);
    json_object_set_new(json_object_get(d, cases[_i].object), cases[_i].field,
                        json_loads(cases[_i].value, JSON_DECODE_ANY, NULL));
    ck_assert(!publish_check(d, "a.json", &e));
    ck_assert_msg(strstr(e.text, "a.json") != NULL && strstr(e.text, cases[_i].named) != NULL, "%s", e.text);
    json_decref(d);
}
END_TEST

START_TEST(the_name_tells_cpu_and_commit) {
    static const struct {
        const char *cpu, *hypervisor, *hidden, *name;
    } cases[] = {
        {"Intel(R) Xeon(R) Processor", "KVM", NULL, "intel-xeon-family6-model207-kvm-aaaaaaaaaaaa.json"},
        {"AMD EPYC 7763 64-Core Processor", NULL, "avx2",
         "amd-epyc-7763-64-family6-model207-without-avx2-aaaaaaaaaaaa.json"},
        {"../../etc/passwd\n", NULL, NULL, "etc-passwd-family6-model207-aaaaaaaaaaaa.json"},
        {"", NULL, NULL, "family6-model207-aaaaaaaaaaaa.json"},
    };
    char name[PUBLISH_NAME];
    json_t *d = document(cases[_i].cpu, "avx2", "aaaaaaaaaaaa"), *machine = json_object_get(d, "machine");
    if (cases[_i].hypervisor != NULL) json_object_set_new(machine, "hypervisor", json_string(cases[_i].hypervisor));
    if (cases[_i].hidden != NULL) json_object_set_new(machine, "hidden", json_string(cases[_i].hidden));
    publish_name(d, name);
    ck_assert_str_eq(name, cases[_i].name);
    add(d, prediction("fc_f32_row", "x", 1, 0));
    publish_name(d, name);
    ck_assert_str_eq(name, "predictions-x86-64-aaaaaaaaaaaa.json");
    json_decref(d);
}
END_TEST

START_TEST(a_name_never_outgrows_its_room) {
    static char longest[100000];
    char name[PUBLISH_NAME];
    for (size_t i = 0; i + 2 < sizeof longest; i += 2) memcpy(longest + i, "a ", 2);
    json_t *d = document(longest, "avx2", longest), *machine = json_object_get(d, "machine");
    json_object_set_new(machine, "hypervisor", json_string(longest));
    json_object_set_new(machine, "hidden", json_string(longest));
    publish_name(d, name);
    ck_assert_uint_lt(strlen(name), PUBLISH_NAME);
    ck_assert_str_eq(name + strlen(name) - 5, ".json");
    json_decref(d);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("across");
    TCase *pages = tcase_create("pages"), *published = tcase_create("published");
    tcase_add_checked_fixture(pages, make_folder, remove_folder);
    tcase_set_timeout(pages, 60);
    tcase_add_test(pages, the_same_cells_stand_in_one_row_and_what_is_missing_is_a_dash);
    tcase_add_test(pages, machines_of_one_name_are_told_apart_and_hidden_back_ends_told);
    tcase_add_test(pages, more_documents_than_a_page_holds_are_refused);
    tcase_add_test(pages, predictions_have_no_column_and_are_calibrated_or_not_shown);
    tcase_add_test(pages, predictions_without_a_measurement_are_not_shown);
    tcase_add_test(pages, hostile_strings_stay_text);
    tcase_add_test(pages, hostile_numbers_and_long_names_leave_a_page);
    tcase_add_loop_test(published, what_nobody_can_repeat_is_not_published, 0, 10);
    tcase_add_loop_test(published, the_name_tells_cpu_and_commit, 0, 4);
    tcase_add_test(published, a_name_never_outgrows_its_room);
    suite_add_tcase(suite, pages);
    suite_add_tcase(suite, published);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
