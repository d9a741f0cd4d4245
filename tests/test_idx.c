/* test_idx.c: IDX files, good and bad, plain and gzip; where data sets are looked for; the real MNIST where it is.
 */
#include "data/dataset.h"
#include "data/mnist.h"
#include "data/source.h"

#include <check.h> /* after error.h: it has a macro named fail, too */
#include <stdlib.h>
#include <string.h>

#include "data_files.h"

static char folder[4096];
static error e;

static void setup(void) {
    make_folder(folder, sizeof folder);
    e.text[0] = '\0';
}
static void teardown(void) { remove_folder(folder); }

static void put_big_endian(bytes *b, uint32_t value) {
    put(b, (uint8_t[]){(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value}, 4);
}

/* Images whose pixels count up. */
static bytes images_file(uint32_t count, uint32_t rows, uint32_t columns) {
    bytes b = {.size = 0};
    put_big_endian(&b, 0x803);
    put_big_endian(&b, count);
    put_big_endian(&b, rows);
    put_big_endian(&b, columns);
    for (uint32_t i = 0; i < count * rows * columns; i++) put(&b, (uint8_t[]){(uint8_t)i}, 1);
    return b;
}

/* Labels 0, 1, ... 9, 0, ... */
static bytes labels_file(uint32_t count) {
    bytes b = {.size = 0};
    put_big_endian(&b, 0x801);
    put_big_endian(&b, count);
    for (uint32_t i = 0; i < count; i++) put(&b, (uint8_t[]){(uint8_t)(i % 10)}, 1);
    return b;
}

static void expect_message(const char *clause) {
    ck_assert_msg(strstr(e.text, clause) != NULL, "'%s' does not say '%s'", e.text, clause);
    ck_assert_ptr_null(strchr(e.text, '\n'));
}

/* The file must be refused, with that clause and the file's name in the message, and the part left alone. */
static void expect_bad_images(const bytes *b, const char *clause) {
    images part = {.count = 77};
    write_file(folder, "file", b);
    ck_assert(!idx_read_images(path_in(folder, "file"), &part, &e));
    ck_assert_uint_eq(part.count, 77);
    ck_assert_ptr_null(part.pixels);
    expect_message(path_in(folder, "file"));
    expect_message(clause);
}

static void expect_bad_labels(const bytes *b, size_t image_count, const char *clause) {
    images part = {.count = image_count};
    write_file(folder, "file", b);
    ck_assert(!idx_read_labels(path_in(folder, "file"), &part, &e));
    ck_assert_ptr_null(part.labels);
    expect_message(path_in(folder, "file"));
    expect_message(clause);
}

static void expect_good(const bytes *pictures, const bytes *labels) {
    images part = {.count = 0};
    write_file(folder, "pictures", pictures);
    write_file(folder, "labels", labels);
    ck_assert_msg(idx_read_images(path_in(folder, "pictures"), &part, &e), "%s", e.text);
    ck_assert_msg(idx_read_labels(path_in(folder, "labels"), &part, &e), "%s", e.text);
    ck_assert_uint_eq(part.count, 12);
    ck_assert_uint_eq(part.rows, 3);
    ck_assert_uint_eq(part.columns, 5);
    for (size_t i = 0; i < 12 * 3 * 5; i++) ck_assert_uint_eq(part.pixels[i], i % 256);
    for (size_t i = 0; i < 12; i++) ck_assert_uint_eq(part.labels[i], i % 10);
    free(part.pixels);
    free(part.labels);
}

/* ---- good files -------------------------------------------------------------------------------------------- */

START_TEST(reads_plain) {
    const bytes pictures = images_file(12, 3, 5), labels = labels_file(12);
    expect_good(&pictures, &labels);
}
END_TEST

START_TEST(reads_gzip_whatever_its_name) {
    const bytes pictures = images_file(12, 3, 5), labels = labels_file(12);
    const bytes packed_pictures = gzip_stored(&pictures), packed_labels = gzip_stored(&labels);
    expect_good(&packed_pictures, &packed_labels);
}
END_TEST

START_TEST(reads_gzip_in_two_members) {
    const bytes pictures = images_file(12, 3, 5), labels = labels_file(12);
    bytes first = {.size = 0}, second = {.size = 0};
    put(&first, pictures.at, 20);
    put(&second, pictures.at + 20, pictures.size - 20);
    bytes both = gzip_stored(&first);
    second = gzip_stored(&second);
    put(&both, second.at, second.size);
    expect_good(&both, &labels);
}
END_TEST

/* ---- bad files --------------------------------------------------------------------------------------------- */

START_TEST(refuses_every_truncation) {
    const bytes whole = images_file(2, 3, 5), packed = gzip_stored(&whole);
    for (size_t size = 0; size < whole.size; size++) {
        bytes part = whole;
        part.size = size;
        expect_bad_images(&part, "truncated");
    }
    for (size_t size = 0; size < packed.size; size++) {
        bytes part = packed;
        part.size = size;
        expect_bad_images(&part, "truncated");
    }
}
END_TEST

/* Whatever byte of the gzip file is damaged, the pixels are never silently others. */
START_TEST(refuses_gzip_damage) {
    const bytes whole = images_file(2, 3, 5), packed = gzip_stored(&whole);
    size_t refused = 0;
    for (size_t at = 0; at < packed.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes damaged = packed;
            damaged.at[at] ^= (uint8_t)(1u << bit);
            images part = {.count = 0};
            write_file(folder, "file", &damaged);
            if (idx_read_images(path_in(folder, "file"), &part, &e)) {
                ck_assert_uint_eq(part.count * part.rows * part.columns, 30);
                ck_assert_mem_eq(part.pixels, whole.at + 16, 30);
                free(part.pixels);
            } else {
                refused++;
            }
        }
    }
    /* Time, system and the text flag in the header (7 bytes less the reserved bits) change nothing. */
    ck_assert_uint_ge(refused, 8 * (packed.size - 7));
    bytes damaged = packed;
    damaged.at[packed.size - 8] ^= 1; /* the checksum */
    expect_bad_images(&damaged, "gzip data is damaged");
}
END_TEST

START_TEST(refuses_trailing_bytes) {
    const bytes whole = images_file(2, 3, 5);
    bytes longer = whole, packed = gzip_stored(&whole);
    put(&longer, "", 1);
    expect_bad_images(&longer, "goes on after the 30 bytes");
    longer = gzip_stored(&longer);
    expect_bad_images(&longer, "goes on after the 30 bytes");
    put(&packed, "junk", 4);
    expect_bad_images(&packed, "gzip data is damaged");
}
END_TEST

START_TEST(refuses_other_files) {
    bytes b = images_file(2, 3, 5);
    const bytes labels = labels_file(5);
    expect_bad_images(&labels, "IDX labels");
    expect_bad_labels(&b, 2, "IDX images");
    b.at[2] = 0x0d; /* float pixels */
    expect_bad_images(&b, "no IDX file of bytes");
}
END_TEST

START_TEST(refuses_sizes_that_cannot_be) {
    bytes b = images_file(2, 3, 5);
    b.at[7] = 0;
    expect_bad_images(&b, "dimension 1 is 0");
    b = images_file(2, 3, 5);
    memset(b.at + 4, 0xff, 12);
    expect_bad_images(&b, "more than memory can hold");
}
END_TEST

/* Hundreds of terabytes announced, thirty bytes there, or some megabytes: no such memory is asked for. */
START_TEST(asks_for_no_more_memory_than_there_are_bytes) {
    images part = {.count = 0};
    bytes b = images_file(2, 3, 5);
    b.at[4] = 0x40;
    b.at[9] = 0x01;
    expect_bad_images(&b, "truncated");
    ck_assert_int_eq(truncate(path_in(folder, "file"), 5000000), 0);
    ck_assert(!idx_read_images(path_in(folder, "file"), &part, &e));
    expect_message("ends after 4999984 of the");
}
END_TEST

START_TEST(refuses_wrong_labels) {
    bytes b = labels_file(12);
    expect_bad_labels(&b, 13, "12 labels, but there are 13 images");
    b.at[8 + 3] = DATASET_MAX_CLASSES;
    expect_bad_labels(&b, 12, "label 3 is 128, the largest there can be is 127");
}
END_TEST

START_TEST(refuses_what_is_no_file) {
    images part = {.count = 0};
    ck_assert(!idx_read_images(path_in(folder, "absent"), &part, &e));
    expect_message("No such file");
    ck_assert(!idx_read_images(folder, &part, &e));
    expect_message("directory");
}
END_TEST

/* ---- folders ----------------------------------------------------------------------------------------------- */

/* The four files of a small set, in the old spelling for the training part. */
static void write_set(const char *where, uint32_t train_rows) {
    const bytes train = images_file(12, train_rows, 5), train_labels = labels_file(12);
    const bytes test = images_file(4, 3, 5), test_labels = labels_file(4);
    const bytes packed = gzip_stored(&test_labels);
    write_file(where, "train-images.idx3-ubyte", &train);
    write_file(where, "train-labels.idx1-ubyte", &train_labels);
    write_file(where, "t10k-images-idx3-ubyte", &test);
    write_file(where, "t10k-labels-idx1-ubyte.gz", &packed);
}

START_TEST(loads_a_folder) {
    static dataset d;
    ck_assert_int_eq(mkdir(path_in(folder, "letters"), 0777), 0);
    write_set(path_in(folder, "letters"), 3);
    ck_assert_msg(dataset_load(&d, path_in(folder, "letters"), &e), "%s", e.text);
    ck_assert_str_eq(d.name, "letters");
    ck_assert(!d.synthetic);
    ck_assert_uint_eq(d.train.count, 12);
    ck_assert_uint_eq(d.test.count, 4);
    ck_assert_uint_eq(d.classes, 10);
    /* sha256sum of the bytes 0..179, the labels 0..9 0 1, the bytes 0..59, the labels 0..3 */
    ck_assert_str_eq(d.sha256, "89e99c79bdc08aa939b81aad408c14058b39b218a108abf7ab985a93db9ac716");
    dataset_free(&d);
}
END_TEST

/* A folder's name does not make it MNIST. */
START_TEST(names_by_content) {
    static dataset d;
    ck_assert_int_eq(mkdir(path_in(folder, "mnist"), 0777), 0);
    write_set(path_in(folder, "mnist"), 3);
    ck_assert_msg(dataset_load(&d, path_in(folder, "mnist/"), &e), "%s", e.text);
    ck_assert_str_eq(d.name, "mnist (not the original)");
    dataset_free(&d);
}
END_TEST

/* After these the built-in digits: `same_bytes_everywhere` of test_digits.c. */
START_TEST(searches_in_order) {
    static dataset d;
    unsetenv("IDP_DATA");
    setenv("XDG_CACHE_HOME", folder, 1);
    char cache[4096];
    ck_assert(dataset_cache_folder(cache, sizeof cache, &e));
    ck_assert_str_eq(cache, path_in(folder, "idp/mnist"));
    ck_assert_int_eq(mkdir(path_in(folder, "idp"), 0777), 0);
    ck_assert_int_eq(mkdir(cache, 0777), 0);
    ck_assert_int_eq(mkdir(path_in(folder, "named"), 0777), 0);

    write_set(cache, 3);
    ck_assert_msg(dataset_load(&d, NULL, &e), "%s", e.text);
    ck_assert_str_eq(d.origin, cache);
    dataset_free(&d);

    setenv("IDP_DATA", path_in(folder, "named"), 1);
    write_set(path_in(folder, "named"), 3);
    ck_assert_msg(dataset_load(&d, NULL, &e), "%s", e.text);
    ck_assert_str_eq(d.origin, path_in(folder, "named"));
    dataset_free(&d);

    ck_assert_msg(dataset_load(&d, cache, &e), "%s", e.text); /* the option comes first */
    ck_assert_str_eq(d.origin, cache);
    dataset_free(&d);
}
END_TEST

START_TEST(never_falls_back) {
    static dataset d;
    setenv("XDG_CACHE_HOME", folder, 1);
    snprintf(d.name, sizeof d.name, "before");
    setenv("IDP_DATA", path_in(folder, "absent"), 1);
    ck_assert(!dataset_load(&d, NULL, &e));
    expect_message("IDP_DATA");
    expect_message("absent");

    setenv("IDP_DATA", folder, 1);
    ck_assert(!dataset_load(&d, NULL, &e));
    expect_message("train-images-idx3-ubyte");
    expect_message("idp data fetch");

    unsetenv("IDP_DATA"); /* a cache folder that was begun */
    ck_assert_int_eq(mkdir(path_in(folder, "idp"), 0777), 0);
    ck_assert_int_eq(mkdir(path_in(folder, "idp/mnist"), 0777), 0);
    write_set(path_in(folder, "idp/mnist"), 3);
    ck_assert_int_eq(unlink(path_in(folder, "idp/mnist/t10k-labels-idx1-ubyte.gz")), 0);
    ck_assert(!dataset_load(&d, NULL, &e));
    expect_message("t10k-labels-idx1-ubyte");
    ck_assert_str_eq(d.name, "before");
}
END_TEST

START_TEST(refuses_parts_of_different_size) {
    static dataset d;
    write_set(folder, 4);
    ck_assert(!dataset_load(&d, folder, &e));
    expect_message("test images of 3 x 5, training images of 4 x 5");
}
END_TEST

/* ---- MNIST ------------------------------------------------------------------------------------------------- */

static const char *data_folder; /* IDP_DATA as it was when the program began */

/* The files have the official sums, and a set with those sums is what dataset_load names "mnist". */
START_TEST(knows_mnist) {
    static dataset d;
    if (data_folder == NULL) {
        printf("SKIPPED: idx: MNIST: IDP_DATA is not set\n");
        return;
    }
    for (size_t f = 0; f < mnist_manifest.file_count; f++) {
        char sha256[65], name[256];
        snprintf(name, sizeof name, "%s", mnist_manifest.files[f].name);
        if (access(path_in(data_folder, name), R_OK) != 0) name[strlen(name) - strlen(".gz")] = '\0';
        ck_assert_msg(
            source_sha256(path_in(data_folder, name), mnist_manifest.files[f].whole_size_bytes, sha256, &e), "%s",
            e.text);
        ck_assert_str_eq(sha256, mnist_manifest.files[f].sha256);
    }
    ck_assert_msg(dataset_load(&d, data_folder, &e), "%s", e.text);
    ck_assert_str_eq(d.name, "mnist");
    ck_assert_str_eq(d.sha256, MNIST_SHA256);
    ck_assert_uint_eq(d.train.labels[0], 5);
    ck_assert_uint_eq(d.test.labels[0], 7);
    dataset_free(&d);
}
END_TEST

int main(void) {
    const char *set = getenv("IDP_DATA");
    data_folder = set != NULL && set[0] != '\0' ? strdup(set) : NULL;
    Suite *suite = suite_create("idx");
    TCase *files = tcase_create("files");
    tcase_set_timeout(files, 60); /* thousands of small files */
    tcase_add_checked_fixture(files, setup, teardown);
    tcase_add_test(files, reads_plain);
    tcase_add_test(files, reads_gzip_whatever_its_name);
    tcase_add_test(files, reads_gzip_in_two_members);
    tcase_add_test(files, refuses_every_truncation);
    tcase_add_test(files, refuses_gzip_damage);
    tcase_add_test(files, refuses_trailing_bytes);
    tcase_add_test(files, refuses_other_files);
    tcase_add_test(files, refuses_sizes_that_cannot_be);
    tcase_add_test(files, asks_for_no_more_memory_than_there_are_bytes);
    tcase_add_test(files, refuses_wrong_labels);
    tcase_add_test(files, refuses_what_is_no_file);
    suite_add_tcase(suite, files);
    TCase *folders = tcase_create("folders");
    tcase_set_timeout(folders, 120); /* the built-in digits, under sanitizers */
    tcase_add_checked_fixture(folders, setup, teardown);
    tcase_add_test(folders, loads_a_folder);
    tcase_add_test(folders, names_by_content);
    tcase_add_test(folders, searches_in_order);
    tcase_add_test(folders, never_falls_back);
    tcase_add_test(folders, refuses_parts_of_different_size);
    tcase_add_test(folders, knows_mnist);
    suite_add_tcase(suite, folders);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
