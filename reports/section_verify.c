/* section_verify.c: which kernels agree with the oracle, which do not, and which could not run here. */
#include <math.h>
#include <string.h>

#include "format.h"
#include "sections.h"

/* In the order of the table: what needs attention first. */
static const char *const statuses[] = {"failed", "skipped", "passed"};
enum { STATUSES = sizeof statuses / sizeof statuses[0] };

/* Index in statuses[]; STATUSES for a status that this program does not know. */
static unsigned status_index(const verify_record *v) {
    unsigned s = 0;
    while (s < STATUSES && strcmp(v->status, statuses[s]) != 0) s++;
    return s;
}

static void row(page *p, const verify_record *v) {
    page_cell(p, (double)status_index(v), v->status, "");
    page_cell_text(p, v->backend);
    page_cell_text(p, v->kernel[0] != '\0' ? v->kernel : "all of it");
    page_cell(p, (double)v->cases, show_count((double)v->cases).text, "");
    const double worst = v->cases > 0 ? v->worst_error_over_bound : NAN; /* else nothing was compared */
    page_cell(p, worst, show_significant(worst).text, "");
    page_cell(p, (double)v->seed, label_print("%" JSON_INTEGER_FORMAT, v->seed).text, "");
    page_cell_text(p, v->reason);
}

static void table(page *p, const records *r, media where, bool with_passed, const char *caption) {
    static const column columns[] = {
        {"status", false, false}, {"back end", false, false},           {"kernel", false, false},
        {"cases", true, false},   {"worst error / bound", true, false}, {"seed", true, false},
        {"reason", false, false},
    };
    page_table(p, where, columns, sizeof columns / sizeof columns[0], "%s", caption);
    for (unsigned s = 0; s <= STATUSES; s++)
        for (size_t i = 0; i < r->verifies; i++)
            if (status_index(&r->verify[i]) == s && (with_passed || strcmp(r->verify[i].status, "passed") != 0))
                row(p, &r->verify[i]);
    page_table_end(p);
}

void section_verify(page *p, const records *r) {
    if (r->verifies == 0) return;
    size_t count[STATUSES + 1] = {0};
    double cases = 0, worst = NAN;
    for (size_t i = 0; i < r->verifies; i++) {
        const verify_record *v = &r->verify[i];
        count[status_index(v)]++;
        cases += (double)v->cases;
        if (strcmp(v->status, "passed") == 0) worst = fmax(worst, v->worst_error_over_bound);
    }
    const size_t failed = count[0], skipped = count[1], passed = count[2];
    page_note(p, BOTH, failed > 0 ? "warning" : NULL,
              "%zu passed, %zu failed, %zu skipped, %s cases in all. Every result was compared with a naive "
              "double-precision "
              "oracle under a derived error bound; the worst error of a kernel that passed is %s of its bound.",
              passed, failed, skipped, show_count(cases).text, show_significant(worst).text);
    if (passed < r->verifies) table(p, r, MARKDOWN, false, "What did not pass, and why.");
    page_details(p, passed < r->verifies || p->plot_error.text[0] != '\0', "Every kernel");
    table(p, r, HTML, true, "Kernels against the oracle. idp verify --seed replays a row.");
    page_details_end(p);
}
