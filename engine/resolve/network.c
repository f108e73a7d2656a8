/* Building a network, copying it, and taking its tables out again. */
#include "engine/resolve/network.h"

#include <string.h>

void ag_network_init(ag_network *net, ag_scratch *scratch, int variables, int tables, int sums) {
  *net = (ag_network){.scratch = scratch, .room_tables = tables};
  net->size = AG_TAKE(scratch, int, variables);
  net->value = AG_TAKE(scratch, const ag_size *, variables);
  net->unary = AG_TAKE(scratch, int64_t *, variables);
  net->degree = AG_TAKE(scratch, int, variables);
  net->held = AG_TAKE(scratch, int, variables);
  net->table = AG_TAKE(scratch, ag_network_table, tables);
  net->sum = AG_TAKE(scratch, ag_network_sum, sums);
}

int ag_network_add_variable(ag_network *net, const ag_size *values, int count) {
  int v = net->variables++;
  net->size[v] = count;
  net->value[v] = values;
  net->unary[v] = AG_TAKE(net->scratch, int64_t, count);
  memset(net->unary[v], 0, (size_t)count * sizeof(int64_t));
  net->degree[v] = net->held[v] = 0;
  return v;
}

static int table_between(const ag_network *net, int x, int y) {
  for (int t = 0; t < net->tables; t++)
    if (net->table[t].x == x && net->table[t].y == y) return t;
  return -1;
}

static const int64_t *transpose(ag_network *net, const int64_t *cost, int rows, int columns) {
  int64_t *turned = AG_TAKE(net->scratch, int64_t, rows * columns);
  for (int a = 0; a < rows; a++)
    for (int b = 0; b < columns; b++) turned[b * rows + a] = cost[a * columns + b];
  return turned;
}

static void append_table(ag_network *net, ag_network_table table) {
  if (net->tables == net->room_tables) {
    ag_network_table *larger = AG_TAKE(net->scratch, ag_network_table, 2 * net->room_tables + 8);
    memcpy(larger, net->table, (size_t)net->tables * sizeof *larger);
    net->table = larger;
    net->room_tables = 2 * net->room_tables + 8;
  }
  net->table[net->tables++] = table;
  net->degree[table.x]++;
  net->degree[table.y]++;
}

void ag_network_add_table(ag_network *net, int x, int y, const int64_t *cost) {
  if (x > y) {
    ag_network_add_table(net, y, x, transpose(net, cost, net->size[x], net->size[y]));
    return;
  }
  int t = table_between(net, x, y);
  if (t < 0) {
    append_table(net, (ag_network_table){x, y, cost});
    return;
  }
  int cells = net->size[x] * net->size[y];
  int64_t *both = AG_TAKE(net->scratch, int64_t, cells);
  for (int k = 0; k < cells; k++) both[k] = ag_cost_plus(net->table[t].cost[k], cost[k]);
  net->table[t].cost = both;
}

void ag_network_add_sum(ag_network *net, ag_network_sum sum) {
  for (int t = 0; t < sum.terms; t++) net->held[sum.term[t].var]++;
  if (sum.target >= 0) net->held[sum.target]++;
  net->sum[net->sums++] = sum;
}

int ag_network_pull_table(ag_network *net, int x, const int64_t **cost) {
  for (int t = 0; t < net->tables; t++) {
    ag_network_table table = net->table[t];
    if (table.x != x && table.y != x) continue;
    int other = table.x == x ? table.y : table.x;
    *cost = table.x == x ? table.cost
                         : transpose(net, table.cost, net->size[table.x], net->size[table.y]);
    memmove(net->table + t, net->table + t + 1, (size_t)(net->tables - t - 1) * sizeof *net->table);
    net->tables--;
    net->degree[table.x]--;
    net->degree[table.y]--;
    return other;
  }
  return -1;
}

ag_network ag_network_copy(const ag_network *net) {
  ag_network copy;
  ag_network_init(&copy, net->scratch, net->variables, net->tables + 8, net->sums);
  for (int v = 0; v < net->variables; v++) {
    ag_network_add_variable(&copy, net->value[v], net->size[v]);
    if (net->unary[v])
      memcpy(copy.unary[v], net->unary[v], (size_t)net->size[v] * sizeof(int64_t));
    else
      copy.unary[v] = NULL;
  }
  for (int t = 0; t < net->tables; t++) append_table(&copy, net->table[t]);
  for (int k = 0; k < net->sums; k++) {
    ag_network_sum sum = net->sum[k];
    sum.term = AG_TAKE(net->scratch, ag_term, sum.terms);
    memcpy(sum.term, net->sum[k].term, (size_t)sum.terms * sizeof *sum.term);
    copy.sum[copy.sums++] = sum;
  }
  memcpy(copy.held, net->held, (size_t)net->variables * sizeof *copy.held);
  copy.constant = net->constant;
  return copy;
}
