/* autogo/base.h - status codes, errors, hashes and the thread pool.
 *
 * Every function of the library that can fail returns an ag_status and fills an
 * ag_error that says what went wrong and where:
 *
 *   ag_error err;
 *   const ag_graph *g;
 *   if (ag_graph_load_json("net.json", &g, &err)) {
 *     char text[1024];
 *     fprintf(stderr, "%s\n", ag_error_text(&err, text, sizeof text));
 *     return 1;
 *   }
 *
 * On failure the outputs are left untouched. `err` may be NULL where only the
 * code is wanted. Sizes that come from a file are checked against the file
 * before memory is taken for them; when memory itself runs out the process ends
 * with one line, so no function reports it.
 */
#ifndef AUTOGO_BASE_H
#define AUTOGO_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AG_VERSION "0.1.0"

typedef enum ag_status {
  AG_OK = 0,
  AG_INVALID,     /* arguments or a graph that make no sense */
  AG_IO,          /* a file cannot be opened, read or written */
  AG_FORMAT,      /* a file is not what it claims to be */
  AG_UNSUPPORTED, /* well-formed, but outside what is handled */
  AG_INFEASIBLE,  /* a resolution problem without a solution */
  AG_LIMIT,       /* a documented bound was exceeded */
  AG_INTERRUPTED  /* stopped on request */
} ag_status;

typedef struct ag_error {
  ag_status code;
  int64_t offset;    /* byte offset in the file, -1 = not known */
  char file[256];    /* "" = no file */
  char node[128];    /* name or number of the node, "" = none */
  char message[512]; /* the reason, one line, no full stop */
} ag_error;

/* Fill `err` (if not NULL) and return `code`, so that `return ag_fail(...)` reads
 * well. File and node are cleared; set them with the two functions below. */
ag_status ag_fail(ag_error *err, ag_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Add where an error happened, on its way up. Outer calls do not overwrite inner
 * ones. Both return `code`; `err` may be NULL. */
ag_status ag_error_in_file(ag_error *err, ag_status code, const char *file);
ag_status ag_error_at_node(ag_error *err, ag_status code, const char *node);

/* "file: node: message (at byte n)" into `buffer`; returns `buffer`. */
const char *ag_error_text(const ag_error *err, char *buffer, size_t size);

/* A 128-bit hash. Equal on every machine; changes only with AG_HASH_VERSION. */
typedef struct ag_hash {
  uint64_t hi, lo;
} ag_hash;

#define AG_HASH_VERSION 1

/* Equality, and the order of hashes as numbers (< 0, 0, > 0). */
static inline bool ag_hash_equal(ag_hash a, ag_hash b) {
  return a.hi == b.hi && a.lo == b.lo;
}
static inline int ag_hash_compare(ag_hash a, ag_hash b) {
  if (a.hi != b.hi) return a.hi < b.hi ? -1 : 1;
  return (a.lo > b.lo) - (a.lo < b.lo);
}

/* A pool of worker threads over C data.
 *
 * ag_pool_run calls work(context, index, worker) for every index in [0, count), each
 * exactly once, on any worker in [0, threads). The caller's thread takes part; the
 * call returns when all are done. Write results to slots keyed by index, and the
 * outcome does not depend on the number of threads. With threads = 1, or NULL for a pool,
 * everything runs in the caller. Not reentrant: work must not call ag_pool_run. */
typedef struct ag_pool ag_pool;
ag_pool *ag_pool_new(int threads); /* threads >= 1 */
int ag_pool_threads(const ag_pool *pool);
void ag_pool_free(ag_pool *pool);
void ag_pool_run(ag_pool *pool, int64_t count, void (*work)(void *, int64_t, int), void *context);

#endif
