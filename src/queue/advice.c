#include "queue/advice.h"

#include "mime/mime.h"

static bool
has_nocase(struct span text, struct span word)
{
	for (size_t i = 0; i + word.len <= text.len; i++)
		if (span_is_nocase(span_sub(text, i, word.len), word))
			return true;
	return false;
}

bool
advice_is_sender_refused(const struct smtp_out_result *r)
{
	struct span code = span_str(r->enhanced);

	if (r->what != OUT_PERM || !r->is_reply ||
	    (r->code != 550 && r->code != 553 && r->code != 554))
		return false;
	/* RFC 3463 3.2: the sender's mailbox; 5.7.60 is Microsoft's. */
	if (span_is(code, SPAN("5.1.7")) || span_is(code, SPAN("5.1.8")) ||
	    span_is(code, SPAN("5.7.60")))
		return true;
	if (r->stage == OUT_AT_MAIL)
		return true;
	/* Postfix waits for RCPT with what it thinks of MAIL. */
	return span_starts(code, SPAN("5.7.")) &&
	       (has_nocase(r->text, SPAN("sender")) ||
	           has_nocase(r->text, SPAN("not owned")));
}

void
advice_put_sender(
    struct buf *out, struct span relay, struct span sender, struct span user)
{
	buf_put_str(out, "The provider ");
	trace_put_text(out, relay);
	buf_put_str(out, " does not let you send mail as ");
	trace_put_text(out, sender);
	if (user.len > 0) {
		buf_put_str(out, ", since that address does not belong to the "
		                 "account ");
		trace_put_text(out, user);
		buf_put_str(out, " there");
	}
	buf_put_str(out,
	    ".\nSend it again from an address that the provider knows as "
	    "yours.\nOr ask your administrator to make this address known to "
	    "the provider, or to send its mail another way: tinpost relay add "
	    "from:");
	trace_put_text(out, sender);
	buf_put_str(out, " HOST\n");
}
