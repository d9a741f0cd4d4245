/* jobs.c: see jobs.h. A child sends its whole answer, smaller than PIPE_BUF, with one write: it arrives whole or
 * not at all. */
#define _POSIX_C_SOURCE 200809L
#include "jobs.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct answer {
    bool done;
    error e;
    double value[JOBS_MOST_VALUES];
} answer;
static_assert(sizeof(answer) <= 4096, "one atomic write on a pipe");

typedef struct child {
    pid_t pid;
    int from; /* reading end */
    size_t job;
} child;

typedef struct pool {
    const jobs *j;
    child running[JOBS_MOST_PARALLEL];
    size_t count;
} pool;

static void child_main(const jobs *j, size_t job, int to) {
    answer a;
    memset(&a, 0, sizeof a);
    progress_quiet(true);
    a.done = j->run(j->context, job, a.value, &a.e);
    const bool sent = write(to, &a, sizeof a) == (ssize_t)sizeof a;
    _exit(sent ? 0 : 1); /* the parent's buffers are not ours to flush */
}

static bool start(pool *p, size_t job, error *e) {
    int ends[2];
    if (pipe(ends) != 0) return fail(e, "cannot make a pipe: %s", strerror(errno));
    fflush(NULL);
    const pid_t pid = fork();
    if (pid < 0) {
        const int why = errno;
        close(ends[0]);
        close(ends[1]);
        return fail(e, "cannot start a process: %s", strerror(why));
    }
    if (pid == 0) {
        close(ends[0]);
        child_main(p->j, job, ends[1]);
    }
    close(ends[1]);
    p->running[p->count++] = (child){pid, ends[0], job};
    return true;
}

static void reap(pool *p, size_t index) {
    const child c = p->running[index];
    p->running[index] = p->running[--p->count];
    close(c.from);
    while (waitpid(c.pid, NULL, 0) < 0 && errno == EINTR) continue;
}

static void end_all(pool *p) {
    /* Twice: the first asks it to stop between two steps, the second, should it come later, ends it at once. */
    for (size_t i = 0; i < p->count; i++) kill(p->running[i].pid, SIGTERM);
    while (p->count > 0) reap(p, p->count - 1);
}

/* Takes the answer of a child that has one, or has died. */
static bool take(pool *p, size_t index, double *results, error *e) {
    const jobs *j = p->j;
    const child c = p->running[index];
    answer a;
    char name[128];
    ssize_t got;
    do got = read(c.from, &a, sizeof a);
    while (got < 0 && errno == EINTR);
    reap(p, index);
    j->name(j->context, c.job, name, sizeof name);
    if (got != (ssize_t)sizeof a) return fail(e, "%s: its process ended without an answer (out of memory?)", name);
    if (!a.done) {
        *e = a.e;
        return fail_in(e, "%s", name);
    }
    memcpy(results + c.job * j->values, a.value, j->values * sizeof *results);
    return true;
}

static bool wait_some(pool *p, double *results, double *finished, error *e) {
    struct pollfd ready[JOBS_MOST_PARALLEL];
    const size_t count = p->count;
    for (size_t i = 0; i < count; i++) ready[i] = (struct pollfd){.fd = p->running[i].from, .events = POLLIN};
    if (poll(ready, (nfds_t)count, 200) < 0 && errno != EINTR)
        return fail(e, "cannot wait for a process: %s", strerror(errno));
    if (interrupted()) return fail(e, "interrupted; nothing was written");
    for (size_t i = count; i-- > 0;) { /* from the end: taking one puts the last in its place */
        if (ready[i].revents == 0) continue;
        const double cost = p->j->cost(p->j->context, p->running[i].job);
        if (!take(p, i, results, e)) return false;
        *finished += cost;
    }
    return true;
}

bool jobs_run(const jobs *j, const char *what, double *results, error *e) {
    assert(j->values <= JOBS_MOST_VALUES && j->parallel >= 1 && j->parallel <= JOBS_MOST_PARALLEL);
    pool p = {.j = j};
    progress bar;
    double total = 0, finished = 0;
    for (size_t i = 0; i < j->count; i++) total += j->cost(j->context, i);
    progress_start(&bar, what, total);
    for (size_t next = 0; next < j->count || p.count > 0;) {
        while (next < j->count && p.count < j->parallel) {
            if (!start(&p, next, e)) goto stop;
            next++;
        }
        if (!wait_some(&p, results, &finished, e)) goto stop;
        char name[128] = "";
        if (p.count > 0) j->name(j->context, p.running[0].job, name, sizeof name);
        progress_at(&bar, finished, name);
    }
    progress_end(&bar, NULL);
    return true;
stop:
    end_all(&p);
    return false;
}
