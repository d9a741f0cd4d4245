/* counters_system.c: the operating system's side of counters.h: perf_event_open on Linux. */
#include "counters_names.h"

#ifdef __linux__
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* PERF_TYPE_RAW: event number in bits 0-7, unit mask in bits 8-15 (Intel SDM vol. 3B, "Performance Monitoring
 * Events"; FP_ARITH_INST_RETIRED is event 0xC7). */
enum { FP_ARITH = 0xc7, SCALAR_SINGLE = 0x02, SINGLE_128 = 0x08, SINGLE_256 = 0x20, SINGLE_512 = 0x80 };

static const struct {
    uint32_t type;
    uint64_t config;
} events[COUNTERS] = {
    [COUNTER_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    [COUNTER_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    [COUNTER_CACHE_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    [COUNTER_FP_SCALAR] = {PERF_TYPE_RAW, FP_ARITH | SCALAR_SINGLE << 8},
    [COUNTER_FP_128] = {PERF_TYPE_RAW, FP_ARITH | SINGLE_128 << 8},
    [COUNTER_FP_256] = {PERF_TYPE_RAW, FP_ARITH | SINGLE_256 << 8},
    [COUNTER_FP_512] = {PERF_TYPE_RAW, FP_ARITH | SINGLE_512 << 8},
};

static int system_open(void *context, counter which, int group) {
    (void)context;
    uint32_t type = events[which].type;
    uint64_t config = events[which].config;
    (void)counter_named(which, &type, &config);
    struct perf_event_attr attribute = {
        .type = type,
        .size = sizeof attribute,
        .config = config,
        .read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
        .disabled = group < 0,
        .exclude_kernel = 1, /* then the default setting, paranoid 2, allows it */
        .exclude_hv = 1,
    };
    enum { THIS_THREAD = 0, ANY_CPU = -1 };
    return (int)syscall(SYS_perf_event_open, &attribute, THIS_THREAD, ANY_CPU, group, PERF_FLAG_FD_CLOEXEC);
}

static int system_control(void *context, int group, bool on) {
    (void)context;
    return ioctl(group, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP);
}

/* The kernel writes count, time enabled, time running, in this order: the members of a counters_sample. */
static int system_read(void *context, int descriptor, counters_sample *sample) {
    (void)context;
    return read(descriptor, sample, sizeof *sample) == (ssize_t)sizeof *sample ? 0 : -1;
}

static void system_close(void *context, int descriptor) {
    (void)context;
    close(descriptor);
}

#else
#include <errno.h>

static int system_open(void *context, counter which, int group) {
    (void)context, (void)which, (void)group;
    errno = ENOSYS;
    return -1;
}

/* Nothing is ever open. */
static int system_control(void *context, int group, bool on) {
    (void)context, (void)group, (void)on;
    return -1;
}

static int system_read(void *context, int descriptor, counters_sample *sample) {
    (void)context, (void)descriptor, (void)sample;
    return -1;
}

static void system_close(void *context, int descriptor) { (void)context, (void)descriptor; }

#endif

static bool system_named(void *context, counter which) {
    (void)context;
    uint32_t type;
    uint64_t config;
    return counter_named(which, &type, &config);
}

const counters_kernel counters_system = {system_open,  system_control, system_read, system_close,
                                         system_named, NULL,           "/proc",     "/sys"};
