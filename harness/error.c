#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef fail /* as clang-tidy sees them */
#undef fail_in

bool fail(error *e, const char *format, ...) {
    if (e != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(e->text, sizeof e->text, format, args);
        va_end(args);
    }
    return false;
}

bool fail_in(error *e, const char *format, ...) {
    if (e != NULL) {
        char prefix[sizeof e->text], whole[2 * sizeof e->text + 2];
        va_list args;
        va_start(args, format);
        vsnprintf(prefix, sizeof prefix, format, args);
        va_end(args);
        snprintf(whole, sizeof whole, "%s: %s", prefix, e->text);
        memcpy(e->text, whole, sizeof e->text - 1);
        e->text[sizeof e->text - 1] = '\0';
    }
    return false;
}
