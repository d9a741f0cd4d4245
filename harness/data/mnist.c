#include "mnist.h"

/* The sums are those of the uncompressed files, which are the same everywhere; of the .gz there are several. */
static const fetch_file files[] = {
    {"train-images-idx3-ubyte.gz", 9912422, 47040016,
     "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
    {"train-labels-idx1-ubyte.gz", 28881, 60008,
     "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
    {"t10k-images-idx3-ubyte.gz", 1648877, 7840016,
     "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
    {"t10k-labels-idx1-ubyte.gz", 4542, 10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
};

static const char *const mirrors[] = {
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
};

const fetch_manifest mnist_manifest = {
    .name = "MNIST",
    .mirrors = mirrors,
    .mirror_count = sizeof mirrors / sizeof mirrors[0],
    .files = files,
    .file_count = sizeof files / sizeof files[0],
};
