/* test_results.c: results documents: what is written is read back, and what is not one is refused by file and
 * field. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/machine.h"
#include "machine/parts.h"
#include "output.h"
#include "results/build.h"
#include "results/results.h"

#include <check.h> /* last: it has a macro named fail */

static char folder[] = "/tmp/idp-results-XXXXXX", path[64];

static void make_folder(void) {
    strcpy(folder, "/tmp/idp-results-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/r.json", folder);
}

static void remove_folder(void) {
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else may be left there */
}

/* ---- sample documents ------------------------------------------------------------------------------------------
 */

/* One record of each kind that SCHEMA.md names, with all its fields. */
static const char *const samples[] = {
    ("{\"kind\": \"train\", \"model\": \"m\", \"recipe\": \"nested\", \"gamma\": \"linear\", \"profile\": 0,"
     " \"range_percent\": [0, 20], \"seed\": 1, \"epochs\": 2, \"seconds\": 0.1, \"loss\": 0.25,"
     " \"accuracy_percent\": 97.5, \"backend\": \"scalar\"}"),
    ("{\"kind\": \"sweep\", \"model\": \"m\", \"recipe\": \"nested\", \"gamma\": \"linear\", \"profile\": 0,"
     " \"range_percent\": [0, 20], \"percent\": 10, \"k\": 10, \"seed\": 1, \"accuracy_percent\": 97.5,"
     " \"nominal_flops\": 100, \"useful_flops\": 90, \"backend\": \"scalar\","
     " \"latency_ns\": {\"batch_1\": {\"median\": 2.5, \"low\": 2, \"high\": 3}}}"),
    ("{\"kind\": \"bench\", \"kernel\": \"fc\", \"backend\": \"scalar\", \"out\": 1, \"in\": 2, \"batch\": 3,"
     " \"percent\": 50, \"m\": 1, \"k\": 1, \"time_ns\": {\"median\": 2.5, \"low\": 2, \"high\": 3}, \"gflops\": "
     "1.5}"),
    ("{\"kind\": \"verify\", \"kernel\": \"fc\", \"backend\": \"scalar\", \"status\": \"passed\", \"reason\": \"\","
     " \"cases\": 7, \"seed\": 1, \"worst_error_over_bound\": 0.5}"),
    ("{\"kind\": \"a kind of the future\", \"anything\": null}"),
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

static json_t *sample(unsigned index) {
    json_t *record = json_loads(samples[index], 0, NULL);
    ck_assert_ptr_nonnull(record);
    return record;
}

static results new_results(void) {
    results r;
    error e = {""};
    ck_assert_msg(results_new(&r, "idp test --some option", 7, &e), "%s", e.text);
    results_data(&r, "mnist", false, "0123abc", 60000, 10000);
    return r;
}

static void write_text(const char *text, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/* The file is refused with one line that names it and `part`. */
static void refused(const char *part) {
    results r = {0};
    error e = {""};
    ck_assert_msg(!results_read(&r, path, &e), "accepted, though it should name '%s'", part);
    ck_assert_msg(strstr(e.text, path) != NULL, "'%s' does not name the file", e.text);
    ck_assert_msg(strstr(e.text, part) != NULL, "'%s' does not name '%s'", e.text, part);
    ck_assert_ptr_null(strchr(e.text, '\n'));
    ck_assert_ptr_null(r.document); /* untouched */
}

static void document_refused(const json_t *document, const char *part) {
    char *text = json_dumps(document, 0);
    ck_assert_ptr_nonnull(text);
    write_text(text, strlen(text));
    refused(part);
    free(text);
}

/* ---- round trip ------------------------------------------------------------------------------------------------
 */

START_TEST(what_is_written_is_read_back) {
    results r = new_results(), back;
    error e = {""};
    for (unsigned s = 0; s < SAMPLES; s++) results_add(&r, sample(s));
    results_add(&r, json_pack("{s:s, s:f, s:f, s:I}", "kind", "numbers", "tenth", 0.1, "digits", 1234.56789012,
                              "large", (json_int_t)INT64_MAX));
    ck_assert_msg(results_write(&r, path, &e), "%s", e.text);
    ck_assert_msg(results_read(&back, path, &e), "%s", e.text);
    ck_assert(json_equal(r.document, back.document));
    ck_assert_uint_eq(json_array_size(back.records), SAMPLES + 1);
    ck_assert_str_eq(json_string_value(json_object_get(back.document, "schema")), "idp-results/1");
    const json_t *run = json_object_get(back.document, "run");
    ck_assert_str_eq(json_string_value(json_object_get(run, "command")), "idp test --some option");
    ck_assert_int_eq(json_integer_value(json_object_get(run, "seed")), 7);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(run, "data"), "test")), 10000);
    results_free(&r);
    results_free(&back);
    ck_assert_ptr_null(back.document);
}
END_TEST

START_TEST(a_file_has_one_record_a_line) {
    results r = new_results();
    error e = {""};
    char *text;
    size_t size;
    unsigned lines = 0;
    for (unsigned s = 0; s < SAMPLES; s++) results_add(&r, sample(s));
    ck_assert(results_write(&r, path, &e) && input_read(path, 1 << 20, &text, &size, &e));
    for (const char *line = text; line != NULL; line = strchr(line + 1, '\n')) {
        if (strncmp(line, "\n{\"kind\"", 8) == 0) lines++;
    }
    ck_assert_uint_eq(lines, SAMPLES);
    free(text);
    results_free(&r);
}
END_TEST

START_TEST(decimals_are_written_as_they_are) {
    results r = new_results();
    error e = {""};
    char *text;
    size_t size;
    results_add(&r, json_pack("{s:s, s:f, s:f}", "kind", "numbers", "tenth", 0.1, "digits", 1234.56789012));
    ck_assert(results_write(&r, path, &e) && input_read(path, 1 << 20, &text, &size, &e));
    ck_assert_ptr_nonnull(strstr(text, "\"tenth\": 0.1, \"digits\": 1234.56789012}"));
    free(text);
    results_free(&r);
}
END_TEST

START_TEST(no_path_writes_nothing) {
    results r = new_results();
    ck_assert(results_write(&r, NULL, NULL) && results_writable(NULL, NULL));
    results_free(&r);
}
END_TEST

START_TEST(a_missing_folder_is_told_before_the_work) {
    error e = {""};
    ck_assert(!results_writable("/nonexistent/folder/r.json", &e));
    ck_assert_ptr_nonnull(strstr(e.text, "/nonexistent/folder/r.json"));
    ck_assert(results_writable(path, &e)); /* and leaves nothing: see remove_folder */
}
END_TEST

START_TEST(a_figure_that_is_not_finite_is_not_lost_silently) {
    results r = new_results();
    error e = {""};
    write_text("old", 3);
    results_add(&r, json_pack("{s:s, s:o}", "kind", "bench", "time_ns", results_interval(1, 1, (double)INFINITY)));
    ck_assert(!results_write(&r, path, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "records[0]"));
    char *text;
    size_t size;
    ck_assert(input_read(path, 100, &text, &size, &e));
    ck_assert_str_eq(text, "old"); /* the file that was there stays */
    free(text);
    results_free(&r);
}
END_TEST

START_TEST(a_seed_beyond_json_is_refused) {
    results r = {0};
    error e = {""};
    ck_assert(!results_new(&r, "idp", (uint64_t)INT64_MAX + 1, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "9223372036854775808"));
    ck_assert_ptr_null(r.document);
}
END_TEST

START_TEST(a_command_line_need_not_be_utf8) {
    results r;
    error e = {""};
    ck_assert(results_new(&r, "idp bench --json caf\xe9.json", 0, &e));
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(r.document, "run"), "command")),
                     "idp bench --json caf?.json");
    results_free(&r);
}
END_TEST

/* ---- intervals -------------------------------------------------------------------------------------------------
 */

static void interval_is(double median, double low, double high, double rounded_median, double rounded_low,
                        double rounded_high) {
    json_t *interval = results_interval(median, low, high);
    ck_assert_double_eq(json_real_value(json_object_get(interval, "median")), rounded_median);
    ck_assert_double_eq(json_real_value(json_object_get(interval, "low")), rounded_low);
    ck_assert_double_eq(json_real_value(json_object_get(interval, "high")), rounded_high);
    json_decref(interval);
}

START_TEST(intervals_keep_four_digits_of_their_spread) {
    interval_is(1.23456789, 1.22, 1.24, 1.23457, 1.22, 1.24);
    interval_is(123456.789, 123000.123, 125000.456, 123457, 123000, 125000);
    interval_is(123456789, 100000000, 200000000, 123500000, 100000000, 200000000);
    interval_is(1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3);
    interval_is(0, 0, 0, 0, 0, 0);
    interval_is(1.04, 0.0449, 12345.6, 1, 0.04, 12350); /* but of no number the first */
    ck_assert_ptr_null(results_interval((double)NAN, 0, 1));
    ck_assert_ptr_null(results_interval(0, -(double)INFINITY, 1));
}
END_TEST

/* ---- refusals --------------------------------------------------------------------------------------------------
 */

START_TEST(other_files_are_refused) {
    static const struct {
        const char *text, *names;
    } files[] = {
        {"", "line 1"},
        {"no JSON at all", "line 1"},
        {"[]", "top level"},
        {"{}", "'schema'"},
        {"{\"schema\": 1}", "'schema'"},
        {"{\"schema\": \"idp-results/2\"}", "'idp-results/2', which a newer idp wrote"},
        {"{\"schema\": \"idp-results/10\"}", "newer"},
        {"{\"schema\": \"idp-results/0\"}", "not known"},
        {"{\"schema\": \"idp-results/1.5\"}", "not known"},
        {"{\"schema\": \"idp-results/\"}", "not known"},
        {"{\"schema\": \"results\"}", "not known"},
        {"{\"schema\": \"idp-results/1\"}", "'machine'"},
        {"{\"schema\": \"idp-results/1\", \"schema\": \"idp-results/1\"}", "duplicate"},
        {"{\"schema\": \"idp-results/1\", \"machine\": {\"cpu\": \"\xff\xfe\"}}", "decode"},
    };
    for (size_t f = 0; f < sizeof files / sizeof files[0]; f++) {
        write_text(files[f].text, strlen(files[f].text));
        refused(files[f].names);
    }
    write_text("{\"a\": 1}\0{", 10);
    refused("line 1");
    static char deep[100000];
    memset(deep, '[', sizeof deep);
    write_text(deep, sizeof deep);
    refused("depth");
    unlink(path);
    refused("cannot read");
}
END_TEST

START_TEST(a_file_that_is_cut_short_is_refused) {
    results r = new_results();
    error e = {""};
    char *text;
    size_t size;
    for (unsigned s = 0; s < SAMPLES; s++) results_add(&r, sample(s));
    ck_assert(results_write(&r, path, &e) && input_read(path, 1 << 20, &text, &size, &e));
    for (size_t kept = 1; kept < size - 2; kept += 23) {
        write_text(text, kept);
        refused("cut short");
    }
    free(text);
    results_free(&r);
}
END_TEST

START_TEST(a_huge_file_is_refused) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(ftruncate(fileno(file), (64 << 20) + 1), 0);
    ck_assert_int_eq(fclose(file), 0);
    refused("larger than");
}
END_TEST

/* Takes every field of `object`, a part of `document`, away in turn, and then makes each an empty array; the
 * message must name it. An array may be one already, and `optional` (may be NULL) may be missing. */
static void fields_are_checked(json_t *document, json_t *object, const char *optional) {
    const char *name;
    json_t *value, *copy = json_copy(object);
    json_object_foreach(copy, name, value) {
        char quoted[64];
        snprintf(quoted, sizeof quoted, "'%s'", name);
        if (optional == NULL || strcmp(name, optional) != 0) {
            ck_assert_int_eq(json_object_del(object, name), 0);
            document_refused(document, quoted);
        }
        ck_assert_int_eq(json_object_set_new(object, name, json_array()), 0);
        if (!json_is_array(value) || strcmp(name, "range_percent") == 0) document_refused(document, quoted);
        ck_assert_int_eq(json_object_set(object, name, value), 0);
    }
    json_decref(copy);
}

START_TEST(every_field_of_the_top_is_checked) {
    results r = new_results();
    json_t *machine_facts = json_object_get(r.document, "machine"), *run = json_object_get(r.document, "run"),
           *named;
    ck_assert_int_eq(json_array_clear(json_object_get(machine_facts, "caches")), 0);
    json_array_append_new(json_object_get(machine_facts, "caches"),
                          json_pack("{s:i, s:s, s:i}", "level", 1, "type", "data", "bytes", 32768));
    fields_are_checked(r.document, json_object_get(r.document, "build"), NULL);
    fields_are_checked(r.document, run, "data");
    fields_are_checked(r.document, json_object_get(run, "data"), NULL);
    fields_are_checked(r.document, json_array_get(json_object_get(machine_facts, "caches"), 0), NULL);

    /* Of the machine SCHEMA.md names these; what else machine_json adds may be anything. */
    named = json_pack("{}");
    static const char *const names[] = {"cpu",    "architecture", "features", "cores",
                                        "caches", "hypervisor",   "system",   "memory_bytes"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        json_object_set(named, names[n], json_object_get(machine_facts, names[n]));
    json_object_set_new(r.document, "machine", named);
    fields_are_checked(r.document, named, NULL);
    results_free(&r);
}
END_TEST

START_TEST(every_field_of_a_record_is_checked) {
    static const char *const optional[] = {NULL, "latency_ns", NULL, "worst_error_over_bound"};
    results r = new_results();
    json_t *record = sample((unsigned)_i);
    results_add(&r, sample(SAMPLES - 1));
    results_add(&r, record);
    fields_are_checked(r.document, record, optional[_i]);
    results_free(&r);
}
END_TEST

START_TEST(records_are_objects_with_a_kind) {
    static const char *const records[] = {"null", "1", "\"bench\"", "[]", "{}", "{\"kind\": 5}"};
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        results r = new_results();
        results_add(&r, sample(0));
        results_add(&r, json_loads(records[i], JSON_DECODE_ANY, NULL));
        document_refused(r.document, "records[1]");
        results_free(&r);
    }
}
END_TEST

START_TEST(intervals_need_three_numbers) {
    results r = new_results();
    json_t *record = sample(2);
    results_add(&r, record);
    json_object_set_new(json_object_get(record, "time_ns"), "low", json_string("fast"));
    document_refused(r.document, "'time_ns'");
    json_object_set_new(record, "time_ns", json_real(5));
    document_refused(r.document, "'time_ns'");
    results_free(&r);
}
END_TEST

START_TEST(steps_of_a_run_are_checked) {
    results r = new_results();
    json_t *run = json_object_get(r.document, "run"),
           *part = json_pack("{s:s, s:s, s:f, s:i, s:i}", "command", "idp bench", "time", "t", "seconds", 1.5,
                             "first", 0, "records", 0);
    json_object_set_new(run, "parts", json_pack("[o]", part));
    fields_are_checked(r.document, part, NULL);
    json_object_set_new(run, "parts", json_pack("[s]", "no object"));
    document_refused(r.document, "run.parts[0]");
    results_free(&r);
}
END_TEST

START_TEST(what_is_hidden_of_a_machine_is_told) {
    setenv("IDP_CPU_DISABLE", "avx512f", 1);
    results r = new_results();
    unsetenv("IDP_CPU_DISABLE");
    json_t *machine_facts = json_object_get(r.document, "machine");
    ck_assert_str_eq(json_string_value(json_object_get(machine_facts, "hidden")), "avx512f");
    json_object_set_new(machine_facts, "hidden", json_integer(1));
    document_refused(r.document, "'hidden'");
    results_free(&r);
}
END_TEST

/* ---- what is in it of this machine and build
 * --------------------------------------------------------------------- */

START_TEST(machine_facts_are_there_or_their_absence_is_told) {
    machine m;
    machine_read(&m);
    ck_assert_str_ne(m.cpu, "");
    ck_assert(strcmp(m.cpu, "unknown") != 0 || machine_unknown(&m, "cpu") != NULL);
    ck_assert(m.cores > 0 || machine_unknown(&m, "cores") != NULL);
    ck_assert(m.memory_bytes > 1 << 20 || machine_unknown(&m, "memory_bytes") != NULL);
    ck_assert(m.caches > 0 || machine_unknown(&m, "caches") != NULL);
    ck_assert_str_ne(m.system, "");
#if defined __x86_64__
    ck_assert_str_eq(m.architecture, "x86-64");
    ck_assert_int_ge(m.family, 6); /* the first 64-bit ones are 6 and 15 */
#elif defined __aarch64__
    ck_assert_str_eq(m.architecture, "aarch64");
#endif
    for (unsigned c = 0; c < m.caches; c++) {
        ck_assert(m.cache[c].level >= 1 && m.cache[c].level <= 4);
        ck_assert_uint_ge(m.cache[c].bytes, 1024);
    }
}
END_TEST

START_TEST(machine_texts_are_printable) {
    char text[16];
    machine_text(text, sizeof text, "  Intel(R)   Xeon ");
    ck_assert_str_eq(text, "Intel(R) Xeon");
    machine_text(text, sizeof text, "\x01\xff<b>\"\n");
    ck_assert_str_eq(text, "?"
                           "?<b>\"");
    machine_text(text, sizeof text, "fifteen letters, and more");
    ck_assert_str_eq(text, "fifteen letters");
    machine_text(text, sizeof text, "fourteen letts z");
    ck_assert_str_eq(text, "fourteen letts");
    machine_text(text, 1, "x");
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(build_facts_are_of_this_build) {
    const build_facts b = build_read();
    char compiler[32];
#if defined __clang__
    snprintf(compiler, sizeof compiler, "clang %d.%d", __clang_major__, __clang_minor__);
#else
    snprintf(compiler, sizeof compiler, "gcc %d.%d", __GNUC__, __GNUC_MINOR__);
#endif
    ck_assert_msg(strncmp(b.compiler, compiler, strlen(compiler)) == 0, "'%s'", b.compiler);
    ck_assert_uint_ge(strlen(b.version), 3);
    ck_assert_uint_ge(strlen(b.commit), 7); /* twelve digits, or "unknown" */
#if defined __SANITIZE_ADDRESS__
    ck_assert(b.sanitized);
#endif
}
END_TEST

int main(void) {
    Suite *suite = suite_create("results");
    TCase *files = tcase_create("files"), *facts = tcase_create("facts");
    tcase_add_checked_fixture(files, make_folder, remove_folder);
    tcase_set_timeout(files, 60);
    tcase_add_test(files, what_is_written_is_read_back);
    tcase_add_test(files, a_file_has_one_record_a_line);
    tcase_add_test(files, decimals_are_written_as_they_are);
    tcase_add_test(files, no_path_writes_nothing);
    tcase_add_test(files, a_missing_folder_is_told_before_the_work);
    tcase_add_test(files, a_figure_that_is_not_finite_is_not_lost_silently);
    tcase_add_test(files, other_files_are_refused);
    tcase_add_test(files, a_file_that_is_cut_short_is_refused);
    tcase_add_test(files, a_huge_file_is_refused);
    tcase_add_test(files, every_field_of_the_top_is_checked);
    tcase_add_loop_test(files, every_field_of_a_record_is_checked, 0, SAMPLES - 1);
    tcase_add_test(files, records_are_objects_with_a_kind);
    tcase_add_test(files, intervals_need_three_numbers);
    tcase_add_test(files, steps_of_a_run_are_checked);
    tcase_add_test(files, what_is_hidden_of_a_machine_is_told);
    tcase_add_test(facts, a_seed_beyond_json_is_refused);
    tcase_add_test(facts, a_command_line_need_not_be_utf8);
    tcase_add_test(facts, intervals_keep_four_digits_of_their_spread);
    tcase_add_test(facts, machine_facts_are_there_or_their_absence_is_told);
    tcase_add_test(facts, machine_texts_are_printable);
    tcase_add_test(facts, build_facts_are_of_this_build);
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, facts);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
