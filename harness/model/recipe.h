/* recipe.h: how a network of several profiles is trained: which layers they share, what each stage may change,
 * which widths a step trains, and the settings to start with. A recipe is a row of a table; train.c knows no recipe
 * by name. */
#ifndef HARNESS_RECIPE_H
#define HARNESS_RECIPE_H

#include "model.h"
#include "random.h"
#include "schedule.h"

/* Half-open ranges of a layer's rows (outputs; the bias follows them) and columns (inputs). */
typedef struct region {
    size_t row_from, row_to, column_from, column_to;
} region;

/* How a stage chooses the widths (channels in use) of a training step. */
enum { WIDTHS_MAX = 16 };
typedef struct width_rule {
    const char *name;
    size_t count; /* widths of a step, at most WIDTHS_MAX */
    bool added;   /* the step's loss is the sum of the widths' losses, not their mean */
    /* The part owns channels [from, to), from < to; writes `count` widths, each in (from, to]; `forum` alone writes
     * `from` itself, and so 0 in the first part: the loss of no channels at all is a constant and is left out. */
    void (*choose)(size_t from, size_t to, random_state *r, size_t *widths);
} width_rule;

/* "end": the part's end; "random": one width in (from, to]; "ten": round(linspace(from, to, 11)[1:]); "sandwich":
 * the part's end, its first tenth, and two random widths between them; "forum": round(linspace(from, to, 10)), the
 * losses added as tf.gradients adds those of a list. NULL if there is no rule of that name. */
const width_rule *width_rule_find(const char *name);

/* What becomes of weights that lead from a later part's channels into an earlier part's. */
typedef enum coupling_kind {
    COUPLING_INITIAL, /* as initialised, and read */
    COUPLING_ZERO,    /* zero: a narrow result can be refined by computing only what is new */
} coupling_kind;

const char *coupling_name(coupling_kind kind);
bool coupling_parse(const char *name, coupling_kind *kind);

/* The weights before training; biases start at 0. */
typedef enum initial_kind {
    INITIAL_NORMAL, /* N(0, 1 / inputs) */
    INITIAL_XAVIER, /* uniform in +-sqrt(6 / (inputs + outputs)): Glorot and Bengio 2010 */
} initial_kind;

/* "normal", "xavier". */
const char *initial_name(initial_kind kind);
bool initial_parse(const char *name, initial_kind *kind);

/* Layers by place. A network has a first and a last layer, and any number of inner ones between. */
typedef enum layer_place { LAYER_FIRST, LAYER_INNER, LAYER_LAST, LAYER_PLACES } layer_place;
layer_place layer_place_of(size_t l, size_t layers);

/* Which entries of a layer a stage may change; the part's rows and columns are those of its own channels. */
typedef enum trainable {
    TRAIN_ALL,
    TRAIN_PART_BLOCK,     /* rows and columns of the part */
    TRAIN_PART_ROWS,      /* rows of the part, every column */
    TRAIN_PART_AND_BELOW, /* rows of the part, the columns before its end */
    TRAIN_ROWS_BELOW,     /* rows before the part's end, every column */
    TRAIN_COLUMNS_BELOW,  /* every row, the columns before the part's end */
    TRAIN_BELOW,          /* rows and columns before the part's end */
} trainable;

typedef struct recipe {
    const char *name, *summary;
    size_t least_hidden, most_hidden; /* hidden layers it is defined for */
    size_t most_parts;
    bool own[LAYER_PLACES]; /* each profile has this layer for itself */
    trainable region[LAYER_PLACES];
    bool all_incomplete; /* every hidden activation follows the percentage; else the first alone */
    bool gamma_ends;     /* a profile's gamma is 0 from its part's end on */
    bool gamma_free;     /* weight gradients leave gamma out, as the published code does: not the true gradient */
    bool counts_all_outputs; /* nominal FLOPs count every output of a layer, read or not */
    bool has_options;        /* the width rule and the coupling can be chosen */
    bool can_distill;        /* the narrower widths can learn from the widest instead of from the labels */
    bool first_stage_only;   /* the stages after the first never run */
    bool joint; /* a single stage trains every profile, each at its part's end, in every step; each learns its own
                 * last layer and gamma of activation 1 from its own loss alone */
    double wider_share; /* joint: what a shared channel learns from each wider profile, where its own part's counts
                           1 */
    /* What it starts with. */
    const char *widths; /* the rule */
    gamma_kind gamma;
    initial_kind initial;
    bool distillation;
    size_t parts;
    double part_end_percent[MODEL_MAX_PROFILES];
    size_t epochs, batch;
    double lr, momentum;
    double weight_decay;
    schedule_kind schedule;
} recipe;

size_t recipe_count(void);
const recipe *recipe_at(size_t index);
const recipe *recipe_find(const char *name);

/* "authors, nested, ...": of all recipes. */
const char *recipe_names(char *text, size_t text_size);

/* The entries of layer l that the stage of the part [from, to) percent may change. width: [layers + 1]. */
region recipe_region(const recipe *r, const size_t *width, size_t layers, size_t l, double from_percent,
                     double to_percent);

#endif
