/* What is UTF-8. */
#ifndef AG_BASE_UTF8_H
#define AG_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character at `text`, of which `left` may be read; 0 if it is none (Unicode 15, table
 * 3-7). Nothing behind a zero byte is read. */
size_t ag_utf8_length(const char *text, size_t left);

#endif
