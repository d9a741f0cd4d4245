#include "schedule.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {
    [SCHEDULE_STEP] = "step", [SCHEDULE_COSINE] = "cosine", [SCHEDULE_CONSTANT] = "constant"};

const char *schedule_name(schedule_kind kind) { return names[kind]; }

bool schedule_parse(const char *name, schedule_kind *kind) {
    for (size_t s = 0; s < sizeof names / sizeof names[0]; s++)
        if (strcmp(names[s], name) == 0) {
            *kind = (schedule_kind)s;
            return true;
        }
    return false;
}

double schedule_factor(schedule_kind kind, double done, size_t epochs, size_t halve_after) {
    static const double pi = 3.14159265358979323846;
    switch (kind) {
    case SCHEDULE_STEP: return halve_after > 0 && done >= (double)halve_after ? 0.5 : 1;
    case SCHEDULE_COSINE: return (1 + cos(pi * done / (double)epochs)) / 2;
    case SCHEDULE_CONSTANT: break;
    }
    return 1;
}
