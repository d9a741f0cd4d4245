#include "results.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../json_memory.h"
#include "../machine/environment.h"
#include "../output.h"
#include "build.h"
#include "libraries.h"
#include "schema.h"
#include "warnings.h"

/* A record takes some 300 bytes: room for two hundred thousand of them. What is beyond is another file. */
enum { MAX_BYTES = 64 << 20 };

/* 15 digits: every decimal of up to 15 digits comes back as it was written (0.1, not 0.10000000000000001). */
enum { DUMP_FLAGS = JSON_REAL_PRECISION(15) };

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static json_t *build_object(void) {
    const build_facts b = build_read();
    return json_pack("{s:s, s:s, s:s, s:s, s:b}", "version", b.version, "commit", b.commit, "compiler", b.compiler,
                     "flags", b.flags, "sanitized", b.sanitized);
}

/* A file name in the command line need not be UTF-8; JSON must be. */
static json_t *command_text(const char *command) {
    json_t *text = json_string(command);
    if (text != NULL) return text;
    char *plain = strdup(command);
    if (plain == NULL) return NULL;
    for (char *c = plain; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80) *c = '?';
    text = json_string(plain);
    free(plain);
    return text;
}

bool results_new(results *r, const char *command, uint64_t seed, error *e) {
    if (seed > INT64_MAX) return fail(e, "seed %" PRIu64 " is above %" PRId64, seed, INT64_MAX);
    char time_text[32];
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL || strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        return fail(e, "the system clock shows no time of this era; set it");
    const double started_s = now_s();
    environment *env = malloc(sizeof *env);
    if (env == NULL) return fail(e, "no memory for a results document");
    environment_start(env, NULL, NULL);
    json_t *typed = command_text(command);
    json_t *document =
        json_pack("{s:s, s:o, s:o, s:{s:o, s:I, s:s, s:f}, s:{}, s:[], s:[]}", "schema", RESULTS_SCHEMA, "machine",
                  machine_json(&env->machine), "build", build_object(), "run", "command", typed, "seed",
                  (json_int_t)seed, "time", time_text, "seconds", 0.0, "environment", "warnings", "records");
    if (document == NULL) {
        free(env);
        return fail(e, "no memory for a results document");
    }
    *r = (results){.document = document,
                   .records = json_object_get(document, "records"),
                   .started_s = started_s,
                   .environment = env};
    return true;
}

void results_data(results *r, const char *name, bool synthetic, const char *sha256, size_t train_count,
                  size_t test_count) {
    json_t *data = json_pack("{s:s, s:b, s:s, s:I, s:I}", "name", name, "synthetic", synthetic, "sha256", sha256,
                             "train", (json_int_t)train_count, "test", (json_int_t)test_count);
    /* Without memory, or with a name that is not UTF-8, null takes its place, and results_write refuses it. */
    if (data == NULL) data = json_null();
    json_object_set_new(json_object_get(r->document, "run"), "data", data);
}

void results_add(results *r, json_t *record) {
    if (record == NULL) record = json_null();
    json_array_append_new(r->records, record);
}

void results_sample(results *r) {
    if (r->environment != NULL) environment_sample(r->environment);
}

/* The environment at the end of the run. What memory ran out for becomes null, which the check refuses. */
static void set_environment(results *r) {
    if (r->environment == NULL) return;
    const build_facts build = build_read();
    environment_sample(r->environment);
    json_t *object = environment_json(r->environment);
    json_object_set_new(object, "libraries", libraries_json());
    json_object_set_new(r->document, "environment", object);
    json_object_set_new(r->document, "warnings", warnings_json(r->environment, &build));
    json_object_set_new(json_object_get(r->document, "run"), "energy", environment_energy_json(r->environment));
}

void results_print_warnings(results *r, FILE *file) {
    if (json_object_size(json_object_get(r->document, "environment")) == 0) set_environment(r);
    warnings_print(json_object_get(r->document, "warnings"), file);
}

/* One record a line: people read, grep and diff these files. */
static bool print_document(json_t *document, FILE *file) {
    bool ok = fputs("{", file) >= 0;
    const char *key, *before = "\n", *inner;
    json_t *value, *record;
    size_t index;
    json_object_foreach(document, key, value) {
        ok = ok && fprintf(file, "%s\"%s\": ", before, key) > 0;
        before = ",\n";
        if (!json_is_array(value)) {
            ok = ok && json_dumpf(value, file, DUMP_FLAGS | JSON_ENCODE_ANY) == 0;
            continue;
        }
        inner = "[\n";
        json_array_foreach(value, index, record) {
            ok = ok && fputs(inner, file) >= 0 && json_dumpf(record, file, DUMP_FLAGS) == 0;
            inner = ",\n";
        }
        ok = ok && fputs(index == 0 ? "[]" : "\n]", file) >= 0;
    }
    return ok && fputs("\n}\n", file) >= 0;
}

bool results_writable(const char *path, error *e) {
    if (path == NULL) return true;
    output out;
    if (!output_open(&out, path, e)) return false;
    output_discard(&out);
    return true;
}

bool results_write(results *r, const char *path, error *e) {
    if (path == NULL) return true;
    json_t *seconds = json_real(round(1e3 * (now_s() - r->started_s)) / 1e3);
    json_object_set_new(json_object_get(r->document, "run"), "seconds", seconds);
    set_environment(r);
    return results_save(r, path, e);
}

bool results_save(results *r, const char *path, error *e) {
    output out;
    if (json_memory_ran_out()) return fail(e, "%s: no memory for all that belongs into it", path);
    if (!schema_check(r->document, path, e) || !output_open(&out, path, e)) return false;
    if (!print_document(r->document, out.file)) {
        fail(e, "cannot write %s: %s", path, ferror(out.file) ? strerror(errno) : "no memory");
        output_discard(&out);
        return false;
    }
    return output_commit(&out, e);
}

bool results_read(results *r, const char *path, error *e) {
    char *bytes = NULL;
    size_t size = 0;
    json_t *document = NULL;
    bool read = false;
    if (!input_read(path, MAX_BYTES, &bytes, &size, e)) return false;
    json_error_t where;
    document = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &where);
    if (document == NULL) {
        /* A cut may also leave half a word, which is an error of its own at the end of the file. */
        const bool cut =
            json_error_code(&where) == json_error_premature_end_of_input || (size_t)where.position >= size;
        fail(e, "%s: line %d, column %d: %s%s", path, where.line, where.column, where.text,
             cut ? "; the file is cut short: write it again" : "; not a JSON file that idp wrote");
        goto done;
    }
    if (!schema_check(document, path, e)) goto done;
    *r = (results){.document = document, .records = json_object_get(document, "records"), .started_s = now_s()};
    document = NULL;
    read = true;
done:
    json_decref(document);
    free(bytes);
    return read;
}

void results_free(results *r) {
    json_decref(r->document);
    free(r->environment);
    *r = (results){0};
}

json_t *results_interval(double median, double low, double high) {
    if (!isfinite(median) || !isfinite(low) || !isfinite(high)) return NULL;
    double value[3] = {median, low, high};
    const double spread = high - low;
    if (spread > 1e-100) { /* far below any time; keeps the powers of ten finite */
        /* The decimal place of the spread's fourth digit, or of the number's first where that is finer: what is
         * not 0 never becomes it. A division by a power of ten is exact where a product with its reciprocal is
         * not. */
        for (unsigned v = 0; v < 3; v++) {
            const double fourth = floor(log10(spread)) - 3;
            const double place = fabs(value[v]) > 1e-100 ? fmin(fourth, floor(log10(fabs(value[v])))) : fourth;
            const double scale = pow(10, fabs(place));
            value[v] = place >= 0 ? round(value[v] / scale) * scale : round(value[v] * scale) / scale;
        }
    }
    return json_pack("{s:f, s:f, s:f}", "median", value[0], "low", value[1], "high", value[2]);
}
