/* fuzz_model.c: a model file. What is read is packed and run, and written and read again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../harness/model/matrix.h"
#include "../../harness/model/model.h"
#include "../../harness/output.h"
#include "input.h"

/* The length of the header, which the file begins with, follows the header's size: without that hardly a mutation
 * would get beyond it. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
    uint64_t length;
    const size_t made = LLVMFuzzerMutate(data, size, most);
    if (seed % 4 == 0 || size < sizeof length || made < sizeof length) return made;
    memcpy(&length, data, sizeof length);
    length += made - size;
    memcpy(data, &length, sizeof length);
    return made;
}

static void run(const model *m) {
    enum { BATCH = 3 };
    static const double percents[] = {0, 1, 33, 50, 99.9, 100};
    error e;
    idp_mlp *network;
    if (!model_network(m, idp_backend_at(0), &network, &e)) return;
    float *x = floats_new(BATCH * m->width[0]), *y = floats_new(BATCH * m->width[m->layers]);
    float *state = floats_new(
        (idp_mlp_state_bytes(network, BATCH) + idp_mlp_workspace_bytes(network, BATCH)) / sizeof *state + 1);
    for (size_t p = 0; p < m->profiles && x != NULL && y != NULL && state != NULL; p++) {
        for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
            const idp_status ran = idp_mlp_run(network, p, percents[i], BATCH, x, y, state);
            claim(ran == IDP_OK, "profile %zu at %g %%: %s", p, percents[i], idp_status_text(ran));
        }
        if (idp_mlp_start(network, p, percents[1], BATCH, x, y, state) == IDP_OK)
            claim(idp_mlp_refine(network, p, percents[4], x, y, state) == IDP_OK, "it cannot be refined");
    }
    free(x);
    free(y);
    free(state);
    idp_mlp_destroy(network);
}

/* What was read, written and read again, is the same file. */
static void write_again(const model *m) {
    static char path[2][64];
    char *bytes[2];
    size_t size[2];
    error e;
    model again = {0};
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* model_write waits for the disk */
    for (int i = 0; i < 2; i++) snprintf(path[i], sizeof path[i], "%s/idp-fuzz-%ld-%d", folder, (long)getpid(), i);
    claim(model_write(m, path[0], &e) && model_read(&again, path[0], &e) && model_write(&again, path[1], &e), "%s",
          e.text);
    for (int i = 0; i < 2; i++) {
        claim(input_read(path[i], 1 << 24, &bytes[i], &size[i], &e), "%s", e.text);
        unlink(path[i]);
    }
    claim(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0, "written twice, it is not the same file");
    free(bytes[0]);
    free(bytes[1]);
    model_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    model m = {0};
    error e;
    if (!model_read(&m, input_file(data, size), &e)) return 0;
    char label[256];
    model_label(&m, label, sizeof label);
    for (double percent = 0; percent <= 100; percent += 12.5) {
        claim(model_profile_at(&m, percent) < m.profiles, "no profile at %g %%", percent);
        claim(model_useful_flops(&m, percent) >= 0 && model_nominal_flops(&m, percent) >= 0, "FLOPs below 0");
    }
    run(&m);
    write_again(&m);
    model_free(&m);
    return 0;
}
