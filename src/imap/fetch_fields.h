/* fetch_fields.h - a filter over a header that arrives in pieces: keeps the
 * fields that a section names (RFC 9051 6.4.5.1), and makes them ASCII where
 * the session wants it (downgrade.h). The blank line is always kept.
 *
 * Memory  what downgrading needs: one field.
 */
#ifndef TINPOST_IMAP_FETCH_FIELDS_H
#define TINPOST_IMAP_FETCH_FIELDS_H

#include "imap/downgrade.h"
#include "imap/fetch_parse.h"

/* A field with a longer name is none that can be named. */
#define MAX_FETCH_NAME 128

struct fetch_fields {
	const struct fetch_section *section; /* NULL: all fields */
	bool is_downgraded;
	bool is_kept;
	bool is_long; /* downgraded: past MAX_DOWNGRADE_FIELD */
	uint8_t state;
	uint8_t n_name;
	char name[MAX_FETCH_NAME];
	struct buf field; /* downgraded: the field that is not over yet */
};

void fetch_fields_init(struct fetch_fields *f,
    const struct fetch_section *section, bool is_downgraded);
void fetch_fields_deinit(struct fetch_fields *f);

/* Append what is kept of a piece. Not downgraded, that is at most the piece
 * and MAX_FETCH_NAME bytes. */
void fetch_fields_step(struct fetch_fields *f, struct span in, struct buf *out);

/* The header is over; another may begin. */
void fetch_fields_finish(struct fetch_fields *f, struct buf *out);

#endif
