/* executed_step.c: executed_count by stepping and decoding (Linux on x86-64, with Zydis). */
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "executed.h"
#include "step.h"

/* Every instruction that was reached, decoded once: an open-addressed table, keyed by address. */
typedef struct site {
    uint64_t address, visits;  /* visits 0: free */
    uint64_t masked, elements; /* elements switched off, and under the mask, over all visits; 0 without a mask */
    instruction in;
} site;

typedef struct code {
    site *sites;
    size_t room, used; /* room: a power of two */
} code;

static site *code_slot(const code *c, uint64_t address) {
    const uint64_t golden = 0x9E3779B97F4A7C15u; /* Knuth's multiplicative hash: 2^64 / golden ratio */
    size_t s = (size_t)(address * golden >> 32) & (c->room - 1);
    while (c->sites[s].visits != 0 && c->sites[s].address != address) s = (s + 1) & (c->room - 1);
    return &c->sites[s];
}

static bool code_grow(code *c, error *e) {
    const code old = *c;
    c->room = old.room == 0 ? 1024 : 2 * old.room;
    c->sites = calloc(c->room, sizeof *c->sites);
    if (c->sites == NULL) {
        *c = old;
        return fail(e, "no memory for %zu decoded instructions", 2 * old.room);
    }
    for (size_t s = 0; s < old.room; s++)
        if (old.sites[s].visits != 0) *code_slot(c, old.sites[s].address) = old.sites[s];
    free(old.sites);
    return true;
}

/* ---- one step --------------------------------------------------------------------------------------------------
 */

/* How many of the elements the mask switches off now. */
static bool mask_off(const step_point *at, const instruction *in, uint64_t *off, error *e) {
    uint64_t on = 0, opmask = 0;
    unsigned char ymm[32];
    if (in->mask == MASK_OPMASK ? !step_opmask(at, in->mask_register, &opmask, e)
                                : !step_ymm(at, in->mask_register, ymm, e))
        return false;
    for (unsigned i = 0; i < in->elements; i++)
        on += in->mask == MASK_OPMASK ? opmask >> i & 1 : ymm[(i + 1) * in->element_bytes - 1] >> 7;
    *off = in->elements - on;
    return true;
}

static bool visit(void *user, const step_point *at, error *e) {
    code *c = user;
    if (2 * c->used >= c->room && !code_grow(c, e)) return false;
    site *s = code_slot(c, at->address);
    if (s->visits == 0) {
        unsigned char bytes[STEP_CODE_BYTES];
        if (!step_code(at, bytes, e) || !decode(bytes, sizeof bytes, &s->in, e)) return false;
        s->address = at->address;
        c->used++;
    }
    s->visits++;
    if (s->in.mask == MASK_NONE) return true;
    uint64_t off;
    if (!mask_off(at, &s->in, &off, e)) return false;
    s->masked += off;
    s->elements += s->in.elements;
    return true;
}

/* ---- sums ------------------------------------------------------------------------------------------------------
 */

static void add_site(executed_totals *t, const site *s) {
    const instruction *in = &s->in;
    t->instructions += s->visits;
    if (in->arithmetic) {
        t->lanes[in->op][in->width] += s->visits * in->lanes;
        t->flops += s->visits * in->lanes * in->flops_per_lane;
        t->masked_flops += s->masked * in->flops_per_lane;
    }
    t->masked_lanes += s->masked;
    t->loads += in->bytes_loaded > 0 ? s->visits : 0;
    t->stores += in->bytes_stored > 0 ? s->visits : 0;
    /* Under a mask only the elements that are on move, unless one element is broadcast to all. */
    const bool part =
        in->mask != MASK_NONE && in->bytes_loaded + in->bytes_stored >= in->elements * in->element_bytes;
    const uint64_t moved = (s->elements - s->masked) * in->element_bytes;
    if (in->bytes_loaded > 0) t->bytes_loaded += part ? moved : s->visits * in->bytes_loaded;
    if (in->bytes_stored > 0) t->bytes_stored += part ? moved : s->visits * in->bytes_stored;
    t->broadcasts += in->broadcast ? s->visits : 0;
    t->shuffles += in->shuffle ? s->visits : 0;
}

static bool add_mnemonic(executed *counts, const site *s, error *e) {
    for (unsigned h = 0; h < counts->mnemonics; h++) {
        if (strcmp(counts->histogram[h].mnemonic, s->in.mnemonic) != 0) continue;
        counts->histogram[h].count += s->visits;
        return true;
    }
    if (counts->mnemonics == EXECUTED_MNEMONICS)
        return fail(e, "the call executes more than %d different instructions", EXECUTED_MNEMONICS);
    counts->histogram[counts->mnemonics++] = (executed_mnemonic){s->in.mnemonic, s->visits};
    return true;
}

static bool sum_up(const code *c, executed *counts, error *e) {
    executed made = {.isa = ISA_NONE};
    for (size_t i = 0; i < c->room; i++) {
        const site *s = &c->sites[i];
        if (s->visits == 0) continue;
        add_site(&made.total, s);
        if (s->in.arithmetic && s->in.isa > made.isa) made.isa = s->in.isa;
        if (!add_mnemonic(&made, s, e)) return false;
    }
    executed_sort(&made);
    *counts = made;
    return true;
}

bool executed_count(void (*call)(const void *argument), const void *argument, uintptr_t entry, executed *counts,
                    error *e) {
    code c = {0};
    const step_call stepped = {call, argument, entry};
    const bool ok = step_run(&stepped, visit, &c, e) && sum_up(&c, counts, e);
    free(c.sites);
    return ok;
}

static void nothing(const void *argument) { (void)argument; }

bool executed_available(error *e) {
    executed counts;
    return executed_count(nothing, NULL, 0, &counts, e);
}
