/* fuzz_gzip.c: an IDX file within gzip. The bytes are the compressed file; the mutator changes what is in it as
 * often as it changes them, for of a changed byte the checksum would tell at once. */
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "../../harness/data/dataset.h"
#include "../../harness/data/source.h"
#include "input.h"

enum { GZIP = 15 + 16, MOST_BYTES = 1 << 16 };

static size_t inflate_all(const uint8_t *data, size_t size, uint8_t plain[MOST_BYTES]) {
    z_stream z = {
        .next_in = (uint8_t *)(uintptr_t)data, .avail_in = (uInt)size, .next_out = plain, .avail_out = MOST_BYTES};
    if (inflateInit2(&z, GZIP) != Z_OK) return 0;
    (void)inflate(&z, Z_FINISH);
    const size_t got = z.total_out;
    inflateEnd(&z);
    return got;
}

/* 0 where it does not fit. */
static size_t deflate_all(const uint8_t *plain, size_t size, int level, uint8_t *data, size_t most) {
    z_stream z = {
        .next_in = (uint8_t *)(uintptr_t)plain, .avail_in = (uInt)size, .next_out = data, .avail_out = (uInt)most};
    if (deflateInit2(&z, level, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    const size_t made = deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
    deflateEnd(&z);
    return made;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    static uint8_t plain[MOST_BYTES];
    if (seed % 2 == 0) return LLVMFuzzerMutate(data, size, most);
    const size_t before = inflate_all(data, size, plain);
    const size_t after = LLVMFuzzerMutate(plain, before, before < MOST_BYTES / 2 ? before + 64 : before);
    const size_t made = deflate_all(plain, after, (int)(seed / 2 % 10), data, most);
    return made > 0 ? made : size;
}

/* In pieces or as a whole, what is in it is the same. */
static void read_in_pieces(const char *path) {
    uint8_t piece[7];
    size_t got = sizeof piece, total = 0;
    char sum[65];
    error e;
    source *s = source_open(path, &e);
    if (s == NULL) return;
    bool read = true;
    while (read && got == sizeof piece && total < MOST_BYTES) {
        read = source_read(s, piece, sizeof piece, &got, &e);
        total += got;
    }
    source_close(s);
    if (total >= MOST_BYTES) return;
    claim(source_sha256(path, MOST_BYTES, sum, &e) == read, "read in pieces: %d; as a whole it is not so", read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *path = input_file(data, size);
    images part = {.count = 0};
    error e;
    read_in_pieces(path);
    if (idx_read_images(path, &part, &e)) free(part.pixels);
    for (size_t count = 1; count <= 16; count *= 4) {
        part = (images){.count = count};
        if (idx_read_labels(path, &part, &e)) free(part.labels);
    }
    return 0;
}
