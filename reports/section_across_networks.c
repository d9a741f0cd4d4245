/* section_across_networks.c: what the networks save, machine by machine: the same percentages, the same scales. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "across.h"
#include "format.h"

/* ---- measures -------------------------------------------------------------------------------------------------
 */

static interval times(interval time_ns, double factor) {
    return (interval){
        .median = time_ns.median * factor, .low = time_ns.low * factor, .high = time_ns.high * factor};
}

static interval saved_1(const point *at, const network *n) { return saved_time_1(at, n->full); }
static interval saved_128(const point *at, const network *n) { return saved_time_128(at, n->full); }
static interval accuracy(const point *at, const network *n) {
    (void)n;
    return (interval){.median = at->accuracy, .low = at->accuracy_low, .high = at->accuracy_high};
}
static interval time_1_us(const point *at, const network *n) {
    (void)n;
    return times(at->batch_1, 1e-3);
}
static interval time_128_us(const point *at, const network *n) {
    (void)n;
    return times(at->batch_128, 1e-3);
}

typedef struct measure {
    const char *name, *axis; /* axis: NULL: not drawn */
    interval (*of)(const point *at, const network *n);
    int decimals; /* -1: three significant digits */
    bool log;
} measure;

static const measure measures[] = {
    {"Time saved, 1 sample, %", "time saved, 1 sample, %", saved_1, 1, false},
    {"Time saved, batch of 128, %", "time saved, batch of 128, %", saved_128, 1, false},
    {"Time of 1 sample, \xc2\xb5s", "1 sample, \xc2\xb5s", time_1_us, -1, true},
    {"Time of a batch of 128, \xc2\xb5s", NULL, time_128_us, -1, false},
    {"Accuracy, %", NULL, accuracy, 2, false},
};
enum { MEASURES = sizeof measures / sizeof measures[0] };

static shown show_measure(const measure *m, double value) {
    return m->decimals >= 0 ? show_decimal(value, m->decimals) : show_significant(value);
}

/* ---- tables ---------------------------------------------------------------------------------------------------
 */

/* The middle or the end of a profile's own part: where the network would be used. */
static bool is_working_point(const grid_entry *entry) {
    const network *n = entry->with;
    const point *at = entry->of;
    const curve *c = network_serving(n, at->percent);
    return at == curve_nearest(c, c->to_percent) ||
           at == curve_nearest(c, c->from_percent + (c->to_percent - c->from_percent) / 2);
}

static bool is_saving(const measure *m) { return m->of == saved_1 || m->of == saved_128; }

static bool wanted(const across *a, const grid_entry *const row[], const grid_entry *first, const measure *m,
                   bool working) {
    bool known = false, used = !working;
    if (is_saving(m) && first->of == ((const network *)first->with)->full) return false; /* 0, of itself */
    for (size_t i = 0; i < a->machines; i++) {
        if (row[i] == NULL) continue;
        known = known || isfinite(m->of(row[i]->of, row[i]->with).median);
        used = used || is_working_point(row[i]);
    }
    return known && used;
}

static void table(page *p, media where, const across *a, const grid *g, const measure *m, bool working) {
    static const column fixed[] = {
        {"model", false, false}, {"channels, %", true, false}, {"FLOPs saved, %", true, false}};
    const across_columns head = across_head(a, fixed, 3);
    const grid_entry *row[GRID_COLUMNS], *first;
    page_table(p, where, head.column, head.count, "%s%s.", m->name,
               working ? ", in the middle and at the end of each profile's own part" : ", at every percentage");
    for (size_t at = 0; grid_next(g, &at, row, &first);) {
        if (!wanted(a, row, first, m, working)) continue;
        const network *n = first->with;
        page_cell_text(p, n->model);
        page_cell(p, first->key.number[0], show_channels(first->key.number[0]).text, "");
        cell_saved(p, saved_flops(first->of, n->full));
        for (size_t i = 0; i < a->machines; i++) {
            const interval value = row[i] != NULL ? m->of(row[i]->of, row[i]->with)
                                                  : (interval){.median = NAN, .low = NAN, .high = NAN};
            page_cell(p, value.median, show_measure(m, value.median).text,
                      value.low < value.high
                          ? show_range(show_measure(m, value.low), show_measure(m, value.high)).text
                          : "");
        }
    }
    page_table_end(p);
}

/* ---- figures --------------------------------------------------------------------------------------------------
 */

/* Grey is for the FLOPs, which are the same everywhere; more machines go into more pictures of the same scale. */
static const unsigned colors[] = {1, 2, 3, 4, 6, 7};
enum { FLOPS_COLOR = 5, LINES = sizeof colors / sizeof colors[0] };

typedef struct scale {
    double low, high;
} scale;

/* Of all networks and machines. */
static scale scale_of(const grid *g, const measure *m) {
    scale s = {INFINITY, -INFINITY};
    for (size_t i = 0; i < g->entries; i++) {
        const interval value = m->of(g->entry[i].of, g->entry[i].with);
        if (!isfinite(value.low) || !isfinite(value.high) || (m->log && value.low <= 0)) continue;
        s.low = fmin(s.low, value.low);
        s.high = fmax(s.high, value.high);
    }
    if (m->log) return (scale){pow(10, floor(log10(s.low))), pow(10, ceil(log10(s.high)))};
    return (scale){fmax(-100, 10 * floor(fmin(0, s.low) / 10)), 100};
}

static plot_line line_of(const grid *g, size_t from, size_t to, size_t machine, const measure *m, plot_point *store,
                         unsigned color) {
    const grid_entry *row[GRID_COLUMNS], *first;
    const grid part = {.entry = g->entry + from, .entries = to - from};
    plot_line line = {.point = store, .color = color, .bars = true};
    for (size_t at = 0; grid_next(&part, &at, row, &first);) {
        if (row[machine] == NULL) continue;
        const interval value = m->of(row[machine]->of, row[machine]->with);
        if (!isfinite(value.median) || (m->log && value.low <= 0)) continue;
        store[line.points++] = (plot_point){first->key.number[0], value.median, value.low, value.high, NULL};
    }
    return line;
}

static plot_line flops_line(const grid *g, size_t from, size_t to, plot_point *store) {
    const grid_entry *row[GRID_COLUMNS], *first;
    const grid part = {.entry = g->entry + from, .entries = to - from};
    plot_line line = {.point = store, .color = FLOPS_COLOR, .dashed = true};
    for (size_t at = 0; grid_next(&part, &at, row, &first);) {
        const double saved = saved_flops(first->of, ((const network *)first->with)->full).median;
        if (isfinite(saved)) store[line.points++] = (plot_point){first->key.number[0], saved, saved, saved, NULL};
    }
    return line;
}

/* One network, one measure, the machines from `machine` on. */
static void figure(page *p, const across *a, const grid *g, size_t from, size_t to, size_t machine,
                   const measure *m, scale s) {
    const size_t room = to - from;
    plot_point *store = calloc(room * (LINES + 1), sizeof *store);
    plot_line line[LINES + 1];
    unsigned lines = 0;
    if (store == NULL) return;
    for (size_t l = 0; l < LINES && machine + l < a->machines; l++) {
        line[lines] = line_of(g, from, to, machine + l, m, store + lines * room, colors[l]);
        line[lines].label = a->machine[machine + l].name.text;
        if (line[lines].points > 0) lines++;
    }
    const bool any = lines > 0;
    if (any && !m->log) {
        line[lines] = flops_line(g, from, to, store + lines * room);
        line[lines++].label = "FLOPs saved";
    }
    const plot picture = {.x_title = "channels used, %",
                          .x_percent = true,
                          .y_title = m->axis,
                          .y_low = s.low,
                          .y_high = s.high,
                          .y_axis = m->log ? LOGARITHMIC : LINEAR,
                          .line = line,
                          .lines = lines};
    if (any)
        page_figure(p, &picture, "%s: %s. The same scale in all such plots.", g->entry[from].key.text[0], m->axis);
    free(store);
}

static void figures(page *p, const across *a, const grid *g) {
    for (size_t i = 0; i < MEASURES; i++) {
        if (measures[i].axis == NULL) continue;
        const scale s = scale_of(g, &measures[i]);
        if (!isfinite(s.low) || !isfinite(s.high)) continue;
        page_heading(p, HTML, "%s", measures[i].name);
        page_grid(p, "figures");
        for (size_t from = 0, to; from < g->entries; from = to) {
            for (to = from; to < g->entries && strcmp(g->entry[to].key.text[0], g->entry[from].key.text[0]) == 0;)
                to++;
            for (size_t m = 0; m < a->machines; m += LINES) figure(p, a, g, from, to, m, &measures[i], s);
        }
        page_grid_end(p);
    }
}

void section_across_networks(page *p, const across *a) {
    grid g = {0};
    across_points(a, &g);
    grid_sort(&g);
    if (g.entries > 0) {
        table(p, BOTH, a, &g, &measures[0], true);
        table(p, BOTH, a, &g, &measures[1], true);
        table(p, BOTH, a, &g, &measures[MEASURES - 1], true);
        figures(p, a, &g);
        page_details(p, p->plot_error.text[0] != '\0', "Every percentage");
        for (size_t i = 0; i < MEASURES; i++) table(p, HTML, a, &g, &measures[i], false);
        page_details_end(p);
    }
    if (g.failed) p->html.failed = true;
    grid_free(&g);
}
