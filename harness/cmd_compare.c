/* cmd_compare.c: `idp compare BEFORE.json AFTER.json`: what got better, what got worse. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../reports/page.h"
#include "commands.h"
#include "compare/compare.h"
#include "compare/facts.h"
#include "results/results.h"

static const char help[] =
    "Usage: idp compare BEFORE.json AFTER.json [OPTION]...\n"
    "\n"
    "Compares two results documents (made with --json) figure by figure and shows what differs\n"
    "beyond noise: times, ratios, accuracies, counted work, verification.\n"
    "docs/comparing.md tells the rules.\n"
    "\n"
    "  --threshold PERCENT  times, ratios and counts that differ by less do not count (default 5)\n"
    "  --level L            all verdicts together hold with this probability (default 0.99)\n"
    "  --only REGEX         only figures whose name matches this extended regular expression,\n"
    "                       such as 'bench .*avx512f' or 'accuracy$'\n"
    "  --all                every figure, those without a difference too\n"
    "  --markdown           as a comment for GitHub\n"
    "  --json FILE          write the verdicts as records\n"
    "  --help               this text\n"
    "\n"
    "Exit status: 0 the same or better, 1 something is worse, 2 not comparable (different machines,\n"
    "nothing in common, not results documents) or another error.\n";

/* A list longer than this is cut, but with --all: a kind of record that only one document has fills pages. */
enum { MOST_ONE_SIDED = 10 };

/* A comment on GitHub holds 65,536 characters, a row here at most some 300. */
enum { MOST_MARKDOWN_ROWS = 180 };

typedef struct view {
    compare_options options;
    const char *before_path, *after_path, *json;
    bool all, markdown;
    results before, after;
    comparison comparison;
    const compare_row **shown;                 /* [shown_count], in the order of the table */
    size_t shown_count, cut[COMPARE_VERDICTS]; /* rows left out, by verdict */
} view;

/* ---- which rows ------------------------------------------------------------------------------------------------
 */

/* How large a change is, whichever way. */
static double size_of(const compare_row *row) {
    const double change = row->change.median;
    if (row->unit == COMPARE_PERCENT) return fabs(change);
    return change > 0 ? fabs(log(change)) : 0;
}

static int by_attention(const void *left, const void *right) {
    const compare_row *a = *(const compare_row *const *)left, *b = *(const compare_row *const *)right;
    if (a->verdict != b->verdict) return a->verdict < b->verdict ? -1 : 1;
    const double by_size = size_of(b) - size_of(a);
    if (by_size != 0 && (a->verdict == COMPARE_WORSE || a->verdict == COMPARE_BETTER)) return by_size > 0 ? 1 : -1;
    return (a > b) - (a < b);
}

static size_t most_rows(const view *v, compare_verdict verdict) {
    if (v->all) return SIZE_MAX;
    switch (verdict) {
    case COMPARE_ONLY_BEFORE:
    case COMPARE_ONLY_AFTER: return MOST_ONE_SIDED;
    case COMPARE_NOT_COMPARED:
    case COMPARE_SAME: return 0;
    default: return SIZE_MAX;
    }
}

static bool choose_rows(view *v, error *e) {
    const comparison *c = &v->comparison;
    const compare_row **sorted = malloc((c->rows + 1) * sizeof(const compare_row *));
    if (sorted == NULL) return fail(e, "no memory for %zu rows", c->rows);
    for (size_t r = 0; r < c->rows; r++) sorted[r] = &c->row[r];
    qsort(sorted, c->rows, sizeof(const compare_row *), by_attention);
    size_t of_verdict[COMPARE_VERDICTS] = {0};
    for (size_t r = 0; r < c->rows; r++) {
        const compare_verdict verdict = sorted[r]->verdict;
        const bool room = !v->markdown || v->shown_count < MOST_MARKDOWN_ROWS;
        if (room && of_verdict[verdict]++ < most_rows(v, verdict))
            sorted[v->shown_count++] = sorted[r];
        else
            v->cut[verdict]++;
    }
    v->shown = sorted;
    return true;
}

/* ---- cells -----------------------------------------------------------------------------------------------------
 */

typedef struct cell {
    char text[96];
} cell;

static cell time_cell(double ns) {
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    size_t u = 0;
    while (u + 1 < sizeof units / sizeof units[0] && ns < units[u].ns) u++;
    cell c;
    snprintf(c.text, sizeof c.text, "%.4g %s", ns / units[u].ns, units[u].unit);
    return c;
}

static cell value_cell(const compare_value *v, compare_unit unit) {
    cell c = {"-"};
    if (!v->present || (unit == COMPARE_WORD ? v->word == NULL : !isfinite(v->figure.median))) return c;
    switch (unit) {
    case COMPARE_NS: return time_cell(v->figure.median);
    case COMPARE_RATIO: snprintf(c.text, sizeof c.text, "%.4g", v->figure.median); break;
    case COMPARE_PERCENT: snprintf(c.text, sizeof c.text, "%.2f %%", v->figure.median); break;
    case COMPARE_COUNT: snprintf(c.text, sizeof c.text, "%.15g", v->figure.median); break;
    case COMPARE_WORD: snprintf(c.text, sizeof c.text, "%s", v->word); break;
    }
    return c;
}

/* "+12.3 % (+10.1 to +14.6)": of a share in points; the interval only where there is one. */
static cell change_cell(const compare_row *row) {
    cell c = {""};
    interval i = row->change;
    if (!isfinite(i.median)) return c;
    const bool points = row->unit == COMPARE_PERCENT;
    if (!points) i = (interval){100 * (i.median - 1), 100 * (i.low - 1), 100 * (i.high - 1)};
    const int used = snprintf(c.text, sizeof c.text, "%+.*f %s", points ? 2 : 1, i.median, points ? "points" : "%");
    if (i.low < i.high)
        snprintf(c.text + used, sizeof c.text - (size_t)used, " (%+.*f to %+.*f)", points ? 2 : 1, i.low,
                 points ? 2 : 1, i.high);
    return c;
}

/* What stands behind a row's change: the reason where there is no change. */
static cell remark_cell(const compare_row *row) {
    cell c = change_cell(row);
    if (row->reason[0] != '\0') snprintf(c.text, sizeof c.text, "%.90s", row->reason);
    return c;
}

/* ---- words -----------------------------------------------------------------------------------------------------
 */

/* One line on one side: "before.json: commit 1234abc, measured 2025-01-02T03:04:05Z by idp run --quick". */
static void side_line(const char *path, const json_t *document, char *line, size_t line_size) {
    snprintf(line, line_size, "%s: commit %s, measured %s by '%s'", path, compare_fact(document, "build", "commit"),
             compare_fact(document, "run", "time"), compare_fact(document, "run", "command"));
}

static void machine_line(const view *v, char *line, size_t line_size) {
    const char *a = compare_fact(v->before.document, "machine", "cpu"),
               *b = compare_fact(v->after.document, "machine", "cpu");
    if (v->comparison.same_machine)
        snprintf(line, line_size, "the same, %s", a);
    else
        snprintf(line, line_size, "%s against %s; they differ in %s", a, b, v->comparison.machines);
}

/* "1 worse, 2 better, ...": what there is of each verdict. */
static void counts_line(const comparison *c, char *line, size_t line_size) {
    size_t used = 0;
    line[0] = '\0';
    for (int verdict = 0; verdict < COMPARE_VERDICTS; verdict++)
        if (c->count[verdict] > 0 && used < line_size)
            used += (size_t)snprintf(line + used, line_size - used, "%s%zu %s", used > 0 ? ", " : "",
                                     c->count[verdict], compare_verdict_name((compare_verdict)verdict));
    if (used == 0) snprintf(line, line_size, "no figures");
}

/* The rules that this comparison went by. */
static void rule_line(const view *v, char *line, size_t line_size) {
    const comparison *c = &v->comparison;
    const size_t used = (size_t)snprintf(
        line, line_size,
        "%zu figures compared, %zu of them noisy: together at the level %.4g %%, each at %.6g %%; %s", c->compared,
        c->tests, 100 * v->options.level, 100 * (1 - c->miss), "times count from ");
    if (used < line_size) snprintf(line + used, line_size - used, "%g %%.", v->options.threshold_percent);
}

/* "3 (a single repetition ...), 1 (...)": why figures were not compared; empty where all were. */
static void reasons_line(const comparison *c, char *line, size_t line_size) {
    size_t used = 0;
    line[0] = '\0';
    for (size_t r = 0; r < c->rows; r++) {
        const char *reason = c->row[r].reason;
        size_t earlier = 0, count = 0;
        if (reason[0] == '\0' || used >= line_size) continue;
        while (strcmp(c->row[earlier].reason, reason) != 0) earlier++;
        if (earlier < r) continue;
        for (size_t o = r; o < c->rows; o++) count += strcmp(c->row[o].reason, reason) == 0;
        used += (size_t)snprintf(line + used, line_size - used, "%s%zu (%s)", used > 0 ? ", " : "", count, reason);
    }
}

/* What was left out of the table; empty where nothing was. */
static void cut_line(const view *v, char *line, size_t line_size) {
    size_t used = 0;
    line[0] = '\0';
    for (int verdict = 0; verdict < COMPARE_VERDICTS; verdict++)
        if (v->cut[verdict] > 0 && used < line_size)
            used += (size_t)snprintf(line + used, line_size - used, "%s%zu %s", used > 0 ? ", " : "",
                                     v->cut[verdict], compare_verdict_name((compare_verdict)verdict));
}

/* ---- as text ---------------------------------------------------------------------------------------------------
 */

static size_t wider(size_t width, const char *string) {
    const size_t length = strlen(string);
    return length > width ? length : width;
}

static void print_rows(const view *v) {
    size_t width[4] = {strlen("verdict"), strlen("figure"), strlen("before"), strlen("after")};
    for (size_t r = 0; r < v->shown_count; r++) {
        const compare_row *row = v->shown[r];
        width[0] = wider(width[0], compare_verdict_name(row->verdict));
        width[1] = wider(width[1], row->name);
        width[2] = wider(width[2], value_cell(&row->before, row->unit).text);
        width[3] = wider(width[3], value_cell(&row->after, row->unit).text);
    }
    if (v->shown_count == 0) return;
    printf("\n%-*s  %-*s  %*s  %*s  %s\n", (int)width[0], "verdict", (int)width[1], "figure", (int)width[2],
           "before", (int)width[3], "after", "change");
    for (size_t r = 0; r < v->shown_count; r++) {
        const compare_row *row = v->shown[r];
        printf("%-*s  %-*s  %*s  %*s  %s\n", (int)width[0], compare_verdict_name(row->verdict), (int)width[1],
               row->name, (int)width[2], value_cell(&row->before, row->unit).text, (int)width[3],
               value_cell(&row->after, row->unit).text, remark_cell(row).text);
    }
}

static void print_text(const view *v) {
    char line[2048];
    side_line(v->before_path, v->before.document, line, sizeof line);
    printf("Before:  %s\n", line);
    side_line(v->after_path, v->after.document, line, sizeof line);
    printf("After:   %s\n", line);
    machine_line(v, line, sizeof line);
    printf("Machine: %s\n", line);
    for (unsigned w = 0; w < v->comparison.warnings; w++) printf("Warning: %s.\n", v->comparison.warning[w]);
    print_rows(v);
    counts_line(&v->comparison, line, sizeof line);
    printf("\n%s\n", line);
    rule_line(v, line, sizeof line);
    printf("%s\n", line);
    reasons_line(&v->comparison, line, sizeof line);
    if (line[0] != '\0') printf("Not compared: %s.\n", line);
    cut_line(v, line, sizeof line);
    if (line[0] != '\0') printf("Not shown: %s (--all shows them).\n", line);
}

/* ---- as Markdown -----------------------------------------------------------------------------------------------
 */

static const char *headline(const comparison *c) {
    if (!c->same_machine) return "Different machines: nothing is called better or worse";
    if (c->count[COMPARE_WORSE] > 0) return "Something is worse";
    return c->count[COMPARE_BETTER] > 0 ? "Nothing is worse, something is better" : "No difference beyond noise";
}

static bool print_markdown(const view *v, error *e) {
    static const column columns[] = {{"verdict", false, false},
                                     {"figure", false, false},
                                     {"before", true, false},
                                     {"after", true, false},
                                     {"change", true, false}};
    page p = {0};
    text whole = {0};
    char line[2048];
    side_line(v->before_path, v->before.document, line, sizeof line);
    page_note(&p, MARKDOWN, NULL, "Before: %s", line);
    side_line(v->after_path, v->after.document, line, sizeof line);
    page_note(&p, MARKDOWN, NULL, "After: %s", line);
    machine_line(v, line, sizeof line);
    page_note(&p, MARKDOWN, NULL, "Machine: %s", line);
    for (unsigned w = 0; w < v->comparison.warnings; w++) {
        page_paragraph(&p, MARKDOWN, NULL);
        page_strong(&p, "Warning:");
        page_say(&p, " %s.", v->comparison.warning[w]);
        page_paragraph_end(&p);
    }
    counts_line(&v->comparison, line, sizeof line);
    if (v->shown_count > 0) {
        page_table(&p, MARKDOWN, columns, sizeof columns / sizeof columns[0], "%s.", line);
        for (size_t r = 0; r < v->shown_count; r++) {
            const compare_row *row = v->shown[r];
            page_cell_text(&p, compare_verdict_name(row->verdict));
            page_cell_text(&p, row->name);
            page_cell_text(&p, value_cell(&row->before, row->unit).text);
            page_cell_text(&p, value_cell(&row->after, row->unit).text);
            page_cell_text(&p, remark_cell(row).text);
        }
        page_table_end(&p);
    } else {
        page_note(&p, MARKDOWN, NULL, "%s.", line);
    }
    rule_line(v, line, sizeof line);
    page_note(&p, MARKDOWN, NULL, "%s", line);
    reasons_line(&v->comparison, line, sizeof line);
    if (line[0] != '\0') page_note(&p, MARKDOWN, NULL, "Not compared: %s.", line);
    cut_line(v, line, sizeof line);
    if (line[0] != '\0') page_note(&p, MARKDOWN, NULL, "Not shown: %s.", line);
    page_finish_markdown(&p, headline(&v->comparison), NULL, &whole);
    const bool made = !page_failed(&p) && !whole.failed;
    if (made) fputs(whole.bytes, stdout);
    page_free(&p);
    text_free(&whole);
    return made || fail(e, "no memory for the table");
}

/* ---- the command -----------------------------------------------------------------------------------------------
 */

static bool write_json(const view *v, const char *typed, error *e) {
    results r = {0};
    if (v->json == NULL) return true;
    if (!results_new(&r, typed, 0, e)) return false;
    json_t *list = compare_records(&v->comparison, &v->options, v->before_path, v->after_path, v->before.document,
                                   v->after.document);
    size_t index;
    json_t *record;
    json_array_foreach(list, index, record) results_add(&r, json_incref(record));
    const bool written = (list != NULL || fail(e, "no memory for the records")) && results_write(&r, v->json, e);
    json_decref(list);
    results_free(&r);
    return written;
}

static int compare(view *v, const char *typed, error *e) {
    int status = EXIT_ERROR;
    if (!results_writable(v->json, e) || !results_read(&v->before, v->before_path, e) ||
        !results_read(&v->after, v->after_path, e) ||
        !compare_documents(v->before.document, v->after.document, &v->options, &v->comparison, e) ||
        !choose_rows(v, e))
        goto done;
    if (v->markdown) {
        if (!print_markdown(v, e)) goto done;
    } else {
        print_text(v);
    }
    if (!write_json(v, typed, e) || !compare_comparable(&v->comparison, e)) goto done;
    status = v->comparison.count[COMPARE_WORSE] > 0 ? EXIT_NO : 0;
done:
    free(v->shown);
    compare_free(&v->comparison);
    results_free(&v->before);
    results_free(&v->after);
    return status;
}

int cmd_compare(int argc, char **argv, error *e) {
    enum { THRESHOLD = 256, LEVEL, ONLY, ALL, MARKDOWN_TABLE, JSON };
    static const struct option options[] = {
        {"threshold", required_argument, NULL, THRESHOLD},
        {"level", required_argument, NULL, LEVEL},
        {"only", required_argument, NULL, ONLY},
        {"all", no_argument, NULL, ALL},
        {"markdown", no_argument, NULL, MARKDOWN_TABLE},
        {"json", required_argument, NULL, JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    char typed[4096];
    option_typed(argc, argv, typed, sizeof typed);
    view v = {.options = compare_defaults()};
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (c) {
        case THRESHOLD:
            if (!option_number("threshold", optarg, 0, 1e6, &v.options.threshold_percent, e)) return EXIT_ERROR;
            break;
        case LEVEL:
            if (!option_number("level", optarg, 0.5, 0.999999, &v.options.level, e)) return EXIT_ERROR;
            break;
        case ONLY: v.options.only = optarg; break;
        case ALL: v.all = true; break;
        case MARKDOWN_TABLE: v.markdown = true; break;
        case JSON: v.json = optarg; break;
        case 'h': fputs(help, stdout); return 0;
        default: return option_error(argc, argv, c, e);
        }
    }
    if (optind + 2 != argc) {
        fail(e, "it takes two results documents, BEFORE.json and AFTER.json; idp compare --help tells more");
        return EXIT_ERROR;
    }
    v.before_path = argv[optind];
    v.after_path = argv[optind + 1];
    return compare(&v, typed, e);
}
