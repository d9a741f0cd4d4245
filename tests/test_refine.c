/* Refining: from a narrower result to a wider one, the same answer as a fresh run's, for the work of what is new;
 * on every back end that can run here. */
#include "backends.h"
#include "idp.h"
#include "networks.h"
#include "oracle.h"
#include "seed.h"
#include "verify/guard.h"

#include <check.h> /* after error.h: it has a macro named fail, too */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_S = 600 };

static network net; /* large: not on the stack */

static guard x_guard = {.name = "x", .canary = 0x7fedca01}, y_guard = {.name = "y", .canary = 0x7fedca02},
             state_guard = {.name = "the state", .canary = 0x7fedca03};

/* The back end of that number, or NULL where it can't run here. */
static const idp_backend *usable(int index) {
    const idp_backend *backend = idp_backend_at((size_t)index);
    return idp_backend_status(backend) == IDP_OK ? backend : NULL;
}

static idp_mlp *create(const network *n, const idp_backend *backend) {
    idp_mlp_spec spec = network_spec(n);
    spec.refinable = true;
    idp_mlp *mlp = NULL;
    ck_assert_int_eq(idp_mlp_create(&spec, backend, &mlp), IDP_OK);
    return mlp;
}

/* ---- calls between guard pages ---------------------------------------------------------------------------- */

typedef struct mlp_call {
    const idp_mlp *mlp;
    size_t profile, batch;
    double percent;
    bool start;
    idp_status status;
} mlp_call;

static void call_mlp(void *argument) {
    mlp_call *c = argument;
    c->status =
        c->start
            ? idp_mlp_start(c->mlp, c->profile, c->percent, c->batch, x_guard.data, y_guard.data, state_guard.data)
            : idp_mlp_refine(c->mlp, c->profile, c->percent, x_guard.data, y_guard.data, state_guard.data);
}

static void step(mlp_call call) {
    error e;
    const size_t classes = net.width[net.layers];
    ck_assert_msg(guard_lay(&y_guard, call.batch * classes, GUARD_AT_END, 0, 1, &e), "%s", e.text);
    trap caught;
    char what[256] = "";
    const guard *guards[] = {&x_guard, &y_guard, &state_guard};
    if (!trap_call(call_mlp, &call, &caught)) trap_describe(&caught, guards, 3, what, sizeof what);
    ck_assert_msg(what[0] == '\0', "refining %s", what);
    ck_assert_int_eq(call.status, IDP_OK);
    ptrdiff_t at;
    ck_assert_msg(!guard_broken(&y_guard, &at), "wrote before y");
    ck_assert_msg(!guard_broken(&state_guard, &at), "wrote around the state");
}

/* Lays out inputs and a state that holds NaN, and computes the first result. */
static void start(const idp_mlp *mlp, size_t profile, double percent, size_t batch) {
    error e;
    const size_t inputs = net.width[0], floats = idp_mlp_state_bytes(mlp, batch) / sizeof(float);
    ck_assert_msg(guard_lay(&x_guard, batch * inputs, GUARD_AT_END, 0, 1, &e), "%s", e.text);
    ck_assert_msg(guard_lay(&state_guard, floats, GUARD_AT_END, 0, 16, &e), "%s", e.text);
    for (size_t i = 0; i < batch * inputs; i++)
        x_guard.data[i] = (float)random_below(&network_rng, 256) / 64; /* in [0, 4), exact */
    step((mlp_call){mlp, profile, batch, percent, true, IDP_BAD_ARGUMENT});
}

static void refine(const idp_mlp *mlp, size_t profile, double percent, size_t batch) {
    step((mlp_call){mlp, profile, batch, percent, false, IDP_BAD_ARGUMENT});
}

/* The largest error over its bound. */
static double compare(size_t profile, double percent, size_t batch) {
    static double value[NETWORK_WIDTH * NETWORK_BATCH], bound[NETWORK_WIDTH * NETWORK_BATCH];
    const size_t classes = net.width[net.layers];
    double worst = 0;
    network_expected(&net, profile, percent, batch, x_guard.data, value, bound);
    for (size_t j = 0; j < classes; j++)
        for (size_t s = 0; s < batch; s++)
            worst = fmax(worst, oracle_error_over_bound(y_guard.data[s * classes + j], value[j * batch + s],
                                                        bound[j * batch + s]));
    return worst;
}

/* ---- values ----------------------------------------------------------------------------------------------- */

/* A percentage from `low` on, often one of the boundaries. */
static double percent_above(double low) {
    if (net.boundaries > 0 && network_one_in(2)) {
        const double boundary = net.boundary[random_below(&network_rng, net.boundaries)];
        if (boundary >= low) return boundary;
    }
    return network_one_in(6) ? low : low + (100 - low) * random_uniform(&network_rng);
}

static size_t some_batch(void) {
    static const size_t edges[] = {1, 3, 4, 127, 128, 129}; /* around few and around a block: see network.h */
    return network_one_in(4) ? edges[random_below(&network_rng, 6)] : 1 + random_below(&network_rng, 12);
}

START_TEST(sequences_keep_the_bound_of_a_fresh_run) {
    enum { NETWORKS = 40, STEPS = 5 };
    const idp_backend *backend = usable(_i);
    double worst = 0;
    for (size_t t = 0; backend != NULL && t < NETWORKS; t++) {
        network_random(&net);
        network_in_parts(&net);
        idp_mlp *mlp = create(&net, backend);
        const size_t batch = some_batch();
        size_t profile = random_below(&network_rng, net.profiles);
        double percent = network_one_in(4) ? 0 : 60 * random_uniform(&network_rng);
        start(mlp, profile, percent, batch);
        for (size_t s = 0; s <= STEPS; s++) {
            if (s > 0) refine(mlp, profile, percent, batch);
            const double ratio = compare(profile, percent, batch);
            ck_assert_msg(ratio <= 1,
                          "%s: network %zu, step %zu, profile %zu, %g %%, batch %zu: %g times the bound",
                          backend->name, t, s, profile, percent, batch, ratio);
            worst = fmax(worst, ratio);
            percent = s + 2 < STEPS ? percent_above(percent) : s + 2 == STEPS ? percent : 100;
            profile = random_below(&network_rng, net.profiles);
        }
        idp_mlp_destroy(mlp);
    }
    if (backend != NULL) {
        printf("%-17s %d networks, worst %.4f of the bound\n", backend->name, NETWORKS, worst);
        ck_assert_double_gt(worst, 0);
    }
}
END_TEST

/* 24-20-30-5 in parts of 20, 30 and 50 %, two profiles that differ in the last layer; weights and biases are -1, 0
 * or 1 and inputs 64ths below 4, so all sums are less than 64 * 4 * 25 * 21 * 31 < 2^22 of them: exact, in any
 * order. */
static void exact_network(void) {
    static const size_t width[] = {24, 20, 30, 5};
    net.layers = 3;
    net.profiles = 2;
    net.boundaries = 2;
    net.boundary[0] = 20;
    net.boundary[1] = 50;
    for (size_t h = 0; h <= net.layers; h++) {
        net.width[h] = width[h];
        net.incomplete[h] = h > 0 && h < net.layers;
    }
    memset(net.gamma_at, 0, sizeof net.gamma_at);
    for (size_t p = 0; p < 2; p++) {
        for (size_t l = 0; l < net.layers; l++) {
            for (size_t i = 0; i < width[l] * width[l + 1]; i++)
                net.w[p][l][i] = (float)random_below(&network_rng, 3) - 1;
            for (size_t j = 0; j < width[l + 1]; j++) net.b[p][l][j] = (float)random_below(&network_rng, 3) - 1;
            const size_t from = l + 1 < net.layers ? 0 : p;
            net.w_at[p][l] = net.w[from][l];
            net.b_at[p][l] = net.b[from][l];
        }
        net.profile[p] = (idp_mlp_profile){net.w_at[p], net.b_at[p], net.gamma_at[p]};
    }
    for (size_t t = 0; t < net.boundaries; t++)
        for (size_t j = 0; j < idp_prefix(30, net.boundary[t]); j++)
            for (size_t i = idp_prefix(20, net.boundary[t]); i < 20; i++) net.w[0][1][j * 20 + i] = 0;
}

START_TEST(exact_sums_are_the_same_bits) {
    enum { STEPS = 12 };
    const idp_backend *backend = usable(_i);
    if (backend == NULL) return;
    static float fresh[NETWORK_BATCH * 5];
    exact_network();
    idp_mlp *mlp = create(&net, backend);
    void *workspace = aligned_alloc(64, (idp_mlp_workspace_bytes(mlp, 129) + 63) / 64 * 64);
    ck_assert_ptr_nonnull(workspace);
    static const size_t batches[] = {1, 3, 9, 129};
    for (size_t b = 0; b < sizeof batches / sizeof batches[0]; b++) {
        const size_t batch = batches[b];
        start(mlp, 0, 0, batch);
        for (size_t s = 0; s <= STEPS; s++) {
            const double percent = 100.0 * (double)s / STEPS;
            refine(mlp, s % 2, percent, batch);
            ck_assert_int_eq(idp_mlp_run(mlp, s % 2, percent, batch, x_guard.data, fresh, workspace), IDP_OK);
            ck_assert_mem_eq(y_guard.data, fresh, batch * 5 * sizeof *fresh);
        }
    }
    free(workspace);
    idp_mlp_destroy(mlp);
}
END_TEST

/* What no percentage up to `percent` reads becomes NaN, but for the couplings, which must be zero. */
static void spoil_what_is_cut(double percent) {
    for (size_t l = 0; l < net.layers; l++) {
        const size_t k = network_used(&net, l, percent), m = network_used(&net, l + 1, percent), in = net.width[l];
        for (size_t j = 0; j < net.width[l + 1]; j++)
            for (size_t i = 0; i < in; i++)
                if (j >= m || (i >= k && net.w[0][l][j * in + i] != 0)) net.w[0][l][j * in + i] = NAN;
        for (size_t j = m; j < net.width[l + 1]; j++) net.b[0][l][j] = net.gamma[0][l + 1][j] = NAN;
    }
}

START_TEST(what_is_cut_is_not_read) {
    enum { NETWORKS = 30 };
    static float whole[NETWORK_WIDTH * NETWORK_BATCH];
    const idp_backend *backend = usable(_i);
    for (size_t t = 0; backend != NULL && t < NETWORKS; t++) {
        network_random(&net);
        net.profiles = 1;
        const double from = 50 * random_uniform(&network_rng), to = from + 40 * random_uniform(&network_rng);
        const size_t batch = some_batch(), floats = batch * net.width[net.layers];
        idp_mlp *mlp = create(&net, backend);
        start(mlp, 0, from, batch);
        refine(mlp, 0, to, batch);
        memcpy(whole, y_guard.data, floats * sizeof *whole);
        idp_mlp_destroy(mlp);
        spoil_what_is_cut(to);
        mlp = create(&net, backend);
        error e;
        ck_assert(
            guard_lay(&state_guard, idp_mlp_state_bytes(mlp, batch) / sizeof(float), GUARD_AT_END, 0, 16, &e));
        step((mlp_call){mlp, 0, batch, from, true, IDP_BAD_ARGUMENT});
        refine(mlp, 0, to, batch);
        ck_assert_mem_eq(y_guard.data, whole, floats * sizeof *whole);
        idp_mlp_destroy(mlp);
    }
}
END_TEST

/* ---- work ------------------------------------------------------------------------------------------------- */

static size_t multiply_adds; /* by the kernels below */

static void counted(const idp_fc *fc, idp_layout layout) {
    multiply_adds += fc->m * fc->k * fc->batch;
    idp_backend_kernel(idp_backend_find("scalar"), layout)->run(fc);
}

static void counted_panel(const idp_fc *fc) { counted(fc, IDP_LAYOUT_PANEL); }
static void counted_batch(const idp_fc *fc) { counted(fc, IDP_LAYOUT_BATCH); }
static void counted_sample(const idp_fc *fc) { counted(fc, IDP_LAYOUT_SAMPLE); }
static void counted_row(const idp_fc *fc) { counted(fc, IDP_LAYOUT_ROW); }

/* The scalar back end, counting what its kernels are asked for. */
static idp_mlp *create_counting(const network *n) {
    static idp_kernel kernels[IDP_LAYOUTS];
    static void (*const run[])(const idp_fc *) = {[IDP_LAYOUT_PANEL] = counted_panel,
                                                  [IDP_LAYOUT_BATCH] = counted_batch,
                                                  [IDP_LAYOUT_ROW] = counted_row,
                                                  [IDP_LAYOUT_SAMPLE] = counted_sample};
    static idp_backend backend;
    backend = *idp_backend_find("scalar");
    for (size_t i = 0; i < IDP_LAYOUTS; i++) {
        kernels[i] = *idp_backend_kernel(idp_backend_find("scalar"), (idp_layout)i);
        kernels[i].run = run[i];
    }
    backend.kernels = kernels;
    backend.kernel_count = IDP_LAYOUTS;
    return create(n, &backend);
}

/* Of one sample: new outputs of layer 1; of layer 2 those beyond the boundary; the last layer. */
static size_t expected_work(size_t from, size_t to, size_t edge) {
    return (to - from) * 24 + (to - edge) * to + to * 5;
}

START_TEST(the_work_is_that_of_what_is_new) {
    static const struct {
        size_t from, to, edge; /* channels of 40; the boundaries are at 8 and 20 */
    } rows[] = {{0, 8, 0}, {8, 20, 8}, {8, 40, 8}, {20, 40, 20}, {4, 8, 0}, {4, 20, 0}, {10, 20, 8}, {30, 40, 20}};
    exact_network();
    net.width[1] = net.width[2] = 40;
    for (size_t i = 0; i < 40 * 40; i++)
        net.w[0][1][i] = (i / 40 < 8 && i % 40 >= 8) || (i / 40 < 20 && i % 40 >= 20) ? 0 : 1;
    idp_mlp *mlp = create_counting(&net);
    size_t kept[4];
    ck_assert_int_eq(idp_mlp_kept(mlp, 0, 10, 2, 50, kept), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_kept(mlp, 0, 50, 0, 10, kept), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_kept(mlp, 0, 50, 0, NAN, kept), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_kept(mlp, 0, 50, 0, 100, NULL), IDP_BAD_ARGUMENT);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (size_t batch = 1; batch <= 16; batch += 15) {
            const double from = 2.5 * (double)rows[r].from, to = 2.5 * (double)rows[r].to;
            multiply_adds = 0;
            start(mlp, 0, from, batch);
            const size_t k = rows[r].from;
            ck_assert_int_eq(idp_mlp_kept(mlp, 0, from, 1, to, kept), IDP_OK);
            ck_assert(kept[0] == 24 && kept[1] == k && kept[2] == rows[r].edge && kept[3] == 0);
            ck_assert_uint_eq(multiply_adds, batch * (k * 24 + k * k + k * 5));
            multiply_adds = 0;
            refine(mlp, 1, to, batch); /* whose last layer is its own */
            ck_assert_uint_eq(multiply_adds, batch * expected_work(rows[r].from, rows[r].to, rows[r].edge));
        }
    multiply_adds = 0; /* nothing new but the last layer */
    refine(mlp, 0, 100, 16);
    ck_assert_uint_eq(multiply_adds, 16 * 40 * 5);
    idp_mlp_destroy(mlp);
}
END_TEST

/* ---- refusals --------------------------------------------------------------------------------------------- */

START_TEST(couplings_that_are_not_zero_are_refused) {
    const idp_backend *scalar = idp_backend_find("scalar");
    exact_network();
    idp_mlp_spec spec = network_spec(&net);
    for (size_t j = 0; j < 30; j++)
        for (size_t i = 0; i < 20; i++) { /* the boundaries are at 6 of 30 and 4 of 20, at 15 and 10 */
            const bool coupling = (j < 6 && i >= 4) || (j < 15 && i >= 10);
            float *w = &net.w[0][1][j * 20 + i];
            const float before = *w;
            idp_mlp *mlp = NULL;
            *w = network_one_in(2) ? 1e-30F : NAN;
            ck_assert_int_eq(idp_mlp_create(&spec, scalar, &mlp), coupling ? IDP_COUPLED : IDP_OK);
            ck_assert((mlp == NULL) == coupling);
            idp_mlp_destroy(mlp);
            *w = before;
        }
}
END_TEST

START_TEST(bad_boundaries_are_refused) {
    static const double bad[][2] = {{0, 50}, {20, 100}, {50, 20}, {20, 20}, {-5, 20}, {20, NAN}, {NAN, 20}};
    exact_network();
    idp_mlp_spec spec = network_spec(&net);
    idp_mlp *mlp = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        spec.boundary = bad[i];
        ck_assert_int_eq(idp_mlp_create(&spec, idp_backend_find("scalar"), &mlp), IDP_BAD_ARGUMENT);
    }
    spec.boundary = NULL;
    ck_assert_int_eq(idp_mlp_create(&spec, idp_backend_find("scalar"), &mlp), IDP_BAD_ARGUMENT);
    ck_assert_ptr_null(mlp);
}
END_TEST

START_TEST(bad_calls_are_refused_and_leave_the_state) {
    exact_network();
    idp_mlp *mlp = create(&net, idp_backend_find("scalar")), *plain = NULL;
    start(mlp, 0, 40, 2);
    const idp_mlp_spec spec = network_spec(&net);
    ck_assert_int_eq(idp_mlp_create(&spec, idp_backend_find("scalar"), &plain), IDP_OK);
    float *x = x_guard.data, *y = y_guard.data, *state = state_guard.data, y_before[10];
    memcpy(y_before, y, sizeof y_before);
    ck_assert_int_eq(idp_mlp_start(plain, 0, 50, 2, x, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_start(mlp, 2, 50, 2, x, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_start(mlp, 0, 101, 2, x, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_start(mlp, 0, 50, 0, x, y, NULL), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(plain, 0, 50, x, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(NULL, 0, 50, x, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(mlp, 2, 50, x, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(mlp, 0, 39.9, x, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(mlp, 0, 100.1, x, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(mlp, 0, NAN, x, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(mlp, 0, 50, NULL, y, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(mlp, 0, 50, x, NULL, state), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(mlp, 0, 50, x, y, NULL), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_refine(mlp, 0, 50, x, y, state + 1), IDP_BAD_ARGUMENT);
    ck_assert_mem_eq(y, y_before, sizeof y_before);
    refine(mlp, 0, 70, 2);
    ck_assert_double_le(compare(0, 70, 2), 1);
    idp_mlp_destroy(plain);
    idp_mlp_destroy(mlp);
}
END_TEST

int main(void) {
    random_seed(&network_rng, test_seed("refine"), RANDOM_TEST);
    Suite *suite = suite_create("refine");
    TCase *values = tcase_create("values"), *refusals = tcase_create("refusals");
    const int backends = (int)idp_backend_count();
    tcase_set_timeout(values, TIMEOUT_S);
    tcase_add_loop_test(values, sequences_keep_the_bound_of_a_fresh_run, 0, backends);
    tcase_add_loop_test(values, exact_sums_are_the_same_bits, 0, backends);
    tcase_add_loop_test(values, what_is_cut_is_not_read, 0, backends);
    tcase_add_test(values, the_work_is_that_of_what_is_new);
    tcase_add_test(refusals, couplings_that_are_not_zero_are_refused);
    tcase_add_test(refusals, bad_boundaries_are_refused);
    tcase_add_test(refusals, bad_calls_are_refused_and_leave_the_state);
    suite_add_tcase(suite, values);
    suite_add_tcase(suite, refusals);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
