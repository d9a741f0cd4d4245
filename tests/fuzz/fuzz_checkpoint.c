/* fuzz_checkpoint.c: a training checkpoint. The first byte chooses the run and how far it has come, the rest is the
 * file; nothing behind it stands for the file that the trainer itself writes there. What is read is written and
 * read again, and trained on. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../harness/model/matrix.h"
#include "../../harness/model/train_parts.h"
#include "../../harness/output.h"
#include "../../harness/progress.h"
#include "input.h"

enum { PIXELS = 4, TRAINED = 7, TESTED = 2, CLASSES = 3, CHANNELS = 4, MOST_BYTES = 1 << 16 };

static const char *const recipes[] = {"nested", "authors", "sandwich", "independent", "best", "forum"};
enum { RUNS = sizeof recipes / sizeof recipes[0] };

static uint8_t pixels[(TRAINED + TESTED) * PIXELS], labels[TRAINED + TESTED] = {0, 1, 2, 0, 1, 2, 0, 1, 2};

static const dataset *data(void) {
    static dataset d = {.name = "seeds",
                        .classes = CLASSES,
                        .train = {TRAINED, 2, 2, pixels, labels},
                        .test = {TESTED, 2, 2, pixels + TRAINED * PIXELS, labels + TRAINED}};
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(37 * i);
    if (d.sha256[0] == '\0') dataset_seal(&d);
    return &d;
}

static train_options options(size_t run) {
    train_options o;
    error e;
    claim(train_defaults(&o, recipes[run], &e), "%s", e.text);
    o.backend = idp_backend_at(0);
    o.threads = 1;
    o.epochs = 2;
    o.batch = 3;
    o.halve_after = 1;
    o.hidden_count = o.recipe->most_hidden < 2 ? 1 : 2;
    for (size_t h = 0; h < o.hidden_count; h++) o.hidden[h] = CHANNELS;
    o.parts = o.recipe->most_parts < 2 ? 1 : 2;
    for (size_t p = 0; p < o.parts; p++) {
        o.part[p].from_percent = p > 0 ? 50 : 0;
        o.part[p].to_percent = p + 1 < o.parts ? 50 : 100;
    }
    return o;
}

/* A run that has not begun, whose state a checkpoint fills. */
typedef struct begun {
    train_options o;
    model m;
    float *velocity_w[IDP_MAX_LAYERS], *velocity_b[IDP_MAX_LAYERS];
    joint joint;
    train_state state;
    train_place place;
} begun;

static void begin(begun *b, size_t run) {
    error e;
    *b = (begun){.o = options(run)};
    claim(train_initial(&b->o, data(), &b->m, &e), "%s", e.text);
    for (size_t l = 0; l < b->m.layers; l++) {
        b->velocity_w[l] = floats_new(b->m.width[l] * b->m.width[l + 1]);
        b->velocity_b[l] = floats_new(b->m.width[l + 1]);
    }
    if (b->o.recipe->joint) claim(joint_create(&b->joint, &b->m, b->o.recipe->wider_share), "no memory");
    b->state = (train_state){.o = &b->o,
                             .data = data(),
                             .m = &b->m,
                             .velocity_w = b->velocity_w,
                             .velocity_b = b->velocity_b,
                             .joint = b->o.recipe->joint ? &b->joint : NULL};
    random_seed(&b->place.widths, b->o.seed, RANDOM_WIDTHS);
    for (size_t p = 0; p < MODEL_MAX_PROFILES; p++) {
        b->place.loss[p] = NAN;
        b->place.recent_loss[p] = 1;
    }
}

static void end(begun *b) {
    for (size_t l = 0; l < b->m.layers; l++) {
        free(b->velocity_w[l]);
        free(b->velocity_b[l]);
    }
    joint_free(&b->joint);
    model_free(&b->m);
}

/* A file of our own: writing waits for the disk, except here. */
static const char *scratch(int number) {
    static char path[2][64];
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path[number], sizeof path[number], "%s/idp-fuzz-%ld-%d", folder, (long)getpid(), number);
    return path[number];
}

static size_t file_bytes(const char *path, char **bytes) {
    size_t size;
    error e;
    claim(input_read(path, 1 << 24, bytes, &size, &e), "%s", e.text);
    unlink(path);
    return size;
}

/* The same place, weights and velocities, bit for bit. */
static bool same(const begun *a, const begun *b) {
    bool all = memcmp(&a->place, &b->place, sizeof a->place) == 0;
    for (size_t i = 0; i < a->m.owned_count; i++) {
        const model_layer *l = a->m.owned[i], *other = b->m.owned[i];
        all = all && memcmp(l->w, other->w, l->in * l->out * sizeof *l->w) == 0 &&
              memcmp(l->b, other->b, l->out * sizeof *l->b) == 0;
    }
    for (size_t l = 0; l < a->m.layers; l++) {
        const size_t out = a->m.width[l + 1];
        all = all && memcmp(a->velocity_w[l], b->velocity_w[l], a->m.width[l] * out * sizeof(float)) == 0 &&
              memcmp(a->velocity_b[l], b->velocity_b[l], out * sizeof(float)) == 0;
    }
    return all;
}

/* Moves a run that was begun: to its last stage where `far` is odd, into its second epoch where half of it is. */
static void advance(begun *b, size_t far) {
    train_place *at = &b->place;
    at->stage = far % 2 * (train_stages(&b->o) - 1);
    at->epoch = far / 2 % 2;
    at->first = far / 2 % 2 * b->o.batch;
    at->shuffles = at->stage * b->o.epochs + at->epoch + (at->first > 0);
    at->sum = 1.0 / 3 * (double)far;
    for (size_t p = 0; p < MODEL_MAX_PROFILES; p++) {
        if (p <= at->stage) at->loss[p] = at->seconds[p] = 1.0 / (double)(7 * far + p + 3);
        if (p < b->joint.profiles) at->recent_loss[p] = 1.0 / (double)(9 * far + p + 2);
    }
    for (size_t l = 0; l < b->m.layers; l++)
        for (size_t i = 0; i < b->m.width[l + 1]; i++) b->velocity_b[l][i] = b->velocity_w[l][i] = 1.0f / 3;
}

/* The file that the trainer writes there. */
static size_t untouched(uint8_t first, char **bytes) {
    begun b;
    error e;
    begin(&b, first % RUNS);
    advance(&b, first / RUNS);
    claim(checkpoint_write(scratch(0), &b.state, &b.place, &e), "%s", e.text);
    end(&b);
    return file_bytes(scratch(0), bytes);
}

/* Half of the mutations begin with a whole file where there is none, or change one string of the header; all keep
 * the length of the header, which the file begins with, true. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed) {
    uint64_t length;
    if (size <= 1 && seed % 2 == 0) {
        char *whole;
        const uint8_t first = size == 1 ? bytes[0] : (uint8_t)(seed / 2);
        const size_t made = untouched(first, &whole);
        if (made + 1 <= most) {
            bytes[0] = first;
            memcpy(bytes + 1, whole, made);
            size = made + 1;
        }
        free(whole);
        return size;
    }
    if (size < 1 + sizeof length) return LLVMFuzzerMutate(bytes, size, most);
    memcpy(&length, bytes + 1, sizeof length);
    const bool in_header = seed % 4 != 0 && length <= size - 1 - sizeof length;
    if (!in_header) return LLVMFuzzerMutate(bytes, size, most);
    /* The header alone is mutated, and the data behind it moved. */
    static uint8_t header[MOST_BYTES];
    const size_t data_at = 1 + sizeof length + (size_t)length, data_size = size - data_at;
    if (length > sizeof header || most - data_size < 1 + sizeof length) return LLVMFuzzerMutate(bytes, size, most);
    memcpy(header, bytes + 1 + sizeof length, (size_t)length);
    size_t room = most - data_size - 1 - sizeof length;
    if (room > sizeof header) room = sizeof header;
    if (room < length) return LLVMFuzzerMutate(bytes, size, most);
    const size_t made = LLVMFuzzerMutate(header, (size_t)length, room);
    memmove(bytes + 1 + sizeof length + made, bytes + data_at, data_size);
    memcpy(bytes + 1 + sizeof length, header, made);
    length = made;
    memcpy(bytes + 1, &length, sizeof length);
    return 1 + sizeof length + made + data_size;
}

/* What was read, written and read again, is the same. */
static void write_again(const begun *b, size_t run) {
    char *bytes[2];
    size_t size[2];
    error e;
    begun again;
    begin(&again, run);
    claim(checkpoint_write(scratch(0), &b->state, &b->place, &e) &&
              checkpoint_read(scratch(0), &again.state, &again.place, &e) &&
              checkpoint_write(scratch(1), &again.state, &again.place, &e),
          "%s", e.text);
    for (int i = 0; i < 2; i++) size[i] = file_bytes(scratch(i), &bytes[i]);
    claim(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0, "written twice, it is not the same file");
    claim(same(b, &again), "written and read again, the run is not where it was");
    for (int i = 0; i < 2; i++) free(bytes[i]);
    end(&again);
}

/* Whether the run is where the first byte says, or where it began. */
static bool is_at(const begun *b, uint8_t first, bool advanced) {
    begun fresh;
    begin(&fresh, first % RUNS);
    if (advanced) advance(&fresh, first / RUNS);
    const bool all = same(b, &fresh);
    end(&fresh);
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size == 0) return 0;
    const size_t run = bytes[0] % RUNS;
    char *own = NULL;
    const size_t file_size = size > 1 ? size - 1 : untouched(bytes[0], &own);
    const char *path = input_file(size > 1 ? bytes + 1 : (const uint8_t *)own, file_size);
    free(own);
    begun b;
    error e;
    begin(&b, run);
    progress_quiet(true);
    if (checkpoint_read(path, &b.state, &b.place, &e)) {
        claim(b.place.stage < train_stages(&b.o) && b.place.epoch <= b.o.epochs && b.place.first <= TRAINED,
              "stage %zu, epoch %zu, sample %zu", b.place.stage, b.place.epoch, b.place.first);
        claim(size > 1 || is_at(&b, bytes[0], true), "the trainer's own file says something else");
        write_again(&b, run);
        model trained = {0};
        b.o.resume = path;
        if (train_run(&b.o, data(), &trained, NULL, &e)) /* else it runs away, and says so */
            model_free(&trained);
        else
            claim(strstr(e.text, "diverged") != NULL, "%s", e.text);
    } else {
        claim(size > 1, "the trainer's own file: %s", e.text);
        claim(is_at(&b, bytes[0], false), "refused, it changed the run: %s", e.text);
    }
    end(&b);
    return 0;
}
