/* smtp_out_body.c - the text of a message on its way: read from the store piece
 * by piece as the connection takes it, by DATA (RFC 5321 4.1.1.4) or in chunks
 * (BDAT, RFC 3030 2). */
#include "base/mem.h"
#include "smtp/smtp_out_impl.h"

#define PIECE_BYTES 8192
/* With conversion a piece grows more. */
#define CONVERTED_PIECE_BYTES 2048
/* Chunks whose replies have not come. */
#define MAX_CHUNKS_OUT 32

_Static_assert(2 * PIECE_BYTES + 64 < OUT_PIECE_ROOM, "a piece has room");
_Static_assert(CONN_OUT_MAX - OUT_PIECE_ROOM > CONN_OUT_LOW,
    "who stops for want of room is woken when there is some");

void
out_body_begin(struct smtp_out *o)
{
	o->phase = PH_BODY;
	stuff_init(&o->stuff, !o->is_chunked);
	buf_init(&o->piece, PIECE_BYTES);
	buf_init(&o->converted, OUT_PIECE_ROOM);
	buf_init(&o->chunk, OUT_PIECE_ROOM);
	if (!o->is_converted)
		return;
	o->sevenbit = sevenbit_new();
	if (o->sevenbit == NULL)
		out_lose(o, OUT_AT_DATA, "4.3.1",
		    "Not enough memory to convert the message");
}

void
out_body_end(struct smtp_out *o)
{
	sevenbit_free(o->sevenbit);
	o->sevenbit = NULL;
	buf_deinit(&o->piece);
	buf_deinit(&o->converted);
	buf_deinit(&o->chunk);
	if (o->is_pinned)
		body_unpin(o->env.store, o->m.body);
	o->is_pinned = false;
}

/* The next piece of prefix and body. */
static int
read_piece(struct smtp_out *o)
{
	size_t max = o->is_converted ? CONVERTED_PIECE_BYTES : PIECE_BYTES;
	int rc;

	buf_reset(&o->piece);
	if (o->body_at < o->m.prefix.len) {
		buf_put(
		    &o->piece, span_sub(o->m.prefix, (size_t)o->body_at, max));
		rc = buf_error(&o->piece);
	} else {
		rc = body_read(o->env.store, o->m.body,
		    o->body_at - o->m.prefix.len, max, &o->piece);
		if (rc == 0 && o->piece.len == 0 && o->body_at < o->body_bytes)
			rc = ERR_DAMAGED;
	}
	o->body_at += o->piece.len;
	return rc;
}

/* The piece as it goes out, into b. */
static int
put_piece(struct smtp_out *o, struct buf *b)
{
	bool is_over = o->body_at >= o->body_bytes;

	if (o->sevenbit == NULL) {
		stuff_put(&o->stuff, buf_span(&o->piece), b);
	} else {
		buf_reset(&o->converted);
		sevenbit_put(o->sevenbit, buf_span(&o->piece), &o->converted);
		if (is_over)
			sevenbit_end(o->sevenbit, &o->converted);
		if (buf_failed(&o->converted))
			return buf_error(&o->converted);
		stuff_put(&o->stuff, buf_span(&o->converted), b);
	}
	if (is_over)
		stuff_end(&o->stuff, b);
	return buf_error(b);
}

/* One chunk with its command. */
static int
put_chunk(struct smtp_out *o)
{
	bool is_last = o->body_at >= o->body_bytes;
	struct buf *b = out_put(o);
	int rc;

	buf_reset(&o->chunk);
	rc = put_piece(o, &o->chunk);
	if (rc < 0 || (o->chunk.len == 0 && !is_last))
		return rc;
	buf_put_str(b, "BDAT ");
	buf_put_u64(b, o->chunk.len);
	buf_put_str(b, is_last ? " LAST\r\n" : "\r\n");
	buf_put(b, buf_span(&o->chunk));
	o->n_chunks_put++;
	return buf_error(b);
}

static bool
may_put(const struct smtp_out *o)
{
	uint32_t n_out = o->n_chunks_put - o->n_chunks_got;
	bool is_pipelined = (o->offer.words & OFFER_PIPELINING) != 0;

	return conn_out_room(o->link->c) >= OUT_PIECE_ROOM &&
	       n_out < (is_pipelined ? MAX_CHUNKS_OUT : 1);
}

void
out_body_pump(struct smtp_out *o)
{
	while (o->phase == PH_BODY && o->link != NULL && !o->is_refused &&
	       may_put(o)) {
		int rc = read_piece(o);

		if (rc == 0)
			rc = o->is_chunked ? put_chunk(o)
			                   : put_piece(o, out_put(o));
		if (rc < 0) {
			/* Half a message must not look like a whole one. */
			out_lose(o, OUT_AT_DATA, "4.3.0",
			    "The stored message could not be read");
			return;
		}
		if (o->body_at >= o->body_bytes)
			o->phase = PH_END;
	}
}

/* A chunk that is not the last was refused: none of what follows counts. */
static void
refuse_chunk(struct smtp_out *o)
{
	struct outcome r = out_of_reply(o, OUT_AT_DATA);

	out_decide_all(o, &r, smtp_reply_text(&o->reply), false);
	o->is_refused = true;
}

static void
on_chunk(struct smtp_out *o)
{
	bool is_last;

	o->n_chunks_got++;
	is_last = o->phase == PH_END && o->n_chunks_got == o->n_chunks_put;
	if (o->is_refused) {
		if (o->n_chunks_got == o->n_chunks_put)
			out_mail_done(o, true);
		return;
	}
	if (o->reply.code / 100 == 3 || o->n_chunks_got > o->n_chunks_put) {
		out_lose(o, OUT_AT_DATA, "4.5.0",
		    "The host's replies do not fit the commands");
		return;
	}
	if (is_last) {
		struct outcome r = out_of_reply(o, OUT_AT_END);

		out_decide_all(o, &r, smtp_reply_text(&o->reply), false);
		out_mail_done(o, r.what != OUT_SENT);
		return;
	}
	if (o->reply.code / 100 != 2) {
		refuse_chunk(o);
		if (o->n_chunks_got == o->n_chunks_put)
			out_mail_done(o, true);
	}
}

void
out_body_reply(struct smtp_out *o)
{
	struct outcome r = out_of_reply(o, OUT_AT_END);
	bool is_closing = o->reply.code == 421;

	if (o->is_chunked && !is_closing) {
		on_chunk(o);
		return;
	}
	if (o->is_void && !is_closing) {
		out_mail_done(o, true);
		return;
	}
	/* In the midst of the text only a refusal can be meant. */
	if (r.what == OUT_SENT && o->phase == PH_BODY)
		r = out_of_us(OUT_TEMP, OUT_AT_DATA, "4.5.0");
	if (o->reply.code / 100 == 3)
		r.what = OUT_TEMP;
	r.is_host = is_closing;
	out_decide_all(o, &r, smtp_reply_text(&o->reply), false);
	if (o->phase == PH_END && !is_closing) {
		out_mail_done(o, r.what != OUT_SENT);
		return;
	}
	/* What is on its way cannot be taken back but so. */
	out_fail_reply(o, OUT_AT_END);
}
