/* table.h: what `idp matrix` prints: a line a cell, and for each bar how many cells hold. */
#ifndef HARNESS_MATRIX_TABLE_H
#define HARNESS_MATRIX_TABLE_H

#include <stdio.h>

#include "judge.h"

typedef struct matrix_summary matrix_summary;

/* best: the best back end here, see matrix_bar. table: NULL prints nothing. NULL without memory. */
matrix_summary *matrix_summary_new(const idp_backend *best, FILE *table, error *e);
void matrix_summary_free(matrix_summary *summary);

/* Prints the cell's line, under a heading where a new series begins, and counts it. reason: behind it, may be "".
 */
void matrix_summary_add(matrix_summary *summary, const matrix_figure *figure, const char *reason);

/* For each bar that speaks of some cell: how many hold, then those that do not. Figures above their roofs too. */
void matrix_summary_print(const matrix_summary *summary);

#endif
