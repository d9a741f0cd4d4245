/* stats_rows.c: FILE: the interval's ranks and coverages as JSON, for tests/stats_scipy to check: rows [n, level,
 * rank, coverage], and tails [n, most, probability], and
 * Student's t [t, df, tail, quantile of the tail]. */
#include <stdio.h>
#include <stdlib.h>

#include "measure/stats.h"
#include "measure/student.h"

int main(int argc, char **argv) {
    static const double levels[] = {0.5, 0.9, 0.95, 0.99, 0.998, 0.999, 0.99999};
    static const size_t many[] = {500, 1030, 1074, 1075, 2000, 10000, 100000};
    enum { LEVELS = sizeof levels / sizeof levels[0], MANY = sizeof many / sizeof many[0], EVERY = 200 };
    FILE *file = argc == 2 ? fopen(argv[1], "w") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: stats_rows FILE (which can be written)\n");
        return EXIT_FAILURE;
    }
    const char *between = "{\"rows\": [";
    for (size_t i = 2; i <= EVERY + MANY; i++) {
        const size_t n = i <= EVERY ? i : many[i - EVERY - 1];
        for (size_t l = 0; l < LEVELS; l++) {
            const size_t rank = stats_median_rank(n, levels[l]);
            fprintf(file, "%s[%zu, %.17g, %zu, %.17g]", between, n, levels[l], rank,
                    rank > 0 ? stats_rank_coverage(n, rank) : 0);
            between = ",\n";
        }
    }
    between = "],\n\"tails\": [";
    for (size_t i = 0; i < MANY; i++)
        for (size_t most = 0; most < many[i]; most += many[i] / 20) {
            fprintf(file, "%s[%zu, %zu, %.17g]", between, many[i], most, stats_binomial_tail(many[i], most));
            between = ",\n";
        }
    fprintf(file, "],\n\"student\": [");
    between = "";
    for (double df = 1; df < 60; df *= 1.17)
        for (double t = 0.01; t < 2000; t *= 1.9) {
            const double tail = student_tail(t, df);
            fprintf(file, "%s[%.17g, %.17g, %.17g, %.17g]", between, t, df, tail, student_quantile(tail, df));
            between = ",\n";
        }
    fprintf(file, "]}\n");
    return fclose(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
