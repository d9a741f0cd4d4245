/* schedule.h: the learning rate over a stage. */
#ifndef HARNESS_SCHEDULE_H
#define HARNESS_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum schedule_kind {
    SCHEDULE_STEP,   /* halves once, after a given number of epochs */
    SCHEDULE_COSINE, /* (1 + cos(pi t)) / 2, t the part of the stage that is done, judged before every step: 0 at
                        its end */
    SCHEDULE_CONSTANT,
} schedule_kind;

/* "step", "cosine", "constant". */
const char *schedule_name(schedule_kind kind);
bool schedule_parse(const char *name, schedule_kind *kind);

/* What the learning rate is multiplied by after `done` of `epochs` epochs, a fraction of one included; done in
 * [0, epochs]. halve_after: epochs before a step halves it; 0: never. */
double schedule_factor(schedule_kind kind, double done, size_t epochs, size_t halve_after);

#endif
