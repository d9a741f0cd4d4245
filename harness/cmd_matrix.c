/* cmd_matrix.c: `idp matrix`: our kernels beside the peers and the machine's limits, cell by cell. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "matrix/run.h"
#include "matrix/worker.h"
#include "progress.h"

static const char help[] =
    "Usage: idp matrix [OPTION]...\n"
    "\n"
    "Times every layer of the project's networks, and larger ones, at every tenth of the channels:\n"
    "our kernels, other libraries in their best and in the naive form, and the roof (FLOPs at the\n"
    "FMA peak or the best stream of loads over the same bytes, whichever takes longer), all in\n"
    "paired rounds of the same processes. Then the whole network 784-100-100-10. The summary tells\n"
    "in how many cells each requirement holds, and in which it does not.\n"
    "\n"
    "  --backend LIST       these back ends (default: every hand-written one that runs here)\n"
    "  --shape LIST         these layers, OUTxIN (default: 100x784, 100x100, 10x100, 512x512,\n"
    "                       1024x1024, 4096x4096); then no whole network\n"
    "  --cut NAME           outputs, both or inputs: what the percentage leaves out (default: what\n"
    "                       the networks cut); then no whole network\n"
    "  --network            only the whole network\n"
    "  --batch LIST         samples (default: 1,128)\n"
    "  --percent LIST       of the channels (default: 10:100:10)\n"
    "  --processes N        independent processes of a layer (default: 3)\n"
    "  --rounds N           paired rounds of a cell in each process (default: 40)\n"
    "  --budget S           seconds for the rounds of a cell in each process (default: 0.25)\n"
    "  --quick              under half a minute: 10, 50 and 100 %, no layer above 784, one process\n"
    "  --seed N             of numbers, memory places and orders (default: 1)\n"
    "  --json FILE          write the records\n"
    "  --quiet              no progress\n";

enum {
    BACKEND = 256,
    SHAPE,
    CUT,
    NETWORK,
    BATCH,
    PERCENT,
    PROCESSES,
    ROUNDS,
    BUDGET,
    QUICK,
    SEED,
    JSON,
    QUIET,
    WORKER
};

static const struct option options_table[] = {{"backend", required_argument, NULL, BACKEND},
                                              {"shape", required_argument, NULL, SHAPE},
                                              {"cut", required_argument, NULL, CUT},
                                              {"network", no_argument, NULL, NETWORK},
                                              {"batch", required_argument, NULL, BATCH},
                                              {"percent", required_argument, NULL, PERCENT},
                                              {"processes", required_argument, NULL, PROCESSES},
                                              {"rounds", required_argument, NULL, ROUNDS},
                                              {"budget", required_argument, NULL, BUDGET},
                                              {"quick", no_argument, NULL, QUICK},
                                              {"seed", required_argument, NULL, SEED},
                                              {"json", required_argument, NULL, JSON},
                                              {"quiet", no_argument, NULL, QUIET},
                                              {"worker", required_argument, NULL, WORKER},
                                              {"help", no_argument, NULL, 'h'},
                                              {NULL, 0, NULL, 0}};

/* Values as given; 0: not given. */
typedef struct request {
    matrix_choice choice;
    const char *backend, *json, *worker;
    size_t processes, rounds;
    double budget_s;
    uint64_t seed;
    bool quick, quiet, network;
} request;

static bool whole(const char *name, double low, double high, size_t *value, error *e) {
    double number;
    if (!option_number(name, optarg, low, high, &number, e)) return false;
    *value = (size_t)number;
    return (double)*value == number || fail(e, "--%s %s is not a whole number", name, optarg);
}

static bool take_cut(matrix_choice *choice, error *e) {
    for (int c = 0; c < MATRIX_CUTS; c++) {
        if (strcmp(optarg, matrix_cut_name[c]) != 0) continue;
        choice->cut[c] = true;
        return true;
    }
    return fail(e, "--cut '%s': it is outputs, both or inputs", optarg);
}

static bool take_seed(uint64_t *seed, error *e) {
    size_t value = 0;
    if (!whole("seed", 0, 9007199254740992, &value, e)) return false; /* 2^53 */
    *seed = value;
    return true;
}

static bool option_take(int c, request *q, error *e) {
    matrix_choice *choice = &q->choice;
    switch (c) {
    case BACKEND: q->backend = optarg; return true;
    case SHAPE: return option_shapes(optarg, choice->shape, &choice->shapes, e);
    case CUT: return take_cut(choice, e);
    case NETWORK: q->network = true; return true;
    case BATCH: return option_batches(optarg, choice->batch, &choice->batches, e);
    case PERCENT:
        return option_list("percent", optarg, 0, 100, choice->percent, MATRIX_PERCENTS, &choice->percents, e);
    case PROCESSES: return whole("processes", 1, 32, &q->processes, e);
    case ROUNDS: return whole("rounds", 6, 10000, &q->rounds, e);
    case BUDGET: return option_number("budget", optarg, 0.001, 600, &q->budget_s, e);
    case QUICK: q->quick = true; return true;
    case SEED: return take_seed(&q->seed, e);
    case JSON: q->json = optarg; return true;
    case QUIET: q->quiet = true; return true;
    case WORKER: q->worker = optarg; return true;
    default: return fail(e, "unknown option");
    }
}

static bool complete(request *q, matrix_options *o, error *e) {
    const bool narrowed = q->choice.shapes > 0 || q->choice.cut[0] || q->choice.cut[1] || q->choice.cut[2];
    if (narrowed && q->network) return fail(e, "--network has no --shape and no --cut");
    *o = matrix_defaults(q->quick);
    o->choice = q->choice;
    matrix_choice_complete(&o->choice, q->quick);
    o->cells = !q->network;
    o->networks = !narrowed;
    if (q->processes > 0) o->processes = q->processes;
    if (q->rounds > 0) o->rounds = q->rounds;
    if (q->budget_s > 0) o->budget_s = q->budget_s;
    o->seed = q->seed;
    return matrix_backends(q->backend, o, e);
}

static int run(request *q, const char *typed, error *e) {
    results to = {0};
    progress bar;
    matrix_options o;
    progress_quiet(q->quiet);
    if (!complete(q, &o, e) || !results_writable(q->json, e) || !results_new(&to, typed, q->seed, e))
        return EXIT_ERROR;
    bool ok = matrix_run(&o, &bar, &to, stdout, e);
    /* What was measured before a failure is written too. */
    ok = results_write(&to, q->json, ok ? e : NULL) && ok;
    results_free(&to);
    return ok ? 0 : EXIT_ERROR;
}

int cmd_matrix(int argc, char **argv, error *e) {
    char typed[4096];
    request q = {.seed = 1};
    option_typed(argc, argv, typed, sizeof typed);
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
        fail(e, "'%s' is not an option; idp matrix --help lists them", argv[optind]);
        return EXIT_ERROR;
    }
    if (q.worker != NULL) {
        char *answer = NULL;
        if (!matrix_work(q.worker, &answer, e)) return EXIT_ERROR;
        puts(answer);
        free(answer);
        return 0;
    }
    return run(&q, typed, e);
}
