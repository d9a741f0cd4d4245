/* pool.c: a job is published in one atomic word, (job number, tasks), and claimed task by task: each task's word
 * holds the last job that it was claimed for. Every thread begins at a place of its own and goes round, so that
 * from one job to the next it mostly gets the same tasks, and finds their data in its own cache. A thread that
 * comes late finds all claimed, so that nobody waits for a thread that has no task. */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* Turns of a waiting loop before the thread sleeps (workers) or yields its processor (the caller): some 50 us, more
 * than the serial work between two jobs of a training step, and little where the processors are not ours alone. */
enum { SPINS = 2000 };

enum {
    CLAIMS = 1024, /* tasks of one job; more are several jobs */
    COUNT_BITS = 16,
};

struct pool {
    _Atomic(uint64_t) ticket; /* job number << COUNT_BITS | tasks */
    _Atomic(uint64_t) claim[CLAIMS];
    size_t first; /* task number of claim[0] */
    atomic_size_t done;
    _Atomic(pool_task *) task;
    _Atomic(void *) context;
    atomic_bool stop;
    atomic_size_t asleep;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t threads, started;
    pthread_t worker[];
};

typedef struct start {
    pool *p;
    size_t thread;
} start;

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* True once for every task of a job, whatever thread asks. */
static bool claim(pool *p, size_t index, uint64_t job) {
    uint64_t before = atomic_load(&p->claim[index]);
    return before < job && atomic_compare_exchange_strong(&p->claim[index], &before, job);
}

/* Runs tasks until none is left to claim. What is read after a claim belongs to the claimed job: it can't end, and
 * the next can't begin, before the task is done. */
static void work(pool *p, size_t thread) {
    const uint64_t ticket = atomic_load(&p->ticket);
    const size_t count = ticket % (1 << COUNT_BITS), begin = count * thread / p->threads;
    for (size_t i = 0; i < count; i++) {
        const size_t index = (begin + i) % count;
        if (!claim(p, index, ticket >> COUNT_BITS)) continue;
        pool_task *const task = atomic_load(&p->task);
        task(atomic_load(&p->context), p->first + index, thread);
        atomic_fetch_add(&p->done, 1);
    }
}

/* Waits for a job other than `last`; false at the end. */
static bool next_job(pool *p, uint64_t last, uint64_t *job) {
    for (unsigned spins = 0;; spins++) {
        if (atomic_load(&p->stop)) return false;
        *job = atomic_load(&p->ticket) >> COUNT_BITS;
        if (*job != last) return true;
        if (spins < SPINS) {
            pause_briefly();
            continue;
        }
        pthread_mutex_lock(&p->lock);
        atomic_fetch_add(&p->asleep, 1);
        while (!atomic_load(&p->stop) && atomic_load(&p->ticket) >> COUNT_BITS == last)
            pthread_cond_wait(&p->wake, &p->lock);
        atomic_fetch_sub(&p->asleep, 1);
        pthread_mutex_unlock(&p->lock);
    }
}

static void *worker_main(void *argument) {
    const start s = *(start *)argument;
    free(argument);
    for (uint64_t job = 0; next_job(s.p, job, &job);) work(s.p, s.thread);
    return NULL;
}

static void wake_all(pool *p) {
    if (atomic_load(&p->asleep) == 0) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

pool *pool_create(size_t threads, error *e) {
    pool *p = calloc(1, sizeof *p + threads * sizeof p->worker[0]);
    if (p == NULL) {
        fail(e, "no memory for %zu threads", threads);
        return NULL;
    }
    p->threads = threads;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    for (; p->started + 1 < threads; p->started++) {
        start *s = malloc(sizeof *s);
        if (s != NULL) *s = (start){p, p->started + 1};
        if (s != NULL && pthread_create(&p->worker[p->started], NULL, worker_main, s) == 0) continue;
        free(s);
        fail(e, "%zu threads can't be started; use fewer (--threads)", threads);
        pool_destroy(p);
        return NULL;
    }
    return p;
}

void pool_destroy(pool *p) {
    if (p == NULL) return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, true);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (size_t t = 0; t < p->started; t++) pthread_join(p->worker[t], NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

size_t pool_threads(const pool *p) { return p->threads; }

/* A job of at most CLAIMS tasks, from number `first` on. */
static void run_job(pool *p, pool_task *task, void *context, size_t first, size_t count) {
    /* The job before has no task left to claim: nobody runs these before the ticket says so. */
    const uint64_t job = (atomic_load(&p->ticket) >> COUNT_BITS) + 1;
    atomic_store(&p->done, 0);
    atomic_store(&p->task, task);
    atomic_store(&p->context, context);
    p->first = first;
    atomic_store(&p->ticket, job << COUNT_BITS | count);
    wake_all(p);
    work(p, 0);
    for (unsigned spins = 0; atomic_load(&p->done) < count; spins++) {
        if (spins < SPINS)
            pause_briefly();
        else
            sched_yield();
    }
}

void pool_run(pool *p, pool_task *task, void *context, size_t count) {
    if (p->threads == 1) {
        for (size_t index = 0; index < count; index++) task(context, index, 0);
        return;
    }
    for (size_t first = 0; first < count; first += CLAIMS)
        run_job(p, task, context, first, count - first < CLAIMS ? count - first : CLAIMS);
}

size_t pool_processors(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
#endif
    return count < 1 ? 1 : count > POOL_THREADS_MOST ? POOL_THREADS_MOST : (size_t)count;
}
