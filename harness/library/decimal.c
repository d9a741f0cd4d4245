#include "decimal.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Puts `to` in the place of `from` in text, where it stands; size bounds the result. */
static void replace(char *text, size_t size, const char *from, const char *to) {
    char *at = strstr(text, from);
    if (at == NULL || strlen(text) - strlen(from) + strlen(to) >= size) return;
    memmove(at + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    memcpy(at, to, strlen(to));
}

const char *decimal_text(double value, char text[DECIMAL_TEXT]) {
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, DECIMAL_TEXT, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    replace(text, DECIMAL_TEXT, localeconv()->decimal_point, ".");
    return text;
}

bool decimal_read(const char **text, double *value) {
    char copy[DECIMAL_TEXT];
    const size_t length = strspn(*text, "0123456789.");
    if (length == 0 || length >= sizeof copy) return false;
    memcpy(copy, *text, length);
    copy[length] = '\0';
    replace(copy, sizeof copy, ".", localeconv()->decimal_point);
    char *end;
    const double number = strtod(copy, &end);
    if (*end != '\0') return false;
    *text += length;
    *value = number;
    return true;
}
