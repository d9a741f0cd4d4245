#include "progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool quiet;
static volatile sig_atomic_t signals;

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_quiet(bool wanted) { quiet = wanted; }

void progress_start(progress *p, const char *what, double total) {
    *p = (progress){.what = what, .total = total, .started_s = now_s(), .terminal = isatty(STDERR_FILENO)};
    p->shown_s = p->started_s;
}

static void draw(const progress *p, const char *detail, double now) {
    enum { WIDTH = 24 };
    char bar[WIDTH + 1];
    const double part = p->total > 0 ? p->done / p->total : 0, elapsed_s = now - p->started_s;
    const int full = (int)(part * WIDTH);
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)(full < 0 ? 0 : full > WIDTH ? WIDTH : full));
    bar[WIDTH] = '\0';
    if (p->terminal)
        fprintf(stderr, "\r\033[K%s [%s] %3.0f %%", p->what, bar, 100 * part);
    else
        fprintf(stderr, "%s: %3.0f %%", p->what, 100 * part);
    if (part > 0 && part < 1) fprintf(stderr, ", %.0f s left", elapsed_s / part - elapsed_s);
    if (detail != NULL) fprintf(stderr, ", %s", detail);
    if (!p->terminal) fputc('\n', stderr);
    fflush(stderr);
}

void progress_at(progress *p, double done, const char *detail) {
    p->done = done;
    const double now = now_s();
    if (quiet || now - p->shown_s < (p->terminal ? 0.1 : 5)) return;
    p->shown_s = now;
    draw(p, detail, now);
}

void progress_end(progress *p, const char *detail) {
    if (quiet) return;
    if (p->terminal) fprintf(stderr, "\r\033[K");
    fprintf(stderr, "%s: done in %.1f s", p->what, now_s() - p->started_s);
    if (detail != NULL) fprintf(stderr, ", %s", detail);
    fputc('\n', stderr);
}

static void on_signal(int number) {
    signals++;
    if (signals > 1) {
        signal(number, SIG_DFL);
        raise(number);
    }
}

void interrupt_install(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    static const int asking[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++) {
        struct sigaction before;
        if (sigaction(asking[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* nohup stays nohup */
            sigaction(asking[i], &action, NULL);
    }
    signal(SIGPIPE,
           SIG_IGN); /* a reader that went away, a file too large: errors like others, after which is tidied up */
    signal(SIGXFSZ, SIG_IGN);
}

bool interrupted(void) { return signals != 0; }
