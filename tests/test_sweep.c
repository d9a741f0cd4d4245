/* test_sweep.c: the sweep of small networks of our own: every row has a complete and true record, the table marks
 * the right rows, and what fails leaves nothing behind. Times come from a ticking clock, except in one short real
 * run. */
#include "commands.h"
#include "measure/clock.h"
#include "measure/issued.h"
#include "model/train.h"
#include "sweep/sweep_latency.h"

#include <check.h> /* last: it has a macro `fail` */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 4, INPUTS = SIDE * SIDE, HIDDEN = 20, CLASSES = 3, TESTS = 50 };

/* Every reading is a tick later than the one before, so every slice takes a tick and has two iterations. Coarse, so
 * that the warm-up, which is a given time, is few turns. */
enum { TICK_NS = 1000000, SLICE_NS = 2 * TICK_NS };

static uint64_t tick(void *context) { return *(uint64_t *)context += TICK_NS; }
static uint64_t never(void *context) {
    (void)context;
    return 0;
}
static double hz(void *context) {
    (void)context;
    return 3e9;
}

static uint64_t ticks;
static const paired_clock ticking = {tick, never, hz, &ticks};

static model m;
static dataset data;
static results r;
static const idp_backend *scalar;

/* Two profiles, 0-30 and 30-100 %, that share the middle layer. */
static void make_model(const char *recipe_name) {
    static const size_t width[] = {INPUTS, HIDDEN, HIDDEN, CLASSES};
    random_state random;
    random_seed(&random, 3, RANDOM_TEST);
    m = (model){.gamma = GAMMA_LINEAR, .seed = 7, .layers = 3, .profiles = 2};
    snprintf(m.recipe, sizeof m.recipe, "%s", recipe_name);
    snprintf(m.data_name, sizeof m.data_name, "dots");
    memcpy(m.width, width, sizeof width);
    m.incomplete[1] = true;
    m.incomplete[2] = strcmp(recipe_name, "nested") == 0;
    m.profile[0].to_percent = m.profile[1].from_percent = 30;
    m.profile[1].to_percent = 100;
    for (size_t p = 0; p < m.profiles; p++) {
        for (size_t l = 0; l < m.layers; l++) {
            model_layer *layer = // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): of three layers
                p == 1 && l == 1 ? m.profile[0].layer[1] : model_add_layer(&m, width[l + 1], width[l]);
            ck_assert_ptr_nonnull(layer);
            for (size_t i = 0; i < layer->out * layer->in; i++) layer->w[i] = (float)random_normal(&random);
            m.profile[p].layer[l] = layer;
        }
    }
}

static void set_up(void) {
    error e = {""};
    random_state random;
    random_seed(&random, 4, RANDOM_TEST);
    ticks = 0;
    make_model("nested");
    data = (dataset){.name = "dots", .classes = CLASSES};
    data.test = (images){
        .count = TESTS, .rows = SIDE, .columns = SIDE, .pixels = malloc(TESTS * INPUTS), .labels = malloc(TESTS)};
    ck_assert(data.test.pixels != NULL && data.test.labels != NULL);
    for (size_t i = 0; i < TESTS * INPUTS; i++) data.test.pixels[i] = (uint8_t)random_below(&random, 256);
    for (size_t i = 0; i < TESTS; i++) data.test.labels[i] = (uint8_t)random_below(&random, CLASSES);
    scalar = idp_backend_find("scalar");
    ck_assert_ptr_nonnull(scalar);
    ck_assert_msg(results_new(&r, "idp sweep", 7, &e), "%s", e.text);
    progress_quiet(true);
}

static void tear_down(void) {
    model_free(&m);
    dataset_free(&data);
    results_free(&r);
}

static sweep_options ticking_options(void) {
    sweep_options o = sweep_defaults();
    o.clock = &ticking;
    o.slice_ns = SLICE_NS;
    o.rounds = 20;
    o.budget_s = HUGE_VAL;
    return o;
}

static void sweep_all(const sweep_options *o, FILE *table) {
    error e = {""};
    ck_assert_msg(sweep_model(&m, scalar, &data, o, &r, table, &e), "%s", e.text);
}

static double number(const json_t *record, const char *field) {
    const json_t *value = json_object_get(record, field);
    ck_assert_msg(json_is_number(value), "field %s is missing or no number", field);
    return json_number_value(value);
}

/* record.field.batch.member, or record.field.batch where member is NULL. */
static double batch_number(const json_t *record, const char *field, const char *batch, const char *member) {
    const json_t *of_batch = json_object_get(json_object_get(record, field), batch);
    const json_t *value = member != NULL ? json_object_get(of_batch, member) : of_batch;
    ck_assert_msg(json_is_number(value), "field %s.%s is missing or no number", field, batch);
    return json_number_value(value);
}

static const char *const batch_names[] = {"batch_1", "batch_128"};

/* ---- percentages ------------------------------------------------------------------------------------------- */

START_TEST(percentages_are_the_recipes) {
    static const size_t authors_k[] = {10, 14, 19, 24, 28, 33, 38, 43, 47, 52,
                                       57, 62, 66, 71, 76, 81, 85, 90, 95, 100};
    double percent[SWEEP_MOST_PERCENTS];
    ck_assert_uint_eq(sweep_percents(&m, percent), 11);
    ck_assert_double_eq(percent[0], 5);
    for (int i = 1; i <= 10; i++) ck_assert_double_eq(percent[i], 10 * i);
    model_free(&m);
    make_model("authors");
    ck_assert_uint_eq(sweep_percents(&m, percent), 20);
    for (size_t i = 0; i < 20; i++) ck_assert_uint_eq(idp_prefix(100, percent[i]), authors_k[i]);
}
END_TEST

/* ---- records ----------------------------------------------------------------------------------------------- */

/* Two FLOPs a multiply-add of the scalar kernels, per sample: layer 1 (cut in its outputs) runs row by row and
 * wastes nothing, the others run whole panels; a batch always does. */
static double issued_by_hand(double percent, size_t samples) {
    const size_t k = idp_prefix(HIDDEN, percent);
    double sum = 0;
    for (size_t l = 0; l < 3; l++) {
        const size_t out = l == 2 ? CLASSES : HIDDEN, used = l == 2 ? CLASSES : k, channels = l == 0 ? INPUTS : k;
        const idp_layout layout = samples > 1 ? IDP_LAYOUT_BATCH : l == 0 ? IDP_LAYOUT_ROW : IDP_LAYOUT_PANEL;
        const idp_kernel *kernel = idp_backend_kernel(scalar, layout);
        size_t lanes = layout == IDP_LAYOUT_ROW ? used : 0;
        for (size_t j = 0; j < used && layout != IDP_LAYOUT_ROW; j += kernel->panel) {
            const size_t left = out - j, granule = kernel->panel_granule;
            lanes += left < kernel->panel ? (left + granule - 1) / granule * granule : kernel->panel;
        }
        sum += 2.0 * (double)(lanes * channels);
    }
    return sum;
}

START_TEST(every_row_has_a_complete_record) {
    const sweep_options o = ticking_options();
    sweep_all(&o, NULL);
    double percent[SWEEP_MOST_PERCENTS], accuracy[SWEEP_MOST_PERCENTS];
    const unsigned percents = sweep_percents(&m, percent);
    char label[256];
    model_label(&m, label, sizeof label);
    ck_assert_uint_eq(json_array_size(r.records), 2 * percents);
    for (size_t p = 0; p < m.profiles; p++) {
        error e = {""};
        ck_assert(model_accuracy(&m, scalar, &data.test, p, percent, percents, accuracy, &e));
        for (size_t i = 0; i < percents; i++) {
            const json_t *record = json_array_get(r.records, p * percents + i);
            const json_t *range = json_object_get(record, "range_percent");
            ck_assert_str_eq(json_string_value(json_object_get(record, "kind")), "sweep");
            ck_assert_str_eq(json_string_value(json_object_get(record, "model")), label);
            ck_assert_str_eq(json_string_value(json_object_get(record, "recipe")), "nested");
            ck_assert_str_eq(json_string_value(json_object_get(record, "gamma")), "linear");
            ck_assert_str_eq(json_string_value(json_object_get(record, "backend")), "scalar");
            ck_assert_double_eq(json_number_value(json_array_get(range, 0)), p == 0 ? 0 : 30);
            ck_assert_double_eq(json_number_value(json_array_get(range, 1)), p == 0 ? 30 : 100);
            ck_assert_double_eq(number(record, "profile"), (double)p);
            ck_assert_double_eq(number(record, "percent"), percent[i]);
            ck_assert_double_eq(number(record, "k"), (double)idp_prefix(HIDDEN, percent[i]));
            ck_assert_double_eq(number(record, "seed"), 7);
            ck_assert_double_eq(number(record, "accuracy_percent"), accuracy[i]);
            ck_assert_double_eq(number(record, "nominal_flops"), model_nominal_flops(&m, percent[i]));
            ck_assert_double_eq(number(record, "useful_flops"), model_useful_flops(&m, percent[i]));
            for (size_t b = 0; b < 2; b++) {
                const double issued = batch_number(record, "issued_flops", batch_names[b], NULL);
                ck_assert_double_eq_tol(issued, issued_by_hand(percent[i], b == 0 ? 1 : 128), 1e-9);
                ck_assert_double_ge(issued, model_useful_flops(&m, percent[i]));
            }
            ck_assert_str_eq(json_string_value(json_object_get(record, "issued_flops_source")), "tile arithmetic");
            ck_assert_double_eq(number(record, "level"), 0.99);
            ck_assert(json_is_boolean(json_object_get(record, "pinned")));
            ck_assert(json_is_true(json_object_get(record, "ftz")) == (clock_ftz() == FTZ_ON));
            for (size_t b = 0; b < 2; b++) {
                static const char *const members[] = {"median", "low", "high"};
                for (size_t n = 0; n < 3; n++) {
                    ck_assert_double_eq(batch_number(record, "latency_ns", batch_names[b], members[n]),
                                        TICK_NS / 2.0);
                    ck_assert_double_eq(batch_number(record, "time_ratio", batch_names[b], members[n]), 1);
                    ck_assert_double_eq(batch_number(record, "aa_ratio", batch_names[b], members[n]), 1);
                    ck_assert_double_eq(batch_number(record, "core_hz", batch_names[b], members[n]), 3e9);
                }
                ck_assert_double_eq(batch_number(record, "rounds", batch_names[b], NULL), 20);
                ck_assert_double_eq(batch_number(record, "discarded", batch_names[b], NULL), 0);
                ck_assert_double_eq(batch_number(record, "disturbed", batch_names[b], NULL), 0);
            }
        }
    }
}
END_TEST

/* What the compiler makes of plain C has no tiles that anybody could count. */
START_TEST(issued_work_of_compiled_loops_is_unknown) {
    idp_mlp *network = NULL;
    error e = {""};
    const idp_backend compiled = {.name = "autovec", .origin = IDP_ORIGIN_AUTOVEC};
    ck_assert_msg(model_network(&m, scalar, &network, &e), "%s", e.text);
    ck_assert(isfinite(issued_flops(&m, network, scalar, 50, 1)));
    ck_assert(isnan(issued_flops(&m, network, &compiled, 50, 1)));
    idp_mlp_destroy(network);
}
END_TEST

START_TEST(the_document_is_valid) {
    char path[] = "/tmp/idp-test-sweep-XXXXXX";
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    const sweep_options o = ticking_options();
    sweep_all(&o, NULL);
    error e = {""};
    results back;
    results_data(&r, "dots", false, "00", 0, TESTS);
    ck_assert_msg(results_write(&r, path, &e), "%s", e.text);
    ck_assert_msg(results_read(&back, path, &e), "%s", e.text);
    ck_assert(json_equal(back.records, r.records));
    results_free(&back);
    unlink(path);
}
END_TEST

START_TEST(without_latency_there_are_no_times) {
    sweep_options o = ticking_options();
    o.latency = false;
    sweep_all(&o, NULL);
    ck_assert_uint_eq(json_array_size(r.records), 22);
    const json_t *record = json_array_get(r.records, 0);
    number(record, "accuracy_percent");
    static const char *const absent[] = {"latency_ns", "time_ratio", "aa_ratio", "rounds", "level", "ftz"};
    for (size_t f = 0; f < sizeof absent / sizeof absent[0]; f++)
        ck_assert_msg(json_object_get(record, absent[f]) == NULL, "field %s is there", absent[f]);
    ck_assert_uint_eq(ticks, 0);
}
END_TEST

/* 100 % is measured as the baseline even where nobody asked for its row. */
START_TEST(chosen_percentages_are_the_rows) {
    sweep_options o = ticking_options();
    o.percents = 3;
    o.percent[0] = 0;
    o.percent[1] = 33;
    o.percent[2] = 29;
    sweep_all(&o, NULL);
    ck_assert_uint_eq(json_array_size(r.records), 6);
    for (size_t i = 0; i < 6; i++) {
        const json_t *record = json_array_get(r.records, i);
        ck_assert_double_eq(number(record, "percent"), o.percent[i % 3]);
        ck_assert_double_eq(batch_number(record, "time_ratio", "batch_1", "median"), 1);
    }
}
END_TEST

/* On the real clock: less work takes less time, in both batch sizes, and the intervals are in order. */
START_TEST(real_times_follow_the_work) {
    sweep_options o = sweep_defaults();
    o.rounds = 15;
    o.slice_ns = 50e3;
    o.percents = 2;
    o.percent[0] = 0;
    o.percent[1] = 100;
    cpu_pin before, after;
    cpu_pin_here(&before, NULL);
    cpu_pin_release(&before);
    sweep_all(&o, NULL);
    cpu_pin_here(&after, NULL);
    cpu_pin_release(&after);
    ck_assert_mem_eq(before.old_mask, after.old_mask, sizeof before.old_mask);
    for (size_t b = 0; b < 2; b++) {
        const json_t *none = json_array_get(r.records, 0), *full = json_array_get(r.records, 1);
        const double low = batch_number(none, "latency_ns", batch_names[b], "low");
        const double median = batch_number(none, "latency_ns", batch_names[b], "median");
        ck_assert_double_gt(low, 0);
        ck_assert_double_le(low, median);
        ck_assert_double_le(median, batch_number(none, "latency_ns", batch_names[b], "high"));
        ck_assert_double_lt(median, batch_number(full, "latency_ns", batch_names[b], "median"));
        ck_assert_double_lt(batch_number(none, "time_ratio", batch_names[b], "median"), 1);
        ck_assert_double_eq(batch_number(full, "time_ratio", batch_names[b], "median"), 1);
        ck_assert_double_ge(batch_number(full, "rounds", batch_names[b], NULL), 9);
    }
    const json_t *full = json_array_get(r.records, 1);
    ck_assert_double_gt(batch_number(full, "latency_ns", "batch_128", "median"),
                        5 * batch_number(full, "latency_ns", "batch_1", "median"));
}
END_TEST

/* ---- table ------------------------------------------------------------------------------------------------- */

START_TEST(table_marks_each_profiles_own_rows) {
    FILE *table = tmpfile();
    ck_assert_ptr_nonnull(table);
    sweep_options o = ticking_options();
    sweep_all(&o, table);
    rewind(table);
    char line[512];
    int profile = -1, rows[2] = {0, 0}, own[2] = {0, 0}, trained_elsewhere = 0;
    while (fgets(line, sizeof line, table) != NULL) {
        double percent, accuracy;
        int k;
        if (sscanf(line, "Profile %d", &profile) == 1) continue;
        trained_elsewhere += strstr(line, "trained on other data") != NULL;
        if (sscanf(line + 1, "%lf %d %lf %%", &percent, &k, &accuracy) != 3) continue;
        ck_assert(profile == 0 || profile == 1);
        ck_assert_int_eq(k, (int)idp_prefix(HIDDEN, percent));
        ck_assert_msg((line[0] == '*') == ((percent <= 30) == (profile == 0)), "profile %d: %s", profile, line);
        rows[profile]++;
        own[profile] += line[0] == '*';
    }
    fclose(table);
    ck_assert_int_eq(trained_elsewhere, 0);
    ck_assert_int_eq(rows[0], 11);
    ck_assert_int_eq(rows[1], 11);
    ck_assert_int_eq(own[0], 4); /* 5, 10, 20, 30 */
    ck_assert_int_eq(own[1], 7);
}
END_TEST

START_TEST(table_says_when_the_data_differ) {
    FILE *table = tmpfile();
    ck_assert_ptr_nonnull(table);
    strcpy(data.name, "other dots");
    sweep_options o = ticking_options();
    o.latency = false;
    sweep_all(&o, table);
    rewind(table);
    char text[512];
    const size_t size = fread(text, 1, sizeof text - 1, table);
    text[size] = '\0';
    fclose(table);
    ck_assert_ptr_nonnull(strstr(text, "other dots"));
    ck_assert_ptr_nonnull(strstr(text, "trained on other data (dots)"));
    ck_assert_ptr_null(strstr(text, "Times"));
}
END_TEST

/* ---- processes --------------------------------------------------------------------------------------------- */

/* The answer of one process that measured every percentage at `ns`, and a control of `control`. */
static json_t *answer(size_t percents, double ns, double control) {
    json_t *profiles = json_array(), *batches = json_array();
    json_array_append_new(profiles, batches);
    for (size_t b = 0; b < SWEEP_BATCHES; b++) {
        json_t *time = json_array(), *ratio = json_array();
        for (size_t i = 0; i < percents; i++) {
            json_array_append_new(time, json_real(ns * (double)(i + 1)));
            json_array_append_new(ratio, json_real((double)(i + 1) / (double)percents));
        }
        json_array_append_new(batches, json_pack("{s:o, s:o, s:f, s:f, s:i, s:i, s:i}", "time_ns", time, "of_full",
                                                 ratio, "control", control, "core_hz", 3e9, "rounds", 20,
                                                 "discarded", 2, "disturbed", b == 0 ? 1 : 0));
    }
    return profiles;
}

/* Twelve processes: the intervals are over their numbers, the rounds add up. */
START_TEST(processes_are_the_unit) {
    enum { PROCESSES = 12, PERCENTS = 2 };
    json_t *answers[PROCESSES];
    sweep_options o = {.level = 0.99, .percents = PERCENTS, .percent = {50, 100}};
    static sweep_times times[SWEEP_BATCHES];
    error e = {""};
    for (int p = 0; p < PROCESSES; p++) answers[p] = answer(PERCENTS, 100 + p, 1 + 0.001 * p);
    ck_assert_msg(sweep_join((const json_t *const *)answers, PROCESSES, 1, &o, times, &e), "%s", e.text);
    /* Level 0.99 of 12: from the 2nd smallest to the 2nd largest (1 - 2 * 13 / 4096 = 0.9937). */
    ck_assert_double_eq_tol(times[0].time_ns[0].median, 105.5, 1e-9);
    ck_assert_double_eq_tol(times[0].time_ns[0].low, 101, 1e-9);
    ck_assert_double_eq_tol(times[0].time_ns[0].high, 110, 1e-9);
    ck_assert_double_eq_tol(times[1].time_ns[1].low, 202, 1e-9);
    ck_assert_double_eq_tol(times[1].of_full[0].median, 0.5, 1e-9);
    ck_assert_double_eq_tol(times[0].control.low, 1.001, 1e-9);
    ck_assert_uint_eq(times[0].processes, PROCESSES);
    ck_assert_uint_eq(times[0].rounds, 20 * PROCESSES);
    ck_assert_uint_eq(times[0].discarded, 2 * PROCESSES);
    ck_assert_uint_eq(times[0].disturbed, PROCESSES);
    ck_assert_uint_eq(times[1].disturbed, 0);

    json_array_remove(json_object_get(json_array_get(json_array_get(answers[7], 0), 1), "time_ns"), 1);
    ck_assert(!sweep_join((const json_t *const *)answers, PROCESSES, 1, &o, times, &e));
    ck_assert_msg(strstr(e.text, "process 7") != NULL, "%s", e.text);
    for (int p = 0; p < PROCESSES; p++) json_decref(answers[p]);
}
END_TEST

START_TEST(too_few_processes) {
    sweep_options o = ticking_options();
    error e = {""};
    o.model_path = "unread";
    o.processes = 3;
    ck_assert(!sweep_model(&m, scalar, &data, &o, &r, NULL, &e));
    ck_assert_msg(strstr(e.text, "3 processes are too few") != NULL, "%s", e.text);
    ck_assert_int_eq(sweep_worker("{}", &e), EXIT_ERROR);
    ck_assert_int_eq(sweep_worker("no JSON", &e), EXIT_ERROR);
}
END_TEST

/* ---- errors ------------------------------------------------------------------------------------------------ */

START_TEST(failure_leaves_no_records) {
    error e = {""};
    sweep_options o = ticking_options();
    o.rounds = 2; /* too few for the level: found out in the first measurement */
    ck_assert(!sweep_model(&m, scalar, &data, &o, &r, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "2 rounds are too few"));
    data.test.columns = SIDE + 1;
    ck_assert(!sweep_model(&m, scalar, &data, &o, &r, NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "inputs"));
    ck_assert_uint_eq(json_array_size(r.records), 0);
}
END_TEST

START_TEST(wrong_commands_give_one_line) {
    static char *const lines[][4] = {
        {"sweep", NULL},
        {"sweep", "a", "b", NULL},
        {"sweep", "--percent", "101", "m"},
        {"sweep", "--percent", "", "m"},
        {"sweep", "--rounds", "0", "m"},
        {"sweep", "--rounds", NULL},
        {"sweep", "--wrong", "m", NULL},
        {"sweep", "/nowhere/model.safetensors", NULL},
        {"sweep", "--backend", "abacus", "m"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char *argv[5] = {NULL};
        int argc = 0;
        while (argc < 4 && lines[i][argc] != NULL) {
            argv[argc] = lines[i][argc];
            argc++;
        }
        error e = {""};
        ck_assert_int_eq(cmd_sweep(argc, argv, &e), EXIT_ERROR);
        ck_assert_msg(e.text[0] != '\0' && strchr(e.text, '\n') == NULL, "line %zu: '%s'", i, e.text);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sweep");
    TCase *tests = tcase_create("sweep");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, percentages_are_the_recipes);
    tcase_add_test(tests, every_row_has_a_complete_record);
    tcase_add_test(tests, issued_work_of_compiled_loops_is_unknown);
    tcase_add_test(tests, the_document_is_valid);
    tcase_add_test(tests, without_latency_there_are_no_times);
    tcase_add_test(tests, chosen_percentages_are_the_rows);
    tcase_add_test(tests, real_times_follow_the_work);
    tcase_add_test(tests, table_marks_each_profiles_own_rows);
    tcase_add_test(tests, table_says_when_the_data_differ);
    tcase_add_test(tests, processes_are_the_unit);
    tcase_add_test(tests, too_few_processes);
    tcase_add_test(tests, failure_leaves_no_records);
    tcase_add_test(tests, wrong_commands_give_one_line);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
