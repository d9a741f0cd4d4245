/* clock.h: time, and what disturbs it: the monotonic clock, the core's own clock, lost processors, pinning, the
 * floating-point mode. */
#ifndef HARNESS_MEASURE_CLOCK_H
#define HARNESS_MEASURE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Nanoseconds of a clock that never goes back and that nobody sets; only differences mean something. */
uint64_t clock_now_ns(void);

/* Estimated frequency of this core now, in Hz, from a chain of dependent multiplications of known latency (about
 * 0.1 ms). The timestamp counter is not that: it ticks at a fixed rate. 0 where it can't be told, and then
 * *unavailable (may be NULL) is the reason, a clause of English. */
double clock_core_hz(const char **unavailable);

/* How often the system took the processor away from this thread (on systems without per-thread counts: from this
 * process) since it started. Two equal readings mean that nothing else ran in between, except interrupt handlers
 * and, in a virtual machine, what the hypervisor does: neither can be seen here. */
uint64_t clock_preemptions(void);

enum { CLOCK_MAX_CPUS = 8192 }; /* the Linux kernel's own limit (NR_CPUS on x86-64) */

typedef struct cpu_pin {
    int cpu; /* where this thread is held, or -1 */
    unsigned long old_mask[CLOCK_MAX_CPUS / (8 * sizeof(unsigned long))];
} cpu_pin;

/* Holds the calling thread on the CPU that it is on. Where the system can't or won't, it stays free: pin->cpu is
 * -1, the return value false and *unavailable (may be NULL) the reason. */
bool cpu_pin_here(cpu_pin *pin, const char **unavailable);

/* Gives the thread back the CPUs it had. Harmless where it was not pinned, and the second time. */
void cpu_pin_release(cpu_pin *pin);

typedef enum ftz_mode { FTZ_OFF, FTZ_ON, FTZ_UNKNOWN } ftz_mode;

/* Whether the calling thread's vector unit takes subnormal results or inputs for zero (x86: FTZ or DAZ in MXCSR,
 * AArch64: FZ in FPCR). Read, never changed: it alters both results and times. */
ftz_mode clock_ftz(void);

/* Sets it (x86: both FTZ and DAZ), for processes that do nothing but measure. False where this architecture has no
 * such switch that is known here. */
bool clock_set_ftz(bool on);

#endif
