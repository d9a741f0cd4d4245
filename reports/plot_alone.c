/* plot_alone.c: legends, and a plot as a file of its own. */
#include <string.h>

#include "plot.h"

/* style.css's colours in the light. */
static const char *const light[COLORS] = {"#0072b2", "#d55e00", "#009e73", "#b0568f",
                                          "#55595f", "#b37a00", "#3a9bd1"};

/* The shapes of plot.c, in a box of 28 by 10. */
static const char *const marks[COLORS] = {
    "M17.5 5a3.5 3.5 0 1 1-7 0a3.5 3.5 0 1 1 7 0z",
    "M11 2h6v6h-6z",
    "M14 1l4 7h-8z",
    "M14 .5l4 4.5l-4 4.5l-4-4.5z",
    "M16 5a2 2 0 1 1-4 0a2 2 0 1 1 4 0z",
    "M14 9l4-7h-8z",
    "M11 .8l3 3l3-3l1.2 1.2l-3 3l3 3l-1.2 1.2l-3-3l-3 3l-1.2-1.2l3-3l-3-3z",
};

void plot_swatch(const plot_line *line, const char *const *colors, text *svg) {
    const unsigned c = (line->color - 1) % COLORS;
    text color = {0};
    if (colors != NULL)
        text_put(&color, colors[c]);
    else
        text_print(&color, "var(--c%u)", c + 1);
    const char *paint = color.bytes != NULL ? color.bytes : "";
    if (line->style != SCATTERED)
        text_print(svg, "<path d=\"M0 5H28\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\"%s/>", paint,
                   line->dashed ? " stroke-dasharray=\"5 4\"" : "");
    if (line->style != BARE) text_print(svg, "<path d=\"%s\" fill=\"%s\"/>", marks[c], paint);
    if (color.failed) svg->failed = true;
    text_free(&color);
}

/* Copies up to `end` with the page's variables replaced by what they are in the light. */
static void put_light(text *to, const char *from, const char *end) {
    static const char variable[] = "var(--";
    while (from < end) {
        if ((size_t)(end - from) < sizeof variable || memcmp(from, variable, sizeof variable - 1) != 0) {
            text_add(to, from++, 1);
            continue;
        }
        const char *name = from + sizeof variable - 1;
        const unsigned digit = name[0] == 'c' ? (unsigned)(name[1] - '1') : COLORS;
        text_put(to, digit < COLORS ? light[digit] : strncmp(name, "grid", 4) == 0 ? "#dddddd" : "#ffffff");
        from = name + strcspn(name, ")") + 1;
    }
}

/* Roughly the columns a UTF-8 string takes. */
static double width_of(const char *string) {
    double width = 0;
    for (const char *c = string; *c != '\0'; c++) width += ((unsigned char)*c & 0xc0) != 0x80;
    return width;
}

enum { LEGEND_LINE = 20, LEGEND_CHARACTER = 6, LEGEND_SWATCH = 34 };

void plot_alone(const plot *p, const char *svg, text *alone) {
    const char *body = strchr(svg, '>'), *end = svg + strlen(svg), *close = end;
    text legend = {0};
    double x = 8, y = 14;
    bool any = false;
    for (size_t l = 0; l < p->lines; l++) {
        const plot_line *line = &p->line[l];
        if (line->label == NULL || line->unlisted) continue;
        const double width = LEGEND_SWATCH + LEGEND_CHARACTER * width_of(line->label) + 12;
        if (any && x + width > PLOT_WIDTH) {
            x = 8;
            y += LEGEND_LINE;
        }
        any = true;
        text_print(&legend, "<g transform=\"translate(%g %g)\">", x, y - 9);
        plot_swatch(line, light, &legend);
        text_print(&legend, "</g><text x=\"%g\" y=\"%g\">", x + LEGEND_SWATCH, y);
        text_html(&legend, line->label);
        text_put(&legend, "</text>\n");
        x += width;
    }
    const double top = any ? y + 10 : 0;
    text_print(
        alone,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 %d "
        "%g\" width=\"%d\" height=\"%g\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"%d\" "
        "color=\"#222222\">\n<title>%s against %s</title>\n"
        "<style>text { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; }</style>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n<g fill=\"#222222\" font-size=\"12\">\n",
        PLOT_WIDTH, PLOT_HEIGHT + top, PLOT_WIDTH, PLOT_HEIGHT + top, PLOT_FONT_SIZE, p->y_title, p->x_title);
    if (legend.bytes != NULL) text_put(alone, legend.bytes);
    text_print(alone, "</g>\n<g transform=\"translate(0 %g)\">\n", top);
    while (body != NULL && close > body && strncmp(close, "</svg>", 6) != 0) close--;
    if (body != NULL) put_light(alone, body + 1, close);
    text_put(alone, "</g>\n</svg>\n");
    if (legend.failed) alone->failed = true;
    text_free(&legend);
}
