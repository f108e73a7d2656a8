/* What scripts need of the system and Lua's own library lacks: files that are replaced whole,
 * directories, a monotonic clock, interruption. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cblas.h>

#include "engine/base/file.h"
#include "engine/base/locale.h"
#include "engine/base/map.h"
#include "engine/bind/bind.h"

enum { READ_LIMIT = 1 << 30 };

static volatile sig_atomic_t interrupted;

void ag_lua_interrupt(void) {
  interrupted = 1;
}

bool ag_lua_interrupted(void) {
  return interrupted != 0;
}

static int core_interrupted(lua_State *L) {
  lua_pushboolean(L, ag_lua_interrupted());
  return 1;
}

/* read_file(path [, most]) -> bytes, only the first `most` if given | nil, message */
static int read_file(lua_State *L) {
  ag_error err;
  size_t size;
  char *data;
  const char *path = luaL_checkstring(L, 1);
  lua_Integer most = luaL_optinteger(L, 2, 0);
  luaL_argcheck(L, most >= 0 && most <= READ_LIMIT, 2, "out of range");
  void **owner = ag_lua_anchor(L, free);
  ag_status status = most > 0 ? ag_file_read_start(path, (size_t)most, &data, &size, &err)
                              : ag_file_read(path, READ_LIMIT, &data, &size, &err);
  if (status != AG_OK) return ag_lua_fail(L, &err);
  *owner = data;
  lua_pushlstring(L, data, size);
  return 1;
}

/* write_file(path, bytes) -> true | nil, message; readers see the old file or the new one */
static int write_file(lua_State *L) {
  ag_error err;
  size_t size;
  const char *path = luaL_checkstring(L, 1), *data = luaL_checklstring(L, 2, &size);
  return ag_lua_result(L, ag_file_write(path, data, size, &err), &err);
}

/* can_write(path) -> true | nil, message; what write_file would say, before the work is done */
static int can_write(lua_State *L) {
  ag_error err;
  ag_file_writer writer;
  ag_status status = ag_file_begin(&writer, luaL_checkstring(L, 1), &err);
  if (!status) ag_file_end(&writer, AG_INTERRUPTED, NULL);
  return ag_lua_result(L, status, &err);
}

/* append_file(path, size, bytes) -> true | nil, message; see ag_file_append */
static int append_file(lua_State *L) {
  ag_error err;
  size_t length;
  const char *path = luaL_checkstring(L, 1);
  size_t size = (size_t)ag_lua_check_range(L, 2, 0, READ_LIMIT);
  const char *data = luaL_checklstring(L, 3, &length);
  return ag_lua_result(L, ag_file_append(path, size, data, length, &err), &err);
}

/* hash(bytes) -> 32 hexadecimal digits */
static int hash_bytes(lua_State *L) {
  size_t size;
  const char *data = luaL_checklstring(L, 1, &size);
  ag_lua_push_hash(L, ag_hash_bytes(data, size));
  return 1;
}

static bool is_directory(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* mkdir(path) -> true | nil, message; with the parents that are missing */
static int make_directory(lua_State *L) {
  size_t length;
  const char *path = luaL_checklstring(L, 1, &length);
  luaL_argcheck(L, length > 0 && strlen(path) == length, 1, "path expected");
  char *prefix = ag_lua_scratch(L, length + 1, 1);
  for (size_t i = 1; i <= length; i++) {
    if (path[i] != '/' && path[i] != '\0') continue;
    memcpy(prefix, path, i);
    int why = mkdir(prefix, 0777) == 0 ? 0 : errno;
    if (why == 0 || is_directory(prefix)) continue;
    ag_error err;
    ag_fail(&err, AG_IO, "cannot make directory: %s", strerror(why == EEXIST ? ENOTDIR : why));
    ag_error_in_file(&err, AG_IO, path);
    return ag_lua_fail(L, &err);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* exists(path) -> "file", "directory", "other" or false */
static int exists(lua_State *L) {
  struct stat status;
  if (stat(luaL_checkstring(L, 1), &status) != 0)
    lua_pushboolean(L, 0);
  else
    lua_pushstring(L, S_ISREG(status.st_mode)   ? "file"
                      : S_ISDIR(status.st_mode) ? "directory"
                                                : "other");
  return 1;
}

static void release_lock(void *file) {
  close((int)(intptr_t)file - 1);
}

/* lock(directory) -> lock | nil, message when it is taken; held until the lock is collected or the
 * process ends, however it ends. Where the file system knows no locks, nothing is locked. */
static int lock_directory(lua_State *L) {
  ag_error err;
  const char *path = luaL_checkstring(L, 1);
  void **lock = ag_lua_anchor(L, release_lock);
  int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool taken = file >= 0 && flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (file >= 0) *lock = (void *)(intptr_t)(file + 1);
  if (file >= 0 && !taken) return 1;
  if (taken)
    ag_fail(&err, AG_IO, "in use by another search");
  else
    ag_fail(&err, AG_IO, "cannot open: %s", strerror(errno));
  ag_error_in_file(&err, AG_IO, path);
  return ag_lua_fail(L, &err);
}

static int is_terminal(lua_State *L) {
  lua_pushboolean(L, isatty((int)ag_lua_check_range(L, 1, 0, 1 << 20)));
  return 1;
}

/* clock() -> seconds of a clock that never goes back */
static int monotonic_clock(lua_State *L) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  lua_pushnumber(L, (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
  return 1;
}

/* processors() -> number of threads worth starting here */
static int processors(lua_State *L) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  lua_pushinteger(L, count > 0 ? count : 1);
  return 1;
}

static int plain_close(lua_State *L) {
  locale_t *host = lua_touserdata(L, 1);
  if (*host) ag_plain_numbers_end(*host);
  *host = (locale_t)0;
  return 0;
}

/* plain_numbers() -> a value to be closed: until then this thread formats and parses as in the C
 * locale, whatever the host has set */
static int plain_numbers(lua_State *L) {
  locale_t *host = lua_newuserdatauv(L, sizeof *host, 0);
  *host = (locale_t)0;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, plain_close);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  *host = ag_plain_numbers();
  return 1;
}

static const luaL_Reg functions[] = {{"interrupted", core_interrupted},
                                     {"plain_numbers", plain_numbers},
                                     {"read_file", read_file},
                                     {"write_file", write_file},
                                     {"can_write", can_write},
                                     {"append_file", append_file},
                                     {"hash", hash_bytes},
                                     {"mkdir", make_directory},
                                     {"exists", exists},
                                     {"isatty", is_terminal},
                                     {"clock", monotonic_clock},
                                     {"lock", lock_directory},
                                     {"processors", processors},
                                     {NULL, NULL}};

void ag_lua_open_system(lua_State *L) {
  /* The engine parallelises over graphs; a BLAS with threads of its own only gets in the way. */
  openblas_set_num_threads(1);
  luaL_setfuncs(L, functions, 0);
  lua_pushstring(L, AG_VERSION);
  lua_setfield(L, -2, "version");
}
