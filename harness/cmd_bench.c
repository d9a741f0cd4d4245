/* cmd_bench.c: `idp bench`: microbenchmarks of the kernels. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "commands.h"
#include "progress.h"

static const char help[] =
    "Usage: idp bench [OPTION]... [-- GOOGLE-BENCHMARK-OPTION...]\n"
    "\n"
    "Times kernels on layer shapes, cut to part of their input channels, with Google Benchmark.\n"
    "\n"
    "  --backend LIST      back ends, separated by commas (default: every usable one)\n"
    "  --no-peers          leave out the other libraries, which are there where no --backend is given\n"
    "  --kernel REGEX      only kernels and peers whose name matches this extended regular expression\n"
    "  --shape LIST        layers, OUTxIN,... (default: 100x784,100x100,10x100,512x512)\n"
    "  --batch LIST        samples per call of the batch kernels (default: 128); panel and row kernels take one\n"
    "  --percent LIST      of the input channels: 10,50 or 10:100:10 (default: 10,25,50,75,100)\n"
    "  --repetitions N     of every benchmark (default: 3); the median, least and greatest are recorded\n"
    "  --min-time S        seconds of one repetition (default: so that all together takes half a minute)\n"
    "  --quick             about five seconds, and as many to prepare\n"
    "  --require-isa LIST  these back ends must run here: a skip is then an error (status 2)\n"
    "  --json FILE         write the records\n"
    "  --quiet             no progress\n"
    "\n"
    "What follows -- goes to Google Benchmark unchanged: --benchmark_filter=REGEX, --benchmark_list_tests,\n"
    "--benchmark_out=FILE, --benchmark_enable_random_interleaving=true, ...\n";

enum { BACKEND = 256, KERNEL, SHAPE, BATCH, PERCENT, REPETITIONS, MIN_TIME, QUICK, REQUIRE, JSON, QUIET, NO_PEERS };

static const struct option options_table[] = {{"backend", required_argument, NULL, BACKEND},
                                              {"kernel", required_argument, NULL, KERNEL},
                                              {"shape", required_argument, NULL, SHAPE},
                                              {"batch", required_argument, NULL, BATCH},
                                              {"percent", required_argument, NULL, PERCENT},
                                              {"repetitions", required_argument, NULL, REPETITIONS},
                                              {"min-time", required_argument, NULL, MIN_TIME},
                                              {"quick", no_argument, NULL, QUICK},
                                              {"require-isa", required_argument, NULL, REQUIRE},
                                              {"json", required_argument, NULL, JSON},
                                              {"quiet", no_argument, NULL, QUIET},
                                              {"no-peers", no_argument, NULL, NO_PEERS},
                                              {"help", no_argument, NULL, 'h'},
                                              {0}};

typedef struct request {
    bench_options bench;
    const char *backends, *require, *json;
    bool quick, no_peers;
} request;

static bool repetitions_parse(const char *text, bench_options *o, error *e) {
    double value;
    if (!option_number("repetitions", text, 1, 1000, &value, e)) return false;
    o->repetitions = (unsigned)value;
    if (o->repetitions != value) return fail(e, "--repetitions %s is not a whole number", text);
    return true;
}

static bool option_take(int c, request *q, error *e) {
    bench_options *o = &q->bench;
    switch (c) {
    case BACKEND: q->backends = optarg; return true;
    case KERNEL: o->kernel = optarg; return true;
    case SHAPE: return option_shapes(optarg, o->shape, &o->shapes, e);
    case BATCH: return option_batches(optarg, o->batch, &o->batches, e);
    case PERCENT: return option_list("percent", optarg, 0, 100, o->percent, BENCH_PERCENTS, &o->percents, e);
    case REPETITIONS: return repetitions_parse(optarg, o, e);
    case MIN_TIME: return option_number("min-time", optarg, 1e-6, 3600, &o->min_time_s, e);
    case NO_PEERS: q->no_peers = true; return true;
    case QUICK: q->quick = true; return true;
    case REQUIRE: q->require = optarg; return true;
    case JSON: q->json = optarg; return true;
    case QUIET: progress_quiet(true); return true;
    default: return fail(e, "unknown option");
    }
}

int cmd_bench(int argc, char **argv, error *e) {
    char typed[4096];
    option_typed(argc, argv, typed, sizeof typed); /* before getopt_long reorders them */
    request q = {0};
    bench_defaults(&q.bench, false);
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
    /* getopt_long has moved words that are no options behind "--", or to the end without one. */
    if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
        fail(e, "'%s': options of Google Benchmark go behind --; idp bench --help tells the others", argv[optind]);
        return EXIT_ERROR;
    }
    if (q.quick) {
        bench_options quick;
        bench_defaults(&quick, true);
        q.bench.budget_s = quick.budget_s;
    }
    q.bench.forced = backend_forced(q.backends);
    q.bench.peers = !q.bench.forced && !q.no_peers;
    q.bench.google = argv + optind;
    q.bench.google_count = argc - optind;
    results r;
    if (!backend_require(q.require, e) || !results_writable(q.json, e) ||
        !backend_list(q.backends, q.bench.backend, &q.bench.backends, e) || !results_new(&r, typed, 0, e))
        return EXIT_ERROR;
    /* What was measured before an interruption is written too. */
    bool ok = bench_run(&q.bench, &r, e);
    if (ok || (interrupted() && json_array_size(r.records) > 0))
        ok = results_write(&r, q.json, ok ? e : NULL) && ok;
    results_free(&r);
    return ok ? 0 : EXIT_ERROR;
}
