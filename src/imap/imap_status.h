/* imap_status.h - what STATUS tells of a mailbox (RFC 9051 6.3.11), for STATUS
 * itself and for LIST (RFC 5819).
 *
 * All but DELETED-STORAGE is in the mailbox's record. That one is summed up
 * from the messages, in steps.
 */
#ifndef TINPOST_IMAP_IMAP_STATUS_H
#define TINPOST_IMAP_IMAP_STATUS_H

#include "base/cursor.h"

struct imap;

struct imap_status {
	uint32_t items; /* IMAP_STATUS_ bits of imap_status.c; 0: none wanted */
	uint32_t mailbox;
	uint32_t uid_next;      /* to look at */
	uint64_t deleted_bytes; /* so far */
	uint32_t n_deleted;     /* found so far */
};

/* "(" status-att *(SP status-att) ")" */
enum parse imap_status_parse(struct cur *c, uint32_t *items_out);

/* Does it turn CONDSTORE on (RFC 7162 3.1)? */
bool imap_status_wants_modseq(uint32_t items);

/* Look at this mailbox next. */
void imap_status_begin(struct imap_status *t, uint32_t mailbox);

/* Work a little. Returns 1: call again; 0: "* STATUS name (...)" was put, with
 * at most 512 bytes and the name; ERR_NONE: the mailbox is gone. */
int imap_status_step(struct imap *i, struct imap_status *t, struct span path);

#endif
