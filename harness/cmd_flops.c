/* cmd_flops.c: `idp flops`: the work that kernels really execute, beside what a layer nominally takes. */
#include <getopt.h>
#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "commands.h"
#include "machine/machine.h"
#include "measure/flops.h"
#include "progress.h"

static const char help[] =
    "Usage: idp flops [OPTION]...\n"
    "\n"
    "Counts what a kernel really executes: its call is run one instruction at a time in a child\n"
    "process, every instruction is decoded, and masks are read where they apply. No estimate and\n"
    "no hardware counter; Linux on x86-64. docs/executed-work.md tells what is counted and how.\n"
    "\n"
    "  --backend LIST       back ends, separated by commas (default: every usable one)\n"
    "  --kernel REGEX       only kernels whose name matches this extended regular expression\n"
    "  --shape LIST         layers, OUTxIN,... (default: 100x784,100x100,10x100)\n"
    "  --percent LIST       of the input channels: 10,50 or 10:100:10 (default: 10,50,100)\n"
    "  --m M                outputs computed (default: all)\n"
    "  --batch LIST         samples per call of the batch kernels (default: 16); panel and row\n"
    "                       kernels take one\n"
    "  --exact              step every call whole, however long it takes: large ones are else\n"
    "                       derived from smaller ones, which the table says\n"
    "  --histogram          also how often each instruction was executed\n"
    "  --require-isa LIST   these back ends must run here: a skip is then an error (status 2)\n"
    "  --json FILE          write the records\n"
    "  --quiet              no progress\n";

enum { BACKEND = 256, KERNEL, SHAPE, PERCENT, OUTPUTS, BATCH, EXACT, HISTOGRAM, REQUIRE, JSON, QUIET };

static const struct option options_table[] = {{"backend", required_argument, NULL, BACKEND},
                                              {"kernel", required_argument, NULL, KERNEL},
                                              {"shape", required_argument, NULL, SHAPE},
                                              {"percent", required_argument, NULL, PERCENT},
                                              {"m", required_argument, NULL, OUTPUTS},
                                              {"batch", required_argument, NULL, BATCH},
                                              {"exact", no_argument, NULL, EXACT},
                                              {"histogram", no_argument, NULL, HISTOGRAM},
                                              {"require-isa", required_argument, NULL, REQUIRE},
                                              {"json", required_argument, NULL, JSON},
                                              {"quiet", no_argument, NULL, QUIET},
                                              {"help", no_argument, NULL, 'h'},
                                              {0}};

typedef struct request {
    const char *backends, *kernel, *require, *json;
    const idp_backend *backend[BACKENDS_MOST];
    unsigned backend_count;
    bench_shape shape[BENCH_SHAPES];
    unsigned shapes;
    double percent[BENCH_PERCENTS];
    unsigned percents;
    size_t batch[BENCH_BATCHES];
    unsigned batches;
    size_t m; /* 0: all outputs */
    uint64_t steps_most;
    bool histogram;
} request;

/* One row of the table. */
typedef struct row {
    flops_case at;
    double percent;
} row;

typedef struct table {
    row *rows;
    size_t count;
    machine machine;
} table;

/* ---- records ---------------------------------------------------------------------------------------------------
 */

/* The cache that holds all that the call touches: "L1", ..., or "memory"; "unknown" where no cache is known. */
static void memory_level(const machine *m, uint64_t bytes, char *level, size_t level_size) {
    const machine_cache *holds = NULL;
    for (unsigned i = 0; i < m->caches; i++)
        if (m->cache[i].bytes >= bytes && (holds == NULL || m->cache[i].level < holds->level)) holds = &m->cache[i];
    if (holds != NULL)
        snprintf(level, level_size, "L%d", holds->level);
    else
        snprintf(level, level_size, "%s", m->caches > 0 ? "memory" : "unknown");
}

static uint64_t footprint(const flops_case *c) {
    static const float gamma = 1; /* counts as present */
    const idp_fc fc = {.gamma = &gamma, .out = c->out, .in = c->in, .m = c->m, .k = c->k, .batch = c->batch};
    return work_footprint_bytes(c->kernel, &fc);
}

/* What every record of a case has, counted or not. */
static json_t *record_case(const request *q, const table *t, const row *r, const char *status, const char *reason) {
    const flops_case *c = &r->at;
    const work w = flops_predicted(c);
    char level[16];
    memory_level(&t->machine, footprint(c), level, sizeof level);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:I, s:I, s:f, s:I, s:{s:I, s:I, s:I}, "
        "s:I, s:s}",
        "kind", "flops", "status", status, "reason", reason, "kernel", c->kernel->name, "backend", c->backend->name,
        "requested_isa", backend_forced(q->backends) ? c->backend->name : "auto", "resolved_isa",
        backend_isa(c->backend), "out", (json_int_t)c->out, "in", (json_int_t)c->in, "batch", (json_int_t)c->batch,
        "percent", r->percent, "m", (json_int_t)c->m, "k", (json_int_t)c->k, "nominal_flops", flops_nominal(c),
        "predicted_multiply_adds", (json_int_t)work_issued(&w), "predicted_padding", "outputs",
        (json_int_t)w.output_padding, "samples", (json_int_t)w.sample_padding, "channels",
        (json_int_t)w.channel_padding, "footprint_bytes", (json_int_t)footprint(c), "memory_level", level);
}

static json_t *histogram_object(const executed *counts) {
    json_t *object = json_object();
    for (unsigned h = 0; h < counts->mnemonics; h++)
        json_object_set_new(object, counts->histogram[h].mnemonic,
                            json_integer((json_int_t)counts->histogram[h].count));
    return object;
}

static json_t *op_object(const executed *counts) {
    json_t *object = json_object();
    for (unsigned o = 0; o < EXECUTED_OPS; o++)
        json_object_set_new(object, executed_op_name((executed_op)o),
                            json_integer((json_int_t)executed_op_lanes(counts, (executed_op)o)));
    return object;
}

static json_t *width_object(const executed *counts) {
    json_t *object = json_object();
    for (unsigned w = 0; w < EXECUTED_WIDTHS; w++)
        json_object_set_new(object, executed_width_name((executed_width)w),
                            json_integer((json_int_t)executed_width_lanes(counts, (executed_width)w)));
    return object;
}

/* FLOPs of the channel loop that are not the layer's: idle lanes. */
static double padded_flops(const flops_case *c, const flops_counts *n) {
    return (double)n->whole.total.flops - (double)n->fixed.total.flops - flops_nominal(c);
}

static json_t *record_counts(const flops_case *c, const flops_counts *n) {
    const executed_totals *t = &n->whole.total;
    return json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
        "executed_isa", executed_isa_name(n->whole.isa), "method", n->extrapolated ? "extrapolated" : "stepped",
        "stepped_instructions", (json_int_t)n->stepped, "instructions", (json_int_t)t->instructions,
        "fixed_instructions", (json_int_t)n->fixed.total.instructions, "issued_flops", (json_int_t)t->flops,
        "fixed_flops", (json_int_t)n->fixed.total.flops, "padded_lanes", padded_flops(c, n) / 2, "masked_lanes",
        (json_int_t)t->masked_lanes, "masked_flops", (json_int_t)t->masked_flops, "lanes_by_operation",
        op_object(&n->whole), "lanes_by_width", width_object(&n->whole), "loads", (json_int_t)t->loads, "stores",
        (json_int_t)t->stores, "bytes_loaded", (json_int_t)t->bytes_loaded, "bytes_stored",
        (json_int_t)t->bytes_stored, "broadcasts", (json_int_t)t->broadcasts, "shuffles", (json_int_t)t->shuffles,
        "histogram", histogram_object(&n->whole));
}

/* ---- the table -------------------------------------------------------------------------------------------------
 */

static void print_head(void) {
    printf("%-36s %9s %5s %5s %5s %10s %10s %6s %7s %7s %10s %6s  %s\n", "kernel", "layer", "batch", "%", "k",
           "nominal", "issued", "ratio", "padding", "fixed", "instr.", "F/inst", "executed ISA");
}

static void print_row(const row *r, const flops_counts *n) {
    const flops_case *c = &r->at;
    const double issued = (double)n->whole.total.flops, nominal = flops_nominal(c);
    char layer[32], ratio[16] = "-";
    snprintf(layer, sizeof layer, "%zux%zu", c->m, c->in);
    if (nominal > 0) snprintf(ratio, sizeof ratio, "%.3f", issued / nominal);
    printf("%-36s %9s %5zu %5g %5zu %10.0f %10.0f %6s %6.1f%% %6.1f%% %10" PRIu64 " %6.2f  %s%s\n", c->kernel->name,
           layer, c->batch, r->percent, c->k, nominal, issued, ratio,
           issued > 0 ? 100 * padded_flops(c, n) / issued : 0,
           issued > 0 ? 100 * (double)n->fixed.total.flops / issued : 0, n->whole.total.instructions,
           issued / (double)n->whole.total.instructions, executed_isa_name(n->whole.isa),
           n->extrapolated ? ", extrapolated" : "");
}

static void print_histogram(const flops_case *c, const flops_counts *n) {
    const executed_totals *t = &n->whole.total;
    const work w = flops_predicted(c);
    printf("    lanes:");
    for (unsigned o = 0; o < EXECUTED_OPS; o++)
        for (unsigned i = 0; i < EXECUTED_WIDTHS; i++)
            if (t->lanes[o][i] > 0)
                printf(" %s/%s %" PRIu64, executed_op_name((executed_op)o), executed_width_name((executed_width)i),
                       t->lanes[o][i]);
    printf("; predicted multiply-adds %" PRIu64 " = %" PRIu64 " wanted + %" PRIu64 " outputs + %" PRIu64
           " samples + %" PRIu64 " channels of padding\n",
           work_issued(&w), w.wanted, w.output_padding, w.sample_padding, w.channel_padding);
    printf("    memory: %" PRIu64 " loads of %" PRIu64 " bytes, %" PRIu64 " stores of %" PRIu64 " bytes; %" PRIu64
           " lanes masked off, %" PRIu64 " broadcasts, %" PRIu64 " shuffles; at k = 0: %" PRIu64 " instructions",
           t->loads, t->bytes_loaded, t->stores, t->bytes_stored, t->masked_lanes, t->broadcasts, t->shuffles,
           n->fixed.total.instructions);
    for (unsigned h = 0; h < n->whole.mnemonics; h++)
        printf("%s%-14s %10" PRIu64, h % 5 == 0 ? "\n    " : "   ", n->whole.histogram[h].mnemonic,
               n->whole.histogram[h].count);
    printf("\n");
}

static void show_skips(const request *q, results *r) {
    for (size_t b = 0; b < idp_backend_count() && !backend_forced(q->backends); b++) {
        const idp_backend *backend = idp_backend_at(b);
        char reason[256];
        backend_reason(backend, reason, sizeof reason);
        if (reason[0] == '\0') continue;
        printf("%-36s SKIPPED: %s\n", backend->name, reason);
        results_add(r, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "flops", "status", "skipped",
                                 "reason", reason, "kernel", "", "backend", backend->name, "requested_isa", "auto",
                                 "resolved_isa", backend_isa(backend)));
    }
}

/* ---- what was asked for ----------------------------------------------------------------------------------------
 */

static size_t add_rows(const request *q, const idp_backend *backend, const idp_kernel *kernel, row *rows) {
    const bool batched = idp_layout_batched(kernel->layout);
    size_t count = 0;
    for (unsigned h = 0; h < q->shapes; h++)
        for (unsigned b = 0; b < (batched ? q->batches : 1); b++)
            for (unsigned p = 0; p < q->percents; p++)
                rows[count++] = (row){.at = {.backend = backend,
                                             .kernel = kernel,
                                             .out = q->shape[h].out,
                                             .in = q->shape[h].in,
                                             .batch = batched ? q->batch[b] : 1,
                                             .m = q->m > 0 ? q->m : q->shape[h].out,
                                             .k = idp_prefix(q->shape[h].in, q->percent[p])},
                                      .percent = q->percent[p]};
    return count;
}

static bool table_make(const request *q, const regex_t *wanted, table *t, error *e) {
    size_t kernels = 0;
    for (unsigned b = 0; b < q->backend_count; b++) kernels += q->backend[b]->kernel_count;
    const size_t most = kernels * q->shapes * q->batches * q->percents;
    t->rows = calloc(most > 0 ? most : 1, sizeof *t->rows);
    if (t->rows == NULL) return fail(e, "no memory for %zu rows", most);
    for (unsigned b = 0; b < q->backend_count; b++)
        for (size_t i = 0; i < q->backend[b]->kernel_count; i++) {
            const idp_kernel *kernel = &q->backend[b]->kernels[i];
            if (regexec(wanted, kernel->name, 0, NULL, 0) == 0)
                t->count += add_rows(q, q->backend[b], kernel, &t->rows[t->count]);
        }
    if (t->count == 0) return fail(e, "no kernel's name matches '%s'; idp list tells them", q->kernel);
    return true;
}

static bool kernels_match(const request *q, table *t, error *e) {
    regex_t wanted;
    const int status = regcomp(&wanted, q->kernel != NULL ? q->kernel : ".", REG_EXTENDED | REG_NOSUB);
    if (status != 0) {
        char why[128];
        regerror(status, &wanted, why, sizeof why);
        return fail(e, "--kernel '%s' is not a regular expression: %s", q->kernel, why);
    }
    const bool made = table_make(q, &wanted, t, e);
    regfree(&wanted);
    return made;
}

static bool option_take(int c, request *q, error *e) {
    double m = 0;
    switch (c) {
    case BACKEND: q->backends = optarg; return true;
    case KERNEL: q->kernel = optarg; return true;
    case SHAPE: return option_shapes(optarg, q->shape, &q->shapes, e);
    case PERCENT: return option_list("percent", optarg, 0, 100, q->percent, BENCH_PERCENTS, &q->percents, e);
    case BATCH: return option_batches(optarg, q->batch, &q->batches, e);
    case OUTPUTS:
        if (!option_number("m", optarg, 1, BENCH_MAX_WIDTH, &m, e)) return false;
        q->m = (size_t)m;
        return (double)q->m == m || fail(e, "--m %s is not a whole number", optarg);
    case EXACT: q->steps_most = UINT64_MAX; return true;
    case HISTOGRAM: q->histogram = true; return true;
    case REQUIRE: q->require = optarg; return true;
    case JSON: q->json = optarg; return true;
    case QUIET: progress_quiet(true); return true;
    default: return fail(e, "unknown option");
    }
}

static bool request_check(const request *q, error *e) {
    for (unsigned h = 0; h < q->shapes; h++)
        if (q->m > q->shape[h].out)
            return fail(e, "--m %zu: the layer %zux%zu has fewer outputs", q->m, q->shape[h].out, q->shape[h].in);
    return true;
}

/* ---- the command -----------------------------------------------------------------------------------------------
 */

/* Whether only k tells the rows apart: then the counts at k = 0 are known. */
static bool same_but_k(const flops_case *a, const flops_case *b) {
    return a->kernel == b->kernel && a->out == b->out && a->in == b->in && a->m == b->m && a->batch == b->batch;
}

/* n: the counts of the row before, and then of this one. */
static bool count_row(const request *q, const table *t, const row *r, flops_counts *n, results *to, error *e) {
    const bool known = r > t->rows && same_but_k(&r->at, &r[-1].at);
    const executed fixed = n->fixed;
    if (!flops_count(&r->at, q->steps_most, known ? &fixed : NULL, n, e)) return false;
    print_row(r, n);
    if (q->histogram) print_histogram(&r->at, n);
    json_t *record = record_case(q, t, r, "counted", ""), *counts = record_counts(&r->at, n);
    if (record != NULL && json_object_update(record, counts) != 0) {
        json_decref(record);
        record = NULL;
    }
    json_decref(counts);
    results_add(to, record);
    return true;
}

static bool count_all(const request *q, const table *t, results *to, error *e) {
    progress bar;
    flops_counts n = {0};
    progress_start(&bar, "flops", (double)t->count);
    bool ok = true;
    size_t done = 0;
    print_head();
    for (; ok && done < t->count; done++) {
        progress_at(&bar, (double)done, t->rows[done].at.kernel->name);
        ok = count_row(q, t, &t->rows[done], &n, to, e);
        fflush(stdout);
    }
    progress_end(&bar, NULL);
    show_skips(q, to);
    return ok;
}

/* No counts: the rows that were asked for say why. */
static void record_unavailable(const request *q, const table *t, const error *e, results *to) {
    for (size_t i = 0; i < t->count; i++) results_add(to, record_case(q, t, &t->rows[i], "unavailable", e->text));
    show_skips(q, to);
}

static bool run(const request *q, const char *typed, error *e) {
    table t = {0};
    results to = {0};
    bool ok = false;
    if (!kernels_match(q, &t, e) || !results_writable(q->json, e) || !results_new(&to, typed, 0, e)) goto done;
    machine_read(&t.machine);
    ok = flops_available(e);
    if (ok)
        ok = count_all(q, &t, &to, e);
    else
        record_unavailable(q, &t, e, &to);
    /* What was counted before a failure is written too. */
    ok = results_write(&to, q->json, ok ? e : NULL) && ok;
done:
    free(t.rows);
    results_free(&to);
    return ok;
}

int cmd_flops(int argc, char **argv, error *e) {
    char typed[4096];
    option_typed(argc, argv, typed, sizeof typed);
    request q = {.shape = {{100, 784}, {100, 100}, {10, 100}},
                 .shapes = 3,
                 .percent = {10, 50, 100},
                 .percents = 3,
                 .batch = {16},
                 .batches = 1,
                 .steps_most = FLOPS_STEPS};
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
    if (optind < argc) {
        fail(e, "'%s': flops takes options only; idp flops --help tells them", argv[optind]);
        return EXIT_ERROR;
    }
    if (!backend_require(q.require, e) || !request_check(&q, e) ||
        !backend_list(q.backends, q.backend, &q.backend_count, e))
        return EXIT_ERROR;
    return run(&q, typed, e) ? 0 : EXIT_ERROR;
}
