/* section_gap.c: how far the time saved falls short of the work saved, and why. */
#include <math.h>
#include <stdlib.h>

#include "format.h"
#include "sections.h"

/* What a cut saves, in per cent, and the two parts of the gap, in points. */
typedef struct gap {
    double flops, time; /* saved */
    double idle, rest;  /* FLOPs less issued FLOPs; issued FLOPs less time. NaN where issued FLOPs are not told */
} gap;

static gap gap_of(const point *at, const point *full, bool batched) {
    const double flops = saved_flops(at, full).median;
    const double issued = (batched ? saved_issued_128(at, full) : saved_issued_1(at, full)).median;
    const double time = (batched ? saved_time_128(at, full) : saved_time_1(at, full)).median;
    return (gap){flops, time, flops - issued, issued - time};
}

static const char *batch_text(bool batched) { return batched ? "a batch of 128" : "one sample"; }

/* ---- in words --------------------------------------------------------------------------------------------------
 */

static void say_gap(page *p, const records *r, bool batched) {
    double sum = 0, idle = 0, worst = -INFINITY;
    size_t count = 0, told = 0;
    const network *where = NULL;
    double percent = 0;
    for (size_t i = 0; i < r->networks; i++) {
        const network *n = &r->network[i];
        size_t points;
        served *list = section_served(p, n, &points);
        for (size_t s = 0; list != NULL && n->full != NULL && s < points; s++) {
            const gap g = gap_of(list[s].point, n->full, batched);
            if (list[s].point == n->full || !isfinite(g.flops - g.time)) continue;
            sum += g.flops - g.time;
            count++;
            if (isfinite(g.idle)) {
                idle += g.idle;
                told++;
            }
            if (g.flops - g.time <= worst) continue;
            worst = g.flops - g.time;
            where = n;
            percent = list[s].point->percent;
        }
        free(list);
    }
    if (count == 0) return;
    const double mean = sum / (double)count;
    page_paragraph(p, BOTH, "lead");
    page_strong(p, "For %s", batch_text(batched));
    page_say(p, " the time saved is on average ");
    page_strong(p, "%s points %s", show_decimal(fabs(mean), 1).text, mean < 0 ? "more" : "less");
    page_say(p, " than the FLOPs saved; at worst %s points %s, at %s\xc2\xa0%% of %s.",
             show_decimal(fabs(worst), 1).text, worst < 0 ? "more" : "less", show_channels(percent).text,
             network_label(where).text);
    if (told == count)
        page_say(p, " Idle lanes, which the kernels compute and nobody reads, are %s points of it.",
                 show_decimal(idle / (double)count, 1).text);
    page_paragraph_end(p);
}

static void say_causes(page *p) {
    page_note(
        p, BOTH, NULL,
        "The rest of the gap is what does not shrink with the channels: the calls, bias and ReLU of every "
        "output, the layers that stay complete; in a batch the change of the samples' order, once a layer; and "
        "caches: fewer weights may fit a nearer one, which makes a cut faster than its FLOPs.");
}

/* ---- pictures --------------------------------------------------------------------------------------------------
 */

static void figure(page *p, const records *r, bool batched) {
    enum { MOST_LINES = 2 * COLORS };
    static const plot_point even[] = {{.x = 0, .y = 0}, {.x = 100, .y = 100}};
    plot_point *store = page_memory(p, (r->sweeps + 1) * sizeof *store);
    plot_line line[MOST_LINES + 1];
    label name[MOST_LINES];
    size_t lines = 0, used = 0;
    double least = 0;
    for (size_t i = 0; store != NULL && i < r->networks && lines < MOST_LINES; i++) {
        const network *n = &r->network[i];
        const size_t first = used;
        size_t points;
        served *list = section_served(p, n, &points);
        for (size_t s = 0; list != NULL && n->full != NULL && s < points; s++) {
            const interval time =
                batched ? saved_time_128(list[s].point, n->full) : saved_time_1(list[s].point, n->full);
            const double flops = saved_flops(list[s].point, n->full).median;
            if (!isfinite(time.median) || !isfinite(flops)) continue;
            store[used++] = (plot_point){flops, time.median, time.low, time.high, NULL};
            least = fmin(least, time.median);
        }
        free(list);
        if (used == first) continue;
        name[lines] = network_label(n);
        line[lines] = (plot_line){.point = &store[first],
                                  .points = used - first,
                                  .label = name[lines].text,
                                  .color = (unsigned)lines % COLORS + 1,
                                  .dashed = lines >= COLORS,
                                  .bars = true};
        lines++;
    }
    line[lines] = (plot_line){
        .point = even, .points = 2, .label = "as much time as FLOPs", .color = 5, .style = BARE, .dashed = true};
    const plot picture = {.x_title = "FLOPs saved, %",
                          .y_title = "time saved, %",
                          .x_percent = true,
                          .y_low = fmax(-100, 10 * floor(least / 10)),
                          .y_high = 100,
                          .line = line,
                          .lines = lines + 1};
    if (lines > 0)
        page_figure(
            p, &picture,
            "Time saved against FLOPs saved, %s, both against the same network with all its channels. On the "
            "dashed line a count of FLOPs tells the truth; below it, it flatters. Bars: what the intervals of "
            "the two times allow.",
            batch_text(batched));
    free(store);
}

/* ---- the table -------------------------------------------------------------------------------------------------
 */

static void gap_cells(page *p, const point *at, const point *full, bool batched) {
    const gap g = gap_of(at, full, batched);
    cell_saved(p, batched ? saved_time_128(at, full) : saved_time_1(at, full));
    cell_decimal(p, g.flops - g.time, 1);
    cell_decimal(p, g.idle, 1);
    cell_decimal(p, g.rest, 1);
}

static void table(page *p, const records *r) {
    static const column columns[] = {
        {"model", false, false},        {"channels, %", true, false},
        {"FLOPs saved, %", true, true}, {"time saved, 1 sample, %", true, true},
        {"gap, points", true, false},   {"of it idle lanes", true, false},
        {"the rest", true, false},      {"time saved, batch 128, %", true, true},
        {"gap, points", true, false},   {"of it idle lanes", true, false},
        {"the rest", true, false},
    };
    page_table(
        p, HTML, columns, sizeof columns / sizeof columns[0],
        "FLOPs saved less time saved, in percentage points, and what it is made of: lanes of the kernels' tiles "
        "that nobody needs, and the rest. Below 0: more time is saved than FLOPs.");
    for (size_t i = 0; i < r->networks; i++) {
        const network *n = &r->network[i];
        size_t points;
        served *list = section_served(p, n, &points);
        for (size_t s = 0; list != NULL && s < points; s++) {
            const point *at = list[s].point;
            if (at == n->full) continue;
            page_cell_text(p, network_label(n).text);
            page_cell(p, at->percent, show_channels(at->percent).text, "");
            cell_saved(p, saved_flops(at, n->full));
            gap_cells(p, at, n->full, false);
            gap_cells(p, at, n->full, true);
        }
        free(list);
    }
    page_table_end(p);
}

void section_gap(page *p, const records *r) {
    bool timed = false;
    for (size_t i = 0; i < r->networks; i++)
        timed = timed || (r->network[i].full != NULL && isfinite(r->network[i].full->batch_1.median));
    if (!timed) return;
    say_gap(p, r, false);
    say_gap(p, r, true);
    say_causes(p);
    page_grid(p, "figures");
    figure(p, r, false);
    figure(p, r, true);
    page_grid_end(p);
    page_details(p, p->plot_error.text[0] != '\0', "Every gap, and what it is made of");
    table(p, r);
    page_details_end(p);
}
