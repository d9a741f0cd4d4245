/* report.h: a results document (reports/SCHEMA.md) as a page for people and as tables for programs. */
#ifndef REPORTS_REPORT_H
#define REPORTS_REPORT_H

#include <jansson.h>

#include "../harness/error.h"

/* Writes into `folder`, which is made where it does not exist:
 *   index.html     one self-contained page: no network, no other file; complete without scripts
 *   report.md      the same key figures, short enough for a comment on GitHub
 *   <kind>.csv     one for every kind of record (train.csv, sweep.csv, bench.csv, verify.csv, ...): a row a record,
 * in the document's order, nested fields as `latency_ns.batch_1.median`, numbers in full precision `title` may be
 * NULL. Plots are drawn by gnuplot; where it cannot be run, the page is written without plots and says so, and the
 * function returns true with a warning in e->text. Otherwise e->text is empty after success. A record without a
 * field that its kind must have is an error that names both; nothing is written then. */
bool report_write(const json_t *document, const char *folder, const char *title, error *e);

#endif
