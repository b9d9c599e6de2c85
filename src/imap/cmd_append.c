/* cmd_append.c - APPEND (RFC 9051 6.3.12), of several messages (RFC 3502), with
 * NUL in them (RFC 3516) and in UTF-8 (RFC 6855 4).
 *
 * Each message streams into an upload of its own; the last line makes them
 * visible together, or none of them.
 *
 * Decisions  what comes is stored byte for byte: a bare CR or LF is kept. Only
 *            NUL needs a literal8.
 *            Deviation: 8 bit in a header is taken without UTF8 too (RFC 6855
 *            4 would refuse it): people bring their old mail.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "imap/imap_session.h"
#include "mime/mime.h"

/* What stands between two messages, keywords and all. */
#define MAX_BETWEEN 8192

/* One message of the command. */
struct append_message {
	struct append_message *next;
	struct upload *upload;
	struct body body;
	struct imap_flags flags;
	struct imap_literal literal;
	bool is_utf8; /* UTF8 (~{n}...): a ")" follows */
	int64_t date_s;
	int16_t zone_minutes;
	uint64_t thread_id;
};

struct append {
	uint32_t mailbox;
	uint32_t n_messages;
	uint64_t n_bytes;    /* of all */
	size_t inline_bytes; /* of all */
	struct append_message *first;
	struct append_message *last;
	struct mime_parser *parser; /* NULL: no message is being read */
	uint64_t left_bytes;        /* of it */
	char reply[80];             /* once it is done nothing may fail */
};

/* --- the grammar --- */

bool
imap_append_begins(const struct imap *i, struct cur args)
{
	if (!imap_is_append(i))
		return false;
	if (imap_parse_sp(&args) != PARSE_OK || cur_peek(&args) != '{')
		return true;
	return span_find(cur_rest(&args), '}') != cur_left(&args) - 1;
}

/* "(" literal8 ")", or a literal: to the end of the line. */
static enum parse
parse_data(struct cur *c, struct append_message *m)
{
	struct span rest;

	if (cur_skip_nocase(c, SPAN("UTF8 ("))) {
		m->is_utf8 = true;
		if (cur_peek(c) != '~')
			return PARSE_BAD;
	}
	rest = cur_rest(c);
	if (rest.len == 0 || (rest.p[0] != '{' && rest.p[0] != '~') ||
	    span_find(rest, '}') != rest.len - 1 ||
	    !imap_ends_in_literal(rest, &m->literal))
		return PARSE_BAD;
	return PARSE_OK;
}

/* append-message of RFC 3502 and RFC 9051 9, up to its data. */
static enum parse
parse_message(struct cur *c, struct arena *a, struct append_message *m)
{
	enum parse r = imap_parse_sp(c);

	m->date_s = clock_wall_s();
	m->zone_minutes = (int16_t)clock_zone_minutes(m->date_s);
	if (r == PARSE_OK && cur_peek(c) == '(') {
		r = imap_parse_flags(c, a, false, &m->flags);
		if (r == PARSE_OK)
			r = imap_parse_sp(c);
	}
	if (r == PARSE_OK && cur_peek(c) == '"') {
		r = imap_parse_date_time(c, &m->date_s, &m->zone_minutes);
		if (r == PARSE_OK)
			r = imap_parse_sp(c);
	}
	return r == PARSE_OK ? parse_data(c, m) : r;
}

/* --- one message --- */

/* Words for what may go wrong on the way in. */
static const char *
refusal_of(int code)
{
	switch (code) {
	case ERR_NONE: /* RFC 9051 6.3.12 */
		return "NO [TRYCREATE] There is no such mailbox";
	case ERR_QUOTA:
		return "NO [OVERQUOTA] The quota is used up";
	case ERR_FULL:
		return "NO [OVERQUOTA] The disk is full";
	case ERR_LIMIT:
		return "NO [LIMIT] Too many messages or keywords";
	case ERR_NOMEM:
		return "NO [LIMIT] Not enough memory";
	case ERR_READ_ONLY:
		return "NO [UNAVAILABLE] The store takes no changes now";
	case ERR_SYNTAX:
		return "BAD APPEND takes a mailbox, flags, a date, a message";
	default:
		return "NO [UNAVAILABLE] Not possible now, try later";
	}
}

/* Why this message is not taken; NULL: it is. */
static const char *
judge(const struct imap *i, const struct append *t,
    const struct append_message *m)
{
	uint64_t n = m->literal.bytes;
	uint64_t sum;

	if (i->env->is_literal_minus && !m->literal.is_synchronizing &&
	    n > MAX_LITERAL_MINUS)
		return "BAD [TOOBIG] Literals without asking are at most 4096";
	if (m->is_utf8 && !(i->enabled & IMAP_UTF8))
		return "NO [CANNOT] ENABLE UTF8=ACCEPT first"; /* RFC 6855 4 */
	if (n == 0) /* RFC 3502 6.3.11: the client gives up */
		return "NO No message, nothing appended";
	if (n > i->env->max_message_bytes) /* RFC 7889 4 */
		return "NO [TOOBIG] The message is too large";
	if (t->n_messages >= DELIVER_MAX_MANY)
		return refusal_of(ERR_LIMIT);
	sum = t->n_bytes + n;
	if (!store_has_room(i->env->store, sum))
		return refusal_of(ERR_FULL);
	if (!account_has_room(i->env->store, i->account, sum))
		return refusal_of(ERR_QUOTA);
	return NULL;
}

/* Take the beginning of a message, which ends with the announcement of its
 * literal. Returns NULL, or the refusal. */
static const char *
begin_message(struct imap *i, struct append *t, struct cur *c)
{
	struct append_message *m = arena_alloc(&i->arena, sizeof(*m));
	const char *refusal;
	int rc;

	if (m == NULL)
		return refusal_of(ERR_NOMEM);
	if (parse_message(c, &i->arena, m) != PARSE_OK)
		return refusal_of(ERR_SYNTAX);
	refusal = judge(i, t, m);
	if (refusal != NULL)
		return refusal;
	rc = upload_new(i->env->store, &m->upload);
	if (rc < 0)
		return refusal_of(rc);
	if (t->last != NULL)
		t->last->next = m;
	else
		t->first = m;
	t->last = m;
	t->n_messages++;
	t->n_bytes += m->literal.bytes;
	t->left_bytes = m->literal.bytes;
	t->parser = mime_parser_new();
	if (t->parser == NULL)
		return refusal_of(ERR_NOMEM);
	if (m->literal.is_synchronizing)
		conn_put_str(i->conn, "+ OK\r\n");
	return NULL;
}

static void
free_append(struct imap *i)
{
	struct append *t = i->task;

	mime_parser_free(t->parser);
	t->parser = NULL;
	for (struct append_message *m = t->first; m != NULL; m = m->next) {
		upload_free(m->upload);
		m->upload = NULL;
	}
}

/* The bytes are all there: what is kept beside them. */
static int
end_message(struct append *t)
{
	struct append_message *m = t->last;
	struct summary seen;
	struct buf summary;
	int rc;

	buf_init(&summary, MAX_SUMMARY_BYTES);
	rc = mime_parser_finish(t->parser, &summary);
	mime_parser_free(t->parser);
	t->parser = NULL;
	if (rc == 0)
		rc = summary_open(buf_span(&summary), &seen);
	if (rc == 0) {
		m->thread_id = seen.thread_root;
		rc = upload_finish(
		    m->upload, SPAN(""), buf_span(&summary), &m->body);
	}
	if (rc == 0 && t->inline_bytes + upload_inline_bytes(&m->body) >
	                   DELIVER_INLINE_BYTES)
		rc = upload_spill(m->upload, &m->body);
	if (rc == 0)
		t->inline_bytes += upload_inline_bytes(&m->body);
	buf_deinit(&summary);
	return rc;
}

/* --- the end --- */

/* The bits of a message's keywords. */
static int
add_keywords(struct imap *i, uint32_t mailbox, const struct imap_flags *f,
    uint64_t *bits_out)
{
	unsigned bit;
	int rc;

	*bits_out = 0;
	for (uint32_t n = 0; n < f->n_keywords; n++) {
		rc = mailbox_add_keyword(
		    i->env->store, mailbox, f->keywords[n], &bit);
		if (rc < 0)
			return rc;
		*bits_out |= UINT64_C(1) << bit;
	}
	return 0;
}

static int
deliver(struct imap *i, struct append *t, struct delivered **out)
{
	uint32_t n = t->n_messages, k = 0;
	struct delivery *d = arena_alloc(&i->arena, n * sizeof(*d));
	struct delivery_to *to = arena_alloc(&i->arena, n * sizeof(*to));
	int rc;

	*out = arena_alloc(&i->arena, n * sizeof(**out));
	if (d == NULL || to == NULL || *out == NULL)
		return ERR_NOMEM;
	if (!account_has_room(i->env->store, i->account, t->n_bytes))
		return ERR_QUOTA; /* others were quicker */
	for (struct append_message *m = t->first; m != NULL; m = m->next) {
		rc = add_keywords(i, t->mailbox, &m->flags, &to[k].keywords);
		if (rc < 0)
			return rc;
		to[k].mailbox = t->mailbox;
		to[k].flags = m->flags.flags;
		d[k] = (struct delivery){ .body = &m->body,
			.to = &to[k],
			.n_to = 1,
			.internal_date_s = m->date_s,
			.zone_minutes = m->zone_minutes,
			.thread_id = m->thread_id };
		k++;
	}
	return mailbox_deliver_many(i->env->store, d, n, *out, NULL);
}

/* RFC 4315 3: in one mailbox, of one operation, the UIDs follow each other. */
static void
finish_append(struct imap *i, struct append *t)
{
	struct delivered *done;
	struct buf b;
	int rc = deliver(i, t, &done);

	if (rc < 0) {
		imap_done(i, refusal_of(rc));
		return;
	}
	buf_init_fixed(&b, t->reply, sizeof(t->reply) - 1);
	buf_put_str(&b, "OK [APPENDUID ");
	buf_put_u64(&b, done[0].uidvalidity);
	buf_put_char(&b, ' ');
	buf_put_u64(&b, done[0].uid);
	if (t->n_messages > 1) {
		buf_put_char(&b, ':');
		buf_put_u64(&b, done[t->n_messages - 1].uid);
	}
	buf_put_str(&b, "] Done");
	imap_done(i, t->reply);
}

/* --- the job --- */

/* Nothing is kept. l: as for imap_refuse; NULL: the line is whole. */
static void
give_up(struct imap *i, const char *refusal, const struct imap_literal *l)
{
	free_append(i);
	if (l != NULL)
		imap_refuse(i, refusal, l);
	else
		imap_done(i, refusal);
}

/* Bytes of a message. */
static enum imap_step
step_bytes(struct imap *i, struct append *t)
{
	struct append_message *m = t->last;
	struct span in = conn_in(i->conn);
	struct span piece = span_sub(
	    in, 0, t->left_bytes < in.len ? (size_t)t->left_bytes : in.len);
	const char *refusal = NULL;
	int rc;

	if (piece.len == 0)
		return IMAP_WAIT;
	mime_parser_feed(t->parser, piece);
	rc = upload_put(m->upload, piece);
	if (rc < 0)
		refusal = refusal_of(rc);
	else if (!m->literal.is_binary &&
	         span_find(piece, '\0') < piece.len) /* RFC 3516 4.4 */
		refusal = "NO [CANNOT] NUL needs a literal8";
	t->left_bytes -= piece.len;
	conn_consume(i->conn, piece.len);
	if (refusal == NULL && t->left_bytes == 0) {
		rc = end_message(t);
		if (rc < 0)
			refusal = refusal_of(rc);
	}
	if (refusal != NULL)
		give_up(i, refusal,
		    &(struct imap_literal){ .bytes = t->left_bytes });
	return IMAP_MORE;
}

/* What stands behind a message: its ")", and the next one or the end. */
static void
take_between(struct imap *i, struct append *t, struct span line)
{
	struct imap_literal l;
	const char *refusal;
	struct cur c = cur_of(line);
	bool is_literal = imap_ends_in_literal(line, &l);

	if (t->last->is_utf8 && !cur_skip(&c, ')'))
		refusal = refusal_of(ERR_SYNTAX);
	else if (cur_is_end(&c)) {
		finish_append(i, t);
		return;
	} else
		refusal = begin_message(i, t, &c);
	if (refusal != NULL)
		give_up(i, refusal, is_literal ? &l : NULL);
}

static enum imap_step
step_append(struct imap *i)
{
	struct append *t = i->task;
	struct span line, copy = SPAN("");
	struct imap_literal l;
	bool is_literal;
	size_t n;
	int rc;

	if (t->parser != NULL)
		return step_bytes(i, t);
	switch (imap_read_line(i, MAX_BETWEEN, &line, &n)) {
	case PARSE_MORE:
		return IMAP_WAIT;
	case PARSE_BAD:
		imap_refuse(i, "BAD [TOOBIG] The command is too long", NULL);
		return IMAP_MORE;
	case PARSE_OK:
		break;
	}
	is_literal = imap_ends_in_literal(line, &l);
	/* Keywords are looked at when all is there. */
	rc = arena_copy(&i->arena, line, &copy);
	conn_consume(i->conn, n);
	if (rc < 0)
		give_up(i, refusal_of(rc), is_literal ? &l : NULL);
	else
		take_between(i, t, copy);
	return IMAP_MORE;
}

static const struct imap_job append_job = { step_append, free_append, true };

/* The mailbox's name. ERR_SYNTAX, ERR_NONE: there is none; ERR_INVALID: there
 * cannot be. */
static int
parse_mailbox(struct imap *i, struct cur *args, uint32_t *mailbox_out)
{
	bool is_valid;
	struct span path;

	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_mailbox(
	        args, &i->arena, imap_is_utf8(i), &path, &is_valid) != PARSE_OK)
		return ERR_SYNTAX;
	if (!is_valid)
		return ERR_INVALID;
	return mailbox_find(i->env->store, i->account, path, mailbox_out);
}

void
imap_append(struct imap *i, struct cur *args)
{
	struct imap_literal l;
	bool is_literal = imap_ends_in_literal(cur_rest(args), &l);
	struct append *t = arena_alloc(&i->arena, sizeof(*t));
	const char *refusal = NULL;
	int rc = t == NULL ? ERR_NOMEM : parse_mailbox(i, args, &t->mailbox);

	if (rc == ERR_INVALID)
		refusal = "NO [CANNOT] No mailbox can have this name";
	else if (rc < 0)
		refusal = refusal_of(rc);
	else {
		imap_start_job(i, &append_job, t);
		refusal = begin_message(i, t, args);
	}
	if (refusal == NULL)
		return;
	if (is_literal)
		imap_refuse(i, refusal, &l);
	else
		imap_done(i, refusal);
}
