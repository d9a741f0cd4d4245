/* error.h: what went wrong, in one line that names the file, the place and the mend. Only main prints it. */
#ifndef HARNESS_ERROR_H
#define HARNESS_ERROR_H

#include <stdbool.h>

typedef struct error {
    char text[1024];
} error;

/* Writes the message and returns false, so that a function can `return fail(e, "...")`. e may be NULL. */
bool fail(error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the message already there (for context) and returns false. */
bool fail_in(error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__ /* clang-tidy, which does not look into error.c to see that it is false */
#define fail(...) ((fail)(__VA_ARGS__), false)
#define fail_in(...) ((fail_in)(__VA_ARGS__), false)
#endif

#endif
