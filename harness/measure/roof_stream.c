/* roof_stream.c: the best stream over given bytes, and the FMA peak, as variants of paired rounds. */
#include <float.h>

#include "peak.h"
#include "roof.h"

enum { FMA_TURNS = 200 }; /* of an iteration: about 1 us, against 20 instructions of its beginning and end */

void roof_stream_run(void *state, uint64_t iterations) {
    const roof_stream *s = state;
    for (uint64_t n = 0; n < iterations; n++) s->load(s->block, s->blocks, s->way);
}

void roof_fma_run(void *state, uint64_t iterations) {
    const unsigned *width_bits = state;
    fma_turns(*width_bits, iterations * FMA_TURNS);
}

double roof_fma_flops(unsigned width_bits) { return FMA_TURNS * fma_turn_flops(width_bits); }

static double time_ns(roof_stream *s, uint64_t iterations, const paired_clock *clock) {
    const uint64_t start = clock->now_ns(clock->context);
    roof_stream_run(s, iterations);
    return (double)(clock->now_ns(clock->context) - start);
}

bool roof_stream_choose(roof_stream *s, double slice_ns, unsigned turns, const paired_clock *clock, error *e) {
    enum { MOST_LOG2 = 24 };
    if (clock == NULL) clock = &paired_machine_clock;
    double best_ns = DBL_MAX;
    stream_way best = stream_ways[0];
    uint64_t iterations = 1;
    s->way = best;
    while (time_ns(s, iterations, clock) < slice_ns && iterations >> MOST_LOG2 == 0) iterations *= 2;
    for (unsigned turn = 0; turn < turns; turn++)
        for (size_t way = 0; way < STREAM_WAYS; way++) {
            if (interrupted()) return fail(e, "interrupted");
            s->way = stream_ways[way];
            const double ns = time_ns(s, iterations, clock);
            if (ns >= best_ns) continue;
            best_ns = ns;
            best = s->way;
        }
    s->way = best;
    return true;
}
