/* calibrate.c: how long an inference takes at each level.
 *
 * The levels are visited in turn, in rounds, so that a disturbance of some milliseconds falls on all of them and
 * not on one; a visit is a few inferences in a row, as a program that holds a budget would run them. Neighbours
 * that come out in the wrong order are averaged (isotonic regression): more channels never take less time. What the
 * slowest take beyond the median is asked of levels near each other together. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

enum {
    WARM_UP = 2, /* inferences of a visit that are not timed: the last level's weights and branches are gone */
    VISIT = 8,   /* that are */
    ROUNDS_LEAST = 3,
    ROUNDS_MOST = 128, /* 1024 inferences: ten of them beyond the 99th percentile */
    EMPTY = 1000,      /* requests without a network, for the overhead */
};
static const double nearby = 5; /* points */

double idp_now_ns(void *context) {
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

bool idp_calibration_is_good(const idp_calibration *c, bool times) {
    if (c == NULL || c->samples == 0 || c->levels == 0 || c->levels > IDP_BUDGET_LEVELS) return false;
    for (size_t n = 0; n < c->levels; n++) {
        const idp_level *l = &c->level[n];
        if (!(l->percent >= 0 && l->percent <= 100) || (n > 0 && !(l->percent > l[-1].percent))) return false;
        if (!times) continue;
        if (!(l->median_ns > 0 && l->late_ns >= l->median_ns)) return false;
        if (n > 0 && !(l->median_ns >= l[-1].median_ns && l->late_ns >= l[-1].late_ns)) return false;
    }
    return true;
}

static int by_value(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Isotonic regression by pooling adjacent violators: the ascending values closest to `value` in least squares. */
static void ascend(double *value, size_t count) {
    size_t size[IDP_BUDGET_LEVELS], pools = 0;
    double mean[IDP_BUDGET_LEVELS];
    for (size_t n = 0; n < count; n++, pools++) {
        mean[pools] = value[n];
        size[pools] = 1;
        for (; pools > 0 && mean[pools - 1] > mean[pools]; pools--) {
            const double a = (double)size[pools - 1], b = (double)size[pools];
            mean[pools - 1] = (a * mean[pools - 1] + b * mean[pools]) / (a + b);
            size[pools - 1] += size[pools];
        }
    }
    for (size_t p = 0, n = 0; p < pools; p++)
        for (size_t i = 0; i < size[p]; i++) value[n++] = mean[p];
}

/* A step through the levels that reaches all of them and leaves no neighbours together. */
static size_t stride_of(size_t levels) { return levels % 37 != 0 ? 37 : 41; }

/* One visit of every level; ns: [levels][ROUNDS_MOST * VISIT]. */
static idp_status visit_all(const idp_task *task, const idp_calibration *c, size_t round, float *ns) {
    for (size_t n = 0; n < c->levels; n++) {
        const size_t at = (round + n * stride_of(c->levels)) % c->levels;
        float *to = ns + (at * ROUNDS_MOST + round) * VISIT;
        for (int i = -WARM_UP; i < VISIT; i++) {
            const double start = task->now_ns(task->context);
            const idp_status status = task->run(task->context, &c->level[at]);
            if (status != IDP_OK) return status;
            if (i >= 0) to[i] = (float)(task->now_ns(task->context) - start);
        }
    }
    return IDP_OK;
}

/* What one in a hundred inferences takes beyond the median of its level; ns: as above, each level's first `count`
 * ascending. Ten of a level's thousand tell it, whose noise hides what some points cost; but it hardly depends on
 * the level, so those near this one tell it together. */
static double late_beyond(const idp_calibration *c, size_t of, const float *ns, const double *median,
                          size_t count) {
    size_t left[IDP_BUDGET_LEVELS] = {0}, first = of, end = of + 1;
    while (first > 0 && c->level[of].percent - c->level[first - 1].percent <= nearby) first--;
    while (end < c->levels && c->level[end].percent - c->level[of].percent <= nearby) end++;
    for (size_t n = first; n < end; n++) left[n] = count;
    double beyond = 0;
    for (size_t i = 0; i <= (end - first) * count / 100; i++) { /* the next of the slowest */
        size_t slowest = first;
        for (size_t n = first; n < end; n++) {
            const double value = left[n] > 0 ? ns[n * ROUNDS_MOST * VISIT + left[n] - 1] - median[n] : -INFINITY;
            if (n == first || value > beyond) slowest = n, beyond = value;
        }
        left[slowest]--;
    }
    return beyond;
}

idp_status idp_calibrate_task(const idp_task *task, double seconds, double overhead_ns, idp_calibration *c) {
    float *ns = malloc(c->levels * ROUNDS_MOST * VISIT * sizeof *ns);
    if (ns == NULL) return IDP_NO_MEMORY;
    const double end = task->now_ns(task->context) + (seconds > 0 ? seconds : 0.5) * 1e9;
    idp_status status = IDP_OK;
    size_t rounds = 0;
    while (rounds < ROUNDS_MOST && (rounds < ROUNDS_LEAST || task->now_ns(task->context) < end)) {
        status = visit_all(task, c, rounds, ns);
        if (status != IDP_OK) goto done;
        rounds++;
    }
    double median[IDP_BUDGET_LEVELS], late[IDP_BUDGET_LEVELS];
    for (size_t n = 0; n < c->levels; n++) {
        const size_t count = rounds * VISIT;
        float *level = ns + n * ROUNDS_MOST * VISIT;
        qsort(level, count, sizeof *level, by_value);
        median[n] = (double)level[count / 2];
    }
    for (size_t n = 0; n < c->levels; n++) late[n] = late_beyond(c, n, ns, median, rounds * VISIT);
    ascend(median, c->levels);
    for (size_t n = 0; n < c->levels; n++) {
        median[n] += overhead_ns;
        if (!(median[n] > 0)) median[n] = 1; /* a clock too coarse to tell */
        late[n] += median[n];
    }
    ascend(late, c->levels);
    for (size_t n = 0; n < c->levels; n++) {
        c->level[n].median_ns = median[n];
        c->level[n].late_ns = late[n];
    }
    c->overhead_ns = overhead_ns;
done:
    free(ns);
    return status;
}

/* ---- a network ------------------------------------------------------------------------------------------------
 */

typedef struct network_task {
    const idp_mlp *mlp;
    const float *x;
    float *y;
    void *workspace;
    size_t samples;
} network_task;

static idp_status run_network(void *context, const idp_level *level) {
    const network_task *t = context;
    return idp_mlp_run(t->mlp, level->profile, level->percent, t->samples, t->x, t->y, t->workspace);
}

/* What a request takes beyond the time between its own two readings of the clock. */
static idp_status overhead(const idp_calibration *c, double *overhead_ns) {
    idp_calibration flat = *c;
    idp_budget *budget;
    flat.overhead_ns = 0;
    for (size_t n = 0; n < flat.levels; n++) flat.level[n].median_ns = flat.level[n].late_ns = 1e6;
    const idp_status status = idp_budget_create(&flat, &budget);
    if (status != IDP_OK) return status;
    double inside = 0;
    const double start = idp_now_ns(NULL);
    for (int i = 0; i < EMPTY; i++) {
        idp_choice choice;
        const double from = idp_now_ns(NULL);
        (void)idp_budget_choose(budget, 1e7, &choice);
        const double elapsed = idp_now_ns(NULL) - from;
        idp_budget_note(budget, &choice, elapsed);
        inside += elapsed;
    }
    *overhead_ns = (idp_now_ns(NULL) - start - inside) / EMPTY;
    idp_budget_destroy(budget);
    return IDP_OK;
}

idp_status idp_calibrate(const idp_mlp *mlp, const float *x, float *y, void *workspace, double seconds,
                         idp_calibration *c) {
    if (!idp_calibration_is_good(c, false)) return IDP_BAD_ARGUMENT;
    network_task network = {mlp, x, y, workspace, c->samples};
    double overhead_ns;
    const idp_status status = overhead(c, &overhead_ns);
    if (status != IDP_OK) return status;
    return idp_calibrate_task(&(idp_task){run_network, idp_now_ns, &network}, seconds, overhead_ns, c);
}
