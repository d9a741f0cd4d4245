/* plot.h: line plots by gnuplot, as SVG to stand inside an HTML page. */
#ifndef REPORTS_PLOT_H
#define REPORTS_PLOT_H

#include <stddef.h>

#include "../harness/error.h"
#include "text.h"

/* One line. low and high differ from y where the value has an interval, drawn as a bar. */
typedef struct plot_point {
    double x, y, low, high;
} plot_point;

typedef struct plot_line {
    const plot_point *point;
    size_t points;
    unsigned color; /* 1 .. COLORS of page.h */
    bool dashed;
    bool bars; /* draw low..high */
} plot_line;

/* Axis titles are literals: nothing that comes from a record ever enters the script. */
typedef struct plot {
    const char *x_title, *y_title;
    double y_low, y_high; /* of the axis; NaN: as the data want it */
    bool y_log;
    const plot_line *line;
    size_t lines;
} plot;

/* Appends <svg> to svg. `number` keeps the element ids of several plots on one page apart. Colours are the page's
 * CSS variables --c1 .. and currentColor, so that the plot follows the page's light or dark scheme. Error: gnuplot
 * cannot be run, or what it said. */
bool plot_svg(const plot *p, unsigned number, text *svg, error *e);

/* The same picture as a file of its own, with its legend above it and the page's light colours: viewers and
 * converters know no CSS variables. svg is what plot_svg made. */
struct legend;
void plot_alone(const char *svg, const struct legend *key, unsigned keys, text *alone);

#endif
