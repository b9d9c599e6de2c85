/* edit.h - a filter over a message that arrives in pieces: looks at its
 * header fields and leaves some of them out. Holds at most one name, or the
 * beginning of one Authentication-Results.
 *
 *	while (header_edit_step(&e, &c, &keep)) {
 *		if (e.is_over && !was_over)
 *			... add fields: the blank line is still to come
 *		... take keep
 *	}
 */
#ifndef TINPOST_MIME_EDIT_H
#define TINPOST_MIME_EDIT_H

#include "base/buf.h"
#include "base/cursor.h"
#include "base/limits.h"
#include "mime/header.h"

/* What to leave out. */
#define EDIT_BCC         1u /* Bcc and Resent-Bcc (RFC 6409 8) */
#define EDIT_RETURN_PATH 2u /* RFC 5321 4.4 */

/* The From values that are kept for looking at. */
#define MAX_EDIT_FROM_BYTES 8192
/* An Authentication-Results that hides for so long who wrote it is removed. */
#define MAX_EDIT_HELD_BYTES 1024

struct header_edit {
	struct buf from; /* all From values, unfolded, with ", " between */
	/* Each Authentication-Results in this name is left out (RFC 8601 5);
	 * set behind init. Empty: none. Borrowed. */
	struct span results_of;
	unsigned remove;
	uint32_t n_received; /* for loops: RFC 5321 6.3 */
	uint32_t n_from, n_date, n_message_id, n_sender;
	bool
	    is_over; /* the header has ended; set before the blank line comes */
	bool is_from_cut; /* From was too long to be kept whole */
	/* private */
	uint8_t n_tls, n_tls_fields;
	char tls[3]; /* of TLS-Required, without spaces */
	struct buf held;
	uint8_t state, n_hold;
	char hold[MAX_FIELD_NAME_BYTES + 1]; /* and the colon */
};

/* Does one TLS-Required field say No (RFC 8689 5)? Once is_over. */
bool header_edit_is_tls_optional(const struct header_edit *e);

void header_edit_init(struct header_edit *e, unsigned remove);
void header_edit_deinit(struct header_edit *e);

/* Take from c and give the next bytes to keep: they point into the piece or
 * into e, and live until the next call. False: the piece is used up. */
bool header_edit_step(struct header_edit *e, struct cur *c, struct span *keep);

/* The message is over: true and the bytes still held, at most once. is_over
 * is set, blank line or not. */
bool header_edit_finish(struct header_edit *e, struct span *keep);

#endif
