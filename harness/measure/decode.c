#include "decode.h"

#include <Zydis/Zydis.h>
#include <string.h>

/* ---- floating-point arithmetic ---------------------------------------------------------------------------------
 * A mnemonic is [v]STEM and ss, sd, ps or pd: scalar or packed, single or double. */

static const struct {
    const char *stem;
    executed_op op;
    unsigned flops_per_lane;
} stems[] = {
    {"add", OP_ADD, 1},       {"sub", OP_ADD, 1},     {"addsub", OP_ADD, 1},      {"mul", OP_MULTIPLY, 1},
    {"max", OP_MAX, 1},       {"min", OP_MAX, 1},     {"hadd", OP_HORIZONTAL, 1}, {"hsub", OP_HORIZONTAL, 1},
    {"dp", OP_HORIZONTAL, 2}, {"div", OP_OTHER, 1},   {"sqrt", OP_OTHER, 1},      {"rcp", OP_OTHER, 1},
    {"rsqrt", OP_OTHER, 1},   {"rcp14", OP_OTHER, 1}, {"rsqrt14", OP_OTHER, 1},
};

/* fmadd, fmsub, fnmadd, fnmsub, fmaddsub, fmsubadd, in the operand orders 132, 213, 231. */
static bool is_fused(const char *stem, size_t length) {
    const size_t order = 3;
    return length > order && strncmp(stem, "f", 1) == 0 && (stem[1] == 'm' || strncmp(stem, "fnm", 3) == 0) &&
           strspn(stem + length - order, "123") >= order;
}

static bool stem_find(const char *stem, size_t length, instruction *in) {
    if (is_fused(stem, length)) {
        in->op = OP_MULTIPLY_ADD;
        in->flops_per_lane = 2;
        return true;
    }
    for (size_t s = 0; s < sizeof stems / sizeof stems[0]; s++) {
        if (strlen(stems[s].stem) != length || strncmp(stems[s].stem, stem, length) != 0) continue;
        in->op = stems[s].op;
        in->flops_per_lane = stems[s].flops_per_lane;
        return true;
    }
    return false;
}

static executed_isa isa_of(const ZydisDecodedInstruction *z, bool scalar) {
    switch (z->encoding) {
    case ZYDIS_INSTRUCTION_ENCODING_EVEX: return ISA_AVX512;
    case ZYDIS_INSTRUCTION_ENCODING_VEX:
        return z->meta.isa_ext == ZYDIS_ISA_EXT_FMA || z->meta.isa_ext == ZYDIS_ISA_EXT_AVX2 ? ISA_AVX2_FMA
                                                                                             : ISA_AVX;
    default: return scalar ? ISA_SCALAR_SSE : ISA_SSE;
    }
}

static unsigned vector_bits(const ZydisDecodedInstruction *z) {
    return z->avx.vector_length != 0 ? z->avx.vector_length : 128; /* 0: an SSE encoding */
}

static void arithmetic_find(const ZydisDecodedInstruction *z, instruction *in) {
    const char *name = in->mnemonic, *stem = name[0] == 'v' ? name + 1 : name;
    const size_t length = strlen(stem);
    if (length < 3) return;
    const char count = stem[length - 2], size = stem[length - 1];
    if ((count != 's' && count != 'p') || (size != 's' && size != 'd')) return;
    if (!stem_find(stem, length - 2, in)) return;
    const unsigned bits = vector_bits(z);
    in->arithmetic = true;
    in->isa = isa_of(z, count == 's');
    in->lanes = count == 's' ? 1 : bits / (size == 's' ? 32 : 64);
    in->width = count == 's' ? WIDTH_SCALAR : bits == 128 ? WIDTH_128 : bits == 256 ? WIDTH_256 : WIDTH_512;
}

/* ---- memory and masks ------------------------------------------------------------------------------------------
 */

/* Prefetches and long no-ops name memory and do not read it. */
static bool touches_memory(const ZydisDecodedInstruction *z) {
    return z->meta.category != ZYDIS_CATEGORY_PREFETCH && z->meta.category != ZYDIS_CATEGORY_NOP &&
           z->meta.category != ZYDIS_CATEGORY_WIDENOP;
}

static void memory_find(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *operand, instruction *in) {
    if (!touches_memory(z)) return;
    for (unsigned o = 0; o < z->operand_count; o++) {
        if (operand[o].type != ZYDIS_OPERAND_TYPE_MEMORY) continue; /* LEA neither reads nor writes its own */
        const unsigned bytes = operand[o].size / 8;
        if ((operand[o].actions & ZYDIS_OPERAND_ACTION_MASK_READ) != 0) in->bytes_loaded += bytes;
        if ((operand[o].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0) in->bytes_stored += bytes;
    }
}

static bool is_vector(const ZydisDecodedOperand *operand) {
    if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY) return true;
    if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER) return false;
    const ZydisRegisterClass class = ZydisRegisterGetClass(operand->reg.value);
    return class == ZYDIS_REGCLASS_XMM || class == ZYDIS_REGCLASS_YMM || class == ZYDIS_REGCLASS_ZMM;
}

/* What the mask ranges over: the elements of the first vector operand; of arithmetic, its lanes. */
static void mask_range(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *operand, instruction *in) {
    for (unsigned o = 0; o < z->operand_count; o++) {
        if (!is_vector(&operand[o]) || operand[o].element_size == 0) continue;
        in->element_bytes = operand[o].element_size / 8u;
        in->elements = in->arithmetic ? in->lanes : (unsigned)operand[o].size / operand[o].element_size;
        return;
    }
}

static void mask_find(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *operand, instruction *in) {
    const ZydisRegister opmask = z->avx.mask.reg;
    if (opmask >= ZYDIS_REGISTER_K1 && opmask <= ZYDIS_REGISTER_K7) { /* k0: every element is on */
        in->mask = MASK_OPMASK;
        in->mask_register = (unsigned)ZydisRegisterGetId(opmask);
        mask_range(z, operand, in);
        return;
    }
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_VMASKMOVPS:
    case ZYDIS_MNEMONIC_VPMASKMOVD: in->element_bytes = 4; break;
    case ZYDIS_MNEMONIC_VMASKMOVPD:
    case ZYDIS_MNEMONIC_VPMASKMOVQ: in->element_bytes = 8; break;
    default: return;
    }
    in->mask = MASK_VECTOR;
    in->mask_register = (unsigned)ZydisRegisterGetId(operand[1].reg.value); /* of loads and of stores */
    in->elements = vector_bits(z) / 8 / in->element_bytes;
}

/* ---- shuffles --------------------------------------------------------------------------------------------------
 */

/* Moves of elements between lanes: beginnings of mnemonics, behind the v. */
static bool is_shuffle(const char *mnemonic) {
    static const char *const beginnings[] = {"shuf",    "perm",    "unpck",    "punpck",  "pshuf", "insert",
                                             "extract", "pinsr",   "pextr",    "palign",  "align", "blend",
                                             "movhlps", "movlhps", "movshdup", "movsldup"};
    const char *name = mnemonic[0] == 'v' ? mnemonic + 1 : mnemonic;
    for (size_t b = 0; b < sizeof beginnings / sizeof beginnings[0]; b++)
        if (strncmp(name, beginnings[b], strlen(beginnings[b])) == 0) return true;
    return false;
}

bool decode(const unsigned char *code, size_t size, instruction *in, error *e) {
    ZydisDecoder decoder;
    ZydisDecoderContext context;
    ZydisDecodedInstruction z;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, &context, code, size, &z)) ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&decoder, &context, &z, operand, z.operand_count)))
        return fail(e, "Zydis cannot decode the instruction %02x %02x %02x %02x ...: it is too old for this code",
                    code[0], size > 1 ? code[1] : 0, size > 2 ? code[2] : 0, size > 3 ? code[3] : 0);
    *in = (instruction){.mnemonic = ZydisMnemonicGetString(z.mnemonic),
                        .broadcast = z.avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID};
    in->shuffle = is_shuffle(in->mnemonic);
    arithmetic_find(&z, in);
    memory_find(&z, operand, in);
    mask_find(&z, operand, in);
    return true;
}
