/* cmd_sweep.c: `idp sweep MODEL`: accuracy, FLOPs and time of a trained model at every percentage. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "progress.h"
#include "sweep/refine.h"
#include "sweep/sweep_latency.h"

static const char help[] =
    "Usage: idp sweep MODEL [OPTION]...\n"
    "\n"
    "For every profile of the model file and every percentage: test accuracy, FLOPs, and the time of\n"
    "the whole network for one sample and for a batch of 128, measured in paired rounds in several\n"
    "processes.\n"
    "\n"
    "  --percent LIST   percentages, such as 10,25,50 or 10:100:10 (default: the recipe's own)\n"
    "  --backend NAME   back end that runs it (default: $IDP_BACKEND, else the fastest usable)\n"
    "  --data DIR       folder of the IDX files, or `synthetic` (default: $IDP_DATA, else the cache,\n"
    "                   else the built-in digits)\n"
    "  --processes N    independent measurements (default: what the level needs, at least 12);\n"
    "                   1: in this process, intervals over its rounds\n"
    "  --rounds N       exactly N undisturbed rounds in each, however long they take\n"
    "  --time-limit S   seconds for the rounds of all (default: 12; --quick: 3)\n"
    "  --quick          fewer rounds\n"
    "  --no-latency     accuracy and FLOPs only\n"
    "  --refine         also go on from each percentage's result to the next one's, and compare the\n"
    "                   time with that of a fresh run (in this process)\n"
    "  --json FILE      write the records\n"
    "  --quiet          no progress\n"
    "  --help           this text\n";

typedef struct sweep_command {
    const char *model, *backend, *data, *json;
    bool refine;
    sweep_options options;
} sweep_command;

static bool run(const sweep_command *c, const char *typed, error *e) {
    bool swept = false;
    const idp_backend *backend = NULL;
    model m = {0};
    dataset data = {0};
    results r = {0};
    if (!backend_choose(c->backend, &backend, e)) goto done;
    if (!model_read(&m, c->model, e)) goto done;
    if (!dataset_load(&data, c->data, e)) goto done;
    if (!results_new(&r, typed, m.seed, e)) goto done;
    results_data(&r, data.name, data.synthetic, data.sha256, data.train.count, data.test.count);
    if (!sweep_model(&m, backend, &data, &c->options, &r, stdout, e)) goto done;
    if (c->refine && !refine_model(&m, backend, &c->options, &r, stdout, e)) goto done;
    if (!results_write(&r, c->json, e)) goto done;
    if (c->options.latency) results_print_warnings(&r, stdout);
    swept = true;
done:
    results_free(&r);
    dataset_free(&data);
    model_free(&m);
    return swept;
}

int cmd_sweep(int argc, char **argv, error *e) {
    enum {
        PERCENT = 256,
        BACKEND,
        DATA,
        PROCESSES,
        ROUNDS,
        TIME_LIMIT,
        QUICK,
        NO_LATENCY,
        REFINE,
        JSON,
        QUIET,
        WORKER,
        HELP
    };
    static const struct option long_options[] = {{"percent", required_argument, NULL, PERCENT},
                                                 {"backend", required_argument, NULL, BACKEND},
                                                 {"data", required_argument, NULL, DATA},
                                                 {"processes", required_argument, NULL, PROCESSES},
                                                 {"rounds", required_argument, NULL, ROUNDS},
                                                 {"time-limit", required_argument, NULL, TIME_LIMIT},
                                                 {"quick", no_argument, NULL, QUICK},
                                                 {"no-latency", no_argument, NULL, NO_LATENCY},
                                                 {"refine", no_argument, NULL, REFINE},
                                                 {"json", required_argument, NULL, JSON},
                                                 {"quiet", no_argument, NULL, QUIET},
                                                 {"worker", required_argument, NULL, WORKER}, /* of itself */
                                                 {"help", no_argument, NULL, HELP},
                                                 {NULL, 0, NULL, 0}};
    sweep_command c = {.options = sweep_defaults()};
    double rounds = 0, processes = 0, limit_s = 0;
    bool quick = false, latency = true;
    char typed[1024];
    option_typed(argc, argv, typed, sizeof typed);
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, ":", long_options, NULL)) != -1;) {
        switch (o) {
        case PERCENT:
            if (!option_list("percent", optarg, 0, 100, c.options.percent, SWEEP_MOST_PERCENTS, &c.options.percents,
                             e))
                return EXIT_ERROR;
            break;
        case BACKEND: c.backend = optarg; break;
        case DATA: c.data = optarg; break;
        case PROCESSES:
            if (!option_number("processes", optarg, 1, SWEEP_MOST_PROCESSES, &processes, e)) return EXIT_ERROR;
            break;
        case ROUNDS:
            if (!option_number("rounds", optarg, 1, 100000, &rounds, e)) return EXIT_ERROR;
            break;
        case TIME_LIMIT:
            if (!option_number("time-limit", optarg, 0.1, 86400, &limit_s, e)) return EXIT_ERROR;
            break;
        case QUICK: quick = true; break;
        case NO_LATENCY: latency = false; break;
        case REFINE: c.refine = true; break;
        case JSON: c.json = optarg; break;
        case QUIET: progress_quiet(true); break;
        case WORKER: return sweep_worker(optarg, e);
        case HELP: fputs(help, stdout); return 0;
        default: return option_error(argc, argv, o, e);
        }
    }
    if (argc - optind != 1) {
        fail(e, optind == argc ? "which model file? idp sweep --help tells the usage" : "one model file at a time");
        return EXIT_ERROR;
    }
    if (rounds > 0 && limit_s > 0) {
        fail(e, "--rounds takes as long as it takes; --time-limit does not go with it");
        return EXIT_ERROR;
    }
    c.model = argv[optind];
    const sweep_options base = quick ? sweep_quick() : sweep_defaults();
    c.options.rounds = rounds > 0 ? (size_t)rounds : base.rounds;
    c.options.budget_s = limit_s > 0 ? limit_s : rounds > 0 ? HUGE_VAL : base.budget_s;
    c.options.processes = processes > 0 ? (size_t)processes : base.processes;
    c.options.model_path = c.model;
    c.options.latency = latency;
    c.options.forced = backend_forced(c.backend);
    return run(&c, typed, e) ? 0 : EXIT_ERROR;
}
