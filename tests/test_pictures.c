/* test_pictures.c: images to be recognised: PGM of both kinds, IDX, and what is damaged. */
#include "data/pictures.h"
#include "data_files.h"

#include <check.h> /* last: it has a macro `fail` */

static char folder[256], path[512];

static void set_up(void) {
    make_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/picture", folder);
}

static void tear_down(void) {
    unlink(path);
    rmdir(folder);
}

static void write_picture(const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    fclose(file);
}

static const struct {
    const char *bytes;
    size_t size;
    uint8_t pixels[6];
} good[] = {
    {"P2\n3 2\n255\n0 1 2\n3 254 255\n", 28, {0, 1, 2, 3, 254, 255}},
    {"P2 # ink\n# and paper\n3#x\n 2 15 0 1 2 3 14 15", 44, {0, 17, 34, 51, 238, 255}},
    {"P2 3 2 1 0 1 0 1 1 0", 20, {0, 255, 0, 255, 255, 0}},
    {"P5\n3 2\n255\n\0\1\2\3\376\377", 17, {0, 1, 2, 3, 254, 255}},
    {"P5 3 2 100\n\0\1\2\62\143\144", 17, {0, 3, 5, 128, 252, 255}},
    {"P5 3 2 65535\n\0\0\0\377\1\1\177\377\376\376\377\377", 25, {0, 1, 1, 127, 254, 255}},
    {"\0\0\10\3\0\0\0\1\0\0\0\2\0\0\0\3\5\4\3\2\1\0", 22, {5, 4, 3, 2, 1, 0}},
};

START_TEST(reads) {
    images part = {.count = 0};
    error e = {""};
    write_picture(good[_i].bytes, good[_i].size);
    ck_assert_msg(pictures_read(path, &part, &e), "%s", e.text);
    ck_assert(part.count == 1 && part.rows == 2 && part.columns == 3);
    ck_assert_mem_eq(part.pixels, good[_i].pixels, 6);
    free(part.pixels);
}
END_TEST

static const struct {
    const char *bytes;
    size_t size;
    const char *expected;
} bad[] = {
    {"", 0, "neither a PGM picture"},
    {"P6 1 1 255\n123", 14, "neither a PGM picture"},
    {"\211PNG", 4, "neither a PGM picture"},
    {"P2", 2, "the width is missing: the file is truncated"},
    {"P2 x", 4, "the width is missing: the file is damaged"},
    {"P2 0 1 255 0", 12, "the width is 0"},
    {"P2 1 99999 255 0", 16, "the height is 9999"},
    {"P5 4294967297 1 255\n0", 21, "the width is 4294"},
    {"P2 1 1 0 0", 10, "the largest value is 0"},
    {"P2 1 1 65536 0", 14, "the largest value is 65536"},
    {"P2 2 1 255 7", 12, "a pixel is missing: the file is truncated"},
    {"P2 1 1 9 10", 11, "a pixel is 10"},
    {"P2 1 1 255 -3", 13, "a pixel is missing: the file is damaged"},
    {"P5 2 1 255\n7", 12, "ends before the 2 bytes"},
    {"P5 2 1 255", 10, "ends before the 2 bytes"},
    {"P5 1 1 255\n77", 13, "goes on after the 1 bytes"},
    {"P5 1 1 9\n\12", 10, "pixel 0 is 10"},
    {"\0\0\10\3\0\0\0\1\0\0\0\2\0\0\0\3\5", 17, "truncated"},
    {"\0\0\10\1\0\0\0\1\5", 9, "IDX labels"},
};

START_TEST(refuses) {
    images part = {.count = 77};
    error e = {""};
    write_picture(bad[_i].bytes, bad[_i].size);
    ck_assert(!pictures_read(path, &part, &e));
    ck_assert_msg(strstr(e.text, bad[_i].expected) != NULL, "'%s' does not say '%s'", e.text, bad[_i].expected);
    ck_assert_ptr_nonnull(strstr(e.text, path));
    ck_assert_uint_eq(part.count, 77);
}
END_TEST

START_TEST(missing_file) {
    images part;
    error e = {""};
    ck_assert(!pictures_read("/nowhere/picture.pgm", &part, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "/nowhere/picture.pgm"));
}
END_TEST

START_TEST(turns) {
    images part = {.count = 2, .rows = 2, .columns = 3, .pixels = malloc(12)};
    error e = {""};
    static const uint8_t turned[] = {0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11};
    for (uint8_t i = 0; i < 12; i++) part.pixels[i] = i;
    ck_assert(pictures_transpose(&part, &e));
    ck_assert(part.rows == 3 && part.columns == 2);
    ck_assert_mem_eq(part.pixels, turned, 12);
    pictures_invert(&part);
    for (size_t i = 0; i < 12; i++) ck_assert_uint_eq(part.pixels[i], 255u - turned[i]);
    free(part.pixels);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pictures");
    TCase *tests = tcase_create("pictures");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, reads, 0, (int)(sizeof good / sizeof good[0]));
    tcase_add_loop_test(tests, refuses, 0, (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(tests, missing_file);
    tcase_add_test(tests, turns);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
