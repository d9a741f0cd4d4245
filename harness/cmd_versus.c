/* cmd_versus.c: `idp versus`: which of several kernels or percentages is faster, and how sure that is. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "commands.h"
#include "machine/machine.h"
#include "progress.h"
#include "results/results.h"
#include "versus/versus.h"
#include "versus/versus_worker.h"

static const char help[] =
    "Usage: idp versus A B [C]... [OPTION]...\n"
    "       idp versus --list\n"
    "       idp versus --self-test [A] [OPTION]...\n"
    "\n"
    "Compares B, C, ... with A: paired rounds in many processes, an A/A control, a verdict that is\n"
    "given only beyond the noise. Each is the name of a kernel, of a back end (its preferred\n"
    "kernel) or of a peer (another library; idp list), and may end in @PERCENT of the input channels. +3% behind "
    "it makes 3 % more calls: a\n"
    "planted slowdown, to see that it is found. docs/measuring.md tells the method.\n"
    "\n"
    "  --shape OUTxIN       of the layer (default: 100x784)\n"
    "  --m M                outputs computed (default: all)\n"
    "  --percent P          of the input channels (default: 100)\n"
    "  --batch N            samples (default: 1); kernels that take one are called for each\n"
    "  --layout NAME        panel, batch, row or sample: which kernel a back end's name means (default:\n"
    "                       panel for one sample, batch for more)\n"
    "  --cold               weights come from beyond the L2 cache, not from the last call\n"
    "  --ftz                flush subnormal numbers to zero (default: IEEE arithmetic)\n"
    "  --hold BACKEND       hold libraries to the instruction set of avx2 or avx512f (default: of the\n"
    "                       widest kernel that is named)\n"
    "  --processes N        independent measurements (default: 20)\n"
    "  --rounds N           undisturbed rounds of each process (default: 250)\n"
    "  --level L            with which all intervals hold together (default: 0.99)\n"
    "  --time-limit S       seconds for all (default: 60): fewer rounds, and processes, as needed\n"
    "  --unpaired           also measure one after the other, to see what that is worth\n"
    "  --seed N             of memory places, values and orders (default: 1)\n"
    "  --require-isa LIST   these back ends must run here\n"
    "  --json FILE          write the records\n"
    "  --quiet              no progress\n"
    "  --list               what can be named\n"
    "  --self-test          compare A (default: the best back end, @50) with itself and with A+3%\n"
    "  --tries N            of the self-test (default: 100, and a fifth of that with A+3%)\n";

enum {
    SHAPE = 256,
    OUTPUTS,
    PERCENT,
    BATCH,
    LAYOUT,
    COLD,
    FTZ,
    HOLD,
    PROCESSES,
    ROUNDS,
    LEVEL,
    TIME_LIMIT,
    UNPAIRED,
    SEED,
    REQUIRE,
    JSON,
    QUIET,
    LIST,
    SELF_TEST,
    TRIES,
    WORKER
};

static const struct option options_table[] = {{"shape", required_argument, NULL, SHAPE},
                                              {"m", required_argument, NULL, OUTPUTS},
                                              {"percent", required_argument, NULL, PERCENT},
                                              {"batch", required_argument, NULL, BATCH},
                                              {"layout", required_argument, NULL, LAYOUT},
                                              {"cold", no_argument, NULL, COLD},
                                              {"ftz", no_argument, NULL, FTZ},
                                              {"hold", required_argument, NULL, HOLD},
                                              {"processes", required_argument, NULL, PROCESSES},
                                              {"rounds", required_argument, NULL, ROUNDS},
                                              {"level", required_argument, NULL, LEVEL},
                                              {"time-limit", required_argument, NULL, TIME_LIMIT},
                                              {"unpaired", no_argument, NULL, UNPAIRED},
                                              {"seed", required_argument, NULL, SEED},
                                              {"require-isa", required_argument, NULL, REQUIRE},
                                              {"json", required_argument, NULL, JSON},
                                              {"quiet", no_argument, NULL, QUIET},
                                              {"list", no_argument, NULL, LIST},
                                              {"self-test", no_argument, NULL, SELF_TEST},
                                              {"tries", required_argument, NULL, TRIES},
                                              {"worker", required_argument, NULL, WORKER},
                                              {"help", no_argument, NULL, 'h'},
                                              {0}};

static const double PLANTED_PERCENT = 3;

typedef struct request {
    versus_options versus;
    workload_shape shape;
    size_t m; /* SIZE_MAX: all outputs */
    const char *layout, *require, *json, *worker;
    bool cold, quiet, list, self_test;
    size_t tries;
} request;

/* ---- options ----------------------------------------------------------------------------------------------- */

static bool whole_number(const char *name, const char *text, double low, double high, size_t *value, error *e) {
    double number;
    if (!option_number(name, text, low, high, &number, e)) return false;
    if (number != (double)(size_t)number) return fail(e, "--%s %s is not a whole number", name, text);
    *value = (size_t)number;
    return true;
}

static bool take_shape(const char *text, workload_shape *shape, error *e) {
    bench_shape layers[BENCH_SHAPES];
    unsigned count;
    if (!option_shapes(text, layers, &count, e)) return false;
    if (count != 1) return fail(e, "--shape '%s': versus compares on one layer at a time", text);
    shape->out = layers[0].out;
    shape->in = layers[0].in;
    return true;
}

static bool take_seed(const char *text, uint64_t *seed, error *e) {
    size_t value = 0;
    if (!whole_number("seed", text, 0, 9007199254740992, &value, e)) return false; /* 2^53 */
    *seed = value;
    return true;
}

static bool take_hold(const char *text, versus_options *v, error *e) {
    if (strcmp(text, "avx2") != 0 && strcmp(text, "avx512f") != 0)
        return fail(e, "--hold '%s': it is avx2 or avx512f", text);
    v->held = text;
    return true;
}

static bool option_take(int c, request *q, error *e) {
    versus_options *v = &q->versus;
    switch (c) {
    case SHAPE: return take_shape(optarg, &q->shape, e);
    case OUTPUTS: return whole_number("m", optarg, 0, WORKLOAD_MOST_WIDTH, &q->m, e);
    case PERCENT: return option_number("percent", optarg, 0, 100, &q->shape.percent, e);
    case BATCH: return whole_number("batch", optarg, 1, WORKLOAD_MOST_BATCH, &q->shape.batch, e);
    case LAYOUT: q->layout = optarg; return true;
    case COLD: q->cold = true; return true;
    case FTZ: v->ftz = true; return true;
    case HOLD: return take_hold(optarg, v, e);
    case PROCESSES: return whole_number("processes", optarg, 2, VERSUS_MOST_PROCESSES, &v->processes, e);
    case ROUNDS: return whole_number("rounds", optarg, VERSUS_LEAST_ROUNDS, VERSUS_MOST_ROUNDS, &v->rounds, e);
    case LEVEL: return option_number("level", optarg, 0.5, 0.9999, &v->level, e);
    case TIME_LIMIT: return option_number("time-limit", optarg, 0.1, 86400, &v->limit_s, e);
    case UNPAIRED: v->unpaired = true; return true;
    case SEED: return take_seed(optarg, &v->seed, e);
    case REQUIRE: q->require = optarg; return true;
    case JSON: q->json = optarg; return true;
    case QUIET: q->quiet = true; return true;
    case LIST: q->list = true; return true;
    case SELF_TEST: q->self_test = true; return true;
    case TRIES: return whole_number("tries", optarg, 5, 10000, &q->tries, e);
    case WORKER: q->worker = optarg; return true;
    default: return fail(e, "unknown option");
    }
}

static bool layout_choose(request *q, error *e) {
    q->shape.layout = q->shape.batch == 1 ? IDP_LAYOUT_PANEL : IDP_LAYOUT_BATCH;
    for (int l = IDP_LAYOUT_PANEL; q->layout != NULL && l < IDP_LAYOUTS; l++) {
        if (strcmp(q->layout, idp_layout_name((idp_layout)l)) != 0) continue;
        q->shape.layout = (idp_layout)l;
        return true;
    }
    return q->layout == NULL || fail(e, "--layout '%s': it is panel, batch, row or sample", q->layout);
}

/* Cold weights fill the L2 cache twice: enough for every way of choosing what to evict. */
static size_t cold_bytes(void) {
    enum { FILLS = 2, UNKNOWN_L2 = 4 << 20 };
    machine m;
    uint64_t bytes = 0;
    machine_read(&m);
    for (unsigned i = 0; i < m.caches; i++)
        if (m.cache[i].level == 2 && m.cache[i].bytes > bytes) bytes = m.cache[i].bytes;
    if (bytes == 0) {
        printf("The size of the L2 cache is unknown here: taken for %d MiB.\n", UNKNOWN_L2 >> 20);
        bytes = UNKNOWN_L2;
    }
    return FILLS * (size_t)bytes;
}

/* What the words and options ask for. `names`: A, B, ... */
static bool request_complete(request *q, char *const *names, int count, error *e) {
    versus_options *v = &q->versus;
    if (!layout_choose(q, e) || !backend_require(q->require, e)) return false;
    if (q->m != SIZE_MAX && q->m > q->shape.out)
        return fail(e, "--m %zu is more than the layer's %zu outputs", q->m, q->shape.out);
    q->shape.m = q->m == SIZE_MAX ? q->shape.out : q->m;
    v->percent = q->shape.percent;
    if (count > VERSUS_MOST) return fail(e, "more than %d names", VERSUS_MOST);
    for (int n = 0; n < count; n++)
        if (!workload_parse(names[n], &q->shape, &v->workload[n], e)) return false;
    v->workloads = (unsigned)count;
    if (q->cold) v->cold_bytes = cold_bytes();
    return true;
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

static void print_list(void) {
    printf("Back ends, for their preferred kernel of the layout:\n");
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        char reason[256];
        backend_reason(backend, reason, sizeof reason);
        printf("  %-18s %s\n", backend->name, reason);
    }
    printf("Kernels:\n");
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        for (size_t i = 0; i < backend->kernel_count; i++)
            printf("  %-38s %s%s\n", backend->kernels[i].name, idp_layout_name(backend->kernels[i].layout),
                   idp_backend_status(backend) == IDP_OK ? "" : ", can't run here");
    }
    printf("Peers, other libraries:\n");
    for (size_t i = 0; i < peer_count(); i++) printf("  %s\n", peer_at(i)->name);
    printf("Behind each may stand @PERCENT of the input channels and +PERCENT%% of extra calls.\n");
}

/* "2.034 us [2.031, 2.040]" */
static void time_text(interval ns, char *text, size_t text_size) {
    static const struct {
        double least_ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {0, "ns"}};
    size_t u = 0;
    while (ns.median < units[u].least_ns) u++;
    const double scale = units[u].least_ns > 0 ? units[u].least_ns : 1;
    snprintf(text, text_size, "%.4g %s [%.4g, %.4g]", ns.median / scale, units[u].unit, ns.low / scale,
             ns.high / scale);
}

static void ratio_text(interval i, char *text, size_t text_size) {
    snprintf(text, text_size, "%.4f [%.4f, %.4f]", i.median, i.low, i.high);
}

static void print_head(const versus_options *o, const versus_samples *s, const versus_result *r) {
    const workload_spec *a = &o->workload[0];
    static const char *const ftz[] = {
        [FTZ_OFF] = "IEEE arithmetic", [FTZ_ON] = "subnormals flushed", [FTZ_UNKNOWN] = "subnormals unknown"};
    printf("layer %zux%zu, %zu output%s, batch %zu, weights %s, %s\n", a->out, a->in, a->m, a->m == 1 ? "" : "s",
           a->batch, o->cold_bytes > 0 ? "cold" : "warm", ftz[s->process[0].ftz]);
    printf("%zu processes, %zu rounds, %zu more discarded because the processor was taken away", r->processes,
           r->rounds, r->discarded);
    if (r->disturbed > 0)
        printf("; %zu such rounds count, for want of others: repeat when it is quiet", r->disturbed);
    printf(
        "\nintervals: from the %zu. smallest to the %zu. largest process; together they hold at the level %g\n\n",
        r->rank, r->rank, o->level);
}

static void print_table(const versus_options *o, const versus_samples *s, const versus_result *r) {
    char time[64], ratio[64];
    print_head(o, s, r);
    printf("  %-42s %-29s %-27s %-14s %s\n", "", "time", "time / time of A", "verdict", "detectable");
    for (unsigned w = 0; w < o->workloads; w++) {
        const versus_figures *f = &r->of[w];
        time_text(f->time_ns, time, sizeof time);
        ratio_text(f->ratio, ratio, sizeof ratio);
        if (w == 0)
            printf("A %-42s %-29s %-27s noise floor %.2f %%\n", o->workload[w].name, time, ratio,
                   100 * r->noise_floor);
        else
            printf("%c %-42s %-29s %-27s %-14s %.2f %%\n", (char)('A' + w), o->workload[w].name, time, ratio,
                   versus_verdict_name(f->verdict), 100 * f->detectable);
        if (w == 0 || s->alone[w] == NULL) continue;
        ratio_text(f->unpaired, ratio, sizeof ratio);
        printf("  %-42s %-29s %s\n", "  measured one after the other:", "", ratio);
    }
    printf("\nThe ratio in A's row is the A/A control: A against itself.\n");
}

/* ---- the three ways to run --------------------------------------------------------------------------------- */

static int run_worker(const char *text, error *e) {
    char *report = NULL;
    if (!versus_work(text, &report, e)) return EXIT_ERROR;
    puts(report);
    free(report);
    return 0;
}

static bool compare(const request *q, results *to, error *e) {
    const versus_options *o = &q->versus;
    versus_samples samples;
    versus_result result;
    progress bar;
    progress_start(&bar, "versus", 1);
    if (!versus_measure(o, &bar, &samples, e)) return false;
    progress_end(&bar, NULL);
    versus_judge(o, &samples, &result);
    print_table(o, &samples, &result);
    for (unsigned w = 1; w < o->workloads; w++) results_add(to, versus_record(o, &samples, &result, w));
    versus_free(&samples);
    return true;
}

/* After one comparison of the self-test. */
static void tell_try(void *context, const versus_options *o, const versus_samples *samples,
                     const versus_result *result) {
    const versus_figures *f = &result->of[1];
    char ratio[64];
    ratio_text(f->ratio, ratio, sizeof ratio);
    printf("seed %-6llu %-44s %-27s %-14s floor %.2f %%, detectable %.2f %%\n", (unsigned long long)o->seed,
           o->workload[1].name, ratio, versus_verdict_name(f->verdict), 100 * result->noise_floor,
           100 * f->detectable);
    fflush(stdout);
    results_add(context, versus_record(o, samples, result, 1));
}

/* At the level 0.99 one in a hundred may be called; five are allowed, for a machine is no ideal coin. */
static bool self_test(const request *q, results *to, bool *passed, error *e) {
    enum { ALLOWED_PERCENT = 5 };
    versus_trust t;
    progress bar;
    progress_start(&bar, "self-test", 1);
    if (!versus_try(&q->versus, q->tries, PLANTED_PERCENT, &bar, tell_try, to, &t, e)) return false;
    progress_end(&bar, NULL);
    *passed =
        100 * t.called <= ALLOWED_PERCENT * t.same && 100 * (t.planted - t.found) <= ALLOWED_PERCENT * t.planted;
    printf(
        "%zu of %zu comparisons with itself were called a difference; %zu of %zu planted slowdowns of %g %% were "
        "found: %s\n",
        t.called, t.same, t.found, t.planted, PLANTED_PERCENT,
        *passed ? "passed" : "FAILED (at most 5 % may go wrong of either)");
    return true;
}

static int run(request *q, const char *typed, error *e) {
    results to = {0};
    bool passed = true, ok;
    progress_quiet(q->quiet);
    if (!results_writable(q->json, e) || !results_new(&to, typed, q->versus.seed, e)) return EXIT_ERROR;
    ok = q->self_test ? self_test(q, &to, &passed, e) : compare(q, &to, e);
    /* What was measured before a failure is written too. */
    ok = results_write(&to, q->json, ok ? e : NULL) && ok;
    results_free(&to);
    return !ok ? EXIT_ERROR : passed ? 0 : EXIT_NO;
}

int cmd_versus(int argc, char **argv, error *e) {
    char typed[4096], best[WORKLOAD_NAME];
    option_typed(argc, argv, typed, sizeof typed);
    request q = {.versus = versus_defaults(),
                 .shape = {.out = 100, .in = 784, .batch = 1, .percent = 100},
                 .m = SIZE_MAX,
                 .tries = 100};
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options_table, NULL)) != -1;) {
        if (c == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if (c == '?' || c == ':') return option_error(argc, argv, c, e);
        if (!option_take(c, &q, e)) return EXIT_ERROR;
    }
    if (q.worker != NULL) return run_worker(q.worker, e);
    if (q.list) {
        print_list();
        return 0;
    }
    char *const *names = argv + optind;
    int count = argc - optind;
    char *const chosen[] = {best};
    if (q.self_test && count == 0) {
        const idp_backend *backend;
        if (!backend_choose(NULL, &backend, e)) return EXIT_ERROR;
        snprintf(best, sizeof best, "%s@50", backend->name);
        names = chosen;
        count = 1;
    }
    if (q.self_test ? count != 1 : count < 2) {
        fail(e, q.self_test ? "the self-test takes one name"
                            : "name two or more to compare; idp versus --list tells "
                              "what there is");
        return EXIT_ERROR;
    }
    if (!request_complete(&q, names, count, e)) return EXIT_ERROR;
    return run(&q, typed, e);
}
