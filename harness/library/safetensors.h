/* safetensors.h: the container that model files use: 8 bytes of header length (little-endian), a JSON header, the
 * tensors' data. Public format of the safetensors project; here float32 tensors of one or two dimensions only. */
#ifndef HARNESS_SAFETENSORS_H
#define HARNESS_SAFETENSORS_H

#include <jansson.h>

#include "../error.h"

enum { TENSOR_MAX_RANK = 2 };

typedef struct tensor {
    const char *name;
    size_t rank, shape[TENSOR_MAX_RANK];
    const void *data; /* float32 [product of shape]; at any byte when read, so copy it */
} tensor;

typedef struct safetensors {
    char *bytes;      /* the file */
    json_t *header;   /* owns the names */
    json_t *metadata; /* borrowed: object of strings, or NULL */
    tensor *tensors;
    size_t count;
} safetensors;

/* Writes the file whole or not at all; metadata is an object of strings. The data start at a multiple of 64 bytes.
 */
bool safetensors_write(const char *path, json_t *metadata, const tensor *tensors, size_t count, error *e);

/* Reads and checks the whole file: lengths, JSON, dtype F32, shapes against offsets, data without gaps or overlaps,
 * finite values. Leaves *file untouched on failure. */
bool safetensors_read(safetensors *file, const char *path, error *e);
void safetensors_free(safetensors *file);

/* The tensor of that name, or NULL. */
const tensor *safetensors_find(const safetensors *file, const char *name);

/* Number of values of a tensor. */
size_t tensor_values(const tensor *t);

#endif
