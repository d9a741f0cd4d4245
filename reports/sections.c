#include "sections.h"

#include <stdio.h>
#include <string.h>

#include "format.h"

const section sections[] = {
    {"answer", "What it saves", section_answer},
    {"pareto", "Accuracy against time", section_pareto},
    {"gap", "Work saved and time saved", section_gap},
    {"models", "Accuracy and cost, model by model", section_sweep},
    {"refine", "From one result to a better one", section_refine},
    {"matrix", "Kernels against peers and roofs", section_matrix},
    {"kernels", "Back ends and layouts", section_bench},
    {"roofline", "Roofline", section_roofline},
    {"versus", "Direct comparisons", section_versus},
    {"work", "Executed work", section_work},
    {"training", "Training", section_train},
    {"epoch", "Training speed", section_epoch},
    {"reproduction", "Reproduction", section_reproduce},
    {"verification", "Verification", section_verify},
    {"noise", "Noise floor", section_noise},
    {"environment", "Warnings and environment", section_environment},
    {"predictions", "Predictions for other CPUs", section_predictions},
    {"method", "How to read this", section_method},
    {"machine", "Machine, build and run", section_facts},
    {"trace", "Steps of this run", section_trace},
};
const unsigned section_count = sizeof sections / sizeof sections[0];

label label_print(const char *format, ...) {
    label l;
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(l.text, sizeof l.text, format, args);
    va_end(args);
    if (length < 0) {
        l.text[0] = '\0';
    } else if ((size_t)length >= sizeof l.text) {
        /* Back to where a UTF-8 character begins, and without it: it may be incomplete. */
        size_t end = sizeof l.text - 1;
        while (end > 0 && ((unsigned char)l.text[end - 1] & 0xc0) == 0x80) end--;
        l.text[end > 0 ? end - 1 : 0] = '\0';
    }
    return l;
}

label network_label(const network *n) {
    return n->backend_matters ? label_print("%s on %s", n->model, n->backend) : label_print("%s", n->model);
}

label part_label(double from_percent, double to_percent) {
    return label_print("%s\xc2\xa0%%", show_range(show_channels(from_percent), show_channels(to_percent)).text);
}

label data_label(const records *r) {
    if (r->synthetic) return label_print("on the built-in synthetic digits, not on MNIST");
    return r->data_name != NULL ? label_print("on the test images of %s", r->data_name)
                                : label_print("on the test images");
}

void cell_time_us(page *p, interval time_ns) {
    page_cell(p, time_ns.median, show_us(time_ns.median).text,
              show_range(show_us(time_ns.low), show_us(time_ns.high)).text);
}

void cell_saved(page *p, interval saved) {
    page_cell(p, saved.median, show_decimal(saved.median, 1).text,
              saved.low < saved.high ? show_range(show_decimal(saved.low, 1), show_decimal(saved.high, 1)).text
                                     : "");
}

void cell_decimal(page *p, double value, int decimals) {
    page_cell(p, value, show_decimal(value, decimals).text, "");
}

served *section_served(page *p, const network *n, size_t *count) {
    served *list = network_served(n, count);
    if (list == NULL) p->html.failed = true;
    return list;
}
