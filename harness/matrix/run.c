#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../measure/processes.h"
#include "network.h"
#include "table.h"
#include "worker.h"

enum { MOST_PROCESSES = 32, LONG_BYTES = 2 << 20, LONGER_BYTES = 16 << 20 };

matrix_options matrix_defaults(bool quick) {
    return (matrix_options){.quick = quick,
                            .cells = true,
                            .networks = true,
                            .processes = quick ? 1 : 3,
                            .rounds = quick ? 20 : 40,
                            .budget_s = quick ? 0.05 : 0.25,
                            .seed = 1};
}

bool matrix_backends(const char *named, matrix_options *o, error *e) {
    const idp_backend *list[BACKENDS_MOST];
    unsigned count = 0;
    if (!backend_list(named, list, &count, e)) return false;
    o->backends = 0;
    for (unsigned b = 0; b < count; b++)
        if (named != NULL || list[b]->origin == IDP_ORIGIN_HAND) o->backend[o->backends++] = list[b];
    return o->backends > 0 || fail(e, "no hand-written back end runs here; name another with --backend (idp list)");
}

/* ---- a process -------------------------------------------------------------------------------------------------
 */

/* In an environment that holds the peers to the back end's instruction set. */
static json_t *run_process(const char *program, const matrix_request *q, error *e) {
    char *answer = NULL, *request = matrix_request_write(q);
    json_t *cells = NULL;
    if (request == NULL) {
        fail(e, "no memory for a request");
        return NULL;
    }
    char *argv[] = {"idp", "matrix", "--worker", request, NULL};
    if (process_run_with(program, argv, peer_environment(q->backend->name), q->limit_s, &answer, e) ==
        PROCESS_DONE) {
        cells = json_loads(answer, 0, NULL);
        if (!json_is_array(cells)) fail(e, "its answer is damaged");
    }
    free(answer);
    free(request);
    return cells;
}

/* ---- a series --------------------------------------------------------------------------------------------------
 */

typedef struct plan {
    const matrix_options *o;
    const char *program;
    progress *bar;
    results *to;
    matrix_summary *summary;
    double parts; /* of the bar, in all */
} plan;

static size_t processes_of(const matrix_options *o, const matrix_request *q) {
    const size_t bytes = q->network ? 0 : sizeof(float) * q->series.out * q->series.in;
    const size_t fewer = bytes > LONGER_BYTES ? 1 : bytes > LONG_BYTES ? 2 : MOST_PROCESSES;
    return o->processes < fewer ? o->processes : fewer;
}

static matrix_figure figure_of(const matrix_request *q, double percent) {
    matrix_figure f = {.backend = q->backend, .network = q->network};
    f.cell = matrix_cell_at(&q->series, percent);
    f.flops = q->network ? matrix_network_flops(q->series.batch, percent) : matrix_flops(&f.cell);
    if (q->network) f.cell.k = matrix_network_used(1, percent);
    return f;
}

/* The figures of every cell that the processes answered. For a network the last percentage is what the others are
 * held against, if it is 100. */
static bool judge(plan *p, const matrix_request *q, const json_t *const *answer, size_t answers, error *e) {
    const size_t cells = json_array_size(answer[0]);
    matrix_figure *figure = calloc(cells + 1, sizeof *figure);
    bool ok = figure != NULL || fail(e, "no memory for %zu cells", cells);
    size_t judged = 0, full = SIZE_MAX;
    for (; ok && judged < cells; judged += ok) {
        const double percent = json_number_value(json_object_get(json_array_get(answer[0], judged), "percent"));
        figure[judged] = figure_of(q, percent);
        if (percent == 100) full = judged;
        ok = matrix_judge(answer, answers, judged, &figure[judged], e);
    }
    for (size_t c = 0; ok && q->network && full != SIZE_MAX && c < cells; c++)
        ok = matrix_judge_share(answer, answers, c, full, &figure[c], &figure[full], e);
    for (size_t c = 0; ok && c < cells; c++) {
        json_t *record = matrix_record(&figure[c]);
        char reason[256] = "";
        if (q->network && full != SIZE_MAX) matrix_share_reason(&figure[c], &figure[full], reason, sizeof reason);
        if (record != NULL && q->network) json_object_set_new(record, "reason", json_string(reason));
        if (p->to != NULL)
            results_add(p->to, record);
        else
            json_decref(record);
        matrix_summary_add(p->summary, &figure[c], reason);
    }
    for (size_t c = 0; figure != NULL && c < cells; c++) matrix_figure_free(&figure[c]);
    free(figure);
    return ok;
}

static bool run_series(plan *p, matrix_request *q, error *e) {
    json_t *answer[MOST_PROCESSES] = {NULL};
    const size_t processes = processes_of(p->o, q);
    size_t done = 0;
    bool ok = true;
    char name[64];
    if (q->network)
        snprintf(name, sizeof name, "network, batch %zu, %s", q->series.batch, q->backend->name);
    else
        snprintf(name, sizeof name, "%zux%zu %s, batch %zu, %s", q->series.out, q->series.in,
                 matrix_cut_name[q->series.cut], q->series.batch, q->backend->name);
    const double before = p->bar->done;
    for (; ok && done < processes; done += ok) {
        progress_at(p->bar, before + (double)done / (double)processes, name);
        q->seed = p->o->seed + done;
        answer[done] = run_process(p->program, q, e);
        ok = answer[done] != NULL || fail_in(e, "%s", name);
    }
    ok = ok && (judge(p, q, (const json_t *const *)answer, processes, e) || fail_in(e, "%s", name));
    for (size_t a = 0; a < done; a++) json_decref(answer[a]);
    progress_at(p->bar, before + 1, name);
    return ok;
}

/* ---- all of them -----------------------------------------------------------------------------------------------
 */

static matrix_request request_of(const matrix_options *o, const idp_backend *backend) {
    enum { LIMIT_S = 600 }; /* far above what any takes: a process that hangs is ended */
    matrix_request q = {.backend = backend,
                        .percents = o->choice.percents,
                        .rounds = o->rounds,
                        .budget_s = o->budget_s,
                        .limit_s = LIMIT_S};
    memcpy(q.percent, o->choice.percent, sizeof q.percent);
    return q;
}

static bool run_backend(plan *p, const idp_backend *backend, const matrix_series *list, unsigned count, error *e) {
    const matrix_options *o = p->o;
    bool ok = true;
    for (unsigned s = 0; ok && o->cells && s < count; s++) {
        matrix_request q = request_of(o, backend);
        q.series = list[s];
        ok = run_series(p, &q, e);
    }
    for (unsigned b = 0; ok && o->networks && b < o->choice.batches; b++) {
        matrix_request q = request_of(o, backend);
        q.network = true;
        q.series = (matrix_series){.out = 10, .in = 784, .batch = o->choice.batch[b], .cut = MATRIX_BOTH};
        q.budget_s *= o->choice.percents; /* all percentages share the rounds */
        ok = run_series(p, &q, e);
    }
    return ok;
}

bool matrix_run(const matrix_options *o, progress *bar, results *r, FILE *table, error *e) {
    matrix_series list[MATRIX_SERIES];
    unsigned count = 0;
    const idp_backend *best = NULL;
    plan p = {.o = o, .program = o->program, .bar = bar, .to = r};
    if (p.program == NULL && !process_self(&p.program, e)) return false;
    if (o->cells && !matrix_series_list(&o->choice, o->quick, list, &count, e)) return false;
    if (idp_backend_choose(NULL, &best) != IDP_OK) best = o->backend[0];
    p.summary = matrix_summary_new(best, table, e);
    if (p.summary == NULL) return false;
    p.parts = o->backends * (count + (o->networks ? o->choice.batches : 0));
    progress_start(bar, "matrix", p.parts);
    bool ok = true;
    for (unsigned b = o->backends; ok && b-- > 0;) ok = run_backend(&p, o->backend[b], list, count, e);
    if (ok) progress_end(bar, NULL);
    matrix_summary_print(p.summary);
    matrix_summary_free(p.summary);
    return ok;
}
