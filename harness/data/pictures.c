/* pictures.c: PGM as netpbm's pgm(5) defines it: magic, width, height, the largest value, one white space, then the
 * values by rows, as decimal numbers (P2) or as one or, above 255, two big-endian bytes (P5). */
#include "pictures.h"

#include <stdlib.h>

#include "../output.h"
#include "source.h"

enum { PGM_LIMIT_BYTES = 64 << 20, SIDE_MOST = 4096, VALUE_MOST = 65535 };

typedef struct reader {
    const char *path, *at, *end;
} reader;

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* White space and comments ("#" to the end of the line), then a decimal number in [least, most]. */
static bool read_number(reader *r, const char *what, uint32_t least, uint32_t most, uint32_t *number, error *e) {
    while (r->at < r->end && (is_space(*r->at) || *r->at == '#'))
        if (*r->at++ == '#')
            while (r->at < r->end && *r->at != '\n' && *r->at != '\r') r->at++;
    const char *first = r->at;
    uint32_t value = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && value <= most)
        value = 10 * value + (uint32_t)(*r->at++ - '0');
    if (r->at == first)
        return fail(e, "%s: %s is missing: %s", r->path, what,
                    first == r->end ? "the file is truncated" : "the file is damaged");
    if (value < least || value > most)
        return fail(e, "%s: %s is %u, it can be %u to %u", r->path, what, value, least, most);
    *number = value;
    return true;
}

static bool read_raster(reader *r, bool plain, uint32_t highest, size_t count, uint8_t *pixels, error *e) {
    const size_t bytes = highest > 255 ? 2 : 1;
    if (!plain) {
        if (r->at == r->end || !is_space(*r->at++) || (size_t)(r->end - r->at) < count * bytes)
            return fail(e, "%s: ends before the %zu bytes of its pixels: it is truncated", r->path, count * bytes);
        if ((size_t)(r->end - r->at) > count * bytes)
            return fail(e, "%s: goes on after the %zu bytes of its pixels: one picture a file", r->path,
                        count * bytes);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t value = 0;
        if (plain) {
            if (!read_number(r, "a pixel", 0, highest, &value, e)) return false;
        } else {
            for (size_t b = 0; b < bytes; b++) value = value << 8 | (uint8_t)*r->at++;
            if (value > highest)
                return fail(e, "%s: pixel %zu is %u, above the largest value %u of its header", r->path, i, value,
                            highest);
        }
        pixels[i] = (uint8_t)((value * 255 + highest / 2) / highest);
    }
    return true;
}

static bool pgm_read(const char *path, images *part, error *e) {
    char *bytes;
    size_t size;
    if (!input_read(path, PGM_LIMIT_BYTES, &bytes, &size, e)) return false;
    reader r = {path, bytes + 2, bytes + size};
    uint32_t columns, rows, highest;
    uint8_t *pixels = NULL;
    bool read = read_number(&r, "the width", 1, SIDE_MOST, &columns, e) &&
                read_number(&r, "the height", 1, SIDE_MOST, &rows, e) &&
                read_number(&r, "the largest value", 1, VALUE_MOST, &highest, e);
    if (read) {
        pixels = malloc((size_t)rows * columns);
        read = pixels != NULL ? read_raster(&r, bytes[1] == '2', highest, (size_t)rows * columns, pixels, e)
                              : fail(e, "%s: no memory for %u x %u pixels", path, rows, columns);
    }
    if (read)
        *part = (images){.count = 1, .rows = rows, .columns = columns, .pixels = pixels};
    else
        free(pixels);
    free(bytes);
    return read;
}

bool pictures_read(const char *path, images *part, error *e) {
    uint8_t magic[2];
    size_t got;
    source *s = source_open(path, e);
    if (s == NULL) return false;
    const bool read = source_read(s, magic, sizeof magic, &got, e);
    source_close(s);
    if (!read) return false;
    if (got == 2 && magic[0] == 'P' && (magic[1] == '2' || magic[1] == '5')) return pgm_read(path, part, e);
    if (got == 2 && magic[0] == 0 && magic[1] == 0) return idx_read_images(path, part, e);
    return fail(e, "%s: neither a PGM picture (P2 or P5) nor IDX images: convert it to PGM", path);
}

void pictures_invert(images *part) {
    for (size_t i = 0; i < part->count * part->rows * part->columns; i++)
        part->pixels[i] = (uint8_t)(255 - part->pixels[i]);
}

bool pictures_transpose(images *part, error *e) {
    const size_t rows = part->rows, columns = part->columns;
    uint8_t *turned = malloc(part->count * rows * columns);
    if (turned == NULL) return fail(e, "no memory to transpose %zu images", part->count);
    for (size_t s = 0; s < part->count; s++)
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < columns; c++)
                turned[(s * columns + c) * rows + r] = part->pixels[(s * rows + r) * columns + c];
    free(part->pixels);
    *part =
        (images){.count = part->count, .rows = columns, .columns = rows, .pixels = turned, .labels = part->labels};
    return true;
}
