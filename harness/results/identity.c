#include "identity.h"

#include <stdio.h>
#include <string.h>

enum { FIELDS = 12 };

/* Numbers are written with their field's name. */
static const struct {
    const char *kind, *field[FIELDS];
} kinds[] = {
    {"bench", {"kernel", "backend", "out", "in", "m", "k", "batch"}},
    {"sweep", {"model", "backend", "profile", "percent", "seed"}},
    {"train", {"model", "backend", "profile", "seed"}},
    {"verify", {"kernel", "backend"}},
    {"versus", {"a", "b", "out", "in", "m", "k", "percent", "batch", "warm"}},
    {"flops", {"kernel", "backend", "out", "in", "m", "k", "batch"}},
    {"matrix", {"backend", "out", "in", "cut", "m", "k", "batch"}},
    {"matrix_mlp", {"backend", "percent", "batch"}},
    {"roof", {"resource"}},
    {"reproduce", {"model", "gamma", "profile", "percent"}},
    {"refine", {"model", "backend", "batch", "from_percent", "percent"}},
    {"prediction", {"kernel", "architecture", "cpu", "tool_version"}},
    {"epoch", {"implementation", "backend", "form", "threads"}},
};

bool record_identity(const json_t *record, char text[RECORD_IDENTITY]) {
    const char *kind = json_string_value(json_object_get(record, "kind")), *const *field = NULL;
    for (size_t k = 0; kind != NULL && k < sizeof kinds / sizeof kinds[0]; k++)
        if (strcmp(kinds[k].kind, kind) == 0) field = kinds[k].field;
    if (field == NULL) return false;
    size_t used = (size_t)snprintf(text, RECORD_IDENTITY, "%s ", kind);
    const char *slash = "";
    for (size_t f = 0; f < FIELDS && field[f] != NULL && used < RECORD_IDENTITY; f++) {
        const json_t *value = json_object_get(record, field[f]);
        char *at = text + used;
        const size_t room = RECORD_IDENTITY - used;
        if (json_is_string(value))
            used += (size_t)snprintf(at, room, "%s%s", slash, json_string_value(value));
        else if (json_is_number(value))
            used += (size_t)snprintf(at, room, "%s%s:%.6g", slash, field[f], json_number_value(value));
        else if (json_is_boolean(value))
            used += (size_t)snprintf(at, room, "%s%s:%s", slash, field[f], json_is_true(value) ? "yes" : "no");
        else
            continue;
        slash = "/";
    }
    return true;
}
