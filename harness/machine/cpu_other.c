/* cpu_other.c: an architecture, or a system, without a file of its own here: the system file tells what it can. */
#include "parts.h"

void machine_cpu(machine *m) { machine_untold(m, "hypervisor", "not told on this architecture and system"); }
