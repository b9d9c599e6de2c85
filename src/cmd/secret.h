/* secret.h - passwords on their way in: from a file, from the terminal, or
 * made. Never from the command line, where every process could read them.
 */
#ifndef TINPOST_CMD_SECRET_H
#define TINPOST_CMD_SECRET_H

#include "admin/args.h"

/* Get the password that the arguments ask for: --password-file FILE or -,
 * --generate (then *is_made_out), or else ask on the terminal, twice. On an
 * error why says what to do. ERR_NONE: no terminal to ask on. */
MUST_USE int secret_get(
    const struct args *a, struct buf *out, bool *is_made_out, struct buf *why);

/* Append a random password of 20 letters and digits, 100 bits, without those
 * that look alike. */
void secret_make(struct buf *out);

#endif
