#include "compare.h"

#include <assert.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../results/identity.h"
#include "facts.h"
#include "noise.h"

compare_options compare_defaults(void) { return (compare_options){.threshold_percent = 5, .level = 0.99}; }

const char *compare_verdict_name(compare_verdict verdict) {
    static const char *const names[COMPARE_VERDICTS] = {
        [COMPARE_WORSE] = "worse",
        [COMPARE_BETTER] = "better",
        [COMPARE_CHANGED] = "changed",
        [COMPARE_OTHER_MACHINE] = "different machines",
        [COMPARE_ONLY_BEFORE] = "only before",
        [COMPARE_ONLY_AFTER] = "only after",
        [COMPARE_NOT_COMPARED] = "not compared",
        [COMPARE_SAME] = "no difference",
    };
    return names[verdict];
}

/* ---- what is compared -----------------------------------------------------------------------------------------
 */

/* How a record's field is judged. Less is better, but of a share. */
typedef enum measure_type {
    TIMES,  /* nanoseconds {median, low, high}, noisy */
    RATIO,  /* the record's own ratio, low and high, noisy */
    SHARE,  /* percentage of the test images, noisy as a binomial count */
    COUNT,  /* exact */
    WORD,   /* exact, and neither way is better */
    STATUS, /* of verify */
} measure_type;

typedef struct measure {
    const char *kind, *path, *name;
    measure_type type;
} measure;

static const measure measures[] = {
    {"bench", "time_ns", "time", TIMES},
    {"bench", "executed_isa", "executed ISA", WORD},
    {"matrix", "time_ns", "time", TIMES},
    {"matrix_mlp", "time_ns", "time", TIMES},
    {"sweep", "accuracy_percent", "accuracy", SHARE},
    {"sweep", "latency_ns.batch_1", "time of 1 sample", TIMES},
    {"sweep", "latency_ns.batch_128", "time of a batch of 128", TIMES},
    {"sweep", "issued_flops.batch_1", "issued FLOPs of 1 sample", COUNT},
    {"sweep", "issued_flops.batch_128", "issued FLOPs in a batch of 128", COUNT},
    {"train", "accuracy_percent", "accuracy", SHARE},
    {"verify", "status", "verification", STATUS},
    {"versus", "ratio", "time of the second over the first", RATIO},
    {"flops", "instructions", "instructions", COUNT},
    {"flops", "issued_flops", "issued FLOPs", COUNT},
    {"flops", "executed_isa", "executed ISA", WORD},
};
enum { MEASURES = sizeof measures / sizeof measures[0] };

/* record.a.b of the path "a.b"; NULL where it is absent or null. */
static const json_t *at_path(const json_t *record, const char *path) {
    const char *dot = strchr(path, '.');
    const json_t *value = NULL;
    if (dot == NULL) {
        value = json_object_get(record, path);
    } else {
        char outer[32];
        snprintf(outer, sizeof outer, "%.*s", (int)(dot - path), path);
        value = json_object_get(json_object_get(record, outer), dot + 1);
    }
    return json_is_null(value) ? NULL : value;
}

/* One measure of one record. */
typedef struct figure {
    char *name;
    size_t place;      /* of the record in the document */
    size_t occurrence; /* among the figures of that name in its document */
    const measure *measure;
    const json_t *record;
    bool matched;
} figure;

typedef struct side {
    const json_t *document;
    figure *figure;  /* [figures], in the document's order */
    figure **sorted; /* [figures], by name and occurrence */
    size_t figures;
    size_t images;           /* of the test set; 0 where the document does not say */
    const char *times_void;  /* see compare_times_void */
    double spread[MEASURES]; /* see find_spread */
} side;

static void side_free(side *s) {
    for (size_t f = 0; f < s->figures; f++) free(s->figure[f].name);
    free(s->figure);
    free(s->sorted);
    *s = (side){0};
}

/* ---- figures of one document ----------------------------------------------------------------------------------
 */

static bool add_figures(side *s, const json_t *record, size_t place, const regex_t *only, error *e) {
    const char *kind = json_string_value(json_object_get(record, "kind"));
    char identity[RECORD_IDENTITY];
    if (!record_identity(record, identity)) return true;
    for (size_t m = 0; m < MEASURES; m++) {
        if (strcmp(measures[m].kind, kind) != 0 || at_path(record, measures[m].path) == NULL) continue;
        char name[RECORD_IDENTITY + 64];
        snprintf(name, sizeof name, "%s: %s", identity, measures[m].name);
        if (only != NULL && regexec(only, name, 0, NULL, 0) != 0) continue;
        figure *f = &s->figure[s->figures];
        *f = (figure){.name = strdup(name), .place = place, .measure = &measures[m], .record = record};
        if (f->name == NULL) return fail(e, "no memory for %zu figures", s->figures + 1);
        s->figures++;
    }
    return true;
}

static int by_place(const void *left, const void *right) {
    const figure *a = *(figure *const *)left, *b = *(figure *const *)right;
    const int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

static int by_occurrence(const void *left, const void *right) {
    const figure *a = *(figure *const *)left, *b = *(figure *const *)right;
    const int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->occurrence > b->occurrence) - (a->occurrence < b->occurrence);
}

/* Three repetitions may agree by chance. So no time's interval is taken for narrower than the middle one of its
 * measure in the same document: here, the median of log(high / low). */
static bool find_spread(side *s, error *e) {
    double *spread = malloc((s->figures + 1) * sizeof *spread);
    if (spread == NULL) return fail(e, "no memory for %zu figures", s->figures);
    for (size_t m = 0; m < MEASURES; m++) {
        size_t count = 0;
        for (size_t f = 0; f < s->figures && measures[m].type == TIMES; f++) {
            if (s->figure[f].measure != &measures[m]) continue;
            const json_t *time = at_path(s->figure[f].record, measures[m].path);
            const double low = json_number_value(json_object_get(time, "low")),
                         high = json_number_value(json_object_get(time, "high"));
            if (low > 0 && high >= low) spread[count++] = log(high / low);
        }
        stats_sort(spread, count);
        s->spread[m] = count > 0 ? stats_sorted_median(spread, count) : 0;
    }
    free(spread);
    return true;
}

static bool side_read(side *s, const json_t *document, const regex_t *only, error *e) {
    const json_t *records = json_object_get(document, "records"), *record;
    const json_t *data = json_object_get(json_object_get(document, "run"), "data");
    const json_int_t images = json_integer_value(json_object_get(data, "test"));
    const size_t most = json_array_size(records) * MEASURES + 1;
    *s = (side){.document = document,
                .figure = calloc(most, sizeof *s->figure),
                .images = images > 0 ? (size_t)images : 0,
                .times_void = compare_times_void(document)};
    if (s->figure == NULL) return fail(e, "no memory for %zu figures", most);
    size_t index;
    json_array_foreach(records, index, record) {
        if (!add_figures(s, record, index, only, e)) return false;
    }
    s->sorted = malloc((s->figures + 1) * sizeof(figure *));
    if (s->sorted == NULL) return fail(e, "no memory for %zu figures", s->figures);
    for (size_t f = 0; f < s->figures; f++) s->sorted[f] = &s->figure[f];
    qsort(s->sorted, s->figures, sizeof(figure *), by_place);
    for (size_t f = 1; f < s->figures; f++)
        if (strcmp(s->sorted[f]->name, s->sorted[f - 1]->name) == 0)
            s->sorted[f]->occurrence = s->sorted[f - 1]->occurrence + 1;
    return find_spread(s, e);
}

/* ---- one figure's value and its interval ----------------------------------------------------------------------
 */

static double number_at(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static compare_value value_of(const figure *f) {
    const json_t *value = at_path(f->record, f->measure->path);
    compare_value v = {.present = true, .figure = {NAN, NAN, NAN}};
    switch (f->measure->type) {
    case TIMES:
        v.figure = (interval){number_at(value, "median"), number_at(value, "low"), number_at(value, "high")};
        break;
    case RATIO:
        v.figure =
            (interval){number_at(f->record, "ratio"), number_at(f->record, "low"), number_at(f->record, "high")};
        break;
    case SHARE:
    case COUNT: {
        const double number = json_is_number(value) ? json_number_value(value) : (double)NAN;
        v.figure = (interval){number, number, number};
        break;
    }
    case WORD:
    case STATUS: v.word = json_string_value(value); break;
    }
    return v;
}

/* The probability that a recorded interval misses: what its record says, or what the range of the repetitions comes
 * to (of at least two, where an older program did not write how many). */
static double recorded_miss(const figure *f) {
    const json_t *record = f->record;
    if (strcmp(f->measure->kind, "bench") == 0) {
        const double repetitions = number_at(record, "repetitions");
        return 1 - stats_rank_coverage(repetitions >= 2 ? (size_t)repetitions : 2, 1);
    }
    const double each = number_at(record, "interval_level"),
                 level = isnan(each) ? number_at(record, "level") : each;
    return level > 0 && level < 1 ? 1 - level : 0.01;
}

/* How far the run's A/A control strayed from 1, as a factor. */
static double noise_floor(const figure *f) {
    const json_t *control = json_object_get(f->record, "aa_ratio");
    const char *dot = strchr(f->measure->path, '.');
    if (dot != NULL) control = json_object_get(control, dot + 1);
    const double low = number_at(control, "low"), high = number_at(control, "high");
    return low > 0 && high > 0 ? fmax(high, 1 / low) : 1;
}

static bool positive(interval i) {
    return i.low > 0 && i.median >= i.low && i.high >= i.median && isfinite(i.high);
}

/* The ratios that the processes of a versus record found, each a draw; returns how many. */
static size_t process_ratios(const json_t *record, double *draws, size_t most) {
    const json_t *processes = json_object_get(record, "estimates"), *one;
    size_t index, count = 0;
    json_array_foreach(processes, index, one) {
        const double ratio = number_at(one, "ratio");
        if (count < most && ratio > 0) draws[count++] = ratio;
    }
    return count;
}

/* The interval of a noisy figure that misses with the probability `miss`; the noise floor is in it. */
static interval noisy_interval(const side *s, const figure *f, double miss) {
    enum { MOST_DRAWS = 512 };
    double draws[MOST_DRAWS];
    interval i = value_of(f).figure;
    const size_t count = f->measure->type == RATIO ? process_ratios(f->record, draws, MOST_DRAWS) : 0;
    if (count >= 2) {
        i = noise_of_draws(draws, count, miss);
    } else {
        const double short_of = (s->spread[f->measure - measures] - log(i.high / i.low)) / 2;
        if (short_of > 0) i = (interval){i.median, i.low * exp(-short_of), i.high * exp(short_of)};
        i = noise_widen(i, recorded_miss(f), miss);
    }
    const double strayed = noise_floor(f);
    return (interval){i.median, i.low / strayed, i.high * strayed};
}

/* ---- verdicts -------------------------------------------------------------------------------------------------
 */

typedef struct judge {
    const compare_options *options;
    const side *before, *after;
    bool same_machine, same_data;
    double miss;
} judge;

/* Both sides of a row, and the figures behind them. */
typedef struct pair {
    const figure *before, *after;
} pair;

static bool in_own_part(const json_t *record) {
    const json_t *part = json_object_get(record, "range_percent");
    const double percent = number_at(record, "percent"), from = json_number_value(json_array_get(part, 0)),
                 to = json_number_value(json_array_get(part, 1));
    return isnan(percent) || (percent > from && percent <= to);
}

/* Whether other work was on the processor while this time was taken, for so much of it that the median is longer
 * for it: a tenth of a benchmark's time, or half of the rounds. */
static bool disturbed(const figure *f) {
    const char *dot = strchr(f->measure->path, '.');
    const json_t *rounds = json_object_get(f->record, "rounds"), *lost = json_object_get(f->record, "disturbed");
    if (number_at(f->record, "cpu_ns") < 0.9 * value_of(f).figure.median) return true;
    return dot != NULL && number_at(lost, dot + 1) > 0.5 * number_at(rounds, dot + 1);
}

/* Why the two figures cannot be held against each other; NULL where they can. */
static const char *refusal(const judge *j, const pair *p) {
    const compare_value a = value_of(p->before), b = value_of(p->after);
    switch (p->before->measure->type) {
    case TIMES:
    case RATIO:
        if (j->before->times_void != NULL) return j->before->times_void;
        if (j->after->times_void != NULL) return j->after->times_void;
        if (!positive(a.figure) || !positive(b.figure)) return "no positive figure with an interval around it";
        if (disturbed(p->before)) return "other work shared the processor in the run before: its time is too long";
        if (disturbed(p->after)) return "other work shared the processor in the run after: its time is too long";
        if (number_at(p->before->record, "repetitions") == 1 || number_at(p->after->record, "repetitions") == 1)
            return "a single repetition says nothing of its noise";
        return NULL;
    case SHARE:
        if (!j->same_data) return "the data sets differ";
        if (j->before->images == 0 || j->before->images != j->after->images)
            return "the number of test images is unknown";
        if (!(a.figure.median >= 0 && a.figure.median <= 100 && b.figure.median >= 0 && b.figure.median <= 100))
            return "no percentage";
        if (!in_own_part(p->before->record))
            return "outside the profile's own part, where accuracy is chance from training to training";
        return NULL;
    case COUNT: return a.figure.median >= 0 && b.figure.median >= 0 ? NULL : "no count";
    case WORD:
    case STATUS: return a.word != NULL && b.word != NULL ? NULL : "no text";
    }
    return NULL;
}

static compare_verdict by_size(double ratio, double threshold_percent) {
    const double most = 1 + threshold_percent / 100;
    return ratio > most ? COMPARE_WORSE : ratio < 1 / most ? COMPARE_BETTER : COMPARE_SAME;
}

/* Times and ratios: the intervals must be apart, and the medians by more than the threshold. */
static compare_verdict judge_noisy(const judge *j, const pair *p, compare_row *row) {
    const interval a = noisy_interval(j->before, p->before, j->miss),
                   b = noisy_interval(j->after, p->after, j->miss);
    row->change = (interval){b.median / a.median, b.low / a.high, b.high / a.low};
    const bool apart = row->change.low > 1 || row->change.high < 1;
    return apart ? by_size(row->change.median, j->options->threshold_percent) : COMPARE_SAME;
}

/* Shares of the same images: the intervals must be apart. The threshold is for times; half a point of accuracy is
 * much. */
static compare_verdict judge_share(const judge *j, const pair *p, compare_row *row) {
    const size_t n = j->before->images;
    interval share[2];
    const figure *const figures[2] = {p->before, p->after};
    for (int f = 0; f < 2; f++) {
        const double right = value_of(figures[f]).figure.median / 100 * (double)n;
        share[f] = noise_of_share((size_t)llround(right), n, j->miss);
    }
    row->change = (interval){100 * (share[1].median - share[0].median), 100 * (share[1].low - share[0].high),
                             100 * (share[1].high - share[0].low)};
    return row->change.high < 0 ? COMPARE_WORSE : row->change.low > 0 ? COMPARE_BETTER : COMPARE_SAME;
}

/* Exact: any difference is one, but only beyond the threshold it is better or worse. */
static compare_verdict judge_count(const judge *j, const pair *p, compare_row *row) {
    const double a = value_of(p->before).figure.median, b = value_of(p->after).figure.median;
    if (a == b) {
        row->change = (interval){1, 1, 1};
        return COMPARE_SAME;
    }
    if (a > 0) row->change = (interval){b / a, b / a, b / a};
    const compare_verdict verdict = a > 0 ? by_size(b / a, j->options->threshold_percent) : COMPARE_WORSE;
    return verdict == COMPARE_SAME ? COMPARE_CHANGED : verdict;
}

/* A check that is no longer made is lost; a failure that is no longer looked for is not mended. */
static compare_verdict judge_status(const compare_row *row) {
    const char *a = row->before.word, *b = row->after.word;
    if (strcmp(a, b) == 0) return COMPARE_SAME;
    if (strcmp(b, "passed") == 0) return COMPARE_BETTER;
    return strcmp(a, "passed") == 0 || strcmp(b, "failed") == 0 ? COMPARE_WORSE : COMPARE_CHANGED;
}

static bool is_noisy(measure_type type) { return type == TIMES || type == RATIO || type == SHARE; }

static void judge_row(const judge *j, const pair *p, compare_row *row) {
    assert(p->before != NULL && p->after != NULL);
    switch (p->before->measure->type) {
    case TIMES:
    case RATIO: row->verdict = judge_noisy(j, p, row); break;
    case SHARE: row->verdict = judge_share(j, p, row); break;
    case COUNT: row->verdict = judge_count(j, p, row); break;
    case WORD:
        row->verdict = strcmp(row->before.word, row->after.word) == 0 ? COMPARE_SAME : COMPARE_CHANGED;
        break;
    case STATUS: row->verdict = judge_status(row); break;
    }
    if (!j->same_machine && row->verdict != COMPARE_SAME) row->verdict = COMPARE_OTHER_MACHINE;
}

/* ---- rows -----------------------------------------------------------------------------------------------------
 */

static const compare_unit unit_of[] = {[TIMES] = COMPARE_NS,    [RATIO] = COMPARE_RATIO, [SHARE] = COMPARE_PERCENT,
                                       [COUNT] = COMPARE_COUNT, [WORD] = COMPARE_WORD,   [STATUS] = COMPARE_WORD};

/* Takes the name from the figure. */
static void start_row(compare_row *row, figure *f, compare_verdict verdict) {
    *row = (compare_row){.name = f->name,
                         .unit = unit_of[f->measure->type],
                         .verdict = verdict,
                         .change = {NAN, NAN, NAN},
                         .reason = ""};
    f->name = NULL;
}

/* Fills pairs[r] for every row r that both documents have; the others have a NULL side. */
static void match(side *before, side *after, comparison *c, pair *pairs) {
    for (size_t f = 0; f < before->figures; f++) {
        const figure *wanted = &before->figure[f];
        figure **found = after->figures == 0
                             ? NULL
                             : bsearch(&wanted, after->sorted, after->figures, sizeof(figure *), by_occurrence);
        if (found != NULL) (*found)->matched = true;
        pairs[c->rows++] = (pair){wanted, found != NULL ? *found : NULL};
    }
    for (size_t f = 0; f < after->figures; f++)
        if (!after->figure[f].matched) pairs[c->rows++] = (pair){NULL, &after->figure[f]};
    for (size_t r = 0; r < c->rows; r++) {
        const pair *p = &pairs[r];
        figure *named = p->before != NULL ? &before->figure[p->before - before->figure]
                                          : &after->figure[p->after - after->figure];
        start_row(&c->row[r], named, p->after == NULL ? COMPARE_ONLY_BEFORE : COMPARE_ONLY_AFTER);
        if (p->before != NULL) c->row[r].before = value_of(p->before);
        if (p->after != NULL) c->row[r].after = value_of(p->after);
    }
}

static void judge_rows(judge *j, comparison *c, const pair *pairs) {
    for (size_t r = 0; r < c->rows; r++) {
        compare_row *row = &c->row[r];
        if (pairs[r].before == NULL || pairs[r].after == NULL) continue;
        const char *why = refusal(j, &pairs[r]);
        row->verdict = why != NULL ? COMPARE_NOT_COMPARED : COMPARE_SAME;
        row->reason = why != NULL ? why : "";
        c->compared += why == NULL;
        c->tests += why == NULL && is_noisy(pairs[r].before->measure->type);
    }
    j->miss = c->miss = (1 - j->options->level) / (double)(c->tests > 0 ? c->tests : 1);
    for (size_t r = 0; r < c->rows; r++) {
        if (c->row[r].verdict == COMPARE_SAME) judge_row(j, &pairs[r], &c->row[r]);
        c->count[c->row[r].verdict]++;
    }
}

static bool compare_sides(side *before, side *after, const compare_options *options, comparison *c, error *e) {
    const size_t most = before->figures + after->figures;
    if (most == 0 && options->only != NULL)
        return fail(e, "no figure's name matches --only '%s'; without it, --all shows the names", options->only);
    pair *pairs = calloc(most + 1, sizeof *pairs);
    c->row = calloc(most + 1, sizeof *c->row);
    if (pairs == NULL || c->row == NULL) {
        free(pairs);
        return fail(e, "no memory for %zu figures", most);
    }
    match(before, after, c, pairs);
    compare_machines(c, before->document, after->document);
    judge j = {.options = options,
               .before = before,
               .after = after,
               .same_machine = c->same_machine,
               .same_data = compare_same_data(before->document, after->document)};
    judge_rows(&j, c, pairs);
    compare_warn_facts(c, before->document, after->document);
    compare_warn_shift(c, options);
    free(pairs);
    return true;
}

bool compare_documents(const json_t *before, const json_t *after, const compare_options *options, comparison *c,
                       error *e) {
    assert(options->level > 0 && options->level < 1 && options->threshold_percent >= 0);
    regex_t only;
    const int status = options->only != NULL ? regcomp(&only, options->only, REG_EXTENDED | REG_NOSUB) : 0;
    if (status != 0) {
        char why[128];
        regerror(status, &only, why, sizeof why);
        return fail(e, "--only '%s' is not a regular expression: %s", options->only, why);
    }
    const regex_t *filter = options->only != NULL ? &only : NULL;
    side a = {0}, b = {0};
    comparison made = {0};
    const bool compared = side_read(&a, before, filter, e) && side_read(&b, after, filter, e) &&
                          compare_sides(&a, &b, options, &made, e);
    if (compared)
        *c = made;
    else
        compare_free(&made);
    side_free(&a);
    side_free(&b);
    if (options->only != NULL) regfree(&only);
    return compared;
}

void compare_free(comparison *c) {
    for (size_t r = 0; r < c->rows; r++) free(c->row[r].name);
    free(c->row);
    *c = (comparison){0};
}

bool compare_comparable(const comparison *c, error *e) {
    if (c->compared == 0 && c->count[COMPARE_NOT_COMPARED] == 0)
        return fail(e, "not comparable: the two documents have no figure in common");
    if (c->compared == 0)
        for (size_t r = 0; r < c->rows; r++)
            if (c->row[r].verdict == COMPARE_NOT_COMPARED)
                return fail(e, "not comparable: none of %zu common figures may be compared; the first: %s",
                            c->count[COMPARE_NOT_COMPARED], c->row[r].reason);
    if (!c->same_machine) return fail(e, "not comparable: different machines (%s)", c->machines);
    return true;
}
