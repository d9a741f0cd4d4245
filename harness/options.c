/* options.c: command-line values, checked, with one clear line where they are wrong. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "commands.h"

int option_error(int argc, char **argv, int c, error *e) {
    const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";
    if (c == ':')
        fail(e, "option '%s' needs a value; idp %s --help tells which", word, argv[0]);
    else if (optopt != 0 && word[0] == '-' && word[1] != '-')
        fail(e, "there is no option '-%c'; idp %s --help lists them", optopt, argv[0]);
    else
        fail(e, "there is no option '%s', or it takes no value; idp %s --help lists them", word, argv[0]);
    return EXIT_ERROR;
}

bool option_number(const char *name, const char *text, double low, double high, double *value, error *e) {
    char *end = NULL;
    errno = 0;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number) || errno == ERANGE)
        return fail(e, "--%s '%s' is not a number", name, text);
    if (number < low || number > high) return fail(e, "--%s %s is outside %.16g to %.16g", name, text, low, high);
    *value = number;
    return true;
}

/* One "a" or "from:to:step" (whole text of the item); appends. */
static bool list_item(const char *name, char *item, double low, double high, double *values, unsigned most,
                      unsigned *count, error *e) {
    double part[3] = {0, 0, 1};
    unsigned parts = 0;
    for (char *rest = item; rest != NULL; parts++) {
        if (parts == 3) return fail(e, "--%s '%s': a range is FROM:TO or FROM:TO:STEP", name, item);
        char *colon = strchr(rest, ':');
        if (colon != NULL) *colon = '\0';
        const bool step = parts == 2;
        if (!option_number(name, rest, step ? 0 : low, step ? high - low : high, &part[parts], e)) return false;
        rest = colon != NULL ? colon + 1 : NULL;
    }
    if (parts == 1) part[1] = part[0];
    if (part[2] <= 0 || part[1] < part[0]) return fail(e, "--%s: a range goes upwards, by a step above 0", name);
    const double steps = floor((part[1] - part[0]) / part[2] + 1e-9);
    for (unsigned s = 0; s <= steps; s++) {
        if (*count == most) return fail(e, "--%s names more than %u values", name, most);
        values[(*count)++] = part[0] + s * part[2];
    }
    return true;
}

bool option_list(const char *name, const char *text, double low, double high, double *values, unsigned most,
                 unsigned *count, error *e) {
    char copy[4096];
    if (strlen(text) >= sizeof copy) return fail(e, "--%s is longer than %zu characters", name, sizeof copy - 1);
    strcpy(copy, text);
    unsigned found = 0;
    for (char *rest = copy; rest != NULL;) {
        char *comma = strchr(rest, ',');
        if (comma != NULL) *comma = '\0';
        if (!list_item(name, rest, low, high, values, most, &found, e)) return false;
        rest = comma != NULL ? comma + 1 : NULL;
    }
    *count = found;
    return true;
}

bool option_shapes(const char *text, bench_shape shape[BENCH_SHAPES], unsigned *count, error *e) {
    unsigned found = 0;
    for (const char *rest = text; rest != NULL;) {
        unsigned out = 0, in = 0;
        int end = 0;
        if (sscanf(rest, "%5ux%5u%n", &out, &in, &end) != 2 || (rest[end] != ',' && rest[end] != '\0') || out < 1 ||
            out > BENCH_MAX_WIDTH || in < 1 || in > BENCH_MAX_WIDTH)
            return fail(e, "--shape '%s': a layer is OUTxIN, each from 1 to %d", rest, BENCH_MAX_WIDTH);
        if (found == BENCH_SHAPES) return fail(e, "--shape names more than %d layers", BENCH_SHAPES);
        for (unsigned h = 0; h < found; h++)
            if (shape[h].out == out && shape[h].in == in) return fail(e, "--shape names %ux%u twice", out, in);
        shape[found++] = (bench_shape){out, in};
        rest = rest[end] == ',' ? rest + end + 1 : NULL;
    }
    *count = found;
    return true;
}

bool option_batches(const char *text, size_t batch[BENCH_BATCHES], unsigned *count, error *e) {
    double value[BENCH_BATCHES];
    unsigned found = 0;
    if (!option_list("batch", text, 1, BENCH_MAX_BATCH, value, BENCH_BATCHES, &found, e)) return false;
    for (unsigned b = 0; b < found; b++) {
        batch[b] = (size_t)value[b];
        if ((double)batch[b] != value[b]) return fail(e, "--batch %g is not a whole number", value[b]);
        for (unsigned other = 0; other < b; other++)
            if (batch[other] == batch[b]) return fail(e, "--batch names %zu twice", batch[b]);
    }
    *count = found;
    return true;
}

void option_typed(int argc, char *const *argv, char *text, size_t text_size) {
    size_t used = (size_t)snprintf(text, text_size, "idp");
    for (int a = 0; a < argc && used < text_size; a++)
        used += (size_t)snprintf(text + used, text_size - used, " %s", argv[a]);
}
