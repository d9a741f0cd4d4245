/* section_environment.c: what threatens the figures, and under what they were measured. */
#include <math.h>
#include <string.h>

#include "format.h"
#include "sections.h"

static void warnings(page *p, const records *r) {
    size_t index;
    const json_t *warning;
    json_array_foreach(r->warnings, index, warning) {
        const char *words = json_string_value(json_object_get(warning, "text"));
        if (words != NULL) page_note(p, BOTH, "warning", "%s", words);
    }
}

/* "core_hz" -> "core hz": the names of SCHEMA.md, readable. */
static label field_label(const char *key) {
    label l = label_print("%s", key);
    for (char *c = l.text; *c != '\0'; c++)
        if (*c == '_') *c = ' ';
    return l;
}

/* A value in words; an object {"unavailable": reason} says so, another one lists its members. */
static void put_value(text *t, json_t *value, unsigned depth) {
    enum { DEEPEST = 3 };
    const char *reason = json_string_value(json_object_get(value, "unavailable")), *key, *comma = "";
    json_t *member;
    switch (value == NULL || depth > DEEPEST ? JSON_NULL : json_typeof(value)) {
    case JSON_STRING: text_put(t, json_string_value(value)); break;
    case JSON_INTEGER: text_print(t, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
    case JSON_REAL: text_print(t, "%.6g", json_real_value(value)); break;
    case JSON_TRUE: text_put(t, "yes"); break;
    case JSON_FALSE: text_put(t, "no"); break;
    case JSON_OBJECT:
        if (reason != NULL) {
            text_print(t, "unavailable: %s", reason);
            break;
        }
        json_object_foreach(value, key, member) {
            text_print(t, "%s%s ", comma, field_label(key).text);
            put_value(t, member, depth + 1);
            comma = ", ";
        }
        break;
    default: break;
    }
}

void section_environment(page *p, const records *r) {
    static const column columns[] = {{"fact", false, false}, {"value", false, false}};
    warnings(p, r);
    if (json_object_size(r->environment) == 0) return;
    page_details(p, p->plot_error.text[0] != '\0', "Under what the figures were measured");
    page_table(p, HTML, columns, sizeof columns / sizeof columns[0],
               "As read at the start and at the end of the run. What cannot be told here says why.");
    const char *key;
    json_t *value;
    json_object_foreach(r->environment, key, value) {
        text words = {0};
        put_value(&words, value, 0);
        page_cell_text(p, field_label(key).text);
        page_cell_text(p, words.bytes != NULL ? words.bytes : "");
        text_free(&words);
    }
    page_table_end(p);
    page_details_end(p);
}
