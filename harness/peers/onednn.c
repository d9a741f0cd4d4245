/* onednn.c: oneDNN 2 through its C API: inner product and matmul with the weights in the format that the library
 * asks for, reordered once, bias, ReLU and gamma fused as post-operations; and its
 * sgemm. The feature-major form is sgemm's alone: as a matmul, with bias and gamma along the rows, oneDNN 2.6 runs
 * its reference code, a thousand times slower. */
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>

#include "../library/floats.h"
#include "blas.h"

enum { ARGS = 5, LINE_BYTES = 64 };

typedef struct onednn_state {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arg[ARGS];
    int args;
    void *memory[ARGS]; /* ours; NULL where the job's */
    epilogue values;    /* the copies of bias and gamma */
} onednn_state;

typedef dnnl_memory_desc_t desc;

/* Debian's build runs its threads by OpenMP, whose runtime comes with it. */
static void one_thread(void) {
    void *found = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    void (*set)(int) = NULL;
    *(void **)(void *)&set = found;
    if (set != NULL) set(1);
}

static void onednn_free(void *state) {
    onednn_state *s = state;
    if (s == NULL) return;
    for (int a = 0; a < ARGS; a++) {
        if (s->arg[a].memory != NULL) dnnl_memory_destroy(s->arg[a].memory);
        free(s->memory[a]);
    }
    if (s->primitive != NULL) dnnl_primitive_destroy(s->primitive);
    if (s->stream != NULL) dnnl_stream_destroy(s->stream);
    if (s->engine != NULL) dnnl_engine_destroy(s->engine);
    epilogue_free(&s->values);
    free(s);
}

/* A matrix of rows x columns floats; row_stride 0: in the format that the library likes best. */
static bool matrix(desc *d, size_t rows, size_t columns, size_t row_stride, size_t column_stride) {
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns},
                      strides = {(dnnl_dim_t)row_stride, (dnnl_dim_t)column_stride};
    return (row_stride == 0 ? dnnl_memory_desc_init_by_tag(d, 2, dims, dnnl_f32, dnnl_format_tag_any)
                            : dnnl_memory_desc_init_by_strides(d, 2, dims, dnnl_f32, strides)) == dnnl_success;
}

/* Adds an argument that lies at `data`. */
static bool argument(onednn_state *s, int which, const desc *d, const void *data) {
    dnnl_exec_arg_t *a = &s->arg[s->args++];
    a->arg = which;
    return dnnl_memory_create(&a->memory, d, s->engine, (void *)(uintptr_t)data) == dnnl_success;
}

/* Adds the weights, from where they lie in the user's format `from` to the primitive's format `to`. */
static bool reordered(onednn_state *s, int which, const desc *from, const float *w, const desc *to) {
    dnnl_memory_t source = NULL;
    dnnl_primitive_desc_t order = NULL;
    dnnl_primitive_t reorder = NULL;
    const int index = s->args;
    s->memory[index] = aligned_new(LINE_BYTES, dnnl_memory_desc_get_size(to));
    bool good = s->memory[index] != NULL && argument(s, which, to, s->memory[index]) &&
                dnnl_memory_create(&source, from, s->engine, (void *)(uintptr_t)w) == dnnl_success &&
                dnnl_reorder_primitive_desc_create(&order, from, s->engine, to, s->engine, NULL) == dnnl_success &&
                dnnl_primitive_create(&reorder, order) == dnnl_success;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, s->arg[index].memory}};
    good = good && dnnl_primitive_execute(reorder, s->stream, 2, args) == dnnl_success &&
           dnnl_stream_wait(s->stream) == dnnl_success;
    if (reorder != NULL) dnnl_primitive_destroy(reorder);
    if (order != NULL) dnnl_primitive_desc_destroy(order);
    if (source != NULL) dnnl_memory_destroy(source);
    return good;
}

/* ReLU and gamma ([m], laid out as `gamma` says) behind the product. */
static bool post_operations(const peer_job *job, const desc *gamma, dnnl_primitive_attr_t *attr) {
    dnnl_post_ops_t post = NULL;
    bool good = dnnl_primitive_attr_create(attr) == dnnl_success && dnnl_post_ops_create(&post) == dnnl_success;
    if (good && job->relu) good = dnnl_post_ops_append_eltwise(post, 1, dnnl_eltwise_relu, 0, 0) == dnnl_success;
    if (good && job->gamma != NULL)
        good = dnnl_post_ops_append_binary(post, dnnl_binary_mul, gamma) == dnnl_success;
    good = good && dnnl_primitive_attr_set_post_ops(*attr, post) == dnnl_success;
    if (post != NULL) dnnl_post_ops_destroy(post);
    return good;
}

typedef enum kind { INNER_PRODUCT, MATMUL } kind;

/* The operands as the primitive sees them. */
typedef struct operands {
    desc src, weights, bias, dst, gamma, stored; /* stored: the weights as the job has them */
} operands;

static bool describe(const peer_job *j, kind what, operands *o) {
    const size_t x_stride = j->batch == 1 ? j->k : j->x_stride, y_stride = j->batch == 1 ? j->m : j->y_stride;
    const dnnl_dims_t outputs = {(dnnl_dim_t)j->m};
    switch (what) {
    case INNER_PRODUCT:
        return matrix(&o->src, j->batch, j->k, x_stride, 1) && matrix(&o->weights, j->m, j->k, 0, 0) &&
               dnnl_memory_desc_init_by_tag(&o->bias, 1, outputs, dnnl_f32, dnnl_a) == dnnl_success &&
               matrix(&o->dst, j->batch, j->m, y_stride, 1) && matrix(&o->gamma, 1, j->m, j->m, 1) &&
               matrix(&o->stored, j->m, j->k, j->in, 1);
    case MATMUL:
        return matrix(&o->src, j->batch, j->k, x_stride, 1) && matrix(&o->weights, j->k, j->m, 0, 0) &&
               matrix(&o->bias, 1, j->m, j->m, 1) && matrix(&o->dst, j->batch, j->m, y_stride, 1) &&
               matrix(&o->gamma, 1, j->m, j->m, 1) && matrix(&o->stored, j->k, j->m, 1, j->in);
    }
    return false;
}

static bool create(onednn_state *s, const peer_job *job, kind what) {
    operands o;
    dnnl_inner_product_desc_t product;
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t made = NULL;
    bool good = describe(job, what, &o) && post_operations(job, &o.gamma, &attr);
    if (good && what == INNER_PRODUCT)
        good = dnnl_inner_product_forward_desc_init(&product, dnnl_forward_inference, &o.src, &o.weights, &o.bias,
                                                    &o.dst) == dnnl_success;
    if (good && what != INNER_PRODUCT)
        good = dnnl_matmul_desc_init(&matmul, &o.src, &o.weights, &o.bias, &o.dst) == dnnl_success;
    good = good && dnnl_primitive_desc_create(&made, what == INNER_PRODUCT ? (const void *)&product : &matmul, attr,
                                              s->engine, NULL) == dnnl_success;
    good = good && dnnl_primitive_create(&s->primitive, made) == dnnl_success;
    good = good &&
           reordered(s, DNNL_ARG_WEIGHTS, &o.stored, job->w,
                     dnnl_primitive_desc_query_md(made, dnnl_query_weights_md, 0)) &&
           argument(s, DNNL_ARG_SRC, &o.src, job->x) && argument(s, DNNL_ARG_BIAS, &o.bias, s->values.b) &&
           argument(s, DNNL_ARG_DST, &o.dst, job->y);
    if (good && job->gamma != NULL)
        good = argument(s, DNNL_ARG_ATTR_MULTIPLE_POST_OP(job->relu ? 1 : 0) | DNNL_ARG_SRC_1, &o.gamma,
                        s->values.gamma);
    if (made != NULL) dnnl_primitive_desc_destroy(made);
    if (attr != NULL) dnnl_primitive_attr_destroy(attr);
    return good;
}

static bool make(const peer_job *job, kind what, void **state, error *e) {
    onednn_state *s = calloc(1, sizeof *s);
    if (s == NULL) return fail(e, "no memory for a peer");
    one_thread();
    if (epilogue_make(job, &s->values, e) && dnnl_engine_create(&s->engine, dnnl_cpu, 0) == dnnl_success &&
        dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags) == dnnl_success &&
        create(s, job, what)) {
        *state = s;
        return true;
    }
    onednn_free(s);
    return fail(e, "oneDNN makes no primitive for %zu outputs, %zu channels, %zu samples here", job->m, job->k,
                job->batch);
}

static bool make_product(const peer_job *job, void **state, error *e) { return make(job, INNER_PRODUCT, state, e); }
static bool make_matmul(const peer_job *job, void **state, error *e) { return make(job, MATMUL, state, e); }

static void run(void *state) {
    const onednn_state *s = state;
    dnnl_primitive_execute(s->primitive, s->stream, s->args, s->arg);
    dnnl_stream_wait(s->stream);
}

/* The inner product takes samples that lie close together; others it hands to its reference code, a thousand times
 * slower. */
static bool serves_dense(const peer_job *job) {
    return peer_serves_any(job) && (job->batch == 1 || (job->x_stride == job->k && job->y_stride == job->m));
}

/* ---- sgemm ------------------------------------------------------------------------------------------------- */

static bool make_slice(const peer_job *job, void **state, error *e) {
    one_thread();
    return blas_make_slice(job, state, e);
}

static bool make_rows(const peer_job *job, void **state, error *e) {
    one_thread();
    return blas_make_rows(job, state, e);
}

static void sgemm_slice(void *state) {
    const blas_state *s = state;
    const peer_job *j = &s->job;
    dnnl_sgemm('N', 'T', (dnnl_dim_t)j->batch, (dnnl_dim_t)j->m, (dnnl_dim_t)j->k, 1, j->x, (dnnl_dim_t)j->x_stride,
               j->w, (dnnl_dim_t)j->in, 0, j->y, (dnnl_dim_t)j->y_stride);
    blas_finish_samples(s);
}

static void sgemm_feature(void *state) {
    const blas_state *s = state;
    const peer_job *j = &s->job;
    dnnl_sgemm('N', 'N', (dnnl_dim_t)j->m, (dnnl_dim_t)j->batch, (dnnl_dim_t)j->k, 1, s->packed,
               (dnnl_dim_t)s->stride, j->x, (dnnl_dim_t)j->x_stride, 0, j->y, (dnnl_dim_t)j->y_stride);
    blas_finish_features(s);
}

/* The library's own choice of code decides which of them a shape meets. */
enum { LIBERTIES = PEER_RELU_OF_NAN_IS_ZERO | PEER_RELU_OF_MINUS_INFINITY_IS_NAN };

static const peer rows[] = {
    {"onednn_inner_product_single", "oneDNN", false, PEER_SINGLE, peer_serves_any, make_product, run, onednn_free,
     LIBERTIES},
    {"onednn_matmul_single", "oneDNN", false, PEER_SINGLE, peer_serves_any, make_matmul, run, onednn_free,
     LIBERTIES},
    {"onednn_sgemm_slice", "oneDNN", true, PEER_SAMPLE, peer_serves_any, make_slice, sgemm_slice, blas_free,
     PEER_NO_LIBERTY},
    {"onednn_inner_product", "oneDNN", false, PEER_SAMPLE, serves_dense, make_product, run, onednn_free, LIBERTIES},
    {"onednn_matmul", "oneDNN", false, PEER_SAMPLE, peer_serves_any, make_matmul, run, onednn_free, LIBERTIES},
    {"onednn_sgemm_feature", "oneDNN", false, PEER_FEATURE, peer_serves_any, make_rows, sgemm_feature, blas_free,
     PEER_NO_LIBERTY},
};

static const char *version(void) {
    static char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

/* Of the instruction sets that this version knows, the ones that matter without 8- and 16-bit numbers. */
static const char *target(void) {
    switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "sse41";
    case dnnl_cpu_isa_avx: return "avx";
    case dnnl_cpu_isa_avx2:
    case dnnl_cpu_isa_avx2_vnni: return "avx2";
    case dnnl_cpu_isa_all: return "all";
    default: return "avx512_core";
    }
}

const peer_table peers_onednn = {rows, sizeof rows / sizeof rows[0], version, target};
