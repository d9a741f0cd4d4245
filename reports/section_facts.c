/* section_facts.c: training, the machine, the build and the run, and how to read the page. */
#include <math.h>
#include <string.h>

#include "format.h"
#include "sections.h"

void section_train(page *p, const records *r) {
    static const column columns[] = {
        {"model", false, false},  {"profile's part", false, false}, {"seed", true, false},
        {"epochs", true, false},  {"loss, nats", true, false},      {"accuracy, %", true, false},
        {"seconds", true, false}, {"back end", false, false},
    };
    if (r->trains == 0) return;
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "Each profile's stage: the mean loss of its last epoch, and the accuracy at the end of its part, %s.",
        data_label(r).text);
    for (size_t i = 0; i < r->trains; i++) {
        const train_record *t = &r->train[i];
        page_cell_text(p, t->model);
        page_cell(p, (double)t->profile, part_label(t->range_percent[0], t->range_percent[1]).text, "");
        page_cell(p, (double)t->seed, label_print("%" JSON_INTEGER_FORMAT, t->seed).text, "");
        page_cell(p, (double)t->epochs, show_count((double)t->epochs).text, "");
        cell_decimal(p, t->loss, 4);
        cell_decimal(p, t->accuracy_percent, 2);
        page_cell(p, t->seconds, show_significant(t->seconds).text, "");
        page_cell_text(p, t->backend);
    }
    page_table_end(p);
}

/* How a fact's value is shown. */
typedef enum fact_kind { PLAIN, BYTES, SECONDS, LIST, CACHES } fact_kind;

typedef struct fact {
    const char *object, *key, *title;
    fact_kind kind;
} fact;

static const fact facts[] = {
    {"machine", "cpu", "CPU", PLAIN},
    {"machine", "architecture", "architecture", PLAIN},
    {"machine", "features", "instruction sets used", LIST},
    {"machine", "cores", "processors available", PLAIN},
    {"machine", "caches", "caches", CACHES},
    {"machine", "memory_bytes", "memory", BYTES},
    {"machine", "hypervisor", "hypervisor", PLAIN},
    {"machine", "system", "system", PLAIN},
    {"build", "version", "version", PLAIN},
    {"build", "commit", "commit", PLAIN},
    {"build", "compiler", "compiler", PLAIN},
    {"build", "flags", "flags", PLAIN},
    {"build", "sanitized", "built with sanitizers", PLAIN},
    {"run", "command", "command", PLAIN},
    {"run", "time", "started (UTC)", PLAIN},
    {"run", "seconds", "duration", SECONDS},
    {"run", "seed", "seed", PLAIN},
    {"data", "name", "data", PLAIN},
    {"data", "sha256", "SHA-256 of the data", PLAIN},
    {"data", "train", "training images", PLAIN},
    {"data", "test", "test images", PLAIN},
};

static void put_plain(text *t, const json_t *value) {
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_STRING: text_put(t, json_string_value(value)); break;
    case JSON_INTEGER: text_print(t, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
    case JSON_REAL: text_print(t, "%.15g", json_real_value(value)); break;
    case JSON_TRUE: text_put(t, "yes"); break;
    case JSON_FALSE: text_put(t, "no"); break;
    default: break;
    }
}

static void put_caches(text *t, const json_t *caches) {
    size_t index;
    const json_t *cache;
    json_array_foreach(caches, index, cache) {
        text_print(t, "%sL%" JSON_INTEGER_FORMAT " ", index > 0 ? ", " : "",
                   json_integer_value(json_object_get(cache, "level")));
        put_plain(t, json_object_get(cache, "type"));
        text_print(t, " %s", show_bytes(json_number_value(json_object_get(cache, "bytes"))).text);
    }
}

static void put_fact(text *t, const json_t *value, fact_kind kind) {
    size_t index;
    const json_t *item;
    switch (kind) {
    case PLAIN: put_plain(t, value); break;
    case BYTES: text_put(t, show_bytes(json_is_number(value) ? json_number_value(value) : NAN).text); break;
    case SECONDS: text_put(t, show_time(json_is_number(value) ? 1e9 * json_number_value(value) : NAN).text); break;
    case CACHES: put_caches(t, value); break;
    case LIST:
        json_array_foreach(value, index, item) {
            if (index > 0) text_put(t, ", ");
            put_plain(t, item);
        }
        break;
    }
}

static const json_t *fact_value(const records *r, const fact *f) {
    const struct {
        const char *name;
        const json_t *object;
    } objects[] = {
        {"machine", r->machine}, {"build", r->build}, {"run", r->run}, {"data", json_object_get(r->run, "data")}};
    for (size_t o = 0; o < sizeof objects / sizeof objects[0]; o++)
        if (strcmp(objects[o].name, f->object) == 0) return json_object_get(objects[o].object, f->key);
    return NULL;
}

void section_facts(page *p, const records *r) {
    static const column columns[] = {{"fact", false, false}, {"value", false, false}};
    bool any = false;
    for (size_t f = 0; f < sizeof facts / sizeof facts[0]; f++) {
        const json_t *value = fact_value(r, &facts[f]);
        if (value == NULL || json_is_null(value)) continue; /* absent: not known, and not invented */
        if (!any)
            page_table(p, BOTH, columns, sizeof columns / sizeof columns[0],
                       "As the run found them. What could not be found out is absent.");
        any = true;
        text value_text = {0};
        put_fact(&value_text, value, facts[f].kind);
        page_cell_text(p, facts[f].title);
        page_cell_text(p, value_text.bytes != NULL ? value_text.bytes : "");
        text_free(&value_text);
    }
    if (any) page_table_end(p);
}

/* What each kind of figure means; shown only where the page has such figures. */
void section_method(page *p, const records *r) {
    const struct {
        bool concerned;
        const char *title, *words;
    } notes[] = {
        {r->networks > 0, "The method.",
         " An incomplete dot product stops after the first channels. So that this hurts little, training weighs "
         "the "
         "channels with falling coefficients, the profile. One set of weights then serves many percentages; "
         "several "
         "profiles may share the range, each trained for its own part."},
        {r->networks > 0, "FLOPs.",
         " Counted from the layers' sizes, a multiply-add as two. The nominal count is the recipe's own. The other "
         "one, "
         "which the figures call FLOPs, leaves out work whose result is never read. Neither is time: packing, idle "
         "vector lanes and the layers that stay complete take their share, and the gap between the two curves "
         "shows it."},
        {r->networks > 0, "Time.",
         " The whole network, warm, from input to output, for one sample or for a batch of 128. A figure is a "
         "median; "
         "low and high behind it are an exact confidence interval for the median. Saved time is against the same "
         "network "
         "with all channels, with the widest range that the two intervals allow."},
        {r->networks > 0, "Accuracy.",
         " Share of test images classified correctly. Below a profile's own part it varies much from seed to seed, "
         "so a "
         "single seed says little there."},
        {r->networks > 0, "The gap.",
         " FLOPs saved less time saved, in percentage points. Its first part are lanes that the kernels compute "
         "and "
         "nobody reads: FLOPs saved less issued FLOPs saved. The rest does not shrink with the channels, or "
         "depends on "
         "caches."},
        {r->benches + r->cells > 0, "Heat maps.",
         " A cell is a ratio of times, with its interval below it. Its shade begins at 2\xc2\xa0%, and is deeper "
         "from "
         "10\xc2\xa0%, 25\xc2\xa0%, 1.5 times and 2 times on: blue where this is faster, orange where it is "
         "slower."},
        {r->benches > 0 && r->roofs > 0, "Roofline.",
         " FLOPs per byte counts weights, bias, inputs and outputs once each, 4 bytes apiece; FLOPs are 2 m k for "
         "each "
         "sample. The roofs were measured in the same run, on one core."},
        {r->benches > 0, "Back ends.",
         " scalar is plain C with the compiler's vectoriser off; autovec is the same C with it on, for the named "
         "instruction set; the others are written by hand. The honest comparison is with autovec. Of a kernel's "
         "repetitions the median is shown, with the least and the greatest; where two such ranges overlap, no "
         "difference "
         "is claimed."},
        {r->verifies > 0, "Verification.",
         " The bound comes from the theory of rounding, not from a guess: it grows with the number of channels and "
         "the "
         "sizes of the terms. An error of 1 bound or less passes."},
    };
    for (size_t n = 0; n < sizeof notes / sizeof notes[0]; n++) {
        if (!notes[n].concerned) continue;
        page_paragraph(p, HTML, NULL);
        page_strong(p, "%s", notes[n].title);
        page_say(p, "%s", notes[n].words);
        page_paragraph_end(p);
    }
}
