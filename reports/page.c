#include "page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assets.h"
#include "plot.h"

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

bool page_failed(const page *p) { return p->html.failed || p->markdown.failed || p->contents.failed; }

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
    if (caption.failed) p->html.failed = true;
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
    if (plain.failed) p->html.failed = true;
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

static const char *column_class(const column *c) {
    static const char *const classes[2][2] = {{"", " class=\"g\""}, {" class=\"n\"", " class=\"n g\""}};
    return classes[c->numeric][c->starts_group];
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
    put_raw(p, where, "<div class=\"scroll\" tabindex=\"0\">\n<table>\n<caption>", "");
    va_start(args, caption_format);
    put_both(p, where, caption_format, args);
    va_end(args);
    put_raw(p, where, "</caption>\n<thead><tr>", "\n\n|");
    for (unsigned c = 0; c < count; c++) {
        if (where & HTML) {
            text_print(&p->html, "<th scope=\"col\"%s>", column_class(&columns[c]));
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

void page_cell(page *p, double sort_value, const char *string, const char *aside) {
    const media where = p->open_media;
    const column *c = &p->column[p->cell];
    latex_cell(p, string, aside);
    if (where & HTML) {
        if (p->cell == 0) text_put(&p->html, "<tr>");
        text_print(&p->html, "<td%s", column_class(c));
        if (isfinite(sort_value)) text_print(&p->html, " data-v=\"%.17g\"", sort_value);
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

void page_figures(page *p) {
    begin_content(p, HTML);
    text_put(&p->html, "<div class=\"figures\">\n");
}

void page_figures_end(page *p) { text_put(&p->html, "</div>\n"); }

void page_figure(page *p, const char *svg, const legend *key, unsigned keys, const char *caption_format, ...) {
    begin_content(p, HTML);
    p->figures++;
    text *picture = new_piece(p, &p->pictures);
    if (picture != NULL) plot_alone(svg, key, keys, picture);
    text_print(&p->html, "<figure id=\"figure-%u\">\n<ul class=\"legend\">", p->figures);
    for (unsigned l = 0; l < keys; l++) {
        text_print(&p->html,
                   "<li><svg viewBox=\"0 0 28 10\" aria-hidden=\"true\"><path d=\"M0 5H28\" stroke=\"var(--c%u)\" "
                   "stroke-width=\"2.5\"%s/></svg>",
                   key[l].color, key[l].dashed ? " stroke-dasharray=\"5 4\"" : "");
        text_html(&p->html, key[l].label);
        text_put(&p->html, "</li>");
    }
    text_put(&p->html, "</ul>\n");
    text_put(&p->html, svg);
    text_print(&p->html, "<figcaption><b>Figure %u.</b> ", p->figures);
    va_list args;
    va_start(args, caption_format);
    put_both(p, HTML, caption_format, args);
    va_end(args);
    text_put(&p->html, "</figcaption>\n</figure>\n");
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
    text_put(whole, "</style>\n</head>\n<body>\n<main>\n<section>\n<h1>");
    text_html(whole, title);
    if (badge != NULL) {
        text_put(whole, " <span class=\"badge\">");
        text_html(whole, badge);
        text_put(whole, "</span>");
    }
    text_put(whole, "</h1>\n");
    if (p->contents.size > 0) {
        text_put(whole, "<nav aria-label=\"Sections\">\n");
        text_add(whole, p->contents.bytes, p->contents.size);
        text_put(whole, "</nav>\n");
    }
    if (p->plot_error.text[0] != '\0') {
        text_put(whole, "<p class=\"warning\">This page has no plots: ");
        text_html(whole, p->plot_error.text);
        text_put(whole, ". The tables hold every value.</p>\n");
    }
    text_add(whole, p->html.bytes, p->html.size);
    text_put(whole, "</section>\n</main>\n<script>\n");
    text_put(whole, asset_page_js);
    text_put(whole, "</script>\n</body>\n</html>\n");
}

void page_finish_markdown(page *p, const char *title, const char *badge, text *whole) {
    text_put(whole, "# ");
    text_markdown(whole, title);
    if (badge != NULL) {
        text_put(whole, " (");
        text_markdown(whole, badge);
        text_put(whole, ")");
    }
    text_put(whole, "\n\n");
    text_add(whole, p->markdown.bytes, p->markdown.size);
}
