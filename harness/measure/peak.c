/* peak.c: bursts of independent chains in assembly, so that every build type runs the same instructions. The
 * chains' values alternate: they neither overflow nor settle, and the multipliers have bits to switch. */
#include "peak.h"

#include <stddef.h>
#include <stdint.h>

#include "../../kernels/idp.h"
#include "clock.h"

const unsigned peak_width_bits[PEAK_WIDTHS] = {32, 128, 256, 512};

/* Does FMAS_PER_TURN fused multiply-adds, turns times (at least once). `number`: what the chains are made of. */
typedef void burst(uint64_t turns, const float number[3]);

/* The assembly of all chains: do_one(register number, ...) for each. */
#define CHAINS_0_TO_11(do_one, ...)                                                                 \
    do_one(0, __VA_ARGS__) do_one(1, __VA_ARGS__) do_one(2, __VA_ARGS__) do_one(3, __VA_ARGS__)     \
        do_one(4, __VA_ARGS__) do_one(5, __VA_ARGS__) do_one(6, __VA_ARGS__) do_one(7, __VA_ARGS__) \
            do_one(8, __VA_ARGS__) do_one(9, __VA_ARGS__) do_one(10, __VA_ARGS__) do_one(11, __VA_ARGS__)

#if defined(__x86_64__)

/* 12 chains: latency 4 x 2 ports = 8 fill the pipes (Intel from Skylake, AMD from Zen); with the two constants they
 * still fit into the 16 registers that every width has. */
enum { FMAS_PER_TURN = 2 * 12 };
static const float numbers[3] = {0.3f, -1.0f, 1.0f}; /* a, b, c: a = b a + c is 1 - a, a, 1 - a, ... */

#define LOAD(n, op, r) "vbroadcastss (%[number]), %%" r #n "\n\t"
#define STEP(n, op, r) op " %%" r "13, %%" r "12, %%" r #n "\n\t"

/* clang-format off */
/* An xmm register as a clobber stands for its wider forms. */
#define BURST(name, op, r)                                                                                     \
    static void name(uint64_t turns, const float number[3]) {                                                  \
        __asm__ volatile(CHAINS_0_TO_11(LOAD, op, r)                                                           \
                         "vbroadcastss 4(%[number]), %%" r "12\n\t"                                            \
                         "vbroadcastss 8(%[number]), %%" r "13\n"                                              \
                         "1:\n\t"                                                                              \
                         CHAINS_0_TO_11(STEP, op, r)                                                           \
                         CHAINS_0_TO_11(STEP, op, r)                                                           \
                         "dec %[turns]\n\t"                                                                    \
                         "jnz 1b\n\t"                                                                          \
                         "vzeroupper"                                                                          \
                         : [turns] "+r"(turns)                                                                 \
                         : [number] "r"(number)                                                                \
                         : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",     \
                           "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13");                                \
    }
/* clang-format on */

BURST(burst_32, "vfmadd213ss", "xmm")
BURST(burst_128, "vfmadd213ps", "xmm")
BURST(burst_256, "vfmadd213ps", "ymm")
BURST(burst_512, "vfmadd213ps", "zmm")

static const struct {
    uint32_t needs;
    burst *run;
} bursts[PEAK_WIDTHS] = {{IDP_CPU_AVX2_FMA, burst_32},
                         {IDP_CPU_AVX2_FMA, burst_128},
                         {IDP_CPU_AVX2_FMA, burst_256},
                         {IDP_CPU_AVX512F, burst_512}};

#elif defined(__aarch64__)

/* 24 chains: latency 4 x 4 pipes = 16 fill the widest cores (Neoverse V1, Apple M1). */
#define CHAINS(do_one, ...)                                                                             \
    CHAINS_0_TO_11(do_one, __VA_ARGS__)                                                                 \
    do_one(12, __VA_ARGS__) do_one(13, __VA_ARGS__) do_one(14, __VA_ARGS__) do_one(15, __VA_ARGS__)     \
        do_one(16, __VA_ARGS__) do_one(17, __VA_ARGS__) do_one(18, __VA_ARGS__) do_one(19, __VA_ARGS__) \
            do_one(20, __VA_ARGS__) do_one(21, __VA_ARGS__) do_one(22, __VA_ARGS__) do_one(23, __VA_ARGS__)
enum { FMAS_PER_TURN = 2 * 24 };
static const float numbers[3] = {0.3f, 0.7f, 1.0f}; /* a, b, c: a + b c and back */

#define LOAD(n, op) "ld1r {v" #n ".4s}, [%[number]]\n\t"
#define STEP_1(n, op) op " s" #n ", s30, s31, s" #n "\n\t"
#define STEP_4(n, op) op " v" #n ".4s, v30.4s, v31.4s\n\t"

/* clang-format off */
#define BURST(name, step, up, down)                                                                            \
    static void name(uint64_t turns, const float number[3]) {                                                  \
        const float *const b = number + 1, *const c = number + 2;                                              \
        __asm__ volatile(CHAINS(LOAD, "")                                                                      \
                         "ld1r {v30.4s}, [%[b]]\n\t"                                                           \
                         "ld1r {v31.4s}, [%[c]]\n"                                                             \
                         "1:\n\t"                                                                              \
                         CHAINS(step, up)                                                                      \
                         CHAINS(step, down)                                                                    \
                         "subs %[turns], %[turns], #1\n\t"                                                     \
                         "b.ne 1b"                                                                             \
                         : [turns] "+r"(turns)                                                                 \
                         : [number] "r"(number), [b] "r"(b), [c] "r"(c)                                        \
                         : "cc", "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10",  \
                           "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", \
                           "v23", "v30", "v31");                                                               \
    }
/* clang-format on */

BURST(burst_32, STEP_1, "fmadd", "fmsub")
BURST(burst_128, STEP_4, "fmla", "fmls")

static const struct {
    uint32_t needs;
    burst *run;
} bursts[PEAK_WIDTHS] = {{IDP_CPU_NEON, burst_32}, {IDP_CPU_NEON, burst_128}};

#else

enum { FMAS_PER_TURN = 1 };
static const float numbers[3] = {0};
static const struct {
    uint32_t needs;
    burst *run;
} bursts[PEAK_WIDTHS] = {{0}};

#endif

static burst *burst_of(unsigned width_bits) {
    for (unsigned w = 0; w < PEAK_WIDTHS; w++)
        if (peak_width_bits[w] == width_bits && (idp_cpu_features() & bursts[w].needs) != 0) return bursts[w].run;
    return NULL;
}

bool fma_peak_usable(unsigned width_bits) { return burst_of(width_bits) != NULL; }

void fma_turns(unsigned width_bits, uint64_t turns) { burst_of(width_bits)(turns, numbers); }

double fma_turn_flops(unsigned width_bits) {
    enum { FLOAT_BITS = 32 };
    return 2.0 * (double)(width_bits / FLOAT_BITS) * FMAS_PER_TURN;
}

double fma_peak_gflops(unsigned width_bits) {
    /* A burst of 2000 turns takes some 6 us: seldom interrupted, and long against the clock's own 50 ns. Wide units
     * take up to 20 us to power up, and the clock up to some milliseconds to follow. */
    enum { TURNS = 2000, BUDGET_NS = 3000000, LEAST_BURSTS = 2 };
    burst *const run = burst_of(width_bits);
    if (run == NULL) return 0;
    uint64_t best_ns = UINT64_MAX, now = clock_now_ns();
    const uint64_t end = now + BUDGET_NS;
    for (unsigned n = 0; n < LEAST_BURSTS || now < end; n++) {
        const uint64_t start = clock_now_ns();
        run(TURNS, numbers);
        now = clock_now_ns();
        if (now > start && now - start < best_ns) best_ns = now - start;
    }
    return best_ns == UINT64_MAX ? 0 : fma_turn_flops(width_bits) * TURNS / (double)best_ns;
}
