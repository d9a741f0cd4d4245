/* test_cpu.c: which instruction sets may run, for CPUs and operating systems that are not here. */
#include <stdlib.h>

#include "cpu.h"
#include "idp.h"

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

int main(void) {
    Suite *suite = suite_create("cpu");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, decides, 0, sizeof machines / sizeof machines[0]);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
