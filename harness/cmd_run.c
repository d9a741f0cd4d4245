/* cmd_run.c: `idp run`: everything in order: verify, train, sweep, bench, report. Every step is a command line that
 * the user could have typed, shown before it runs; each leaves its records under parts/, which are joined at the
 * end. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../reports/report.h"
#include "commands.h"
#include "output.h"
#include "peers/peers.h"
#include "progress.h"
#include "results/results.h"
#include "results/warnings.h"

enum { STEPS_MOST = 128, WORDS_MOST = 32, WORD_SIZE = 4096 };

static const char help[] =
    "Usage: idp run [OPTION]...\n"
    "\n"
    "Verifies the kernels, trains networks by several recipes, sweeps them over all percentages, runs the\n"
    "microbenchmarks, compares the back ends with each other, with other libraries and with what\n"
    "the machine can do at most, counts the executed work and writes the report: results.json,\n"
    "index.html, report.md and CSV files. About five minutes.\n"
    "\n"
    "  --out DIR        where the report goes (default build/report)\n"
    "  --quick          a first look in under a minute: few epochs, few rounds\n"
    "  --full           also the other gammas and parts, the forum question, three seeds, idp matrix at\n"
    "                   every tenth, and idp reproduce; about half an hour\n"
    "  --data DIR       IDX files, or 'synthetic'; default: IDP_DATA, the cache folder, the\n"
    "                   built-in digits\n"
    "  --backend NAME   the back end that trains and sweeps (default: the best that runs here)\n"
    "  --seed N         of everything random (default 1)\n"
    "  --require-isa L  back ends that must run here: a skip is then an error\n"
    "  --title TEXT     of the report\n"
    "  --quiet          no progress\n";

/* What is trained and swept: NULL is what the recipe has by itself. `full`: only with --full. */
static const struct network {
    const char *file, *recipe, *gamma, *parts;
    bool full;
} networks[] = {
    {"authors-linear", "authors", "linear", "0-100", false},
    {"authors-linear-two", "authors", "linear", "0-30,30-100", false},
    {"nested-all-one", "nested", "all-one", "0-100", false},
    {"nested-linear-three", "nested", "linear", "0-20,20-40,40-100", false},
    {"sandwich", "sandwich", NULL, NULL, false},
    {"independent", "independent", NULL, NULL, false},
    {"best", "best", NULL, NULL, false},
    {"authors-all-one", "authors", "all-one", "0-100", true},
    {"authors-harmonic", "authors", "harmonic", "0-100", true},
    {"authors-half-exp", "authors", "half-exp", "0-100", true},
    {"authors-linear-three", "authors", "linear", "0-20,20-40,40-100", true},
    {"nested-linear", "nested", "linear", "0-100", true},
    {"forum", "forum", NULL, NULL, true},
};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

typedef struct run_options {
    const char *out, *data, *backend, *title, *require;
    unsigned long seed;
    bool quick, full, quiet;
} run_options;

/* A command line, and the file that its records go to. */
typedef struct step {
    char word[WORDS_MOST][WORD_SIZE];
    int words;
    char json[WORD_SIZE];
    bool goes_on; /* where it can't be done here, the run goes on; its records say why */
} step;

static void say(step *s, const char *word) {
    if (s->words < WORDS_MOST) snprintf(s->word[s->words++], WORD_SIZE, "%s", word);
}

static void say_option(step *s, const char *option, const char *value) {
    if (value == NULL) return;
    say(s, option);
    say(s, value);
}

/* Begins a step whose records go to parts/<name>.json. */
static step *begin(step *steps, int *count, const run_options *o, const char *verb, const char *name) {
    step *s = &steps[(*count)++];
    snprintf(s->json, sizeof s->json, "%s/parts/%s.json", o->out, name);
    say(s, verb);
    if (o->quiet) say(s, "--quiet");
    say_option(s, "--json", s->json);
    return s;
}

static void plan_network(step *steps, int *count, const run_options *o, const struct network *n,
                         unsigned long seed) {
    char file[WORD_SIZE], name[128], number[32];
    snprintf(name, sizeof name, "%s-seed%lu", n->file, seed);
    snprintf(file, sizeof file, "%s/models/%s.safetensors", o->out, name);
    snprintf(number, sizeof number, "%lu", seed);

    char part[160];
    snprintf(part, sizeof part, "train-%s", name);
    step *s = begin(steps, count, o, "train", part);
    say_option(s, "--recipe", n->recipe);
    say_option(s, "--gamma", n->gamma);
    say_option(s, "--parts", n->parts);
    say_option(s, "--seed", number);
    say_option(s, "--data", o->data);
    say_option(s, "--backend", o->backend);
    if (strcmp(n->recipe, "nested") == 0 && strchr(n->parts, ',') != NULL) say_option(s, "--widths", "random");
    if (o->quick) say_option(s, "--epochs", "4");
    say_option(s, "--out", file);

    snprintf(part, sizeof part, "sweep-%s", name);
    s = begin(steps, count, o, "sweep", part);
    say(s, file);
    say_option(s, "--data", o->data);
    say_option(s, "--backend", o->backend);
    if (!o->full) say_option(s, "--time-limit", o->quick ? "3" : "6");
}

/* The work behind the microbenchmarks: the same layers and percentages, so that count and time stand side by side.
 * All back ends take minutes to step; the one that the networks run on is what matters. So does the layout sample,
 * whose counts are those of batch and the turning of x: with --full. */
static void plan_flops(step *steps, int *count, const run_options *o) {
    const idp_backend *backend = NULL;
    step *s = begin(steps, count, o, "flops", "flops");
    s->goes_on = true;
    if (idp_backend_choose(o->backend, &backend) == IDP_OK && !o->full) say_option(s, "--backend", backend->name);
    say_option(s, "--percent", o->quick ? "10,50,100" : "10,25,50,75,100");
    say_option(s, "--batch", "128");
    if (!o->full) say_option(s, "--kernel", o->quick ? "_(panel|row)_" : "_(panel|row|batch)_");
}

/* Of the other libraries: what users write with the most common one, and the best forms of all; of several alike
 * the first. BLIS follows the others at a distance and is left to bench and matrix. */
static void say_peers(step *s, bool single) {
    static const char *const names[] = {
        "openblas_sgemv_slice", "openblas_sgemv_channel_major", "onednn_matmul_single",
        "xsmm_panels_128",      "openblas_sgemm_slice",         "openblas_sgemm_feature",
        "onednn_inner_product", "onednn_sgemm_feature",         "xsmm_feature"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        const peer *p = peer_find(names[n]);
        if (p != NULL && (p->form == PEER_SINGLE) == single) say(s, p->name);
    }
}

/* The chosen back end against every other that is not scalar and against other libraries, on the network's middle
 * layer: verdicts beside an A/A control, from several processes. */
static void plan_versus(step *steps, int *count, const run_options *o, const char *batch) {
    const idp_backend *chosen = NULL;
    if (idp_backend_choose(o->backend, &chosen) != IDP_OK) return; /* the first step has said so */
    char name[64];
    snprintf(name, sizeof name, "versus-batch%s", batch);
    step *s = begin(steps, count, o, "versus", name);
    const int words = s->words;
    say(s, chosen->name);
    for (size_t b = idp_backend_count(); b-- > 0;) {
        const idp_backend *other = idp_backend_at(b);
        if (other != chosen && other->origin != IDP_ORIGIN_SCALAR && idp_backend_status(other) == IDP_OK)
            say(s, other->name);
    }
    if (chosen->origin == IDP_ORIGIN_HAND) say_peers(s, strcmp(batch, "1") == 0);
    if (s->words < words + 2) { /* nothing to compare with */
        *s = (step){.words = 0};
        (*count)--;
        return;
    }
    say_option(s, "--shape", "100x100");
    say_option(s, "--batch", batch);
    say_option(s, "--time-limit", o->quick ? "3" : "20");
}

/* Kernels beside other libraries and roofs: of layers every tenth takes some minutes, hence only with --full, of
 * the whole network some seconds; quick: the smaller layers, some seconds. Where there is no hand-written back end
 * the run goes on. */
static void plan_matrix(step *steps, int *count, const run_options *o) {
    step *s = begin(steps, count, o, "matrix", "matrix");
    s->goes_on = true;
    if (o->quick) say(s, "--quick");
    if (o->quick || o->full) return;
    say_option(s, "--shape", "100x784,100x100,10x100,512x512,1024x1024,4096x4096"); /* hence no network */
    say_option(s, "--percent", "10,50,100");
    s = begin(steps, count, o, "matrix", "matrix-network");
    s->goes_on = true;
    say(s, "--network");
}

static int plan(step *steps, const run_options *o) {
    int count = 0;
    char number[32];
    snprintf(number, sizeof number, "%lu", o->seed);
    step *s = begin(steps, &count, o, "verify", "verify");
    say_option(s, "--seed", number);
    say_option(s, "--require-isa", o->require);
    if (o->quick) say_option(s, "--cases", "50");
    for (unsigned n = 0; n < NETWORKS; n++) {
        if ((networks[n].full && !o->full) || (o->quick && n >= 3)) continue;
        for (unsigned long seed = o->seed; seed < o->seed + (o->full ? 3 : 1); seed++)
            plan_network(steps, &count, o, &networks[n], seed);
    }
    s = begin(steps, &count, o, "bench", "bench");
    say_option(s, "--require-isa", o->require);
    if (o->quick) {
        say(s, "--quick");
        say_option(s, "--percent", "10,50,100");
    }
    plan_versus(steps, &count, o, "1");
    plan_versus(steps, &count, o, "128");
    s = begin(steps, &count, o, "roof", "roof");
    if (o->quick) say(s, "--quick");
    plan_matrix(steps, &count, o);
    plan_flops(steps, &count, o);
    if (o->full) {
        s = begin(steps, &count, o, "reproduce", "reproduce");
        say_option(s, "--data", o->data);
        say_option(s, "--backend", o->backend);
    }
    return count;
}

static void show_step(const step *s, int index, int count) {
    printf("\n[%d/%d] idp", index + 1, count);
    for (int w = 0; w < s->words; w++) printf(strchr(s->word[w], ' ') != NULL ? " '%s'" : " %s", s->word[w]);
    printf("\n");
    fflush(stdout);
}

static int run_step(const step *s, error *e) {
    char *argv[WORDS_MOST + 1];
    for (int w = 0; w < s->words; w++) argv[w] = (char *)(uintptr_t)s->word[w];
    argv[s->words] = NULL;
    for (unsigned c = 0; c < command_count; c++) {
        if (strcmp(commands[c].name, argv[0]) != 0) continue;
        const int status = commands[c].run(s->words, argv, e);
        if (status == EXIT_ERROR) fail_in(e, "idp %s", argv[0]);
        return status;
    }
    fail(e, "there is no command '%s'", argv[0]);
    return EXIT_ERROR;
}

/* Notes in run.parts which command the records that come next are of. */
static bool add_part(results *all, const results *part) {
    json_t *run = json_object_get(all->document, "run"), *own = json_object_get(part->document, "run");
    if (json_object_get(run, "parts") == NULL && json_object_set_new(run, "parts", json_array()) != 0) return false;
    return json_array_append_new(json_object_get(run, "parts"),
                                 json_pack("{s:O, s:O, s:O, s:I, s:I}", "command", json_object_get(own, "command"),
                                           "time", json_object_get(own, "time"), "seconds",
                                           json_object_get(own, "seconds"), "first",
                                           (json_int_t)json_array_size(all->records), "records",
                                           (json_int_t)json_array_size(part->records))) == 0;
}

/* Adds the records of one part, and the data set's name where the part used one. */
static bool join(results *all, const char *path, error *e) {
    results part;
    if (!results_read(&part, path, e)) return false;
    size_t index;
    json_t *record;
    if (!add_part(all, &part)) {
        results_free(&part);
        return fail(e, "no memory for the list of steps");
    }
    json_array_foreach(part.records, index, record) results_add(all, json_incref(record));
    json_t *data = json_object_get(json_object_get(part.document, "run"), "data");
    if (data != NULL) json_object_set(json_object_get(all->document, "run"), "data", data);
    results_free(&part);
    return true;
}

static bool make_folders(const run_options *o, error *e) {
    char path[WORD_SIZE];
    const char *const folder[] = {"", "/parts", "/models"};
    for (unsigned f = 0; f < sizeof folder / sizeof folder[0]; f++) {
        snprintf(path, sizeof path, "%s%s", o->out, folder[f]);
        if (!output_folder(path, e)) return false;
    }
    return true;
}

/* ---- the three lines that matter ------------------------------------------------------------------------------
 */

/* The time over that at 100 %, paired. */
static double time_ratio(const json_t *record, const char *batch) {
    return json_number_value(
        json_object_get(json_object_get(json_object_get(record, "time_ratio"), batch), "median"));
}

static double field(const json_t *record, const char *name) {
    return json_number_value(json_object_get(record, name));
}

/* The record of the same model and profile at another percentage; NULL if there is none. */
static const json_t *sibling(const json_t *records, const json_t *record, double percent) {
    size_t index;
    json_t *other;
    json_array_foreach(records, index, other) {
        if (json_equal(json_object_get(other, "kind"), json_object_get(record, "kind")) &&
            json_equal(json_object_get(other, "model"), json_object_get(record, "model")) &&
            json_equal(json_object_get(other, "seed"), json_object_get(record, "seed")) &&
            json_equal(json_object_get(other, "profile"), json_object_get(record, "profile")) &&
            fabs(field(other, "percent") - percent) < 1e-9)
            return other;
    }
    return NULL;
}

/* One line for each network: what its profile for about half of the channels saves. */
static void show_headlines(const json_t *records) {
    size_t index;
    json_t *record;
    unsigned shown = 0;
    json_array_foreach(records, index, record) {
        const char *kind = json_string_value(json_object_get(record, "kind"));
        if (kind == NULL || strcmp(kind, "sweep") != 0 || shown == 3) continue;
        const double percent = field(record, "percent");
        const json_t *range = json_object_get(record, "range_percent");
        const double from = json_number_value(json_array_get(range, 0)),
                     to = json_number_value(json_array_get(range, 1));
        const json_t *next = index + 1 < json_array_size(records) ? json_array_get(records, index + 1) : NULL;
        const bool last_below_half = percent <= 52.7 && (next == NULL || field(next, "percent") > 52.7);
        const json_t *full = sibling(records, record, 100);
        if (!last_below_half || from > percent || to < percent || full == NULL) continue;
        shown++;
        printf(
            "%s at %.0f %% of the channels: %.0f %% of the FLOPs saved, %.0f %% of the time at batch 1, %.0f %% at "
            "batch 128; accuracy %.2f %% (%.2f %% at 100 %%)\n",
            json_string_value(json_object_get(record, "model")), percent,
            100 * (1 - field(record, "useful_flops") / field(full, "nominal_flops")),
            100 * (1 - time_ratio(record, "batch_1")), 100 * (1 - time_ratio(record, "batch_128")),
            field(record, "accuracy_percent"), field(full, "accuracy_percent"));
    }
}

/* ---- the command ----------------------------------------------------------------------------------------------
 */

static int finish(const run_options *o, const step *steps, int count, results *all, error *e) {
    char path[WORD_SIZE];
    for (int i = 0; i < count; i++)
        if (!join(all, steps[i].json, e)) return EXIT_ERROR;
    snprintf(path, sizeof path, "%s/results.json", o->out);
    e->text[0] = '\0';
    if (!results_write(all, path, e) ||
        !report_write(all->document, o->out, &(report_options){.title = o->title, .formats = REPORT_USUAL}, e))
        return EXIT_ERROR;
    if (e->text[0] != '\0') fprintf(stderr, "warning: %s\n", e->text);
    printf("\nReport: %s/index.html (also report.md, *.csv)\nRecords: %s\n\n", o->out, path);
    show_headlines(all->records);
    warnings_quiet(false);
    results_print_warnings(all, stdout);
    return 0;
}

static int run_all(const run_options *o, const char *typed, error *e) {
    results all = {.document = NULL};
    step *steps = calloc(STEPS_MOST, sizeof *steps);
    int status = EXIT_ERROR;
    if (steps == NULL) {
        fail(e, "no memory for the plan");
        goto done;
    }
    const int count = plan(steps, o);
    if (!make_folders(o, e) || !results_new(&all, typed, o->seed, e)) goto done;
    bool answer_no = false;
    warnings_quiet(true); /* once, at the end */
    for (int i = 0; i < count; i++) {
        show_step(&steps[i], i, count);
        status = run_step(&steps[i], e);
        results_sample(&all);
        if (status == EXIT_ERROR && steps[i].goes_on && !interrupted()) {
            fprintf(stderr, "%s\n", e->text);
            status = 0;
        }
        if (status == EXIT_ERROR) goto done;
        answer_no = answer_no || status == EXIT_NO;
        if (interrupted()) {
            fail(e, "stopped; the steps that were done are in %s/parts", o->out);
            status = EXIT_ERROR;
            goto done;
        }
    }
    status = finish(o, steps, count, &all, e);
    if (status == 0 && answer_no) status = EXIT_NO;
done:
    results_free(&all);
    free(steps);
    return status;
}

int cmd_run(int argc, char **argv, error *e) {
    static const struct option options[] = {
        {"out", required_argument, NULL, 'o'},
        {"quick", no_argument, NULL, 'q'},
        {"full", no_argument, NULL, 'f'},
        {"data", required_argument, NULL, 'd'},
        {"backend", required_argument, NULL, 'b'},
        {"seed", required_argument, NULL, 's'},
        {"title", required_argument, NULL, 't'},
        {"require-isa", required_argument, NULL, 'r'},
        {"quiet", no_argument, NULL, 'Q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    run_options o = {.out = "build/report", .seed = 1};
    char typed[WORD_SIZE];
    option_typed(argc, argv, typed, sizeof typed);
    double number;
    opterr = 0;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case 'o': o.out = optarg; break;
        case 'q': o.quick = true; break;
        case 'f': o.full = true; break;
        case 'd': o.data = optarg; break;
        case 'b': o.backend = optarg; break;
        case 's':
            if (!option_number("seed", optarg, 0, 4294967295.0, &number, e)) return EXIT_ERROR;
            o.seed = (unsigned long)number;
            break;
        case 't': o.title = optarg; break;
        case 'r': o.require = optarg; break;
        case 'Q': o.quiet = true; break;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind < argc) {
        fail(e, "'%s' is not an option; idp run --help lists them", argv[optind]);
        return EXIT_ERROR;
    }
    if (o.quick && o.full) {
        fail(e, "--quick and --full exclude each other");
        return EXIT_ERROR;
    }
    progress_quiet(o.quiet);
    return run_all(&o, typed, e);
}
