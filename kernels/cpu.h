/* cpu.h: from what an x86-64 CPU and its operating system say, to the instruction sets that may run. */
#ifndef IDP_CPU_H
#define IDP_CPU_H

#include <stddef.h>
#include <stdint.h>

/* Words as the instructions give them; 0 where there is no such leaf, or XGETBV is not to be had. */
typedef struct idp_cpu_words {
    uint32_t leaf1_ecx; /* CPUID.01H:ECX */
    uint32_t leaf7_ebx; /* CPUID.(07H, 0):EBX */
    uint64_t xcr0;      /* XGETBV(0): the register state that the operating system saves */
} idp_cpu_words;

/* IDP_CPU_... bits. An ISA counts only when the CPU has it *and* the operating system saves its registers (Intel
 * SDM vol. 1, sections 13.3, 14.3 and 15.2). */
uint32_t idp_cpu_decide(const idp_cpu_words *words);

/* The bits that `list`, a value of IDP_CPU_DISABLE or NULL, hides. *unknown: its first word that names no feature,
 * up to the next comma or the end, or NULL where there is none. Nothing between two commas is no word. */
uint32_t idp_cpu_hidden(const char *list, const char **unknown);

/* The words of IDP_CPU_DISABLE, those of other architectures too; NULL beyond the last. */
const char *idp_cpu_word(size_t index);

#endif
