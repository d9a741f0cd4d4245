#include "publish.h"

#include <stdio.h>
#include <string.h>

static const char *fact(const json_t *document, const char *object, const char *field) {
    const char *text = json_string_value(json_object_get(json_object_get(document, object), field));
    return text != NULL ? text : "";
}

static bool is_true(const json_t *document, const char *object, const char *field) {
    return json_is_true(json_object_get(json_object_get(document, object), field));
}

static bool is_kind(const json_t *record, const char *kind) {
    const char *own = json_string_value(json_object_get(record, "kind"));
    return own != NULL && strcmp(own, kind) == 0;
}

bool publish_predicts_only(const json_t *document) {
    const json_t *records = json_object_get(document, "records"), *record;
    size_t index;
    json_array_foreach(records, index, record) if (!is_kind(record, "prediction")) return false;
    return json_array_size(records) > 0;
}

/* ---- what may be published ------------------------------------------------------------------------------------
 */

static bool has_accuracy(const json_t *document) {
    size_t index;
    const json_t *record;
    json_array_foreach(json_object_get(document, "records"), index, record) {
        if (is_kind(record, "sweep") || is_kind(record, "train") || is_kind(record, "reproduce")) return true;
    }
    return false;
}

static bool has_option(const char *command, const char *option) {
    const size_t length = strlen(option);
    for (const char *at = command; (at = strstr(at, option)) != NULL; at += length)
        if (at > command && at[-1] == ' ' && (at[length] == '\0' || at[length] == ' ')) return true;
    return false;
}

static bool in_a_hurry(const json_t *document) {
    size_t index;
    const json_t *part;
    bool quick = has_option(fact(document, "run", "command"), "--quick");
    json_array_foreach(json_object_get(json_object_get(document, "run"), "parts"), index, part) {
        const char *command = json_string_value(json_object_get(part, "command"));
        quick = quick || (command != NULL && has_option(command, "--quick"));
    }
    return quick;
}

bool publish_check(const json_t *document, const char *path, error *e) {
    const char *commit = fact(document, "build", "commit"), *dirty = strstr(commit, "-dirty");
    const json_t *data = json_object_get(json_object_get(document, "run"), "data");
    if (json_array_size(json_object_get(document, "records")) == 0)
        return fail(e, "%s: field records is empty: there is nothing to publish", path);
    if (strcmp(commit, "unknown") == 0 || dirty != NULL || commit[0] == '\0')
        return fail(
            e, "%s: field build.commit is '%.60s': nobody can build that again; commit, build and measure anew",
            path, commit);
    if (is_true(document, "build", "sanitized"))
        return fail(e, "%s: field build.sanitized is true: times mean nothing; build the release preset", path);
    if (strncmp(fact(document, "build", "flags"), "Debug", 5) == 0)
        return fail(e, "%s: field build.flags is of a debug build; build the release preset", path);
    if (strstr(fact(document, "build", "flags"), "-DIDP_SIMDE") != NULL)
        return fail(
            e, "%s: field build.flags has -DIDP_SIMDE: times of AVX-512 mean nothing; build the release preset",
            path);
    if (is_true(document, "machine", "emulated"))
        return fail(e, "%s: field machine.emulated is true: times mean nothing; measure on the CPU itself", path);
    if (in_a_hurry(document))
        return fail(e, "%s: field run.command has --quick: few rounds, few epochs; run it without", path);
    if (has_accuracy(document) && !json_is_false(json_object_get(data, "synthetic")))
        return fail(e, "%s: field run.data.synthetic is not false: accuracy must be MNIST's; --data DIR has it",
                    path);
    return true;
}

/* ---- names ----------------------------------------------------------------------------------------------------
 */

/* Words that say nothing in a CPU's name. */
static bool is_empty_word(const char *word, size_t length) {
    static const char *const empty[] = {"r", "tm", "c", "cpu", "processor", "with", "core", "cores"};
    for (size_t w = 0; w < sizeof empty / sizeof empty[0]; w++)
        if (strlen(empty[w]) == length && strncmp(word, empty[w], length) == 0) return true;
    return false;
}

/* Appends "-word-word": letters and digits of the text in lower case, the words parted by all else. */
static void add_words(char name[PUBLISH_NAME], size_t most, const char *text) {
    size_t used = strlen(name);
    for (const char *at = text; *at != '\0';) {
        char word[32];
        size_t length = 0;
        for (; *at != '\0'; at++) {
            const char c = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) break;
            if (length < sizeof word - 1) word[length++] = c;
        }
        if (*at != '\0') at++;
        word[length] = '\0';
        if (length == 0 || is_empty_word(word, length) || used + length + 2 > most) continue;
        used += (size_t)snprintf(name + used, most - used, "%s%s", used > 0 ? "-" : "", word);
    }
}

static void add_number(char name[PUBLISH_NAME], const json_t *machine, const char *field) {
    const json_t *value = json_object_get(machine, field);
    char word[64];
    if (!json_is_integer(value)) return;
    snprintf(word, sizeof word, "%s%" JSON_INTEGER_FORMAT, field, json_integer_value(value));
    add_words(name, PUBLISH_NAME - 64, word);
}

void publish_name(const json_t *document, char name[PUBLISH_NAME]) {
    enum { END = sizeof ".json" };
    const json_t *machine = json_object_get(document, "machine");
    const char *hidden = fact(document, "machine", "hidden");
    name[0] = '\0';
    if (publish_predicts_only(document)) {
        const json_t *first = json_array_get(json_object_get(document, "records"), 0);
        const char *architecture = json_string_value(json_object_get(first, "architecture"));
        add_words(name, PUBLISH_NAME - 64, "predictions");
        add_words(name, PUBLISH_NAME - 64, architecture != NULL ? architecture : "unknown");
    } else {
        add_words(name, 100, fact(document, "machine", "cpu"));
        add_number(name, machine, "family");
        add_number(name, machine, "model");
        add_words(name, 160, fact(document, "machine", "hypervisor"));
        if (hidden[0] != '\0') add_words(name, PUBLISH_NAME - 64, "without");
        add_words(name, PUBLISH_NAME - 64, hidden);
    }
    add_words(name, PUBLISH_NAME - END, fact(document, "build", "commit"));
    strcat(name, ".json");
}
