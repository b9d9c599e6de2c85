/* search_match.h - does a message match a search program?
 *
 * Cheap keys are asked first: what the record of the message says, then its
 * summary, then its header, and last the texts of its body, each only while
 * the answer is open. Header and body are read in pieces, one a step.
 *
 * What of a message is searched (RFC 9051 6.4.4):
 *   BODY  the parts of type text and of type message, decoded; the headers of
 *         messages within the message, but no other header
 *   TEXT  that, all fields of the header, and the headers of the parts
 * Field values are searched decoded (RFC 2047), as "Name: value".
 *
 * A message whose body cannot be read (it was expunged, or its volume is
 * damaged) matches no string.
 *
 * Memory  up to about 80 KB while bodies are read, for the whole command.
 */
#ifndef TINPOST_IMAP_SEARCH_MATCH_H
#define TINPOST_IMAP_SEARCH_MATCH_H

#include "imap/search_parse.h"
#include "store/store.h"

enum search_phase {
	SEARCH_AT_HEADER,
	SEARCH_AT_PART,
	SEARCH_AT_PART_HEADER,
	SEARCH_AT_TEXT
};

struct search_match {
	struct store *store;
	const struct search_program *program;
	const struct rangeset *recent; /* of the session */
	int64_t now_s;                 /* for OLDER and YOUNGER */
	/* the message under way */
	const struct message *message;
	uint32_t uid;
	enum search_phase phase;
	bool is_over;     /* all was read: what was not found is not there */
	uint64_t at, end; /* of the bytes to be read next */
	struct envelope envelope;
	struct summary summary;
	struct cur parts;
	struct summary_part part;
	/* for all of them */
	struct search_key **keys; /* with a needle */
	uint32_t n_keys;
	struct needle_set text; /* of TEXT keys */
	struct needle_set all;  /* and of BODY keys */
	struct text_search search;
	struct header_parser header;
	struct buf blob;  /* the summary */
	struct buf piece; /* of the body */
	struct buf value; /* of a field */
	size_t piece_bytes;
	bool has_failed; /* no memory: an answer may be wrong */
};

/* Prepare to run a program, whose sets are resolved and whose keywords have
 * their bit. recent: the messages that are \Recent, borrowed. ERR_NOMEM. */
MUST_USE int search_match_init(struct search_match *x, struct store *s,
    struct arena *a, const struct search_program *program,
    const struct rangeset *recent);
/* Zeroed and never prepared is fine. */
void search_match_deinit(struct search_match *x);

/* What can be said of a UID without reading anything. */
enum search_answer search_match_uid(struct search_match *x, uint32_t uid);

/* Begin with a message, which must stay until it is answered. SEARCH_OPEN:
 * call search_match_step. */
enum search_answer search_match_message(
    struct search_match *x, const struct message *m);

/* Read a piece of the message. */
enum search_answer search_match_step(struct search_match *x);

/* Was there no memory to look at everything? */
bool search_match_failed(const struct search_match *x);

#endif
