#include "warnings.h"

#include <string.h>

typedef struct facts {
    const environment *env;
    const machine *machine;
    const build_facts *build;
} facts;

enum { TEXT_SIZE = 512 };

/* A rule writes its text and returns true where it applies. */
typedef bool rule(const facts *f, char *text);

static bool says(const fact *f, const char *word) { return fact_known(f) && strcmp(f->text, word) == 0; }
static bool above(const fact *f, double number) { return fact_known(f) && f->number > number; }

/* ---- how it was built ---------------------------------------------------------------------------------------- */

static bool sanitizers(const facts *f, char *text) {
    snprintf(text, TEXT_SIZE,
             "Built with sanitizers: every memory access is checked, and times mean nothing. Measure with the "
             "release preset.");
    return f->build->sanitized;
}

static bool debug_build(const facts *f, char *text) {
    static const char debug[] = "Debug"; /* CMake's build type stands first */
    snprintf(text, TEXT_SIZE,
             "Debug build: what surrounds the kernels is hardly optimised, and times of whole networks are too "
             "long. Measure with the release preset.");
    return strncmp(f->build->flags, debug, sizeof debug - 1) == 0;
}

static bool simde(const facts *f, char *text) {
    snprintf(
        text, TEXT_SIZE,
        "Built with IDP_SIMDE: the AVX-512 kernels are AVX2 instructions, and their times mean nothing. Measure "
        "with the release preset.");
    return strstr(f->build->flags, "-DIDP_SIMDE") != NULL;
}

static bool dirty(const facts *f, char *text) {
    static const char end[] = "-dirty";
    const size_t length = strlen(f->build->commit), end_length = sizeof end - 1;
    snprintf(text, TEXT_SIZE,
             "Built from a checkout with changes that are not committed (%s): nobody else can rebuild what was "
             "measured. Commit, then build again.",
             f->build->commit);
    return length >= end_length && strcmp(f->build->commit + length - end_length, end) == 0;
}

static bool commit_unknown(const facts *f, char *text) {
    snprintf(
        text, TEXT_SIZE,
        "Built outside a git checkout: the figures cannot be traced to a commit, only to version %s. Build in a "
        "clone to publish them.",
        f->build->version);
    return strcmp(f->build->commit, "unknown") == 0;
}

/* ---- what it runs on -------------------------------------------------------------------------------------------
 */

static bool emulated(const facts *f, char *text) {
    snprintf(text, TEXT_SIZE,
             "The CPU is emulated (%s), instruction by instruction: results are right, times mean nothing. Measure "
             "on a CPU of this kind.",
             f->machine->hypervisor);
    return f->machine->emulated;
}

static bool virtual_machine(const facts *f, char *text) {
    snprintf(
        text, TEXT_SIZE,
        "This is a virtual machine (%s): absolute times move by 10 %% or more between runs, with what the host "
        "does. Compare ratios within one run (idp versus), or measure on the bare machine.",
        f->machine->hypervisor);
    return f->machine->hypervisor[0] != '\0' && !f->machine->emulated;
}

static bool hidden(const facts *f, char *text) {
    snprintf(
        text, TEXT_SIZE,
        "Instruction sets were hidden from this run (IDP_CPU_DISABLE=%s): it shows this CPU without them, and no "
        "other CPU that lacks them. Unset it to measure the machine.",
        f->machine->hidden);
    return f->machine->hidden[0] != '\0';
}

/* The last width is 512 bits. */
static bool no_avx512(const facts *f, char *text) {
    snprintf(
        text, TEXT_SIZE,
        "No AVX-512 here: its kernels are skipped, and the figures say nothing about them. Run on a CPU that has "
        "it, and compare the two documents.");
    return strcmp(f->machine->architecture, "x86-64") == 0 && !f->machine->emulated &&
           f->machine->hidden[0] == '\0' && !fact_known(&f->env->fma_peak_gflops[PEAK_WIDTHS - 1]);
}

static bool one_processor(const facts *f, char *text) {
    snprintf(text, TEXT_SIZE,
             "There is only one processor: whatever else runs takes it from the measurement. Prefer a machine with "
             "two or more.");
    return fact_known(&f->env->processors_online) && f->env->processors_online.number <= 1;
}

/* ---- how the system is set up ----------------------------------------------------------------------------------
 */

static bool governor(const facts *f, char *text) {
    const fact *found = &f->env->governor;
    snprintf(text, TEXT_SIZE,
             "The clock is governed by '%s', not 'performance': short measurements begin at a low clock, and times "
             "scatter. As root: cpupower frequency-set -g performance.",
             found->text);
    return fact_known(found) && strcmp(found->text, "performance") != 0;
}

static bool turbo(const facts *f, char *text) {
    snprintf(text, TEXT_SIZE,
             "Turbo is on: the clock follows heat and what the other cores do, and absolute times with it. Compare "
             "ratios within one run, or switch it off as root: echo 1 > "
             "/sys/devices/system/cpu/intel_pstate/no_turbo, or echo 0 > /sys/devices/system/cpu/cpufreq/boost.");
    return says(&f->env->turbo, "on");
}

static bool smt(const facts *f, char *text) {
    snprintf(text, TEXT_SIZE,
             "Two hardware threads share a core: what runs on the other one takes up to half of its vector units. "
             "Keep the machine idle, or as root: echo off > /sys/devices/system/cpu/smt/control.");
    return says(&f->env->smt, "on");
}

static bool aslr_off(const facts *f, char *text) {
    snprintf(text, TEXT_SIZE,
             "Memory is not placed at random (ASLR is off): every process has the same layout, and repeated runs "
             "agree better than they should. Do not use setarch -R; as root: sysctl kernel.randomize_va_space=2.");
    return says(&f->env->aslr, "off");
}

/* ---- what happened during the run ------------------------------------------------------------------------------
 */

static double processors(const environment *env) {
    return fact_known(&env->processors_online) ? env->processors_online.number : 1;
}

/* Where it cannot be told what others took, the load average has to do. It counts this program, too. */
static bool busy_by_load(const environment *env, char *text) {
    const double per_processor = env->load_start.number / processors(env);
    snprintf(
        text, TEXT_SIZE,
        "%.2g programs per processor ran or waited (load average %.2f on %.0f): times are too long, and scatter. "
        "Close other work, and wait until the load has gone down.",
        per_processor, env->load_start.number, processors(env));
    return fact_known(&env->load_start) && per_processor > 0.75;
}

/* Others do harm on other processors, too: caches, memory and turbo are shared. */
static bool busy(const facts *f, char *text) {
    const double most_waited_percent = 1, most_others = 0.25 * processors(f->env);
    const fact *others = &f->env->others_processors, *waited = &f->env->waited_percent;
    char waiting[96] = "";
    if (!fact_known(others)) return busy_by_load(f->env, text);
    if (above(waited, most_waited_percent))
        snprintf(waiting, sizeof waiting, ", and this one waited %.2g %% of it for a processor", waited->number);
    snprintf(text, TEXT_SIZE,
             "Other programs kept %.1f of %.0f processors busy during the run%s: times are too long, and scatter. "
             "Close other work and measure again.",
             others->number, processors(f->env), waiting);
    return waiting[0] != '\0' || others->number > most_others;
}

static bool steal(const facts *f, char *text) {
    snprintf(
        text, TEXT_SIZE,
        "The hypervisor gave %.2g %% of this machine's processor time to others (steal): times are too long where "
        "that hit, and no program in here can see it. Trust medians and paired ratios, or measure when the host "
        "is quiet.",
        f->env->steal_percent.number);
    return above(&f->env->steal_percent, 1);
}

static bool clock_moved(const facts *f, char *text) {
    const double least = f->env->core_hz_least, greatest = f->env->core_hz_greatest, most = 0.05;
    snprintf(
        text, TEXT_SIZE,
        "The core's clock moved between %.2f and %.2f GHz: times of different moments are not comparable. Compare "
        "ratios within one run (idp versus), or fix the clock (turbo off, governor performance).",
        1e-9 * least, 1e-9 * greatest);
    return fact_known(&f->env->core_hz_start) && greatest - least > most * greatest;
}

/* What makes the figures worthless first. */
static const struct {
    const char *code;
    rule *applies;
} rules[] = {
    {"sanitizers", sanitizers},
    {"debug_build", debug_build},
    {"simde", simde},
    {"emulated", emulated},
    {"busy", busy},
    {"steal", steal},
    {"clock", clock_moved},
    {"virtual_machine", virtual_machine},
    {"one_processor", one_processor},
    {"governor", governor},
    {"turbo", turbo},
    {"smt", smt},
    {"aslr_off", aslr_off},
    {"hidden", hidden},
    {"no_avx512", no_avx512},
    {"dirty", dirty},
    {"commit_unknown", commit_unknown},
};

json_t *warnings_json(const environment *env, const build_facts *build) {
    const facts f = {env, &env->machine, build};
    json_t *list = json_array();
    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
        char text[TEXT_SIZE];
        if (rules[r].applies(&f, text))
            json_array_append_new(list, json_pack("{s:s, s:s}", "code", rules[r].code, "text", text));
    }
    return list;
}

static bool silent;

void warnings_quiet(bool quiet) { silent = quiet; }

void warnings_print(const json_t *warnings, FILE *file) {
    size_t index;
    const json_t *one;
    if (silent || json_array_size(warnings) == 0) return;
    fprintf(file, "\nWhat to know about these figures:\n");
    json_array_foreach(warnings, index, one)
        fprintf(file, "- %s\n", json_string_value(json_object_get(one, "text")));
}
