#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../harness/output.h"
#include "../harness/progress.h"
#include "../harness/tool.h"
#include "across.h"
#include "csv.h"
#include "records.h"
#include "sections.h"

/* "The CPU, when, on which data": the line under the title. */
static void write_facts_line(page *p, const records *r) {
    const char *cpu = json_string_value(json_object_get(r->machine, "cpu"));
    const char *hypervisor = json_string_value(json_object_get(r->machine, "hypervisor"));
    const char *time = json_string_value(json_object_get(r->run, "time"));
    const bool named = hypervisor != NULL && strcmp(hypervisor, "unnamed") != 0; /* harness/machine/cpu_x86.c */
    page_note(p, BOTH, "facts", "%s%s%s. %s%s%s%zu records.", cpu != NULL ? cpu : "An unknown CPU",
              hypervisor == NULL ? ""
              : named            ? ", a virtual machine under "
                                 : ", a virtual machine",
              named ? hypervisor : "", time != NULL ? "Run of " : "", time != NULL ? time : "",
              time != NULL ? ". " : "", r->total);
}

/* The codes of the environment's warnings; their words are in a section of their own. */
static void write_threats(page *p, const records *r) {
    size_t index;
    const json_t *warning;
    const char *comma = " ";
    if (json_array_size(r->warnings) == 0) return;
    page_paragraph(p, BOTH, "facts");
    page_say(p, "What to know about the machine and the run:");
    json_array_foreach(r->warnings, index, warning) {
        const char *code = json_string_value(json_object_get(warning, "code"));
        page_say(p, "%s", comma);
        for (const char *c = code; c != NULL && *c != '\0'; c++) page_say(p, "%c", *c == '_' ? ' ' : *c);
        comma = ", ";
    }
    page_say(p, ". See Warnings and environment.");
    page_paragraph_end(p);
}

/* What makes figures worthless or other than they look comes first. */
static void write_warnings(page *p, const records *r) {
    if (r->synthetic)
        page_note(
            p, BOTH, "warning",
            "Every accuracy here is on the built-in synthetic digits, not on MNIST. Times and FLOPs do not depend "
            "on the data.");
    if (json_is_true(json_object_get(r->build, "sanitized")))
        page_note(p, BOTH, "warning", "This build has sanitizers: its times mean nothing.");
    write_threats(p, r);
}

static bool write_file(const char *folder, const char *name, const text *content, error *e) {
    text path = {0};
    text_print(&path, "%s/%s", folder, name);
    const bool written = path.failed || content->failed
                             ? fail(e, "no memory for %s", name)
                             : output_write(path.bytes, content->bytes, content->size, e);
    text_free(&path);
    return written;
}

/* ---- what was asked for ----------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    report_format format;
} formats[] = {{"html", REPORT_HTML},   {"markdown", REPORT_MARKDOWN}, {"csv", REPORT_CSV},
               {"latex", REPORT_LATEX}, {"svg", REPORT_SVG},           {"pdf", REPORT_PDF}};

/* Whether `name` is one of the words of a list "a,b,c". */
static bool listed(const char *list, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = list; at != NULL;) {
        const size_t word = strcspn(at, ",");
        if (word == length && strncmp(at, name, length) == 0) return true;
        at = at[word] == ',' ? at + word + 1 : NULL;
    }
    return false;
}

bool report_formats_parse(const char *names, unsigned *chosen, error *e) {
    unsigned bits = 0;
    for (const char *at = names; at != NULL;) {
        const size_t word = strcspn(at, ",");
        unsigned bit = 0;
        for (size_t f = 0; f < sizeof formats / sizeof formats[0]; f++)
            if (strlen(formats[f].name) == word && strncmp(at, formats[f].name, word) == 0) bit = formats[f].format;
        if (bit == 0)
            return fail(e, "'%.*s' is not one of html, markdown, csv, latex, svg, pdf",
                        (int)(word < 64 ? word : 64), at);
        bits |= bit;
        at = at[word] == ',' ? at + word + 1 : NULL;
    }
    *chosen = bits;
    return true;
}

/* The ids of a page's sections. */
typedef const char *section_id(unsigned s);
static const char *own_id(unsigned s) { return sections[s].id; }
static const char *across_id(unsigned s) { return across_sections[s].id; }

/* Every word of the list is a section's id. */
static bool sections_check(const char *list, section_id *id, unsigned count, error *e) {
    for (const char *at = list; at != NULL;) {
        const size_t word = strcspn(at, ",");
        bool known = false;
        for (unsigned s = 0; s < count; s++)
            known = known || (strlen(id(s)) == word && strncmp(at, id(s), word) == 0);
        if (!known) {
            text ids = {0};
            for (unsigned s = 0; s < count; s++) text_print(&ids, "%s%s", s > 0 ? ", " : "", id(s));
            fail(e, "'%.*s' is not a section; there are %s", (int)(word < 64 ? word : 64), at,
                 ids.bytes != NULL ? ids.bytes : "");
            text_free(&ids);
            return false;
        }
        at = at[word] == ',' ? at + word + 1 : NULL;
    }
    return true;
}

/* ---- files -----------------------------------------------------------------------------------------------------
 */

static bool write_pieces(const char *folder, const page_pieces *all, const char *suffix, error *e) {
    for (size_t i = 0; i < all->count; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s.%s", all->piece[i].name, suffix);
        if (!write_file(folder, name, &all->piece[i].content, e)) return false;
    }
    return true;
}

/* The SVG files are there; each becomes a PDF. The converter writes no file of its own, which it might open after
 * we were killed. */
static bool convert_pictures(const char *folder, const page_pieces *all, error *e) {
    for (size_t i = 0; i < all->count; i++) {
        text svg = {0}, pdf = {0};
        char *out = NULL, *err = NULL;
        size_t size = 0;
        text_print(&svg, "%s/%s.svg", folder, all->piece[i].name);
        text_print(&pdf, "%s/%s.pdf", folder, all->piece[i].name);
        bool done = !(svg.failed || pdf.failed) || fail(e, "no memory for a picture");
        done = done &&
               tool_run((const char *const[]){"rsvg-convert", "-f", "pdf", svg.bytes, NULL}, NULL, &out, &size,
                        &err, e) &&
               output_write(pdf.bytes, out, size, e);
        free(out);
        free(err);
        text_free(&svg);
        text_free(&pdf);
        if (!done) return false;
    }
    return true;
}

static bool write_all(const page *p, const json_t *all, const text *html, const text *markdown, const char *folder,
                      unsigned wanted, error *e) {
    if ((wanted & (REPORT_SVG | REPORT_PDF)) != 0 && p->plot_error.text[0] != '\0')
        return fail(e, "there are no plots to write: %.900s", p->plot_error.text);
    if ((wanted & ~(unsigned)(REPORT_SVG | REPORT_PDF)) == 0 && p->pictures.count == 0)
        return fail(e, "there are no plots to write: what was chosen of this document has tables only; "
                       "--format html,csv,latex writes them");
    if (wanted == REPORT_LATEX && p->tables.count == 0)
        return fail(e, "there are no tables to write in what was chosen of this document");
    if ((wanted & REPORT_PDF) != 0 && tool_find((const char *const[]){"rsvg-convert", NULL}) == NULL)
        return fail(e,
                    "the format pdf needs rsvg-convert (Debian's package is librsvg2-bin); svg needs nothing more");
    return output_folder(folder, e) && (!(wanted & REPORT_HTML) || write_file(folder, "index.html", html, e)) &&
           (!(wanted & REPORT_MARKDOWN) || write_file(folder, "report.md", markdown, e)) &&
           (!(wanted & REPORT_CSV) || csv_write(all, folder, e)) &&
           (!(wanted & REPORT_LATEX) || write_pieces(folder, &p->tables, "tex", e)) &&
           (!(wanted & (REPORT_SVG | REPORT_PDF)) || write_pieces(folder, &p->pictures, "svg", e)) &&
           (!(wanted & REPORT_PDF) || convert_pictures(folder, &p->pictures, e));
}

/* The page that is complete, into the files that are wanted. */
static bool finish(page *p, const json_t *all, const char *title, const char *badge, const char *folder,
                   const report_options *options, error *e) {
    text html = {0}, markdown = {0};
    bool written = !page_failed(p) || fail(e, "no memory for the report");
    if (written && interrupted()) written = fail(e, "interrupted; nothing was written"); /* gnuplot too, perhaps */
    if (written) {
        page_finish_html(p, title, badge, &html);
        page_finish_markdown(p, title, badge, &markdown);
        written = write_all(p, all, &html, &markdown, folder, options->formats, e);
    }
    if (written && e != NULL) {
        e->text[0] = '\0';
        if (p->plot_error.text[0] != '\0')
            fail(e, "%s has no plots: %.900s; install gnuplot and run idp report again", "index.html",
                 p->plot_error.text);
    }
    text_free(&html);
    text_free(&markdown);
    return written;
}

bool report_write(const json_t *document, const char *folder, const report_options *options, error *e) {
    const char *title = options->title;
    bool written = false;
    records r = {0};
    page p = {.failures_before = text_failures()};
    text own_title = {0};
    const json_t *all = json_object_get(document, "records");
    if (!sections_check(options->sections, own_id, section_count, e) || !records_read(&r, document, e) ||
        !csv_check(all, e))
        goto done;
    if (title == NULL) {
        const char *cpu = json_string_value(json_object_get(r.machine, "cpu"));
        text_print(&own_title, "Incomplete dot products on %s", cpu != NULL ? cpu : "this CPU");
        title = own_title.bytes != NULL ? own_title.bytes : "Incomplete dot products";
    }
    write_facts_line(&p, &r);
    write_warnings(&p, &r);
    for (unsigned s = 0; s < section_count && !interrupted(); s++) { /* finish tells */
        if (options->sections != NULL && !listed(options->sections, sections[s].id)) continue;
        page_section(&p, sections[s].id, sections[s].title);
        sections[s].write(&p, &r);
    }
    written = finish(&p, all, title, r.synthetic ? "synthetic digits" : NULL, folder, options, e);
done:
    records_free(&r);
    page_free(&p);
    text_free(&own_title);
    return written;
}

/* ---- several documents ----------------------------------------------------------------------------------------
 */

/* The records of all, each with its machine's name in front; NULL without memory. */
static json_t *all_records(const across *a, const json_t *const *document, const char *const *path, size_t count) {
    json_t *all = json_array();
    for (size_t m = 0; all != NULL && m < a->documents; m++) {
        size_t d = 0, index;
        json_t *record;
        while (d + 1 < count && path[d] != a->machine[m].path) d++;
        json_array_foreach(json_object_get(document[d], "records"), index, record) {
            json_t *copy = json_pack("{s:s}", "machine", a->machine[m].name.text);
            if (copy == NULL || json_object_update(copy, record) != 0 || json_array_append_new(all, copy) != 0) {
                json_decref(all);
                return NULL;
            }
        }
    }
    return all;
}

static void write_across(page *p, const across *a, const char *list) {
    across_about(p, a);
    for (unsigned s = 0; s < across_section_count; s++) {
        if (list != NULL && !listed(list, across_sections[s].id)) continue;
        page_section(p, across_sections[s].id, across_sections[s].title);
        across_sections[s].write(p, a);
    }
}

bool report_write_across(const json_t *const *document, const char *const *path, size_t count, const char *folder,
                         const report_options *options, error *e) {
    bool written = false;
    across a = {0};
    page p = {.failures_before = text_failures()};
    json_t *all = NULL;
    if (!sections_check(options->sections, across_id, across_section_count, e) ||
        !across_read(&a, document, path, count, e))
        goto done;
    all = all_records(&a, document, path, count);
    if (all == NULL) {
        fail(e, "no memory for the records of %zu documents", count);
        goto done;
    }
    if (!csv_check(all, e)) goto done;
    write_across(&p, &a, options->sections);
    const label own =
        label_print("Incomplete dot products on %zu machine%s", a.machines, a.machines == 1 ? "" : "s");
    written = finish(&p, all, options->title != NULL ? options->title : own.text, NULL, folder, options, e);
done:
    json_decref(all);
    across_free(&a);
    page_free(&p);
    return written;
}

char *report_overview(const json_t *const *document, const char *const *path, size_t count, const char *title,
                      error *e) {
    across a = {0};
    page p = {.failures_before = text_failures(), .plot_error = {"not drawn"}};
    text markdown = {0};
    if (!across_read(&a, document, path, count, e)) return NULL;
    write_across(&p, &a, NULL);
    page_finish_markdown(&p, title, NULL, &markdown);
    if (page_failed(&p) || markdown.failed) {
        fail(e, "no memory for the overview");
        text_free(&markdown);
    }
    across_free(&a);
    page_free(&p);
    return markdown.bytes;
}
