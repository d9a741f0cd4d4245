/* cpu_x86.c: what CPUID says, decoded by libcpuid. Its code names are left out: they are the nearest match in a
 * table, and on the masked models of virtual machines plainly wrong (Emerald Rapids under KVM: "Conroe"). */
#include <libcpuid/libcpuid.h>
#include <string.h>

#include "../measure/system_file.h"
#include "parts.h"

static const char *hypervisor_name(hypervisor_vendor_t hypervisor) {
    switch (hypervisor) {
    case HYPERVISOR_BHYVE: return "bhyve";
    case HYPERVISOR_HYPERV: return "Hyper-V";
    case HYPERVISOR_KVM: return "KVM";
    case HYPERVISOR_PARALLELS: return "Parallels";
    case HYPERVISOR_QEMU: return "QEMU";
    case HYPERVISOR_VIRTUALBOX: return "VirtualBox";
    case HYPERVISOR_VMWARE: return "VMware";
    case HYPERVISOR_XEN: return "Xen";
    case HYPERVISOR_NONE:
    case HYPERVISOR_UNKNOWN:
    case NUM_HYPERVISOR_VENDORS: break;
    }
    return "unnamed"; /* CPUID says that there is one, under a signature that libcpuid does not know */
}

/* libcpuid gives KB, 0 for no such cache, -1 for unknown. */
static void caches(machine *m, const struct cpu_id_t *id) {
    const struct {
        int level;
        const char *type;
        int32_t kib;
    } all[] = {{1, "data", id->l1_data_cache},
               {2, "unified", id->l2_cache},
               {3, "unified", id->l3_cache},
               {4, "unified", id->l4_cache}};
    for (size_t c = 0; c < sizeof all / sizeof all[0]; c++)
        if (all[c].kib > 0) machine_cache_add(m, all[c].level, all[c].type, (uint64_t)all[c].kib * 1024);
}

static bool has_flag(const machine *m, const char *word) {
    const size_t length = strlen(word);
    for (const char *at = m->flags; (at = strstr(at, word)) != NULL; at += length)
        if ((at == m->flags || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) return true;
    return false;
}

/* What Linux names and libcpuid does not know (0.6.2: AMX, half precision, bfloat16). Some flags have two names. */
static void more_flags(machine *m) {
    char line[sizeof m->flags];
    if (system_value("/proc", "cpuinfo", "flags", line, sizeof line) != 0) return;
    for (char *word = strtok(line, ": \t"); word != NULL; word = strtok(NULL, " "))
        if (!has_flag(m, word)) machine_flag_add(m, word);
}

void machine_cpu(machine *m) {
    struct cpu_raw_data_t raw;
    struct cpu_id_t id;
    if (!cpuid_present() || cpuid_get_raw_data(&raw) < 0 || cpu_identify(&raw, &id) < 0) {
        machine_untold(m, "cpu", "libcpuid: %s", cpuid_error());
        return;
    }
    machine_text(m->cpu, sizeof m->cpu, id.brand_str);
    machine_text(m->vendor, sizeof m->vendor, id.vendor_str);
    m->family = id.ext_family;
    m->model = id.ext_model;
    m->stepping = id.stepping;
    for (int f = 0; f < NUM_CPU_FEATURES; f++)
        if (id.flags[f]) machine_flag_add(m, cpu_feature_str((cpu_feature_t)f));
    more_flags(m);
    caches(m, &id);
    if (id.flags[CPU_FEATURE_HYPERVISOR])
        machine_text(m->hypervisor, sizeof m->hypervisor, hypervisor_name(cpuid_get_hypervisor(&raw, &id)));
}
