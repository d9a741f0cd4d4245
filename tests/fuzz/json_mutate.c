/* json_mutate.c: half of the mutations are libFuzzer's, of bytes; the others change one value of the document,
 * which stays JSON, so that they get to what reads it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"

static unsigned draw(unsigned *state, unsigned limit) { /* Numerical Recipes' generator: any will do */
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % limit;
}

static json_t *some_value(unsigned *state) {
    static const double reals[] = {0, -1, 1, 0.5, 1e-300, 1e300, -1e300, 100, 99.99, 4294967296.0};
    static const json_int_t integers[] = {0, -1, 1, 7, 100, INT64_MAX, INT64_MIN, 1 << 16, INT32_MAX};
    static const char *const strings[] = {"",  "<&>\"'", "a|b_*`$\\{}~^%#", "\xc3\xa9\xe2\x82\xac",
                                          "-", "avx2",   "passed",          "skipped"};
    switch (draw(state, 8)) {
    case 0: return json_null();
    case 1: return json_boolean(draw(state, 2));
    case 2: return json_array();
    case 3: return json_object();
    case 4: return json_pack("{s:f, s:f, s:f}", "median", 2.0, "low", 3.0, "high", 1.0);
    case 5: return json_real(reals[draw(state, sizeof reals / sizeof reals[0])]);
    case 6: return json_integer(integers[draw(state, sizeof integers / sizeof integers[0])]);
    default: return json_string(strings[draw(state, sizeof strings / sizeof strings[0])]);
    }
}

/* One member of a container: replaced, removed or doubled, or the container within it is looked into. */
static void change(json_t *container, unsigned *state) {
    const bool is_array = json_is_array(container);
    const size_t count = is_array ? json_array_size(container) : json_object_size(container);
    if (count == 0) return;
    size_t at = draw(state, (unsigned)count);
    void *place = is_array ? NULL : json_object_iter(container);
    for (size_t i = 0; place != NULL && i < at; i++) place = json_object_iter_next(container, place);
    json_t *member = is_array ? json_array_get(container, at) : json_object_iter_value(place);
    if ((json_is_array(member) || json_is_object(member)) && draw(state, 8) > 0) {
        change(member, state);
        return;
    }
    switch (draw(state, 6)) {
    case 0:
        is_array ? json_array_remove(container, at) : json_object_del(container, json_object_iter_key(place));
        break;
    case 1:
        if (is_array && count < 64) json_array_insert_new(container, at, json_deep_copy(member));
        break;
    default:
        is_array ? json_array_set_new(container, at, some_value(state))
                 : json_object_iter_set_new(container, place, some_value(state));
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    json_t *document = seed % 2 == 0 ? json_loadb((const char *)data, size, 0, NULL) : NULL;
    if (document == NULL) return LLVMFuzzerMutate(data, size, most);
    unsigned state = seed;
    for (unsigned changes = 1 + draw(&state, 4); changes > 0; changes--) change(document, &state);
    char *text = json_dumps(document, JSON_COMPACT);
    const size_t length = text != NULL ? strlen(text) : 0;
    json_decref(document);
    if (length > 0 && length <= most) {
        memcpy(data, text, length);
        size = length;
    }
    free(text);
    return size;
}
