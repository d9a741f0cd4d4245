/* section_matrix.c: our kernels beside other libraries and beside what the machine can do at most. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sections.h"

enum { MOST_SERIES = 24 };

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_number(double a, double b) { return a == b || (!isfinite(a) && !isfinite(b)); }

static bool same_setting(const cell_record *a, const cell_record *b) {
    return same_text(a->backend, b->backend) && a->batch == b->batch;
}

static bool same_series(const cell_record *a, const cell_record *b) {
    return same_setting(a, b) && same_text(a->cut, b->cut) && same_number(a->out, b->out) &&
           same_number(a->in, b->in);
}

static bool is_first(const cell_record *cell, size_t at, bool (*same)(const cell_record *, const cell_record *)) {
    for (size_t i = 0; i < at; i++)
        if (same(&cell[i], &cell[at])) return false;
    return true;
}

static label setting_label(const cell_record *c) {
    return c->batch == 1 ? label_print("%.60s, one sample", c->backend)
                         : label_print("%.60s, batch of %" JSON_INTEGER_FORMAT, c->backend, c->batch);
}

static label series_label(const cell_record *c) {
    const char *cut = c->cut == NULL                   ? ""
                      : strcmp(c->cut, "outputs") == 0 ? ", outputs cut"
                      : strcmp(c->cut, "both") == 0    ? ", inputs and outputs cut"
                                                       : ", inputs cut";
    return label_print("%.0f \xc3\x97 %.0f%s", c->out, c->in, cut);
}

/* ---- the machine -----------------------------------------------------------------------------------------------
 */

static void roof_table(page *p, const records *r) {
    static const column columns[] = {
        {"resource", false, false}, {"at most", true, false}, {"unit", false, false}, {"buffer", true, false}};
    if (r->roofs == 0) return;
    page_table(p, BOTH, columns, sizeof columns / sizeof columns[0],
               "What one core of this machine can do at most: medians over interleaved rounds. fma: fused "
               "multiply-adds on registers of so many bits; load: the best stream that only loads.");
    for (size_t i = 0; i < r->roofs; i++) {
        const roof_record *f = &r->roof[i];
        page_cell_text(p, f->resource);
        page_cell(p, f->value, show_significant(f->value).text,
                  show_range(show_significant(f->range.low), show_significant(f->range.high)).text);
        page_cell_text(p, f->unit);
        page_cell(p, f->bytes, isfinite(f->bytes) ? show_bytes(f->bytes).text : "", "");
    }
    page_table_end(p);
}

/* ---- summaries -------------------------------------------------------------------------------------------------
 */

typedef struct tally {
    size_t cells, level;   /* with a peer; of these at least 0.98 times as fast */
    double log_sum, worst; /* of the ratios */
    double least_roof, most_roof;
} tally;

static tally tally_of(const records *r, const cell_record *like,
                      bool (*same)(const cell_record *, const cell_record *)) {
    tally t = {.worst = NAN, .least_roof = NAN, .most_roof = NAN};
    for (size_t i = 0; i < r->cells; i++) {
        const cell_record *c = &r->cell[i];
        if (!same(c, like)) continue;
        t.least_roof = fmin(t.least_roof, c->roof_percent.median);
        t.most_roof = fmax(t.most_roof, c->roof_percent.median);
        if (!(c->ratio.median > 0)) continue;
        t.cells++;
        t.level += c->ratio.median >= 0.98;
        t.log_sum += log(c->ratio.median);
        t.worst = fmin(t.worst, c->ratio.median);
    }
    return t;
}

static void say_summary(page *p, const records *r) {
    for (size_t i = 0; i < r->cells; i++) {
        if (!is_first(r->cell, i, same_setting)) continue;
        const tally t = tally_of(r, &r->cell[i], same_setting);
        if (t.cells == 0) continue;
        page_paragraph(p, BOTH, "lead");
        page_strong(p, "%s", setting_label(&r->cell[i]).text);
        page_say(p, ": at least as fast as the best other library (ratio 0.98) in ");
        page_strong(p, "%zu of %zu", t.level, t.cells);
        page_say(p, " cells; %s as fast on average, %s at worst.",
                 show_ratio(exp(t.log_sum / (double)t.cells), true).text, show_ratio(t.worst, true).text);
        page_paragraph_end(p);
    }
}

static void say_above(page *p, const records *r) {
    size_t above = 0;
    for (size_t i = 0; i < r->cells; i++) above += r->cell[i].above_roof > 0;
    for (size_t i = 0; i < r->wholes; i++) above += r->whole[i].above_roof > 0;
    if (above == 0) return;
    page_note(
        p, BOTH, "warning",
        "Figures above their roofs: %zu. No kernel is faster than the machine: there the roof was set too low, "
        "by a stream that was not the best possible one (docs/measuring.md).",
        above);
}

static void series_table(page *p, const records *r) {
    static const column columns[] = {{"layer", false, false},         {"back end", false, false},
                                     {"batch", true, false},          {"cells", true, true},
                                     {"mean ratio", true, false},     {"worst ratio", true, false},
                                     {"least % of roof", true, true}, {"most % of roof", true, false}};
    page_table(p, BOTH, columns, sizeof columns / sizeof columns[0],
               "Over the percentages of each layer: time of the best other library over ours (above 1: we are "
               "faster), and the part of the roof that is reached.");
    for (size_t i = 0; i < r->cells; i++) {
        const cell_record *c = &r->cell[i];
        if (!is_first(r->cell, i, same_series)) continue;
        const tally t = tally_of(r, c, same_series);
        const double mean = t.cells > 0 ? exp(t.log_sum / (double)t.cells) : NAN;
        page_cell_text(p, series_label(c).text);
        page_cell_text(p, c->backend);
        page_cell(p, (double)c->batch, show_count((double)c->batch).text, "");
        page_cell(p, (double)t.cells, show_count((double)t.cells).text, "");
        page_cell(p, mean, show_ratio(mean, true).text, "");
        page_cell(p, t.worst, show_ratio(t.worst, true).text, "");
        cell_decimal(p, t.least_roof, 0);
        cell_decimal(p, t.most_roof, 0);
    }
    page_table_end(p);
}

/* ---- figures ---------------------------------------------------------------------------------------------------
 */

static double ratio_y(const cell_record *c) { return c->ratio.median; }
static double roof_y(const cell_record *c) { return c->roof_percent.median; }

/* One line a series of this back end and batch, and a grey one at `mark`. */
static void figure(page *p, const records *r, const cell_record *setting, double (*y)(const cell_record *),
                   double mark, const char *y_title, const char *caption) {
    static const unsigned colors[] = {1, 2, 3, 4, 6, 7};
    enum { PALETTE = sizeof colors / sizeof colors[0], GREY = 5 };
    const plot_point marks[] = {{.x = 0, .y = mark}, {.x = 100, .y = mark}};
    plot_point *store = page_memory(p, (r->cells + 1) * sizeof *store);
    plot_line line[MOST_SERIES + 1];
    label name[MOST_SERIES];
    unsigned lines = 0;
    size_t used = 0, most = 0;
    for (size_t i = 0; store != NULL && i < r->cells && lines < MOST_SERIES; i++) {
        if (!same_setting(&r->cell[i], setting) || !is_first(r->cell, i, same_series)) continue;
        const size_t first = used;
        for (size_t o = i; o < r->cells; o++)
            if (same_series(&r->cell[o], &r->cell[i]) && isfinite(y(&r->cell[o])))
                store[used++] = (plot_point){.x = r->cell[o].percent,
                                             .y = y(&r->cell[o]),
                                             .low = NAN,
                                             .high = NAN,
                                             .note = r->cell[o].kernel};
        if (used == first) continue;
        most = used - first > most ? used - first : most;
        name[lines] = series_label(&r->cell[i]);
        const unsigned color = colors[lines % PALETTE];
        line[lines] = (plot_line){.point = &store[first],
                                  .points = used - first,
                                  .label = name[lines].text,
                                  .color = color,
                                  .dashed = lines >= PALETTE};
        lines++;
    }
    line[lines] = (plot_line){.point = marks, .points = 2, .color = GREY, .style = BARE, .dashed = true};
    const plot picture = {.x_title = "channels used, %",
                          .y_title = y_title,
                          .x_percent = true,
                          .y_low = 0,
                          .y_high = NAN,
                          .line = line,
                          .lines = lines + 1};
    if (most > 1) page_figure(p, &picture, "%s: %s", setting_label(setting).text, caption);
    free(store);
}

/* ---- every cell ------------------------------------------------------------------------------------------------
 */

static void ratio_cell(page *p, interval ratio) {
    page_cell(p, ratio.median, show_ratio(ratio.median, true).text,
              show_range(show_significant(ratio.low), show_significant(ratio.high)).text);
}

static void roof_cells(page *p, const cell_record *c) {
    page_cell(p, c->roof_ns, show_us(c->roof_ns).text, c->roof_kind != NULL ? c->roof_kind : "");
    page_cell(p, c->roof_percent.median, show_decimal(c->roof_percent.median, 0).text,
              c->above_roof > 0 ? "above its roof" : "");
}

static void cell_table(page *p, const records *r, const cell_record *setting) {
    static const column columns[] = {{"layer", false, false},
                                     {"%", true, false},
                                     {"m \xc3\x97 k", true, false},
                                     {"time, \xc2\xb5s", true, true},
                                     {"kernel", false, false},
                                     {"roof, \xc2\xb5s", true, true},
                                     {"% of roof", true, false},
                                     {"best peer", false, true},
                                     {"its time, \xc2\xb5s", true, false},
                                     {"over ours", true, false},
                                     {"naive, \xc2\xb5s", true, true},
                                     {"over ours", true, false}};
    page_table(
        p, HTML, columns, sizeof columns / sizeof columns[0],
        "%s. All of a row were timed in the same rounds, on the same numbers, bias, ReLU and gamma included.",
        setting_label(setting).text);
    for (size_t i = 0; i < r->cells; i++) {
        const cell_record *c = &r->cell[i];
        if (!same_setting(c, setting)) continue;
        page_cell_text(p, series_label(c).text);
        page_cell(p, c->percent, show_channels(c->percent).text, "");
        page_cell(p, c->m * (double)c->k, label_print("%.0f \xc3\x97 %" JSON_INTEGER_FORMAT, c->m, c->k).text, "");
        cell_time_us(p, c->time_ns);
        page_cell_text(p, c->kernel);
        roof_cells(p, c);
        page_cell_text(p, c->best_peer != NULL ? c->best_peer : "");
        cell_time_us(p, c->peer_time_ns);
        ratio_cell(p, c->ratio);
        page_cell(p, c->naive_time_ns.median, show_us(c->naive_time_ns.median).text,
                  c->naive_peer != NULL ? c->naive_peer : "");
        ratio_cell(p, c->naive_ratio);
    }
    page_table_end(p);
}

static void network_table(page *p, const records *r) {
    static const column columns[] = {
        {"back end", false, false},       {"batch", true, false},           {"%", true, false},
        {"time, \xc2\xb5s", true, true},  {"roof, \xc2\xb5s", true, true},  {"% of roof", true, false},
        {"naive, \xc2\xb5s", true, true}, {"over ours", true, false},       {"time, % of all", true, true},
        {"FLOPs, % of all", true, false}, {"why they differ", false, false}};
    if (r->wholes == 0) return;
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "The whole network 784-100-100-10 in one call, cut as nested cuts it, beside its three layers as "
        "slices of row-major matrices (naive) and the roof of all that the three layers read. Time and FLOPs "
        "are those of 100 %% of the channels; where they are more than 5 points apart the reason is given.");
    for (size_t i = 0; i < r->wholes; i++) {
        const cell_record *c = &r->whole[i];
        page_cell_text(p, c->backend);
        page_cell(p, (double)c->batch, show_count((double)c->batch).text, "");
        page_cell(p, c->percent, show_channels(c->percent).text, "");
        cell_time_us(p, c->time_ns);
        roof_cells(p, c);
        page_cell(p, c->naive_time_ns.median, show_us(c->naive_time_ns.median).text,
                  c->naive_peer != NULL ? c->naive_peer : "");
        ratio_cell(p, c->naive_ratio);
        cell_decimal(p, c->time_share.median > 0 ? 100 * c->time_share.median : NAN, 1);
        cell_decimal(p, c->flops_share > 0 ? 100 * c->flops_share : NAN, 1);
        page_cell_text(p, c->reason != NULL ? c->reason : "");
    }
    page_table_end(p);
}

/* ---- the heat map ----------------------------------------------------------------------------------------------
 */

enum { MOST_PERCENTS = 24 };

/* Distinct percentages, ascending; returns how many. */
static unsigned percents(const records *r, double percent[MOST_PERCENTS]) {
    unsigned count = 0;
    for (size_t i = 0; i < r->cells; i++) {
        unsigned at = 0;
        while (at < count && percent[at] < r->cell[i].percent) at++;
        if ((at < count && percent[at] == r->cell[i].percent) || count == MOST_PERCENTS) continue;
        memmove(&percent[at + 1], &percent[at], (count - at) * sizeof *percent);
        percent[at] = r->cell[i].percent;
        count++;
    }
    return count;
}

static const cell_record *cell_at(const records *r, const cell_record *series, double percent) {
    for (size_t i = 0; i < r->cells; i++)
        if (same_series(&r->cell[i], series) && r->cell[i].percent == percent) return &r->cell[i];
    return NULL;
}

/* Layer, back end and batch against the percentage. */
static void heat_map(page *p, const records *r) {
    enum { FIXED = 3 };
    double percent[MOST_PERCENTS];
    const unsigned count = percents(r, percent);
    column columns[FIXED + MOST_PERCENTS] = {
        {"layer", false, false}, {"back end", false, false}, {"batch", true, false}};
    label title[MOST_PERCENTS];
    for (unsigned c = 0; c < count; c++) {
        title[c] = label_print("%s\xc2\xa0%%", show_channels(percent[c]).text);
        columns[FIXED + c] = (column){title[c].text, true, c == 0};
    }
    page_table(
        p, BOTH, columns, FIXED + count,
        "Time of the best other library over ours, by the percentage that is kept, and its interval: above 1 we "
        "are faster, and blue; below 1 that library is, and orange.");
    for (size_t i = 0; i < r->cells; i++) {
        const cell_record *series = &r->cell[i];
        if (!is_first(r->cell, i, same_series)) continue;
        page_cell_text(p, series_label(series).text);
        page_cell_text(p, series->backend);
        page_cell(p, (double)series->batch, show_count((double)series->batch).text, "");
        for (unsigned c = 0; c < count; c++) {
            const cell_record *cell = cell_at(r, series, percent[c]);
            const interval none = {NAN, NAN, NAN}, ratio = cell != NULL ? cell->ratio : none;
            page_ratio(p, ratio.median, show_significant(ratio.median).text,
                       show_range(show_significant(ratio.low), show_significant(ratio.high)).text);
        }
    }
    page_table_end(p);
}

void section_matrix(page *p, const records *r) {
    if (r->cells + r->wholes + r->roofs == 0) return;
    say_summary(p, r);
    say_above(p, r);
    if (r->cells > 0) {
        heat_map(p, r);
        page_grid(p, "figures");
        for (size_t i = 0; i < r->cells; i++) {
            if (!is_first(r->cell, i, same_setting)) continue;
            figure(p, r, &r->cell[i], ratio_y, 1, "time of best peer over ours",
                   "how many times faster than the best other library. Below 1 that library is faster.");
            figure(
                p, r, &r->cell[i], roof_y, 100, "roof over time, %",
                "how much of the roof is reached: FLOPs at the FMA peak or the best stream of loads over the same "
                "bytes, whichever takes longer.");
        }
        page_grid_end(p);
        series_table(p, r);
        for (size_t i = 0; i < r->cells; i++) {
            if (!is_first(r->cell, i, same_setting)) continue;
            page_details(p, p->plot_error.text[0] != '\0', "Every cell: %s", setting_label(&r->cell[i]).text);
            cell_table(p, r, &r->cell[i]);
            page_details_end(p);
        }
    }
    network_table(p, r);
    roof_table(p, r);
}
