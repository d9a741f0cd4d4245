/* train_tile.h: the training kernels over one vocabulary, which train_avx2.c, train_avx512.c and train_neon.c
 * define before they include it: vec, LANES, GROUP (registers of one tile's columns; GROUP LANES divides 32), ROWS,
 * and the functions used below.
 *
 * One register tile serves all three products: ROWS broadcast values a step times GROUP registers of the right
 * factor, ROWS GROUP sums. With ROWS = 10 and GROUP = 2 that is 20 FMAs for 12 loads; the sums cover the latency of
 * the FMA pipes (4 cycles x 2 pipes), and 10 divides the layers of the paper's network (100 and 10). Expected
 * bottleneck: the FMA pipes; the right factor streams from L1 or L2, 32 floats a step, the left one is small.
 *
 * The momentum update is fused into the weight gradient, where the sums are still in registers: the gradient of
 * layer 1, 314 KB, is never stored.
 *
 * Tried and lost, on a Zen 4, idp epoch, time over oneDNN's in the same rounds (0.875 as it is, 0.01 of it noise):
 * no prefetch of v and w 0.892; in the middle of the sums 0.891, before the last term 0.907; of the next tile's
 * instead 0.869 to 0.881, no difference; of the next block's delta 0.874, none. */

/* sum[r][v] += sum over t < steps of a[r * a_row + t * a_step] b[t][v]; with a list, t goes through its entries */
IDP_INLINE void tile(vec sum[ROWS][GROUP], size_t rows, size_t vectors, size_t steps, const float *a, size_t a_row,
                     size_t a_step, const float *b, bool listed, const uint32_t *list) {
    IDP_UNROLL_SOME
    for (size_t step = 0; step < steps; step++) {
        const size_t t = listed ? list[step] : step;
        vec bt[GROUP];
        IDP_UNROLL
        for (size_t v = 0; v < vectors; v++) bt[v] = load(b + t * BLOCK + v * LANES);
        IDP_UNROLL
        for (size_t r = 0; r < rows; r++) {
            const vec ar = set1(a[r * a_row + t * a_step]);
            IDP_UNROLL
            for (size_t v = 0; v < vectors; v++) sum[r][v] = fmadd(ar, bt[v], sum[r][v]);
        }
    }
}

/* Calls do_rows(rows, ...) with a constant number of rows, 1 .. ROWS. */
#if ROWS_MOST == 10
#define EACH_REMAINDER(one) one(1) one(2) one(3) one(4) one(5) one(6) one(7) one(8) one(9)
#else
#define EACH_REMAINDER(one) one(1) one(2) one(3) one(4)
#endif
#define REMAINDER_CASE(n) \
    case n:               \
        CALL(n);          \
        break;
#define WITH_CONSTANT_ROWS(rows)       \
    switch (rows) {                    \
        EACH_REMAINDER(REMAINDER_CASE) \
    default: CALL(ROWS); break;        \
    }

/* ---- forward ------------------------------------------------------------------------------------------------ */

IDP_INLINE void forward_rows(const idp_train_forward *f, size_t j, size_t rows, size_t s, bool listed) {
    vec sum[ROWS][GROUP];
    IDP_UNROLL
    for (size_t r = 0; r < rows; r++) IDP_UNROLL
    for (size_t v = 0; v < GROUP; v++) sum[r][v] = set1(f->b[j + r]);
    tile(sum, rows, GROUP, f->k, f->w + j * f->w_stride, f->w_stride, 1, f->x + s, listed, f->channel);
    IDP_UNROLL
    for (size_t r = 0; r < rows; r++) IDP_UNROLL
    for (size_t v = 0; v < GROUP; v++) {
        const size_t at = (j + r) * BLOCK + s + v * LANES;
        const vec y = f->relu ? relu(sum[r][v]) : sum[r][v];
        store(f->y + at, y);
        if (f->gamma != NULL) store(f->scaled + at, mul(set1(f->gamma[j + r]), y));
    }
}

IDP_INLINE void forward_all(const idp_train_forward *f, bool listed) {
    for (size_t s = 0; s < BLOCK; s += GROUP * LANES)
        for (size_t j = 0; j < f->m; j += ROWS) {
#define CALL(n) forward_rows(f, j, n, s, listed)
            WITH_CONSTANT_ROWS(f->m - j)
#undef CALL
        }
}

static void forward(const idp_train_forward *f) {
    if (f->channel != NULL)
        forward_all(f, true);
    else
        forward_all(f, false);
}

/* ---- backward ----------------------------------------------------------------------------------------------- */

IDP_INLINE void backward_rows(const idp_train_backward *o, size_t i, size_t rows, size_t s) {
    vec sum[ROWS][GROUP];
    IDP_UNROLL
    for (size_t r = 0; r < rows; r++) IDP_UNROLL
    for (size_t v = 0; v < GROUP; v++) sum[r][v] = zero();
    tile(sum, rows, GROUP, o->k, o->w + i, 1, o->w_stride, o->delta + s, false, NULL);
    IDP_UNROLL
    for (size_t r = 0; r < rows; r++) IDP_UNROLL
    for (size_t v = 0; v < GROUP; v++) {
        const size_t at = (i + r) * BLOCK + s + v * LANES;
        vec y = sum[r][v];
        if (o->gamma != NULL) y = mul(set1(o->gamma[i + r]), y);
        y = where_positive(load(o->relu + at), y);
        store(o->y + at, o->add ? add(load(o->y + at), y) : y);
    }
}

static void backward(const idp_train_backward *o) {
    for (size_t s = 0; s < BLOCK; s += GROUP * LANES)
        for (size_t i = 0; i < o->m; i += ROWS) {
#define CALL(n) backward_rows(o, i, n, s)
            WITH_CONSTANT_ROWS(o->m - i)
#undef CALL
        }
}

/* ---- weight gradient and momentum update ----------------------------------------------------------------------
 */

/* Lines to be fetched between the sums of one term and the next: 64 for 10 tiles of 4 terms, and some to spare. */
enum { FETCHES = 2 };

IDP_INLINE void fetch(const idp_train_weights *o, size_t from, size_t to) {
    for (size_t f = from; f < to && f < o->fetches; f++) __builtin_prefetch(o->fetch[f] + o->fetch_offset, 0, 2);
}

/* Columns i .. i + columns - 1 of rows j .. j + rows - 1; columns at most vectors * LANES. */
IDP_INLINE void weights_rows(const idp_train_weights *o, size_t j, size_t rows, size_t i, size_t columns,
                             size_t vectors) {
    vec sum[ROWS][GROUP];
    IDP_UNROLL
    for (size_t r = 0; r < rows; r++) {
        /* Wanted when the sums are done; asked for later they come too late from L3. To write: other threads'
         * caches hold copies of w, which x86 drops early with PREFETCHW (-mprfchw; nothing where a CPU has it not).
         */
        if (o->v != NULL) {
            __builtin_prefetch(o->v + (j + r) * o->stride + i, 1);
            __builtin_prefetch(o->w + (j + r) * o->stride + i, 1);
            __builtin_prefetch(o->v + (j + r) * o->stride + i + columns - 1, 1);
            __builtin_prefetch(o->w + (j + r) * o->stride + i + columns - 1, 1);
        }
        IDP_UNROLL
        for (size_t v = 0; v < vectors; v++) sum[r][v] = zero();
    }
    for (size_t t = 0; t < o->terms; t++) {
        const size_t slot = j / ROWS * o->terms + t;
        if (i == 0) fetch(o, FETCHES * slot, FETCHES * (slot + 1));
        tile(sum, rows, vectors, o->term[t].samples, o->term[t].delta + j * BLOCK, BLOCK, 1, o->term[t].x + i,
             false, NULL);
    }
    const vec momentum = set1(o->momentum), lr = set1(-o->lr), decay = set1(o->decay);
    IDP_UNROLL
    for (size_t r = 0; r < rows; r++) IDP_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        if (v * LANES >= columns) continue; /* a tile of four registers may have two too many */
        const size_t at = (j + r) * o->stride + i + v * LANES, n = idp_min(LANES, columns - v * LANES);
        vec g = sum[r][v];
        if (o->add) g = add(load_part(o->g + at, n), g);
        if (o->v == NULL) {
            store_part(o->g + at, n, g);
            continue;
        }
        const vec w = load_part(o->w + at, n);
        const vec next = flush_small(fmadd(lr, fmadd(decay, w, g), mul(momentum, load_part(o->v + at, n))));
        store_part(o->v + at, n, next);
        store_part(o->w + at, n, add(w, next));
    }
}

static void weights(const idp_train_weights *o) {
    IDP_ASSERT_WEIGHTS(o);
    for (size_t i = 0; i < o->n; i += GROUP * LANES) {
        const size_t columns = idp_min(GROUP * LANES, o->n - i);
        const bool narrow = columns <= LANES;
        for (size_t j = 0; j < o->m; j += ROWS) {
            if (narrow) {
#define CALL(n) weights_rows(o, j, n, i, columns, 1)
                WITH_CONSTANT_ROWS(o->m - j)
#undef CALL
            } else if (columns == GROUP * LANES) {
#define CALL(n) weights_rows(o, j, n, i, GROUP *LANES, GROUP)
                WITH_CONSTANT_ROWS(o->m - j)
#undef CALL
            } else {
#define CALL(n) weights_rows(o, j, n, i, columns, GROUP)
                WITH_CONSTANT_ROWS(o->m - j)
#undef CALL
            }
        }
    }
    fetch(o, FETCHES * o->terms * ((o->m + ROWS - 1) / ROWS), o->fetches); /* few rows: the rest of the lines */
}

/* ---- softmax cross-entropy ------------------------------------------------------------------------------------
 */

/* e^x for x <= 0, to 2 units in the last place; below -87, e^-87, 1.6e-38. x = n log 2 + r, |r| <= log(2) / 2; the
 * Taylor polynomial of degree 7 errs by |r|^8 / 8!, 5e-9. n log 2 is taken off in two steps (Cody and Waite), the
 * first exact. */
IDP_INLINE vec exp_negative(vec x) {
    static const float coefficient[] = {1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 1.f / 2, 1, 1};
    x = max_of(set1(-87), x);
    const vec n = nearest(mul(x, set1(1.44269504f)));
    const vec r = fmadd(n, set1(2.12194440e-4f), fmadd(n, set1(-0.693359375f), x));
    vec p = set1(1.f / 5040);
    IDP_UNROLL
    for (size_t c = 0; c < sizeof coefficient / sizeof coefficient[0]; c++) p = fmadd(p, r, set1(coefficient[c]));
    return mul(p, power_of_two(n));
}

static double loss(const idp_train_loss *o) {
    float log_sum[BLOCK], nats[BLOCK];
    double total = 0;
    for (size_t s = 0; s < BLOCK; s += LANES) {
        vec highest = load(o->z + s), sum = zero();
        for (size_t c = 1; c < o->classes; c++) highest = max_of(load(o->z + c * BLOCK + s), highest);
        for (size_t c = 0; c < o->classes; c++) {
            const vec e = exp_negative(sub(load(o->z + c * BLOCK + s), highest));
            sum = add(sum, e);
            store(o->softmax + c * BLOCK + s, e);
        }
        store(log_sum + s, sum);
        for (size_t l = s; l < s + LANES; l++) log_sum[l] = logf(log_sum[l]);
        const vec scale = divide(set1(1), sum), share = set1(o->share), base = add(load(log_sum + s), highest);
        vec lost = zero();
        for (size_t c = 0; c < o->classes; c++) {
            const size_t at = c * BLOCK + s;
            const vec p = mul(load(o->softmax + at), scale), target = load(o->target + at);
            store(o->softmax + at, p);
            store(o->delta + at, mul(share, sub(p, target)));
            lost = fmadd(target, sub(base, load(o->z + at)), lost);
        }
        store(nats + s, lost);
    }
    for (size_t s = 0; s < o->samples; s++) total += (double)nats[s];
    for (size_t c = 0; c < o->classes; c++)
        for (size_t s = o->samples; s < BLOCK; s++) o->delta[c * BLOCK + s] = 0;
    return total;
}

/* ---- the rest -------------------------------------------------------------------------------------------------
 */

static void sums(size_t m, const float *delta, float *to) {
    for (size_t j = 0; j < m; j++, delta += BLOCK) {
        vec sum = load(delta);
        IDP_UNROLL
        for (size_t v = 1; v < BLOCK / LANES; v++) sum = add(sum, load(delta + v * LANES));
        to[j] += lane_sum(sum);
    }
}

static void pixels(const uint8_t *pixel, float *y) {
    const vec scale = set1(1.f / 255);
    for (size_t s = 0; s < BLOCK; s++, pixel += LINE, y += BLOCK) IDP_UNROLL
    for (size_t c = 0; c < BLOCK; c += LANES) store(y + c, mul(scale, load_bytes(pixel + c)));
}

/* Turned as words of four pixels, which takes a quarter of the shuffles. */
static void pixels_turned(const uint8_t *pixel, float *y) {
    const vec scale = set1(1.f / 255);
    for (size_t s = 0; s < BLOCK; s += LANES)
        for (size_t c = 0; c < LINE; c += 4 * LANES) {
            vec word[LANES];
            IDP_UNROLL
            for (size_t r = 0; r < LANES; r++) word[r] = load_words(pixel + (s + r) * LINE + c);
            turn_lanes(word);
            IDP_UNROLL
            for (size_t r = 0; r < LANES; r++) IDP_UNROLL
            for (unsigned b = 0; b < 4; b++)
                store(y + (c + 4 * r + b) * BLOCK + s, mul(scale, byte_of(word[r], b)));
        }
}

static void turn(const float *from, float *to) {
    for (size_t r = 0; r < BLOCK; r += LANES)
        for (size_t c = 0; c < BLOCK; c += LANES) {
            vec a[LANES];
            IDP_UNROLL
            for (size_t i = 0; i < LANES; i++) a[i] = load(from + (r + i) * BLOCK + c);
            turn_lanes(a);
            IDP_UNROLL
            for (size_t i = 0; i < LANES; i++) store(to + (c + i) * BLOCK + r, a[i]);
        }
}
