#include "tool.h"

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ; /* POSIX has the program declare it */

enum { MOST_BYTES = 256 << 20 };

static char *contents(FILE *file, size_t *read_size) {
    if (fseek(file, 0, SEEK_END) != 0) return NULL;
    const long size = ftell(file);
    if (size < 0 || size > MOST_BYTES) return NULL;
    rewind(file);
    char *text = malloc((size_t)size + 1);
    if (text == NULL) return NULL;
    *read_size = fread(text, 1, (size_t)size, file);
    text[*read_size] = '\0';
    if (*read_size == (size_t)size) return text;
    free(text);
    return NULL;
}

static const char *last_line(char *text) {
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '\n') text[--length] = '\0';
    const char *newline = strrchr(text, '\n');
    return newline != NULL ? newline + 1 : text;
}

static bool start(const char *const *argv, FILE *in, FILE *out, FILE *err, pid_t *child, error *e) {
    posix_spawn_file_actions_t actions;
    int problem = posix_spawn_file_actions_init(&actions);
    if (problem != 0) return fail(e, "cannot run %s: %s", argv[0], strerror(problem));
    problem = in != NULL ? posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO)
                         : posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
    if (problem == 0) problem = posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
    if (problem == 0) problem = posix_spawn_file_actions_adddup2(&actions, fileno(err), STDERR_FILENO);
    /* posix_spawn takes the arguments as char *, and does not write to them. */
    if (problem == 0)
        problem = posix_spawnp(child, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return problem == 0 || fail(e, "cannot run %s: %s", argv[0], strerror(problem));
}

bool tool_run(const char *const *argv, FILE *in, char **out, size_t *out_size, char **err, error *e) {
    bool done = false;
    char *text = NULL, *complaint = NULL;
    size_t size = 0, complaint_size = 0;
    FILE *out_file = tmpfile(), *err_file = tmpfile();
    pid_t child;
    int status;
    if (out_file == NULL || err_file == NULL) {
        fail(e, "cannot make a temporary file: %s", strerror(errno));
        goto done;
    }
    if (in != NULL && (ferror(in) || fflush(in) != 0 || fseek(in, 0, SEEK_SET) != 0)) {
        fail(e, "cannot write the input of %s: %s", argv[0], strerror(errno));
        goto done;
    }
    if (!start(argv, in, out_file, err_file, &child, e)) goto done;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) {
            fail(e, "cannot wait for %s: %s", argv[0], strerror(errno));
            goto done;
        }
    text = contents(out_file, &size);
    complaint = contents(err_file, &complaint_size);
    if (text == NULL || complaint == NULL)
        fail(e, "%s: what it printed cannot be read, or is too much", argv[0]);
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail(e, "%s failed: %s", argv[0], last_line(complaint));
    else
        done = true;
done:
    if (out_file != NULL) fclose(out_file);
    if (err_file != NULL) fclose(err_file);
    if (done) {
        *out = text;
        if (out_size != NULL) *out_size = size;
        *err = complaint;
    } else {
        free(text);
        free(complaint);
    }
    return done;
}

const char *tool_find(const char *const *names) {
    const char *path = getenv("PATH");
    for (; *names != NULL; names++) {
        for (const char *folder = path; folder != NULL && *folder != '\0';) {
            char file[4096];
            const size_t length = strcspn(folder, ":");
            if (snprintf(file, sizeof file, "%.*s/%s", (int)length, folder, *names) < (int)sizeof file &&
                access(file, X_OK) == 0)
                return *names;
            folder += length + (folder[length] == ':');
        }
    }
    return NULL;
}
