/* recipe.h: how a network of several profiles is trained: which layers they share, what each stage may change,
 * which widths a step trains. A recipe is a row of a table; train.c knows no recipe by name. */
#ifndef HARNESS_RECIPE_H
#define HARNESS_RECIPE_H

#include "model.h"
#include "random.h"

/* Half-open ranges of a layer's rows (outputs; the bias follows them) and columns (inputs). */
typedef struct region {
    size_t row_from, row_to, column_from, column_to;
} region;

/* How a stage chooses the widths (channels in use) of a training step; the step's loss is their mean. */
enum { WIDTHS_MAX = 16 };
typedef struct width_rule {
    const char *name;
    /* The part owns channels [from, to), from < to; writes 1 .. WIDTHS_MAX widths, each in (from, to]. */
    size_t (*choose)(size_t from, size_t to, random_state *r, size_t *widths);
} width_rule;

/* "end": the part's end; "random": one width in (from, to]; "ten": round(linspace(from, to, 11)[1:]). NULL if there
 * is no rule of that name. */
const width_rule *width_rule_find(const char *name);

/* What becomes of weights that lead from a later part's channels into an earlier part's. */
typedef enum coupling_kind {
    COUPLING_INITIAL, /* as initialised, and read */
    COUPLING_ZERO,    /* zero: a narrow result can be refined by computing only what is new */
} coupling_kind;

const char *coupling_name(coupling_kind kind);
bool coupling_parse(const char *name, coupling_kind *kind);

/* Layers by place. A network has a first and a last layer, and any number of inner ones between. */
typedef enum layer_place { LAYER_FIRST, LAYER_INNER, LAYER_LAST, LAYER_PLACES } layer_place;
layer_place layer_place_of(size_t l, size_t layers);

/* Which entries of a layer a stage may change; the part's rows and columns are those of its own channels. */
typedef enum trainable {
    TRAIN_ALL,
    TRAIN_PART_BLOCK,     /* rows and columns of the part */
    TRAIN_PART_ROWS,      /* rows of the part, every column */
    TRAIN_PART_AND_BELOW, /* rows of the part, the columns before its end */
} trainable;

typedef struct recipe {
    const char *name, *summary;
    size_t least_hidden, most_hidden; /* hidden layers it is defined for */
    bool own[LAYER_PLACES];           /* each profile has this layer for itself */
    trainable region[LAYER_PLACES];
    bool all_incomplete; /* every hidden activation follows the percentage; else the first alone */
    bool gamma_ends;     /* a profile's gamma is 0 from its part's end on */
    bool gamma_free;     /* weight gradients leave gamma out, as the published code does: not the true gradient */
    bool counts_all_outputs; /* nominal FLOPs count every output of a layer, read or not */
    bool has_options;        /* the width rule and the coupling can be chosen */
    const char *widths;      /* the rule it starts with */
} recipe;

size_t recipe_count(void);
const recipe *recipe_at(size_t index);
const recipe *recipe_find(const char *name);

/* The entries of layer l that the stage of the part [from, to) percent may change. width: [layers + 1]. */
region recipe_region(const recipe *r, const size_t *width, size_t layers, size_t l, double from_percent,
                     double to_percent);

#endif
