#include "safetensors.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../output.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "model files hold little-endian floats, and this machine's are not"
#endif

enum {
    LENGTH_BYTES = 8,
    DATA_ALIGN = 64, /* the header is padded with spaces, which JSON allows, so that the data can be mapped */
    FILE_LIMIT_BYTES = 1 << 30,
};

size_t tensor_values(const tensor *t) {
    size_t values = 1;
    for (size_t d = 0; d < t->rank; d++) values *= t->shape[d];
    return values;
}

/* ---- writing --------------------------------------------------------------------------------------------------
 */

/* The header, padded; *size its length without the final NUL. */
static char *header_text(json_t *metadata, const tensor *tensors, size_t count, size_t *size) {
    char *text = NULL, *padded = NULL;
    json_t *header = json_object();
    if (header == NULL || json_object_set(header, "__metadata__", metadata) != 0) goto done;
    size_t offset = 0;
    for (size_t t = 0; t < count; t++) {
        const size_t end = offset + tensor_values(&tensors[t]) * sizeof(float);
        json_t *shape = json_array();
        bool described = shape != NULL;
        for (size_t d = 0; d < tensors[t].rank && described; d++)
            described = json_array_append_new(shape, json_integer((json_int_t)tensors[t].shape[d])) == 0;
        json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", "F32", "shape", shape, "data_offsets",
                                  (json_int_t)offset, (json_int_t)end);
        if (json_object_set_new(header, tensors[t].name, entry) != 0 || !described) goto done;
        offset = end;
    }
    text = json_dumps(header, JSON_COMPACT);
    if (text == NULL) goto done;
    const size_t length = strlen(text);
    *size = (LENGTH_BYTES + length + DATA_ALIGN - 1) / DATA_ALIGN * DATA_ALIGN - LENGTH_BYTES;
    padded = malloc(*size + 1);
    if (padded == NULL) goto done;
    memset(padded, ' ', *size);
    padded[*size] = '\0';
    memcpy(padded, text, length);
done:
    free(text);
    json_decref(header);
    return padded;
}

bool safetensors_write(const char *path, json_t *metadata, const tensor *tensors, size_t count, error *e) {
    size_t header_size = 0;
    char *header = header_text(metadata, tensors, count, &header_size);
    if (header == NULL) return fail(e, "%s: no memory for the header", path);
    bool written = false;
    output out;
    if (!output_open(&out, path, e)) goto done;
    const uint64_t length = header_size;
    bool whole =
        fwrite(&length, sizeof length, 1, out.file) == 1 && fwrite(header, 1, header_size, out.file) == header_size;
    for (size_t t = 0; t < count && whole; t++) {
        const size_t values = tensor_values(&tensors[t]);
        whole = fwrite(tensors[t].data, sizeof(float), values, out.file) == values;
    }
    if (!whole) {
        fail(e, "cannot write %s: %s", path, strerror(errno));
        output_discard(&out);
        goto done;
    }
    written = output_commit(&out, e);
done:
    free(header);
    return written;
}

/* ---- reading --------------------------------------------------------------------------------------------------
 */

/* An integer of [0, most]. */
static bool whole_number(const json_t *value, size_t most, size_t *number) {
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    if ((uint64_t)json_integer_value(value) > most) return false;
    *number = (size_t)json_integer_value(value);
    return true;
}

/* The part of the data that a tensor claims. */
typedef struct span {
    size_t begin, end;
    const char *name;
} span;

static bool read_entry(const char *name, const json_t *entry, const char *data, size_t data_size, tensor *t,
                       span *s, error *e) {
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    if (!json_is_object(entry) || json_object_size(entry) != 3 || dtype == NULL)
        return fail(e, "tensor '%.100s' is not described by dtype, shape and data_offsets", name);
    if (strcmp(dtype, "F32") != 0) return fail(e, "tensor '%.100s' has dtype %.20s; only F32 is read", name, dtype);

    const json_t *shape = json_object_get(entry, "shape");
    *t = (tensor){.name = name, .rank = json_array_size(shape)};
    if (!json_is_array(shape) || t->rank < 1 || t->rank > TENSOR_MAX_RANK)
        return fail(e, "tensor '%.100s' must have 1 or %d dimensions", name, TENSOR_MAX_RANK);
    size_t size = sizeof(float);
    for (size_t d = 0; d < t->rank; d++) {
        if (!whole_number(json_array_get(shape, d), FILE_LIMIT_BYTES, &t->shape[d]) || t->shape[d] == 0 ||
            size > FILE_LIMIT_BYTES / t->shape[d])
            return fail(e, "tensor '%.100s' has a dimension that is not a size", name);
        size *= t->shape[d];
    }
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (json_array_size(offsets) != 2 || !whole_number(json_array_get(offsets, 0), data_size, &s->begin) ||
        !whole_number(json_array_get(offsets, 1), data_size, &s->end) || s->begin > s->end)
        return fail(e, "tensor '%.100s' has data_offsets that are not within the file's %zu bytes of data", name,
                    data_size);
    if (s->end - s->begin != size)
        return fail(e, "tensor '%.100s' has %zu bytes of data, but its shape takes %zu", name, s->end - s->begin,
                    size);
    s->name = name;
    t->data = data + s->begin;
    return true;
}

static int by_begin(const void *a, const void *b) {
    const size_t x = ((const span *)a)->begin, y = ((const span *)b)->begin;
    return (x > y) - (x < y);
}

/* The tensors must tile the data. */
static bool check_spans(span *spans, size_t count, size_t data_size, error *e) {
    qsort(spans, count, sizeof *spans, by_begin);
    size_t end = 0;
    for (size_t t = 0; t < count; end = spans[t++].end) {
        if (spans[t].begin < end)
            return fail(e, "tensors '%.100s' and '%.100s' overlap", spans[t - 1].name, spans[t].name);
        if (spans[t].begin > end)
            return fail(e, "%zu bytes of data before tensor '%.100s' belong to none", spans[t].begin - end,
                        spans[t].name);
    }
    if (end != data_size) return fail(e, "%zu bytes of data at the end belong to no tensor", data_size - end);
    return true;
}

static bool check_finite(const tensor *t, error *e) {
    const size_t values = tensor_values(t);
    assert(t->data != NULL || values == 0);
    for (size_t i = 0; i < values; i++) {
        float value;
        memcpy(&value, (const char *)t->data + i * sizeof value, sizeof value);
        if (!isfinite(value)) return fail(e, "tensor '%.100s' has a value that is not finite, at %zu", t->name, i);
    }
    return true;
}

static bool check_metadata(json_t *metadata, error *e) {
    if (metadata == NULL) return true;
    if (!json_is_object(metadata)) return fail(e, "__metadata__ is not an object");
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value)) return fail(e, "__metadata__ '%.100s' is not a string", key);
    }
    return true;
}

/* The length and the JSON of the header. */
static bool read_header(safetensors *file, size_t size, size_t *data_at, error *e) {
    uint64_t length;
    if (size < sizeof length) return fail(e, "not a model file: %zu bytes are too few for a header", size);
    memcpy(&length, file->bytes, sizeof length);
    if (length > size - sizeof length)
        return fail(e, "truncated, or not a model file: its header would have %" PRIu64 " bytes, and %zu follow",
                    length, size - sizeof length);
    json_error_t at;
    file->header = json_loadb(file->bytes + sizeof length, (size_t)length, JSON_REJECT_DUPLICATES, &at);
    if (file->header == NULL && at.text[0] == '\0') return fail(e, "no memory for its header");
    if (file->header == NULL) return fail(e, "the header is damaged at byte %d: %s", at.position, at.text);
    if (!json_is_object(file->header)) return fail(e, "the header is not a JSON object");
    file->metadata = json_object_get(file->header, "__metadata__");
    *data_at = sizeof length + (size_t)length;
    return check_metadata(file->metadata, e);
}

bool safetensors_read(safetensors *file, const char *path, error *e) {
    safetensors f = {0};
    span *spans = NULL;
    size_t size = 0, data_at = 0;
    bool read = false;
    if (!input_read(path, FILE_LIMIT_BYTES, &f.bytes, &size, e)) return false;
    if (!read_header(&f, size, &data_at, e)) goto named;
    const size_t entries = json_object_size(f.header);
    f.tensors = calloc(entries + 1, sizeof *f.tensors);
    spans = calloc(entries + 1, sizeof *spans);
    if (f.tensors == NULL || spans == NULL) {
        fail(e, "no memory for %zu tensors", entries);
        goto named;
    }
    const char *name;
    json_t *entry;
    json_object_foreach(f.header, name, entry) {
        if (entry == f.metadata) continue;
        tensor *t = &f.tensors[f.count];
        if (!read_entry(name, entry, f.bytes + data_at, size - data_at, t, &spans[f.count], e)) goto named;
        f.count++;
    }
    if (!check_spans(spans, f.count, size - data_at, e)) goto named;
    for (size_t t = 0; t < f.count; t++)
        if (!check_finite(&f.tensors[t], e)) goto named;
    *file = f;
    f = (safetensors){0};
    read = true;
named:
    if (!read) fail_in(e, "%s", path);
    free(spans);
    safetensors_free(&f);
    return read;
}

void safetensors_free(safetensors *file) {
    free(file->bytes);
    free(file->tensors);
    json_decref(file->header);
    *file = (safetensors){0};
}

const tensor *safetensors_find(const safetensors *file, const char *name) {
    for (size_t t = 0; t < file->count; t++)
        if (strcmp(file->tensors[t].name, name) == 0) return &file->tensors[t];
    return NULL;
}
