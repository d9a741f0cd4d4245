/* fuzz_results.c: a results document: read, checked, joined and compared with itself, written and read again. */
#include <string.h>

#include "../../harness/compare/compare.h"
#include "../../harness/results/merge.h"
#include "../../harness/results/schema.h"
#include "input.h"

static void merge(const results *r) {
    const json_t *const twice[] = {r->document, r->document};
    const char *const paths[] = {"first", "second"};
    merge_counts counts;
    error e;
    results merged = {.document = json_deep_copy(r->document)};
    merged.records = json_array();
    claim(json_object_set_new(merged.document, "records", merged.records) == 0 &&
              json_object_set_new(merged.document, "warnings", json_array()) == 0,
          "no memory");
    claim(merge_documents(twice, paths, 2, &merged, &counts, &e), "joined with itself: %s", e.text);
    claim(counts.records <= json_array_size(r->records), "joined with itself it has grown");
    claim(schema_check(merged.document, "joined", &e), "%s", e.text);
    results_free(&merged);
}

static void compare(const results *r) {
    const compare_options o = compare_defaults();
    comparison c;
    error e;
    if (!compare_documents(r->document, r->document, &o, &c, &e)) return;
    claim(c.count[COMPARE_ONLY_BEFORE] == 0 && c.count[COMPARE_ONLY_AFTER] == 0, "it is not like itself");
    claim(c.count[COMPARE_WORSE] == 0 && c.count[COMPARE_BETTER] == 0, "it is better or worse than itself");
    json_decref(compare_records(&c, &o, "before", "after", r->document, r->document));
    compare_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    results r;
    error e;
    if (!results_read(&r, input_file(data, size), &e)) return 0;
    merge(&r);
    compare(&r);
    results_free(&r);
    return 0;
}
