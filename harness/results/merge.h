/* merge.h: results documents of one machine and one build, joined into one. */
#ifndef HARNESS_RESULTS_MERGE_H
#define HARNESS_RESULTS_MERGE_H

#include "results.h"

typedef struct merge_counts {
    size_t records;   /* of the joined document */
    size_t identical; /* left out: another document has the very same record */
    size_t replaced;  /* left out: a document of a later run measured the same thing again */
} merge_counts;

/* Joins document[0 .. count-1], each as results_read left it, into `merged`, which the caller gives as results_new
 * made it and writes with results_save. `path` names them in messages. Runs are put in the order of their time;
 * what was measured twice is kept once, from the later run. run.parts tells which command which records are of;
 * environment is that of the longest run, and warnings are those of all. Refused, with the file and the field, are
 * a document of another machine, another build or another data set. Nothing of the documents is changed. */
bool merge_documents(const json_t *const *document, const char *const *path, size_t count, results *merged,
                     merge_counts *counts, error *e);

#endif
