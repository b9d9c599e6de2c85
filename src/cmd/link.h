/* link.h - the client's way to a store: through the server that has it open,
 * or by opening it in this process.
 *
 * Blocking   all of it: this is the client.
 */
#ifndef TINPOST_CMD_LINK_H
#define TINPOST_CMD_LINK_H

#include "admin/frame.h"

struct link;
struct store;

/* Reach the store in this folder. A server that does not answer is waited for
 * LINK_WAIT_MS. On an error *why has a sentence that says what to do. */
#define LINK_WAIT_MS 5000
MUST_USE int link_open(const char *folder, struct link **out, struct buf *why);

/* Flush, close. NULL is fine. */
void link_close(struct link *l);

/* The store, when this process has it open; NULL when a server has. */
struct store *link_store(struct link *l);

/* Send a frame. ERR_CLOSED: the server is gone. */
MUST_USE int link_send(
    struct link *l, enum frame_type type, struct span payload);

/* Receive the next frame; its payload is valid until the next call. ERR_CLOSED,
 * ERR_BUSY: no sign of life within LINK_WAIT_MS of the first question;
 * ERR_INVALID: nothing would ever come. */
MUST_USE int link_receive(
    struct link *l, enum frame_type *type, struct span *payload);

/* Is there something to receive without waiting? */
bool link_has_input(struct link *l);

/* Make ready for another command; with a server, a new connection. */
MUST_USE int link_restart(struct link *l, struct buf *why);

#endif
