/* imap_answer.c - how a command ends, and the words for an ERR_ code (RFC 9051
 * 7.1, RFC 5530). */
#include "imap/imap_session.h"

void
imap_done(struct imap *i, const char *text)
{
	i->reply = text;
	i->is_finished = true;
}

void
imap_done_span(
    struct imap *i, const char *before, struct span middle, const char *after)
{
	struct span b = span_str(before), a = span_str(after);
	char *p = arena_alloc(&i->arena, b.len + middle.len + a.len + 1);

	if (p == NULL) {
		/* What was done is done, without its response code. */
		if (span_starts(b, SPAN("OK")))
			imap_done(i, "OK Done");
		else
			imap_error(i, ERR_NOMEM);
		return;
	}
	memcpy(p, b.p, b.len);
	if (middle.len > 0)
		memcpy(p + b.len, middle.p, middle.len);
	memcpy(p + b.len + middle.len, a.p, a.len);
	imap_done(i, p);
}

void
imap_bad(struct imap *i, const char *text)
{
	imap_done_span(i, "BAD ", span_str(text), "");
}

void
imap_error(struct imap *i, int code)
{
	const char *text = "NO [UNAVAILABLE] Not possible now, try later";

	switch (code) {
	case ERR_NONE:
		text = "NO [NONEXISTENT] There is no such thing";
		break;
	case ERR_GONE:
		text = "NO [EXPUNGEISSUED] It was deleted by another session";
		break;
	case ERR_EXISTS:
		text = "NO [ALREADYEXISTS] It exists already";
		break;
	case ERR_DENIED:
	case ERR_INVALID:
		text = "NO [CANNOT] This is not possible";
		break;
	case ERR_LIMIT:
		text = "NO [LIMIT] More than is allowed";
		break;
	case ERR_QUOTA:
		text = "NO [OVERQUOTA] The quota is used up";
		break;
	case ERR_FULL:
		text = "NO [OVERQUOTA] The disk is full";
		break;
	case ERR_NOMEM:
		text = "NO [LIMIT] Not enough memory";
		break;
	case ERR_READ_ONLY:
		text = "NO [UNAVAILABLE] The store takes no changes now";
		break;
	case ERR_BUSY:
		text = "NO [INUSE] It is in use";
		break;
	case ERR_DAMAGED:
		text = "NO [CORRUPTION] Stored data is damaged";
		break;
	case ERR_SYNTAX:
		text = "BAD Cannot read the arguments";
		break;
	default:
		break;
	}
	imap_done(i, text);
}

void *
imap_alloc(struct imap *i, size_t len)
{
	void *p = arena_alloc(&i->arena, len);

	if (p == NULL)
		imap_error(i, ERR_NOMEM);
	return p;
}
