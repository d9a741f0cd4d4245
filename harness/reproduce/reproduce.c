/* reproduce.c: see reproduce.h. A job is one network of one seed. */
#include "reproduce.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../data/mnist.h"
#include "../jobs.h"

static_assert((int)JOBS_MOST_VALUES >= REPRODUCE_MOST_ROW_CELLS + 1, "a job gives its cells and its time");
enum { SECONDS = REPRODUCE_MOST_ROW_CELLS, JOB_VALUES };

static bool is_best(const reproduce_row *row) { return strcmp(row->recipe, "best") == 0; }

/* ---- cells of a row ---------------------------------------------------------------------------------------- */

static size_t cell_k(const reproduce_row *row, size_t curve, size_t index) {
    const reproduce_curve *c = &row->curve[curve];
    return c->expected != NULL ? c->expected[index].k : 10 * (index + 1);
}

static size_t row_cells(const reproduce_row *row) {
    size_t cells = 0;
    for (size_t c = 0; c < row->curves; c++) cells += row->curve[c].cells;
    return cells;
}

/* ---- training ---------------------------------------------------------------------------------------------- */

typedef struct plan {
    const reproduce_options *o;
    const dataset *data;
    const reproduce_row **row; /* [rows] */
    size_t rows;
    struct {
        size_t row, seed;
    } * job; /* [jobs] */
    size_t jobs;
} plan;

static bool settings(const reproduce_row *row, const reproduce_options *o, uint64_t seed, train_options *t,
                     error *e) {
    train_options best;
    if (!train_defaults(t, row->recipe, e)) return false;
    t->gamma = row->gamma;
    t->distillation = row->distilled;
    if (row->parts > 0) t->parts = row->parts;
    for (size_t p = 0; p < row->parts; p++) {
        t->part[p].from_percent = p == 0 ? 0 : (double)row->part_end[p - 1];
        t->part[p].to_percent = (double)row->part_end[p];
    }
    if (row->widths != NULL) t->widths = width_rule_find(row->widths);
    if (row->tenths) {
        if (!train_defaults(&best, "best", e)) return false;
        t->epochs = best.epochs;
        t->batch = best.batch;
        t->lr = best.lr;
        t->momentum = best.momentum;
        t->weight_decay = best.weight_decay;
        t->schedule = best.schedule;
    }
    if (o->epochs > 0) {
        t->epochs = o->epochs;
        t->halve_after = 0;
    }
    t->seed = seed;
    t->threads = 1; /* the jobs are processes */
    t->backend = o->backend;
    return true;
}

static bool measure(const reproduce_row *row, const reproduce_options *o, const model *m, const dataset *data,
                    double *value, error *e) {
    for (size_t c = 0; c < row->curves; c++)
        for (size_t i = 0; i < row->curve[c].cells; i++) {
            const double percent = (double)cell_k(row, c, i);
            const size_t profile = row->curves > 1 ? c : model_profile_at(m, percent);
            if (!model_accuracy(m, o->backend, &data->test, profile, &percent, 1, value++, e)) return false;
        }
    return true;
}

static bool run_job(const void *context, size_t index, double *value, error *e) {
    const plan *p = context;
    const reproduce_row *row = p->row[p->job[index].row];
    train_options t;
    model m = {0};
    if (!settings(row, p->o, p->job[index].seed, &t, e)) return false;
    const clock_t started = clock();
    if (!train_run(&t, p->data, &m, NULL, e)) return false;
    value[SECONDS] = (double)(clock() - started) / CLOCKS_PER_SEC;
    const bool measured = measure(row, p->o, &m, p->data, value, e);
    model_free(&m);
    return measured;
}

static double job_cost(const void *context, size_t index) {
    const plan *p = context;
    return p->row[p->job[index].row]->cost;
}

static void job_name(const void *context, size_t index, char *text, size_t text_size) {
    const plan *p = context;
    snprintf(text, text_size, "%s, seed %zu", p->row[p->job[index].row]->name, p->job[index].seed);
}

static bool chosen(const reproduce_options *o, const reproduce_row *row) {
    if (o->recipe == NULL) return true;
    return strcmp(o->recipe, "best") == 0 ? row->tenths : strcmp(o->recipe, row->recipe) == 0;
}

static size_t row_seeds(const reproduce_options *o, const reproduce_row *row) {
    return row->tenths ? o->tenths_seeds : o->seeds;
}

static bool plan_make(plan *p, const reproduce_options *o, const dataset *data, error *e) {
    *p = (plan){.o = o, .data = data};
    const size_t most_seeds = o->seeds > o->tenths_seeds ? o->seeds : o->tenths_seeds;
    p->row = calloc(reproduce_row_count(), sizeof *p->row);
    p->job = calloc(reproduce_row_count() * most_seeds, sizeof *p->job);
    if (p->row == NULL || p->job == NULL) return fail(e, "no memory for the list of trainings");
    for (size_t i = 0; i < reproduce_row_count(); i++) {
        const reproduce_row *row = reproduce_row_at(i);
        if (!chosen(o, row)) continue;
        for (size_t seed = 1; seed <= row_seeds(o, row); seed++) {
            p->job[p->jobs].row = p->rows;
            p->job[p->jobs++].seed = seed;
        }
        p->row[p->rows++] = row;
    }
    return p->rows > 0 || fail(e, "no row is of recipe '%s'", o->recipe);
}

static void plan_free(plan *p) {
    free(p->row);
    free(p->job);
}

/* ---- judging ------------------------------------------------------------------------------------------------ */

/* The cell of that recipe, of the rows of tenths, at the same k. */
static const reproduce_cell *rival(const reproduce_cell *cell, size_t cells, const char *name, size_t k) {
    for (size_t i = 0; i < cells; i++)
        if (cell[i].row->tenths && cell[i].k == k && strcmp(cell[i].row->recipe, name) == 0) return &cell[i];
    return NULL;
}

static void judge_best(reproduce_cell *c, const reproduce_cell *all, size_t cells) {
    const reproduce_cell *independent = rival(all, cells, "independent", c->k);
    const reproduce_cell *sandwich = rival(all, cells, "sandwich", c->k);
    if (independent == NULL || sandwich == NULL) return;
    c->expected = independent->ours;
    c->verdict = c->ours.mean >= independent->ours.mean - reproduce_margin && c->ours.mean > sandwich->ours.mean
                     ? "holds"
                     : "falls short";
}

void reproduce_judge(reproduce_cell *cell, size_t cells) {
    size_t tests = 0;
    for (size_t i = 0; i < cells; i++) {
        reproduce_cell *c = &cell[i];
        assert(c->row != NULL);
        c->verdict = "not judged";
        c->probability = NAN;
        if (is_best(c->row)) {
            judge_best(c, cell, cells);
        } else if (c->expected.n > 1 && c->ours.n > 1) {
            c->probability = welch_probability(c->ours, c->expected, c->inside ? reproduce_margin : 0);
            tests++;
        }
    }
    for (size_t i = 0; i < cells; i++)
        if (!isnan(cell[i].probability))
            cell[i].verdict = cell[i].probability * (double)tests < 1 - reproduce_level ? "differs" : "agrees";
}

/* ---- all of it ---------------------------------------------------------------------------------------------- */

/* The part of the profile that the row's curve shows at k. */
static bool fill_part(reproduce_cell *c, size_t curve, const plan *p, error *e) {
    train_options t;
    if (!settings(c->row, p->o, 1, &t, e)) return false;
    c->profile = curve;
    if (c->row->curves == 1)
        for (size_t part = 0; part < t.parts; part++)
            if (t.part[part].from_percent < (double)c->k) c->profile = part;
    c->from_percent = t.part[c->profile].from_percent;
    c->to_percent = t.part[c->profile].to_percent;
    c->inside = (double)c->k > c->from_percent && (double)c->k <= c->to_percent && c->k >= c->row->least;
    if (c->from_percent < (double)c->row->least) c->from_percent = (double)c->row->least;
    return true;
}

/* values: [jobs][JOB_VALUES] */
static bool fill_cells(const plan *p, const double *values, reproduce_cell *cell, error *e) {
    size_t first = 0; /* job of the row's first seed */
    const bool mnist = strcmp(p->data->sha256, MNIST_SHA256) == 0;
    for (size_t r = 0; r < p->rows; r++) {
        const reproduce_row *row = p->row[r];
        const size_t seeds = row_seeds(p->o, row);
        double draws[REPRODUCE_MOST_SEEDS], seconds = 0;
        for (size_t s = 0; s < seeds; s++) seconds += values[(first + s) * JOB_VALUES + SECONDS] / (double)seeds;
        for (size_t curve = 0, at = 0; curve < row->curves; curve++)
            for (size_t i = 0; i < row->curve[curve].cells; i++, at++, cell++) {
                *cell = (reproduce_cell){.row = row,
                                         .k = cell_k(row, curve, i),
                                         .train_seconds = seconds,
                                         .probability = NAN,
                                         .verdict = "not judged"};
                if (!fill_part(cell, curve, p, e)) return false;
                for (size_t s = 0; s < seeds; s++) draws[s] = values[(first + s) * JOB_VALUES + at];
                cell->ours = sample_of(draws, seeds);
                const double half = seeds > 1 ? sample_half_width(cell->ours, reproduce_level) : NAN;
                cell->low_percent = cell->ours.mean - half;
                cell->high_percent = cell->ours.mean + half;
                const expected_cell *expected = row->curve[curve].expected;
                if (expected != NULL && mnist)
                    cell->expected = sample_of(expected[i].accuracy_percent, EXPECTED_SEEDS);
            }
        first += seeds;
    }
    return true;
}

bool reproduce_run(const reproduce_options *o, const dataset *data, reproduce_cell **cell, size_t *cells,
                   error *e) {
    bool reproduced = false;
    plan p;
    reproduce_cell *all = NULL;
    double *values = NULL;
    size_t count = 0;
    if (!plan_make(&p, o, data, e)) goto done;
    for (size_t r = 0; r < p.rows; r++) count += row_cells(p.row[r]);
    assert(count > 0 && p.jobs > 0); /* the plan has a row */
    all = calloc(count, sizeof *all);
    values = calloc(p.jobs * JOB_VALUES, sizeof *values);
    if (all == NULL || values == NULL) {
        fail(e, "no memory for the figures of %zu trainings", p.jobs);
        goto done;
    }
    const jobs work = {.count = p.jobs,
                       .values = JOB_VALUES,
                       .parallel = o->parallel,
                       .run = run_job,
                       .context = &p,
                       .cost = job_cost,
                       .name = job_name};
    if (!jobs_run(&work, "reproduce", values, e) || !fill_cells(&p, values, all, e)) goto done;
    if (o->epochs == 0 && strcmp(data->sha256, MNIST_SHA256) == 0) reproduce_judge(all, count);
    *cell = all;
    *cells = count;
    all = NULL;
    reproduced = true;
done:
    free(all);
    free(values);
    plan_free(&p);
    return reproduced;
}
