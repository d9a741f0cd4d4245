/* fact.h: a number or a word, or else why there is none. "Don't know" is never 0 and never a guess. */
#ifndef HARNESS_MEASURE_FACT_H
#define HARNESS_MEASURE_FACT_H

#include <jansson.h>
#include <stdbool.h>

typedef struct fact {
    double number;         /* counts where both texts are empty */
    char text[96];         /* the word; empty for a number */
    char unavailable[160]; /* why there is neither; empty where there is */
} fact;

fact fact_number(double number);
fact fact_text(const char *text); /* not empty */
fact fact_unavailable(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool fact_known(const fact *f);

/* The number as number_json, the word, or {"unavailable": reason}; NULL without memory. */
json_t *fact_json(const fact *f);

/* {"unavailable": reason} */
json_t *unavailable_json(const char *reason);

/* Rounded to six significant digits, which is more than is measured; whole numbers as integers. */
json_t *number_json(double number);

#endif
