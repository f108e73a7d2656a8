/* How paddings and flags are called in JSON and in Lua. */
#ifndef AG_GRAPH_NAMES_H
#define AG_GRAPH_NAMES_H

enum { AG_PADDING_NAMES = 4, AG_FLAG_NAMES = 5 };

extern const char *const ag_padding_names[AG_PADDING_NAMES]; /* by ag_padding */
extern const char *const ag_flag_names[AG_FLAG_NAMES];       /* of AG_FLAG_... = 1 << index */

#endif
