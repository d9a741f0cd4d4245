#include "plot.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "page.h"

extern char **environ;

/* In viewBox units: on a phone of 390 px the text of 15 is still 12 px high. */
enum { WIDTH = 460, HEIGHT = 310, FONT_SIZE = 15 };

/* Sentinel colours, which become CSS below: 1 .. COLORS are the lines, GRID the grid. */
enum { GRID = 100 };

static void write_script(FILE *script, const plot *p) {
    fprintf(script,
            "set terminal svg size %d,%d dynamic font ',%d'\n"
            "set encoding utf8\n"
            "set border 3\n"
            "set tics nomirror out scale 0.5\n"
            "set grid ytics linetype 1 linecolor rgb '#0000%02x' linewidth 1\n"
            "set xlabel '%s' noenhanced offset 0,0.4\n"
            "set ylabel '%s' noenhanced offset 1,0\n"
            "set xrange [0:102]\n"
            "set xtics 0, 20, 100\n"
            "set lmargin %d\n"
            "unset key\n",
            WIDTH, HEIGHT, FONT_SIZE, GRID, p->x_title, p->y_title, p->y_log ? 10 : 8); /* room for 100000 */
    if (p->y_log) fprintf(script, "set logscale y\nset format y '%%g'\n");
    if (isfinite(p->y_low)) fprintf(script, "set yrange [%.17g:]\n", p->y_low);
    if (isfinite(p->y_high)) fprintf(script, "set yrange [:%.17g]\n", p->y_high);
    for (size_t l = 0; l < p->lines; l++) {
        fprintf(script, "$line%zu << end_of_line\n", l);
        for (size_t i = 0; i < p->line[l].points; i++) {
            const plot_point *at = &p->line[l].point[i];
            if (isfinite(at->x) && isfinite(at->y))
                fprintf(script, "%.17g %.17g %.17g %.17g\n", at->x, at->y, isfinite(at->low) ? at->low : at->y,
                        isfinite(at->high) ? at->high : at->y);
        }
        fprintf(script, "end_of_line\n");
    }
    const char *separator = "plot ";
    for (size_t l = 0; l < p->lines; l++) {
        const plot_line *line = &p->line[l];
        if (line->points == 0) continue;
        const char *dash = line->dashed ? "dashtype (9,6)" : "dashtype 1";
        if (line->bars) /* vectors, because error bars would erase the lines beneath them around each point */
            fprintf(script,
                    "%s$line%zu using 1:3:(0):($4-$3) with vectors nohead linecolor rgb '#0000%02x' linewidth 1.5",
                    separator, l, line->color);
        if (line->bars) separator = ", ";
        fprintf(script,
                "%s$line%zu using 1:2 with linespoints linecolor rgb '#0000%02x' %s linewidth %s pointtype 7 "
                "pointsize %s",
                separator, l, line->color, dash, line->dashed ? "1.8" : "2.6", line->dashed ? "0.3" : "0.45");
        separator = ", ";
    }
    fprintf(script, "\n");
}

/* Everything that was written to the file. */
static void slurp(FILE *file, text *t) {
    char piece[4096];
    rewind(file);
    for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;) text_add(t, piece, got);
    if (ferror(file)) t->failed = true;
}

/* Copies `from` up to `end` with every pattern replaced; patterns do not overlap. */
static void replace(text *to, const char *from, const char *end, const char *const (*pattern)[2], size_t patterns) {
    while (from < end) {
        size_t r = 0, length = 0;
        for (; r < patterns; r++) {
            length = strlen(pattern[r][0]);
            if ((size_t)(end - from) >= length && memcmp(from, pattern[r][0], length) == 0) break;
        }
        if (r < patterns) {
            text_put(to, pattern[r][1]);
            from += length;
        } else {
            text_add(to, from++, 1);
        }
    }
}

/* gnuplot's file -> an element of the page: no prolog, the page's font and colours, ids of its own. */
static bool adapt(const char *file, const plot *p, unsigned number, text *svg) {
    const char *start = strstr(file, "<svg"), *body = strstr(file, "<g id=\"gnuplot_canvas\">");
    const char *end = strstr(file, "</svg>");
    if (start == NULL || body == NULL || end == NULL || end < body) return false;
    char id[3][32], color[COLORS][40], css[COLORS][16];
    const char *pattern[COLORS + 16][2];
    size_t patterns = 0;
    static const char *const id_places[] = {"id='", "id=\"", "xlink:href='#"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(id[i], sizeof id[i], "%sf%u-", id_places[i], number);
        pattern[patterns][0] = id_places[i];
        pattern[patterns++][1] = id[i];
    }
    for (unsigned c = 1; c <= COLORS; c++) {
        snprintf(color[c - 1], sizeof color[0], "rgb(  0,   0, %3u)", c);
        snprintf(css[c - 1], sizeof css[0], "var(--c%u)", c);
        pattern[patterns][0] = color[c - 1];
        pattern[patterns++][1] = css[c - 1];
    }
    static const char *const fixed[][2] = {
        {"rgb(  0,   0, 100)", "var(--grid)"},
        {"rgb(  0,   0,   0)", "currentColor"},
        {"rgb(0,0,0)", "currentColor"},
        {"fill=\"black\"", "fill=\"currentColor\""},
        {"stroke=\"black\"", "stroke=\"currentColor\""},
        {"stroke='black'", "stroke='currentColor'"},
        {" color=\"black\"", ""}, /* inherited: `color` is what currentColor means */
        {"color='white'", "color='var(--paper)'"},
        {" font-family=\"Arial\" ", " "},
        {"<title>", "<desc>"}, /* gnuplot's words for a line, which would pop up under the pointer */
        {"</title>", "</desc>"},
    };
    for (size_t f = 0; f < sizeof fixed / sizeof fixed[0]; f++, patterns++) {
        pattern[patterns][0] = fixed[f][0];
        pattern[patterns][1] = fixed[f][1];
    }
    text_print(
        svg,
        "<svg class=\"plot\" viewBox=\"0 0 %d %d\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" role=\"img\" "
        "aria-label=\"%s against %s\">\n",
        WIDTH, HEIGHT, p->y_title, p->x_title);
    replace(svg, body, end + strlen("</svg>"), (const char *const(*)[2])pattern, patterns);
    text_put(svg, "\n");
    return !svg->failed;
}

/* Runs gnuplot on three open files. Files, not pipes: nobody can wait for a full pipe. */
static bool run_gnuplot(FILE *script, FILE *drawing, FILE *complaint, error *e) {
    char *const arguments[] = {(char[]){"gnuplot"}, (char[]){"-d"}, (char[]){"-"},
                               NULL}; /* -d: no start-up files */
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) return fail(e, "no memory to run gnuplot");
    pid_t child = 0;
    int reason = posix_spawn_file_actions_adddup2(&actions, fileno(script), STDIN_FILENO);
    if (reason == 0) reason = posix_spawn_file_actions_adddup2(&actions, fileno(drawing), STDOUT_FILENO);
    if (reason == 0) reason = posix_spawn_file_actions_adddup2(&actions, fileno(complaint), STDERR_FILENO);
    if (reason == 0) reason = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (reason != 0) return fail(e, "gnuplot cannot be run: %s", strerror(reason));
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return fail(e, "gnuplot cannot be waited for: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return fail(e, "gnuplot cannot be run: not found");
    return true; /* what it drew tells whether it worked */
}

bool plot_svg(const plot *p, unsigned number, text *svg, error *e) {
    bool drawn = false;
    text file = {0}, said = {0};
    FILE *script = tmpfile(), *drawing = tmpfile(), *complaint = tmpfile();
    if (script == NULL || drawing == NULL || complaint == NULL) {
        fail(e, "no temporary file for a plot: %s", strerror(errno));
        goto done;
    }
    write_script(script, p);
    if (fflush(script) != 0 || fseek(script, 0, SEEK_SET) != 0) {
        fail(e, "cannot write a plot's script: %s", strerror(errno));
        goto done;
    }
    if (!run_gnuplot(script, drawing, complaint, e)) goto done;
    slurp(drawing, &file);
    slurp(complaint, &said);
    drawn = file.bytes != NULL && said.bytes == NULL && adapt(file.bytes, p, number, svg);
    if (!drawn) {
        if (said.bytes != NULL) said.bytes[strcspn(said.bytes, "\r\n")] = '\0';
        fail(e, "gnuplot drew nothing: %.300s", said.bytes != NULL ? said.bytes : "its SVG is not as expected");
    }
done:
    if (script != NULL) fclose(script);
    if (drawing != NULL) fclose(drawing);
    if (complaint != NULL) fclose(complaint);
    text_free(&file);
    text_free(&said);
    return drawn;
}

/* ---- alone ----------------------------------------------------------------------------------------------------
 */

/* style.css's colours in the light. */
static const char *const light[COLORS] = {"#0072b2", "#d55e00", "#009e73", "#b0568f",
                                          "#55595f", "#b37a00", "#3a9bd1"};

enum { LEGEND_LINE = 20, LEGEND_CHARACTER = 6, LEGEND_SWATCH = 36 };

void plot_alone(const char *svg, const struct legend *key, unsigned keys, text *alone) {
    const char *body = strchr(svg, '>'), *end = svg + strlen(svg);
    text legend_text = {0};
    double x = 8, y = 14;
    for (unsigned l = 0; l < keys; l++) {
        const double width = LEGEND_SWATCH + LEGEND_CHARACTER * (double)strlen(key[l].label) + 12;
        if (x > 8 && x + width > WIDTH) {
            x = 8;
            y += LEGEND_LINE;
        }
        text_print(&legend_text,
                   "<path d=\"M%g %gh28\" stroke=\"%s\" stroke-width=\"2.5\"%s/><text x=\"%g\" y=\"%g\">", x, y - 4,
                   light[(key[l].color - 1) % COLORS], key[l].dashed ? " stroke-dasharray=\"5 4\"" : "",
                   x + LEGEND_SWATCH, y);
        text_html(&legend_text, key[l].label);
        text_put(&legend_text, "</text>\n");
        x += width;
    }
    const double top = keys > 0 ? y + 10 : 0;
    const char *pattern[COLORS + 2][2] = {{"var(--grid)", "#dddddd"}, {"var(--paper)", "#ffffff"}};
    char css[COLORS][16];
    for (unsigned c = 0; c < COLORS; c++) {
        snprintf(css[c], sizeof css[c], "var(--c%u)", c + 1);
        pattern[2 + c][0] = css[c];
        pattern[2 + c][1] = light[c];
    }
    text_print(
        alone,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 %d "
        "%g\" width=\"%d\" height=\"%g\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"%d\" "
        "color=\"#222222\">\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n<g fill=\"#222222\" font-size=\"12\">\n",
        WIDTH, HEIGHT + top, WIDTH, HEIGHT + top, FONT_SIZE);
    if (legend_text.bytes != NULL) text_put(alone, legend_text.bytes);
    text_print(alone, "</g>\n<g transform=\"translate(0 %g)\">\n", top);
    const char *close = end;
    while (body != NULL && close > body && strncmp(close, "</svg>", 6) != 0) close--;
    if (body != NULL) replace(alone, body + 1, close, (const char *const(*)[2])pattern, COLORS + 2);
    text_put(alone, "</g>\n</svg>\n");
    if (legend_text.failed) alone->failed = true;
    text_free(&legend_text);
}
