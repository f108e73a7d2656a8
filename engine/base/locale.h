/* Numbers as text, the same whatever locale the program around the library has set. */
#ifndef AG_BASE_LOCALE_H
#define AG_BASE_LOCALE_H

#include <locale.h>

/* From here on the calling thread formats and parses as in the C locale, until ag_plain_numbers_end
 * gets what this returned. Pairs may nest. O(1). */
locale_t ag_plain_numbers(void);
void ag_plain_numbers_end(locale_t before);

#endif
