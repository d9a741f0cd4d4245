/* cmd_cpu.c: `idp cpu`: what CPU and system this is, and which back ends run here, which not, and why. */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "machine/environment.h"
#include "results/results.h"

static const char help[] =
    "Usage: idp cpu [--json FILE]\n"
    "\n"
    "What CPU and system this is, how they are set up, and what of that threatens figures measured\n"
    "now; and every back end: which can run here, which one is chosen, and why not the others.\n"
    "\n"
    "  --json FILE   also write the facts as a results document\n"
    "\n"
    "IDP_BACKEND=NAME forces a back end; IDP_CPU_DISABLE=avx2,avx512f,neon hides features.\n"
    "Another word there is refused by every command.\n";

/* `value` or, where it is empty, "unknown" and the reason, or plainly "none". */
static void print_fact(const machine *m, const char *label, const char *field, const char *value) {
    const char *reason = machine_unknown(m, field);
    if (reason != NULL)
        printf("%-14s unknown: %s\n", label, reason);
    else
        printf("%-14s %s\n", label, value[0] != '\0' ? value : "none");
}

static void print_numbers(const machine *m) {
    if (m->family >= 0)
        printf("%-14s family %d, model %d, stepping %d\n", "signature", m->family, m->model, m->stepping);
    if (m->implementer >= 0)
        printf("%-14s implementer 0x%02x, part 0x%03x, r%dp%d\n", "MIDR_EL1", (unsigned)m->implementer,
               (unsigned)m->part, m->variant, m->revision);
}

static void print_caches(const machine *m) {
    char text[256] = "";
    size_t used = 0;
    for (unsigned c = 0; c < m->caches && used < sizeof text; c++) {
        const machine_cache *cache = &m->cache[c];
        const bool mib = cache->bytes >= 1 << 20;
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%sL%d %s %.4g %s", c > 0 ? ", " : "", cache->level,
                             cache->type, (double)cache->bytes / (mib ? 1 << 20 : 1 << 10), mib ? "MiB" : "KiB");
    }
    print_fact(m, "caches", "caches", text);
}

static void print_machine(const machine *m) {
    char text[64];
    print_fact(m, "CPU", "cpu", m->cpu);
    if (m->vendor[0] != '\0') printf("%-14s %s\n", "vendor", m->vendor);
    print_numbers(m);
    printf("%-14s %s\n", "architecture", m->architecture);
    print_caches(m);
    print_fact(m, "hypervisor", "hypervisor", m->hypervisor);
    snprintf(text, sizeof text, "%d", m->cores);
    print_fact(m, "cores allowed", "cores", text);
    snprintf(text, sizeof text, "%.1f GiB", (double)m->memory_bytes / (1 << 30));
    print_fact(m, "memory", "memory_bytes", text);
    print_fact(m, "system", "system", m->system);
    char features[256];
    idp_cpu_feature_names(idp_cpu_features(), features, sizeof features);
    printf("%-14s %s (what kernels may use: the CPU has it, the system saves its registers)\n", "features",
           features);
}

/* ---- the environment --------------------------------------------------------------------------------------- */

static void print_unknown(const char *label, const char *reason) { printf("%-14s unknown: %s\n", label, reason); }

static void print_core(const environment *env) {
    const fact *core = &env->core_hz_end, *tsc = &env->tsc_hz;
    char ticks[64] = "";
    if (fact_known(tsc)) snprintf(ticks, sizeof ticks, " (its time counter runs at %.2f GHz)", 1e-9 * tsc->number);
    if (fact_known(core))
        printf("%-14s %.2f GHz now%s\n", "core clock", 1e-9 * core->number, ticks);
    else
        print_unknown("core clock", core->unavailable);
}

static void print_peaks(const environment *env) {
    const char *before = "";
    printf("%-14s ", "FMA peak");
    for (unsigned w = 0; w < PEAK_WIDTHS; w++) {
        const fact *peak = &env->fma_peak_gflops[w];
        if (!fact_known(peak)) continue;
        printf("%s%u bits: %.4g", before, peak_width_bits[w], peak->number);
        before = ", ";
    }
    printf(before[0] != '\0' ? " GFLOP/s (one core, float32)\n" : "unknown: %s\n",
           env->fma_peak_gflops[0].unavailable);
}

static void print_counters(const environment *env) {
    const char *before = "", *reason = NULL;
    printf("%-14s ", "counters");
    for (unsigned i = 0; i < COUNTERS; i++) {
        if (!fact_known(&env->counter[i])) {
            reason = reason != NULL ? reason : env->counter[i].unavailable;
            continue;
        }
        printf("%s%s", before, counter_name(i));
        before = ", ";
    }
    if (reason != NULL) printf(before[0] != '\0' ? "; the others: %s" : "none: %s", reason);
    printf("\n");
}

static void print_energy(const environment *env) {
    static const char *const labels[ENERGY_DOMAINS] = {
        [ENERGY_PACKAGE] = "energy, CPU", [ENERGY_DRAM] = "energy, memory"};
    for (unsigned d = 0; d < ENERGY_DOMAINS; d++) {
        const fact *trouble = &env->energy.trouble[d];
        printf("%-14s %s%s\n", labels[d], fact_known(trouble) ? "available" : "none: ", trouble->unavailable);
    }
}

static void print_environment(const environment *env) {
    static const struct {
        const char *label;
        size_t offset;
        const char *format; /* of a number */
    } lines[] = {
        {"load average", offsetof(environment, load_end), "%.2f"},
        {"affinity", offsetof(environment, affinity), NULL},
        {"governor", offsetof(environment, governor), NULL},
        {"turbo", offsetof(environment, turbo), NULL},
        {"SMT", offsetof(environment, smt), NULL},
        {"ASLR", offsetof(environment, aslr), NULL},
        {"huge pages", offsetof(environment, transparent_huge_pages), NULL},
        {"page", offsetof(environment, page_bytes), "%.0f bytes"},
        {"memory free", offsetof(environment, memory_available_bytes), "%.3g bytes"},
        {"microcode", offsetof(environment, microcode), NULL},
    };
    print_core(env);
    print_peaks(env);
    for (size_t l = 0; l < sizeof lines / sizeof lines[0]; l++) {
        const fact *f = (const fact *)((const char *)env + lines[l].offset);
        char number[64];
        if (!fact_known(f)) {
            print_unknown(lines[l].label, f->unavailable);
            continue;
        }
        if (lines[l].format != NULL) snprintf(number, sizeof number, lines[l].format, f->number);
        printf("%-14s %s\n", lines[l].label, lines[l].format != NULL ? number : f->text);
    }
    print_counters(env);
    print_energy(env);
}

static void print_backends(const idp_backend *chosen) {
    printf("\n  %-17s %-8s %-18s %-9s %-7s %s\n", "back end", "origin", "needs", "compiled", "usable", "kernels");
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        const idp_status status = idp_backend_status(backend);
        char needs[128], reason[256];
        idp_cpu_feature_names(backend->needs, needs, sizeof needs);
        backend_reason(backend, reason, sizeof reason);
        printf("%c %-17s %-8s %-18s %-9s %-7s", backend == chosen ? '*' : ' ', backend->name,
               backend_origin(backend), needs, status != IDP_NOT_COMPILED ? "yes" : "no",
               status == IDP_OK ? "yes" : "no");
        if (reason[0] != '\0')
            printf(" %s\n", reason);
        else
            printf(" %zu\n", backend->kernel_count);
    }
}

/* A back end that was forced and can't run is an error, but the table that explains it comes first. */
static bool show_backends(error *e) {
    const idp_backend *chosen = NULL;
    const bool usable = backend_choose(NULL, &chosen, e);
    print_backends(chosen);
    if (!usable) return false;
    const char *forced = getenv("IDP_BACKEND");
    printf("\n* is what the commands use%s\n",
           forced != NULL && forced[0] != '\0' ? ": IDP_BACKEND forces it."
                                               : ": the last usable one, since the table goes from slow to fast.\n"
                                                 "  --backend NAME or IDP_BACKEND=NAME forces another.");
    return true;
}

int cmd_cpu(int argc, char **argv, error *e) {
    static const struct option options[] = {
        {"json", required_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *json = NULL;
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case 'j': json = optarg; break;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind < argc) {
        fail(e, "'%s': cpu takes no arguments", argv[optind]);
        return EXIT_ERROR;
    }
    results r;
    if (!results_new(&r, "idp cpu", 0, e)) return EXIT_ERROR;
    print_machine(&r.environment->machine);
    print_environment(r.environment);
    const bool done = show_backends(e) && results_write(&r, json, e);
    if (done) results_print_warnings(&r, stdout);
    results_free(&r);
    return done ? 0 : EXIT_ERROR;
}
