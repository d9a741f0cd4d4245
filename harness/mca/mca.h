/* mca.h: predicted speed of a kernel's hottest loop on a CPU that need not be here, by llvm-mca's model of that
 * CPU; and the measured speed of the same loop, where it can run, as the prediction's calibration. */
#ifndef HARNESS_MCA_H
#define HARNESS_MCA_H

#include "../../kernels/idp.h"
#include "../measure/stats.h"
#include "listing.h"

/* A CPU that llvm-mca is asked about. */
typedef struct mca_cpu {
    const char *name; /* as llvm-mca names it */
    bool aarch64;
    /* What the core really does, to tell a true model from a stand-in: fused multiply-add instructions of `bits`
     * wide registers a cycle; 0: not known here, the model is taken as it is. */
    unsigned bits;
    double fma_per_cycle;
    const char *source;
} mca_cpu;

/* The CPUs that are known here; others can be named. */
extern const mca_cpu mca_cpus[];
extern const size_t mca_cpu_count;
const mca_cpu *mca_cpu_find(const char *name);

typedef struct mca_tools {
    const char *mca, *objdump; /* names of the programs */
    char version[64];          /* "19.1.7" */
    char host[64];             /* what LLVM calls the CPU that this runs on; "" where it does not say */
} mca_tools;

/* Finds llvm-mca and llvm-objdump of LLVM 19 or later: earlier ones have stand-ins for most models. */
bool mca_tools_find(mca_tools *t, error *e);

typedef struct mca_model {
    double fma_per_cycle; /* of the model; see mca_cpu */
    bool stand_in;        /* it is not that of the core */
    bool no_512;          /* it knows no instructions of 512 bits */
} mca_model;

/* Asks the model about its FMA units, with its widest registers. Fails where llvm-mca does not know the CPU. */
bool mca_model_check(const mca_tools *t, const mca_cpu *cpu, mca_model *model, error *e);

/* Predicted cycles of one turn of the loop, after many. Memory: every load hits L1. */
bool mca_predict(const mca_tools *t, const mca_cpu *cpu, const listing *l, const code_loop *loop, double *cycles,
                 error *e);

/* Measured cycles of this core for one multiply-add of the kernel, from the time that more channels take in a layer
 * that fits L1 and fills whole tiles: (time at 100 % - time at 50 %), so that what is fixed drops out. `level` of
 * the interval. Where the core clock can't be told it fails. */
bool mca_measure(const idp_kernel *kernel, double level, interval *cycles_per_multiply_add, error *e);

#endif
