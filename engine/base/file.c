/* Whole files in, atomic files out, and a growing text buffer. */
#include "engine/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"

static ag_status fail_with_errno(ag_error *err, const char *path, const char *action) {
  ag_fail(err, AG_IO, "%s: %s", action, strerror(errno));
  return ag_error_in_file(err, AG_IO, path);
}

/* Open a regular file for reading; its size in *size. O_NONBLOCK keeps a FIFO without a writer
 * from hanging the program before it is seen not to be a file. */
static int open_file(const char *path, size_t *size, ag_error *err) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) {
    fail_with_errno(err, path, "cannot open");
    if (file >= 0) close(file);
    return -1;
  }
  if (!S_ISREG(status.st_mode)) {
    close(file);
    ag_fail(err, AG_IO, "cannot read: not a regular file");
    ag_error_in_file(err, AG_IO, path);
    return -1;
  }
  *size = (size_t)status.st_size;
  return file;
}

static bool read_fully(int file, char *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t n = read(file, data + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      if (n == 0) errno = EIO; /* the file shrank */
      return false;
    }
    done += (size_t)n;
  }
  return true;
}

/* The first `wanted` bytes of an open file of at least that size; closes it. */
static ag_status read_open_file(int file, const char *path, size_t wanted, char **data,
                                size_t *size, ag_error *err) {
  char *bytes = ag_alloc(wanted + 1, 1);
  bool complete = read_fully(file, bytes, wanted);
  if (!complete) fail_with_errno(err, path, "cannot read");
  close(file);
  if (!complete) {
    free(bytes);
    return AG_IO;
  }
  *data = bytes;
  *size = wanted;
  return AG_OK;
}

ag_status ag_file_read(const char *path, size_t limit, char **data, size_t *size, ag_error *err) {
  size_t length;
  int file = open_file(path, &length, err);
  if (file < 0) return AG_IO;
  if (length > limit) {
    close(file);
    ag_fail(err, AG_LIMIT, "%zu bytes are more than the limit of %zu", length, limit);
    return ag_error_in_file(err, AG_LIMIT, path);
  }
  return read_open_file(file, path, length, data, size, err);
}

ag_status ag_file_read_start(const char *path, size_t most, char **data, size_t *size,
                             ag_error *err) {
  size_t length;
  int file = open_file(path, &length, err);
  if (file < 0) return AG_IO;
  return read_open_file(file, path, length < most ? length : most, data, size, err);
}

ag_status ag_file_map(const char *path, void **data, size_t *size, ag_error *err) {
  size_t length;
  int file = open_file(path, &length, err);
  if (file < 0) return AG_IO;
  void *mapped = NULL;
  if (length > 0) mapped = mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, 0);
  if (mapped == MAP_FAILED) {
    fail_with_errno(err, path, "cannot map");
    close(file);
    return AG_IO;
  }
  close(file);
  *data = mapped;
  *size = length;
  return AG_OK;
}

void ag_file_unmap(void *data, size_t size) {
  if (size > 0) munmap(data, size);
}

static bool write_fully(int file, const char *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t n = write(file, data + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += (size_t)n;
  }
  return true;
}

/* A new file beside `path`, its name into `name`. Not by mkstemp, which makes files private: who
 * may read them is for the umask to say, as with any other file. */
static int create_beside(const char *path, char *name, size_t room) {
  static atomic_uint serial;
  int file;
  do {
    snprintf(name, room, "%s.%ld-%u", path, (long)getpid(), atomic_fetch_add(&serial, 1));
    file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file < 0 && errno == EEXIST);
  return file;
}

/* A new file would take the place of a device, a pipe or a link by its name: the first two are
 * written as they are (/dev/null, /dev/stdout), of a link the file that it leads to. */
static void open_writer(ag_file_writer *writer) {
  struct stat status;
  bool there = stat(writer->path, &status) == 0;
  if (there && !S_ISREG(status.st_mode)) {
    writer->file = open(writer->path, O_WRONLY | O_CLOEXEC | O_NOCTTY); /* a directory: EISDIR */
    return;
  }
  char *target = there ? realpath(writer->path, NULL) : NULL;
  const char *path = target ? target : writer->path;
  size_t room = strlen(path) + 40;
  writer->temporary = ag_alloc(room, 1);
  writer->file = create_beside(path, writer->temporary, room);
  writer->target = ag_strdup(path);
  free(target);
}

static void free_writer(ag_file_writer *writer) {
  free(writer->path);
  free(writer->target);
  free(writer->temporary);
}

ag_status ag_file_begin(ag_file_writer *writer, const char *path, ag_error *err) {
  *writer = (ag_file_writer){.path = ag_strdup(path)};
  open_writer(writer);
  if (writer->file >= 0) return AG_OK;
  fail_with_errno(err, path, "cannot write");
  free_writer(writer);
  return AG_IO;
}

ag_status ag_file_more(ag_file_writer *writer, const void *data, size_t size, ag_error *err) {
  if (write_fully(writer->file, data, size)) return AG_OK;
  fail_with_errno(err, writer->path, "cannot write");
  return AG_IO;
}

ag_status ag_file_end(ag_file_writer *writer, ag_status status, ag_error *err) {
  bool good = status == AG_OK, in_place = !writer->temporary;
  bool written = good && (in_place || fsync(writer->file) == 0);
  if (good && !written) fail_with_errno(err, writer->path, "cannot write");
  if (close(writer->file) != 0 && written) {
    fail_with_errno(err, writer->path, "cannot write");
    written = false;
  }
  if (written && !in_place && rename(writer->temporary, writer->target) != 0) {
    fail_with_errno(err, writer->path, "cannot write");
    written = false;
  }
  if (!written && !in_place) unlink(writer->temporary);
  free_writer(writer);
  return written ? AG_OK : good ? AG_IO : status;
}

ag_status ag_file_write(const char *path, const void *data, size_t size, ag_error *err) {
  ag_file_writer writer;
  ag_status status = ag_file_begin(&writer, path, err);
  if (status) return status;
  return ag_file_end(&writer, ag_file_more(&writer, data, size, err), err);
}

char *ag_file_directory(const char *path) {
  char *directory = ag_strdup(path), *slash = strrchr(directory, '/');
  *(slash ? slash + 1 : directory) = '\0';
  return directory;
}

/* A new file's name lasts only once its directory is on disk. */
static bool sync_directory(const char *path) {
  char *directory = ag_file_directory(path);
  int file = open(*directory ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool synced = file >= 0 && fsync(file) == 0;
  if (file >= 0) close(file);
  free(directory);
  return synced;
}

ag_status ag_file_append(const char *path, size_t size, const void *more, size_t length,
                         ag_error *err) {
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  struct stat status;
  bool usable = file >= 0 && fstat(file, &status) == 0;
  if (usable && (!S_ISREG(status.st_mode) || (size_t)status.st_size < size)) {
    close(file);
    ag_fail(err, AG_IO, "cannot append: not a regular file of at least %zu bytes", size);
    return ag_error_in_file(err, AG_IO, path);
  }
  bool written = usable && ftruncate(file, (off_t)size) == 0 &&
                 lseek(file, 0, SEEK_END) == (off_t)size && write_fully(file, more, length) &&
                 fsync(file) == 0 && (size > 0 || sync_directory(path));
  if (!written) fail_with_errno(err, path, "cannot write");
  if (!written && usable && ftruncate(file, (off_t)size) != 0)
    written = false; /* the next append drops what is left behind */
  if (file >= 0 && close(file) != 0 && written) {
    fail_with_errno(err, path, "cannot write");
    written = false;
  }
  return written ? AG_OK : AG_IO;
}

static void reserve(ag_text *text, size_t more) {
  if (text->capacity - text->size > more) return;
  while (text->capacity - text->size <= more)
    text->capacity = text->capacity ? text->capacity * 2 : 256;
  text->data = ag_resize(text->data, text->capacity, 1);
}

void ag_text_add(ag_text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  reserve(text, (size_t)length);
  va_start(arguments, format);
  vsnprintf(text->data + text->size, (size_t)length + 1, format, arguments);
  va_end(arguments);
  text->size += (size_t)length;
}

void ag_text_bytes(ag_text *text, const void *data, size_t size) {
  reserve(text, size);
  memcpy(text->data + text->size, data, size);
  text->size += size;
  text->data[text->size] = '\0';
}

char *ag_text_take(ag_text *text) {
  char *data = text->data ? text->data : ag_strdup("");
  *text = (ag_text){0};
  return data;
}

void ag_text_free(ag_text *text) {
  free(text->data);
  *text = (ag_text){0};
}
