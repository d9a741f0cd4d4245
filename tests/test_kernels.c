/* Every kernel of every back end that can run here against the oracle; broken kernels, which must be noticed; and
 * what the kernels stand on: the cut, the packed layouts, the checked call, the choice of a back end. */
#include "backends.h"
#include "broken.h"
#include "commands.h"
#include "idp.h"
#include "peers/peers.h"
#include "results/results.h"
#include "seed.h"
#include "verify/verify.h"

#include <check.h> /* after error.h: it has a macro named fail, too */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIXED_SEED = 1, RANDOM_CASES = 500, BROKEN_RANDOM_CASES = 200, TIMEOUT_S = 600 };

static uint64_t run_seed;

/* ---- the real ones ---------------------------------------------------------------------------------------- */

static void verify_with(const idp_kernel *kernel, uint64_t seed) {
    verify_report report;
    const bool good = verify_kernel(kernel, seed, RANDOM_CASES, &report);
    ck_assert_msg(good, "%s: %s", kernel->name, report.failure);
    ck_assert(report.fault == VERIFY_NO_FAULT && report.failure[0] == '\0');
    ck_assert_double_le(report.worst_error_over_bound, 1);
    ck_assert_double_gt(report.worst_error_over_bound, 0); /* something was compared */
    ck_assert_uint_gt(report.cases, RANDOM_CASES);
    printf("%-40s %6" PRIu64 " cases, worst %.3f of the bound\n", kernel->name, report.cases,
           report.worst_error_over_bound);
}

/* _i: the back end. */
START_TEST(kernels_keep_the_bound) {
    const idp_backend *backend = idp_backend_at((size_t)_i);
    char reason[256];
    backend_reason(backend, reason, sizeof reason);
    if (reason[0] != '\0') printf("not run: %s: %s\n", backend->name, reason);
    for (size_t i = 0; reason[0] == '\0' && i < backend->kernel_count; i++) {
        verify_with(&backend->kernels[i], FIXED_SEED);
        verify_with(&backend->kernels[i], run_seed);
    }
}
END_TEST

START_TEST(the_same_seed_gives_the_same_run) {
    const idp_kernel *kernel = idp_backend_kernel(idp_backend_find("scalar"), IDP_LAYOUT_PANEL);
    verify_report a, b, c;
    ck_assert(verify_kernel(kernel, 7, 50, &a) && verify_kernel(kernel, 7, 50, &b) &&
              verify_kernel(kernel, 8, 50, &c));
    ck_assert_double_eq(a.worst_error_over_bound, b.worst_error_over_bound);
    ck_assert_double_ne(a.worst_error_over_bound, c.worst_error_over_bound);
}
END_TEST

/* ---- the broken ones -------------------------------------------------------------------------------------- */

START_TEST(the_naive_kernel_without_a_defect_passes) {
    for (int layout = IDP_LAYOUT_PANEL; layout < IDP_LAYOUTS; layout++) {
        const idp_kernel kernel = broken_kernel((idp_layout)layout, NO_DEFECT);
        verify_with(&kernel, FIXED_SEED);
        verify_with(&kernel, run_seed);
    }
}
END_TEST

/* The message names a replay, and the replay fails alike. */
static void replay(const idp_kernel *kernel, const verify_report *report) {
    char expected[128];
    const uint64_t number = report->cases - 1;
    snprintf(expected, sizeof expected, "idp verify --kernel %s --seed %d --case %" PRIu64, kernel->name,
             FIXED_SEED, number);
    ck_assert_msg(strstr(report->failure, expected) != NULL, "'%s' lacks '%s'", report->failure, expected);
    verify_report again;
    ck_assert(!verify_one_case(kernel, FIXED_SEED, number, &again));
    ck_assert_str_eq(again.failure, report->failure);
    ck_assert_uint_eq(again.cases, 1);
}

/* _i: the defect. */
START_TEST(broken_kernels_are_noticed) {
    const defect_facts *facts = &defects[_i];
    for (int layout = IDP_LAYOUT_PANEL; layout < IDP_LAYOUTS; layout++) {
        if (!(facts->layouts >> layout & 1)) continue;
        const idp_kernel kernel = broken_kernel((idp_layout)layout, (defect)_i);
        verify_report report;
        const bool good = verify_kernel(&kernel, FIXED_SEED, BROKEN_RANDOM_CASES, &report);
        ck_assert_msg(!good, "%s in %s went unnoticed", facts->name, kernel.name);
        ck_assert_msg(facts->faults >> report.fault & 1, "%s was taken for fault %d: %s", facts->name,
                      (int)report.fault, report.failure);
        replay(&kernel, &report);
    }
}
END_TEST

/* ---- the cut and the packed layouts ----------------------------------------------------------------------- */

START_TEST(prefix_multiplies_first) {
    for (size_t percent = 0; percent <= 100; percent++)
        for (size_t n = 0; n <= 1000; n += 25) ck_assert_uint_eq(idp_prefix(n, (double)percent), percent * n / 100);
    ck_assert_uint_eq(idp_prefix(100, 28.999), 28);
    ck_assert_uint_eq(idp_prefix(100, -1), 0);
    ck_assert_uint_eq(idp_prefix(100, 101), 100);
    ck_assert_uint_eq(idp_prefix(100, NAN), 0); /* clamped: nothing is safe to read at no percentage */
    ck_assert_uint_eq(idp_prefix(100, INFINITY), 100);
    ck_assert_uint_eq(idp_prefix(0, 50), 0);
}
END_TEST

enum { OUT = 29, IN = 5, W_STRIDE = 7 };

/* w[j][i] = 100 j + i + 1, b[j] = -j - 1: every float says where it belongs. */
static void numbered(float *w, float *b) {
    for (size_t j = 0; j < OUT; j++) {
        b[j] = -(float)j - 1;
        for (size_t i = 0; i < W_STRIDE; i++) w[j * W_STRIDE + i] = i < IN ? (float)(100 * j + i + 1) : NAN;
    }
}

START_TEST(panels_hold_bias_then_channels) {
    const idp_kernel kernel = {.layout = IDP_LAYOUT_PANEL, .panel = 16, .panel_granule = 8};
    float w[OUT * W_STRIDE], b[OUT], packed[1024];
    numbered(w, b);
    /* 29 outputs: a panel of 16 and one of 13, rounded up to 16. */
    ck_assert_uint_eq(idp_packed_floats(&kernel, OUT, IN), (16 + 16) * (1 + IN));
    ck_assert_uint_eq(idp_packed_floats(&kernel, 17, IN), (16 + 8) * (1 + IN));
    idp_pack(&kernel, OUT, IN, w, W_STRIDE, b, packed);
    for (size_t j = 0; j < 32; j++) {
        const float *panel = packed + j / 16 * 16 * (1 + IN);
        ck_assert_float_eq(panel[j % 16], j < OUT ? b[j] : 0);
        for (size_t i = 0; i < IN; i++)
            ck_assert_float_eq(panel[(1 + i) * 16 + j % 16], j < OUT ? w[j * W_STRIDE + i] : 0);
    }
    idp_pack(&kernel, OUT, IN, w, W_STRIDE, NULL, packed);
    for (size_t j = 0; j < 16; j++) ck_assert_float_eq(packed[j], 0);
}
END_TEST

START_TEST(rows_hold_every_bias_then_rows) {
    const idp_kernel kernel = {.layout = IDP_LAYOUT_ROW};
    float w[OUT * W_STRIDE], b[OUT], packed[1024];
    numbered(w, b);
    ck_assert_uint_eq(idp_row_stride(1), 16);
    ck_assert_uint_eq(idp_row_stride(17), 32);
    ck_assert_uint_eq(idp_row_stride(256), 272); /* 1 KiB apart would share the sets of the L1 cache */
    ck_assert_uint_eq(idp_packed_floats(&kernel, OUT, IN), 32 + OUT * 16);
    idp_pack(&kernel, OUT, IN, w, W_STRIDE, b, packed);
    for (size_t j = 0; j < 32; j++) ck_assert_float_eq(packed[j], j < OUT ? b[j] : 0);
    for (size_t j = 0; j < OUT; j++)
        for (size_t i = 0; i < 16; i++)
            ck_assert_float_eq(packed[32 + 16 * j + i], i < IN ? w[j * W_STRIDE + i] : 0);
}
END_TEST

START_TEST(impossible_sizes_pack_to_nothing) {
    const idp_backend *scalar = idp_backend_find("scalar");
    for (size_t i = 0; i < scalar->kernel_count; i++) {
        ck_assert_uint_eq(idp_packed_floats(&scalar->kernels[i], 0, 5), 0);
        ck_assert_uint_eq(idp_packed_floats(&scalar->kernels[i], 5, 0), 0);
        ck_assert_uint_eq(idp_packed_floats(&scalar->kernels[i], SIZE_MAX, 5), 0);
        ck_assert_uint_eq(idp_packed_floats(&scalar->kernels[i], 5, SIZE_MAX), 0);
        ck_assert_uint_eq(idp_packed_floats(&scalar->kernels[i], SIZE_MAX / 8, SIZE_MAX / 8), 0);
    }
}
END_TEST

/* ---- the checked call ------------------------------------------------------------------------------------- */

typedef void (*spoil)(idp_fc *fc);

static float somewhere[64];

static void spoil_out(idp_fc *fc) { fc->out = 0; }
static void spoil_in(idp_fc *fc) { fc->in = 0; }
static void spoil_size(idp_fc *fc) { fc->out = SIZE_MAX; }
static void spoil_m(idp_fc *fc) { fc->m = fc->out + 1; }
static void spoil_k(idp_fc *fc) { fc->k = fc->in + 1; }
static void spoil_x_stride(idp_fc *fc) { fc->x_stride = fc->batch - 1; }
static void spoil_y_stride(idp_fc *fc) { fc->y_stride = fc->batch - 1; }
static void spoil_y_extent(idp_fc *fc) { fc->y_stride = SIZE_MAX; }
static void spoil_weights(idp_fc *fc) { fc->weights = NULL; }
static void spoil_alignment(idp_fc *fc) { fc->weights++; }
static void spoil_x(idp_fc *fc) { fc->x = NULL; }
static void spoil_y(idp_fc *fc) { fc->y = NULL; }
static void spoil_overlap(idp_fc *fc) { fc->x = fc->y + 1; }
static void spoil_float(idp_fc *fc) { fc->y = (float *)(void *)((char *)(void *)somewhere + 2); }

static const spoil spoils[] = {spoil_out,      spoil_in,       spoil_size,     spoil_m,       spoil_k,
                               spoil_x_stride, spoil_y_stride, spoil_y_extent, spoil_weights, spoil_alignment,
                               spoil_x,        spoil_y,        spoil_overlap,  spoil_float};

START_TEST(bad_arguments_are_refused) {
    enum { SIDE = 4, SAMPLES = 3 };
    static _Alignas(64) float packed[1024];
    const idp_kernel *kernel = idp_backend_kernel(idp_backend_find("scalar"), IDP_LAYOUT_BATCH);
    float w[SIDE * SIDE] = {1}, x[SIDE * SAMPLES] = {2}, y[SIDE * SAMPLES] = {0};
    ck_assert_uint_le(idp_packed_floats(kernel, SIDE, SIDE), sizeof packed / sizeof *packed);
    idp_pack(kernel, SIDE, SIDE, w, SIDE, NULL, packed);
    const idp_fc good = {.weights = packed,
                         .x = x,
                         .y = y,
                         .out = SIDE,
                         .in = SIDE,
                         .m = SIDE,
                         .k = SIDE,
                         .batch = SAMPLES,
                         .x_stride = SAMPLES,
                         .y_stride = SAMPLES};
    y[0] = 5;
    for (size_t s = 0; s < sizeof spoils / sizeof spoils[0]; s++) {
        idp_fc bad = good;
        spoils[s](&bad);
        ck_assert_msg(idp_fc_run(kernel, &bad) == IDP_BAD_ARGUMENT, "spoil %zu was accepted", s);
        ck_assert_float_eq(y[0], 5);
    }
    ck_assert(idp_fc_run(NULL, &good) == IDP_BAD_ARGUMENT && idp_fc_run(kernel, NULL) == IDP_BAD_ARGUMENT);
    const idp_kernel *single = idp_backend_kernel(idp_backend_find("scalar"), IDP_LAYOUT_PANEL);
    ck_assert(idp_fc_run(single, &good) == IDP_BAD_ARGUMENT); /* three samples */
    ck_assert(idp_fc_run(kernel, &good) == IDP_OK);
    ck_assert_float_eq(y[0], 2);
}
END_TEST

/* ---- back ends -------------------------------------------------------------------------------------------- */

START_TEST(names_are_unique_and_found) {
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        ck_assert_ptr_eq(idp_backend_find(backend->name), backend);
        ck_assert((backend->kernels == NULL) == (idp_backend_status(backend) == IDP_NOT_COMPILED));
        for (size_t i = 0; i < backend->kernel_count; i++) {
            const idp_kernel *kernel = &backend->kernels[i];
            const idp_backend *its = NULL;
            char start[32];
            ck_assert_ptr_eq(idp_kernel_find(kernel->name, &its), kernel);
            ck_assert_ptr_eq(its, backend);
            snprintf(start, sizeof start, "fc_f32_%s_%ux%u_", idp_layout_name(kernel->layout), kernel->tile_batch,
                     kernel->tile_out);
            ck_assert_msg(strncmp(kernel->name, start, strlen(start)) == 0, "%s does not start with %s",
                          kernel->name, start);
        }
        for (int layout = IDP_LAYOUT_PANEL; layout < IDP_LAYOUTS && backend->kernels != NULL; layout++)
            ck_assert_ptr_nonnull(idp_backend_kernel(backend, (idp_layout)layout));
    }
    ck_assert_ptr_null(idp_backend_at(idp_backend_count()));
    ck_assert_ptr_null(idp_backend_find("mmx"));
    ck_assert_ptr_null(idp_kernel_find("fc_f32_panel_1x1_mmx", NULL));
}
END_TEST

START_TEST(the_choice_is_forced_or_refused) {
    const idp_backend *chosen = NULL;
    unsetenv("IDP_BACKEND");
    ck_assert(idp_backend_choose(NULL, &chosen) == IDP_OK);
    for (size_t b = 0; b < idp_backend_count(); b++) { /* the default is the last usable one */
        if (idp_backend_status(idp_backend_at(b)) != IDP_OK) continue;
        ck_assert(idp_backend_choose(idp_backend_at(b)->name, &chosen) == IDP_OK);
        ck_assert_ptr_eq(chosen, idp_backend_at(b));
    }
    const idp_backend *best = chosen;
    ck_assert(idp_backend_choose(NULL, &chosen) == IDP_OK);
    ck_assert_ptr_eq(chosen, best);

    setenv("IDP_BACKEND", "scalar", 1);
    ck_assert(idp_backend_choose(NULL, &chosen) == IDP_OK);
    ck_assert_str_eq(chosen->name, "scalar");
    ck_assert(idp_backend_choose(best->name, &chosen) == IDP_OK); /* the argument goes before the environment */
    ck_assert_ptr_eq(chosen, best);
    setenv("IDP_BACKEND", "mmx", 1);
    ck_assert(idp_backend_choose(NULL, &chosen) == IDP_UNKNOWN_BACKEND);
    ck_assert_ptr_null(chosen);
    unsetenv("IDP_BACKEND");
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        const idp_status status = idp_backend_status(backend);
        ck_assert(idp_backend_choose(backend->name, &chosen) == status);
        ck_assert_ptr_eq(chosen, backend);
    }
}
END_TEST

START_TEST(features_can_be_hidden) {
    setenv("IDP_CPU_DISABLE", "avx512f", 1);
    ck_assert_uint_eq(idp_cpu_features() & IDP_CPU_AVX512F, 0);
    setenv("IDP_CPU_DISABLE", "avx2,neon", 1); /* and with avx2 what builds on it */
    ck_assert_uint_eq(idp_cpu_features(), 0);
    const idp_backend *chosen = NULL;
    ck_assert(idp_backend_choose(NULL, &chosen) == IDP_OK);
    ck_assert_str_eq(chosen->name, "scalar");
    for (size_t b = 0; b < idp_backend_count(); b++)
        ck_assert((idp_backend_status(idp_backend_at(b)) == IDP_OK) == (idp_backend_at(b)->needs == 0));
    unsetenv("IDP_CPU_DISABLE");
}
END_TEST

/* ---- idp verify ---------------------------------------------------------------------------------------------- */

enum { MOST_WORDS = 8 };

static int command_line(const char *const words[MOST_WORDS], error *e) {
    char *argv[MOST_WORDS + 2] = {(char *)(uintptr_t) "verify"};
    int argc = 1;
    while (argc <= MOST_WORDS && words[argc - 1] != NULL) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
        argc++;
    }
    *e = (error){""};
    return cmd_verify(argc, argv, e);
}

static const struct {
    const char *words[MOST_WORDS], *message;
} wrong_lines[] = {
    {{"--kernel", "fc_f32_panel_1x1_mmx"}, "there is no kernel 'fc_f32_panel_1x1_mmx'"},
    {{"--backend", "mmx"}, "there is no back end 'mmx'"},
    {{"--require-isa", "scalar,mmx"}, "there is no back end 'mmx'"},
    {{"--require-isa", "avx2,neon"}, "would be skipped"}, /* no machine has both */
    {{"--backend", "avx2,neon"}, "can't run here"},
    {{"--backend", "scalar", "--require-isa", "avx2"}, "--require-isa: 'avx2'"},
    {{"--seed", "seven"}, "not a number"},
    {{"--seed", "-1"}, "outside"},
    {{"--case", "1.5"}, "not a whole number"},
    {{"--cases"}, "needs a value"},
    {{"--bogus"}, "there is no option '--bogus'"},
    {{"everything"}, "'everything'"},
    {{"--backend", "scalar", "--cases", "0", "--json", "no/such/folder/x.json"}, "no/such/folder"},
};

START_TEST(wrong_lines_are_refused) {
    error e;
    ck_assert_int_eq(command_line(wrong_lines[_i].words, &e), EXIT_ERROR);
    ck_assert_msg(strstr(e.text, wrong_lines[_i].message) != NULL, "'%s' lacks '%s'", e.text,
                  wrong_lines[_i].message);
    ck_assert_ptr_null(strchr(e.text, '\n'));
}
END_TEST

START_TEST(records_tell_passes_and_skips) {
    static const char path[] = "test_kernels_records.json";
    error e;
    const char *const words[MOST_WORDS] = {"--cases", "1", "--seed", "12", "--json", path};
    unsetenv("IDP_BACKEND");
    ck_assert_msg(command_line(words, &e) == 0, "%s", e.text);
    results r;
    ck_assert_msg(results_read(&r, path, &e), "%s", e.text);
    unlink(path);
    size_t passed = 0, skipped = 0, i;
    json_t *record;
    json_array_foreach(r.records, i, record) {
        const char *status = json_string_value(json_object_get(record, "status"));
        const bool skip = strcmp(status, "skipped") == 0;
        ck_assert_str_eq(json_string_value(json_object_get(record, "kind")), "verify");
        ck_assert(skip || strcmp(status, "passed") == 0);
        ck_assert_int_eq(json_integer_value(json_object_get(record, "seed")), 12);
        ck_assert((json_string_value(json_object_get(record, "reason"))[0] != '\0') == skip);
        ck_assert((json_integer_value(json_object_get(record, "cases")) == 0) == skip);
        *(skip ? &skipped : &passed) += 1;
    }
    size_t kernels = peer_count(), unusable = 0; /* other libraries' kernels are verified with ours */
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const bool usable = idp_backend_status(idp_backend_at(b)) == IDP_OK;
        *(usable ? &kernels : &unusable) += usable ? idp_backend_at(b)->kernel_count : 1;
    }
    for (size_t l = 0; l < peer_library_count(); l++) unusable += peer_library_at(l)->absent != NULL;
    ck_assert_uint_eq(passed, kernels);
    ck_assert_uint_eq(skipped, unusable);
    results_free(&r);
}
END_TEST

int main(void) {
    run_seed = test_seed("kernels");
    Suite *suite = suite_create("kernels");
    TCase *real = tcase_create("real"), *wrong = tcase_create("broken"), *base = tcase_create("base"),
          *command_case = tcase_create("command");
    tcase_set_timeout(real, TIMEOUT_S);
    tcase_add_loop_test(real, kernels_keep_the_bound, 0, (int)idp_backend_count());
    tcase_add_test(real, the_same_seed_gives_the_same_run);
    tcase_set_timeout(wrong, TIMEOUT_S);
    tcase_add_test(wrong, the_naive_kernel_without_a_defect_passes);
    tcase_add_loop_test(wrong, broken_kernels_are_noticed, NO_DEFECT + 1, DEFECT_COUNT);
    tcase_add_test(base, prefix_multiplies_first);
    tcase_add_test(base, panels_hold_bias_then_channels);
    tcase_add_test(base, rows_hold_every_bias_then_rows);
    tcase_add_test(base, impossible_sizes_pack_to_nothing);
    tcase_add_test(base, bad_arguments_are_refused);
    tcase_add_test(base, names_are_unique_and_found);
    tcase_add_test(base, the_choice_is_forced_or_refused);
    tcase_add_test(base, features_can_be_hidden);
    tcase_set_timeout(command_case, TIMEOUT_S);
    tcase_add_loop_test(command_case, wrong_lines_are_refused, 0, sizeof wrong_lines / sizeof wrong_lines[0]);
    tcase_add_test(command_case, records_tell_passes_and_skips);
    suite_add_tcase(suite, command_case);
    suite_add_tcase(suite, real);
    suite_add_tcase(suite, wrong);
    suite_add_tcase(suite, base);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
