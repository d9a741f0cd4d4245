/* model_file.c: a model as a safetensors file, and back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal.h"
#include "model.h"
#include "safetensors.h"

#define FORMAT "idp-model/1"
#define SETTING "setting."

enum {
    NAME_TEXT = 64,
    LIST_TEXT = 1024,
    WIDTH_LIMIT = 1 << 16,
    /* Weights, biases and gamma, all of them the profiles' own. */
    TENSOR_LIMIT = MODEL_MAX_PROFILES * (2 * IDP_MAX_LAYERS + IDP_MAX_LAYERS - 1),
};

/* ---- names: layers and hidden activations count from 1, profiles from 0
 * ------------------------------------------ */

static void shared_name(char name[NAME_TEXT], size_t l, const char *what) {
    snprintf(name, NAME_TEXT, "layer%zu.%s", l + 1, what);
}

static void own_name(char name[NAME_TEXT], size_t p, size_t l, const char *what) {
    snprintf(name, NAME_TEXT, "profile%zu.layer%zu.%s", p, l + 1, what);
}

static void gamma_tensor_name(char name[NAME_TEXT], size_t p, size_t h) {
    snprintf(name, NAME_TEXT, "profile%zu.gamma%zu", p, h);
}

/* ---- writing
 * ----------------------------------------------------------------------------------------------------- */

/* Joins the numbers that `use` marks (all of them where it is NULL). */
static void join(char text[LIST_TEXT], size_t count, const size_t *number, const bool *use) {
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        if (use == NULL || use[i])
            used += (size_t)snprintf(text + used, LIST_TEXT - used, "%s%zu", used > 0 ? "," : "", number[i]);
}

static json_t *metadata_of(const model *m) {
    static const size_t indices[IDP_MAX_LAYERS + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    char parts[LIST_TEXT], widths[LIST_TEXT], incomplete[LIST_TEXT], seed[24];
    model_parts_text(m, parts, sizeof parts);
    join(widths, m->layers + 1, m->width, NULL);
    join(incomplete, m->layers + 1, indices, m->incomplete);
    snprintf(seed, sizeof seed, "%" PRIu64, m->seed);
    json_t *metadata = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "format", FORMAT, "recipe", m->recipe,
                                 "gamma", gamma_name(m->gamma), "parts", parts, "widths", widths, "incomplete",
                                 incomplete, "seed", seed, "data", m->data_name);
    for (size_t i = 0; i < m->settings && metadata != NULL; i++) {
        char key[sizeof SETTING + sizeof m->setting[0].key];
        snprintf(key, sizeof key, SETTING "%s", m->setting[i].key);
        if (json_object_set_new(metadata, key, json_string(m->setting[i].value)) == 0) continue;
        json_decref(metadata);
        metadata = NULL;
    }
    return metadata;
}

/* Tensors with the memory of their names. */
typedef struct tensor_list {
    tensor tensor[TENSOR_LIMIT];
    char name[TENSOR_LIMIT][NAME_TEXT];
    size_t count;
} tensor_list;

/* The name for the next tensor that add_tensor adds. */
static char *next_name(tensor_list *list) { return list->name[list->count]; }

static void add_tensor(tensor_list *list, size_t rank, size_t rows, size_t columns, const float *data) {
    list->tensor[list->count] =
        (tensor){.name = list->name[list->count], .rank = rank, .shape = {rows, columns}, .data = data};
    list->count++;
}

/* Layer l of the profiles: one shared by all, or one each. */
static bool list_layer(const model *m, size_t l, tensor_list *list, error *e) {
    const model_layer *first = m->profile[0].layer[l];
    size_t alike = 0;
    for (size_t p = 0; p < m->profiles; p++) alike += m->profile[p].layer[l] == first;
    const bool shared = alike == m->profiles;
    if (!shared && alike > 1)
        return fail(e, "layer %zu is shared by some profiles only; the file has no name for it", l + 1);
    for (size_t p = 0; p < (shared ? 1 : m->profiles); p++) {
        const model_layer *layer = m->profile[p].layer[l];
        shared ? shared_name(next_name(list), l, "weight") : own_name(next_name(list), p, l, "weight");
        add_tensor(list, 2, layer->out, layer->in, layer->w);
        shared ? shared_name(next_name(list), l, "bias") : own_name(next_name(list), p, l, "bias");
        add_tensor(list, 1, layer->out, 0, layer->b);
    }
    return true;
}

bool model_write(const model *m, const char *path, error *e) {
    bool written = false;
    json_t *metadata = metadata_of(m);
    tensor_list *list = calloc(1, sizeof *list);
    if (metadata == NULL || list == NULL) {
        fail(e, "%s: no memory to write the model", path);
        goto done;
    }
    for (size_t l = 0; l < m->layers; l++)
        if (!list_layer(m, l, list, e)) goto done;
    for (size_t p = 0; p < m->profiles; p++)
        for (size_t h = 1; h < m->layers; h++) {
            if (m->profile[p].gamma[h] == NULL) continue;
            gamma_tensor_name(next_name(list), p, h);
            add_tensor(list, 1, m->width[h], 0, m->profile[p].gamma[h]);
        }
    written = safetensors_write(path, metadata, list->tensor, list->count, e);
done:
    free(list);
    json_decref(metadata);
    return written;
}

/* ---- reading: metadata
 * ------------------------------------------------------------------------------------------- */

/* A required entry of the metadata. */
static bool get(const json_t *metadata, const char *key, const char **text, error *e) {
    *text = json_string_value(json_object_get(metadata, key));
    return *text != NULL || fail(e, "not a model of this project: its metadata have no '%s'", key);
}

static bool get_copy(const json_t *metadata, const char *key, char *copy, size_t copy_size, error *e) {
    const char *text;
    if (!get(metadata, key, &text, e)) return false;
    if (strlen(text) >= copy_size)
        return fail(e, "metadata '%s' is longer than %zu characters", key, copy_size - 1);
    strcpy(copy, text);
    return true;
}

/* Digits only, at most `limit`; moves *text behind them. */
static bool read_whole(const char **text, uint64_t limit, uint64_t *number) {
    uint64_t value = 0;
    const char *at = *text;
    for (; *at >= '0' && *at <= '9'; at++) {
        const uint64_t digit = (uint64_t)(*at - '0');
        if (digit > limit || value > (limit - digit) / 10) return false;
        value = 10 * value + digit;
    }
    if (at == *text) return false;
    *text = at;
    *number = value;
    return true;
}

/* "784,100,10": 1 to `most` numbers of at most `limit`. */
static bool read_list(const char *text, uint64_t limit, size_t most, size_t *numbers, size_t *count) {
    for (*count = 0; *count < most; text++) {
        uint64_t number;
        if (!read_whole(&text, limit, &number)) return false;
        numbers[(*count)++] = (size_t)number;
        if (*text != ',') return *text == '\0';
    }
    return false;
}

static bool read_widths(model *m, const char *text, error *e) {
    size_t count = 0;
    bool good = read_list(text, WIDTH_LIMIT, IDP_MAX_LAYERS + 1, m->width, &count) && count >= 2;
    for (size_t h = 0; h < count; h++) good = good && m->width[h] > 0;
    if (!good) return fail(e, "metadata widths '%.100s' are not 2 to %d widths", text, IDP_MAX_LAYERS + 1);
    m->layers = count - 1;
    return true;
}

static bool read_incomplete(model *m, const char *text, error *e) {
    size_t hidden[IDP_MAX_LAYERS], count = 0;
    if (text[0] == '\0') return true;
    bool good = read_list(text, IDP_MAX_LAYERS, IDP_MAX_LAYERS, hidden, &count);
    for (size_t i = 0; i < count && good; i++) {
        good = hidden[i] > (i == 0 ? 0 : hidden[i - 1]) && hidden[i] < m->layers;
        if (good) m->incomplete[hidden[i]] = true;
    }
    return good || fail(e, "metadata incomplete '%.100s' are not hidden activations in order", text);
}

static bool read_parts(model *m, const char *text, error *e) {
    const char *at = text;
    double last = 0;
    for (m->profiles = 0; m->profiles < MODEL_MAX_PROFILES; at++) {
        model_profile *p = &m->profile[m->profiles];
        if (!decimal_read(&at, &p->from_percent) || *at++ != '-' || !decimal_read(&at, &p->to_percent) ||
            p->from_percent != last || p->to_percent <= p->from_percent || p->to_percent > 100)
            break;
        last = p->to_percent;
        m->profiles++;
        if (*at == '\0') return true;
        if (*at != ',') break;
    }
    m->profiles = 0;
    return fail(e, "metadata parts '%.100s' are not 1 to %d consecutive ranges of percentages from 0", text,
                MODEL_MAX_PROFILES);
}

static bool read_metadata(model *m, const json_t *metadata, error *e) {
    const char *format, *gamma, *parts, *widths, *incomplete, *seed;
    if (!get(metadata, "format", &format, e)) return false;
    if (strcmp(format, FORMAT) != 0)
        return fail(e, "model format '%.40s' is not the one this program reads, %s", format, FORMAT);
    if (!get_copy(metadata, "recipe", m->recipe, sizeof m->recipe, e) ||
        !get_copy(metadata, "data", m->data_name, sizeof m->data_name, e) || !get(metadata, "gamma", &gamma, e) ||
        !get(metadata, "parts", &parts, e) || !get(metadata, "widths", &widths, e) ||
        !get(metadata, "incomplete", &incomplete, e) || !get(metadata, "seed", &seed, e))
        return false;
    if (!gamma_parse(gamma, &m->gamma)) return fail(e, "metadata gamma '%.40s' is not known here", gamma);
    const char *at = seed;
    if (!read_whole(&at, UINT64_MAX, &m->seed) || *at != '\0')
        return fail(e, "metadata seed '%.40s' is not a whole number of 64 bits", seed);
    if (!read_widths(m, widths, e) || !read_incomplete(m, incomplete, e) || !read_parts(m, parts, e)) return false;

    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value) {
        if (strncmp(key, SETTING, strlen(SETTING)) != 0) continue;
        const char *name = key + strlen(SETTING), *text = json_string_value(value);
        if (m->settings == MODEL_MAX_SETTINGS || strlen(name) >= sizeof m->setting[0].key ||
            strlen(text) >= sizeof m->setting[0].value)
            return fail(e, "metadata '%.100s' is one setting too many, or too long", key);
        model_note(m, name, "%s", text);
    }
    return true;
}

/* ---- reading: tensors
 * -------------------------------------------------------------------------------------------- */

/* The tensor of that name, if it has exactly that shape; rank 1 where columns is 0. Before memory for it is taken:
 * the widths are what a file claims, a tensor is what it has. */
static const tensor *shaped(const safetensors *file, const char *name, size_t rows, size_t columns, error *e) {
    const size_t rank = columns == 0 ? 1 : 2;
    const tensor *t = safetensors_find(file, name);
    if (t == NULL)
        fail(e, "tensor '%s' is missing", name);
    else if (t->rank == rank && t->shape[0] == rows && (rank == 1 || t->shape[1] == columns))
        return t;
    else if (rank == 2)
        fail(e, "tensor '%s' is not of shape [%zu, %zu], which the widths ask for", name, rows, columns);
    else
        fail(e, "tensor '%s' is not of shape [%zu], which the widths ask for", name, rows);
    return NULL;
}

static void copy(const tensor *t, float *to, size_t *used) {
    memcpy(to, t->data, tensor_values(t) * sizeof(float));
    ++*used;
}

static bool read_layer(model *m, const safetensors *file, const char *weight, const char *bias, size_t l,
                       model_layer **layer, size_t *used, error *e) {
    const size_t out = m->width[l + 1], in = m->width[l];
    const tensor *w = shaped(file, weight, out, in, e), *b = w != NULL ? shaped(file, bias, out, 0, e) : NULL;
    if (b == NULL) return false;
    *layer = model_add_layer(m, out, in);
    if (*layer == NULL) return fail(e, "no memory for '%s'", weight);
    copy(w, (*layer)->w, used);
    copy(b, (*layer)->b, used);
    return true;
}

static bool read_layers(model *m, const safetensors *file, size_t *used, error *e) {
    char weight[NAME_TEXT], bias[NAME_TEXT];
    for (size_t l = 0; l < m->layers; l++) {
        shared_name(weight, l, "weight");
        shared_name(bias, l, "bias");
        const bool shared = safetensors_find(file, weight) != NULL;
        for (size_t p = 0; p < m->profiles; p++) {
            model_layer **layer = &m->profile[p].layer[l];
            if (shared && p > 0) {
                *layer = m->profile[0].layer[l];
                continue;
            }
            if (!shared) {
                own_name(weight, p, l, "weight");
                own_name(bias, p, l, "bias");
            }
            if (!read_layer(m, file, weight, bias, l, layer, used, e)) return false;
        }
    }
    return true;
}

static bool read_gamma(model *m, const safetensors *file, size_t *used, error *e) {
    char name[NAME_TEXT];
    for (size_t p = 0; p < m->profiles; p++)
        for (size_t h = 1; h < m->layers; h++) {
            gamma_tensor_name(name, p, h);
            const size_t n = m->width[h];
            if (safetensors_find(file, name) == NULL) continue; /* all ones */
            const tensor *t = shaped(file, name, n, 0, e);
            if (t == NULL) return false;
            float *gamma = m->profile[p].gamma[h] = calloc(n, sizeof *gamma);
            if (gamma == NULL) return fail(e, "no memory for '%s'", name);
            copy(t, gamma, used);
        }
    return true;
}

bool model_read_any(model *m, const char *path, error *e) {
    bool read = false;
    model found = {0};
    safetensors file = {0};
    if (!safetensors_read(&file, path, e)) return false;
    size_t used = 0;
    if (!read_metadata(&found, file.metadata, e) || !read_layers(&found, &file, &used, e) ||
        !read_gamma(&found, &file, &used, e))
        goto named;
    if (used != file.count) {
        fail(e, "%zu tensors belong to no layer of this network", file.count - used);
        goto named;
    }
    *m = found;
    found = (model){0};
    read = true;
named:
    if (!read) fail_in(e, "%s", path);
    safetensors_free(&file);
    model_free(&found);
    return read;
}
