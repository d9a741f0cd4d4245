/* cmd_reproduce.c: `idp reproduce`: recipes over several seeds, beside the figures it must give. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "jobs.h"
#include "machine/machine.h"
#include "reproduce/reproduce.h"

static const char help[] =
    "Usage: idp reproduce [OPTION]...\n"
    "\n"
    "Trains recipe after recipe over several seeds and prints test accuracies beside those that an independent\n"
    "implementation got, cell by cell, with a verdict: Welch's test at 5 %, corrected for all the cells.\n"
    "`best` is held against `independent` and `sandwich`, trained with its schedule. Status 1 where a\n"
    "cell inside its profile's own part differs, or `best` falls short.\n"
    "\n"
    "  --seeds N       networks of a row (default 3; of `best` and its rivals 5)\n"
    "  --recipe NAME   rows of this recipe only; best: with its rivals\n"
    "  --quick         one seed and one epoch, to see it run; nothing is judged\n"
    "  --parallel N    trainings at a time (default: one a processor)\n"
    "  --backend NAME  back end that trains (default: $IDP_BACKEND, else the fastest usable)\n"
    "  --data DIR      folder of the IDX files, or `synthetic` (default: $IDP_DATA, else the cache,\n"
    "                  else the built-in digits); judged on MNIST only\n"
    "  --json FILE     write the records\n"
    "  --quiet         no progress\n"
    "  --help          this text\n";

typedef struct request {
    reproduce_options o;
    const char *backend, *data, *json;
    char typed[1024];
} request;

static bool known_recipe(const char *name, error *e) {
    char names[256] = "";
    for (size_t i = 0; i < reproduce_row_count(); i++) {
        const char *row_recipe = reproduce_row_at(i)->recipe;
        if (strcmp(row_recipe, name) == 0) return true;
        const size_t used = strlen(names);
        if (strstr(names, row_recipe) == NULL)
            snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", row_recipe);
    }
    return fail(e, "--recipe '%s' is not one of %s", name, names);
}

static int run(const request *q, error *e) {
    int status = EXIT_ERROR;
    dataset data = {0};
    results r = {0};
    reproduce_cell *cell = NULL;
    size_t cells = 0;
    if (!results_writable(q->json, e) || !results_new(&r, q->typed, 1, e) || !dataset_load(&data, q->data, e))
        goto done;
    results_data(&r, data.name, data.synthetic, data.sha256, data.train.count, data.test.count);
    printf("Data: %s (%s). Back end: %s. Seeds from 1; %zu trainings at a time.\n", data.name, data.origin,
           q->o.backend->name, q->o.parallel);
    fflush(stdout); /* before the progress on stderr */
    if (!reproduce_run(&q->o, &data, &cell, &cells, e)) goto done;
    const size_t differing = reproduce_tell(cell, cells, &r);
    if (results_write(&r, q->json, e)) status = differing > 0 ? EXIT_NO : 0;
done:
    free(cell);
    results_free(&r);
    dataset_free(&data);
    return status;
}

/* A whole number, at least 1. */
static bool count_parse(const char *name, const char *text, size_t most, size_t *count, error *e) {
    double value;
    if (!option_number(name, text, 1, (double)most, &value, e)) return false;
    *count = (size_t)value;
    return value == floor(value) || fail(e, "--%s %s is not a whole number", name, text);
}

static size_t processors(void) {
    machine m;
    machine_read(&m);
    return m.cores < 1 ? 1 : m.cores > JOBS_MOST_PARALLEL ? JOBS_MOST_PARALLEL : (size_t)m.cores;
}

int cmd_reproduce(int argc, char **argv, error *e) {
    enum { SEEDS = 256, RECIPE, QUICK, PARALLEL, BACKEND, DATA, JSON, QUIET };
    static const struct option options[] = {{"seeds", required_argument, NULL, SEEDS},
                                            {"recipe", required_argument, NULL, RECIPE},
                                            {"quick", no_argument, NULL, QUICK},
                                            {"parallel", required_argument, NULL, PARALLEL},
                                            {"backend", required_argument, NULL, BACKEND},
                                            {"data", required_argument, NULL, DATA},
                                            {"json", required_argument, NULL, JSON},
                                            {"quiet", no_argument, NULL, QUIET},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    request q = {0};
    size_t seeds = 0;
    option_typed(argc, argv, q.typed, sizeof q.typed);
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        bool good = true;
        switch (c) {
        case SEEDS: good = count_parse("seeds", optarg, REPRODUCE_MOST_SEEDS, &seeds, e); break;
        case RECIPE:
            q.o.recipe = optarg;
            good = known_recipe(optarg, e);
            break;
        case QUICK: q.o.epochs = 1; break;
        case PARALLEL: good = count_parse("parallel", optarg, JOBS_MOST_PARALLEL, &q.o.parallel, e); break;
        case BACKEND: q.backend = optarg; break;
        case DATA: q.data = optarg; break;
        case JSON: q.json = optarg; break;
        case QUIET: progress_quiet(true); break;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
        if (!good) return EXIT_ERROR;
    }
    if (optind < argc) {
        fail(e, "'%s' is not an option; idp reproduce --help lists them", argv[optind]);
        return EXIT_ERROR;
    }
    const bool quick = q.o.epochs > 0;
    q.o.seeds = seeds > 0 ? seeds : quick ? 1 : 3;
    q.o.tenths_seeds = seeds > 0 ? seeds : quick ? 1 : 5;
    if (q.o.parallel == 0) q.o.parallel = processors();
    return backend_choose(q.backend, &q.o.backend, e) ? run(&q, e) : EXIT_ERROR;
}
