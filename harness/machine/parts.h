/* parts.h: machine.c asks one file per CPU architecture and one per operating system; each fills what it knows of a
 * zeroed machine whose integers are -1, and gives a reason for what it does not. */
#ifndef HARNESS_MACHINE_PARTS_H
#define HARNESS_MACHINE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "machine.h"

/* cpu_x86.c, cpu_arm.c, cpu_other.c: name, vendor, numbers, flags, hypervisor; x86 also caches. */
void machine_cpu(machine *m);

/* system_linux.c, system_macos.c: kernel, cores, memory, and what the CPU file left open. */
void machine_system(machine *m);

/* Notes that a field cannot be told, and why. */
void machine_untold(machine *m, const char *field, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Copies with blanks trimmed and joined, and every byte that is not printable ASCII turned into '?'. */
void machine_text(char *to, size_t to_size, const char *from);

void machine_cache_add(machine *m, int level, const char *type, uint64_t bytes);

/* Appends a word to m->flags where it fits. */
void machine_flag_add(machine *m, const char *word);

/* Linux only: the first line of a small system file, without its end; false where it cannot be read. */
bool machine_first_line(const char *path, char *line, size_t line_size);

#endif
