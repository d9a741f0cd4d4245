/* Results documents are joined in the order of their runs, nothing twice, and nothing that does not fit. */
#include "results/merge.h"

#include <check.h> /* after error.h: it has a macro named fail, too */
#include <stdio.h>
#include <string.h>

static json_t *document(const char *time, double seconds, const char *cpu, const char *records) {
    json_error_t why;
    json_t *made = json_pack_ex(
        &why, 0, "{s:{s:s, s:i}, s:{s:s, s:s}, s:{s:s, s:s, s:f, s:{s:s}}, s:{s:f}, s:[{s:s, s:s}], s:o}",
        "machine", "cpu", cpu, "cores", 2, "build", "commit", "c", "compiler", "gcc", "run", "command", time,
        "time", time, "seconds", seconds, "data", "sha256", "x", "environment", "seconds", seconds, "warnings",
        "code", time, "text", "t", "records", json_loads(records, 0, NULL));
    ck_assert_msg(made != NULL, "%s", why.text);
    return made;
}

static json_t *verify_record(const char *kernel, int cases) {
    return json_pack("{s:s, s:s, s:s, s:i}", "kind", "verify", "kernel", kernel, "backend", "b", "cases", cases);
}

static results merged_of(json_t **d, size_t count, merge_counts *counts, bool good, error *e) {
    static const char *const path[] = {"one.json", "two.json", "three.json"};
    results merged;
    ck_assert(results_new(&merged, "idp merge", 0, e));
    const json_t *read[3] = {d[0], d[1], count > 2 ? d[2] : NULL};
    ck_assert_msg(merge_documents(read, path, count, &merged, counts, e) == good, "%s", e->text);
    for (size_t i = 0; i < count; i++) json_decref(d[i]);
    return merged;
}

START_TEST(runs_stand_in_the_order_of_time_and_nothing_twice) {
    error e = {""};
    merge_counts counts;
    json_t *d[] = {document("2026-01-03", 5, "cpu", "[]"), document("2026-01-01", 9, "cpu", "[]"),
                   document("2026-01-02", 1, "cpu", "[]")};
    json_t *third = json_object_get(d[0], "records"), *first = json_object_get(d[1], "records"),
           *second = json_object_get(d[2], "records");
    json_array_append_new(first, verify_record("replaced", 1));
    json_array_append_new(first, verify_record("only", 2));
    json_array_append_new(second, verify_record("same", 3));
    json_array_append_new(second, json_pack("{s:s, s:i}", "kind", "control", "cases", 1)); /* has no identity */
    json_array_append_new(third, verify_record("same", 3));
    json_array_append_new(third, verify_record("replaced", 4));
    json_array_append_new(third, json_pack("{s:s, s:i}", "kind", "control", "cases", 2));
    results merged = merged_of(d, 3, &counts, true, &e);
    ck_assert_uint_eq(counts.records, 5);
    ck_assert_uint_eq(counts.identical, 1);
    ck_assert_uint_eq(counts.replaced, 1);
    static const char *const expected[] = {"only", NULL, "same", "replaced", NULL};
    for (size_t r = 0; r < 5; r++) {
        const char *kernel = json_string_value(json_object_get(json_array_get(merged.records, r), "kernel"));
        ck_assert_msg((kernel == NULL) == (expected[r] == NULL) &&
                          (kernel == NULL || strcmp(kernel, expected[r]) == 0),
                      "record %zu is '%s'", r, kernel != NULL ? kernel : "");
    }
    const json_t *run = json_object_get(merged.document, "run"), *parts = json_object_get(run, "parts");
    ck_assert_uint_eq(json_array_size(parts), 3);
    json_int_t next = 0;
    for (size_t p = 0; p < 3; p++) { /* without gaps */
        ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(parts, p), "first")), next);
        next += json_integer_value(json_object_get(json_array_get(parts, p), "records"));
    }
    ck_assert_int_eq(next, 5);
    ck_assert_double_eq_tol(json_number_value(json_object_get(run, "seconds")), 15, 1e-9);
    ck_assert_str_eq(json_string_value(json_object_get(run, "time")), "2026-01-01");
    ck_assert_double_eq_tol(
        json_number_value(json_object_get(json_object_get(merged.document, "environment"), "seconds")), 9, 1e-9);
    ck_assert_uint_eq(json_array_size(json_object_get(merged.document, "warnings")), 3);
    results_free(&merged);
}
END_TEST

START_TEST(parts_of_a_document_stay_parts) {
    error e = {""};
    merge_counts counts;
    json_t *d[] = {document("2026-01-01", 5, "cpu", "[]"), document("2026-01-02", 9, "cpu", "[]")};
    json_t *records = json_object_get(d[0], "records");
    for (int r = 0; r < 5; r++) json_array_append_new(records, verify_record(r == 1 ? "again" : "k", r));
    json_object_set_new(json_object_get(d[0], "run"), "parts",
                        json_pack("[{s:s, s:s, s:f, s:i, s:i}, {s:s, s:s, s:f, s:i, s:i}]", "command", "a", "time",
                                  "t", "seconds", 1.0, "first", 0, "records", 2, "command", "b", "time", "t",
                                  "seconds", 2.0, "first", 2, "records", 3));
    json_array_append_new(json_object_get(d[1], "records"), verify_record("again", 9));
    results merged = merged_of(d, 2, &counts, true, &e);
    const json_t *parts = json_object_get(json_object_get(merged.document, "run"), "parts");
    static const struct {
        const char *command;
        int first, records;
    } expected[] = {{"a", 0, 1}, {"b", 1, 3}, {"2026-01-02", 4, 1}};
    ck_assert_uint_eq(json_array_size(parts), 3);
    for (size_t p = 0; p < 3; p++) {
        const json_t *part = json_array_get(parts, p);
        ck_assert_str_eq(json_string_value(json_object_get(part, "command")), expected[p].command);
        ck_assert_int_eq(json_integer_value(json_object_get(part, "first")), expected[p].first);
        ck_assert_int_eq(json_integer_value(json_object_get(part, "records")), expected[p].records);
    }
    results_free(&merged);
}
END_TEST

START_TEST(what_does_not_fit_is_refused_by_file_and_field) {
    static const struct {
        const char *object, *field, *named;
    } cases[] = {{"machine", "cpu", "machine.cpu"},
                 {"machine", "cores", "machine.cores"},
                 {"build", "commit", "build.commit"},
                 {"build", "compiler", "build.compiler"}};
    error e = {""};
    merge_counts counts;
    json_t *d[] = {document("2026-01-01", 5, "cpu", "[]"), document("2026-01-02", 9, "cpu", "[]")};
    json_object_set_new(json_object_get(d[1], cases[_i].object), cases[_i].field, json_string("another"));
    results merged = merged_of(d, 2, &counts, false, &e);
    ck_assert_msg(strstr(e.text, "two.json: field ") != NULL && strstr(e.text, cases[_i].named) != NULL &&
                      strstr(e.text, "is \"another\"") != NULL && strstr(e.text, "in one.json") != NULL,
                  "%s", e.text);
    results_free(&merged);
}
END_TEST

START_TEST(another_data_set_is_refused) {
    error e = {""};
    merge_counts counts;
    json_t *d[] = {document("2026-01-01", 5, "cpu", "[]"), document("2026-01-02", 9, "cpu", "[]")};
    json_object_set_new(json_object_get(json_object_get(d[1], "run"), "data"), "sha256", json_string("y"));
    results merged = merged_of(d, 2, &counts, false, &e);
    ck_assert_msg(strstr(e.text, "run.data.sha256") != NULL, "%s", e.text);
    results_free(&merged);
}
END_TEST

/* Rows of `reproduce` that share recipe and gamma, and epochs of several threads, are different figures. */
START_TEST(figures_of_other_rows_are_not_replaced) {
    error e = {""};
    merge_counts counts;
    json_t *d[] = {document("2026-01-01", 5, "cpu", "[]"), document("2026-01-02", 9, "cpu", "[]")};
    for (int m = 0; m < 2; m++) {
        json_t *records = json_object_get(d[m], "records");
        json_array_append_new(records,
                              json_pack("{s:s, s:s, s:s, s:s, s:i, s:f, s:i}", "kind", "reproduce", "model",
                                        m == 0 ? "authors, one" : "authors, two", "recipe", "authors", "gamma",
                                        "linear", "profile", 0, "percent", 10.0, "seeds", 3));
        json_array_append_new(records, json_pack("{s:s, s:s, s:i, s:i}", "kind", "epoch", "implementation", "ours",
                                                 "threads", 1 + m, "seconds", 1));
        json_array_append_new(records, json_pack("{s:s, s:s, s:i, s:i}", "kind", "epoch", "implementation", "ours",
                                                 "threads", 4, "seconds", 1 + m)); /* the same, again */
    }
    results merged = merged_of(d, 2, &counts, true, &e);
    ck_assert_uint_eq(counts.records, 5);
    ck_assert_uint_eq(counts.replaced, 1);
    results_free(&merged);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("merge");
    TCase *all = tcase_create("merge");
    tcase_add_test(all, runs_stand_in_the_order_of_time_and_nothing_twice);
    tcase_add_test(all, parts_of_a_document_stay_parts);
    tcase_add_loop_test(all, what_does_not_fit_is_refused_by_file_and_field, 0, 4);
    tcase_add_test(all, another_data_set_is_refused);
    tcase_add_test(all, figures_of_other_rows_are_not_replaced);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
