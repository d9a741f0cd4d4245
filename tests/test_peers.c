/* test_peers.c: other people's libraries: their rows, that they do the whole job, that they obey when held to an
 * instruction set, and that verification notices one that does not do its work. */
#include <stdlib.h>
#include <string.h>

#include "idp.h"
#include "measure/processes.h"
#include "model/random.h"
#include "peers/peers.h"
#include "reference/oracle.h"
#include "seed.h"
#include "verify/verify_peer.h"

#include <check.h> /* last: it has a macro named fail */

static uint64_t seed;

/* ---- the table --------------------------------------------------------------------------------------------- */

START_TEST(rows_are_found_by_name) {
    for (size_t i = 0; i < peer_count(); i++) {
        const peer *p = peer_at(i);
        ck_assert_ptr_eq(peer_find(p->name), p); /* so no name is there twice */
        const peer_library *own = NULL;
        for (size_t l = 0; l < peer_library_count(); l++)
            if (strcmp(peer_library_at(l)->name, p->library) == 0) own = peer_library_at(l);
        ck_assert_ptr_nonnull(own);
        ck_assert_ptr_null(own->absent);
        ck_assert_int_eq(strncmp(p->name, own->id, strlen(own->id)), 0);
    }
    ck_assert_ptr_null(peer_find("nobody"));
    ck_assert_ptr_null(peer_at(peer_count()));
    ck_assert_ptr_null(peer_library_at(peer_library_count()));
}
END_TEST

START_TEST(a_library_has_a_version_or_a_reason) {
    for (size_t l = 0; l < peer_library_count(); l++) {
        const peer_library *library = peer_library_at(l);
        const bool here = library->absent == NULL;
        ck_assert_int_eq(peer_library_version(library->name)[0] != '\0', here);
        ck_assert_int_eq(peer_library_target(library->name)[0] != '\0', here);
        ck_assert(here || library->absent[0] != '\0');
        if (!here) printf("SKIPPED: peers: %s: %s\n", library->name, library->absent);
    }
    ck_assert_str_eq(peer_library_version("nobody"), "");
}
END_TEST

START_TEST(nothing_to_do_is_not_served) {
    for (size_t i = 0; i < peer_count(); i++) {
        const peer_job one = {.out = 3, .in = 5, .m = 2, .k = 4, .batch = 1, .x_stride = 4, .y_stride = 2};
        peer_job none[] = {one, one, one};
        none[0].m = none[1].k = none[2].batch = 0;
        ck_assert(peer_at(i)->serves(&one));
        for (size_t n = 0; n < 3; n++) ck_assert(!peer_at(i)->serves(&none[n]));
    }
}
END_TEST

/* ---- their work -------------------------------------------------------------------------------------------- */

START_TEST(every_row_agrees_with_the_oracle) {
    for (size_t i = 0; i < peer_count(); i++) {
        verify_report report;
        ck_assert_msg(verify_peer(peer_at(i), seed, 50, &report), "%s: %s", peer_at(i)->name, report.failure);
        ck_assert_uint_gt(report.cases, 100);
        ck_assert_double_le(report.worst_error_over_bound, 1);
    }
}
END_TEST

enum { OUT = 30, IN = 50, M = 20, K = 40, BATCH = 16 };

/* x is read at every run, not when the state is made. */
START_TEST(new_inputs_give_new_outputs) {
    static float w[OUT * IN], b[OUT], gamma[OUT];
    _Alignas(64) static float x[K * BATCH], y[M * BATCH], feature[K * BATCH];
    double value[M * BATCH], bound[M * BATCH];
    random_state random;
    random_seed(&random, seed, RANDOM_TEST);
    for (size_t i = 0; i < OUT * IN; i++) w[i] = (float)random_uniform(&random) - 0.5f;
    for (size_t j = 0; j < OUT; j++) b[j] = gamma[j] = 1 / (float)(j + 1);
    for (size_t i = 0; i < peer_count(); i++) {
        const peer *p = peer_at(i);
        const size_t batch = p->form == PEER_SINGLE ? 1 : BATCH;
        const bool sample = p->form == PEER_SAMPLE;
        const peer_job job = {.out = OUT,
                              .in = IN,
                              .m = M,
                              .k = K,
                              .batch = batch,
                              .w = w,
                              .b = b,
                              .gamma = gamma,
                              .relu = true,
                              .x = x,
                              .x_stride = sample ? K : batch,
                              .y = y,
                              .y_stride = sample ? M : batch};
        void *state = NULL;
        error e = {""};
        ck_assert_msg(p->make(&job, &state, &e), "%s: %s", p->name, e.text);
        for (int round = 0; round < 2; round++) {
            for (size_t c = 0; c < K; c++)
                for (size_t s = 0; s < batch; s++) {
                    const float drawn = (float)random_uniform(&random);
                    feature[c * batch + s] = drawn;
                    x[sample ? s * K + c : c * batch + s] = drawn;
                }
            p->run(state);
            oracle_fc_run(&(oracle_fc){.k = K,
                                       .m = M,
                                       .batch = batch,
                                       .w = w,
                                       .w_stride = IN,
                                       .b = b,
                                       .x = feature,
                                       .x_stride = batch,
                                       .gamma = gamma,
                                       .relu = true},
                          value, bound);
            for (size_t j = 0; j < M; j++)
                for (size_t s = 0; s < batch; s++) {
                    const float got = y[sample ? s * M + j : j * batch + s];
                    ck_assert_msg(oracle_error_over_bound(got, value[j * batch + s], bound[j * batch + s]) <= 1,
                                  "%s, round %d: y[%zu] of sample %zu is %g", p->name, round, j, s, (double)got);
                }
        }
        p->free(state);
    }
}
END_TEST

/* ---- held to an instruction set ---------------------------------------------------------------------------- */

static void print_targets(void) {
    for (size_t l = 0; l < peer_library_count(); l++)
        printf("%s=%s\n", peer_library_at(l)->id, peer_library_target(peer_library_at(l)->name));
}

START_TEST(libraries_obey_when_held_to_avx2) {
    static const char *const wanted[] = {"openblas=Haswell", "onednn=avx2", "xsmm=hsw", "blis=haswell"};
    const char *self = NULL;
    char *output = NULL;
    error e = {""};
    if (peer_count() == 0 || (idp_cpu_features() & IDP_CPU_AVX2_FMA) == 0) return;
    ck_assert_msg(process_self(&self, &e), "%s", e.text);
    char *argv[] = {"test_peers", "--targets", NULL};
    ck_assert_msg(process_run_with(self, argv, peer_environment("avx2"), 60, &output, &e) == PROCESS_DONE, "%s",
                  e.text);
    for (size_t l = 0; l < sizeof wanted / sizeof wanted[0]; l++)
        ck_assert_msg(peer_library_at(l)->absent != NULL || strstr(output, wanted[l]) != NULL, "no %s in:\n%s",
                      wanted[l], output);
    free(output);
}
END_TEST

START_TEST(the_environment_is_merged) {
    ck_assert_ptr_nonnull(peer_environment("neon"));
    const char *const *avx2 = peer_environment("avx2");
    bool hides = false;
    for (; *avx2 != NULL; avx2++) {
        ck_assert_ptr_nonnull(strchr(*avx2, '='));
        hides = hides || strcmp(*avx2, "IDP_CPU_DISABLE=avx512f") == 0; /* else our loops behind them use it */
    }
    ck_assert(hides);
}
END_TEST

/* ---- the tester tested ------------------------------------------------------------------------------------- */

/* A peer of ours, which does its work honestly but for one thing. */
typedef enum defect {
    HONEST,
    ONE_CHANNEL_TOO_FEW,
    ONE_CHANNEL_TOO_MANY,
    WHOLE_ROWS, /* of the slice: all `in` channels, where x lacks them */
    NO_BIAS,
    NO_RELU,
    NO_GAMMA,
    RELU_OF_NAN,
    ADDS_TO_Y,
    LEAVES_THE_LAST_OUTPUT,
    WRITES_BEHIND_Y,
    READS_BEHIND_X,
    WRITES_X,
    WORKS_ONCE,
    CANNOT_BE_MADE,
    DEFECTS
} defect;

static const char *const defect_names[DEFECTS] = {"honest",
                                                  "one channel too few",
                                                  "one channel too many",
                                                  "whole rows",
                                                  "no bias",
                                                  "no relu",
                                                  "no gamma",
                                                  "relu(NaN) is 0",
                                                  "adds to y",
                                                  "leaves the last output",
                                                  "writes past",
                                                  "reads behind x",
                                                  "writes x",
                                                  "works once",
                                                  "cannot be made"};

static defect present;
static peer_form form;

typedef struct toy {
    peer_job job;
    bool used;
} toy;

static bool toy_serves(const peer_job *job) { return job->m > 0 && job->k > 0 && job->batch > 0; }

static bool toy_make(const peer_job *job, void **state, error *e) {
    if (present == CANNOT_BE_MADE) {
        snprintf(e->text, sizeof e->text, "it cannot");
        return false;
    }
    toy *t = malloc(sizeof *t);
    ck_assert_ptr_nonnull(t);
    *t = (toy){*job, false};
    *state = t;
    return true;
}

static float toy_output(const peer_job *job, size_t j, size_t s) {
    float sum = present == NO_BIAS ? 0 : job->b[j];
    const size_t k = present == ONE_CHANNEL_TOO_FEW    ? job->k - 1
                     : present == ONE_CHANNEL_TOO_MANY ? job->k + 1
                     : present == WHOLE_ROWS           ? job->in
                                                       : job->k;
    for (size_t i = 0; i < k; i++)
        sum +=
            job->w[j * job->in + i] * job->x[form == PEER_SAMPLE ? s * job->x_stride + i : i * job->x_stride + s];
    if (job->relu && present != NO_RELU) sum = present == RELU_OF_NAN ? (sum > 0 ? sum : 0) : sum < 0 ? 0 : sum;
    return job->gamma == NULL || present == NO_GAMMA ? sum : sum * job->gamma[j];
}

static void toy_run(void *state) {
    toy *t = state;
    const peer_job *job = &t->job;
    if (present == WRITES_X) ((float *)(uintptr_t)job->x)[0] = 0;
    const size_t m = present == LEAVES_THE_LAST_OUTPUT ? job->m - 1 : job->m;
    for (size_t j = 0; j < m; j++)
        for (size_t s = 0; s < job->batch; s++) {
            float *y = &job->y[form == PEER_SAMPLE ? s * job->y_stride + j : j * job->y_stride + s];
            *y = toy_output(job, j, s) + (present == ADDS_TO_Y ? *y : 0);
        }
    if (present == WRITES_BEHIND_Y)
        job->y[form == PEER_SAMPLE ? (job->batch - 1) * job->y_stride + job->m
                                   : (job->m - 1) * job->y_stride + job->batch] = 0;
    if (present == READS_BEHIND_X) { /* and drops it */
        const size_t rows = form == PEER_FEATURE ? job->k : job->batch,
                     row = form == PEER_FEATURE ? job->batch : job->k;
        volatile float dropped = job->x[(rows - 1) * (rows > 1 ? job->x_stride : 0) + row];
        (void)dropped;
    }
    if (present == WORKS_ONCE && t->used) job->y[0] = 12345;
    t->used = true;
}

START_TEST(a_broken_peer_is_caught) {
    form = (peer_form)_i;
    const peer toy_peer = {"toy", "toy", false, form, toy_serves, toy_make, toy_run, free, PEER_NO_LIBERTY};
    for (present = HONEST; present < DEFECTS; present++) {
        verify_report report;
        const bool passed = verify_peer(&toy_peer, seed, 50, &report);
        ck_assert_msg(passed == (present == HONEST), "%s, form %d: %s", defect_names[present], _i, report.failure);
        if (passed) continue;
        ck_assert_ptr_nonnull(strstr(report.failure, "idp verify --kernel toy --seed"));
    }
}
END_TEST

/* What is excused is excused, and nothing else. */
START_TEST(a_liberty_is_excused_by_name) {
    form = PEER_FEATURE;
    present = RELU_OF_NAN;
    peer toy_peer = {"toy", "toy", false, form, toy_serves, toy_make, toy_run, free, PEER_RELU_OF_NAN_IS_ZERO};
    verify_report report;
    ck_assert_msg(verify_peer(&toy_peer, seed, 50, &report), "%s", report.failure);
    toy_peer.liberties = PEER_SKIPS_ZERO_INPUTS | PEER_RELU_OF_MINUS_INFINITY_IS_NAN;
    ck_assert(!verify_peer(&toy_peer, seed, 50, &report));

    toy_peer.liberties = PEER_READS_BEYOND;
    present = READS_BEHIND_X;
    ck_assert_msg(verify_peer(&toy_peer, seed, 50, &report), "%s", report.failure);
    static const defect hidden[] = {ONE_CHANNEL_TOO_MANY, WHOLE_ROWS, WRITES_BEHIND_Y, WRITES_X}; /* by the room? */
    for (size_t n = 0; n < sizeof hidden / sizeof hidden[0]; n++) {
        present = hidden[n];
        ck_assert_msg(!verify_peer(&toy_peer, seed, 50, &report), "%s", defect_names[present]);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------------------ */

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--targets") == 0) {
        print_targets();
        return 0;
    }
    Suite *suite = suite_create("peers");
    seed = test_seed("peers");

    TCase *table = tcase_create("table");
    tcase_add_test(table, rows_are_found_by_name);
    tcase_add_test(table, a_library_has_a_version_or_a_reason);
    tcase_add_test(table, nothing_to_do_is_not_served);
    suite_add_tcase(suite, table);

    TCase *work = tcase_create("work");
    tcase_set_timeout(work, 240);
    tcase_add_test(work, every_row_agrees_with_the_oracle);
    tcase_add_test(work, new_inputs_give_new_outputs);
    suite_add_tcase(suite, work);

    TCase *held = tcase_create("held");
    tcase_set_timeout(held, 90);
    tcase_add_test(held, libraries_obey_when_held_to_avx2);
    tcase_add_test(held, the_environment_is_merged);
    suite_add_tcase(suite, held);

    TCase *tester = tcase_create("tester");
    tcase_set_timeout(tester, 120);
    tcase_add_loop_test(tester, a_broken_peer_is_caught, 0, PEER_SAMPLE + 1);
    tcase_add_test(tester, a_liberty_is_excused_by_name);
    suite_add_tcase(suite, tester);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
