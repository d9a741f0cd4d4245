/* Whole networks against a chain of oracle layers, the bound carried from layer to layer; what is cut is not read;
 * the workspace is as large as it says and no larger; bad arguments are refused. On every back end that can run
 * here. A layer that there is no memory for is refused before its weights are read. */
#include "backends.h"
#include "idp.h"
#include "networks.h"
#include "oracle.h"
#include "results/build.h"
#include "seed.h"
#include "verify/guard.h"

#include <check.h> /* after error.h: it has a macro named fail, too */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined __GLIBC__
#include <malloc.h>
#endif

enum { TIMEOUT_S = 600 };

/* What a sanitizer reserves is more than any limit below. */
static bool sanitized(void) { return build_read().sanitized; }

/* ---- runs between guard pages ----------------------------------------------------------------------------- */

static guard x_guard = {.name = "x", .canary = 0x7fedca01}, y_guard = {.name = "y", .canary = 0x7fedca02},
             workspace_guard = {.name = "the workspace", .canary = 0x7fedca03};

typedef struct mlp_call {
    const idp_mlp *mlp;
    size_t profile, batch;
    double percent;
    idp_status status;
} mlp_call;

static void call_mlp(void *argument) {
    mlp_call *c = argument;
    c->status =
        idp_mlp_run(c->mlp, c->profile, c->percent, c->batch, x_guard.data, y_guard.data, workspace_guard.data);
}

/* Runs on the x that is laid out; y and a workspace that holds NaN are laid out to measure. */
static void run(const idp_mlp *mlp, size_t profile, double percent, size_t batch, size_t classes) {
    error e;
    const size_t floats = idp_mlp_workspace_bytes(mlp, batch) / sizeof(float);
    ck_assert_msg(guard_lay(&y_guard, batch * classes, GUARD_AT_END, 0, 1, &e), "%s", e.text);
    ck_assert_msg(guard_lay(&workspace_guard, floats, GUARD_AT_END, 0, 16, &e), "%s", e.text);
    mlp_call call = {mlp, profile, batch, percent, IDP_BAD_ARGUMENT};
    trap caught;
    char what[256] = "";
    const guard *guards[] = {&x_guard, &y_guard, &workspace_guard};
    if (!trap_call(call_mlp, &call, &caught)) trap_describe(&caught, guards, 3, what, sizeof what);
    ck_assert_msg(what[0] == '\0', "idp_mlp_run %s", what);
    ck_assert_int_eq(call.status, IDP_OK);
    ptrdiff_t at;
    ck_assert_msg(!guard_broken(&y_guard, &at), "wrote before y");
    ck_assert_msg(!guard_broken(&workspace_guard, &at), "wrote around the workspace");
}

static void lay_inputs(size_t count) {
    error e;
    ck_assert_msg(guard_lay(&x_guard, count, GUARD_AT_END, 0, 1, &e), "%s", e.text);
    for (size_t i = 0; i < count; i++) x_guard.data[i] = (float)(0.5 + 0.5 * random_uniform(&network_rng));
}

/* The largest error over its bound. */
static double compare(const network *n, size_t profile, double percent, size_t batch) {
    static double value[NETWORK_WIDTH * NETWORK_BATCH], bound[NETWORK_WIDTH * NETWORK_BATCH];
    const size_t classes = n->width[n->layers];
    double worst = 0;
    network_expected(n, profile, percent, batch, x_guard.data, value, bound);
    for (size_t j = 0; j < classes; j++)
        for (size_t s = 0; s < batch; s++) {
            const double ratio =
                oracle_error_over_bound(y_guard.data[s * classes + j], value[j * batch + s], bound[j * batch + s]);
            if (ratio > worst) worst = ratio;
        }
    return worst;
}

static network net; /* large: not on the stack */

/* The back end of that number, or NULL where it can't run here. */
static const idp_backend *usable(int index) {
    const idp_backend *backend = idp_backend_at((size_t)index);
    return idp_backend_status(backend) == IDP_OK ? backend : NULL;
}

static void print_skips(void) {
    for (size_t b = 0; b < idp_backend_count(); b++) {
        char reason[256];
        backend_reason(idp_backend_at(b), reason, sizeof reason);
        if (reason[0] != '\0') printf("not run: %s: %s\n", idp_backend_at(b)->name, reason);
    }
    if (sanitized()) printf("SKIPPED: mlp: layers beyond the memory: a sanitizer needs more than they may have\n");
    fflush(stdout); /* before Check forks */
}

static idp_mlp *create(const network *n, const idp_backend *backend) {
    const idp_mlp_spec spec = network_spec(n);
    idp_mlp *mlp = NULL;
    ck_assert_int_eq(idp_mlp_create(&spec, backend, &mlp), IDP_OK);
    ck_assert_ptr_nonnull(mlp);
    return mlp;
}

START_TEST(random_networks_keep_the_bound) {
    enum { NETWORKS = 20, RUNS = 8 };
    static const size_t blocks[] = {3, 4, 127, 128, 129, 257}; /* around few and around a block: see network.h */
    static const double percents[] = {0, 100, 29, 10, 50, 99.9};
    const idp_backend *backend = usable(_i);
    double worst = 0;
    for (size_t t = 0; backend != NULL && t < NETWORKS; t++) {
        network_random(&net);
        idp_mlp *mlp = create(&net, backend);
        for (size_t r = 0; r < RUNS; r++) {
            const size_t batch = r < 6 ? 1 + random_below(&network_rng, 33) : blocks[random_below(&network_rng, 6)];
            const double percent = r < 6 ? percents[r] : 100 * random_uniform(&network_rng);
            const size_t profile = random_below(&network_rng, net.profiles);
            lay_inputs(batch * net.width[0]);
            run(mlp, profile, percent, batch, net.width[net.layers]);
            const double ratio = compare(&net, profile, percent, batch);
            ck_assert_msg(ratio <= 1, "%s: network %zu, profile %zu, %g %%, batch %zu: %g times the bound",
                          backend->name, t, profile, percent, batch, ratio);
            if (ratio > worst) worst = ratio;
        }
        idp_mlp_destroy(mlp);
    }
    if (backend != NULL) {
        printf("%-17s %d networks, worst %.4f of the bound\n", backend->name, NETWORKS, worst);
        ck_assert_double_gt(worst, 0);
    }
}
END_TEST

/* Layer 1 of the plain network is cut in its outputs, the others in their inputs. */
START_TEST(layouts_follow_the_cut_or_the_user) {
    static const idp_layout chosen[] = {IDP_LAYOUT_ROW, IDP_LAYOUT_PANEL, IDP_LAYOUT_PANEL};
    const idp_backend *backend = usable(_i);
    if (backend == NULL) return;
    network_plain(&net);
    idp_mlp_spec spec = network_spec(&net);
    for (unsigned asked = 0; asked <= 8; asked++) { /* 8: nothing */
        idp_layout layout[3];
        for (size_t l = 0; l < 3; l++)
            layout[l] = asked == 8 ? chosen[l] : asked >> l & 1 ? IDP_LAYOUT_ROW : IDP_LAYOUT_PANEL;
        spec.layout = asked == 8 ? NULL : layout;
        spec.refinable = network_one_in(2);
        idp_mlp *mlp = NULL;
        ck_assert_int_eq(idp_mlp_create(&spec, backend, &mlp), IDP_OK);
        for (size_t l = 0; l < 3; l++) {
            ck_assert_int_eq(idp_mlp_kernel(mlp, l, false)->layout, layout[l]);
            ck_assert_int_eq(idp_mlp_kernel(mlp, l, true)->layout, l == 0 ? IDP_LAYOUT_SAMPLE : IDP_LAYOUT_BATCH);
        }
        lay_inputs(net.width[0]);
        run(mlp, 0, 50, 1, 5);
        ck_assert_double_le(compare(&net, 0, 50, 1), 1);
        idp_mlp_destroy(mlp);
    }
}
END_TEST

START_TEST(another_percentage_or_profile_is_noticed) {
    const idp_backend *backend = usable(_i);
    if (backend == NULL) return;
    network_plain(&net);
    net.profiles = 2; /* the second has its own layer 1, with twice the weights */
    net.profile[1] = net.profile[0];
    memcpy(net.w_at[1], net.w_at[0], sizeof net.w_at[0]);
    for (size_t i = 0; i < 40 * 40; i++) net.w[1][1][i] = 2 * net.w[0][1][i];
    net.w_at[1][1] = net.w[1][1];
    net.profile[1].w = net.w_at[1];
    idp_mlp *mlp = create(&net, backend);
    for (size_t batch = 1; batch <= 5; batch += 4) {
        lay_inputs(batch * net.width[0]);
        run(mlp, 0, 50, batch, 5);
        ck_assert_double_le(compare(&net, 0, 50, batch), 1);
        ck_assert_double_le(compare(&net, 0, 52, batch), 1); /* still 20 of 40 channels */
        ck_assert_double_gt(compare(&net, 0, 40, batch), 1);
        ck_assert_double_gt(compare(&net, 0, 60, batch), 1);
        ck_assert_double_gt(compare(&net, 1, 50, batch), 1);
    }
    idp_mlp_destroy(mlp);
}
END_TEST

/* Everything of profile 0 that `percent` does not use becomes NaN. */
static void spoil_what_is_cut(network *n, double percent) {
    for (size_t l = 0; l < n->layers; l++) {
        const size_t k = network_used(n, l, percent), m = network_used(n, l + 1, percent), in = n->width[l];
        for (size_t j = 0; j < n->width[l + 1]; j++) {
            for (size_t i = 0; i < in; i++)
                if (j >= m || i >= k) n->w[0][l][j * in + i] = NAN;
            if (j >= m) n->b[0][l][j] = n->gamma[0][l + 1][j] = NAN;
        }
    }
}

START_TEST(what_is_cut_is_not_read) {
    enum { NETWORKS = 30 };
    static float whole[NETWORK_WIDTH * NETWORK_BATCH];
    const idp_backend *backend = usable(_i);
    for (size_t t = 0; backend != NULL && t < NETWORKS; t++) {
        network_random(&net);
        const double percent = 100 * random_uniform(&network_rng);
        const size_t batch = 1 + random_below(&network_rng, 20), classes = net.width[net.layers];
        lay_inputs(batch * net.width[0]);
        idp_mlp *mlp = create(&net, backend);
        run(mlp, 0, percent, batch, classes);
        memcpy(whole, y_guard.data, batch * classes * sizeof *whole);
        idp_mlp_destroy(mlp);
        spoil_what_is_cut(&net, percent);
        mlp = create(&net, backend);
        run(mlp, 0, percent, batch, classes);
        ck_assert_mem_eq(y_guard.data, whole, batch * classes * sizeof *whole);
        idp_mlp_destroy(mlp);
    }
}
END_TEST

START_TEST(nothing_of_the_spec_is_kept) {
    const idp_backend *backend = usable(_i);
    if (backend == NULL) return;
    float before[5];
    network_plain(&net);
    idp_mlp *mlp = create(&net, backend);
    lay_inputs(net.width[0]);
    run(mlp, 0, 70, 1, 5);
    memcpy(before, y_guard.data, sizeof before);
    memset(&net, 0xff, sizeof net);
    run(mlp, 0, 70, 1, 5);
    ck_assert_mem_eq(y_guard.data, before, sizeof before);
    idp_mlp_destroy(mlp);
}
END_TEST

/* ---- bad arguments ---------------------------------------------------------------------------------------- */

static const idp_mlp_profile no_weights = {NULL, NULL, NULL};

START_TEST(bad_specs_are_refused) {
    const idp_backend *scalar = idp_backend_find("scalar");
    idp_mlp *untouched = NULL;
    network_plain(&net);
    const idp_mlp_spec good = network_spec(&net);
    const size_t zero_width[] = {20, 0, 40, 5}, huge_width[] = {20, SIZE_MAX / 2, 40, 5};
    const bool cut_input[] = {true, true, true, false}, cut_output[] = {false, true, true, true};
    const idp_layout batched[] = {IDP_LAYOUT_ROW, IDP_LAYOUT_BATCH, IDP_LAYOUT_PANEL};
    idp_mlp_spec bad[] = {good, good, good, good, good, good, good, good, good, good, good, good};
    bad[0].layers = 0;
    bad[1].layers = IDP_MAX_LAYERS + 1;
    bad[2].width = NULL;
    bad[3].width = zero_width;
    bad[4].width = huge_width;
    bad[5].incomplete = NULL;
    bad[6].incomplete = cut_input;
    bad[7].incomplete = cut_output;
    bad[8].profiles = 0;
    bad[9].profile = NULL;
    bad[10].profile = &no_weights;
    bad[11].layout = batched;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(idp_mlp_create(&bad[i], scalar, &untouched) == IDP_BAD_ARGUMENT &&
                          idp_mlp_bytes(&bad[i], scalar) == 0,
                      "spec %zu was accepted", i);
    ck_assert(idp_mlp_create(NULL, scalar, &untouched) == IDP_BAD_ARGUMENT);
    ck_assert(idp_mlp_create(&good, NULL, &untouched) == IDP_BAD_ARGUMENT);
    ck_assert(idp_mlp_create(&good, scalar, NULL) == IDP_BAD_ARGUMENT);
    net.gamma_at[0][net.layers] = net.gamma[0][net.layers]; /* the output has none */
    ck_assert(idp_mlp_create(&good, scalar, &untouched) == IDP_BAD_ARGUMENT);
    net.gamma_at[0][net.layers] = NULL;
    net.w_at[0][1] = NULL;
    ck_assert(idp_mlp_create(&good, scalar, &untouched) == IDP_BAD_ARGUMENT);
    ck_assert_ptr_null(untouched);
    idp_mlp_destroy(NULL); /* harmless, as free is */
}
END_TEST

START_TEST(what_cannot_run_here_is_refused) {
    network_plain(&net);
    const idp_mlp_spec spec = network_spec(&net);
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_status status = idp_backend_status(idp_backend_at(b));
        idp_mlp *mlp = NULL;
        ck_assert_int_eq(idp_mlp_create(&spec, idp_backend_at(b), &mlp), status);
        ck_assert((mlp != NULL) == (status == IDP_OK));
        ck_assert((idp_mlp_bytes(&spec, idp_backend_at(b)) > 0) == (status == IDP_OK));
        idp_mlp_destroy(mlp);
    }
}
END_TEST

START_TEST(bad_runs_are_refused) {
    network_plain(&net);
    idp_mlp *mlp = create(&net, idp_backend_find("scalar"));
    error e;
    lay_inputs(2 * net.width[0]);
    run(mlp, 0, 100, 2, 5);
    ck_assert(guard_lay(&y_guard, 10, GUARD_AT_END, 0, 1, &e));
    float *x = x_guard.data, *y = y_guard.data, *work = workspace_guard.data;
    ck_assert_int_eq(idp_mlp_run(NULL, 0, 50, 2, x, y, work), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_run(mlp, 1, 50, 2, x, y, work), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_run(mlp, 0, -1, 2, x, y, work), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_run(mlp, 0, 100.5, 2, x, y, work), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_run(mlp, 0, NAN, 2, x, y, work), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_run(mlp, 0, 50, 2, NULL, y, work), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_run(mlp, 0, 50, 2, x, NULL, work), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_run(mlp, 0, 50, 2, x, y, NULL), IDP_BAD_ARGUMENT);
    ck_assert_int_eq(idp_mlp_run(mlp, 0, 50, 2, x, y, work + 1), IDP_BAD_ARGUMENT);
    for (size_t i = 0; i < 10; i++) ck_assert_uint_eq(guard_bits(y[i]), y_guard.canary);
    ck_assert_int_eq(idp_mlp_run(mlp, 0, 50, 0, NULL, NULL, NULL), IDP_OK);
    idp_mlp_destroy(mlp);
}
END_TEST

/* ---- more than there is room for ------------------------------------------------------------------------------
 */

/* Bytes that malloc has given away, or 0 where it does not tell. */
static size_t given_away(void) {
#if defined __GLIBC__
#if __GLIBC_PREREQ(2, 33)
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#endif
#endif
    return 0;
}

enum { HUGE_WIDTH = 65536, REPEATS = 16 /* until malloc's small caches are full of what was freed */ };
enum { CHILD_GOOD, CHILD_NO_LIMIT, CHILD_STATUS, CHILD_TOUCHED, CHILD_LEFT, CHILD_BYTES }; /* how the child ends */

/* Under a limit of 2 GiB. */
static int huge_layers(const idp_backend *backend) {
    const float *forbidden =
        mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    static float gamma_1[HUGE_WIDTH], gamma_2[HUGE_WIDTH];
    const struct rlimit limit = {(rlim_t)2 << 30, (rlim_t)2 << 30};
    const size_t width[] = {HUGE_WIDTH, HUGE_WIDTH, HUGE_WIDTH, 10};
    const bool complete[4] = {false}, cut[] = {false, true, true, false};
    const float *const weights[] = {forbidden, forbidden, forbidden};
    const float *const none[4] = {NULL}, *const gamma[] = {NULL, gamma_1, gamma_2, NULL};
    const idp_mlp_profile plain = {weights, weights, none}, profile = {weights, weights, gamma};
    const idp_mlp_spec specs[] = {
        {.layers = 1, .width = width, .incomplete = complete, .profiles = 1, .profile = &plain},
        {.layers = 3, .width = width, .incomplete = cut, .profiles = 1, .profile = &profile, .refinable = true}};
    if (forbidden == MAP_FAILED || setrlimit(RLIMIT_AS, &limit) != 0 ||
        mmap(NULL, (size_t)4 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        return CHILD_NO_LIMIT;
    gamma_2[0] = 1; /* else both were one array */
    for (size_t s = 0; s < sizeof specs / sizeof specs[0]; s++) {
        size_t before = 0;
        if (idp_mlp_bytes(&specs[s], backend) < (size_t)32 << 30) return CHILD_BYTES; /* two copies at least */
        for (int r = 0; r < 2 * REPEATS; r++) {
            idp_mlp *untouched = NULL;
            if (r == REPEATS) before = given_away();
            if (idp_mlp_create(&specs[s], backend, &untouched) != IDP_NO_MEMORY) return CHILD_STATUS;
            if (untouched != NULL) return CHILD_TOUCHED;
        }
        if (given_away() != before) return CHILD_LEFT;
    }
    return CHILD_GOOD;
}

/* Of this process's address space; 0 where the system does not tell. */
static size_t address_space(void) {
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL && fscanf(file, "%zu", &pages) != 1) pages = 0;
    if (file != NULL) fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

enum { BYTES_SLACK = 1 << 20 /* whole pages, what malloc asks for besides */ };

/* With a little more address space than idp_mlp_bytes says the network is made, with a little less it is not. */
static int takes_its_bytes(const idp_mlp_spec *spec, const idp_backend *backend) {
    const size_t bytes = idp_mlp_bytes(spec, backend), now = address_space();
    if (now == 0) return CHILD_NO_LIMIT;
    const size_t enough = now + bytes + BYTES_SLACK, little = now + bytes - BYTES_SLACK;
    idp_mlp *mlp = NULL;
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0) return CHILD_NO_LIMIT;
    limit.rlim_cur = little;
    if (setrlimit(RLIMIT_AS, &limit) != 0 ||
        mmap(NULL, (size_t)4 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        return CHILD_NO_LIMIT;
    if (idp_mlp_create(spec, backend, &mlp) != IDP_NO_MEMORY) return CHILD_STATUS;
    limit.rlim_cur = enough;
    if (setrlimit(RLIMIT_AS, &limit) != 0 || idp_mlp_create(spec, backend, &mlp) != IDP_OK) return CHILD_LEFT;
    idp_mlp_destroy(mlp);
    return CHILD_GOOD;
}

/* One layer; one of a single channel, where packing takes more than is kept; three, of two profiles that share two
 * of them, refinable or not. */
static int bytes_child(const idp_backend *backend) {
    enum { WIDE = 1400 };
    static float w[WIDE * WIDE], other[WIDE * WIDE], b[WIDE], gamma_1[WIDE], gamma_2[WIDE];
    const size_t width[] = {WIDE, WIDE, WIDE, WIDE};
    const bool complete[4] = {false}, cut[] = {false, true, true, false};
    const float *const weights[2][3] = {{w, w, w}, {w, w, other}}, *const biases[] = {b, b, b};
    const float *const gamma[2][4] = {{NULL, gamma_1, gamma_2, NULL}, {NULL, gamma_1, NULL, NULL}};
    const idp_mlp_profile profile[] = {{weights[0], biases, gamma[0]}, {weights[1], biases, gamma[1]}};
    const float *const none[4] = {NULL};
    const idp_mlp_profile plain = {weights[0], biases, none};
    const size_t channel[] = {1, 1 << 19};
    const float *const tall[] = {w}; /* its biases, too */
    const idp_mlp_profile channels = {tall, tall, none};
    const idp_mlp_spec narrow = {
        .layers = 1, .width = channel, .incomplete = complete, .profiles = 1, .profile = &channels};
    const idp_mlp_spec one = {
        .layers = 1, .width = width, .incomplete = complete, .profiles = 1, .profile = &plain};
    idp_mlp_spec three = {.layers = 3, .width = width, .incomplete = cut, .profiles = 2, .profile = profile};
#if defined __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 1 << 16); /* what is freed is given back */
#endif
    gamma_2[0] = 1;
    int ended = takes_its_bytes(&one, backend);
    if (ended == CHILD_GOOD) ended = takes_its_bytes(&narrow, backend);
    if (ended == CHILD_GOOD) ended = takes_its_bytes(&three, backend);
    three.refinable = true;
    if (ended == CHILD_GOOD) ended = takes_its_bytes(&three, backend);
    return ended;
}

/* How `call` ends in a process of its own, whose limits are not this one's. */
static int child_ends(int (*call)(const idp_backend *backend), const idp_backend *backend) {
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ne(child, -1);
    if (child == 0) _exit(call(backend));
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "ended by signal %d: read weights?", WTERMSIG(status));
    if (WEXITSTATUS(status) == CHILD_NO_LIMIT) /* QEMU, macOS: no limit of the address space */
        printf("SKIPPED: mlp: layers beyond the memory: its limit is not kept here\n");
    return WEXITSTATUS(status);
}

/* 16 GiB for a copy of its weights, which are not there: a process that reads them ends with a signal. */
START_TEST(a_layer_beyond_the_memory_is_refused_unread) {
    if (sanitized() || idp_backend_status(idp_backend_at((size_t)_i)) != IDP_OK) return; /* print_skips tells */
    const idp_backend *backend = idp_backend_at((size_t)_i);
    const int ended = child_ends(huge_layers, backend);
    ck_assert_msg(ended == CHILD_GOOD || ended == CHILD_NO_LIMIT, "ended with %d", ended);
}
END_TEST

START_TEST(a_network_takes_the_bytes_that_it_says) {
    if (sanitized() || idp_backend_status(idp_backend_at((size_t)_i)) != IDP_OK) return;
    const idp_backend *backend = idp_backend_at((size_t)_i);
    const int ended = child_ends(bytes_child, backend);
    ck_assert_msg(ended == CHILD_GOOD || ended == CHILD_NO_LIMIT, "%s", ended == CHILD_STATUS ? "less" : "more");
}
END_TEST

int main(void) {
    random_seed(&network_rng, test_seed("mlp"), RANDOM_TEST);
    print_skips();
    Suite *suite = suite_create("mlp");
    TCase *values = tcase_create("values"), *refusals = tcase_create("refusals");
    const int backends = (int)idp_backend_count();
    tcase_set_timeout(values, TIMEOUT_S);
    tcase_set_timeout(refusals, TIMEOUT_S); /* children under a limit of memory */
    tcase_add_loop_test(values, random_networks_keep_the_bound, 0, backends);
    tcase_add_loop_test(values, layouts_follow_the_cut_or_the_user, 0, backends);
    tcase_add_loop_test(values, another_percentage_or_profile_is_noticed, 0, backends);
    tcase_add_loop_test(values, what_is_cut_is_not_read, 0, backends);
    tcase_add_loop_test(values, nothing_of_the_spec_is_kept, 0, backends);
    tcase_add_test(refusals, bad_specs_are_refused);
    tcase_add_test(refusals, what_cannot_run_here_is_refused);
    tcase_add_test(refusals, bad_runs_are_refused);
    tcase_add_loop_test(refusals, a_layer_beyond_the_memory_is_refused_unread, 0, backends);
    tcase_add_loop_test(refusals, a_network_takes_the_bytes_that_it_says, 0, backends);
    suite_add_tcase(suite, values);
    suite_add_tcase(suite, refusals);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
