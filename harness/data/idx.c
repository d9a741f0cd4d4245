/* idx.c: the IDX format of MNIST: a big-endian magic (two zeros, type 8 = unsigned bytes, number of dimensions),
 * one big-endian 32-bit size a dimension, then the bytes, the last dimension fastest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset.h"
#include "source.h"

enum { IMAGES_MAGIC = 0x00000803, LABELS_MAGIC = 0x00000801, MAX_DIMENSIONS = 3 };

static const char *magic_text(uint32_t magic) {
    return magic == IMAGES_MAGIC ? "IDX images" : magic == LABELS_MAGIC ? "IDX labels" : "no IDX file of bytes";
}

static uint32_t big_endian(const uint8_t *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* The magic, then `dimensions` sizes, all at least 1. */
static bool read_header(source *s, const char *path, uint32_t magic, uint32_t *size, error *e) {
    uint8_t header[4 * (1 + MAX_DIMENSIONS)];
    const size_t dimensions = magic & 0xff, want = 4 * (1 + dimensions);
    size_t got;
    if (!source_read(s, header, want, &got, e)) return false;
    if (got >= 4 && big_endian(header) != magic)
        return fail(e, "%s: begins with 0x%08x (%s), not with 0x%08x (%s): put the right file there", path,
                    big_endian(header), magic_text(big_endian(header)), magic, magic_text(magic));
    if (got < want)
        return fail(e, "%s: holds %zu bytes, an IDX header is %zu: the file is truncated, get it again", path, got,
                    want);
    for (size_t d = 0; d < dimensions; d++) {
        size[d] = big_endian(header + 4 * (d + 1));
        if (size[d] == 0)
            return fail(e, "%s: its header says that dimension %zu is 0: the set is empty", path, d + 1);
    }
    return true;
}

/* Exactly `size` bytes, then the end. Memory grows with what is really there, whatever the header says. */
static bool read_body(source *s, const char *path, size_t size, uint8_t **body, error *e) {
    size_t room = size < 1u << 20 ? size : 1u << 20, used = 0, got;
    uint8_t *bytes = malloc(room), beyond;
    bool read = false;
    for (; bytes != NULL;) {
        if (!source_read(s, bytes + used, room - used, &got, e)) goto done;
        used += got;
        if (used < room) {
            fail(e, "%s: ends after %zu of the %zu bytes that its header announces: it is truncated, get it again",
                 path, used, size);
            goto done;
        }
        if (used == size) break;
        room = size - room < room ? size : 2 * room;
        uint8_t *grown = realloc(bytes, room);
        if (grown == NULL) break;
        bytes = grown;
    }
    if (bytes == NULL || used < size) {
        fail(e, "%s: no memory for %zu bytes", path, size);
        goto done;
    }
    if (!source_read(s, &beyond, 1, &got, e)) goto done;
    if (got > 0) {
        fail(e, "%s: goes on after the %zu bytes that its header announces: header or data are wrong", path, size);
        goto done;
    }
    *body = bytes;
    bytes = NULL;
    read = true;
done:
    free(bytes);
    return read;
}

bool idx_read_images(const char *path, images *part, error *e) {
    source *s = source_open(path, e);
    if (s == NULL) return false;
    bool read = false;
    uint32_t size[MAX_DIMENSIONS];
    if (!read_header(s, path, IMAGES_MAGIC, size, e)) goto done;
    const uint64_t pixels = (uint64_t)size[1] * size[2];
    if (pixels > SIZE_MAX / size[0]) {
        fail(e, "%s: its header announces %u x %u x %u bytes, more than memory can hold: the header is damaged",
             path, size[0], size[1], size[2]);
        goto done;
    }
    uint8_t *body;
    if (!read_body(s, path, (size_t)(size[0] * pixels), &body, e)) goto done;
    *part = (images){.count = size[0], .rows = size[1], .columns = size[2], .pixels = body};
    read = true;
done:
    source_close(s);
    return read;
}

bool idx_read_labels(const char *path, images *part, error *e) {
    source *s = source_open(path, e);
    if (s == NULL) return false;
    bool read = false;
    uint8_t *body = NULL;
    uint32_t count;
    if (!read_header(s, path, LABELS_MAGIC, &count, e)) goto done;
    if (count != part->count) {
        fail(e, "%s: %u labels, but there are %zu images: the two files do not belong together", path, count,
             part->count);
        goto done;
    }
    if (!read_body(s, path, count, &body, e)) goto done;
    for (size_t i = 0; i < count; i++) {
        if (body[i] < DATASET_MAX_CLASSES) continue;
        fail(e, "%s: label %zu is %u, the largest there can be is %d: the file is damaged, or of another kind",
             path, i, body[i], DATASET_MAX_CLASSES - 1);
        goto done;
    }
    part->labels = body;
    body = NULL;
    read = true;
done:
    free(body);
    source_close(s);
    return read;
}
