/* fuzz_report.c: a results document as a page, as Markdown and as tables, in memory. gnuplot is not run. */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>

#include "../../harness/results/results.h"
#include "../../reports/report.h"
#include "input.h"

int __wrap_posix_spawnp(pid_t *child, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]);

int __wrap_posix_spawnp(pid_t *child, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]) {
    (void)child, (void)file, (void)actions, (void)attributes, (void)argv, (void)environment;
    return ENOENT;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const report_options o = {.formats = 0}; /* no file: the pages are made all the same */
    results r;
    error e;
    if (!results_read(&r, input_file(data, size), &e)) return 0;
    (void)report_write(r.document, "/", &o, &e);
    results_free(&r);
    return 0;
}
