/* records.c: a comparison as records of a results document. */
#include <math.h>

#include "../results/results.h"
#include "compare.h"
#include "facts.h"

static json_t *value_json(const compare_value *v, compare_unit unit) {
    if (!v->present) return json_null();
    if (unit == COMPARE_WORD) return v->word != NULL ? json_string(v->word) : json_null();
    if (v->figure.low == v->figure.high) return json_real(v->figure.median);
    json_t *figure = results_interval(v->figure.median, v->figure.low, v->figure.high);
    return figure != NULL ? figure : json_null(); /* not finite: the row says so */
}

static json_t *row_json(const compare_row *row) {
    static const char *const units[] = {[COMPARE_NS] = "ns",
                                        [COMPARE_RATIO] = "ratio",
                                        [COMPARE_PERCENT] = "%",
                                        [COMPARE_COUNT] = "count",
                                        [COMPARE_WORD] = "word"};
    json_t *change = results_interval(row->change.median, row->change.low, row->change.high);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "kind", "compare", "figure", row->name, "verdict",
                     compare_verdict_name(row->verdict), "reason", row->reason, "unit", units[row->unit], "before",
                     value_json(&row->before, row->unit), "after", value_json(&row->after, row->unit), "change",
                     change != NULL ? change : json_null());
}

static json_t *side_json(const char *name, const json_t *document) {
    json_t *file = json_string(name); /* NULL where it is not UTF-8 */
    return json_pack("{s:o, s:s, s:s, s:s}", "file", file != NULL ? file : json_null(), "commit",
                     compare_fact(document, "build", "commit"), "time", compare_fact(document, "run", "time"),
                     "cpu", compare_fact(document, "machine", "cpu"));
}

static json_t *head_json(const comparison *c, const compare_options *options, json_t *before, json_t *after) {
    json_t *counts = json_object(), *warnings = json_array();
    for (int v = 0; v < COMPARE_VERDICTS; v++)
        json_object_set_new(counts, compare_verdict_name((compare_verdict)v),
                            json_integer((json_int_t)c->count[v]));
    for (unsigned w = 0; w < c->warnings; w++) json_array_append_new(warnings, json_string(c->warning[w]));
    return json_pack("{s:s, s:o, s:o, s:b, s:s, s:f, s:f, s:s?, s:I, s:I, s:o, s:o}", "kind", "comparison",
                     "before", before, "after", after, "same_machine", (int)c->same_machine, "machines_differ_in",
                     c->machines, "level", options->level, "threshold_percent", options->threshold_percent, "only",
                     options->only, "compared", (json_int_t)c->compared, "tests", (json_int_t)c->tests, "verdicts",
                     counts, "warnings", warnings);
}

json_t *compare_records(const comparison *c, const compare_options *options, const char *before, const char *after,
                        const json_t *before_document, const json_t *after_document) {
    json_t *list = json_array();
    bool made = json_array_append_new(list, head_json(c, options, side_json(before, before_document),
                                                      side_json(after, after_document))) == 0;
    for (size_t r = 0; r < c->rows && made; r++) made = json_array_append_new(list, row_json(&c->row[r])) == 0;
    if (made) return list;
    json_decref(list);
    return NULL;
}
