/* search_parse.h - the arguments of SEARCH (RFC 9051 6.4.4, RFC 3501 6.4.4) as
 * a tree of keys, with those of ESEARCH (RFC 4731), SEARCHRES (RFC 5182),
 * WITHIN (RFC 5032), CONDSTORE (RFC 7162 3.1.5), OBJECTID (RFC 8474 6) and
 * SAVEDATE (RFC 8514 4.2).
 *
 * Pure. Strings are converted to UTF-8 and prepared as needles here. Nested
 * ORs, which clients write by the hundred, become one; only what is really
 * nested counts for MAX_SEARCH_DEPTH.
 *
 * Ownership  all is in the arena; the text of the command must live as long.
 */
#ifndef TINPOST_IMAP_SEARCH_PARSE_H
#define TINPOST_IMAP_SEARCH_PARSE_H

#include "imap/imap_parse.h"
#include "mime/mime.h"

#define MAX_SEARCH_DEPTH 64
/* Keys, of which each message may have to be asked for all. */
#define MAX_SEARCH_KEYS 1000
/* Keys that look for a string: the same for each byte. */
#define MAX_SEARCH_NEEDLES 100
/* Names of header fields. */
#define MAX_SEARCH_FIELDS 50

enum search_kind {
	SEARCH_AND,
	SEARCH_OR,
	SEARCH_ALL,
	SEARCH_SET,  /* is_uid, set */
	SEARCH_FLAG, /* number: a MESSAGE_ bit */
	SEARCH_RECENT,
	SEARCH_NEW,     /* recent and not seen */
	SEARCH_KEYWORD, /* text; its bit is found by whoever runs it */
	SEARCH_LARGER,  /* number */
	SEARCH_SMALLER,
	SEARCH_BEFORE, /* day */
	SEARCH_ON,
	SEARCH_SINCE,
	SEARCH_SAVED_BEFORE,
	SEARCH_SAVED_ON,
	SEARCH_SAVED_SINCE,
	SEARCH_OLDER, /* number: seconds */
	SEARCH_YOUNGER,
	SEARCH_MODSEQ,  /* number */
	SEARCH_EMAILID, /* number */
	SEARCH_THREADID,
	SEARCH_SENT_BEFORE, /* day */
	SEARCH_SENT_ON,
	SEARCH_SENT_SINCE,
	SEARCH_ENVELOPE, /* field, needle: what a summary keeps */
	SEARCH_HEADER,   /* text: the name; needle */
	SEARCH_BODY,     /* needle */
	SEARCH_TEXT
};

/* What must be read of a message to answer a key, from cheap to dear. */
enum search_level {
	SEARCH_NOTHING,
	SEARCH_RECORD,
	SEARCH_SUMMARY,
	SEARCH_IN_HEADER,
	SEARCH_IN_BODY,
	N_SEARCH_LEVELS
};

/* The fields of an envelope by which one may search. */
enum search_field {
	SEARCH_SUBJECT,
	SEARCH_FROM,
	SEARCH_TO,
	SEARCH_CC,
	SEARCH_BCC,
	SEARCH_SENDER,
	SEARCH_REPLY_TO,
	SEARCH_DATE,
	SEARCH_IN_REPLY_TO,
	SEARCH_MESSAGE_ID
};

enum search_answer { SEARCH_NO, SEARCH_YES, SEARCH_OPEN };

struct search_key {
	enum search_kind kind;
	enum search_field field;
	enum search_level least; /* below it nothing is known of it */
	bool is_not;
	bool is_uid;
	enum search_answer answer; /* for the message under way */
	uint64_t number;
	int64_t day; /* since 1970 */
	struct span text;
	struct needle *needle;
	struct imap_set set;
	struct rangeset *uids; /* the set resolved, by whoever runs it */
	struct search_key *first, *last; /* SEARCH_AND, SEARCH_OR */
	struct search_key *next;
};

#define SEARCH_RETURN_MIN   0x01u
#define SEARCH_RETURN_MAX   0x02u
#define SEARCH_RETURN_ALL   0x04u
#define SEARCH_RETURN_COUNT 0x08u
#define SEARCH_RETURN_SAVE  0x10u

struct search_program {
	struct search_key *root; /* SEARCH_AND */
	bool has_return;
	bool has_charset;
	bool has_modseq;
	uint32_t returns; /* SEARCH_RETURN_ bits; RETURN () is ALL */
	uint32_t n_keys;
	uint32_t n_needles;
	uint32_t n_fields;
	enum search_level deepest;
};

/* Read all arguments, from the space behind the command's name to the end.
 * ERR_SYNTAX: BAD. ERR_UNSUPPORTED: the charset, NO [BADCHARSET]; out->returns
 * is right even then. ERR_LIMIT: more keys, or deeper nested, than the limits
 * above. ERR_NOMEM. */
MUST_USE int search_parse(
    struct cur *c, struct arena *a, struct search_program *out);

#endif
