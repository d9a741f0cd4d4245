/* usage.c: who had the processors during the run: this program, others, the hypervisor. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../measure/system_file.h"
#include "environment.h"

/* ---- a reading --------------------------------------------------------------------------------------------- */

/* The CPU's counter of constant rate, which is not its clock. */
static uint64_t time_counter(void) {
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    return 0;
#endif
}

static double seconds_of(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

static double own_seconds(void) {
    static const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    double sum_s = 0;
    for (unsigned w = 0; w < 2; w++) {
        struct rusage usage;
        if (getrusage(who[w], &usage) == 0) sum_s += seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    }
    return sum_s;
}

/* proc(5), /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user. */
static void read_stat(const char *proc, environment_usage *u) {
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, STATES };
    unsigned long long ticks[STATES] = {0};
    char line[256];
    const int error_number = system_value(proc, "stat", "cpu ", line, sizeof line);
    const double tick_s = 1 / (double)sysconf(_SC_CLK_TCK);
    if (error_number != 0) {
        snprintf(u->no_stat, sizeof u->no_stat, "%.60s/stat: %s", proc, strerror(error_number));
        return;
    }
    if (sscanf(line, "%llu %llu %llu %llu %llu %llu %llu %llu", &ticks[USER], &ticks[NICE], &ticks[SYSTEM],
               &ticks[IDLE], &ticks[IOWAIT], &ticks[IRQ], &ticks[SOFTIRQ], &ticks[STEAL]) != STATES) {
        snprintf(u->no_stat, sizeof u->no_stat, "%.60s/stat is not understood", proc);
        return;
    }
    for (unsigned s = 0; s < STATES; s++) u->all_s += tick_s * (double)ticks[s];
    u->steal_s = tick_s * (double)ticks[STEAL];
    u->busy_s = u->all_s - u->steal_s - tick_s * (double)(ticks[IDLE] + ticks[IOWAIT]);
}

/* /proc/self/schedstat: ns on a processor, ns ready without one, times put on one (of the first thread, which is
 * the one that measures). */
static void read_wait(const char *proc, environment_usage *u) {
    char line[96];
    unsigned long long ran_ns, waited_ns;
    const int error_number = system_line(proc, "self/schedstat", line, sizeof line);
    if (error_number != 0)
        snprintf(u->no_wait, sizeof u->no_wait, "%.60s/self/schedstat: %s", proc, strerror(error_number));
    else if (sscanf(line, "%llu %llu", &ran_ns, &waited_ns) != 2)
        snprintf(u->no_wait, sizeof u->no_wait, "%.60s/self/schedstat is not understood", proc);
    else
        u->waited_s = 1e-9 * (double)waited_ns;
}

environment_usage environment_usage_read(const environment *env) {
    environment_usage u = {.own_s = own_seconds()};
    read_stat(env->source.proc, &u);
    read_wait(env->source.proc, &u);
    u.now_ns = env->source.now_ns();
    u.ticks = time_counter();
    return u;
}

/* ---- two readings ------------------------------------------------------------------------------------------ */

/* The reason of either; NULL where both have figures and enough time lies between them: the system counts in
 * hundredths of a second. */
static const char *no_span(const char *first, const char *last, double seconds) {
    if (first[0] != '\0') return first;
    if (last[0] != '\0') return last;
    return seconds < 0.5 ? "the run was shorter than half a second" : NULL;
}

void environment_usage_since_start(environment *env) {
    const environment_usage *first = &env->first, last = environment_usage_read(env);
    const double seconds = 1e-9 * (double)(last.now_ns - first->now_ns);
    env->seconds = seconds;
    env->tsc_hz = first->ticks == 0 ? fact_unavailable("none is known on this architecture")
                  : seconds < 0.001 ? fact_unavailable("the run was shorter than a millisecond")
                                    : fact_number((double)(last.ticks - first->ticks) / seconds);

    const char *reason = no_span(first->no_stat, last.no_stat, seconds);
    if (reason != NULL) {
        env->others_processors = env->steal_percent = fact_unavailable("%s", reason);
    } else {
        const double own_s = last.own_s - first->own_s, busy_s = last.busy_s - first->busy_s,
                     all_s = last.all_s - first->all_s;
        env->others_processors = fact_number(fmax(0, busy_s - own_s) / seconds);
        env->steal_percent = all_s > 0 ? fact_number(100 * (last.steal_s - first->steal_s) / all_s)
                                       : fact_unavailable("the system's counts stand still");
    }
    reason = no_span(first->no_wait, last.no_wait, seconds);
    env->waited_percent = reason != NULL ? fact_unavailable("%s", reason)
                                         : fact_number(100 * (last.waited_s - first->waited_s) / seconds);
}
