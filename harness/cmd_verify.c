/* cmd_verify.c: `idp verify`: every kernel that can run here against the double-precision oracle. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "commands.h"
#include "peers/peers.h"
#include "progress.h"
#include "results/results.h"
#include "verify/verify.h"
#include "verify/verify_peer.h"

enum {
    DEFAULT_SEED = 1,
    DEFAULT_CASES = 2000,
    LIBRARY_SHARE = 10 /* of a library's form, a tenth of a kernel's */
};

static const char help[] =
    "Usage: idp verify [OPTION]...\n"
    "\n"
    "Every kernel against a naive double-precision oracle and its derived error bound, over the\n"
    "sizes, strides, offsets and values that break things, between guard pages and canaries.\n"
    "A kernel passes where no error exceeds the bound (worst: the largest error, bound = 1).\n"
    "The status is 1 where one fails. Then the other libraries that idp measures beside them.\n"
    "\n"
    "  --backend LIST       only these back ends (scalar,avx2); default: every one there is, and\n"
    "                       those that cannot run here are shown as skipped, and the other libraries\n"
    "  --kernel NAME        only this kernel, or this way to call a library; idp list shows them\n"
    "  --seed N             of the random numbers (default 1)\n"
    "  --cases N            random cases per kernel, after the planned ones (default 2000); each way\n"
    "                       to call a library gets a tenth, or all where --kernel names it\n"
    "  --case N             only case N, to replay a failure; with --kernel and --seed\n"
    "  --require-isa LIST   these back ends must run here: a skip is then an error (status 2)\n"
    "  --json FILE          also write the records\n"
    "  --quiet              no progress\n";

typedef struct request {
    const char *backends, *kernel, *require, *json;
    uint64_t seed, cases, only;
    bool has_only;
} request;

typedef struct counts {
    unsigned passed, failed, skipped;
    uint64_t cases;
} counts;

/* ---- rows ------------------------------------------------------------------------------------------------- */

static void add_record(results *r, const char *kernel, const char *backend, const char *status, const char *reason,
                       const verify_report *v) {
    results_add(r, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:f}", "kind", "verify", "kernel", kernel,
                             "backend", backend, "status", status, "reason", reason, "cases", (json_int_t)v->cases,
                             "seed", (json_int_t)v->seed, "worst_error_over_bound", v->worst_error_over_bound));
}

static void show_skip(const idp_backend *backend, const request *q, results *r, counts *n) {
    char reason[256];
    backend_reason(backend, reason, sizeof reason);
    n->skipped++;
    printf("%-40s %8s %7s  SKIPPED: %s\n", backend->name, "-", "-", reason);
    add_record(r, "", backend->name, "skipped", reason, &(verify_report){.seed = q->seed});
}

static void verify_and_show(const idp_backend *backend, const idp_kernel *kernel, const request *q, results *r,
                            counts *n) {
    verify_report v;
    const bool good =
        q->has_only ? verify_one_case(kernel, q->seed, q->only, &v) : verify_kernel(kernel, q->seed, q->cases, &v);
    *(good ? &n->passed : &n->failed) += 1;
    n->cases += v.cases;
    printf("%-40s %8" PRIu64 " %7.3f  %s%s\n", kernel->name, v.cases, v.worst_error_over_bound,
           good ? "passed" : "FAILED: ", v.failure);
    add_record(r, kernel->name, backend->name, good ? "passed" : "failed", v.failure, &v);
}

static void verify_and_show_peer(const peer *p, const request *q, results *r, counts *n) {
    verify_report v;
    const uint64_t cases = q->kernel != NULL ? q->cases : q->cases / LIBRARY_SHARE;
    const bool good = q->has_only ? verify_peer_case(p, q->seed, q->only, &v) : verify_peer(p, q->seed, cases, &v);
    *(good ? &n->passed : &n->failed) += 1;
    n->cases += v.cases;
    printf("%-40s %8" PRIu64 " %7.3f  %s%s\n", p->name, v.cases, v.worst_error_over_bound,
           good ? "passed" : "FAILED: ", v.failure);
    add_record(r, p->name, p->library, good ? "passed" : "failed", v.failure, &v);
}

/* The other libraries: every way to call them, or the one of that name. Not where back ends were named. */
static void verify_peers(const request *q, progress *bar, size_t done, results *r, counts *n) {
    for (size_t i = 0; i < peer_count() && !interrupted(); i++) {
        const peer *p = peer_at(i);
        if (q->kernel == NULL ? backend_forced(q->backends) : strcmp(p->name, q->kernel) != 0) continue;
        progress_at(bar, (double)(done + i), p->name);
        verify_and_show_peer(p, q, r, n);
    }
    for (size_t l = 0; l < peer_library_count() && q->kernel == NULL && !backend_forced(q->backends); l++) {
        const peer_library *library = peer_library_at(l);
        if (library->absent == NULL) continue;
        printf("%-40s %8s %7s  absent: %s\n", library->name, "-", "-", library->absent);
        add_record(r, "", library->name, "skipped", library->absent, &(verify_report){.seed = q->seed});
    }
}

/* ---- what was asked for ----------------------------------------------------------------------------------- */

/* --kernel: of a back end that runs here, and of those that --backend names. */
static bool choose_kernel(const request *q, const idp_backend *list[BACKENDS_MOST], unsigned *count, error *e) {
    const idp_backend *its = NULL;
    char reason[256];
    if (idp_kernel_find(q->kernel, &its) == NULL)
        return fail(e, "--kernel: there is no kernel '%s' in this build; idp list shows them", q->kernel);
    backend_reason(its, reason, sizeof reason);
    if (reason[0] != '\0') return fail(e, "--kernel: '%s' can't run here: %s", q->kernel, reason);
    unsigned b = 0;
    while (b < *count && list[b] != its) b++;
    if (b == *count) return fail(e, "--kernel: '%s' is not of the back ends that were named", q->kernel);
    list[0] = its;
    *count = 1;
    return true;
}

/* --require-isa: each name is a back end that runs here, and --backend, --kernel or IDP_BACKEND leave none out. */
static bool check_required(const char *names, const idp_backend *const *list, unsigned count, error *e) {
    if (!backend_require(names, e)) return false;
    for (const char *rest = names; rest != NULL;) {
        const size_t length = strcspn(rest, ",");
        unsigned b = 0;
        while (b < count && (strlen(list[b]->name) != length || strncmp(list[b]->name, rest, length) != 0)) b++;
        if (b == count)
            return fail(e, "--require-isa: '%.*s' is left out by --backend, --kernel or IDP_BACKEND", (int)length,
                        rest);
        rest = rest[length] == ',' ? rest + length + 1 : NULL;
    }
    return true;
}

/* The back ends to look at: those that were named, of which each must run here, or every one there is. */
static bool choose_backends(const request *q, const idp_backend *list[BACKENDS_MOST], unsigned *count, error *e) {
    if (backend_forced(q->backends)) {
        if (!backend_list(q->backends, list, count, e)) return false;
    } else {
        *count = 0;
        for (size_t b = 0; b < idp_backend_count() && *count < BACKENDS_MOST; b++)
            list[(*count)++] = idp_backend_at(b);
    }
    if (q->kernel != NULL && peer_find(q->kernel) != NULL)
        *count = 0; /* no kernel of ours */
    else if (q->kernel != NULL && !choose_kernel(q, list, count, e))
        return false;
    return check_required(q->require, list, *count, e);
}

static bool whole_number(const char *name, const char *text, uint64_t *value, error *e) {
    const double most = 9007199254740992.0; /* 2^53: above it a double skips whole numbers */
    double number;
    if (!option_number(name, text, 0, most, &number, e)) return false;
    if (number != (double)(uint64_t)number) return fail(e, "--%s %s is not a whole number", name, text);
    *value = (uint64_t)number;
    return true;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static int verify_all(const request *q, const char *typed, error *e) {
    const idp_backend *list[BACKENDS_MOST];
    unsigned count;
    results r;
    if (!choose_backends(q, list, &count, e) || !results_new(&r, typed, q->seed, e)) return EXIT_ERROR;
    size_t kernels = peer_count(), done = 0;
    for (unsigned b = 0; b < count; b++) kernels += list[b]->kernel_count;
    progress bar;
    progress_start(&bar, "verify", (double)kernels);
    counts n = {0};
    printf("%-40s %8s %7s  %s\n", "kernel", "cases", "worst", "status");
    for (unsigned b = 0; b < count && !interrupted(); b++) {
        if (idp_backend_status(list[b]) != IDP_OK) {
            show_skip(list[b], q, &r, &n);
            done += list[b]->kernel_count;
            continue;
        }
        for (size_t i = 0; i < list[b]->kernel_count && !interrupted(); i++) {
            const idp_kernel *kernel = &list[b]->kernels[i];
            progress_at(&bar, (double)done++, kernel->name);
            if (q->kernel == NULL || strcmp(kernel->name, q->kernel) == 0)
                verify_and_show(list[b], kernel, q, &r, &n);
        }
    }
    verify_peers(q, &bar, done, &r, &n);
    progress_end(&bar, NULL);
    printf("kernels: %u passed, %u failed; back ends skipped: %u; cases: %" PRIu64 "; seed: %" PRIu64 "\n",
           n.passed, n.failed, n.skipped, n.cases, q->seed);
    bool good =
        !interrupted() || fail(e, "interrupted: not every kernel was verified, and no records were written");
    good = good && results_write(&r, q->json, e);
    results_free(&r);
    return !good ? EXIT_ERROR : n.failed > 0 ? EXIT_NO : 0;
}

int cmd_verify(int argc, char **argv, error *e) {
    static const struct option options[] = {
        {"backend", required_argument, NULL, 'b'}, {"kernel", required_argument, NULL, 'k'},
        {"seed", required_argument, NULL, 's'},    {"cases", required_argument, NULL, 'n'},
        {"case", required_argument, NULL, 'c'},    {"require-isa", required_argument, NULL, 'r'},
        {"json", required_argument, NULL, 'j'},    {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},          {0}};
    request q = {.seed = DEFAULT_SEED, .cases = DEFAULT_CASES};
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        bool good = true;
        switch (c) {
        case 'b': q.backends = optarg; break;
        case 'k': q.kernel = optarg; break;
        case 's': good = whole_number("seed", optarg, &q.seed, e); break;
        case 'n': good = whole_number("cases", optarg, &q.cases, e); break;
        case 'c': good = q.has_only = whole_number("case", optarg, &q.only, e); break;
        case 'r': q.require = optarg; break;
        case 'j': q.json = optarg; break;
        case 'q': progress_quiet(true); break;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
        if (!good) return EXIT_ERROR;
    }
    if (optind < argc) {
        fail(e, "'%s': verify takes options only; idp verify --help tells them", argv[optind]);
        return EXIT_ERROR;
    }
    char typed[1024];
    option_typed(argc, argv, typed, sizeof typed);
    return verify_all(&q, typed, e);
}
