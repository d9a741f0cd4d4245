/* section_across.c: several machines on one page: what they are, what each can do at most, what each file lacks. */
#include <math.h>
#include <string.h>

#include "across.h"
#include "format.h"

static const char *words(const json_t *object, const char *field, const char *none) {
    const char *value = json_string_value(json_object_get(object, field));
    return value != NULL && value[0] != '\0' ? value : none;
}

/* ---- above the sections ---------------------------------------------------------------------------------------
 */

static void warn(page *p, const across_machine *m) {
    const char *hidden = json_string_value(json_object_get(m->r.machine, "hidden"));
    if (hidden != NULL)
        page_note(p, BOTH, "warning", "%s: no machine of its own, but a CPU of which %s was hidden for the run.",
                  m->name.text, hidden);
    if (m->r.synthetic)
        page_note(p, BOTH, "warning", "%s: accuracy is on the built-in synthetic digits, not on MNIST.",
                  m->name.text);
    if (json_is_true(json_object_get(m->r.build, "sanitized")))
        page_note(p, BOTH, "warning", "%s: built with sanitizers; its times mean nothing.", m->name.text);
    if (json_is_true(json_object_get(m->r.machine, "emulated")))
        page_note(p, BOTH, "warning", "%s: an emulated CPU; its times mean nothing.", m->name.text);
}

void across_about(page *p, const across *a) {
    page_note(p, BOTH, "facts",
              "A column for each of %zu results documents. A dash stands where a machine did not measure.%s",
              a->machines, a->twice > 0 ? " A document that was given twice stands once." : "");
    for (size_t m = 0; m < a->machines; m++) warn(p, &a->machine[m]);
}

/* ---- machines -------------------------------------------------------------------------------------------------
 */

/* The strings of an array, or one member's of its objects, after one another. */
static void list(text *t, const json_t *array, const char *member) {
    size_t index;
    const json_t *item;
    json_array_foreach(array, index, item) {
        const char *one = json_string_value(member != NULL ? json_object_get(item, member) : item);
        if (one != NULL) text_print(t, "%s%s", t->size > 0 ? ", " : "", one);
    }
}

static void cell_list(page *p, const json_t *array, const char *member) {
    text t = {0};
    list(&t, array, member);
    page_cell_text(p, t.bytes != NULL ? t.bytes : "none");
    text_free(&t);
}

void section_across_machines(page *p, const across *a) {
    static const column columns[] = {
        {"machine", false, false},
        {"architecture", false, false},
        {"instruction sets in use", false, false},
        {"processors", true, false},
        {"virtual machine", false, false},
        {"commit", false, true},
        {"compiler", false, false},
        {"run", false, false},
        {"data", false, false},
        {"what to know", false, false},
        {"file", false, false},
    };
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "What was measured, by which build, when. Times of one row of the tables below were not measured in "
        "turn: only what a machine says of itself (saved, over its roof, over its peers) is a ratio within one "
        "run.");
    for (size_t m = 0; m < a->machines; m++) {
        const across_machine *one = &a->machine[m];
        const char *slash = strrchr(one->path, '/');
        const double cores = json_number_value(json_object_get(one->r.machine, "cores"));
        page_cell_text(p, one->name.text);
        page_cell_text(p, words(one->r.machine, "architecture", "unknown"));
        cell_list(p, json_object_get(one->r.machine, "features"), NULL);
        page_cell(p, cores, show_count(cores).text, "");
        page_cell_text(p, words(one->r.machine, "hypervisor", "no"));
        page_cell_text(p, words(one->r.build, "commit", "unknown"));
        page_cell_text(p, words(one->r.build, "compiler", "unknown"));
        page_cell_text(p, words(one->r.run, "time", "unknown"));
        page_cell_text(p, one->r.data_name != NULL ? one->r.data_name : "none");
        cell_list(p, one->r.warnings, "code");
        page_cell_text(p, slash != NULL ? slash + 1 : one->path);
    }
    page_table_end(p);
}

/* ---- roofs ----------------------------------------------------------------------------------------------------
 */

void section_across_roofs(page *p, const across *a) {
    static const column fixed[] = {{"resource", false, false}, {"unit", false, false}};
    const across_columns head = across_head(a, fixed, 2);
    const grid_entry *row[GRID_COLUMNS], *first;
    grid g = {0};
    size_t at = 0;
    across_roofs(a, &g);
    grid_sort(&g);
    if (g.entries > 0) {
        page_table(p, BOTH, head.column, head.count,
                   "One core: fused multiply-adds of each register width, loads from each level, clock.");
        while (grid_next(&g, &at, row, &first)) {
            page_cell_text(p, first->key.text[0]);
            page_cell_text(p, first->key.text[1]);
            for (size_t m = 0; m < a->machines; m++) {
                const roof_record *roof = row[m] != NULL ? row[m]->of : NULL;
                const double value = roof != NULL ? roof->value : NAN;
                page_cell(p, value, show_significant(value).text, "");
            }
        }
        page_table_end(p);
    }
    grid_free(&g);
}

/* ---- coverage -------------------------------------------------------------------------------------------------
 */

static void coverage_row(page *p, const across *a, const char *what, void (*collect)(const across *a, grid *g)) {
    const grid_entry *row[GRID_COLUMNS], *first;
    size_t have[ACROSS_MOST] = {0}, all = 0, at = 0;
    grid g = {0};
    collect(a, &g);
    grid_sort(&g);
    for (; grid_next(&g, &at, row, &first); all++)
        for (size_t m = 0; m < a->machines; m++) have[m] += row[m] != NULL;
    grid_free(&g);
    if (all == 0) return;
    page_cell_text(p, what);
    page_cell(p, (double)all, show_count((double)all).text, "");
    for (size_t m = 0; m < a->machines; m++)
        page_cell(p, (double)have[m],
                  have[m] == all ? "all" : label_print("%zu, %zu missing", have[m], all - have[m]).text, "");
}

void section_across_coverage(page *p, const across *a) {
    static const column fixed[] = {{"figures", false, false}, {"on any machine", true, false}};
    const across_columns head = across_head(a, fixed, 2);
    page_table(p, BOTH, head.column, head.count,
               "How many of the figures that any of the files has each file has. A kernel that cannot run on a CPU "
               "counts as missing there.");
    coverage_row(p, a, "percentages of networks", across_points);
    coverage_row(p, a, "layers beside peers and roofs", across_cells);
    coverage_row(p, a, "whole networks in one call", across_whole);
    coverage_row(p, a, "microbenchmarks", across_bench);
    coverage_row(p, a, "limits", across_roofs);
    coverage_row(p, a, "kernels verified", across_verified);
    page_table_end(p);
}

void section_across_method(page *p, const across *a) {
    (void)a;
    page_note(
        p, BOTH, NULL,
        "Every machine ran the same program on the same networks and layers; a row is the same cell everywhere, "
        "and all plots of one kind have the same scale. Of several back ends the fastest stands for a machine. "
        "Savings are against the same network with all channels on the same machine. A median's interval stands "
        "behind it. Means over cells are geometric, over the cells that all machines have that measured any.");
}
