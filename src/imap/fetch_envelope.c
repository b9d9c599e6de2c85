#include "imap/fetch_envelope.h"

#include "base/utf8.h"
#include "imap/downgrade.h"
#include "imap/imap_reply.h"

static void
put_words(struct fetch_writer *w, struct span s)
{
	struct buf words;

	buf_init(&words, 8 * s.len + 64);
	downgrade_put_words(&words, s, " ");
	imap_put_string(w->out, buf_span(&words), false);
	if (buf_failed(&words))
		w->out->has_failed = true;
	buf_deinit(&words);
}

void
fetch_put_text(struct fetch_writer *w, struct span s)
{
	if (!w->is_utf8 && utf8_has_8bit(s))
		put_words(w, s);
	else
		imap_put_nstring(w->out, s, w->is_utf8);
}

void
fetch_put_id(struct fetch_writer *w, struct span s)
{
	if (!w->is_utf8 && utf8_has_8bit(s))
		s = span_of(NULL, 0);
	imap_put_nstring(w->out, s, w->is_utf8);
}

static void
put_name(struct fetch_writer *w, struct span name)
{
	fetch_put_text(w, name.len > 0 ? name : span_of(NULL, 0));
}

/* RFC 6858 2.1: an address that is nobody's, with the true one as its name. */
static void
put_invalid(struct fetch_writer *w, const struct address *a)
{
	struct buf text;

	buf_init(&text, 2 * FETCH_SCRATCH_BYTES);
	buf_put(&text, a->name);
	buf_put_str(&text, a->name.len > 0 ? " " : "");
	address_put(&text, a->mailbox, a->host);
	put_words(w, buf_span(&text));
	buf_put_str(
	    w->out, " NIL \"" DOWNGRADE_LOCAL "\" \"" DOWNGRADE_HOST "\"");
	if (buf_failed(&text))
		w->out->has_failed = true;
	buf_deinit(&text);
}

static void
put_mailbox(struct fetch_writer *w, const struct address *a)
{
	if (!w->is_utf8 &&
	    (utf8_has_8bit(a->mailbox) || utf8_has_8bit(a->host))) {
		put_invalid(w, a);
		return;
	}
	put_name(w, a->name);
	buf_put_char(w->out, ' ');
	fetch_put_id(w, a->route.len > 0 ? a->route : span_of(NULL, 0));
	buf_put_char(w->out, ' ');
	imap_put_string(w->out, a->mailbox, w->is_utf8);
	buf_put_char(w->out, ' ');
	imap_put_string(w->out, a->host.len > 0 ? a->host : SPAN(FETCH_NO_HOST),
	    w->is_utf8);
}

/* RFC 9051 7.5.2: address = "(" addr-name SP addr-adl SP addr-mailbox SP
 * addr-host ")"; a group begins with a host of NIL and ends with all NIL. */
static void
put_address(struct fetch_writer *w, const struct address *a)
{
	buf_put_char(w->out, '(');
	switch (a->kind) {
	case ADDRESS_MAILBOX:
		put_mailbox(w, a);
		break;
	case ADDRESS_GROUP_START:
		buf_put_str(w->out, "NIL NIL ");
		fetch_put_text(w, a->mailbox.len > 0 ? a->mailbox : SPAN(""));
		buf_put_str(w->out, " NIL");
		break;
	case ADDRESS_GROUP_END:
		buf_put_str(w->out, "NIL NIL NIL NIL");
		break;
	}
	buf_put_char(w->out, ')');
}

/* "(" 1*address ")", or nothing. Returns whether there was an address. */
static bool
put_addresses(struct fetch_writer *w, struct span value)
{
	struct address_iter it;
	struct address a;
	uint32_t n = 0;

	if (value.len == 0)
		return false;
	address_iter_init(&it, value, w->scratch);
	while (address_iter_next(&it, &a) == 0) {
		if (buf_error(w->scratch) == ERR_NOMEM)
			w->out->has_failed = true;
		/* A group that began ends. */
		if (n >= MAX_FETCH_ADDRESSES && a.kind != ADDRESS_GROUP_END)
			continue;
		/* "<>" is nobody. */
		if (a.kind == ADDRESS_MAILBOX && a.mailbox.len == 0 &&
		    a.host.len == 0 && a.name.len == 0)
			continue;
		if (n++ == 0)
			buf_put_char(w->out, '(');
		put_address(w, &a);
	}
	if (n > 0)
		buf_put_char(w->out, ')');
	return n > 0;
}

/* env-from and its like; "NIL" where there is nobody in it. */
static void
put_list(struct fetch_writer *w, struct span value)
{
	buf_put_char(w->out, ' ');
	if (!put_addresses(w, value))
		buf_put_str(w->out, "NIL");
}

/* RFC 9051 7.5.2: an absent or empty Sender or Reply-To is that of From, which
 * was put from byte `from` on, `len` bytes with the space before it. */
static void
put_list_or_from(
    struct fetch_writer *w, struct span value, size_t from, size_t len)
{
	struct buf *out = w->out;
	size_t before = out->len;

	buf_put_char(out, ' ');
	if (put_addresses(w, value))
		return;
	buf_truncate(out, before);
	if (buf_reserve(out, len) < 0)
		return;
	memcpy(out->p + out->len, out->p + from, len);
	out->len += len;
}

void
fetch_put_envelope(struct fetch_writer *w, const struct envelope *e)
{
	size_t from, len;

	buf_put_char(w->out, '(');
	fetch_put_id(w, e->date);
	buf_put_char(w->out, ' ');
	fetch_put_text(w, e->subject);
	from = w->out->len;
	put_list(w, e->from);
	len = w->out->len - from;
	put_list_or_from(w, e->sender, from, len);
	put_list_or_from(w, e->reply_to, from, len);
	put_list(w, e->to);
	put_list(w, e->cc);
	put_list(w, e->bcc);
	buf_put_char(w->out, ' ');
	fetch_put_id(w, e->in_reply_to);
	buf_put_char(w->out, ' ');
	fetch_put_id(w, e->message_id);
	buf_put_char(w->out, ')');
}
