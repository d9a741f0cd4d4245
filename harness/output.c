#include "output.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_open(output *out, const char *path, error *e) {
    struct stat facts;
    const bool exists = stat(path, &facts) == 0;
    char real[PATH_MAX];
    if (exists && realpath(path, real) == NULL) return fail(e, "cannot write %s: %s", path, strerror(errno));
    const char *target = exists ? real : path;
    if (strlen(target) >= sizeof out->path) return fail(e, "%.200s...: the path is too long", path);
    if (exists && S_ISDIR(facts.st_mode)) return fail(e, "cannot write %s: it is a folder", path);
    strcpy(out->path, target);
    const bool direct = exists && !S_ISREG(facts.st_mode);
    if (direct)
        out->temporary[0] = '\0';
    else
        snprintf(out->temporary, sizeof out->temporary, "%s.tmp-%ld", target, (long)getpid());
    out->file = fopen(direct ? path : out->temporary, "wb");
    if (out->file == NULL) return fail(e, "cannot write %s: %s", path, strerror(errno));
    return true;
}

void output_discard(output *out) {
    if (out->file == NULL) return;
    fclose(out->file);
    out->file = NULL;
    if (out->temporary[0] != '\0') unlink(out->temporary);
}

bool output_commit(output *out, error *e) {
    const bool direct = out->temporary[0] == '\0'; /* a pipe cannot be synced */
    bool written = fflush(out->file) == 0 && !ferror(out->file) && (direct || fsync(fileno(out->file)) == 0);
    int reason = errno;
    if (fclose(out->file) != 0 && written) {
        written = false;
        reason = errno;
    }
    out->file = NULL;
    if (written && (direct || rename(out->temporary, out->path) == 0)) return true;
    if (written) reason = errno;
    if (!direct) unlink(out->temporary);
    return fail(e, "cannot write %s: %s", out->path, strerror(reason));
}

bool output_write(const char *path, const void *bytes, size_t size, error *e) {
    output out;
    if (!output_open(&out, path, e)) return false;
    if (fwrite(bytes, 1, size, out.file) != size) {
        fail(e, "cannot write %s: %s", path, strerror(errno));
        output_discard(&out);
        return false;
    }
    return output_commit(&out, e);
}

bool output_folder(const char *path, error *e) {
    char part[4096];
    const size_t length = strlen(path);
    if (length == 0 || length >= sizeof part) return fail(e, "'%.200s' cannot be a folder's path", path);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return fail(e, "cannot make the folder %s: %s", part, strerror(errno));
    }
    struct stat facts;
    if (stat(path, &facts) != 0 || !S_ISDIR(facts.st_mode)) return fail(e, "%s is not a folder", path);
    return true;
}

bool input_read(const char *path, size_t limit, char **bytes, size_t *size, error *e) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return fail(e, "cannot read %s: %s", path, strerror(errno));
    bool read = false;
    char *buffer = NULL;
    size_t used = 0, room = 0;
    struct stat facts;
    if (fstat(fileno(file), &facts) == 0 && S_ISREG(facts.st_mode) && (uintmax_t)facts.st_size > limit) {
        fail(e, "%s is larger than %zu bytes; a file of this kind is not", path, limit);
        goto done;
    }
    for (;;) {
        if (used + 1 >= room) {
            room = room == 0 ? 65536 : 2 * room;
            char *grown = realloc(buffer, room);
            if (grown == NULL) {
                fail(e, "%s: no memory for %zu bytes", path, room);
                goto done;
            }
            buffer = grown;
        }
        const size_t got = fread(buffer + used, 1, room - used - 1, file);
        if (got == 0) break;
        used += got;
        if (used > limit) {
            fail(e, "%s is larger than %zu bytes; a file of this kind is not", path, limit);
            goto done;
        }
    }
    if (ferror(file)) {
        fail(e, "cannot read %s: %s", path, strerror(errno));
        goto done;
    }
    buffer[used] = '\0';
    *bytes = buffer;
    *size = used;
    buffer = NULL;
    read = true;
done:
    free(buffer);
    fclose(file);
    return read;
}
