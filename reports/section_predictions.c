/* section_predictions.c: what models of CPUs say of the kernels' inner loops; never mixed with measurements. */
#include <math.h>

#include "format.h"
#include "sections.h"

static void row(page *p, const prediction_record *r) {
    const double predicted = r->cycles_per_multiply_add;
    page_cell_text(p, r->kernel);
    page_cell_text(p, r->cpu);
    page_cell_text(p, label_print("prediction, %s %s", r->tool, r->tool_version).text);
    cell_decimal(p, r->instructions_per_multiply_add, 3);
    cell_decimal(p, predicted, 4);
    page_cell(p, r->measured.median, show_decimal(r->measured.median, 4).text,
              show_range(show_decimal(r->measured.low, 4), show_decimal(r->measured.high, 4)).text);
    page_cell(p, r->measured.median / predicted, show_ratio(r->measured.median / predicted, true).text, "");
}

void section_predictions(page *p, const records *r) {
    static const column columns[] = {
        {"kernel", false, false},
        {"CPU", false, false},
        {"source", false, false},
        {"instructions per multiply-add", true, true},
        {"cycles per multiply-add, predicted", true, false},
        {"measured on this CPU", true, true},
        {"measured over predicted", true, false},
    };
    if (r->predictions == 0) return;
    page_note(
        p, BOTH, "warning",
        "These are predictions, not measurements: the machine code of each kernel's inner loop, run through a "
        "model of the CPU in which every load hits the L1 cache and every branch is foreseen. Where the CPU is "
        "the one that measured, the measured loop stands beside its prediction: that is how far to trust the "
        "others.");
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "Inner loop of each kernel's full tile. Measured: median and 99 %% interval, from the time that more "
        "channels take in a layer that fits the L1 cache.");
    for (size_t i = 0; i < r->predictions; i++) row(p, &r->prediction[i]);
    page_table_end(p);
}
