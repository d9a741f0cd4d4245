#include "csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/output.h"
#include "text.h"

enum { LONGEST_KIND = 32 };

static const char *kind_of(const json_t *record) { return json_string_value(json_object_get(record, "kind")); }

bool csv_check(const json_t *records, error *e) {
    size_t index;
    const json_t *record;
    json_array_foreach(records, index, record) {
        const char *kind = kind_of(record);
        const size_t length = kind == NULL ? 0 : strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789_");
        if (length == 0 || length > LONGEST_KIND || kind[length] != '\0')
            return fail(e, "record %zu: its kind must be at most %d lower-case letters, digits and underscores",
                        index, LONGEST_KIND);
    }
    return true;
}

/* Adds the value's leaves to `flat` under "a.b.0" names; flat keeps the order of insertion. */
static bool flatten(json_t *flat, const char *name, json_t *value) {
    const bool is_object = json_is_object(value), is_array = json_is_array(value);
    if (!is_object && !is_array) return json_object_set(flat, name, value) == 0;
    bool done = true;
    const char *key;
    json_t *child;
    size_t index;
    if (is_object) {
        json_object_foreach(value, key, child) {
            text path = {0};
            text_print(&path, "%s%s%s", name, name[0] == '\0' ? "" : ".", key);
            done = !path.failed && flatten(flat, path.bytes, child);
            text_free(&path);
            if (!done) break;
        }
    } else {
        json_array_foreach(value, index, child) {
            text path = {0};
            text_print(&path, "%s.%zu", name, index);
            done = !path.failed && flatten(flat, path.bytes, child);
            text_free(&path);
            if (!done) break;
        }
    }
    return done;
}

/* The shortest decimal that reads back as the same double. */
static void put_real(text *t, double value) {
    char digits[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value) break;
    }
    text_put(t, digits);
}

static void put_value(text *t, const json_t *value) {
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_STRING: text_csv(t, json_string_value(value)); break;
    case JSON_INTEGER: text_print(t, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
    case JSON_REAL: put_real(t, json_real_value(value)); break;
    case JSON_TRUE: text_put(t, "true"); break;
    case JSON_FALSE: text_put(t, "false"); break;
    default: break; /* absent or null: an empty field */
    }
}

/* The table of one kind: the columns are the union of the records' fields, in order of first appearance. */
static bool build(text *csv, const json_t *records, const char *kind) {
    json_t *rows = json_array(), *columns = json_object();
    bool built = rows != NULL && columns != NULL;
    size_t index;
    json_t *record, *row;
    const char *name;
    json_t *value;
    json_array_foreach(records, index, record) {
        if (!built) break;
        if (strcmp(kind_of(record), kind) != 0) continue;
        json_t *flat = json_object();
        built = flat != NULL && flatten(flat, "", record) && json_object_update(columns, flat) == 0;
        built = json_array_append_new(rows, flat) == 0 && built;
    }
    if (built) {
        const char *comma = "";
        json_object_foreach(columns, name, value) {
            text_put(csv, comma);
            text_csv(csv, name);
            comma = ",";
        }
        text_put(csv, "\r\n");
        json_array_foreach(rows, index, row) {
            comma = "";
            json_object_foreach(columns, name, value) {
                text_put(csv, comma);
                put_value(csv, json_object_get(row, name));
                comma = ",";
            }
            text_put(csv, "\r\n");
        }
    }
    json_decref(rows);
    json_decref(columns);
    return built && !csv->failed;
}

/* True when an earlier record has the same kind. */
static bool seen_before(const json_t *records, size_t index) {
    const char *kind = kind_of(json_array_get(records, index));
    for (size_t r = index; r-- > 0;) /* backwards: usually the neighbour has it */
        if (strcmp(kind_of(json_array_get(records, r)), kind) == 0) return true;
    return false;
}

bool csv_write(const json_t *records, const char *folder, error *e) {
    for (size_t r = 0; r < json_array_size(records); r++) {
        if (seen_before(records, r)) continue;
        const char *kind = kind_of(json_array_get(records, r));
        text csv = {0}, path = {0};
        text_print(&path, "%s/%s.csv", folder, kind);
        bool written = build(&csv, records, kind) && !path.failed;
        if (!written) fail(e, "no memory for the table of the %s records", kind);
        written = written && output_write(path.bytes, csv.bytes, csv.size, e);
        text_free(&csv);
        text_free(&path);
        if (!written) return false;
    }
    return true;
}
