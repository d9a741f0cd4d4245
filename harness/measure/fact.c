#include "fact.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

fact fact_number(double number) { return (fact){.number = number}; }

fact fact_text(const char *text) {
    fact f = {0};
    snprintf(f.text, sizeof f.text, "%s", text);
    return f;
}

fact fact_unavailable(const char *format, ...) {
    fact f = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(f.unavailable, sizeof f.unavailable, format, args);
    va_end(args);
    return f;
}

bool fact_known(const fact *f) { return f->unavailable[0] == '\0'; }

json_t *unavailable_json(const char *reason) { return json_pack("{s:s}", "unavailable", reason); }

json_t *number_json(double number) {
    const double exact = 9007199254740992; /* 2^53: above it doubles are no longer every whole number */
    char text[32];
    snprintf(text, sizeof text, "%.5e", number);
    const double rounded = strtod(text, NULL);
    if (rounded == floor(rounded) && fabs(rounded) < exact) return json_integer((json_int_t)rounded);
    return json_real(rounded);
}

json_t *fact_json(const fact *f) {
    if (!fact_known(f)) return unavailable_json(f->unavailable);
    return f->text[0] != '\0' ? json_string(f->text) : number_json(f->number);
}
