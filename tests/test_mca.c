/* Listings are read as they are, loops are found where they are, and the real tools, where there are any, agree
 * about this very program. */
#include "mca/mca.h"
#include "tool.h"

#include <check.h> /* after error.h: it has a macro named fail, too */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A kernel that calls a tile with an inner loop of 2 FMAs, within a denser outer loop. */
static const char x86_text[] = "\n"
                               "idp:\tfile format elf64-x86-64\n"
                               "\n"
                               "Disassembly of section .text:\n"
                               "\n"
                               "0000000000001000 <tile>:\n"
                               "    1000:      \tvxorps\t%xmm0, %xmm0, %xmm0\n"
                               "    1004:      \tvfmadd231ps\t%zmm8, %zmm9, %zmm10\n"
                               "    1005:      \tvfmadd231ps\t%zmm8, %zmm9, %zmm11\n"
                               "    1006:      \tvfmadd231ps\t%zmm8, %zmm9, %zmm12\n"
                               "    1007:      \tvfmadd231ps\t%zmm8, %zmm9, %zmm13\n"
                               "    1008:      \tvmovups\t(%rsi), %zmm3\n"
                               "    100c:      \tvfmadd231ps\t(%rdi,%rcx,4){1to16}, %zmm3, %zmm4\n"
                               "    1010:      \tvfmadd231ps\t0x40(%rdi), %ymm3, %ymm5\n"
                               "    1014:      \tjne\t0x1008 <tile+0x8>\n"
                               "    1018:      \tjb\t0x1004 <tile+0x4>\n"
                               "    101c:      \tretq\n"
                               "\n"
                               "0000000000002000 <idp_fc_f32_panel_1x32_test>:\n"
                               "    2000:      \tpushq\t%rbp\n"
                               "    2004:      \tcallq\t0x1000 <tile>\n"
                               "    2008:      \tretq\n"
                               "\n"
                               "0000000000003000 <no_loop>:\n"
                               "    3000:      \tvfmadd231ps\t%zmm1, %zmm2, %zmm3\n"
                               "    3004:      \tretq\n";

static const char aarch64_text[] = "\n"
                                   "idp:\tfile format elf64-littleaarch64\n"
                                   "\n"
                                   "0000000000001000 <idp_fc_f32_batch_8x4_neon>:\n"
                                   "    1000:      \tldp\tq1, q2, [x0], #0x20\n"
                                   "    1004:      \tfmla\tv3.4s, v1.4s, v5.s[0]\n"
                                   "    1008:      \tfmla\tv4.4s, v2.4s, v5.s[0]\n"
                                   "    100c:      \tfmla\tv6.2s, v2.2s, v5.s[0]\n"
                                   "    1010:      \tfmadd\ts7, s8, s9, s7\n"
                                   "    1014:      \tsubs\tx3, x3, #0x1\n"
                                   "    1018:      \tb.ne\t0x1000 <idp_fc_f32_batch_8x4_neon>\n"
                                   "    101c:      \tret\n";

static listing parsed(const char *text) {
    listing l;
    error e;
    char *copy = strdup(text);
    ck_assert_ptr_nonnull(copy);
    ck_assert_msg(listing_parse(copy, &l, &e), "%s", e.text);
    return l;
}

START_TEST(a_listing_is_read) {
    listing l = parsed(x86_text);
    ck_assert(!l.aarch64);
    ck_assert_uint_eq(l.functions, 3);
    ck_assert_str_eq(l.function[1].name, "idp_fc_f32_panel_1x32_test");
    ck_assert_uint_eq(l.function[1].address, 0x2000);
    ck_assert_uint_eq(l.function[1].count, 3);
    ck_assert_uint_eq(l.count, 16);
    ck_assert_uint_eq(l.at[5].address, 0x1008);
    ck_assert_str_eq(l.at[5].text, "vmovups (%rsi), %zmm3");
    listing_free(&l);
}
END_TEST

START_TEST(the_innermost_loop_is_found_behind_a_call) {
    listing l = parsed(x86_text);
    code_loop loop;
    ck_assert(listing_hot_loop(&l, "idp_fc_f32_panel_1x32_test", 0, &loop));
    ck_assert_uint_eq(loop.address, 0x1008);
    ck_assert_uint_eq(loop.instructions, 4);
    ck_assert_uint_eq(loop.fma, 2);
    ck_assert_uint_eq(loop.multiply_adds, 16 + 8);
    ck_assert(!listing_hot_loop(&l, "no_loop", 0, &loop));
    ck_assert(!listing_hot_loop(&l, "no_such_function", 0, &loop));
    listing_free(&l);
}
END_TEST

START_TEST(an_arm_loop_is_found) {
    listing l = parsed(aarch64_text);
    code_loop loop;
    ck_assert(l.aarch64);
    ck_assert(listing_hot_loop(&l, "idp_fc_f32_batch_8x4_neon", 0, &loop));
    ck_assert_uint_eq(loop.instructions, 7);
    ck_assert_uint_eq(loop.fma, 4);
    ck_assert_uint_eq(loop.multiply_adds, 4 + 4 + 2 + 1);
    listing_free(&l);
}
END_TEST

/* Beside the loop of the tile stand two of rests, which are denser. */
START_TEST(the_loop_of_the_whole_tile_is_found) {
    listing l = parsed("idp:\tfile format elf64-x86-64\n"
                       "0000000000001000 <idp_fc_f32_batch_16x1_test>:\n"
                       "    1000:      \tvbroadcastss\t(%rax), %ymm2\n"
                       "    1004:      \tvfmadd231ps\t%ymm1, %ymm2, %ymm3\n"
                       "    1008:      \tvfmadd231ps\t%ymm0, %ymm2, %ymm4\n"
                       "    100c:      \tjne\t0x1000 <idp_fc_f32_batch_16x1_test>\n"
                       "    1010:      \tvfmadd231ps\t(%rax), %ymm2, %ymm3\n"
                       "    1014:      \tjne\t0x1010 <idp_fc_f32_batch_16x1_test+0x10>\n"
                       "    1018:      \tvfmadd231ps\t(%rax), %ymm2, %ymm3\n"
                       "    101c:      \tvfmadd231ps\t(%rax), %ymm2, %ymm3\n"
                       "    1020:      \tvfmadd231ps\t(%rax), %ymm2, %ymm3\n"
                       "    1024:      \tjne\t0x1018 <idp_fc_f32_batch_16x1_test+0x18>\n"
                       "    1028:      \tretq\n");
    code_loop loop;
    ck_assert(listing_hot_loop(&l, "idp_fc_f32_batch_16x1_test", 16, &loop));
    ck_assert_uint_eq(loop.address, 0x1000);
    ck_assert(listing_hot_loop(&l, "idp_fc_f32_batch_16x1_test", 0, &loop)); /* not known: the densest */
    ck_assert_uint_eq(loop.address, 0x1018);
    ck_assert(listing_hot_loop(&l, "idp_fc_f32_batch_16x1_test", 7, &loop)); /* none has it: the same */
    ck_assert_uint_eq(loop.address, 0x1018);
    listing_free(&l);
}
END_TEST

START_TEST(multiply_adds_are_counted_by_register) {
    static const struct {
        const char *text;
        bool aarch64, unfused;
        unsigned count;
    } cases[] = {
        {"vfmadd231ps %zmm0, %zmm1, %zmm2", false, false, 16},
        {"vfmadd213ps %xmm0, %xmm1, %xmm2", false, false, 4},
        {"vfnmadd132ss %xmm0, %xmm1, %xmm2", false, false, 1},
        {"vfmadd231pd %zmm0, %zmm1, %zmm2", false, false, 0},
        {"vmulps %ymm0, %ymm1, %ymm2", false, false, 0},
        {"vmulps %ymm0, %ymm1, %ymm2", false, true, 8},
        {"mulss %xmm0, %xmm1", false, true, 1},
        {"vaddps %ymm0, %ymm1, %ymm2", false, true, 0},
        {"fmla v0.4s, v1.4s, v2.s[3]", true, false, 4},
        {"fmla v0.2d, v1.2d, v2.2d", true, false, 0},
        {"fmul v0.4s, v1.4s, v2.4s", true, true, 4},
        {"fmadd d0, d1, d2, d0", true, false, 0},
        {"", false, true, 0},
    };
    const unsigned count = multiply_adds(cases[_i].text, cases[_i].aarch64, cases[_i].unfused);
    ck_assert_msg(count == cases[_i].count, "'%s': %u", cases[_i].text, count);
}
END_TEST

START_TEST(damaged_listings_are_harmless) {
    for (size_t cut = 0; cut <= strlen(x86_text); cut++) {
        char *copy = strdup(x86_text);
        ck_assert_ptr_nonnull(copy);
        copy[cut] = '\0';
        listing l;
        code_loop loop;
        error e;
        ck_assert(listing_parse(copy, &l, &e));
        listing_hot_loop(&l, "idp_fc_f32_panel_1x32_test", 0, &loop);
        listing_free(&l);
    }
}
END_TEST

START_TEST(tools_fail_with_a_reason) {
    char *out, *err;
    error e;
    ck_assert(!tool_run((const char *const[]){"idp-no-such-tool", NULL}, NULL, &out, NULL, &err, &e));
    ck_assert_msg(strstr(e.text, "idp-no-such-tool") != NULL, "%s", e.text);
    ck_assert(!tool_run((const char *const[]){"sh", "-c", "echo first >&2; echo last >&2; exit 3", NULL}, NULL,
                        &out, NULL, &err, &e));
    ck_assert_msg(strstr(e.text, "last") != NULL && strstr(e.text, "first") == NULL, "%s", e.text);
    ck_assert_msg(
        tool_run((const char *const[]){"sh", "-c", "echo yes; echo no >&2", NULL}, NULL, &out, NULL, &err, &e),
        "%s", e.text);
    ck_assert_str_eq(out, "yes\n");
    ck_assert_str_eq(err, "no\n");
    free(out);
    free(err);
    FILE *in = tmpfile();
    size_t size = 0;
    ck_assert(in != NULL && fwrite("as\0ked", 1, 6, in) == 6);
    ck_assert_msg(tool_run((const char *const[]){"cat", NULL}, in, &out, &size, &err, &e), "%s", e.text);
    ck_assert(size == 6 && memcmp(out, "as\0ked", 7) == 0);
    fclose(in);
    free(out);
    free(err);
    ck_assert_ptr_null(tool_find((const char *const[]){"idp-no-such-tool", NULL}));
    ck_assert_str_eq(tool_find((const char *const[]){"idp-no-such-tool", "sh", NULL}), "sh");
}
END_TEST

static bool have_tools(mca_tools *t) {
    error e;
    if (mca_tools_find(t, &e)) return true;
    printf("SKIPPED: mca: models: %s\n", e.text);
    fflush(stdout);
    return false;
}

START_TEST(models_are_checked) {
    mca_tools t;
    mca_model model;
    error e;
    if (!have_tools(&t)) return;
    ck_assert(mca_model_check(&t, mca_cpu_find("neoverse-n1"), &model, &e));
    ck_assert_double_eq_tol(model.fma_per_cycle, 2, 0.01);
    ck_assert(!model.stand_in);
    mca_cpu claimed = *mca_cpu_find("neoverse-n1"); /* a core that does four */
    claimed.fma_per_cycle = 4;
    ck_assert(mca_model_check(&t, &claimed, &model, &e));
    ck_assert(model.stand_in);
    ck_assert(!mca_model_check(&t, &(mca_cpu){.name = "neoverse-x9", .aarch64 = true}, &model, &e));
    ck_assert_msg(strstr(e.text, "neoverse-x9") != NULL, "%s", e.text);
}
END_TEST

/* Two fused multiply-adds a turn, one a cycle for zmm and shared ports for ymm: at least one cycle, at most the sum
 * of everything's latencies. A loop-carried chain takes the FMA's whole latency. */
START_TEST(a_loop_is_predicted) {
    mca_tools t;
    error e;
    if (!have_tools(&t)) return;
    listing l = parsed(x86_text), arm = parsed(aarch64_text);
    code_loop loop;
    double cycles;
    ck_assert(listing_hot_loop(&l, "idp_fc_f32_panel_1x32_test", 0, &loop));
    ck_assert_msg(mca_predict(&t, mca_cpu_find("znver4"), &l, &loop, &cycles, &e), "%s", e.text);
    ck_assert_double_eq_tol(cycles, 4, 0.5); /* the chain through zmm4 */
    ck_assert(listing_hot_loop(&arm, "idp_fc_f32_batch_8x4_neon", 0, &loop));
    ck_assert_msg(mca_predict(&t, mca_cpu_find("neoverse-n1"), &arm, &loop, &cycles, &e), "%s", e.text);
    ck_assert_double_ge(cycles, 2); /* four FMAs, two a cycle */
    ck_assert_double_le(cycles, 8);
    listing_free(&l);
    listing_free(&arm);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("mca");
    TCase *code = tcase_create("code"), *models = tcase_create("models");
    tcase_add_test(code, a_listing_is_read);
    tcase_add_test(code, the_innermost_loop_is_found_behind_a_call);
    tcase_add_test(code, an_arm_loop_is_found);
    tcase_add_test(code, the_loop_of_the_whole_tile_is_found);
    tcase_add_loop_test(code, multiply_adds_are_counted_by_register, 0, 13);
    tcase_add_test(code, damaged_listings_are_harmless);
    tcase_add_test(code, tools_fail_with_a_reason);
    tcase_add_test(models, models_are_checked);
    tcase_add_test(models, a_loop_is_predicted);
    tcase_set_timeout(models, 60);
    suite_add_tcase(suite, code);
    suite_add_tcase(suite, models);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
