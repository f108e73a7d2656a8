/* A safetensors file is an 8-byte little-endian header length, a JSON object from names to
 * {dtype, shape, data_offsets}, and the data. The file is untrusted: every entry is checked
 * against the data part before anything points into it. Sorted by offset, the tensors must
 * tile the data exactly; that one check excludes overlaps, gaps and bytes nobody owns. */
#include "engine/predict/safetensors.h"

#include <cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"

static uint64_t read_u64(const uint8_t *p) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; i--) value = value << 8 | p[i];
  return value;
}

static size_t dtype_size(const char *dtype) {
  static const struct {
    const char *name;
    size_t size;
  } known[] = {{"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"I16", 2},
               {"I8", 1},  {"U8", 1},  {"U16", 2}, {"U32", 4},  {"U64", 8}, {"BOOL", 1}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, dtype) == 0) return known[i].size;
  }
  return 0;
}

/* A JSON number that is a whole, non-negative, exactly represented integer. */
static bool whole(const cJSON *item, int64_t *value) {
  if (!cJSON_IsNumber(item)) return false;
  double v = item->valuedouble;
  if (!(v >= 0 && v <= 9007199254740992.0) || v != floor(v)) return false;
  *value = (int64_t)v;
  return true;
}

static ag_status fail_tensor(ag_error *err, const char *name, const char *why) {
  return ag_fail(err, AG_FORMAT, "tensor %.80s: %s", name, why);
}

static ag_status parse_shape(const cJSON *shape, ag_st_tensor *t, size_t limit, size_t *bytes,
                             ag_error *err) {
  if (!cJSON_IsArray(shape)) return fail_tensor(err, t->name, "its shape is not an array");
  size_t total = dtype_size(t->dtype);
  if (total == 0) return fail_tensor(err, t->name, "its dtype is unknown");
  const cJSON *item;
  cJSON_ArrayForEach(item, shape) {
    int64_t dim;
    if (t->rank == AG_ST_MAX_RANK) return fail_tensor(err, t->name, "it has too many dimensions");
    if (!whole(item, &dim)) return fail_tensor(err, t->name, "a dimension is not a whole number");
    if (dim > 0 && total > limit / (size_t)dim) {
      return fail_tensor(err, t->name, "its shape is larger than the file");
    }
    total *= (size_t)dim;
    t->dims[t->rank++] = dim;
  }
  *bytes = total;
  return AG_OK;
}

static ag_status parse_tensor(const cJSON *item, size_t data_size, ag_st_tensor *t, ag_error *err) {
  const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
  const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
  *t = (ag_st_tensor){.name = item->string};
  if (!cJSON_IsObject(item)) return fail_tensor(err, t->name, "its entry is not an object");
  if (!cJSON_IsString(dtype)) return fail_tensor(err, t->name, "it has no dtype");
  t->dtype = dtype->valuestring;
  size_t bytes = 0;
  ag_status s =
      parse_shape(cJSON_GetObjectItemCaseSensitive(item, "shape"), t, data_size, &bytes, err);
  if (s) return s;
  int64_t begin, end;
  if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
      !whole(offsets->child, &begin) || !whole(offsets->child->next, &end)) {
    return fail_tensor(err, t->name, "its data_offsets are not two whole numbers");
  }
  if (begin > end || (uint64_t)end > data_size) {
    return fail_tensor(err, t->name, "its data_offsets leave the file");
  }
  if ((uint64_t)(end - begin) != bytes) {
    return fail_tensor(err, t->name, "its data_offsets do not fit its shape");
  }
  t->begin = (size_t)begin;
  t->bytes = bytes;
  return AG_OK;
}

static int by_offset(const void *a, const void *b) {
  const ag_st_tensor *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
  return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static ag_status check_names(const ag_st_file *file, ag_error *err) {
  const char **names = AG_ARRAY(const char *, file->count);
  for (int i = 0; i < file->count; i++) names[i] = file->tensors[i].name;
  if (file->count > 1) qsort(names, (size_t)file->count, sizeof *names, by_name);
  ag_status s = AG_OK;
  for (int i = 1; i < file->count && !s; i++) {
    if (strcmp(names[i - 1], names[i]) == 0) s = fail_tensor(err, names[i], "it occurs twice");
  }
  free(names);
  return s;
}

static ag_status check_tiling(const ag_st_file *file, size_t data_size, ag_error *err) {
  size_t at = 0;
  for (int i = 0; i < file->count; i++) {
    const ag_st_tensor *t = &file->tensors[i];
    if (t->begin < at) return fail_tensor(err, t->name, "it overlaps another tensor");
    if (t->begin > at) return fail_tensor(err, t->name, "there is a gap before it");
    at += t->bytes;
  }
  if (at != data_size) return ag_fail(err, AG_FORMAT, "bytes after the last tensor");
  return AG_OK;
}

static ag_status parse_metadata(const cJSON *item, ag_st_file *file, ag_error *err) {
  if (file->metadata) return ag_fail(err, AG_FORMAT, "__metadata__ occurs twice");
  if (!cJSON_IsObject(item)) return ag_fail(err, AG_FORMAT, "__metadata__ is not an object");
  const cJSON *entry;
  cJSON_ArrayForEach(entry, item) {
    if (!cJSON_IsString(entry)) {
      return ag_fail(err, AG_FORMAT, "__metadata__: %.80s is not a string", entry->string);
    }
  }
  file->metadata = item;
  return AG_OK;
}

static ag_status parse_entries(ag_st_file *file, size_t data_size, ag_error *err) {
  int entries = cJSON_GetArraySize(file->header);
  if (entries > AG_ST_MAX_TENSORS) {
    return ag_fail(err, AG_LIMIT, "more than %d tensors", AG_ST_MAX_TENSORS);
  }
  file->tensors = AG_ARRAY(ag_st_tensor, entries);
  const cJSON *item;
  cJSON_ArrayForEach(item, file->header) {
    ag_status s = strcmp(item->string, "__metadata__") == 0
                      ? parse_metadata(item, file, err)
                      : parse_tensor(item, data_size, &file->tensors[file->count++], err);
    if (s) return s;
  }
  ag_status s = check_names(file, err);
  if (s) return s;
  if (file->count > 1) {
    qsort(file->tensors, (size_t)file->count, sizeof *file->tensors, by_offset);
  }
  return check_tiling(file, data_size, err);
}

ag_status ag_st_parse(const void *bytes, size_t size, ag_st_file *file, ag_error *err) {
  const uint8_t *p = bytes;
  if (size < 8) return ag_fail(err, AG_FORMAT, "not a safetensors file: shorter than 8 bytes");
  uint64_t header = read_u64(p);
  if (header > size - 8) {
    return ag_fail(err, AG_FORMAT, "not a safetensors file: its header is longer than the file");
  }
  if (header > AG_ST_MAX_HEADER) return ag_fail(err, AG_LIMIT, "the header exceeds 16 MiB");
  ag_st_file parsed = {.data = p + 8 + header};
  parsed.header = cJSON_ParseWithLength((const char *)p + 8, (size_t)header);
  if (!cJSON_IsObject(parsed.header)) {
    ag_st_free(&parsed);
    return ag_fail(err, AG_FORMAT, "the header is not a JSON object");
  }
  ag_status s = parse_entries(&parsed, size - 8 - (size_t)header, err);
  if (s)
    ag_st_free(&parsed);
  else
    *file = parsed;
  return s;
}

void ag_st_free(ag_st_file *file) {
  cJSON_Delete(file->header);
  free(file->tensors);
  *file = (ag_st_file){0};
}

const ag_st_tensor *ag_st_find(const ag_st_file *file, const char *name) {
  for (int i = 0; i < file->count; i++) {
    if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
  }
  return NULL;
}

const char *ag_st_metadata(const ag_st_file *file, const char *key) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(file->metadata, key);
  return item ? item->valuestring : NULL;
}

static const char *shape_text(int rank, const int64_t *dims, char *buffer, size_t size) {
  int at = snprintf(buffer, size, "[");
  for (int i = 0; i < rank && at < (int)size; i++) {
    at += snprintf(buffer + at, size - (size_t)at, "%s%lld", i ? ", " : "", (long long)dims[i]);
  }
  if (at < (int)size) snprintf(buffer + at, size - (size_t)at, "]");
  return buffer;
}

ag_status ag_st_floats(const ag_st_file *file, const char *name, int rank, const int64_t *dims,
                       float *values, ag_error *err) {
  const ag_st_tensor *t = ag_st_find(file, name);
  if (!t) return ag_fail(err, AG_FORMAT, "tensor %.80s is missing", name);
  if (strcmp(t->dtype, "F32") != 0) {
    return ag_fail(err, AG_FORMAT, "tensor %.80s is %s, expected F32", name, t->dtype);
  }
  if (t->rank != rank || memcmp(t->dims, dims, (size_t)rank * sizeof *dims) != 0) {
    char got[200], want[200];
    return ag_fail(err, AG_FORMAT, "tensor %.80s has shape %s, expected %s", name,
                   shape_text(t->rank, t->dims, got, sizeof got),
                   shape_text(rank, dims, want, sizeof want));
  }
  if (t->bytes) memcpy(values, file->data + t->begin, t->bytes);
  for (size_t i = 0; i < t->bytes / sizeof *values; i++) {
    if (!isfinite(values[i])) return fail_tensor(err, name, "it holds a value that is not finite");
  }
  return AG_OK;
}

void ag_st_put_metadata(ag_st_writer *writer, const char *key, const char *value) {
  if (!writer->metadata) writer->metadata = cJSON_CreateObject();
  cJSON_AddStringToObject(writer->metadata, key, value);
}

void ag_st_put_floats(ag_st_writer *writer, const char *name, int rank, const int64_t *dims,
                      const float *values) {
  if (!writer->header) writer->header = cJSON_CreateObject();
  cJSON *entry = cJSON_AddObjectToObject(writer->header, name);
  cJSON *shape =
      (cJSON_AddStringToObject(entry, "dtype", "F32"), cJSON_AddArrayToObject(entry, "shape"));
  size_t bytes = sizeof *values;
  for (int i = 0; i < rank; i++) {
    cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)dims[i]));
    bytes *= (size_t)dims[i];
  }
  cJSON *offsets = cJSON_AddArrayToObject(entry, "data_offsets");
  cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)writer->size));
  cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)(writer->size + bytes)));
  while (writer->capacity < writer->size + bytes) {
    writer->capacity = writer->capacity ? writer->capacity * 2 : 4096;
    writer->data = ag_resize(writer->data, writer->capacity, 1);
  }
  if (bytes) memcpy(writer->data + writer->size, values, bytes);
  writer->size += bytes;
}

ag_status ag_st_write(ag_st_writer *writer, const char *path, ag_error *err) {
  cJSON *header = writer->header ? writer->header : cJSON_CreateObject();
  if (writer->metadata) cJSON_AddItemToObject(header, "__metadata__", writer->metadata);
  char *json = cJSON_PrintUnformatted(header);
  size_t length = strlen(json), padded = (length + 7) / 8 * 8;
  ag_text text = {0};
  uint8_t prefix[8];
  for (int i = 0; i < 8; i++) prefix[i] = (uint8_t)((uint64_t)padded >> (8 * i));
  ag_text_bytes(&text, prefix, sizeof prefix);
  ag_text_bytes(&text, json, length);
  ag_text_bytes(&text, "        ", padded - length);
  if (writer->size) ag_text_bytes(&text, writer->data, writer->size);
  ag_status s = ag_file_write(path, text.data, text.size, err);
  ag_text_free(&text);
  cJSON_free(json);
  cJSON_Delete(header);
  free(writer->data);
  *writer = (ag_st_writer){0};
  return s;
}
