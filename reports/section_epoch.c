/* section_epoch.c: the time of a training epoch, ours beside other libraries'. */
#include "format.h"
#include "sections.h"

void section_epoch(page *p, const records *r) {
    static const column columns[] = {
        {"training loop", false, false}, {"form", false, false},         {"threads", true, false},
        {"seconds", true, true},         {"time over ours", true, true}, {"roof, %", true, false},
    };
    if (r->epochs == 0) return;
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "One epoch of 784-100-100-10 in batches of 128 with momentum, on all training images, in interleaved "
        "rounds. Time over ours: against the first row, in the same rounds. Roof: counted multiply-adds over "
        "what the cores' registers alone can do, measured in the same rounds. Other libraries: the same "
        "training over their matrix products, checked to come to the same loss. Ours leaves pixels out of layer "
        "1's "
        "forward product that are 0 in all of 32 images, which changes no sum; `every pixel` is the same trainer "
        "made to "
        "multiply them too.");
    for (size_t i = 0; i < r->epochs; i++) {
        const epoch_record *e = &r->epoch[i];
        page_cell_text(p, e->backend != NULL ? label_print("%s, %s", e->implementation, e->backend).text
                                             : e->implementation);
        page_cell_text(p, e->form != NULL ? e->form : "");
        page_cell(p, (double)e->threads, show_count((double)e->threads).text, "");
        page_cell(p, e->seconds.median, show_significant(e->seconds.median).text,
                  show_range(show_significant(e->seconds.low), show_significant(e->seconds.high)).text);
        page_cell(p, e->ratio.median, show_significant(e->ratio.median).text,
                  show_range(show_significant(e->ratio.low), show_significant(e->ratio.high)).text);
        cell_decimal(p, e->roof_percent, 1);
    }
    page_table_end(p);
}
