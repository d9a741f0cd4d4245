/* settings.c: how the system is set up: files of Linux under /proc and /sys; elsewhere each says that it isn't
 * there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../measure/system_file.h"
#include "environment.h"

static fact cannot_read(const char *root, const char *file, int error_number) {
    return fact_unavailable("%s/%s: %s", root, file, strerror(error_number));
}

static fact line_of(const char *root, const char *file) {
    char line[96];
    const int error_number = system_line(root, file, line, sizeof line);
    if (error_number != 0) return cannot_read(root, file, error_number);
    return line[0] != '\0' ? fact_text(line) : fact_unavailable("%s/%s is empty", root, file);
}

static fact value_of(const char *root, const char *file, const char *key) {
    char value[96];
    const int error_number = system_value(root, file, key, value, sizeof value);
    if (error_number != 0) return cannot_read(root, file, error_number);
    return fact_text(value);
}

/* A line that is one of a few words of the system's, in ours. */
static fact translated(const char *root, const char *file, const char *const words[][2], size_t count) {
    const fact line = line_of(root, file);
    if (!fact_known(&line)) return line;
    for (size_t w = 0; w < count; w++)
        if (strcmp(line.text, words[w][0]) == 0) return fact_text(words[w][1]);
    return fact_unavailable("%s/%s: '%.40s' is not understood", root, file, line.text);
}

static const char *const one_is_on[][2] = {{"0", "off"}, {"1", "on"}}, *const one_is_off[][2] = {{"0", "on"},
                                                                                                 {"1", "off"}};

/* Virtual machines and many small boards leave the clock to somebody else; then there is no cpufreq. */
static fact governor(const char *sys) {
    char file[96];
    const int processor = machine_processor();
    snprintf(file, sizeof file, "devices/system/cpu/cpu%d/cpufreq/scaling_governor",
             processor >= 0 ? processor : 0);
    const fact found = line_of(sys, file);
    return fact_known(&found) ? found : fact_unavailable("this system does not control the clock (no cpufreq)");
}

static fact turbo(const char *sys) {
    const fact intel = translated(sys, "devices/system/cpu/intel_pstate/no_turbo", one_is_off, 2);
    if (fact_known(&intel)) return intel;
    const fact others = translated(sys, "devices/system/cpu/cpufreq/boost", one_is_on, 2);
    return fact_known(&others) ? others : fact_unavailable("this system does not tell (no intel_pstate, no boost)");
}

/* `setarch -R` switches it off for one process; that is in its personality. */
static fact aslr(const char *proc) {
    enum { ADDR_NO_RANDOMIZE = 0x0040000 };
    static const char *const words[][2] = {{"0", "off"}, {"1", "partial"}, {"2", "full"}};
    const fact own = line_of(proc, "self/personality");
    if (fact_known(&own) && (strtoul(own.text, NULL, 16) & ADDR_NO_RANDOMIZE) != 0) return fact_text("off");
    return translated(proc, "sys/kernel/randomize_va_space", words, 3);
}

/* "always [madvise] never" */
static fact huge_pages(const char *sys) {
    static const char file[] = "kernel/mm/transparent_hugepage/enabled";
    const fact line = line_of(sys, file);
    char word[32];
    if (!fact_known(&line)) return line;
    const char *open = strchr(line.text, '[');
    if (open == NULL || sscanf(open, "[%31[a-z]]", word) != 1)
        return fact_unavailable("%s/%s: '%.40s' is not understood", sys, file, line.text);
    return fact_text(word);
}

/* "microcode\t: 0x2b000603" */
static fact microcode(const char *proc) {
    const fact found = value_of(proc, "cpuinfo", "microcode");
    if (!fact_known(&found)) return fact_unavailable("%s/cpuinfo does not tell it", proc);
    return fact_text(found.text + strspn(found.text, ": "));
}

/* "MemAvailable:    1234 kB" */
static fact memory_available(const char *proc) {
    const fact found = value_of(proc, "meminfo", "MemAvailable:");
    double kib;
    if (!fact_known(&found)) return found;
    if (sscanf(found.text, "%lf kB", &kib) != 1) return fact_unavailable("%s/meminfo is not understood", proc);
    return fact_number(1024 * kib);
}

static fact from_sysconf(int name) {
    const long value = sysconf(name);
    return value > 0 ? fact_number((double)value) : fact_unavailable("sysconf does not tell");
}

void environment_settings(environment *env) {
    const char *proc = env->source.proc, *sys = env->source.sys;
    env->governor = governor(sys);
    env->turbo = turbo(sys);
    env->smt = translated(sys, "devices/system/cpu/smt/active", one_is_on, 2);
    env->aslr = aslr(proc);
    env->transparent_huge_pages = huge_pages(sys);
    env->microcode = microcode(proc);
    env->affinity = value_of(proc, "self/status", "Cpus_allowed_list:");
    env->processors_online = from_sysconf(_SC_NPROCESSORS_ONLN);
    env->page_bytes = from_sysconf(_SC_PAGESIZE);
    env->memory_available_bytes = memory_available(proc);
}
