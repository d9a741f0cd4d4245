/* cpu_arm.c: AArch64 Linux. The core by MIDR_EL1, its instruction sets by hwcaps, the hypervisor by firmware
 * tables, since Arm has no register that names it. */
#include <asm/hwcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "parts.h"

/* Implementer and part number -> name; each from the core's technical reference manual, register MIDR_EL1. */
static const struct {
    int implementer, part;
    const char *vendor, *name;
} cores[] = {
    {0x00, 0x051, "QEMU", "QEMU's model 'max' (emulated)"},
    {0x41, 0xd03, "Arm", "Cortex-A53"},
    {0x41, 0xd04, "Arm", "Cortex-A35"},
    {0x41, 0xd05, "Arm", "Cortex-A55"},
    {0x41, 0xd07, "Arm", "Cortex-A57"},
    {0x41, 0xd08, "Arm", "Cortex-A72"},
    {0x41, 0xd09, "Arm", "Cortex-A73"},
    {0x41, 0xd0a, "Arm", "Cortex-A75"},
    {0x41, 0xd0b, "Arm", "Cortex-A76"},
    {0x41, 0xd0c, "Arm", "Neoverse N1"},
    {0x41, 0xd0d, "Arm", "Cortex-A77"},
    {0x41, 0xd40, "Arm", "Neoverse V1"},
    {0x41, 0xd41, "Arm", "Cortex-A78"},
    {0x41, 0xd42, "Arm", "Cortex-A78AE"},
    {0x41, 0xd44, "Arm", "Cortex-X1"},
    {0x41, 0xd46, "Arm", "Cortex-A510"},
    {0x41, 0xd47, "Arm", "Cortex-A710"},
    {0x41, 0xd48, "Arm", "Cortex-X2"},
    {0x41, 0xd49, "Arm", "Neoverse N2"},
    {0x41, 0xd4d, "Arm", "Cortex-A715"},
    {0x41, 0xd4e, "Arm", "Cortex-X3"},
    {0x41, 0xd4f, "Arm", "Neoverse V2"},
    {0x41, 0xd80, "Arm", "Cortex-A520"},
    {0x41, 0xd81, "Arm", "Cortex-A720"},
    {0x41, 0xd82, "Arm", "Cortex-X4"},
    {0x42, 0x516, "Broadcom", "ThunderX2"},
    {0x43, 0x0a1, "Cavium", "ThunderX"},
    {0x43, 0x0af, "Cavium", "ThunderX2"},
    {0x46, 0x001, "Fujitsu", "A64FX"},
    {0x48, 0xd01, "HiSilicon", "TaiShan v110"},
    {0x51, 0x800, "Qualcomm", "Kryo 2xx Gold"},
    {0x51, 0x801, "Qualcomm", "Kryo 2xx Silver"},
    {0x51, 0x802, "Qualcomm", "Kryo 3xx Gold"},
    {0x51, 0x803, "Qualcomm", "Kryo 3xx Silver"},
    {0x51, 0x804, "Qualcomm", "Kryo 4xx Gold"},
    {0x51, 0x805, "Qualcomm", "Kryo 4xx Silver"},
    {0x51, 0xc00, "Qualcomm", "Falkor"},
    {0x61, 0x022, "Apple", "M1 Icestorm"},
    {0x61, 0x023, "Apple", "M1 Firestorm"},
    {0x61, 0x032, "Apple", "M2 Blizzard"},
    {0x61, 0x033, "Apple", "M2 Avalanche"},
    {0xc0, 0xac3, "Ampere", "Ampere-1"},
    {0xc0, 0xac4, "Ampere", "Ampere-1a"},
};

static const struct {
    unsigned long bit;
    const char *word;
} flags[] = {
    {HWCAP_FP, "fp"},
    {HWCAP_ASIMD, "asimd"},
    {HWCAP_AES, "aes"},
    {HWCAP_PMULL, "pmull"},
    {HWCAP_SHA1, "sha1"},
    {HWCAP_SHA2, "sha2"},
    {HWCAP_CRC32, "crc32"},
    {HWCAP_ATOMICS, "atomics"},
    {HWCAP_FPHP, "fphp"},
    {HWCAP_ASIMDHP, "asimdhp"},
    {HWCAP_CPUID, "cpuid"},
    {HWCAP_ASIMDRDM, "asimdrdm"},
    {HWCAP_JSCVT, "jscvt"},
    {HWCAP_FCMA, "fcma"},
    {HWCAP_LRCPC, "lrcpc"},
    {HWCAP_ASIMDDP, "asimddp"},
    {HWCAP_SHA512, "sha512"},
    {HWCAP_SVE, "sve"},
    {HWCAP_ASIMDFHM, "asimdfhm"},
};

/* MIDR_EL1: emulated by the kernel for user programs where HWCAP_CPUID says so, else a file of sysfs. */
static bool midr_read(uint64_t *midr) {
    char line[32];
    if (getauxval(AT_HWCAP) & HWCAP_CPUID) {
        __asm__("mrs %0, MIDR_EL1" : "=r"(*midr));
        return true;
    }
    if (!machine_first_line("/sys/devices/system/cpu/cpu0/regs/identification/midr_el1", line, sizeof line))
        return false;
    *midr = strtoull(line, NULL, 16);
    return *midr != 0;
}

static void core(machine *m) {
    uint64_t midr;
    if (!midr_read(&midr)) {
        machine_untold(m, "cpu", "the kernel shows MIDR_EL1 neither to programs nor in sysfs");
        return;
    }
    m->implementer = (int)(midr >> 24 & 0xff);
    m->variant = (int)(midr >> 20 & 0xf);
    m->part = (int)(midr >> 4 & 0xfff);
    m->revision = (int)(midr & 0xf);
    for (size_t c = 0; c < sizeof cores / sizeof cores[0]; c++) {
        if (cores[c].implementer != m->implementer || cores[c].part != m->part) continue;
        machine_text(m->cpu, sizeof m->cpu, cores[c].name);
        machine_text(m->vendor, sizeof m->vendor, cores[c].vendor);
        return;
    }
    machine_untold(m, "cpu", "no name known for implementer 0x%02x, part 0x%03x", (unsigned)m->implementer,
                   (unsigned)m->part);
}

static void hypervisor(machine *m) {
    static const struct {
        const char *word, *name; /* NULL: a machine of that maker without one */
    } makers[] = {
        {".metal", NULL},
        {"Amazon EC2", "Nitro"},
        {"Apple Virtualization", "Apple Virtualization"},
        {"Google Compute", "KVM (Google Compute Engine)"},
        {"Microsoft", "Hyper-V"},
        {"Parallels", "Parallels"},
        {"KVM", "KVM"},
        {"QEMU", "KVM or QEMU"},
        {"VMware", "VMware"},
    };
    char product[96], vendor[96], both[200];
    if (m->implementer == 0x00 && m->part == 0x051) { /* sysfs is the host's under user-mode emulation */
        machine_text(m->hypervisor, sizeof m->hypervisor, "QEMU");
        machine_untold(m, "caches", "an emulated CPU has none");
        m->emulated = true;
        return;
    }
    if (!machine_first_line("/sys/class/dmi/id/product_name", product, sizeof product) ||
        !machine_first_line("/sys/class/dmi/id/sys_vendor", vendor, sizeof vendor)) {
        machine_untold(m, "hypervisor", "no firmware tables in /sys/class/dmi/id");
        return;
    }
    snprintf(both, sizeof both, "%s %s", vendor, product);
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        if (strstr(both, makers[i].word) == NULL) continue;
        if (makers[i].name != NULL) machine_text(m->hypervisor, sizeof m->hypervisor, makers[i].name);
        return;
    }
}

void machine_cpu(machine *m) {
    core(m);
    const unsigned long hwcap = getauxval(AT_HWCAP);
    for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++)
        if (hwcap & flags[f].bit) machine_flag_add(m, flags[f].word);
    hypervisor(m);
}
