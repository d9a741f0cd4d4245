/* kernels_only.c: libidp alone: one layer, three of its four channels. */
#include <idp.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    static const float w[2][4] = {{1, 2, 3, 100}, {4, 5, 6, 100}}, b[2] = {10, 20}, x[4] = {1, 1, 1, 1};
    float y[2] = {0, 0};
    const idp_backend *backend;
    if (idp_backend_choose(NULL, &backend) != IDP_OK) return 1;
    const idp_kernel *kernel = idp_backend_kernel(backend, IDP_LAYOUT_PANEL);
    float *packed = aligned_alloc(64, (idp_packed_floats(kernel, 2, 4) * sizeof(float) + 63) / 64 * 64);
    if (packed == NULL) return 1;
    idp_pack(kernel, 2, 4, w[0], 4, b, packed);
    const idp_fc fc = {
        .weights = packed, .x = x, .y = y, .out = 2, .in = 4, .m = 2, .k = idp_prefix(4, 75), .batch = 1};
    const idp_status status = idp_fc_run(kernel, &fc);
    free(packed);
    printf("%s: %g %g\n", kernel->name, (double)y[0], (double)y[1]);
    return status == IDP_OK && y[0] == 16 && y[1] == 35 ? 0 : 1;
}
