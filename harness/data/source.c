#include "source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h> /* before sha2.h, which needs it and does not say so */

#include <sha2.h>
#include <zlib.h>

struct source {
    FILE *file;
    char *path;
    bool gzip, inflating, member_ended;
    z_stream stream; /* its next_in and avail_in hold what was read but not used yet, for plain files too */
    uint8_t buffer[65536];
};

/* Reads on once the buffer is used up; avail_in stays 0 at the end of the file. */
static bool refill(source *s, error *e) {
    if (s->stream.avail_in > 0) return true;
    s->stream.next_in = s->buffer;
    s->stream.avail_in = (uInt)fread(s->buffer, 1, sizeof s->buffer, s->file);
    if (s->stream.avail_in == 0 && ferror(s->file)) return fail(e, "cannot read %s: %s", s->path, strerror(errno));
    return true;
}

source *source_open(const char *path, error *e) {
    source *s = calloc(1, sizeof *s);
    if (s == NULL || (s->path = strdup(path)) == NULL) {
        fail(e, "%s: no memory to read it", path);
        goto failed;
    }
    s->file = fopen(path, "rb");
    if (s->file == NULL) {
        fail(e, "cannot read %s: %s", path, strerror(errno));
        goto failed;
    }
    if (!refill(s, e)) goto failed;
    s->gzip = s->stream.avail_in >= 2 && s->buffer[0] == 0x1f && s->buffer[1] == 0x8b; /* RFC 1952, section 2.3.1 */
    if (s->gzip) {
        enum { GZIP_WINDOW = 15 + 16 }; /* the largest window, and gzip rather than zlib framing */
        s->inflating = inflateInit2(&s->stream, GZIP_WINDOW) == Z_OK;
        if (!s->inflating) {
            fail(e, "%s: no memory to decompress it", path);
            goto failed;
        }
    }
    return s;
failed:
    source_close(s);
    return NULL;
}

static bool read_plain(source *s, uint8_t *bytes, size_t want, size_t *got, error *e) {
    while (*got < want) {
        if (!refill(s, e)) return false;
        if (s->stream.avail_in == 0) return true;
        const size_t left = want - *got, n = left < s->stream.avail_in ? left : s->stream.avail_in;
        memcpy(bytes + *got, s->stream.next_in, n);
        s->stream.next_in += n;
        s->stream.avail_in -= (uInt)n;
        *got += n;
    }
    return true;
}

/* A gzip file is one or more members; whatever follows one must be another. */
static bool read_gzip(source *s, uint8_t *bytes, size_t want, size_t *got, error *e) {
    while (*got < want) {
        if (!refill(s, e)) return false;
        if (s->stream.avail_in == 0 && s->member_ended) return true;
        if (s->stream.avail_in == 0)
            return fail(e, "%s: the gzip data ends too early: the file is truncated, get it again", s->path);
        if (s->member_ended && inflateReset(&s->stream) != Z_OK)
            return fail(e, "%s: cannot decompress it", s->path);
        const size_t left = want - *got, most = 1u << 30; /* zlib counts in unsigned int */
        const uInt room = (uInt)(left < most ? left : most);
        s->stream.next_out = bytes + *got;
        s->stream.avail_out = room;
        const int status = inflate(&s->stream, Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END)
            return fail(e, "%s: the gzip data is damaged (%s): get the file again", s->path,
                        s->stream.msg != NULL ? s->stream.msg : zError(status));
        s->member_ended = status == Z_STREAM_END;
        *got += room - s->stream.avail_out;
    }
    return true;
}

bool source_read(source *s, void *bytes, size_t want, size_t *got, error *e) {
    size_t read = 0;
    if (!(s->gzip ? read_gzip : read_plain)(s, bytes, want, &read, e)) return false;
    *got = read;
    return true;
}

void source_close(source *s) {
    if (s == NULL) return;
    if (s->inflating) inflateEnd(&s->stream);
    if (s->file != NULL) fclose(s->file);
    free(s->path);
    free(s);
}

bool source_sha256(const char *path, uint64_t limit, char sha256[65], error *e) {
    source *s = source_open(path, e);
    if (s == NULL) return false;
    bool summed = false;
    uint8_t bytes[65536];
    uint64_t total = 0;
    SHA2_CTX sum;
    SHA256Init(&sum);
    for (size_t got = sizeof bytes; got == sizeof bytes;) {
        if (!source_read(s, bytes, sizeof bytes, &got, e)) goto done;
        total += got;
        if (total > limit) {
            fail(e, "%s: more than the %llu bytes it should hold", path, (unsigned long long)limit);
            goto done;
        }
        SHA256Update(&sum, bytes, got);
    }
    SHA256End(&sum, sha256);
    summed = true;
done:
    source_close(s);
    return summed;
}
