/* The tokenizer's file: text, one thing per line, so that two tokenizers can be compared with diff.
 *
 *   autogo tokenizer 1
 *   length 16
 *   symbols 2
 *   relu,in,batchnorm,out,conv
 *   conv,3,in,relu,out,batchnorm
 *   merges 1
 *   0 1
 *
 * The reader accepts exactly what the writer writes. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/mining/tokenizer.h"

enum { FILE_VERSION = 1, FILE_LIMIT = 256 << 20 };

ag_status ag_tokenizer_save(const ag_tokenizer *t, const char *path, ag_error *err) {
  ag_text text = {0};
  ag_text_add(&text, "autogo tokenizer %d\nlength %d\nsymbols %d\n", FILE_VERSION, t->max_length,
              t->symbols);
  for (int i = 0; i < t->symbols; i++) ag_text_add(&text, "%s\n", t->labels[i]);
  ag_text_add(&text, "merges %d\n", t->tokens - t->symbols);
  for (int i = 0; i < t->tokens - t->symbols; i++)
    ag_text_add(&text, "%d %d\n", t->merges[i].left, t->merges[i].right);
  ag_status status = ag_file_write(path, text.data, text.size, err);
  ag_text_free(&text);
  return status;
}

typedef struct reader {
  char *data, *at, *end;
  char *line; /* the current line, NUL-terminated */
  ag_error *err;
} reader;

static ag_status complain(const reader *r, ag_status code, const char *what) {
  ag_fail(r->err, code, "%s", what);
  if (r->err) r->err->offset = (r->line ? r->line : r->at) - r->data;
  return code;
}

static ag_status next_line(reader *r) {
  char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
  r->line = NULL;
  if (!newline) return complain(r, AG_FORMAT, "the file ends early");
  r->line = r->at;
  *newline = '\0';
  r->at = newline + 1;
  if (strlen(r->line) != (size_t)(newline - r->line))
    return complain(r, AG_FORMAT, "a zero byte in a text file");
  return AG_OK;
}

/* Digits only, at most nine; moves past them. */
static bool read_number(const char **text, int *value) {
  const char *at = *text;
  int v = 0;
  while (*at >= '0' && *at <= '9' && at - *text < 9) v = 10 * v + (*at++ - '0');
  bool some = at > *text;
  *text = at;
  *value = v;
  return some;
}

/* A line "name number" with the number in [low, high]. */
static ag_status read_field(reader *r, const char *name, int low, int high, int *value) {
  ag_status status = next_line(r);
  if (status) return status;
  size_t length = strlen(name);
  const char *text = r->line + length + 1;
  bool named = !strncmp(r->line, name, length) && r->line[length] == ' ';
  if (!named || !read_number(&text, value) || *text || *value < low || *value > high) {
    ag_fail(r->err, AG_FORMAT, "expected \"%s\" and a number from %d to %d", name, low, high);
    if (r->err) r->err->offset = r->line - r->data;
    return AG_FORMAT;
  }
  return AG_OK;
}

static ag_status read_header(reader *r, int *max_length) {
  ag_status status = next_line(r);
  if (status) return status;
  const char *magic = "autogo tokenizer ";
  if (strncmp(r->line, magic, strlen(magic)))
    return complain(r, AG_FORMAT, "this is not a tokenizer");
  const char *text = r->line + strlen(magic);
  int version;
  if (!read_number(&text, &version) || *text)
    return complain(r, AG_FORMAT, "this is not a tokenizer");
  if (version != FILE_VERSION) {
    ag_fail(r->err, AG_UNSUPPORTED, "tokenizer format %d, but this program reads %d", version,
            FILE_VERSION);
    return AG_UNSUPPORTED;
  }
  return read_field(r, "length", 1, AG_MAX_TOKEN_LENGTH, max_length);
}

/* Counts are checked against what is left of the file: a label has at least two bytes, a merge
 * four. */
static ag_status read_labels(reader *r, char ***labels, int *count) {
  ag_status status = read_field(r, "symbols", 0, AG_MAX_TOKENS, count);
  if (!status && *count > (r->end - r->at) / 2)
    status = complain(r, AG_FORMAT, "more symbols than the file has room for");
  if (status) return status;
  *labels = AG_ARRAY(char *, *count);
  for (int i = 0; i < *count && !status; i++) {
    status = next_line(r);
    if (!status) (*labels)[i] = ag_strdup(r->line);
  }
  return status;
}

static ag_status read_merges(reader *r, ag_bpe_merge **merges, int *count) {
  ag_status status = read_field(r, "merges", 0, AG_MAX_TOKENS, count);
  if (!status && *count > (r->end - r->at) / 4)
    status = complain(r, AG_FORMAT, "more merges than the file has room for");
  if (status) return status;
  *merges = AG_ARRAY(ag_bpe_merge, *count);
  for (int i = 0; i < *count; i++) {
    status = next_line(r);
    if (status) return status;
    const char *text = r->line;
    int left, right;
    if (!read_number(&text, &left) || *text++ != ' ' || !read_number(&text, &right) || *text)
      return complain(r, AG_FORMAT, "a merge is two token numbers");
    (*merges)[i] = (ag_bpe_merge){left, right};
  }
  r->line = NULL;
  return r->at == r->end ? AG_OK : complain(r, AG_FORMAT, "the file goes on after its end");
}

/* The offset of line `index` of the labels or merges, both counted together. */
static int64_t offset_of(const reader *r, int symbols, int index) {
  int64_t line = 3 + index + (index >= symbols); /* after header, length, symbols (, merges) */
  const char *at = r->data;
  for (; line > 0 && at < r->end; at++) line -= *at == '\0';
  return at - r->data;
}

ag_status ag_tokenizer_load(const char *path, ag_tokenizer **tokenizer, ag_error *err) {
  reader r = {.err = err};
  size_t size;
  ag_status status = ag_file_read(path, FILE_LIMIT, &r.data, &size, err);
  if (status) return status;
  r.at = r.data;
  r.end = r.data + size;
  char **labels = NULL;
  ag_bpe_merge *merges = NULL;
  int symbols = 0, merge_count = 0, max_length = 0, where = 0;
  status = read_header(&r, &max_length);
  if (!status) status = read_labels(&r, &labels, &symbols);
  if (!status) status = read_merges(&r, &merges, &merge_count);
  if (!status) {
    status =
        ag_tokenizer_make(labels, symbols, merges, merge_count, max_length, tokenizer, &where, err);
    if (status && err) err->offset = offset_of(&r, symbols, where);
  } else {
    for (int i = 0; labels && i < symbols; i++) free(labels[i]);
    free(labels);
    free(merges);
  }
  free(r.data);
  return status ? ag_error_in_file(err, status, path) : AG_OK;
}
