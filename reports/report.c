#include "report.h"

#include <string.h>

#include "../harness/output.h"
#include "csv.h"
#include "records.h"
#include "sections.h"

/* "The CPU, when, on which data": the line under the title. */
static void write_facts_line(page *p, const records *r) {
    const char *cpu = json_string_value(json_object_get(r->machine, "cpu"));
    const char *hypervisor = json_string_value(json_object_get(r->machine, "hypervisor"));
    const char *time = json_string_value(json_object_get(r->run, "time"));
    page_note(p, BOTH, "facts", "%s%s%s. %s%s%s%zu records.", cpu != NULL ? cpu : "An unknown CPU",
              hypervisor != NULL ? ", a virtual machine under " : "", hypervisor != NULL ? hypervisor : "",
              time != NULL ? "Run of " : "", time != NULL ? time : "", time != NULL ? ". " : "", r->total);
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

bool report_write(const json_t *document, const char *folder, const char *title, error *e) {
    bool written = false;
    records r = {0};
    page p = {0};
    text html = {0}, markdown = {0}, own_title = {0};
    const json_t *all = json_object_get(document, "records");
    if (!records_read(&r, document, e) || !csv_check(all, e)) goto done;
    if (title == NULL) {
        const char *cpu = json_string_value(json_object_get(r.machine, "cpu"));
        text_print(&own_title, "Incomplete dot products on %s", cpu != NULL ? cpu : "this CPU");
        title = own_title.bytes != NULL ? own_title.bytes : "Incomplete dot products";
    }
    write_facts_line(&p, &r);
    write_warnings(&p, &r);
    for (unsigned s = 0; s < section_count; s++) {
        page_section(&p, sections[s].id, sections[s].title);
        sections[s].write(&p, &r);
    }
    if (page_failed(&p)) {
        fail(e, "no memory for the report");
        goto done;
    }
    const char *badge = r.synthetic ? "synthetic digits" : NULL;
    page_finish_html(&p, title, badge, &html);
    page_finish_markdown(&p, title, badge, &markdown);
    written = output_folder(folder, e) && write_file(folder, "index.html", &html, e) &&
              write_file(folder, "report.md", &markdown, e) && csv_write(all, folder, e);
    if (written && e != NULL) {
        e->text[0] = '\0';
        if (p.plot_error.text[0] != '\0')
            fail(e, "%s has no plots: %.900s; install gnuplot and run idp report again", "index.html",
                 p.plot_error.text);
    }
done:
    records_free(&r);
    page_free(&p);
    text_free(&html);
    text_free(&markdown);
    text_free(&own_title);
    return written;
}
