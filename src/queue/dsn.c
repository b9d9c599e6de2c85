#include "queue/dsn.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "mime/mime.h"

static bool
is_status(struct span s)
{
	int n_dots = 0;

	if (s.len < 5 || s.len > 11 || strchr("245", s.p[0]) == NULL)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '.')
			n_dots++;
		else if (!ascii_is_digit(s.p[i]))
			return false;
	}
	return n_dots == 2 && s.p[1] == '.' && ascii_is_digit(s.p[s.len - 1]);
}

struct span
dsn_status(struct span words, bool is_permanent)
{
	char class = is_permanent ? '5' : '4';

	for (int i = 0; i < 2 && words.len > 0; i++) {
		struct span word = span_split(&words, ' ');

		if (is_status(word) && word.p[0] == class)
			return word;
	}
	return is_permanent ? SPAN("5.0.0") : SPAN("4.0.0"); /* RFC 3463 3.1 */
}

static void
put_boundary(const struct dsn *d, struct buf *out)
{
	buf_putf(out, "=_report-%016llx", (unsigned long long)d->random);
}

static void
put_part(const struct dsn *d, const char *type, struct buf *out)
{
	buf_put_str(out, "\r\n--");
	put_boundary(d, out);
	buf_put_str(out, "\r\nContent-Type: ");
	buf_put_str(out, type);
	buf_put_str(out, "\r\n");
}

static const char *
subject_of(enum dsn_action a)
{
	switch (a) {
	case DSN_FAILED:
		return "Your message could not be delivered";
	case DSN_DELAYED:
		return "Your message is delayed";
	case DSN_RELAYED:
		return "Your message was handed on";
	}
	return "";
}

static void
put_header(const struct dsn *d, struct buf *out)
{
	buf_put_str(out, "From: Mail delivery <postmaster@");
	buf_put(out, d->host);
	buf_put_str(out, ">\r\nTo: <");
	trace_put_text(out, d->to);
	buf_put_str(out, ">\r\nSubject: ");
	buf_put_str(out, subject_of(d->rcpts[0].action));
	buf_put_str(out, "\r\n");
	trace_put_date(out, d->now_s, d->zone_minutes);
	trace_put_message_id(out, d->now_s * 1000, d->random, d->host);
	/* RFC 3834 5, RFC 3464 2 */
	buf_put_str(out, "Auto-Submitted: auto-replied\r\n"
	                 "MIME-Version: 1.0\r\n"
	                 "Content-Type: multipart/report; "
	                 "report-type=delivery-status;\r\n\tboundary=\"");
	put_boundary(d, out);
	buf_put_str(out, "\"\r\n");
	if (d->is_8bit || d->is_utf8)
		buf_put_str(out, "Content-Transfer-Encoding: 8bit\r\n");
}

static const char *
lead_of(enum dsn_action a)
{
	switch (a) {
	case DSN_FAILED:
		return "Your message could not be delivered to these "
		       "addresses. It will not\r\nbe tried again.\r\n";
	case DSN_DELAYED:
		return "Your message could not be delivered to these addresses "
		       "yet. It is\r\ntried again and again; you need not send "
		       "it another time.\r\n";
	case DSN_RELAYED:
		return "Your message was handed to servers that do not confirm "
		       "delivery.\r\n";
	}
	return "";
}

static void
put_advice(struct span advice, struct buf *out)
{
	while (advice.len > 0) {
		buf_put_str(out, "  ");
		trace_put_text(out, span_split(&advice, '\n'));
		buf_put_str(out, "\r\n");
	}
}

static void
put_words(const struct dsn *d, struct buf *out)
{
	put_part(d, "text/plain; charset=utf-8", out);
	buf_put_str(out, "Content-Transfer-Encoding: 8bit\r\n\r\n");
	buf_put_str(out, "This is the mail server ");
	buf_put(out, d->host);
	buf_put_str(out, ".\r\n\r\n");
	buf_put_str(out, lead_of(d->rcpts[0].action));
	for (size_t i = 0; i < d->n_rcpts; i++) {
		const struct dsn_rcpt *r = &d->rcpts[i];

		buf_put_str(out, "\r\n<");
		trace_put_text(out, r->address);
		buf_put_str(out, ">\r\n    ");
		if (r->remote.len > 0) {
			trace_put_text(out, r->remote);
			buf_put_str(out, " said:\r\n    ");
		}
		for (size_t at = 0; at < r->words.len; at += 200)
			trace_put_text(out, span_sub(r->words, at, 200));
		buf_put_str(out, "\r\n");
		put_advice(r->advice, out);
	}
}

static const char *
action_of(enum dsn_action a)
{
	switch (a) {
	case DSN_FAILED:
		return "failed";
	case DSN_DELAYED:
		return "delayed";
	case DSN_RELAYED:
		return "relayed";
	}
	return "";
}

static int
hex_value(char c)
{
	return ascii_is_digit(c)      ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	                              : -1;
}

/* xtext decoded (RFC 3461 4), as it stood before. */
static void
put_xtext(struct buf *out, struct span x)
{
	for (size_t i = 0; i < x.len; i++) {
		int high = i + 2 < x.len ? hex_value(x.p[i + 1]) : -1;
		int low = i + 2 < x.len ? hex_value(x.p[i + 2]) : -1;
		char c = x.p[i];

		if (c == '+' && high >= 0 && low >= 0) {
			c = (char)(high << 4 | low);
			i += 2;
		}
		trace_put_text(out, span_of(&c, 1));
	}
}

/* "rfc822;" or "utf-8;" and the address (RFC 6533 3). */
static void
put_address(const struct dsn *d, struct span address, struct buf *out)
{
	if (!utf8_has_8bit(address)) {
		buf_put_str(out, "rfc822;");
		trace_put_text(out, address);
		return;
	}
	buf_put_str(out, "utf-8;");
	address_put_unitext(out, address, !d->is_utf8);
}

/* As the sender gave it, or as much of it as this report can hold. */
static void
put_original_address(const struct dsn *d, struct span orcpt, struct buf *out)
{
	size_t at = span_find(orcpt, ';');
	struct span type = span_sub(orcpt, 0, at);
	struct span address = span_sub(orcpt, at + 1, orcpt.len);

	trace_put_text(out, type);
	buf_put_char(out, ';');
	if (!span_is_nocase(type, SPAN("utf-8")))
		put_xtext(out, address);
	else if (d->is_utf8)
		trace_put_text(out, address);
	else
		address_put_ascii(out, address);
}

static void
put_rcpt(const struct dsn *d, const struct dsn_rcpt *r, struct buf *out)
{
	/* RFC 3464 2.3 */
	buf_put_str(out, "\r\n");
	if (r->orcpt.len > 0) {
		buf_put_str(out, "Original-Recipient: ");
		put_original_address(d, r->orcpt, out);
		buf_put_str(out, "\r\n");
	}
	buf_put_str(out, "Final-Recipient: ");
	put_address(d, r->address, out);
	buf_put_str(out, "\r\nAction: ");
	buf_put_str(out, action_of(r->action));
	buf_put_str(out, "\r\nStatus: ");
	trace_put_text(out, r->status);
	buf_put_str(out, "\r\n");
	if (r->remote.len > 0) {
		buf_put_str(out, "Remote-MTA: dns;");
		trace_put_text(out, r->remote);
		buf_put_str(out, "\r\nDiagnostic-Code: smtp;");
		for (size_t at = 0; at < r->words.len; at += 200) {
			if (at > 0)
				buf_put_str(out, "\r\n ");
			trace_put_text(out, span_sub(r->words, at, 200));
		}
		buf_put_str(out, "\r\n");
	}
	if (r->last_s > 0) {
		buf_put_str(out, "Last-Attempt-Date: ");
		clock_put_rfc5322(out, r->last_s, 0);
		buf_put_str(out, "\r\n");
	}
	if (r->action == DSN_DELAYED) {
		buf_put_str(out, "Will-Retry-Until: ");
		clock_put_rfc5322(out, r->until_s, 0);
		buf_put_str(out, "\r\n");
	}
}

static const char *
type_of_original(const struct dsn *d)
{
	if (d->is_utf8 && d->has_utf8_header) /* RFC 6533 6.1, 6.3 */
		return d->is_full ? "message/global" : "message/global-headers";
	return d->is_full ? "message/rfc822" : "text/rfc822-headers";
}

void
dsn_begin(const struct dsn *d, struct buf *out)
{
	put_header(d, out);
	put_words(d, out);
	if (d->is_utf8) /* RFC 6533 6.2 */
		put_part(d,
		    "message/global-delivery-status\r\n"
		    "Content-Transfer-Encoding: 8bit",
		    out);
	else
		put_part(d, "message/delivery-status", out);
	buf_put_str(out, "\r\n"); /* RFC 3464 2.2 */
	if (d->envid.len > 0) {
		buf_put_str(out, "Original-Envelope-Id: ");
		put_xtext(out, d->envid);
		buf_put_str(out, "\r\n");
	}
	buf_put_str(out, "Reporting-MTA: dns;");
	buf_put(out, d->host);
	buf_put_str(out, "\r\nArrival-Date: ");
	clock_put_rfc5322(out, d->arrived_s, 0);
	buf_put_str(out, "\r\n");
	for (size_t i = 0; i < d->n_rcpts; i++)
		put_rcpt(d, &d->rcpts[i], out);
	put_part(d, type_of_original(d), out);
	if (d->is_8bit)
		buf_put_str(out, "Content-Transfer-Encoding: 8bit\r\n");
	buf_put_str(out, "\r\n");
}

void
dsn_end(const struct dsn *d, struct buf *out)
{
	buf_put_str(out, "\r\n--");
	put_boundary(d, out);
	buf_put_str(out, "--\r\n");
}
