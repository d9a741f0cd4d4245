/* test_registry.c: back ends and kernels are found by enumeration, chosen and forced by name, hidden by feature. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends.h"

#include <check.h> /* last: it has a macro named fail */

/* ---- environment: as it was, after every test; without the variables, at its start
 * ------------------------------- */

static const char *const variables[] = {"IDP_BACKEND", "IDP_CPU_DISABLE"};
enum { VARIABLES = sizeof variables / sizeof variables[0] };
static char *saved[VARIABLES];

static void clear_environment(void) {
    for (unsigned v = 0; v < VARIABLES; v++) {
        const char *value = getenv(variables[v]);
        saved[v] = value != NULL ? strdup(value) : NULL;
        unsetenv(variables[v]);
    }
}

static void restore_environment(void) {
    for (unsigned v = 0; v < VARIABLES; v++) {
        unsetenv(variables[v]);
        if (saved[v] != NULL) setenv(variables[v], saved[v], 1);
        free(saved[v]);
    }
}

static const idp_backend *backend_named(const char *name) {
    const idp_backend *backend = idp_backend_find(name);
    ck_assert_msg(backend != NULL, "there is no back end '%s'", name);
    return backend;
}

/* ---- enumeration
 * ------------------------------------------------------------------------------------------------- */

START_TEST(every_back_end_is_listed_once) {
    ck_assert_uint_ge(idp_backend_count(), 7);
    ck_assert_uint_le(idp_backend_count(), BACKENDS_MOST);
    ck_assert_ptr_null(idp_backend_at(idp_backend_count()));
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        ck_assert_ptr_eq(idp_backend_find(backend->name), backend); /* the first of that name */
        ck_assert((backend->kernels == NULL) == (backend->kernel_count == 0));
        ck_assert((idp_backend_status(backend) == IDP_NOT_COMPILED) == (backend->kernels == NULL));
    }
    ck_assert_ptr_null(idp_backend_find("sse9"));
}
END_TEST

START_TEST(the_back_ends_of_this_architecture_are_compiled) {
    const char *here = "any";
#if defined __x86_64__
    here = "x86-64";
#elif defined __aarch64__
    here = "aarch64";
#endif
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        const bool mine = strcmp(backend->architecture, "any") == 0 || strcmp(backend->architecture, here) == 0;
        ck_assert_msg((backend->kernels != NULL) == mine, "%s", backend->name);
    }
    ck_assert_int_eq(idp_backend_status(backend_named("scalar")), IDP_OK);
}
END_TEST

/* A kernel's name is fc_f32_<layout>_<tile>_<back end>[_<detail>], and its fields say the same. */
static void check_kernel(const idp_backend *backend, const idp_kernel *kernel) {
    const idp_backend *found = NULL;
    char beginning[128];
    ck_assert_ptr_eq(idp_kernel_find(kernel->name, &found), kernel); /* so no two have one name */
    ck_assert_ptr_eq(found, backend);
    ck_assert_ptr_eq(idp_kernel_find(kernel->name, NULL), kernel);
    snprintf(beginning, sizeof beginning, "fc_f32_%s_%ux%u_%s", idp_layout_name(kernel->layout), kernel->tile_batch,
             kernel->tile_out, backend->name);
    ck_assert_msg(strncmp(kernel->name, beginning, strlen(beginning)) == 0, "%s does not begin with %s",
                  kernel->name, beginning);
    ck_assert(kernel->run != NULL);
    ck_assert_uint_ge(kernel->lanes, 1);
    ck_assert((kernel->panel == 0) == (kernel->layout == IDP_LAYOUT_ROW));
    ck_assert((backend->origin == IDP_ORIGIN_SCALAR) == (kernel->lanes == 1));
}

START_TEST(kernels_are_what_their_names_say) {
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        for (size_t i = 0; i < backend->kernel_count; i++) check_kernel(backend, &backend->kernels[i]);
    }
    ck_assert_ptr_null(idp_kernel_find("fc_f32_panel_1x1_nothing", NULL));
}
END_TEST

START_TEST(every_compiled_back_end_has_every_layout) {
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        if (backend->kernels == NULL) {
            ck_assert_ptr_null(idp_backend_kernel(backend, IDP_LAYOUT_PANEL));
            continue;
        }
        for (int l = IDP_LAYOUT_PANEL; l < IDP_LAYOUTS; l++) {
            const idp_kernel *kernel = idp_backend_kernel(backend, (idp_layout)l);
            ck_assert_ptr_nonnull(kernel);
            ck_assert_int_eq((int)kernel->layout, l);
            for (const idp_kernel *k = backend->kernels; k < kernel; k++) ck_assert_int_ne((int)k->layout, l);
        }
    }
}
END_TEST

/* ---- features
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(features_are_named) {
    char text[64];
    idp_cpu_feature_names(IDP_CPU_AVX2_FMA | IDP_CPU_AVX512F, text, sizeof text);
    ck_assert_str_eq(text, "avx2+fma, avx512f");
    idp_cpu_feature_names(0, text, sizeof text);
    ck_assert_str_eq(text, "none");
    memset(text, 'x', sizeof text);
    idp_cpu_feature_names(IDP_CPU_AVX2_FMA | IDP_CPU_AVX512F, text, 5); /* always terminated */
    ck_assert_ptr_nonnull(memchr(text, '\0', 5));
    ck_assert_int_eq(text[5], 'x');
}
END_TEST

START_TEST(features_can_be_hidden) {
    static const struct {
        const char *list;
        uint32_t hides;
    } lists[] = {
        {"", 0},
        {"avx512f", IDP_CPU_AVX512F},
        {"avx2", IDP_CPU_AVX2_FMA | IDP_CPU_AVX512F},
        {"neon", IDP_CPU_NEON},
        {"neon,avx512f", IDP_CPU_NEON | IDP_CPU_AVX512F},
        {"avx", 0},
        {"avx512fx,AVX2", 0},
        {",,avx512f,", IDP_CPU_AVX512F},
    };
    const uint32_t all = idp_cpu_features();
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        setenv("IDP_CPU_DISABLE", lists[l].list, 1);
        ck_assert_msg(idp_cpu_features() == (all & ~lists[l].hides), "IDP_CPU_DISABLE=%s", lists[l].list);
    }
    unsetenv("IDP_CPU_DISABLE");
    ck_assert_uint_eq(idp_cpu_features(), all);
}
END_TEST

START_TEST(what_a_hidden_feature_carried_is_unusable) {
    setenv("IDP_CPU_DISABLE", "avx2,neon", 1);
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        if (backend->kernels == NULL) continue;
        ck_assert_int_eq(idp_backend_status(backend), backend->needs == 0 ? IDP_OK : IDP_NOT_SUPPORTED);
    }
    const idp_backend *backend = NULL;
    ck_assert_int_eq(idp_backend_choose(NULL, &backend), IDP_OK);
    ck_assert_str_eq(backend->name, "scalar");
}
END_TEST

/* ---- choosing
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(the_last_usable_one_is_the_default) {
    const idp_backend *backend = NULL, *last = NULL;
    for (size_t b = 0; b < idp_backend_count(); b++)
        if (idp_backend_status(idp_backend_at(b)) == IDP_OK) last = idp_backend_at(b);
    ck_assert_int_eq(idp_backend_choose(NULL, &backend), IDP_OK);
    ck_assert_ptr_eq(backend, last);
    setenv("IDP_BACKEND", "", 1); /* set but empty counts as not set */
    backend = NULL;
    ck_assert_int_eq(idp_backend_choose(NULL, &backend), IDP_OK);
    ck_assert_ptr_eq(backend, last);
}
END_TEST

START_TEST(a_name_wins_over_the_environment) {
    const idp_backend *backend = NULL;
    setenv("IDP_BACKEND", "scalar", 1);
    ck_assert_int_eq(idp_backend_choose(NULL, &backend), IDP_OK);
    ck_assert_str_eq(backend->name, "scalar");
    setenv("IDP_BACKEND", "sse9", 1);
    ck_assert_int_eq(idp_backend_choose("scalar", &backend), IDP_OK);
    ck_assert_str_eq(backend->name, "scalar");
    ck_assert_int_eq(idp_backend_choose(NULL, &backend), IDP_UNKNOWN_BACKEND);
    ck_assert_ptr_null(backend);
}
END_TEST

/* Every back end by name: what can't run is refused, whoever names it, and never replaced by another. */
START_TEST(forcing_what_cannot_run_is_an_error) {
    setenv("IDP_CPU_DISABLE", "avx512f", 1);
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *wanted = idp_backend_at(b), *backend = NULL;
        const idp_status status = idp_backend_status(wanted);
        ck_assert_int_eq(idp_backend_choose(wanted->name, &backend), status);
        ck_assert_ptr_eq(backend, wanted);
        setenv("IDP_BACKEND", wanted->name, 1);
        backend = NULL;
        ck_assert_int_eq(idp_backend_choose(NULL, &backend), status);
        ck_assert_ptr_eq(backend, wanted);
        unsetenv("IDP_BACKEND");

        const idp_backend *kept = NULL;
        error e = {""};
        if (status == IDP_OK) {
            ck_assert_msg(backend_choose(wanted->name, &kept, &e), "%s", e.text);
            ck_assert_ptr_eq(kept, wanted);
        } else {
            ck_assert(!backend_choose(wanted->name, &kept, &e));
            ck_assert_ptr_null(kept);
            ck_assert_ptr_nonnull(strstr(e.text, wanted->name));
            ck_assert_ptr_nonnull(
                strstr(e.text, status == IDP_NOT_COMPILED ? wanted->architecture : "IDP_CPU_DISABLE"));
        }
    }
}
END_TEST

START_TEST(refusals_name_who_forced) {
    const idp_backend *backend = NULL;
    error e = {""};
    ck_assert(!backend_choose("sse9", &backend, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "--backend"));
    ck_assert_ptr_nonnull(strstr(e.text, "'sse9'"));
    setenv("IDP_BACKEND", "sse9", 1);
    ck_assert(!backend_choose(NULL, &backend, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "IDP_BACKEND"));
    ck_assert_ptr_null(backend);
}
END_TEST

START_TEST(lists_of_back_ends) {
    const idp_backend *list[BACKENDS_MOST];
    unsigned count = 0;
    error e = {""};
    ck_assert(backend_list(NULL, list, &count, &e)); /* all that are usable */
    ck_assert_uint_ge(count, 2);
    for (unsigned b = 0; b < count; b++) ck_assert_int_eq(idp_backend_status(list[b]), IDP_OK);
    const char *second = list[1]->name;
    char names[128];
    snprintf(names, sizeof names, "%s,scalar", second);
    ck_assert(backend_list(names, list, &count, &e));
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(list[0]->name, second);
    ck_assert_str_eq(list[1]->name, "scalar");
    static const char *const wrong[] = {"", "scalar,", ",scalar", "scalar,sse9", "scalar,scalar"};
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
        count = 77;
        ck_assert_msg(!backend_list(wrong[w], list, &count, &e), "'%s' was accepted", wrong[w]);
        ck_assert_uint_eq(count, 77);
    }
    setenv("IDP_BACKEND", "scalar", 1);
    ck_assert(backend_list(NULL, list, &count, &e));
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(list[0]->name, "scalar");
}
END_TEST

START_TEST(reasons_are_told_for_what_cannot_run_only) {
    for (size_t b = 0; b < idp_backend_count(); b++) {
        char reason[256];
        backend_reason(idp_backend_at(b), reason, sizeof reason);
        ck_assert((reason[0] == '\0') == (idp_backend_status(idp_backend_at(b)) == IDP_OK));
    }
    for (int s = IDP_OK; s <= IDP_NO_MEMORY; s++)
        ck_assert_str_ne(idp_status_text((idp_status)s), "unknown status");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("registry");
    TCase *registry = tcase_create("registry");
    tcase_add_checked_fixture(registry, clear_environment, restore_environment);
    tcase_add_test(registry, every_back_end_is_listed_once);
    tcase_add_test(registry, the_back_ends_of_this_architecture_are_compiled);
    tcase_add_test(registry, kernels_are_what_their_names_say);
    tcase_add_test(registry, every_compiled_back_end_has_every_layout);
    tcase_add_test(registry, features_are_named);
    tcase_add_test(registry, features_can_be_hidden);
    tcase_add_test(registry, what_a_hidden_feature_carried_is_unusable);
    tcase_add_test(registry, the_last_usable_one_is_the_default);
    tcase_add_test(registry, a_name_wins_over_the_environment);
    tcase_add_test(registry, forcing_what_cannot_run_is_an_error);
    tcase_add_test(registry, refusals_name_who_forced);
    tcase_add_test(registry, lists_of_back_ends);
    tcase_add_test(registry, reasons_are_told_for_what_cannot_run_only);
    suite_add_tcase(suite, registry);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
