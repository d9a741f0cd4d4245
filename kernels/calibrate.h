/* calibrate.h: measuring the levels of a calibration, with any clock. */
#ifndef IDP_CALIBRATE_H
#define IDP_CALIBRATE_H

#include "idp_budget.h"

/* What is measured, and with which clock. */
typedef struct idp_task {
    idp_status (*run)(void *context, const idp_level *level); /* one inference */
    double (*now_ns)(void *context);
    void *context;
} idp_task;

/* Nanoseconds of a clock that never goes back; context is not used. */
double idp_now_ns(void *context);

/* As idp_calibrate; overhead_ns is added to all times. */
idp_status idp_calibrate_task(const idp_task *task, double seconds, double overhead_ns,
                              idp_calibration *calibration);

/* Whether samples, levels, percentages and, with `times`, times are as idp_calibration says. */
bool idp_calibration_is_good(const idp_calibration *calibration, bool times);

#endif
