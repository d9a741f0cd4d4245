/* cmd_report.c: idp report: results documents as HTML, Markdown and CSV. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "../reports/report.h"
#include "commands.h"
#include "results/results.h"

static const char help[] =
    "Usage: idp report RESULTS.json... [OPTION]...\n"
    "\n"
    "Writes what a results document (made with --json) says, for people and for programs:\n"
    "  index.html  one page with plots (gnuplot); needs no network and no other file\n"
    "  report.md   the key figures, short enough for a comment on GitHub\n"
    "  KIND.csv    one file for every kind of record: train.csv, sweep.csv, bench.csv, verify.csv, ...\n"
    "Of several documents it sets the machines side by side, a document a column: the same cells on\n"
    "the same scales, and what is missing. What only predicts (idp mca) has no column, but a section.\n"
    "\n"
    "  -f, --format LIST   html,markdown,csv (default), latex (every table), svg and pdf (every plot)\n"
    "  -s, --section LIST  only these sections, by the name behind # in the page's links: answer,kernels\n"
    "  -o, --out DIR       folder to write into, made where it does not exist (default: build/report)\n"
    "  -t, --title T       title of the report (default: names the CPU, or how many)\n"
    "  -h, --help          this text\n";

/* On success e->text may hold a warning. */
static bool write_report(char *const *path, size_t count, const char *folder, const report_options *wanted,
                         error *e) {
    results *read = calloc(count, sizeof *read);
    const json_t **document = calloc(count, sizeof *document);
    bool written = (read != NULL && document != NULL) || fail(e, "no memory for %zu documents", count);
    for (size_t d = 0; written && d < count; d++) {
        written = results_read(&read[d], path[d], e);
        document[d] = read[d].document;
    }
    if (written && count == 1)
        written = report_write(document[0], folder, wanted, e) || fail_in(e, "%.400s", path[0]);
    else if (written)
        written = report_write_across(document, (const char *const *)path, count, folder, wanted, e);
    for (size_t d = 0; read != NULL && d < count; d++) results_free(&read[d]);
    free(read);
    free(document);
    return written;
}

int cmd_report(int argc, char **argv, error *e) {
    static const struct option options[] = {
        {"format", required_argument, NULL, 'f'}, {"section", required_argument, NULL, 's'},
        {"out", required_argument, NULL, 'o'},    {"title", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    const char *folder = "build/report";
    report_options wanted = {.formats = REPORT_USUAL};
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":f:s:o:t:h", options, NULL)) != -1;) {
        switch (c) {
        case 'o': folder = optarg; break;
        case 't': wanted.title = optarg; break;
        case 's': wanted.sections = optarg; break;
        case 'f':
            if (report_formats_parse(optarg, &wanted.formats, e)) break;
            return EXIT_ERROR;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind == argc) {
        fail(e, "it takes results documents, made by a command with --json FILE; idp report --help tells more");
        return EXIT_ERROR;
    }
    error warning = {""};
    if (!write_report(argv + optind, (size_t)(argc - optind), folder, &wanted, &warning)) {
        *e = warning;
        return EXIT_ERROR;
    }
    if (warning.text[0] != '\0') fprintf(stderr, "warning: %s\n", warning.text);
    if (wanted.formats == REPORT_USUAL)
        printf("Wrote %s/index.html, %s/report.md and the tables %s/*.csv\n", folder, folder, folder);
    else
        printf("Wrote the report into %s\n", folder);
    return 0;
}
