/* requests.c: a thousand requests within 1.2 and within 0.3 times what the full network takes. C and C++.
 *
 * Usage: requests MODEL [judge]. Fails where a request allocates; times are told, and judged only when asked to:
 * 99 % of the requests within the time, and the choice on average at most 5 points below the largest percentage
 * whose calibrated 99th percentile fits. A hundred requests before the thousand warm the caches. After each follows
 * one at that percentage, without a controller: where those do not hold 99 % either, the machine is hardly the
 * one that was calibrated.
 */
#include <idp_model.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "allocations.h"

enum { REQUESTS = 1000, WARM_UP = 100, FULL_RUNS = 2000 };

/* Of the day: a double could not hold the nanoseconds since 1970. */
static double now_ns(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)(now.tv_sec % 86400) * 1e9 + (double)now.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median time of the full network. */
static double full_time(idp_session *session, const float *x, float *y) {
    static double ns[FULL_RUNS];
    for (int i = 0; i < FULL_RUNS; i++) {
        const double start = now_ns();
        idp_session_run(session, 100, 1, x, y);
        ns[i] = now_ns() - start;
    }
    qsort(ns, FULL_RUNS, sizeof ns[0], ascending);
    return ns[FULL_RUNS / 2];
}

/* The largest percentage whose calibrated 99th percentile fits. */
static double fitting(const idp_calibration *c, double time_ns) {
    double percent = c->level[0].percent;
    for (size_t n = 0; n < c->levels && c->level[n].late_ns <= time_ns; n++) percent = c->level[n].percent;
    return percent;
}

/* Whether the thousand hold what is asked of them. */
static int serve(idp_session *session, const idp_calibration *c, double full_ns, double share, const float *x,
                 float *y) {
    const double time_ns = share * full_ns, largest = fitting(c, time_ns);
    double smallest = 100, sum = 0;
    int within = 0, within_without = 0;
    idp_budget *budget;
    if (idp_budget_create(c, &budget) != IDP_OK) exit(2);
    const unsigned long before = allocations();
    for (int r = -WARM_UP; r < REQUESTS; r++) {
        idp_choice choice;
        const double start = now_ns();
        if (idp_session_run_within(session, budget, time_ns, x, y, &choice) != IDP_OK) exit(2);
        const double end = now_ns();
        if (idp_session_run(session, largest, 1, x, y) != IDP_OK) exit(2);
        const double end_without = now_ns();
        if (r < 0) continue;
        within += end - start <= time_ns;
        within_without += end_without - end <= time_ns;
        if (choice.percent < smallest) smallest = choice.percent;
        sum += choice.percent;
    }
    if (allocations() != before) {
        fprintf(stderr, "requests: %lu allocations in %d requests\n", allocations() - before, REQUESTS);
        exit(2);
    }
    printf("%.1f x full = %.0f ns: %5.1f %% within; %.1f %% of the channels on average, %g at least; calibrated "
           "%g, which has %.1f %% within; slowness %.3f\n",
           share, time_ns, 100.0 * within / REQUESTS, sum / REQUESTS, smallest, largest,
           100.0 * within_without / REQUESTS, idp_budget_slowness(budget));
    idp_budget_destroy(budget);
    return within >= REQUESTS * 99 / 100 && sum / REQUESTS >= largest - 5;
}

/* Any percentage, and refining: no memory is asked for. */
static int allocates(idp_session *session, const float *x, float *y) {
    const unsigned long before = allocations();
    for (int percent = 0; percent <= 100; percent++) {
        if (idp_session_run(session, percent, 1, x, y) != IDP_OK ||
            idp_session_start(session, percent / 2, 1, x, y) != IDP_OK ||
            idp_session_refine(session, percent, x, y) != IDP_OK)
            exit(2);
    }
    return allocations() != before;
}

int main(int argc, char **argv) {
    char why[1024];
    idp_model *model;
    idp_session *session;
    idp_calibration calibration;
    if (argc < 2) return 2;
    if (idp_model_load(argv[1], NULL, &model, why, sizeof why) != IDP_OK) {
        fprintf(stderr, "requests: %s\n", why);
        return 2;
    }
    float *x = (float *)calloc(idp_model_inputs(model), sizeof *x);
    float *y = (float *)calloc(idp_model_outputs(model), sizeof *y);
    if (x == NULL || y == NULL || allocations() == 0) return 2;
    for (size_t i = 0; i < idp_model_inputs(model); i++) x[i] = (float)(i % 10) / 10;
    if (idp_session_create(model, 1, &session) != IDP_OK ||
        idp_session_calibrate(session, 1, argc > 2 ? 1 : 0.1, &calibration) != IDP_OK)
        return 2;
    if (allocates(session, x, y)) {
        fprintf(stderr, "requests: running or refining allocates\n");
        return 2;
    }
    const double full_ns = full_time(session, x, y);
    int good = serve(session, &calibration, full_ns, 1.2, x, y);
    good &= serve(session, &calibration, full_ns, 0.3, x, y);
    idp_session_destroy(session);
    idp_model_free(model);
    free(x);
    free(y);
    return argc > 2 && !good;
}
