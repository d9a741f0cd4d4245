/* section_reproduce.c: recipes over several seeds, beside the figures that they must give. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sections.h"

enum { MOST_CURVES = COLORS };

/* Neighbouring records of one row: [first, end). */
typedef struct row {
    const reproduce_record *first, *end;
} row;

static row row_from(const records *r, size_t index) {
    const reproduce_record *all = r->reproduce;
    size_t end = index + 1;
    while (end < r->reproduces && strcmp(all[end].model, all[index].model) == 0) end++;
    return (row){all + index, all + end};
}

static bool has_verdict(const reproduce_record *c, const char *good, const char *also) {
    return strcmp(c->verdict, good) == 0 || strcmp(c->verdict, also) == 0;
}

/* Does the next record go on with the curve of this one? A curve's percentages ascend. */
static bool goes_on(const reproduce_record *c, const row *w) { return c + 1 < w->end && c[1].percent > c->percent; }

/* Mean and standard deviation, or the deviation of the expected figures, as a line with bars. */
static plot_line line_of(const reproduce_record *from, const reproduce_record *to, bool expected, unsigned color,
                         plot_point **store) {
    plot_line line = {.point = *store, .color = color, .dashed = expected, .bars = true};
    for (const reproduce_record *c = from; c < to; c++) {
        const double mean = expected ? c->expected_percent : c->mean_percent;
        const double sd = expected ? c->expected_sd : c->sd_percent;
        if (isnan(mean)) continue;
        *(*store)++ = (plot_point){c->percent, mean, fmax(0, mean - sd), fmin(100, mean + sd), NULL};
        line.points++;
    }
    return line;
}

/* The axis begins at a ten below the least figure that was trained for: what lies below is cut off. */
static double axis_low(const row *w) {
    double least = 100;
    for (const reproduce_record *c = w->first; c < w->end; c++)
        least = fmin(least, c->mean_percent - c->sd_percent);
    return fmin(90, fmax(0, 10 * floor(least / 10)));
}

static void figure(page *p, const records *r, const row *w) {
    plot_point *store = page_memory(p, 2 * (size_t)(w->end - w->first) * sizeof *store), *next = store;
    plot_line line[2 * MOST_CURVES];
    label name[2 * MOST_CURVES];
    size_t lines = 0;
    unsigned color = 0;
    if (store == NULL) return;
    for (const reproduce_record *from = w->first, *c = from; c < w->end && color < MOST_CURVES; c++) {
        if (goes_on(c, w)) continue;
        const bool several = from != w->first || c + 1 < w->end;
        color++;
        for (int expected = 0; expected < 2; expected++) {
            line[lines] = line_of(from, c + 1, expected == 1, color, &next);
            if (line[lines].points == 0) continue;
            const char *whose = expected == 0                    ? "ours"
                                : strcmp(c->recipe, "best") == 0 ? "independent"
                                                                 : "expected";
            name[lines] = several ? label_print("%s, profile for %s", whose,
                                                part_label(from->range_percent[0], from->range_percent[1]).text)
                                  : label_print("%s", whose);
            line[lines].label = name[lines].text;
            lines++;
        }
        from = c + 1;
    }
    const plot picture = {.x_title = "channels used, %",
                          .y_title = "test accuracy, %",
                          .x_percent = true,
                          .y_low = axis_low(w),
                          .y_high = 100,
                          .line = line,
                          .lines = lines};
    page_figure(p, &picture,
                "%s: mean test accuracy %s of %s seeds. Bars: one standard deviation of a network, either way. The "
                "axis starts at %g %%.",
                w->first->model, data_label(r).text, show_count((double)w->first->seeds).text, axis_low(w));
    free(store);
}

static const char *sd_text(double mean, double sd) {
    static label shown_sd;
    shown_sd = isnan(mean) ? label_print("%s", "") : label_print("\xc2\xb1 %s", show_decimal(sd, 2).text);
    return shown_sd.text;
}

static void table(page *p, media where, const row *w) {
    static const column columns[] = {
        {"profile's part", false, false},  {"channels, %", true, false}, {"accuracy, %", true, true},
        {"95 % of the mean", true, false}, {"expected, %", true, true},  {"difference", true, false},
        {"verdict", false, false},
    };
    page_table(
        p, where, columns, sizeof columns / sizeof columns[0],
        "%s, %s seeds. An asterisk marks the profile's own part; behind \xc2\xb1 the standard deviation of one "
        "network.%s",
        w->first->model, show_count((double)w->first->seeds).text,
        strcmp(w->first->recipe, "best") == 0 ? " Expected: independent under the same schedule." : "");
    for (const reproduce_record *c = w->first; c < w->end; c++) {
        page_cell_text(p, label_print("%s%s", part_label(c->range_percent[0], c->range_percent[1]).text,
                                      c->inside == 1 ? " *" : "")
                              .text);
        page_cell(p, c->percent, show_channels(c->percent).text, "");
        page_cell(p, c->mean_percent, show_decimal(c->mean_percent, 2).text,
                  sd_text(c->mean_percent, c->sd_percent));
        page_cell(p, c->low_percent,
                  show_range(show_decimal(c->low_percent, 2), show_decimal(c->high_percent, 2)).text, "");
        page_cell(p, c->expected_percent, show_decimal(c->expected_percent, 2).text,
                  sd_text(c->expected_percent, c->expected_sd));
        cell_decimal(p, c->mean_percent - c->expected_percent, 2);
        page_cell_text(p, c->verdict);
    }
    page_table_end(p);
}

static void summary(page *p, const records *r) {
    size_t judged = 0, good = 0, bad = 0, outside_bad = 0;
    for (size_t i = 0; i < r->reproduces; i++) {
        const reproduce_record *c = &r->reproduce[i];
        const bool agrees = has_verdict(c, "agrees", "holds"), differs = has_verdict(c, "differs", "falls short");
        judged += agrees || differs;
        if (c->inside == 1) {
            good += agrees;
            bad += differs;
        } else {
            outside_bad += differs;
        }
    }
    page_note(
        p, BOTH, bad > 0 ? "warning" : NULL,
        "%zu of %zu cells were judged: inside the profile's own part %zu agree with an independent implementation "
        "of "
        "the same recipes and %zu differ by more than 0.3 points beyond the spread (Welch's test at 5 %%, "
        "Bonferroni-corrected); outside of it %zu differ. What lies below a profile's own part was never trained: "
        "seeds differ much there.",
        judged, r->reproduces, good, bad, outside_bad);
}

void section_reproduce(page *p, const records *r) {
    if (r->reproduces == 0) return;
    summary(p, r);
    page_grid(p, "figures");
    for (size_t i = 0; i < r->reproduces;) {
        const row w = row_from(r, i);
        figure(p, r, &w);
        i = (size_t)(w.end - r->reproduce);
    }
    page_grid_end(p);
    for (size_t i = 0; i < r->reproduces;) {
        const row w = row_from(r, i);
        const bool best = strcmp(w.first->recipe, "best") == 0;
        if (!best) page_details(p, p->plot_error.text[0] != '\0', "Every value of %s", w.first->model);
        table(p, best ? BOTH : HTML, &w);
        if (!best) page_details_end(p);
        i = (size_t)(w.end - r->reproduce);
    }
}
