/* pool.h: a few threads that share the tasks of a loop. For work of some 100 us that comes again at once: who waits
 * spins for a while before he sleeps. */
#ifndef HARNESS_POOL_H
#define HARNESS_POOL_H

#include <stddef.h>

#include "../error.h"

enum { POOL_THREADS_MOST = 256 };

typedef struct pool pool;

/* One task: number `index`, run by thread `thread` (below the pool's threads), for the scratch memory. */
typedef void pool_task(void *context, size_t index, size_t thread);

/* threads: 1 .. POOL_THREADS_MOST, the caller among them; NULL with e->text set when they can't be had. */
pool *pool_create(size_t threads, error *e);
void pool_destroy(pool *p); /* NULL is none */
size_t pool_threads(const pool *p);

/* Runs tasks 0 .. count-1, in any order and on any thread, and returns when all are done; what they wrote is then
 * seen by the caller and by later tasks. One caller at a time. */
void pool_run(pool *p, pool_task *task, void *context, size_t count);

/* Processors that this process may use, at least 1 and at most POOL_THREADS_MOST. */
size_t pool_processors(void);

#endif
