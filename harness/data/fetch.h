/* fetch.h: downloads the files of a data set with the program curl, and keeps them only if they are the right ones.
 */
#ifndef HARNESS_FETCH_H
#define HARNESS_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../error.h"

typedef struct fetch_file {
    const char *name;    /* on the mirror and in the folder */
    uint64_t size_bytes; /* as stored on the mirrors, about: for the progress; four times as much is refused */
    uint64_t whole_size_bytes; /* decompressed, exactly */
    const char *sha256;        /* of the decompressed bytes */
} fetch_file;

typedef struct fetch_manifest {
    const char *name;
    const char *const *mirrors; /* URLs of folders, with or without a slash at the end; tried in turn */
    size_t mirror_count;
    const fetch_file *files;
    size_t file_count;
} fetch_manifest;

/* Makes `folder` hold the manifest's files. Those already there with the right sum stay; the others are downloaded
 * into a temporary folder inside it, and moved out only after all of them had the right sum, so that a failure
 * leaves the folder as it was. *fetched is the number of files downloaded. */
bool fetch_files(const fetch_manifest *manifest, const char *folder, size_t *fetched, error *e);

#endif
