/* The program `autogo`: a Lua interpreter with the engine inside, running the command line that
 * is written in Lua (lua/autogo/cli). It finds the Lua tree beside itself, so that it works from
 * the build tree and from wherever it was installed:
 *
 *   $AUTOGO_LUA, DIR/../lua, DIR/../../lua, DIR/../share/lua/5.4     DIR = that of the program
 *
 * Exit codes: what the command line returns; 1 for an error nobody caught, after one line on
 * stderr; 130 when interrupted. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lualib.h>

#include "engine/bind/bind.h"

enum { EXIT_INTERRUPTED = 130 };

static lua_State *running; /* for the signal handler */

/* --- interruption ------------------------------------------------------------------------- */

static void stop(lua_State *L, lua_Debug *unused) {
  (void)unused;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted");
}

/* Setting a hook is the one thing that may be done to a Lua state from a signal handler. */
static void on_signal(int number) {
  (void)number;
  ag_lua_interrupt();
  lua_sethook(running, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* Calls that block are not taken up again: who waits for input or for another program hears the
 * signal at once. The handler serves once, so that a second signal kills, in case the first is not
 * heard. */
static void listen_to(int number) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

/* os.execute, but for one thing: system() has Ctrl-C ignored while it waits, so an objective that
 * calls a program again and again would never hear it. */
static int execute(lua_State *L) {
  const char *command = luaL_optstring(L, 1, NULL);
  if (!command) {
    lua_pushboolean(L, access("/bin/sh", X_OK) == 0);
    return 1;
  }
  char shell[] = "sh", option[] = "-c", *const words[] = {shell, option, (char *)command, NULL};
  pid_t child;
  int status = 0, why = posix_spawn(&child, "/bin/sh", NULL, NULL, words, environ);
  errno = why;
  if (why) return luaL_fileresult(L, 0, NULL);
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return luaL_execresult(L, status);
}

static void replace_execute(lua_State *L) {
  lua_getglobal(L, LUA_OSLIBNAME);
  lua_pushcfunction(L, execute);
  lua_setfield(L, -2, "execute");
  lua_pop(L, 1);
}

/* --- the Lua tree ------------------------------------------------------------------------- */

/* The directory of the running program, without a slash at the end. */
static bool program_directory(char *path, size_t size) {
  ssize_t length = readlink("/proc/self/exe", path, size - 1);
  if (length <= 0) return false;
  path[length] = '\0';
  char *slash = strrchr(path, '/');
  if (slash) *slash = '\0';
  return slash != NULL;
}

static bool holds_tree(const char *root) {
  char path[PATH_MAX + 32];
  int length = snprintf(path, sizeof path, "%s/autogo/init.lua", root);
  return length > 0 && (size_t)length < sizeof path && access(path, R_OK) == 0;
}

static bool find_tree(char *root, size_t size) {
  static const char *const places[] = {"../lua", "../../lua", "../share/lua/5.4"};
  char directory[PATH_MAX];
  const char *given = getenv("AUTOGO_LUA");
  if (given && *given) {
    snprintf(root, size, "%s", given);
    return holds_tree(root);
  }
  if (!program_directory(directory, sizeof directory)) return false;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    snprintf(root, size, "%s/%s", directory, places[i]);
    if (holds_tree(root)) return true;
  }
  return false;
}

static void set_path(lua_State *L, const char *root) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", root, root, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

/* --- running ------------------------------------------------------------------------------ */

static void preload_core(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_autogo_core);
  lua_setfield(L, -2, "autogo.core");
  lua_pop(L, 1);
}

static void push_arguments(lua_State *L, int argc, char **argv) {
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_pushvalue(L, -1);
  lua_setglobal(L, "arg");
}

/* (argc, argv) -> exit code */
static int run(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  char root[PATH_MAX + 32];
  luaL_openlibs(L);
  replace_execute(L);
  preload_core(L);
  if (!find_tree(root, sizeof root))
    return luaL_error(L, "cannot find the Lua part; set AUTOGO_LUA to the directory that holds "
                         "autogo/init.lua");
  set_path(L, root);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "autogo.cli.main");
  lua_call(L, 1, 1);
  push_arguments(L, argc, argv);
  lua_call(L, 1, 1);
  int code = lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : 0;
  lua_pushinteger(L, code);
  return 1;
}

/* The message, with a traceback if AUTOGO_TRACE is set. What is none is told by its type: its
 * address would say nothing. */
static int explain(lua_State *L) {
  const char *text = lua_tostring(L, 1);
  if (!text && luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) text = luaL_tolstring(L, 1, NULL);
  if (!text)
    text = lua_pushfstring(L, "the script raised a %s instead of a message", luaL_typename(L, 1));
  if (getenv("AUTOGO_TRACE")) luaL_traceback(L, L, text, 1);
  return 1;
}

static void report(const char *text) {
  fputs("autogo: ", stderr);
  if (ag_lua_interrupted()) text = "interrupted";
  bool whole = getenv("AUTOGO_TRACE") != NULL;
  for (; *text; text++) {
    bool space = !whole && (*text == '\n' || *text == '\t' || *text == '\r');
    fputc(space ? ' ' : *text, stderr);
  }
  fputc('\n', stderr);
}

/* What a full disk or a closed pipe swallowed must not pass for success. */
static int finish_output(int code) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return code;
  if (code == 0) report("cannot write to standard output");
  return code ? code : 1;
}

int main(int argc, char **argv) {
  lua_State *L = running = luaL_newstate();
  if (!L) {
    report("out of memory");
    return 1;
  }
  listen_to(SIGINT);
  listen_to(SIGTERM);
  signal(SIGXFSZ, SIG_IGN); /* a file beyond the limit is an error of write, with its name */
  lua_pushcfunction(L, explain);
  lua_pushcfunction(L, run);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int code;
  if (lua_pcall(L, 2, 1, 1) == LUA_OK) {
    code = (int)lua_tointeger(L, -1);
  } else {
    report(lua_tostring(L, -1) ? lua_tostring(L, -1) : "error without a message");
    code = ag_lua_interrupted() ? EXIT_INTERRUPTED : 1;
  }
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  lua_close(L);
  return finish_output(code);
}
