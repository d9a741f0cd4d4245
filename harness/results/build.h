/* build.h: what was built, and how: the `build` object of a results document. */
#ifndef HARNESS_BUILD_H
#define HARNESS_BUILD_H

#include <stdbool.h>

typedef struct build_facts {
    const char *version; /* of this project */
    const char
        *commit; /* abbreviated, "-dirty" behind it where tracked files differed; "unknown" outside a checkout */
    const char *compiler; /* name and version */
    const char *flags;    /* build type and the flags common to all C files */
    bool sanitized;       /* times mean nothing */
} build_facts;

build_facts build_read(void);

#endif
