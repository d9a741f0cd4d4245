/* train_options.c: the settings of a training: a recipe's own, and what fits together. */
#include <math.h>

#include "../backends.h"
#include "pool.h"
#include "train.h"
#include "train_parts.h"

bool train_defaults(train_options *o, const char *recipe_name, error *e) {
    const recipe *r = recipe_find(recipe_name);
    if (r == NULL) {
        char names[256];
        return fail(e, "there is no recipe '%s'; there are %s", recipe_name, recipe_names(names, sizeof names));
    }
    const idp_backend *backend;
    if (!backend_choose(NULL, &backend, e)) return false;
    *o = (train_options){.recipe = r,
                         .gamma = r->gamma,
                         .parts = r->parts,
                         .hidden_count = 2,
                         .hidden = {100, 100},
                         .epochs = r->epochs,
                         .schedule = r->schedule,
                         .halve_after = r->epochs * 5 / 6,
                         .batch = r->batch,
                         .lr = r->lr,
                         .momentum = r->momentum,
                         .weight_decay = r->weight_decay,
                         .seed = 1,
                         .initial = r->initial,
                         .widths = width_rule_find(r->widths),
                         .coupling = COUPLING_INITIAL,
                         .distillation = r->distillation,
                         .backend = backend,
                         .threads = pool_processors(),
                         .checkpoint_every = 1};
    for (size_t p = 0; p < r->parts; p++) {
        o->part[p].from_percent = p > 0 ? r->part_end_percent[p - 1] : 0;
        o->part[p].to_percent = r->part_end_percent[p];
    }
    return true;
}

size_t train_stages(const train_options *o) {
    return o->recipe->first_stage_only || o->recipe->joint ? 1 : o->parts;
}

/* ---- settings that fit --------------------------------------------------------------------------------------- */

static bool check_hidden(const train_options *o, error *e) {
    const recipe *r = o->recipe;
    if (o->hidden_count < r->least_hidden || o->hidden_count > r->most_hidden)
        return fail(e, "recipe %s takes %s%zu hidden layers, not %zu", r->name,
                    o->hidden_count < r->least_hidden ? "at least " : "at most ",
                    o->hidden_count < r->least_hidden ? r->least_hidden : r->most_hidden, o->hidden_count);
    for (size_t h = 0; h < o->hidden_count; h++) {
        if (o->hidden[h] < 1 || o->hidden[h] > TRAIN_WIDTH_MOST)
            return fail(e, "a hidden layer has 1 to %d channels, not %zu", TRAIN_WIDTH_MOST, o->hidden[h]);
        if (r->all_incomplete && o->hidden[h] != o->hidden[0])
            return fail(
                e,
                "recipe %s cuts every hidden layer to the same channels, so all must be as wide as the first, "
                "%zu; one has %zu",
                r->name, o->hidden[0], o->hidden[h]);
    }
    return true;
}

static bool check_parts(const train_options *o, error *e) {
    if (o->parts < 1 || o->parts > MODEL_MAX_PROFILES)
        return fail(e, "a model has 1 to %d parts, not %zu", MODEL_MAX_PROFILES, o->parts);
    if (o->parts > o->recipe->most_parts)
        return fail(e, "recipe %s has a single part, 0-100, not %zu", o->recipe->name, o->parts);
    for (size_t p = 0; p < o->parts; p++) {
        const double from = o->part[p].from_percent, to = o->part[p].to_percent;
        if (!(from >= 0 && from < to && to <= 100))
            return fail(e, "part %.15g-%.15g is not a range of percentages from 0 to 100", from, to);
        if (from != (p == 0 ? 0 : o->part[p - 1].to_percent))
            return fail(e, "part %.15g-%.15g must start where the one before ends (the first at 0)", from, to);
        for (size_t h = 0; h < o->hidden_count; h++)
            if (idp_prefix(o->hidden[h], from) == idp_prefix(o->hidden[h], to))
                return fail(e, "part %.15g-%.15g holds none of the %zu channels", from, to, o->hidden[h]);
    }
    return true;
}

static bool check_data(const dataset *data, error *e) {
    const images *train = &data->train, *test = &data->test;
    if (train->count == 0 || test->count == 0) return fail(e, "data set %s has no images", data->name);
    if (train->count > UINT32_MAX) return fail(e, "data set %s has too many images", data->name);
    if (train->rows != test->rows || train->columns != test->columns)
        return fail(e, "data set %s: training and test images differ in size", data->name);
    if (data->classes < 2) return fail(e, "data set %s has a single class", data->name);
    return true;
}

static bool check_width_weights(const train_options *o, error *e) {
    double sum = 0;
    if (o->width_weights == 0) return true;
    if (o->width_weights != o->widths->count)
        return fail(e, "width rule %s trains %zu widths a step, but there are %zu weights for them",
                    o->widths->name, o->widths->count, o->width_weights);
    for (size_t w = 0; w < o->width_weights; w++) {
        if (!(o->width_weight[w] >= 0 && isfinite(o->width_weight[w])))
            return fail(e, "the weight of a width cannot be %g", o->width_weight[w]);
        sum += o->width_weight[w];
    }
    return sum > 0 || fail(e, "the widths' weights are all 0: nothing would be trained");
}

bool train_check(const train_options *o, const dataset *data, error *e) {
    if (o->gamma >= GAMMA_KINDS) return fail(e, "there is no gamma number %d", (int)o->gamma);
    if (o->batch < 1 || o->batch > TRAIN_BATCH_MOST)
        return fail(e, "a batch has 1 to %d samples, not %zu", TRAIN_BATCH_MOST, o->batch);
    if (o->threads < 1 || o->threads > POOL_THREADS_MOST)
        return fail(e, "training takes 1 to %d threads, not %zu", POOL_THREADS_MOST, o->threads);
    if (!(o->lr > 0 && o->lr <= 100)) return fail(e, "the learning rate must be above 0 and at most 100");
    if (!(o->momentum >= 0 && o->momentum < 1)) return fail(e, "the momentum must be at least 0 and below 1");
    if (!(o->weight_decay >= 0 && o->weight_decay <= 1)) return fail(e, "the weight decay must be from 0 to 1");
    if (o->distillation && !o->recipe->can_distill)
        return fail(e, "recipe %s has no distillation; sandwich has", o->recipe->name);
    if (o->distillation && o->width_weights > 0)
        return fail(e, "with distillation the widths' losses are added undivided: they take no weights");
    if (o->recipe->joint && o->gamma != GAMMA_ALL_ONE)
        return fail(e, "recipe %s learns its gamma, from all-one on; it cannot start with %s", o->recipe->name,
                    gamma_name(o->gamma));
    if (!check_width_weights(o, e)) return false;
    if (o->checkpoint != NULL && o->checkpoint_every < 1)
        return fail(e, "there must be at least one epoch from one checkpoint to the next");
    if (idp_backend_status(o->backend) != IDP_OK)
        return fail(e, "back end %s: %s", o->backend->name, idp_status_text(idp_backend_status(o->backend)));
    return check_hidden(o, e) && check_parts(o, e) && check_data(data, e);
}
