/* Protobuf messages from untrusted files: checked first, then unpacked by protobuf-c. */
#ifndef AG_FORMATS_WIRE_H
#define AG_FORMATS_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "autogo/base.h"

/* Unpack `size` bytes as a message of type `type`; free with protobuf_c_message_free_unpacked.
 * Errors: AG_FORMAT with the byte offset of the damage; AG_LIMIT when the file is 2 GiB or more,
 * or when its unpacked form would take far more memory than the file. O(size). */
ag_status ag_wire_unpack(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
                         ProtobufCMessage **message, ag_error *err);

/* The text of an optional field, "" where it is absent. */
static inline const char *ag_wire_text(const char *field) {
  return field ? field : "";
}

#endif
