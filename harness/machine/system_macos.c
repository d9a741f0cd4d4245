/* system_macos.c: everything by sysctl; the names are those of `sysctl -a` on Apple silicon. */
#include <stdio.h>
#include <string.h>
#include <sys/sysctl.h>
#include <sys/utsname.h>

#include "parts.h"

static bool number(const char *name, uint64_t *value) {
    uint64_t wide = 0;
    size_t size = sizeof wide;
    if (sysctlbyname(name, &wide, &size, NULL, 0) != 0) return false;
    *value = wide; /* little-endian: a 4-byte answer fills the low half */
    return true;
}

void machine_system(machine *m) {
    struct utsname name;
    if (uname(&name) == 0) {
        char text[sizeof name.sysname + sizeof name.release + 1];
        snprintf(text, sizeof text, "%s %s", name.sysname, name.release);
        machine_text(m->system, sizeof m->system, text);
    }
    char brand[128] = "";
    size_t size = sizeof brand - 1;
    if (m->cpu[0] == '\0' && sysctlbyname("machdep.cpu.brand_string", brand, &size, NULL, 0) == 0)
        machine_text(m->cpu, sizeof m->cpu, brand);
    uint64_t value;
    if (number("hw.memsize", &value))
        m->memory_bytes = value;
    else
        machine_untold(m, "memory_bytes", "sysctl hw.memsize does not tell");
    if (number("hw.activecpu", &value))
        m->cores = (int)value;
    else
        machine_untold(m, "cores", "sysctl hw.activecpu does not tell");
    if (m->caches > 0) return;
    /* The fast cores' ("performance level 0"); plain names where there is one kind of core. */
    if (number("hw.perflevel0.l1dcachesize", &value) || number("hw.l1dcachesize", &value))
        machine_cache_add(m, 1, "data", value);
    if (number("hw.perflevel0.l2cachesize", &value) || number("hw.l2cachesize", &value))
        machine_cache_add(m, 2, "unified", value);
    if (m->caches == 0) machine_untold(m, "caches", "sysctl does not tell");
}

int machine_processor(void) { return -1; }
