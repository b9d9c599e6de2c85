/* fetch_parse.h - the arguments of FETCH (RFC 9051 6.4.5, 9): pure. */
#ifndef TINPOST_IMAP_FETCH_PARSE_H
#define TINPOST_IMAP_FETCH_PARSE_H

#include "imap/imap_parse.h"

/* What is told of each message, other than its bytes. */
#define FETCH_UID           0x0001u
#define FETCH_FLAGS         0x0002u
#define FETCH_INTERNALDATE  0x0004u
#define FETCH_SIZE          0x0008u
#define FETCH_MODSEQ        0x0010u /* RFC 7162 3.1.5 */
#define FETCH_SAVEDATE      0x0020u /* RFC 8514 4.2 */
#define FETCH_EMAILID       0x0040u /* RFC 8474 5.1 */
#define FETCH_THREADID      0x0080u /* RFC 8474 5.2 */
#define FETCH_PREVIEW       0x0100u /* RFC 8970 3.1 */
#define FETCH_ENVELOPE      0x0200u
#define FETCH_BODY          0x0400u
#define FETCH_BODYSTRUCTURE 0x0800u
/* Those that are read from the summary. */
#define FETCH_OF_SUMMARY                                                       \
	(FETCH_PREVIEW | FETCH_ENVELOPE | FETCH_BODY | FETCH_BODYSTRUCTURE)

enum fetch_name {
	FETCH_SECTION, /* BODY[...], BODY.PEEK[...] */
	FETCH_RFC822,
	FETCH_RFC822_HEADER,
	FETCH_RFC822_TEXT,
	FETCH_BINARY, /* RFC 3516 4.2 */
	FETCH_BINARY_SIZE
};

enum fetch_text {
	FETCH_WHOLE,
	FETCH_HEADER,
	FETCH_FIELDS,
	FETCH_FIELDS_NOT,
	FETCH_TEXT,
	FETCH_MIME
};

/* Some bytes of a message. */
struct fetch_section {
	struct fetch_section *next;
	enum fetch_name name;
	enum fetch_text text;
	bool is_peek;
	bool has_partial;
	uint32_t n_path;  /* part numbers; 0: the message */
	uint32_t n_names; /* of FETCH_FIELDS and FETCH_FIELDS_NOT */
	uint32_t *path;
	struct span *names;
	struct span raw;        /* what stood between "[" and "]" */
	uint64_t offset, count; /* has_partial; count > 0 */
};

/* In one command. */
#define MAX_FETCH_SECTIONS 100
#define MAX_FETCH_NAMES    500 /* in one section */
/* Deeper than any message is looked into. */
#define MAX_FETCH_PATH 120

struct fetch {
	uint32_t items;
	bool sets_seen;
	bool has_changed_since; /* RFC 7162 3.1.4.1 */
	bool wants_vanished;    /* RFC 7162 3.2.6 */
	uint64_t changed_since;
	struct fetch_section *sections; /* in the order of the command */
};

/* What stands behind the set: items and modifiers, up to the end. In the
 * arena and in the text. PARSE_BAD, PARSE_MORE: not as the grammar says. */
enum parse fetch_parse(struct cur *c, struct arena *a, struct fetch *out);

#endif
