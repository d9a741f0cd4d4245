/* results.h: the results document, one JSON file of schema "idp-results/1". Every field: reports/SCHEMA.md. */
#ifndef HARNESS_RESULTS_H
#define HARNESS_RESULTS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "../error.h"

#define RESULTS_SCHEMA "idp-results/1"

typedef struct results {
    json_t *document;                /* {schema, machine, build, run, environment, warnings, records} */
    json_t *records;                 /* borrowed: document.records */
    double started_s;                /* monotonic clock at results_new */
    struct environment *environment; /* of this run; NULL in a document that was read */
} results;

/* A document with the facts of this machine, this build and this run; command as the user typed it. JSON has no
 * unsigned 64-bit integer: a seed above INT64_MAX is refused. */
bool results_new(results *r, const char *command, uint64_t seed, error *e);

/* Notes the data set in run.data (name, synthetic or not, sha256, train and test counts). */
void results_data(results *r, const char *name, bool synthetic, const char *sha256, size_t train_count,
                  size_t test_count);

/* Takes the record (steals the reference). NULL, as json_pack returns for a number that is not finite, makes
 * results_write fail, so that no figure is lost silently; so does memory that ran out for a part of the document.
 */
void results_add(results *r, json_t *record);

/* Reads anew what changes in the environment (clock, load, energy): between the steps of a run of minutes. */
void results_sample(results *r);

/* Prints the warnings of this run as a list: after results_write, else as things stand now. */
void results_print_warnings(results *r, FILE *file);

/* Whether `path` could be written now; asked before long work whose results go there. NULL passes. */
bool results_writable(const char *path, error *e);

/* Sets run.seconds, run.energy, environment and warnings as they are at the end, checks the document as
 * results_read does, and writes the file (see output.h), one record a line. A NULL path does nothing. */
bool results_write(results *r, const char *path, error *e);

/* As results_write, but the document as it is: times, environment and warnings are not set. */
bool results_save(results *r, const char *path, error *e);

/* Reads and checks a document: the schema, and the type of every field that SCHEMA.md names. Fields and kinds that
 * it does not name pass. On success results_free it. */
bool results_read(results *r, const char *path, error *e);

void results_free(results *r);

/* {median, low, high}, rounded to four digits of their spread (of 1.23456789 within 1.22 and 1.24 there
 * remains 1.23457); exact where low equals high. NULL when one of them is not finite. */
json_t *results_interval(double median, double low, double high);

#endif
