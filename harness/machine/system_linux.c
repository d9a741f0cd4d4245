/* system_linux.c: kernel, cores, memory; caches where the CPU file left them open. */
#define _GNU_SOURCE /* sched_getaffinity, sched_getcpu */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "parts.h"

bool machine_first_line(const char *path, char *line, size_t line_size) {
    FILE *file = fopen(path, "r");
    if (file == NULL) return false;
    const bool read = fgets(line, (int)line_size, file) != NULL;
    fclose(file);
    if (read) line[strcspn(line, "\n")] = '\0';
    return read;
}

/* sysfs: cpu0/cache/index*\/{level,type,size}, size such as "48K" or "2M". */
static void caches(machine *m) {
    static const char folder[] = "/sys/devices/system/cpu/cpu0/cache";
    for (unsigned index = 0; index < MACHINE_CACHES; index++) {
        char path[128], level[16], type[32], size[32], unit = '\0';
        unsigned long long number;
        snprintf(path, sizeof path, "%s/index%u/level", folder, index);
        if (!machine_first_line(path, level, sizeof level)) break;
        snprintf(path, sizeof path, "%s/index%u/type", folder, index);
        if (!machine_first_line(path, type, sizeof type) || strcmp(type, "Instruction") == 0) continue;
        snprintf(path, sizeof path, "%s/index%u/size", folder, index);
        if (!machine_first_line(path, size, sizeof size) || sscanf(size, "%llu%c", &number, &unit) < 1) continue;
        const uint64_t scale = unit == 'K' ? 1024 : unit == 'M' ? 1024 * 1024 : 1;
        machine_cache_add(m, level[0] - '0', strcmp(type, "Data") == 0 ? "data" : "unified", number * scale);
    }
    if (m->caches == 0) machine_untold(m, "caches", "%s lists none", folder);
}

static void cores(machine *m) {
    cpu_set_t allowed[8]; /* 8192 processors: one cpu_set_t is refused on machines of more than 1024 */
    if (sched_getaffinity(0, sizeof allowed, allowed) == 0)
        m->cores = CPU_COUNT_S(sizeof allowed, allowed);
    else
        machine_untold(m, "cores", "sched_getaffinity: %s", strerror(errno));
}

void machine_system(machine *m) {
    struct utsname name;
    if (uname(&name) == 0) {
        char text[sizeof name.sysname + sizeof name.release + 1];
        snprintf(text, sizeof text, "%s %s", name.sysname, name.release);
        machine_text(m->system, sizeof m->system, text);
    }
    const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_bytes > 0)
        m->memory_bytes = (uint64_t)pages * (uint64_t)page_bytes;
    else
        machine_untold(m, "memory_bytes", "sysconf does not tell");
    cores(m);
    if (m->caches == 0 && machine_unknown(m, "caches") == NULL) caches(m);
}

int machine_processor(void) { return sched_getcpu(); }
