/* executed_none.c: stands in for executed_step.c where a build cannot step and decode: the reason comes from CMake.
 */
#include "executed.h"

bool executed_available(error *e) {
    return fail(e, "this build cannot count executed work: %s", EXECUTED_UNAVAILABLE);
}

bool executed_count(void (*call)(const void *argument), const void *argument, uintptr_t entry, executed *counts,
                    error *e) {
    (void)call;
    (void)argument;
    (void)entry;
    (void)counts;
    return executed_available(e);
}
