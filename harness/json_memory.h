/* json_memory.h: the memory of jansson, which remembers that it ran out. A document is built by many small calls;
 * what one of them leaves out for want of memory is not looked for there: whoever writes the document asks here. */
#ifndef HARNESS_JSON_MEMORY_H
#define HARNESS_JSON_MEMORY_H

#include <stdbool.h>

/* Before anything is allocated. */
void json_memory_watch(void);

/* Whether it ever ran out. */
bool json_memory_ran_out(void);

#endif
