/* guard.h - reading a mapped file that may have lost its end.
 *
 * A page of a map that lies behind the end of its file, or that the device
 * cannot deliver, raises SIGBUS. Here it becomes an error (rule 10).
 */
#ifndef TINPOST_STORE_GUARD_H
#define TINPOST_STORE_GUARD_H

#include "base/span.h"

typedef int guard_call_fn(void *arg);

/* Run fn(arg), which touches a map, and return what it returns; ERR_DAMAGED
 * when a page could not be read: then fn ended where it stood. fn takes no
 * locks, allocates nothing that would leak, and calls no guard_call itself.
 * The first call installs the handler; a SIGBUS outside of a call still ends
 * the process. Costs about 20 ns. */
MUST_USE int guard_call(guard_call_fn *fn, void *arg);

/* End the guard_call that is running as if a page could not be read: for an
 * assertion about a page's content that fails in LMDB. Returns only when none
 * is running. */
void guard_escape(void);

/* Copy len bytes out of a map. ERR_DAMAGED. */
MUST_USE int guard_copy(void *to, const void *from, size_t len);

#endif
