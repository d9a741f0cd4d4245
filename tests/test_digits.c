/* test_digits.c: the built-in digits: the same bytes on every machine, and sane ones.
 *
 * That they are as hard as they should be is a matter of training, which takes minutes; see digits.c for the
 * figures. */
#include "data/dataset.h"
#include "data/digit_strokes.h"

#include <check.h> /* after error.h: it has a macro named fail, too */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data_files.h"

enum { PIXELS = 28 * 28 };

static error e;
static dataset d;

static void render(size_t train_count, size_t test_count, uint64_t seed) {
    ck_assert_msg(digits_render(&d, train_count, test_count, seed, &e), "%s", e.text);
}

/* gcc 12 and clang 14, -O0 and -O3, x86-64 with and without FMA, AArch64: a change here changes every published
 * figure of the built-in digits. */
START_TEST(same_bytes_everywhere) {
    char folder[512];
    make_folder(folder, sizeof folder);
    ck_assert_int_eq(mkdir(path_in(folder, "idp"), 0777), 0);
    ck_assert_int_eq(mkdir(path_in(folder, "idp/mnist"), 0777), 0);
    unsetenv("IDP_DATA");
    setenv("XDG_CACHE_HOME", folder, 1); /* a cache, in which nothing is */
    ck_assert_msg(dataset_load(&d, NULL, &e), "%s", e.text);
    remove_folder(folder);
    ck_assert_str_eq(d.sha256, "8060ae9c007f0a8afdc6f7e104074dfeaa29ad482688456d30f6c3b2ac1e2126");
    ck_assert_str_eq(d.name, "synthetic digits");
    ck_assert_str_eq(d.origin, "built in");
    ck_assert(d.synthetic);
    ck_assert_uint_eq(d.classes, 10);

    /* Every class is there, about as often as the others: 6000 +- 5 standard deviations. */
    size_t count[10] = {0};
    for (size_t i = 0; i < d.train.count; i++) count[d.train.labels[i]]++;
    for (size_t c = 0; c < 10; c++) {
        ck_assert_uint_ge(count[c], 5630);
        ck_assert_uint_le(count[c], 6370);
    }

    /* Ink is in the middle, and there is neither too little nor too much of it. */
    for (size_t i = 0; i < d.train.count; i++) {
        const uint8_t *image = d.train.pixels + i * PIXELS;
        size_t ink = 0, rim = 0;
        for (size_t p = 0; p < PIXELS; p++) {
            const size_t row = p / 28, column = p % 28;
            ink += image[p] >= 128;
            rim += image[p] >= 128 && (row == 0 || row == 27 || column == 0 || column == 27);
        }
        ck_assert_msg(ink >= 10 && ink <= PIXELS / 2 && rim <= 12, "image %zu: %zu inked pixels, %zu at the rim", i,
                      ink, rim);
    }
    dataset_free(&d);
}
END_TEST

START_TEST(smaller_set_is_a_prefix) {
    render(300, 200, 7);
    dataset large = d;
    render(30, 20, 7);
    ck_assert_mem_eq(d.train.pixels, large.train.pixels, 30 * PIXELS);
    ck_assert_mem_eq(d.train.labels, large.train.labels, 30);
    ck_assert_mem_eq(d.test.pixels, large.test.pixels, 20 * PIXELS);
    ck_assert_mem_eq(d.test.labels, large.test.labels, 20);
    dataset_free(&d);
    dataset_free(&large);
}
END_TEST

/* No image is there twice: not in one part, not in both, not for two seeds. */
START_TEST(images_differ) {
    enum { EACH = 100 };
    static uint8_t all[4 * EACH][PIXELS];
    for (uint64_t seed = 0; seed < 2; seed++) {
        render(EACH, EACH, seed);
        memcpy(all[2 * EACH * seed], d.train.pixels, EACH * PIXELS);
        memcpy(all[2 * EACH * seed + EACH], d.test.pixels, EACH * PIXELS);
        dataset_free(&d);
    }
    for (size_t a = 0; a < 4 * EACH; a++)
        for (size_t b = 0; b < a; b++) ck_assert_msg(memcmp(all[a], all[b], PIXELS) != 0, "images %zu, %zu", a, b);
}
END_TEST

START_TEST(refuses_empty_sets) {
    memset(&d, 0, sizeof d);
    ck_assert(!digits_render(&d, 0, 1, 1, &e));
    ck_assert(!digits_render(&d, 1, 0, 1, &e));
    ck_assert(!digits_render(&d, SIZE_MAX, 1, 1, &e));
    ck_assert_ptr_null(d.train.pixels);
}
END_TEST

/* The renderer trusts the table: each style begins with a start, no stroke is a single point, no corner ends one.
 */
START_TEST(strokes_are_well_formed) {
    bool drawn[DIGIT_CLASSES] = {false};
    for (size_t s = 0; s < digit_style_count; s++) {
        const digit_style *style = &digit_styles[s];
        ck_assert_uint_lt(style->digit, DIGIT_CLASSES);
        ck_assert_uint_ge(style->share, 1);
        ck_assert_uint_le(style->count, STROKE_MAX_POINTS);
        drawn[style->digit] = true;
        for (size_t p = 0; p < style->count; p++) {
            const bool last = p + 1 == style->count || style->point[p + 1].mark == STROKE_START;
            if (p == 0) ck_assert_uint_eq(style->point[p].mark, STROKE_START);
            if (last) ck_assert_uint_eq(style->point[p].mark, STROKE_SMOOTH);
            ck_assert(style->point[p].x >= 0 && style->point[p].x <= 100);
            ck_assert(style->point[p].y >= 0 && style->point[p].y <= 100);
        }
    }
    for (size_t c = 0; c < DIGIT_CLASSES; c++) ck_assert(drawn[c]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("digits");
    TCase *test_case = tcase_create("digits");
    tcase_set_timeout(test_case, 120); /* seventy thousand images, under sanitizers */
    tcase_add_test(test_case, same_bytes_everywhere);
    tcase_add_test(test_case, smaller_set_is_a_prefix);
    tcase_add_test(test_case, images_differ);
    tcase_add_test(test_case, refuses_empty_sets);
    tcase_add_test(test_case, strokes_are_well_formed);
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
