/* fuzz_network.c: any network of incomplete layers, run and refined at any percentages, on any back end that runs
 * here, against a chain of oracle layers and the reference network, between guard pages. The bytes are the sizes,
 * the profiles, the batch, the percentages, how the layers are packed, and the seed of the values. */
#include <math.h>
#include <stdlib.h>

#include "../../harness/verify/guard.h"
#include "../../reference/mlp.h"
#include "../../reference/oracle.h"
#include "../networks.h"
#include "input.h"

enum { MOST_STEPS = 5 };

static network net; /* large: not on the stack */

static guard x = {.name = "x", .canary = 0x7fedca01}, y = {.name = "y", .canary = 0x7fedca02},
             scratch = {.name = "the state or workspace", .canary = 0x7fedca03};

/* Sizes from the bytes; hidden layers are often as wide as each other, as a reference network needs them. */
static void shape(input *in) {
    const bool alike = input_below(in, 2);
    net.layers = 1 + input_below(in, NETWORK_LAYERS);
    net.profiles = 1 + input_below(in, NETWORK_PROFILES);
    for (size_t h = 0; h <= net.layers; h++) {
        const bool hidden = h > 0 && h < net.layers;
        net.width[h] = alike && hidden && h > 1 ? net.width[1] : input_size(in, NETWORK_WIDTH);
        net.incomplete[h] = hidden && input_below(in, 4) > 0;
    }
    random_seed(&network_rng, input_below(in, 65536), RANDOM_TEST);
    network_fill(&net);
    if (input_below(in, 2)) network_in_parts(&net);
}

/* From 0 to 100: any, the ends, or where parts meet. */
static double some_percent(input *in, double from) {
    const size_t kind = input_below(in, 6), number = input_below(in, 65536);
    double percent = from + (100 - from) * (double)number / 65535;
    if (kind == 0) percent = from;
    if (kind == 1) percent = 100;
    if (kind == 2 && net.boundaries > 0) percent = net.boundary[number % net.boundaries];
    return percent < from ? from : percent > 100 ? 100 : percent;
}

static const idp_backend *some_back_end(input *in) {
    size_t usable = 0;
    const idp_backend *found[16];
    for (size_t b = 0; b < idp_backend_count() && usable < 16; b++)
        if (idp_backend_status(idp_backend_at(b)) == IDP_OK) found[usable++] = idp_backend_at(b);
    return found[input_below(in, usable)];
}

/* ---- a call ---------------------------------------------------------------------------------------------------
 */

typedef enum step { RUN, START, REFINE } step;

typedef struct call {
    const idp_mlp *mlp;
    step what;
    size_t profile, batch;
    double percent;
    idp_status status;
} call;

static void make(void *argument) {
    call *c = argument;
    if (c->what == RUN)
        c->status = idp_mlp_run(c->mlp, c->profile, c->percent, c->batch, guard_view(&x), y.data, scratch.data);
    else if (c->what == START)
        c->status = idp_mlp_start(c->mlp, c->profile, c->percent, c->batch, guard_view(&x), y.data, scratch.data);
    else
        c->status = idp_mlp_refine(c->mlp, c->profile, c->percent, guard_view(&x), y.data, scratch.data);
}

static void lay(guard *g, size_t floats, size_t align) {
    error e;
    claim(guard_lay(g, floats, GUARD_AT_END, 0, align, &e), "%s", e.text);
}

static void judge(const call *c, const idp_backend *backend);

/* Runs into a y that holds NaN; a state is kept between the steps, a workspace is not. */
static void take(call c, const idp_backend *backend) {
    static const char *const names[] = {"idp_mlp_run", "idp_mlp_start", "idp_mlp_refine"};
    trap caught;
    ptrdiff_t at;
    char text[160];
    const guard *guards[] = {&x, &y, &scratch};
    lay(&y, c.batch * net.width[net.layers], 1);
    if (c.what == RUN) lay(&scratch, idp_mlp_workspace_bytes(c.mlp, c.batch) / sizeof(float), 16);
    if (c.what == START) lay(&scratch, idp_mlp_state_bytes(c.mlp, c.batch) / sizeof(float), 16);
    if (!trap_call(make, &c, &caught)) {
        trap_describe(&caught, guards, 3, text, sizeof text);
        claim(false, "%s %s: %s", backend->name, names[c.what], text);
    }
    claim(c.status == IDP_OK, "%s %s: %s", backend->name, names[c.what], idp_status_text(c.status));
    claim(!guard_broken(&y, &at) && !guard_broken(&scratch, &at), "%s %s: wrote around y or the state",
          backend->name, names[c.what]);
    judge(&c, backend);
}

/* ---- judging --------------------------------------------------------------------------------------------------
 */

/* The number of channels that all incomplete activations use, where it is one number for all of them. */
static bool one_width(double percent, size_t *k) {
    bool any = false;
    *k = 0;
    for (size_t h = 0; h <= net.layers; h++) {
        const size_t used = network_used(&net, h, percent);
        if (!net.incomplete[h]) continue;
        if (any && used != *k) return false;
        *k = used;
        any = true;
    }
    return true;
}

/* The network's formulas in double precision. out: [width[layers]] */
static void reference_answer(size_t p, size_t k, const float *sample, double *out) {
    static double w[NETWORK_LAYERS][NETWORK_WIDTH * NETWORK_WIDTH], b[NETWORK_LAYERS][NETWORK_WIDTH],
        gamma[NETWORK_LAYERS + 1][NETWORK_WIDTH], first[NETWORK_WIDTH];
    mlp_reference reference = {.layers = net.layers};
    for (size_t h = 0; h <= net.layers; h++) {
        reference.width[h] = net.width[h];
        reference.incomplete[h] = net.incomplete[h];
        reference.gamma[h] = net.gamma_at[p][h] != NULL ? gamma[h] : NULL;
        for (size_t i = 0; i < net.width[h] && net.gamma_at[p][h] != NULL; i++)
            gamma[h][i] = (double)net.gamma_at[p][h][i];
    }
    for (size_t l = 0; l < net.layers; l++) {
        reference.w[l] = w[l];
        reference.b[l] = b[l];
        for (size_t i = 0; i < net.width[l] * net.width[l + 1]; i++) w[l][i] = (double)net.w_at[p][l][i];
        for (size_t j = 0; j < net.width[l + 1]; j++) b[l][j] = (double)net.b_at[p][l][j];
    }
    for (size_t i = 0; i < net.width[0]; i++) first[i] = (double)sample[i];
    mlp_reference_forward(&reference, k, first, net.layers, out);
}

/* The bound holds for float32, and so for double precision, which the reference network is in. */
static void judge(const call *c, const idp_backend *backend) {
    static double value[NETWORK_WIDTH * NETWORK_BATCH], bound[NETWORK_WIDTH * NETWORK_BATCH],
        reference[NETWORK_WIDTH];
    const size_t classes = net.width[net.layers], last = c->batch - 1;
    size_t k;
    network_expected(&net, c->profile, c->percent, c->batch, x.data, value, bound);
    for (size_t j = 0; j < classes; j++)
        for (size_t s = 0; s < c->batch; s++) {
            const float got = y.data[s * classes + j];
            claim(
                oracle_error_over_bound(got, value[j * c->batch + s], bound[j * c->batch + s]) <= 1,
                "%s, step %d, profile %zu, %g %%, sample %zu of %zu, output %zu: %.9g, expected %.17g within %.3g",
                backend->name, (int)c->what, c->profile, c->percent, s, c->batch, j, (double)got,
                value[j * c->batch + s], bound[j * c->batch + s]);
        }
    if (!one_width(c->percent, &k)) return;
    reference_answer(c->profile, k, x.data + last * net.width[0], reference);
    for (size_t j = 0; j < classes; j++)
        claim(fabs(reference[j] - value[j * c->batch + last]) <= bound[j * c->batch + last],
              "the references differ at output %zu: %.17g and %.17g", j, reference[j], value[j * c->batch + last]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    input in = {data, size};
    const idp_backend *backend = some_back_end(&in);
    idp_layout layout[NETWORK_LAYERS];
    idp_mlp *mlp = NULL;
    shape(&in);
    idp_mlp_spec spec = network_spec(&net);
    for (size_t l = 0; l < net.layers; l++) layout[l] = input_below(&in, 2) ? IDP_LAYOUT_ROW : IDP_LAYOUT_PANEL;
    if (input_below(&in, 3) == 0) spec.layout = layout;
    spec.refinable = input_below(&in, 3) > 0;
    claim(idp_mlp_create(&spec, backend, &mlp) == IDP_OK, "%s: it is not packed", backend->name);
    const size_t batch = input_size(&in, input_below(&in, 4) == 0 ? NETWORK_BATCH : 20);
    lay(&x, batch * net.width[0], 1);
    for (size_t i = 0; i < batch * net.width[0]; i++)
        x.data[i] = random_below(&network_rng, 3) == 0 ? 0 : (float)random_normal(&network_rng);
    double percent = 0;
    for (size_t s = 0, steps = 1 + input_below(&in, MOST_STEPS); s < steps; s++) {
        const step what = !spec.refinable ? RUN : s == 0 ? START : REFINE;
        percent = some_percent(&in, what == REFINE ? percent : 0);
        take((call){mlp, what, input_below(&in, net.profiles), batch, percent, IDP_BAD_ARGUMENT}, backend);
    }
    if (spec.refinable) take((call){mlp, RUN, 0, batch, some_percent(&in, 0), IDP_BAD_ARGUMENT}, backend);
    idp_mlp_destroy(mlp);
    return 0;
}
