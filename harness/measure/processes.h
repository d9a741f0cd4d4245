/* processes.h: a program run to its end, with its output, a time limit, and no child left behind. */
#ifndef HARNESS_MEASURE_PROCESSES_H
#define HARNESS_MEASURE_PROCESSES_H

#include <stddef.h>

#include "../error.h"

/* The path under which this very program can be started again, whatever happens to its file meanwhile; in a buffer
 * that lives as long as the program. */
bool process_self(const char **path, error *e);

typedef enum process_end {
    PROCESS_DONE,    /* exit status 0 */
    PROCESS_LATE,    /* ended by us when its time was up */
    PROCESS_STOPPED, /* ended by us when the user asked to stop */
    PROCESS_FAILED   /* everything else */
} process_end;

enum { PROCESS_OUTPUT_MOST = 64 << 20 };

/* Starts `program` with argv (ending in NULL), nothing on its standard input, in a process group of its own so that
 * a Ctrl-C reaches it through us only, and waits for its end, `limit_s` at most. When it returns, the child is
 * reaped; when it was ended by us, so is its process group. On PROCESS_DONE *output (NUL-terminated, free it) is
 * what it wrote to its standard output, at most PROCESS_OUTPUT_MOST bytes; otherwise e says what went wrong, with
 * the last line that the child wrote to its standard error. */
process_end process_run(const char *program, char *const argv[], double limit_s, char **output, error *e);

/* The same, with these "NAME=value" (NULL-terminated; NULL: none) in its environment besides ours; where ours has
 * such a NAME, ours gives way. */
process_end process_run_with(const char *program, char *const argv[], const char *const *environment,
                             double limit_s, char **output, error *e);

#endif
