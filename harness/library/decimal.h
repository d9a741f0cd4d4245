/* decimal.h: numbers as text with a decimal point, whatever the locale. */
#ifndef HARNESS_DECIMAL_H
#define HARNESS_DECIMAL_H

#include <stdbool.h>

/* Enough for every result of decimal_text. */
enum { DECIMAL_TEXT = 40 };

/* The fewest of 15 to 17 significant digits that read back as the same double; returns text. */
const char *decimal_text(double value, char text[DECIMAL_TEXT]);

/* Reads the digits and the point at *text and moves *text behind them. False, nothing changed, when no number is
 * there. Neither signs nor exponents are read. */
bool decimal_read(const char **text, double *value);

#endif
