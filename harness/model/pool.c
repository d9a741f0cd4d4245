/* pool.c: a job is claimed task by task from one atomic word, (job number, tasks left). A thread that comes late
 * finds nothing left there, so that nobody waits for a thread that has no task. */
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

struct pool {
    _Atomic(uint64_t) ticket; /* job number << 32 | tasks not claimed yet */
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

/* Runs tasks until none is left to claim. What is read before the claim belongs to the claimed job: it can't end,
 * and the next can't begin, while one of its tasks is unclaimed. */
static void work(pool *p, size_t thread) {
    for (;;) {
        uint64_t ticket = atomic_load(&p->ticket);
        const size_t left = (uint32_t)ticket;
        pool_task *const task = atomic_load(&p->task);
        void *const context = atomic_load(&p->context);
        if (left == 0) return;
        if (!atomic_compare_exchange_weak(&p->ticket, &ticket, ticket - 1)) continue;
        task(context, left - 1, thread);
        atomic_fetch_add(&p->done, 1);
    }
}

/* Waits for a job other than `last`; false at the end. */
static bool next_job(pool *p, uint64_t last, uint64_t *job) {
    for (unsigned spins = 0;; spins++) {
        if (atomic_load(&p->stop)) return false;
        *job = atomic_load(&p->ticket) >> 32;
        if (*job != last) return true;
        if (spins < SPINS) {
            pause_briefly();
            continue;
        }
        pthread_mutex_lock(&p->lock);
        atomic_fetch_add(&p->asleep, 1);
        while (!atomic_load(&p->stop) && atomic_load(&p->ticket) >> 32 == last)
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

void pool_run(pool *p, pool_task *task, void *context, size_t count) {
    if (p->threads == 1) {
        for (size_t index = 0; index < count; index++) task(context, index, 0);
        return;
    }
    /* The job before has no task left to claim: nobody runs these before the ticket says so. */
    const uint64_t job = (atomic_load(&p->ticket) >> 32) + 1;
    atomic_store(&p->done, 0);
    atomic_store(&p->task, task);
    atomic_store(&p->context, context);
    atomic_store(&p->ticket, job << 32 | count);
    wake_all(p);
    work(p, 0);
    for (unsigned spins = 0; atomic_load(&p->done) < count; spins++) {
        if (spins < SPINS)
            pause_briefly();
        else
            sched_yield();
    }
}

size_t pool_processors(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
#endif
    return count < 1 ? 1 : count > POOL_THREADS_MOST ? POOL_THREADS_MOST : (size_t)count;
}
