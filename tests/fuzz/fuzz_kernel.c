/* fuzz_kernel.c: any kernel that runs here on any case, against the oracle, between guard pages. The bytes are the
 * case: which kernel, the sizes, cuts, strides and alignments, the kind of values, gamma, ReLU, and the values'
 * seed. */
#include <string.h>

#include "../../harness/verify/cases.h"
#include "../../harness/verify/verify.h"
#include "input.h"

static const idp_kernel *some_kernel(input *in) {
    size_t usable = 0;
    const idp_kernel *kernels[256];
    for (size_t b = 0; b < idp_backend_count(); b++) {
        const idp_backend *backend = idp_backend_at(b);
        if (idp_backend_status(backend) != IDP_OK) continue;
        for (size_t i = 0; i < backend->kernel_count && usable < 256; i++) kernels[usable++] = &backend->kernels[i];
    }
    return kernels[input_below(in, usable)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { OUT = 300, IN = 1024, BATCH = 100, GAP = 64 }; /* values.c: sums of IN products stay in range */
    input in = {data, size};
    const idp_kernel *kernel = some_kernel(&in);
    const bool batched = idp_layout_batched(kernel->layout);
    verify_case c = {.out = input_size(&in, OUT)};
    c.in = input_size(&in, IN);
    c.m = input_below(&in, c.out + 1);
    c.k = input_below(&in, c.in + 1);
    c.batch = batched ? input_size(&in, BATCH + 1) - 1 : 1;
    c.by_sample = kernel->layout == IDP_LAYOUT_SAMPLE;
    c.w_stride = c.in + input_below(&in, GAP);
    c.x_stride = !batched ? 1 : (c.by_sample ? c.in : c.batch) + input_below(&in, GAP);
    c.y_stride = !batched ? 1 : c.batch + input_below(&in, GAP);
    c.x_offset = input_below(&in, 16);
    c.y_offset = input_below(&in, 16);
    c.place = (guard_place)input_below(&in, GUARD_OFFSET + 1);
    c.values = (case_values)input_below(&in, VALUES_KINDS);
    c.gamma = (case_gamma)input_below(&in, CASE_GAMMAS);
    c.poison = (case_poison)input_below(&in, POISON_KINDS);
    c.relu = input_below(&in, 2) == 1;
    c.bias = input_below(&in, 2) == 1;
    c.number = input_below(&in, 65536);
    verify_report report;
    claim(verify_given_case(kernel, 1, &c, &report), "%s: %s", kernel->name, report.failure);
    return 0;
}
