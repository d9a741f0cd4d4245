/* step.h: runs a call in a child process, one instruction at a time (ptrace; Linux on x86-64 only). */
#ifndef HARNESS_MEASURE_STEP_H
#define HARNESS_MEASURE_STEP_H

#include <stdint.h>

#include "../error.h"

/* What to step: call(argument), from where it enters the function at the address `entry` until that returns.
 * It must be repeatable and end in finite time: the child calls it once at full speed first, so that lazy binding
 * and page faults are behind it. */
typedef struct step_call {
    void (*call)(const void *argument);
    const void *argument;
    uintptr_t entry; /* 0: of `call` itself */
} step_call;

/* The stopped child; memory and registers as they are before the instruction that comes next. */
typedef struct step_point {
    int child;
    uint64_t address; /* of that instruction */
} step_point;

/* Called before every instruction. false stops the stepping, with the message in e. */
typedef bool step_visit(void *user, const step_point *at, error *e);

/* Steps the call. Some 50,000 instructions a second (a repeated string instruction counts once per repetition).
 * Fails where the system forbids tracing, where the call crashes or does not reach `entry`, and on Ctrl-C. */
bool step_run(const step_call *call, step_visit *visit, void *user, error *e);

enum { STEP_CODE_BYTES = 16 }; /* an x86 instruction has at most 15 */

/* The code at the next instruction; zeros where it runs into unmapped memory. */
bool step_code(const step_point *at, unsigned char code[STEP_CODE_BYTES], error *e);

/* The opmask register k0 .. k7. */
bool step_opmask(const step_point *at, unsigned k, uint64_t *mask, error *e);

/* The register ymm0 .. ymm15. */
bool step_ymm(const step_point *at, unsigned number, unsigned char ymm[32], error *e);

#endif
