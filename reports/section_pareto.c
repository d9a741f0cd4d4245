/* section_pareto.c: accuracy against measured time, every network at every percentage, and which of them are worth
 * their time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sections.h"

/* A network at one percentage, for one sample or in a batch. */
typedef struct choice {
    const network *network;
    served at;
    interval time_ns; /* of one sample */
    char note[32];
} choice;

/* At which sizes networks are timed. */
static const struct {
    double samples;
    const char *name;
} batches[] = {{1, "one sample"}, {128, "a batch of 128"}};
enum { BATCHES = sizeof batches / sizeof batches[0], MOST_LINES = 2 * COLORS };

static interval time_of_sample(const point *at, unsigned batch) {
    const interval time = batch == 0 ? at->batch_1 : at->batch_128;
    const double samples = batches[batch].samples;
    return (interval){time.median / samples, time.low / samples, time.high / samples};
}

/* All of them, network by network; the caller frees. NULL without memory. */
static choice *new_choices(page *p, const records *r, unsigned batch, size_t *count) {
    choice *all = page_memory(p, (r->sweeps + 1) * sizeof *all);
    *count = 0;
    for (size_t n = 0; all != NULL && n < r->networks; n++) {
        size_t points;
        served *list = section_served(p, &r->network[n], &points);
        for (size_t s = 0; list != NULL && s < points; s++) {
            choice *one = &all[*count];
            *one = (choice){&r->network[n], list[s], time_of_sample(list[s].point, batch), ""};
            if (!(one->time_ns.median > 0)) continue;
            snprintf(one->note, sizeof one->note, "%.20s\xc2\xa0%%", show_channels(list[s].point->percent).text);
            (*count)++;
        }
        free(list);
    }
    return all;
}

static int by_time(const void *a, const void *b) {
    const choice *one = a, *other = b;
    const double first = one->time_ns.median, second = other->time_ns.median;
    if (first != second) return first < second ? -1 : 1;
    return (one->at.point->accuracy < other->at.point->accuracy) -
           (one->at.point->accuracy > other->at.point->accuracy);
}

/* Keeps, fastest first, what nothing as fast is more accurate than. */
static size_t keep_front(choice *all, size_t count) {
    double best = -INFINITY;
    size_t kept = 0;
    qsort(all, count, sizeof *all, by_time);
    for (size_t i = 0; i < count; i++) {
        if (all[i].at.point->accuracy <= best) continue;
        best = all[i].at.point->accuracy;
        all[kept++] = all[i];
    }
    return kept;
}

/* What matters is near the top: the axis starts five to ten points below the least of what the networks reach. */
static double axis_low(const choice *all, size_t count) {
    double least = 100;
    for (size_t i = 0; i < count; i++) {
        double best = 0;
        for (size_t o = 0; o < count; o++)
            if (all[o].network == all[i].network) best = fmax(best, all[o].at.point->accuracy);
        least = fmin(least, best);
    }
    return fmax(0, 5 * floor(least / 5) - 5);
}

static void figure(page *p, const records *r, const choice *all, size_t count, unsigned batch) {
    plot_point *store = page_memory(p, (count + 1) * sizeof *store);
    plot_line line[MOST_LINES];
    label name[MOST_LINES];
    size_t lines = 0;
    for (size_t i = 0; store != NULL && i < count; i++) {
        const point *at = all[i].at.point;
        store[i] = (plot_point){all[i].time_ns.median / 1000, at->accuracy, at->accuracy_low, at->accuracy_high,
                                all[i].note};
        if (i == 0 || all[i].network != all[i - 1].network) {
            if (lines == MOST_LINES) break;
            name[lines] = network_label(all[i].network);
            line[lines] = (plot_line){.point = &store[i],
                                      .label = name[lines].text,
                                      .color = (unsigned)lines % COLORS + 1,
                                      .dashed = lines >= COLORS,
                                      .bars = at->seeds > 1};
            lines++;
        }
        line[lines - 1].points++;
    }
    const double low = axis_low(all, count);
    const plot picture = {.x_title = batch == 0 ? "time of one sample, \xc2\xb5s" : "time per sample, \xc2\xb5s",
                          .y_title = "test accuracy, %",
                          .x_low = 0,
                          .x_high = NAN,
                          .y_low = low,
                          .y_high = 100,
                          .line = line,
                          .lines = lines};
    if (lines > 0)
        page_figure(
            p, &picture,
            "Accuracy %s against measured time, %s: each line is a network from its narrowest cut to all its "
            "channels, at each percentage with the profile that serves it. Better is up and to the left. The "
            "axis starts at %g\xc2\xa0%%; what is below it is in the tables.%s",
            data_label(r).text, batches[batch].name, low,
            r->networks > MOST_LINES ? " Further networks are in the tables." : "");
    free(store);
}

/* From `low` on, where the figure's axis begins. */
static void front_table(page *p, const records *r, const choice *front, size_t count, unsigned batch, double low) {
    static const column columns[] = {
        {"time per sample, \xc2\xb5s", true, false},
        {"accuracy, %", true, false},
        {"model", false, true},
        {"profile's part", false, false},
        {"channels, %", true, false},
        {"FLOPs saved, %", true, false},
    };
    page_table(p, BOTH, columns, sizeof columns / sizeof columns[0],
               "The Pareto front for %s, from %g %% on: nothing measured here is as fast and more accurate. "
               "Accuracy is %s.",
               batches[batch].name, low, data_label(r).text);
    for (size_t i = 0; i < count; i++) {
        const choice *c = &front[i];
        const point *at = c->at.point;
        if (at->accuracy < low) continue;
        cell_time_us(p, c->time_ns);
        page_cell(p, at->accuracy, show_decimal(at->accuracy, 2).text,
                  at->seeds > 1
                      ? show_range(show_decimal(at->accuracy_low, 2), show_decimal(at->accuracy_high, 2)).text
                      : "");
        page_cell_text(p, network_label(c->network).text);
        page_cell_text(p, part_label(c->at.curve->from_percent, c->at.curve->to_percent).text);
        page_cell(p, at->percent, show_channels(at->percent).text, "");
        cell_saved(p, saved_flops(at, c->network->full));
    }
    page_table_end(p);
}

/* What makes networks unlike each other without showing in accuracy and time: how long they were trained, how many
 * weights they hold. */
static void say_unlike(page *p, const records *r) {
    json_int_t least = 0, most = 0;
    for (size_t t = 0; t < r->trains; t++) {
        if (t == 0 || r->train[t].epochs < least) least = r->train[t].epochs;
        if (t == 0 || r->train[t].epochs > most) most = r->train[t].epochs;
    }
    bool independent = false;
    for (size_t n = 0; n < r->networks; n++)
        independent = independent || strcmp(r->network[n].recipe, "independent") == 0;
    if (least == most && !independent) return;
    page_paragraph(p, BOTH, "facts");
    if (independent)
        page_say(p, "The recipe independent is the yardstick: a separate network for every part of the range, "
                    "sharing nothing; in all other recipes the parts share weights. ");
    if (least != most)
        page_say(p,
                 "Trainings were from %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
                 " epochs long; the section on training tells which.",
                 least, most);
    page_paragraph_end(p);
}

void section_pareto(page *p, const records *r) {
    choice *all[BATCHES];
    size_t count[BATCHES];
    bool any = false;
    for (unsigned b = 0; b < BATCHES; b++) {
        all[b] = new_choices(p, r, b, &count[b]);
        any = any || (all[b] != NULL && count[b] > 0);
        if (all[b] == NULL) p->html.failed = true;
    }
    if (any) {
        say_unlike(p, r);
        page_grid(p, "figures");
        for (unsigned b = 0; b < BATCHES; b++) figure(p, r, all[b], count[b], b);
        page_grid_end(p);
    }
    for (unsigned b = 0; b < BATCHES; b++) {
        if (all[b] != NULL && count[b] > 0) {
            const double low = axis_low(all[b], count[b]);
            front_table(p, r, all[b], keep_front(all[b], count[b]), b, low);
        }
        free(all[b]);
    }
}
