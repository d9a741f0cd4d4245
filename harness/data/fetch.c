#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../output.h"
#include "../progress.h"
#include "source.h"

extern char **environ; /* POSIX has the program declare it */

enum { PATH_SIZE = 4096, POLL_MS = 20 };

/* Curl's limits, in seconds: to connect; with less than 1 KiB/s; for one file in all. */
#define CONNECT_S "20"
#define STALL_S "30"
#define WHOLE_S "1800"

typedef struct download {
    progress bar;
    double done_bytes; /* of the files before this one */
} download;

static uint64_t size_of(const char *path) {
    struct stat facts;
    return stat(path, &facts) == 0 ? (uint64_t)facts.st_size : 0;
}

/* Joins a and b with one slash between. */
static bool join(char *path, const char *a, const char *b, error *e) {
    const size_t length = strlen(a);
    const char *slash = length > 0 && a[length - 1] == '/' ? "" : "/";
    if (snprintf(path, PATH_SIZE, "%s%s%s", a, slash, b) >= PATH_SIZE)
        return fail(e, "%.200s...: the path is too long", a);
    return true;
}

/* Curl's own last line about what went wrong, into e. */
static void curl_message(const char *log, const char *url, int status, error *e) {
    char *text = NULL;
    size_t size;
    if (!input_read(log, 1 << 20, &text, &size, NULL)) text = NULL;
    char *line = text;
    if (text != NULL) {
        while (size > 0 && text[size - 1] == '\n') text[--size] = '\0';
        char *newline = strrchr(text, '\n');
        line = newline != NULL ? newline + 1 : text;
    }
    if (line != NULL && *line != '\0')
        fail(e, "%s: %s", url, line);
    else if (WIFEXITED(status))
        fail(e, "%s: curl ended with status %d (man curl, EXIT CODES)", url, WEXITSTATUS(status));
    else
        fail(e, "%s: curl was ended by signal %d", url, WTERMSIG(status));
    free(text);
}

/* Waits for curl, shows the progress, and stops it where it must be stopped. */
static bool wait_for_curl(pid_t curl, const char *url, const char *target, uint64_t limit_bytes, download *d,
                          int *status, error *e) {
    for (;;) {
        const pid_t ended = waitpid(curl, status, WNOHANG);
        if (ended == curl) break;
        if (ended < 0 && errno != EINTR) return fail(e, "cannot wait for curl: %s", strerror(errno));
        const uint64_t size = size_of(target);
        if (interrupted() || size > limit_bytes) {
            kill(curl, SIGTERM);
            while (waitpid(curl, status, 0) < 0 && errno == EINTR) continue;
            if (interrupted()) break;
            return fail(e, "%s: the file is larger than %llu bytes, it cannot be the right one", url,
                        (unsigned long long)limit_bytes);
        }
        progress_at(&d->bar, d->done_bytes + (double)size, url);
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    }
    return !interrupted() || fail(e, "interrupted; nothing was kept");
}

/* One file from one place. */
static bool run_curl(const char *url, const char *target, const char *log, uint64_t limit_bytes, download *d,
                     error *e) {
    const char *const arguments[] = {
        "curl",
        "--fail",
        "--location",
        "--silent",
        "--show-error",
        "--globoff",
        "--connect-timeout",
        CONNECT_S,
        "--speed-time",
        STALL_S,
        "--speed-limit",
        "1024",
        "--max-time",
        WHOLE_S,
        "--output",
        target,
        "--url",
        url,
        NULL,
    };
    posix_spawn_file_actions_t actions;
    int problem = posix_spawn_file_actions_init(&actions);
    if (problem != 0) return fail(e, "cannot run curl: %s", strerror(problem));
    bool loaded = false;
    problem = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (problem == 0)
        problem =
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t curl;
    if (problem == 0) {
        /* posix_spawn takes char *const[] for history's sake; it does not write to the strings. */
        char *argv[sizeof arguments / sizeof arguments[0]];
        memcpy(argv, arguments, sizeof arguments);
        problem = posix_spawnp(&curl, "curl", &actions, NULL, argv, environ);
    }
    enum { NOT_FOUND = 127 }; /* how a spawn that could not run the program may also report it (POSIX) */
    int status = 0;
    if (problem == 0 && !wait_for_curl(curl, url, target, limit_bytes, d, &status, e)) goto done;
    if (problem == ENOENT || (problem == 0 && WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND))
        fail(e, "there is no program curl on the PATH: install it (Debian: apt-get install curl)");
    else if (problem != 0)
        fail(e, "cannot run curl: %s", strerror(problem));
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        curl_message(log, url, status, e);
    else
        loaded = true;
done:
    posix_spawn_file_actions_destroy(&actions);
    return loaded;
}

static bool check_sum(const fetch_file *file, const char *path, error *e) {
    char sha256[65];
    if (!source_sha256(path, file->whole_size_bytes, sha256, e)) return false;
    if (strcmp(sha256, file->sha256) == 0) return true;
    return fail(e, "%s: its SHA-256 is %s, not %s (both decompressed)", path, sha256, file->sha256);
}

/* From the first mirror that has the right file; else one line with every mirror's reason. */
static bool fetch_one(const fetch_manifest *manifest, const fetch_file *file, const char *target, const char *log,
                      download *d, error *e) {
    error all = {""};
    for (size_t m = 0; m < manifest->mirror_count; m++) {
        char url[PATH_SIZE];
        error reason = {""};
        if (join(url, manifest->mirrors[m], file->name, &reason) &&
            run_curl(url, target, log, 4 * file->size_bytes, d, &reason)) {
            if (check_sum(file, target, &reason)) return true;
            fail_in(&reason, "%s is not the right file", url);
        }
        unlink(target);
        const size_t used = strlen(all.text);
        snprintf(all.text + used, sizeof all.text - used, "%s%s", m > 0 ? "; " : "", reason.text);
        if (interrupted()) break;
    }
    return fail(e, "cannot fetch %s of %s: %.900s", file->name, manifest->name, all.text);
}

bool fetch_files(const fetch_manifest *manifest, const char *folder, size_t *fetched, error *e) {
    char temporary[PATH_SIZE], log[PATH_SIZE], path[PATH_SIZE], target[PATH_SIZE];
    if (!output_folder(folder, e) || !join(temporary, folder, ".fetch-XXXXXX", e)) return false;
    if (mkdtemp(temporary) == NULL) return fail(e, "cannot write in %s: %s", folder, strerror(errno));
    bool *wanted = calloc(manifest->file_count, sizeof *wanted);
    bool all = false;
    if (wanted == NULL || !join(log, temporary, "curl.log", e)) goto done;
    double total_bytes = 0;
    size_t count = 0;
    for (size_t f = 0; f < manifest->file_count; f++) {
        if (!join(path, folder, manifest->files[f].name, e)) goto done;
        wanted[f] = !check_sum(&manifest->files[f], path, NULL);
        if (!wanted[f]) continue;
        count++;
        total_bytes += (double)manifest->files[f].size_bytes;
    }
    download d = {.done_bytes = 0};
    progress_start(&d.bar, "fetch", total_bytes);
    for (size_t f = 0; f < manifest->file_count; f++) {
        if (!wanted[f]) continue;
        if (!join(path, temporary, manifest->files[f].name, e)) goto done;
        if (!fetch_one(manifest, &manifest->files[f], path, log, &d, e)) goto done;
        d.done_bytes += (double)manifest->files[f].size_bytes;
    }
    if (count > 0) progress_end(&d.bar, NULL);
    for (size_t f = 0; f < manifest->file_count; f++) {
        if (!wanted[f]) continue;
        if (!join(path, temporary, manifest->files[f].name, e) || !join(target, folder, manifest->files[f].name, e))
            goto done;
        if (rename(path, target) != 0) {
            fail(e, "cannot write %s: %s", target, strerror(errno));
            goto done;
        }
    }
    *fetched = count;
    all = true;
done:
    for (size_t f = 0; f < manifest->file_count; f++)
        if (join(path, temporary, manifest->files[f].name, NULL)) unlink(path);
    unlink(log);
    rmdir(temporary);
    free(wanted);
    return all;
}
