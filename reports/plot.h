/* plot.h: line and point plots by gnuplot, as SVG to stand inside an HTML page. */
#ifndef REPORTS_PLOT_H
#define REPORTS_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "../harness/error.h"
#include "text.h"

enum { COLORS = 7 }; /* --c1 .. of style.css; each has a shape of its own too */

/* low and high differ from y where the value has an interval, drawn as a bar. */
typedef struct plot_point {
    double x, y, low, high;
    const char *note; /* what the point is, shown under the pointer before its values; may be NULL */
} plot_point;

/* How a line looks: points joined; points alone; the line alone, which then has no values under the pointer. */
typedef enum plot_style { JOINED, SCATTERED, BARE } plot_style;

typedef struct plot_line {
    const plot_point *point;
    size_t points;
    const char *label; /* in the legend and under the pointer */
    unsigned color;    /* 1 .. COLORS */
    plot_style style;
    bool dashed;
    bool bars;     /* draw low..high */
    bool unlisted; /* not in the legend */
} plot_line;

/* Words at a place in the plot; letters, digits and " .,/%-" only: others become spaces. */
typedef struct plot_word {
    double x, y;
    const char *words;
    bool right; /* they end there, else they begin there */
    bool along; /* turned, along a line that rises as x does; both axes logarithmic, with given ends */
} plot_word;

typedef enum plot_axis { LINEAR, LOGARITHMIC } plot_axis;

/* Axis titles are literals, words are cleaned: nothing that comes from a record ever enters the script. */
typedef struct plot {
    const char *x_title, *y_title;
    bool x_percent;                      /* 0 to 100, whatever the data; else x_low, x_high */
    double x_low, x_high, y_low, y_high; /* of the axes; NaN: as the data want it. Points beyond are not drawn */
    plot_axis x_axis, y_axis;
    const plot_line *line;
    size_t lines;
    const plot_word *word;
    size_t words;
} plot;

/* Appends <svg> to svg, in which every point has a <title> with its values. `number` keeps the element ids of
 * several plots on one page apart. Colours are the page's CSS variables --c1 .. and currentColor, so that the plot
 * follows the page's light or dark scheme. Error: gnuplot cannot be run, or what it said. */
bool plot_svg(const plot *p, unsigned number, text *svg, error *e);

/* What stands before a label in a legend: `<path>`s in a box of 28 by 10. `colors`: of COLORS; NULL: the page's. */
void plot_swatch(const plot_line *line, const char *const *colors, text *svg);

/* The same picture as a file of its own, with its legend above it and the page's light colours: viewers and
 * converters know no CSS variables. svg is what plot_svg made. */
void plot_alone(const plot *p, const char *svg, text *alone);

enum { PLOT_WIDTH = 460, PLOT_HEIGHT = 310, PLOT_FONT_SIZE = 15 }; /* on a phone of 390 px still 12 px high */

#endif
