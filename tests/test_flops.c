/* test_flops.c: executed work: masks, lanes and bytes of hand-made functions; every kernel against the arithmetic
 * of its tiles; what is extrapolated against what is stepped.
 *
 * Where stepping is impossible (another architecture, no Zydis, ptrace forbidden) or senseless (sanitizers), the
 * tests that need it are skipped, loudly. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "measure/flops.h"

#include <check.h> /* last: it has a macro named fail */

/* ---- the arithmetic of tiles, counted by hand ------------------------------------------------------------------
 */

static const idp_kernel panel_96x16 = {
    .layout = IDP_LAYOUT_PANEL, .tile_batch = 1, .tile_out = 96, .lanes = 16, .panel = 96, .panel_granule = 4};
static const idp_kernel batch_16x5 = {
    .layout = IDP_LAYOUT_BATCH, .tile_batch = 16, .tile_out = 5, .lanes = 8, .panel = 5, .panel_granule = 1};
static const idp_kernel sample_16x5 = {
    .layout = IDP_LAYOUT_SAMPLE, .tile_batch = 16, .tile_out = 5, .lanes = 8, .panel = 5, .panel_granule = 1};
static const idp_kernel batch_16x5_narrow = {
    .layout = IDP_LAYOUT_BATCH, .tile_batch = 16, .tile_out = 5, .lanes = 4, .panel = 5, .panel_granule = 1};
static const idp_kernel row_4x8 = {.layout = IDP_LAYOUT_ROW, .tile_batch = 4, .tile_out = 8, .lanes = 8};

START_TEST(tiles_are_counted_as_by_hand) {
    static const struct {
        const idp_kernel *kernel;
        idp_origin origin;
        idp_fc fc;
        work expected; /* wanted; padding of outputs, samples, channels */
    } known[] = {
        /* 96 whole; the bias and 10 channels of 4 outputs are three registers of four channels */
        {&panel_96x16, IDP_ORIGIN_HAND, {.out = 100, .in = 10, .m = 100, .k = 10, .batch = 1}, {1000, 0, 0, 8}},
        {&panel_96x16, IDP_ORIGIN_HAND, {.out = 100, .in = 10, .m = 100, .k = 11, .batch = 1}, {1100, 0, 0, 4}},
        {&panel_96x16, IDP_ORIGIN_HAND, {.out = 100, .in = 10, .m = 100, .k = 0, .batch = 1}, {0, 0, 0, 0}},
        /* one of the second panel's 4 is wanted: still all of them */
        {&panel_96x16, IDP_ORIGIN_HAND, {.out = 100, .in = 10, .m = 97, .k = 10, .batch = 1}, {970, 30, 0, 8}},
        /* 17 outputs are packed as 20: a register, and another of which 4 are packed */
        {&panel_96x16, IDP_ORIGIN_HAND, {.out = 17, .in = 10, .m = 17, .k = 10, .batch = 1}, {170, 150, 0, 0}},
        /* the panel is cut to two registers */
        {&panel_96x16, IDP_ORIGIN_HAND, {.out = 100, .in = 10, .m = 30, .k = 3, .batch = 1}, {90, 6, 0, 0}},
        /* portable C runs the panel's whole width: 96, or all that is packed of 10 */
        {&panel_96x16, IDP_ORIGIN_SCALAR, {.out = 100, .in = 10, .m = 30, .k = 3, .batch = 1}, {90, 198, 0, 0}},
        {&panel_96x16, IDP_ORIGIN_SCALAR, {.out = 10, .in = 10, .m = 10, .k = 3, .batch = 1}, {30, 6, 0, 0}},
        /* 17 samples: two registers, and one for which both panels take a register of outputs; 7 outputs begin the
           second panel of 5, whose rest only portable C computes */
        {&batch_16x5, IDP_ORIGIN_HAND, {.out = 10, .in = 10, .m = 7, .k = 2, .batch = 17}, {238, 18, 0, 0}},
        {&batch_16x5, IDP_ORIGIN_HAND, {.out = 10, .in = 10, .m = 7, .k = 2, .batch = 4}, {56, 72, 0, 0}},
        {&batch_16x5, IDP_ORIGIN_HAND, {.out = 10, .in = 10, .m = 7, .k = 2, .batch = 6}, {84, 108, 0, 0}},
        /* seven begin a register of samples, unless they would have to be turned for few panels; up to three beside
           one are few again where there are two panels, four begin another */
        {&batch_16x5, IDP_ORIGIN_HAND, {.out = 10, .in = 10, .m = 7, .k = 2, .batch = 7}, {98, 0, 14, 0}},
        {&sample_16x5, IDP_ORIGIN_HAND, {.out = 30, .in = 10, .m = 20, .k = 1, .batch = 8}, {160, 96, 0, 0}},
        {&sample_16x5, IDP_ORIGIN_HAND, {.out = 30, .in = 10, .m = 21, .k = 1, .batch = 7}, {147, 0, 21, 0}},
        {&batch_16x5, IDP_ORIGIN_HAND, {.out = 10, .in = 10, .m = 10, .k = 1, .batch = 27}, {270, 18, 0, 0}},
        {&batch_16x5, IDP_ORIGIN_HAND, {.out = 10, .in = 10, .m = 9, .k = 1, .batch = 27}, {243, 0, 45, 0}},
        {&batch_16x5, IDP_ORIGIN_HAND, {.out = 10, .in = 10, .m = 10, .k = 1, .batch = 28}, {280, 0, 40, 0}},
        /* of a layer of 8 MiB one begins a register */
        {&batch_16x5,
         IDP_ORIGIN_HAND,
         {.out = 2048, .in = 1024, .m = 2048, .k = 1, .batch = 1},
         {2048, 0, 14336, 0}},
        {&batch_16x5,
         IDP_ORIGIN_HAND,
         {.out = 2048, .in = 1024, .m = 2046, .k = 1, .batch = 1},
         {2046, 1234, 0, 0}},
        /* registers of four: no panel of 5 fits one */
        {&batch_16x5_narrow, IDP_ORIGIN_HAND, {.out = 10, .in = 10, .m = 7, .k = 2, .batch = 17}, {238, 0, 42, 0}},
        {&batch_16x5, IDP_ORIGIN_SCALAR, {.out = 10, .in = 10, .m = 7, .k = 2, .batch = 17}, {238, 102, 140, 0}},
        {&batch_16x5, IDP_ORIGIN_HAND, {.out = 10, .in = 10, .m = 10, .k = 2, .batch = 16}, {320, 0, 0, 0}},
        /* the second panel holds 2 outputs only */
        {&batch_16x5, IDP_ORIGIN_SCALAR, {.out = 7, .in = 10, .m = 6, .k = 1, .batch = 8}, {48, 8, 0, 0}},
        /* 17 channels take three registers */
        {&row_4x8, IDP_ORIGIN_HAND, {.out = 9, .in = 20, .m = 5, .k = 17, .batch = 1}, {85, 0, 0, 35}},
        {&row_4x8, IDP_ORIGIN_HAND, {.out = 9, .in = 20, .m = 5, .k = 16, .batch = 1}, {80, 0, 0, 0}},
        {&row_4x8, IDP_ORIGIN_HAND, {.out = 9, .in = 20, .m = 5, .k = 0, .batch = 1}, {0, 0, 0, 0}},
        {&row_4x8, IDP_ORIGIN_HAND, {.out = 9, .in = 20, .m = 0, .k = 5, .batch = 1}, {0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const work got = work_predict(known[i].kernel, known[i].origin, &known[i].fc), *want = &known[i].expected;
        ck_assert_msg(memcmp(&got, want, sizeof got) == 0, "row %zu: %llu, padding %llu %llu %llu", i,
                      (unsigned long long)got.wanted, (unsigned long long)got.output_padding,
                      (unsigned long long)got.sample_padding, (unsigned long long)got.channel_padding);
        ck_assert_uint_eq(work_issued(&got),
                          want->wanted + want->output_padding + want->sample_padding + want->channel_padding);
    }
}
END_TEST

START_TEST(footprint_is_what_a_call_touches) {
    const float gamma = 1;
    const idp_fc fc = {.gamma = &gamma, .out = 100, .in = 50, .m = 100, .k = 10, .batch = 16};
    idp_fc plain = fc;
    plain.gamma = NULL;
    /* [bias, channel][100 outputs], gamma, x, y */
    ck_assert_uint_eq(work_footprint_bytes(&panel_96x16, &fc), 4 * (100 * 11 + 100 + 10 + 100));
    ck_assert_uint_eq(work_footprint_bytes(&panel_96x16, &plain), 4 * (100 * 11 + 10 + 100));
    ck_assert_uint_eq(work_footprint_bytes(&batch_16x5, &fc), 4 * (100 * 11 + 100 + 16 * (10 + 100)));
    ck_assert_uint_eq(work_footprint_bytes(&row_4x8, &fc), 4 * (100 * 11 + 100 + 10 + 100));
}
END_TEST

/* ---- sums of counts --------------------------------------------------------------------------------------------
 */

static executed counts_of(uint64_t instructions, const char *mnemonic, uint64_t count) {
    executed counts = {.total = {.instructions = instructions, .flops = 2 * count}, .isa = ISA_AVX2_FMA};
    counts.histogram[counts.mnemonics++] = (executed_mnemonic){mnemonic, count};
    return counts;
}

START_TEST(counts_are_extended_along_a_line) {
    const executed a = counts_of(10, "mulps", 3), b = counts_of(17, "mulps", 5);
    executed sum;
    ck_assert(executed_extend(&a, &b, 0, &sum) && executed_equal(&sum, &a));
    ck_assert(executed_extend(&a, &b, 1, &sum) && executed_equal(&sum, &b));
    ck_assert(executed_extend(&a, &b, 10, &sum));
    const executed far = counts_of(80, "mulps", 23);
    ck_assert(executed_equal(&sum, &far));
    ck_assert(!executed_equal(&sum, &b));
}
END_TEST

START_TEST(mnemonics_may_come_and_go) {
    const executed a = counts_of(10, "ret", 1);
    executed b = counts_of(12, "vmovups", 2), sum;
    b.isa = a.isa;
    ck_assert(executed_extend(&a, &b, 1, &sum));
    ck_assert_uint_eq(sum.mnemonics, 1); /* ret is gone, at 0 */
    ck_assert_str_eq(sum.histogram[0].mnemonic, "vmovups");
    ck_assert(!executed_extend(&a, &b, 2, &sum)); /* ret would be executed -1 times */
    ck_assert_str_eq(sum.histogram[0].mnemonic, "vmovups");
    b.isa = ISA_AVX512;
    ck_assert(!executed_extend(&a, &b, 1, &sum));
}
END_TEST

/* ---- hand-made functions ---------------------------------------------------------------------------------------
 */

#if defined(__x86_64__)

/* Each takes a pointer to floats in rdi. */
#define FUNCTION(name, body)                                                                       \
    __asm__(".text\n.p2align 4\n.type made_" #name ", @function\nmade_" #name ":\n" body "ret\n"); \
    extern void made_##name(const void *floats);

/* One instruction of each kind; ret reads 8 bytes of the stack. */
FUNCTION(scalar, "movss (%rdi), %xmm0\n"   /* 4 bytes */
                 "mulss 4(%rdi), %xmm0\n"  /* 1 FLOP, 4 bytes */
                 "addss %xmm0, %xmm0\n"    /* 1 */
                 "maxss %xmm0, %xmm0\n"    /* 1 */
                 "comiss %xmm0, %xmm0\n"   /* no FLOP */
                 "lea 8(%rdi), %rax\n"     /* no load */
                 "prefetcht0 64(%rdi)\n"   /* no load */
                 "nopw 0(%rax,%rax,1)\n"   /* no load */
                 "movss %xmm0, 8(%rdi)\n") /* 4 bytes */

/* Packed SSE adds to the same: 4 + 4 lanes. */
FUNCTION(sse, "movups (%rdi), %xmm0\n"
              "mulps %xmm0, %xmm0\n"
              "addps %xmm0, %xmm0\n"
              "shufps $0, %xmm0, %xmm0\n")

FUNCTION(avx, "vmovups (%rdi), %ymm0\n"
              "vaddps %ymm0, %ymm0, %ymm1\n"
              "vzeroupper\n")

/* A loop of 5: 8 lanes fused, 4 lanes fused, one lane fused; then a sum over lanes. */
FUNCTION(fma, "mov $5, %eax\n"
              "vbroadcastss (%rdi), %ymm0\n"
              "1: vfmadd231ps 32(%rdi), %ymm0, %ymm1\n"
              "vfnmsub132ps %xmm0, %xmm0, %xmm2\n"
              "vfmadd213sd %xmm0, %xmm0, %xmm2\n"
              "dec %eax\n"
              "jnz 1b\n"
              "vhaddps %ymm1, %ymm1, %ymm1\n"
              "vextractf128 $1, %ymm1, %xmm1\n"
              "vzeroupper\n")

/* rdi: 8 masks, 8 floats, room for 8. */
FUNCTION(masked_avx2, "vmovdqu (%rdi), %ymm7\n"             /* 32 bytes */
                      "vmaskmovps 32(%rdi), %ymm7, %ymm1\n" /* those that are on */
                      "vmaskmovps %ymm1, %ymm7, 64(%rdi)\n" /* the same */
                      "vmaskmovps 32(%rdi), %xmm7, %xmm1\n" /* of the lower four */
                      "vzeroupper\n")

/* rdi: the mask in the first 2 bytes, 16 floats from 64 on, room from 128 on. */
FUNCTION(masked_avx512, "kmovw (%rdi), %k3\n"                           /* 2 bytes */
                        "vmovups 64(%rdi), %zmm17{%k3}{z}\n"            /* those that are on */
                        "vaddps %zmm17, %zmm17, %zmm18{%k3}\n"          /* 16 lanes, masked */
                        "vfmadd231ps 64(%rdi){1to16}, %zmm17, %zmm18\n" /* 16 lanes, not masked; 4 bytes */
                        "vmulps 64(%rdi){1to16}, %zmm17, %zmm18{%k3}\n" /* 16 lanes, masked; 4 bytes */
                        "vmovups %zmm18, 128(%rdi){%k3}\n"              /* those that are on */
                        "vzeroupper\n")

FUNCTION(crash, "ud2\n")

static bool can_step(void) {
    error e;
    return executed_available(&e);
}

static bool runs(const char *backend) { return idp_backend_status(idp_backend_find(backend)) == IDP_OK; }

static executed count_made(void (*function)(const void *), const void *argument) {
    executed counts;
    error e = {""};
    ck_assert_msg(executed_count(function, argument, 0, &counts, &e), "%s", e.text);
    return counts;
}

static uint64_t times(const executed *counts, const char *mnemonic) {
    for (unsigned h = 0; h < counts->mnemonics; h++)
        if (strcmp(counts->histogram[h].mnemonic, mnemonic) == 0) return counts->histogram[h].count;
    return 0;
}

enum { RET_BYTES = 8 };

START_TEST(scalar_code_is_counted) {
    float floats[32] = {1, 2};
    const executed n = count_made(made_scalar, floats);
    ck_assert_uint_eq(n.total.instructions, 10);
    ck_assert_uint_eq(n.total.flops, 3);
    ck_assert_uint_eq(n.total.lanes[OP_MULTIPLY][WIDTH_SCALAR], 1);
    ck_assert_uint_eq(n.total.lanes[OP_ADD][WIDTH_SCALAR], 1);
    ck_assert_uint_eq(n.total.lanes[OP_MAX][WIDTH_SCALAR], 1);
    ck_assert_uint_eq(n.total.loads, 3);
    ck_assert_uint_eq(n.total.bytes_loaded, 4 + 4 + RET_BYTES);
    ck_assert_uint_eq(n.total.stores, 1);
    ck_assert_uint_eq(n.total.bytes_stored, 4);
    ck_assert_uint_eq(n.total.masked_lanes, 0);
    ck_assert_str_eq(executed_isa_name(n.isa), "scalar-sse");
    ck_assert_uint_eq(times(&n, "mulss"), 1);
    ck_assert_uint_eq(times(&n, "ret"), 1);
    ck_assert_uint_eq(times(&n, "divss"), 0);
}
END_TEST

START_TEST(packed_sse_is_not_scalar) {
    const float floats[32] = {1, 2};
    const executed n = count_made(made_sse, floats);
    ck_assert_uint_eq(n.total.flops, 8);
    ck_assert_uint_eq(executed_width_lanes(&n, WIDTH_128), 8);
    ck_assert_uint_eq(executed_width_lanes(&n, WIDTH_SCALAR), 0);
    ck_assert_uint_eq(n.total.bytes_loaded, 16 + RET_BYTES);
    ck_assert_uint_eq(n.total.shuffles, 1);
    ck_assert_str_eq(executed_isa_name(n.isa), "sse");
}
END_TEST

START_TEST(avx_alone_is_not_avx2) {
    if (!runs("avx2")) return;
    const float floats[32] = {1, 2};
    const executed n = count_made(made_avx, floats);
    ck_assert_uint_eq(n.total.lanes[OP_ADD][WIDTH_256], 8);
    ck_assert_str_eq(executed_isa_name(n.isa), "avx");
}
END_TEST

START_TEST(fused_multiply_adds_count_twice) {
    if (!runs("avx2")) return;
    const float floats[32] = {1, 2};
    const executed n = count_made(made_fma, floats);
    ck_assert_uint_eq(n.total.lanes[OP_MULTIPLY_ADD][WIDTH_256], 5 * 8);
    ck_assert_uint_eq(n.total.lanes[OP_MULTIPLY_ADD][WIDTH_128], 5 * 4);
    ck_assert_uint_eq(n.total.lanes[OP_MULTIPLY_ADD][WIDTH_SCALAR], 5 * 1);
    ck_assert_uint_eq(n.total.lanes[OP_HORIZONTAL][WIDTH_256], 8);
    ck_assert_uint_eq(n.total.flops, 2 * 5 * (8 + 4 + 1) + 8);
    ck_assert_uint_eq(n.total.instructions, 2 + 5 * 5 + 4);
    ck_assert_uint_eq(n.total.bytes_loaded, 4 + 5 * 32 + RET_BYTES);
    ck_assert_uint_eq(n.total.broadcasts, 1);
    ck_assert_uint_eq(n.total.shuffles, 1);
    ck_assert_uint_eq(times(&n, "vfmadd231ps"), 5);
    ck_assert_str_eq(executed_isa_name(n.isa), "avx2+fma");
}
END_TEST

/* Every mask of eight lanes. */
START_TEST(avx2_masks_are_read) {
    if (!runs("avx2")) return;
    for (unsigned mask = 0; mask < 256; mask += 37) {
        uint32_t words[24] = {0};
        for (unsigned i = 0; i < 8; i++) words[i] = (mask >> i & 1) != 0 ? 0x80000000u : 0x7fffffffu;
        const executed n = count_made(made_masked_avx2, words);
        const unsigned on = (unsigned)__builtin_popcount(mask), low = (unsigned)__builtin_popcount(mask & 15);
        ck_assert_uint_eq(n.total.masked_lanes, 2 * (8 - on) + (4 - low));
        ck_assert_uint_eq(n.total.bytes_loaded, 32 + 4 * (on + low) + RET_BYTES);
        ck_assert_uint_eq(n.total.bytes_stored, 4 * on);
        ck_assert_uint_eq(n.total.flops, 0);
        ck_assert_uint_eq(n.total.masked_flops, 0);
    }
}
END_TEST

START_TEST(avx512_masks_are_read) {
    if (!runs("avx512f")) return;
    static const uint16_t masks[] = {0, 1, 0x00ff, 0x8001, 0xa5a5, 0xfffe, 0xffff};
    for (unsigned i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        _Alignas(64) unsigned char bytes[192] = {0};
        memcpy(bytes, &masks[i], sizeof masks[i]);
        const executed n = count_made(made_masked_avx512, bytes);
        const unsigned on = (unsigned)__builtin_popcount(masks[i]), off = 16 - on;
        ck_assert_uint_eq(n.total.masked_lanes, 4 * off); /* load, add, multiply, store */
        ck_assert_uint_eq(n.total.masked_flops, 2 * off);
        ck_assert_uint_eq(n.total.flops, 16 + 2 * 16 + 16);
        ck_assert_uint_eq(executed_width_lanes(&n, WIDTH_512), 3 * 16);
        ck_assert_uint_eq(n.total.bytes_loaded, 2 + 4 * on + 4 + 4 + RET_BYTES);
        ck_assert_uint_eq(n.total.bytes_stored, 4 * on);
        ck_assert_uint_eq(n.total.broadcasts, 2);
        ck_assert_str_eq(executed_isa_name(n.isa), "avx512f");
    }
}
END_TEST

START_TEST(a_crash_is_told) {
    executed counts = {.isa = ISA_AVX};
    error e = {""};
    ck_assert(!executed_count(made_crash, NULL, 0, &counts, &e));
    ck_assert_msg(strstr(e.text, "traced call") != NULL, "%s", e.text);
    ck_assert(counts.isa == ISA_AVX);
}
END_TEST

START_TEST(a_call_that_does_not_get_there_is_told) {
    executed counts;
    error e = {""};
    const float floats[32] = {1, 2};
    ck_assert(!executed_count(made_sse, floats, (uintptr_t)made_crash, &counts, &e));
    ck_assert_msg(strstr(e.text, "traced call") != NULL, "%s", e.text);
}
END_TEST

static void made_tests(TCase *stepped) {
    tcase_add_test(stepped, scalar_code_is_counted);
    tcase_add_test(stepped, packed_sse_is_not_scalar);
    tcase_add_test(stepped, avx_alone_is_not_avx2);
    tcase_add_test(stepped, fused_multiply_adds_count_twice);
    tcase_add_test(stepped, avx2_masks_are_read);
    tcase_add_test(stepped, avx512_masks_are_read);
    tcase_add_test(stepped, a_crash_is_told);
    tcase_add_test(stepped, a_call_that_does_not_get_there_is_told);
}

#else

static bool can_step(void) { return false; }
static void made_tests(TCase *stepped) { (void)stepped; }

#endif

/* ---- kernels ---------------------------------------------------------------------------------------------------
 */

enum { MOST_KERNELS = 128 };

static struct {
    const idp_backend *backend;
    const idp_kernel *kernel;
} usable[MOST_KERNELS];
static int usable_count;

static void find_kernels(void) {
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        char reason[256];
        backend_reason(backend, reason, sizeof reason);
        if (reason[0] != '\0') printf("flops: not run: %s: %s\n", backend->name, reason);
        for (size_t i = 0; reason[0] == '\0' && i < backend->kernel_count && usable_count < MOST_KERNELS; i++) {
            usable[usable_count].backend = backend;
            usable[usable_count++].kernel = &backend->kernels[i];
        }
    }
}

/* Stepping through the largest layers takes minutes: ./run test --full does it. */
static bool thorough(void) { return getenv("IDP_TEST_THOROUGH") != NULL; }

static size_t samples(const idp_kernel *kernel, size_t batch) {
    return idp_layout_batched(kernel->layout) ? batch : 1;
}

static flops_counts count(const flops_case *c, uint64_t steps_most) {
    flops_counts counts;
    error e = {""};
    ck_assert_msg(flops_count(c, steps_most, NULL, &counts, &e), "%s", e.text);
    return counts;
}

/* Multiply-adds of the channel loop are fused in vector code, and a multiplication and an addition in scalar code;
 * what else multiplies there is gamma, once for each output. */
static void check_case(const flops_case *c) {
    const flops_counts n = count(c, UINT64_MAX);
    const work predicted = flops_predicted(c);
    const uint64_t loop = n.whole.total.flops - n.fixed.total.flops;
    uint64_t multiply_adds = executed_op_lanes(&n.whole, OP_MULTIPLY_ADD);
    if (c->backend->origin == IDP_ORIGIN_SCALAR)
        multiply_adds = executed_op_lanes(&n.whole, OP_MULTIPLY) - c->m * c->batch;
    ck_assert_msg(multiply_adds == work_issued(&predicted) && loop == 2 * work_issued(&predicted),
                  "%s, %zu of %zux%zu at k = %zu, batch %zu: %llu multiply-adds, %llu FLOPs in the loop; the tiles "
                  "imply %llu",
                  c->kernel->name, c->m, c->out, c->in, c->k, c->batch, (unsigned long long)multiply_adds,
                  (unsigned long long)loop, (unsigned long long)work_issued(&predicted));
    if (c->k > 0 && c->m > 0) ck_assert_str_eq(executed_isa_name(n.whole.isa), backend_isa(c->backend));
    ck_assert(!n.extrapolated);
}

static const size_t mlp[][2] = {{100, 784}, {100, 100}, {10, 100}};

/* The layers of the MLP, at 10, 50 and 100 %, batch 1 and 16. Scalar code takes long: 1 % of its layer 1 will do.
 */
START_TEST(kernels_execute_what_their_tiles_imply) {
    const idp_backend *backend = usable[_i].backend;
    const idp_kernel *kernel = usable[_i].kernel;
    if (backend->origin != IDP_ORIGIN_HAND) return;
    static const double percents[] = {10, 50, 100};
    for (unsigned layer = 0; layer < 3; layer++)
        for (unsigned p = 0; p < (layer == 0 && !thorough() ? 1 : 3); p++)
            check_case(&(flops_case){backend, kernel, mlp[layer][0], mlp[layer][1], samples(kernel, 16),
                                     mlp[layer][0], idp_prefix(mlp[layer][1], percents[p])});
}
END_TEST

/* Ends of tiles: outputs, channels and samples around them. */
START_TEST(ends_of_tiles_execute_what_they_imply) {
    const idp_backend *backend = usable[_i].backend;
    const idp_kernel *kernel = usable[_i].kernel;
    if (backend->origin == IDP_ORIGIN_AUTOVEC) return;
    static const struct {
        size_t out, m, k, batch;
    } ends[] = {{1, 1, 1, 1},     {7, 3, 2, 15},   {13, 13, 7, 17}, {100, 97, 3, 9}, {100, 37, 3, 33},
                {109, 101, 4, 4}, {17, 16, 17, 1}, {96, 96, 15, 5}, {10, 0, 5, 3},   {10, 9, 0, 31},
                {100, 30, 5, 2},  {100, 75, 3, 3}, {100, 97, 3, 6}, {100, 47, 5, 8}, {33, 25, 2, 27},
                {25, 24, 3, 23},  {40, 21, 2, 7},  {10, 9, 10, 1},  {10, 9, 11, 1},  {100, 98, 10, 1},
                {7, 6, 11, 1},    {7, 6, 10, 1}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        check_case(
            &(flops_case){backend, kernel, ends[i].out, 20, samples(kernel, ends[i].batch), ends[i].m, ends[i].k});
}
END_TEST

/* Where what whole tiles leave over begins to be few (kernels/backend.h), by the panels. */
START_TEST(few_samples_execute_what_they_imply) {
    const idp_backend *backend = usable[_i].backend;
    const idp_kernel *kernel = usable[_i].kernel;
    if (backend->origin != IDP_ORIGIN_HAND || !idp_layout_batched(kernel->layout)) return;
    const size_t panel = kernel->panel, beside = kernel->lanes + 2u;
    const struct {
        size_t m, batch;
    } edges[] = {{2 * panel - 1, beside}, {2 * panel, beside}, {2 * panel, beside + 2}, {4 * panel, 7},
                 {4 * panel, 8},          {4 * panel + 1, 8},  {4 * panel + 1, 6},      {4 * panel + 1, 7},
                 {2 * panel - 1, 10},     {2 * panel - 1, 11}, {2 * panel, 12},         {2 * panel, 13}};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        check_case(&(flops_case){backend, kernel, 5 * panel, 3, edges[i].batch, edges[i].m, 2});
}
END_TEST

START_TEST(the_executed_instruction_set_is_the_one_resolved) {
    error e = {""};
    const char *isa = executed_isa_of(usable[_i].kernel, &e);
    ck_assert_msg(isa != NULL, "%s", e.text);
    ck_assert_str_eq(isa, backend_isa(usable[_i].backend));
    ck_assert_ptr_eq(executed_isa_of(usable[_i].kernel, &e), isa);
}
END_TEST

static void check_extrapolation(const flops_case *c) {
    const flops_counts derived = count(c, 500), stepped = count(c, UINT64_MAX);
    if (c->backend->origin != IDP_ORIGIN_AUTOVEC) ck_assert(derived.extrapolated);
    ck_assert(!stepped.extrapolated);
    ck_assert_msg(executed_equal(&derived.whole, &stepped.whole), "%s: %llu instructions derived, %llu stepped",
                  c->kernel->name, (unsigned long long)derived.whole.total.instructions,
                  (unsigned long long)stepped.whole.total.instructions);
    ck_assert(executed_equal(&derived.fixed, &stepped.fixed));
}

/* Along the channels and the outputs; and where there are samples, along them: in blocks of 256 where the kernel
 * has such. Compiled C takes minutes to step through that many; and the compiler's choices are not what is tested.
 */
START_TEST(what_is_extrapolated_is_what_is_stepped) {
    const idp_backend *backend = usable[_i].backend;
    const idp_kernel *kernel = usable[_i].kernel;
    const bool batched = idp_layout_batched(kernel->layout), row = kernel->layout == IDP_LAYOUT_ROW;
    const size_t out = row ? 61 : 20, in = batched ? 90 : row ? 165 : 280;
    check_extrapolation(&(flops_case){backend, kernel, out, in, samples(kernel, 16), out, in});
    const size_t far_out = row ? 61 : 320, far_in = row ? 1300 : 328; /* beyond L1, where other loops may run */
    if (!batched && backend->origin == IDP_ORIGIN_HAND)
        check_extrapolation(&(flops_case){backend, kernel, far_out, far_in, 1, far_out, far_in});
    if (!batched || (backend->origin == IDP_ORIGIN_AUTOVEC && !thorough())) return;
    const size_t many = backend->origin == IDP_ORIGIN_HAND || thorough() ? 2306 : 24u * kernel->tile_batch + 2;
    check_extrapolation(&(flops_case){backend, kernel, 5, 4, many, 5, 4});
}
END_TEST

static void kernel_tests(TCase *kernels) {
    tcase_add_loop_test(kernels, kernels_execute_what_their_tiles_imply, 0, usable_count);
    tcase_add_loop_test(kernels, ends_of_tiles_execute_what_they_imply, 0, usable_count);
    tcase_add_loop_test(kernels, few_samples_execute_what_they_imply, 0, usable_count);
    tcase_add_loop_test(kernels, the_executed_instruction_set_is_the_one_resolved, 0, usable_count);
    tcase_add_loop_test(kernels, what_is_extrapolated_is_what_is_stepped, 0, usable_count);
}

int main(void) {
    Suite *suite = suite_create("flops");
    TCase *arithmetic = tcase_create("arithmetic"), *stepped = tcase_create("stepped"),
          *kernels = tcase_create("kernels");
    error e = {""};
    tcase_add_test(arithmetic, tiles_are_counted_as_by_hand);
    tcase_add_test(arithmetic, footprint_is_what_a_call_touches);
    tcase_add_test(arithmetic, counts_are_extended_along_a_line);
    tcase_add_test(arithmetic, mnemonics_may_come_and_go);
    tcase_set_timeout(stepped, 120);
    tcase_set_timeout(kernels, 600); /* 15 s for the slowest, and ten times that on a busy machine */
    find_kernels();
    if (can_step()) made_tests(stepped);
    if (flops_available(&e))
        kernel_tests(kernels);
    else
        printf("SKIPPED: flops: every kernel: %s\n", e.text);
    fflush(stdout);
    suite_add_tcase(suite, arithmetic);
    suite_add_tcase(suite, stepped);
    suite_add_tcase(suite, kernels);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
