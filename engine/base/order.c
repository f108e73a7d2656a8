/* A depth-first walk with its own stack, as files decide how deep it goes; what it has left is in
 * order. An operand that is still open when it is met again depends on itself. */
#include "engine/base/order.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

enum { UNSEEN, OPEN, PLACED };

typedef struct walk {
  const int32_t *start, *operands;
  int32_t *order;
  int placed;
  uint8_t *state;
  int32_t *stack, *next; /* next: of each node, the first operand not looked at */
} walk;

static int place(walk *w, int root) {
  int depth = 0;
  w->stack[depth++] = root;
  while (depth) {
    int node = w->stack[depth - 1];
    w->state[node] = OPEN;
    if (w->next[node] == w->start[node + 1]) {
      w->state[node] = PLACED;
      w->order[w->placed++] = node;
      depth--;
      continue;
    }
    int operand = w->operands[w->next[node]++];
    if (operand < 0 || w->state[operand] == PLACED) continue;
    if (w->state[operand] == OPEN) return operand;
    w->stack[depth++] = operand;
  }
  return -1;
}

int ag_topological_order(int size, const int32_t *start, const int32_t *operands, int32_t *order) {
  walk w = {start, operands, order, 0, AG_ARRAY(uint8_t, size), AG_ARRAY(int32_t, size), NULL};
  w.next = ag_memdup(start, (size_t)size, sizeof *start);
  int cycle = -1;
  for (int i = 0; i < size && cycle < 0; i++)
    if (w.state[i] == UNSEEN) cycle = place(&w, i);
  free(w.state);
  free(w.stack);
  free(w.next);
  return cycle;
}
