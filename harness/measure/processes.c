/* processes.c: see processes.h. Two pipes, one poll loop, one wait. */
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include "../progress.h"
#include "clock.h"

extern char **environ;

enum {
    LOOK_MS = 100, /* how often to look whether the user asked to stop; a signal also ends poll by itself */
    PIECE_BYTES = 16384,
    LAST_WORDS = 256, /* of standard error */
};

bool process_self(const char **path, error *e) {
#if defined(__linux__)
    *path = "/proc/self/exe"; /* the running file itself, even when a newer build has taken its name */
    return access(*path, X_OK) == 0 || fail(e, "%s can't be started again: %s", *path, strerror(errno));
#elif defined(__APPLE__)
    static char buffer[4096];
    uint32_t size = sizeof buffer;
    if (_NSGetExecutablePath(buffer, &size) != 0) return fail(e, "the path of this program is too long");
    *path = buffer;
    return true;
#else
    (void)path;
    return fail(e, "this system does not tell where the running program's file is");
#endif
}

/* ---- what the child writes --------------------------------------------------------------------------------- */

typedef struct stream {
    int fd; /* -1 at its end */
    char *text;
    size_t size, room;
} stream;

static bool stream_append(stream *s, const char *piece, size_t size) {
    if (s->size + size + 1 > s->room) {
        const size_t room = 2 * (s->size + size + 1);
        char *text = realloc(s->text, room);
        if (text == NULL) return false;
        s->text = text;
        s->room = room;
    }
    memcpy(s->text + s->size, piece, size);
    s->size += size;
    s->text[s->size] = '\0';
    return true;
}

/* Of standard error only the end is kept. */
static void keep_last_words(stream *s) {
    if (s->size < 2 * LAST_WORDS) return;
    memmove(s->text, s->text + s->size - LAST_WORDS, LAST_WORDS + 1);
    s->size = LAST_WORDS;
}

static void stream_close(stream *s) {
    if (s->fd >= 0) close(s->fd);
    s->fd = -1;
}

/* Takes what is there. False with a message when memory or patience is over. */
static bool stream_read(stream *s, size_t most, error *e) {
    char piece[PIECE_BYTES];
    const ssize_t got = read(s->fd, piece, sizeof piece);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got <= 0) {
        stream_close(s);
        return true;
    }
    if (s->size + (size_t)got > most) return fail(e, "wrote more than %zu bytes", most);
    return stream_append(s, piece, (size_t)got) || fail(e, "no memory for its output");
}

/* The last line of text that is not empty; cuts `text`. */
static const char *last_line(char *text) {
    if (text == NULL) return "";
    size_t end = strlen(text);
    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' ')) end--;
    text[end] = '\0';
    const char *newline = strrchr(text, '\n');
    return newline != NULL ? newline + 1 : text;
}

/* ---- the child --------------------------------------------------------------------------------------------- */

/* Both ends close themselves in other children. */
static bool pipe_make(int fd[2]) {
    if (pipe(fd) != 0) return false;
    for (int i = 0; i < 2; i++) (void)fcntl(fd[i], F_SETFD, FD_CLOEXEC);
    return true;
}

/* Starts it with its output into the two pipes. Returns an errno. */
static int start(const char *program, char *const argv[], char *const environment[], int output, int errors,
                 pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    if (posix_spawn_file_actions_init(&actions) != 0) return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* a child whose reader is gone has nothing left to do */
    int status = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (status == 0) status = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (status == 0) status = posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
    if (status == 0) status = posix_spawnattr_setsigdefault(&attributes, &defaults);
    if (status == 0) status = posix_spawnattr_setpgroup(&attributes, 0);
    if (status == 0) status = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    if (status == 0) status = posix_spawn(pid, program, &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return status;
}

/* How long it may still take. */
typedef struct patience {
    double limit_s;
    uint64_t started_ns;
} patience;

static double left_s(const patience *p) { return p->limit_s - 1e-9 * (double)(clock_now_ns() - p->started_ns); }

/* PROCESS_DONE: go on waiting. Else why the child must be ended. */
static process_end look(const patience *p, error *e) {
    if (interrupted()) {
        fail(e, "interrupted");
        return PROCESS_STOPPED;
    }
    if (left_s(p) > 0) return PROCESS_DONE;
    fail(e, "took longer than %.3g s", p->limit_s);
    return PROCESS_LATE;
}

/* Reads until both streams end. */
static process_end listen_to(stream *output, stream *errors, const patience *p, error *e) {
    while (output->fd >= 0 || errors->fd >= 0) {
        const process_end end = look(p, e);
        if (end != PROCESS_DONE) return end;
        struct pollfd ready[] = {{.fd = output->fd, .events = POLLIN}, {.fd = errors->fd, .events = POLLIN}};
        const int wait_ms = (int)fmax(0, fmin(LOOK_MS, ceil(1e3 * left_s(p))));
        if (poll(ready, 2, wait_ms) < 0 && errno != EINTR) {
            fail(e, "can't be listened to: %s", strerror(errno));
            return PROCESS_FAILED;
        }
        if (ready[0].revents != 0 && !stream_read(output, PROCESS_OUTPUT_MOST, e)) return PROCESS_FAILED;
        if (ready[1].revents != 0 && !stream_read(errors, SIZE_MAX, e)) return PROCESS_FAILED;
        keep_last_words(errors);
    }
    return PROCESS_DONE;
}

/* Waits for the end of a child that has closed its output; most have ended then. */
static process_end wait_for(pid_t pid, const patience *p, int *status, error *e) {
    const struct timespec pause = {.tv_nsec = 1000000};
    for (;;) {
        const pid_t got = waitpid(pid, status, WNOHANG);
        if (got == pid) return PROCESS_DONE;
        if (got < 0 && errno != EINTR) {
            fail(e, "can't be waited for: %s", strerror(errno));
            return PROCESS_FAILED;
        }
        const process_end end = look(p, e);
        if (end != PROCESS_DONE) return end;
        nanosleep(&pause, NULL);
    }
}

/* The child by itself too: where fork stands in for vfork (QEMU's user mode) it may not have its group yet. */
static void end_now(pid_t pid) {
    int status;
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
}

/* What its end means. */
static process_end judge_end(int status, char *errors, error *e) {
    const char *line = last_line(errors), *colon = line[0] != '\0' ? ": " : "";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return PROCESS_DONE;
    if (WIFSIGNALED(status))
        fail(e, "died of signal %d (%s)%s%s", WTERMSIG(status), strsignal(WTERMSIG(status)), colon, line);
    else
        fail(e, "ended with status %d%s%s", WEXITSTATUS(status), colon, line);
    return PROCESS_FAILED;
}

static bool same_name(const char *a, const char *b) {
    const size_t length = strcspn(a, "=");
    return strncmp(a, b, length + 1) == 0;
}

/* Ours, but for what `added` names, and `added`. The strings stay where they are; free() the array. */
static char **merge_environment(const char *const *added) {
    size_t ours = 0, more = 0, count = 0;
    while (environ[ours] != NULL) ours++;
    while (added != NULL && added[more] != NULL) more++;
    char **merged = calloc(ours + more + 1, sizeof *merged);
    if (merged == NULL) return NULL;
    for (size_t i = 0; i < ours; i++) {
        bool replaced = false;
        for (size_t a = 0; a < more; a++) replaced = replaced || same_name(added[a], environ[i]);
        if (!replaced) merged[count++] = environ[i];
    }
    for (size_t a = 0; a < more; a++) merged[count++] = (char *)(uintptr_t)added[a];
    return merged;
}

process_end process_run(const char *program, char *const argv[], double limit_s, char **output, error *e) {
    return process_run_with(program, argv, NULL, limit_s, output, e);
}

process_end process_run_with(const char *program, char *const argv[], const char *const *environment,
                             double limit_s, char **output, error *e) {
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    stream from_out = {.fd = -1}, from_err = {.fd = -1};
    const patience patience_left = {limit_s, clock_now_ns()};
    process_end end = PROCESS_FAILED;
    pid_t pid = -1;
    int status = 0;
    char **merged = merge_environment(environment);
    if (merged == NULL) {
        fail(e, "no memory for the environment of a process");
        goto done;
    }
    if (!pipe_make(out) || !pipe_make(err)) {
        fail(e, "no pipe to a process: %s", strerror(errno));
        goto done;
    }
    status = start(program, argv, merged, out[1], err[1], &pid);
    if (status != 0) {
        fail(e, "can't start %s: %s", program, strerror(status));
        goto done;
    }
    close(out[1]);
    close(err[1]);
    from_out.fd = out[0];
    from_err.fd = err[0];
    out[0] = out[1] = err[0] = err[1] = -1;

    end = listen_to(&from_out, &from_err, &patience_left, e);
    if (end == PROCESS_DONE) end = wait_for(pid, &patience_left, &status, e);
    if (end == PROCESS_DONE)
        end = judge_end(status, from_err.text, e);
    else
        end_now(pid);
    if (end == PROCESS_DONE && from_out.text == NULL && !stream_append(&from_out, "", 0)) {
        fail(e, "no memory for its output");
        end = PROCESS_FAILED;
    }
    if (end == PROCESS_DONE) {
        *output = from_out.text;
        from_out.text = NULL;
    }
done:
    for (int i = 0; i < 2; i++) {
        if (out[i] >= 0) close(out[i]);
        if (err[i] >= 0) close(err[i]);
    }
    stream_close(&from_out);
    stream_close(&from_err);
    free(from_out.text);
    free(from_err.text);
    free(merged);
    return end;
}
