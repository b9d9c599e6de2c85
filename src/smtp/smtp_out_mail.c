/* smtp_out_mail.c - the envelope: MAIL, RCPT and DATA, pipelined where the host
 * can (RFC 2920).
 *
 * The commands of a message are numbered: 0 RSET, 1 MAIL, 2 and on RCPT, then
 * DATA. n_put is the next to put, n_got the next whose reply comes. RSET is
 * passed over when there is nothing to reset, RCPT for a recipient that is
 * decided without the host, DATA where BDAT takes its place.
 */
#include "base/ascii.h"
#include "smtp/smtp_out_impl.h"

#define CMD_RSET 0
#define CMD_MAIL 1
#define CMD_RCPT 2

static uint32_t
cmd_data(const struct smtp_out *o)
{
	return CMD_RCPT + (uint32_t)o->m.n_rcpts;
}

static bool
has(const struct smtp_out *o, uint32_t words)
{
	return (o->offer.words & words) == words;
}

static bool
is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (ascii_is_8bit(s.p[i]))
			return false;
	return true;
}

/* Could it break out of its place between the angle brackets? */
static bool
is_clean(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (ascii_is_ctl(s.p[i]) || s.p[i] == '<' || s.p[i] == '>')
			return false;
	return true;
}

static bool
is_path(struct span s)
{
	return is_clean(s) && s.len <= MAX_ADDRESS_BYTES;
}

static void
refuse(struct smtp_out *o, size_t i, const char *enhanced, const char *text)
{
	struct outcome r = out_of_us(
	    OUT_PERM, i < o->m.n_rcpts ? OUT_AT_RCPT : OUT_AT_MAIL, enhanced);

	if (i < o->m.n_rcpts)
		out_decide(o, i, &r, span_str(text));
	else
		out_decide_all(o, &r, span_str(text), false);
}

/* What can be told without asking the host. */
static void
judge_message(struct smtp_out *o)
{
	size_t all = o->m.n_rcpts;
	bool needs_utf8 =
	    (o->m.flags & QUEUE_UTF8) != 0 || !is_ascii(o->m.from);

	o->is_utf8 = needs_utf8;
	if (!is_path(o->m.from))
		refuse(o, all, "5.1.7", "The sender's address cannot be sent");
	else if ((o->m.flags & QUEUE_REQUIRETLS) &&
	         (!o->facts.is_verified || !has(o, OFFER_REQUIRETLS)))
		/* RFC 8689 4.2.1, 5. */
		refuse(o, all, "5.7.30",
		    "The sender requires TLS on the whole way, and the next "
		    "host does not support that");
	else if (needs_utf8 && !has(o, OFFER_SMTPUTF8))
		/* RFC 6531 3.5. */
		refuse(o, all, "5.6.7",
		    "The next host does not take internationalized addresses "
		    "or headers");
	else if (o->offer.size > 0 && o->body_bytes > o->offer.size)
		/* RFC 1870 6.1 */
		refuse(o, all, "5.3.4",
		    "The message is larger than the next host takes");
	for (size_t i = 0; i < all; i++) {
		struct span address = o->m.rcpts[i].address;

		if (!is_path(address) || address.len == 0 ||
		    !is_clean(o->m.rcpts[i].orcpt))
			refuse(o, i, "5.1.3", "The address cannot be sent");
		else if (is_ascii(address))
			continue;
		else if (has(o, OFFER_SMTPUTF8))
			o->is_utf8 = true;
		else
			refuse(o, i, "5.6.7",
			    "The next host does not take internationalized "
			    "addresses");
	}
}

/* Is there anybody left whom the host should be asked about? */
static bool
is_anybody_left(const struct smtp_out *o)
{
	for (size_t i = 0; i < o->m.n_rcpts; i++)
		if (!o->outcomes[i].is_decided)
			return true;
	return false;
}

void
out_mail_begin(struct smtp_out *o)
{
	o->state = OUT_BUSY;
	o->phase = PH_ENVELOPE;
	o->n_put = o->n_got = o->needs_rset ? CMD_RSET : CMD_MAIL;
	o->n_accepted = 0;
	o->body_at = 0;
	o->n_chunks_put = o->n_chunks_got = 0;
	o->is_refused = o->is_void = false;
	o->is_converted = (o->m.flags & QUEUE_8BIT) && !has(o, OFFER_8BITMIME);
	o->is_chunked = has(o, OFFER_CHUNKING);
	judge_message(o);
	if (!is_anybody_left(o))
		out_mail_done(o, o->needs_rset);
}

void
out_mail_done(struct smtp_out *o, bool needs_rset)
{
	out_body_end(o);
	o->needs_rset = needs_rset;
	o->has_message = false;
	o->facts.n_messages++;
	o->phase = PH_IDLE;
	o->state = OUT_DONE;
	o->has_news = true;
}

static void
put_mail(struct smtp_out *o)
{
	struct buf *b = out_put(o);

	buf_put_str(b, "MAIL FROM:<");
	buf_put(b, o->m.from);
	buf_put_char(b, '>');
	if (has(o, OFFER_SIZE)) {
		buf_put_str(b, " SIZE=");
		buf_put_u64(b, o->body_bytes);
	}
	if (has(o, OFFER_8BITMIME) && (o->m.flags & QUEUE_8BIT))
		buf_put_str(b, " BODY=8BITMIME");
	if (o->is_utf8)
		buf_put_str(b, " SMTPUTF8");
	if (o->m.flags & QUEUE_REQUIRETLS)
		buf_put_str(b, " REQUIRETLS");
	if (has(o, OFFER_DSN)) { /* RFC 3461 4.3, 4.4 */
		if (o->m.ret != QUEUE_RET_NONE)
			buf_put_str(b, o->m.ret == QUEUE_RET_FULL
			                   ? " RET=FULL"
			                   : " RET=HDRS");
		if (o->m.envid.len > 0 && is_path(o->m.envid)) {
			buf_put_str(b, " ENVID=");
			buf_put(b, o->m.envid);
		}
	}
	buf_put_str(b, "\r\n");
}

static void
put_notify(struct buf *b, uint32_t notify)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = { { QUEUE_NOTIFY_SUCCESS, "SUCCESS" },
		{ QUEUE_NOTIFY_FAILURE, "FAILURE" },
		{ QUEUE_NOTIFY_DELAY, "DELAY" } };
	bool is_first = true;

	buf_put_str(b, " NOTIFY=");
	if (notify & QUEUE_NOTIFY_NEVER) {
		buf_put_str(b, "NEVER");
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		if (!is_first)
			buf_put_char(b, ',');
		buf_put_str(b, words[i].word);
		is_first = false;
	}
}

/* RFC 6533 3: one of the type utf-8 is in ASCII for a host without SMTPUTF8, if
 * it fits then. */
static void
put_orcpt(struct smtp_out *o, struct span orcpt)
{
	char storage[MAX_QUEUE_ORCPT_BYTES];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	if (o->is_utf8)
		buf_put(&b, orcpt);
	else
		address_put_ascii(&b, orcpt);
	if (buf_failed(&b))
		return;
	buf_put_str(out_put(o), " ORCPT=");
	buf_put(out_put(o), buf_span(&b));
}

static void
put_rcpt(struct smtp_out *o, const struct smtp_out_rcpt *r)
{
	struct buf *b = out_put(o);

	buf_put_str(b, "RCPT TO:<");
	buf_put(b, r->address);
	buf_put_char(b, '>');
	if (has(o, OFFER_DSN)) { /* RFC 3461 4.1, 4.2 */
		if (r->notify != 0)
			put_notify(b, r->notify);
		if (r->orcpt.len > 0)
			put_orcpt(o, r->orcpt);
	}
	buf_put_str(b, "\r\n");
}

/* The command number *n, or the next behind it that is said at all. False:
 * there is none. */
static bool
next_command(const struct smtp_out *o, uint32_t *n)
{
	while (*n >= CMD_RCPT && *n < cmd_data(o)) {
		const struct outcome *r = &o->outcomes[*n - CMD_RCPT];

		/* Decided before it was asked about. */
		if (!r->is_decided || r->stage != OUT_AT_RCPT || r->is_reply)
			return true;
		++*n;
	}
	return *n < cmd_data(o) || (*n == cmd_data(o) && !o->is_chunked);
}

static void
put_command(struct smtp_out *o, uint32_t n)
{
	if (n == CMD_RSET)
		buf_put_str(out_put(o), "RSET\r\n");
	else if (n == CMD_MAIL)
		put_mail(o);
	else if (n < cmd_data(o))
		put_rcpt(o, &o->m.rcpts[n - CMD_RCPT]);
	else
		buf_put_str(out_put(o), "DATA\r\n");
}

/* All replies that were due have come, and nothing more is to be asked. */
static void
end_envelope(struct smtp_out *o)
{
	if (o->is_refused || o->n_accepted == 0) {
		out_mail_done(o, true);
		return;
	}
	out_body_begin(o);
}

void
out_mail_pump(struct smtp_out *o)
{
	bool is_pipelined = has(o, OFFER_PIPELINING);

	while (!o->is_refused && next_command(o, &o->n_put)) {
		(void)next_command(o, &o->n_got);
		/* DATA for nobody is not said if we know in time. */
		if (o->n_put == cmd_data(o) && o->n_got == o->n_put &&
		    o->n_accepted == 0)
			break;
		if (o->n_put > o->n_got && !is_pipelined)
			return;
		/* With little on its way the host's replies are read. */
		if (conn_out_room(o->link->c) < CONN_OUT_MAX - CONN_OUT_LOW)
			return;
		put_command(o, o->n_put++);
	}
	(void)next_command(o, &o->n_got);
	if (o->n_got >= o->n_put)
		end_envelope(o);
}

static void
on_rcpt(struct smtp_out *o, size_t i)
{
	struct outcome r = out_of_reply(o, OUT_AT_RCPT);

	if (r.what == OUT_SENT) {
		o->outcomes[i].is_accepted = !o->outcomes[i].is_decided;
		o->n_accepted += o->outcomes[i].is_accepted;
		return;
	}
	/* RFC 5321 4.5.3.1.10: too many recipients are for the next message,
	 * also where 552 is said for 452. */
	if (r.code == 552)
		r.what = OUT_TEMP;
	out_decide(o, i, &r, smtp_reply_text(&o->reply));
}

static void
on_data(struct smtp_out *o)
{
	struct outcome r = out_of_reply(o, OUT_AT_DATA);

	if (o->reply.code == 354 && (o->is_refused || o->n_accepted == 0)) {
		/* RFC 2920 3.1: it said so before it knew. */
		o->is_void = true;
		o->phase = PH_END;
		buf_put_str(out_put(o), ".\r\n");
		return;
	}
	if (o->reply.code == 354) {
		out_body_begin(o);
		return;
	}
	out_decide_all(o, &r, smtp_reply_text(&o->reply), false);
	out_mail_done(o, true);
}

void
out_mail_reply(struct smtp_out *o)
{
	struct outcome r = out_of_reply(o, OUT_AT_MAIL);
	uint32_t n;

	(void)next_command(o, &o->n_got);
	n = o->n_got++;
	if (n >= o->n_put || (o->reply.code / 100 == 3 && n != cmd_data(o)) ||
	    (o->reply.code / 100 == 2 && n == cmd_data(o))) {
		out_lose(o, OUT_AT_MAIL, "4.5.0",
		    "The host's replies do not fit the commands");
		return;
	}
	if (n >= CMD_RCPT && n < cmd_data(o)) {
		on_rcpt(o, n - CMD_RCPT);
	} else if (n == cmd_data(o)) {
		on_data(o);
	} else if (n == CMD_MAIL && r.what != OUT_SENT) {
		o->is_refused = true;
		out_decide_all(o, &r, smtp_reply_text(&o->reply), false);
	} else if (n == CMD_RSET && r.what != OUT_SENT) {
		out_fail_reply(o, OUT_AT_MAIL);
	}
}
