/* test_environment.c: the environment over made-up /proc and /sys, energy over made-up counters, and every warning:
 * where it applies and where it does not. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/environment.h"
#include "results/results.h"
#include "results/warnings.h"
#include "tree.h"

#include <check.h> /* last: it has a macro named fail */

static tree proc, sys;
static uint64_t fake_ns;

static uint64_t fake_now(void) { return fake_ns; }

static int no_open(void *context, counter which, int group) {
    (void)context, (void)which, (void)group;
    return -1;
}
static const counters_kernel no_counters = {.open = no_open, .proc = "/", .sys = "/"};

/* Nothing is probed on an emulated machine: the tests are quick, and the same everywhere. */
static const machine emulator = {.architecture = "x86-64", .emulated = true, .hypervisor = "QEMU"};

static void setup(void) {
    tree_make(&proc);
    tree_make(&sys);
    fake_ns = 5000000000;
}

static void teardown(void) {
    tree_remove(&proc);
    tree_remove(&sys);
}

static void start(environment *env) {
    const environment_source source = {proc.root, sys.root, fake_now, &no_counters};
    environment_start(env, &source, &emulator);
}

static void is_text(const fact *f, const char *text) {
    ck_assert_msg(fact_known(f), "unavailable: %s", f->unavailable);
    ck_assert_str_eq(f->text, text);
}

static void is_unavailable(const fact *f, const char *part) {
    ck_assert_msg(!fact_known(f), "'%s', %g", f->text, f->number);
    ck_assert_msg(strstr(f->unavailable, part) != NULL, "'%s' does not say '%s'", f->unavailable, part);
}

/* ---- settings --------------------------------------------------------------------------------------------------
 */

static const struct {
    bool in_sys;
    const char *file, *text;
    size_t offset;
    const char *word; /* NULL: not understood, unavailable */
} setting_cases[] = {
    {true, "devices/system/cpu/intel_pstate/no_turbo", "0\n", offsetof(environment, turbo), "on"},
    {true, "devices/system/cpu/intel_pstate/no_turbo", "1\n", offsetof(environment, turbo), "off"},
    {true, "devices/system/cpu/cpufreq/boost", "1\n", offsetof(environment, turbo), "on"},
    {true, "devices/system/cpu/cpufreq/boost", "0\n", offsetof(environment, turbo), "off"},
    {true, "devices/system/cpu/cpufreq/boost", "maybe\n", offsetof(environment, turbo), NULL},
    {true, "devices/system/cpu/smt/active", "1\n", offsetof(environment, smt), "on"},
    {true, "devices/system/cpu/smt/active", "0\n", offsetof(environment, smt), "off"},
    {true, "devices/system/cpu/smt/active", "\n", offsetof(environment, smt), NULL},
    {true, "kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n",
     offsetof(environment, transparent_huge_pages), "madvise"},
    {true, "kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n",
     offsetof(environment, transparent_huge_pages), "always"},
    {true, "kernel/mm/transparent_hugepage/enabled", "always\n", offsetof(environment, transparent_huge_pages),
     NULL},
    {false, "sys/kernel/randomize_va_space", "0\n", offsetof(environment, aslr), "off"},
    {false, "sys/kernel/randomize_va_space", "1\n", offsetof(environment, aslr), "partial"},
    {false, "sys/kernel/randomize_va_space", "2\n", offsetof(environment, aslr), "full"},
    {false, "sys/kernel/randomize_va_space", "7\n", offsetof(environment, aslr), NULL},
    {false, "cpuinfo", "processor\t: 0\nmicrocode\t: 0x2b000603\n", offsetof(environment, microcode), "0x2b000603"},
    {false, "cpuinfo", "processor\t: 0\n", offsetof(environment, microcode), NULL},
    {false, "self/status", "Name:\tidp\nCpus_allowed_list:\t0-3,8\n", offsetof(environment, affinity), "0-3,8"},
};

START_TEST(a_setting_is_read) {
    environment env;
    tree_put(setting_cases[_i].in_sys ? &sys : &proc, setting_cases[_i].file, setting_cases[_i].text);
    start(&env);
    const fact *found = (const fact *)((const char *)&env + setting_cases[_i].offset);
    if (setting_cases[_i].word != NULL)
        is_text(found, setting_cases[_i].word);
    else
        ck_assert_msg(!fact_known(found), "'%s'", found->text);
}
END_TEST

START_TEST(the_governor_is_that_of_this_processor) {
    environment env;
    char file[96];
    const int here = machine_processor();
    snprintf(file, sizeof file, "devices/system/cpu/cpu%d/cpufreq/scaling_governor", here >= 0 ? here : 0);
    tree_put(&sys, file, "powersave\n");
    start(&env);
    if (machine_processor() == here) is_text(&env.governor, "powersave"); /* else it moved meanwhile */
}
END_TEST

START_TEST(setarch_switches_random_placement_off) {
    environment env;
    tree_put(&proc, "sys/kernel/randomize_va_space", "2\n");
    tree_put(&proc, "self/personality", "00040000\n");
    start(&env);
    is_text(&env.aslr, "off");
    tree_put(&proc, "self/personality", "00000000\n");
    start(&env);
    is_text(&env.aslr, "full");
}
END_TEST

START_TEST(memory_is_in_bytes) {
    environment env;
    tree_put(&proc, "meminfo", "MemTotal:       4000 kB\nMemFree:   1 kB\nMemAvailable:    2000 kB\n");
    start(&env);
    ck_assert_double_eq(env.memory_available_bytes.number, 2048000);
}
END_TEST

/* ---- use of the processors
 * --------------------------------------------------------------------------------------- */

/* user, nice, system, idle, iowait, irq, softirq, steal in ticks of a hundredth of a second. */
static void put_stat(unsigned long user, unsigned long idle, unsigned long steal) {
    char text[256];
    const unsigned long tick = (unsigned long)sysconf(_SC_CLK_TCK) / 100;
    snprintf(text, sizeof text, "cpu  %lu 0 0 %lu 0 0 0 %lu 0 0\ncpu0 1 2 3\n", tick * user, tick * idle,
             tick * steal);
    tree_put(&proc, "stat", text);
}

START_TEST(what_others_took_is_told) {
    environment env;
    put_stat(1000, 5000, 100);
    tree_put(&proc, "self/schedstat", "111 1000000000 3\n");
    start(&env);
    is_unavailable(&env.others_processors, "half a second");
    is_unavailable(&env.steal_percent, "half a second");
    is_unavailable(&env.waited_percent, "half a second");
    fake_ns += 10000000000;                                  /* 10 s on two processors: */
    put_stat(2200, 5600, 300);                               /* 12 s busy, 6 s idle, 2 s stolen */
    tree_put(&proc, "self/schedstat", "222 1250000000 5\n"); /* a quarter of a second */
    environment_sample(&env);
    ck_assert_double_eq_tol(env.seconds, 10, 1e-9);
    /* This test itself takes some milliseconds, which count as its own. */
    ck_assert_double_eq_tol(env.others_processors.number, 1.2, 0.1);
    ck_assert_double_eq_tol(env.steal_percent.number, 10, 1e-9);
    ck_assert_double_eq_tol(env.waited_percent.number, 2.5, 1e-9);
}
END_TEST

START_TEST(own_work_is_not_that_of_others) {
    environment env;
    put_stat(0, 0, 0);
    start(&env);
    const environment_usage before = environment_usage_read(&env);
    volatile double sum = 0;
    while (environment_usage_read(&env).own_s - before.own_s < 0.1)
        for (int i = 0; i < 100000; i++) sum += i;
    ck_assert_double_gt(sum, 0);
    const double own_s = environment_usage_read(&env).own_s - env.first.own_s;
    fake_ns += 1000000000;
    put_stat((unsigned long)(100 * own_s), 100, 0);
    environment_sample(&env);
    ck_assert_double_lt(env.others_processors.number, 0.05);
}
END_TEST

START_TEST(files_that_make_no_sense_are_unavailable) {
    environment env;
    tree_put(&proc, "stat", "cpu  1 2 many\n");
    tree_put(&proc, "self/schedstat", "\n");
    tree_put(&proc, "loadavg", "high\n");
    tree_put(&proc, "meminfo", "MemAvailable: lots\n");
    start(&env);
    fake_ns += 2000000000;
    environment_sample(&env);
    is_unavailable(&env.others_processors, "not understood");
    is_unavailable(&env.steal_percent, "not understood");
    is_unavailable(&env.waited_percent, "not understood");
    is_unavailable(&env.memory_available_bytes, "not understood");
#ifdef __linux__
    is_unavailable(&env.load_start, "not understood");
#endif
}
END_TEST

START_TEST(a_machine_without_proc_has_reasons) {
    environment env;
    start(&env);
    fake_ns += 2000000000;
    environment_sample(&env);
    json_t *object = environment_json(&env);
    static const char *const missing[] = {
        "governor",       "turbo",          "smt",     "aslr",     "transparent_huge_pages", "others_processors",
        "waited_percent", "affinity",       "core_hz", "counters", "memory_available_bytes", "steal_percent",
        "microcode",      "fma_peak_gflops"};
    for (size_t m = 0; m < sizeof missing / sizeof missing[0]; m++) {
        const char *reason = json_string_value(json_object_get(json_object_get(object, missing[m]), "unavailable"));
        ck_assert_msg(reason != NULL && strlen(reason) > 10, "%s has no reason", missing[m]);
    }
    json_decref(object);
    is_unavailable(&env.affinity, "No such file");
    object = environment_energy_json(&env);
    ck_assert_ptr_nonnull(json_object_get(json_object_get(object, "package_j"), "unavailable"));
    ck_assert_ptr_nonnull(json_object_get(json_object_get(object, "dram_j"), "unavailable"));
    json_decref(object);
}
END_TEST

/* ---- energy ----------------------------------------------------------------------------------------------------
 */

static void put_zone(const char *zone, const char *name, unsigned long long uj) {
    char file[128], text[64];
    snprintf(file, sizeof file, "class/powercap/%s/name", zone);
    snprintf(text, sizeof text, "%s\n", name);
    tree_put(&sys, file, text);
    snprintf(file, sizeof file, "class/powercap/%s/max_energy_range_uj", zone);
    tree_put(&sys, file, "262143328850\n");
    snprintf(file, sizeof file, "class/powercap/%s/energy_uj", zone);
    snprintf(text, sizeof text, "%llu\n", uj);
    tree_put(&sys, file, text);
}

START_TEST(joules_of_all_sockets_and_nothing_twice) {
    energy m;
    put_zone("intel-rapl:0", "package-0", 1000000);
    put_zone("intel-rapl:0:0", "core", 1000000);
    put_zone("intel-rapl:0:1", "dram", 500000);
    put_zone("intel-rapl:1", "package-1", 262143000000); /* about to begin again */
    put_zone("intel-rapl:2", "psys", 1000000);
    put_zone("intel-rapl-mmio:0", "package-0", 1000000);
    energy_start(&m, sys.root, 0);
    put_zone("intel-rapl:0", "package-0", 31000000);
    put_zone("intel-rapl:0:0", "core", 91000000);
    put_zone("intel-rapl:0:1", "dram", 4500000);
    put_zone("intel-rapl:1", "package-1", 1671150); /* 0.32885 J to the end, 1.67115 J behind it */
    put_zone("intel-rapl:2", "psys", 91000000);
    put_zone("intel-rapl-mmio:0", "package-0", 91000000);
    energy_sample(&m, 500000000);
    fact joules = energy_joules(&m, ENERGY_PACKAGE);
    is_unavailable(&joules, "shorter than 1 s");
    energy_sample(&m, 2000000000); /* nothing moved since */
    joules = energy_joules(&m, ENERGY_PACKAGE);
    ck_assert_double_eq_tol(joules.number, 30 + 2, 1e-9);
    joules = energy_joules(&m, ENERGY_DRAM);
    ck_assert_double_eq_tol(joules.number, 4, 1e-9);
}
END_TEST

START_TEST(energy_that_is_not_there_says_so) {
    energy m;
    put_zone("intel-rapl:0", "package-0", 1000000);
    energy_start(&m, sys.root, 0);
    energy_sample(&m, 2000000000);
    fact joules = energy_joules(&m, ENERGY_DRAM);
    is_unavailable(&joules, "no energy counter");
    joules = energy_joules(&m, ENERGY_PACKAGE);
    ck_assert(fact_known(&joules));

    /* A counter that vanishes, or that may have wrapped twice. */
    energy_sample(&m, 2000000000 + 400000000000);
    joules = energy_joules(&m, ENERGY_PACKAGE);
    is_unavailable(&joules, "wrapped more than once");
    energy_start(&m, sys.root, 0);
    tree_take(&sys, "class/powercap/intel-rapl:0/energy_uj");
    energy_sample(&m, 2000000000);
    joules = energy_joules(&m, ENERGY_PACKAGE);
    is_unavailable(&joules, "No such file");
}
END_TEST

START_TEST(energy_for_root_only_says_so) {
    energy m;
    char path[160];
    put_zone("intel-rapl:0", "package-0", 1000000);
    snprintf(path, sizeof path, "%s/class/powercap/intel-rapl:0/energy_uj", sys.root);
    ck_assert_int_eq(chmod(path, 0), 0);
    if (access(path, R_OK) == 0) return; /* root may read everything: nothing to see here */
    energy_start(&m, sys.root, 0);
    energy_sample(&m, 2000000000);
    const fact joules = energy_joules(&m, ENERGY_PACKAGE);
    is_unavailable(&joules, "only root");
}
END_TEST

/* ---- the peak --------------------------------------------------------------------------------------------------
 */

START_TEST(a_wider_peak_is_no_lower) {
    machine m;
    machine_read(&m);
    double narrower = 0;
    for (unsigned w = 0; w < PEAK_WIDTHS && !m.emulated; w++) {
        const double gflops = fma_peak_gflops(peak_width_bits[w]);
        ck_assert(fma_peak_usable(peak_width_bits[w]) == (gflops > 0));
        if (gflops == 0) continue;
        /* On no core is a wider register slower, but some do it in halves: equal, but for what others do meanwhile.
         * A lane counted wrong is a factor of two. */
        ck_assert_double_gt(gflops, 0.75 * narrower);
        narrower = gflops;
    }
    ck_assert(!fma_peak_usable(64));
    ck_assert_double_eq(fma_peak_gflops(64), 0);
}
END_TEST

/* ---- warnings --------------------------------------------------------------------------------------------------
 */

static environment calm;
static build_facts clean;

/* A machine and a build that nothing is to be said against. */
static void make_calm(void) {
    calm = (environment){.machine = {.architecture = "x86-64"}, .core_hz_least = 3e9, .core_hz_greatest = 3.1e9};
    calm.governor = fact_text("performance");
    calm.turbo = calm.smt = fact_text("off");
    calm.aslr = fact_text("full");
    calm.processors_online = fact_number(4);
    calm.load_start = fact_number(0.1);
    calm.others_processors = fact_number(0.1);
    calm.waited_percent = calm.steal_percent = fact_number(0.1);
    for (unsigned w = 0; w < PEAK_WIDTHS; w++) calm.fma_peak_gflops[w] = fact_number(100);
    clean = (build_facts){"1.0", "0123456789ab", "gcc 12", "Release -O3 -DNDEBUG", false};
}

/* The only warning is that, and `part` stands in it; code NULL: there is none. */
static void warns(const char *code, const char *part) {
    json_t *list = warnings_json(&calm, &clean);
    const json_t *first = json_array_get(list, 0);
    const char *found = json_string_value(json_object_get(first, "code")),
               *text = json_string_value(json_object_get(first, "text"));
    ck_assert_msg(json_array_size(list) == (code != NULL), "%zu warnings, the first is %s", json_array_size(list),
                  found != NULL ? found : "none");
    if (code != NULL) {
        ck_assert_str_eq(found, code);
        ck_assert_msg(strstr(text, part) != NULL, "'%s' does not say '%s'", text, part);
        ck_assert_msg(text[strlen(text) - 1] == '.', "'%s' was cut", text);
    }
    json_decref(list);
    make_calm();
}

START_TEST(nothing_is_said_of_a_calm_machine) {
    warns(NULL, NULL);
    static const fact unknown = {.unavailable = "nobody knows"};
    calm.governor = calm.turbo = calm.smt = calm.aslr = calm.load_start = unknown;
    calm.others_processors = calm.waited_percent = calm.steal_percent = calm.core_hz_start = unknown;
    calm.processors_online = unknown;
    warns(NULL, NULL); /* not to know is no warning */
}
END_TEST

START_TEST(what_happened_is_told) {
    calm.others_processors.number = 1.5;
    warns("busy", "1.5 of 4 processors");
    calm.waited_percent.number = 12;
    warns("busy", "waited 12 %");
    calm.others_processors = fact_unavailable("too short");
    calm.load_start.number = 8;
    warns("busy", "2 programs per processor");
    calm.steal_percent.number = 3;
    warns("steal", "3 %");
    calm.core_hz_least = 2e9;
    warns("clock", "2.00 and 3.10 GHz");
}
END_TEST

START_TEST(how_the_system_is_set_up_is_told) {
    calm.governor = fact_text("powersave");
    warns("governor", "powersave");
    calm.turbo = fact_text("on");
    warns("turbo", "no_turbo");
    calm.smt = fact_text("on");
    warns("smt", "smt/control");
    calm.aslr = fact_text("off");
    warns("aslr_off", "randomize_va_space");
    calm.processors_online.number = 1;
    warns("one_processor", "one processor");
}
END_TEST

START_TEST(what_it_runs_on_is_told) {
    strcpy(calm.machine.hypervisor, "KVM");
    warns("virtual_machine", "(KVM)");
    strcpy(calm.machine.hypervisor, "QEMU");
    calm.machine.emulated = true;
    warns("emulated", "mean nothing");
    calm.fma_peak_gflops[PEAK_WIDTHS - 1] = fact_unavailable("no such registers");
    warns("no_avx512", "skipped");
    calm.fma_peak_gflops[PEAK_WIDTHS - 1] = fact_unavailable("no such registers");
    calm.machine.architecture = "aarch64";
    warns(NULL, NULL);
    calm.fma_peak_gflops[PEAK_WIDTHS - 1] = fact_unavailable("no such registers");
    strcpy(calm.machine.hidden, "avx512f"); /* it is there, but hidden */
    warns("hidden", "IDP_CPU_DISABLE=avx512f");
}
END_TEST

START_TEST(how_it_was_built_is_told) {
    clean.sanitized = true;
    warns("sanitizers", "mean nothing");
    clean.flags = "Debug -g";
    warns("debug_build", "release preset");
    clean.flags = "Release -DIDP_SIMDE";
    warns("simde", "AVX2 instructions");
    clean.commit = "0123456789ab-dirty";
    warns("dirty", "0123456789ab-dirty");
    clean.commit = "unknown";
    warns("commit_unknown", "version 1.0");
}
END_TEST

START_TEST(the_worst_comes_first_and_all_are_printed) {
    char *bytes = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    ck_assert_ptr_nonnull(stream);
    clean.sanitized = true;
    clean.commit = "0123456789ab-dirty";
    calm.smt = fact_text("on");
    json_t *list = warnings_json(&calm, &clean);
    ck_assert_uint_eq(json_array_size(list), 3);
    warnings_quiet(true);
    warnings_print(list, stream);
    fflush(stream);
    ck_assert_uint_eq(size, 0);
    warnings_quiet(false);
    warnings_print(list, stream);
    fclose(stream);
    const char *sanitizers = strstr(bytes, "- Built with sanitizers"),
               *smt = strstr(bytes, "- Two hardware threads"), *dirty = strstr(bytes, "- Built from a checkout");
    ck_assert(sanitizers != NULL && smt > sanitizers && dirty > smt);
    free(bytes);
    json_decref(list);
}
END_TEST

/* ---- the document ----------------------------------------------------------------------------------------------
 */

START_TEST(a_document_has_its_environment) {
    results r, back;
    error e = {""};
    char path[128];
    snprintf(path, sizeof path, "%s/r.json", proc.root);
    ck_assert_msg(results_new(&r, "idp test", 1, &e), "%s", e.text);
    results_sample(&r);
    ck_assert_msg(results_write(&r, path, &e), "%s", e.text);
    ck_assert_msg(results_read(&back, path, &e), "%s", e.text);
    const json_t *object = json_object_get(back.document, "environment");
    ck_assert(json_is_number(json_object_get(object, "seconds")));
    ck_assert(json_is_string(json_object_get(json_object_get(object, "libraries"), "jansson")));
    ck_assert(json_is_array(json_object_get(back.document, "warnings")));
    ck_assert(json_is_object(json_object_get(json_object_get(back.document, "run"), "energy")));
    ck_assert_ptr_null(back.environment); /* of that run, not of this one */
    results_free(&back);
    results_free(&r);
    ck_assert_int_eq(remove(path), 0);
}
END_TEST

static const struct {
    const char *object, *key, *value, *part;
} wrong[] = {
    {"environment", "governor", "3", "governor"},
    {"environment", "tsc_hz", "\"fast\"", "tsc_hz"},
    {"environment", "smt", "{\"unknown\": \"so\"}", "smt"},
    {NULL, "warnings", "[{\"code\": \"busy\"}]", "warnings[0]"},
    {NULL, "warnings", "{}", "warnings"},
    {"run", "energy", "{\"package_j\": 1}", "dram_j"},
};

START_TEST(a_wrong_environment_is_refused) {
    results r;
    error e = {""};
    ck_assert_msg(results_new(&r, "idp test", 1, &e), "%s", e.text);
    free(r.environment); /* as a document that was read: results_write leaves it as it is */
    r.environment = NULL;
    json_t *object = wrong[_i].object != NULL ? json_object_get(r.document, wrong[_i].object) : r.document;
    json_object_set_new(object, wrong[_i].key, json_loads(wrong[_i].value, JSON_DECODE_ANY, NULL));
    ck_assert(!results_write(&r, "/dev/null", &e));
    ck_assert_msg(strstr(e.text, wrong[_i].part) != NULL, "%s", e.text);
    results_free(&r);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("environment");
    TCase *files = tcase_create("files"), *warnings = tcase_create("warnings");
    tcase_add_checked_fixture(files, setup, teardown);
    tcase_add_loop_test(files, a_setting_is_read, 0, (int)(sizeof setting_cases / sizeof setting_cases[0]));
    tcase_add_test(files, the_governor_is_that_of_this_processor);
    tcase_add_test(files, setarch_switches_random_placement_off);
    tcase_add_test(files, memory_is_in_bytes);
    tcase_add_test(files, what_others_took_is_told);
    tcase_add_test(files, own_work_is_not_that_of_others);
    tcase_add_test(files, files_that_make_no_sense_are_unavailable);
    tcase_add_test(files, a_machine_without_proc_has_reasons);
    tcase_add_test(files, joules_of_all_sockets_and_nothing_twice);
    tcase_add_test(files, energy_that_is_not_there_says_so);
    tcase_add_test(files, energy_for_root_only_says_so);
    tcase_add_test(files, a_document_has_its_environment);
    tcase_add_checked_fixture(warnings, make_calm, NULL);
    tcase_add_test(warnings, a_wider_peak_is_no_lower);
    tcase_add_test(warnings, nothing_is_said_of_a_calm_machine);
    tcase_add_test(warnings, what_happened_is_told);
    tcase_add_test(warnings, how_the_system_is_set_up_is_told);
    tcase_add_test(warnings, what_it_runs_on_is_told);
    tcase_add_test(warnings, how_it_was_built_is_told);
    tcase_add_test(warnings, the_worst_comes_first_and_all_are_printed);
    tcase_add_loop_test(warnings, a_wrong_environment_is_refused, 0, (int)(sizeof wrong / sizeof wrong[0]));
    suite_add_tcase(suite, files);
    suite_add_tcase(suite, warnings);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
