/* checkpoint.c: the state of a training as a safetensors file, and back. Weights are "weights<i>.w" and ".b", i the
 * number of the owned layer; velocities "velocity<l>.w" and ".b"; the place and the settings are strings in
 * __metadata__. A run that goes on from it must have the same settings, data and back end: then, and only then, the
 * bits are those of a run that was never stopped. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../library/safetensors.h"
#include "train_parts.h"

#define FORMAT "idp-checkpoint/1"
#define SETTING "setting."

enum {
    NAME_TEXT = 32,
    TENSORS = 2 * (IDP_MAX_LAYERS * MODEL_MAX_PROFILES + IDP_MAX_LAYERS) + 4 * MODEL_MAX_PROFILES,
};

/* ---- the tensors, in the file and in memory --------------------------------------------------------------------
 */

typedef struct tensor_table {
    tensor tensor[TENSORS];
    char name[TENSORS][NAME_TEXT];
    float *place[TENSORS];
    size_t count;
} tensor_table;

static void add_layer(tensor_table *t, const char *what, size_t number, size_t out, size_t in, float *w, float *b) {
    for (size_t i = 0; i < 2; i++, t->count++) {
        snprintf(t->name[t->count], NAME_TEXT, "%s%zu.%s", what, number, i == 0 ? "w" : "b");
        t->tensor[t->count] = (tensor){.name = t->name[t->count], .rank = 2 - i, .shape = {out, in}};
        t->tensor[t->count].data = t->place[t->count] = i == 0 ? w : b;
    }
}

static void add_joint(tensor_table *t, const model *m, const joint *j) {
    for (size_t p = 0; p < j->profiles; p++) {
        const model_layer *last = m->profile[p].layer[m->layers - 1];
        add_layer(t, "own_velocity", p, last->out, last->in, j->velocity_w[p], j->velocity_b[p]);
        float *const vectors[] = {m->profile[p].gamma[1], j->velocity_gamma[p]};
        for (size_t i = 0; i < 2; i++, t->count++) {
            snprintf(t->name[t->count], NAME_TEXT, "%s%zu", i == 0 ? "gamma" : "gamma_velocity", p);
            t->tensor[t->count] = (tensor){.name = t->name[t->count], .rank = 1, .shape = {m->width[1]}};
            t->tensor[t->count].data = t->place[t->count] = vectors[i];
        }
    }
}

static tensor_table *table_of(const train_state *state, error *e) {
    const model *m = state->m;
    tensor_table *t = calloc(1, sizeof *t);
    if (t == NULL) {
        fail(e, "no memory for the checkpoint");
        return NULL;
    }
    for (size_t i = 0; i < m->owned_count; i++)
        add_layer(t, "weights", i, m->owned[i]->out, m->owned[i]->in, m->owned[i]->w, m->owned[i]->b);
    for (size_t l = 0; l < m->layers; l++)
        add_layer(t, "velocity", l, m->width[l + 1], m->width[l], state->velocity_w[l], state->velocity_b[l]);
    if (state->joint != NULL) add_joint(t, m, state->joint);
    return t;
}

/* ---- the settings ---------------------------------------------------------------------------------------------
 */

/* What must be the same for a run to go on: all that the model notes, and what shaped it. */
static json_t *settings_of(const train_state *state) {
    const model *m = state->m;
    char parts[512], hidden[512] = "", seed[24];
    model_parts_text(m, parts, sizeof parts);
    for (size_t h = 0, used = 0; h <= m->layers; h++)
        used += (size_t)snprintf(hidden + used, sizeof hidden - used, "%s%zu", h > 0 ? "-" : "", m->width[h]);
    snprintf(seed, sizeof seed, "%" PRIu64, m->seed);
    json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", SETTING "recipe", m->recipe, SETTING "gamma",
                            gamma_name(m->gamma), SETTING "parts", parts, SETTING "network", hidden, SETTING "seed",
                            seed, SETTING "data", state->data->name, SETTING "data_sha256", state->data->sha256);
    for (size_t i = 0; i < m->settings && all != NULL; i++) {
        char key[sizeof SETTING + sizeof m->setting[0].key];
        snprintf(key, sizeof key, SETTING "%s", m->setting[i].key);
        if (json_object_set_new(all, key, json_string(m->setting[i].value)) == 0) continue;
        json_decref(all);
        all = NULL;
    }
    return all;
}

static bool same_settings(const train_state *state, const json_t *metadata, error *e) {
    json_t *settings = settings_of(state);
    bool same = settings != NULL || fail(e, "no memory for the settings");
    const char *key;
    json_t *value;
    json_object_foreach(settings, key, value) {
        const char *ours = json_string_value(value), *theirs = json_string_value(json_object_get(metadata, key));
        if (same && (theirs == NULL || strcmp(ours, theirs) != 0))
            same = fail(
                e, "is of a run with %s %.80s, and this one has %.80s: go on with the settings that it began with",
                key + strlen(SETTING), theirs != NULL ? theirs : "unset", ours);
    }
    json_decref(settings);
    return same;
}

/* ---- the place: numbers as text, doubles in hexadecimal so that no bit is lost
 * ----------------------------------- */

static bool note(json_t *metadata, const char *key, size_t number, const char *text) {
    char name[NAME_TEXT];
    snprintf(name, sizeof name, "%s%zu", key, number);
    return json_object_set_new(metadata, name, json_string(text)) == 0;
}

static bool note_whole(json_t *metadata, const char *key, size_t number, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return note(metadata, key, number, text);
}

static bool note_double(json_t *metadata, const char *key, size_t number, double value) {
    char text[40];
    snprintf(text, sizeof text, "%a", value);
    return note(metadata, key, number, text);
}

/* Reads back what note_whole wrote. */
static bool whole(const json_t *metadata, const char *key, size_t number, uint64_t most, uint64_t *value) {
    char name[NAME_TEXT], *end = NULL;
    snprintf(name, sizeof name, "%s%zu", key, number);
    const char *text = json_string_value(json_object_get(metadata, name));
    if (text == NULL || text[0] < '0' || text[0] > '9') return false;
    *value = strtoull(text, &end, 10);
    return *end == '\0' && *value <= most;
}

static bool real(const json_t *metadata, const char *key, size_t number, double *value) {
    char name[NAME_TEXT], *end = NULL;
    snprintf(name, sizeof name, "%s%zu", key, number);
    const char *text = json_string_value(json_object_get(metadata, name));
    if (text == NULL) return false;
    *value = strtod(text, &end);
    return end != text && *end == '\0';
}

static size_t joint_profiles(const train_state *state) { return state->joint != NULL ? state->joint->profiles : 0; }

static bool note_place(const train_state *state, json_t *metadata, const train_place *place) {
    bool noted = note_whole(metadata, "stage", 0, place->stage) && note_whole(metadata, "epoch", 0, place->epoch) &&
                 note_whole(metadata, "first", 0, place->first) &&
                 note_whole(metadata, "shuffles", 0, place->shuffles) &&
                 note_double(metadata, "sum", 0, place->sum);
    for (size_t i = 0; i < 4 && noted; i++) noted = note_whole(metadata, "widths", i, place->widths.s[i]);
    for (size_t p = 0; p <= place->stage && noted; p++)
        noted = note_double(metadata, "loss", p, place->loss[p]) &&
                note_double(metadata, "seconds", p, place->seconds[p]);
    for (size_t p = 0; p < joint_profiles(state) && noted; p++)
        noted = note_double(metadata, "recent_loss", p, place->recent_loss[p]);
    return noted;
}

static bool read_place(const train_state *state, const json_t *metadata, train_place *place, error *e) {
    const train_options *o = state->o;
    uint64_t stage, epoch, first, shuffles;
    train_place found = *place;
    bool good = whole(metadata, "stage", 0, train_stages(o) - 1, &stage) &&
                whole(metadata, "epoch", 0, o->epochs, &epoch) &&
                whole(metadata, "first", 0, epoch < o->epochs ? state->data->train.count : 0, &first) &&
                whole(metadata, "shuffles", 0, UINT64_MAX, &shuffles) &&
                shuffles == stage * o->epochs + epoch + (first > 0) && real(metadata, "sum", 0, &found.sum);
    for (size_t i = 0; i < 4 && good; i++) good = whole(metadata, "widths", i, UINT64_MAX, &found.widths.s[i]);
    for (size_t p = 0; good && p <= stage; p++)
        good = real(metadata, "loss", p, &found.loss[p]) && real(metadata, "seconds", p, &found.seconds[p]);
    for (size_t p = 0; good && p < joint_profiles(state); p++)
        good = real(metadata, "recent_loss", p, &found.recent_loss[p]);
    if (!good) return fail(e, "does not say where the run was: it is damaged");
    found.stage = (size_t)stage;
    found.epoch = (size_t)epoch;
    found.first = (size_t)first;
    found.shuffles = (size_t)shuffles;
    *place = found;
    return true;
}

/* ---- the file -------------------------------------------------------------------------------------------------
 */

bool checkpoint_write(const char *path, const train_state *state, const train_place *place, error *e) {
    bool written = false;
    json_t *metadata = settings_of(state);
    tensor_table *t = table_of(state, e);
    if (t == NULL) goto done;
    if (metadata == NULL || json_object_set_new(metadata, "format", json_string(FORMAT)) != 0 ||
        !note_place(state, metadata, place)) {
        fail(e, "%s: no memory for the checkpoint", path);
        goto done;
    }
    written = safetensors_write(path, metadata, t->tensor, t->count, e);
done:
    free(t);
    json_decref(metadata);
    return written;
}

static bool same_tensors(const safetensors *file, const tensor_table *t, error *e) {
    for (size_t i = 0; i < t->count; i++) {
        const tensor *want = &t->tensor[i], *got = safetensors_find(file, want->name);
        if (got == NULL || got->rank != want->rank ||
            memcmp(got->shape, want->shape, want->rank * sizeof(size_t)) != 0)
            return fail(e, "has no tensor '%s' of the shape that the network asks for: it is damaged", want->name);
    }
    return true;
}

bool checkpoint_read(const char *path, const train_state *state, train_place *place, error *e) {
    safetensors file;
    if (!safetensors_read(&file, path, e)) return false;
    tensor_table *t = table_of(state, e);
    bool read = t != NULL;
    const char *format = json_string_value(json_object_get(file.metadata, "format"));
    if (read && (format == NULL || strcmp(format, FORMAT) != 0))
        read =
            fail(e, "is no checkpoint: its format is '%.40s', not %s", format != NULL ? format : "unset", FORMAT);
    read = read && same_settings(state, file.metadata, e) && same_tensors(&file, t, e) &&
           read_place(state, file.metadata, place, e);
    for (size_t i = 0; read && i < t->count; i++)
        memcpy(t->place[i], safetensors_find(&file, t->name[i])->data,
               tensor_values(&t->tensor[i]) * sizeof(float));
    if (!read) fail_in(e, "%s", path);
    free(t);
    safetensors_free(&file);
    return read;
}
