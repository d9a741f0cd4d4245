/* seed.h: the seed of a random test: IDP_TEST_SEED where it is set (to replay), else the clock; printed either way.
 */
#ifndef TESTS_SEED_H
#define TESTS_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t test_seed(const char *suite) {
    const char *given = getenv("IDP_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t clock_seed = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    const uint64_t seed = given != NULL && given[0] != '\0' ? strtoull(given, NULL, 10) : clock_seed;
    printf("%s: seed %llu; IDP_TEST_SEED=%llu replays it\n", suite, (unsigned long long)seed,
           (unsigned long long)seed);
    fflush(stdout); /* before Check forks */
    return seed;
}

#endif
