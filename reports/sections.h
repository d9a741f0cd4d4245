/* sections.h: the parts of the report. A new kind of record is a new file and a row of sections[]. */
#ifndef REPORTS_SECTIONS_H
#define REPORTS_SECTIONS_H

#include "page.h"
#include "records.h"

typedef struct section {
    const char *id, *title;
    void (*write)(page *p, const records *r); /* silent when no record concerns it */
} section;

extern const section sections[]; /* in the order of the page */
extern const unsigned section_count;

void section_answer(page *p, const records *r);
void section_pareto(page *p, const records *r);
void section_gap(page *p, const records *r);
void section_sweep(page *p, const records *r);
void section_bench(page *p, const records *r);
void section_matrix(page *p, const records *r);
void section_roofline(page *p, const records *r);
void section_versus(page *p, const records *r);
void section_refine(page *p, const records *r);
void section_work(page *p, const records *r);
void section_noise(page *p, const records *r);
void section_predictions(page *p, const records *r);
void section_verify(page *p, const records *r);
void section_reproduce(page *p, const records *r);
void section_epoch(page *p, const records *r);
void section_train(page *p, const records *r);
void section_environment(page *p, const records *r);
void section_trace(page *p, const records *r);
void section_facts(page *p, const records *r);
void section_method(page *p, const records *r);

/* "Where these numbers come from", folded, at the end of a section: which processes, rounds, discarded rounds,
 * intervals. Silent where no record concerns it. */
void trace_sweep(page *p, const records *r);
void trace_bench(page *p, const records *r);
void trace_versus(page *p, const records *r);
void trace_flops(page *p);

/* ---- what several sections need -------------------------------------------------------------------------------
 */

/* A short text by value: label_print("...").text. Longer ones are cut at a whole character. */
typedef struct label {
    char text[256];
} label;
label label_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

label network_label(const network *n);                    /* the model, and its back end where it has several */
label part_label(double from_percent, double to_percent); /* "30–100 %" */
label data_label(const records *r); /* behind "accuracy": "on the built-in synthetic digits, not on MNIST" */

/* As network_served; without memory the page has failed. */
served *section_served(page *p, const network *n, size_t *count);

/* Cells of an open table: the median, with low to high small behind it. */
void cell_time_us(page *p, interval time_ns);
void cell_saved(page *p, interval saved_percent);
void cell_decimal(page *p, double value, int decimals);

#endif
