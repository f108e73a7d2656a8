/* Whole files in, atomic files out, and a growing text buffer. */
#ifndef AG_BASE_FILE_H
#define AG_BASE_FILE_H

#include <stdio.h>

#include "autogo/base.h"

/* Read a whole file into a malloc'd block with a zero byte after it. AG_IO names the file
 * and the system's reason; AG_LIMIT if it is larger than `limit` bytes. */
ag_status ag_file_read(const char *path, size_t limit, char **data, size_t *size, ag_error *err);

/* The same, of at most its first `most` bytes. */
ag_status ag_file_read_start(const char *path, size_t most, char **data, size_t *size,
                             ag_error *err);

/* Map a file read-only; unmap with ag_file_unmap. An empty file gives size 0. */
ag_status ag_file_map(const char *path, void **data, size_t *size, ag_error *err);
void ag_file_unmap(void *data, size_t size);

/* Write so that readers see the old file or the whole new one: temporary file beside it,
 * fsync, rename. On failure nothing is left behind. Through a link its target is written; devices
 * and pipes are written as they are. */
ag_status ag_file_write(const char *path, const void *data, size_t size, ag_error *err);

/* The same in pieces: begin, any number of `more`, end. After begin has succeeded, `end` must
 * follow in any case; it takes the status so far, removes the temporary file unless that is AG_OK,
 * and returns it, or AG_IO. */
typedef struct ag_file_writer {
  int file;
  char *path, *target, *temporary; /* the last two are NULL for a device or a pipe */
} ag_file_writer;
ag_status ag_file_begin(ag_file_writer *writer, const char *path, ag_error *err);
ag_status ag_file_more(ag_file_writer *writer, const void *data, size_t size, ag_error *err);
ag_status ag_file_end(ag_file_writer *writer, ag_status status, ag_error *err);

/* Make the file consist of its first `size` bytes (an absent file has none) and `more`, on disk
 * when the call returns. Whatever stood behind `size`, the rest of a write that was cut short,
 * is dropped. A failure leaves the first `size` bytes as they are. */
ag_status ag_file_append(const char *path, size_t size, const void *more, size_t length,
                         ag_error *err);

/* "" or all up to the last slash: what paths relative to the file begin with. The caller frees it.
 */
char *ag_file_directory(const char *path);

typedef struct ag_text {
  char *data; /* NUL-terminated; NULL while empty */
  size_t size, capacity;
} ag_text; /* {0} is empty */

void ag_text_add(ag_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ag_text_bytes(ag_text *text, const void *data, size_t size);
/* The contents; the caller frees them, the text is empty again. Never NULL. */
char *ag_text_take(ag_text *text);
void ag_text_free(ag_text *text);

#endif
