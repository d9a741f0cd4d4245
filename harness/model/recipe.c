#include "recipe.h"

#include <math.h>
#include <string.h>

/* ---- widths of a step -------------------------------------------------------------------------------------- */

static size_t widths_end(size_t from, size_t to, random_state *r, size_t *widths) {
    (void)from, (void)r;
    widths[0] = to;
    return 1;
}

static size_t widths_random(size_t from, size_t to, random_state *r, size_t *widths) {
    widths[0] = from + 1 + random_below(r, to - from);
    return 1;
}

static size_t widths_ten(size_t from, size_t to, random_state *r, size_t *widths) {
    (void)r;
    for (size_t i = 0; i < 10; i++) {
        /* rint rounds halves to even, as numpy does. A part of fewer than ten channels trains some widths twice. */
        const size_t width = from + (size_t)rint((double)(to - from) * (double)(i + 1) / 10);
        widths[i] = width > from ? width : from + 1;
    }
    return 10;
}

static const width_rule width_rules[] = {
    {"end", widths_end},
    {"random", widths_random},
    {"ten", widths_ten},
};

const width_rule *width_rule_find(const char *name) {
    for (size_t i = 0; i < sizeof width_rules / sizeof width_rules[0]; i++)
        if (strcmp(width_rules[i].name, name) == 0) return &width_rules[i];
    return NULL;
}

/* ---- coupling ---------------------------------------------------------------------------------------------- */

static const char *const coupling_names[] = {[COUPLING_INITIAL] = "initial", [COUPLING_ZERO] = "zero"};

const char *coupling_name(coupling_kind kind) { return coupling_names[kind]; }

bool coupling_parse(const char *name, coupling_kind *kind) {
    for (size_t c = 0; c < sizeof coupling_names / sizeof coupling_names[0]; c++)
        if (strcmp(coupling_names[c], name) == 0) {
            *kind = (coupling_kind)c;
            return true;
        }
    return false;
}

/* ---- recipes ----------------------------------------------------------------------------------------------- */

static const recipe recipes[] = {
    {.name = "authors",
     .summary = "the published code: only the inputs of layer 2 are cut; layers 1 and 3 belong to a profile",
     .least_hidden = 2,
     .most_hidden = 2,
     .own = {[LAYER_FIRST] = true, [LAYER_LAST] = true},
     .region = {[LAYER_FIRST] = TRAIN_ALL, [LAYER_INNER] = TRAIN_PART_BLOCK, [LAYER_LAST] = TRAIN_ALL},
     .gamma_ends = true,
     .gamma_free = true,
     .counts_all_outputs = true,
     .widths = "end"},
    {.name = "nested",
     .summary = "every hidden layer is cut; profiles share all but the last layer",
     .least_hidden = 1,
     .most_hidden = IDP_MAX_LAYERS - 1,
     .own = {[LAYER_LAST] = true},
     .region = {[LAYER_FIRST] = TRAIN_PART_ROWS, [LAYER_INNER] = TRAIN_PART_AND_BELOW, [LAYER_LAST] = TRAIN_ALL},
     .all_incomplete = true,
     .has_options = true,
     .widths = "end"},
};

size_t recipe_count(void) { return sizeof recipes / sizeof recipes[0]; }

const recipe *recipe_at(size_t index) { return &recipes[index]; }

const recipe *recipe_find(const char *name) {
    for (size_t i = 0; i < recipe_count(); i++)
        if (strcmp(recipes[i].name, name) == 0) return &recipes[i];
    return NULL;
}

layer_place layer_place_of(size_t l, size_t layers) {
    return l + 1 == layers ? LAYER_LAST : l == 0 ? LAYER_FIRST : LAYER_INNER;
}

region recipe_region(const recipe *r, const size_t *width, size_t layers, size_t l, double from_percent,
                     double to_percent) {
    const size_t in = width[l], out = width[l + 1];
    region whole = {.row_to = out, .column_to = in}, part = whole;
    part.row_from = idp_prefix(out, from_percent);
    part.row_to = idp_prefix(out, to_percent);
    switch (r->region[layer_place_of(l, layers)]) {
    case TRAIN_ALL: return whole;
    case TRAIN_PART_ROWS: return part;
    case TRAIN_PART_BLOCK: part.column_from = idp_prefix(in, from_percent); /* fall through */
    case TRAIN_PART_AND_BELOW: part.column_to = idp_prefix(in, to_percent); return part;
    }
    return whole;
}
