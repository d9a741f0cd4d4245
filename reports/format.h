/* format.h: how figures look, the same in HTML and in Markdown. NaN ("not measured") is shown as a dash. */
#ifndef REPORTS_FORMAT_H
#define REPORTS_FORMAT_H

#include <stdbool.h>

#include "records.h"

/* A figure in text, by value, so that it can be an argument: show_percent(x).text. UTF-8. From 1e18 on, which no
 * figure is but a file may say, "1.00e+20". */
typedef struct shown {
    char text[64];
} shown;

shown show_channels(double percent);            /* "14.7", "100": a percentage of the channels, without its sign */
shown show_decimal(double value, int decimals); /* "47.1" */
shown show_percent(double percent, int decimals); /* "47.1 %", the sign behind a no-break space */
shown show_significant(double value);             /* three significant digits: "0.412", "12300" */
shown show_time(double time_ns);                  /* "412 ns", "2.04 µs", "1.53 ms", "12.3 s" */
shown show_us(double time_ns);                    /* microseconds without the unit, for columns */
shown show_bytes(double bytes);                   /* "48 KiB" */
shown show_count(double count);                   /* "101,600" */
shown show_ratio(double ratio, bool different);   /* "3.42×"; "≈ 1.02×" where the intervals overlap */
shown show_range(shown low, shown high);          /* "2.01–2.11"; empty where both are dashes */

#endif
