/* Errors: filled where something goes wrong, completed with file and node on the way up. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "autogo/base.h"

ag_status ag_fail(ag_error *err, ag_status code, const char *format, ...) {
  if (!err) return code;
  err->code = code;
  err->offset = -1;
  err->file[0] = err->node[0] = '\0';
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(err->message, sizeof err->message, format, arguments);
  va_end(arguments);
  return code;
}

static void set_once(char *field, size_t size, const char *text) {
  if (field[0] == '\0' && text) snprintf(field, size, "%s", text);
}

ag_status ag_error_in_file(ag_error *err, ag_status code, const char *file) {
  if (err) set_once(err->file, sizeof err->file, file);
  return code;
}

ag_status ag_error_at_node(ag_error *err, ag_status code, const char *node) {
  if (err) set_once(err->node, sizeof err->node, node);
  return code;
}

/* Names come from files: control characters must not break the one line an error is. */
static void make_printable(char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

const char *ag_error_text(const ag_error *err, char *buffer, size_t size) {
  char place[48] = "";
  if (err->offset >= 0) snprintf(place, sizeof place, " (at byte %lld)", (long long)err->offset);
  snprintf(buffer, size, "%s%s%s%s%s%s", err->file, err->file[0] ? ": " : "", err->node,
           err->node[0] ? ": " : "", err->message, place);
  make_printable(buffer);
  return buffer;
}
