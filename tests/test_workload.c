/* test_workload.c: names of workloads, where their memory lies, and how often they call the kernel. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/workload.h"

#include <check.h> /* last: it has a macro named fail */

static const workload_shape layer = {
    .out = 10, .in = 100, .m = 7, .batch = 1, .percent = 25, .layout = IDP_LAYOUT_PANEL};

/* ---- names ------------------------------------------------------------------------------------------------- */

START_TEST(names_are_understood) {
    static const struct {
        const char *text, *name;
        double percent;
        size_t k;
        uint32_t extra_ppm;
    } cases[] = {
        {"fc_f32_row_4x1_scalar", "fc_f32_row_4x1_scalar", 25, 25, 0},
        {"scalar", "fc_f32_panel_1x8_scalar", 25, 25, 0},
        {"scalar@50", "fc_f32_panel_1x8_scalar@50", 50, 50, 0},
        {"scalar@0", "fc_f32_panel_1x8_scalar@0", 0, 0, 0},
        {"scalar@29.5", "fc_f32_panel_1x8_scalar@29.5", 29.5, 29, 0},
        {"scalar+3%", "fc_f32_panel_1x8_scalar+3%", 25, 25, 30000},
        {"scalar@100+0.5%", "fc_f32_panel_1x8_scalar@100+0.5%", 100, 100, 5000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        workload_spec spec, again;
        error e = {""};
        ck_assert_msg(workload_parse(cases[i].text, &layer, &spec, &e), "%s", e.text);
        ck_assert_str_eq(spec.name, cases[i].name);
        ck_assert_str_eq(spec.backend->name, "scalar");
        ck_assert_double_eq(spec.percent, cases[i].percent);
        ck_assert_uint_eq(spec.k, cases[i].k);
        ck_assert_uint_eq(spec.m, 7);
        ck_assert_uint_eq(spec.extra_ppm, cases[i].extra_ppm);
        ck_assert(workload_parse(spec.name, &layer, &again, &e));
        ck_assert_str_eq(again.name, spec.name);
        ck_assert_ptr_eq(again.kernel, spec.kernel);
        ck_assert(again.k == spec.k && again.extra_ppm == spec.extra_ppm);
    }
}
END_TEST

START_TEST(layout_chooses_the_kernel_of_a_back_end) {
    for (int l = IDP_LAYOUT_PANEL; l <= IDP_LAYOUT_ROW; l++) {
        workload_shape shape = layer;
        workload_spec spec;
        shape.layout = (idp_layout)l;
        ck_assert(workload_parse("scalar", &shape, &spec, NULL));
        ck_assert_int_eq(spec.kernel->layout, l);
    }
}
END_TEST

START_TEST(peers_are_named_like_kernels) {
    const workload_shape one = {.out = 10, .in = 100, .m = 7, .batch = 1, .percent = 25},
                         many = {.out = 10, .in = 100, .m = 7, .batch = 5, .percent = 25},
                         nothing = {.out = 10, .in = 100, .m = 0, .batch = 1, .percent = 25};
    for (size_t i = 0; i < peer_count(); i++) {
        const peer *p = peer_at(i);
        char text[WORKLOAD_NAME];
        workload_spec spec;
        error e = {""};
        snprintf(text, sizeof text, "%s@50+3%%", p->name);
        ck_assert_msg(workload_parse(text, &one, &spec, &e), "%s", e.text);
        ck_assert_str_eq(spec.name, text);
        ck_assert_ptr_eq(spec.peer, p);
        ck_assert_ptr_null(spec.kernel);
        ck_assert_uint_eq(spec.k, 50);
        ck_assert_str_eq(workload_backend(&spec), p->library);
        ck_assert(workload_parse(p->name, &many, &spec, &e) == (p->form != PEER_SINGLE));
        ck_assert(!workload_parse(p->name, &nothing, &spec, &e));
    }
}
END_TEST

/* The outputs of a peer's workload after one iteration. */
static const float *peer_outputs(workload *w, const workload_place *place) {
    float *y = (float *)((char *)w->memory[2] + (size_t)64 * place->line[2]);
    memset(y, 0xff, 10 * sizeof *y);
    workload_run(w, 1);
    return y;
}

/* The same seed gives every way to call a library the weights, input, bias and gamma of a kernel; and each cold
 * copy does the same work. |y| errors are at most 103 u (0.1 + 100 * 0.174) < 1.1e-4 on either side. */
START_TEST(peers_do_the_work_of_kernels) {
    const workload_shape one = {.out = 10, .in = 100, .m = 10, .batch = 1, .percent = 100};
    const workload_place warm = {.seed = 7, .line = {1, 2, 3, 4}},
                         cold = {.seed = 7, .line = {1, 2, 3, 4}, .cold_bytes = 20000};
    workload_spec spec;
    workload kernel, other;
    error e = {""};
    ck_assert(workload_parse("scalar", &one, &spec, &e) && workload_make(&spec, &warm, &kernel, &e));
    workload_run(&kernel, 1);
    for (size_t i = 0; i < peer_count(); i++) {
        if (peer_at(i)->form != PEER_SINGLE) continue;
        ck_assert_msg(workload_parse(peer_at(i)->name, &one, &spec, &e), "%s", e.text);
        ck_assert_msg(workload_make(&spec, &warm, &other, &e), "%s", e.text);
        const float *y = peer_outputs(&other, &warm);
        for (size_t j = 0; j < 10; j++)
            ck_assert_msg(fabsf(y[j] - kernel.fc.y[j]) <= 2.2e-4f, "%s: y[%zu] is %g, not %g", peer_at(i)->name, j,
                          (double)y[j], (double)kernel.fc.y[j]);
        workload_free(&other);

        float first[10];
        ck_assert_msg(workload_make(&spec, &cold, &other, &e), "%s", e.text);
        ck_assert_uint_eq(other.copies, 5); /* of 4000 bytes */
        memcpy(first, peer_outputs(&other, &cold), sizeof first);
        for (size_t c = 1; c < other.copies; c++)
            ck_assert_mem_eq(peer_outputs(&other, &cold), first, sizeof first);
        workload_free(&other);
    }
    workload_free(&kernel);
}
END_TEST

START_TEST(wrong_names_are_refused) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "there is no kernel and no back end ''"},
        {"scala", "there is no kernel and no back end 'scala'"},
        {"@50", "there is no kernel and no back end ''"},
        {"scalar@", "behind '@' comes a number from 0 to 100"},
        {"scalar@101", "behind '@' comes a number from 0 to 100"},
        {"scalar@nan", "behind '@' comes a number from 0 to 100"},
        {"scalar@5x", "behind '@' comes a number from 0 to 100"},
        {"scalar+3", "behind '+' comes a number from 0 to 100 and a percent sign"},
        {"scalar+101%", "behind '+' comes a number from 0 to 100 and a percent sign"},
        {"scalar+-3%", "behind '+' comes a number from 0 to 100 and a percent sign"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        workload_spec spec = {.k = 77};
        error e = {""};
        ck_assert(!workload_parse(cases[i].text, &layer, &spec, &e));
        ck_assert_msg(strstr(e.text, cases[i].says) != NULL, "'%s' lacks '%s'", e.text, cases[i].says);
        ck_assert_uint_eq(spec.k, 77);
    }
    char longest[4 * WORKLOAD_NAME] = "";
    memset(longest, 'x', sizeof longest - 1);
    error e = {""};
    ck_assert(!workload_parse(longest, &layer, &(workload_spec){0}, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "too long"));
}
END_TEST

START_TEST(what_cannot_run_here_is_refused) {
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        workload_spec spec;
        error e = {""};
        const bool runs = idp_backend_status(backend) == IDP_OK;
        ck_assert_int_eq(workload_parse(backend->name, &layer, &spec, &e), runs);
        if (!runs) ck_assert_msg(strstr(e.text, "can't run here: ") != NULL, "%s", e.text);
    }
}
END_TEST

/* ---- calls and memory, with a kernel that only counts -------------------------------------------------------- */

enum { MOST_CALLS = 4096 };

static struct {
    size_t calls;
    idp_fc call[MOST_CALLS];
} seen;

static void counting_kernel(const idp_fc *fc) {
    if (seen.calls < MOST_CALLS) seen.call[seen.calls] = *fc;
    seen.calls++;
}

static const idp_kernel counting_panel = {.name = "counting",
                                          .layout = IDP_LAYOUT_PANEL,
                                          .tile_batch = 1,
                                          .tile_out = 8,
                                          .lanes = 1,
                                          .panel = 8,
                                          .panel_granule = 8,
                                          .run = counting_kernel};
static const idp_kernel counting_batch = {.name = "counting",
                                          .layout = IDP_LAYOUT_BATCH,
                                          .tile_batch = 1,
                                          .tile_out = 2,
                                          .lanes = 1,
                                          .panel = 2,
                                          .panel_granule = 2,
                                          .run = counting_kernel};

static workload_spec counting(const idp_kernel *kernel, size_t batch, uint32_t extra_ppm) {
    return (workload_spec){
        .kernel = kernel, .out = 10, .in = 100, .m = 7, .k = 33, .batch = batch, .extra_ppm = extra_ppm};
}

/* Makes it, and forgets the call with which workload_make tries it. */
static void make(const workload_spec *spec, uint64_t seed, size_t cold_bytes, workload *w) {
    const workload_place place = workload_place_draw(seed, cold_bytes);
    error e = {""};
    ck_assert_msg(workload_make(spec, &place, w, &e), "%s", e.text);
    seen.calls = 0;
}

START_TEST(iterations_are_calls) {
    const workload_spec spec = counting(&counting_panel, 1, 0);
    workload w;
    make(&spec, 1, 0, &w);
    workload_run(&w, 100);
    ck_assert_uint_eq(seen.calls, 100);
    for (size_t c = 0; c < 100; c++) {
        const idp_fc *fc = &seen.call[c];
        ck_assert(fc->out == 10 && fc->in == 100 && fc->m == 7 && fc->k == 33 && fc->batch == 1 && fc->relu);
        ck_assert_ptr_nonnull(fc->gamma);
        ck_assert_ptr_eq(fc->weights, seen.call[0].weights);
        ck_assert_ptr_eq(fc->x, seen.call[0].x);
    }
    workload_free(&w);
}
END_TEST

/* One sample each, one behind the other; or all of them in one call. */
START_TEST(a_batch_is_one_iteration) {
    workload w;
    workload_spec spec = counting(&counting_panel, 5, 0);
    make(&spec, 1, 0, &w);
    workload_run(&w, 3);
    ck_assert_uint_eq(seen.calls, 15);
    for (size_t c = 0; c < 15; c++) {
        ck_assert_uint_eq(seen.call[c].batch, 1);
        ck_assert_ptr_eq(seen.call[c].x, seen.call[0].x + c % 5 * 112); /* 100 channels, rounded up to lines */
        ck_assert_ptr_eq(seen.call[c].y, seen.call[0].y + c % 5 * 16);
    }
    workload_free(&w);
    spec = counting(&counting_batch, 5, 0);
    make(&spec, 1, 0, &w);
    workload_run(&w, 3);
    ck_assert_uint_eq(seen.calls, 3);
    ck_assert_uint_eq(seen.call[0].batch, 5);
    ck_assert_uint_eq(seen.call[0].x_stride, 16);
    workload_free(&w);
}
END_TEST

/* Exactly that share, and spread evenly: every 33rd call or so is done twice, however they are cut into slices. */
START_TEST(extra_calls_are_the_planted_share) {
    static const struct {
        uint32_t ppm;
        size_t iterations, calls;
    } cases[] = {{30000, 1000, 1030}, {30000, 33, 33}, {30000, 34, 35}, {1000000, 100, 200}, {5000, 1000, 1005}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const workload_spec spec = counting(&counting_panel, 1, cases[i].ppm);
        workload w;
        make(&spec, 1, 0, &w);
        size_t done = 0;
        for (size_t slice = 7; done < cases[i].iterations; done += slice) {
            if (slice > cases[i].iterations - done) slice = cases[i].iterations - done;
            workload_run(&w, slice);
        }
        ck_assert_uint_eq(seen.calls, cases[i].calls);
        workload_free(&w);
    }
}
END_TEST

/* All buffers lie at the drawn cache line of a page; lines differ from seed to seed and cover the page. */
START_TEST(places_vary_within_the_alignment) {
    const workload_spec spec = counting(&counting_panel, 1, 0);
    bool taken[WORKLOAD_LINES] = {false};
    for (uint64_t seed = 0; seed < 1000; seed++) {
        const workload_place place = workload_place_draw(seed, 0), same = workload_place_draw(seed, 0);
        ck_assert_mem_eq(place.line, same.line, sizeof place.line);
        for (size_t i = 0; i < 4; i++) ck_assert_uint_lt(place.line[i], WORKLOAD_LINES);
        taken[place.line[0]] = true;
        if (seed >= 20) continue;
        workload w;
        make(&spec, seed, 0, &w);
        const float *at[] = {w.fc.weights, w.fc.x, w.fc.y, w.fc.gamma};
        for (size_t i = 0; i < 4; i++) ck_assert_uint_eq((uintptr_t)at[i] % 4096, 64 * place.line[i]);
        workload_free(&w);
    }
    for (size_t line = 0; line < WORKLOAD_LINES; line++) ck_assert_msg(taken[line], "line %zu is never used", line);
}
END_TEST

/* Every copy once before any comes again, in an order that is not that of memory; all hold the same weights, and
 * together they fill what was asked for. */
START_TEST(cold_weights_take_turns) {
    enum { COLD = 256 << 10 };
    const workload_spec spec = counting(&counting_panel, 1, 0);
    const size_t bytes = idp_packed_floats(&counting_panel, 10, 100) * sizeof(float);
    workload w;
    make(&spec, 3, COLD, &w);
    ck_assert_uint_ge(w.copies * bytes, COLD);
    ck_assert_uint_le((w.copies - 1) * bytes, COLD);
    ck_assert_uint_lt(2 * w.copies, MOST_CALLS);
    workload_run(&w, 2 * w.copies);
    size_t in_order = 0;
    for (size_t c = 0; c < w.copies; c++) {
        for (size_t before = 0; before < c; before++)
            ck_assert_ptr_ne(seen.call[before].weights, seen.call[c].weights);
        ck_assert_ptr_eq(seen.call[c].weights, seen.call[c + w.copies].weights);
        ck_assert_mem_eq(seen.call[c].weights, w.weights, bytes);
        ck_assert_uint_eq((uintptr_t)seen.call[c].weights % 64, 0);
        in_order += c > 0 && seen.call[c].weights > seen.call[c - 1].weights;
    }
    ck_assert_uint_lt(in_order, 3 * w.copies / 4);
    workload_free(&w);
    make(&spec, 3, 1, &w);
    ck_assert_uint_eq(w.copies, 2); /* a layer larger than the cache still may not stay in it */
    workload_free(&w);
}
END_TEST

/* What is timed is a real layer: weights of variance 1 / in, results that are finite and not all zero. */
START_TEST(a_layer_computes) {
    workload_spec spec;
    workload_shape shape = layer;
    shape.m = shape.out;
    ck_assert(workload_parse("scalar@100", &shape, &spec, NULL));
    workload w;
    make(&spec, 5, 0, &w);
    workload_run(&w, 1);
    size_t positive = 0;
    for (size_t j = 0; j < shape.out; j++) {
        ck_assert(isfinite(w.fc.y[j]));
        positive += w.fc.y[j] > 0;
    }
    ck_assert_uint_gt(positive, 0);
    workload_free(&w);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("workload");
    TCase *names = tcase_create("names"), *calls = tcase_create("calls");
    tcase_add_test(names, names_are_understood);
    tcase_add_test(names, layout_chooses_the_kernel_of_a_back_end);
    tcase_add_test(names, wrong_names_are_refused);
    tcase_add_test(names, peers_are_named_like_kernels);
    tcase_add_test(names, peers_do_the_work_of_kernels);
    tcase_add_test(names, what_cannot_run_here_is_refused);
    tcase_add_test(calls, iterations_are_calls);
    tcase_add_test(calls, a_batch_is_one_iteration);
    tcase_add_test(calls, extra_calls_are_the_planted_share);
    tcase_add_test(calls, places_vary_within_the_alignment);
    tcase_add_test(calls, cold_weights_take_turns);
    tcase_add_test(calls, a_layer_computes);
    suite_add_tcase(suite, names);
    suite_add_tcase(suite, calls);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
