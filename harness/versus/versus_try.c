/* versus_try.c: the measurement measured: does it call a difference where there is none, and does it find one that
 * is there? */
#include "versus.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAME_PER_PLANTED = 5 };

/* A copy of `base` that makes so much more calls. */
static bool plant(const workload_spec *base, double percent, workload_spec *spec, error *e) {
    *spec = *base;
    if (strchr(base->name, '+') != NULL) return fail(e, "'%s' has a planted slowdown already", base->name);
    const size_t length = strlen(base->name);
    snprintf(spec->name + length, sizeof spec->name - length, "+%g%%", percent);
    spec->extra_ppm = (uint32_t)lround(percent * 1e4);
    return true;
}

bool versus_try(const versus_options *o, size_t tries, double planted_percent, progress *bar,
                void (*tell)(void *context, const versus_options *o, const versus_samples *samples,
                             const versus_result *result),
                void *context, versus_trust *trust, error *e) {
    versus_options one = *o;
    versus_trust made = {0};
    workload_spec slower;
    if (!plant(&o->workload[0], planted_percent, &slower, e)) return false;
    one.workloads = 2;
    const size_t all = tries + tries / SAME_PER_PLANTED;
    for (size_t t = 0; t < all; t++) {
        /* Spread over the whole run: what the machine does meanwhile meets both kinds. */
        const bool planted = t % (SAME_PER_PLANTED + 1) == SAME_PER_PLANTED;
        versus_samples samples;
        versus_result result;
        one.workload[1] = planted ? slower : o->workload[0];
        one.seed = o->seed + t;
        if (!versus_measure(&one, NULL, &samples, e)) return fail_in(e, "comparison %zu of %zu", t + 1, all);
        versus_judge(&one, &samples, &result);
        if (tell != NULL) tell(context, &one, &samples, &result);
        versus_free(&samples);
        const versus_verdict verdict = result.of[1].verdict;
        made.same += !planted;
        made.called += !planted && verdict != VERSUS_SAME;
        made.planted += planted;
        made.found += planted && verdict == VERSUS_SLOWER;
        if (bar != NULL) progress_at(bar, (double)(t + 1) / (double)all, NULL);
    }
    *trust = made;
    return true;
}
