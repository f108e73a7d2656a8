/* A walk over a protobuf message by its descriptor, before protobuf-c unpacks it.
 *
 * protobuf-c is safe on damaged input but gives no position, and two properties of a hostile file
 * make it slow or hungry: an optional sub-message that is given many times is merged each time
 * (quadratic), and a two-byte empty sub-message unpacks to a struct of a hundred bytes. The
 * walk rejects the former and adds up the latter. It recurses along descriptors only, so its
 * depth is that of the schema, which must not be recursive. */
#include "engine/formats/wire.h"

#include <inttypes.h>
#include <limits.h>

typedef struct walk {
  const uint8_t *start, *end; /* of the whole file, for offsets */
  uint64_t memory;            /* what unpacking would take, bytes */
  ag_error *err;
} walk;

enum { BLOCK_OVERHEAD = 32, UNPACKED_NUMBER = 48 };

static ag_status damaged(const walk *w, const uint8_t *at, const char *what) {
  ag_status status = ag_fail(w->err, AG_FORMAT, "%s", what);
  if (w->err) w->err->offset = at - w->start;
  return status;
}

/* Bytes of the varint at `at`, 0 if there is none; its value into *value. */
static int read_varint(const uint8_t *at, const uint8_t *end, uint64_t *value) {
  *value = 0;
  for (int i = 0; i < 10 && at + i < end; i++) {
    *value |= (uint64_t)(at[i] & 0x7f) << (7 * i);
    if (!(at[i] & 0x80)) return i + 1;
  }
  return 0;
}

static bool is_number(const ProtobufCFieldDescriptor *field) {
  return field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_BYTES &&
         field->type != PROTOBUF_C_TYPE_MESSAGE;
}

static ag_status walk_message(walk *w, const ProtobufCMessageDescriptor *type, const uint8_t *at,
                              const uint8_t *end);

/* The content of one length-delimited field. `seen` has a bit per field of the message. */
static ag_status walk_content(walk *w, const ProtobufCMessageDescriptor *type,
                              const ProtobufCFieldDescriptor *field, uint64_t *seen,
                              const uint8_t *at, const uint8_t *end) {
  w->memory += (uint64_t)(end - at) + BLOCK_OVERHEAD;
  if (!field) return AG_OK;
  if (is_number(field)) {
    w->memory += 8 * (uint64_t)(end - at);
    return AG_OK;
  }
  if (field->type != PROTOBUF_C_TYPE_MESSAGE) return AG_OK;
  uint64_t bit = UINT64_C(1) << ((field - type->fields) & 63);
  if (field->label != PROTOBUF_C_LABEL_REPEATED && (*seen & bit))
    return damaged(w, at, "a field that may occur once occurs twice");
  *seen |= bit;
  return walk_message(w, field->descriptor, at, end);
}

/* The field after its tag; *next receives the position behind it. */
static ag_status walk_field(walk *w, const ProtobufCMessageDescriptor *type, uint64_t tag,
                            uint64_t *seen, const uint8_t *at, const uint8_t *end,
                            const uint8_t **next) {
  uint64_t value = 0;
  int used;
  switch (tag & 7) {
  case 0:
    used = read_varint(at, end, &value);
    if (!used) return damaged(w, at, "a number is cut off");
    *next = at + used;
    w->memory += UNPACKED_NUMBER;
    return AG_OK;
  case 1:
  case 5: {
    int width = (tag & 7) == 1 ? 8 : 4;
    if (end - at < width) return damaged(w, at, "a number is cut off");
    *next = at + width;
    w->memory += UNPACKED_NUMBER;
    return AG_OK;
  }
  case 2: {
    used = read_varint(at, end, &value);
    if (!used || value > (uint64_t)(end - at - used))
      return damaged(w, at, "a field is longer than the message around it");
    at += used;
    *next = at + value;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
    return walk_content(w, type, field, seen, at, *next);
  }
  default:
    return damaged(w, at, "not a protobuf message");
  }
}

static ag_status walk_message(walk *w, const ProtobufCMessageDescriptor *type, const uint8_t *at,
                              const uint8_t *end) {
  uint64_t seen = 0, tag = 0;
  w->memory += type->sizeof_message + BLOCK_OVERHEAD;
  while (at < end) {
    int used = read_varint(at, end, &tag);
    if (!used || tag >> 3 == 0 || tag > UINT32_MAX) return damaged(w, at, "not a protobuf message");
    ag_status status = walk_field(w, type, tag, &seen, at + used, end, &at);
    if (status) return status;
  }
  return AG_OK;
}

ag_status ag_wire_unpack(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
                         ProtobufCMessage **message, ag_error *err) {
  if (size > INT_MAX) return ag_fail(err, AG_LIMIT, "the file has 2 GiB or more");
  const uint8_t *start = data;
  walk w = {start, start + size, 0, err};
  ag_status status = size ? walk_message(&w, type, start, w.end) : AG_OK;
  if (status) return status;
  if (w.memory > (UINT64_C(64) << 20) + 16 * (uint64_t)size)
    return ag_fail(err, AG_LIMIT, "%zu bytes would take %" PRIu64 " in memory", size, w.memory);
  *message = protobuf_c_message_unpack(type, NULL, size, start);
  return *message ? AG_OK : ag_fail(err, AG_FORMAT, "not a message of the expected type");
}
