/* clock.c: see clock.h. Linux first; what only Linux has says so elsewhere. */
#ifdef __linux__
#define _GNU_SOURCE /* RUSAGE_THREAD, sched_getcpu */
#include <sched.h>
#endif
#include "clock.h"

#include <stddef.h>
#include <sys/resource.h>
#include <time.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

uint64_t clock_now_ns(void) {
#ifdef __APPLE__
    const clockid_t id = CLOCK_UPTIME_RAW; /* CLOCK_MONOTONIC ticks in microseconds there */
#else
    const clockid_t id = CLOCK_MONOTONIC;
#endif
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#if defined(__x86_64__)

/* 3 cycles on every x86-64 core from Nehalem and Zen on (Intel optimization manual, appendix D; AMD optimization
 * guides). Never an add or lea chain: those are folded at rename and mislead by up to 6 times. */
enum { IMUL_CYCLES = 3, IMULS_PER_TURN = 8, TURNS = 1024 };

static void imul_chain(void) {
    uint64_t product = 3;
    for (int turn = 0; turn < TURNS; turn++)
        __asm__ volatile("imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0"
                         : "+r"(product)
                         :
                         : "cc");
}

double clock_core_hz(const char **unavailable) {
    /* The fastest of several: an interrupt or a descheduled virtual CPU can only make one slower. */
    enum { TRIES = 16 };
    uint64_t best_ns = UINT64_MAX;
    for (int t = 0; t < TRIES; t++) {
        const uint64_t start = clock_now_ns();
        imul_chain();
        const uint64_t took = clock_now_ns() - start;
        if (took > 0 && took < best_ns) best_ns = took;
    }
    if (best_ns == UINT64_MAX) {
        if (unavailable != NULL) *unavailable = "the clock is too coarse";
        return 0;
    }
    return 1e9 * (double)IMUL_CYCLES * IMULS_PER_TURN * TURNS / (double)best_ns;
}

enum { FLUSH_TO_ZERO = 1 << 15, DENORMALS_ARE_ZERO = 1 << 6 }; /* of MXCSR; Intel SDM volume 1, figure 10-3 */

ftz_mode clock_ftz(void) { return (_mm_getcsr() & (FLUSH_TO_ZERO | DENORMALS_ARE_ZERO)) != 0 ? FTZ_ON : FTZ_OFF; }

bool clock_set_ftz(bool on) {
    const unsigned flags = FLUSH_TO_ZERO | DENORMALS_ARE_ZERO, others = _mm_getcsr() & ~flags;
    _mm_setcsr(on ? others | flags : others);
    return true;
}

#else

double clock_core_hz(const char **unavailable) {
    if (unavailable != NULL) *unavailable = "no instruction of known latency on every core of this architecture";
    return 0;
}

#if defined(__aarch64__)

static const uint64_t flush_to_zero = (uint64_t)1 << 24; /* Arm ARM, FPCR.FZ */

static uint64_t fpcr_read(void) {
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}

ftz_mode clock_ftz(void) { return (fpcr_read() & flush_to_zero) != 0 ? FTZ_ON : FTZ_OFF; }

bool clock_set_ftz(bool on) {
    const uint64_t others = fpcr_read() & ~flush_to_zero, fpcr = on ? others | flush_to_zero : others;
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
    return true;
}

#else

ftz_mode clock_ftz(void) { return FTZ_UNKNOWN; }

bool clock_set_ftz(bool on) {
    (void)on;
    return false;
}

#endif

#endif

uint64_t clock_preemptions(void) {
#ifdef __linux__
    const int who = RUSAGE_THREAD;
#else
    const int who = RUSAGE_SELF;
#endif
    struct rusage usage;
    return getrusage(who, &usage) == 0 ? (uint64_t)usage.ru_nivcsw : 0;
}

#ifdef __linux__

bool cpu_pin_here(cpu_pin *pin, const char **unavailable) {
    enum { BITS = 8 * sizeof(unsigned long) };
    *pin = (cpu_pin){.cpu = -1};
    const int cpu = sched_getcpu();
    const char *reason = NULL;
    if (cpu < 0 || cpu >= CLOCK_MAX_CPUS) {
        reason = "the system does not tell on which CPU this runs";
    } else if (sched_getaffinity(0, sizeof pin->old_mask, (cpu_set_t *)pin->old_mask) != 0) {
        reason = "the system does not tell on which CPUs this may run";
    } else {
        unsigned long mask[sizeof pin->old_mask / sizeof pin->old_mask[0]] = {0};
        mask[cpu / BITS] = 1ul << (cpu % BITS);
        if (sched_setaffinity(0, sizeof mask, (const cpu_set_t *)mask) != 0)
            reason = "the system refuses to hold a thread on one CPU";
    }
    if (reason == NULL)
        pin->cpu = cpu;
    else if (unavailable != NULL)
        *unavailable = reason;
    return reason == NULL;
}

void cpu_pin_release(cpu_pin *pin) {
    if (pin->cpu < 0) return;
    pin->cpu = -1;
    /* It can fail only where all those CPUs have gone since; then the system has chosen others already. */
    (void)sched_setaffinity(0, sizeof pin->old_mask, (const cpu_set_t *)pin->old_mask);
}

#else

bool cpu_pin_here(cpu_pin *pin, const char **unavailable) {
    *pin = (cpu_pin){.cpu = -1};
    if (unavailable != NULL) *unavailable = "this system can't hold a thread on one CPU";
    return false;
}

void cpu_pin_release(cpu_pin *pin) { pin->cpu = -1; }

#endif
