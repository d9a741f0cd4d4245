/* section_answer.c: the answer in words, profile by profile, then each one's middle and end. */
#include <math.h>
#include <stdlib.h>

#include "format.h"
#include "sections.h"

enum { MOST_CARDS = 4 }; /* of one network; of more profiles the network as a whole is told */

/* "saves 43.6 % of the FLOPs and 40.1 % of the time" of a point below 100 %. */
static void say_savings(page *p, const point *at, const point *full) {
    const double flops = saved_flops(at, full).median;
    const double nominal = saved_nominal_flops(at, full).median;
    const double one = saved_time_1(at, full).median;
    const double many = saved_time_128(at, full).median;
    page_say(p, "saves ");
    page_strong(p, "%s", show_percent(flops, 1).text);
    page_say(p, " of the FLOPs");
    if (at->nominal_flops != at->useful_flops)
        page_say(p, " (%s by the recipe's nominal count)", show_percent(nominal, 1).text);
    if (isfinite(one)) {
        page_say(p, " and ");
        page_strong(p, "%s", show_percent(one, 1).text);
        page_say(p, " of the time for one sample");
    }
    if (isfinite(many)) page_say(p, " (%s for a batch of 128)", show_percent(many, 1).text);
}

static void say_accuracy(page *p, const point *at) {
    page_say(p, "accuracy is ");
    page_strong(p, "%s", show_percent(at->accuracy, 1).text);
    if (at->seeds > 1)
        page_say(p, " (mean of %zu seeds, %s)", at->seeds,
                 show_range(show_decimal(at->accuracy_low, 1), show_decimal(at->accuracy_high, 1)).text);
}

static const double loses_percent = 1;

/* The narrowest cut in the profile's own part that loses at most a point of the best accuracy it reaches there;
 * NULL where nothing was measured in it. */
static const point *worth(const curve *c) {
    double best = -INFINITY;
    for (size_t i = 0; i < c->points; i++)
        if (curve_owns(c, &c->point[i])) best = fmax(best, c->point[i].accuracy);
    for (size_t i = 0; i < c->points; i++)
        if (curve_owns(c, &c->point[i]) && c->point[i].accuracy >= best - loses_percent) return &c->point[i];
    return NULL;
}

/* The same over the whole range, where at each percentage the profile that serves it runs. */
static served worth_of_all(page *p, const network *n) {
    size_t count;
    served *list = section_served(p, n, &count), found = {NULL, NULL};
    double best = -INFINITY;
    for (size_t s = 0; list != NULL && s < count; s++) best = fmax(best, list[s].point->accuracy);
    for (size_t s = count; list != NULL && s-- > 0;)
        if (list[s].point->accuracy >= best - loses_percent) found = list[s];
    free(list);
    return found;
}

/* One paragraph: a profile at a percentage; whole: of a network whose profiles are told together. */
static void say_answer(page *p, const records *r, const network *n, served answer, bool whole) {
    const point *at = answer.point;
    const curve *c = answer.curve;
    if (at == NULL) return;
    page_paragraph(p, BOTH, "card");
    page_strong(p, "%s%s%s.", network_label(n).text, n->curves > 1 && !whole ? ", profile for " : "",
                n->curves > 1 && !whole ? part_label(c->from_percent, c->to_percent).text : "");
    page_say(p, " At ");
    page_strong(p, "%s\xc2\xa0%%", show_channels(at->percent).text);
    page_say(p, " of the channels ");
    if (whole) page_say(p, "(profile for %s) ", part_label(c->from_percent, c->to_percent).text);
    if (n->full != NULL && n->full != at) {
        page_say(p, "this CPU ");
        say_savings(p, at, n->full);
        page_say(p, ", and ");
    }
    say_accuracy(p, at);
    if (n == r->network && (whole || c == n->curve))
        page_say(p, " %s", data_label(r).text); /* in full once */
    else if (r->synthetic)
        page_say(p, " on the synthetic digits");
    if (n->full == at)
        page_say(p, "; no narrower cut comes within a point of it");
    else if (n->full != NULL)
        page_say(p, ", against %s with all channels", show_percent(n->full->accuracy, 1).text);
    page_say(p, ".");
    page_paragraph_end(p);
}

static void point_row(page *p, const network *n, const curve *c, const point *at) {
    page_cell_text(p, network_label(n).text);
    page_cell(p, (double)c->profile, part_label(c->from_percent, c->to_percent).text, "");
    page_cell(p, at->percent, show_channels(at->percent).text, "");
    cell_saved(p, saved_nominal_flops(at, n->full));
    cell_saved(p, saved_flops(at, n->full));
    cell_saved(p, saved_time_1(at, n->full));
    cell_saved(p, saved_time_128(at, n->full));
    page_cell(p, at->accuracy, show_decimal(at->accuracy, 2).text,
              at->seeds > 1 ? show_range(show_decimal(at->accuracy_low, 2), show_decimal(at->accuracy_high, 2)).text
                            : "");
}

void section_answer(page *p, const records *r) {
    static const column columns[] = {
        {"model", false, false},
        {"profile's part", false, false},
        {"channels, %", true, false},
        {"nominal FLOPs saved, %", true, true},
        {"FLOPs saved, %", true, false},
        {"time saved, 1 sample, %", true, true},
        {"time saved, batch 128, %", true, false},
        {"accuracy, %", true, true},
    };
    if (r->networks == 0) return;
    page_note(
        p, BOTH, "facts",
        "Each profile at the narrowest cut of its own part that loses at most one point of the best accuracy it "
        "reaches there, networks of many profiles as a whole; FLOPs and time against the same network with all its "
        "channels.");
    page_grid(p, "cards");
    for (size_t i = 0; i < r->networks; i++) {
        const network *n = &r->network[i];
        if (n->curves > MOST_CARDS) say_answer(p, r, n, worth_of_all(p, n), true);
        for (size_t c = 0; c < n->curves && n->curves <= MOST_CARDS; c++)
            say_answer(p, r, n, (served){&n->curve[c], worth(&n->curve[c])}, false);
    }
    page_grid_end(p);
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "Every profile in the middle and at the end of its own part of the range, against the same network with "
        "all channels. Accuracy is %s.",
        data_label(r).text);
    for (size_t i = 0; i < r->networks; i++) {
        const network *n = &r->network[i];
        for (size_t j = 0; j < n->curves; j++) {
            const curve *c = &n->curve[j];
            const point *middle = curve_nearest(c, c->from_percent + (c->to_percent - c->from_percent) / 2);
            const point *end = curve_nearest(c, c->to_percent);
            if (middle != NULL && middle != end) point_row(p, n, c, middle);
            if (end != NULL) point_row(p, n, c, end);
        }
    }
    page_table_end(p);
}
