#include "json_memory.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_bool ran_out;

static void *watched(size_t size_bytes) {
    void *memory = malloc(size_bytes);
    if (memory == NULL) atomic_store(&ran_out, true);
    return memory;
}

void json_memory_watch(void) { json_set_alloc_funcs(watched, free); }

bool json_memory_ran_out(void) { return atomic_load(&ran_out); }
