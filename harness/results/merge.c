#include "merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"

/* ---- what must agree -------------------------------------------------------------------------------------------
 */

static const json_t *fact(const json_t *document, const char *object, const char *field) {
    return json_object_get(json_object_get(document, object), field);
}

/* Fields that a document of another machine, build or data set would differ in. */
static const struct {
    const char *object, *field;
} must_agree[] = {
    {"machine", "cpu"},      {"machine", "architecture"}, {"machine", "vendor"},      {"machine", "family"},
    {"machine", "model"},    {"machine", "stepping"},     {"machine", "implementer"}, {"machine", "part"},
    {"machine", "features"}, {"machine", "caches"},       {"machine", "cores"},       {"machine", "hypervisor"},
    {"machine", "emulated"}, {"build", "commit"},         {"build", "compiler"},      {"build", "flags"},
    {"build", "sanitized"},
};

/* "field machine.cpu is "A", in one.json "B"; ..." */
static bool refuse(const json_t *left, const json_t *right, const char *field, const char *a_path,
                   const char *b_path, const char *why, error *e) {
    char *a = json_dumps(left, JSON_ENCODE_ANY | JSON_ENSURE_ASCII),
         *b = json_dumps(right, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    fail(e, "%s: field %s is %.80s, but %.80s in %s; %s", b_path, field, b != NULL ? b : "?", a != NULL ? a : "?",
         a_path, why);
    free(a);
    free(b);
    return false;
}

static bool agree(const json_t *a, const json_t *b, const char *a_path, const char *b_path, error *e) {
    for (size_t f = 0; f < sizeof must_agree / sizeof must_agree[0]; f++) {
        const char *object = must_agree[f].object, *field = must_agree[f].field;
        const json_t *left = fact(a, object, field), *right = fact(b, object, field);
        if (left == NULL || right == NULL || json_equal(left, right)) continue; /* older programs told less */
        char name[64];
        snprintf(name, sizeof name, "%s.%s", object, field);
        return refuse(left, right, name, a_path, b_path,
                      "one document holds one machine and one build (idp report sets several side by side)", e);
    }
    const json_t *left = json_object_get(fact(a, "run", "data"), "sha256"),
                 *right = json_object_get(fact(b, "run", "data"), "sha256");
    return left == NULL || right == NULL || json_equal(left, right) ||
           refuse(left, right, "run.data.sha256", a_path, b_path, "their accuracies are of other images", e);
}

/* ---- records ---------------------------------------------------------------------------------------------------
 */

/* One document in the order of time. */
typedef struct source {
    const json_t *document;
    const char *path, *time;
    size_t place;
} source;

static int by_time(const void *left, const void *right) {
    const source *a = left, *b = right;
    const int order = strcmp(a->time, b->time); /* ISO 8601, UTC */
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

typedef struct index_of_records {
    json_t *last;  /* identity -> the last document, by number, that has it */
    json_t *whole; /* text of a record -> the last document that has it */
} index_of_records;

static char *text_of(const json_t *record) { return json_dumps(record, JSON_SORT_KEYS | JSON_COMPACT); }

/* Which document has the last word on each record and each identity. */
static bool index_make(index_of_records *index, const source *sources, size_t count) {
    *index = (index_of_records){.last = json_object(), .whole = json_object()};
    bool ok = index->last != NULL && index->whole != NULL;
    for (size_t s = 0; ok && s < count; s++) {
        size_t r;
        json_t *record;
        json_array_foreach(json_object_get(sources[s].document, "records"), r, record) {
            char identity[RECORD_IDENTITY], *text = text_of(record);
            ok = ok && text != NULL && json_object_set_new(index->whole, text, json_integer((json_int_t)s)) == 0;
            if (ok && record_identity(record, identity))
                ok = json_object_set_new(index->last, identity, json_integer((json_int_t)s)) == 0;
            free(text);
        }
    }
    return ok;
}

static bool later(const json_t *last, const char *key, size_t s) {
    return json_integer_value(json_object_get(last, key)) > (json_int_t)s;
}

/* Adds the records from .. to-1 of a document that no later one has; *added is how many. */
static bool add_records(results *merged, const index_of_records *index, const source *sources, size_t s,
                        size_t from, size_t to, size_t *added, merge_counts *counts) {
    const json_t *records = json_object_get(sources[s].document, "records");
    *added = 0;
    for (size_t r = from; r < to; r++) {
        json_t *record = json_array_get(records, r);
        char identity[RECORD_IDENTITY], *text = text_of(record);
        if (text == NULL) return false;
        const bool identical = later(index->whole, text, s);
        const bool replaced = !identical && record_identity(record, identity) && later(index->last, identity, s);
        free(text);
        counts->identical += identical;
        counts->replaced += replaced;
        if (identical || replaced) continue;
        if (json_array_append(merged->records, record) != 0) return false;
        *added += 1;
    }
    return true;
}

/* ---- runs ------------------------------------------------------------------------------------------------------
 */

static bool add_part(json_t *parts, const json_t *of, size_t first, size_t records) {
    return json_array_append_new(
               parts, json_pack("{s:O, s:O, s:O, s:I, s:I}", "command", json_object_get(of, "command"), "time",
                                json_object_get(of, "time"), "seconds", json_object_get(of, "seconds"), "first",
                                (json_int_t)first, "records", (json_int_t)records)) == 0;
}

/* All records of a document, part by part where it has parts. */
static bool add_document(results *merged, json_t *parts, const index_of_records *index, const source *sources,
                         size_t s, merge_counts *counts) {
    const json_t *run = json_object_get(sources[s].document, "run"), *old = json_object_get(run, "parts");
    const size_t total = json_array_size(json_object_get(sources[s].document, "records"));
    size_t p = 0, done = 0, added;
    for (; p < json_array_size(old); p++) {
        const json_t *part = json_array_get(old, p);
        const size_t first = json_array_size(merged->records);
        const size_t length = (size_t)json_integer_value(json_object_get(part, "records"));
        const size_t end = length < total - done ? done + length : total;
        if (!add_records(merged, index, sources, s, done, end, &added, counts) ||
            !add_part(parts, part, first, added))
            return false;
        done = end;
    }
    if (done == total && p > 0) return true;
    const size_t first = json_array_size(merged->records);
    return add_records(merged, index, sources, s, done, total, &added, counts) &&
           add_part(parts, run, first, added);
}

/* Warnings of all, each code once. */
static bool add_warnings(json_t *warnings, const json_t *document) {
    size_t index, other;
    json_t *warning, *present;
    json_array_foreach(json_object_get(document, "warnings"), index, warning) {
        bool known = false;
        json_array_foreach(warnings, other, present) known =
            known || json_equal(json_object_get(present, "code"), json_object_get(warning, "code"));
        if (!known && json_array_append(warnings, warning) != 0) return false;
    }
    return true;
}

/* What is one for the whole document: of the longest run; the data where any has it. */
static bool take_facts(results *merged, const source *sources, size_t count, json_t *parts) {
    json_t *run = json_object_get(merged->document, "run");
    const json_t *longest = sources[0].document;
    double seconds = 0;
    bool ok = json_object_set_new(run, "parts", parts) == 0 &&
              json_object_set(run, "time", json_object_get(json_object_get(longest, "run"), "time")) == 0;
    for (size_t s = 0; ok && s < count; s++) {
        const json_t *document = sources[s].document;
        json_t *data = json_object_get(json_object_get(document, "run"), "data");
        const double own = json_number_value(fact(document, "run", "seconds"));
        seconds += own;
        if (own > json_number_value(fact(longest, "run", "seconds"))) longest = document;
        ok = add_warnings(json_object_get(merged->document, "warnings"), document) &&
             (data == NULL || json_object_set(run, "data", data) == 0);
    }
    static const char *const taken[] = {"machine", "build", "environment"};
    for (size_t t = 0; ok && t < sizeof taken / sizeof taken[0]; t++) {
        json_t *object = json_object_get(longest, taken[t]);
        if (object != NULL) ok = json_object_set(merged->document, taken[t], object) == 0;
    }
    return ok && json_object_set_new(run, "seconds", json_real(seconds)) == 0;
}

bool merge_documents(const json_t *const *document, const char *const *path, size_t count, results *merged,
                     merge_counts *counts, error *e) {
    source *sources = calloc(count, sizeof *sources);
    json_t *parts = json_array();
    index_of_records index = {0};
    bool ok = false;
    *counts = (merge_counts){0};
    if (sources == NULL || parts == NULL) goto memory;
    for (size_t d = 0; d < count; d++) {
        const char *time = json_string_value(json_object_get(json_object_get(document[d], "run"), "time"));
        if (d > 0 && !agree(document[0], document[d], path[0], path[d], e)) goto done;
        sources[d] = (source){document[d], path[d], time, d};
    }
    qsort(sources, count, sizeof *sources, by_time);
    if (!index_make(&index, sources, count)) goto memory;
    for (size_t s = 0; s < count; s++)
        if (!add_document(merged, parts, &index, sources, s, counts)) goto memory;
    json_incref(parts);
    if (!take_facts(merged, sources, count, parts)) goto memory;
    counts->records = json_array_size(merged->records);
    ok = true;
    goto done;
memory:
    fail(e, "no memory to merge %zu documents", count);
done:
    json_decref(parts);
    json_decref(index.last);
    json_decref(index.whole);
    free(sources);
    return ok;
}
