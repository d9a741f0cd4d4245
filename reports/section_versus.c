/* section_versus.c: direct comparisons: ratios of paired times with intervals over several processes, and verdicts.
 */
#include <math.h>
#include <string.h>

#include "format.h"
#include "sections.h"

static label size_text(const versus_record *v) {
    const layer_size *s = &v->size;
    if (!isfinite(s->m) || !isfinite(s->k)) return label_print("%s", "");
    return label_print("%.0f \xc3\x97 %.0f of %.0f \xc3\x97 %.0f, %s%.0f", s->m, s->k, s->out, s->in,
                       s->batch > 1 ? "batch " : "sample ", s->batch);
}

static void row(page *p, const versus_record *v) {
    const bool different = v->low > 1 || v->high < 1;
    page_cell_text(p, v->a);
    page_cell_text(p, v->b);
    page_cell_text(p, size_text(v).text);
    page_cell_text(p, v->warm < 0 ? "" : v->warm > 0 ? "warm" : "cold");
    cell_time_us(p, v->a_time_ns);
    cell_time_us(p, v->b_time_ns);
    page_cell(p, v->ratio, show_ratio(v->ratio, different).text,
              show_range(show_significant(v->low), show_significant(v->high)).text);
    page_cell(p, v->unpaired.median, show_ratio(v->unpaired.median, true).text,
              show_range(show_significant(v->unpaired.low), show_significant(v->unpaired.high)).text);
    page_cell_text(p, v->verdict);
    page_cell(p, (double)v->processes, show_count((double)v->processes).text, "");
    page_cell(p, (double)v->rounds, show_count((double)v->rounds).text,
              v->discarded > 0 ? label_print("%s discarded", show_count((double)v->discarded).text).text : "");
    cell_decimal(p, 100 * v->detectable, 2);
    cell_decimal(p, 100 * v->level, 1);
}

void section_versus(page *p, const records *r) {
    static const column columns[] = {
        {"A", false, false},       {"B", false, false},          {"m \xc3\x97 k of the layer", false, false},
        {"weights", false, false}, {"A, \xc2\xb5s", true, true}, {"B, \xc2\xb5s", true, false},
        {"B over A", true, true},  {"unpaired", true, false},    {"B is", false, false},
        {"processes", true, true}, {"rounds", true, false},      {"detectable, %", true, false},
        {"level, %", true, false},
    };
    if (r->versuses == 0) return;
    page_table(
        p, BOTH, columns, sizeof columns / sizeof columns[0],
        "Time of B over time of A: each process times both in the same rounds and finds one median ratio; shown "
        "is the median over the processes with its exact order-statistic interval. A difference is called one "
        "only where the whole interval lies beyond the noise floor of the same run. Unpaired: the ratio of times "
        "that were "
        "measured one after the other, where that was asked for; drift of the machine is in it.");
    for (size_t v = 0; v < r->versuses; v++) row(p, &r->versus[v]);
    page_table_end(p);
    trace_versus(p, r);
}
