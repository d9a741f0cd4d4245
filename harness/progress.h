/* progress.h: long work shows where it is (a bar on a terminal, plain lines otherwise, on stderr) and stops cleanly
 * on Ctrl-C. */
#ifndef HARNESS_PROGRESS_H
#define HARNESS_PROGRESS_H

#include <stdbool.h>

typedef struct progress {
    const char *what; /* "train", "bench", ... */
    double total, done, started_s, shown_s;
    bool terminal;
} progress;

void progress_start(progress *p, const char *what, double total);

/* Says that `done` of `total` is done; detail (may be NULL) is shown behind it. Cheap: draws at most ten times a
 * second on a terminal, every five seconds otherwise. */
void progress_at(progress *p, double done, const char *detail);
void progress_end(progress *p, const char *detail);

/* Silences progress (option --quiet). */
void progress_quiet(bool quiet);

/* Installs handlers for SIGINT, SIGTERM and SIGHUP that only set a flag; a second signal ends the program at once.
 * SIGPIPE and SIGXFSZ are ignored: the write fails instead. */
void interrupt_install(void);

/* True once the user asked to stop. Loops look at it between steps and unwind. */
bool interrupted(void);

#endif
