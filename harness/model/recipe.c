#include "recipe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- widths of a step -------------------------------------------------------------------------------------- */

static void widths_end(size_t from, size_t to, random_state *r, size_t *widths) {
    (void)from, (void)r;
    widths[0] = to;
}

static void widths_random(size_t from, size_t to, random_state *r, size_t *widths) {
    widths[0] = from + 1 + random_below(r, to - from);
}

/* round(from + (to - from) i / steps) for i = first .. steps. rint rounds halves to even, as numpy does. */
static void spread(size_t from, size_t to, size_t first, size_t steps, size_t *widths) {
    for (size_t i = first; i <= steps; i++)
        widths[i - first] = from + (size_t)rint((double)(to - from) * (double)i / (double)steps);
}

static void widths_ten(size_t from, size_t to, random_state *r, size_t *widths) {
    (void)r;
    spread(from, to, 1, 10, widths);
    /* A part of fewer than ten channels trains some widths twice, and none that it does not own. */
    for (size_t i = 0; i < 10; i++) widths[i] = widths[i] > from ? widths[i] : from + 1;
}

static void widths_sandwich(size_t from, size_t to, random_state *r, size_t *widths) {
    const size_t tenth = (to - from) / 10, least = from + (tenth > 0 ? tenth : 1);
    widths[0] = to;
    widths[1] = least;
    for (size_t w = 2; w < 4; w++) widths[w] = least + random_below(r, to - least + 1);
}

static void widths_forum(size_t from, size_t to, random_state *r, size_t *widths) {
    (void)r;
    spread(from, to, 0, 9, widths);
}

static const width_rule width_rules[] = {
    {.name = "end", .count = 1, .choose = widths_end},
    {.name = "random", .count = 1, .choose = widths_random},
    {.name = "ten", .count = 10, .choose = widths_ten},
    {.name = "sandwich", .count = 4, .choose = widths_sandwich},
    {.name = "forum", .count = 10, .added = true, .choose = widths_forum},
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

/* ---- weights before training ------------------------------------------------------------------------------- */

static const char *const initial_names[] = {[INITIAL_NORMAL] = "normal", [INITIAL_XAVIER] = "xavier"};

const char *initial_name(initial_kind kind) { return initial_names[kind]; }

bool initial_parse(const char *name, initial_kind *kind) {
    for (size_t i = 0; i < sizeof initial_names / sizeof initial_names[0]; i++)
        if (strcmp(initial_names[i], name) == 0) {
            *kind = (initial_kind)i;
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
     .most_parts = MODEL_MAX_PROFILES,
     .own = {[LAYER_FIRST] = true, [LAYER_LAST] = true},
     .region = {[LAYER_FIRST] = TRAIN_ALL, [LAYER_INNER] = TRAIN_PART_BLOCK, [LAYER_LAST] = TRAIN_ALL},
     .gamma_ends = true,
     .gamma_free = true,
     .counts_all_outputs = true,
     .widths = "end",
     .gamma = GAMMA_LINEAR,
     .parts = 1,
     .part_end_percent = {100},
     .epochs = 30,
     .batch = 128,
     .lr = 0.05,
     .momentum = 0.9},
    {.name = "nested",
     .summary = "every hidden layer is cut; profiles share all but the last layer",
     .least_hidden = 1,
     .most_hidden = IDP_MAX_LAYERS - 1,
     .most_parts = MODEL_MAX_PROFILES,
     .own = {[LAYER_LAST] = true},
     .region = {[LAYER_FIRST] = TRAIN_PART_ROWS, [LAYER_INNER] = TRAIN_PART_AND_BELOW, [LAYER_LAST] = TRAIN_ALL},
     .all_incomplete = true,
     .has_options = true,
     .widths = "end",
     .gamma = GAMMA_LINEAR,
     .parts = 1,
     .part_end_percent = {100},
     .epochs = 30,
     .batch = 128,
     .lr = 0.05,
     .momentum = 0.9},
    {.name = "sandwich",
     .summary = "universally slimmable: every step trains the full width, the smallest and two random ones",
     .least_hidden = 1,
     .most_hidden = IDP_MAX_LAYERS - 1,
     .most_parts = 1,
     .region = {[LAYER_FIRST] = TRAIN_ALL, [LAYER_INNER] = TRAIN_ALL, [LAYER_LAST] = TRAIN_ALL},
     .all_incomplete = true,
     .can_distill = true,
     .widths = "sandwich",
     .gamma = GAMMA_ALL_ONE,
     .distillation = true,
     .parts = 1,
     .part_end_percent = {100},
     .epochs = 30,
     .batch = 128,
     .lr = 0.05,
     .momentum = 0.9},
    {.name = "independent",
     .summary = "the yardstick: a network of its own for every width, trained at that width alone",
     .least_hidden = 1,
     .most_hidden = IDP_MAX_LAYERS - 1,
     .most_parts = MODEL_MAX_PROFILES,
     .own = {[LAYER_FIRST] = true, [LAYER_INNER] = true, [LAYER_LAST] = true},
     .region = {[LAYER_FIRST] = TRAIN_ROWS_BELOW, [LAYER_INNER] = TRAIN_BELOW, [LAYER_LAST] = TRAIN_COLUMNS_BELOW},
     .all_incomplete = true,
     .widths = "end",
     .gamma = GAMMA_ALL_ONE,
     .parts = 10,
     .part_end_percent = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100},
     .epochs = 30,
     .batch = 128,
     .lr = 0.05,
     .momentum = 0.9},
    {.name = "best",
     .summary =
         "ours: every step trains all profiles; each learns its own gamma and last layer, the rest is shared",
     .least_hidden = 1,
     .most_hidden = IDP_MAX_LAYERS - 1,
     .most_parts = MODEL_MAX_PROFILES,
     .own = {[LAYER_LAST] = true},
     .region = {[LAYER_FIRST] = TRAIN_ALL, [LAYER_INNER] = TRAIN_ALL, [LAYER_LAST] = TRAIN_ALL},
     .all_incomplete = true,
     .joint = true,
     .wider_share = 0.5,
     .widths = "end",
     .gamma = GAMMA_ALL_ONE,
     .parts = 10,
     .part_end_percent = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100},
     .epochs = 30,
     .batch = 128,
     .lr = 0.1,
     .momentum = 0.9,
     .weight_decay = 8e-4,
     .schedule = SCHEDULE_COSINE},
    {.name = "forum",
     .summary = "the forum question as it was asked: all shared, nothing frozen, only the first stage ever runs",
     .least_hidden = 1,
     .most_hidden = IDP_MAX_LAYERS - 1,
     .most_parts = MODEL_MAX_PROFILES,
     .region = {[LAYER_FIRST] = TRAIN_ALL, [LAYER_INNER] = TRAIN_ALL, [LAYER_LAST] = TRAIN_ALL},
     .all_incomplete = true,
     .first_stage_only = true,
     .widths = "forum",
     .gamma = GAMMA_FORUM_LINEAR,
     .initial = INITIAL_XAVIER,
     .parts = 3,
     .part_end_percent = {20, 40, 100},
     .epochs = 20,
     .batch = 30,
     .lr = 0.0008,
     .momentum = 0.98,
     .schedule = SCHEDULE_CONSTANT},
};

size_t recipe_count(void) { return sizeof recipes / sizeof recipes[0]; }

const recipe *recipe_at(size_t index) { return &recipes[index]; }

const recipe *recipe_find(const char *name) {
    for (size_t i = 0; i < recipe_count(); i++)
        if (strcmp(recipes[i].name, name) == 0) return &recipes[i];
    return NULL;
}

const char *recipe_names(char *text, size_t text_size) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < recipe_count() && used < text_size; i++)
        used += (size_t)snprintf(text + used, text_size - used, "%s%s", i > 0 ? ", " : "", recipes[i].name);
    return text;
}

layer_place layer_place_of(size_t l, size_t layers) {
    return l + 1 == layers ? LAYER_LAST : l == 0 ? LAYER_FIRST : LAYER_INNER;
}

region recipe_region(const recipe *r, const size_t *width, size_t layers, size_t l, double from_percent,
                     double to_percent) {
    const size_t in = width[l], out = width[l + 1];
    const size_t row_end = idp_prefix(out, to_percent), column_end = idp_prefix(in, to_percent);
    const region whole = {.row_to = out, .column_to = in};
    const size_t row_from = idp_prefix(out, from_percent), column_from = idp_prefix(in, from_percent);
    switch (r->region[layer_place_of(l, layers)]) {
    case TRAIN_ALL: break;
    case TRAIN_PART_BLOCK: return (region){row_from, row_end, column_from, column_end};
    case TRAIN_PART_ROWS: return (region){row_from, row_end, 0, in};
    case TRAIN_PART_AND_BELOW: return (region){row_from, row_end, 0, column_end};
    case TRAIN_ROWS_BELOW: return (region){0, row_end, 0, in};
    case TRAIN_COLUMNS_BELOW: return (region){0, out, 0, column_end};
    case TRAIN_BELOW: return (region){0, row_end, 0, column_end};
    }
    return whole;
}
