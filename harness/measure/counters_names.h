/* counters_names.h: raw codes of events by their names. */
#ifndef HARNESS_MEASURE_COUNTERS_NAMES_H
#define HARNESS_MEASURE_COUNTERS_NAMES_H

#include "counters.h"

/* The kernel's type and code of an arithmetic counter on this core. False, with both untouched, where libpfm4 was
 * not built in, does not know the core, or the core has no such event. */
bool counter_named(counter which, uint32_t *type, uint64_t *config);

#endif
