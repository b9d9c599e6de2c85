/* imap_read.c - from the connection's input to whole commands (RFC 9051 4.3,
 * RFC 7888).
 *
 * A command is looked at before each of its literals is asked for: one that may
 * not run is refused while it is short, and a password is not asked for where
 * it would travel in the clear. */
#include "imap/imap_session.h"

/* Behind a message that was too large, this much more is thrown away before
 * the session ends instead. */
#define MAX_SKIPPED_BYTES (1024 * 1024)
/* The same until somebody is signed in. */
#define MAX_SKIPPED_EARLY (64 * 1024)
#define BARE_LF           "Lines end with CR LF, and nothing else"
/* The longest announcement of a literal: "~{18446744073709551615+}". */
#define MAX_ANNOUNCEMENT 24

/* Find the end of the line that begins at line_start. *n_out is what stands
 * before its LF. A bare LF ends the session. */
static enum parse
find_line(struct imap *i, struct span in, size_t max, size_t *n_out)
{
	size_t from = i->scanned > i->line_start ? i->scanned : i->line_start;
	size_t n;

	if (from > in.len)
		return PARSE_MORE; /* of a literal */
	n = from + span_find(span_sub(in, from, in.len), '\n');
	i->scanned = 0;
	if (n > max)
		return PARSE_BAD;
	if (n == in.len) {
		i->scanned = (uint32_t)n;
		return PARSE_MORE;
	}
	if (n == i->line_start || in.p[n - 1] != '\r') {
		imap_bye(i, BARE_LF);
		return PARSE_MORE;
	}
	*n_out = n;
	return PARSE_OK;
}

enum parse
imap_read_line(struct imap *i, size_t max, struct span *line_out, size_t *n_out)
{
	struct span in = conn_in(i->conn);
	enum parse r;
	size_t n;

	i->line_start = 0;
	r = find_line(i, in, max, &n);
	if (r == PARSE_OK) {
		*line_out = span_sub(in, 0, n - 1);
		*n_out = n + 1;
	}
	return r;
}

/* Done with the first n bytes of the input. */
static void
consume(struct imap *i, size_t n)
{
	i->line_start = 0;
	i->scanned = 0;
	conn_consume(i->conn, n);
}

/* --- throwing away --- */

void
imap_refuse(struct imap *i, const char *text, const struct imap_literal *l)
{
	i->reply = text;
	i->is_skipping = true;
	i->skip_bytes = 0;
	i->n_skipped = 0;
	if (l == NULL)
		return;
	if (l->is_synchronizing) {
		i->is_skipping = false; /* the client waits, and hears no */
		imap_done(i, text);
	} else {
		i->skip_bytes = l->bytes;
	}
}

static uint64_t
max_skipped(const struct imap *i)
{
	return i->state == IMAP_NOT_AUTHENTICATED
	           ? MAX_SKIPPED_EARLY
	           : i->env->max_message_bytes + MAX_SKIPPED_BYTES;
}

/* The line in which the refused command goes on is over. */
static void
end_rest(struct imap *i, struct span line)
{
	struct imap_literal l;

	if (imap_ends_in_literal(line, &l) && !l.is_synchronizing) {
		i->skip_bytes = l.bytes;
		return;
	}
	i->is_skipping = false;
	imap_done(i, i->reply);
}

enum imap_step
imap_read_rest(struct imap *i)
{
	struct span in = conn_in(i->conn);
	size_t n;

	if (i->skip_bytes > max_skipped(i) ||
	    i->n_skipped + i->skip_bytes > max_skipped(i)) {
		imap_bye(i, "[TOOBIG] Too much");
		return IMAP_WAIT;
	}
	if (in.len == 0)
		return IMAP_WAIT;
	if (i->skip_bytes > 0) {
		n = in.len < i->skip_bytes ? in.len : (size_t)i->skip_bytes;
		i->skip_bytes -= n;
		i->n_skipped += n;
		consume(i, n);
		return IMAP_MORE;
	}
	n = span_find(in, '\n');
	if (n < in.len) {
		if (n == 0 || in.p[n - 1] != '\r') {
			imap_bye(i, BARE_LF);
			return IMAP_WAIT;
		}
		i->n_skipped += n + 1;
		end_rest(i, span_sub(in, 0, n - 1));
		consume(i, n + 1);
		return IMAP_MORE;
	}
	/* What may be the announcement of a literal stays. */
	if (in.len > MAX_ANNOUNCEMENT + 1) {
		n = in.len - (MAX_ANNOUNCEMENT + 1);
		i->n_skipped += n;
		consume(i, n);
	}
	return IMAP_WAIT;
}

/* --- gathering --- */

/* The line at which the command stands is too long. */
static enum imap_step
refuse_line(struct imap *i, struct span in)
{
	struct cur args;

	(void)imap_look_up(i, in, &args); /* for the tag */
	consume(i, i->line_start);
	imap_refuse(i, "BAD [TOOBIG] The command is too long", NULL);
	return IMAP_MORE;
}

/* Why a literal that announces itself is not taken; NULL: it is. text is the
 * command so far. */
static const char *
judge_literal(
    const struct imap *i, struct span text, const struct imap_literal *l)
{
	if (i->env->is_literal_minus && !l->is_synchronizing &&
	    l->bytes > MAX_LITERAL_MINUS)
		return "BAD [TOOBIG] Literals without asking are at most 4096";
	if (l->bytes > imap_max_command(i) ||
	    text.len + 2 + l->bytes + 2 > imap_max_command(i))
		return "BAD [TOOBIG] The literal is too long";
	return NULL;
}

/* The command so far ends with the announcement of a literal. n: what to
 * consume of the input to be behind it. */
static enum imap_step
take_literal(
    struct imap *i, struct span text, size_t n, const struct imap_literal *l)
{
	struct cur args;
	const char *refusal = imap_look_up(i, text, &args);

	if (refusal == NULL && imap_append_begins(i, args)) {
		imap_run_text(i, text, l);
		consume(i, n);
		return IMAP_MORE;
	}
	if (refusal == NULL)
		refusal = judge_literal(i, text, l);
	if (refusal != NULL) {
		consume(i, n);
		imap_refuse(i, refusal, l);
		return IMAP_MORE;
	}
	i->cmd = NULL; /* it is looked up again with all of it */
	i->line_start = (uint32_t)(n + l->bytes);
	if (l->is_synchronizing)
		conn_put_str(i->conn, "+ OK\r\n");
	return IMAP_MORE;
}

enum imap_step
imap_read_command(struct imap *i)
{
	struct span in = conn_in(i->conn);
	struct imap_literal l;
	struct span text;
	size_t n;

	switch (find_line(i, in, imap_max_command(i), &n)) {
	case PARSE_MORE:
		return IMAP_WAIT;
	case PARSE_BAD:
		return refuse_line(i, in);
	case PARSE_OK:
		break;
	}
	text = span_sub(in, 0, n - 1);
	if (imap_ends_in_literal(span_sub(text, i->line_start, text.len), &l))
		return take_literal(i, text, n + 1, &l);
	if (text.len > 0) {
		imap_run_text(i, text, NULL);
	} else if (i->state == IMAP_NOT_AUTHENTICATED &&
	           ++i->n_errors >= i->env->max_errors) {
		imap_bye(i, "Too many errors");
		return IMAP_WAIT;
	}
	consume(i, n + 1);
	return IMAP_MORE;
}
