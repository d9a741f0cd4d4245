/* test_processes.c: children that do well, fail, die, hang, flood, or leave others behind; each is a line of shell.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure/clock.h"
#include "measure/processes.h"
#include "progress.h"

#include <check.h> /* last: it has a macro named fail */

enum { LONG_S = 60 }; /* far above what any of them takes */

static process_end shell(const char *line, double limit_s, char **output, error *e) {
    char *argv[] = {"sh", "-c", (char *)line, NULL}; /* posix_spawn changes none of them */
    *output = NULL;
    return process_run("/bin/sh", argv, limit_s, output, e);
}

static double seconds_since(uint64_t start_ns) { return 1e-9 * (double)(clock_now_ns() - start_ns); }

START_TEST(output_is_collected) {
    static const struct {
        const char *line, *output;
    } cases[] = {
        {"echo one; echo two", "one\ntwo\n"},
        {"true", ""},
        {"cat; echo end", "end\n"}, /* nothing on its standard input */
        {"echo told >&2; echo said", "said\n"},
        {"echo before; exec >&- 2>&-; sleep 0.05", "before\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *output;
        error e = {""};
        ck_assert_msg(shell(cases[i].line, LONG_S, &output, &e) == PROCESS_DONE, "%s", e.text);
        ck_assert_str_eq(output, cases[i].output);
        free(output);
    }
}
END_TEST

/* More than a pipe holds, on both streams at once. */
START_TEST(much_output_does_not_block) {
    enum { BYTES = 300000 };
    char *output;
    error e = {""};
    ck_assert_msg(shell("(head -c 300000 /dev/zero | tr '\\0' e >&2) & head -c 300000 /dev/zero | tr '\\0' x; wait",
                        LONG_S, &output, &e) == PROCESS_DONE,
                  "%s", e.text);
    ck_assert_uint_eq(strlen(output), BYTES);
    ck_assert_uint_eq(strspn(output, "x"), BYTES);
    free(output);
}
END_TEST

START_TEST(failures_say_why) {
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"echo first >&2; echo 'the reason' >&2; exit 3", "ended with status 3: the reason"},
        {"exit 1", "ended with status 1"},
        {"echo last words >&2; kill -KILL $$", "died of signal 9 ("},
        {"echo last words >&2; kill -KILL $$", "): last words"},
        {"echo half; kill -SEGV $$", "died of signal 11 ("},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *output;
        error e = {""};
        ck_assert_int_eq(shell(cases[i].line, LONG_S, &output, &e), PROCESS_FAILED);
        ck_assert_msg(strstr(e.text, cases[i].says) != NULL, "'%s' lacks '%s'", e.text, cases[i].says);
        ck_assert_ptr_null(output);
    }
}
END_TEST

/* What is added is there, what it replaces is gone, and the rest is as ours. */
START_TEST(an_environment_is_added) {
    static const char *const added[] = {"IDP_ENV_ADDED=a=b", "IDP_ENV_REPLACED=new", NULL};
    char *argv[] = {"sh", "-c", "env | grep ^IDP_ENV_ | sort", NULL}, *output = NULL;
    error e = {""};
    setenv("IDP_ENV_REPLACED", "old", 1);
    setenv("IDP_ENV_REPLACED_NOT", "kept", 1);
    ck_assert_int_eq(process_run_with("/bin/sh", argv, added, LONG_S, &output, &e), PROCESS_DONE);
    ck_assert_str_eq(output, "IDP_ENV_ADDED=a=b\nIDP_ENV_REPLACED=new\nIDP_ENV_REPLACED_NOT=kept\n");
    free(output);
}
END_TEST

/* A system whose posix_spawn cannot tell (QEMU's user mode) says that it ended with status 127. */
START_TEST(a_missing_program_is_an_error) {
    char *argv[] = {"nothing", NULL}, *output = NULL;
    error e = {""};
    ck_assert_int_eq(process_run("/nonexistent/program", argv, LONG_S, &output, &e), PROCESS_FAILED);
    ck_assert_msg(strstr(e.text, "can't start /nonexistent/program: ") != NULL || strstr(e.text, "127") != NULL,
                  "%s", e.text);
}
END_TEST

/* Whether it holds the streams open, has closed them, or only what it started does: it ends in time, and the pipe
 * that all of them inherit has no writer left then. */
START_TEST(the_late_are_ended_with_all_they_started) {
    static const char *const lines[] = {
        "sleep 600",
        "exec >&- 2>&-; sleep 600",
        "sleep 600 & exit 0",
        "sleep 600 & sleep 600",
        "trap '' TERM INT; sleep 600; sleep 600",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int fd[2];
        ck_assert_int_eq(pipe(fd), 0);
        char *output;
        error e = {""};
        const uint64_t start = clock_now_ns();
        ck_assert_int_eq(shell(lines[i], 0.3, &output, &e), PROCESS_LATE);
        ck_assert_double_lt(seconds_since(start), LONG_S);
        ck_assert_str_eq(e.text, "took longer than 0.3 s");
        close(fd[1]);
        struct pollfd ends = {.fd = fd[0], .events = POLLIN};
        ck_assert_int_eq(poll(&ends, 1, 1000 * LONG_S), 1);
        ck_assert_msg((ends.revents & POLLHUP) != 0, "'%s' left a process behind", lines[i]);
        close(fd[0]);
    }
}
END_TEST

/* No child is left to wait for, whatever the end. */
START_TEST(children_are_reaped) {
    static const char *const lines[] = {"true", "false", "kill -KILL $$", "sleep 600"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char *output;
        (void)shell(lines[i], 0.3, &output, NULL);
        free(output);
        errno = 0;
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
        ck_assert_int_eq(errno, ECHILD);
    }
}
END_TEST

START_TEST(this_program_can_be_started_again) {
    const char *path = NULL;
    error e = {""};
    if (!process_self(&path, &e)) {
        ck_assert_str_ne(e.text, "");
        return;
    }
    ck_assert_int_eq(access(path, X_OK), 0);
}
END_TEST

/* The last one: from here on the whole program counts as interrupted. */
START_TEST(an_interruption_ends_the_child) {
    char *output;
    error e = {""};
    interrupt_install();
    raise(SIGTERM);
    const uint64_t start = clock_now_ns();
    ck_assert_int_eq(shell("sleep 600", LONG_S, &output, &e), PROCESS_STOPPED);
    ck_assert_double_lt(seconds_since(start), LONG_S);
    ck_assert_str_eq(e.text, "interrupted");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("processes");
    TCase *all = tcase_create("processes");
    tcase_set_timeout(all, 2 * LONG_S);
    tcase_add_test(all, output_is_collected);
    tcase_add_test(all, much_output_does_not_block);
    tcase_add_test(all, failures_say_why);
    tcase_add_test(all, an_environment_is_added);
    tcase_add_test(all, a_missing_program_is_an_error);
    tcase_add_test(all, the_late_are_ended_with_all_they_started);
    tcase_add_test(all, children_are_reaped);
    tcase_add_test(all, this_program_can_be_started_again);
    tcase_add_test(all, an_interruption_ends_the_child);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
