/* model.h: a trained network of incomplete layers, its profiles, and its file: inside libidp_model and for the
 * program; idp_model.h is what others see. */
#ifndef HARNESS_LIBRARY_MODEL_H
#define HARNESS_LIBRARY_MODEL_H

#include "../../kernels/idp.h"
#include "../error.h"

enum { MODEL_MAX_PROFILES = 16, MODEL_MAX_SETTINGS = 32 };

/* Coefficient profiles; formulas in gamma.c. */
typedef enum gamma_kind {
    GAMMA_ALL_ONE,
    GAMMA_HARMONIC,
    GAMMA_LINEAR,
    GAMMA_FORUM_LINEAR,
    GAMMA_HALF_EXP,
    GAMMA_KINDS
} gamma_kind;

/* "all-one", "harmonic", "linear", "forum-linear", "half-exp". */
const char *gamma_name(gamma_kind kind);
bool gamma_parse(const char *name, gamma_kind *kind);

/* Fills gamma[0 .. n-1], non-increasing, in [0, 1]; from channel `end` on it is 0. */
void gamma_fill(gamma_kind kind, size_t n, size_t end, float *gamma);

/* One layer's parameters. */
typedef struct model_layer {
    size_t out, in;
    float *w; /* [out][in] */
    float *b; /* [out] */
} model_layer;

typedef struct model_profile {
    double from_percent, to_percent;    /* the part of the range that it was trained for */
    model_layer *layer[IDP_MAX_LAYERS]; /* borrowed from model.owned; profiles may share them */
    float *gamma[IDP_MAX_LAYERS + 1];   /* owned; [width[h]] for hidden h, or NULL for all ones */
} model_profile;

typedef struct model {
    char recipe[32]; /* "authors", "nested", ...: recipe.h */
    gamma_kind gamma;
    char data_name[64]; /* what it was trained on */
    uint64_t seed;
    size_t layers;
    size_t width[IDP_MAX_LAYERS + 1];
    bool incomplete[IDP_MAX_LAYERS + 1]; /* hidden activations that follow the percentage; see idp_mlp_spec */
    size_t profiles;
    model_profile profile[MODEL_MAX_PROFILES];
    model_layer *owned[IDP_MAX_LAYERS * MODEL_MAX_PROFILES]; /* every distinct layer, once */
    size_t owned_count;
    /* Settings that do not change inference, kept for the record ("epochs" -> "30", ...). */
    struct {
        char key[32], value[64];
    } setting[MODEL_MAX_SETTINGS];
    size_t settings;
} model;

/* Frees what the model owns and makes it empty. A zeroed model is empty. */
void model_free(model *m);

/* A new layer of zeros that the model owns; NULL without memory or when there are too many. */
model_layer *model_add_layer(model *m, size_t out, size_t in);

/* Notes a setting, cut to what fits; more than MODEL_MAX_SETTINGS are dropped. */
void model_note(model *m, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What was noted under that key, or NULL. */
const char *model_noted(const model *m, const char *key);

/* Appends to text[0 .. size - 1], cutting what does not fit. */
void model_append(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "0-30,30-100" */
void model_parts_text(const model *m, char *text, size_t text_size);

/* The profile whose part holds `percent` (the last one whose from_percent is below it; the first at 0). */
size_t model_profile_at(const model *m, double percent);

/* Channels of activation h in use at `percent`: all of them where it is complete. */
size_t model_channels(const model *m, size_t h, double percent);

/* safetensors: tensors "layer2.weight" (shared) or "profile0.layer1.weight" (own), [out][in] float32, and their
 * ".bias"; gamma as "profile0.gamma1"; recipe, parts, widths, incomplete, seed and settings as strings in
 * __metadata__. Written whole or not at all; reading checks every offset, shape and name before use. */
bool model_write(const model *m, const char *path, error *e);
bool model_read_any(model *m, const char *path, error *e); /* whatever its recipe: running needs none */

/* Whether it was trained with coupling=zero: no weight leads from a later part's channels into an earlier part's.
 */
bool model_uncoupled(const model *m);

/* Packs the model for inference and for refining; the ends of its parts are boundaries where it is uncoupled.
 * model_network explains a failure. */
idp_status model_pack(const model *m, const idp_backend *backend, idp_mlp **network);
bool model_network(const model *m, const idp_backend *backend, idp_mlp **network, error *e);

#endif
