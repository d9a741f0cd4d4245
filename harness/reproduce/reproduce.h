/* reproduce.h: trains every recipe over several seeds and holds test accuracies against figures that an independent
 * implementation got from the same recipes; and `best` against `independent` under one schedule. */
#ifndef HARNESS_REPRODUCE_H
#define HARNESS_REPRODUCE_H

#include "../data/dataset.h"
#include "../measure/student.h"
#include "../model/train.h"
#include "../results/results.h"

enum { EXPECTED_SEEDS = 3, REPRODUCE_MOST_CELLS = 20, REPRODUCE_MOST_CURVES = 3, REPRODUCE_MOST_SEEDS = 50 };
enum { REPRODUCE_MOST_ROW_CELLS = REPRODUCE_MOST_CELLS * REPRODUCE_MOST_CURVES };

/* Test accuracy at k of 100 channels. */
typedef struct expected_cell {
    size_t k;
    double accuracy_percent[EXPECTED_SEEDS];
} expected_cell;

/* reproduce_expected.c */
extern const expected_cell expected_authors_all_one[20], expected_authors_harmonic[20], expected_authors_linear[20],
    expected_authors_half_exp[20], expected_authors_two_0[20], expected_authors_two_1[20],
    expected_authors_three_0[20], expected_authors_three_1[20], expected_authors_three_2[20],
    expected_nested_all_one[20], expected_nested_linear[20], expected_nested_harmonic[20],
    expected_nested_half_exp[20], expected_nested_end[20], expected_nested_random[20], expected_nested_ten[20],
    expected_nested_all_one_ten[20], expected_sandwich_distilled[20], expected_sandwich_plain[20],
    expected_independent[12];

/* Accuracy of one profile (or of the one that serves each percentage) against k. */
typedef struct reproduce_curve {
    const expected_cell *expected; /* [cells], or NULL: the ten tenths, with nothing to hold them against */
    size_t cells;
} reproduce_curve;

/* One network and the figures it must reproduce: a row of a table. */
typedef struct reproduce_row {
    const char *name;   /* "authors, two linear parts" */
    const char *recipe; /* what --recipe chooses */
    gamma_kind gamma;
    size_t parts, part_end[MODEL_MAX_PROFILES]; /* percent; 0 parts: the recipe's */
    const char *widths;                         /* rule of a step; NULL: the recipe's */
    size_t least;   /* k below which nothing was trained, whatever the part; 0: the part tells */
    bool tenths;    /* `best`, or what it is held against under its schedule */
    bool distilled; /* `sandwich` */
    size_t curves;  /* 1: each percentage by its own profile; else a curve a profile */
    reproduce_curve curve[REPRODUCE_MOST_CURVES];
    double cost; /* of training, in epochs of the complete network */
} reproduce_row;

size_t reproduce_row_count(void);
const reproduce_row *reproduce_row_at(size_t index);

typedef struct reproduce_options {
    const char *recipe;  /* rows of this recipe only; NULL: all */
    size_t seeds;        /* 1 .. REPRODUCE_MOST_SEEDS, from 1 up */
    size_t tenths_seeds; /* the same for rows of tenths */
    size_t epochs;       /* 0: the recipe's own. Else nothing is judged */
    size_t parallel;     /* trainings at a time */
    const idp_backend *backend;
} reproduce_options;

/* What came of one cell. */
typedef struct reproduce_cell {
    const reproduce_row *row;
    size_t profile, k;
    double from_percent, to_percent;  /* the profile's own part */
    bool inside;                      /* k is in it, and was trained */
    sample ours, expected;            /* expected.n is 0 where there is nothing to compare with */
    double probability;               /* of the test; NaN where nothing was tested */
    double low_percent, high_percent; /* 95 % confidence interval of our mean; NaN for one seed */
    double train_seconds;             /* mean processor time of a training */
    const char *verdict;              /* "agrees", "differs", "holds", "falls short", "not judged" */
} reproduce_cell;

/* Inside its own part a cell may differ by 0.3 points, beyond which the difference must show in a Welch test at 5
 * %, Bonferroni-corrected over all cells tested; outside of it the spread alone counts. */
static const double reproduce_level = 0.95, reproduce_margin = 0.3, reproduce_mean_margin = 0.1,
                    reproduce_times = 2;

/* Sets probability and verdict of every cell; all that have expected figures count for the correction. Cells of
 * `best` get `independent` under the same schedule as their expected figures: they hold where they are at most 0.3
 * points below that and above `sandwich`. */
void reproduce_judge(reproduce_cell *cell, size_t cells);

/* Trains, and gives the cells in the order of the rows, judged only where `data` is MNIST and the epochs are the
 * recipe's own. The caller frees *cell. */
bool reproduce_run(const reproduce_options *o, const dataset *data, reproduce_cell **cell, size_t *cells, error *e);

/* reproduce_tell.c: tables and records. Returns the number of cells inside their own part that differ or fall
 * short, and of what else is asked of `best` and missed: the mean of the tenths, the time. */
size_t reproduce_tell(const reproduce_cell *cell, size_t cells, results *r);

#endif
