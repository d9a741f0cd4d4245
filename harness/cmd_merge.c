/* cmd_merge.c: `idp merge`: results documents of one machine as one document. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "results/merge.h"

static const char help[] =
    "Usage: idp merge A.json B.json... --out FILE\n"
    "\n"
    "Joins results documents of one machine and one build: the records of all, in the order of the\n"
    "runs. A record that several have is kept once; what was measured twice is kept from the later\n"
    "run. A file that does not fit (damaged, of another schema, machine, build or data set) is\n"
    "refused, with its name and the field. For a report across machines, idp report takes several\n"
    "files as they are.\n"
    "\n"
    "  -o, --out FILE     the joined document; may be one of those that are read\n"
    "  -h, --help         this text\n";

static bool run(char *const *path, size_t count, const char *out, const char *typed, error *e) {
    results *read = calloc(count, sizeof *read), merged = {0};
    const json_t **document = calloc(count, sizeof *document);
    merge_counts counts;
    bool ok = false;
    if (read == NULL || document == NULL) {
        fail(e, "no memory for %zu documents", count);
        goto done;
    }
    for (size_t d = 0; d < count; d++) {
        if (!results_read(&read[d], path[d], e)) goto done;
        document[d] = read[d].document;
    }
    if (!results_new(&merged, typed, 0, e) ||
        !merge_documents(document, (const char *const *)path, count, &merged, &counts, e) ||
        !results_save(&merged, out, e))
        goto done;
    printf("%zu records of %zu files in %s; left out: %zu identical ones, %zu measured again later.\n",
           counts.records, count, out, counts.identical, counts.replaced);
    ok = true;
done:
    for (size_t d = 0; read != NULL && d < count; d++) results_free(&read[d]);
    free(read);
    free(document);
    results_free(&merged);
    return ok;
}

int cmd_merge(int argc, char **argv, error *e) {
    static const struct option options[] = {
        {"out", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *out = NULL;
    char typed[1024];
    option_typed(argc, argv, typed, sizeof typed);
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":ho:", options, NULL)) != -1;) {
        switch (c) {
        case 'o': out = optarg; break;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind == argc || out == NULL) {
        fail(e, "%s; idp merge --help tells the usage",
             out == NULL ? "--out FILE is missing: where is the document to go?" : "which results files?");
        return EXIT_ERROR;
    }
    return run(argv + optind, (size_t)(argc - optind), out, typed, e) ? 0 : EXIT_ERROR;
}
