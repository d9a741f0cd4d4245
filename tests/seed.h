/* seed.h: the seed of a random test, printed: a fixed one, so that every run of the suites is the same; the clock's
 * where IDP_TEST_SEED is `random`, to search (`./run test --full`); else the number in IDP_TEST_SEED, to replay. */
#ifndef TESTS_SEED_H
#define TESTS_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t clock_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline uint64_t test_seed(const char *suite) {
    const char *given = getenv("IDP_TEST_SEED");
    uint64_t seed = 20170917; /* any number will do */
    if (given != NULL && strcmp(given, "random") == 0)
        seed = clock_milliseconds();
    else if (given != NULL && given[0] != '\0')
        seed = strtoull(given, NULL, 10);
    printf("%s: seed %llu; IDP_TEST_SEED=%llu replays it\n", suite, (unsigned long long)seed,
           (unsigned long long)seed);
    fflush(stdout); /* before Check forks */
    return seed;
}

#endif
