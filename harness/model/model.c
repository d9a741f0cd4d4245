/* model.c: what follows from a model's recipe: its label, the FLOPs that its paper counts. */
#include "model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../library/decimal.h"
#include "recipe.h"

bool model_read(model *m, const char *path, error *e) {
    model found = {0};
    if (!model_read_any(&found, path, e)) return false;
    if (recipe_find(found.recipe) == NULL) {
        fail(e, "%s: metadata recipe '%s' is not known here", path, found.recipe);
        model_free(&found);
        return false;
    }
    *m = found;
    return true;
}

/* "0-20,20-40,40-100"; many of one width: "0-100 in 10 parts". */
static void parts_label(const model *m, char *text, size_t text_size) {
    enum { MANY = 4 };
    model_parts_text(m, text, text_size);
    if (m->profiles < MANY) return;
    const double first = m->profile[0].from_percent, last = m->profile[m->profiles - 1].to_percent;
    const double each = (last - first) / (double)m->profiles;
    for (size_t p = 0; p < m->profiles; p++)
        if (fabs(m->profile[p].to_percent - m->profile[p].from_percent - each) > 1e-9) return;
    char from[DECIMAL_TEXT], to[DECIMAL_TEXT];
    snprintf(text, text_size, "%s-%s in %zu parts", decimal_text(first, from), decimal_text(last, to), m->profiles);
}

void model_label(const model *m, char *text, size_t text_size) {
    char parts[256];
    parts_label(m, parts, sizeof parts);
    snprintf(text, text_size, "%s %s %s", m->recipe, gamma_name(m->gamma), parts);
    const recipe *r = recipe_find(m->recipe);
    if (r == NULL) return;
    const char *distillation = r->can_distill ? model_noted(m, "distillation") : NULL;
    if (distillation != NULL) model_append(text, text_size, ", distillation %s", distillation);
    if (!r->has_options) return;
    const char *widths = model_noted(m, "widths"), *coupling = model_noted(m, "coupling");
    if (widths != NULL) model_append(text, text_size, ", widths %s", widths);
    if (coupling != NULL) model_append(text, text_size, ", coupling %s", coupling);
}

/* cut_outputs: count only the outputs that the next layer reads. */
static double flops(const model *m, double percent, bool cut_outputs) {
    double multiply_adds = 0;
    for (size_t l = 0; l < m->layers; l++) {
        const size_t out = cut_outputs ? model_channels(m, l + 1, percent) : m->width[l + 1];
        multiply_adds += (double)model_channels(m, l, percent) * (double)out;
    }
    return 2 * multiply_adds;
}

double model_nominal_flops(const model *m, double percent) {
    const recipe *r = recipe_find(m->recipe);
    return flops(m, percent, r == NULL || !r->counts_all_outputs);
}

double model_useful_flops(const model *m, double percent) { return flops(m, percent, true); }
