/* page.h: one document written in HTML and in Markdown at once, so that the two cannot disagree. Every string is
 * escaped here; callers pass plain text. */
#ifndef REPORTS_PAGE_H
#define REPORTS_PAGE_H

#include "../harness/error.h"
#include "plot.h"
#include "text.h"

/* Where something appears. */
typedef enum media { HTML = 1, MARKDOWN = 2, BOTH = 3 } media;

/* A numeric column is right-aligned. A column that starts a group gets a rule on its left. */
typedef struct column {
    const char *title;
    bool numeric, starts_group;
} column;

/* Something that also stands alone, for papers: a table as LaTeX or a figure as SVG. */
typedef struct page_piece {
    char name[64]; /* "<section>-<number in the section>" */
    text content;
} page_piece;

typedef struct page_pieces {
    page_piece *piece;
    size_t count;
    unsigned in_section; /* of the section at hand */
} page_pieces;

/* More plots than a page can hold: each takes gnuplot some 30 ms and the page some 20 kB. */
enum { PAGE_FIGURES = 150 };

typedef struct page {
    unsigned failures_before; /* text_failures() when it was begun */
    text html, markdown;
    page_pieces tables, pictures;
    text contents;                          /* links to the sections, for HTML */
    media heading_due;                      /* where the section has no content yet */
    const char *section_id, *section_title; /* of the section at hand */
    media open_media;                       /* of the open paragraph or table */
    unsigned columns, cell;                 /* of the open table; cells of the open row */
    const column *column;
    unsigned figures, undrawn; /* undrawn: beyond PAGE_FIGURES */
    error plot_error;          /* why there are no plots; empty when there are */
} page;

void page_free(page *p);
bool page_failed(const page *p);

/* malloc; without memory NULL, and the page has failed. */
void *page_memory(page *p, size_t size_bytes);

/* Starts a section. Its heading appears with its first content: a section that stays silent leaves no trace. id and
 * title are literals. */
void page_section(page *p, const char *id, const char *title);
void page_heading(page *p, media where, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A paragraph of plain and strong runs. kind: NULL, "lead", "card", "facts", "warning" (literals). */
void page_paragraph(page *p, media where, const char *kind);
void page_say(page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_strong(page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void page_paragraph_end(page *p);

/* A whole paragraph. */
void page_note(page *p, media where, const char *kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A table; page_cell is called columns times a row. sort_value orders a numeric column; aside (may be empty) is
 * shown small behind the text. The columns must outlive the table. */
void page_table(page *p, media where, const column *columns, unsigned count, const char *caption_format, ...)
    __attribute__((format(printf, 5, 6)));
void page_cell(page *p, double sort_value, const char *string, const char *aside);
void page_cell_text(page *p, const char *string);
void page_ratio(page *p, double ratio, const char *string, const char *aside); /* shaded by how far from 1 it is */
void page_table_end(page *p);

/* Folded content, HTML only. */
void page_details(page *p, bool open, const char *format, ...) __attribute__((format(printf, 3, 4)));
void page_details_end(page *p);

/* What stands side by side where the screen is wide enough. kind: "figures", "cards" (literals). HTML only. */
void page_grid(page *p, const char *kind);
void page_grid_end(page *p);

/* One figure, HTML only, with its legend, whose text is escaped and wraps on a phone. After the first plot that
 * cannot be drawn, whose reason p->plot_error keeps, there are none. */
void page_figure(page *p, const plot *picture, const char *caption_format, ...)
    __attribute__((format(printf, 3, 4)));

/* The finished documents: the page between head and foot; the caller frees. `badge` (may be NULL) stands behind the
 * title wherever the title does. */
void page_finish_html(page *p, const char *title, const char *badge, text *whole);
void page_finish_markdown(page *p, const char *title, const char *badge, text *whole);

#endif
