#include "mime/trace.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "mime/address_text.h"

#define MAX_TEXT_BYTES 256
#define FOLD_COLUMN    78

void
trace_put_text(struct buf *b, struct span s)
{
	s = utf8_cut(s, MAX_TEXT_BYTES);
	while (s.len > 0) {
		uint32_t code;
		int n = utf8_next(s, &code);

		/* C1 controls are two bytes long in UTF-8. */
		if (n < 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
			buf_put_char(b, '?');
		else
			buf_put(b, span_sub(s, 0, (size_t)n));
		s = span_sub(s, n < 0 ? 1 : (size_t)n, s.len);
	}
}

/* Text inside a comment: what would end or nest it is replaced. */
static void
put_comment_text(struct buf *b, struct span s)
{
	size_t from = b->len;

	trace_put_text(b, s);
	for (size_t i = from; i < b->len; i++)
		if (b->p[i] == '(' || b->p[i] == ')' || b->p[i] == '\\')
			b->p[i] = '?';
}

/* A word outside comments: nothing in it may look like another clause. */
static void
put_word(struct buf *b, struct span s)
{
	size_t from = b->len;

	trace_put_text(b, s);
	if (b->len == from)
		buf_put_str(b, "unknown");
	for (size_t i = from; i < b->len; i++)
		if (strchr(" ()<>;,\"\\", b->p[i]) != NULL)
			b->p[i] = '?';
}

/* Fold before the clause that begins at `at`, if its line got too long. */
static void
fold(struct buf *b, size_t *line, size_t at)
{
	char fold_bytes[2] = { '\r', '\n' };
	size_t tail = b->len - at;

	if (buf_failed(b) || b->len - *line <= FOLD_COLUMN || at <= *line + 10)
		return;
	/* The space before the clause becomes the fold's own. */
	if (buf_reserve(b, sizeof(fold_bytes)) < 0)
		return;
	memmove(b->p + at + sizeof(fold_bytes), b->p + at, tail);
	memcpy(b->p + at, fold_bytes, sizeof(fold_bytes));
	b->len += sizeof(fold_bytes);
	*line = at + sizeof(fold_bytes);
}

static void
put_address(struct buf *b, struct span local, struct span domain)
{
	char storage[1024];
	struct buf plain;

	buf_init_fixed(&plain, storage, sizeof(storage));
	if (local.len > 0 || domain.len > 0)
		address_put(&plain, local, domain);
	buf_put_char(b, '<');
	/* Addresses were parsed; longer than the text limit they may be. */
	trace_put_text(b, span_sub(buf_span(&plain), 0, MAX_TEXT_BYTES));
	trace_put_text(b, span_sub(buf_span(&plain), MAX_TEXT_BYTES, 1024));
	buf_put_char(b, '>');
}

void
trace_put_return_path(struct buf *b, struct span local, struct span domain)
{
	buf_put_str(b, "Return-Path: ");
	put_address(b, local, domain);
	buf_put_str(b, "\r\n");
}

/* RFC 3848, RFC 6531 4.3: the registered words. */
static const char *
protocol_of(const struct received *r)
{
	bool is_tls = r->tls.len > 0;

	if (r->is_utf8)
		return r->is_auth ? (is_tls ? "UTF8SMTPSA" : "UTF8SMTPA")
		                  : (is_tls ? "UTF8SMTPS" : "UTF8SMTP");
	if (!r->is_esmtp)
		return "SMTP";
	return r->is_auth ? (is_tls ? "ESMTPSA" : "ESMTPA")
	                  : (is_tls ? "ESMTPS" : "ESMTP");
}

/* RFC 5321 4.1.3, 4.4: "(" [name SP] "[" literal "]" ")". */
static void
put_tcp_info(struct buf *b, const struct received *r)
{
	buf_put_str(b, " (");
	if (r->peer_name.len > 0) {
		put_word(b, r->peer_name);
		buf_put_char(b, ' ');
	}
	buf_put_char(b, '[');
	if (span_find(r->peer, ':') < r->peer.len)
		buf_put_str(b, "IPv6:");
	put_comment_text(b, r->peer);
	buf_put_str(b, "])");
}

void
trace_put_received(struct buf *b, const struct received *r)
{
	size_t line = b->len;
	size_t at;

	buf_put_str(b, "Received: from ");
	put_word(b, r->helo);
	at = b->len;
	put_tcp_info(b, r);
	fold(b, &line, at);
	at = b->len;
	buf_put_str(b, " by ");
	put_word(b, r->by);
	fold(b, &line, at);
	at = b->len;
	buf_put_str(b, " with ");
	buf_put_str(b, protocol_of(r));
	if (r->tls.len > 0) {
		buf_put_str(b, " (");
		put_comment_text(b, r->tls);
		buf_put_char(b, ')');
	}
	fold(b, &line, at);
	at = b->len;
	buf_put_str(b, " id ");
	put_word(b, r->id);
	fold(b, &line, at);
	if (r->for_local.len > 0) {
		at = b->len;
		buf_put_str(b, " for ");
		put_address(b, r->for_local, r->for_domain);
		fold(b, &line, at);
	}
	buf_put_char(b, ';');
	at = b->len;
	buf_put_char(b, ' ');
	clock_put_rfc5322(b, r->wall_s, r->zone_minutes);
	fold(b, &line, at);
	buf_put_str(b, "\r\n");
}

void
trace_put_message_id(
    struct buf *b, int64_t wall_ms, uint64_t random, struct span host)
{
	buf_put_str(b, "Message-ID: <");
	buf_put_i64(b, wall_ms < 0 ? 0 : wall_ms);
	buf_putf(b, ".%016llx@", (unsigned long long)random);
	put_word(b, host);
	buf_put_str(b, ">\r\n");
}

void
trace_put_date(struct buf *b, int64_t wall_s, int zone_minutes)
{
	buf_put_str(b, "Date: ");
	clock_put_rfc5322(b, wall_s, zone_minutes);
	buf_put_str(b, "\r\n");
}
