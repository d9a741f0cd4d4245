/* cmd_train.c: `idp train`: a model by a recipe, from images to a safetensors file. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "model/pool.h"
#include "model/train.h"
#include "output.h"
#include "progress.h"
#include "results/results.h"

static const char help[] =
    "Usage: idp train [OPTION]... --out MODEL.safetensors\n"
    "\n"
    "Trains a network of incomplete layers and writes it as a safetensors file. A recipe brings all\n"
    "settings with it (idp list --recipes shows them); the options change them. docs/training.md\n"
    "explains the method.\n"
    "\n"
    "  --recipe NAME      authors: only the inputs of layer 2 are cut, layers 1 and 3 belong to a\n"
    "                     profile (default); nested: every hidden layer is cut, profiles share all\n"
    "                     but the last layer; sandwich: no parts, every step trains the full, the\n"
    "                     smallest and two random widths; independent: a network of its own for\n"
    "                     every width; best: all profiles together, in every step (docs/best.md);\n"
    "                     forum: as the forum question trained\n"
    "  --gamma NAME       all-one, harmonic, linear, forum-linear or half-exp\n"
    "  --parts LIST       consecutive parts of the range, one profile each: 0-30,30-100\n"
    "  --widths RULE      channels that a step of `nested` trains: end of the part (default), random,\n"
    "                     ten of them, sandwich or forum\n"
    "  --width-weights L  the shares of a step's widths in its loss: 8,4,2,1,1,1,1,1,1,2 with ten\n"
    "  --coupling KIND    weights of `nested` from later channels to earlier ones: initial (default)\n"
    "                     or zero\n"
    "  --distillation YN  `sandwich`: the narrower widths learn from the full one's softmax: yes\n"
    "                     (default) or no\n"
    "  --hidden LIST      channels of the hidden layers (default 100,100)\n"
    "  --initial KIND     weights before training: normal or xavier\n"
    "  --epochs N         of each part\n"
    "  --schedule NAME    of the learning rate: step, cosine (to 0) or constant\n"
    "  --halve-after N    epochs before a step halves it; 0: never (default: 5/6 of the epochs)\n"
    "  --batch N          samples of a step\n"
    "  --lr X             learning rate\n"
    "  --momentum X\n"
    "  --weight-decay X   (default 0; best 8e-4)\n"
    "  --seed N           of weights, order and widths (default 1)\n"
    "  --data DIR         folder of the IDX files, or DIR/PREFIX where their names begin with PREFIX-,\n"
    "                     or `synthetic` (default: $IDP_DATA, else the cache, else the built-in digits)\n"
    "  --backend NAME     back end that trains (default: $IDP_BACKEND, else the fastest usable)\n"
    "  --threads N        that train; the result does not depend on it (default: all processors)\n"
    "  --out FILE         the model file\n"
    "  --checkpoint FILE  keep the state of the run there, on Ctrl-C too\n"
    "  --checkpoint-every N  epochs (default 1)\n"
    "  --resume FILE      go on from a checkpoint, with the same options: the bits are those of a run\n"
    "                     that was never stopped; new checkpoints go to the same file\n"
    "  --json FILE        write the records\n"
    "  --quiet            no progress\n"
    "  --help             this text\n";

enum {
    RECIPE = 256,
    GAMMA,
    PARTS,
    WIDTHS,
    WIDTH_WEIGHTS,
    COUPLING,
    DISTILLATION,
    HIDDEN,
    INITIAL,
    EPOCHS,
    SCHEDULE,
    HALVE_AFTER,
    BATCH,
    LR,
    MOMENTUM,
    WEIGHT_DECAY,
    SEED,
    DATA,
    BACKEND,
    THREADS,
    OUT,
    CHECKPOINT,
    CHECKPOINT_EVERY,
    RESUME,
    JSON,
    QUIET,
};

static const struct option options_table[] = {{"recipe", required_argument, NULL, RECIPE},
                                              {"gamma", required_argument, NULL, GAMMA},
                                              {"parts", required_argument, NULL, PARTS},
                                              {"widths", required_argument, NULL, WIDTHS},
                                              {"width-weights", required_argument, NULL, WIDTH_WEIGHTS},
                                              {"coupling", required_argument, NULL, COUPLING},
                                              {"distillation", required_argument, NULL, DISTILLATION},
                                              {"hidden", required_argument, NULL, HIDDEN},
                                              {"initial", required_argument, NULL, INITIAL},
                                              {"epochs", required_argument, NULL, EPOCHS},
                                              {"schedule", required_argument, NULL, SCHEDULE},
                                              {"halve-after", required_argument, NULL, HALVE_AFTER},
                                              {"batch", required_argument, NULL, BATCH},
                                              {"lr", required_argument, NULL, LR},
                                              {"momentum", required_argument, NULL, MOMENTUM},
                                              {"weight-decay", required_argument, NULL, WEIGHT_DECAY},
                                              {"seed", required_argument, NULL, SEED},
                                              {"data", required_argument, NULL, DATA},
                                              {"backend", required_argument, NULL, BACKEND},
                                              {"threads", required_argument, NULL, THREADS},
                                              {"out", required_argument, NULL, OUT},
                                              {"checkpoint", required_argument, NULL, CHECKPOINT},
                                              {"checkpoint-every", required_argument, NULL, CHECKPOINT_EVERY},
                                              {"resume", required_argument, NULL, RESUME},
                                              {"json", required_argument, NULL, JSON},
                                              {"quiet", no_argument, NULL, QUIET},
                                              {"help", no_argument, NULL, 'h'},
                                              {0}};

typedef struct request {
    train_options train;
    const char *backend, *data, *out, *json;
    bool halved; /* --halve-after was given */
    char typed[1024];
} request;

static bool whole_parse(const char *name, const char *text, double low, double high, double *value, error *e) {
    if (!option_number(name, text, low, high, value, e)) return false;
    return *value == floor(*value) || fail(e, "--%s %s is not a whole number", name, text);
}

static bool size_parse(const char *name, const char *text, double low, double high, size_t *value, error *e) {
    double number;
    if (!whole_parse(name, text, low, high, &number, e)) return false;
    *value = (size_t)number;
    return true;
}

/* "0-30,30-100" */
static bool parts_parse(const char *text, train_options *o, error *e) {
    o->parts = 0;
    for (const char *rest = text; rest != NULL;) {
        char part[64];
        const size_t length = strcspn(rest, ",");
        if (o->parts == MODEL_MAX_PROFILES) return fail(e, "--parts names more than %d parts", MODEL_MAX_PROFILES);
        snprintf(part, sizeof part, "%.*s", (int)(length < sizeof part ? length : sizeof part - 1), rest);
        char *dash = strchr(part, '-');
        if (dash == NULL) return fail(e, "--parts '%s': a part is FROM-TO, such as 0-30", part);
        *dash = '\0';
        if (!option_number("parts", part, 0, 100, &o->part[o->parts].from_percent, e) ||
            !option_number("parts", dash + 1, 0, 100, &o->part[o->parts].to_percent, e))
            return false;
        o->parts++;
        rest = rest[length] == ',' ? rest + length + 1 : NULL;
    }
    return true;
}

static bool hidden_parse(const char *text, train_options *o, error *e) {
    double value[TRAIN_MAX_HIDDEN];
    unsigned count = 0;
    if (!option_list("hidden", text, 1, TRAIN_WIDTH_MOST, value, TRAIN_MAX_HIDDEN, &count, e)) return false;
    for (unsigned h = 0; h < count; h++) {
        o->hidden[h] = (size_t)value[h];
        if ((double)o->hidden[h] != value[h]) return fail(e, "--hidden %g is not a whole number", value[h]);
    }
    o->hidden_count = count;
    return true;
}

static bool seed_parse(const char *text, uint64_t *seed, error *e) {
    double value; /* whole doubles only: a seed above 2^53 would not be the one that was typed */
    if (!whole_parse("seed", text, 0, 0x1p53, &value, e)) return false;
    *seed = (uint64_t)value;
    return true;
}

static bool weights_parse(const char *text, train_options *o, error *e) {
    unsigned count = 0;
    if (!option_list("width-weights", text, 0, 1e6, o->width_weight, WIDTHS_MAX, &count, e)) return false;
    o->width_weights = count;
    return true;
}

static bool widths_parse(const char *text, train_options *o, error *e) {
    o->widths = width_rule_find(text);
    return o->widths != NULL || fail(e, "--widths '%s' is not one of end, random, ten, sandwich, forum", text);
}

static bool distillation_parse(const char *text, bool *wanted, error *e) {
    *wanted = strcmp(text, "yes") == 0;
    return *wanted || strcmp(text, "no") == 0 || fail(e, "--distillation '%s' is neither yes nor no", text);
}

static bool option_take(int c, request *q, error *e) {
    train_options *o = &q->train;
    const char *name = o->recipe->name;
    switch (c) {
    case RECIPE: return true; /* see start */
    case GAMMA:
        return gamma_parse(optarg, &o->gamma) ||
               fail(e, "--gamma '%s' is not one of all-one, harmonic, linear, forum-linear, half-exp", optarg);
    case PARTS: return parts_parse(optarg, o, e);
    case WIDTHS:
        if (!o->recipe->has_options) return fail(e, "recipe %s fixes its widths; --widths is for nested", name);
        return widths_parse(optarg, o, e);
    case WIDTH_WEIGHTS: return weights_parse(optarg, o, e);
    case COUPLING:
        if (!o->recipe->has_options) return fail(e, "recipe %s fixes its coupling; --coupling is for nested", name);
        return coupling_parse(optarg, &o->coupling) ||
               fail(e, "--coupling '%s' is not one of initial, zero", optarg);
    case DISTILLATION: return distillation_parse(optarg, &o->distillation, e);
    case HIDDEN: return hidden_parse(optarg, o, e);
    case INITIAL:
        return initial_parse(optarg, &o->initial) || fail(e, "--initial '%s' is neither normal nor xavier", optarg);
    case EPOCHS: return size_parse("epochs", optarg, 1, 100000, &o->epochs, e);
    case SCHEDULE:
        return schedule_parse(optarg, &o->schedule) ||
               fail(e, "--schedule '%s' is not one of step, cosine, constant", optarg);
    case HALVE_AFTER: q->halved = true; return size_parse("halve-after", optarg, 0, 100000, &o->halve_after, e);
    case BATCH: return size_parse("batch", optarg, 1, TRAIN_BATCH_MOST, &o->batch, e);
    case LR: return option_number("lr", optarg, 0, 100, &o->lr, e);
    case MOMENTUM: return option_number("momentum", optarg, 0, 1, &o->momentum, e);
    case WEIGHT_DECAY: return option_number("weight-decay", optarg, 0, 1, &o->weight_decay, e);
    case SEED: return seed_parse(optarg, &o->seed, e);
    case DATA: q->data = optarg; return true;
    case BACKEND: q->backend = optarg; return true;
    case THREADS: return size_parse("threads", optarg, 1, POOL_THREADS_MOST, &o->threads, e);
    case OUT: q->out = optarg; return true;
    case CHECKPOINT: o->checkpoint = optarg; return true;
    case CHECKPOINT_EVERY: return size_parse("checkpoint-every", optarg, 1, 100000, &o->checkpoint_every, e);
    case RESUME: o->resume = optarg; return true;
    case JSON: q->json = optarg; return true;
    case QUIET: progress_quiet(true); return true;
    default: return fail(e, "unknown option");
    }
}

/* The recipe's settings, which the other options change, wherever --recipe stands among them. */
static bool start(request *q, int argc, char **argv, error *e) {
    const char *name = "authors";
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options_table, NULL)) != -1;)
        if (c == RECIPE) name = optarg;
    optind = 1;
    return train_defaults(&q->train, name, e) || fail_in(e, "--recipe");
}

/* One file written over another is noticed when the training is over. */
static bool different_files(const request *q, error *e) {
    const char *const file[] = {q->out, q->train.checkpoint, q->json};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < i; j++)
            if (file[i] != NULL && file[j] != NULL && strcmp(file[i], file[j]) == 0)
                return fail(e, "%s is named twice: model, checkpoint and records go to files of their own",
                            file[i]);
    return true;
}

static bool settle(request *q, error *e) {
    train_options *o = &q->train;
    if (q->out == NULL) return fail(e, "--out MODEL.safetensors is missing: where is the model to go?");
    if (!q->halved) o->halve_after = o->epochs * 5 / 6;
    if (o->resume != NULL && o->checkpoint == NULL) o->checkpoint = o->resume;
    if (!different_files(q, e)) return false;
    return backend_choose(q->backend, &o->backend, e);
}

static void print_settings(const train_options *o, const dataset *data) {
    printf("Recipe %s, gamma %s: %s.\n", o->recipe->name, gamma_name(o->gamma), o->recipe->summary);
    printf("Data: %s (%s), %zu training and %zu test images.\n", data->name, data->origin, data->train.count,
           data->test.count);
    printf("Network %zu", data->train.rows * data->train.columns);
    for (size_t h = 0; h < o->hidden_count; h++) printf("-%zu", o->hidden[h]);
    char number[48] = "";
    if (o->schedule == SCHEDULE_STEP && o->halve_after > 0 && o->halve_after < o->epochs)
        snprintf(number, sizeof number, " halved after %zu", o->halve_after);
    else if (o->schedule == SCHEDULE_COSINE)
        snprintf(number, sizeof number, " falling as a cosine to 0");
    printf("-%zu, %s weights; parts", data->classes, initial_name(o->initial));
    for (size_t p = 0; p < o->parts; p++)
        printf("%s %g-%g", p > 0 ? "," : "", o->part[p].from_percent, o->part[p].to_percent);
    const bool joint = o->recipe->joint;
    printf("%s; %s%zu epochs of batches of %zu, learning rate %g%s, momentum %g, weight decay %g, seed %llu.\n",
           o->recipe->first_stage_only && o->parts > 1 ? ", of which only the first is trained" : "",
           joint ? "" : "per part ", o->epochs, o->batch, o->lr, number, o->momentum, o->weight_decay,
           (unsigned long long)o->seed);
    printf("Widths of a step: %s", joint ? "the end of every part" : o->widths->name);
    for (size_t w = 0; w < o->width_weights; w++) printf("%s%g", w > 0 ? "," : ", weights ", o->width_weight[w]);
    if (o->recipe->has_options) printf("; coupling: %s", coupling_name(o->coupling));
    if (o->recipe->can_distill) printf("; distillation: %s", o->distillation ? "yes" : "no");
    printf(".\n");
    printf("Back end: %s.\n", o->backend->name);
    fflush(stdout); /* before the progress on stderr */
}

/* Prints and records what came of each profile. */
static void tell(const request *q, const model *m, const train_log *log, results *r) {
    char label[256];
    model_label(m, label, sizeof label);
    printf("\n%-9s %-14s %10s %10s %12s\n", "profile", "range, %", "time, s", "loss", "accuracy, %");
    for (size_t p = 0; p < m->profiles; p++) {
        const double from = m->profile[p].from_percent, to = m->profile[p].to_percent;
        char range[32];
        snprintf(range, sizeof range, "%g-%g", from, to);
        if (isnan(log[p].loss)) { /* a stage that never ran has nothing to record */
            printf("%-9zu %-14s %10s %10s %12.2f\n", p, range, "-", "-", log[p].accuracy_percent);
            continue;
        }
        printf("%-9zu %-14s %10.2f %10.5f %12.2f\n", p, range, log[p].seconds, log[p].loss,
               log[p].accuracy_percent);
        results_add(r,
                    json_pack("{s:s, s:s, s:s, s:s, s:I, s:[f, f], s:I, s:I, s:f, s:f, s:f, s:s}", "kind", "train",
                              "model", label, "recipe", m->recipe, "gamma", gamma_name(m->gamma), "profile",
                              (json_int_t)p, "range_percent", from, to, "seed", (json_int_t)m->seed, "epochs",
                              (json_int_t)q->train.epochs, "seconds", log[p].seconds, "loss", log[p].loss,
                              "accuracy_percent", log[p].accuracy_percent, "backend", q->train.backend->name));
    }
    printf("\nWritten: %s\n", q->out);
}

/* Finds out now, not after training, that a file cannot be written. */
static bool can_write(const char *path, error *e) {
    output out;
    if (!output_open(&out, path, e)) return false;
    output_discard(&out);
    return true;
}

static bool run(const request *q, error *e) {
    bool done = false;
    dataset data = {0};
    results r = {0};
    model m = {0};
    train_log log[MODEL_MAX_PROFILES];
    const char *checkpoint = q->train.checkpoint;
    if (!can_write(q->out, e) || (q->json != NULL && !can_write(q->json, e))) goto done;
    if (checkpoint != NULL && !can_write(checkpoint, e)) goto done;
    if (!results_new(&r, q->typed, q->train.seed, e) || !dataset_load(&data, q->data, e)) goto done;
    results_data(&r, data.name, data.synthetic, data.sha256, data.train.count, data.test.count);
    print_settings(&q->train, &data);
    if (!train_run(&q->train, &data, &m, log, e) || !model_write(&m, q->out, e)) goto done;
    tell(q, &m, log, &r);
    done = results_write(&r, q->json, e);
done:
    model_free(&m);
    results_free(&r);
    dataset_free(&data);
    return done;
}

int cmd_train(int argc, char **argv, error *e) {
    request q = {.out = NULL};
    option_typed(argc, argv, q.typed, sizeof q.typed);
    if (!start(&q, argc, argv, e)) return EXIT_ERROR;
    for (int c; (c = getopt_long(argc, argv, ":h", options_table, NULL)) != -1;) {
        if (c == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if (c == '?' || c == ':') return option_error(argc, argv, c, e);
        if (!option_take(c, &q, e)) return EXIT_ERROR;
    }
    if (optind < argc) {
        fail(e, "'%s' is not an option; idp train --help lists them", argv[optind]);
        return EXIT_ERROR;
    }
    return settle(&q, e) && run(&q, e) ? 0 : EXIT_ERROR;
}
