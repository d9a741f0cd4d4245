#include "energy.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "system_file.h"

static const struct {
    const char *field; /* in the record */
    const char *zone;  /* a zone's name begins with this */
} domains[ENERGY_DOMAINS] = {[ENERGY_PACKAGE] = {"package_j", "package"}, [ENERGY_DRAM] = {"dram_j", "dram"}};

const char *energy_name(energy_domain domain) { return domains[domain].field; }

/* 0, or the errno that explains. */
static int read_uj(const char *folder, const char *file, uint64_t *value_uj) {
    char line[32];
    const int error_number = system_line(folder, file, line, sizeof line);
    if (error_number != 0) return error_number;
    return sscanf(line, "%" SCNu64, value_uj) == 1 ? 0 : EINVAL;
}

static void no_energy(energy *m, energy_domain domain, const char *file, int error_number) {
    if (!fact_known(&m->trouble[domain])) return; /* the first reason is the best */
    m->trouble[domain] = error_number == EACCES || error_number == EPERM
                             ? fact_unavailable("only root may read %s", file)
                             : fact_unavailable("%s: %s", file, strerror(error_number));
}

/* Takes the zone in where it is of a domain that counts: not "core", "uncore" (parts of a package) or "psys". */
static void zone_add(energy *m, const char *folder) {
    char name[64] = "";
    uint64_t range_uj;
    if (m->zones == ENERGY_ZONES || system_line(folder, "name", name, sizeof name) != 0) return;
    for (unsigned d = 0; d < ENERGY_DOMAINS; d++) {
        if (strncmp(name, domains[d].zone, strlen(domains[d].zone)) != 0) continue;
        uint64_t now_uj;
        int error_number = read_uj(folder, "energy_uj", &now_uj);
        if (error_number == 0) error_number = read_uj(folder, "max_energy_range_uj", &range_uj);
        if (error_number != 0) {
            no_energy(m, d, "energy_uj of powercap", error_number);
            return;
        }
        /* No socket takes more than 500 W (2025's largest); half as much again for safety: 0.75 uJ a ns. */
        const uint64_t no_second_wrap_ns = range_uj / 3 * 4;
        if (no_second_wrap_ns < m->longest_ns) m->longest_ns = no_second_wrap_ns;
        snprintf(m->zone[m->zones].folder, sizeof m->zone[0].folder, "%s", folder);
        m->zone[m->zones].domain = d;
        m->zone[m->zones].last_uj = now_uj;
        m->zone[m->zones].range_uj = range_uj;
        m->zones++;
    }
}

void energy_start(energy *m, const char *sys, uint64_t now_ns) {
    char powercap[256];
    *m = (energy){.start_ns = now_ns, .last_ns = now_ns, .longest_ns = UINT64_MAX};
    snprintf(powercap, sizeof powercap, "%s/class/powercap", sys);
    DIR *folder = opendir(powercap);
    if (folder != NULL) {
        /* "intel-rapl:0" and its part "intel-rapl:0:1", on AMD too; "intel-rapl-mmio:0" is the same socket again.
         */
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            char zone[300];
            if (strncmp(entry->d_name, "intel-rapl:", strlen("intel-rapl:")) != 0) continue;
            if ((size_t)snprintf(zone, sizeof zone, "%s/%s", powercap, entry->d_name) < sizeof zone)
                zone_add(m, zone);
        }
        closedir(folder);
    }
    for (unsigned d = 0; d < ENERGY_DOMAINS; d++) {
        bool any = false;
        for (unsigned z = 0; z < m->zones; z++) any = any || m->zone[z].domain == d;
        if (!any && fact_known(&m->trouble[d]))
            m->trouble[d] =
                fact_unavailable("this machine shows no energy counter for it (%s/intel-rapl:*)", powercap);
    }
}

void energy_sample(energy *m, uint64_t now_ns) {
    const bool too_late = now_ns - m->last_ns > m->longest_ns;
    m->last_ns = now_ns;
    for (unsigned z = 0; z < m->zones; z++) {
        const energy_domain domain = m->zone[z].domain;
        uint64_t now_uj;
        const int error_number = read_uj(m->zone[z].folder, "energy_uj", &now_uj);
        if (error_number != 0) {
            no_energy(m, domain, "energy_uj of powercap", error_number);
            continue;
        }
        if (too_late && fact_known(&m->trouble[domain]))
            m->trouble[domain] = fact_unavailable("so long passed between two readings that the counter may have "
                                                  "wrapped more than once");
        uint64_t used_uj = now_uj - m->zone[z].last_uj;
        if (now_uj < m->zone[z].last_uj) used_uj += m->zone[z].range_uj; /* it began again */
        m->joules[domain] += 1e-6 * (double)used_uj;
        m->zone[z].last_uj = now_uj;
    }
}

fact energy_joules(const energy *m, energy_domain domain) {
    const double least_s = 1, seconds = 1e-9 * (double)(m->last_ns - m->start_ns);
    if (!fact_known(&m->trouble[domain])) return m->trouble[domain];
    if (seconds < least_s)
        return fact_unavailable("the run was shorter than %g s, too short for this counter", least_s);
    return fact_number(m->joules[domain]);
}
