#include "counters.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fact.h"
#include "system_file.h"

/* Groups are counted in separate calls, so that each fits into the hardware: at most four general counters, which
 * is what every core has. */
static const struct {
    const char *name;
    unsigned group;
    unsigned lanes; /* of a float32 arithmetic instruction; else 0 */
} counters_known[COUNTERS] = {
    [COUNTER_CYCLES] = {"cycles", 0, 0},
    [COUNTER_INSTRUCTIONS] = {"instructions", 0, 0},
    [COUNTER_CACHE_MISSES] = {"cache_misses", 0, 0},
    [COUNTER_FP_SCALAR] = {"fp_scalar", 1, 1},
    [COUNTER_FP_128] = {"fp_128", 1, 4},
    [COUNTER_FP_256] = {"fp_256", 1, 8},
    [COUNTER_FP_512] = {"fp_512", 1, 16},
};
enum { GROUPS = 2 };

const char *counter_name(counter which) { return counters_known[which].name; }

/* ---- why not ----------------------------------------------------------------------------------------------- */

/* EACCES and EPERM: a setting that root can change, or a sandbox around this process. */
static void explain_refusal(const counters *c, char *reason, size_t reason_size) {
    char line[32] = "";
    const bool told = system_line(c->kernel->proc, "sys/kernel/perf_event_paranoid", line, sizeof line) == 0;
    if (told && atoi(line) > 2)
        snprintf(reason, reason_size,
                 "kernel.perf_event_paranoid is %s; as root: sysctl kernel.perf_event_paranoid=2", line);
    else
        snprintf(reason, reason_size,
                 "the system refuses it: a container's seccomp profile or a security policy (allow "
                 "perf_event_open, or run outside)");
}

static void explain(const counters *c, int error_number, char *reason, size_t reason_size) {
    switch (error_number) {
    case EACCES:
    case EPERM: explain_refusal(c, reason, reason_size); return;
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
        snprintf(reason, reason_size, "this machine offers no such hardware counter (usual in a virtual machine)");
        return;
    case ENOSYS: snprintf(reason, reason_size, "this system has no perf_event_open, or a sandbox hides it"); return;
    case EINVAL: snprintf(reason, reason_size, "this CPU can't count it, or not beside the others"); return;
    default: snprintf(reason, reason_size, "perf_event_open: %s", strerror(error_number));
    }
}

/* The arithmetic events have no name of their own in the kernel's interface, only a number, and the same number is
 * another event on other cores. So only where libpfm4 knows it by name, or on cores that the kernel itself names
 * and for which Intel documents it. */
static bool has_fp_event(const counters *c, counter which, char *reason, size_t reason_size) {
    if (c->kernel->named != NULL && c->kernel->named(c->kernel->context, which)) return true;
    static const char *const names[] = {"broadwell", "skylake", "icelake", "sapphire_rapids", "granite_rapids"};
    char name[64];
    if (system_line(c->kernel->sys, "bus/event_source/devices/cpu/caps/pmu_name", name, sizeof name) != 0) {
        snprintf(reason, reason_size, "the system does not name this core's counters");
        return false;
    }
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        if (strcmp(name, names[n]) == 0) return true;
    snprintf(reason, reason_size, "no such counter known for cores of the kind '%s'", name);
    return false;
}

/* ---- counting ---------------------------------------------------------------------------------------------- */

/* The descriptor that stands for the group; -1 where nothing of it is open. */
static int leader(const counters *c, unsigned group) {
    for (unsigned i = 0; i < COUNTERS; i++)
        if (counters_known[i].group == group && c->counter[i].descriptor >= 0) return c->counter[i].descriptor;
    return -1;
}

void counters_open(counters *c, const counters_kernel *kernel) {
    *c = (counters){.kernel = kernel != NULL ? kernel : &counters_system};
    for (unsigned i = 0; i < COUNTERS; i++) c->counter[i].descriptor = -1;
    for (unsigned i = 0; i < COUNTERS; i++) {
        char *reason = c->counter[i].unavailable;
        const size_t size = sizeof c->counter[i].unavailable;
        if (counters_known[i].lanes > 0 && !has_fp_event(c, i, reason, size)) continue;
        c->counter[i].descriptor = c->kernel->open(c->kernel->context, i, leader(c, counters_known[i].group));
        if (c->counter[i].descriptor < 0) explain(c, errno, reason, size);
    }
}

void counters_close(counters *c) {
    /* Backwards: a leader after its group. */
    for (unsigned i = COUNTERS; i-- > 0;) {
        if (c->kernel != NULL && c->counter[i].descriptor >= 0)
            c->kernel->close(c->kernel->context, c->counter[i].descriptor);
    }
    *c = (counters){0};
}

bool counters_any(const counters *c) {
    for (unsigned group = 0; c->kernel != NULL && group < GROUPS; group++)
        if (leader(c, group) >= 0) return true;
    return false;
}

const char *counter_unavailable(const counters *c, counter which) {
    const char *reason = c->counter[which].unavailable;
    return reason[0] != '\0' ? reason : NULL;
}

static counters_value unavailable(const char *reason) { return (counters_value){NAN, reason}; }

/* Counts go on from call to call: what counts is the difference. */
static counters_value difference(const counters_sample *before, const counters_sample *after, uint64_t iterations) {
    const double count = (double)(after->count - before->count),
                 enabled_ns = (double)(after->enabled_ns - before->enabled_ns),
                 running_ns = (double)(after->running_ns - before->running_ns);
    if (running_ns == 0)
        return unavailable("it never got one of the CPU's counters: others hold them (NMI watchdog, a profiler)");
    return (counters_value){count * (enabled_ns / running_ns) / (double)iterations, NULL};
}

/* value[i].unavailable of the counters of that group that can't be read is set; NULL for the others. */
static void read_group(const counters *c, unsigned group, counters_sample sample[COUNTERS],
                       counters_value value[COUNTERS]) {
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (counters_known[i].group != group || value[i].unavailable != NULL) continue;
        if (c->kernel->read(c->kernel->context, c->counter[i].descriptor, &sample[i]) != 0)
            value[i] = unavailable("it could not be read");
    }
}

static bool call_group(const counters *c, unsigned group, void (*run)(void *state, uint64_t iterations),
                       void *state, uint64_t iterations) {
    const int first = leader(c, group);
    if (first < 0 || c->kernel->control(c->kernel->context, first, true) != 0) return false;
    run(state, iterations);
    return c->kernel->control(c->kernel->context, first, false) == 0;
}

void counters_count(const counters *c, void (*run)(void *state, uint64_t iterations), void *state,
                    uint64_t iterations, counters_value value[COUNTERS]) {
    counters_sample before[COUNTERS], after[COUNTERS];
    for (unsigned i = 0; i < COUNTERS; i++) value[i] = (counters_value){NAN, counter_unavailable(c, i)};
    for (unsigned group = 0; group < GROUPS; group++) {
        read_group(c, group, before, value);
        const bool counted = call_group(c, group, run, state, iterations);
        read_group(c, group, after, value);
        for (unsigned i = 0; i < COUNTERS; i++)
            if (counters_known[i].group == group && value[i].unavailable == NULL)
                value[i] = counted ? difference(&before[i], &after[i], iterations)
                                   : unavailable("it could not be switched on");
    }
}

/* ---- the record -------------------------------------------------------------------------------------------- */

static json_t *value_json(const counters_value *v) {
    return v->unavailable == NULL ? number_json(v->count) : unavailable_json(v->unavailable);
}

static counters_value flops(const counters_value value[COUNTERS]) {
    counters_value sum = {0, NULL};
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (counters_known[i].lanes == 0) continue;
        if (value[i].unavailable != NULL) return value[i];
        sum.count += counters_known[i].lanes * value[i].count;
    }
    return sum;
}

json_t *counters_json(const counters_value value[COUNTERS]) {
    bool any = false;
    for (unsigned i = 0; i < COUNTERS; i++) any = any || value[i].unavailable == NULL;
    if (!any) return unavailable_json(value[0].unavailable);
    json_t *object = json_object();
    for (unsigned i = 0; i < COUNTERS; i++)
        json_object_set_new(object, counters_known[i].name, value_json(&value[i]));
    const counters_value sum = flops(value);
    json_object_set_new(object, "flops", value_json(&sum));
    return object;
}
