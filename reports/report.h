/* report.h: results documents (reports/SCHEMA.md) as a page for people and as tables for programs. */
#ifndef REPORTS_REPORT_H
#define REPORTS_REPORT_H

#include <jansson.h>

#include "../harness/error.h"

typedef enum report_format {
    REPORT_HTML = 1, /* index.html: one self-contained page: no network, no other file; complete without scripts */
    REPORT_MARKDOWN = 2, /* report.md: the same key figures, short enough for a comment on GitHub */
    REPORT_CSV = 4,   /* <kind>.csv: one for every kind of record: a row a record, in the document's order, nested
                         fields as `latency_ns.batch_1.median`, numbers in full precision */
    REPORT_LATEX = 8, /* <section>-<number>.tex: every table of the page */
    REPORT_SVG = 16,  /* <section>-<number>.svg: every plot of the page, with its legend */
    REPORT_PDF = 32,  /* the same as PDF, by rsvg-convert */
    REPORT_USUAL = REPORT_HTML | REPORT_MARKDOWN | REPORT_CSV,
} report_format;

typedef struct report_options {
    const char *title;    /* NULL: names the CPU */
    const char *sections; /* "answer,kernels": only these, by their id; NULL: all */
    unsigned formats;     /* REPORT_... bits */
} report_options;

/* "html,latex" into bits; names what there is otherwise. */
bool report_formats_parse(const char *names, unsigned *formats, error *e);

/* Writes into `folder`, which is made where it does not exist. Plots are drawn by gnuplot; where it cannot be run,
 * the page is written without plots and says so, and the function returns true with a warning in e->text; with the
 * formats svg and pdf that is an error. Otherwise e->text is empty after success. A record without a field that its
 * kind must have is an error that names both; nothing is written then. */
bool report_write(const json_t *document, const char *folder, const report_options *options, error *e);

/* The same formats of several documents, whose paths tell them apart: machines side by side. The CSV files have the
 * machine's name in front of each record. The sections are of their own (across.h). */
bool report_write_across(const json_t *const *document, const char *const *path, size_t count, const char *folder,
                         const report_options *options, error *e);

/* The Markdown of it alone; the caller frees. NULL with an error. */
char *report_overview(const json_t *const *document, const char *const *path, size_t count, const char *title,
                      error *e);

#endif
