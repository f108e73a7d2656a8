/* safetensors: a JSON header that names tensors, then their bytes.
 * Source: the published description of the format. */
#ifndef AG_PREDICT_SAFETENSORS_H
#define AG_PREDICT_SAFETENSORS_H

#include "autogo/base.h"

enum { AG_ST_MAX_RANK = 8, AG_ST_MAX_TENSORS = 65536, AG_ST_MAX_HEADER = 16 << 20 };

typedef struct ag_st_tensor {
  const char *name;
  const char *dtype; /* "F32", "F64", ... */
  int rank;
  int64_t dims[AG_ST_MAX_RANK];
  size_t begin, bytes; /* in the data part */
} ag_st_tensor;

typedef struct ag_st_file {
  struct cJSON *header;  /* owns every name */
  ag_st_tensor *tensors; /* by position in the data */
  int count;
  const struct cJSON *metadata; /* object of strings, or NULL */
  const uint8_t *data;          /* borrowed from the parsed bytes */
} ag_st_file;                   /* {0} is empty */

/* Parse a whole file in memory, which must outlive `file`. Checked: the header's length and
 * JSON, names distinct, known dtypes, ranks, sizes without overflow, offsets in bounds that
 * cover the data without gap or overlap, metadata strings only. Errors: AG_FORMAT, naming the
 * tensor. O(n log n). */
ag_status ag_st_parse(const void *bytes, size_t size, ag_st_file *file, ag_error *err);
void ag_st_free(ag_st_file *file);

/* The tensor of that name, or NULL. O(n). */
const ag_st_tensor *ag_st_find(const ag_st_file *file, const char *name);
/* A metadata string, or NULL. */
const char *ag_st_metadata(const ag_st_file *file, const char *key);

/* Copy a float32 tensor of exactly these dimensions, all values finite. Errors: AG_FORMAT,
 * naming tensor and both shapes. */
ag_status ag_st_floats(const ag_st_file *file, const char *name, int rank, const int64_t *dims,
                       float *values, ag_error *err);

/* Collects tensors and metadata, then writes one file atomically. Same calls, same bytes. */
typedef struct ag_st_writer {
  struct cJSON *header, *metadata;
  uint8_t *data;
  size_t size, capacity;
} ag_st_writer; /* {0} is empty */

void ag_st_put_metadata(ag_st_writer *writer, const char *key, const char *value);
void ag_st_put_floats(ag_st_writer *writer, const char *name, int rank, const int64_t *dims,
                      const float *values);
/* Frees the writer in any case. */
ag_status ag_st_write(ag_st_writer *writer, const char *path, ag_error *err);

#endif
