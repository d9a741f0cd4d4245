/* model.h: what the program knows of a model beyond running it: its recipe. */
#ifndef HARNESS_MODEL_H
#define HARNESS_MODEL_H

#include "../library/model.h"

/* As model_read_any, and its recipe is one of recipe.h. */
bool model_read(model *m, const char *path, error *e);

/* "authors linear 0-30,30-100" (and, for `nested` and `sandwich`, the rules that shaped it, where they are noted):
 * groups records.
 */
void model_label(const model *m, char *text, size_t text_size);

/* Multiply-adds times two for one sample at `percent`. nominal: as the recipe counts; useful: what must be computed
 * for the same result. They differ for `authors`, whose formula counts all of layer 1 although
 * layer 2 reads only k of its outputs. */
double model_nominal_flops(const model *m, double percent);
double model_useful_flops(const model *m, double percent);

#endif
