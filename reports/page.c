#include "page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assets.h"

static void pieces_free(page_pieces *all) {
    for (size_t i = 0; i < all->count; i++) text_free(&all->piece[i].content);
    free(all->piece);
}

void page_free(page *p) {
    pieces_free(&p->tables);
    pieces_free(&p->pictures);
    text_free(&p->html);
    text_free(&p->markdown);
    text_free(&p->contents);
}

bool page_failed(const page *p) { return p->html.failed || text_failures() != p->failures_before; }

void *page_memory(page *p, size_t size_bytes) {
    void *memory = malloc(size_bytes);
    if (memory == NULL) p->html.failed = true;
    return memory;
}

void page_section(page *p, const char *id, const char *title) {
    p->tables.in_section = p->pictures.in_section = 0;
    p->section_id = id;
    p->section_title = title;
    p->heading_due = BOTH;
}

/* Writes the heading that waits, if any, where content is about to be written. */
static void begin_content(page *p, media where) {
    const media due = where & p->heading_due;
    if (due & HTML) {
        text_print(&p->html, "</section>\n<section id=\"%s\">\n<h2>%s</h2>\n", p->section_id, p->section_title);
        text_print(&p->contents, "<a href=\"#%s\">%s</a>\n", p->section_id, p->section_title);
    }
    if (due & MARKDOWN) text_print(&p->markdown, "## %s\n\n", p->section_title);
    p->heading_due &= ~due;
}

/* A new piece of the section at hand; NULL without memory. */
static text *new_piece(page *p, page_pieces *all) {
    page_piece *grown = realloc(all->piece, (all->count + 1) * sizeof *grown);
    if (grown == NULL) {
        p->html.failed = true;
        return NULL;
    }
    all->piece = grown;
    page_piece *made = &grown[all->count++];
    *made = (page_piece){0};
    snprintf(made->name, sizeof made->name, "%.40s-%u", p->section_id != NULL ? p->section_id : "page",
             ++all->in_section);
    return &made->content;
}

/* The LaTeX of the open table: every table that the HTML page has. */
static text *latex_of(page *p) {
    return (p->open_media & HTML) && p->tables.count > 0 ? &p->tables.piece[p->tables.count - 1].content : NULL;
}

static void begin_latex(page *p, const column *columns, unsigned count, const char *caption_format, va_list args) {
    text *to = new_piece(p, &p->tables), caption = {0};
    if (to == NULL) return;
    text_vprint(&caption, caption_format, args);
    text_put(to, "% Needs \\usepackage{booktabs,longtable,textcomp}.\n\\begin{longtable}{");
    for (unsigned c = 0; c < count; c++) text_put(to, columns[c].numeric ? "r" : "l");
    text_put(to, "}\n\\caption{");
    text_latex(to, caption.bytes != NULL ? caption.bytes : "");
    text_put(to, "}\\\\\n\\toprule\n");
    for (unsigned c = 0; c < count; c++) {
        if (c > 0) text_put(to, " & ");
        text_latex(to, columns[c].title);
    }
    text_put(to, " \\\\\n\\midrule\n\\endhead\n");
    text_free(&caption);
}

static void latex_cell(page *p, const char *string, const char *aside) {
    text *to = latex_of(p);
    if (to == NULL) return;
    if (p->cell > 0) text_put(to, " & ");
    text_latex(to, string);
    if (aside[0] != '\0') {
        text_put(to, " {\\footnotesize ");
        text_latex(to, aside);
        text_put(to, "}");
    }
    if (p->cell + 1 == p->columns) text_put(to, " \\\\\n");
}

static void end_latex(page *p) {
    text *to = latex_of(p);
    if (to != NULL) text_put(to, "\\bottomrule\n\\end{longtable}\n");
}

/* The formatted text, escaped for each of the media. */
static void put_both(page *p, media where, const char *format, va_list args) {
    text plain = {0};
    text_vprint(&plain, format, args);
    const char *string = plain.bytes == NULL ? "" : plain.bytes;
    if (where & HTML) text_html(&p->html, string);
    if (where & MARKDOWN) text_markdown(&p->markdown, string);
    text_free(&plain);
}

static void put_raw(page *p, media where, const char *html, const char *markdown) {
    if (where & HTML) text_put(&p->html, html);
    if (where & MARKDOWN) text_put(&p->markdown, markdown);
}

void page_heading(page *p, media where, const char *format, ...) {
    begin_content(p, where);
    put_raw(p, where, "<h3>", "### ");
    va_list args;
    va_start(args, format);
    put_both(p, where, format, args);
    va_end(args);
    put_raw(p, where, "</h3>\n", "\n\n");
}

void page_paragraph(page *p, media where, const char *kind) {
    begin_content(p, where);
    p->open_media = where;
    if (where & HTML)
        text_print(&p->html, "<p%s%s%s>", kind ? " class=\"" : "", kind ? kind : "", kind ? "\"" : "");
}

void page_say(page *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    put_both(p, p->open_media, format, args);
    va_end(args);
}

void page_strong(page *p, const char *format, ...) {
    va_list args;
    put_raw(p, p->open_media, "<strong>", "**");
    va_start(args, format);
    put_both(p, p->open_media, format, args);
    va_end(args);
    put_raw(p, p->open_media, "</strong>", "**");
}

void page_paragraph_end(page *p) { put_raw(p, p->open_media, "</p>\n", "\n\n"); }

void page_note(page *p, media where, const char *kind, const char *format, ...) {
    page_paragraph(p, where, kind);
    va_list args;
    va_start(args, format);
    put_both(p, where, format, args);
    va_end(args);
    page_paragraph_end(p);
}

/* ` class="..."` of a cell; shade: -5 .. 5, 0 for none. A cell with a value to sort by is a number unless it says
 * that it is text: most are, and a full page has 20,000 of them. */
static void put_class(page *p, const column *c, bool sorts, int shade) {
    const bool told = c->numeric != sorts;
    if (!told && !c->starts_group && shade == 0) return;
    text_put(&p->html, " class=\"");
    const char *space = "";
    if (told) {
        text_put(&p->html, c->numeric ? "n" : "t");
        space = " ";
    }
    if (c->starts_group) {
        text_print(&p->html, "%sg", space);
        space = " ";
    }
    if (shade != 0) text_print(&p->html, "%s%s%d", space, shade > 0 ? "up" : "down", abs(shade));
    text_put(&p->html, "\"");
}

void page_table(page *p, media where, const column *columns, unsigned count, const char *caption_format, ...) {
    begin_content(p, where);
    p->open_media = where;
    p->column = columns;
    p->columns = count;
    p->cell = 0;
    va_list args;
    if (where & HTML) {
        va_start(args, caption_format);
        begin_latex(p, columns, count, caption_format, args);
        va_end(args);
    }
    /* A table too wide for the screen scrolls by itself; tabindex lets the keyboard do it too. */
    enum { WIDE = 14 }; /* columns from which paper needs smaller letters */
    put_raw(p, where, "<div class=\"scroll\" tabindex=\"0\">\n", "");
    put_raw(p, where, count < WIDE ? "<table>\n<caption>" : "<table class=\"wide\">\n<caption>", "");
    va_start(args, caption_format);
    put_both(p, where, caption_format, args);
    va_end(args);
    put_raw(p, where, "</caption>\n<thead><tr>", "\n\n|");
    for (unsigned c = 0; c < count; c++) {
        if (where & HTML) {
            text_put(&p->html, "<th scope=\"col\"");
            put_class(p, &columns[c], false, 0);
            text_put(&p->html, ">");
            text_html(&p->html, columns[c].title);
            text_put(&p->html, "</th>");
        }
        if (where & MARKDOWN) {
            text_put(&p->markdown, " ");
            text_markdown(&p->markdown, columns[c].title);
            text_put(&p->markdown, " |");
        }
    }
    put_raw(p, where, "</tr></thead>\n<tbody>\n", "\n|");
    for (unsigned c = 0; c < count; c++) put_raw(p, where, "", columns[c].numeric ? " ---: |" : " --- |");
    put_raw(p, where, "", "\n");
}

static void put_cell(page *p, double sort_value, const char *string, const char *aside, int shade) {
    const media where = p->open_media;
    const column *c = &p->column[p->cell];
    latex_cell(p, string, aside);
    if (where & HTML) {
        if (p->cell == 0) text_put(&p->html, "<tr>");
        text_put(&p->html, "<td");
        put_class(p, c, isfinite(sort_value), shade);
        if (isfinite(sort_value)) text_print(&p->html, " data-v=\"%.10g\"", sort_value);
        text_put(&p->html, ">");
        text_html(&p->html, string);
        if (aside[0] != '\0') {
            text_put(&p->html, " <small>");
            text_html(&p->html, aside);
            text_put(&p->html, "</small>");
        }
        text_put(&p->html, "</td>");
    }
    if (where & MARKDOWN) {
        text_put(&p->markdown, p->cell == 0 ? "| " : " ");
        text_markdown(&p->markdown, string);
        if (aside[0] != '\0') {
            text_put(&p->markdown, " (");
            text_markdown(&p->markdown, aside);
            text_put(&p->markdown, ")");
        }
        text_put(&p->markdown, " |");
    }
    p->cell++;
    if (p->cell < p->columns) return;
    p->cell = 0;
    put_raw(p, where, "</tr>\n", "\n");
}

void page_cell(page *p, double sort_value, const char *string, const char *aside) {
    put_cell(p, sort_value, string, aside, 0);
}

void page_ratio(page *p, double ratio, const char *string, const char *aside) {
    static const double step[] = {1.02, 1.1, 1.25, 1.5, 2}; /* told in the method */
    const double far = ratio > 0 && isfinite(ratio) ? fmax(ratio, 1 / ratio) : 1;
    int shade = 0;
    while (shade < (int)(sizeof step / sizeof step[0]) && far >= step[shade]) shade++;
    put_cell(p, ratio, string, aside, ratio < 1 ? -shade : shade);
}

void page_cell_text(page *p, const char *string) { page_cell(p, NAN, string, ""); }

void page_table_end(page *p) {
    end_latex(p);
    put_raw(p, p->open_media, "</tbody>\n</table>\n</div>\n", "\n");
}

void page_details(page *p, bool open, const char *format, ...) {
    begin_content(p, HTML);
    text_print(&p->html, "<details%s><summary>", open ? " open" : "");
    va_list args;
    va_start(args, format);
    put_both(p, HTML, format, args);
    va_end(args);
    text_put(&p->html, "</summary>\n");
}

void page_details_end(page *p) { text_put(&p->html, "</details>\n"); }

void page_grid(page *p, const char *kind) {
    begin_content(p, HTML);
    text_print(&p->html, "<div class=\"%s\">\n", kind);
}

void page_grid_end(page *p) { text_put(&p->html, "</div>\n"); }

static void put_legend(page *p, const plot *picture) {
    text_put(&p->html, "<ul class=\"legend\">");
    for (size_t l = 0; l < picture->lines; l++) {
        const plot_line *line = &picture->line[l];
        if (line->label == NULL || line->unlisted) continue;
        text_put(&p->html, "<li><svg viewBox=\"0 0 28 10\" aria-hidden=\"true\">");
        plot_swatch(line, NULL, &p->html);
        text_put(&p->html, "</svg>");
        text_html(&p->html, line->label);
        text_put(&p->html, "</li>");
    }
    text_put(&p->html, "</ul>\n");
}

void page_figure(page *p, const plot *picture, const char *caption_format, ...) {
    text svg = {0};
    if (p->figures == PAGE_FIGURES) {
        p->undrawn++;
        return;
    }
    if (p->plot_error.text[0] != '\0' || !plot_svg(picture, p->figures + 1, &svg, &p->plot_error)) {
        text_free(&svg);
        return;
    }
    begin_content(p, HTML);
    p->figures++;
    text *piece = new_piece(p, &p->pictures);
    if (piece != NULL) plot_alone(picture, svg.bytes, piece);
    text_print(&p->html, "<figure id=\"figure-%u\">\n", p->figures);
    put_legend(p, picture);
    text_put(&p->html, svg.bytes);
    text_print(&p->html, "<figcaption><b>Figure %u.</b> ", p->figures);
    va_list args;
    va_start(args, caption_format);
    put_both(p, HTML, caption_format, args);
    va_end(args);
    text_put(&p->html, "</figcaption>\n</figure>\n");
    text_free(&svg);
}

void page_finish_html(page *p, const char *title, const char *badge, text *whole) {
    /* The policy makes the promise checkable: the page can load nothing. */
    text_put(whole, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"color-scheme\" content=\"light dark\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                    "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>");
    text_html(whole, title);
    if (badge != NULL) {
        text_put(whole, " (");
        text_html(whole, badge);
        text_put(whole, ")");
    }
    text_put(whole, "</title>\n<style>\n");
    text_put(whole, asset_style_css);
    text_put(whole, "</style>\n</head>\n<body>\n");
    if (p->contents.size > 0) {
        text_put(whole, "<nav aria-label=\"Sections\">\n");
        text_add(whole, p->contents.bytes, p->contents.size);
        text_put(whole, "</nav>\n");
    }
    text_put(whole, "<main>\n<section>\n<h1>");
    text_html(whole, title);
    if (badge != NULL) {
        text_put(whole, " <span class=\"badge\">");
        text_html(whole, badge);
        text_put(whole, "</span>");
    }
    text_put(whole, "</h1>\n");
    if (p->plot_error.text[0] != '\0') {
        text_put(whole, "<p class=\"warning\">This page has no plots: ");
        text_html(whole, p->plot_error.text);
        text_put(whole, ". The tables hold every value.</p>\n");
    }
    if (p->undrawn > 0)
        text_print(whole,
                   "<p class=\"warning\">This page has its first %d plots; %u more were not drawn. The tables hold "
                   "every value.</p>\n",
                   PAGE_FIGURES, p->undrawn);
    text_add(whole, p->html.bytes, p->html.size);
    text_put(whole, "</section>\n</main>\n<script>\n");
    text_put(whole, asset_page_js);
    text_put(whole, "</script>\n</body>\n</html>\n");
}

/* The end of the last block (a paragraph, a table) that ends before `limit`. */
static size_t last_block(const char *markdown, size_t limit) {
    size_t last = 0;
    for (const char *at = markdown; (at = strstr(at, "\n\n")) != NULL && (size_t)(at - markdown) + 2 < limit; at++)
        last = (size_t)(at - markdown) + 2;
    return last;
}

void page_finish_markdown(page *p, const char *title, const char *badge, text *whole) {
    enum { GITHUB_COMMENT = 65536 }; /* characters; bytes are never fewer */
    static const char rest[] = "The rest does not fit into a comment: it is in index.html.\n";
    text_put(whole, "# ");
    text_markdown(whole, title);
    if (badge != NULL) {
        text_put(whole, " (");
        text_markdown(whole, badge);
        text_put(whole, ")");
    }
    text_put(whole, "\n\n");
    if (p->markdown.bytes != NULL) text_add(whole, p->markdown.bytes, p->markdown.size);
    if (whole->failed || whole->size < GITHUB_COMMENT) return;
    whole->size = last_block(whole->bytes, GITHUB_COMMENT - sizeof rest);
    text_put(whole, rest);
}
