/* counters_names.c: the raw codes of named events, from libpfm4 where the program was built with it: it knows many
 * more cores than the short list in counters.c. */
#include "counters_names.h"

#ifdef HAVE_PFM
#include <linux/perf_event.h>
#include <perfmon/pfmlib_perf_event.h>

static const char *const names[COUNTERS] = {
    [COUNTER_FP_SCALAR] = "FP_ARITH_INST_RETIRED:SCALAR_SINGLE",
    [COUNTER_FP_128] = "FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE",
    [COUNTER_FP_256] = "FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE",
    [COUNTER_FP_512] = "FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE",
};

bool counter_named(counter which, uint32_t *type, uint64_t *config) {
    struct perf_event_attr attribute = {.size = sizeof attribute};
    pfm_perf_encode_arg_t arg = {.attr = &attribute, .size = sizeof arg};
    if (names[which] == NULL || pfm_initialize() != PFM_SUCCESS) return false;
    if (pfm_get_os_event_encoding(names[which], PFM_PLM3, PFM_OS_PERF_EVENT, &arg) != PFM_SUCCESS) return false;
    *type = attribute.type;
    *config = attribute.config;
    return true;
}

#else

bool counter_named(counter which, uint32_t *type, uint64_t *config) {
    (void)which, (void)type, (void)config;
    return false;
}

#endif
