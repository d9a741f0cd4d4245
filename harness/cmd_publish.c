/* cmd_publish.c: `idp publish`: results documents into the folder of published ones, and its overview. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../reports/report.h"
#include "commands.h"
#include "output.h"
#include "results/publish.h"
#include "results/results.h"

static const char help[] =
    "Usage: idp publish [RESULTS.json]... [OPTION]...\n"
    "\n"
    "Puts results documents into the folder of published ones, each under the name of its CPU and\n"
    "commit, and makes the folder's overview.md anew: the newest of each machine side by side.\n"
    "Without a document only the overview. Refused is what nobody could repeat: a build from changed\n"
    "files, an emulated CPU, a quick run, accuracy on synthetic images.\n"
    "\n"
    "  --folder DIR   of the published documents (default reports/results)\n"
    "  --check        write nothing; status 1 where a document is not as it should be there, or\n"
    "                 overview.md is not what would be written\n"
    "  -h, --help     this text\n";

enum { PATH_SIZE = 4096, FILES_MOST = 4096, OVERVIEW_MOST = 16 << 20 };
static const char overview_title[] = "Published results";
static const char overview_mark[] = "<!-- Made by `idp publish`; change the documents, not this file. -->\n";

/* The documents of the folder, by name. */
typedef struct shelf {
    results *read;
    char (*path)[PATH_SIZE];
    size_t count;
} shelf;

static void shelf_free(shelf *s) {
    for (size_t d = 0; d < s->count; d++) results_free(&s->read[d]);
    free(s->read);
    free(s->path);
}

static int by_text(const void *left, const void *right) { return strcmp(left, right); }

static bool is_document(const char *name) {
    const size_t length = strlen(name);
    return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".json") == 0;
}

/* The paths, sorted. */
static bool list(shelf *s, const char *folder, size_t *count, error *e) {
    DIR *open = opendir(folder);
    bool good = open != NULL || fail(e, "--folder %s: %s", folder, strerror(errno));
    *count = 0;
    for (const struct dirent *entry; good && (entry = readdir(open)) != NULL;) {
        if (!is_document(entry->d_name)) continue;
        char(*grown)[PATH_SIZE] = *count < FILES_MOST ? realloc(s->path, (*count + 1) * sizeof *s->path) : NULL;
        good = grown != NULL || fail(e, "%s: too many files", folder);
        if (!good) break;
        s->path = grown;
        good = snprintf(s->path[*count], PATH_SIZE, "%s/%s", folder, entry->d_name) < PATH_SIZE ||
               fail(e, "%.200s...: the path is too long", folder);
        *count += 1;
    }
    if (open != NULL) closedir(open);
    if (good && *count > 0) qsort(s->path, *count, sizeof *s->path, by_text);
    return good;
}

static bool shelf_read(shelf *s, const char *folder, error *e) {
    size_t count;
    if (!list(s, folder, &count, e)) return false;
    s->read = calloc(count + 1, sizeof *s->read);
    if (s->read == NULL) return fail(e, "no memory for %zu documents", count);
    for (; s->count < count; s->count++)
        if (!results_read(&s->read[s->count], s->path[s->count], e)) return false;
    return true;
}

/* ---- the overview ---------------------------------------------------------------------------------------------
 */

static const char *time_of(const json_t *document) {
    const char *time = json_string_value(json_object_get(json_object_get(document, "run"), "time"));
    return time != NULL ? time : "";
}

/* The same machine at another commit: the names are alike up to the last dash. */
static bool same_machine(const char *a, const char *b) {
    const size_t length = (size_t)(strrchr(a, '-') != NULL ? strrchr(a, '-') - a : 0);
    return length > 0 && strncmp(a, b, length) == 0 && strrchr(b, '-') == b + length;
}

static bool is_newest(const shelf *s, size_t d) {
    for (size_t o = 0; o < s->count; o++) {
        const int order = strcmp(time_of(s->read[o].document), time_of(s->read[d].document));
        if (o != d && same_machine(s->path[d], s->path[o]) && (order > 0 || (order == 0 && o > d))) return false;
    }
    return true;
}

/* NULL with an error; the caller frees. */
static char *overview_of(const shelf *s, error *e) {
    const json_t **document = calloc(s->count + 1, sizeof *document);
    const char **path = calloc(s->count + 1, sizeof *path);
    char *page = NULL, *whole = NULL;
    size_t count = 0;
    for (size_t d = 0; document != NULL && path != NULL && d < s->count; d++) {
        if (!is_newest(s, d)) continue;
        document[count] = s->read[d].document;
        path[count++] = s->path[d];
    }
    if (document == NULL || path == NULL)
        fail(e, "no memory for the overview");
    else
        page = report_overview(document, path, count, overview_title, e);
    if (page != NULL) {
        const size_t size = sizeof overview_mark + strlen(page);
        whole = malloc(size);
        if (whole != NULL)
            snprintf(whole, size, "%s%s", overview_mark, page);
        else
            fail(e, "no memory for the overview");
    }
    free(page);
    free(document);
    free(path);
    return whole;
}

/* ---- the command ----------------------------------------------------------------------------------------------
 */

static bool may_publish(const char *path, error *e) {
    results r = {0};
    const bool may = results_read(&r, path, e) && publish_check(r.document, path, e);
    results_free(&r);
    return may;
}

static bool publish(const char *path, const char *folder, error *e) {
    results r = {0};
    char name[PUBLISH_NAME], to[PATH_SIZE];
    if (!results_read(&r, path, e)) return false;
    publish_name(r.document, name);
    bool done = snprintf(to, sizeof to, "%s/%s", folder, name) < PATH_SIZE || fail(e, "%.200s: too long", folder);
    done = done && results_save(&r, to, e);
    if (done) printf("%s: published as %s\n", path, to);
    results_free(&r);
    return done;
}

/* Whether the documents are as they should be, in a line each where not. */
static bool check_documents(const shelf *s) {
    bool good = true;
    for (size_t d = 0; d < s->count; d++) {
        char name[PUBLISH_NAME];
        error e = {""};
        publish_name(s->read[d].document, name);
        const char *own = strrchr(s->path[d], '/') + 1;
        if (!publish_check(s->read[d].document, s->path[d], &e))
            printf("%s\n", e.text);
        else if (strcmp(own, name) != 0)
            printf("%s: should be named %s\n", s->path[d], name);
        else
            continue;
        good = false;
    }
    return good;
}

static bool is_current(const char *path, const char *wanted) {
    char *bytes = NULL;
    size_t size = 0;
    error e = {""};
    const bool same = input_read(path, OVERVIEW_MOST, &bytes, &size, &e) && strcmp(bytes, wanted) == 0;
    if (!same) printf("%s: not current; idp publish makes it anew\n", path);
    free(bytes);
    return same;
}

static int run(char *const *path, size_t count, const char *folder, bool check, error *e) {
    shelf s = {0};
    char to[PATH_SIZE], *overview = NULL;
    int status = EXIT_ERROR;
    for (size_t d = 0; d < count; d++)
        if (!may_publish(path[d], e)) return EXIT_ERROR; /* all or none */
    for (size_t d = 0; d < count; d++)
        if (!publish(path[d], folder, e)) return EXIT_ERROR;
    if (snprintf(to, sizeof to, "%s/overview.md", folder) >= PATH_SIZE) {
        fail(e, "%.200s: too long", folder);
        return EXIT_ERROR;
    }
    if (!shelf_read(&s, folder, e) || (overview = overview_of(&s, e)) == NULL) goto done;
    if (check) {
        const bool documents = check_documents(&s), current = is_current(to, overview);
        status = documents && current ? 0 : EXIT_NO;
    } else if (output_write(to, overview, strlen(overview), e)) {
        printf("%s: of %zu documents\n", to, s.count);
        status = 0;
    }
done:
    free(overview);
    shelf_free(&s);
    return status;
}

int cmd_publish(int argc, char **argv, error *e) {
    static const struct option options[] = {{"folder", required_argument, NULL, 'f'},
                                            {"check", no_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    const char *folder = "reports/results";
    bool check = false;
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case 'f': folder = optarg; break;
        case 'c': check = true; break;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (check && optind < argc) {
        fail(e, "--check takes no documents: it looks at those in %s", folder);
        return EXIT_ERROR;
    }
    return run(argv + optind, (size_t)(argc - optind), folder, check, e);
}
