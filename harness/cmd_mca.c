/* cmd_mca.c: `idp mca`: the kernels' inner loops on CPUs that are not here, as llvm-mca's models predict them. */
#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"
#include "commands.h"
#include "mca/mca.h"
#include "progress.h"
#include "results/results.h"

static const char help[] =
    "Usage: idp mca [OPTION]...\n"
    "\n"
    "Predicts how fast the inner loops of the kernels are on CPUs that are not here: the machine\n"
    "code of each kernel's largest tile goes through llvm-mca's model of each CPU. A prediction,\n"
    "never a measurement: every load hits the L1 cache, every branch is foreseen. For kernels that\n"
    "run here the measured loop stands beside it, so that one sees what a prediction is worth.\n"
    "Needs llvm-mca and llvm-objdump of LLVM 19 (Debian: llvm-19). docs/predictions.md tells more.\n"
    "\n"
    "  --binary FILE     an idp built for another architecture, such as build/aarch64/idp\n"
    "                    (default: this program)\n"
    "  --kernel REGEX    only kernels whose name matches (default: all but those of scalar)\n"
    "  --cpu LIST        names of CPUs as llvm-mca has them (default: those of the program's\n"
    "                    architecture that are known here, and the one it runs on)\n"
    "  --no-measure      do not time the loops that can run here\n"
    "  --json FILE       write the records\n"
    "  --quiet           no progress\n"
    "  --help            this text\n";

enum { BINARY = 256, KERNEL, CPU, NO_MEASURE, JSON, QUIET };

static const struct option options_table[] = {{"binary", required_argument, NULL, BINARY},
                                              {"kernel", required_argument, NULL, KERNEL},
                                              {"cpu", required_argument, NULL, CPU},
                                              {"no-measure", no_argument, NULL, NO_MEASURE},
                                              {"json", required_argument, NULL, JSON},
                                              {"quiet", no_argument, NULL, QUIET},
                                              {"help", no_argument, NULL, 'h'},
                                              {0}};

enum { CPUS_MOST = 16, CPU_NAME = 64 };
static const double level = 0.99;
static const char prefix[] = "idp_fc_f32_";

typedef struct request {
    const char *binary, *kernel, *cpus, *json;
    bool measure;
    char typed[1024];
} request;

typedef struct job {
    mca_tools tools;
    listing code;
    mca_cpu cpu[CPUS_MOST];
    char cpu_name[CPUS_MOST][CPU_NAME];
    mca_model model[CPUS_MOST];
    unsigned cpus;
    regex_t wanted;
} job;

/* ---- which CPUs ------------------------------------------------------------------------------------------------
 */

static bool add_cpu(job *j, const char *name, size_t length, error *e) {
    if (length == 0 || length >= CPU_NAME || j->cpus == CPUS_MOST)
        return fail(e, "--cpu: at most %d names of at most %d letters", CPUS_MOST, CPU_NAME - 1);
    char *copy = j->cpu_name[j->cpus];
    snprintf(copy, CPU_NAME, "%.*s", (int)length, name);
    for (unsigned c = 0; c < j->cpus; c++)
        if (strcmp(j->cpu_name[c], copy) == 0) return true;
    const mca_cpu *known = mca_cpu_find(copy);
    if (known != NULL && known->aarch64 != j->code.aarch64)
        return fail(e, "--cpu %s is of another architecture than the program; --binary names one", copy);
    j->cpu[j->cpus] = known != NULL ? *known : (mca_cpu){.aarch64 = j->code.aarch64};
    j->cpu[j->cpus].name = copy;
    j->cpus++;
    return true;
}

static bool host_is_of(const job *j) {
#if defined(__aarch64__)
    return j->code.aarch64 && j->tools.host[0] != '\0';
#else
    return !j->code.aarch64 && j->tools.host[0] != '\0';
#endif
}

static bool choose_cpus(const request *q, job *j, error *e) {
    for (const char *rest = q->cpus; rest != NULL;) {
        const size_t length = strcspn(rest, ",");
        if (!add_cpu(j, rest, length, e)) return false;
        rest = rest[length] == ',' ? rest + length + 1 : NULL;
    }
    if (q->cpus == NULL && host_is_of(j) && !add_cpu(j, j->tools.host, strlen(j->tools.host), e)) return false;
    for (size_t c = 0; q->cpus == NULL && c < mca_cpu_count; c++)
        if (mca_cpus[c].aarch64 == j->code.aarch64 && !add_cpu(j, mca_cpus[c].name, strlen(mca_cpus[c].name), e))
            return false;
    for (unsigned c = 0; c < j->cpus; c++)
        if (!mca_model_check(&j->tools, &j->cpu[c], &j->model[c], e)) return false;
    return true;
}

static void print_models(const job *j) {
    printf("%-18s %10s %10s  %s\n", "CPU", "model's", "core's",
           "fused multiply-adds of the widest registers a cycle");
    for (unsigned c = 0; c < j->cpus; c++) {
        const mca_cpu *cpu = &j->cpu[c];
        char core[16] = "?";
        if (cpu->fma_per_cycle > 0) snprintf(core, sizeof core, "%g", cpu->fma_per_cycle);
        printf("%-18s %10.3g %10s  %s\n", cpu->name, j->model[c].fma_per_cycle, core,
               j->model[c].stand_in  ? "NOT USED: the model is not that of this core"
               : cpu->source != NULL ? cpu->source
               : host_is_of(j) && strcmp(cpu->name, j->tools.host) == 0 ? "the CPU that this runs on"
                                                                        : "not checked");
    }
    printf("\n");
}

/* ---- one kernel ------------------------------------------------------------------------------------------------
 */

/* The measured loop, where the program is this one and the kernel can run. */
static bool measure(const request *q, const char *name, interval *measured) {
    const idp_backend *backend;
    const idp_kernel *kernel = idp_kernel_find(name, &backend);
    error ignored;
    return q->measure && q->binary == NULL && kernel != NULL && idp_backend_status(backend) == IDP_OK &&
           mca_measure(kernel, level, measured, &ignored);
}

static json_t *record(const job *j, unsigned c, const char *name, const code_loop *loop, double cycles,
                      const interval *measured) {
    const double per = loop->multiply_adds;
    json_t *made =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:f, s:b}", "kind", "prediction", "kernel",
                  name, "architecture", j->code.aarch64 ? "aarch64" : "x86-64", "cpu", j->cpu[c].name, "tool",
                  "llvm-mca", "tool_version", j->tools.version, "loop_instructions", (json_int_t)loop->instructions,
                  "loop_fma", (json_int_t)loop->fma, "loop_multiply_adds", (json_int_t)loop->multiply_adds,
                  "instructions_per_multiply_add", (double)loop->instructions / per, "cycles_per_multiply_add",
                  cycles / per, "host", (int)(host_is_of(j) && strcmp(j->cpu[c].name, j->tools.host) == 0));
    if (made != NULL && measured != NULL)
        json_object_set_new(made, "measured_cycles_per_multiply_add",
                            results_interval(measured->median, measured->low, measured->high));
    return made;
}

/* Multiply-adds of a kernel's tile and one channel, by its name; of a binary for another CPU there is no more. */
static unsigned tile_of(const char *name) {
    unsigned a, b;
    return sscanf(name, "fc_f32_%*[a-z]_%4ux%4u_", &a, &b) == 2 ? a * b : 0;
}

static bool predict_kernel(const request *q, const job *j, const char *name, results *to, error *e) {
    char symbol[256];
    code_loop loop;
    interval measured;
    snprintf(symbol, sizeof symbol, "idp_%s", name);
    if (!listing_hot_loop(&j->code, symbol, tile_of(name), &loop)) {
        printf("%-40s no loop that multiplies was found\n", name);
        return true;
    }
    const bool have = measure(q, name, &measured);
    const double per = loop.multiply_adds;
    printf("%-40s %6zu %5u %6u %8.4f", name, loop.instructions, loop.fma, loop.multiply_adds,
           (double)loop.instructions / per);
    bool ok = true;
    for (unsigned c = 0; ok && c < j->cpus; c++) {
        double cycles;
        if (j->model[c].stand_in) continue;
        if (j->model[c].no_512 && loop.multiply_adds > 8 * loop.fma) {
            printf(" %14s", "-");
            continue;
        }
        ok = mca_predict(&j->tools, &j->cpu[c], &j->code, &loop, &cycles, e);
        if (!ok) break;
        const bool host = host_is_of(j) && strcmp(j->cpu[c].name, j->tools.host) == 0;
        printf(" %14.4f", cycles / per);
        results_add(to, record(j, c, name, &loop, cycles, host && have ? &measured : NULL));
    }
    if (have) printf("   %.4f [%.4f, %.4f]", measured.median, measured.low, measured.high);
    printf("\n");
    fflush(stdout);
    return ok;
}

static bool wanted(const job *j, const code_function *f) {
    return strncmp(f->name, prefix, strlen(prefix)) == 0 && strchr(f->name, '.') == NULL &&
           regexec(&j->wanted, f->name + strlen("idp_"), 0, NULL, 0) == 0;
}

static bool predict_all(const request *q, const job *j, results *to, error *e) {
    size_t total = 0, done = 0;
    for (size_t f = 0; f < j->code.functions; f++) total += wanted(j, &j->code.function[f]);
    if (total == 0)
        return fail(e, "%s: no kernel's name matches%s%s", q->binary != NULL ? q->binary : "this program",
                    q->kernel != NULL ? " " : ": is it an idp, not stripped", q->kernel != NULL ? q->kernel : "?");
    printf("Largest tile of each kernel: instructions of its loop, fused multiply-adds (FMA), multiply-adds (MA),\n"
           "and predicted cycles for one multiply-add on each CPU (llvm-mca %s)%s.\n\n%-40s %6s %5s %6s %8s",
           j->tools.version, q->binary == NULL && q->measure ? "; measured: on this CPU, with interval" : "",
           "kernel", "instr.", "FMA", "MA", "instr/MA");
    for (unsigned c = 0; c < j->cpus; c++)
        if (!j->model[c].stand_in) printf(" %14s", j->cpu[c].name);
    printf("%s\n", q->binary == NULL && q->measure ? "   measured here" : "");
    progress bar;
    progress_start(&bar, "mca", (double)total);
    bool ok = true;
    for (size_t f = 0; ok && f < j->code.functions; f++) {
        if (!wanted(j, &j->code.function[f])) continue;
        const char *name = j->code.function[f].name + strlen("idp_");
        progress_at(&bar, (double)done++, name);
        ok = !interrupted() ? predict_kernel(q, j, name, to, e) : fail(e, "interrupted");
    }
    progress_end(&bar, NULL);
    return ok;
}

/* The file that is looked at. /proc/self/exe is another program's to every other program. */
static bool binary_path(const request *q, char *path, size_t size, error *e) {
    if (q->binary != NULL) {
        snprintf(path, size, "%s%s", q->binary[0] == '-' ? "./" : "", q->binary);
        return access(path, R_OK) == 0 || fail(e, "--binary %s: %s", q->binary, strerror(errno));
    }
    const ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length <= 0) return fail(e, "this system does not tell where this program is; --binary FILE does");
    path[length] = '\0';
    return true;
}

static bool run(const request *q, error *e) {
    char path[4096];
    job *j = calloc(1, sizeof *j);
    results to = {0};
    bool ok = false, compiled = false;
    if (j == NULL) return fail(e, "no memory");
    const int status =
        regcomp(&j->wanted, q->kernel != NULL ? q->kernel : "(avx2|avx512f|neon)", REG_EXTENDED | REG_NOSUB);
    if (status != 0) {
        char why[128];
        regerror(status, &j->wanted, why, sizeof why);
        fail(e, "--kernel '%s' is not a regular expression: %s", q->kernel, why);
        goto done;
    }
    compiled = true;
    if (!results_writable(q->json, e) || !results_new(&to, q->typed, 0, e) || !mca_tools_find(&j->tools, e))
        goto done;
    if (!binary_path(q, path, sizeof path, e) || !listing_make(j->tools.objdump, path, &j->code, e)) goto done;
    if (!choose_cpus(q, j, e)) goto done;
    print_models(j);
    ok = predict_all(q, j, &to, e) && results_write(&to, q->json, e);
done:
    if (compiled) regfree(&j->wanted);
    listing_free(&j->code);
    results_free(&to);
    free(j);
    return ok;
}

int cmd_mca(int argc, char **argv, error *e) {
    request q = {.measure = true};
    option_typed(argc, argv, q.typed, sizeof q.typed);
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options_table, NULL)) != -1;) {
        switch (c) {
        case 'h': fputs(help, stdout); return 0;
        case BINARY: q.binary = optarg; break;
        case KERNEL: q.kernel = optarg; break;
        case CPU: q.cpus = optarg; break;
        case NO_MEASURE: q.measure = false; break;
        case JSON: q.json = optarg; break;
        case QUIET: progress_quiet(true); break;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind < argc) {
        fail(e, "'%s': mca takes options only; idp mca --help tells them", argv[optind]);
        return EXIT_ERROR;
    }
    return run(&q, e) ? 0 : EXIT_ERROR;
}
