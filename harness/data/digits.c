/* digits.c: the built-in digits, rendered from pen strokes with random deformation and noise.
 *
 * The same bytes on every machine: only integers and float32 + - * / sqrt, which IEEE 754 rounds in one way, no
 * function of libm, and compiled with -ffp-contract=off, as a fused multiply-add would round once instead of twice.
 * Image i depends on the seed, its part and i alone, so that a smaller set is a prefix of a larger one. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataset.h"
#include "digit_strokes.h"

#if FLT_EVAL_METHOD != 0
#error "the built-in digits need float arithmetic that is evaluated in float (on x86-32: -msse2 -mfpmath=sse)"
#endif

enum {
    SIDE = 28, /* pixels, as MNIST */
    PIXELS = SIDE * SIDE,
    SPAN_SEGMENTS = 4, /* straight pieces of the curve between two points */
    MAX_VERTICES = STROKE_MAX_POINTS * SPAN_SEGMENTS,
};

/* How far the digits vary: standard deviations, or the ends of a range. Chosen so that networks find the set as
 * hard as MNIST. Test accuracy in %, recipe `nested`, all-one, three seeds (numpy, 30 epochs, batch 128, lr 0.05
 * halved after epoch 25, momentum 0.9): 784-100-100-10 98.3 +- 0.1, cut to half its channels 51 +- 13 (MNIST: 98.2
 * and 54.1); a linear classifier 84.2 +- 0.1. */
static const float WOBBLE = 0.045f;                   /* of a stroke's point; the digit is 1 high */
static const float BEND = 0.10f;                      /* of the smooth warp's coefficients */
static const float LEAN = 0.10f, SLANT = 0.22f;       /* shear, x per y: mean and deviation */
static const float TURN = 0.07f;                      /* tangent of half the rotation */
static const float NARROW = 0.6f, BROAD = 1.15f;      /* breadth, before the digit is scaled to its size */
static const float SMALL = 16.0f, LARGE = 20.0f;      /* pixels of the longer side; MNIST's are 20 */
static const float SHIFT = 1.0f;                      /* pixels */
static const float PEN_FINE = 0.8f, PEN_BROAD = 1.8f; /* radius in pixels */
static const float SWELL = 0.25f;                     /* of the radius, from one end of the way to the other */
static const float PALEST = 0.7f;                     /* ink; the darkest is 1 */
static const float GRAIN = 0.10f;                     /* of paper and ink, each pixel by itself */

static const float FAR = 1e6f; /* squared pen radii: no ink */

/* ---- random numbers ---------------------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). */
static uint64_t random_bits(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t random_below(uint64_t *state, uint32_t n) {
    return (uint32_t)((random_bits(state) >> 32) * n >> 32);
}

/* In [low, high). */
static float random_uniform(uint64_t *state, float low, float high) {
    return low + (high - low) * ((float)(random_bits(state) >> 40) * 0x1p-24f);
}

/* Nearly normal, mean 0, standard deviation 1, within +-3.47: the sum of four uniform numbers of 16 bits. */
static float random_normal(uint64_t *state) {
    const uint64_t bits = random_bits(state);
    const uint32_t sum = (uint32_t)((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
    return ((float)sum - 131070.0f) * (1.7320508f / 65536.0f);
}

/* ---- the pen's way ----------------------------------------------------------------------------------------- */

typedef struct vertex {
    float x, y;
    bool start; /* no line leads here from the vertex before */
} vertex;

typedef struct outline {
    size_t count;
    vertex at[MAX_VERTICES];
} outline;

static const digit_style *choose_style(uint8_t digit, uint64_t *state) {
    uint32_t shares = 0;
    for (size_t s = 0; s < digit_style_count; s++)
        shares += digit_styles[s].digit == digit ? digit_styles[s].share : 0;
    uint32_t ticket = random_below(state, shares);
    for (const digit_style *style = digit_styles;; style++) {
        if (style->digit != digit) continue;
        if (ticket < style->share) return style;
        ticket -= style->share;
    }
}

/* A cubic through b and c whose tangents look from a to c and from b to d (Catmull-Rom), at t in (0, 1]. */
static float curve(float a, float b, float c, float d, float t) {
    return b + 0.5f * t * ((c - a) + t * ((2 * a - 5 * b + 4 * c - d) + t * (3 * (b - c) + d - a)));
}

/* The style's points, each moved a little, joined by smooth curves. Coordinates in [-1/2, 1/2], more or less. */
static void draw(const digit_style *style, uint64_t *state, outline *line) {
    float x[STROKE_MAX_POINTS], y[STROKE_MAX_POINTS];
    for (size_t p = 0; p < style->count; p++) {
        x[p] = (float)style->point[p].x / 100.0f - 0.5f + WOBBLE * random_normal(state);
        y[p] = (float)style->point[p].y / 100.0f - 0.5f + WOBBLE * random_normal(state);
    }
    line->count = 0;
    for (size_t p = 0; p < style->count; p++) {
        if (style->point[p].mark == STROKE_START) {
            line->at[line->count++] = (vertex){x[p], y[p], true};
            continue;
        }
        /* A neighbour beyond a corner, a start or the end does not bend this span: its own end stands in. */
        const size_t before = style->point[p - 1].mark == STROKE_SMOOTH ? p - 2 : p - 1;
        const bool last = p + 1 == style->count || style->point[p + 1].mark == STROKE_START;
        const size_t after = last || style->point[p].mark == STROKE_CORNER ? p : p + 1;
        for (int s = 1; s <= SPAN_SEGMENTS; s++) {
            const float t = (float)s / (float)SPAN_SEGMENTS;
            // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): a style begins with a start, never smooth
            line->at[line->count++] = (vertex){curve(x[before], x[p - 1], x[p], x[after], t),
                                               curve(y[before], y[p - 1], y[p], y[after], t), false};
        }
    }
}

/* Warps, slants and turns the outline, then fits it into the image, in pixels. */
static void place(outline *line, uint64_t *state) {
    float bend[5];
    for (size_t b = 0; b < 5; b++) bend[b] = BEND * random_normal(state);
    const float slant = LEAN + SLANT * random_normal(state), turn = TURN * random_normal(state);
    const float cosine = (1 - turn * turn) / (1 + turn * turn), sine = 2 * turn / (1 + turn * turn);
    const float breadth = random_uniform(state, NARROW, BROAD);
    float left = FLT_MAX, right = -FLT_MAX, top = FLT_MAX, bottom = -FLT_MAX;
    for (size_t v = 0; v < line->count; v++) {
        const float x = line->at[v].x, y = line->at[v].y;
        const float wx = breadth * x * (1 + 2 * bend[0] * y) + 2 * bend[1] * y * y - slant * y;
        const float wy = y * (1 + 2 * bend[2] * y) + 2 * bend[3] * x * y + 2 * bend[4] * x * x;
        line->at[v].x = cosine * wx - sine * wy;
        line->at[v].y = sine * wx + cosine * wy;
        left = line->at[v].x < left ? line->at[v].x : left;
        right = line->at[v].x > right ? line->at[v].x : right;
        top = line->at[v].y < top ? line->at[v].y : top;
        bottom = line->at[v].y > bottom ? line->at[v].y : bottom;
    }
    const float wide = right - left, high = bottom - top, most = wide > high ? wide : high;
    const float scale = random_uniform(state, SMALL, LARGE) / most;
    const float x0 = 0.5f * (SIDE - 1) - scale * 0.5f * (left + right) + SHIFT * random_normal(state);
    const float y0 = 0.5f * (SIDE - 1) - scale * 0.5f * (top + bottom) + SHIFT * random_normal(state);
    for (size_t v = 0; v < line->count; v++) {
        line->at[v].x = x0 + scale * line->at[v].x;
        line->at[v].y = y0 + scale * line->at[v].y;
    }
}

/* ---- ink --------------------------------------------------------------------------------------------------- */

static int clamp_pixel(float at) { return at < 0 ? 0 : at > SIDE - 1 ? SIDE - 1 : (int)at; }

/* nearest[y][x] becomes the least squared distance to any line, in squares of the pen's radius at that line. */
static void measure_line(const vertex *a, const vertex *b, float radius, float nearest[SIDE][SIDE]) {
    const float reach = radius + 1; /* beyond it there is no ink: the edge is one pixel soft */
    const int x_from = clamp_pixel((a->x < b->x ? a->x : b->x) - reach);
    const int x_to = clamp_pixel((a->x < b->x ? b->x : a->x) + reach + 1);
    const int y_from = clamp_pixel((a->y < b->y ? a->y : b->y) - reach);
    const int y_to = clamp_pixel((a->y < b->y ? b->y : a->y) + reach + 1);
    const float dx = b->x - a->x, dy = b->y - a->y, squared = dx * dx + dy * dy;
    const float per_squared = squared > 1e-6f ? 1 / squared : 0; /* else a dot */
    const float per_radius = 1 / (radius * radius);
    for (int row = y_from; row <= y_to; row++) {
        const float py = (float)row - a->y;
        for (int column = x_from; column <= x_to; column++) {
            const float px = (float)column - a->x;
            float t = (px * dx + py * dy) * per_squared; /* the nearest point is a + t (b - a) */
            t = t < 0 ? 0 : t;
            t = t > 1 ? 1 : t;
            const float ex = px - t * dx, ey = py - t * dy;
            const float distance = (ex * ex + ey * ey) * per_radius;
            nearest[row][column] = distance < nearest[row][column] ? distance : nearest[row][column];
        }
    }
}

static float clamp_unit(float shade) { return shade < 0 ? 0 : shade > 1 ? 1 : shade; }

/* A pen whose pressure changes along the way, on grainy paper. */
static void ink(const outline *line, uint64_t *state, uint8_t *pixels) {
    float nearest[SIDE][SIDE];
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++) nearest[row][column] = FAR;
    const float radius = random_uniform(state, PEN_FINE, PEN_BROAD), swell = SWELL * random_normal(state);
    const float full = random_uniform(state, PALEST, 1.0f);
    for (size_t v = 1; v < line->count; v++) {
        if (line->at[v].start) continue;
        const float way = (float)v / (float)line->count - 0.5f;
        measure_line(&line->at[v - 1], &line->at[v], radius * (1 + swell * way), nearest);
    }
    for (int row = 0; row < SIDE; row++) {
        for (int column = 0; column < SIDE; column++) {
            const float inside = radius * (1 - sqrtf(nearest[row][column])); /* pixels from the edge */
            const float shade = full * clamp_unit(0.5f + inside) + GRAIN * random_normal(state);
            *pixels++ = (uint8_t)(clamp_unit(shade) * 255.0f + 0.5f);
        }
    }
}

/* ---- the set ----------------------------------------------------------------------------------------------- */

/* Every image has its own stream of random numbers. */
static uint64_t image_stream(uint64_t seed, uint64_t part, uint64_t image) {
    uint64_t state = seed;
    state = random_bits(&state) ^ part;
    state = random_bits(&state) ^ image;
    return random_bits(&state);
}

static bool render_part(images *part, uint64_t number, size_t count, uint64_t seed, error *e) {
    if (count == 0 || count > SIZE_MAX / PIXELS)
        return fail(e, "built-in digits: there cannot be %zu images", count);
    *part = (images){.count = count, .rows = SIDE, .columns = SIDE};
    part->pixels = malloc(count * PIXELS);
    part->labels = malloc(count);
    if (part->pixels == NULL || part->labels == NULL)
        return fail(e, "built-in digits: no memory for %zu images", count);
    for (size_t i = 0; i < count; i++) {
        uint64_t state = image_stream(seed, number, i);
        outline line;
        part->labels[i] = (uint8_t)random_below(&state, DIGIT_CLASSES);
        draw(choose_style(part->labels[i], &state), &state, &line);
        place(&line, &state);
        ink(&line, &state, part->pixels + i * PIXELS);
    }
    return true;
}

bool digits_render(dataset *d, size_t train_count, size_t test_count, uint64_t seed, error *e) {
    dataset *drawn = calloc(1, sizeof *drawn);
    if (drawn == NULL) return fail(e, "built-in digits: no memory");
    const bool done =
        render_part(&drawn->train, 0, train_count, seed, e) && render_part(&drawn->test, 1, test_count, seed, e);
    if (done) {
        snprintf(drawn->name, sizeof drawn->name, "synthetic digits");
        snprintf(drawn->origin, sizeof drawn->origin, "built in");
        drawn->synthetic = true;
        dataset_seal(drawn);
        *d = *drawn;
        *drawn = (dataset){.classes = 0};
    }
    dataset_free(drawn);
    free(drawn);
    return done;
}
