#include "roof.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "../library/floats.h"
#include "../machine/machine.h"
#include "clock.h"
#include "peak.h"

enum {
    LEVELS = 4,            /* three of cache, and DRAM */
    LINE_FLOATS = 16,      /* buffers are whole cache lines */
    DRAM_FILLS = 4,        /* of the last cache: what a stream finds there of the last pass is gone */
    DRAM_LEAST = 64 << 20, /* bytes */
    DRAM_MOST = 512 << 20, /* bytes */
    CHOICE_TURNS = 5,
};
static const double slice_ns = 200e3;

roof_options roof_defaults(bool quick) {
    machine m;
    machine_read(&m);
    roof_options o = {.rounds = quick ? 40 : 200, .budget_s = quick ? 1.5 : 8, .level = 0.99, .seed = 1};
    for (unsigned c = 0; c < m.caches; c++)
        if (m.cache[c].level >= 1 && m.cache[c].level <= LEVELS)
            o.cache_bytes[m.cache[c].level - 1] = m.cache[c].bytes;
    return o;
}

/* ---- what is measured ------------------------------------------------------------------------------------------
 */

static void nothing(void) { __asm__ volatile(""); }
static void (*volatile called)(void) = nothing;

static void run_calls(void *state, uint64_t iterations) {
    (void)state;
    for (uint64_t n = 0; n < iterations; n++) called();
}

/* The processor's own counter, read so that nothing moves across: what a reading around a single call would add. */
static void run_timer(void *state, uint64_t iterations) {
    (void)state;
    for (uint64_t n = 0; n < iterations; n++) {
#if defined(__x86_64__)
        _mm_lfence();
        (void)__rdtsc();
        _mm_lfence();
#elif defined(__aarch64__)
        uint64_t ticks;
        __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks));
#else
        (void)clock_now_ns();
#endif
    }
}

/* A figure to come: per_iteration / ns of one iteration, or, where that is 0, ns of one iteration itself. */
typedef struct probe {
    roof_figure figure;
    double per_iteration;
    roof_stream stream;
    stream_block block;
    unsigned width_bits;
} probe;

typedef struct probes {
    probe of[ROOF_MOST];
    paired_variant variant[ROOF_MOST];
    unsigned count;
    float *memory; /* of all streams: the smaller buffers are the beginning of the largest */
} probes;

static probe *add(probes *p, void (*run)(void *, uint64_t), const char *resource, const char *unit) {
    probe *made = &p->of[p->count];
    *made = (probe){.figure = {.unit = unit}};
    snprintf(made->figure.resource, sizeof made->figure.resource, "%s", resource);
    p->variant[p->count++] = (paired_variant){run, made};
    return made;
}

static void add_fma(probes *p) {
    for (unsigned w = PEAK_WIDTHS; w-- > 0;) {
        if (!fma_peak_usable(peak_width_bits[w])) continue;
        char resource[16];
        snprintf(resource, sizeof resource, "fma_%u", peak_width_bits[w]);
        probe *made = add(p, roof_fma_run, resource, "GFLOP/s");
        made->width_bits = peak_width_bits[w];
        made->per_iteration = roof_fma_flops(made->width_bits);
        p->variant[p->count - 1].state = &made->width_bits;
    }
}

/* Bytes of a buffer that lies in that level (from 0; the one behind the last cache is DRAM) and not in the one
 * before; 0 where there is no such level. */
static uint64_t buffer_bytes(const roof_options *o, unsigned level) {
    unsigned last = LEVELS - 1;
    while (last > 0 && o->cache_bytes[last - 1] == 0) last--;
    if (last == 0) return 0;
    const uint64_t inner = level > 0 ? o->cache_bytes[level - 1] : 0, own = o->cache_bytes[level];
    if (level == LEVELS - 1) { /* DRAM */
        const uint64_t wanted = DRAM_FILLS * o->cache_bytes[last - 1];
        return wanted < DRAM_LEAST ? DRAM_LEAST : wanted > DRAM_MOST ? DRAM_MOST : wanted;
    }
    if (own == 0 || own < 2 * inner) return 0;
    /* Half of the level leaves room for what else lives there; four times the inner one hides little of it. */
    return own / 2 < 4 * inner ? own / 2 : level == 0 ? own / 2 : 4 * inner;
}

static bool add_streams(probes *p, const roof_options *o, error *e) {
    static const char *const names[LEVELS] = {"load_l1", "load_l2", "load_l3", "load_dram"};
    unsigned width = 0;
    while (width < STREAM_WIDTHS && stream_find(stream_width_bits[width]) == NULL) width++;
    if (width == STREAM_WIDTHS) return true;
    uint64_t most = 0;
    for (unsigned l = 0; l < LEVELS; l++) most = buffer_bytes(o, l) > most ? buffer_bytes(o, l) : most;
    if (most == 0) return true;
    const size_t floats = (size_t)most / sizeof(float) / LINE_FLOATS * LINE_FLOATS;
    p->memory = aligned_new(LINE_FLOATS * sizeof(float), floats * sizeof(float));
    if (p->memory == NULL) return fail(e, "no memory for a buffer of %zu MiB", (size_t)(most >> 20));
    for (size_t i = 0; i < floats; i++) p->memory[i] = 1;
    for (unsigned l = 0; l < LEVELS; l++) {
        const size_t count = (size_t)buffer_bytes(o, l) / sizeof(float) / LINE_FLOATS * LINE_FLOATS;
        if (count == 0) continue;
        probe *made = add(p, roof_stream_run, names[l], "B/ns");
        made->block = stream_block_of(p->memory, 1, count, count);
        made->stream = (roof_stream){stream_find(stream_width_bits[width]), &made->block, 1, stream_ways[0]};
        made->per_iteration = made->figure.bytes = stream_bytes(&made->block, 1);
        p->variant[p->count - 1].state = &made->stream;
        if (!roof_stream_choose(&made->stream, slice_ns / 4, CHOICE_TURNS, o->clock, e)) return false;
        made->figure.way = made->stream.way;
    }
    return true;
}

/* ---- figures ---------------------------------------------------------------------------------------------------
 */

/* The rate's interval: the reciprocal turns it round. */
static interval rate(double amount, interval ns) {
    return (interval){amount / ns.median, amount / ns.high, amount / ns.low};
}

static void figures_of(probes *p, paired_samples *s, double level, roof_result *result) {
    *result = (roof_result){.rounds = s->rounds, .discarded = s->discarded, .disturbed = s->disturbed};
    for (unsigned i = 0; i < p->count; i++) {
        const interval ns = paired_time(s, i, level);
        roof_figure *figure = &result->figure[result->figures++];
        *figure = p->of[i].figure;
        figure->value = p->of[i].per_iteration > 0 ? rate(p->of[i].per_iteration, ns) : ns;
    }
    const interval hz = paired_core_hz(s);
    if (hz.median <= 0) return;
    result->figure[result->figures++] = (roof_figure){
        .resource = "clock", .unit = "GHz", .value = {1e-9 * hz.median, 1e-9 * hz.low, 1e-9 * hz.high}};
}

bool roof_measure(const roof_options *o, roof_result *result, error *e) {
    probes p = {.count = 0};
    paired_samples samples = {0};
    cpu_pin pin = {.cpu = -1};
    cpu_pin_here(&pin, NULL);
    add_fma(&p);
    bool ok = add_streams(&p, o, e);
    (void)add(&p, run_calls, "call", "ns");
    (void)add(&p, run_timer, "timer", "ns");
    paired_options paired = paired_defaults();
    paired.rounds = o->rounds;
    paired.budget_s = o->budget_s;
    paired.level = o->level;
    paired.seed = o->seed;
    paired.slice_ns = slice_ns;
    paired.baseline = p.count - 1;
    paired.clock = o->clock;
    paired.bar = o->bar;
    paired.bar_part = 1;
    ok = ok && paired_measure(p.variant, p.count, &paired, &samples, e);
    if (ok) figures_of(&p, &samples, o->level, result);
    paired_free(&samples);
    free(p.memory);
    cpu_pin_release(&pin);
    return ok;
}
