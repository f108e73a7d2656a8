/* A thread pool for one parallel loop at a time. Workers sleep until a job with a new number
 * appears, then take chunks of its indices from an atomic counter; the job is over when every
 * worker has come back. Chunks keep the counter from being fought over, and are small so that no
 * thread has long to wait for another at the end. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "autogo/base.h"
#include "engine/base/alloc.h"

enum { CHUNKS_PER_THREAD = 64 };

struct worker {
  ag_pool *pool;
  int index, home; /* the processor of its maker, negative if unknown */
  pthread_t thread;
};

struct ag_pool {
  int threads;
  struct worker *workers; /* threads - 1; the caller is worker 0 */
  pthread_mutex_t mutex;
  pthread_cond_t start, finished;
  uint64_t job;
  int running;
  bool stop;
  void (*work)(void *, int64_t, int);
  void *context;
  int64_t count, chunk;
  _Atomic int64_t next;
};

static void work_through(ag_pool *pool, int worker) {
  for (;;) {
    int64_t first = atomic_fetch_add(&pool->next, pool->chunk);
    if (first >= pool->count) return;
    int64_t last = first + pool->chunk < pool->count ? first + pool->chunk : pool->count;
    for (int64_t i = first; i < last; i++) pool->work(pool->context, i, worker);
  }
}

/* The processor that lies so many places after `home` among those of the mask. */
static size_t processor_after(const cpu_set_t *mask, size_t home, int places) {
  size_t processor = home;
  for (int left = places % CPU_COUNT(mask); left > 0;) {
    processor = (processor + 1) % CPU_SETSIZE;
    left -= CPU_ISSET(processor, mask) ? 1 : 0;
  }
  return processor;
}

/* Moves a new thread to another processor than its maker's, and binds it to none. Kernels whose
 * processors share no cache wake a thread where it ran last, and it stayed with its maker for the
 * first 60 ms, a fifth of a search of 60,000 children. */
static void spread(const struct worker *self) {
  cpu_set_t allowed, own;
  if (self->home < 0 || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  CPU_ZERO(&own);
  CPU_SET(processor_after(&allowed, (size_t)self->home, self->index), &own);
  if (sched_setaffinity(0, sizeof own, &own) == 0) sched_setaffinity(0, sizeof allowed, &allowed);
}

static void *worker_main(void *argument) {
  struct worker *self = argument;
  ag_pool *pool = self->pool;
  uint64_t done = 0;
  spread(self);
  pthread_mutex_lock(&pool->mutex);
  for (;;) {
    while (!pool->stop && pool->job == done) pthread_cond_wait(&pool->start, &pool->mutex);
    if (pool->stop) break;
    done = pool->job;
    pthread_mutex_unlock(&pool->mutex);
    work_through(pool, self->index);
    pthread_mutex_lock(&pool->mutex);
    if (--pool->running == 0) pthread_cond_signal(&pool->finished);
  }
  pthread_mutex_unlock(&pool->mutex);
  return NULL;
}

ag_pool *ag_pool_new(int threads) {
  ag_pool *pool = AG_NEW(ag_pool);
  pool->threads = 1;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->start, NULL);
  pthread_cond_init(&pool->finished, NULL);
  pool->workers = AG_ARRAY(struct worker, threads);
  for (int i = 1; i < threads; i++) {
    struct worker *worker = &pool->workers[i - 1];
    *worker = (struct worker){.pool = pool, .index = i, .home = sched_getcpu()};
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) break;
    pool->threads++; /* fewer threads than asked for change the speed, not the results */
  }
  return pool;
}

void ag_pool_free(ag_pool *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->mutex);
  pool->stop = true;
  pthread_cond_broadcast(&pool->start);
  pthread_mutex_unlock(&pool->mutex);
  for (int i = 0; i < pool->threads - 1; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->finished);
  pthread_cond_destroy(&pool->start);
  pthread_mutex_destroy(&pool->mutex);
  free(pool->workers);
  free(pool);
}

int ag_pool_threads(const ag_pool *pool) {
  return pool ? pool->threads : 1;
}

void ag_pool_run(ag_pool *pool, int64_t count, void (*work)(void *, int64_t, int), void *context) {
  if (ag_pool_threads(pool) == 1 || count < 2) {
    for (int64_t i = 0; i < count; i++) work(context, i, 0);
    return;
  }
  pool->work = work;
  pool->context = context;
  pool->count = count;
  pool->chunk = count / (pool->threads * CHUNKS_PER_THREAD) + 1;
  atomic_store(&pool->next, 0);
  pthread_mutex_lock(&pool->mutex);
  pool->running = pool->threads - 1;
  pool->job++;
  pthread_cond_broadcast(&pool->start);
  pthread_mutex_unlock(&pool->mutex);
  work_through(pool, 0);
  pthread_mutex_lock(&pool->mutex);
  while (pool->running > 0) pthread_cond_wait(&pool->finished, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
}
