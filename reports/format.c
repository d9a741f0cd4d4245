#include "format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DASH "\xe2\x80\x93" /* en dash */
#define NBSP "\xc2\xa0"     /* no-break space */
#define MINUS "\xe2\x88\x92"
#define TIMES "\xc3\x97"
#define ABOUT "\xe2\x89\x88"

static shown dash(void) { return (shown){DASH}; }

/* value scaled, three significant digits, unit behind a no-break space. */
static shown with_unit(double value, const char *unit) {
    const shown number = show_significant(value);
    shown s;
    snprintf(s.text, sizeof s.text, "%.40s" NBSP "%s", number.text, unit);
    return s;
}

shown show_decimal(double value, int decimals) {
    if (!isfinite(value)) return dash();
    shown s;
    if (fabs(value) < 0.5 * pow(10, -decimals)) value = 0; /* no "-0.0" */
    /* No measured figure is that large; what a file may hold has up to 309 digits, and is not to be cut. */
    const bool huge = fabs(value) >= 1e18;
    snprintf(s.text, sizeof s.text, huge ? "%s%.*e" : "%s%.*f", value < 0 ? MINUS : "", huge ? 2 : decimals,
             fabs(value));
    return s;
}

shown show_channels(double percent) {
    shown s = show_decimal(percent, 1);
    const size_t length = strlen(s.text);
    if (length > 2 && strcmp(s.text + length - 2, ".0") == 0) s.text[length - 2] = '\0';
    return s;
}

shown show_percent(double percent, int decimals) {
    if (!isfinite(percent)) return dash();
    const shown number = show_decimal(percent, decimals);
    shown s;
    snprintf(s.text, sizeof s.text, "%.40s" NBSP "%%", number.text);
    return s;
}

shown show_significant(double value) {
    if (!isfinite(value)) return dash();
    if (value == 0) return (shown){"0"};
    /* The digits left of the point after rounding to three: 9.996 shows as 10.0. */
    char scientific[32];
    snprintf(scientific, sizeof scientific, "%.2e", value);
    int exponent = 0;
    sscanf(strchr(scientific, 'e') + 1, "%d", &exponent);
    return show_decimal(value, exponent >= 2 ? 0 : exponent < -12 ? 14 : 2 - exponent);
}

shown show_time(double time_ns) {
    static const struct {
        double least_ns, unit_ns;
        const char *unit;
    } scale[] = {{999.5e6, 1e9, "s"}, {999.5e3, 1e6, "ms"}, {999.5, 1e3, "\xc2\xb5s"}, {-INFINITY, 1, "ns"}};
    if (!isfinite(time_ns)) return dash();
    unsigned s = 0;
    while (time_ns < scale[s].least_ns) s++;
    return with_unit(time_ns / scale[s].unit_ns, scale[s].unit);
}

shown show_us(double time_ns) { return show_significant(time_ns / 1000); }

shown show_bytes(double bytes) {
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    if (!isfinite(bytes)) return dash();
    unsigned u = 0;
    for (; bytes >= 1024 && u + 1 < sizeof unit / sizeof unit[0]; u++) bytes /= 1024;
    return with_unit(bytes, unit[u]);
}

shown show_count(double count) {
    if (!isfinite(count) || count < 0) return dash();
    char digits[48];
    snprintf(digits, sizeof digits, "%.0f", fmin(count, 1e18));
    shown s;
    size_t at = 0;
    for (size_t d = 0, n = strlen(digits); d < n; d++) {
        if (d > 0 && (n - d) % 3 == 0) s.text[at++] = ',';
        s.text[at++] = digits[d];
    }
    s.text[at] = '\0';
    return s;
}

shown show_ratio(double ratio, bool different) {
    if (!isfinite(ratio)) return dash();
    const shown number = show_significant(ratio);
    shown s;
    snprintf(s.text, sizeof s.text, "%s%.40s" TIMES, different ? "" : ABOUT NBSP, number.text);
    return s;
}

shown show_range(shown low, shown high) {
    shown s = {""};
    if (strcmp(low.text, DASH) == 0 && strcmp(high.text, DASH) == 0) return s;
    const bool negative = strncmp(low.text, MINUS, strlen(MINUS)) == 0; /* a dash before a minus cannot be read */
    snprintf(s.text, sizeof s.text, "%.28s%s%.28s", low.text, negative ? " to " : DASH, high.text);
    return s;
}
