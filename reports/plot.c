#include "plot.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format.h"

extern char **environ;

/* Sentinel colours, which become CSS below: 1 .. COLORS are the lines, GRID the grid. */
enum { GRID = 100 };

/* gnuplot's filled circle, square, triangle, diamond, small circle, triangle on its head; cross. */
static const struct {
    int type;
    double size;
} shape[COLORS] = {{7, 0.45}, {5, 0.4}, {9, 0.55}, {13, 0.55}, {7, 0.3}, {11, 0.55}, {2, 0.4}};

static bool beyond(double value, double low, double high, plot_axis axis) {
    return (isfinite(low) && value < low) || (isfinite(high) && value > high) ||
           (axis == LOGARITHMIC && value <= 0);
}

static bool is_drawn(const plot *p, const plot_point *at) {
    return isfinite(at->x) && isfinite(at->y) && (p->x_percent || !beyond(at->x, p->x_low, p->x_high, p->x_axis)) &&
           !beyond(at->y, p->y_low, p->y_high, p->y_axis);
}

static void write_range(FILE *script, char axis, double low, double high) {
    if (isfinite(low)) fprintf(script, "set %crange [%.17g:]\n", axis, low);
    if (isfinite(high)) fprintf(script, "set %crange [:%.17g]\n", axis, high);
}

static void write_axes(FILE *script, const plot *p) {
    if (p->x_percent) {
        fprintf(script, "set xrange [0:102]\nset xtics 0, 20, 100\n");
    } else {
        write_range(script, 'x', p->x_low, p->x_high);
        fprintf(script, "set format x '%%g'\nset grid xtics\n");
    }
    write_range(script, 'y', p->y_low, p->y_high);
    if (p->x_axis == LOGARITHMIC) fprintf(script, "set logscale x\n");
    if (p->y_axis == LOGARITHMIC) fprintf(script, "set logscale y\nset format y '%%g'\n");
}

/* Degrees of a line on which y grows as x does, between logarithmic axes. */
static double rise(const plot *p) {
    static const double inner_width = 323, inner_height = 219; /* of PLOT_WIDTH x PLOT_HEIGHT, within the axes */
    const double per_x = inner_width / log10(p->x_high / p->x_low);
    const double per_y = inner_height / log10(p->y_high / p->y_low);
    return atan2(per_y, per_x) * 180 / M_PI;
}

static void write_words(FILE *script, const plot *p) {
    for (size_t w = 0; w < p->words; w++) {
        fprintf(script, "set label '");
        for (const char *c = p->word[w].words; *c != '\0'; c++)
            fputc(isalnum((unsigned char)*c) || strchr(" .,/%-", *c) != NULL ? *c : ' ', script);
        fprintf(script, "' at %.17g,%.17g %s rotate by %.3g front noenhanced font ',12' offset 0,0.5\n",
                p->word[w].x, p->word[w].y, p->word[w].right ? "right" : "left", p->word[w].along ? rise(p) : 0);
    }
}

/* The data of line l, all of them and those that are drawn as points. */
static void write_data(FILE *script, const plot *p, size_t l) {
    const plot_line *line = &p->line[l];
    for (int drawn = 0; drawn < 2; drawn++) {
        fprintf(script, "$%s%zu << end_of_line\n", drawn ? "points" : "line", l);
        for (size_t i = 0; i < line->points; i++) {
            const plot_point *at = &line->point[i];
            if (drawn ? is_drawn(p, at) : isfinite(at->x) && isfinite(at->y))
                fprintf(script, "%.17g %.17g %.17g %.17g\n", at->x, at->y, isfinite(at->low) ? at->low : at->y,
                        isfinite(at->high) ? at->high : at->y);
        }
        fprintf(script, "end_of_line\n");
    }
}

/* The points of a line; 0 where it has none by its style. */
static size_t count_drawn(const plot *p, const plot_line *line) {
    size_t count = 0;
    for (size_t i = 0; i < line->points && line->style != BARE; i++) count += is_drawn(p, &line->point[i]);
    return count;
}

static void write_script(FILE *script, const plot *p) {
    fprintf(script,
            "set terminal svg size %d,%d dynamic font ',%d'\n"
            "set encoding utf8\n"
            "set border 3\n"
            "set tics nomirror out scale 0.5\n"
            "set grid ytics linetype 1 linecolor rgb '#0000%02x' linewidth 1\n"
            "set xlabel '%s' noenhanced offset 0,0.4\n"
            "set ylabel '%s' noenhanced offset 1,0\n"
            "set lmargin %d\n"
            "unset key\n",
            PLOT_WIDTH, PLOT_HEIGHT, PLOT_FONT_SIZE, GRID, p->x_title, p->y_title,
            p->y_axis == LOGARITHMIC ? 10 : 8); /* room for 100000 */
    write_axes(script, p);
    write_words(script, p);
    for (size_t l = 0; l < p->lines; l++) write_data(script, p, l);
    const char *separator = "plot ";
    for (size_t l = 0; l < p->lines; l++) {
        const plot_line *line = &p->line[l];
        const unsigned shaped = (line->color - 1) % COLORS;
        if (line->points == 0) continue;
        if (line->bars) { /* vectors, because error bars would erase the lines beneath them around each point */
            fprintf(script,
                    "%s$line%zu using 1:3:(0):($4-$3) with vectors nohead linecolor rgb '#0000%02x' linewidth 1.5",
                    separator, l, line->color);
            separator = ", ";
        }
        if (line->style != SCATTERED) {
            fprintf(script, "%s$line%zu using 1:2 with lines linecolor rgb '#0000%02x' dashtype %s linewidth %s",
                    separator, l, line->color, line->dashed ? "(9,6)" : "1",
                    line->style == BARE ? "1.3"
                    : line->dashed      ? "1.8"
                                        : "2.6");
            separator = ", ";
        }
        if (count_drawn(p, line) > 0) {
            fprintf(script,
                    "%s$points%zu using 1:2 with points linecolor rgb '#0000%02x' pointtype %d pointsize %g",
                    separator, l, line->color, shape[shaped].type,
                    shape[shaped].size * (line->dashed || line->style == SCATTERED ? 0.7 : 1));
            separator = ", ";
        }
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

/* A place among the points that are drawn, over all lines in their order. */
typedef struct place {
    size_t line, point;
} place;

/* The next one from there on; NULL behind the last. */
static const plot_point *next_drawn(const plot *p, place *at, const plot_line **of) {
    for (; at->line < p->lines; at->line++, at->point = 0) {
        *of = &p->line[at->line];
        while ((*of)->style != BARE && at->point < (*of)->points) {
            const plot_point *found = &(*of)->point[at->point++];
            if (is_drawn(p, found)) return found;
        }
    }
    return NULL;
}

/* "label, note", then both values, the second with its interval where it has one. */
static void put_title(text *to, const plot *p, const plot_line *line, const plot_point *at) {
    text_put(to, "<title>");
    if (line->label != NULL) text_html(to, line->label);
    if (line->label != NULL && at->note != NULL) text_put(to, ", ");
    if (at->note != NULL) text_html(to, at->note);
    text_print(to, "\n%s: %s\n%s: %s", p->x_title, show_significant(at->x).text, p->y_title,
               show_significant(at->y).text);
    if (line->bars && at->low < at->high)
        text_print(to, " (%s)", show_range(show_significant(at->low), show_significant(at->high)).text);
    text_put(to, "</title>");
}

/* Copies the drawing and gives each of its points a title; false where it does not have as many as were asked for.
 */
static bool add_titles(text *to, const char *drawing, const plot *p) {
    static const char use[] = "<use ", moved[] = "transform='translate(", close[] = "/>";
    place at_point = {0, 0};
    const plot_line *line = NULL;
    const char *from = drawing;
    for (const char *at; (at = strstr(from, use)) != NULL;) {
        const char *end = strstr(at, close), *move = strstr(at, moved);
        if (end == NULL) return false;
        text_add(to, from, (size_t)(end - from));
        from = end;
        if (move == NULL || move > end) { /* one of the shapes' definitions */
            text_put(to, close);
            from += strlen(close);
            continue;
        }
        const plot_point *drawn = next_drawn(p, &at_point, &line);
        if (drawn == NULL) return false;
        text_put(to, ">");
        put_title(to, p, line, drawn);
        text_put(to, "</use>");
        from += strlen(close);
    }
    text_put(to, from);
    return next_drawn(p, &at_point, &line) == NULL;
}

/* What is to be left out at `from`: its length; 0: nothing. Groups without content, filters that nothing uses, and
 * gnuplot's words for a line, which would pop up under the pointer. Together they are a third of a drawing. */
static size_t left_out(const char *from) {
    static const struct {
        const char *start, *end;
    } element[] = {{"<filter ", "</filter>\n"}, {"<title>", "</title>"}};
    for (size_t i = 0; i < sizeof element / sizeof element[0]; i++) {
        if (strncmp(from, element[i].start, strlen(element[i].start)) != 0) continue;
        const char *end = strstr(from, element[i].end);
        return end != NULL ? (size_t)(end - from) + strlen(element[i].end) : 0;
    }
    static const char group[] = "<g ", empty[] = ">\n</g>\n";
    if (strncmp(from, group, strlen(group)) != 0) return 0;
    const char *end = strchr(from, '>');
    return end != NULL && strncmp(end, empty, strlen(empty)) == 0 ? (size_t)(end - from) + strlen(empty) : 0;
}

/* Copies from up to end without all that. */
static void tidy(text *to, const char *from, const char *end) {
    while (from < end) {
        const size_t rest = (size_t)(end - from), unwanted = left_out(from);
        const size_t skipped = unwanted < rest ? unwanted : rest;
        const char *next =
            memchr(from + skipped + (skipped == 0), '<', (size_t)(end - from) - skipped - (skipped == 0));
        if (next == NULL) next = end;
        text_add(to, from + skipped, (size_t)(next - from) - skipped);
        from = next;
    }
}

/* Takes out the definitions of shapes that no point has. Later ones use earlier ones: backwards. */
static void drop_shapes(text *drawing) {
    enum { SHAPES = 15 };
    for (int s = SHAPES - 1; s >= 0; s--) {
        char id[24], used[24];
        snprintf(id, sizeof id, "id='gpPt%d'", s);
        snprintf(used, sizeof used, "#gpPt%d'", s);
        char *at = strstr(drawing->bytes, id);
        if (at == NULL || strstr(drawing->bytes, used) != NULL) continue;
        while (at > drawing->bytes && *at != '<') at--;
        char *end = strstr(at, "/>");
        if (end == NULL) continue;
        end += strlen("/>");
        end += *end == '\n';
        memmove(at, end, strlen(end) + 1);
        drawing->size -= (size_t)(end - at);
    }
}

/* gnuplot's file -> an element of the page: no prolog, the page's font and colours, ids of its own. */
static bool adapt(const char *file, const plot *p, unsigned number, text *svg) {
    const char *start = strstr(file, "<svg"), *body = strstr(file, "<g id=\"gnuplot_canvas\">");
    const char *end = strstr(file, "</svg>");
    if (start == NULL || body == NULL || end == NULL || end < body) return false;
    char id[3][32], color[COLORS][40], css[COLORS][16];
    const char *pattern[COLORS + 24][2];
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
        {" stroke-linecap=\"butt\" stroke-linejoin=\"miter\"", ""}, /* which they are by themselves */
        {" stroke-width=\"1.00\"", ""},
        {"<tspan font-family=\"Arial\" >", ""},
        {"</tspan>", ""},
        {" class=\"gridline\" ", ""},
        {"\t", ""},
        {"\n\n", "\n"},
        {"gpPt1' stroke-width='0.178'", "gpPt1' stroke-width='0.7'"}, /* the cross, as bold as what is filled */
        {"  '/>", "'/>"},
    };
    for (size_t f = 0; f < sizeof fixed / sizeof fixed[0]; f++, patterns++) {
        pattern[patterns][0] = fixed[f][0];
        pattern[patterns][1] = fixed[f][1];
    }
    text_print(
        svg,
        "<svg class=\"plot\" viewBox=\"0 0 %d %d\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" role=\"img\" "
        "aria-label=\"%s against %s\">\n",
        PLOT_WIDTH, PLOT_HEIGHT, p->y_title, p->x_title);
    text tidied = {0}, drawing = {0};
    tidy(&tidied, body, end + strlen("</svg>"));
    if (!tidied.failed) {
        drop_shapes(&tidied);
        replace(&drawing, tidied.bytes, tidied.bytes + tidied.size, (const char *const(*)[2])pattern, patterns);
    }
    const bool whole = !tidied.failed && !drawing.failed && add_titles(svg, drawing.bytes, p);
    text_free(&tidied);
    text_free(&drawing);
    text_put(svg, "\n");
    return whole && !svg->failed;
}

/* Runs gnuplot on three open files. Files, not pipes: nobody can wait for a full pipe. *drew: whether it was
 * content; it also complains of what does not matter, such as a locale without a degree sign. */
static bool run_gnuplot(FILE *script, FILE *drawing, FILE *complaint, bool *drew, error *e) {
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
    *drew = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return true;
}

bool plot_svg(const plot *p, unsigned number, text *svg, error *e) {
    bool drawn = false, drew = false;
    text file = {0}, said = {0};
    FILE *script = tmpfile(), *drawing = tmpfile(), *complaint = tmpfile();
    if (script == NULL || drawing == NULL || complaint == NULL) {
        fail(e, "no temporary file for a plot: %s", strerror(errno));
        goto done;
    }
    write_script(script, p);
    if (ferror(script) || fflush(script) != 0 || fseek(script, 0, SEEK_SET) != 0) {
        fail(e, "cannot write a plot's script: %s", strerror(errno));
        goto done;
    }
    if (!run_gnuplot(script, drawing, complaint, &drew, e)) goto done;
    slurp(drawing, &file);
    slurp(complaint, &said);
    drawn = drew && file.bytes != NULL && adapt(file.bytes, p, number, svg);
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
