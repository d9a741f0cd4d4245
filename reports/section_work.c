/* section_work.c: nominal FLOPs, issued FLOPs and time of each kernel side by side, where the gap between them
 * comes from, and which instruction set really ran. Counts are flops records, times bench records of the same call.
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "sections.h"

static bool counted(const flops_record *f) { return isfinite(f->issued_flops) && isfinite(f->nominal_flops); }

static bool same_layer(const layer_size *a, const layer_size *b) {
    return a->out == b->out && a->in == b->in && a->batch == b->batch && a->m == b->m;
}

static bool is_of(const bench_record *b, const flops_record *f) {
    const layer_size size = {
        .out = (double)b->out, .in = (double)b->in, .batch = (double)b->batch, .m = (double)b->m};
    return same_layer(&size, &f->size) && strcmp(b->kernel, f->kernel) == 0;
}

/* The time of the very call that was counted; NaN where none was measured. */
static interval time_of(const records *r, const flops_record *f) {
    for (size_t b = 0; b < r->benches; b++)
        if (is_of(&r->bench[b], f) && (double)r->bench[b].k == f->size.k) return r->bench[b].time_ns;
    return (interval){NAN, NAN, NAN};
}

/* The same kernel and layer with all channels; NULL where it was not counted. */
static const flops_record *full_of(const records *r, const flops_record *f) {
    for (size_t i = 0; i < r->flopses; i++) {
        const flops_record *o = &r->flops[i];
        if (counted(o) && same_layer(&o->size, &f->size) && o->size.k == o->size.in &&
            strcmp(o->kernel, f->kernel) == 0)
            return o;
    }
    return NULL;
}

/* What the call takes besides its channels: the line through the times at the two smallest k, at k = 0. NaN where
 * fewer than two times are there, or their noise puts that below 0. */
static double fixed_ns(const records *r, const flops_record *f) {
    const bench_record *least = NULL, *next = NULL;
    for (size_t i = 0; i < r->benches; i++) {
        const bench_record *b = &r->bench[i];
        if (!is_of(b, f)) continue;
        if (least == NULL || b->k < least->k) {
            next = least;
            least = b;
        } else if (b->k > least->k && (next == NULL || b->k < next->k)) {
            next = b;
        }
    }
    if (next == NULL || next->time_ns.median <= least->time_ns.median) return NAN;
    const double slope = (next->time_ns.median - least->time_ns.median) / (double)(next->k - least->k);
    const double rest = least->time_ns.median - slope * (double)least->k;
    return rest > 0 ? rest : (double)NAN;
}

static double share(double part, double whole) { return whole > 0 ? 100 * part / whole : NAN; }
static double saved(double part, double whole) { return whole > 0 ? 100 * (1 - part / whole) : NAN; }

/* The cells that name a row. */
static void name_cells(page *p, const flops_record *f) {
    const layer_size *s = &f->size;
    page_cell_text(p, f->kernel);
    page_cell(p, s->m * s->in, label_print("%.0f \xc3\x97 %.0f", s->m, s->in).text, "");
    page_cell(p, s->batch, show_count(s->batch).text, "");
    page_cell(p, s->percent, show_channels(s->percent).text, "");
}

#define NAME_COLUMNS                                                                        \
    {"kernel", false, false}, {"m \xc3\x97 inputs", true, false}, {"batch", true, false}, { \
        "channels, %", true, false                                                          \
    }

/* ---- nominal, issued, time ------------------------------------------------------------------------------------
 */

static void work_row(page *p, const records *r, const flops_record *f) {
    const flops_record *full = full_of(r, f);
    const interval time = time_of(r, f), none = {NAN, NAN, NAN};
    const interval whole = full != NULL ? time_of(r, full) : none;
    name_cells(p, f);
    page_cell(p, f->nominal_flops, show_count(f->nominal_flops).text, "");
    page_cell(p, f->issued_flops, show_count(f->issued_flops).text, "");
    const double ratio = f->nominal_flops > 0 ? f->issued_flops / f->nominal_flops : NAN;
    page_cell(p, ratio, show_ratio(ratio, true).text, "");
    cell_time_us(p, time);
    cell_decimal(p, full != NULL ? saved(f->nominal_flops, full->nominal_flops) : NAN, 1);
    cell_decimal(p, full != NULL ? saved(f->issued_flops, full->issued_flops) : NAN, 1);
    cell_decimal(p, saved(time.median, whole.median), 1);
}

/* backend: NULL for all. */
static void work_table(page *p, const records *r, media where, const char *backend) {
    static const column columns[] = {
        NAME_COLUMNS,
        {"nominal FLOPs", true, true},
        {"issued FLOPs", true, false},
        {"issued / nominal", true, false},
        {"time, \xc2\xb5s", true, true},
        {"nominal saved, %", true, true},
        {"issued saved, %", true, false},
        {"time saved, %", true, false},
    };
    page_table(
        p, where, columns, sizeof columns / sizeof columns[0],
        "One call of each kernel. Issued: every lane of every arithmetic instruction that was executed, idle ones "
        "too, counted by single-stepping. Saved: against the same call with all channels. A dash: not measured.");
    for (size_t i = 0; i < r->flopses; i++)
        if (counted(&r->flops[i]) && (backend == NULL || strcmp(r->flops[i].backend, backend) == 0))
            work_row(p, r, &r->flops[i]);
    page_table_end(p);
}

/* ---- the gap --------------------------------------------------------------------------------------------------
 */

/* Padding is counted in multiply-adds. */
static void idle_cell(page *p, double multiply_adds, double issued) {
    cell_decimal(p, share(2 * multiply_adds, issued), 1);
}

static void gap_row(page *p, const records *r, const flops_record *f) {
    const double fixed = fixed_ns(r, f), issued = f->issued_flops;
    name_cells(p, f);
    idle_cell(p, f->output_padding, issued);
    idle_cell(p, f->sample_padding, issued);
    idle_cell(p, f->channel_padding, issued);
    cell_decimal(p, share(f->fixed_flops, issued), 1);
    page_cell(p, f->masked_lanes, show_count(f->masked_lanes).text, "");
    page_cell(p, f->instructions, show_count(f->instructions).text,
              f->method != NULL && strcmp(f->method, "stepped") != 0 ? f->method : "");
    page_cell(p, fixed, show_time(fixed).text, show_percent(share(fixed, time_of(r, f).median), 0).text);
    page_cell(p, f->footprint_bytes, show_bytes(f->footprint_bytes).text, "");
    page_cell_text(p, f->memory_level != NULL ? f->memory_level : "");
}

static void gap_table(page *p, const records *r) {
    static const column columns[] = {
        NAME_COLUMNS,
        {"idle: outputs, %", true, true},
        {"idle: samples, %", true, false},
        {"idle: channels, %", true, false},
        {"fixed FLOPs, %", true, false},
        {"lanes masked off", true, true},
        {"instructions", true, false},
        {"fixed time", true, true},
        {"working set", true, true},
        {"fits in", false, false},
    };
    page_table(
        p, HTML, columns, sizeof columns / sizeof columns[0],
        "Where issued FLOPs and time exceed the nominal: lanes of a tile beyond the outputs, samples or channels "
        "wanted, and what does not depend on the channels (bias, ReLU, \xce\xb3, horizontal sums), all as a share "
        "of "
        "the issued FLOPs; the time that remains at no channels at all, extrapolated from the two smallest "
        "percentages, with its share of the call; and the smallest cache that holds all the call touches.");
    for (size_t i = 0; i < r->flopses; i++)
        if (counted(&r->flops[i])) gap_row(p, r, &r->flops[i]);
    page_table_end(p);
}

/* ---- instruction sets -----------------------------------------------------------------------------------------
 */

static const char *or_dash(const char *word) { return word != NULL && word[0] != '\0' ? word : "\xe2\x80\x93"; }

static bool same_word(const char *a, const char *b) { return strcmp(or_dash(a), or_dash(b)) == 0; }

static bool same_isa(const flops_record *a, const flops_record *b) {
    return strcmp(a->backend, b->backend) == 0 && same_word(a->requested_isa, b->requested_isa) &&
           same_word(a->resolved_isa, b->resolved_isa) && same_word(a->executed_isa, b->executed_isa) &&
           same_word(a->status, b->status) && same_word(a->reason, b->reason);
}

static void isa_table(page *p, const records *r) {
    static const column columns[] = {
        {"back end", false, false},     {"calls", true, false},         {"requested", false, true},
        {"resolved ISA", false, false}, {"executed ISA", false, false}, {"why not", false, false},
    };
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "Which instruction set was asked for, which one the back end was made for, and which one its arithmetic "
        "was executed in, read from the instructions themselves.");
    for (size_t i = 0; i < r->flopses; i++) {
        const flops_record *f = &r->flops[i];
        size_t calls = 0, earlier = 0;
        while (earlier < i && !same_isa(&r->flops[earlier], f)) earlier++;
        if (earlier < i) continue;
        for (size_t o = i; o < r->flopses; o++) calls += same_isa(&r->flops[o], f) && counted(&r->flops[o]);
        page_cell_text(p, f->backend);
        page_cell(p, (double)calls, show_count((double)calls).text, "");
        page_cell_text(p, or_dash(f->requested_isa));
        page_cell_text(p, or_dash(f->resolved_isa));
        page_cell_text(p, or_dash(f->executed_isa));
        page_cell_text(p, f->reason != NULL && f->reason[0] != '\0' ? f->reason : "");
    }
    page_table_end(p);
}

/* ---- all of it ------------------------------------------------------------------------------------------------
 */

static void say_ratio(page *p, const records *r, const char *backend) {
    double least = NAN, greatest = NAN;
    size_t count = 0;
    for (size_t i = 0; i < r->flopses; i++) {
        const flops_record *f = &r->flops[i];
        if (!counted(f) || f->nominal_flops <= 0 || strcmp(f->backend, backend) != 0) continue;
        least = fmin(least, f->issued_flops / f->nominal_flops);
        greatest = fmax(greatest, f->issued_flops / f->nominal_flops);
        count++;
    }
    if (count == 0) return;
    page_paragraph(p, BOTH, "lead");
    page_strong(p, "%s", backend);
    page_say(p, " executes ");
    page_strong(p, "%s", show_range(show_significant(least), show_ratio(greatest, true)).text);
    page_say(p,
             " the FLOPs that the truncated layers nominally take (%zu calls, counted instruction by instruction).",
             count);
    page_paragraph_end(p);
}

void section_work(page *p, const records *r) {
    const char *backend = NULL; /* the last one: records come slowest first */
    const char *why_not = NULL;
    bool others = false;
    for (size_t i = 0; i < r->flopses; i++) {
        const flops_record *f = &r->flops[i];
        assert(f->backend != NULL); /* records_read wants one */
        if (counted(f)) {
            others = others || (backend != NULL && strcmp(backend, f->backend) != 0);
            backend = f->backend;
        }
        if (f->status != NULL && strcmp(f->status, "unavailable") == 0) why_not = f->reason;
    }
    if (r->flopses == 0) return;
    if (backend == NULL) {
        page_note(p, BOTH, NULL, "Executed work could not be counted here: %s.", or_dash(why_not));
    } else {
        say_ratio(p, r, backend);
        work_table(p, r, MARKDOWN, backend);
        page_details(p, true, "%s: nominal FLOPs, issued FLOPs and time", backend);
        work_table(p, r, HTML, backend);
        page_details_end(p);
        if (others) {
            page_details(p, p->plot_error.text[0] != '\0', "Every back end");
            work_table(p, r, HTML, NULL);
            page_details_end(p);
        }
        page_details(p, p->plot_error.text[0] != '\0', "Where the gap comes from");
        gap_table(p, r);
        page_details_end(p);
    }
    isa_table(p, r);
    trace_flops(p);
}
