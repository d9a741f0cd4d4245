/* cmd_data.c: `idp data`: gets MNIST, tells what would be loaded, shows images. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "data/dataset.h"
#include "data/mnist.h"
#include "results/results.h"

static const char usage[] =
    "Usage: idp data fetch [--mirror URL] [--to DIR]\n"
    "       idp data info [--data DIR] [--json FILE]\n"
    "       idp data show [--data DIR] [--part train|test] [--index N]\n"
    "\n"
    "Commands find their data in the folder --data DIR (or 'synthetic', the built-in digits), else in the folder\n"
    "that the environment variable IDP_DATA names, else where `idp data fetch` put it, else they use the built-in\n"
    "digits. The folder holds the four IDX files of MNIST, or of a set in its format, plain or .gz.\n"
    "\n"
    "idp data ACTION --help tells the options of an action.\n";

/* ---- fetch ------------------------------------------------------------------------------------------------- */

static const char fetch_usage[] =
    "Usage: idp data fetch [OPTION]...\n"
    "Downloads MNIST (11 MB) with the program curl and keeps it if its SHA-256 sums are right.\n"
    "\n"
    "  --mirror URL  folder to get the files from, instead of the public mirrors\n"
    "  --to DIR      where to put them, instead of the user's cache folder\n"
    "  -h, --help    show this help\n";

static int fetch(int argc, char **argv, error *e) {
    enum { MIRROR = 256, TO };
    static const struct option options[] = {{"mirror", required_argument, NULL, MIRROR},
                                            {"to", required_argument, NULL, TO},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    fetch_manifest manifest = mnist_manifest;
    const char *mirror = NULL, *folder = NULL;
    char cache[4096];
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case MIRROR: mirror = optarg; break;
        case TO: folder = optarg; break;
        case 'h': fputs(fetch_usage, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind < argc) return fail(e, "fetch takes no '%s'; idp data fetch --help", argv[optind]), EXIT_ERROR;
    if (mirror != NULL) {
        manifest.mirrors = &mirror;
        manifest.mirror_count = 1;
    }
    if (folder == NULL) {
        if (!dataset_cache_folder(cache, sizeof cache, e)) return EXIT_ERROR;
        folder = cache;
    }
    size_t fetched;
    if (!fetch_files(&manifest, folder, &fetched, e)) return EXIT_ERROR;
    if (fetched == 0)
        printf("%s is in %s already, with the right SHA-256 sums\n", manifest.name, folder);
    else
        printf("%s is in %s: %zu of %zu files downloaded, all SHA-256 sums right\n", manifest.name, folder, fetched,
               manifest.file_count);
    return 0;
}

/* ---- info -------------------------------------------------------------------------------------------------- */

static const char info_usage[] =
    "Usage: idp data info [OPTION]...\n"
    "Tells what would be loaded: name, origin, counts, SHA-256, images of each class.\n"
    "\n"
    "  --data DIR   the folder, or 'synthetic' (default: see idp data --help)\n"
    "  --json FILE  write it as a results document too\n"
    "  -h, --help   show this help\n";

static void count_labels(const images *part, size_t count[DATASET_MAX_CLASSES]) {
    memset(count, 0, DATASET_MAX_CLASSES * sizeof *count);
    for (size_t i = 0; i < part->count; i++) count[part->labels[i]]++;
}

static void print_info(const dataset *d) {
    size_t train[DATASET_MAX_CLASSES], test[DATASET_MAX_CLASSES];
    count_labels(&d->train, train);
    count_labels(&d->test, test);
    printf("name      %s%s\n", d->name, d->synthetic ? " (built in, rendered: not real handwriting)" : "");
    printf("origin    %s\n", d->origin);
    printf("training  %zu images of %zu x %zu\n", d->train.count, d->train.rows, d->train.columns);
    printf("test      %zu images of %zu x %zu\n", d->test.count, d->test.rows, d->test.columns);
    printf("sha256    %s\n\n", d->sha256);
    printf("class  training         test\n");
    for (size_t c = 0; c < d->classes; c++)
        printf("%5zu  %8zu %5.1f%%  %8zu %5.1f%%\n", c, train[c], 100 * (double)train[c] / (double)d->train.count,
               test[c], 100 * (double)test[c] / (double)d->test.count);
}

static bool write_info(const dataset *d, const char *folder, const char *path, error *e) {
    results r;
    char typed[4096];
    if (path == NULL) return true;
    snprintf(typed, sizeof typed, "idp data info%s%s --json %s", folder != NULL ? " --data " : "",
             folder != NULL ? folder : "", path);
    if (!results_new(&r, typed, 0, e)) return false;
    results_data(&r, d->name, d->synthetic, d->sha256, d->train.count, d->test.count);
    const bool written = results_write(&r, path, e);
    results_free(&r);
    return written;
}

static int info(int argc, char **argv, error *e) {
    enum { DATA = 256, JSON };
    static const struct option options[] = {{"data", required_argument, NULL, DATA},
                                            {"json", required_argument, NULL, JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *folder = NULL, *json = NULL;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case DATA: folder = optarg; break;
        case JSON: json = optarg; break;
        case 'h': fputs(info_usage, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind < argc) return fail(e, "info takes no '%s'; idp data info --help", argv[optind]), EXIT_ERROR;
    dataset d;
    if (!dataset_load(&d, folder, e)) return EXIT_ERROR;
    print_info(&d);
    const bool written = write_info(&d, folder, json, e);
    dataset_free(&d);
    return written ? 0 : EXIT_ERROR;
}

/* ---- show -------------------------------------------------------------------------------------------------- */

static const char show_usage[] = "Usage: idp data show [OPTION]...\n"
                                 "Draws one image as text.\n"
                                 "\n"
                                 "  --data DIR         the folder, or 'synthetic' (default: see idp data --help)\n"
                                 "  --part train|test  which part (test)\n"
                                 "  --index N          which image, from 0 (0)\n"
                                 "  -h, --help         show this help\n";

/* Two characters a pixel, which makes it about square. */
static void draw(const images *part, size_t index) {
    static const char shades[] = " .:-=+*#%@";
    const uint8_t *pixel = part->pixels + index * part->rows * part->columns;
    for (size_t row = 0; row < part->rows; row++) {
        for (size_t column = 0; column < part->columns; column++, pixel++) {
            const char shade = shades[*pixel * (sizeof shades - 1) / 256];
            putchar(shade);
            putchar(shade);
        }
        putchar('\n');
    }
}

static int show(int argc, char **argv, error *e) {
    enum { DATA = 256, PART, INDEX };
    static const struct option options[] = {{"data", required_argument, NULL, DATA},
                                            {"part", required_argument, NULL, PART},
                                            {"index", required_argument, NULL, INDEX},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *folder = NULL, *part_name = "test";
    double index = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case DATA: folder = optarg; break;
        case PART: part_name = optarg; break;
        case INDEX:
            if (!option_number("index", optarg, 0, 1e15, &index, e)) return EXIT_ERROR;
            break;
        case 'h': fputs(show_usage, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind < argc) return fail(e, "show takes no '%s'; idp data show --help", argv[optind]), EXIT_ERROR;
    const bool train = strcmp(part_name, "train") == 0;
    if (!train && strcmp(part_name, "test") != 0)
        return fail(e, "--part '%s' is neither train nor test", part_name), EXIT_ERROR;
    const size_t at = (size_t)index;
    if ((double)at != index) return fail(e, "--index %.15g is not a whole number", index), EXIT_ERROR;
    dataset d;
    if (!dataset_load(&d, folder, e)) return EXIT_ERROR;
    const images *part = train ? &d.train : &d.test;
    const bool there = at < part->count;
    if (there) {
        draw(part, at);
        printf("%s, %s image %zu: %u\n", d.name, part_name, at, part->labels[at]);
    } else {
        fail(e, "--index %zu: the %s part of %s has images 0 to %zu", at, part_name, d.name, part->count - 1);
    }
    dataset_free(&d);
    return there ? 0 : EXIT_ERROR;
}

/* ------------------------------------------------------------------------------------------------------------ */

int cmd_data(int argc, char **argv, error *e) {
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv, error *e);
    } actions[] = {{"fetch", fetch}, {"info", info}, {"show", show}};
    if (argc < 2) return fail(e, "say what: fetch, info or show; idp data --help"), EXIT_ERROR;
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    for (size_t a = 0; a < sizeof actions / sizeof actions[0]; a++) {
        if (strcmp(argv[1], actions[a].name) != 0) continue;
        opterr = 0;
        argv[1] = argv[0]; /* errors name `idp data`, which lists the actions */
        return actions[a].run(argc - 1, argv + 1, e);
    }
    fail(e, "there is no action '%s'; the actions are fetch, info and show", argv[1]);
    return EXIT_ERROR;
}
