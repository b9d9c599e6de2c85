/* The sections of a message, on their way out. */
#include "imap/fetch_task.h"

/* Bytes of a section that are put into the line. */
#define SMALL_BYTES 2048
/* Of a section, at a time. */
#define PIECE_BYTES (16 * 1024)

struct buf *
fetch_item(struct fetch_task *t, const char *name)
{
	if (t->has_item)
		buf_put_char(&t->line, ' ');
	t->has_item = true;
	buf_put_str(&t->line, name);
	return &t->line;
}

void
fetch_give_up(struct imap *i, struct fetch_task *t)
{
	conn_abort(i->conn);
	i->state = IMAP_LOGGED_OUT;
	t->place = AT_END;
}

void
fetch_fail(struct imap *i, struct fetch_task *t)
{
	if (t->is_begun_sent) {
		fetch_give_up(i, t);
		return;
	}
	t->line.has_failed = false;
	buf_truncate(&t->line, t->begun_at);
	t->is_nomem = true;
	t->place = AT_END;
}

/* --- sections --- */

/* Put the section's name as the client wrote it: some find its answer by that
 * (Apple Mail). */
static void
put_section_name(struct fetch_task *t, const struct fetch_section *s)
{
	static const char *const names[] = { [FETCH_SECTION] = "BODY[",
		[FETCH_RFC822] = "RFC822 ",
		[FETCH_RFC822_HEADER] = "RFC822.HEADER ",
		[FETCH_RFC822_TEXT] = "RFC822.TEXT ",
		[FETCH_BINARY] = "BINARY[",
		[FETCH_BINARY_SIZE] = "BINARY.SIZE[" };
	struct buf *out = fetch_item(t, names[s->name]);
	struct span raw = s->raw;

	if (s->name != FETCH_SECTION && s->name != FETCH_BINARY &&
	    s->name != FETCH_BINARY_SIZE)
		return;
	if (span_find(raw, '\n') < raw.len) { /* literals in it */
		buf_put(out, span_sub(raw, 0, span_find(raw, '(')));
		for (uint32_t n = 0; n < s->n_names; n++) {
			buf_put_char(out, n == 0 ? '(' : ' ');
			imap_put_astring(out, s->names[n], t->is_utf8);
		}
		buf_put_char(out, ')');
	} else {
		buf_put(out, raw);
	}
	buf_put_char(out, ']');
	if (s->has_partial) {
		buf_put_char(out, '<');
		buf_put_u64(out, s->offset);
		buf_put_char(out, '>');
	}
	buf_put_char(out, ' ');
}

static void
next_section(struct fetch_task *t)
{
	t->section = t->section->next;
	t->place = AT_SECTION;
}

/* A section cannot be told. */
static void
skip_section(struct imap *i, struct fetch_task *t, int rc)
{
	if (rc == ERR_NONE) { /* no such part */
		put_section_name(t, t->section);
		buf_put_str(&t->line,
		    t->section->name == FETCH_BINARY_SIZE ? "0" : "NIL");
	} else if (rc == ERR_UNSUPPORTED) {
		t->has_unknown_cte = true; /* RFC 3516 4.3 */
	} else if (rc == ERR_NOMEM) {
		fetch_fail(i, t);
		return;
	} else {
		t->is_damaged = true;
	}
	next_section(t);
}

/* Its size is known: announce it. */
static void
announce(struct imap *i, struct fetch_task *t)
{
	struct fetch_stream *s = &t->stream;
	int rc = 0;

	if (t->section->name == FETCH_BINARY_SIZE) {
		put_section_name(t, t->section);
		buf_put_u64(&t->line, s->size);
		next_section(t);
		return;
	}
	rc = fetch_stream_rewind(s, i->env->store);
	if (rc < 0) {
		skip_section(i, t, rc == ERR_NONE ? ERR_DAMAGED : rc);
		return;
	}
	put_section_name(t, t->section);
	/* RFC 3516 4.4: literal8, where another would not do. */
	if (t->section->name == FETCH_BINARY &&
	    (s->has_nul || (s->coding == FETCH_AS_IS && t->has_summary &&
	                       (t->summary.flags & SUMMARY_HAS_NUL))))
		buf_put_char(&t->line, '~');
	buf_put_char(&t->line, '{');
	buf_put_u64(&t->line, s->left);
	buf_put_str(&t->line, "}\r\n");
	t->place = AT_BYTES;
}

static void
open_section(struct imap *i, struct fetch_task *t)
{
	int rc = 0;

	if (!t->is_pinned) {
		rc = body_pin(i->env->store, t->m.body);
		t->is_pinned = rc == 0;
	}
	if (rc == 0)
		rc = fetch_stream_open(&t->stream, t->section, t->m.body,
		    t->m.bytes, t->has_summary ? &t->summary : NULL,
		    t->is_utf8);
	if (rc < 0)
		skip_section(i, t, rc);
	else
		t->place = AT_COUNT;
}

static void
count_section(struct imap *i, struct fetch_task *t)
{
	int rc = fetch_stream_count(&t->stream, i->env->store);

	if (rc < 0)
		skip_section(i, t, rc == ERR_NONE ? ERR_DAMAGED : rc);
	else if (rc == 0)
		announce(i, t);
}

/* Returns whether the line must be sent first. */
static bool
send_section(struct imap *i, struct fetch_task *t)
{
	struct buf *out = &t->line;
	size_t max = SMALL_BYTES;

	if (t->stream.left > SMALL_BYTES) {
		if (t->line.len > 0)
			return true;
		out = conn_out(i->conn);
		max = conn_out_room(i->conn);
		if (max > PIECE_BYTES)
			max = PIECE_BYTES;
	}
	if (max == 0)
		return true;
	if (fetch_stream_put(&t->stream, i->env->store, max, out) < 0)
		fetch_give_up(i, t);
	else if (t->stream.left == 0)
		next_section(t);
	return false;
}

bool
fetch_send(struct imap *i, struct fetch_task *t)
{
	bool is_line_due = false;

	if (t->place == AT_SECTION)
		open_section(i, t);
	else if (t->place == AT_COUNT)
		count_section(i, t);
	else
		is_line_due = send_section(i, t);
	return !is_line_due;
}
