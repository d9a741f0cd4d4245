/* section_across_cells.c: the same layers, networks and microbenchmarks on every machine, cell by cell. */
#include <math.h>

#include "across.h"
#include "format.h"

static const interval unknown = {.median = NAN, .low = NAN, .high = NAN};

/* What is shown of a cell; `row` NULL: not measured. */
typedef struct measure {
    const char *name;
    interval (*of)(const grid_entry *entry);
    shown (*show)(double value);
} measure;

static interval cell_time(const grid_entry *entry) { return ((const cell_record *)entry->of)->time_ns; }
static interval cell_roof(const grid_entry *entry) { return ((const cell_record *)entry->of)->roof_percent; }
static interval cell_peer(const grid_entry *entry) { return ((const cell_record *)entry->of)->ratio; }
static interval bench_time(const grid_entry *entry) { return ((const bench_record *)entry->of)->time_ns; }

static shown show_whole_percent(double value) { return show_decimal(value, 0); }
static shown show_times(double value) { return show_ratio(value, true); }

static const measure cell_measures[] = {
    {"time, \xc2\xb5s", cell_time, show_us},
    {"per cent of the machine's own limit", cell_roof, show_whole_percent},
    {"time of the best peer over ours", cell_peer, show_times},
};
static const measure bench_measures[] = {{"time of our fastest kernel, \xc2\xb5s", bench_time, show_us}};
enum { CELL_MEASURES = sizeof cell_measures / sizeof cell_measures[0] };

static interval value_of(const measure *m, const grid_entry *entry) {
    return entry != NULL ? m->of(entry) : unknown;
}

/* ---- summary --------------------------------------------------------------------------------------------------
 */

/* Geometric means over the cells that every machine has which has any; how many those are. */
static size_t means(const across *a, const grid *g, const measure *m, double mean[ACROSS_MOST]) {
    const grid_entry *row[GRID_COLUMNS], *first;
    bool any[ACROSS_MOST] = {false};
    size_t common = 0;
    for (size_t i = 0; i < g->entries; i++)
        any[g->entry[i].column] = any[g->entry[i].column] || m->of(&g->entry[i]).median > 0;
    for (size_t c = 0; c < a->machines; c++) mean[c] = any[c] ? 0 : NAN;
    for (size_t at = 0; grid_next(g, &at, row, &first);) {
        bool all = true;
        for (size_t c = 0; c < a->machines; c++) all = all && (!any[c] || value_of(m, row[c]).median > 0);
        if (!all) continue;
        common++;
        for (size_t c = 0; c < a->machines; c++) mean[c] += log(value_of(m, row[c]).median);
    }
    for (size_t c = 0; c < a->machines; c++) mean[c] = exp(mean[c] / (double)common);
    return common;
}

static void summary(page *p, const across *a, const grid *g, const measure *m, size_t count) {
    static const column fixed[] = {{"geometric mean", false, false}, {"over cells", true, false}};
    const across_columns head = across_head(a, fixed, 2);
    double mean[ACROSS_MOST];
    page_table(p, BOTH, head.column, head.count, "Over the cells that all machines have that measured any.");
    for (size_t i = 0; i < count; i++) {
        const size_t common = means(a, g, &m[i], mean);
        if (common == 0) { /* no cell is the same everywhere */
            for (size_t c = 0; c < a->machines; c++) mean[c] = NAN;
        }
        page_cell_text(p, m[i].name);
        page_cell(p, (double)common, show_count((double)common).text, "");
        for (size_t c = 0; c < a->machines; c++) page_cell(p, mean[c], m[i].show(mean[c]).text, "");
    }
    page_table_end(p);
}

/* ---- every cell -----------------------------------------------------------------------------------------------
 */

static bool any_value(const across *a, const grid *g, const measure *m) {
    for (size_t i = 0; i < g->entries; i++)
        if (g->entry[i].column < a->machines && isfinite(m->of(&g->entry[i]).median)) return true;
    return false;
}

static void key_cells(page *p, const grid_entry *first, bool layers) {
    const double *number = first->key.number;
    if (layers) {
        page_cell_text(p, label_print("%.0f\xc3\x97%.0f", number[0], number[1]).text);
        page_cell_text(p, first->key.text[0]);
    }
    page_cell(p, number[2], show_count(number[2]).text, "");
    page_cell(p, number[3], show_channels(number[3]).text, "");
}

static void table(page *p, const across *a, const grid *g, const measure *m, bool layers) {
    static const column fixed[] = {{"outputs\xc3\x97inputs", false, false},
                                   {"cut", false, false},
                                   {"samples", true, false},
                                   {"channels, %", true, false}};
    const across_columns head = layers ? across_head(a, fixed, 4) : across_head(a, fixed + 2, 2);
    const grid_entry *row[GRID_COLUMNS], *first;
    if (!any_value(a, g, m)) return;
    page_table(p, HTML, head.column, head.count, "Every cell: %s.", m->name);
    for (size_t at = 0; grid_next(g, &at, row, &first);) {
        key_cells(p, first, layers);
        for (size_t c = 0; c < a->machines; c++) {
            const interval value = value_of(m, row[c]);
            page_cell(p, value.median, m->show(value.median).text,
                      value.low < value.high ? show_range(m->show(value.low), m->show(value.high)).text : "");
        }
    }
    page_table_end(p);
}

static void cells(page *p, const across *a, void (*collect)(const across *a, grid *g), const measure *m,
                  size_t count, bool layers) {
    grid g = {0};
    collect(a, &g);
    grid_sort(&g);
    if (g.entries > 0) {
        summary(p, a, &g, m, count);
        page_details(p, p->plot_error.text[0] != '\0', "Every cell");
        for (size_t i = 0; i < count; i++) table(p, a, &g, &m[i], layers);
        page_details_end(p);
    }
    if (g.failed) p->html.failed = true;
    grid_free(&g);
}

void section_across_cells(page *p, const across *a) {
    cells(p, a, across_cells, cell_measures, CELL_MEASURES, true);
}
void section_across_whole(page *p, const across *a) {
    cells(p, a, across_whole, cell_measures, CELL_MEASURES, false);
}
void section_across_bench(page *p, const across *a) { cells(p, a, across_bench, bench_measures, 1, true); }
