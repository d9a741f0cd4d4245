/* section_bench.c: back ends against scalar code and against the compiler's vectoriser, and the layouts among
 * themselves, per shape, batch and percentage. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sections.h"

enum { MOST_BACKENDS = 16, MOST_STEPS = 128 };

/* What is left out of the complete layer as the percentage falls. */
typedef enum cut { CUT_INPUTS, CUT_OUTPUTS, CUT_BOTH, CUTS } cut;
static const char *const cut_text[CUTS] = {"input channels cut", "outputs cut", "inputs and outputs cut"};

/* One shape at one batch size under one cut, with its steps (percentages) ascending. */
typedef struct bench_group {
    json_int_t out, in, batch;
    cut cut;
    struct step {
        double percent;
        json_int_t m, k;
    } step[MOST_STEPS];
    size_t steps;
    const bench_record *const *member; /* [members]: its shape and batch size, of all cuts, as in the document */
    size_t members;
    const bench_record *first; /* that made it a group */
} bench_group;

/* All groups, and the back ends in order: scalar, the vectoriser's, the hand-written. */
typedef struct bench_view {
    const records *r;
    const bench_record **sorted; /* [benches], what is of a group in one piece */
    bench_group *group;
    size_t groups;
    const char *backend[MOST_BACKENDS];
    size_t backends;
    bool left_out; /* more back ends or steps than fit */
} bench_view;

static bool is_scalar(const char *backend) {
    assert(backend != NULL); /* a view lists back ends that records name */
    return strcmp(backend, "scalar") == 0;
}
static bool is_autovec(const char *backend) { return strncmp(backend, "autovec", strlen("autovec")) == 0; }
/* Another library: records have its name where a back end's would be. */
static bool is_peer(const char *backend) {
    static const char *const libraries[] = {"OpenBLAS", "oneDNN", "libxsmm", "BLIS"};
    for (size_t l = 0; l < sizeof libraries / sizeof libraries[0]; l++)
        if (strcmp(backend, libraries[l]) == 0) return true;
    return false;
}

static bool is_hand(const char *backend) {
    return !is_scalar(backend) && !is_autovec(backend) && !is_peer(backend);
}

/* In which they stand side by side; the hand-written ones last. */
static int rank_of(const char *backend) {
    return is_scalar(backend) ? 0 : is_peer(backend) ? 1 : is_autovec(backend) ? 2 : 3;
}

static bool belongs(const bench_record *b, cut c) {
    const bool all_in = b->k == b->in, all_out = b->m == b->out;
    switch (c) {
    case CUT_INPUTS: return all_out;
    case CUT_OUTPUTS: return all_in;
    default: return (all_in && all_out) || (!all_in && !all_out);
    }
}

/* True where the record says something about this cut only: the complete layer belongs to all three. */
static bool decides(const bench_record *b, cut c) { return belongs(b, c) && (c == CUT_INPUTS || b->m != b->out); }

/* The percentage along the cut. */
static double along(const bench_record *b, cut c) {
    return c == CUT_OUTPUTS && b->out > 0 ? 100.0 * (double)b->m / (double)b->out : b->percent;
}

/* By shape and batch size, then as in the document. */
static int by_shape(const void *left, const void *right) {
    const bench_record *a = *(const bench_record *const *)left, *b = *(const bench_record *const *)right;
    if (a->out != b->out) return a->out < b->out ? -1 : 1;
    if (a->in != b->in) return a->in < b->in ? -1 : 1;
    if (a->batch != b->batch) return a->batch < b->batch ? -1 : 1;
    return a < b ? -1 : a > b;
}

static bool same_shape(const bench_record *a, const bench_record *b) {
    return a->out == b->out && a->in == b->in && a->batch == b->batch;
}

/* As they appear in the document. */
static int by_first(const void *left, const void *right) {
    const bench_group *a = left, *b = right;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return a->cut < b->cut ? -1 : a->cut > b->cut;
}

/* False when there is no room. */
static bool add_step(bench_group *g, const bench_record *b) {
    const double percent = along(b, g->cut);
    size_t at = 0;
    while (at < g->steps && g->step[at].percent < percent) at++;
    if (at < g->steps && g->step[at].percent == percent) return true;
    if (g->steps == MOST_STEPS) return false;
    memmove(&g->step[at + 1], &g->step[at], (g->steps - at) * sizeof g->step[0]);
    g->step[at] = (struct step){percent, b->m, b->k};
    g->steps++;
    return true;
}

/* Inserts behind its equals. */
static void add_backend(bench_view *v, const char *name) {
    const int rank = rank_of(name);
    size_t at = 0;
    for (size_t b = 0; b < v->backends; b++) {
        if (strcmp(v->backend[b], name) == 0) return;
        if (rank_of(v->backend[b]) <= rank) at = b + 1;
    }
    if (v->backends == MOST_BACKENDS) {
        v->left_out = true;
        return;
    }
    memmove(&v->backend[at + 1], &v->backend[at], (v->backends - at) * sizeof v->backend[0]);
    v->backend[at] = name;
    v->backends++;
}

/* The groups of one shape and batch size. */
static bool add_groups(bench_view *v, const bench_record *const *member, size_t members) {
    for (cut c = 0; c < CUTS; c++) {
        size_t first = 0;
        while (first < members && !decides(member[first], c)) first++;
        if (first == members) continue;
        bench_group *grown = realloc(v->group, (v->groups + 1) * sizeof *grown);
        if (grown == NULL) return false;
        v->group = grown;
        bench_group *g = &grown[v->groups++];
        *g = (bench_group){.out = member[0]->out,
                           .in = member[0]->in,
                           .batch = member[0]->batch,
                           .cut = c,
                           .member = member,
                           .members = members,
                           .first = member[first]};
        for (size_t i = 0; i < members; i++)
            if (belongs(member[i], c) && !add_step(g, member[i])) v->left_out = true;
    }
    return true;
}

static void view_free(bench_view *v) {
    free(v->sorted);
    free(v->group);
}

/* v is to be freed even where there is no memory. */
static bool view_build(bench_view *v, const records *r) {
    *v = (bench_view){.r = r, .sorted = malloc((r->benches + 1) * sizeof(const bench_record *))};
    if (v->sorted == NULL) return false;
    for (size_t i = 0; i < r->benches; i++) {
        v->sorted[i] = &r->bench[i];
        add_backend(v, r->bench[i].backend);
    }
    qsort(v->sorted, r->benches, sizeof v->sorted[0], by_shape);
    for (size_t i = 0, run; i < r->benches; i += run) {
        for (run = 1; i + run < r->benches && same_shape(v->sorted[i], v->sorted[i + run]);) run++;
        if (!add_groups(v, &v->sorted[i], run)) return false;
    }
    if (v->groups > 0) qsort(v->group, v->groups, sizeof v->group[0], by_first);
    return true;
}

/* "panel" of "fc_f32_panel_1x96_avx512f": the third word. */
static label layout_of(const char *kernel) {
    for (int word = 0; word < 2; word++) {
        kernel = strchr(kernel, '_');
        if (kernel == NULL) return label_print("%s", "");
        kernel++;
    }
    return label_print("%.*s", (int)strcspn(kernel, "_"), kernel);
}

/* The fastest kernel for which `wanted` holds of its back end (NULL: backend must equal `backend`), of `layout` or
 * of any; NULL where none was measured. */
static const bench_record *fastest(const bench_group *g, const struct step *s, bool (*wanted)(const char *backend),
                                   const char *backend, const char *layout) {
    const bench_record *best = NULL;
    for (size_t i = 0; i < g->members; i++) {
        const bench_record *b = g->member[i];
        if (b->m != s->m || b->k != s->k || !belongs(b, g->cut)) continue;
        if (wanted != NULL ? !wanted(b->backend) : strcmp(b->backend, backend) != 0) continue;
        if (layout != NULL && strcmp(layout_of(b->kernel).text, layout) != 0) continue;
        if (best == NULL || b->time_ns.median < best->time_ns.median) best = b;
    }
    return best;
}

static bool overlap(interval a, interval b) { return a.low <= b.high && b.low <= a.high; }

static double speedup(const bench_record *base, const bench_record *b) {
    return base != NULL && b != NULL && b->time_ns.median > 0 ? base->time_ns.median / b->time_ns.median : NAN;
}

/* ---- summary: one row a batch size and back end ---------------------------------------------------------------
 */

typedef struct spread {
    double log_sum, least, greatest;
    size_t count;
} spread;

static void spread_add(spread *s, double ratio) {
    if (!isfinite(ratio) || ratio <= 0) return;
    s->least = s->count == 0 ? ratio : fmin(s->least, ratio);
    s->greatest = s->count == 0 ? ratio : fmax(s->greatest, ratio);
    s->log_sum += log(ratio);
    s->count++;
}

static double spread_mean(const spread *s) { return s->count == 0 ? NAN : exp(s->log_sum / (double)s->count); }

/* Over all groups of that batch size: speed-up of the back end over scalar code and over the fastest autovec. */
static void speedups(const bench_view *v, json_int_t batch, const char *backend, spread *scalar, spread *autovec) {
    for (size_t g = 0; g < v->groups; g++) {
        const bench_group *group = &v->group[g];
        if (group->batch != batch) continue;
        for (size_t s = 0; s < group->steps; s++) {
            const struct step *step = &group->step[s];
            const bench_record *own = fastest(group, step, NULL, backend, NULL);
            spread_add(scalar, speedup(fastest(group, step, is_scalar, NULL, NULL), own));
            spread_add(autovec, speedup(fastest(group, step, is_autovec, NULL, NULL), own));
        }
    }
}

static void spread_cell(page *p, const spread *s) {
    page_cell(p, spread_mean(s), show_ratio(spread_mean(s), true).text,
              s->count > 1 ? show_range(show_significant(s->least), show_significant(s->greatest)).text : "");
}

/* Distinct batch sizes in order of appearance; returns how many. */
static size_t batches(const bench_view *v, json_int_t *batch, size_t most) {
    size_t count = 0;
    for (size_t g = 0; g < v->groups; g++) {
        size_t b = 0;
        while (b < count && batch[b] != v->group[g].batch) b++;
        if (b == count && count < most) batch[count++] = v->group[g].batch;
    }
    return count;
}

static label batch_label(json_int_t batch) {
    return batch == 1 ? label_print("1 sample") : label_print("batch of %" JSON_INTEGER_FORMAT, batch);
}

static void say_summary(page *p, const char *backend, json_int_t batch, const spread *scalar,
                        const spread *autovec) {
    page_paragraph(p, BOTH, "lead");
    page_strong(p, "%s, %s.", backend, batch_label(batch).text);
    const struct {
        const spread *over;
        const char *what;
    } said[] = {{scalar, "plain scalar code"}, {autovec, "the same C code as the compiler vectorises it"}};
    const char *link = " ";
    for (size_t i = 0; i < 2; i++) {
        if (said[i].over->count == 0) continue;
        page_say(p, "%s", link);
        page_strong(p, "%s", show_ratio(spread_mean(said[i].over), true).text);
        page_say(p, " as fast as %s (%s over %zu shapes and percentages)", said[i].what,
                 show_range(show_significant(said[i].over->least), show_significant(said[i].over->greatest)).text,
                 said[i].over->count);
        link = ", and ";
    }
    page_say(p, "%s.", strcmp(link, " ") == 0 ? " Nothing was measured to compare it with" : "");
    page_paragraph_end(p);
}

static void summary(page *p, const bench_view *v) {
    static const column columns[] = {
        {"batch", true, false},
        {"back end", false, false},
        {"speed-up over scalar", true, true},
        {"speed-up over the fastest autovec", true, true},
    };
    json_int_t batch[16];
    const size_t count = batches(v, batch, sizeof batch / sizeof batch[0]);
    if (v->backends > 0 && is_hand(v->backend[v->backends - 1])) { /* the last one is the default of this machine */
        for (size_t b = 0; b < count; b++) {
            spread scalar = {0}, autovec = {0};
            speedups(v, batch[b], v->backend[v->backends - 1], &scalar, &autovec);
            if (scalar.count + autovec.count > 0)
                say_summary(p, v->backend[v->backends - 1], batch[b], &scalar, &autovec);
        }
    }
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "Geometric mean over all shapes and percentages, least and greatest behind it; every back end with its "
        "fastest kernel. autovec is the scalar code, vectorised by the compiler; OpenBLAS, oneDNN, libxsmm and "
        "BLIS are other people's libraries, each called in its best way.");
    for (size_t b = 0; b < count; b++) {
        for (size_t e = 0; e < v->backends; e++) {
            spread scalar = {0}, autovec = {0};
            if (is_scalar(v->backend[e])) continue;
            speedups(v, batch[b], v->backend[e], &scalar, &autovec);
            if (scalar.count + autovec.count == 0) continue;
            page_cell(p, (double)batch[b], show_count((double)batch[b]).text, "");
            page_cell_text(p, v->backend[e]);
            spread_cell(p, &scalar);
            spread_cell(p, &autovec);
        }
    }
    page_table_end(p);
}

/* ---- one shape ------------------------------------------------------------------------------------------------
 */

static label group_label(const bench_group *g) {
    return label_print("%" JSON_INTEGER_FORMAT " outputs of %" JSON_INTEGER_FORMAT " inputs, %s, %s", g->out, g->in,
                       batch_label(g->batch).text, cut_text[g->cut]);
}

static void group_figure(page *p, const bench_view *v, const bench_group *g) {
    plot_point *store = page_memory(p, (v->backends * g->steps + 1) * sizeof *store);
    if (store == NULL || g->steps < 2) {
        free(store);
        return;
    }
    plot_line line[MOST_BACKENDS];
    unsigned lines = 0, hands = 0, autovecs = 0;
    size_t used = 0;
    bool peers = false; /* all libraries share a line: the fastest of them */
    for (size_t e = 0; e < v->backends; e++) {
        const char *backend = v->backend[e];
        const size_t first = used;
        if (is_peer(backend) && peers) continue;
        peers = peers || is_peer(backend);
        for (size_t s = 0; s < g->steps; s++) {
            const bench_record *b = fastest(g, &g->step[s], is_peer(backend) ? is_peer : NULL, v->backend[e], NULL);
            if (b == NULL || b->time_ns.median <= 0) continue;
            store[used++] = (plot_point){g->step[s].percent, b->time_ns.median / 1000, b->time_ns.low / 1000,
                                         b->time_ns.high / 1000, b->kernel};
        }
        if (used == first) continue;
        /* Scalar is grey; a compiler's back end is dashed in the colour of the hand-written one of its rank. */
        const unsigned color = is_scalar(backend)    ? 5
                               : is_peer(backend)    ? 4
                               : is_autovec(backend) ? 1 + autovecs++ % 3
                                                     : 1 + hands++ % 3;
        const bool dashed = is_scalar(backend) || is_autovec(backend);
        line[lines++] = (plot_line){.point = &store[first],
                                    .points = used - first,
                                    .label = is_peer(backend) ? "fastest library" : backend,
                                    .color = color,
                                    .dashed = dashed,
                                    .bars = true};
    }
    const plot picture = {.x_title = g->cut == CUT_OUTPUTS ? "outputs used, %" : "channels used, %",
                          .y_title = "time of one call, \xc2\xb5s",
                          .x_percent = true,
                          .y_low = NAN,
                          .y_high = NAN,
                          .y_axis = LOGARITHMIC,
                          .line = line,
                          .lines = lines};
    if (lines > 0)
        page_figure(p, &picture,
                    "%s: each back end's fastest kernel, median of the repetitions; bars from the least to the "
                    "greatest. The time axis is logarithmic.",
                    group_label(g).text);
    free(store);
}

static void ratio_cell(page *p, const bench_record *base, const bench_record *b) {
    const double ratio = speedup(base, b);
    page_cell(p, ratio, show_ratio(ratio, !isfinite(ratio) || !overlap(base->time_ns, b->time_ns)).text, "");
}

static void time_cell(page *p, const bench_record *b) {
    const interval none = {NAN, NAN, NAN};
    cell_time_us(p, b != NULL ? b->time_ns : none);
}

static bool measured(const bench_group *g, const char *backend, const char *layout) {
    for (size_t s = 0; s < g->steps; s++)
        if (fastest(g, &g->step[s], NULL, backend, layout) != NULL) return true;
    return false;
}

/* Back ends side by side. */
static void backend_table(page *p, const bench_view *v, const bench_group *g) {
    enum { FIXED = 2, PER_BACKEND = 3 };
    column columns[FIXED + PER_BACKEND * MOST_BACKENDS] = {{"%", true, false}, {"m \xc3\x97 k", true, false}};
    label title[MOST_BACKENDS];
    const char *present[MOST_BACKENDS];
    size_t backends = 0;
    unsigned count = FIXED;
    for (size_t e = 0; e < v->backends; e++) {
        if (!measured(g, v->backend[e], NULL)) continue;
        title[backends] = label_print("%s, \xc2\xb5s", v->backend[e]);
        columns[count++] = (column){title[backends].text, true, true};
        if (!is_scalar(v->backend[e])) columns[count++] = (column){"over scalar", true, false};
        if (is_hand(v->backend[e])) columns[count++] = (column){"over autovec", true, false};
        present[backends++] = v->backend[e];
    }
    page_table(p, HTML, columns, count,
               "%s. Time of one call with the back end's fastest kernel, and its speed-up over scalar and over the "
               "fastest "
               "autovec; \xe2\x89\x88 where the intervals overlap and no difference is shown.",
               group_label(g).text);
    for (size_t s = 0; s < g->steps; s++) {
        const struct step *step = &g->step[s];
        const bench_record *scalar = fastest(g, step, is_scalar, NULL, NULL);
        const bench_record *autovec = fastest(g, step, is_autovec, NULL, NULL);
        page_cell(p, step->percent, show_channels(step->percent).text, "");
        page_cell(p, (double)step->m * (double)step->k,
                  label_print("%" JSON_INTEGER_FORMAT " \xc3\x97 %" JSON_INTEGER_FORMAT, step->m, step->k).text,
                  "");
        for (size_t e = 0; e < backends; e++) {
            const bench_record *own = fastest(g, step, NULL, present[e], NULL);
            time_cell(p, own);
            if (!is_scalar(present[e])) ratio_cell(p, scalar, own);
            if (is_hand(present[e])) ratio_cell(p, autovec, own);
        }
    }
    page_table_end(p);
}

/* Layouts side by side, where a back end has more than one here. */
static void layout_table(page *p, const bench_view *v, const bench_group *g) {
    static const char *const layouts[] = {"panel", "row", "batch", "sample"};
    enum { LAYOUTS = sizeof layouts / sizeof layouts[0], FIXED = 2 };
    static const char *const titles[LAYOUTS] = {"panel, \xc2\xb5s", "row, \xc2\xb5s", "batch, \xc2\xb5s",
                                                "sample, \xc2\xb5s"};
    column columns[FIXED + LAYOUTS + 1] = {{"back end", false, false}, {"%", true, false}};
    const char *present[LAYOUTS];
    unsigned count = FIXED, used = 0;
    for (unsigned l = 0; l < LAYOUTS; l++) {
        bool any = false;
        for (size_t e = 0; e < v->backends; e++) any = any || measured(g, v->backend[e], layouts[l]);
        if (!any) continue;
        columns[count++] = (column){titles[l], true, used == 0};
        present[used++] = layouts[l];
    }
    if (used < 2) return;
    columns[count++] = (column){"fastest", false, true};
    page_table(
        p, HTML, columns, count,
        "%s. The layouts: panel keeps the outputs in the lanes, row is the literal dot product, batch keeps the "
        "samples in the lanes, and sample is batch for samples that come row by row, which it turns itself.",
        group_label(g).text);
    for (size_t e = 0; e < v->backends; e++) {
        if (is_peer(v->backend[e]) || !measured(g, v->backend[e], NULL)) continue;
        for (size_t s = 0; s < g->steps; s++) {
            const struct step *step = &g->step[s];
            const bench_record *best = fastest(g, step, NULL, v->backend[e], NULL);
            page_cell(p, (double)e, v->backend[e], "");
            page_cell(p, step->percent, show_channels(step->percent).text, "");
            for (unsigned l = 0; l < used; l++) time_cell(p, fastest(g, step, NULL, v->backend[e], present[l]));
            page_cell_text(p, best != NULL ? best->kernel : "");
        }
    }
    page_table_end(p);
}

/* ---- every kernel ---------------------------------------------------------------------------------------------
 */

/* The interval of a ratio of two ranges, as wide as they allow. */
static shown speedup_range(const bench_record *base, const bench_record *b) {
    if (base == NULL || b == NULL) return (shown){""};
    return show_range(show_significant(base->time_ns.low / b->time_ns.high),
                      show_significant(base->time_ns.high / b->time_ns.low));
}

static const bench_record *of_kernel(const bench_group *g, const struct step *s, const char *kernel) {
    for (size_t i = 0; i < g->members; i++) {
        const bench_record *b = g->member[i];
        if (b->m == s->m && b->k == s->k && belongs(b, g->cut) && strcmp(b->kernel, kernel) == 0) return b;
    }
    return NULL;
}

/* Is member `at` the first of its kernel in the group? */
static bool is_new_kernel(const bench_group *g, size_t at) {
    if (!belongs(g->member[at], g->cut)) return false;
    for (size_t i = 0; i < at; i++)
        if (strcmp(g->member[i]->kernel, g->member[at]->kernel) == 0 && belongs(g->member[i], g->cut)) return false;
    return true;
}

/* Kernels against percentages, shaded. */
static void heat_map(page *p, const bench_group *g) {
    enum { FIXED = 2 };
    column columns[FIXED + MOST_STEPS] = {{"kernel", false, false}, {"back end", false, false}};
    label *title = malloc((g->steps + 1) * sizeof *title);
    if (title == NULL) {
        p->html.failed = true;
        return;
    }
    for (size_t s = 0; s < g->steps; s++) {
        title[s] = label_print("%s\xc2\xa0%%", show_channels(g->step[s].percent).text);
        columns[FIXED + s] = (column){title[s].text, true, s == 0};
    }
    page_table(
        p, HTML, columns, FIXED + (unsigned)g->steps,
        "%s. Time of the fastest autovec kernel over this kernel's, with the range that both allow: above 1 it is "
        "faster, and blue; below 1 slower, and orange.",
        group_label(g).text);
    for (size_t i = 0; i < g->members; i++) {
        const char *kernel = g->member[i]->kernel;
        if (!is_new_kernel(g, i)) continue;
        page_cell_text(p, kernel);
        page_cell_text(p, g->member[i]->backend);
        for (size_t s = 0; s < g->steps; s++) {
            const bench_record *own = of_kernel(g, &g->step[s], kernel);
            const bench_record *base = fastest(g, &g->step[s], is_autovec, NULL, NULL);
            page_ratio(p, speedup(base, own), show_significant(speedup(base, own)).text,
                       speedup_range(base, own).text);
        }
    }
    page_table_end(p);
    free(title);
}

/* How often each layout was the fastest one of the machine's best back end, where it had a choice. */
static void say_layouts(page *p, const bench_view *v) {
    const char *const names[] = {"panel", "row", "batch"};
    enum { NAMES = 3 };
    size_t wins[NAMES] = {0}, contests = 0;
    if (v->backends == 0) return;
    const char *backend = v->backend[v->backends - 1];
    for (size_t g = 0; g < v->groups; g++) {
        for (size_t s = 0; s < v->group[g].steps; s++) {
            const bench_record *best = fastest(&v->group[g], &v->group[g].step[s], NULL, backend, NULL);
            unsigned present = 0, winner = 0;
            for (unsigned l = 0; l < NAMES; l++) {
                const bench_record *own = fastest(&v->group[g], &v->group[g].step[s], NULL, backend, names[l]);
                present += own != NULL;
                if (own == best) winner = l;
            }
            if (best == NULL || present < 2) continue;
            contests++;
            wins[winner]++;
        }
    }
    if (contests == 0) return;
    page_paragraph(p, BOTH, NULL);
    page_say(p, "Where %s has a choice of layouts for the weights (%zu shapes and percentages)", backend, contests);
    const char *link = ", ";
    for (unsigned l = 0; l < NAMES; l++) {
        if (wins[l] == 0) continue;
        page_say(p, "%s%s is the fastest at %zu", link, names[l], wins[l]);
        link = " and ";
    }
    page_say(p, ".");
    page_paragraph_end(p);
}

void section_bench(page *p, const records *r) {
    bench_view v;
    if (r->benches == 0) return;
    if (!view_build(&v, r)) {
        p->html.failed = true; /* no memory */
        view_free(&v);
        return;
    }
    summary(p, &v);
    say_layouts(p, &v);
    if (v.left_out)
        page_note(p, BOTH, NULL, "Not all back ends and percentages fit here; bench.csv has all of them.");
    page_grid(p, "figures");
    for (size_t g = 0; g < v.groups; g++) group_figure(p, &v, &v.group[g]);
    page_grid_end(p);
    for (size_t g = 0; g < v.groups; g++) {
        page_details(p, p->plot_error.text[0] != '\0', "%s", group_label(&v.group[g]).text);
        backend_table(p, &v, &v.group[g]);
        heat_map(p, &v.group[g]);
        layout_table(p, &v, &v.group[g]);
        page_details_end(p);
    }
    trace_bench(p, r);
    view_free(&v);
}
