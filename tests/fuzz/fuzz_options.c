/* fuzz_options.c: command lines, a word a line, the first of them the command. Options are read and checked as the
 * program does it; in the place of the work behind them stand the functions below, which do none. */
#include <getopt.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "../../harness/commands.h"
#include "../../harness/data/dataset.h"
#include "../../harness/data/fetch.h"
#include "../../harness/data/source.h"
#include "../../harness/matrix/worker.h"
#include "../../harness/measure/clock.h"
#include "../../harness/measure/workload.h"
#include "../../harness/output.h"
#include "../../harness/progress.h"
#include "../../harness/results/results.h"
#include "../../harness/tool.h"
#include "input.h"

/* ---- no work (the linker puts them there: see CMakeLists.txt) -------------------------------------------------
 */

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define INSTEAD(result, name, ...)     \
    result __wrap_##name(__VA_ARGS__); \
    result __wrap_##name(__VA_ARGS__)

INSTEAD(bool, input_read, const char *path, size_t limit, char **bytes, size_t *size, error *e) {
    return fail(e, "no files");
}
INSTEAD(source *, source_open, const char *path, error *e) {
    fail(e, "no files");
    return NULL;
}
INSTEAD(bool, output_open, output *out, const char *path, error *e) { /* can be written; nothing comes to it */
    *out = (output){.file = NULL};
    return true;
}
INSTEAD(bool, output_write, const char *path, const void *bytes, size_t size, error *e) { return true; }
INSTEAD(bool, output_folder, const char *path, error *e) { return true; }
INSTEAD(bool, results_new, results *r, const char *typed, uint64_t seed, error *e) { return fail(e, "no results"); }
INSTEAD(bool, dataset_load, dataset *d, const char *folder, error *e) { return fail(e, "no data"); }
INSTEAD(bool, fetch_files, const fetch_manifest *manifest, const char *folder, size_t *fetched, error *e) {
    return fail(e, "no network");
}
INSTEAD(bool, tool_run, const char *const *argv, FILE *in, char **out, char **err, error *e) {
    return fail(e, "no tools");
}
INSTEAD(bool, workload_make, const workload_spec *spec, const workload_place *place, workload *made, error *e) {
    return fail(e, "no workloads");
}
INSTEAD(bool, matrix_layer_make, const matrix_series *series, const idp_backend *backend, uint64_t seed,
        matrix_layer *layer, error *e) {
    return fail(e, "no layers");
}
INSTEAD(json_t *, matrix_network_work, const matrix_request *q, error *e) {
    fail(e, "no networks");
    return NULL;
}
INSTEAD(bool, cpu_pin_here, cpu_pin *pin, const char **unavailable) { return false; }
INSTEAD(bool, clock_set_ftz, bool on) { return true; }
INSTEAD(unsigned, alarm, unsigned seconds) { return 0; } /* libFuzzer's own would end */

/* The system's takes the memory and the hours that an expression asks for, and its user is who typed it. */
extern int __real_regcomp(regex_t *compiled, const char *pattern, int flags);
INSTEAD(int, regcomp, regex_t *compiled, const char *pattern, int flags) {
    enum { LONGEST = 24 };
    if (strlen(pattern) > LONGEST || strpbrk(pattern, "{\\") != NULL) return REG_BADPAT;
    return __real_regcomp(compiled, pattern, flags);
}

/* ---- the target -----------------------------------------------------------------------------------------------
 */

static const command *command_of(const char *word) {
    size_t sum = 0;
    for (unsigned c = 0; c < command_count; c++)
        if (strcmp(commands[c].name, word) == 0) return &commands[c];
    for (const char *at = word; *at != '\0'; at++) sum += (unsigned char)*at;
    return &commands[sum % command_count]; // NOLINT(clang-analyzer-core.DivideZero): main.c has commands
}

/* getopt keeps a place within a word of the last line. */
static void forget_last_line(void) {
    char *const none[] = {(char[]){"idp"}, NULL};
    optind = 0;
    (void)getopt(1, none, "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { MOST_BYTES = 4096, MOST_WORDS = 64 };
    static char text[MOST_BYTES + 1];
    static char *words[MOST_WORDS + 1];
    static bool quiet;
    int count = 0;
    if (!quiet) quiet = freopen("/dev/null", "w", stdout) != NULL;
    if (size > MOST_BYTES) return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *rest = text; rest != NULL && count < MOST_WORDS;) {
        words[count++] = rest;
        rest = strchr(rest, '\n');
        if (rest != NULL) *rest++ = '\0';
    }
    words[count] = NULL;
    const command *chosen = command_of(words[0]);
    words[0] = (char *)(uintptr_t)chosen->name;
    error e = {""};
    forget_last_line();
    const int status = chosen->run(count, words, &e);
    claim(status == 0 || status == EXIT_NO || status == EXIT_ERROR, "status %d", status);
    claim(status != EXIT_ERROR || (e.text[0] != '\0' && strchr(e.text, '\n') == NULL),
          "an error of no line, or of several: '%s'", e.text);
    return 0;
}
