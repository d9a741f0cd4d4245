#include "machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/cpu.h"
#include "../../kernels/idp.h"
#include "parts.h"

#if defined __x86_64__
#define ARCHITECTURE "x86-64"
#elif defined __aarch64__
#define ARCHITECTURE "aarch64"
#else
#define ARCHITECTURE "unknown"
#endif

void machine_untold(machine *m, const char *field, const char *format, ...) {
    if (m->unknowns == MACHINE_UNKNOWNS) return;
    char reason[sizeof m->unknown[0].reason];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    m->unknown[m->unknowns].field = field;
    machine_text(m->unknown[m->unknowns].reason, sizeof reason, reason);
    m->unknowns++;
}

const char *machine_unknown(const machine *m, const char *field) {
    for (unsigned u = 0; u < m->unknowns; u++)
        if (strcmp(m->unknown[u].field, field) == 0) return m->unknown[u].reason;
    return NULL;
}

void machine_text(char *to, size_t to_size, const char *from) {
    size_t used = 0;
    bool blank = false; /* one is owed before the next word */
    for (; *from != '\0' && used + 1 < to_size; from++) {
        const char c = *from;
        if (c == ' ' || c == '\t' || c == '\n') {
            blank = used > 0;
            continue;
        }
        if (blank) {
            if (used + 2 >= to_size) break;
            to[used++] = ' ';
        }
        blank = false;
        to[used++] = (char)(c > ' ' && c <= '~' ? c : '?');
    }
    to[used] = '\0';
}

void machine_cache_add(machine *m, int level, const char *type, uint64_t bytes) {
    if (m->caches < MACHINE_CACHES) m->cache[m->caches++] = (machine_cache){level, type, bytes};
}

void machine_flag_add(machine *m, const char *word) {
    const size_t used = strlen(m->flags), length = strlen(word);
    if (used + length + 2 > sizeof m->flags) return;
    snprintf(m->flags + used, sizeof m->flags - used, "%s%s", used > 0 ? " " : "", word);
}

void machine_read(machine *m) {
    *m = (machine){.architecture = ARCHITECTURE,
                   .family = -1,
                   .model = -1,
                   .stepping = -1,
                   .implementer = -1,
                   .part = -1,
                   .variant = -1,
                   .revision = -1};
    machine_cpu(m);
    machine_system(m);
    const char *hidden = getenv("IDP_CPU_DISABLE"), *unknown;
    if (hidden != NULL && idp_cpu_hidden(hidden, &unknown) != 0) machine_text(m->hidden, sizeof m->hidden, hidden);
    if (m->cpu[0] == '\0') machine_text(m->cpu, sizeof m->cpu, "unknown");
}

static json_t *features_json(void) {
    char text[256];
    json_t *list = json_array();
    const uint32_t features = idp_cpu_features();
    if (features == 0) return list;
    idp_cpu_feature_names(features, text, sizeof text);
    for (char *word = text, *next; word != NULL; word = next) {
        next = strstr(word, ", ");
        if (next != NULL) {
            *next = '\0';
            next += 2;
        }
        json_array_append_new(list, json_string(word));
    }
    return list;
}

static json_t *caches_json(const machine *m) {
    json_t *list = json_array();
    for (unsigned c = 0; c < m->caches; c++)
        json_array_append_new(list, json_pack("{s:i, s:s, s:I}", "level", m->cache[c].level, "type",
                                              m->cache[c].type, "bytes", (json_int_t)m->cache[c].bytes));
    return list;
}

/* An empty text or a negative number is null. */
static json_t *text_or_null(const char *text) { return text[0] != '\0' ? json_string(text) : json_null(); }
static json_t *count_or_null(int number) { return number >= 0 ? json_integer(number) : json_null(); }

json_t *machine_json(const machine *m) {
    json_t *unknown = json_object();
    for (unsigned u = 0; u < m->unknowns; u++)
        json_object_set_new(unknown, m->unknown[u].field, json_string(m->unknown[u].reason));
    return json_pack(
        "{s:s, s:s, s:o, s:i, s:o, s:o, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:o}", //
        "cpu", m->cpu, "architecture", m->architecture, "features", features_json(),                            //
        "cores", m->cores, "caches", caches_json(m), "hypervisor", text_or_null(m->hypervisor),                 //
        "system", m->system, "memory_bytes", (json_int_t)m->memory_bytes,                                       //
        "vendor", text_or_null(m->vendor),                                                                      //
        "family", count_or_null(m->family), "model", count_or_null(m->model),                                   //
        "stepping", count_or_null(m->stepping), "implementer", count_or_null(m->implementer),                   //
        "part", count_or_null(m->part), "variant", count_or_null(m->variant),                                   //
        "revision", count_or_null(m->revision), "flags", m->flags, "emulated", m->emulated, "unknown", unknown,
        "hidden", text_or_null(m->hidden));
}
