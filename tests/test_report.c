/* test_report.c: what the report says is what the records say, in all three formats, whatever the records say. */
#include <dirent.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../harness/commands.h"
#include "../harness/output.h"
#include "../harness/results/results.h"
#include "../reports/format.h"
#include "../reports/report.h"

#include <check.h> /* last: it makes a macro of the name `fail` */

enum { LARGEST_FILE = 1 << 24, GITHUB_COMMENT = 65536 };

#define ANSWER "Every profile in the middle and at the end"
#define SPEEDUPS "Geometric mean over all shapes"

/* ---- a folder, and files in it --------------------------------------------------------------------------------
 */

static char folder[256];

static void make_folder(void) {
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/idp-report-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void path_of(const char *name, char path[512]) { snprintf(path, 512, "%s/%s", folder, name); }

static void remove_folder(void) {
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        char path[512];
        path_of(entry->d_name, path);
        if (entry->d_name[0] != '.') unlink(path);
    }
    closedir(listing);
    ck_assert_int_eq(rmdir(folder), 0);
}

static bool exists(const char *name) {
    char path[512];
    path_of(name, path);
    return access(path, F_OK) == 0;
}

static char *content(const char *name) {
    char path[512], *bytes = NULL;
    size_t size = 0;
    error e = {""};
    path_of(name, path);
    ck_assert_msg(input_read(path, LARGEST_FILE, &bytes, &size, &e), "%s", e.text);
    ck_assert_uint_eq(strlen(bytes), size);
    return bytes;
}

/* ---- documents ------------------------------------------------------------------------------------------------
 */

static json_t *pack(json_t *value) {
    ck_assert_ptr_nonnull(value);
    return value;
}

static json_t *interval_json(double median, double low, double high) {
    return pack(json_pack("{s:f, s:f, s:f}", "median", median, "low", low, "high", high));
}

/* Takes the records. */
static json_t *document(const char *cpu, bool synthetic, json_t *list) {
    return pack(json_pack(
        "{s:s, s:{s:s, s:s, s:[s], s:i, s:[{s:i, s:s, s:i}], s:n, s:s, s:I}, s:{s:s, s:s, s:s, s:s, s:b},"
        " s:{s:s, s:i, s:s, s:f, s:{s:s, s:b, s:s, s:i, s:i}}, s:o}",
        "schema", RESULTS_SCHEMA, "machine", "cpu", cpu, "architecture", "x86-64", "features", "avx2+fma", "cores",
        2, "caches", "level", 1, "type", "data", "bytes", 49152, "hypervisor", "system", "Linux 6.1",
        "memory_bytes", (json_int_t)8 << 30, "build", "version", "0.1.0", "commit", "unknown", "compiler", "gcc",
        "flags", "Release", "sanitized", 0, "run", "command", "idp run", "seed", 7, "time", "2025-01-02T03:04:05Z",
        "seconds", 12.5, "data", "name", synthetic ? "synthetic digits" : "mnist", "synthetic", (int)synthetic,
        "sha256", "00", "train", 60000, "test", 10000, "records", list));
}

static json_t *sweep(const char *model, int seed, int profile, const double part[2], double percent,
                     double accuracy, double one_ns, double many_ns) {
    const int k = (int)percent;
    return pack(json_pack("{s:s, s:s, s:s, s:s, s:i, s:[f,f], s:f, s:i, s:i, s:f, s:i, s:i, s:s, s:{s:o, s:o}}",
                          "kind", "sweep", "model", model, "recipe", "authors", "gamma", "linear", "profile",
                          profile, "range_percent", part[0], part[1], "percent", percent, "k", k, "seed", seed,
                          "accuracy_percent", accuracy, "nominal_flops", 2 * (78400 + 100 * k + 1000),
                          "useful_flops", 2 * (784 * k + 100 * k + 1000), "backend", "avx2", "latency_ns",
                          "batch_1", interval_json(one_ns, one_ns * 0.99, one_ns * 1.02), "batch_128",
                          interval_json(many_ns, many_ns * 0.98, many_ns * 1.01)));
}

static json_t *bench(const char *kernel, const char *backend, double percent, double median, double low,
                     double high) {
    return pack(json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:i, s:i, s:o, s:f}", "kind", "bench", "kernel",
                          kernel, "backend", backend, "out", 100, "in", 784, "batch", 1, "percent", percent, "m",
                          100, "k", (int)(784 * percent / 100), "time_ns", interval_json(median, low, high),
                          "gflops", 1.5));
}

static json_t *verify(const char *kernel, const char *status, const char *reason, double worst) {
    return pack(json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:f}", "kind", "verify", "kernel", kernel, "backend",
                          "avx2", "status", status, "reason", reason, "cases", 1234, "seed",
                          (json_int_t)9007199254740993, "worst_error_over_bound", worst));
}

static json_t *train(const char *model, int profile, const double part[2]) {
    return pack(json_pack("{s:s, s:s, s:s, s:s, s:i, s:[f,f], s:i, s:i, s:f, s:f, s:f, s:s}", "kind", "train",
                          "model", model, "recipe", "authors", "gamma", "linear", "profile", profile,
                          "range_percent", part[0], part[1], "seed", 1, "epochs", 30, "seconds", 21.25, "loss",
                          0.0625, "accuracy_percent", 97.5, "backend", "avx2"));
}

/* Gives a sweep record the traces of how it was measured; the control strays by `strayed`. */
static json_t *with_trace(json_t *record, double strayed, int rounds, int discarded) {
    json_t *more = pack(json_pack(
        "{s:{s:o, s:o}, s:{s:o, s:o}, s:{s:o, s:n}, s:{s:i, s:i}, s:{s:i, s:i}, s:{s:i, s:i}, s:{s:f, s:f}, s:s, "
        "s:f,"
        " s:b, s:b}",
        "time_ratio", "batch_1", interval_json(0.5, 0.495, 0.505), "batch_128", interval_json(0.5, 0.45, 0.55),
        "aa_ratio", "batch_1", interval_json(1, 0.999, 1 + strayed), "batch_128",
        interval_json(1, 1 - strayed, 1.001), "core_hz", "batch_1", interval_json(3.1e9, 3.0e9, 3.2e9), "batch_128",
        "rounds", "batch_1", rounds, "batch_128", rounds / 2, "discarded", "batch_1", discarded, "batch_128", 0,
        "disturbed", "batch_1", 0, "batch_128", 3, "issued_flops", "batch_1",
        1200.0 * json_number_value(json_object_get(record, "percent")), "batch_128",
        1024.0 * json_number_value(json_object_get(record, "percent")), "issued_flops_source", "tile arithmetic",
        "level", 0.99, "pinned", 1, "ftz", 0));
    ck_assert_int_eq(json_object_update(record, more), 0);
    json_decref(more);
    return record;
}

static json_t *versus(const char *a, const char *b, double ratio, const char *verdict) {
    return pack(json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:s, s:i, s:i, s:i, s:f, s:o, s:f, s:i, s:i, s:i, s:f, "
                          "s:i, s:i, s:b, s:b, s:o,"
                          " s:o, s:[{s:i, s:i, s:i, s:i, s:f, s:f, s:f}]}",
                          "kind", "versus", "a", a, "b", b, "ratio", ratio, "low", ratio * 0.99, "high",
                          ratio * 1.02, "verdict", verdict, "rounds", 5000, "discarded", 17, "processes", 20,
                          "level", 0.99, "aa_ratio", interval_json(1, 0.998, 1.004), "detectable", 0.0123, "out",
                          100, "in", 784, "batch", 1, "percent", 50.0, "m", 100, "k", 392, "warm", 0, "ftz", 1,
                          "a_time_ns", interval_json(2000, 1990, 2010), "b_time_ns",
                          interval_json(2000 * ratio, 1, 2e6), "estimates", "process", 0, "seed", 4711, "rounds",
                          250, "discarded", 2, "ratio", ratio, "aa_ratio", 1.0005, "core_hz", 3.1e9));
}

/* A kernel of bench()'s shape. Idle lanes are a tenth of what is issued; 200 FLOPs do not depend on k. */
static json_t *flops(const char *kernel, const char *backend, double percent) {
    const int k = (int)(784 * percent / 100), nominal = 200 * k;
    return pack(
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:i, s:i, s:i, s:i, s:{s:i, s:i, s:i},"
                  " s:i, s:s, s:s, s:s, s:i, s:f, s:f, s:i}",
                  "kind", "flops", "status", "counted", "reason", "", "kernel", kernel, "backend", backend,
                  "requested_isa", "auto", "resolved_isa", "avx2+fma", "out", 100, "in", 784, "batch", 1, "percent",
                  percent, "m", 100, "k", k, "nominal_flops", nominal, "predicted_multiply_adds", nominal / 2,
                  "predicted_padding", "outputs", nominal / 20, "samples", 0, "channels", 0, "footprint_bytes",
                  49152, "memory_level", "L2", "executed_isa", "sse", "method", "stepped", "instructions", 1000,
                  "issued_flops", nominal * 1.1 + 200, "fixed_flops", 200.0, "masked_lanes", 7));
}

/* A cell of `idp matrix`: a kernel twice as fast as the best peer, at 80 % of its roof. */
static json_t *matrix(const char *kernel, const char *peer_name, double percent, bool above) {
    return pack(json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:f, s:i, s:i, s:f, s:o, s:{s:f}, s:{s:f}, s:s, s:o, s:f, s:o, s:s, "
        "s:o,"
        " s:f, s:o, s:f, s:s, s:f, s:o, s:b, s:i, s:i}",
        "kind", "matrix", "kernel", kernel, "backend", "avx2", "out", 100, "in", 784, "batch", 1, "cut", "inputs",
        "percent", percent, "m", 100, "k", (int)(7.84 * percent), "flops", 1568 * percent, "time_ns",
        interval_json(1000, 990, 1010), "kernels", kernel, 1000.0, "peers", peer_name, 2.0, "best_peer", peer_name,
        "peer_time_ns", interval_json(2000, 1990, 2010), "ratio_to_best_peer", 2.0, "ratio_interval",
        interval_json(2, 1.99, 2.01), "naive_peer", "naive_slice", "naive_time_ns", interval_json(3456, 3400, 3500),
        "ratio_to_naive", 3.456, "naive_interval", interval_json(3.456, 3.4, 3.5), "roof_ns", 812.0, "roof_kind",
        "loads", "roof_percent", 81.2, "roof_percent_interval", interval_json(81.2, 81, 82), "above_roof",
        (int)above, "rounds", 120, "processes", 3));
}

static const double low_part[2] = {0, 30}, high_part[2] = {30, 100}, whole_part[2] = {0, 100};

/* Two profiles, measured at 15, 30, 65 and 100 %: the middle and the end of either part. */
static const struct working_point {
    int profile;
    const double *part;
    double percent, accuracy, one_ns, many_ns;
} working_points[] = {
    {0, low_part, 15, 61.37, 431.5, 34567.8},
    {0, low_part, 30, 97.03, 707.25, 59123.4},
    {1, high_part, 65, 96.51, 1433.75, 123456.7},
    {1, high_part, 100, 97.83, 2129.5, 190123.4},
};
enum { WORKING_POINTS = sizeof working_points / sizeof working_points[0] };

static json_t *two_profiles(const char *model) {
    json_t *list = json_array();
    for (int w = 0; w < WORKING_POINTS; w++) {
        const struct working_point *at = &working_points[w];
        json_array_append_new(
            list, sweep(model, 1, at->profile, at->part, at->percent, at->accuracy, at->one_ns, at->many_ns));
    }
    return list;
}

/* Writes the report and drops the document; returns the warning. */
static error report(json_t *whole) {
    error e = {"untouched"};
    const bool written = report_write(whole, folder, &(report_options){.formats = REPORT_USUAL}, &e);
    json_decref(whole);
    ck_assert_msg(written, "%s", e.text);
    return e;
}

/* ---- reading the report back ----------------------------------------------------------------------------------
 */

/* Copies what lies between two places, small tags removed, into cell. */
static void copy_text(const char *from, const char *to, char cell[256]) {
    size_t used = 0;
    for (; from < to && used < 255; from++) {
        if (*from == '<') {
            while (from < to && *from != '>') from++;
        } else {
            cell[used++] = *from;
        }
    }
    cell[used] = '\0';
}

static const char *after(const char *string, const char *pattern) {
    const char *found = string != NULL ? strstr(string, pattern) : NULL;
    return found != NULL ? found + strlen(pattern) : NULL;
}

/* The cell of the table with that caption; *exact is its data-v, or NaN. */
static bool html_cell(const char *html, const char *caption, unsigned row, unsigned column, char cell[256],
                      double *exact) {
    const char *at = after(after(html, caption), "<tbody>"), *end = at != NULL ? strstr(at, "</tbody>") : NULL;
    for (unsigned r = 0; r <= row; r++) at = after(at, "<tr>");
    for (unsigned c = 0; c <= column; c++) at = after(at, "<td");
    if (at == NULL || at > end) return false;
    const char *open = strchr(at, '>'), *value = strstr(at, "data-v=\"");
    *exact = value != NULL && value < open ? strtod(value + 8, NULL) : (double)NAN;
    copy_text(open + 1, strstr(open, "</td>"), cell);
    return true;
}

static bool markdown_cell(const char *markdown, const char *caption, unsigned row, unsigned column,
                          char cell[256]) {
    const char *at = after(after(after(markdown, caption), "\n\n|"), "|\n|"); /* at the line of dashes */
    for (unsigned r = 0; r <= row; r++) at = after(at, "\n");
    if (at == NULL || *at != '|') return false;
    for (unsigned c = 0; c < column; c++) at = strchr(at + 1, '|');
    copy_text(at + 2, strchr(at + 1, '|') - 1, cell);
    return true;
}

/* The first number of a cell; U+2212 is a minus, anything in front of the digits is skipped. */
static double leading_number(const char *cell) {
    const char *digits = cell + strcspn(cell, "0123456789");
    const double number = strtod(digits, NULL);
    return strstr(cell, "\xe2\x88\x92") == cell ? -number : number;
}

/* The cell in both formats is the value, rounded to that many decimals; the order of the HTML table is exact. */
static void check_cell(const char *html, const char *markdown, const char *caption, unsigned row, unsigned column,
                       double value, int decimals) {
    char in_html[256], in_markdown[256];
    double exact;
    ck_assert_msg(html_cell(html, caption, row, column, in_html, &exact), "no cell %u,%u of '%s'", row, column,
                  caption);
    ck_assert_msg(markdown_cell(markdown, caption, row, column, in_markdown), "no cell %u,%u of '%s'", row, column,
                  caption);
    const double rounding = 0.5 * pow(10, -decimals) + 1e-9;
    ck_assert_double_eq_tol(leading_number(in_html), value, rounding);
    ck_assert_double_eq_tol(leading_number(in_markdown), value, rounding);
    ck_assert_double_eq_tol(exact, value, 1e-9 * fabs(value) + 1e-12);
}

static unsigned count(const char *string, const char *pattern) {
    unsigned found = 0;
    for (; (string = after(string, pattern)) != NULL;) found++;
    return found;
}

/* Every element that is opened is closed. */
static void check_balance(const char *html) {
    static const char *const tags[] = {"section",    "table",   "caption", "thead", "tbody",   "tr",
                                       "td",         "th",      "div",     "p",     "details", "h1",
                                       "h2",         "summary", "figure",  "ul",    "li",      "svg",
                                       "figcaption", "small",   "strong",  "nav",   "main",    "a"};
    for (size_t t = 0; t < sizeof tags / sizeof tags[0]; t++) {
        char bare[32], with[32], close[32];
        snprintf(bare, sizeof bare, "<%s>", tags[t]);
        snprintf(with, sizeof with, "<%s ", tags[t]);
        snprintf(close, sizeof close, "</%s>", tags[t]);
        ck_assert_msg(count(html, bare) + count(html, with) == count(html, close), "<%s> is not balanced", tags[t]);
    }
}

/* ---- figures --------------------------------------------------------------------------------------------------
 */

START_TEST(savings_are_those_of_the_records) {
    report(document("A CPU", false, two_profiles("authors linear 0-30,30-100")));
    char *html = content("index.html"), *markdown = content("report.md");
    const struct working_point *full = &working_points[WORKING_POINTS - 1];
    for (unsigned w = 0; w < WORKING_POINTS; w++) {
        const struct working_point *at = &working_points[w];
        const double k = at->percent;
        check_cell(html, markdown, ANSWER, w, 2, at->percent, 1);
        check_cell(html, markdown, ANSWER, w, 3, 100 * (1 - (79400 + 100 * k) / 89400), 1);
        check_cell(html, markdown, ANSWER, w, 4, 100 * (1 - (1000 + 884 * k) / 89400), 1);
        check_cell(html, markdown, ANSWER, w, 5, 100 * (1 - at->one_ns / full->one_ns), 1);
        check_cell(html, markdown, ANSWER, w, 6, 100 * (1 - at->many_ns / full->many_ns), 1);
        check_cell(html, markdown, ANSWER, w, 7, at->accuracy, 2);
    }
    char cell[256];
    double exact;
    ck_assert(!html_cell(html, ANSWER, WORKING_POINTS, 0, cell, &exact));
    free(html);
    free(markdown);
}
END_TEST

START_TEST(answer_opens_the_report) {
    report(document("A CPU", false, two_profiles("a model")));
    char *html = content("index.html"), *markdown = content("report.md");
    /* At 30 % the first profile is at its best, and at 15 % far from it; the second one's 65 % lose 1.3 points. */
    const char *narrow =
        "**a model, profile for 0\xe2\x80\x93"
        "30\xc2\xa0%.** At **30\xc2\xa0%** of the channels this CPU saves "
        "**69.2\xc2\xa0%** of the FLOPs (7.8\xc2\xa0% by the recipe's nominal count) and **66.8\xc2\xa0%** of the "
        "time for one sample (68.9\xc2\xa0% for a batch of 128), and accuracy is **97.0\xc2\xa0%** on the test "
        "images of mnist, against 97.8\xc2\xa0% with all channels.";
    const char *wide = "At **100\xc2\xa0%** of the channels accuracy is **97.8\xc2\xa0%**; no narrower cut comes "
                       "within a point of it.";
    ck_assert_msg(strstr(markdown, narrow) != NULL, "%s", markdown);
    ck_assert_msg(strstr(markdown, wide) != NULL, "%s", markdown);
    ck_assert_ptr_nonnull(strstr(html, "<strong>69.2\xc2\xa0%</strong> of the FLOPs"));
    ck_assert_ptr_nonnull(strstr(html, "<strong>97.0\xc2\xa0%</strong> on the test images of mnist"));
    const char *first = strstr(html, "<h2>");
    ck_assert_ptr_eq(first, strstr(html, "<h2>What it saves</h2>"));
    free(html);
    free(markdown);
}
END_TEST

START_TEST(seeds_are_averaged_and_their_spread_is_shown) {
    json_t *list = json_array();
    const double accuracy[3] = {90.10, 93.40, 91.00};
    for (int seed = 1; seed <= 3; seed++) {
        json_array_append_new(list, sweep("m", seed, 0, whole_part, 50, accuracy[seed - 1], 500.0 * seed, 9000));
        json_array_append_new(list,
                              sweep("m", seed, 0, whole_part, 100, accuracy[seed - 1] + 5, 1000.0 * seed, 18000));
    }
    report(document("A CPU", false, list));
    char *html = content("index.html"), *markdown = content("report.md");
    check_cell(html, markdown, ANSWER, 0, 5, 50, 1); /* mean of 500, 1000, 1500 against mean of 1000, 2000, 3000 */
    check_cell(html, markdown, ANSWER, 0, 7, 91.5, 2);
    char cell[256];
    ck_assert(markdown_cell(markdown, ANSWER, 0, 7, cell));
    ck_assert_str_eq(cell, "91.50 (90.10\xe2\x80\x93"
                           "93.40)");
    ck_assert_ptr_nonnull(strstr(markdown, "(mean of 3 seeds, 95.1\xe2\x80\x93"
                                           "98.4)"));
    free(html);
    free(markdown);
}
END_TEST

START_TEST(speedups_compare_the_fastest_kernels) {
    json_t *list = json_array();
    for (int step = 0; step < 2; step++) {
        const double percent = step == 0 ? 50 : 100, scale = step == 0 ? 1 : 4; /* ratios 8 and 16 over scalar */
        json_array_append_new(
            list, bench("fc_f32_row_1x1_scalar", "scalar", percent, 8000 * scale, 7900 * scale, 8100 * scale));
        json_array_append_new(list, bench("fc_f32_panel_1x8_autovec_avx2", "autovec_avx2", percent,
                                          1010 * (1 + step), 1000 * (1 + step), 1030 * (1 + step)));
        json_array_append_new(list, bench("fc_f32_panel_1x8_avx2", "avx2", percent, 1000 * (1 + step),
                                          990 * (1 + step), 1020 * (1 + step)));
        json_array_append_new(list, bench("fc_f32_row_1x8_avx2", "avx2", percent, 3000, 2950, 3100));
    }
    report(document("A CPU", false, list));
    char *html = content("index.html"), *markdown = content("report.md");
    /* avx2 is the second row, behind autovec_avx2; the row kernel never wins. */
    check_cell(html, markdown, SPEEDUPS, 1, 2, sqrt(8.0 * 16.0), 1);
    check_cell(html, markdown, SPEEDUPS, 1, 3, 1.01, 2);
    char cell[256];
    ck_assert(markdown_cell(markdown, SPEEDUPS, 1, 2, cell));
    ck_assert_str_eq(cell, "11.3\xc3\x97 (8.00\xe2\x80\x93"
                           "16.0)");
    /* Columns: %, m x k, scalar, autovec and its speed-up, avx2 and its two. The intervals of the last overlap. */
    const char *shape = "100 outputs of 784 inputs, 1 sample, input channels cut. Time of one call";
    double exact;
    ck_assert(html_cell(html, shape, 0, 5, cell, &exact));
    ck_assert_double_eq(exact, 1000);
    ck_assert_str_eq(cell, "1.00 0.990\xe2\x80\x93"
                           "1.02");
    ck_assert(html_cell(html, shape, 0, 6, cell, &exact));
    ck_assert_str_eq(cell, "8.00\xc3\x97");
    ck_assert(html_cell(html, shape, 0, 7, cell, &exact));
    ck_assert_str_eq(cell, "\xe2\x89\x88\xc2\xa0"
                           "1.01\xc3\x97");
    ck_assert_ptr_nonnull(strstr(markdown, "(2 shapes and percentages), panel is the fastest at 2."));
    free(html);
    free(markdown);
}
END_TEST

START_TEST(layers_cut_in_their_outputs_are_a_table_of_their_own) {
    json_t *list = json_array(), *cut = bench("fc_f32_row_1x8_avx2", "avx2", 100, 400, 390, 410);
    json_object_set_new(cut, "m", json_integer(20));
    json_array_append_new(list, cut);
    json_array_append_new(list, bench("fc_f32_row_1x8_avx2", "avx2", 100, 2000, 1950, 2050));
    json_array_append_new(list, bench("fc_f32_row_1x8_avx2", "avx2", 50, 1100, 1050, 1150));
    report(document("A CPU", false, list));
    char *html = content("index.html"), cell[256];
    double exact;
    const char *outputs = "1 sample, outputs cut. Time of one call";
    ck_assert(html_cell(html, outputs, 0, 0, cell, &exact));
    ck_assert_str_eq(cell, "20");
    ck_assert(html_cell(html, outputs, 0, 2, cell, &exact));
    ck_assert_double_eq(exact, 400);
    ck_assert(html_cell(html, outputs, 1, 2, cell, &exact)); /* the complete layer is the end of both tables */
    ck_assert_double_eq(exact, 2000);
    ck_assert(html_cell(html, "1 sample, input channels cut. Time of one call", 1, 2, cell, &exact));
    ck_assert_double_eq(exact, 2000);
    free(html);
}
END_TEST

START_TEST(verification_tells_what_was_skipped_and_why) {
    json_t *list = json_array();
    json_array_append_new(list, verify("fc_f32_row_1x8_avx2", "passed", "", 0.25));
    json_array_append_new(list, verify("fc_f32_panel_1x8_avx2", "failed", "one channel too few", 17.5));
    json_array_append_new(list, verify("", "skipped", "this CPU has no AVX-512", 0));
    report(document("A CPU", false, list));
    char *html = content("index.html"), *markdown = content("report.md"), cell[256];
    double exact;
    ck_assert_ptr_nonnull(strstr(markdown, "1 passed, 1 failed, 1 skipped, 3,702 cases in all."));
    ck_assert_ptr_nonnull(strstr(markdown, "is 0.250 of its bound"));
    ck_assert(markdown_cell(markdown, "What did not pass, and why.", 0, 6, cell));
    ck_assert_str_eq(cell, "one channel too few");
    ck_assert(markdown_cell(markdown, "What did not pass, and why.", 1, 6, cell));
    ck_assert_str_eq(cell, "this CPU has no AVX-512");
    ck_assert(html_cell(html, "Kernels against the oracle", 0, 4, cell, &exact));
    ck_assert_double_eq(exact, 17.5);
    ck_assert(html_cell(html, "Kernels against the oracle", 0, 5, cell, &exact));
    ck_assert_str_eq(cell, "9007199254740993"); /* a seed replays: no digit may be lost */
    free(html);
    free(markdown);
}
END_TEST

START_TEST(csv_keeps_full_precision) {
    json_t *list = two_profiles("a, \"b\"");
    const double third = 100.0 / 3;
    json_array_append_new(list, sweep("c", 1, 0, whole_part, third, 0.1 + 0.2, 1e-3 / 7, 2e9 / 3));
    report(document("A CPU", false, list));
    char *csv = content("sweep.csv");
    ck_assert_ptr_eq(strstr(csv, "kind,model,recipe,gamma,profile,range_percent.0,range_percent.1,percent,k,seed,"
                                 "accuracy_percent,nominal_flops,useful_flops,backend,latency_ns.batch_1.median,"),
                     csv);
    ck_assert_uint_eq(count(csv, "\r\n"), 1 + WORKING_POINTS + 1);
    ck_assert_ptr_nonnull(strstr(csv, "\r\nsweep,\"a, \"\"b\"\"\",authors,linear,0,"));
    const char *last = after(csv, "\r\nsweep,c,authors,linear,0,");
    ck_assert_ptr_nonnull(last);
    double value[8]; /* range from, to, percent, k, seed, accuracy, nominal, useful */
    for (unsigned v = 0; v < 8; v++, last++) {
        char *end = NULL;
        value[v] = strtod(last, &end);
        ck_assert_int_eq(*end, ',');
        last = end;
    }
    ck_assert_double_eq(value[2], third);
    ck_assert_double_eq(value[5], 0.1 + 0.2);
    ck_assert_ptr_nonnull(strstr(csv, ",avx2,0.00014285714285714287,"));
    free(csv);
}
END_TEST

/* ---- what the figures rest on ----------------------------------------------------------------------------------
 */

START_TEST(nominal_issued_and_time_stand_side_by_side) {
    json_t *list = json_array();
    const double percents[3] = {25, 50, 100}, ns[3] = {700, 1200, 2200};
    for (int n = 0; n < 3; n++) {
        json_array_append_new(list, bench("fc_f32_row_1x8_avx2", "avx2", percents[n], ns[n], ns[n] - 1, ns[n] + 1));
        json_array_append_new(list, flops("fc_f32_row_1x8_avx2", "avx2", percents[n]));
    }
    report(document("A CPU", false, list));
    char *html = content("index.html"), *markdown = content("report.md"), cell[256];
    const char *work = "One call of each kernel. Issued:";
    double exact;
    for (unsigned n = 0; n < 3; n++) {
        const double nominal = 200 * (int)(784 * percents[n] / 100), issued = nominal * 1.1 + 200;
        check_cell(html, markdown, work, n, 3, percents[n], 1);
        ck_assert(html_cell(html, work, n, 4, cell, &exact));
        ck_assert_double_eq(exact, nominal);
        ck_assert(html_cell(html, work, n, 5, cell, &exact));
        ck_assert_double_eq_tol(exact, issued, 1e-9);
        check_cell(html, markdown, work, n, 6, issued / nominal, 2);
        ck_assert(html_cell(html, work, n, 7, cell, &exact));
        ck_assert_double_eq(exact, ns[n]);
        check_cell(html, markdown, work, n, 8, 100 * (1 - nominal / 156800), 1);
        check_cell(html, markdown, work, n, 9, 100 * (1 - issued / (156800 * 1.1 + 200)), 1);
        check_cell(html, markdown, work, n, 10, 100 * (1 - ns[n] / 2200), 1);
        /* The gap: idle lanes of 10 %, what is fixed, and 200 ns at no channels at all. */
        const char *gap = "Where issued FLOPs and time exceed";
        ck_assert(html_cell(html, gap, n, 4, cell, &exact));
        ck_assert_double_eq_tol(exact, 100 * 0.1 * nominal / issued, 1e-6);
        ck_assert(html_cell(html, gap, n, 7, cell, &exact));
        ck_assert_double_eq_tol(exact, 100 * 200 / issued, 1e-6);
        ck_assert(html_cell(html, gap, n, 10, cell, &exact));
        ck_assert_double_eq_tol(exact, 200, 1e-6);
        ck_assert(html_cell(html, gap, n, 12, cell, &exact));
        ck_assert_str_eq(cell, "L2");
    }
    const char *isa = "Which instruction set was asked for";
    static const char *const words[] = {"avx2", "3", "auto", "avx2+fma", "sse"};
    for (unsigned w = 0; w < 5; w++) {
        ck_assert(markdown_cell(markdown, isa, 0, w, cell));
        ck_assert_str_eq(cell, words[w]);
    }
    check_balance(html);
    free(html);
    free(markdown);
}
END_TEST

START_TEST(work_that_could_not_be_counted_says_why) {
    json_t *list = json_array(), *unavailable = flops("fc_f32_row_1x8_avx2", "avx2", 50);
    static const char *const counts[] = {"executed_isa", "method", "instructions", "issued_flops", "fixed_flops"};
    for (size_t f = 0; f < sizeof counts / sizeof counts[0]; f++) json_object_del(unavailable, counts[f]);
    json_object_set_new(unavailable, "status", json_string("unavailable"));
    json_object_set_new(unavailable, "reason", json_string("tracing is forbidden here"));
    json_array_append_new(list, unavailable);
    json_array_append_new(list, pack(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "flops", "status",
                                               "skipped", "reason", "no AVX-512 here", "kernel", "", "backend",
                                               "avx512f", "requested_isa", "auto", "resolved_isa", "avx512f")));
    report(document("A CPU", false, list));
    char *html = content("index.html"), *markdown = content("report.md"), cell[256];
    ck_assert_ptr_nonnull(strstr(markdown, "could not be counted here: tracing is forbidden here."));
    ck_assert(markdown_cell(markdown, "Which instruction set was asked for", 1, 5, cell));
    ck_assert_str_eq(cell, "no AVX-512 here");
    ck_assert(markdown_cell(markdown, "Which instruction set was asked for", 1, 4, cell));
    ck_assert_str_eq(cell, "\xe2\x80\x93");
    check_balance(html);
    free(html);
    free(markdown);
}
END_TEST

START_TEST(issued_flops_of_networks_stand_beside_time) {
    json_t *list = two_profiles("m");
    for (size_t i = 0; i < json_array_size(list); i++) with_trace(json_array_get(list, i), 0.01, 40, 2);
    report(document("A CPU", false, list));
    char *html = content("index.html"), cell[256];
    const char *all = "Times are medians with their interval; FLOPs are per sample";
    double exact;
    for (unsigned w = 0; w < WORKING_POINTS; w++) {
        ck_assert(html_cell(html, all, w, 8, cell, &exact));
        ck_assert_double_eq_tol(exact, 1200 * working_points[w].percent, 1e-6);
        ck_assert(html_cell(html, all, w, 9, cell, &exact));
        ck_assert_double_eq_tol(exact, 100 - working_points[w].percent, 1e-6);
        ck_assert(html_cell(html, all, w, 12, cell, &exact));
        ck_assert_double_eq_tol(exact, 1024 * working_points[w].percent, 1e-6);
    }
    free(html);
}
END_TEST

START_TEST(kernels_stand_beside_peers_and_roofs) {
    json_t *list = json_array();
    json_array_append_new(list, matrix("fc_a", "lib_packed", 50, false));
    json_array_append_new(list, matrix("fc_b", "<b>lib</b>", 100, true));
    json_array_append_new(list, pack(json_pack("{s:s, s:s, s:f, s:s}", "kind", "roof", "resource", "fma_512",
                                               "value", 123.4, "unit", "GFLOP/s")));
    json_t *doc = document("A CPU", false, list);
    error e = {""};
    ck_assert_msg(report_write(doc, folder, &(report_options){.formats = REPORT_USUAL}, &e), "%s", e.text);
    char *html = content("index.html"), *markdown = content("report.md");
    const char *const wanted[] = {"Kernels against peers and roofs",
                                  "2 of 2",
                                  "lib_packed",
                                  "fc_a",
                                  "naive_slice",
                                  "above its roof",
                                  "fma_512",
                                  "&lt;b&gt;lib&lt;/b&gt;"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        ck_assert_msg(strstr(html, wanted[i]) != NULL, "no '%s'", wanted[i]);
    ck_assert_ptr_null(strstr(html, "<b>lib</b>"));
    ck_assert_ptr_nonnull(strstr(markdown, "Figures above their roofs: 1"));
    ck_assert_ptr_nonnull(strstr(markdown, "| 2 | 2.00\xc3\x97 | 2.00\xc3\x97 | 81 | 81 |"));
    free(html);
    free(markdown);
    json_decref(doc);
}
END_TEST

START_TEST(noise_floor_is_that_of_the_worst_control) {
    json_t *list = two_profiles("m");
    for (size_t i = 0; i < json_array_size(list); i++)
        with_trace(json_array_get(list, i), i < 2 ? 0.01 : 0.03, i < 2 ? 40 : 60, 2);
    json_array_append_new(list, versus("scalar", "avx2", 0.25, "faster"));
    report(document("A CPU", false, list));
    char *html = content("index.html"), *markdown = content("report.md"), cell[256];
    /* 1 + 1 %: the control and half the ratio's width for one sample; 3 + 10 % for the batch; versus has its own.
     */
    ck_assert_ptr_nonnull(strstr(markdown, "at most **3.00\xc2\xa0%** (A/A control, 5 measurements)"));
    ck_assert_ptr_nonnull(strstr(markdown, "**1.23\xe2\x80\x93"
                                           "13.00\xc2\xa0%**"));
    static const double expected[5][3] = {{40, 2, 2}, {20, 0, 11}, {60, 2, 4}, {30, 0, 13}, {5000, 17, 1.23}};
    const char *noise = "Rounds in which the system took the processor away";
    double exact;
    for (unsigned n = 0; n < 5; n++) {
        ck_assert(html_cell(html, noise, n, 2, cell, &exact));
        ck_assert_double_eq(exact, expected[n][0]);
        ck_assert(html_cell(html, noise, n, 3, cell, &exact));
        ck_assert_double_eq(exact, expected[n][1]);
        ck_assert(html_cell(html, noise, n, 6, cell, &exact));
        ck_assert_double_eq_tol(exact, expected[n][2], 1e-9);
    }
    ck_assert(!html_cell(html, noise, 5, 0, cell, &exact));
    ck_assert(html_cell(html, noise, 0, 8, cell, &exact));
    ck_assert_str_eq(cell, "3.10 (3.00\xe2\x80\x93"
                           "3.20)");
    check_balance(html);
    free(html);
    free(markdown);
}
END_TEST

START_TEST(direct_comparisons_have_verdicts_and_processes) {
    json_t *list = json_array();
    json_array_append_new(list, versus("scalar", "avx2", 0.25, "faster"));
    json_array_append_new(list, versus("scalar", "scalar@100", 1.001, "no difference"));
    report(document("A CPU", false, list));
    char *html = content("index.html"), *markdown = content("report.md"), *csv = content("versus.csv"), cell[256];
    const char *table = "Time of B over time of A";
    double exact;
    check_cell(html, markdown, table, 0, 6, 0.25, 2);
    ck_assert(markdown_cell(markdown, table, 0, 8, cell));
    ck_assert_str_eq(cell, "faster");
    ck_assert(markdown_cell(markdown, table, 0, 3, cell));
    ck_assert_str_eq(cell, "cold");
    ck_assert(markdown_cell(markdown, table, 0, 10, cell));
    ck_assert_str_eq(cell, "5,000 (17 discarded)");
    ck_assert(markdown_cell(markdown, table, 1, 6, cell));
    ck_assert_ptr_eq(strstr(cell, "\xe2\x89\x88"), cell); /* the interval holds 1 */
    ck_assert(html_cell(html, "The medians of each process", 1, 3, cell, &exact));
    ck_assert_str_eq(cell, "4711");
    ck_assert_ptr_nonnull(strstr(csv, "estimates.0.seed"));
    check_balance(html);
    free(html);
    free(markdown);
    free(csv);
}
END_TEST

START_TEST(warnings_and_environment_are_shown) {
    json_t *whole = document("A CPU", false, two_profiles("m"));
    json_object_set_new(
        whole, "warnings",
        pack(json_pack("[{s:s, s:s}]", "code", "virtual_machine", "text", "This is a <virtual> machine.")));
    json_object_set_new(whole, "environment",
                        pack(json_pack("{s:{s:f, s:f}, s:{s:s}, s:s}", "load", "start", 0.5, "end", 1.25,
                                       "governor", "unavailable", "nothing <here> tells", "smt", "off")));
    report(whole);
    char *html = content("index.html"), *markdown = content("report.md"), cell[256];
    const char *table = "As read at the start and at the end";
    double exact;
    ck_assert_ptr_nonnull(strstr(markdown, "machine and the run: virtual machine. See"));
    ck_assert_ptr_nonnull(strstr(html, "<p class=\"warning\">This is a &lt;virtual&gt; machine.</p>"));
    ck_assert(html_cell(html, table, 0, 1, cell, &exact));
    ck_assert_str_eq(cell, "start 0.5, end 1.25");
    ck_assert(html_cell(html, table, 1, 1, cell, &exact));
    ck_assert_str_eq(cell, "unavailable: nothing &lt;here&gt; tells");
    check_balance(html);
    free(html);
    free(markdown);
}
END_TEST

START_TEST(figures_can_be_traced) {
    json_t *list = two_profiles("m"), *measured;
    for (size_t i = 0; i < json_array_size(list); i++) with_trace(json_array_get(list, i), 0.01, 40, 2);
    measured = bench("fc_f32_row_1x8_avx2", "avx2", 50, 1000, 990, 1010);
    json_object_set_new(measured, "repetitions", json_integer(3));
    json_array_append_new(list, measured);
    json_t *whole = document("A CPU", false, list);
    json_object_set_new(
        json_object_get(whole, "run"), "parts",
        pack(json_pack("[{s:s, s:s, s:f, s:i, s:i}, {s:s, s:s, s:f, s:i, s:i}]", "command", "idp sweep m", "time",
                       "2025-01-02T03:04:05Z", "seconds", 3.5, "first", 0, "records", 4, "command", "idp bench",
                       "time", "2025-01-02T03:04:09Z", "seconds", 1.0, "first", 4, "records", 1)));
    report(whole);
    char *html = content("index.html"), cell[256];
    double exact;
    ck_assert_uint_eq(count(html, "<summary>Where these numbers come from</summary>"), 2);
    /* Two profiles at two batch sizes: 40 and 20 rounds each, 2 discarded for one sample, 3 disturbed for the
     * batch. */
    ck_assert_ptr_nonnull(strstr(html, "20\xe2\x80\x93"
                                       "40 rounds in all, 4 discarded and 6 disturbed. A process"));
    ck_assert_ptr_nonnull(strstr(html, "held on one CPU; subnormal numbers were not flushed to zero"));
    ck_assert_ptr_nonnull(strstr(html, "one kernel after the other; 3 repetitions of each"));
    ck_assert(html_cell(html, "The steps of this run", 1, 0, cell, &exact));
    ck_assert_str_eq(cell, "idp bench");
    ck_assert(html_cell(html, "The steps of this run", 0, 3, cell, &exact));
    ck_assert_str_eq(cell, "0\xe2\x80\x93"
                           "3");
    check_balance(html);
    free(html);
}
END_TEST

/* ---- words ----------------------------------------------------------------------------------------------------
 */

START_TEST(synthetic_data_is_named_wherever_accuracy_is) {
    json_t *list = two_profiles("m");
    json_array_append_new(list, train("m", 0, low_part));
    report(document("A CPU", true, list));
    char *html = content("index.html"), *markdown = content("report.md");
    ck_assert_ptr_nonnull(strstr(html, "<span class=\"badge\">synthetic digits</span></h1>"));
    ck_assert_ptr_nonnull(strstr(html, "(synthetic digits)</title>"));
    ck_assert_ptr_nonnull(strstr(markdown, "# Incomplete dot products on A CPU (synthetic digits)\n"));
    const char *const captions[][2] = {{"<caption>", "</caption>"}, {"<figcaption>", "</figcaption>"}};
    unsigned about_accuracy = 0;
    for (size_t c = 0; c < 2; c++) {
        for (const char *at = html; (at = after(at, captions[c][0])) != NULL;) {
            char caption[256];
            copy_text(at, strstr(at, captions[c][1]), caption);
            if (strstr(caption, "ccuracy") == NULL) continue;
            about_accuracy++;
            ck_assert_msg(strstr(caption, "synthetic digits, not on MNIST") != NULL, "%s", caption);
        }
    }
    ck_assert_uint_ge(about_accuracy, 3); /* answer, model, training; figures where gnuplot is */
    free(html);
    free(markdown);
    report(document("A CPU", false, two_profiles("m")));
    html = content("index.html");
    ck_assert_ptr_null(strstr(html, "synthetic"));
    free(html);
}
END_TEST

#define HOSTILE "<script>alert(1)</script>\"'&|*x*`touch pwned`';system('touch pwned');#@everyone\n# [a](b)"

START_TEST(hostile_strings_stay_text) {
    json_t *list = two_profiles(HOSTILE);
    json_array_append_new(list, verify(HOSTILE, "skipped", HOSTILE, 0));
    json_array_append_new(list, train(HOSTILE, 0, low_part));
    json_array_append_new(list, bench(HOSTILE, HOSTILE, 50, 1, 1, 1));
    json_array_append_new(list, bench(HOSTILE, HOSTILE, 100, 2, 2, 2));
    json_array_append_new(list, flops(HOSTILE, HOSTILE, 100));
    json_array_append_new(list, versus(HOSTILE, HOSTILE, 1, HOSTILE));
    for (size_t i = 0; i < WORKING_POINTS; i++) with_trace(json_array_get(list, i), 0.01, 40, 2);
    report(document(HOSTILE, false, list));
    char *html = content("index.html"), *markdown = content("report.md"), *csv = content("verify.csv");
    ck_assert_uint_eq(count(html, "<script"), 1); /* our own */
    ck_assert_ptr_null(strstr(html, "alert(1)</script>"));
    ck_assert_ptr_nonnull(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;|"));
    ck_assert_ptr_null(strstr(markdown, "<script"));
    ck_assert_ptr_null(strstr(markdown, "@everyone"));
    ck_assert_ptr_null(strstr(markdown, "\n# [")); /* a line break of a record starts no heading */
    ck_assert_uint_eq(count(markdown, "](b)"), count(markdown, "\\](b)")); /* no link */
    for (const char *at = markdown; (at = after(at, "alert(1)")) != NULL;) {
        const char *pipe = strchr(at, '|');
        ck_assert_msg(pipe[-1] == '\\', "a pipe of a record would end a table's cell");
    }
    ck_assert_ptr_nonnull(strstr(csv, "\"<script>alert(1)</script>\"\"'&|"));
    ck_assert_int_ne(access("pwned", F_OK), 0);
    check_balance(html);
    free(html);
    free(markdown);
    free(csv);
}
END_TEST

START_TEST(sections_without_records_leave_no_trace) {
    json_t *list = json_array();
    json_array_append_new(list, verify("fc_f32_row_1x8_avx2", "passed", "", 0.25));
    json_array_append_new(list, pack(json_pack("{s:s, s:[i,i]}", "kind", "of_a_later_version", "figures", 1, 2)));
    report(document("A CPU", false, list));
    char *html = content("index.html"), *markdown = content("report.md"), *csv = content("of_a_later_version.csv");
    static const char *const absent[] = {"What it saves", "Accuracy and cost", "Back ends and layouts", "Training"};
    for (size_t a = 0; a < sizeof absent / sizeof absent[0]; a++) {
        ck_assert_ptr_null(strstr(html, absent[a]));
        ck_assert_ptr_null(strstr(markdown, absent[a]));
    }
    ck_assert_ptr_nonnull(strstr(html, "<h2>Verification</h2>"));
    ck_assert_ptr_nonnull(strstr(html, "<a href=\"#verification\">"));
    for (const char *at = markdown; (at = after(at, "\n## ")) != NULL;)
        ck_assert_msg(strstr(at, "\n\n") != NULL && strncmp(strstr(at, "\n\n"), "\n\n## ", 5) != 0 &&
                          strlen(strstr(at, "\n\n")) > 4,
                      "a heading with nothing under it: %.40s", at);
    ck_assert_str_eq(csv, "kind,figures.0,figures.1\r\nof_a_later_version,1,2\r\n");
    ck_assert(!exists("sweep.csv") && !exists("bench.csv") && !exists("train.csv"));
    check_balance(html);
    free(html);
    free(markdown);
    free(csv);
    report(document("A CPU", false, json_array()));
    html = content("index.html");
    check_balance(html);
    free(html);
}
END_TEST

START_TEST(what_was_not_measured_is_a_dash) {
    json_t *list = json_array(), *without = sweep("m", 1, 0, whole_part, 50, 90, 1, 1);
    json_object_del(without, "latency_ns");
    json_array_append_new(list, without);
    report(document("A CPU", false, list)); /* and nothing at 100 % to save against */
    char *html = content("index.html"), *markdown = content("report.md"), cell[256];
    for (unsigned column = 3; column <= 6; column++) {
        ck_assert(markdown_cell(markdown, ANSWER, 0, column, cell));
        ck_assert_str_eq(cell, "\xe2\x80\x93");
    }
    ck_assert_ptr_nonnull(strstr(markdown, "of the channels accuracy is **90.0\xc2\xa0%**"));
    ck_assert_ptr_null(strstr(html, "nan"));
    ck_assert_ptr_null(strstr(markdown, "nan"));
    free(html);
    free(markdown);
}
END_TEST

START_TEST(page_is_whole_and_alone) {
    json_t *list = two_profiles("one");
    json_t *more = two_profiles("two");
    json_array_extend(list, more);
    json_decref(more);
    json_array_append_new(list, train("one", 0, low_part));
    json_array_append_new(list, bench("fc_f32_row_1x8_avx2", "avx2", 50, 1000, 900, 1100));
    json_array_append_new(list, bench("fc_f32_row_1x8_avx2", "avx2", 100, 2000, 1900, 2100));
    const error warning = report(document("A CPU", false, list));
    char *html = content("index.html"), *markdown = content("report.md");
    check_balance(html);
    static const char *const fetches[] = {" src=", "<link", "@import", "url(http", "https:", "<iframe", "<object"};
    for (size_t f = 0; f < sizeof fetches / sizeof fetches[0]; f++) ck_assert_ptr_null(strstr(html, fetches[f]));
    ck_assert_uint_eq(count(html, "http:"),
                      count(html, "http://www.w3.org/1999/xlink")); /* a name, not an address */
    ck_assert_ptr_nonnull(strstr(html, "default-src 'none'"));
    ck_assert_ptr_eq(strstr(html, "<title>"), strstr(strstr(html, "<head>"), "<title>"));
    ck_assert_uint_eq(count(html, "<title>"),
                      1 + count(html, "</use>")); /* of the page, and of each plotted point */
    ck_assert_uint_lt(strlen(markdown), GITHUB_COMMENT);
    if (warning.text[0] == '\0') {
        /* Accuracy against time and time against work, each for both batch sizes; one for all models, two for each
         * of them, one for the shape. */
        ck_assert_uint_eq(count(html, "<svg class=\"plot\""), 2 + 2 + 1 + 2 * 2 + 1);
        ck_assert_uint_eq(count(html, "<figcaption>"), 2 + 2 + 1 + 2 * 2 + 1);
        ck_assert_uint_gt(count(html, "</use>"), 0);
        ck_assert_ptr_null(strstr(strstr(html, "</style>"), "rgb(")); /* every colour follows the page's scheme */
        ck_assert_ptr_null(strstr(html, "id='gp"));
    } else {
        printf("SKIPPED: report: plots: %s\n", warning.text);
    }
    free(html);
    free(markdown);
}
END_TEST

START_TEST(markdown_fits_a_comment_however_much_there_is) {
    json_t *list = two_profiles("m");
    char reason[201] = "";
    memset(reason, 'x', sizeof reason - 1);
    for (int n = 0; n < 400; n++) json_array_append_new(list, verify("k", "failed", reason, 2));
    report(document("A CPU", false, list));
    char *markdown = content("report.md");
    ck_assert_uint_lt(strlen(markdown), GITHUB_COMMENT);
    ck_assert_ptr_nonnull(strstr(markdown, "The rest does not fit into a comment"));
    free(markdown);
}
END_TEST

START_TEST(without_gnuplot_the_page_says_so) {
    char kept[8192];
    snprintf(kept, sizeof kept, "%s", getenv("PATH") != NULL ? getenv("PATH") : "");
    setenv("PATH", folder, 1); /* an empty folder */
    const error warning = report(document("A CPU", false, two_profiles("m")));
    setenv("PATH", kept, 1);
    ck_assert_msg(strstr(warning.text, "gnuplot") != NULL, "the warning is '%s'", warning.text);
    char *html = content("index.html"), *markdown = content("report.md");
    ck_assert_ptr_nonnull(strstr(html, "This page has no plots: gnuplot cannot be run"));
    ck_assert_uint_eq(count(html, "<svg"), 0);
    ck_assert_uint_eq(count(html, "<figure"), 0);
    check_balance(html);
    check_cell(html, markdown, ANSWER, 0, 7, working_points[0].accuracy, 2); /* the figures are all there */
    free(html);
    free(markdown);
}
END_TEST

START_TEST(plots_beyond_a_page_are_told) {
    static const double part[2] = {0, 100};
    json_t *list = pack(json_array());
    for (int m = 0; m < 80; m++) { /* two plots each, and some of all of them */
        char name[32];
        snprintf(name, sizeof name, "model %d", m);
        json_array_append_new(list, sweep(name, 1, 0, part, 50, 90, 1000, 9000));
        json_array_append_new(list, sweep(name, 1, 0, part, 100, 98, 2000, 19000));
    }
    report(document("A CPU", false, list));
    char *html = content("index.html");
    const size_t figures = count(html, "<figure");
    if (figures > 0) {                   /* there is a gnuplot */
        ck_assert_uint_eq(figures, 150); /* PAGE_FIGURES */
        ck_assert_ptr_nonnull(strstr(html, "This page has its first 150 plots; "));
    }
    check_balance(html);
    free(html);
}
END_TEST

/* ---- refusals -------------------------------------------------------------------------------------------------
 */

static void check_refused(json_t *whole, const char *place, const char *reason) {
    error e = {""};
    const bool written = report_write(whole, folder, &(report_options){.formats = REPORT_USUAL}, &e);
    json_decref(whole);
    ck_assert(!written);
    ck_assert_msg(strstr(e.text, place) != NULL && strstr(e.text, reason) != NULL, "the message is '%s'", e.text);
    ck_assert(!exists("index.html") && !exists("report.md"));
}

START_TEST(incomplete_records_are_refused) {
    static const char *const fields[] = {"model", "profile", "range_percent", "percent", "useful_flops", "backend"};
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        json_t *list = two_profiles("m");
        json_object_set_new(json_array_get(list, 2), fields[f], json_true());
        check_refused(document("A CPU", false, list), "record 2 (sweep)", fields[f]);
    }
    json_t *list = two_profiles("m");
    json_object_set_new(json_object_get(json_array_get(list, 1), "latency_ns"), "batch_1", json_integer(3));
    check_refused(document("A CPU", false, list), "record 1 (sweep)", "latency_ns.batch_1");
}
END_TEST

START_TEST(kinds_that_are_no_file_names_are_refused) {
    static const char *const kinds[] = {"../sweep", "", "a/b", "A", "a\nb"};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        json_t *list = json_array();
        json_array_append_new(list, pack(json_pack("{s:s}", "kind", kinds[k])));
        check_refused(document("A CPU", false, list), "record 0", "kind");
    }
}
END_TEST

/* The command on a file in the folder; returns its status. */
static int run_command(const char *file, const char *option, error *e) {
    char path[512], out[300], name[] = "report", out_option[] = "--out", extra[64];
    path_of(file, path);
    snprintf(out, sizeof out, "%s", folder);
    snprintf(extra, sizeof extra, "%s", option != NULL ? option : "");
    char *arguments[] = {name, path, out_option, out, option != NULL ? extra : NULL, NULL};
    optind = 1;
    return cmd_report(option != NULL ? 5 : 4, arguments, e);
}

static void store(json_t *whole, const char *name) {
    char path[512];
    path_of(name, path);
    ck_assert_int_eq(json_dump_file(whole, path, 0), 0);
    json_decref(whole);
}

START_TEST(command_writes_or_says_why_not) {
    error e = {""};
    store(document("A CPU", false, two_profiles("m")), "good.json");
    ck_assert_int_eq(run_command("good.json", NULL, &e), 0);
    ck_assert(exists("index.html") && exists("report.md") && exists("sweep.csv"));

    ck_assert_int_eq(run_command("good.json", "--bogus", &e), EXIT_ERROR);
    ck_assert_msg(strstr(e.text, "--bogus") != NULL, "the message is '%s'", e.text);
    ck_assert_int_eq(run_command("good.json", "another.json", &e), EXIT_ERROR);
    ck_assert_int_eq(run_command("absent.json", NULL, &e), EXIT_ERROR);
    ck_assert_msg(strstr(e.text, "absent.json") != NULL, "the message is '%s'", e.text);

    json_t *other = document("A CPU", false, json_array());
    json_object_set_new(other, "schema", json_string("idp-results/99"));
    store(other, "other.json");
    ck_assert_int_eq(run_command("other.json", NULL, &e), EXIT_ERROR);
    ck_assert_msg(strstr(e.text, "other.json") != NULL && strstr(e.text, "schema") != NULL, "the message is '%s'",
                  e.text);
}
END_TEST

/* ---- formats --------------------------------------------------------------------------------------------------
 */

START_TEST(figures_look_alike_everywhere) {
    ck_assert_str_eq(show_time(412.4).text, "412\xc2\xa0ns");
    ck_assert_str_eq(show_time(999.7).text, "1.00\xc2\xa0\xc2\xb5s");
    ck_assert_str_eq(show_time(1.534e6).text, "1.53\xc2\xa0ms");
    ck_assert_str_eq(show_time(12.34e9).text, "12.3\xc2\xa0s");
    ck_assert_str_eq(show_significant(0.0004125).text, "0.000412");
    ck_assert_str_eq(show_significant(9.996).text, "10.0");
    ck_assert_str_eq(show_significant(123456).text, "123456");
    ck_assert_str_eq(show_channels(14.7368).text, "14.7");
    ck_assert_str_eq(show_channels(100).text, "100");
    ck_assert_str_eq(show_decimal(-0.04, 1).text, "0.0");
    ck_assert_str_eq(show_decimal(-2.5, 1).text, "\xe2\x88\x92"
                                                 "2.5");
    ck_assert_str_eq(show_percent(NAN, 1).text, "\xe2\x80\x93");
    ck_assert_str_eq(show_percent(-1e300, 1).text, "\xe2\x88\x92"
                                                   "1.00e+300\xc2\xa0%");
    ck_assert_str_eq(show_significant(1e18).text, "1.00e+18");
    ck_assert_str_eq(show_significant(9.99e17).text, "999000000000000000");
    ck_assert_str_eq(show_count(1234567).text, "1,234,567");
    ck_assert_str_eq(show_bytes(49152).text, "48.0\xc2\xa0KiB");
    ck_assert_str_eq(show_range(show_decimal(-2, 0), show_decimal(3, 0)).text, "\xe2\x88\x92"
                                                                               "2 to 3");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("report");
    const struct {
        const char *name;
        const TTest *tests[12];
    } subjects[] = {
        {"figures",
         {savings_are_those_of_the_records, answer_opens_the_report, seeds_are_averaged_and_their_spread_is_shown,
          speedups_compare_the_fastest_kernels, layers_cut_in_their_outputs_are_a_table_of_their_own,
          verification_tells_what_was_skipped_and_why, csv_keeps_full_precision}},
        {"trust",
         {nominal_issued_and_time_stand_side_by_side, work_that_could_not_be_counted_says_why,
          issued_flops_of_networks_stand_beside_time, noise_floor_is_that_of_the_worst_control,
          kernels_stand_beside_peers_and_roofs, direct_comparisons_have_verdicts_and_processes,
          warnings_and_environment_are_shown, figures_can_be_traced}},
        {"words",
         {synthetic_data_is_named_wherever_accuracy_is, hostile_strings_stay_text,
          sections_without_records_leave_no_trace, what_was_not_measured_is_a_dash, page_is_whole_and_alone,
          markdown_fits_a_comment_however_much_there_is, without_gnuplot_the_page_says_so,
          plots_beyond_a_page_are_told}},
        {"refusals",
         {incomplete_records_are_refused, kinds_that_are_no_file_names_are_refused,
          command_writes_or_says_why_not}},
        {"formats", {figures_look_alike_everywhere}},
    };
    for (size_t s = 0; s < sizeof subjects / sizeof subjects[0]; s++) {
        TCase *subject = tcase_create(subjects[s].name);
        tcase_add_checked_fixture(subject, make_folder, remove_folder);
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
