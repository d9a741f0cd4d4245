/* decode.h: what one x86-64 instruction does, as far as counting work needs it (Zydis). */
#ifndef HARNESS_MEASURE_DECODE_H
#define HARNESS_MEASURE_DECODE_H

#include <stddef.h>

#include "../error.h"
#include "executed.h"

typedef enum decode_mask {
    MASK_NONE,
    MASK_OPMASK, /* bit i of an opmask register is element i */
    MASK_VECTOR, /* the top bit of element i of a ymm register is element i (VMASKMOV, VPMASKMOV) */
} decode_mask;

typedef struct instruction {
    const char *mnemonic; /* lives as long as the program */
    bool arithmetic;      /* floating-point: the four fields below count */
    executed_op op;
    executed_width width;
    executed_isa isa;
    unsigned lanes, flops_per_lane;
    decode_mask mask;
    unsigned mask_register, elements, element_bytes; /* under the mask */
    unsigned bytes_loaded, bytes_stored;             /* with every element on */
    bool broadcast, shuffle;
} instruction;

/* Decodes the instruction at the start of `code`. */
bool decode(const unsigned char *code, size_t size, instruction *in, error *e);

#endif
