/* section_refine.c: what going on from a narrower result costs, beside a fresh run. */
#include "format.h"
#include "sections.h"

static void row(page *p, const refine_record *r) {
    page_cell_text(p, r->model);
    page_cell_text(p, r->backend);
    page_cell(p, (double)r->batch, show_count((double)r->batch).text, "");
    page_cell_text(
        p, label_print("%s to %s", show_channels(r->from_percent).text, show_channels(r->percent).text).text);
    page_cell(p, r->refine_flops, show_count(r->refine_flops).text, "");
    page_cell(p, r->fresh_flops - r->from_flops, show_count(r->fresh_flops - r->from_flops).text, "");
    cell_time_us(p, r->refine_ns);
    cell_time_us(p, r->difference_ns);
    cell_time_us(p, r->fresh_ns);
    page_cell(p, r->both_ratio.median, show_ratio(r->both_ratio.median, true).text,
              show_range(show_significant(r->both_ratio.low), show_significant(r->both_ratio.high)).text);
}

void section_refine(page *p, const records *r) {
    static const column columns[] = {
        {"model", false, false},
        {"back end", false, false},
        {"batch", true, false},
        {"%", false, false},
        {"FLOPs to refine", true, true},
        {"FLOPs, difference", true, false},
        {"refine, \xc2\xb5s", true, true},
        {"difference, \xc2\xb5s", true, false},
        {"fresh run, \xc2\xb5s", true, false},
        {"both over fresh", true, true},
    };
    if (r->refines == 0) return;
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "A result goes on to the next percentage: hidden channels that stay as they are, are kept. Difference: "
        "a fresh run at the higher percentage less one at the lower, in FLOPs of a sample and in time of the "
        "batch; what refining could cost at best. It costs more where it starts inside a part, whose rows read "
        "the part's new channels, and for the last layer, which is computed anew. Both over fresh: an answer "
        "at the lower percentage and then one at the higher, over a run at the higher alone. Medians over "
        "paired rounds in one process, with their intervals.");
    for (size_t i = 0; i < r->refines; i++) row(p, &r->refine[i]);
    page_table_end(p);
}
