#include "facts.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void compare_warn(comparison *c, const char *format, ...) {
    if (c->warnings == COMPARE_WARNINGS) return;
    va_list args;
    va_start(args, format);
    vsnprintf(c->warning[c->warnings++], COMPARE_TEXT, format, args);
    va_end(args);
}

const char *compare_fact(const json_t *document, const char *object, const char *key) {
    const char *text = json_string_value(json_object_get(json_object_get(document, object), key));
    return text != NULL ? text : "unknown";
}

/* ---- machine --------------------------------------------------------------------------------------------------
 */

void compare_machines(comparison *c, const json_t *before, const json_t *after) {
    static const char *const identity[] = {"cpu",      "architecture", "vendor", "family",     "model",
                                           "stepping", "implementer",  "part",   "variant",    "revision",
                                           "features", "caches",       "cores",  "hypervisor", "emulated"};
    const json_t *a = json_object_get(before, "machine"), *b = json_object_get(after, "machine");
    size_t used = 0;
    c->machines[0] = '\0';
    for (size_t i = 0; i < sizeof identity / sizeof identity[0]; i++) {
        const json_t *left = json_object_get(a, identity[i]), *right = json_object_get(b, identity[i]);
        if (left == NULL || right == NULL || json_equal(left, right)) continue;
        /* null is "unknown", but of the hypervisor it is "none". */
        if ((json_is_null(left) || json_is_null(right)) && strcmp(identity[i], "hypervisor") != 0) continue;
        used += (size_t)snprintf(c->machines + used, sizeof c->machines - used, "%s%s", used > 0 ? ", " : "",
                                 identity[i]);
    }
    c->same_machine = used == 0;
}

/* ---- data, build ----------------------------------------------------------------------------------------------
 */

static const json_t *data_of(const json_t *document) {
    return json_object_get(json_object_get(document, "run"), "data");
}

bool compare_same_data(const json_t *before, const json_t *after) {
    const json_t *a = json_object_get(data_of(before), "sha256"), *b = json_object_get(data_of(after), "sha256");
    return a != NULL && b != NULL && json_equal(a, b);
}

const char *compare_times_void(const json_t *document) {
    if (json_is_true(json_object_get(json_object_get(document, "build"), "sanitized")))
        return "a build with sanitizers: its times mean nothing";
    if (json_is_true(json_object_get(json_object_get(document, "machine"), "emulated")))
        return "an emulated CPU: its times mean nothing";
    return NULL;
}

static bool ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* What weakens one document by itself. */
static void warn_side(comparison *c, const json_t *document, const char *side) {
    enum { WAITED_PERCENT = 5 }; /* of the run: as much as the differences that are looked for */
    const double waited =
        json_number_value(json_object_get(json_object_get(document, "environment"), "waited_percent"));
    const char *commit = compare_fact(document, "build", "commit"), *nothing = compare_times_void(document);
    if (ends_with(commit, "-dirty"))
        compare_warn(c, "%s was built from changed files (%.60s): its commit does not say what was measured", side,
                     commit);
    else if (strcmp(commit, "unknown") == 0)
        compare_warn(c, "%s does not know the commit it was built from", side);
    if (nothing != NULL) compare_warn(c, "%s was measured by %s", side, nothing);
    if (waited > WAITED_PERCENT)
        compare_warn(c, "%s waited for a processor during %.0f %% of its run: its times are too long, and scatter",
                     side, waited);
}

static bool has_code(const json_t *warnings, const char *code) {
    size_t index;
    const json_t *one;
    json_array_foreach(warnings, index, one) {
        const char *other = json_string_value(json_object_get(one, "code"));
        if (other != NULL && strcmp(other, code) == 0) return true;
    }
    return false;
}

/* The warnings of its environment that the other document does not have. */
static void warn_environment(comparison *c, const json_t *document, const json_t *other, const char *side) {
    const json_t *warnings = json_object_get(document, "warnings"), *one;
    size_t index;
    json_array_foreach(warnings, index, one) {
        const char *code = json_string_value(json_object_get(one, "code")),
                   *text = json_string_value(json_object_get(one, "text"));
        if (code == NULL || text == NULL || has_code(json_object_get(other, "warnings"), code)) continue;
        compare_warn(c, "%s alone: %.220s", side, text);
    }
}

/* The middle of the probed core clock of the run, Hz; 0 where it was not probed. */
static double clock_of(const json_t *document) {
    const json_t *clock = json_object_get(json_object_get(document, "environment"), "core_hz");
    return (json_number_value(json_object_get(clock, "start")) + json_number_value(json_object_get(clock, "end"))) /
           2;
}

static void warn_clock(comparison *c, const json_t *before, const json_t *after) {
    const double a = clock_of(before), b = clock_of(after);
    if (a > 0 && b > 0 && fabs(b / a - 1) > 0.03)
        compare_warn(
            c, "the core ran at %.2f GHz before and at %.2f GHz after: all times move by %+.0f %% for that alone",
            a / 1e9, b / 1e9, 100 * (a / b - 1));
}

void compare_warn_facts(comparison *c, const json_t *before, const json_t *after) {
    static const struct {
        const char *object, *key, *what;
    } causes[] = {{"build", "compiler", "compilers"},
                  {"build", "flags", "compiler flags"},
                  {"build", "version", "versions of idp"},
                  {"machine", "system", "operating systems"}};
    if (!c->same_machine)
        compare_warn(c, "these are different machines (%.180s): no difference is called better or worse",
                     c->machines);
    warn_side(c, before, "BEFORE");
    warn_side(c, after, "AFTER");
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        const char *a = compare_fact(before, causes[i].object, causes[i].key),
                   *b = compare_fact(after, causes[i].object, causes[i].key);
        if (strcmp(a, b) != 0) compare_warn(c, "the %s differ: '%.80s' and '%.80s'", causes[i].what, a, b);
    }
    if (data_of(before) != NULL && data_of(after) != NULL && !compare_same_data(before, after))
        compare_warn(c, "the data sets differ (%.60s and %.60s): accuracy is not compared",
                     compare_fact(json_object_get(before, "run"), "data", "name"),
                     compare_fact(json_object_get(after, "run"), "data", "name"));
    warn_clock(c, before, after);
    warn_environment(c, before, after, "BEFORE");
    warn_environment(c, after, before, "AFTER");
}

/* ---- everything moved together --------------------------------------------------------------------------------
 */

void compare_warn_shift(comparison *c, const compare_options *options) {
    enum { ENOUGH = 8 }; /* figures: fewer may well share a cause in the code */
    double *changes = malloc((c->rows + 1) * sizeof *changes);
    size_t count = 0, up = 0;
    if (changes == NULL) return; /* a hint only */
    for (size_t r = 0; r < c->rows; r++) {
        const compare_row *row = &c->row[r];
        if (row->unit != COMPARE_NS || !(row->change.median > 0)) continue;
        up += row->change.median > 1;
        changes[count++] = row->change.median;
    }
    if (count >= ENOUGH) {
        stats_sort(changes, count);
        const double middle = stats_sorted_median(changes, count), tenth = changes[count / 10],
                     ninetieth = changes[count - 1 - count / 10];
        const double threshold = 1 + options->threshold_percent / 100;
        /* Nine of ten on the same side, and the middle by more than the threshold. */
        if ((middle > threshold && tenth > 1) || (middle < 1 / threshold && ninetieth < 1))
            compare_warn(
                c,
                "nearly all of %zu times moved together, by %+.1f %% (%zu up, %zu down): another clock speed "
                "or a busier machine is likelier than so many changes; measure both again, in turn",
                count, 100 * (middle - 1), up, count - up);
    }
    free(changes);
}
