/* dataset.h: labelled images for training and test, from IDX files or the built-in synthetic digits. */
#ifndef HARNESS_DATASET_H
#define HARNESS_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../error.h"

/* MNIST has 10, EMNIST up to 62; a label above this is damage. */
enum { DATASET_MAX_CLASSES = 128 };

/* One part (training or test). */
typedef struct images {
    size_t count, rows, columns;
    uint8_t *pixels; /* [count][rows * columns], 0 .. 255 */
    uint8_t *labels; /* [count], each below DATASET_MAX_CLASSES */
} images;

typedef struct dataset {
    char name[64];      /* "mnist" (only if it is, byte for byte), "synthetic digits", or the folder's name */
    char sha256[65];    /* over the uncompressed pixels and labels: training images, labels, test images, labels */
    char origin[4096];  /* the folder, or "built in" */
    bool synthetic;     /* every output that shows figures of it says so */
    size_t classes;     /* largest label + 1 */
    images train, test; /* images of the same size */
} dataset;

/* Finds and loads: the folder `folder` (option --data) if not NULL, else $IDP_DATA if set and not empty, else the
 * user's cache folder (dataset_cache_folder) if it holds any of the files, else the built-in digits. The name
 * "synthetic" forces the built-in digits. A folder that was named, or a cache folder that was begun, and does not
 * hold all four files is an error, never a fallback. Files may be plain or .gz, and named with a hyphen or a dot:
 * train-images-idx3-ubyte, train-images.idx3-ubyte; the test files begin with t10k or test. FOLDER/PREFIX stands
 * for files that begin with PREFIX-, as EMNIST's: emnist-letters-train-images-idx3-ubyte. *d is untouched on
 * failure. */
bool dataset_load(dataset *d, const char *folder, error *e);
void dataset_free(dataset *d);

/* Where `idp data fetch` puts MNIST: $XDG_CACHE_HOME/idp/mnist, else ~/.cache/idp/mnist. */
bool dataset_cache_folder(char *path, size_t path_size, error *e);

/* Sets sha256 and classes from the images and labels. */
void dataset_seal(dataset *d);

/* The IDX reader: plain or gzip, judged by content, not by name. Memory is bounded by twice what the file really
 * holds, whatever its header says. Images come first; the labels must be as many. On failure the part is untouched.
 */
bool idx_read_images(const char *path, images *part, error *e);
bool idx_read_labels(const char *path, images *part, error *e);

/* The built-in digits, 28 x 28: rendered from pen strokes with seeded random deformation and noise; the same bytes
 * on every machine. Counts at least 1; a smaller set is a prefix of a larger one of the same seed. */
bool digits_render(dataset *d, size_t train_count, size_t test_count, uint64_t seed, error *e);
enum { DIGITS_TRAIN = 60000, DIGITS_TEST = 10000, DIGITS_SEED = 1 };

#endif
