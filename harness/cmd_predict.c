/* cmd_predict.c: `idp predict`: what a model sees in images, at any percentage. */
#include <getopt.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "data/pictures.h"
#include "json_memory.h"
#include "model/matrix.h"
#include "model/model.h"
#include "output.h"
#include "progress.h"

enum { BATCH = 128 };

static const char help[] =
    "Usage: idp predict MODEL.safetensors [OPTION]... IMAGE...\n"
    "\n"
    "Recognises images: IDX files (all images of each) or PGM pictures (P2, P5) of the size that the\n"
    "model was trained with, light strokes on black. Prints the class and the probability of every\n"
    "class in percent.\n"
    "\n"
    "  --percent P     of the channels (default 100)\n"
    "  --profile N     from 0 (default: the one whose part holds the percentage)\n"
    "  --invert        the images are dark on light\n"
    "  --transpose     swap rows and columns, for a model of EMNIST, whose images lie transposed\n"
    "  --backend NAME  (default: $IDP_BACKEND, else the fastest usable)\n"
    "  --json FILE     write the predictions\n"
    "  --help          this text\n";

typedef struct request {
    double percent;
    size_t profile;
    bool profile_given, invert, transpose;
    const char *backend_name, *json;
    const idp_backend *backend;
} request;

/* A model ready to run, and room for a batch. */
typedef struct runner {
    model m;
    idp_mlp *network;
    float *x, *y;
    void *workspace;
    json_t *predictions;
} runner;

static void runner_free(runner *r) {
    free(r->x);
    free(r->y);
    free(r->workspace);
    if (r->network != NULL) idp_mlp_destroy(r->network);
    json_decref(r->predictions);
    model_free(&r->m);
}

static bool runner_create(runner *r, request *q, const char *path, error *e) {
    if (!backend_choose(q->backend_name, &q->backend, e) || !model_read(&r->m, path, e)) return false;
    if (!q->profile_given) q->profile = model_profile_at(&r->m, q->percent);
    if (q->profile >= r->m.profiles)
        return fail(e, "%s has %zu profiles, counted from 0; there is no profile %zu", path, r->m.profiles,
                    q->profile);
    if (!model_network(&r->m, q->backend, &r->network, e)) return false;
    r->x = floats_new(BATCH * r->m.width[0]);
    r->y = floats_new(BATCH * r->m.width[r->m.layers]);
    r->workspace = floats_new(idp_mlp_workspace_bytes(r->network, BATCH) / sizeof(float) + 1);
    r->predictions = json_array();
    return (r->x != NULL && r->y != NULL && r->workspace != NULL && r->predictions != NULL) ||
           fail(e, "no memory to run %s", path);
}

/* p = softmax of the outputs; the most probable class, the lowest of a tie. */
static size_t probabilities(const float *y, size_t classes, double *p) {
    double sum = 0;
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (y[c] > y[best]) best = c;
    for (size_t c = 0; c < classes; c++) sum += p[c] = exp((double)y[c] - (double)y[best]);
    for (size_t c = 0; c < classes; c++) p[c] /= sum;
    return best;
}

static void tell(runner *r, const char *file, size_t index, const float *y) {
    double p[DATASET_MAX_CLASSES];
    const size_t classes = r->m.width[r->m.layers], best = probabilities(y, classes, p);
    json_t *all = json_array();
    printf("%5zu", best);
    for (size_t c = 0; c < classes; c++) {
        printf(" %6.2f", 100 * p[c]);
        json_array_append_new(all, json_real(p[c]));
    }
    printf("  %s %zu\n", file, index);
    json_array_append_new(r->predictions,
                          json_pack("{s:s, s:I, s:I, s:f, s:o}", "file", file, "image", (json_int_t)index, "class",
                                    (json_int_t)best, "probability", p[best], "probabilities", all));
}

static bool predict_images(runner *r, const request *q, const char *file, const images *part, error *e) {
    const size_t inputs = r->m.width[0], classes = r->m.width[r->m.layers];
    if (part->rows * part->columns != inputs)
        return fail(e, "%s: %zu x %zu pixels, but the model was trained with images of %zu pixels: scale it", file,
                    part->rows, part->columns, inputs);
    for (size_t first = 0; first < part->count; first += BATCH) {
        if (interrupted()) return fail(e, "interrupted");
        const size_t batch = part->count - first < BATCH ? part->count - first : BATCH;
        pixels_to_floats(batch * inputs, part->pixels + first * inputs, r->x);
        const idp_status status = idp_mlp_run(r->network, q->profile, q->percent, batch, r->x, r->y, r->workspace);
        if (status != IDP_OK) return fail(e, "%s: %s", file, idp_status_text(status));
        for (size_t s = 0; s < batch; s++) tell(r, file, first + s, r->y + s * classes);
    }
    return true;
}

static bool predict_file(runner *r, const request *q, const char *file, error *e) {
    images part = {.count = 0};
    if (!pictures_read(file, &part, e)) return false;
    if (q->invert) pictures_invert(&part);
    const bool done = (!q->transpose || pictures_transpose(&part, e)) && predict_images(r, q, file, &part, e);
    free(part.pixels);
    return done;
}

static bool write_json(const runner *r, const request *q, error *e) {
    if (q->json == NULL) return true;
    char label[256];
    model_label(&r->m, label, sizeof label);
    json_t *document =
        json_pack("{s:s, s:s, s:s, s:f, s:I, s:s, s:O}", "format", "idp-predictions/1", "model", label, "data",
                  r->m.data_name, "percent", q->percent, "profile", (json_int_t)q->profile, "backend",
                  q->backend->name, "predictions", r->predictions);
    char *text = document != NULL ? json_dumps(document, JSON_INDENT(1)) : NULL;
    const bool written = text != NULL && !json_memory_ran_out() ? output_write(q->json, text, strlen(text), e)
                                                                : fail(e, "%s: no memory for it", q->json);
    free(text);
    json_decref(document);
    return written;
}

static bool run(request *q, char **files, int count, error *e) {
    runner r = {.network = NULL};
    bool done = runner_create(&r, q, files[0], e);
    if (done && r.m.width[r.m.layers] > DATASET_MAX_CLASSES)
        done = fail(e, "%s tells more than %d classes apart", files[0], DATASET_MAX_CLASSES);
    if (done) {
        printf("Model %s (trained on %s), profile %zu at %g %%, back end %s.\n\nclass", files[0], r.m.data_name,
               q->profile, q->percent, q->backend->name);
        for (size_t c = 0; c < r.m.width[r.m.layers]; c++) printf(" %5zu%%", c);
        printf("  image\n");
    }
    for (int f = 1; f < count && done; f++) done = predict_file(&r, q, files[f], e);
    done = done && write_json(&r, q, e);
    runner_free(&r);
    return done;
}

static bool option_take(int c, request *q, error *e) {
    double number;
    switch (c) {
    case 'p': return option_number("percent", optarg, 0, 100, &q->percent, e);
    case 'r':
        if (!option_number("profile", optarg, 0, MODEL_MAX_PROFILES - 1, &number, e)) return false;
        q->profile = (size_t)number;
        q->profile_given = true;
        return number == floor(number) || fail(e, "--profile %s is not a whole number", optarg);
    case 'i': q->invert = true; return true;
    case 't': q->transpose = true; return true;
    case 'b': q->backend_name = optarg; return true;
    default: q->json = optarg; return true;
    }
}

int cmd_predict(int argc, char **argv, error *e) {
    static const struct option options_table[] = {
        {"percent", required_argument, NULL, 'p'}, {"profile", required_argument, NULL, 'r'},
        {"invert", no_argument, NULL, 'i'},        {"transpose", no_argument, NULL, 't'},
        {"backend", required_argument, NULL, 'b'}, {"json", required_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {0}};
    request q = {.percent = 100};
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
    if (argc - optind < 2) {
        fail(e, "what is to be recognised? idp predict MODEL.safetensors [--percent P] IMAGE...");
        return EXIT_ERROR;
    }
    return run(&q, argv + optind, argc - optind, e) ? 0 : EXIT_ERROR;
}
