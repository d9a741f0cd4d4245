/* compare.h: two results documents, figure by figure: what is better, what is worse, and what cannot be told.
 *
 * A figure is one measured value of one record; its name says which: "bench
 * fc_f32_row_1x8_avx2/out:100/in:784/m:100/ k:392/batch:1: time". Figures of the same name are compared, the first
 * with the first where a document has several. docs/comparing.md tells the rules to users. */
#ifndef HARNESS_COMPARE_H
#define HARNESS_COMPARE_H

#include <jansson.h>

#include "../error.h"
#include "../measure/stats.h"

typedef struct compare_options {
    double threshold_percent; /* smaller differences of times, ratios and counts do not count; at least 0 */
    double level;             /* with which all verdicts hold together; in (0, 1) */
    const char *only;         /* POSIX extended regular expression on a figure's name; NULL: all figures */
} compare_options;

/* A threshold of 5 %, the level 0.99, all figures. */
compare_options compare_defaults(void);

/* In the order of the table: what needs attention first. */
typedef enum compare_verdict {
    COMPARE_WORSE,
    COMPARE_BETTER,
    COMPARE_CHANGED,       /* differs, but neither way is better, or a count moved by less than the threshold */
    COMPARE_OTHER_MACHINE, /* differs, as it may: the machines do */
    COMPARE_ONLY_BEFORE,
    COMPARE_ONLY_AFTER,
    COMPARE_NOT_COMPARED, /* the row's reason says why */
    COMPARE_SAME,         /* no difference, or none that could be told from noise */
    COMPARE_VERDICTS
} compare_verdict;

/* "worse", "no difference", ... */
const char *compare_verdict_name(compare_verdict verdict);

typedef enum compare_unit { COMPARE_NS, COMPARE_RATIO, COMPARE_PERCENT, COMPARE_COUNT, COMPARE_WORD } compare_unit;

/* One side of a row. */
typedef struct compare_value {
    bool present;
    interval figure;  /* as recorded; low = median = high where it has no interval */
    const char *word; /* COMPARE_WORD; borrowed from the document */
} compare_value;

typedef struct compare_row {
    char *name;
    compare_unit unit;
    compare_verdict verdict;
    compare_value before, after;
    interval change;    /* after / before, with the interval that the verdict rests on; NaN for words and one-sided
                           rows;    COMPARE_PERCENT: after - before, in points */
    const char *reason; /* of COMPARE_NOT_COMPARED, a clause of English; else "" */
} compare_row;

enum { COMPARE_WARNINGS = 16, COMPARE_TEXT = 256 };

typedef struct comparison {
    compare_row *row; /* [rows], in the order of the documents */
    size_t rows;
    size_t count[COMPARE_VERDICTS];
    size_t compared; /* figures that both documents have and whose verdict means something */
    size_t tests;    /* of these, the ones with noise: what the level is divided by */
    double miss;     /* of each test: (1 - level) / tests */
    bool same_machine;
    char machines[COMPARE_TEXT]; /* what differs: "cpu, cores"; empty for the same machine */
    char warning[COMPARE_WARNINGS][COMPARE_TEXT];
    unsigned warnings;
} comparison;

/* Compares. Fails on a bad expression, one that no figure's name matches, and without memory. The documents must
 * have passed schema_check and must outlive c; compare_free it. */
bool compare_documents(const json_t *before, const json_t *after, const compare_options *options, comparison *c,
                       error *e);
void compare_free(comparison *c);

/* Why the two do not allow a judgement, as a message in e; true where they do. */
bool compare_comparable(const comparison *c, error *e);

/* Records of the kinds comparison (one) and compare (one a row) for a results document; NULL without memory.
 * `before` and `after` are the files' names. */
json_t *compare_records(const comparison *c, const compare_options *options, const char *before, const char *after,
                        const json_t *before_document, const json_t *after_document);

#endif
