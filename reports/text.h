/* text.h: a string that grows, and the escapes of the three formats. */
#ifndef REPORTS_TEXT_H
#define REPORTS_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise. `failed` stays set after the first failed allocation, so that only the end need look at it. */
typedef struct text {
    char *bytes; /* NUL-terminated once something was added, else NULL */
    size_t size, room;
    bool failed;
} text;

void text_free(text *t);

/* How many texts have run out of memory since the program began: pages are made of many, and none may lack a word.
 */
unsigned text_failures(void);
void text_add(text *t, const char *bytes, size_t size);
void text_put(text *t, const char *string);
void text_print(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprint(text *t, const char *format, va_list args);

/* Every string of a record goes through one of these: a CPU may name itself "<script>". */
void text_html(text *t, const char *string);     /* for element content and quoted attributes */
void text_markdown(text *t, const char *string); /* GitHub's dialect, also inside a table; one line */
void text_latex(text *t, const char *string);    /* for running text and cells of tables */
void text_csv(text *t, const char *string);      /* RFC 4180: quoted where it must be */

#endif
