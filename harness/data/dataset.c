#include "dataset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/types.h> /* before sha2.h, which needs it and does not say so */

#include <sha2.h>

#include "../library/floats.h"
#include "mnist.h"

enum { PATH_SIZE = 4096 };

/* The four files, without the ".gz"; the spellings that they have on the web. */
enum { SPELLINGS = 3 };
static const char *const file_names[][SPELLINGS] = {
    {"train-images-idx3-ubyte", "train-images.idx3-ubyte"},
    {"train-labels-idx1-ubyte", "train-labels.idx1-ubyte"},
    {"t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte", "test-images-idx3-ubyte"},
    {"t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte", "test-labels-idx1-ubyte"},
};
enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, FILES };

/* ---- finding ----------------------------------------------------------------------------------------------- */

bool dataset_cache_folder(char *path, size_t path_size, error *e) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;
    if (cache != NULL && cache[0] == '/') /* the XDG specification ignores relative ones */
        length = snprintf(path, path_size, "%s/idp/mnist", cache);
    else if (home != NULL && home[0] != '\0')
        length = snprintf(path, path_size, "%s/.cache/idp/mnist", home);
    else
        return fail(e, "no cache folder: neither XDG_CACHE_HOME nor HOME is set");
    return (size_t)length < path_size || fail(e, "the cache folder's path is too long");
}

static bool is_folder(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

/* The path of file f in the folder (or with the prefix), in whichever spelling is there. */
static bool find_file(const char *folder, size_t f, char path[PATH_SIZE], error *e) {
    static const char *const endings[] = {"", ".gz"};
    const char *const *names = file_names[f], *joint = is_folder(folder) ? "/" : "-";
    for (size_t n = 0; n < 2 * SPELLINGS; n++) {
        struct stat facts;
        if (names[n / 2] == NULL) continue;
        const int length = snprintf(path, PATH_SIZE, "%s%s%s%s", folder, joint, names[n / 2], endings[n % 2]);
        if (length >= PATH_SIZE) return fail(e, "%.200s...: the path is too long", folder);
        if (stat(path, &facts) == 0) return true;
    }
    return fail(e,
                "%s holds no %s (nor .gz, nor %s): name the folder of the four IDX files, or get MNIST with "
                "'idp data fetch', or use the built-in digits with '--data synthetic'",
                folder, names[0], names[1]);
}

static bool holds_any(const char *folder) {
    char path[PATH_SIZE];
    for (size_t f = 0; f < FILES; f++)
        if (find_file(folder, f, path, NULL)) return true;
    return false;
}

/* ---- loading ----------------------------------------------------------------------------------------------- */

static void sum_images(SHA2_CTX *sum, const images *part) {
    SHA256Update(sum, part->pixels, part->count * part->rows * part->columns);
    SHA256Update(sum, part->labels, part->count);
}

void dataset_seal(dataset *d) {
    const images *const parts[] = {&d->train, &d->test};
    SHA2_CTX sum;
    SHA256Init(&sum);
    d->classes = 0;
    for (size_t p = 0; p < 2; p++) {
        sum_images(&sum, parts[p]);
        for (size_t i = 0; i < parts[p]->count; i++)
            if (parts[p]->labels[i] >= d->classes) d->classes = parts[p]->labels[i] + 1u;
    }
    SHA256End(&sum, d->sha256);
}

/* "mnist" for the very bytes, else the folder's own name, which must not claim to be MNIST. */
static void name_it(dataset *d, const char *folder) {
    const bool mnist = d->train.count == MNIST_TRAIN && d->test.count == MNIST_TEST &&
                       d->train.rows == MNIST_SIDE && d->train.columns == MNIST_SIDE &&
                       strcmp(d->sha256, MNIST_SHA256) == 0;
    char *whole = realpath(folder, NULL);
    const char *slash = strrchr(whole != NULL ? whole : folder, '/'); /* a prefix is no path */
    const char *base = slash != NULL && slash[1] != '\0' ? slash + 1 : folder;
    if (mnist)
        snprintf(d->name, sizeof d->name, "mnist");
    else
        snprintf(d->name, sizeof d->name, strcasecmp(base, "mnist") == 0 ? "%s (not the original)" : "%s", base);
    snprintf(d->origin, sizeof d->origin, "%s", folder);
    free(whole);
}

static bool load_folder(dataset *d, const char *folder, error *e) {
    dataset *loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL) return fail(e, "%s: no memory to load it", folder);
    bool complete = false;
    char path[FILES][PATH_SIZE];
    if (!is_folder(folder) && !holds_any(folder)) {
        fail(e, "cannot read the data folder %s: %s", folder, strerror(errno));
        goto done;
    }
    for (size_t f = 0; f < FILES; f++)
        if (!find_file(folder, f, path[f], e)) goto done;
    if (!idx_read_images(path[TRAIN_IMAGES], &loaded->train, e) ||
        !idx_read_labels(path[TRAIN_LABELS], &loaded->train, e) ||
        !idx_read_images(path[TEST_IMAGES], &loaded->test, e) ||
        !idx_read_labels(path[TEST_LABELS], &loaded->test, e))
        goto done;
    if (loaded->test.rows != loaded->train.rows || loaded->test.columns != loaded->train.columns) {
        fail(e, "%s: test images of %zu x %zu, training images of %zu x %zu: the files do not belong together",
             folder, loaded->test.rows, loaded->test.columns, loaded->train.rows, loaded->train.columns);
        goto done;
    }
    dataset_seal(loaded);
    name_it(loaded, folder);
    *d = *loaded;
    *loaded = (dataset){.classes = 0};
    complete = true;
done:
    dataset_free(loaded);
    free(loaded);
    return complete;
}

/* Training draws images from all over the set: with pages of 4 KB an epoch took 9 % longer. */
static void move_to_large_pages(images *part) {
    const size_t size_bytes = part->count * part->rows * part->columns;
    uint8_t *moved = aligned_new(64, size_bytes);
    if (moved == NULL) return;
    memcpy(moved, part->pixels, size_bytes);
    free(part->pixels);
    part->pixels = moved;
}

static bool find_and_load(dataset *d, const char *folder, error *e) {
    const char *variable = getenv("IDP_DATA");
    const bool from_variable = folder == NULL && variable != NULL && variable[0] != '\0';
    char cache[PATH_SIZE];
    if (from_variable) folder = variable;
    if (folder == NULL && dataset_cache_folder(cache, sizeof cache, NULL) && holds_any(cache)) folder = cache;
    if (folder == NULL || strcmp(folder, "synthetic") == 0)
        return digits_render(d, DIGITS_TRAIN, DIGITS_TEST, DIGITS_SEED, e);
    if (load_folder(d, folder, e)) return true;
    return from_variable ? fail_in(e, "IDP_DATA") : false;
}

bool dataset_load(dataset *d, const char *folder, error *e) {
    if (!find_and_load(d, folder, e)) return false;
    move_to_large_pages(&d->train);
    return true;
}

void dataset_free(dataset *d) {
    free(d->train.pixels);
    free(d->train.labels);
    free(d->test.pixels);
    free(d->test.labels);
    d->train = d->test = (images){.count = 0};
}
