/* section_sweep.c: per model, accuracy against the percentage, and FLOPs beside time. */
#include <math.h>
#include <stdlib.h>

#include "format.h"
#include "sections.h"

/* A comment on GitHub holds 65,536 characters: the tables of more models than this are on the page and in CSV only.
 */
enum { MOST_MARKDOWN_NETWORKS = 4 };

/* Profiles of one picture. With more of them each is for a narrow part, and what it does elsewhere is left to
 * sweep.csv: picture and table then show the profile that serves each percentage. */
enum { MOST_CURVES = 4 };

static size_t count_points(const network *n) {
    size_t count = 0;
    for (size_t c = 0; c < n->curves; c++) count += n->curve[c].points;
    return count;
}

/* Any point of the network has several seeds. */
static bool has_seeds(const network *n) {
    for (size_t c = 0; c < n->curves; c++)
        for (size_t i = 0; i < n->curve[c].points; i++)
            if (n->curve[c].point[i].seeds > 1) return true;
    return false;
}

/* ---- figures --------------------------------------------------------------------------------------------------
 */

/* A plot's lines with the points that they borrow. */
typedef struct drawing {
    plot_line line[2 * MOST_CURVES];
    label name[2 * MOST_CURVES];
    plot_point *store; /* room for all points of all lines */
    size_t lines, points;
} drawing;

static bool drawing_start(page *p, drawing *d, size_t points) {
    *d = (drawing){.store = page_memory(p, (points + 1) * sizeof *d->store)};
    return d->store != NULL;
}

/* Starts a line; the points added from here on are its own. */
static plot_line *drawing_line(drawing *d, label name, unsigned color) {
    d->name[d->lines] = name;
    d->line[d->lines] = (plot_line){.point = d->store + d->points, .label = d->name[d->lines].text, .color = color};
    return &d->line[d->lines++];
}

static void drawing_point(drawing *d, double x, double y, double low, double high) {
    d->store[d->points++] = (plot_point){x, y, low, high, NULL};
    d->line[d->lines - 1].points++;
}

static void accuracy_point(drawing *d, const point *at) {
    drawing_point(d, at->percent, at->accuracy, at->accuracy_low, at->accuracy_high);
}

static plot accuracy_plot(const drawing *d) {
    return (plot){.x_title = "channels used, %",
                  .y_title = "test accuracy, %",
                  .x_percent = true,
                  .y_low = 0,
                  .y_high = 100,
                  .line = d->line,
                  .lines = d->lines};
}

/* The accuracy of a network of many profiles, as it would be used. */
static void served_figure(page *p, const records *r, const network *n) {
    drawing d;
    size_t count;
    served *list = section_served(p, n, &count);
    if (list != NULL && drawing_start(p, &d, count)) {
        drawing_line(&d, network_label(n), 1)->bars = has_seeds(n);
        for (size_t s = 0; s < count; s++) accuracy_point(&d, list[s].point);
        const plot picture = accuracy_plot(&d);
        page_figure(p, &picture,
                    "%s: accuracy %s, against the percentage of channels; at each percentage the one of its %zu "
                    "profiles that was trained for it.%s",
                    network_label(n).text, data_label(r).text, n->curves,
                    has_seeds(n) ? " Bars: least and greatest of the seeds." : "");
        free(d.store);
    }
    free(list);
}

/* Accuracy of every profile over the whole range: bold in its own part, thin and dashed elsewhere. */
static void accuracy_figure(page *p, const records *r, const network *n) {
    drawing d;
    const bool seeds = has_seeds(n);
    if (n->curves > MOST_CURVES) {
        served_figure(p, r, n);
        return;
    }
    if (!drawing_start(p, &d, 2 * count_points(n))) return;
    for (size_t c = 0; c < n->curves; c++) {
        const curve *one = &n->curve[c];
        const unsigned color = (unsigned)c + 1;
        const label name = label_print("profile %" JSON_INTEGER_FORMAT ", trained for %s", one->profile,
                                       part_label(one->from_percent, one->to_percent).text);
        plot_line *beyond = drawing_line(&d, name, color);
        beyond->dashed = beyond->unlisted = true;
        for (size_t i = 0; i < one->points && n->curves > 1; i++) accuracy_point(&d, &one->point[i]);
        drawing_line(&d, name, color)->bars = seeds;
        for (size_t i = 0; i < one->points; i++)
            if (curve_owns(one, &one->point[i])) accuracy_point(&d, &one->point[i]);
    }
    const plot picture = accuracy_plot(&d);
    page_figure(p, &picture, "%s: accuracy %s, against the percentage of channels.%s%s", network_label(n).text,
                data_label(r).text,
                n->curves > 1 ? " Solid inside the profile's own part, dashed over the whole range." : "",
                seeds ? " Bars: least and greatest of the seeds." : "");
    free(d.store);
}

/* Several models in one picture, each as it would be used; as many pictures as the colours make necessary. */
static void overview_figures(page *p, const records *r) {
    if (r->networks < 2) return;
    page_grid(p, "figures");
    for (size_t first = 0; first < r->networks; first += COLORS) {
        drawing d;
        if (!drawing_start(p, &d, r->sweeps)) break;
        for (size_t i = first; i < r->networks && i < first + COLORS; i++) {
            size_t count;
            served *list = section_served(p, &r->network[i], &count);
            drawing_line(&d, network_label(&r->network[i]), (unsigned)(i - first) + 1);
            for (size_t s = 0; list != NULL && s < count; s++) accuracy_point(&d, list[s].point);
            free(list);
        }
        const plot picture = accuracy_plot(&d);
        page_figure(p, &picture,
                    "Accuracy %s, against the percentage of channels; at each percentage the profile that was "
                    "trained for it.",
                    data_label(r).text);
        free(d.store);
    }
    page_grid_end(p);
}

/* FLOPs saved and time saved in one picture: the gap between them is what a count of FLOPs does not tell. */
static void savings_figure(page *p, const network *n) {
    static const struct {
        const char *name;
        unsigned color;
        bool dashed, bars;
        interval (*saved)(const point *at, const point *full);
    } lines[] = {
        {"FLOPs saved", 1, false, false, saved_flops},
        {"FLOPs saved, nominal count", 1, true, false, saved_nominal_flops},
        {"issued FLOPs saved, 1 sample", 2, true, false, saved_issued_1},
        {"time saved, 1 sample", 2, false, true, saved_time_1},
        {"issued FLOPs saved, batch of 128", 3, true, false, saved_issued_128},
        {"time saved, batch of 128", 3, false, true, saved_time_128},
    };
    drawing d;
    size_t count;
    served *list = section_served(p, n, &count);
    if (n->full == NULL || list == NULL || !drawing_start(p, &d, count * sizeof lines / sizeof lines[0])) {
        free(list);
        return;
    }
    double least = 0;
    for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
        const size_t points_before = d.points;
        bool differs = lines[l].saved != saved_nominal_flops; /* the nominal count only where it is another one */
        plot_line *line = drawing_line(&d, label_print("%s", lines[l].name), lines[l].color);
        line->dashed = lines[l].dashed;
        line->bars = lines[l].bars;
        for (size_t s = 0; s < count; s++) {
            const interval saved = lines[l].saved(list[s].point, n->full);
            differs = differs || list[s].point->nominal_flops != list[s].point->useful_flops;
            if (!isfinite(saved.median)) continue;
            drawing_point(&d, list[s].point->percent, saved.median, saved.low, saved.high);
            least = fmin(least, saved.low);
        }
        if (differs && d.points > points_before) continue;
        d.points = points_before;
        d.lines--;
    }
    const plot picture = {.x_title = "channels used, %",
                          .y_title = "saved, %",
                          .x_percent = true,
                          .y_low = fmax(-100, 10 * floor(least / 10)),
                          .y_high = 100,
                          .line = d.line,
                          .lines = d.lines};
    page_figure(
        p, &picture,
        "%s: work and time saved against the same network with all channels, on the back end %s. Issued: "
        "what the kernels' tiles execute, idle lanes too. Times are of paired rounds with all channels of the "
        "same profile; bars: the intervals of those ratios.",
        network_label(n).text, n->backend);
    free(d.store);
    free(list);
}

/* ---- tables ---------------------------------------------------------------------------------------------------
 */

static void accuracy_cell(page *p, const point *at) {
    page_cell(p, at->accuracy, show_decimal(at->accuracy, 2).text,
              at->seeds > 1 ? show_range(show_decimal(at->accuracy_low, 2), show_decimal(at->accuracy_high, 2)).text
                            : "");
}

/* Everything: every profile at every percentage; of many profiles the one that serves it. */
static void full_table(page *p, const records *r, const network *n) {
    static const column columns[] = {
        {"profile's part", false, false},
        {"channels, %", true, false},
        {"k", true, false},
        {"accuracy, %", true, true},
        {"FLOPs", true, true},
        {"saved, %", true, false},
        {"nominal FLOPs", true, true},
        {"saved, %", true, false},
        {"issued FLOPs, 1 sample", true, true},
        {"saved, %", true, false},
        {"1 sample, \xc2\xb5s", true, false},
        {"saved, %", true, false},
        {"issued FLOPs, batch of 128", true, true},
        {"saved, %", true, false},
        {"batch of 128, \xc2\xb5s", true, false},
        {"saved, %", true, false},
    };
    page_table(p, HTML, columns, sizeof columns / sizeof columns[0],
               "%s on %s. Times are medians with their interval; FLOPs are per sample, issued ones by the "
               "arithmetic of the "
               "kernels' tiles, which the section on executed work proves; accuracy is %s. %s",
               n->model, n->backend, data_label(r).text,
               n->curves > MOST_CURVES
                   ? "Each percentage with the profile that was trained for it; the others are in "
                     "sweep.csv."
                   : "An asterisk marks the profile's own part.");
    for (size_t c = 0; c < n->curves; c++) {
        const curve *one = &n->curve[c];
        for (size_t i = 0; i < one->points; i++) {
            const point *at = &one->point[i];
            if (n->curves > MOST_CURVES && network_serving(n, at->percent) != one) continue;
            page_cell(p, (double)one->profile,
                      label_print("%s%s", part_label(one->from_percent, one->to_percent).text,
                                  curve_owns(one, at) ? " *" : "")
                          .text,
                      "");
            page_cell(p, at->percent, show_channels(at->percent).text, "");
            page_cell(p, (double)at->k, show_count((double)at->k).text, "");
            accuracy_cell(p, at);
            page_cell(p, at->useful_flops, show_count(at->useful_flops).text, "");
            cell_saved(p, saved_flops(at, n->full));
            page_cell(p, at->nominal_flops, show_count(at->nominal_flops).text, "");
            cell_saved(p, saved_nominal_flops(at, n->full));
            page_cell(p, at->issued_1, show_count(at->issued_1).text, "");
            cell_saved(p, saved_issued_1(at, n->full));
            cell_time_us(p, at->batch_1);
            cell_saved(p, saved_time_1(at, n->full));
            page_cell(p, at->issued_128, show_count(at->issued_128).text, "");
            cell_saved(p, saved_issued_128(at, n->full));
            cell_time_us(p, at->batch_128);
            cell_saved(p, saved_time_128(at, n->full));
        }
    }
    page_table_end(p);
}

/* The key figures: at each percentage the profile that serves it. */
static void short_table(page *p, const records *r, const network *n) {
    static const column columns[] = {
        {"channels, %", true, false},
        {"profile's part", false, false},
        {"accuracy, %", true, false},
        {"FLOPs saved, %", true, false},
        {"issued FLOPs saved, 1 sample, %", true, false},
        {"1 sample, \xc2\xb5s", true, false},
        {"time saved, %", true, false},
        {"batch of 128, \xc2\xb5s", true, false},
        {"time saved, %", true, false},
    };
    size_t count;
    served *list = section_served(p, n, &count);
    if (list == NULL) return;
    page_heading(p, MARKDOWN, "%s", network_label(n).text);
    page_table(p, MARKDOWN, columns, sizeof columns / sizeof columns[0],
               "On the back end %s; at each percentage the profile that was trained for it. Accuracy is %s.",
               n->backend, data_label(r).text);
    for (size_t s = 0; s < count; s++) {
        const point *at = list[s].point;
        page_cell(p, at->percent, show_channels(at->percent).text, "");
        page_cell_text(p, part_label(list[s].curve->from_percent, list[s].curve->to_percent).text);
        accuracy_cell(p, at);
        cell_saved(p, saved_flops(at, n->full));
        cell_saved(p, saved_issued_1(at, n->full));
        cell_time_us(p, at->batch_1);
        cell_saved(p, saved_time_1(at, n->full));
        cell_time_us(p, at->batch_128);
        cell_saved(p, saved_time_128(at, n->full));
    }
    page_table_end(p);
    free(list);
}

void section_sweep(page *p, const records *r) {
    if (r->networks == 0) return;
    overview_figures(p, r);
    for (size_t i = 0; i < r->networks; i++) {
        const network *n = &r->network[i];
        page_heading(p, HTML, "%s", network_label(n).text);
        page_note(p, HTML, "facts", "Recipe %s, profile shape %s, %zu profile%s, back end %s. %s", n->recipe,
                  n->gamma, n->curves, n->curves == 1 ? "" : "s", n->backend,
                  has_seeds(n) ? "Accuracy is the mean over the seeds."
                               : "One seed: below a profile's own part the spread between seeds is large.");
        page_grid(p, "figures");
        accuracy_figure(p, r, n);
        savings_figure(p, n);
        page_grid_end(p);
        page_details(p, p->plot_error.text[0] != '\0', "Every value of %s", network_label(n).text);
        full_table(p, r, n);
        page_details_end(p);
        if (i < MOST_MARKDOWN_NETWORKS) short_table(p, r, n);
    }
    if (r->networks > MOST_MARKDOWN_NETWORKS)
        page_note(p, MARKDOWN, NULL, "%zu more models are in index.html and sweep.csv.",
                  r->networks - MOST_MARKDOWN_NETWORKS);
    trace_sweep(p, r);
}
