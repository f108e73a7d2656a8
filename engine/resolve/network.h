/* A weighted constraint network: variables with small domains, a cost per value, a cost table per
 * pair of variables (AG_NETWORK_NEVER forbids), and sums that tie the values of several. Finds
 * an assignment of least total cost, exactly. */
#ifndef AG_RESOLVE_NETWORK_H
#define AG_RESOLVE_NETWORK_H

#include "engine/resolve/problem.h"

#define AG_NETWORK_NEVER (INT64_MAX / 4)

/* The sum of two costs; never stays never. */
static inline bool ag_cost_never(int64_t cost) {
  return cost >= AG_NETWORK_NEVER / 2;
}
static inline int64_t ag_cost_plus(int64_t a, int64_t b) {
  return ag_cost_never(a) || ag_cost_never(b) ? AG_NETWORK_NEVER : a + b;
}

typedef struct ag_network_table {
  int x, y;            /* x < y */
  const int64_t *cost; /* [size of x][size of y] */
} ag_network_table;

/* target = offset + sum over terms of times * value. A target of -1 is the constant `value`. */
typedef struct ag_network_sum {
  int target;
  int64_t value;
  int64_t offset;
  int terms;
  ag_term *term;
  bool done;
} ag_network_sum;

typedef struct ag_network {
  ag_scratch *scratch;
  int variables, tables, sums;
  int room_tables;
  int *size;
  const ag_size **value;
  int64_t **unary; /* NULL once eliminated */
  int *degree;     /* tables that touch the variable */
  int *held;       /* unfinished sums that touch the variable */
  ag_network_table *table;
  ag_network_sum *sum;
  int64_t constant;
} ag_network;

/* Room for the given numbers; more tables may be added than `tables` says. */
void ag_network_init(ag_network *net, ag_scratch *scratch, int variables, int tables, int sums);
int ag_network_add_variable(ag_network *net, const ag_size *values, int count);
/* Adds cost[a][b] to every pair; x != y. The table must live as long as the network. */
void ag_network_add_table(ag_network *net, int x, int y, const int64_t *cost);
/* Adds a sum; its terms may be changed by the network. */
void ag_network_add_sum(ag_network *net, ag_network_sum sum);

/* Take the first table that touches x out of the network: its other end, and its costs with x as
 * the row. -1 if there is none. */
int ag_network_pull_table(ag_network *net, int x, const int64_t **cost);

/* A copy whose unary costs, tables and sums may be changed. */
ag_network ag_network_copy(const ag_network *net);

/* Least-cost assignment into choice[variables]. AG_INFEASIBLE if there is none, AG_LIMIT after
 * about 50 ms of work (counted, not timed). Uses up the network. */
ag_status ag_network_solve(ag_network *net, int32_t *choice);

#endif
