#include "judge.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double level = 0.95;

void matrix_figure_free(matrix_figure *f) {
    json_decref(f->kernels);
    json_decref(f->peers);
    f->kernels = f->peers = NULL;
}

/* ---- columns: one row's times, of all processes ----------------------------------------------------------------
 */

typedef struct column {
    const char *name;
    matrix_role role;
    double *ns;      /* [rounds]; NULL: left out in some process */
    double rough_ns; /* the median of the processes' first looks would say no more than the least */
} column;

typedef struct columns {
    column of[MATRIX_ROWS];
    size_t count, rounds;
    double *sorted, *scratch; /* [rounds] */
} columns;

static void columns_free(columns *c) {
    for (size_t i = 0; i < c->count; i++) free(c->of[i].ns);
    free(c->sorted);
    free(c->scratch);
}

static bool role_find(const char *name, matrix_role *role) {
    for (int r = 0; r < MATRIX_ROLES; r++) {
        if (strcmp(matrix_role_name[r], name) != 0) continue;
        *role = (matrix_role)r;
        return true;
    }
    return false;
}

static const json_t *row_of(const json_t *answer, size_t index, size_t row) {
    return json_array_get(json_object_get(json_array_get(answer, index), "rows"), row);
}

static const char *text_of(const json_t *object, const char *field) {
    const char *text = json_string_value(json_object_get(object, field));
    return text != NULL ? text : "";
}

/* Appends one process's rounds to a column; false where it has none. */
static bool column_append(column *c, const json_t *row, size_t at, size_t rounds) {
    const json_t *ns = json_object_get(row, "ns");
    if (json_array_size(ns) != rounds) return false;
    for (size_t r = 0; r < rounds; r++) {
        c->ns[at + r] = json_number_value(json_array_get(ns, r));
        if (!(c->ns[at + r] > 0)) return false;
    }
    return true;
}

static bool column_read(const json_t *const *answer, size_t answers, size_t index, size_t row, columns *all,
                        error *e) {
    column *c = &all->of[all->count++];
    const json_t *first = row_of(answer[0], index, row);
    *c = (column){.name = text_of(first, "name"), .rough_ns = INFINITY};
    c->ns = malloc((all->rounds + 1) * sizeof *c->ns);
    if (c->ns == NULL) return fail(e, "no memory for %zu rounds", all->rounds);
    if (!role_find(text_of(first, "role"), &c->role)) return fail(e, "a row has no role");
    size_t at = 0;
    bool whole = true;
    for (size_t a = 0; a < answers; a++) {
        const json_t *cell = json_array_get(answer[a], index), *own = row_of(answer[a], index, row);
        const size_t rounds = (size_t)json_integer_value(json_object_get(cell, "rounds"));
        if (strcmp(text_of(own, "name"), c->name) != 0)
            return fail(e, "process %zu measured '%s' where the first measured '%s'", a, text_of(own, "name"),
                        c->name);
        c->rough_ns = fmin(c->rough_ns, json_number_value(json_object_get(own, "rough_ns")));
        whole = whole && column_append(c, own, at, rounds);
        at += rounds;
    }
    if (whole) return true;
    free(c->ns);
    c->ns = NULL;
    return c->role == MATRIX_PEER || c->role == MATRIX_NAIVE || fail(e, "'%s' was not measured", c->name);
}

static bool columns_read(const json_t *const *answer, size_t answers, size_t index, columns *all, error *e) {
    assert(answers > 0);
    const size_t rows = json_array_size(json_object_get(json_array_get(answer[0], index), "rows"));
    *all = (columns){0};
    for (size_t a = 0; a < answers; a++) {
        const json_t *cell = json_array_get(answer[a], index);
        const json_int_t rounds = json_integer_value(json_object_get(cell, "rounds"));
        if (rounds < 1 || json_array_size(json_object_get(cell, "rows")) != rows)
            return fail(e, "process %zu has no such cell", a);
        all->rounds += (size_t)rounds;
    }
    if (rows < 1 || rows > MATRIX_ROWS) return fail(e, "a cell of %zu rows", rows);
    all->sorted = malloc(all->rounds * sizeof *all->sorted);
    all->scratch = malloc(all->rounds * sizeof *all->scratch);
    if (all->sorted == NULL || all->scratch == NULL) return fail(e, "no memory for %zu rounds", all->rounds);
    for (size_t r = 0; r < rows; r++)
        if (!column_read(answer, answers, index, r, all, e)) return false;
    return true;
}

static interval time_of(columns *all, const column *c) {
    interval time;
    memcpy(all->sorted, c->ns, all->rounds * sizeof *all->sorted);
    stats_sort(all->sorted, all->rounds);
    stats_median_interval(all->sorted, all->rounds, level, &time);
    return time;
}

static interval ratio_of(columns *all, const column *a, const column *b) {
    interval ratio;
    stats_ratio_interval(a->ns, b->ns, all->rounds, level, all->scratch, &ratio);
    return ratio;
}

/* The column of the least median among those of the roles from `first` to `last`; NULL where there is none. */
static const column *fastest(columns *all, matrix_role first, matrix_role last) {
    const column *best = NULL;
    double best_ns = INFINITY;
    for (size_t i = 0; i < all->count; i++) {
        const column *c = &all->of[i];
        if (c->ns == NULL || c->role < first || c->role > last) continue;
        const double ns = time_of(all, c).median;
        if (ns >= best_ns) continue;
        best_ns = ns;
        best = c;
    }
    return best;
}

/* The whole network is held against naive OpenBLAS, which most users have behind numpy; else against the fastest.
 */
static const column *naive_of(columns *all, bool network) {
    for (size_t i = 0; network && i < all->count; i++)
        if (all->of[i].role == MATRIX_NAIVE && all->of[i].ns != NULL &&
            strncmp(all->of[i].name, "openblas", 8) == 0)
            return &all->of[i];
    return fastest(all, MATRIX_NAIVE, MATRIX_NAIVE);
}

static void take_name(char to[MATRIX_NAME], const column *c) { snprintf(to, MATRIX_NAME, "%s", c->name); }

/* ---- figures ---------------------------------------------------------------------------------------------------
 */

/* The roof is the later of two: its FLOPs at the peak, and loading what the best kernel loads. */
static void judge_roof(columns *all, const column *ours, matrix_figure *f) {
    const column *roof = NULL;
    for (size_t i = 0; i < all->count; i++) {
        const column *c = &all->of[i];
        if (c->role != MATRIX_FMA && !(c->role == MATRIX_LOADS && strcmp(c->name, ours->name) == 0)) continue;
        if (roof == NULL || time_of(all, c).median > time_of(all, roof).median) roof = c;
    }
    if (roof == NULL) return;
    const interval part = ratio_of(all, roof, ours);
    f->roof_ns = time_of(all, roof).median;
    f->roof_percent = (interval){100 * part.median, 100 * part.low, 100 * part.high};
    f->roof_kind = roof->role == MATRIX_FMA ? "fma" : "loads";
    f->above_roof = part.low > 1;
}

static bool judge_tables(columns *all, const column *ours, matrix_figure *f) {
    f->kernels = json_object();
    f->peers = json_object();
    bool ok = f->kernels != NULL && f->peers != NULL;
    for (size_t i = 0; ok && i < all->count; i++) {
        const column *c = &all->of[i];
        if (c->role == MATRIX_KERNEL)
            ok = json_object_set_new(f->kernels, c->name, json_real(time_of(all, c).median)) == 0;
        else if (c->role <= MATRIX_NAIVE)
            ok = json_object_set_new(f->peers, c->name,
                                     json_real(c->ns != NULL ? ratio_of(all, c, ours).median
                                                             : c->rough_ns / f->time_ns.median)) == 0;
    }
    return ok;
}

static void judge_trace(const json_t *const *answer, size_t answers, size_t index, matrix_figure *f) {
    double hz[256] = {0};
    f->processes = answers;
    for (size_t a = 0; a < answers; a++) {
        const json_t *cell = json_array_get(answer[a], index);
        f->rounds += (size_t)json_integer_value(json_object_get(cell, "rounds"));
        f->discarded += (size_t)json_integer_value(json_object_get(cell, "discarded"));
        f->disturbed += (size_t)json_integer_value(json_object_get(cell, "disturbed"));
        hz[a % 256] = json_number_value(json_object_get(cell, "core_hz"));
    }
    const size_t n = answers < 256 ? answers : 256;
    stats_sort(hz, n);
    f->core_hz = stats_sorted_median(hz, n);
}

bool matrix_judge(const json_t *const *answer, size_t answers, size_t index, matrix_figure *f, error *e) {
    columns all;
    bool ok = columns_read(answer, answers, index, &all, e);
    if (!ok) goto done;
    const column *ours = fastest(&all, MATRIX_KERNEL, MATRIX_KERNEL);
    const column *other = fastest(&all, MATRIX_PEER, MATRIX_NAIVE), *naive = naive_of(&all, f->network);
    ok = ours != NULL || fail(e, "no kernel of ours was measured");
    if (!ok) goto done;
    take_name(f->kernel, ours);
    f->time_ns = time_of(&all, ours);
    if (other != NULL) {
        take_name(f->best_peer, other);
        f->peer_time_ns = time_of(&all, other);
        f->ratio = ratio_of(&all, other, ours);
    }
    if (naive != NULL) {
        take_name(f->naive_peer, naive);
        f->naive_time_ns = time_of(&all, naive);
        f->naive_ratio = ratio_of(&all, naive, ours);
    }
    judge_roof(&all, ours, f);
    judge_trace(answer, answers, index, f);
    ok = judge_tables(&all, ours, f) || fail(e, "no memory for a cell's figures");
done:
    columns_free(&all);
    return ok;
}

bool matrix_judge_share(const json_t *const *answer, size_t answers, size_t index, size_t full, matrix_figure *f,
                        const matrix_figure *at_full, error *e) {
    columns here = {0}, there = {0};
    bool ok = columns_read(answer, answers, index, &here, e) && columns_read(answer, answers, full, &there, e);
    if (ok) {
        f->time_share = ratio_of(&here, fastest(&here, MATRIX_KERNEL, MATRIX_KERNEL),
                                 fastest(&there, MATRIX_KERNEL, MATRIX_KERNEL));
        f->flops_share = f->flops / at_full->flops;
        f->roof_share = at_full->roof_ns > 0 ? f->roof_ns / at_full->roof_ns : 0;
    }
    columns_free(&here);
    columns_free(&there);
    return ok;
}

void matrix_share_reason(const matrix_figure *f, const matrix_figure *at_full, char *text, size_t text_size) {
    const double apart = f->time_share.median - f->flops_share, roof_apart = f->roof_share - f->flops_share;
    text[0] = '\0';
    if (fabs(apart) <= 0.05) return;
    if (f->roof_share > 0 && apart * roof_apart > 0 && fabs(roof_apart) > fabs(apart) / 2)
        snprintf(text, text_size,
                 "cache level: the roof itself is at %.2f of that at 100 %%, for what is read lies nearer or "
                 "farther",
                 f->roof_share);
    else if (apart > 0)
        snprintf(text, text_size, "fixed cost: %.0f ns do not shrink with the FLOPs",
                 f->time_ns.median - f->flops_share * at_full->time_ns.median);
    else
        snprintf(text, text_size, "at 100 %% the kernels are at %.0f %% of their roof, here at %.0f %%",
                 at_full->roof_percent.median, f->roof_percent.median);
}
