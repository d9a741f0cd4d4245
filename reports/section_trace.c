/* section_trace.c: where each kind of figure comes from: which command, how many processes, rounds and repetitions,
 * which interval. Each section of figures folds its own trace behind its tables; what differs from measurement to
 * measurement is in the table of section_noise.c. */
#include <math.h>
#include <string.h>

#include "format.h"
#include "sections.h"

static const char *flag_word(int flag, const char *yes, const char *no) {
    return flag < 0 ? "unknown" : flag > 0 ? yes : no;
}

static void trace_start(page *p) {
    page_details(p, p->plot_error.text[0] != '\0', "Where these numbers come from");
}

/* The commands of this run, and which records each left. */
static void steps(page *p, const records *r) {
    static const column columns[] = {{"command", false, false},
                                     {"started (UTC)", false, false},
                                     {"took", true, false},
                                     {"records", true, false}};
    const json_t *parts = json_object_get(r->run, "parts"), *part;
    size_t index;
    if (json_array_size(parts) == 0) return;
    page_table(p, HTML, columns, sizeof columns / sizeof columns[0],
               "The steps of this run, each a command that can be typed; sweep and versus measure in processes of "
               "their own. "
               "Records are counted from 0, in the order of results.json.");
    json_array_foreach(parts, index, part) {
        const char *command = json_string_value(json_object_get(part, "command")),
                   *time = json_string_value(json_object_get(part, "time"));
        const double seconds = json_number_value(json_object_get(part, "seconds"));
        const json_int_t first = json_integer_value(json_object_get(part, "first")),
                         count = json_integer_value(json_object_get(part, "records"));
        page_cell_text(p, command != NULL ? command : "unknown");
        page_cell_text(p, time != NULL ? time : "");
        page_cell(p, seconds, show_time(1e9 * seconds).text, "");
        page_cell(p, (double)first,
                  count > 0 ? show_range(show_count((double)first), show_count((double)(first + count - 1))).text
                            : "none",
                  "");
    }
    page_table_end(p);
}

/* "12", or "12-240". */
static shown show_counts(double least, double greatest) {
    return least < greatest ? show_range(show_count(least), show_count(greatest)) : show_count(least);
}

typedef struct sums {
    double least, greatest, total, discarded, disturbed;
} sums;

static void add_rounds(sums *s, double rounds, double discarded, double disturbed) {
    if (!isfinite(rounds)) return;
    s->least = fmin(s->least, rounds);
    s->greatest = fmax(s->greatest, rounds);
    s->total += rounds;
    s->discarded += isfinite(discarded) ? discarded : 0;
    s->disturbed += isfinite(disturbed) ? disturbed : 0;
}

void trace_sweep(page *p, const records *r) {
    sums s = {.least = NAN, .greatest = NAN};
    const sweep_record *timed = NULL;
    for (size_t i = 0; i < r->sweeps; i++) {
        const sweep_record *now = &r->sweep[i], *before = i > 0 ? now - 1 : NULL;
        if (isfinite(now->trace_1.rounds)) timed = now;
        if (before != NULL && strcmp(now->model, before->model) == 0 && now->profile == before->profile &&
            now->seed == before->seed && strcmp(now->backend, before->backend) == 0)
            continue;
        add_rounds(&s, now->trace_1.rounds, now->trace_1.discarded, now->trace_1.disturbed);
        add_rounds(&s, now->trace_128.rounds, now->trace_128.discarded, now->trace_128.disturbed);
    }
    if (timed == NULL) return;
    trace_start(p);
    page_paragraph(p, HTML, NULL);
    page_say(
        p,
        "Times: %s processes; in each, all percentages of a profile at one batch size in the same paired rounds, "
        "in an "
        "order that changes from round to round: %s rounds in all, %s discarded and %s disturbed. A process is one "
        "number, the median of its rounds; intervals are exact order-statistic intervals of the median over "
        "processes (over rounds, where there is only one) at %s; those of the ratios to 100\xc2\xa0%% hold "
        "together at "
        "that level. The thread was %s; subnormal numbers were %s.",
        show_count(timed->trace_1.processes).text, show_counts(s.least, s.greatest).text,
        show_count(s.discarded).text, show_count(s.disturbed).text, show_percent(100 * timed->level, 1).text,
        flag_word(timed->pinned, "held on one CPU", "free to move"),
        flag_word(timed->ftz, "flushed to zero", "not flushed to zero"));
    page_say(p,
             " Accuracies: one pass over all test images with the same kernels; exact for the model at hand, and "
             "another training run moves them. Every measurement's rounds are in the section on the noise floor.");
    page_paragraph_end(p);
    page_details_end(p);
}

void trace_bench(page *p, const records *r) {
    double least = NAN, greatest = NAN;
    for (size_t b = 0; b < r->benches; b++) {
        least = fmin(least, r->bench[b].repetitions);
        greatest = fmax(greatest, r->bench[b].repetitions);
    }
    if (r->benches == 0) return;
    trace_start(p);
    page_paragraph(p, HTML, NULL);
    page_say(
        p,
        "One process, Google Benchmark, one kernel after the other; %s repetitions of each. The figure is their "
        "median, low and high are the least and the greatest: a range, not a confidence interval. A repetition "
        "during which other work held the processor was thrown away and measured again.",
        show_counts(least, greatest).text);
    page_paragraph_end(p);
    page_details_end(p);
}

/* What each process of each comparison found. */
static void process_table(page *p, const records *r) {
    static const column columns[] = {
        {"A", false, false},      {"B", false, false},          {"process", true, false},
        {"seed", true, false},    {"rounds", true, false},      {"discarded", true, false},
        {"B over A", true, true}, {"A/A control", true, false}, {"core clock, GHz", true, true},
    };
    size_t processes = 0;
    for (size_t v = 0; v < r->versuses; v++) processes += json_array_size(r->versus[v].estimates);
    if (processes == 0) return;
    page_table(p, HTML, columns, sizeof columns / sizeof columns[0],
               "The medians of each process over its own rounds: what the intervals above are made of.");
    for (size_t v = 0; v < r->versuses; v++) {
        size_t index;
        const json_t *one;
        json_array_foreach(r->versus[v].estimates, index, one) {
            const json_t *seed = json_object_get(one, "seed");
            const double ratio = json_number_value(json_object_get(one, "ratio")),
                         control = json_number_value(json_object_get(one, "aa_ratio")),
                         rounds = json_number_value(json_object_get(one, "rounds")),
                         discarded = json_number_value(json_object_get(one, "discarded")),
                         clock_hz = json_number_value(json_object_get(one, "core_hz"));
            page_cell_text(p, r->versus[v].a);
            page_cell_text(p, r->versus[v].b);
            page_cell(p, (double)index, show_count((double)index).text, "");
            page_cell_text(p, label_print("%" JSON_INTEGER_FORMAT, json_integer_value(seed)).text);
            page_cell(p, rounds, show_count(rounds).text, "");
            page_cell(p, discarded, show_count(discarded).text, "");
            cell_decimal(p, ratio, 4);
            cell_decimal(p, control, 4);
            cell_decimal(p, clock_hz > 0 ? clock_hz / 1e9 : NAN, 2);
        }
    }
    page_table_end(p);
}

void trace_versus(page *p, const records *r) {
    sums s = {.least = NAN, .greatest = NAN};
    double processes = NAN, most_processes = NAN;
    for (size_t v = 0; v < r->versuses; v++) {
        add_rounds(&s, (double)r->versus[v].rounds, (double)r->versus[v].discarded, NAN);
        processes = fmin(processes, (double)r->versus[v].processes);
        most_processes = fmax(most_processes, (double)r->versus[v].processes);
    }
    if (r->versuses == 0) return;
    trace_start(p);
    page_paragraph(p, HTML, NULL);
    page_say(
        p,
        "%s processes, each with its own memory layout; %s paired rounds a comparison, %s discarded in all. The "
        "process is the independent unit: the interval is the exact order-statistic one over the processes' "
        "medians, at a level corrected for all comparisons of the table.",
        show_counts(processes, most_processes).text, show_counts(s.least, s.greatest).text,
        show_count(s.discarded).text);
    page_paragraph_end(p);
    process_table(p, r);
    page_details_end(p);
}

void trace_flops(page *p) {
    trace_start(p);
    page_note(
        p, HTML, NULL,
        "Counts are exact: a child process makes the call one instruction at a time, and every instruction is "
        "decoded. Those marked as extrapolated follow from three smaller calls whose counts lie on a line. Times "
        "are those of the section on back ends.");
    page_details_end(p);
}

void section_trace(page *p, const records *r) { steps(p, r); }
