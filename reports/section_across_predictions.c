/* section_across_predictions.c: CPUs that nobody here has, by llvm-mca, within what its predictions missed by where
 * they could be held against a measurement. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "across.h"
#include "format.h"

enum { LAYOUTS_MOST = 8, LAYOUT_NAME = 24 };

/* Measured over predicted, least and greatest over the kernels of one layout that ran on a predicted CPU. */
typedef struct calibration {
    char layout[LAYOUT_NAME];
    double least, greatest;
    size_t kernels;
} calibration;

typedef struct calibrations {
    calibration of[LAYOUTS_MOST];
    size_t layouts;
} calibrations;

/* The layout in "fc_f32_<layout>_...". */
static void layout_of(const char *kernel, char layout[LAYOUT_NAME]) {
    static const char start[] = "fc_f32_";
    const char *at = strncmp(kernel, start, sizeof start - 1) == 0 ? kernel + sizeof start - 1 : "";
    size_t size = strcspn(at, "_");
    if (size >= LAYOUT_NAME) size = 0;
    memcpy(layout, at, size);
    layout[size] = '\0';
}

static calibration *find(calibrations *all, const char *kernel) {
    char layout[LAYOUT_NAME];
    layout_of(kernel, layout);
    for (size_t l = 0; l < all->layouts; l++)
        if (strcmp(all->of[l].layout, layout) == 0) return &all->of[l];
    return NULL;
}

/* A prediction is a bound from below: what was measured faster refutes the model. */
static bool refuted(const prediction_record *r) { return r->measured.high < r->cycles_per_multiply_add; }

static void calibrate(calibrations *all, const prediction_record *r) {
    const double ratio = r->measured.median / r->cycles_per_multiply_add;
    if (r->host != 1 || !isfinite(ratio) || !(ratio > 0) || refuted(r)) return;
    calibration *c = find(all, r->kernel);
    if (c == NULL) {
        if (all->layouts == LAYOUTS_MOST) return;
        c = &all->of[all->layouts++];
        *c = (calibration){.least = INFINITY};
        layout_of(r->kernel, c->layout);
    }
    c->least = fmin(c->least, ratio);
    c->greatest = fmax(c->greatest, ratio);
    c->kernels++;
}

static void collect(const across *a, calibrations *all, grid *g) {
    for (size_t m = 0; m < a->documents; m++)
        for (size_t i = 0; i < a->machine[m].r.predictions; i++) calibrate(all, &a->machine[m].r.prediction[i]);
    for (size_t m = 0; m < a->documents; m++)
        for (size_t i = 0; i < a->machine[m].r.predictions; i++) {
            const prediction_record *one = &a->machine[m].r.prediction[i];
            const bool measured = isfinite(one->measured.median);
            if (!measured && find(all, one->kernel) == NULL) continue; /* nothing to hold it against: not shown */
            grid_add(g, (grid_entry){.key = {{one->cpu, one->kernel}, {0}}, .rank = -(double)one->host, .of = one});
        }
    grid_sort(g);
}

static void row_of(page *p, calibrations *all, const prediction_record *r) {
    const calibration *c = find(all, r->kernel);
    const double predicted = r->cycles_per_multiply_add;
    const bool measured = isfinite(r->measured.median);
    const double low = measured ? NAN : predicted * c->least, high = measured ? NAN : predicted * c->greatest;
    page_cell_text(p, r->cpu);
    page_cell_text(p, !measured    ? "prediction: nobody here has it"
                      : refuted(r) ? "measured, and faster than predicted: not its model; calibrates nothing"
                                   : "measured: calibrates its layout");
    page_cell_text(p, r->kernel);
    page_cell(p, predicted, show_decimal(predicted, 4).text, "");
    page_cell(p, low,
              measured ? show_decimal(NAN, 4).text : show_range(show_decimal(low, 4), show_decimal(high, 4)).text,
              "");
    page_cell(p, r->measured.median, show_decimal(r->measured.median, 4).text, "");
}

void section_across_predictions(page *p, const across *a) {
    static const column columns[] = {
        {"CPU, by its model's name", false, false},         {"which", false, false},     {"kernel", false, false},
        {"cycles per multiply-add, predicted", true, true}, {"calibrated", true, false}, {"measured", true, false},
    };
    const grid_entry *row[GRID_COLUMNS], *first;
    calibrations all = {.layouts = 0};
    grid g = {0};
    size_t predictions = 0;
    for (size_t m = 0; m < a->documents; m++) predictions += a->machine[m].r.predictions;
    if (predictions == 0) return;
    collect(a, &all, &g);
    page_note(
        p, BOTH, "warning",
        "Predictions by llvm-mca, not measurements: the inner loop alone, all its data in the L1 cache. Each is "
        "shown with the range that it becomes when it misses by as little and by as much as the predictions of "
        "the same layout missed by on the CPUs that measured, of whatever architecture those are; where none did, "
        "it is not "
        "shown.%s",
        g.entries == 0 ? " No file here has a measured loop: none is shown." : "");
    if (g.entries > 0) {
        page_table(p, BOTH, columns, sizeof columns / sizeof columns[0], "Inner loop of each kernel's full tile.");
        for (size_t at = 0; grid_next(&g, &at, row, &first);) row_of(p, &all, first->of);
        page_table_end(p);
    }
    if (g.failed) p->html.failed = true;
    grid_free(&g);
}
