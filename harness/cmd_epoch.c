/* cmd_epoch.c: `idp epoch`: the time of one training epoch, beside other libraries'. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "epoch/epoch.h"
#include "epoch/epoch_torch.h"
#include "measure/clock.h"
#include "model/pool.h"
#include "model/train.h"
#include "results/results.h"

static const char help[] =
    "Usage: idp epoch [OPTION]...\n"
    "\n"
    "Times one training epoch (60,000 images, 784-100-100-10, batches of 128, momentum) of our back ends,\n"
    "on one thread and the best one on several, and of the same training written over OpenBLAS's and\n"
    "oneDNN's matrix products, in interleaved rounds. All start from the same weights and must come to\n"
    "the same loss. Ours leaves out the pixels that are 0 in all of 32 images; `every pixel` is the same\n"
    "made to multiply them too. PyTorch is timed where Debian's python3-torch is installed.\n"
    "\n"
    "  --backend LIST   our back ends (default: all hand-written ones that run here)\n"
    "  --threads N      of the last row of ours (default: all processors)\n"
    "  --no-torch       leave PyTorch out\n"
    "  --rounds N       undisturbed rounds (default 400)\n"
    "  --budget S       seconds after which the rounds end, if there are enough (default 60)\n"
    "  --data DIR       folder of the IDX files, or `synthetic` (default as idp train)\n"
    "  --seed N         of weights and orders (default 1)\n"
    "  --json FILE      write the records\n"
    "  --quiet          no progress\n"
    "  --help           this text\n";

enum { BACKEND = 256, THREADS, NO_TORCH, ROUNDS, BUDGET, DATA, SEED, JSON, QUIET };

static const struct option options_table[] = {{"backend", required_argument, NULL, BACKEND},
                                              {"threads", required_argument, NULL, THREADS},
                                              {"no-torch", no_argument, NULL, NO_TORCH},
                                              {"rounds", required_argument, NULL, ROUNDS},
                                              {"budget", required_argument, NULL, BUDGET},
                                              {"data", required_argument, NULL, DATA},
                                              {"seed", required_argument, NULL, SEED},
                                              {"json", required_argument, NULL, JSON},
                                              {"quiet", no_argument, NULL, QUIET},
                                              {"help", no_argument, NULL, 'h'},
                                              {0}};

typedef struct request {
    const char *backends, *data, *json;
    double threads, rounds, budget_s, seed;
    bool torch;
    char typed[1024];
} request;

static bool option_take(int c, request *q, error *e) {
    switch (c) {
    case BACKEND: q->backends = optarg; return true;
    case THREADS: return option_number("threads", optarg, 1, POOL_THREADS_MOST, &q->threads, e);
    case NO_TORCH: q->torch = false; return true;
    case ROUNDS: return option_number("rounds", optarg, 10, 10000, &q->rounds, e);
    case BUDGET: return option_number("budget", optarg, 1, 36000, &q->budget_s, e);
    case DATA: q->data = optarg; return true;
    case SEED: return option_number("seed", optarg, 0, 0x1p53, &q->seed, e);
    case JSON: q->json = optarg; return true;
    case QUIET: progress_quiet(true); return true;
    default: return fail(e, "unknown option");
    }
}

/* The weights that all start from. */
static bool initial_model(const request *q, const dataset *data, model *m, error *e) {
    train_options o;
    if (!train_defaults(&o, "nested", e)) return false;
    o.gamma = GAMMA_ALL_ONE;
    o.epochs = 0;
    o.seed = (uint64_t)q->seed;
    return train_run(&o, data, m, NULL, e);
}

static bool add_ours(const request *q, const dataset *data, const idp_backend *backend, size_t threads, bool zeros,
                     epoch_loop *loop, size_t *loops, error *e) {
    model m = {0};
    if (*loops == EPOCH_VARIANTS_MOST) return fail(e, "too many back ends");
    const bool added = initial_model(q, data, &m, e) && epoch_ours(&loop[*loops], &m, backend, threads, zeros, e);
    model_free(&m);
    *loops += added;
    return added;
}

/* Loop 0 is the best back end on one thread: what the others are compared with. Loop 1 is the same without leaving
 * out pixels: what comes of the kernels alone. */
static bool add_all(const request *q, const dataset *data, epoch_loop *loop, size_t *loops, error *e) {
    const idp_backend *list[BACKENDS_MOST];
    unsigned count = 0;
    if (!backend_list(q->backends, list, &count, e)) return false;
    const idp_backend *best = list[count - 1];
    if (!add_ours(q, data, best, 1, false, loop, loops, e) || !add_ours(q, data, best, 1, true, loop, loops, e))
        return false;
    for (unsigned b = 0; b + 1 < count; b++)
        if ((q->backends != NULL || list[b]->origin == IDP_ORIGIN_HAND) &&
            !add_ours(q, data, list[b], 1, false, loop, loops, e))
            return false;
    if (q->threads > 1 && !add_ours(q, data, best, (size_t)q->threads, false, loop, loops, e)) return false;
    model m = {0};
    if (!initial_model(q, data, &m, e)) return false;
    error peer = {""};
    for (size_t index = 0; *loops < EPOCH_VARIANTS_MOST && epoch_peer(&loop[*loops], index, &m, &peer); index++)
        ++*loops;
    model_free(&m);
    return peer.text[0] == '\0' || fail(e, "%s", peer.text);
}

static void tell_row(const char *implementation, const char *backend, const char *form, size_t threads,
                     const epoch_time *t, results *to) {
    char name[64], range[48];
    snprintf(name, sizeof name, "%s%s%s%s%s", implementation, backend != NULL ? ", " : "",
             backend != NULL ? backend : "", form[0] != '\0' ? ", " : "", form);
    snprintf(range, sizeof range, "%.4f to %.4f", t->seconds.low, t->seconds.high);
    printf("%-30s %7zu %9.4f  %-18s %6.1f %8.3f\n", name, threads, t->seconds.median, range, t->roof_percent,
           t->ratio.median);
    json_t *record = json_pack("{s:s, s:s, s:I, s:o, s:f, s:f, s:o}", "kind", "epoch", "implementation",
                               implementation, "threads", (json_int_t)threads, "seconds",
                               results_interval(t->seconds.median, t->seconds.low, t->seconds.high), "roof_percent",
                               t->roof_percent, "multiplied_percent", 100 * t->multiplied, "ratio",
                               results_interval(t->ratio.median, t->ratio.low, t->ratio.high));
    if (backend != NULL) json_object_set_new(record, "backend", json_string(backend));
    if (form[0] != '\0') json_object_set_new(record, "form", json_string(form));
    if (isfinite(t->loss)) json_object_set_new(record, "loss", json_real(t->loss));
    results_add(to, record);
}

/* Rounding moves a loss of many steps by 1e-5 or so; another arithmetic, by much more. */
static bool same_loss(const epoch_loop *loop, const epoch_time *t, size_t loops, error *e) {
    for (size_t v = 1; v < loops; v++)
        if (!(fabs(t[v].loss - t[0].loss) <= 1e-3 * t[0].loss))
            return fail(e,
                        "%s (%s%s, %zu threads) comes to the loss %.6f, %s to %.6f: they do not do the same work",
                        loop[v].implementation, loop[v].backend != NULL ? loop[v].backend : "", loop[v].form,
                        loop[v].threads, t[v].loss, loop[0].backend, t[0].loss);
    return true;
}

static bool run(const request *q, error *e) {
    bool done = false;
    dataset data = {0};
    results to = {0};
    epoch_loop loop[EPOCH_VARIANTS_MOST];
    epoch_time time[EPOCH_VARIANTS_MOST];
    size_t loops = 0;
    double peak = 0;
    progress bar;
    cpu_pin pin = {.cpu = -1};
    if (!results_writable(q->json, e) || !results_new(&to, q->typed, (uint64_t)q->seed, e) ||
        !dataset_load(&data, q->data, e))
        goto done;
    results_data(&to, data.name, data.synthetic, data.sha256, data.train.count, data.test.count);
    if (!add_all(q, &data, loop, &loops, e)) goto done;
    printf("Data: %s (%s), %zu training images. An epoch is %.4g GFLOP.\n", data.name, data.origin,
           data.train.count,
           1e-9 * (double)data.train.count *
               epoch_flops_per_sample(data.train.rows * data.train.columns, data.classes, 1));
    fflush(stdout); /* before the progress on stderr */
    progress_start(&bar, "epoch", 1);
    cpu_pin_here(&pin, NULL); /* the loops' own threads are there already, and free */
    if (!epoch_measure(loop, loops, &data.train, data.classes, (uint64_t)q->seed, (size_t)q->rounds, q->budget_s,
                       &bar, time, &peak, e))
        goto done;
    cpu_pin_release(&pin);
    progress_end(&bar, NULL);
    if (!same_loss(loop, time, loops, e)) goto done;
    printf("But for the row `every pixel`, ours leaves pixels out of layer 1's forward product that are 0 in all "
           "of 32\n"
           "images: it multiplies %.0f %% of them, and its roof counts those.\n",
           100 * time[0].multiplied);
    printf("One core's peak: %.1f GFLOP/s of fused multiply-adds, in the same rounds.\n\n", peak);
    printf("%-30s %7s %9s  %-18s %6s %8s\n", "training loop", "threads", "seconds", "95 %", "roof %", "ratio");
    for (size_t v = 0; v < loops; v++)
        tell_row(loop[v].implementation, loop[v].backend, loop[v].form, loop[v].threads, &time[v], &to);
    epoch_time torch;
    char reason[256] = "left out";
    if (q->torch &&
        epoch_torch(&loop[0], &data.train, data.classes, (uint64_t)q->seed, peak, &torch, reason, sizeof reason))
        tell_row("torch", NULL, "", 1, &torch, &to);
    else
        printf("%-30s %s\n", "torch", reason);
    done = !interrupted() || fail(e, "interrupted");
    done = results_write(&to, q->json, done ? e : NULL) && done;
done:
    cpu_pin_release(&pin);
    for (size_t v = 0; v < loops; v++) loop[v].destroy(loop[v].state);
    results_free(&to);
    dataset_free(&data);
    return done;
}

int cmd_epoch(int argc, char **argv, error *e) {
    request q = {.threads = (double)pool_processors(), .rounds = 400, .budget_s = 60, .seed = 1, .torch = true};
    option_typed(argc, argv, q.typed, sizeof q.typed);
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
        fail(e, "'%s' is not an option; idp epoch --help lists them", argv[optind]);
        return EXIT_ERROR;
    }
    if (q.threads != floor(q.threads) || q.rounds != floor(q.rounds) || q.seed != floor(q.seed)) {
        fail(e, "--threads, --rounds and --seed are whole numbers");
        return EXIT_ERROR;
    }
    return run(&q, e) ? 0 : EXIT_ERROR;
}
