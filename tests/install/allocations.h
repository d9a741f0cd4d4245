/* allocations.h: how often memory was asked for, by anybody in the process. */
#ifndef TESTS_ALLOCATIONS_H
#define TESTS_ALLOCATIONS_H

#ifdef __cplusplus
extern "C" {
#endif

unsigned long allocations(void);

#ifdef __cplusplus
}
#endif
#endif
