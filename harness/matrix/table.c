#include "table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Cells of one series that miss a bar. */
typedef struct miss {
    const idp_backend *backend;
    bool network;
    matrix_series series;
    char percents[64];
    char worst[192]; /* what is wrong with the one that misses it most: the least ratio and part of the roof */
    double worst_of;
} miss;

typedef struct bar_count {
    size_t cells, hold;
    miss *missed;
    size_t misses;
} bar_count;

struct matrix_summary {
    const idp_backend *best, *backend; /* backend and the rest: of the last line */
    FILE *table;
    matrix_series series;
    bool network, begun;
    bar_count bar[MATRIX_BARS];
    size_t above_roof;
    bool out_of_memory;
};

matrix_summary *matrix_summary_new(const idp_backend *best, FILE *table, error *e) {
    matrix_summary *s = calloc(1, sizeof *s);
    if (s == NULL) {
        fail(e, "no memory for a summary");
        return NULL;
    }
    s->best = best;
    s->table = table;
    return s;
}

void matrix_summary_free(matrix_summary *s) {
    for (unsigned b = 0; b < MATRIX_BARS; b++) free(s->bar[b].missed);
    free(s);
}

/* "12.3 ns", "4.56 us", ... */
static void time_text(double ns, char text[16]) {
    if (ns <= 0)
        snprintf(text, 16, "-");
    else if (ns < 1e3)
        snprintf(text, 16, "%.3g ns", ns);
    else if (ns < 1e6)
        snprintf(text, 16, "%.4g us", 1e-3 * ns);
    else
        snprintf(text, 16, "%.4g ms", 1e-6 * ns);
}

static bool same_series(const matrix_series *a, const matrix_series *b) {
    return a->out == b->out && a->in == b->in && a->batch == b->batch && a->cut == b->cut;
}

static bool new_series(const matrix_summary *s, const matrix_figure *f) {
    return !s->begun || s->backend != f->backend || s->network != f->network ||
           !same_series(&s->series, &f->cell.of);
}

static void begin(matrix_summary *s, const matrix_figure *f) {
    s->begun = true;
    s->backend = f->backend;
    s->network = f->network;
    s->series = f->cell.of;
    if (s->table == NULL) return;
    if (f->network)
        fprintf(s->table, "\n%s, network 784-100-100-10 (nested), batch %zu\n", f->backend->name, f->cell.of.batch);
    else
        fprintf(s->table, "\n%s, layer %zux%zu cut in %s, batch %zu\n", f->backend->name, f->cell.of.out,
                f->cell.of.in,
                f->cell.of.cut == MATRIX_BOTH ? "inputs and outputs" : matrix_cut_name[f->cell.of.cut],
                f->cell.of.batch);
    fprintf(s->table, "  %5s %11s %11s %6s %5s  %11s %6s  %-26s %11s %6s  %s\n", "%", "time", "roof", "of it", "",
            f->network ? "" : "best peer", f->network ? "" : "ratio", "", "naive", "ratio",
            f->network ? "time and FLOPs of 100 %" : "kernel");
}

static void print_line(const matrix_summary *s, const matrix_figure *f, const char *reason) {
    char time[16], roof[16], best[16], naive[16];
    if (s->table == NULL) return;
    time_text(f->time_ns.median, time);
    time_text(f->roof_ns, roof);
    time_text(f->network ? 0 : f->peer_time_ns.median, best);
    time_text(f->naive_time_ns.median, naive);
    fprintf(s->table, "  %5g %11s %11s %5.0f%% %5s  ", f->cell.percent, time, roof, f->roof_percent.median,
            f->roof_ns > 0 ? f->roof_kind : "");
    if (f->network)
        fprintf(s->table, "%11s %6s  %-26s %11s %6.2f  %.3f %.3f", "", "", f->naive_peer, naive,
                f->naive_ratio.median, f->time_share.median, f->flops_share);
    else
        fprintf(s->table, "%11s %6.2f  %-26s %11s %6.2f  %s", best, f->ratio.median, f->best_peer, naive,
                f->naive_ratio.median, f->kernel);
    if (f->above_roof) fprintf(s->table, "  ABOVE ITS ROOF");
    if (reason[0] != '\0') fprintf(s->table, "  %s", reason);
    fprintf(s->table, "\n");
    fflush(s->table);
}

/* The series' cells come one after the other, so only the last one noted can be the same. */
static miss *miss_of(matrix_summary *s, bar_count *b, const matrix_figure *f) {
    miss *last = b->misses > 0 ? &b->missed[b->misses - 1] : NULL;
    if (last != NULL && last->backend == f->backend && last->network == f->network &&
        same_series(&last->series, &f->cell.of))
        return last;
    miss *grown = realloc(b->missed, (b->misses + 1) * sizeof *grown);
    if (grown == NULL) {
        s->out_of_memory = true;
        return NULL;
    }
    b->missed = grown;
    grown[b->misses] =
        (miss){.backend = f->backend, .network = f->network, .series = f->cell.of, .worst_of = INFINITY};
    return &grown[b->misses++];
}

static void note_miss(matrix_summary *s, bar_count *b, const matrix_figure *f) {
    miss *m = miss_of(s, b, f);
    if (m == NULL) return;
    const size_t used = strlen(m->percents);
    snprintf(m->percents + used, sizeof m->percents - used, "%s%g", used > 0 ? " " : "", f->cell.percent);
    /* Of a cell the ratio counts as much as the roof: both are parts of what should be reached. */
    const double how_bad = f->network ? f->naive_ratio.median : f->ratio.median * f->roof_percent.median;
    if (how_bad >= m->worst_of) return;
    m->worst_of = how_bad;
    if (f->network)
        snprintf(m->worst, sizeof m->worst, "%.0f %% of the roof, %.2f times naive, time %.3f, FLOPs %.3f",
                 f->roof_percent.median, f->naive_ratio.median, f->time_share.median, f->flops_share);
    else
        snprintf(m->worst, sizeof m->worst, "ratio %.3f to %s, %.0f %% of the roof", f->ratio.median, f->best_peer,
                 f->roof_percent.median);
}

static void print_miss(FILE *table, const miss *m) {
    if (m->network)
        fprintf(table, "              not %s, batch %zu", m->backend->name, m->series.batch);
    else
        fprintf(table, "              not %s %zux%zu %s, batch %zu", m->backend->name, m->series.out, m->series.in,
                matrix_cut_name[m->series.cut], m->series.batch);
    fprintf(table, ": %s %%; worst: %s\n", m->percents, m->worst);
}

void matrix_summary_add(matrix_summary *s, const matrix_figure *f, const char *reason) {
    if (new_series(s, f)) begin(s, f);
    print_line(s, f, reason);
    s->above_roof += f->above_roof;
    for (unsigned b = 0; b < MATRIX_BARS; b++) {
        if (!matrix_bars[b].applies(f, s->best)) continue;
        const bool holds = matrix_bars[b].holds(f);
        s->bar[b].cells++;
        s->bar[b].hold += holds;
        if (!holds) note_miss(s, &s->bar[b], f);
    }
}

void matrix_summary_print(const matrix_summary *s) {
    if (s->table == NULL || !s->begun) return;
    fprintf(s->table, "\nWhat the kernels are held to (medians; %s is the best back end here):\n", s->best->name);
    for (unsigned b = 0; b < MATRIX_BARS; b++) {
        const bar_count *bar = &s->bar[b];
        if (bar->cells == 0) continue;
        fprintf(s->table, "  %3zu of %3zu  %s\n", bar->hold, bar->cells, matrix_bars[b].text);
        for (size_t m = 0; m < bar->misses; m++) print_miss(s->table, &bar->missed[m]);
    }
    if (s->above_roof > 0)
        fprintf(s->table,
                "  ABOVE THEIR ROOFS: %zu figures; the roof was set too low there, not the kernel too fast; "
                "docs/measuring.md tells how that comes\n",
                s->above_roof);
    if (s->out_of_memory) fprintf(s->table, "  some cells are not listed for want of memory\n");
}
