#include "worker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../measure/clock.h"

static const double slice_ns = 100e3, warm_up_ns = 5e6, level = 0.95;

/* ---- request ----------------------------------------------------------------------------------------------- */

char *matrix_request_write(const matrix_request *q) {
    json_t *percents = json_array();
    for (unsigned p = 0; p < q->percents; p++) json_array_append_new(percents, json_real(q->percent[p]));
    json_t *root = json_pack("{s:s, s:b, s:I, s:I, s:I, s:s, s:o, s:I, s:f, s:f, s:I}", "backend", q->backend->name,
                             "network", q->network, "out", (json_int_t)q->series.out, "in",
                             (json_int_t)q->series.in, "batch", (json_int_t)q->series.batch, "cut",
                             matrix_cut_name[q->series.cut], "percents", percents, "rounds", (json_int_t)q->rounds,
                             "budget_s", q->budget_s, "limit_s", q->limit_s, "seed", (json_int_t)q->seed);
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static bool cut_find(const char *name, matrix_cut *cut) {
    for (int c = 0; c < MATRIX_CUTS; c++) {
        if (strcmp(matrix_cut_name[c], name) != 0) continue;
        *cut = (matrix_cut)c;
        return true;
    }
    return false;
}

bool matrix_request_read(const char *text, matrix_request *q, error *e) {
    const char *backend, *cut;
    json_t *percents;
    json_int_t out, in, batch, rounds, seed;
    int network;
    matrix_request made = {0};
    json_t *root = json_loads(text, 0, NULL);
    bool ok =
        json_unpack(root, "{s:s, s:b, s:I, s:I, s:I, s:s, s:o, s:I, s:F, s:F, s:I}", "backend", &backend, "network",
                    &network, "out", &out, "in", &in, "batch", &batch, "cut", &cut, "percents", &percents, "rounds",
                    &rounds, "budget_s", &made.budget_s, "limit_s", &made.limit_s, "seed", &seed) == 0;
    ok = ok && out >= 1 && out <= BENCH_MAX_WIDTH && in >= 1 && in <= BENCH_MAX_WIDTH && batch >= 1 &&
         batch <= BENCH_MAX_BATCH && rounds >= 6 && rounds <= 100000 && seed >= 0 && made.budget_s > 0 &&
         made.limit_s > 0 && json_array_size(percents) >= 1 && json_array_size(percents) <= MATRIX_PERCENTS &&
         cut_find(cut, &made.series.cut);
    if (ok) {
        made.backend = idp_backend_find(backend);
        made.network = network != 0;
        made.series.out = (size_t)out;
        made.series.in = (size_t)in;
        made.series.batch = (size_t)batch;
        made.rounds = (size_t)rounds;
        made.seed = (uint64_t)seed;
        made.percents = (unsigned)json_array_size(percents);
        for (unsigned p = 0; p < made.percents; p++)
            made.percent[p] = json_number_value(json_array_get(percents, p));
        ok = made.backend != NULL && idp_backend_status(made.backend) == IDP_OK;
    }
    json_decref(root);
    if (!ok) return fail(e, "--worker is for the program's own use");
    *q = made;
    return true;
}

/* ---- rounds ------------------------------------------------------------------------------------------------ */

static bool is_library(const matrix_row *row) { return row->role == MATRIX_PEER || row->role == MATRIX_NAIVE; }

/* A first look: one run of each row, after the one that was checked. */
static void look(matrix_row *const *row, size_t rows) {
    for (size_t i = 0; i < rows; i++) {
        const uint64_t start = clock_now_ns();
        row[i]->variant.run(row[i]->variant.state, 1); // NOLINT(clang-analyzer-core*): all rows were set
        row[i]->rough_ns = fmax(1, row[i]->scale * (double)(clock_now_ns() - start));
    }
}

void matrix_leave_out(matrix_row *const *row, size_t rows, double budget_s) {
    static const double behind = 1.5; /* times the fastest: no noise makes that up */
    enum { ROUNDS = 12, RUNS = 2 };   /* of a round, a long row is run for its lead-in, and once more */
    double best_ns = INFINITY, naive_ns = INFINITY, all_ns = 0;
    for (size_t i = 0; i < rows; i++) {
        all_ns += RUNS * fmax(row[i]->role == MATRIX_FMA ? 0 : row[i]->rough_ns, slice_ns);
        if (is_library(row[i])) best_ns = fmin(best_ns, row[i]->rough_ns);
        if (row[i]->role == MATRIX_NAIVE) naive_ns = fmin(naive_ns, row[i]->rough_ns);
    }
    for (size_t i = 0; i < rows; i++)
        row[i]->left_out = 1e-9 * ROUNDS * all_ns > budget_s && is_library(row[i]) &&
                           row[i]->rough_ns > behind * best_ns &&
                           !(row[i]->role == MATRIX_NAIVE && row[i]->rough_ns <= behind * naive_ns);
}

/* The processor time of this thread. Nobody holds a processor of a busy machine for long: of what takes
 * milliseconds hardly a run would be left undisturbed. Reading it takes some 0.2 us, so it is for long runs only.
 */
static uint64_t thread_now_ns(void *context) {
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool takes_long(matrix_row *const *row, size_t rows) {
    static const double long_ns = 1e6; /* about a scheduler's time slice under load */
    for (size_t i = 0; i < rows; i++)
        if (!row[i]->left_out && row[i]->role != MATRIX_FMA && row[i]->rough_ns > long_ns) return true;
    return false;
}

bool matrix_measure(matrix_row *const *row, size_t rows, const matrix_request *q, paired_samples *samples,
                    error *e) {
    paired_variant variant[MATRIX_VARIANTS];
    size_t variants = 0;
    for (size_t i = 0; i < rows; i++)
        if (!row[i]->left_out) variant[variants++] = row[i]->variant;
    paired_options paired = paired_defaults();
    paired.rounds = q->rounds;
    paired.budget_s = q->budget_s;
    paired.slice_ns = slice_ns;
    paired.warm_up_ns = warm_up_ns;
    paired.level = level;
    paired.seed = q->seed;
    const paired_clock thread_clock = {thread_now_ns, paired_machine_clock.preemptions,
                                       paired_machine_clock.core_hz, NULL};
    if (takes_long(row, rows)) paired.clock = &thread_clock;
    return paired_measure(variant, variants, &paired, samples, e);
}

json_t *matrix_answer(double percent, matrix_row *const *row, size_t rows, paired_samples *s, size_t *slot) {
    json_t *list = json_array();
    for (size_t i = 0; i < rows; i++) {
        json_t *ns = json_array();
        for (size_t r = 0; r < s->rounds && !row[i]->left_out; r++)
            json_array_append_new(ns, json_real(row[i]->scale * s->ns[r * (s->variants + 1) + *slot]));
        *slot += !row[i]->left_out;
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:f, s:o}", "name", row[i]->name, "role",
                                        matrix_role_name[row[i]->role], "rough_ns", row[i]->rough_ns, "ns", ns));
    }
    return json_pack("{s:f, s:I, s:I, s:I, s:f, s:o}", "percent", percent, "rounds", (json_int_t)s->rounds,
                     "discarded", (json_int_t)s->discarded, "disturbed", (json_int_t)s->disturbed, "core_hz",
                     paired_core_hz(s).median, "rows", list);
}

/* ---- one cell after the other ------------------------------------------------------------------------------ */

static bool choose_streams(matrix_row *const *row, size_t rows, error *e) {
    enum { TURNS = 4 };
    for (size_t i = 0; i < rows; i++)
        if (row[i]->role == MATRIX_LOADS && !roof_stream_choose(&row[i]->stream, slice_ns / 4, TURNS, NULL, e))
            return false;
    return true;
}

static json_t *cell_work(const matrix_layer *layer, const matrix_cell *cell, const matrix_request *q, error *e) {
    static matrix_bench b; /* its variants point into it */
    matrix_row *row[MATRIX_ROWS];
    paired_samples samples = {0};
    json_t *answer = NULL;
    size_t slot = 0;
    if (!matrix_bench_make(layer, cell, &b, e)) return NULL;
    for (unsigned i = 0; i < b.rows; i++) row[i] = &b.row[i];
    if (matrix_bench_check(&b, e) && choose_streams(row, b.rows, e)) {
        look(row, b.rows);
        matrix_leave_out(row, b.rows, q->budget_s);
        if (matrix_measure(row, b.rows, q, &samples, e))
            answer = matrix_answer(cell->percent, row, b.rows, &samples, &slot);
    }
    paired_free(&samples);
    matrix_bench_free(&b);
    return answer;
}

static json_t *series_work(const matrix_request *q, error *e) {
    matrix_layer layer;
    json_t *cells = json_array();
    if (!matrix_layer_make(&q->series, q->backend, q->seed, &layer, e)) {
        json_decref(cells);
        return NULL;
    }
    for (unsigned p = 0; p < q->percents; p++) {
        const matrix_cell cell = matrix_cell_at(&q->series, q->percent[p]);
        if (cell.m == 0 || cell.k == 0) continue;
        json_t *answer = cell_work(&layer, &cell, q, e);
        if (answer == NULL) {
            fail_in(e, "%zux%zu, batch %zu, %g %%", cell.of.out, cell.of.in, cell.of.batch, cell.percent);
            json_decref(cells);
            cells = NULL;
            break;
        }
        json_array_append_new(cells, answer);
    }
    matrix_layer_free(&layer);
    return cells;
}

bool matrix_work(const char *request, char **answer, error *e) {
    matrix_request q;
    cpu_pin pin = {.cpu = -1};
    if (!matrix_request_read(request, &q, e)) return false;
    /* Nobody may be left to end it. */
    alarm((unsigned)fmin(ceil(q.limit_s) + 1, 1e6));
    cpu_pin_here(&pin, NULL);
    json_t *cells = q.network ? matrix_network_work(&q, e) : series_work(&q, e);
    char *text = cells != NULL ? json_dumps(cells, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    if (text == NULL && e->text[0] == '\0') fail(e, "no memory for the answer");
    json_decref(cells);
    cpu_pin_release(&pin);
    alarm(0);
    if (text != NULL) *answer = text;
    return text != NULL;
}
