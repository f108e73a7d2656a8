/* Exact minimisation by variable elimination, with branch and bound where that does not suffice.
 *
 * A variable with at most two neighbours is eliminated: its best value becomes a function of
 * theirs, its cost a table between them. A sum whose terms depend on one common variable at most
 * is eliminated by dynamic programming over its partial sums. Both are exact, and together they
 * consume every network whose graph is series-parallel: chains, residual blocks, cells of
 * branches. What resists is branched on, highest degree first; the sum of the smallest entries
 * of all tables bounds each branch from below (Larrosa and Dechter 2003, boosting search with
 * variable elimination).
 *
 * Invariant: constant + costs of the remaining network = cost of the original one, for every
 * assignment of the remaining variables and the best one of the eliminated. A log of eliminations,
 * read backwards, gives that best assignment. */
#include "engine/resolve/network.h"

#include <string.h>

enum { WORK_LIMIT = 30 * 1000 * 1000, MAX_TABLE = 1 << 18 };

static bool never(int64_t cost) {
  return cost >= AG_NETWORK_NEVER / 2;
}
static int64_t plus(int64_t a, int64_t b) {
  return never(a) || never(b) ? AG_NETWORK_NEVER : a + b;
}

/* --- building -------------------------------------------------------------------------------- */

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
  for (int k = 0; k < cells; k++) both[k] = plus(net->table[t].cost[k], cost[k]);
  net->table[t].cost = both;
}

void ag_network_add_sum(ag_network *net, ag_network_sum sum) {
  for (int t = 0; t < sum.terms; t++) net->held[sum.term[t].var]++;
  if (sum.target >= 0) net->held[sum.target]++;
  net->sum[net->sums++] = sum;
}

/* --- the log -----------------------------------------------------------------------------------
 */

/* How the value of x (or of all terms of a sum) follows from variables that outlived it. */
typedef struct entry {
  int x;         /* -1: a sum */
  int y, z;      /* neighbours, -1 = none; a sum: the common variable, -1 */
  int32_t *best; /* value of x by [value of y][value of z]; NULL: branched, `fixed` */
  int32_t fixed;
  const ag_network_sum *sum;
  int64_t **partial; /* a sum: partial sums after t terms, and for each of them and each */
  int *partials;     /*   value of the common variable the value of term t */
  int32_t **step;
  struct entry *before;
} entry;

typedef struct search {
  ag_network *root;
  entry *log;
  int64_t best;
  int32_t *choice, *trial;
  int64_t work;
} search;

static entry *add_entry(search *s, ag_scratch *scratch, int x, int y, int z) {
  entry *e = AG_TAKE(scratch, entry, 1);
  *e = (entry){.x = x, .y = y, .z = z, .before = s->log};
  s->log = e;
  return e;
}

static void replay_sum(const search *s, const entry *e) {
  const ag_network *net = s->root;
  const ag_network_sum *sum = e->sum;
  int common = e->y < 0 ? 0 : s->trial[e->y];
  int columns = e->y < 0 ? 1 : net->size[e->y];
  int64_t rest = sum->value;
  if (sum->target >= 0) rest = net->value[sum->target][s->trial[sum->target]].h;
  rest -= sum->offset;
  for (int t = sum->terms - 1; t >= 0; t--) {
    int p = ag_sums_find(e->partial[t + 1], e->partials[t + 1], rest);
    int v = sum->term[t].var, k = e->step[t][p * columns + common];
    s->trial[v] = k;
    rest -= (int64_t)sum->term[t].times * net->value[v][k].h;
  }
}

static void replay(search *s) {
  for (const entry *e = s->log; e; e = e->before) {
    if (e->x < 0) {
      replay_sum(s, e);
      continue;
    }
    int y = e->y < 0 ? 0 : s->trial[e->y], z = e->z < 0 ? 0 : s->trial[e->z];
    int columns = e->z < 0 ? 1 : s->root->size[e->z];
    s->trial[e->x] = e->best ? e->best[y * columns + z] : e->fixed;
  }
  memcpy(s->choice, s->trial, (size_t)s->root->variables * sizeof *s->choice);
}

/* --- eliminating a variable ----------------------------------------------------------------------
 */

/* Take the first table that touches x out of the network: its other end, and its costs with x as
 * the row. -1 if there is none. */
static int pull_table(ag_network *net, int x, const int64_t **cost) {
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

static void eliminate(search *s, ag_network *net, int x) {
  const int64_t *to_y = NULL, *to_z = NULL, *unary = net->unary[x];
  int y = pull_table(net, x, &to_y), z = y < 0 ? -1 : pull_table(net, x, &to_z);
  int nx = net->size[x], ny = y < 0 ? 1 : net->size[y], nz = z < 0 ? 1 : net->size[z];
  int64_t *cost = AG_TAKE(net->scratch, int64_t, ny * nz);
  entry *e = add_entry(s, net->scratch, x, y, z);
  e->best = AG_TAKE(net->scratch, int32_t, ny * nz);
  for (int b = 0; b < ny; b++)
    for (int c = 0; c < nz; c++) {
      int64_t least = AG_NETWORK_NEVER;
      int32_t best = 0;
      for (int a = 0; a < nx; a++) {
        int64_t total = unary[a];
        if (to_y) total = plus(total, to_y[a * ny + b]);
        if (to_z) total = plus(total, to_z[a * nz + c]);
        if (total < least) least = total, best = a;
      }
      cost[b * nz + c] = least;
      e->best[b * nz + c] = best;
    }
  s->work += (int64_t)nx * ny * nz;
  net->unary[x] = NULL;
  if (z >= 0)
    ag_network_add_table(net, y, z, cost);
  else if (y >= 0)
    for (int b = 0; b < ny; b++) net->unary[y][b] = plus(net->unary[y][b], cost[b]);
  else
    net->constant = plus(net->constant, cost[0]);
}

static bool table_fits(const ag_network *net, int x) {
  int64_t cells = 1;
  for (int t = 0; t < net->tables; t++)
    if (net->table[t].x == x)
      cells *= net->size[net->table[t].y];
    else if (net->table[t].y == x)
      cells *= net->size[net->table[t].x];
  return cells <= MAX_TABLE;
}

static int next_variable(const ag_network *net) {
  int best = -1;
  for (int v = 0; v < net->variables; v++) {
    if (!net->unary[v] || net->held[v] || net->degree[v] > 2) continue;
    if (net->degree[v] == 2 && !table_fits(net, v)) continue;
    if (best < 0 || net->degree[v] < net->degree[best]) best = v;
  }
  return best;
}

/* --- eliminating a sum
 * ------------------------------------------------------------------------------ */

/* The one variable that all terms depend on: *common, -1 if they depend on none. False if the
 * sum cannot be eliminated yet. */
static bool sum_ready(const ag_network *net, const ag_network_sum *sum, int *common) {
  *common = -1;
  for (int t = 0; t < sum->terms; t++) {
    int v = sum->term[t].var;
    if (net->held[v] != 1 || net->degree[v] > 1) return false;
    for (int k = 0; net->degree[v] && k < net->tables; k++) {
      const ag_network_table *table = &net->table[k];
      if (table->x != v && table->y != v) continue;
      int other = table->x == v ? table->y : table->x;
      if (other == sum->target || (*common >= 0 && *common != other)) return false;
      *common = other;
    }
  }
  for (int t = 0; t < sum->terms; t++)
    if (sum->term[t].var == *common) return false;
  return true;
}

/* cost[p][c] of the best way to reach partial sum p with the first terms, then with one more. */
static int64_t *add_term(search *s, ag_network *net, entry *e, int t, const int64_t *cost,
                         int columns) {
  ag_term term = e->sum->term[t];
  const int64_t *table = NULL, *unary = net->unary[term.var];
  pull_table(net, term.var, &table);
  const int64_t *from = e->partial[t], *to = e->partial[t + 1];
  int cells = e->partials[t + 1] * columns;
  int64_t *next = AG_TAKE(net->scratch, int64_t, cells);
  e->step[t] = AG_TAKE(net->scratch, int32_t, cells);
  for (int k = 0; k < cells; k++) next[k] = AG_NETWORK_NEVER, e->step[t][k] = 0;
  for (int k = 0; k < net->size[term.var]; k++) {
    int64_t shift = (int64_t)term.times * net->value[term.var][k].h;
    for (int p = 0, q = 0; p < e->partials[t]; p++) {
      while (to[q] < from[p] + shift) q++;
      for (int c = 0; c < columns; c++) {
        int64_t total = plus(cost[p * columns + c], unary[k]);
        if (table) total = plus(total, table[k * columns + c]);
        if (total >= next[q * columns + c]) continue;
        next[q * columns + c] = total;
        e->step[t][q * columns + c] = k;
      }
    }
  }
  s->work += (int64_t)net->size[term.var] * e->partials[t] * columns;
  net->unary[term.var] = NULL;
  net->held[term.var] = 0;
  return next;
}

static void finish_sum(ag_network *net, const entry *e, const int64_t *cost, int columns) {
  const ag_network_sum *sum = e->sum;
  const int64_t *last = e->partial[sum->terms];
  int rows = sum->target < 0 ? 1 : net->size[sum->target];
  int64_t *result = AG_TAKE(net->scratch, int64_t, rows * columns);
  for (int a = 0; a < rows; a++) {
    int64_t value = sum->target < 0 ? sum->value : net->value[sum->target][a].h;
    int p = ag_sums_find(last, e->partials[sum->terms], value - sum->offset);
    for (int c = 0; c < columns; c++)
      result[a * columns + c] = p < 0 ? AG_NETWORK_NEVER : cost[p * columns + c];
  }
  if (sum->target >= 0) net->held[sum->target]--;
  if (sum->target >= 0 && e->y >= 0)
    ag_network_add_table(net, sum->target, e->y, result);
  else if (sum->target < 0 && e->y < 0)
    net->constant = plus(net->constant, result[0]);
  else
    for (int k = 0, v = sum->target < 0 ? e->y : sum->target; k < net->size[v]; k++)
      net->unary[v][k] = plus(net->unary[v][k], result[k]);
}

static bool eliminate_sum(search *s, ag_network *net, ag_network_sum *sum, int common) {
  int columns = common < 0 ? 1 : net->size[common];
  entry *e = add_entry(s, net->scratch, -1, common, -1);
  e->sum = sum;
  e->partial = AG_TAKE(net->scratch, int64_t *, sum->terms + 1);
  e->partials = AG_TAKE(net->scratch, int, sum->terms + 1);
  e->step = AG_TAKE(net->scratch, int32_t *, sum->terms + 1);
  e->partial[0] = AG_TAKE(net->scratch, int64_t, 1);
  e->partial[0][0] = 0;
  e->partials[0] = 1;
  int64_t *cost = AG_TAKE(net->scratch, int64_t, columns);
  memset(cost, 0, (size_t)columns * sizeof *cost);
  for (int t = 0; t < sum->terms; t++) {
    int v = sum->term[t].var;
    e->partial[t + 1] = ag_prefix_sums(net->scratch, e->partial[t], e->partials[t], net->value[v],
                                       net->size[v], sum->term[t].times, &e->partials[t + 1]);
    if (!e->partial[t + 1]) return false;
    cost = add_term(s, net, e, t, cost, columns);
  }
  finish_sum(net, e, cost, columns);
  sum->done = true;
  return true;
}

/* --- search
 * -------------------------------------------------------------------------------------------- */

/* Eliminate all that can be; false past the limit on sums. */
static bool reduce(search *s, ag_network *net) {
  for (bool progress = true; progress && s->work < WORK_LIMIT;) {
    progress = false;
    int x = next_variable(net);
    if (x >= 0) {
      eliminate(s, net, x);
      progress = true;
      continue;
    }
    for (int k = 0, common; k < net->sums && !progress; k++) {
      if (net->sum[k].done || !sum_ready(net, &net->sum[k], &common)) continue;
      if (!eliminate_sum(s, net, &net->sum[k], common)) return false;
      progress = true;
    }
  }
  return true;
}

static int64_t lower_bound(search *s, const ag_network *net) {
  int64_t bound = net->constant;
  for (int v = 0; v < net->variables; v++) {
    if (!net->unary[v]) continue;
    int64_t least = AG_NETWORK_NEVER;
    for (int a = 0; a < net->size[v]; a++)
      if (net->unary[v][a] < least) least = net->unary[v][a];
    bound = plus(bound, least);
  }
  for (int t = 0; t < net->tables; t++) {
    int64_t least = AG_NETWORK_NEVER;
    int cells = net->size[net->table[t].x] * net->size[net->table[t].y];
    for (int k = 0; k < cells; k++)
      if (net->table[t].cost[k] < least) least = net->table[t].cost[k];
    bound = plus(bound, least);
    s->work += cells;
  }
  return bound;
}

/* The variable to branch on: most tables and sums; the lowest of equals. -1: none is left. */
static int branch_variable(const ag_network *net) {
  int best = -1;
  for (int v = 0; v < net->variables; v++) {
    if (!net->unary[v]) continue;
    if (best < 0 || net->degree[v] + net->held[v] > net->degree[best] + net->held[best]) best = v;
  }
  return best;
}

/* A copy whose unary costs, tables and sums may be changed. */
static ag_network copy_network(const ag_network *net) {
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

static void fix_in_sums(ag_network *net, int x, int64_t value) {
  for (int k = 0; k < net->sums; k++) {
    ag_network_sum *sum = &net->sum[k];
    if (sum->done) continue;
    if (sum->target == x) {
      sum->target = -1;
      sum->value = value;
    }
    int kept = 0;
    for (int t = 0; t < sum->terms; t++)
      if (sum->term[t].var == x)
        sum->offset += sum->term[t].times * value;
      else
        sum->term[kept++] = sum->term[t];
    sum->terms = kept;
  }
}

static void fix(search *s, ag_network *net, int x, int32_t a) {
  const int64_t *cost;
  for (int y = pull_table(net, x, &cost); y >= 0; y = pull_table(net, x, &cost))
    for (int b = 0; b < net->size[y]; b++)
      net->unary[y][b] = plus(net->unary[y][b], cost[a * net->size[y] + b]);
  net->constant = plus(net->constant, net->unary[x][a]);
  net->unary[x] = NULL;
  net->held[x] = 0;
  fix_in_sums(net, x, net->value[x][a].h);
  add_entry(s, net->scratch, x, -1, -1)->fixed = a;
}

static ag_status descend(search *s, ag_network *net) {
  if (!reduce(s, net) || s->work >= WORK_LIMIT) return AG_LIMIT;
  if (lower_bound(s, net) >= s->best) return AG_OK;
  int x = branch_variable(net);
  if (x < 0) {
    s->best = net->constant;
    replay(s);
    return AG_OK;
  }
  entry *log = s->log;
  ag_scratch_mark mark = ag_scratch_now(net->scratch);
  ag_status status = AG_OK;
  for (int32_t a = 0; a < net->size[x] && !status; a++) {
    ag_network branch = copy_network(net);
    fix(s, &branch, x, a);
    status = descend(s, &branch);
    s->log = log;
    ag_scratch_rewind(net->scratch, mark);
  }
  return status;
}

ag_status ag_network_solve(ag_network *net, int32_t *choice) {
  search s = {.root = net, .best = AG_NETWORK_NEVER / 2, .choice = choice};
  s.trial = AG_TAKE(net->scratch, int32_t, net->variables);
  ag_status status = descend(&s, net);
  if (status) return status;
  return never(s.best) ? AG_INFEASIBLE : AG_OK;
}
