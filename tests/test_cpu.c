/* test_cpu.c: which instruction sets may run, for CPUs and operating systems that are not here; which are hidden on
 * purpose. */
#include <stdlib.h>
#include <string.h>

#include "backends.h"
#include "cpu.h"
#include "idp.h"
#include "machine/machine.h"

#include <check.h> /* last: it has a macro named fail */

enum { FMA = 1u << 12, OSXSAVE = 1u << 27, AVX = 1u << 28, AVX2 = 1u << 5, AVX512F = 1u << 16 };
enum { X87 = 1, SSE = 2, YMM = 4, OPMASK = 0x20, ZMM_HIGH = 0x40, ZMM_16_TO_31 = 0x80, ALL = 0xe7, AMX = 0x60000 };
enum { NONE = 0, WIDE = IDP_CPU_AVX2_FMA, WIDEST = IDP_CPU_AVX2_FMA | IDP_CPU_AVX512F };
enum { LEAF1 = FMA | OSXSAVE | AVX, LEAF7 = AVX2 | AVX512F };

static const struct {
    const char *what;
    idp_cpu_words words;
    uint32_t features;
} machines[] = {
    {"all of it", {LEAF1, LEAF7, ALL}, WIDEST},
    {"AMX besides", {LEAF1, LEAF7, ALL | AMX}, WIDEST},
    {"nothing", {0, 0, 0}, NONE},
    {"AVX2 only", {LEAF1, AVX2, X87 | SSE | YMM}, WIDE},
    {"AVX-512, the system saves no zmm", {LEAF1, LEAF7, X87 | SSE | YMM}, WIDE},
    {"AVX-512, the system saves no opmask", {LEAF1, LEAF7, ALL & ~OPMASK}, WIDE},
    {"AVX-512, the system saves no upper halves", {LEAF1, LEAF7, ALL & ~ZMM_HIGH}, WIDE},
    {"AVX-512, the system saves 16 registers", {LEAF1, LEAF7, ALL & ~ZMM_16_TO_31}, WIDE},
    {"AVX-512, the system saves zmm without ymm", {LEAF1, LEAF7, ALL & ~YMM}, NONE},
    {"the system saves xmm only", {LEAF1, LEAF7, X87 | SSE}, NONE},
    {"the system does not use XSAVE", {FMA | AVX, LEAF7, 0}, NONE},
    {"a hypervisor hides OSXSAVE, XCR0 is read all the same", {FMA | AVX, LEAF7, ALL}, NONE},
    {"AVX-512 masked, its state is saved", {LEAF1, AVX2, ALL}, WIDE},
    {"AVX2 masked", {LEAF1, AVX512F, ALL}, NONE},
    {"FMA masked", {OSXSAVE | AVX, LEAF7, ALL}, NONE},
    {"AVX masked", {OSXSAVE | FMA, LEAF7, ALL}, NONE},
    {"leaf 7 masked", {LEAF1, 0, ALL}, NONE},
};

START_TEST(decides) {
    ck_assert_msg(idp_cpu_decide(&machines[_i].words) == machines[_i].features, "%s: %#x", machines[_i].what,
                  idp_cpu_decide(&machines[_i].words));
}
END_TEST

/* What the library ignores and the program refuses. Every architecture knows every word. */
START_TEST(words_that_hide_nothing_are_found) {
    static const struct {
        const char *list, *unknown; /* from where on it is told; NULL: every word is known */
        uint32_t hides;
    } lists[] = {
        {NULL, NULL, NONE},
        {"", NULL, NONE},
        {",,", NULL, NONE},
        {"avx512f", NULL, IDP_CPU_AVX512F},
        {"avx2", NULL, WIDEST},
        {"neon,avx512f,", NULL, IDP_CPU_NEON | IDP_CPU_AVX512F},
        {"avx512", "avx512", NONE},
        {"avx512fx", "avx512fx", NONE},
        {"AVX2,neon", "AVX2,neon", IDP_CPU_NEON},
        {"avx2, avx512f,x", " avx512f,x", WIDEST},
    };
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        const char *unknown = "untouched";
        ck_assert_uint_eq(idp_cpu_hidden(lists[l].list, &unknown), lists[l].hides);
        ck_assert_msg((unknown == NULL) == (lists[l].unknown == NULL) &&
                          (unknown == NULL || strcmp(unknown, lists[l].unknown) == 0),
                      "'%s': %s", lists[l].list, unknown);
    }
}
END_TEST

START_TEST(a_mistyped_word_is_refused_and_not_recorded) {
    error e = {""};
    machine m;
    ck_assert(backend_hidden_known(&e));
    for (size_t w = 0; idp_cpu_word(w) != NULL; w++) {
        setenv("IDP_CPU_DISABLE", idp_cpu_word(w), 1);
        ck_assert_msg(backend_hidden_known(&e), "%s", e.text);
    }
    setenv("IDP_CPU_DISABLE", "avx2,avx512,neon", 1);
    ck_assert(!backend_hidden_known(&e));
    ck_assert_msg(strstr(e.text, "IDP_CPU_DISABLE: there is no feature 'avx512'; there are avx2, avx512f, neon") !=
                      NULL,
                  "%s", e.text);
    setenv("IDP_CPU_DISABLE", "avx512", 1); /* as another program of the library's may have it */
    machine_read(&m);
    ck_assert_str_eq(m.hidden, "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cpu");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, decides, 0, sizeof machines / sizeof machines[0]);
    tcase_add_test(all, words_that_hide_nothing_are_found);
    tcase_add_test(all, a_mistyped_word_is_refused_and_not_recorded);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
