/* reproduce_tell.c: the tables and records of `idp reproduce`. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reproduce.h"

static const char *mean_text(sample s, char text[static 32]) {
    if (s.n == 0)
        snprintf(text, 32, "-");
    else if (s.n == 1)
        snprintf(text, 32, "%6.2f", s.mean);
    else
        snprintf(text, 32, "%6.2f +- %5.2f", s.mean, s.sd);
    return text;
}

static void print_row(const reproduce_cell *c) {
    char part[32], ours[32], expected[32], interval[32] = "";
    snprintf(part, sizeof part, "%g-%g%s", c->from_percent, c->to_percent, c->inside ? " *" : "");
    if (c->row->tenths && !isnan(c->low_percent))
        snprintf(interval, sizeof interval, "%6.2f-%6.2f", c->low_percent, c->high_percent);
    printf("%-10s %4zu  %-16s %-14s %-16s ", part, c->k, mean_text(c->ours, ours), interval,
           mean_text(c->expected, expected));
    if (c->expected.n > 0)
        printf("%+7.2f", c->ours.mean - c->expected.mean);
    else
        printf("%7s", "");
    printf("  %s\n", c->verdict);
}

static void record(const reproduce_cell *c, results *r) {
    json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:I, s:[f, f], s:b, s:f, s:I, s:I, s:f, s:f, s:f, s:s}", "kind",
                            "reproduce", "recipe", c->row->recipe, "model", c->row->name, "gamma",
                            gamma_name(c->row->gamma), "profile", (json_int_t)c->profile, "range_percent",
                            c->from_percent, c->to_percent, "inside", (int)c->inside, "percent", (double)c->k, "k",
                            (json_int_t)c->k, "seeds", (json_int_t)c->ours.n, "mean_percent", c->ours.mean,
                            "sd_percent", c->ours.sd, "train_seconds", c->train_seconds, "verdict", c->verdict);
    const bool compared = c->expected.n > 0, several = !isnan(c->low_percent);
    json_object_set_new(one, "expected_percent", compared ? json_real(c->expected.mean) : json_null());
    json_object_set_new(one, "expected_sd", compared ? json_real(c->expected.sd) : json_null());
    json_object_set_new(one, "low_percent", several ? json_real(c->low_percent) : json_null());
    json_object_set_new(one, "high_percent", several ? json_real(c->high_percent) : json_null());
    json_object_set_new(one, "probability", isnan(c->probability) ? json_null() : json_real(c->probability));
    results_add(r, one);
}

typedef struct total {
    double mean, seconds; /* accuracy over the tenths; of one training */
    size_t cells;
} total;

static total total_of(const reproduce_cell *cell, size_t cells, const char *name) {
    total t = {0};
    for (size_t i = 0; i < cells; i++) {
        if (!cell[i].row->tenths || strcmp(cell[i].row->recipe, name) != 0) continue;
        t.mean += cell[i].ours.mean;
        t.seconds = cell[i].train_seconds;
        t.cells++;
    }
    if (t.cells > 0) t.mean /= (double)t.cells;
    return t;
}

/* Ends a line; 1 where it falls short. */
static size_t print_verdict(bool judged, bool holds) {
    printf("%s.\n", !judged ? "" : holds ? ": holds" : ": falls short");
    return judged && !holds;
}

/* What the goal asks of `best`; how much of it, beyond the single cells, it misses. */
static size_t print_best(const reproduce_cell *cell, size_t cells) {
    const total best = total_of(cell, cells, "best"), independent = total_of(cell, cells, "independent"),
                sandwich = total_of(cell, cells, "sandwich");
    if (best.cells == 0 || independent.cells == 0 || sandwich.cells == 0) return 0;
    double least = INFINITY, least_sandwich = INFINITY;
    bool judged = false;
    for (size_t i = 0; i < cells; i++) {
        if (strcmp(cell[i].row->recipe, "best") != 0) continue;
        judged = strcmp(cell[i].verdict, "not judged") != 0;
        for (size_t j = 0; j < cells; j++) {
            if (!cell[j].row->tenths || cell[j].k != cell[i].k) continue;
            const double ahead = cell[i].ours.mean - cell[j].ours.mean;
            if (strcmp(cell[j].row->recipe, "independent") == 0) least = fmin(least, ahead);
            if (strcmp(cell[j].row->recipe, "sandwich") == 0) least_sandwich = fmin(least_sandwich, ahead);
        }
    }
    const double behind = best.mean - independent.mean, times = best.seconds / sandwich.seconds;
    printf("\nbest against independent, same schedule:\n  least difference %+.2f points (at least -%g)", least,
           reproduce_margin);
    size_t missed = 0;
    print_verdict(judged, least >= -reproduce_margin); /* the cells count */
    printf("  mean of the tenths %.3f and %.3f, %+.3f (at least -%g)", best.mean, independent.mean, behind,
           reproduce_mean_margin);
    missed += print_verdict(judged, behind >= -reproduce_mean_margin);
    printf("best against sandwich, same schedule:\n  mean %.3f, least difference %+.2f (above 0)", sandwich.mean,
           least_sandwich);
    print_verdict(judged, least_sandwich > 0); /* so here */
    printf("  training time %.2f times (at most %g)", times, reproduce_times);
    return missed + print_verdict(judged, times <= reproduce_times);
}

size_t reproduce_tell(const reproduce_cell *cell, size_t cells, results *r) {
    size_t agree = 0, differ = 0, outside_agree = 0, outside_differ = 0;
    for (size_t i = 0; i < cells; i++) {
        const reproduce_cell *c = &cell[i];
        if (i == 0 || c->row != cell[i - 1].row)
            printf("\n%s, %zu seed%s\n%-10s %4s  %-16s %-14s %-16s %7s  %s\n", c->row->name, c->ours.n,
                   c->ours.n == 1 ? "" : "s", "part, %", "k", "accuracy, %", c->row->tenths ? "95 % of mean" : "",
                   strcmp(c->row->recipe, "best") == 0 ? "independent" : "expected", "differs", "verdict");
        print_row(c);
        record(c, r);
        const bool good = strcmp(c->verdict, "agrees") == 0 || strcmp(c->verdict, "holds") == 0;
        const bool bad = strcmp(c->verdict, "differs") == 0 || strcmp(c->verdict, "falls short") == 0;
        *(c->inside ? &agree : &outside_agree) += good;
        *(c->inside ? &differ : &outside_differ) += bad;
    }
    const size_t missed = print_best(cell, cells);
    printf("\nInside their own part (*): %zu cells agree, %zu do not. Outside: %zu agree within the spread, %zu do "
           "not.\n"
           "Welch's test at 5 %%, Bonferroni-corrected; inside, %g points of difference are allowed.\n",
           agree, differ, outside_agree, outside_differ, reproduce_margin);
    return differ + missed;
}
