/* machine.h: what CPU and system this is. Nothing is guessed: what cannot be told is empty, 0 or -1, and `unknown`
 * says why. */
#ifndef HARNESS_MACHINE_H
#define HARNESS_MACHINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { MACHINE_CACHES = 8, MACHINE_UNKNOWNS = 16 };

typedef struct machine_cache {
    int level;        /* 1 to 4 */
    const char *type; /* "data" or "unified"; instruction caches are left out */
    uint64_t bytes;   /* of one instance */
} machine_cache;

/* Texts are printable ASCII: a hypervisor may put anything into what CPUID returns. */
typedef struct machine {
    const char *architecture; /* "x86-64", "aarch64" or "unknown" */
    char cpu[128];            /* the name that the CPU gives itself; Arm: the core's name, from MIDR_EL1 */
    char vendor[64];
    int family, model, stepping;              /* x86: as displayed, extended fields added in */
    int implementer, part, variant, revision; /* Arm: MIDR_EL1 of the core that asked */
    char hidden[64];  /* IDP_CPU_DISABLE: instruction sets hidden from this run on purpose; empty: none */
    char flags[4096]; /* what the CPU reports, space-separated: far more than the kernels use */
    machine_cache cache[MACHINE_CACHES];
    unsigned caches;
    bool emulated;         /* every instruction is interpreted: times mean nothing */
    char hypervisor[64];   /* empty on bare metal */
    char system[160];      /* kernel name, release */
    int cores;             /* processors that this process may run on */
    uint64_t memory_bytes; /* physical */
    struct {
        const char *field; /* as in the record */
        char reason[160];
    } unknown[MACHINE_UNKNOWNS];
    unsigned unknowns;
} machine;

/* Cannot fail: what is not there is told in `unknown`. */
void machine_read(machine *m);

/* The `machine` object of a results document; NULL without memory. */
json_t *machine_json(const machine *m);

/* Why that field is unknown; NULL where it is known. */
const char *machine_unknown(const machine *m, const char *field);

/* The processor that the calling thread is on now; -1 where the system does not tell. */
int machine_processor(void);

#endif
