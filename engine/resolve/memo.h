/* A bounded memory of results: one slot per hash, the newest result wins it. */
#ifndef AG_RESOLVE_MEMO_H
#define AG_RESOLVE_MEMO_H

#include "autogo/resolve.h"

typedef struct ag_memo {
  struct ag_memo_slot *slot;
  int slots;
  int64_t hits;
} ag_memo; /* {0} remembers nothing */

void ag_memo_resize(ag_memo *memo, int entries); /* forgets all */
bool ag_memo_takes(const ag_memo *memo, const ag_resolve_problem *problem);
ag_hash ag_memo_key(const ag_resolve_problem *problem);
/* The result's arrays belong to the memo and are valid until its next call. */
bool ag_memo_get(ag_memo *memo, ag_hash key, ag_status *status, ag_resolve_result *result);
void ag_memo_put(ag_memo *memo, ag_hash key, ag_status status, const ag_resolve_result *result);

#endif
