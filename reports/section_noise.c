/* section_noise.c: what this run could see: its A/A controls (the same code timed against itself), and the smallest
 * difference that would have shown. */
#include <math.h>
#include <string.h>

#include "format.h"
#include "sections.h"

/* The rounds of one profile of one network at one batch size: all its records share them. */
typedef struct rounds_of {
    const sweep_record *first;
    const char *batch;
    const sweep_trace *trace;
    double strayed, half_width; /* of the control from 1; of the widest ratio: both as per cent */
} rounds_of;

/* The farther end's distance from 1, per cent. */
static double strayed_percent(interval control) { return 100 * fmax(control.high - 1, 1 - control.low); }

static double half_width_percent(interval ratio) {
    return ratio.median > 0 ? 50 * (ratio.high - ratio.low) / ratio.median : NAN;
}

static bool same_rounds(const sweep_record *a, const sweep_record *b) {
    return strcmp(a->model, b->model) == 0 && strcmp(a->backend, b->backend) == 0 && a->profile == b->profile &&
           a->seed == b->seed;
}

static const sweep_trace *trace_of(const sweep_record *s, bool batched) {
    return batched ? &s->trace_128 : &s->trace_1;
}

/* False where the record is not the first of its rounds, or has no control. */
static bool rounds_start(const records *r, size_t i, bool batched, rounds_of *rounds) {
    const sweep_record *s = &r->sweep[i];
    const sweep_trace *t = trace_of(s, batched);
    if (!isfinite(t->aa_ratio.median) || (i > 0 && same_rounds(s, &r->sweep[i - 1]))) return false;
    *rounds = (rounds_of){.first = s,
                          .batch = batched ? "batch of 128" : "1 sample",
                          .trace = t,
                          .strayed = strayed_percent(t->aa_ratio),
                          .half_width = NAN};
    for (size_t n = i; n < r->sweeps && same_rounds(s, &r->sweep[n]); n++)
        rounds->half_width =
            fmax(rounds->half_width, half_width_percent(trace_of(&r->sweep[n], batched)->time_ratio));
    return true;
}

/* What a difference must exceed to be seen: the control's error and the ratio's own. */
static double detectable(const rounds_of *rounds) {
    return rounds->strayed + (isfinite(rounds->half_width) ? rounds->half_width : 0);
}

static label rounds_label(const rounds_of *rounds) {
    const sweep_record *s = rounds->first;
    return label_print("%.120s, %s, seed %" JSON_INTEGER_FORMAT ", %.40s, %s", s->model,
                       part_label(s->range_percent[0], s->range_percent[1]).text, s->seed, s->backend,
                       rounds->batch);
}

static label clock_label(interval core_hz) {
    if (!isfinite(core_hz.median)) return label_print("%s", "");
    return label_print("%s (%s)", show_decimal(core_hz.median / 1e9, 2).text,
                       show_range(show_decimal(core_hz.low / 1e9, 2), show_decimal(core_hz.high / 1e9, 2)).text);
}

static void control_cell(page *p, interval control) {
    page_cell(p, strayed_percent(control),
              show_range(show_decimal(100 * (control.low - 1), 2), show_decimal(100 * (control.high - 1), 2)).text,
              "");
}

static void rounds_row(page *p, const rounds_of *rounds) {
    const sweep_trace *t = rounds->trace;
    page_cell_text(p, rounds_label(rounds).text);
    page_cell(p, t->processes, show_count(t->processes).text, "");
    page_cell(p, t->rounds, show_count(t->rounds).text, "");
    page_cell(p, t->discarded, show_count(t->discarded).text, "");
    page_cell(p, t->disturbed, show_count(t->disturbed).text, "");
    control_cell(p, t->aa_ratio);
    cell_decimal(p, detectable(rounds), 2);
    cell_decimal(p, 100 * rounds->first->level, 1);
    page_cell(p, t->core_hz.median, clock_label(t->core_hz).text, "");
}

static void versus_row(page *p, const versus_record *v) {
    page_cell_text(p, label_print("%.110s against %.110s", v->b, v->a).text);
    page_cell(p, (double)v->processes, show_count((double)v->processes).text, "");
    page_cell(p, (double)v->rounds, show_count((double)v->rounds).text, "");
    page_cell(p, (double)v->discarded, show_count((double)v->discarded).text, "");
    page_cell(p, NAN, show_decimal(NAN, 0).text, "");
    control_cell(p, v->aa_ratio);
    cell_decimal(p, 100 * v->detectable, 2);
    cell_decimal(p, 100 * v->level, 1);
    page_cell_text(p, "");
}

/* The least and the greatest of what could be seen, in words. */
static void say_floor(page *p, double worst_control, double least, double greatest, size_t count) {
    page_paragraph(p, BOTH, "lead");
    page_say(p, "The same code timed against itself came out as different by at most ");
    page_strong(p, "%s", show_percent(worst_control, 2).text);
    page_say(p, " (A/A control, %zu measurement%s). Differences smaller than ", count, count == 1 ? "" : "s");
    page_strong(p, "%s", show_range(show_decimal(least, 2), show_percent(greatest, 2)).text);
    page_say(p, ", depending on the measurement, could not have been seen and are not claimed.");
    page_paragraph_end(p);
}

/* The microbenchmarks' own control: a few of them once more when all are done. */
static void say_controls(page *p, const records *r) {
    for (size_t i = 0; i < r->controls; i++) {
        const control_record *c = &r->control[i];
        page_paragraph(p, BOTH, NULL);
        page_say(p, "%.40s: %s of its cases, measured again at the end, differ from the first time by up to ",
                 c->command, show_count((double)c->cases).text);
        page_strong(p, "%s", show_percent(c->detectable_percent, 1).text);
        page_say(p, "; rows of its tables that differ by less are not different.");
        page_paragraph_end(p);
    }
}

void section_noise(page *p, const records *r) {
    static const column columns[] = {
        {"measurement", false, false},  {"processes", true, false}, {"rounds", true, false},
        {"discarded", true, false},     {"disturbed", true, false}, {"A/A control, %", true, true},
        {"detectable, %", true, false}, {"level, %", true, false},  {"core clock, GHz", true, true},
    };
    double worst = NAN, least = NAN, greatest = NAN;
    size_t count = 0;
    rounds_of rounds;
    for (size_t i = 0; i < 2 * r->sweeps; i++) {
        if (!rounds_start(r, i / 2, i % 2 != 0, &rounds)) continue;
        worst = fmax(worst, rounds.strayed);
        least = fmin(least, detectable(&rounds));
        greatest = fmax(greatest, detectable(&rounds));
        count++;
    }
    for (size_t v = 0; v < r->versuses; v++) {
        if (!isfinite(r->versus[v].aa_ratio.median)) continue;
        worst = fmax(worst, strayed_percent(r->versus[v].aa_ratio));
        least = fmin(least, 100 * r->versus[v].detectable);
        greatest = fmax(greatest, 100 * r->versus[v].detectable);
        count++;
    }
    say_controls(p, r);
    if (count == 0) return;
    say_floor(p, worst, least, greatest, count);
    page_details(p, p->plot_error.text[0] != '\0', "Every measurement: rounds, discarded rounds, control");
    page_table(
        p, HTML, columns, sizeof columns / sizeof columns[0],
        "Rounds in which the system took the processor away were discarded whole; disturbed ones count all the "
        "same, because there were too few others. The control is the interval of the same code against "
        "itself; detectable adds half the widest ratio's interval to its distance from no difference.");
    for (size_t i = 0; i < 2 * r->sweeps; i++)
        if (rounds_start(r, i / 2, i % 2 != 0, &rounds)) rounds_row(p, &rounds);
    for (size_t v = 0; v < r->versuses; v++)
        if (isfinite(r->versus[v].aa_ratio.median)) versus_row(p, &r->versus[v]);
    page_table_end(p);
    page_details_end(p);
}
