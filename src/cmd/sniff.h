/* sniff.h - what a file that is no mail seems to be. Pure. */
#ifndef TINPOST_CMD_SNIFF_H
#define TINPOST_CMD_SNIFF_H

#include "base/span.h"

/* So much of a file's start is enough. */
#define SNIFF_BYTES 512

/* Words for a message, "a picture (JPEG)", with what to do where something
 * can be done. NULL: nothing that is known. */
const char *sniff_name(struct span start);

/* Could a message stand there: does it begin with a header field, or is it
 * empty? */
bool sniff_is_mail(struct span start);

#endif
