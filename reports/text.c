#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned failures;

unsigned text_failures(void) { return failures; }

static bool fail_text(text *t) {
    t->failed = true;
    failures++;
    return false;
}

void text_free(text *t) {
    free(t->bytes);
    *t = (text){0};
}

/* Room for `more` bytes and the NUL. */
static bool text_reserve(text *t, size_t more) {
    if (t->failed) return false;
    if (t->room - t->size > more) return true;
    size_t room = t->room == 0 ? 1024 : t->room;
    while (room - t->size <= more) room *= 2;
    char *grown = realloc(t->bytes, room);
    if (grown == NULL) return fail_text(t);
    t->bytes = grown;
    t->room = room;
    return true;
}

void text_add(text *t, const char *bytes, size_t size) {
    if (!text_reserve(t, size)) return;
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    t->bytes[t->size] = '\0';
}

void text_put(text *t, const char *string) { text_add(t, string, strlen(string)); }

void text_vprint(text *t, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        fail_text(t);
    } else if (text_reserve(t, (size_t)length)) {
        vsnprintf(t->bytes + t->size, (size_t)length + 1, format, args);
        t->size += (size_t)length;
    }
}

void text_print(text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    text_vprint(t, format, args);
    va_end(args);
}

static bool is_control(char c) { return (unsigned char)c < 0x20 || c == 0x7f; }

void text_html(text *t, const char *string) {
    for (const char *c = string; *c != '\0'; c++) {
        switch (*c) {
        case '&': text_put(t, "&amp;"); break;
        case '<': text_put(t, "&lt;"); break;
        case '>': text_put(t, "&gt;"); break;
        case '"': text_put(t, "&quot;"); break;
        case '\'': text_put(t, "&#39;"); break;
        default: text_add(t, is_control(*c) ? " " : c, 1);
        }
    }
}

void text_markdown(text *t, const char *string) {
    for (const char *c = string; *c != '\0'; c++) {
        const bool inside_word =
            c > string && isalnum((unsigned char)c[-1]) != 0 && isalnum((unsigned char)c[1]) != 0;
        if (*c == '<') {
            text_put(t, "&lt;"); /* no backslash: some renderers would still see a tag */
        } else if (*c == '@' && isalnum((unsigned char)c[1]) != 0) {
            text_put(t, "@&#8203;"); /* or GitHub would notify a user of that name */
        } else if (strchr("\\`*[]|~&#>", *c) != NULL || (*c == '_' && !inside_word)) {
            text_add(t, "\\", 1);
            text_add(t, c, 1);
        } else {
            text_add(t, is_control(*c) ? " " : c, 1);
        }
    }
}

/* What LaTeX has no letter for without packages, as UTF-8. */
static const char *const latex[][2] = {
    {"\xc2\xa0", "~"},
    {"\xc3\x97", "$\\times$"},
    {"\xe2\x80\x93", "--"},
    {"\xe2\x88\x92", "$-$"},
    {"\xe2\x89\x88", "$\\approx$"},
    {"\xc2\xb5", "$\\mu$"},
    {"\xc2\xb7", "$\\cdot$"},
    {"\xe2\x89\xa4", "$\\le$"},
    {"\xe2\x89\xa5", "$\\ge$"},
    {"\xce\xb3", "$\\gamma$"},
    {"\xe2\x80\xa6", "\\ldots{}"},
    {"\xc2\xb1", "$\\pm$"},
    {"\\", "\\textbackslash{}"},
    {"~", "\\textasciitilde{}"},
    {"^", "\\textasciicircum{}"},
    {"&", "\\&"},
    {"%", "\\%"},
    {"$", "\\$"},
    {"#", "\\#"},
    {"_", "\\_"},
    {"{", "\\{"},
    {"}", "\\}"},
    {"<", "\\textless{}"},
    {">", "\\textgreater{}"},
    {"\"", "\\textquotedbl{}"},
    {"|", "\\textbar{}"},
};

void text_latex(text *t, const char *string) {
    while (*string != '\0') {
        size_t l = 0;
        while (l < sizeof latex / sizeof latex[0] && strncmp(string, latex[l][0], strlen(latex[l][0])) != 0) l++;
        if (l < sizeof latex / sizeof latex[0]) {
            text_put(t, latex[l][1]);
            string += strlen(latex[l][0]);
        } else if (string[0] == '-' && string[1] == '-') { /* or it would become a dash */
            text_put(t, "-{}");
            string++;
        } else {
            text_add(t, is_control(*string) ? " " : string, 1);
            string++;
        }
    }
}

void text_csv(text *t, const char *string) {
    if (strpbrk(string, ",\"\r\n") == NULL) {
        text_put(t, string);
        return;
    }
    text_put(t, "\"");
    for (const char *c = string; *c != '\0'; c++) {
        if (*c == '"') text_put(t, "\"");
        text_add(t, c, 1);
    }
    text_put(t, "\"");
}
