/* test_matrix.c: `idp matrix` and `idp roof`: which cells there are, what a kernel loads, what follows from
 * measured times, the records, and that a wrong kernel is never timed. No test depends on a time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "matrix/layer.h"
#include "matrix/network.h"
#include "matrix/run.h"
#include "matrix/table.h"
#include "matrix/worker.h"
#include "measure/peak.h"
#include "measure/roof.h"
#include "results/results.h"
#include "results/schema.h"
#include "seed.h"

#include <check.h> /* last: it has a macro named fail */

/* ---- cells -----------------------------------------------------------------------------------------------------
 */

START_TEST(all_cells_of_the_issue) {
    matrix_choice choice = {.shapes = 0};
    matrix_series list[MATRIX_SERIES];
    unsigned count = 0;
    error e = {""};
    matrix_choice_complete(&choice, false);
    ck_assert_uint_eq(choice.percents, 10);
    ck_assert_double_eq(choice.percent[0], 10);
    ck_assert_double_eq(choice.percent[9], 100);
    ck_assert(matrix_series_list(&choice, false, list, &count, &e));
    ck_assert_uint_eq(count, 16); /* eight layers at two batches */
    static const matrix_series wanted[] = {
        {100, 784, 1, MATRIX_OUTPUTS},  {100, 100, 1, MATRIX_BOTH},     {10, 100, 1, MATRIX_INPUTS},
        {100, 100, 1, MATRIX_INPUTS},   {100, 784, 1, MATRIX_INPUTS},   {512, 512, 1, MATRIX_INPUTS},
        {1024, 1024, 1, MATRIX_INPUTS}, {4096, 4096, 1, MATRIX_INPUTS},
    };
    for (unsigned s = 0; s < count; s++) {
        const matrix_series *w = &wanted[s / 2];
        ck_assert(list[s].out == w->out && list[s].in == w->in && list[s].cut == w->cut);
        ck_assert_uint_eq(list[s].batch, s % 2 == 0 ? 1 : 128);
    }
}
END_TEST

START_TEST(a_cut_leaves_out_what_its_name_says) {
    matrix_cell c = matrix_cell_at(&(matrix_series){100, 784, 128, MATRIX_OUTPUTS}, 30);
    ck_assert(c.m == 30 && c.k == 784);
    ck_assert_double_eq(matrix_flops(&c), 2.0 * 30 * 784 * 128);
    c = matrix_cell_at(&(matrix_series){100, 784, 1, MATRIX_BOTH}, 30);
    ck_assert(c.m == 30 && c.k == 235);
    c = matrix_cell_at(&(matrix_series){10, 100, 1, MATRIX_INPUTS}, 29);
    ck_assert(c.m == 10 && c.k == 29);
}
END_TEST

START_TEST(options_narrow_the_cells) {
    static const struct {
        matrix_choice choice;
        bool quick;
        unsigned count;
    } cases[] = {
        {{.shape = {{100, 100}}, .shapes = 1}, false, 4}, /* both, inputs */
        {{.shape = {{100, 100}}, .shapes = 1, .cut = {[MATRIX_BOTH] = true}}, false, 2},
        {{.shape = {{33, 70}}, .shapes = 1}, false, 2}, /* not usual: inputs */
        {{.shape = {{33, 70}}, .shapes = 1, .cut = {true, true, true}}, false, 6},
        {{.shape = {{4096, 4096}}, .shapes = 1, .batch = {1}, .batches = 1}, true, 1},
        {{.shapes = 0}, true, 12}, /* quick: no 1024, no 4096 */
        {{.batch = {1, 7, 255}, .batches = 3, .cut = {[MATRIX_OUTPUTS] = true}}, false, 3},
        {{.shape = {{10, 100}}, .shapes = 1, .cut = {[MATRIX_OUTPUTS] = true}}, false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        matrix_choice choice = cases[i].choice;
        matrix_series list[MATRIX_SERIES];
        unsigned count = 99;
        error e = {""};
        matrix_choice_complete(&choice, cases[i].quick);
        ck_assert_int_eq(matrix_series_list(&choice, cases[i].quick, list, &count, &e), cases[i].count > 0);
        ck_assert_msg(count == cases[i].count, "case %zu: %u", i, count);
        if (count == 0) ck_assert_ptr_nonnull(strstr(e.text, "no cell is left"));
    }
}
END_TEST

START_TEST(requests_are_understood_again) {
    matrix_request q = {.backend = idp_backend_find("scalar"),
                        .series = {100, 784, 128, MATRIX_OUTPUTS},
                        .percent = {10, 29.5},
                        .percents = 2,
                        .rounds = 40,
                        .budget_s = 0.25,
                        .limit_s = 60,
                        .seed = 77},
                   again;
    error e = {""};
    char *text = matrix_request_write(&q);
    ck_assert_ptr_nonnull(text);
    ck_assert_msg(matrix_request_read(text, &again, &e), "%s", e.text);
    ck_assert_ptr_eq(again.backend, q.backend);
    ck_assert(again.series.out == 100 && again.series.in == 784 && again.series.batch == 128);
    ck_assert(again.series.cut == MATRIX_OUTPUTS && again.percents == 2 && again.percent[1] == 29.5);
    ck_assert(again.rounds == 40 && again.seed == 77 && !again.network);
    free(text);
    static const char *const wrong[] = {"", "{}", "[]", "{\"backend\": \"scalar\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert(!matrix_request_read(wrong[i], &again, &e));
}
END_TEST

/* ---- what is loaded --------------------------------------------------------------------------------------------
 */

/* Marks the floats of all blocks; counts them. */
static size_t mark(const stream_block *block, size_t blocks, const float *base, unsigned char *seen, size_t size) {
    size_t count = 0;
    for (size_t b = 0; b < blocks; b++)
        for (size_t r = 0; r < block[b].rows; r++)
            for (size_t i = 0; i < block[b].floats; i++) {
                const ptrdiff_t at = &block[b].start[r * block[b].stride + i] - base;
                if (at < 0 || (size_t)at >= size) continue;
                count += !seen[at];
                seen[at] = 1;
            }
    return count;
}

/* Every weight and bias that the cut layer needs is among the blocks, wherever the kernel's packing puts it: packed
 * weights that are all distinct tell where they went. */
START_TEST(blocks_hold_what_the_layer_needs) {
    enum { OUT = 37, IN = 53, M = 21, K = 19 };
    float w[OUT * IN], b[OUT], x[IN * 16] = {0}, y[OUT * 16];
    for (size_t i = 0; i < OUT * IN; i++) w[i] = (float)(i + 1);
    for (size_t j = 0; j < OUT; j++) b[j] = -(float)(j + 1);
    for (size_t b0 = 0; b0 < idp_backend_count(); b0++)
        for (size_t n = 0; n < idp_backend_at(b0)->kernel_count; n++) { /* packing runs anywhere */
            const idp_kernel *kernel = &idp_backend_at(b0)->kernels[n];
            const size_t floats = idp_packed_floats(kernel, OUT, IN);
            float *packed = aligned_alloc(64, (floats * sizeof(float) + 63) / 64 * 64);
            unsigned char *seen = calloc(floats, 1);
            stream_block block[64];
            ck_assert(packed != NULL && seen != NULL);
            idp_pack(kernel, OUT, IN, w, IN, b, packed);
            const size_t batch = kernel->layout == IDP_LAYOUT_BATCH ? 16 : 1;
            const idp_fc fc = {.weights = packed,
                               .x = x,
                               .y = y,
                               .out = OUT,
                               .in = IN,
                               .m = M,
                               .k = K,
                               .batch = batch,
                               .x_stride = batch,
                               .y_stride = batch};
            const size_t blocks = matrix_blocks(kernel, &fc, block, 64);
            const size_t count = mark(block, blocks, packed, seen, floats);
            size_t needed = 0;
            for (size_t i = 0; i < floats; i++) {
                const float value = packed[i];
                const size_t at = (size_t)fabsf(value) - 1;
                const bool used = value > 0 ? at / IN < M && at % IN < K : value < 0 && at < M;
                needed += used;
                ck_assert_msg(!used || seen[i], "%s: float %zu is not loaded", kernel->name, i);
            }
            /* At most a cache line's gap a row is loaded besides. */
            ck_assert_msg(count >= needed && count < needed + 16 * (M + K + 2) * (size_t)OUT, "%s: %zu for %zu",
                          kernel->name, count, needed);
            const stream_block *last = &block[blocks - 1];
            ck_assert_ptr_eq(last->start, x);
            ck_assert_double_eq(stream_bytes(last, 1), 4.0 * K * (double)batch);
            free(packed);
            free(seen);
        }
}
END_TEST

START_TEST(rows_with_small_gaps_become_one) {
    float memory[1000] = {0};
    stream_block b = stream_block_of(memory, 10, 20, 24);
    ck_assert(b.rows == 1 && b.floats == 9 * 24 + 20);
    b = stream_block_of(memory, 10, 20, 36);
    ck_assert(b.rows == 10 && b.floats == 20 && b.stride == 36);
    b = stream_block_of(memory, 1, 20, 20);
    ck_assert(b.rows == 1 && b.floats == 20);
    ck_assert_double_eq(stream_bytes(&b, 1), 80);
}
END_TEST

/* Streams read within their blocks: the sanitizer build sees to that, at exact ends of buffers. */
START_TEST(streams_stay_inside) {
    for (unsigned w = 0; w < STREAM_WIDTHS; w++) {
        stream_function *load = stream_find(stream_width_bits[w]);
        if (load == NULL) continue;
        for (size_t floats = 1; floats < 300; floats += 7)
            for (size_t way = 0; way < STREAM_WAYS; way++) {
                const size_t stride = floats + 16, span = 5 * stride + floats;
                float *memory = calloc(span, sizeof *memory);
                ck_assert_ptr_nonnull(memory);
                const stream_block block[] = {{memory, 6, floats, stride}, {memory, 1, span, span}};
                load(block, 2, stream_ways[way]);
                free(memory);
            }
    }
}
END_TEST

/* ---- judging ---------------------------------------------------------------------------------------------------
 */

static json_t *row_json(const char *name, const char *role, double rough, const double *ns, size_t rounds) {
    json_t *list = json_array();
    for (size_t r = 0; r < rounds; r++) json_array_append_new(list, json_real(ns[r]));
    return json_pack("{s:s, s:s, s:f, s:o}", "name", name, "role", role, "rough_ns", rough, "ns", list);
}

/* One process's answer of one cell: eight rounds on a machine that gets slower by `drift` a round. */
static json_t *answer_of(double percent, double fast, double slow, double library, double naive, double loads,
                         double fma, double drift) {
    enum { ROUNDS = 8 };
    const double base[] = {fast, slow, library, naive, loads, 5 * loads, fma};
    static const char *const name[] = {"ours_a", "ours_b", "lib_best", "lib_slice", "ours_a", "ours_b", "fma"};
    static const char *const role[] = {"kernel", "kernel", "peer", "naive", "loads", "loads", "fma"};
    json_t *rows = json_array();
    for (size_t i = 0; i < 7; i++) {
        double ns[ROUNDS];
        for (int r = 0; r < ROUNDS; r++) ns[r] = base[i] * (1 + drift * r);
        json_array_append_new(rows, row_json(name[i], role[i], 1, ns, ROUNDS));
    }
    json_array_append_new(rows, row_json("lib_far", "peer", 40 * fast, NULL, 0));
    return json_pack("{s:f, s:i, s:i, s:i, s:f, s:o}", "percent", percent, "rounds", ROUNDS, "discarded", 2,
                     "disturbed", 1, "core_hz", 3e9, "rows", rows);
}

static matrix_figure figure_at(double percent) {
    const matrix_series series = {100, 784, 1, MATRIX_INPUTS};
    matrix_figure f = {.backend = idp_backend_find("scalar"), .cell = matrix_cell_at(&series, percent)};
    f.flops = matrix_flops(&f.cell);
    return f;
}

START_TEST(figures_follow_from_the_rounds) {
    json_t *answer[2];
    matrix_figure f = figure_at(50);
    error e = {""};
    for (int a = 0; a < 2; a++) {
        answer[a] = json_array();
        json_array_append_new(answer[a], answer_of(50, 100, 150, 125, 300, 80, 60, 0.5 * a));
    }
    ck_assert_msg(matrix_judge((const json_t *const *)answer, 2, 0, &f, &e), "%s", e.text);
    ck_assert_str_eq(f.kernel, "ours_a");
    ck_assert_str_eq(f.best_peer, "lib_best");
    ck_assert_str_eq(f.naive_peer, "lib_slice");
    /* The drift is in the times, and cancels in the ratios. */
    ck_assert(f.time_ns.high > 1.5 * f.time_ns.low);
    ck_assert_double_eq_tol(f.ratio.median, 1.25, 1e-9);
    ck_assert_double_eq_tol(f.ratio.high, 1.25, 1e-9);
    ck_assert_double_eq_tol(f.naive_ratio.median, 3, 1e-9);
    ck_assert_str_eq(f.roof_kind, "loads"); /* of the fastest kernel, and later than the FMAs */
    ck_assert_double_eq_tol(f.roof_percent.median, 80, 1e-9);
    ck_assert(!f.above_roof);
    ck_assert(f.processes == 2 && f.rounds == 16 && f.discarded == 4 && f.disturbed == 2);
    ck_assert_double_eq_tol(json_number_value(json_object_get(f.peers, "lib_far")), 4000 / f.time_ns.median, 1e-9);
    ck_assert_uint_eq(json_object_size(f.kernels), 2);
    matrix_figure_free(&f);
    for (int a = 0; a < 2; a++) json_decref(answer[a]);
}
END_TEST

START_TEST(a_figure_above_its_roof_is_flagged) {
    static const struct {
        double loads, fma;
        bool above;
        const char *kind;
    } cases[] = {
        {90, 99, false, "fma"}, {101, 50, true, "loads"}, {50, 130, true, "fma"}, {100, 1, false, "loads"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *answer = json_array();
        matrix_figure f = figure_at(50);
        error e = {""};
        json_array_append_new(answer, answer_of(50, 100, 150, 125, 300, cases[i].loads, cases[i].fma, 0));
        ck_assert_msg(matrix_judge((const json_t *const *)&answer, 1, 0, &f, &e), "%s", e.text);
        ck_assert_int_eq(f.above_roof, cases[i].above);
        ck_assert_str_eq(f.roof_kind, cases[i].kind);
        matrix_figure_free(&f);
        json_decref(answer);
    }
}
END_TEST

START_TEST(answers_that_do_not_fit_are_refused) {
    json_t *answer[2] = {json_array(), json_array()};
    matrix_figure f = figure_at(50);
    error e = {""};
    json_array_append_new(answer[0], answer_of(50, 100, 150, 125, 300, 80, 60, 0));
    ck_assert(!matrix_judge((const json_t *const *)answer, 2, 0, &f, &e)); /* the second has no cell */
    json_array_append_new(answer[1], answer_of(50, 100, 150, 125, 300, 80, 60, 0));
    json_object_set_new(json_array_get(json_object_get(json_array_get(answer[1], 0), "rows"), 2), "name",
                        json_string("another"));
    ck_assert(!matrix_judge((const json_t *const *)answer, 2, 0, &f, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "another"));
    json_decref(answer[0]);
    json_decref(answer[1]);
}
END_TEST

/* ---- records and bars ------------------------------------------------------------------------------------------
 */

static matrix_figure judged(bool network, double percent, double ours, double roof, double naive) {
    json_t *answer = json_array();
    matrix_figure f = figure_at(percent);
    error e = {""};
    f.network = network;
    if (network) f.flops = matrix_network_flops(1, percent);
    json_array_append_new(answer, answer_of(percent, ours, 2 * ours, 0.99 * ours, naive, roof, roof / 2, 0));
    ck_assert_msg(matrix_judge((const json_t *const *)&answer, 1, 0, &f, &e), "%s", e.text);
    json_decref(answer);
    return f;
}

START_TEST(records_keep_the_schema) {
    results to, again;
    error e = {""};
    const char *path = "test_matrix_records.json";
    ck_assert_msg(results_new(&to, "idp matrix", 1, &e), "%s", e.text);
    for (int network = 0; network < 2; network++) {
        matrix_figure f = judged(network == 1, 50, 100, 90, 200);
        json_t *record = matrix_record(&f);
        ck_assert_ptr_nonnull(record);
        if (network == 1) json_object_set_new(record, "reason", json_string(""));
        results_add(&to, record);
        matrix_figure_free(&f);
    }
    ck_assert_msg(results_write(&to, path, &e), "%s", e.text);
    ck_assert_msg(results_read(&again, path, &e), "%s", e.text);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(again.records, 0), "kind")), "matrix");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(again.records, 1), "kind")), "matrix_mlp");
    json_object_set_new(json_array_get(again.records, 0), "cut", json_integer(3));
    ck_assert(!schema_check(again.document, path, &e));
    results_free(&to);
    results_free(&again);
    remove(path);
}
END_TEST

/* The bar, the only one of nine, whose text has the words; -1: it does not speak of the figure. */
static int bar_says(const char *words, const matrix_figure *f) {
    for (unsigned b = 0; b < MATRIX_BARS; b++)
        if (strstr(matrix_bars[b].text, words) != NULL)
            return matrix_bars[b].applies(f, f->backend) ? matrix_bars[b].holds(f) : -1;
    ck_abort_msg("no bar says '%s'", words);
    return -2;
}

START_TEST(bars_hold_where_they_should) {
    matrix_figure f = judged(false, 50, 1000, 900, 2000);
    ck_assert_int_eq(bar_says("every cell", &f), 1); /* ratio 0.99 */
    ck_assert_int_eq(bar_says("roof of 300 ns", &f), 1);
    ck_assert_int_eq(bar_says("10x100", &f), -1);
    f.ratio.median = 0.97;
    f.roof_percent.median = 89.9;
    ck_assert_int_eq(bar_says("every cell", &f), 0);
    ck_assert_int_eq(bar_says("roof of 300 ns", &f), 0);
    f.roof_ns = 299;
    ck_assert_int_eq(bar_says("roof of 300 ns", &f), -1);
    f.cell.of = (matrix_series){10, 100, 1, MATRIX_INPUTS};
    f.ratio.median = 1.59;
    ck_assert_int_eq(bar_says("10x100", &f), 0);
    f.ratio.median = 1.6;
    ck_assert_int_eq(bar_says("10x100", &f), 1);
    f.cell.of = (matrix_series){512, 512, 128, MATRIX_INPUTS};
    f.roof_ns = 999;
    f.roof_percent.median = 90;
    ck_assert_int_eq(bar_says("layers up to 784", &f), 1);
    f.roof_ns = 1000;
    ck_assert_int_eq(bar_says("layers up to 784", &f), 0);
    f.cell.of.out = 4096;
    ck_assert_int_eq(bar_says("layers from 1024", &f), 1);
    ck_assert_int_eq(bar_says("layers up to 784", &f), -1);
    matrix_figure_free(&f);
}
END_TEST

START_TEST(network_bars_hold_where_they_should) {
    matrix_figure f = judged(true, 10, 400, 250, 1300);
    ck_assert_int_eq(bar_says("1.15 times its roof", &f), 0); /* 387.5 */
    ck_assert_int_eq(bar_says("naive slices", &f), 1);
    f.time_ns.median = 387;
    f.naive_ratio.median = 2.9;
    ck_assert_int_eq(bar_says("1.15 times its roof", &f), 1);
    ck_assert_int_eq(bar_says("naive slices", &f), 0);
    f.time_share.median = 0.2;
    f.flops_share = 0.1;
    ck_assert_int_eq(bar_says("time saved", &f), -1); /* below 20 % */
    f.cell.percent = 20;
    ck_assert_int_eq(bar_says("time saved", &f), 0);
    f.flops_share = 0.16;
    ck_assert_int_eq(bar_says("time saved", &f), 1);
    matrix_figure_free(&f);
}
END_TEST

START_TEST(shares_have_reasons) {
    matrix_figure full = judged(true, 100, 3000, 2700, 4000), f = judged(true, 50, 1800, 1620, 3000);
    char reason[256];
    f.flops_share = 0.47;
    f.time_share.median = 0.5;
    matrix_share_reason(&f, &full, reason, sizeof reason);
    ck_assert_str_eq(reason, "");
    f.time_share.median = 0.6;
    f.roof_share = 0.6;
    matrix_share_reason(&f, &full, reason, sizeof reason);
    ck_assert_ptr_nonnull(strstr(reason, "cache level"));
    f.roof_share = 0.47;
    matrix_share_reason(&f, &full, reason, sizeof reason);
    ck_assert_ptr_nonnull(strstr(reason, "fixed cost: 390 ns"));
    f.time_share.median = 0.3;
    matrix_share_reason(&f, &full, reason, sizeof reason);
    ck_assert_ptr_nonnull(strstr(reason, "of their roof"));
    matrix_figure_free(&f);
    matrix_figure_free(&full);
}
END_TEST

/* ---- a wrong kernel is not timed -------------------------------------------------------------------------------
 */

static const idp_kernel *honest;

static void forgets_a_channel(const idp_fc *fc) {
    idp_fc less = *fc;
    less.k--;
    honest->run(&less);
}

static void writes_nothing(const idp_fc *fc) { (void)fc; }

START_TEST(wrong_results_are_found) {
    const uint64_t seed = test_seed("matrix");
    const idp_backend *scalar = idp_backend_find("scalar");
    static const matrix_series series[] = {{20, 30, 1, MATRIX_INPUTS}, {20, 30, 5, MATRIX_BOTH}};
    for (size_t s = 0; s < 2; s++) {
        matrix_layer layer;
        static matrix_bench bench;
        error e = {""};
        ck_assert_msg(matrix_layer_make(&series[s], scalar, seed, &layer, &e), "%s", e.text);
        const matrix_cell cell = matrix_cell_at(&series[s], 60);
        ck_assert_msg(matrix_bench_make(&layer, &cell, &bench, &e), "%s", e.text);
        ck_assert_msg(matrix_bench_check(&bench, &e), "%s", e.text);
        void (*const wrong[])(const idp_fc *) = {forgets_a_channel, writes_nothing};
        for (size_t i = 0; i < 2; i++) {
            honest = bench.row[0].kernel;
            idp_kernel broken = *honest;
            broken.run = wrong[i];
            bench.row[0].kernel = &broken;
            ck_assert(!matrix_bench_check(&bench, &e));
            ck_assert_ptr_nonnull(strstr(e.text, "is not timed"));
            bench.row[0].kernel = honest;
        }
        matrix_bench_free(&bench);
        matrix_layer_free(&layer);
    }
}
END_TEST

START_TEST(a_wrong_network_is_found) {
    const uint64_t seed = test_seed("matrix");
    const idp_backend *scalar = idp_backend_find("scalar");
    static const size_t batch[] = {1, 3};
    for (size_t n = 0; n < 2; n++) {
        matrix_network network;
        static network_bench bench;
        error e = {""};
        ck_assert_msg(matrix_network_make(scalar, batch[n], seed, &network, &e), "%s", e.text);
        ck_assert_msg(network_bench_make(&network, 50, &bench, &e), "%s", e.text);
        ck_assert_msg(network_bench_check(&bench, &e), "%s", e.text);
        network.b[2][7] += 0.01f; /* the oracle's network is then another one */
        ck_assert(!network_bench_check(&bench, &e));
        network_bench_free(&bench);
        matrix_network_free(&network);
    }
}
END_TEST

START_TEST(far_peers_are_left_out_of_long_rounds_only) {
    static const struct {
        matrix_role role;
        double rough_ns;
        bool left_out; /* where the rounds are long */
    } cases[] = {{MATRIX_KERNEL, 9e6, false}, {MATRIX_PEER, 1e6, false},  {MATRIX_PEER, 1.4e6, false},
                 {MATRIX_PEER, 1.6e6, true},  {MATRIX_NAIVE, 3e6, false}, {MATRIX_NAIVE, 4e6, false},
                 {MATRIX_NAIVE, 5e6, true},   {MATRIX_LOADS, 9e6, false}};
    enum { CASES = sizeof cases / sizeof cases[0] };
    for (int is_long = 0; is_long < 2; is_long++) {
        matrix_row row[CASES], *rows[CASES];
        for (size_t i = 0; i < CASES; i++) {
            row[i] = (matrix_row){.role = cases[i].role, .rough_ns = cases[i].rough_ns};
            rows[i] = &row[i];
        }
        matrix_leave_out(rows, CASES, is_long ? 0.2 : 20);
        for (size_t i = 0; i < CASES; i++)
            ck_assert_msg(row[i].left_out == (is_long && cases[i].left_out), "row %zu", i);
    }
}
END_TEST

/* ---- the roof's arithmetic -------------------------------------------------------------------------------------
 */

/* A clock on which every slice takes a millisecond. */
static uint64_t tick(void *context) {
    uint64_t *now = context;
    return *now += 1000000;
}
static uint64_t never(void *context) {
    (void)context;
    return 0;
}
static double steady(void *context) {
    (void)context;
    return 2.5e9;
}

START_TEST(roofs_are_amounts_over_times) {
    uint64_t now = 0;
    const paired_clock clock = {tick, never, steady, &now};
    const roof_options o = {
        .rounds = 20, .budget_s = INFINITY, .level = 0.9, .cache_bytes = {4096, 32768}, .seed = 1, .clock = &clock};
    roof_result r;
    error e = {""};
    ck_assert_msg(roof_measure(&o, &r, &e), "%s", e.text);
    ck_assert(r.rounds == 20 && r.discarded == 0);
    bool has_clock = false, has_call = false;
    for (unsigned i = 0; i < r.figures; i++) {
        const roof_figure *f = &r.figure[i];
        /* One iteration a slice, and each takes 10^6 ns. */
        if (strncmp(f->resource, "fma_", 4) == 0)
            ck_assert_double_eq_tol(f->value.median, roof_fma_flops((unsigned)atoi(f->resource + 4)) / 1e6, 1e-12);
        if (strcmp(f->resource, "load_l1") == 0) ck_assert_double_eq_tol(f->value.median, 2048 / 1e6, 1e-12);
        if (strcmp(f->resource, "load_l2") == 0) ck_assert_double_eq_tol(f->value.median, 16384 / 1e6, 1e-12);
        ck_assert_str_ne(f->resource, "load_l3"); /* there is none */
        has_call = has_call || (strcmp(f->resource, "call") == 0 && f->value.median == 1e6);
        has_clock = has_clock || (strcmp(f->resource, "clock") == 0 && fabs(f->value.median - 2.5) < 1e-12);
    }
    ck_assert(has_clock && has_call);
}
END_TEST

START_TEST(fma_turns_count_their_flops) {
    ck_assert_double_eq(fma_turn_flops(512), 16 * fma_turn_flops(32));
    ck_assert_double_eq(fma_turn_flops(128), 4 * fma_turn_flops(32));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("matrix");
    const struct {
        const char *name;
        const TTest *tests[8];
    } cases[] = {
        {"cells",
         {all_cells_of_the_issue, a_cut_leaves_out_what_its_name_says, options_narrow_the_cells,
          requests_are_understood_again}},
        {"loads", {blocks_hold_what_the_layer_needs, rows_with_small_gaps_become_one, streams_stay_inside}},
        {"judging",
         {figures_follow_from_the_rounds, a_figure_above_its_roof_is_flagged, answers_that_do_not_fit_are_refused,
          records_keep_the_schema, bars_hold_where_they_should, network_bars_hold_where_they_should,
          shares_have_reasons}},
        {"checking",
         {wrong_results_are_found, a_wrong_network_is_found, far_peers_are_left_out_of_long_rounds_only}},
        {"roof", {roofs_are_amounts_over_times, fma_turns_count_their_flops}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        TCase *tcase = tcase_create(cases[c].name);
        tcase_set_timeout(tcase, 120);
        for (size_t t = 0; t < 8 && cases[c].tests[t] != NULL; t++) tcase_add_test(tcase, cases[c].tests[t]);
        suite_add_tcase(suite, tcase);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
