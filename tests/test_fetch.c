/* test_fetch.c: the download, against a server on loopback: what is right is kept, what is wrong leaves no trace.
 * Needs python3 and curl; without them it ends with status 77, a skip. */
#include "data/dataset.h"
#include "data/fetch.h"
#include "data/mnist.h"
#include "progress.h"

#include <check.h> /* after error.h: it has a macro named fail, too */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "data_files.h"

extern char **environ;

/* Serves the folder argv[1] on a free port, and prints the port. Below /cut/ it announces a longer file than it
 * sends; below /huge/ it sends 64 KiB more and waits; below /moved/ it redirects. */
static const char server_program[] = "import functools, http.server, os, sys, time\n"
                                     "class Handler(http.server.SimpleHTTPRequestHandler):\n"
                                     "    def log_message(self, *args): pass\n"
                                     "    def do_GET(self):\n"
                                     "        how, _, rest = self.path[1:].partition('/')\n"
                                     "        if how not in ('cut', 'huge', 'moved'): return super().do_GET()\n"
                                     "        if how == 'moved':\n"
                                     "            self.send_response(302)\n"
                                     "            self.send_header('Location', '/' + rest)\n"
                                     "            return self.end_headers()\n"
                                     "        data = open(os.path.join(sys.argv[1], rest), 'rb').read()\n"
                                     "        if how == 'huge': data += bytes(65536)\n"
                                     "        self.send_response(200)\n"
                                     "        self.send_header('Content-Length', str(len(data) + 5))\n"
                                     "        self.end_headers()\n"
                                     "        self.wfile.write(data)\n"
                                     "        self.wfile.flush()\n"
                                     "        if how == 'huge': time.sleep(60)\n"
                                     "handler = functools.partial(Handler, directory=sys.argv[1])\n"
                                     "server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)\n"
                                     "server.daemon_threads = True\n"
                                     "print(server.server_address[1], flush=True)\n"
                                     "server.serve_forever()\n";

enum { SKIPPED = 77 };

static char served[TEST_PATH_SIZE], folder[TEST_PATH_SIZE]; /* folder: where the files shall go */
static char mirror[64], cut[64], huge[64], moved[64], nobody[64];
static pid_t server;
static error e;
static size_t fetched;

/* NIST's example "abc" and the empty message (FIPS 180-4, Secure Hash Standard). */
static const fetch_file files[] = {
    {"letters.gz", 30, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"nothing.gz", 30, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
};

static void start_server(const char *directory) {
    int out[2];
    ck_assert_int_eq(pipe(out), 0);
    posix_spawn_file_actions_t actions;
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    ck_assert_int_eq(posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO), 0);
    ck_assert_int_eq(posix_spawn_file_actions_addclose(&actions, out[0]), 0);
    ck_assert_int_eq(posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0), 0);
    const char *const words[] = {"python3", "-c", server_program, directory, NULL};
    char *argv[sizeof words / sizeof words[0]];
    memcpy(argv, words, sizeof words);
    ck_assert_int_eq(posix_spawnp(&server, "python3", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    int port = 0;
    FILE *told = fdopen(out[0], "r");
    ck_assert_ptr_nonnull(told);
    ck_assert_int_eq(fscanf(told, "%d", &port), 1);
    fclose(told);
    snprintf(mirror, sizeof mirror, "http://127.0.0.1:%d", port);
    snprintf(cut, sizeof cut, "http://127.0.0.1:%d/cut/", port);
    snprintf(huge, sizeof huge, "http://127.0.0.1:%d/huge/", port);
    snprintf(moved, sizeof moved, "http://127.0.0.1:%d/moved/", port);
    snprintf(nobody, sizeof nobody, "http://127.0.0.1:%d/nobody/", port);
}

static void stop_server(void) {
    if (server == 0) return;
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    server = 0;
}

static void serve(const char *name, const char *text) {
    bytes plain = {.size = 0};
    put(&plain, text, strlen(text));
    plain = gzip_stored(&plain);
    write_file(served, name, &plain);
}

static void setup(void) {
    setenv("no_proxy", "127.0.0.1", 1);
    make_folder(served, sizeof served);
    make_folder(folder, sizeof folder);
    serve("letters.gz", "abc");
    serve("nothing.gz", "");
    start_server(served);
    fetched = 77;
    e.text[0] = '\0';
}

static void teardown(void) {
    stop_server();
    remove_folder(served);
    remove_folder(folder);
}

static bool fetch_from(const char *first, const char *second) {
    const char *const mirrors[] = {first, second};
    const fetch_manifest manifest = {.name = "a small set",
                                     .mirrors = mirrors,
                                     .mirror_count = second != NULL ? 2 : 1,
                                     .files = files,
                                     .file_count = 2};
    return fetch_files(&manifest, folder, &fetched, &e);
}

/* Refused, with a message of one line that says so, and nothing left behind. */
static void expect_failure(const char *first, const char *clause) {
    ck_assert(!fetch_from(first, NULL));
    ck_assert_msg(strstr(e.text, clause) != NULL, "'%s' does not say '%s'", e.text, clause);
    ck_assert_ptr_null(strchr(e.text, '\n'));
    ck_assert_uint_eq(fetched, 77);
    ck_assert_uint_eq(count_entries(folder), 0);
}

static void expect_success(const char *first, const char *second, size_t downloads) {
    ck_assert_msg(fetch_from(first, second), "%s", e.text);
    ck_assert_uint_eq(fetched, downloads);
    ck_assert_uint_eq(count_entries(folder), 2);
    ck_assert_int_eq(access(path_in(folder, "letters.gz"), R_OK), 0);
}

START_TEST(keeps_the_right_files) {
    expect_success(mirror, NULL, 2);
    stop_server();
    expect_success(mirror, NULL, 0); /* they are there already */
}
END_TEST

START_TEST(makes_the_folder) {
    remove_folder(folder);
    join_path(folder, served, "new/and/deep");
    expect_success(mirror, NULL, 2);
}
END_TEST

START_TEST(mends_what_is_wrong) {
    expect_success(mirror, NULL, 2);
    write_file(folder, "letters.gz", &(bytes){.size = 0});
    expect_success(mirror, NULL, 1);
    expect_success(mirror, NULL, 0);
}
END_TEST

START_TEST(follows_redirects) { expect_success(moved, NULL, 2); }
END_TEST

START_TEST(tries_the_next_mirror) { expect_success(nobody, mirror, 2); }
END_TEST

START_TEST(refuses_wrong_content) {
    serve("letters.gz", "abd");
    expect_failure(mirror, "is not the right file");
    bytes page = {.size = 0};
    put(&page, "<html>", 6);
    write_file(served, "letters.gz", &page);
    expect_failure(mirror, "more than the 3 bytes");
}
END_TEST

/* The first file is right, the second is not: neither is kept. */
START_TEST(keeps_all_or_nothing) {
    serve("nothing.gz", "something");
    expect_failure(mirror, "nothing.gz");
}
END_TEST

START_TEST(refuses_truncated_files) {
    expect_failure(cut, "curl: (18)");
    bytes plain = {.size = 0};
    put(&plain, "abc", 3);
    plain = gzip_stored(&plain);
    plain.size -= 1;
    write_file(served, "letters.gz", &plain);
    expect_failure(mirror, "truncated");
}
END_TEST

START_TEST(refuses_huge_files) { expect_failure(huge, "larger than 120 bytes"); }
END_TEST

START_TEST(tells_http_errors) {
    expect_failure(nobody, "404");
    expect_failure(nobody, nobody);
}
END_TEST

START_TEST(tells_that_nobody_answers) {
    stop_server();
    expect_failure(mirror, "curl: (7)");
}
END_TEST

START_TEST(tells_that_curl_is_missing) {
    const char *now = getenv("PATH");
    ck_assert_ptr_nonnull(now);
    char *path = strdup(now);
    setenv("PATH", served, 1);
    expect_failure(mirror, "no program curl");
    setenv("PATH", path, 1);
    free(path);
}
END_TEST

START_TEST(tells_that_the_folder_is_none) {
    remove_folder(folder);
    join_path(folder, served, "letters.gz");
    ck_assert(!fetch_from(mirror, NULL));
    ck_assert_msg(strstr(e.text, folder) != NULL, "%s", e.text);
}
END_TEST

/* The real one, from the folder IDP_DATA. */
START_TEST(fetches_mnist) {
    static dataset d;
    const char *data = getenv("IDP_DATA");
    if (data == NULL || access(path_in(data, mnist_manifest.files[0].name), R_OK) != 0) {
        printf("SKIPPED: fetch: MNIST: IDP_DATA names no folder with MNIST's .gz files\n");
        return;
    }
    stop_server();
    start_server(data);
    fetch_manifest manifest = mnist_manifest;
    const char *const here = mirror;
    manifest.mirrors = &here;
    manifest.mirror_count = 1;
    ck_assert_msg(fetch_files(&manifest, folder, &fetched, &e), "%s", e.text);
    ck_assert_uint_eq(fetched, 4);
    ck_assert_msg(dataset_load(&d, folder, &e), "%s", e.text);
    ck_assert_str_eq(d.name, "mnist");
    dataset_free(&d);
}
END_TEST

static bool on_path(const char *program) {
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        char candidate[TEST_PATH_SIZE];
        const size_t length = strcspn(path, ":");
        snprintf(candidate, sizeof candidate, "%.*s/%s", (int)length, path, program);
        if (access(candidate, X_OK) == 0) return true;
        path += length + (path[length] == ':');
    }
    printf("SKIPPED: fetch: all of it: there is no program %s on the PATH\n", program);
    return false;
}

int main(void) {
    if (!on_path("python3") || !on_path("curl")) return SKIPPED;
    progress_quiet(true);
    Suite *suite = suite_create("fetch");
    TCase *test_case = tcase_create("fetch");
    tcase_set_timeout(test_case, 60);
    tcase_add_checked_fixture(test_case, setup, teardown);
    tcase_add_test(test_case, keeps_the_right_files);
    tcase_add_test(test_case, makes_the_folder);
    tcase_add_test(test_case, mends_what_is_wrong);
    tcase_add_test(test_case, follows_redirects);
    tcase_add_test(test_case, tries_the_next_mirror);
    tcase_add_test(test_case, refuses_wrong_content);
    tcase_add_test(test_case, keeps_all_or_nothing);
    tcase_add_test(test_case, refuses_truncated_files);
    tcase_add_test(test_case, refuses_huge_files);
    tcase_add_test(test_case, tells_http_errors);
    tcase_add_test(test_case, tells_that_nobody_answers);
    tcase_add_test(test_case, tells_that_curl_is_missing);
    tcase_add_test(test_case, tells_that_the_folder_is_none);
    tcase_add_test(test_case, fetches_mnist);
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
