/* autogo/store.h - the weights of a graph, and what its source format said of its nodes. */
#ifndef AUTOGO_STORE_H
#define AUTOGO_STORE_H

#include "autogo/base.h"

typedef enum ag_dtype {
  AG_F32 = 1,
  AG_U8 = 2,
  AG_I8 = 3,
  AG_I32 = 6,
  AG_I64 = 7,
  AG_BOOL = 9,
  AG_F16 = 10,
  AG_F64 = 11
} ag_dtype; /* numbered as in ONNX */

enum { AG_MAX_RANK = 8 };

typedef struct ag_tensor {
  ag_dtype dtype;
  int rank;
  int64_t dims[AG_MAX_RANK];
  const void *data; /* little endian; NULL = the source gave a shape but no values */
  size_t bytes;
} ag_tensor;

enum {
  AG_ROLE_KERNEL,
  AG_ROLE_BIAS,
  AG_ROLE_SCALE,
  AG_ROLE_SHIFT,
  AG_ROLE_MEAN,
  AG_ROLE_VARIANCE,
  AG_ROLE_COUNT
};

typedef struct ag_record {
  bool has[AG_ROLE_COUNT];
  ag_tensor tensor[AG_ROLE_COUNT]; /* in ONNX layout (O,I,H,W; matmul: as `transposed`) */
  bool transposed;                 /* matmul: kernel is (in, out) instead of (out, in) */
  const char *source_op;           /* opaque nodes: op type in the source */
  const void *attributes;          /* opaque nodes: the source's own node message */
  size_t attributes_size;
  int output_index;             /* opaque nodes with several outputs: which one */
  int constants;                /* opaque nodes: constant operands ... */
  const int *constant_position; /* ... at these positions of the source's inputs */
  const ag_tensor *constant;
} ag_record;

/* Records and the memory behind them, shared by a graph and all graphs derived from it.
 * Append-only while its graph is being built; reference counted, thread-safe to retain
 * and release. ag_store_alloc gives zeroed memory that lives as long as the store;
 * ag_store_adopt hands over a block with the function that will free it. */
typedef struct ag_store ag_store;
ag_store *ag_store_new(void);
ag_store *ag_store_retain(ag_store *store);
void ag_store_release(ag_store *store);
void *ag_store_alloc(ag_store *store, size_t size);
char *ag_store_string(ag_store *store, const char *text);
void ag_store_adopt(ag_store *store, void *block, size_t size, void (*release)(void *, size_t));
/* The index of a copy of the record; what its pointers lead to must live as long as the store. */
int ag_store_add(ag_store *store, const ag_record *record);
/* Valid until the next record is added; NULL for an index that no record has, as -1. */
const ag_record *ag_store_get(const ag_store *store, int index);

#endif
