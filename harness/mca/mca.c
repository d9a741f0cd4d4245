#include "mca.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/clock.h"
#include "../measure/paired.h"
#include "../measure/workload.h"
#include "../tool.h"

/* FMA units: Arm's Software Optimization Guides of these cores (two or four ASIMD pipelines, each with FMLA);
 * Intel's and AMD's optimization manuals (Intel 248966, AMD 57647). Apple publishes none; four is what measurements
 * of the M1 agree on. */
const mca_cpu mca_cpus[] = {
    {"neoverse-n1", true, 128, 2, "Arm Neoverse N1 Software Optimization Guide"},
    {"neoverse-n2", true, 128, 2, "Arm Neoverse N2 Software Optimization Guide"},
    {"neoverse-v1", true, 128, 4, "Arm Neoverse V1 Software Optimization Guide"},
    {"neoverse-v2", true, 128, 4, "Arm Neoverse V2 Software Optimization Guide"},
    {"apple-m1", true, 128, 4, "published measurements; Apple documents none"},
    {"znver4", false, 512, 1, "AMD Software Optimization Guide for Zen 4 (57647)"},
    {"sapphirerapids", false, 512, 2, "Intel Optimization Reference Manual (248966)"},
    {"skylake-avx512", false, 512, 2, "Intel Optimization Reference Manual (248966)"},
};
const size_t mca_cpu_count = sizeof mca_cpus / sizeof mca_cpus[0];

const mca_cpu *mca_cpu_find(const char *name) {
    for (size_t c = 0; c < mca_cpu_count; c++)
        if (strcmp(mca_cpus[c].name, name) == 0) return &mca_cpus[c];
    return NULL;
}

/* ---- the tools ---------------------------------------------------------------------------------------------- */

/* The word behind `label` in text, into word. */
static void word_behind(const char *text, const char *label, char *word, size_t word_size) {
    const char *at = strstr(text, label);
    word[0] = '\0';
    if (at == NULL) return;
    at += strlen(label);
    snprintf(word, word_size, "%.*s", (int)strcspn(at, " \n"), at);
}

bool mca_tools_find(mca_tools *t, error *e) {
    static const char *const mca[] = {"llvm-mca-19", "llvm-mca-20", "llvm-mca-21", "llvm-mca", NULL};
    static const char *const objdump[] = {"llvm-objdump-19", "llvm-objdump-20", "llvm-objdump-21", "llvm-objdump",
                                          NULL};
    *t = (mca_tools){.mca = tool_find(mca), .objdump = tool_find(objdump)};
    if (t->mca == NULL || t->objdump == NULL)
        return fail(e, "%s of LLVM 19 or later is not installed (Debian's package is llvm-19)",
                    t->mca == NULL ? "llvm-mca" : "llvm-objdump");
    char *out, *err;
    if (!tool_run((const char *const[]){t->mca, "--version", NULL}, NULL, &out, NULL, &err, e)) return false;
    word_behind(out, "LLVM version ", t->version, sizeof t->version);
    word_behind(out, "Host CPU: ", t->host, sizeof t->host);
    free(out);
    free(err);
    if (atoi(t->version) < 19)
        return fail(e, "%s is of LLVM %s, whose models of most CPUs are stand-ins; 19 or later is needed", t->mca,
                    t->version[0] != '\0' ? t->version : "an unknown version");
    return true;
}

/* ---- llvm-mca --------------------------------------------------------------------------------------------------
 */

enum { TURNS = 1000 };

/* {BlockRThroughput, TotalCycles, ...} of the one region, or NULL. */
static json_t *summary(const json_t *answer) {
    return json_object_get(json_array_get(json_object_get(answer, "CodeRegions"), 0), "SummaryView");
}

/* Assembly text through llvm-mca. */
static bool ask(const mca_tools *t, const mca_cpu *cpu, const char *code, double *block_cycles, double *turn_cycles,
                error *e) {
    char cpu_option[96], turns_option[32];
    FILE *in = tmpfile();
    if (in == NULL) return fail(e, "cannot make a temporary file: %s", strerror(errno));
    fputs(code, in);
    snprintf(cpu_option, sizeof cpu_option, "-mcpu=%s", cpu->name);
    snprintf(turns_option, sizeof turns_option, "-iterations=%d", TURNS);
    const char *const argv[] = {
        t->mca, cpu->aarch64 ? "-mtriple=aarch64" : "-mtriple=x86_64", cpu_option, turns_option, "-json", NULL};
    char *out, *err;
    const bool ran = tool_run(argv, in, &out, NULL, &err, e);
    fclose(in);
    if (!ran) return false;
    json_t *answer = json_loads(out, JSON_ALLOW_NUL, NULL); /* LLVM 19 writes some into names of units */
    const json_t *view = summary(answer);
    const double cycles = json_number_value(json_object_get(view, "TotalCycles"));
    *block_cycles = json_number_value(json_object_get(view, "BlockRThroughput"));
    *turn_cycles = cycles / TURNS;
    const bool known = strstr(err, "not a recognized processor") == NULL;
    json_decref(answer);
    free(out);
    free(err);
    if (!known) return fail(e, "llvm-mca %s has no model of '%s'", t->version, cpu->name);
    return cycles > 0 || fail(e, "llvm-mca said nothing about %s that could be read", cpu->name);
}

enum { CHAINS = 14 }; /* fused multiply-adds that do not wait for each other, with all but two of 16 registers */

/* The cycles of CHAINS such instructions: what stands before the number of the sum's register, and behind it. */
static bool ask_fma(const mca_tools *t, const mca_cpu *cpu, const char *head, const char *tail,
                    double *block_cycles, error *e) {
    char code[CHAINS * 64] = "";
    size_t used = 0;
    for (unsigned c = 0; c < CHAINS; c++)
        used += (size_t)snprintf(code + used, sizeof code - used, "%s%u%s\n", head, c, tail);
    double turn;
    return ask(t, cpu, code, block_cycles, &turn, e);
}

bool mca_model_check(const mca_tools *t, const mca_cpu *cpu, mca_model *model, error *e) {
    double block;
    bool told = cpu->aarch64 ? ask_fma(t, cpu, "fmla v", ".4s, v14.4s, v15.4s", &block, e)
                             : ask_fma(t, cpu, "vfmadd231ps %zmm14, %zmm15, %zmm", "", &block, e);
    if (!told && !cpu->aarch64)
        told = model->no_512 = ask_fma(t, cpu, "vfmadd231ps %ymm14, %ymm15, %ymm", "", &block, e);
    if (!told) return false;
    model->fma_per_cycle = CHAINS / block;
    model->stand_in = cpu->fma_per_cycle > 0 && (model->fma_per_cycle < 0.95 * cpu->fma_per_cycle ||
                                                 model->fma_per_cycle > 1.05 * cpu->fma_per_cycle);
    return true;
}

bool mca_predict(const mca_tools *t, const mca_cpu *cpu, const listing *l, const code_loop *loop, double *cycles,
                 error *e) {
    size_t size = 1;
    for (size_t i = 0; i < loop->instructions; i++) size += strlen(l->at[loop->first + i].text) + 1;
    char *code = malloc(size), *to = code;
    if (code == NULL) return fail(e, "no memory for a loop of %zu instructions", loop->instructions);
    for (size_t i = 0; i < loop->instructions; i++) { /* without "<symbol+0x10>", which no assembler reads */
        const char *text = l->at[loop->first + i].text;
        to += sprintf(to, "%.*s\n", (int)strcspn(text, "<"), text);
    }
    double block;
    const bool done = ask(t, cpu, code, &block, cycles, e);
    free(code);
    return done;
}

/* ---- measured ------------------------------------------------------------------------------------------------ */

enum { L1_FLOATS = 5120 }; /* 20 KiB: every L1 since 2010 holds it, with room for what else there is */

/* A layer of whole tiles in L1. */
static workload_shape whole_tiles(const idp_kernel *kernel) {
    workload_shape shape = {.percent = 100, .layout = kernel->layout, .batch = 1, .out = kernel->tile_out};
    if (kernel->layout == IDP_LAYOUT_ROW)
        shape.out = kernel->tile_batch;
    else if (kernel->layout != IDP_LAYOUT_PANEL)
        shape.batch = kernel->tile_batch;
    const size_t of_a_channel = shape.batch > 1 ? shape.out + shape.batch : shape.out;
    shape.in = L1_FLOATS / of_a_channel / 64 * 64;
    if (shape.in == 0) shape.in = 32;
    shape.m = shape.out;
    return shape;
}

bool mca_measure(const idp_kernel *kernel, double level, interval *cycles_per_multiply_add, error *e) {
    const workload_shape shape = whole_tiles(kernel);
    const workload_place place = workload_place_draw(1, 0);
    workload work[2] = {{0}};
    paired_samples samples = {0};
    paired_options options = paired_defaults();
    bool done = false;
    unsigned made = 0;
    size_t k[2] = {0};
    for (; made < 2; made++) {
        char name[WORKLOAD_NAME];
        workload_spec spec;
        snprintf(name, sizeof name, "%s@%d", kernel->name, made == 0 ? 100 : 50);
        if (!workload_parse(name, &shape, &spec, e) || !workload_make(&spec, &place, &work[made], e)) goto done;
        k[made] = spec.k;
    }
    options.level = level;
    const paired_variant variant[] = {{workload_run, &work[0]}, {workload_run, &work[1]}};
    if (!paired_measure(variant, 2, &options, &samples, e)) goto done;
    const interval whole = paired_time(&samples, 0, level), half = paired_ratio(&samples, 1, 0, level);
    const double hz = paired_core_hz(&samples).median;
    if (!(hz > 0)) {
        fail(e, "the core clock can't be told here");
        goto done;
    }
    /* whole x (1 - half / whole): the ratio is paired, so its error is what counts. */
    const double cycles = whole.median * hz / 1e9 / ((double)(k[0] - k[1]) * (double)(shape.m * shape.batch));
    *cycles_per_multiply_add =
        (interval){cycles * (1 - half.median), cycles * (1 - half.high), cycles * (1 - half.low)};
    done = true;
done:
    paired_free(&samples);
    while (made-- > 0) workload_free(&work[made]);
    return done;
}
