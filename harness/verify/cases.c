#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- edges: the sizes at which a kernel changes its path -------------------------------------------------- */

enum { EDGES = 64 };

typedef struct edges {
    size_t value[EDGES], count, most;
} edges;

static void add_edge(edges *list, size_t value) {
    if (value > list->most || list->count == EDGES) return;
    for (size_t i = 0; i < list->count; i++)
        if (list->value[i] == value) return;
    list->value[list->count++] = value;
}

/* One less, the step itself, one more; once and twice. */
static void add_step(edges *list, size_t step) {
    for (size_t times = 1; times <= 2 && step > 1; times++)
        for (size_t around = 0; around < 3; around++) add_edge(list, times * step + around - 1);
}

static void add_ends(edges *list, size_t n) {
    add_edge(list, n);
    if (n > 0) add_edge(list, n - 1);
}

enum {
    SMALL = 3,        /* 0 .. 3 are edges of everything */
    PRIME = 37,       /* of no kernel's tile a multiple */
    ROW_CHANNELS = 16 /* of the layout row's padding */
};

static edges small_edges(size_t most) {
    edges list = {.most = most};
    for (size_t n = 0; n <= SMALL; n++) add_edge(&list, n);
    add_edge(&list, PRIME);
    return list;
}

static edges output_edges(const idp_kernel *kernel, size_t most) {
    edges list = small_edges(most);
    add_step(&list, kernel->lanes);
    add_step(&list, kernel->panel);
    add_step(&list, kernel->panel_granule);
    add_step(&list, kernel->layout == IDP_LAYOUT_ROW ? kernel->tile_batch : kernel->tile_out);
    return list;
}

static edges channel_edges(const idp_kernel *kernel, size_t most) {
    edges list = small_edges(most);
    add_step(&list, 4); /* the common unrolls */
    add_step(&list, 8);
    add_step(&list, kernel->lanes);
    if (kernel->layout == IDP_LAYOUT_ROW) {
        add_step(&list, ROW_CHANNELS);
        add_step(&list, kernel->tile_out);
        add_step(&list, 4 * (size_t)kernel->tile_out);
    }
    return list;
}

static edges sample_edges(const idp_kernel *kernel) {
    edges list = small_edges(SIZE_MAX);
    add_step(&list, kernel->lanes);
    add_step(&list, kernel->tile_batch);
    return list;
}

/* ---- random cases ----------------------------------------------------------------------------------------- */

random_state case_random(uint64_t seed, uint64_t number) {
    random_state r;
    random_seed(&r, seed + number * UINT64_C(0x9e3779b97f4a7c15), RANDOM_TEST);
    return r;
}

static bool one_in(random_state *r, size_t n) { return random_below(r, n) == 0; }

static size_t one_of(random_state *r, const edges *list) { return list->value[random_below(r, list->count)]; }

/* From 1 to most, small ones more often. */
static size_t some_size(random_state *r, size_t most) { return 1 + random_below(r, 1 + random_below(r, most)); }

static size_t at_least_one(size_t n) { return n > 0 ? n : 1; }

/* An edge, everything, or anything up to n. */
static size_t some_cut(random_state *r, const edges *list, size_t n) {
    switch (random_below(r, 3)) {
    case 0: return one_of(r, list);
    case 1: return n;
    default: return random_below(r, n + 1);
    }
}

static void draw_outputs(const idp_kernel *kernel, random_state *r, verify_case *c) {
    const edges list = output_edges(kernel, c->out);
    c->m = some_cut(r, &list, c->out);
}

static void draw_channels(const idp_kernel *kernel, random_state *r, verify_case *c) {
    const edges list = channel_edges(kernel, c->in);
    c->k = some_cut(r, &list, c->in);
}

/* Rows farther apart than they are long, half of the time; in between lies poison. */
static void draw_strides(const idp_kernel *kernel, random_state *r, verify_case *c) {
    c->w_stride = c->in + (one_in(r, 2) ? 0 : some_size(r, 20));
    c->x_stride = c->y_stride = 1;
    if (!idp_layout_batched(kernel->layout)) return;
    c->by_sample = kernel->layout == IDP_LAYOUT_SAMPLE;
    c->x_stride = (c->by_sample ? c->in : c->batch) + (one_in(r, 2) ? 0 : some_size(r, 40));
    c->y_stride = c->batch + (one_in(r, 2) ? 0 : some_size(r, 40));
}

static void draw_samples(const idp_kernel *kernel, random_state *r, verify_case *c) {
    const edges list = sample_edges(kernel);
    c->batch = !idp_layout_batched(kernel->layout) ? 1 : one_in(r, 2) ? one_of(r, &list) : some_size(r, 80);
    draw_strides(kernel, r, c);
}

verify_case case_draw(const idp_kernel *kernel, uint64_t seed, uint64_t number) {
    random_state rng = case_random(seed, number), *r = &rng;
    verify_case c = {.number = number};
    const edges outs = output_edges(kernel, SIZE_MAX), ins = channel_edges(kernel, SIZE_MAX);
    c.out = one_in(r, 2) ? at_least_one(one_of(r, &outs)) : some_size(r, 130);
    c.in = one_in(r, 2) ? at_least_one(one_of(r, &ins)) : some_size(r, one_in(r, 8) ? 800 : 130);
    draw_outputs(kernel, r, &c);
    draw_channels(kernel, r, &c);
    draw_samples(kernel, r, &c);
    c.x_offset = random_below(r, 16);
    c.y_offset = random_below(r, 16);
    c.place = (guard_place)random_below(r, GUARD_OFFSET + 1);
    c.values = (case_values)random_below(r, VALUES_KINDS);
    c.gamma = (case_gamma)random_below(r, CASE_GAMMAS);
    c.poison = one_in(r, 4) ? POISON_HUGE : POISON_NAN;
    c.relu = one_in(r, 2);
    c.bias = !one_in(r, 8);
    return c;
}

/* ---- the plan --------------------------------------------------------------------------------------------- */

typedef struct planner {
    const idp_kernel *kernel;
    uint64_t seed;
    verify_plan *plan;
    bool no_memory;
    verify_case nowhere; /* pinned in vain where memory ran out */
    random_state rng;    /* of the case being pinned */
} planner;

/* A new case, drawn at random; the caller pins what it is about. It stays valid until the next call. */
static verify_case *next_case(planner *p) {
    verify_plan *plan = p->plan;
    if (plan->count == plan->room && !p->no_memory) {
        const size_t room = plan->room > 0 ? 2 * plan->room : 256;
        verify_case *cases = realloc(plan->cases, room * sizeof *cases);
        p->no_memory = cases == NULL;
        if (cases != NULL) {
            plan->cases = cases;
            plan->room = room;
        }
    }
    if (p->no_memory) return &p->nowhere;
    verify_case *c = &plan->cases[plan->count];
    *c = case_draw(p->kernel, p->seed, plan->count++);
    p->rng = case_random(~p->seed, c->number);
    return c;
}

/* Every edge of out with every edge of m. */
static void plan_outputs(planner *p) {
    const edges outs = output_edges(p->kernel, SIZE_MAX);
    for (size_t o = 0; o < outs.count; o++) {
        const size_t out = at_least_one(outs.value[o]);
        edges ms = output_edges(p->kernel, out);
        add_ends(&ms, out);
        for (size_t i = 0; i < ms.count; i++) {
            verify_case *c = next_case(p);
            c->out = out;
            c->m = ms.value[i];
        }
    }
}

/* Every edge of in with every edge of k. */
static void plan_channels(planner *p) {
    const edges ins = channel_edges(p->kernel, SIZE_MAX);
    for (size_t n = 0; n < ins.count; n++) {
        const size_t in = at_least_one(ins.value[n]);
        edges ks = channel_edges(p->kernel, in);
        add_ends(&ks, in);
        for (size_t i = 0; i < ks.count; i++) {
            verify_case *c = next_case(p);
            c->in = in;
            c->k = ks.value[i];
            draw_strides(p->kernel, &p->rng, c);
        }
    }
}

/* Every edge of the batch, with values by which a swapped or missing sample is seen. */
static void plan_samples(planner *p) {
    enum { ROUNDS = 4 };
    if (!idp_layout_batched(p->kernel->layout)) return;
    const edges batches = sample_edges(p->kernel);
    for (size_t b = 0; b < batches.count; b++) {
        for (size_t round = 0; round < ROUNDS; round++) {
            verify_case *c = next_case(p);
            c->batch = batches.value[b];
            c->values = round % 2 == 0 ? VALUES_UNIFORM : VALUES_INTEGER;
            c->m = at_least_one(c->m);
            draw_strides(p->kernel, &p->rng, c);
        }
    }
}

/* Every kind of value with every epilogue, in every place. */
static void plan_values(planner *p) {
    for (size_t values = 0; values < VALUES_KINDS; values++)
        for (size_t gamma = 0; gamma < CASE_GAMMAS; gamma++)
            for (size_t relu = 0; relu < 2; relu++)
                for (size_t place = 0; place <= GUARD_OFFSET; place++) {
                    verify_case *c = next_case(p);
                    c->values = (case_values)values;
                    c->gamma = (case_gamma)gamma;
                    c->relu = relu == 1;
                    c->place = (guard_place)place;
                    c->m = at_least_one(c->m);
                    c->k = at_least_one(c->k);
                }
}

/* x and y at every float of a cache line. */
static void plan_offsets(planner *p) {
    for (size_t x = 0; x < 16; x++)
        for (size_t y = 0; y < 16; y++) {
            verify_case *c = next_case(p);
            c->place = GUARD_OFFSET;
            c->x_offset = x;
            c->y_offset = y;
            c->values = VALUES_UNIFORM;
            c->m = at_least_one(c->m);
            c->k = at_least_one(c->k);
        }
}

/* The layers of the networks that the project is about, as they are cut. */
static void plan_layers(planner *p) {
    static const size_t shapes[][2] = {{100, 784}, {100, 100}, {10, 100}};
    static const double percents[] = {0, 1, 10, 29, 50, 99, 100};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (size_t n = 0; n < sizeof percents / sizeof percents[0]; n++) {
            verify_case *c = next_case(p);
            c->out = shapes[s][0];
            c->in = shapes[s][1];
            c->m = s == 2 ? c->out : idp_prefix(c->out, percents[n]);
            c->k = s == 0 ? c->in : idp_prefix(c->in, percents[n]);
            c->values = n % 2 == 0 ? VALUES_UNIFORM : VALUES_INTEGER;
            draw_strides(p->kernel, &p->rng, c);
        }
}

/* More channels and samples than a kernel may take in one go, and layers that exceed the caches. */
static void plan_blocks(planner *p) {
    static const size_t channels[] = {393, 1023, 1024, 1025, 2051}, samples[] = {3, 257, 300};
    if (!idp_layout_batched(p->kernel->layout)) {
        for (size_t n = 0; n < 2; n++) { /* a layer of more than 2 MiB */
            verify_case *c = next_case(p);
            c->in = 2801 + n;
            c->k = 2801;
            c->out = c->m = 300;
            c->values = n == 0 ? VALUES_INTEGER : VALUES_UNIFORM;
            draw_strides(p->kernel, &p->rng, c);
        }
        return;
    }
    for (size_t n = 0; n < sizeof channels / sizeof channels[0]; n++)
        for (size_t s = 0; s < sizeof samples / sizeof samples[0]; s++) {
            verify_case *c = next_case(p);
            c->in = c->k = channels[n];
            c->out = c->m = samples[s] == 3 ? 13 : 2;
            c->batch = samples[s];
            c->values = s % 2 == 0 ? VALUES_INTEGER : VALUES_UNIFORM;
            draw_strides(p->kernel, &p->rng, c);
        }
    /* A layer of more than 1 MiB. */
    verify_case *c = next_case(p);
    c->in = c->k = 1100;
    c->out = c->m = 250;
    c->batch = 2;
    c->values = VALUES_INTEGER;
    draw_strides(p->kernel, &p->rng, c);
}

/* A pinned size may have left a cut behind that is too large for it. */
static void mend(verify_case *c) {
    if (c->m > c->out) c->m = c->out;
    if (c->k > c->in) c->k = c->in;
    if (c->w_stride < c->in) c->w_stride = c->in;
    if (c->by_sample && c->x_stride < c->in) c->x_stride = c->in;
}

bool plan_make(const idp_kernel *kernel, uint64_t seed, verify_plan *plan, error *e) {
    verify_plan made = {NULL, 0, 0};
    planner p = {.kernel = kernel, .seed = seed, .plan = &made};
    plan_outputs(&p);
    plan_channels(&p);
    plan_samples(&p);
    plan_values(&p);
    plan_offsets(&p);
    plan_layers(&p);
    plan_blocks(&p);
    if (p.no_memory) {
        plan_free(&made);
        return fail(e, "no memory for the cases of %s", kernel->name);
    }
    for (size_t i = 0; i < made.count; i++) mend(&made.cases[i]);
    *plan = made;
    return true;
}

void plan_free(verify_plan *plan) {
    free(plan->cases);
    *plan = (verify_plan){NULL, 0, 0};
}

void case_describe(const verify_case *c, char *text, size_t text_size) {
    static const char *const values[VALUES_KINDS] = {"uniform",  "integer", "cancelling", "large", "overflowing",
                                                     "disorder", "tiny",    "infinities", "NaNs"};
    static const char *const gammas[CASE_GAMMAS] = {"no gamma", "gamma", "signed gamma"};
    static const char *const places[] = {"guarded at the end", "guarded at the start", "unaligned"};
    snprintf(text, text_size,
             "out %zu, in %zu, m %zu, k %zu, batch %zu, strides %zu %zu, values %s, %s, %s%s, %s, offsets %zu %zu",
             c->out, c->in, c->m, c->k, c->batch, c->x_stride, c->y_stride, values[c->values], gammas[c->gamma],
             c->relu ? "relu, " : "", c->bias ? "bias" : "no bias", places[c->place], c->x_offset, c->y_offset);
}
