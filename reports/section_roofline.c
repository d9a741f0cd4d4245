/* section_roofline.c: every kernel's speed against its FLOPs per byte, under what the machine can do at most. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sections.h"

/* Our words for the roofs: the records' names never enter a plot. */
static const struct roof_name {
    const char *resource, *words;
    bool loads; /* GB/s, else GFLOP/s */
} names[] = {{"load_l1", "L1", true},       {"load_l2", "L2", true},       {"load_l3", "L3", true},
             {"load_dram", "DRAM", true},   {"fma_512", "512-bit", false}, {"fma_256", "256-bit", false},
             {"fma_128", "128-bit", false}, {"fma_32", "scalar", false}};
enum { ROOFS = sizeof names / sizeof names[0], LOADS = 4 };

/* GFLOP/s, or bytes per ns; 0 where it was not measured. */
static double roof_of(const records *r, const char *resource) {
    for (size_t i = 0; i < r->roofs; i++)
        if (strcmp(r->roof[i].resource, resource) == 0) return r->roof[i].value;
    return 0;
}

static double widest_fma(const records *r) {
    double widest = 0;
    for (unsigned n = LOADS; n < ROOFS; n++) widest = fmax(widest, roof_of(r, names[n].resource));
    return widest;
}

static double flops_of(const bench_record *b) { return 2.0 * (double)b->m * (double)b->k * (double)b->batch; }

/* Weights, bias, inputs and outputs once each. */
static double bytes_of(const bench_record *b) {
    const double m = (double)b->m, k = (double)b->k, batch = (double)b->batch;
    return 4 * (m * k + m + batch * (k + m));
}

static bool is_shown(const bench_record *b) { return b->m > 0 && b->k > 0 && b->batch > 0; }
static double intensity_of(const bench_record *b) { return flops_of(b) / bytes_of(b); }
static double speed_of(const bench_record *b) { return flops_of(b) / b->time_ns.median; } /* per ns: GFLOP/s */

/* Bytes per ns of the nearest memory that holds the call's data, and its name. */
static double stream_of(const records *r, double bytes, const char **where) {
    const json_t *caches = json_object_get(r->machine, "caches"), *cache;
    size_t index;
    unsigned level = LOADS - 1;
    json_array_foreach(caches, index, cache) {
        const json_int_t own = json_integer_value(json_object_get(cache, "level"));
        const bool holds = bytes <= json_number_value(json_object_get(cache, "bytes"));
        if (holds && own >= 1 && own - 1 < (json_int_t)level) level = (unsigned)own - 1;
    }
    *where = names[level].words;
    return roof_of(r, names[level].resource);
}

/* What the machine could do of this call at most, GFLOP/s, and what limits it. */
static double limit_of(const records *r, const bench_record *b, const char **why) {
    const char *level;
    const double loads = stream_of(r, bytes_of(b), &level) * intensity_of(b), fma = widest_fma(r);
    *why = loads > 0 && loads < fma ? level : "FMA";
    return loads > 0 ? fmin(loads, fma) : fma;
}

/* ---- the picture -----------------------------------------------------------------------------------------------
 */

typedef enum origin { SCALAR, COMPILER, LIBRARY, OURS, ORIGINS } origin;

static origin origin_of(const bench_record *b) {
    if (strcmp(b->backend, "scalar") == 0) return SCALAR;
    if (strncmp(b->backend, "autovec", strlen("autovec")) == 0) return COMPILER;
    return strncmp(b->kernel, "fc_", 3) == 0 ? OURS : LIBRARY;
}

typedef struct roof_lines {
    plot_point end[2 * ROOFS];
    plot_line line[ROOFS];
    plot_word word[ROOFS];
    label text[ROOFS];
    size_t count;
} roof_lines;

static void add_roof(roof_lines *to, plot_point left, plot_point right, plot_word word, bool loads) {
    plot_point *end = &to->end[2 * to->count];
    end[0] = left;
    end[1] = right;
    to->line[to->count] = (plot_line){.point = end, .points = 2, .color = 5, .style = BARE, .dashed = !loads};
    to->word[to->count++] = word;
}

/* Streams from the left up to the highest FMA peak; peaks from the fastest stream to the right. */
static void add_roofs(roof_lines *to, const records *r, double left, double right) {
    const double peak = widest_fma(r);
    double fastest = 0, above = INFINITY;
    for (unsigned n = 0; n < LOADS; n++) fastest = fmax(fastest, roof_of(r, names[n].resource));
    for (unsigned n = 0; n < ROOFS; n++) {
        const double value = roof_of(r, names[n].resource);
        if (value <= 0) continue;
        const bool loads = names[n].loads;
        to->text[to->count] =
            label_print("%s %s%s", names[n].words, show_significant(value).text, loads ? " GB/s" : "");
        const double start = loads ? left : fmax(left, fastest > 0 ? value / fastest : left);
        const double end = loads ? fmin(right, peak / value) : right;
        const plot_point first = {.x = start, .y = loads ? value * start : value};
        /* Two streams nearly alike: the lower one's words would stand on the upper one's. */
        const bool room = !loads || above / value > 1.8;
        const plot_word word = {.x = loads ? start * 1.05 : right,
                                .y = first.y * (loads ? 1.05 : 1),
                                .words = room ? to->text[to->count].text : "",
                                .right = !loads,
                                .along = loads};
        if (loads) above = value;
        if (start < end) add_roof(to, first, (plot_point){.x = end, .y = loads ? value * end : value}, word, loads);
    }
}

static void figure(page *p, const records *r) {
    static const struct {
        const char *label;
        unsigned color;
    } look[ORIGINS] = {{"scalar", 5}, {"the compiler's (autovec)", 7}, {"other libraries", 4}, {"ours", 2}};
    plot_point *store = malloc((r->benches + 1) * sizeof *store);
    label *note = malloc((r->benches + 1) * sizeof *note);
    roof_lines roofs = {.count = 0};
    plot_line line[ROOFS + ORIGINS];
    size_t used = 0, lines = 0;
    double left = INFINITY, right = 0, least = INFINITY;
    if (store == NULL || note == NULL) {
        p->html.failed = true;
        goto done;
    }
    for (size_t b = 0; b < r->benches; b++) {
        if (!is_shown(&r->bench[b])) continue;
        left = fmin(left, intensity_of(&r->bench[b]));
        right = fmax(right, intensity_of(&r->bench[b]));
        least = fmin(least, speed_of(&r->bench[b]));
    }
    left /= 4; /* room for the roofs' words */
    right *= 6;
    add_roofs(&roofs, r, left, right);
    for (; lines < roofs.count; lines++) line[lines] = roofs.line[lines];
    for (origin o = 0; o < ORIGINS; o++) {
        const size_t first = used;
        for (size_t i = 0; i < r->benches; i++) {
            const bench_record *b = &r->bench[i];
            if (!is_shown(b) || origin_of(b) != o) continue;
            note[used] = label_print("%.120s, %" JSON_INTEGER_FORMAT " \xc3\x97 %" JSON_INTEGER_FORMAT
                                     ", batch %" JSON_INTEGER_FORMAT,
                                     b->kernel, b->m, b->k, b->batch);
            store[used] = (plot_point){intensity_of(b), speed_of(b), NAN, NAN, note[used].text};
            used++;
        }
        if (used > first)
            line[lines++] = (plot_line){.point = &store[first],
                                        .points = used - first,
                                        .label = look[o].label,
                                        .color = look[o].color,
                                        .style = SCATTERED};
    }
    const plot picture = {.x_title = "FLOPs per byte",
                          .y_title = "GFLOP/s",
                          .x_axis = LOGARITHMIC,
                          .y_axis = LOGARITHMIC,
                          .x_low = left,
                          .x_high = right,
                          .y_low = least / 1.5,
                          .y_high = 2 * widest_fma(r),
                          .line = line,
                          .lines = lines,
                          .word = roofs.word,
                          .words = roofs.count};
    if (used > 0)
        page_figure(
            p, &picture,
            "Every kernel on every layer at every percentage; one sample is on the left, batches are on the "
            "right. Slopes: loads from each cache. Dashed: FMA peaks by the registers' width, in GFLOP/s. Both "
            "axes are logarithmic.");
done:
    free(store);
    free(note);
}

/* ---- the table -------------------------------------------------------------------------------------------------
 */

static double share_of(const records *r, const bench_record *b) {
    const char *why;
    return 100 * speed_of(b) / limit_of(r, b, &why);
}

/* One kernel where it comes nearest to its roof. */
static void row(page *p, const records *r, const bench_record *b) {
    const char *why;
    const double limit = limit_of(r, b, &why);
    page_cell_text(p, b->kernel);
    page_cell_text(p, b->backend);
    page_cell(p, (double)b->m * (double)b->k,
              label_print("%" JSON_INTEGER_FORMAT " \xc3\x97 %" JSON_INTEGER_FORMAT, b->m, b->k).text, "");
    page_cell(p, (double)b->batch, show_count((double)b->batch).text, "");
    page_cell(p, intensity_of(b), show_significant(intensity_of(b)).text, "");
    page_cell(
        p, speed_of(b), show_significant(speed_of(b)).text,
        show_range(show_significant(flops_of(b) / b->time_ns.high), show_significant(flops_of(b) / b->time_ns.low))
            .text);
    page_cell(p, limit, show_significant(limit).text, why);
    cell_decimal(p, share_of(r, b), 0);
}

/* A kernel's first record, and the one where it comes nearest to its roof. */
typedef struct nearest {
    const bench_record *first, *best;
    double share;
} nearest;

static int by_kernel(const void *left, const void *right) {
    const nearest *a = left, *b = right;
    const int order = strcmp(a->first->kernel, b->first->kernel);
    if (order != 0) return order;
    return a->first < b->first ? -1 : a->first > b->first;
}

static int by_first(const void *left, const void *right) {
    const nearest *a = left, *b = right;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* One for each kernel, in the document's order; the caller frees. NULL without memory. */
static nearest *new_nearest(page *p, const records *r, size_t *count) {
    nearest *all = page_memory(p, (r->benches + 1) * sizeof *all);
    *count = 0;
    if (all == NULL) return NULL;
    for (size_t i = 0; i < r->benches; i++)
        all[i] = (nearest){&r->bench[i], &r->bench[i], share_of(r, &r->bench[i])};
    qsort(all, r->benches, sizeof *all, by_kernel);
    for (size_t i = 0; i < r->benches; i++) {
        nearest *last = &all[*count - (*count > 0)];
        if (*count == 0 || strcmp(last->first->kernel, all[i].first->kernel) != 0) {
            all[(*count)++] = all[i];
        } else if (all[i].share > last->share) {
            last->best = all[i].best;
            last->share = all[i].share;
        }
    }
    qsort(all, *count, sizeof *all, by_first);
    return all;
}

static void table(page *p, const records *r) {
    static const column columns[] = {
        {"kernel", false, false},       {"back end", false, false},     {"m \xc3\x97 k", true, true},
        {"batch", true, false},         {"FLOPs per byte", true, true}, {"GFLOP/s", true, false},
        {"roof, GFLOP/s", true, false}, {"% of roof", true, false},
    };
    page_table(
        p, HTML, columns, sizeof columns / sizeof columns[0],
        "Every kernel where it comes nearest to its roof. Roof: the lower of the FMA peak of the widest "
        "registers and the loads of the nearest cache that holds weights, inputs and outputs. Roofs and kernels "
        "were measured at different moments of the run, so some percent above 100 are noise; the section on "
        "peers has paired ones.");
    size_t count;
    nearest *kernel = new_nearest(p, r, &count);
    for (size_t i = 0; kernel != NULL && i < count; i++) row(p, r, kernel[i].best);
    free(kernel);
    page_table_end(p);
}

void section_roofline(page *p, const records *r) {
    if (r->benches == 0 || widest_fma(r) <= 0) return;
    page_note(
        p, HTML, NULL,
        "A kernel cannot compute faster than the registers allow (the flat lines), nor than its data arrive (the "
        "slopes). One sample reads every weight once for two FLOPs and is bound by loads; a batch uses each weight "
        "many times and is bound by the multipliers.");
    figure(p, r);
    page_details(p, p->plot_error.text[0] != '\0', "Every kernel's distance from its roof");
    table(p, r);
    page_details_end(p);
}
