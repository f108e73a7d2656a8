/* The wire format read field by field, independent of the library under test: enough to look into
 * ONNX files of good faith. Fields by interop.md section 1. */
#ifndef AG_TESTS_ONNX_READER_H
#define AG_TESTS_ONNX_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct bytes {
  const uint8_t *at, *end;
} bytes;

typedef struct field {
  int number;
  uint64_t value; /* of a number, as it stands */
  bytes content;  /* of a string or a message */
} field;

static inline uint64_t read_varint(bytes *from) {
  uint64_t value = 0;
  for (int shift = 0; from->at < from->end && shift < 64; shift += 7) {
    uint8_t byte = *from->at++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) break;
  }
  return value;
}

/* The next field; false at the end. */
static inline bool next_field(bytes *from, field *f) {
  if (from->at >= from->end) return false;
  uint64_t tag = read_varint(from);
  *f = (field){.number = (int)(tag >> 3)};
  if ((tag & 7) == 0) return f->value = read_varint(from), true;
  size_t size = (tag & 7) == 2 ? (size_t)read_varint(from) : (tag & 7) == 1 ? 8 : 4;
  if (size > (size_t)(from->end - from->at)) return false;
  f->content = (bytes){from->at, from->at + size};
  from->at += size;
  return true;
}

/* The first field of that number; empty if there is none. */
static inline bytes find_field(bytes message, int number) {
  field f;
  while (next_field(&message, &f))
    if (f.number == number) return f.content;
  return (bytes){NULL, NULL};
}

static inline uint64_t find_number(bytes message, int number) {
  field f;
  while (next_field(&message, &f))
    if (f.number == number) return f.value;
  return 0;
}

static inline bool has_text(bytes b, const char *text) {
  size_t size = (size_t)(b.end - b.at);
  return size == strlen(text) && (size == 0 || memcmp(b.at, text, size) == 0);
}

enum { MODEL_GRAPH = 7, GRAPH_NODE = 1, NODE_TYPE = 4, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };

/* Sizes of a ValueInfoProto into dims; -1 where one is open. Returns the rank; -1 for no shape. */
static inline int read_shape(bytes info, int64_t *dims, int most) {
  bytes tensor = find_field(find_field(info, 2), 1), shape = find_field(tensor, 2);
  field f;
  int rank = 0;
  if (!shape.at) return -1;
  while (next_field(&shape, &f)) {
    if (f.number != 1 || rank == most) return -1;
    int64_t size = (int64_t)find_number(f.content, 1);
    dims[rank++] = size > 0 ? size : -1;
  }
  return rank;
}

#endif
