/* executed.h: the work that a call really did, counted instruction by instruction: no estimate, no hardware
 * counter. The call is single-stepped (step.h) and every instruction decoded (decode.h). */
#ifndef HARNESS_MEASURE_EXECUTED_H
#define HARNESS_MEASURE_EXECUTED_H

#include <stdint.h>

#include "../error.h"

/* Kinds of floating-point arithmetic. What is counted, and how, is what Intel's FP_ARITH_INST_RETIRED events count,
 * so that both can be compared: comparisons, conversions and moves are no FLOPs. */
typedef enum executed_op {
    OP_MULTIPLY_ADD, /* fused: two FLOPs a lane */
    OP_MULTIPLY,
    OP_ADD, /* and subtract */
    OP_HORIZONTAL,
    OP_MAX,   /* and min */
    OP_OTHER, /* divide, square root, reciprocal */
    EXECUTED_OPS
} executed_op;

/* Of the registers that arithmetic was done in. */
typedef enum executed_width { WIDTH_SCALAR, WIDTH_128, WIDTH_256, WIDTH_512, EXECUTED_WIDTHS } executed_width;

/* The extension that a floating-point instruction belongs to, the highest last. */
typedef enum executed_isa {
    ISA_NONE,
    ISA_SCALAR_SSE,
    ISA_SSE,
    ISA_AVX,
    ISA_AVX2_FMA,
    ISA_AVX512,
    EXECUTED_ISAS
} executed_isa;

/* Only uint64_t, so that sums go over all of them alike. */
typedef struct executed_totals {
    uint64_t instructions;
    uint64_t lanes[EXECUTED_OPS][EXECUTED_WIDTHS]; /* instructions of that kind and width times their lanes */
    uint64_t flops;                      /* issued: every lane counts, idle or masked; fused multiply-adds twice */
    uint64_t masked_flops;               /* of these, in lanes that a mask switched off */
    uint64_t masked_lanes;               /* elements that masks switched off, those of loads and stores included */
    uint64_t loads, stores;              /* instructions that read or write memory, the stack included */
    uint64_t bytes_loaded, bytes_stored; /* what masks switched off is not counted */
    uint64_t broadcasts, shuffles;       /* instructions */
} executed_totals;

typedef struct executed_mnemonic {
    const char *mnemonic; /* lives as long as the program */
    uint64_t count;
} executed_mnemonic;

enum { EXECUTED_MNEMONICS = 128 };

typedef struct executed {
    executed_totals total;
    executed_isa isa;                                /* the highest of all arithmetic executed */
    executed_mnemonic histogram[EXECUTED_MNEMONICS]; /* the most frequent first, then by name */
    unsigned mnemonics;
} executed;

/* Why nothing can be counted here, as a message in e; true where it can. */
bool executed_available(error *e);

/* Counts call(argument), from where it enters the function at `entry` (0: call itself) until that returns, in a
 * child process: what the call writes is lost. The call must be repeatable. About 50,000 instructions a second. */
bool executed_count(void (*call)(const void *argument), const void *argument, uintptr_t entry, executed *counts,
                    error *e);

/* Lanes of that operation over all widths; of that width over all operations. */
uint64_t executed_op_lanes(const executed *counts, executed_op op);
uint64_t executed_width_lanes(const executed *counts, executed_width width);

/* "multiply_add", ...; "scalar", "128", ...; "avx2+fma", ... */
const char *executed_op_name(executed_op op);
const char *executed_width_name(executed_width width);
const char *executed_isa_name(executed_isa isa);

/* The counts of a call that does n times more than a what b does once more than a: a + n (b - a), each count for
 * itself. False (and sum untouched) where a count would be negative, the histogram overflow, or a and b differ in
 * their ISA. */
bool executed_extend(const executed *a, const executed *b, uint64_t n, executed *sum);

bool executed_equal(const executed *a, const executed *b);

/* Brings the histogram into its order. */
void executed_sort(executed *counts);

#endif
