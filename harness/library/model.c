#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "floats.h"

static void layer_free(model_layer *l) {
    if (l == NULL) return;
    free(l->w);
    free(l->b);
    free(l);
}

void model_free(model *m) {
    for (size_t i = 0; i < m->owned_count; i++) layer_free(m->owned[i]);
    for (size_t p = 0; p < m->profiles; p++)
        for (size_t h = 0; h <= m->layers; h++) free(m->profile[p].gamma[h]);
    memset(m, 0, sizeof *m);
}

model_layer *model_add_layer(model *m, size_t out, size_t in) {
    if (m->owned_count == sizeof m->owned / sizeof m->owned[0]) return NULL;
    model_layer *l = calloc(1, sizeof *l);
    if (l == NULL) return NULL;
    *l = (model_layer){.out = out, .in = in, .w = floats_new(out * in), .b = floats_new(out)};
    if (l->w == NULL || l->b == NULL) {
        layer_free(l);
        return NULL;
    }
    return m->owned[m->owned_count++] = l;
}

void model_note(model *m, const char *key, const char *format, ...) {
    if (m->settings == MODEL_MAX_SETTINGS) return;
    snprintf(m->setting[m->settings].key, sizeof m->setting[0].key, "%s", key);
    va_list args;
    va_start(args, format);
    vsnprintf(m->setting[m->settings].value, sizeof m->setting[0].value, format, args);
    va_end(args);
    m->settings++;
}

const char *model_noted(const model *m, const char *key) {
    for (size_t i = 0; i < m->settings; i++)
        if (strcmp(m->setting[i].key, key) == 0) return m->setting[i].value;
    return NULL;
}

void model_append(char *text, size_t size, const char *format, ...) {
    const size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, size - used, format, args);
    va_end(args);
}

void model_parts_text(const model *m, char *text, size_t text_size) {
    text[0] = '\0';
    for (size_t p = 0; p < m->profiles; p++) {
        char from[DECIMAL_TEXT], to[DECIMAL_TEXT];
        model_append(text, text_size, "%s%s-%s", p > 0 ? "," : "", decimal_text(m->profile[p].from_percent, from),
                     decimal_text(m->profile[p].to_percent, to));
    }
}

size_t model_profile_at(const model *m, double percent) {
    size_t found = 0;
    for (size_t p = 1; p < m->profiles; p++)
        if (m->profile[p].from_percent < percent) found = p;
    return found;
}

size_t model_channels(const model *m, size_t h, double percent) {
    return m->incomplete[h] ? idp_prefix(m->width[h], percent) : m->width[h];
}

bool model_uncoupled(const model *m) {
    const char *coupling = model_noted(m, "coupling");
    return coupling != NULL && strcmp(coupling, "zero") == 0;
}

/* Where the parts of a network without couplings between them meet. */
static size_t boundaries(const model *m, double *boundary) {
    size_t count = 0;
    if (!model_uncoupled(m)) return 0;
    for (size_t p = 0; p < m->profiles; p++) {
        const double end = m->profile[p].to_percent;
        if (end < 100 && (count == 0 || end > boundary[count - 1])) boundary[count++] = end;
    }
    return count;
}

idp_status model_pack(const model *m, const idp_backend *backend, idp_mlp **network) {
    const float *w[MODEL_MAX_PROFILES][IDP_MAX_LAYERS], *b[MODEL_MAX_PROFILES][IDP_MAX_LAYERS],
        *gamma[MODEL_MAX_PROFILES][IDP_MAX_LAYERS + 1];
    idp_mlp_profile profiles[MODEL_MAX_PROFILES];
    for (size_t p = 0; p < m->profiles; p++) {
        for (size_t l = 0; l < m->layers; l++) {
            w[p][l] = m->profile[p].layer[l]->w;
            b[p][l] = m->profile[p].layer[l]->b;
        }
        for (size_t h = 0; h <= m->layers; h++) gamma[p][h] = m->profile[p].gamma[h];
        profiles[p] = (idp_mlp_profile){w[p], b[p], gamma[p]};
    }
    double boundary[MODEL_MAX_PROFILES];
    const idp_mlp_spec spec = {.layers = m->layers,
                               .width = m->width,
                               .incomplete = m->incomplete,
                               .profiles = m->profiles,
                               .profile = profiles,
                               .refinable = true,
                               .boundaries = boundaries(m, boundary),
                               .boundary = boundary};
    return idp_mlp_create(&spec, backend, network);
}

bool model_network(const model *m, const idp_backend *backend, idp_mlp **network, error *e) {
    const idp_status status = model_pack(m, backend, network);
    if (status == IDP_COUPLED)
        return fail(
            e, "the model notes coupling=zero, but a weight leads from one part's channels into an earlier part: "
               "the file was changed after training; train it again");
    if (status != IDP_OK)
        return fail(e, "cannot pack the network for %s: %s", backend->name, idp_status_text(status));
    return true;
}
