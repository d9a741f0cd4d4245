/* listing.h: a program's machine code as text, and the loop in which a kernel spends its time. */
#ifndef HARNESS_MCA_LISTING_H
#define HARNESS_MCA_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../error.h"

typedef struct instruction {
    uint64_t address;
    const char *text; /* mnemonic and operands, "vmovups (%rax), %zmm0" */
} instruction;

typedef struct code_function {
    uint64_t address;
    const char *name;
    size_t first, count; /* of its instructions */
} code_function;

typedef struct listing {
    bool aarch64; /* else x86-64 */
    instruction *at;
    size_t count;
    code_function *function; /* by address */
    size_t functions;
    char *text; /* owns all of it */
} listing;

/* Disassembles a whole program or object file with llvm-objdump (`tool`, its name). On success listing_free it. */
bool listing_make(const char *tool, const char *binary, listing *l, error *e);

/* The same from objdump's output, which it takes over (malloc'ed). */
bool listing_parse(char *text, listing *l, error *e);
void listing_free(listing *l);

/* One innermost loop. */
typedef struct code_loop {
    uint64_t address;
    size_t first, instructions;  /* of the listing; the branch back is the last */
    unsigned fma, multiply_adds; /* instructions that multiply and add; the float32 multiply-adds they do */
} code_loop;

/* The innermost loop of function `symbol`, or of functions that it calls or jumps to, of a kernel's full tile: its
 * multiply-adds are a multiple of `tile`, those of one channel (0: not known); of several, or where none is, the
 * one with the fewest instructions for a multiply-add, and among equals the one with more of them. False if there
 * is no such function or it has no loop that multiplies. */
bool listing_hot_loop(const listing *l, const char *symbol, unsigned tile, code_loop *loop);

/* The float32 multiply-adds that an instruction does, 0 for any other. A multiplication that is not fused counts
 * where `unfused`, in code without fused ones. */
unsigned multiply_adds(const char *text, bool aarch64, bool unfused);

#endif
