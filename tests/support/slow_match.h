/* A matcher of segments made to be right rather than fast: the oracle of hashes and isomorphisms.
 */
#ifndef AG_TESTS_SLOW_MATCH_H
#define AG_TESTS_SLOW_MATCH_H

#include "autogo/segment.h"

/* Nodes get their images in order of position, and the first misfit goes back to the choice before.
 * Of at most 64 operands per node. */
bool slow_isomorphic(const ag_segment *a, const ag_segment *b, ag_equality equality);

#endif
