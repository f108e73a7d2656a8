/* Pieces of CG JSON for tests to put together, and the graph of a text. */
#ifndef TESTS_JSON_TEXT_H
#define TESTS_JSON_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "autogo/graph.h"

#define IN "{\"id\":0,\"op\":\"input\",\"in\":[4,4,2],\"out\":[4,4,2]}"
#define OUT "{\"id\":1,\"op\":\"output\",\"in\":[4,4,2],\"out\":[4,4,2]}"
#define RELU(id, more) "{\"id\":" id ",\"op\":\"relu\",\"in\":[4,4,2],\"out\":[4,4,2]" more "}"
#define NODES(list) "{\"nodes\":[" list "]"

static inline const ag_graph *read_text(const char *text) {
  const ag_graph *g = NULL;
  ag_error err;
  char message[1024];
  if (ag_graph_parse_json(text, strlen(text), &g, &err))
    fail_msg("%s\n  said: %s", text, ag_error_text(&err, message, sizeof message));
  return g;
}

#endif
