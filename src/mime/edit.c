#include "mime/edit.h"

#include "base/ascii.h"
#include "mime/header.h"
#include "mime/token.h"

enum {
	AT_LINE, /* at the start of a line */
	IN_CR,   /* CR at the start of a line */
	IN_NAME, /* a name is held */
	IN_KEPT, /* in a field that stays */
	IN_FROM, /* the same, and looked at */
	IN_TLS,
	IN_REMOVED,
	IN_HELD,  /* whose Authentication-Results it is, is not known yet */
	KEPT_EOL, /* at the start of the next line: is it folded? */
	FROM_EOL,
	TLS_EOL,
	REMOVED_EOL,
	HELD_EOL,
	IN_BODY
};

_Static_assert(sizeof(struct header_edit) <= 224,
    "part of an SMTP session: bytes are lent, not kept");

void
header_edit_init(struct header_edit *e, unsigned remove)
{
	*e = (struct header_edit){ .remove = remove };
	buf_init(&e->from, MAX_EDIT_FROM_BYTES);
	buf_init(&e->held, MAX_EDIT_HELD_BYTES);
}

void
header_edit_deinit(struct header_edit *e)
{
	buf_deinit(&e->from);
	buf_deinit(&e->held);
}

/* Make From values one clean list: fold ends out, one line. */
static void
keep_from(struct header_edit *e, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0')
			buf_put_char(&e->from, s.p[i]);
	if (buf_failed(&e->from))
		e->is_from_cut = true;
}

static void
keep_tls(struct header_edit *e, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_wsp(s.p[i]) && s.p[i] != '\r' && s.p[i] != '\n' &&
		    e->n_tls < sizeof(e->tls))
			e->tls[e->n_tls++] = s.p[i];
}

/* Said twice it says nothing sure. */
bool
header_edit_is_tls_optional(const struct header_edit *e)
{
	return e->n_tls_fields == 1 &&
	       span_is_nocase(span_of(e->tls, e->n_tls), SPAN("No"));
}

static bool
is_removed(const struct header_edit *e, struct span name)
{
	if ((e->remove & EDIT_BCC) &&
	    (span_is_nocase(name, SPAN("Bcc")) ||
	        span_is_nocase(name, SPAN("Resent-Bcc"))))
		return true;
	return (e->remove & EDIT_RETURN_PATH) &&
	       span_is_nocase(name, SPAN("Return-Path"));
}

/* The name is known (up to the colon): count it, and choose. */
static uint8_t
judge(struct header_edit *e)
{
	/* RFC 5322 4.5: obsolete syntax has space before the colon. */
	struct span name = span_trim(span_of(e->hold, e->n_hold));

	if (is_removed(e, name))
		return IN_REMOVED;
	if (span_is_nocase(name, SPAN("Received")))
		e->n_received++;
	else if (span_is_nocase(name, SPAN("Date")))
		e->n_date++;
	else if (span_is_nocase(name, SPAN("Message-ID")))
		e->n_message_id++;
	else if (span_is_nocase(name, SPAN("Sender")))
		e->n_sender++;
	else if (span_is_nocase(name, SPAN("From"))) {
		if (e->n_from++ > 0)
			buf_put(&e->from, SPAN(", "));
		return IN_FROM;
	} else if (span_is_nocase(name, SPAN("TLS-Required"))) {
		if (e->n_tls_fields < 2)
			e->n_tls_fields++;
		return IN_TLS;
	} else if (e->results_of.len > 0 &&
	           span_is_nocase(name, SPAN("Authentication-Results"))) {
		return IN_HELD;
	}
	return IN_KEPT;
}

/* A name that is held at its full length has no more but space behind it: it
 * is one that is looked at, hidden from us, and not from everybody. */
static bool
is_hidden(const struct header_edit *e)
{
	struct span name = span_trim(span_of(e->hold, e->n_hold));

	return e->n_hold == MAX_FIELD_NAME_BYTES &&
	       (is_removed(e, name) || span_is_nocase(name, SPAN("From")) ||
	           span_is_nocase(name, SPAN("Authentication-Results")));
}

/* Hold bytes of a name. True: *keep is what was held, to be kept. */
static bool
step_name(struct header_edit *e, struct cur *c, struct span *keep)
{
	while (c->p < c->end) {
		char ch = *c->p;

		if (ch != ':' && ch != '\n' &&
		    e->n_hold < MAX_FIELD_NAME_BYTES) {
			e->hold[e->n_hold++] = ch;
			c->p++;
			continue;
		}
		/* Too long for any name that matters, or no field at all. */
		e->state = ch == ':'      ? judge(e)
		           : is_hidden(e) ? IN_REMOVED
		                          : IN_KEPT;
		*keep = span_of(e->hold, e->n_hold);
		e->n_hold = 0;
		if ((e->state == IN_FROM || e->state == IN_TLS) &&
		    c->p++ < c->end) {
			/* The colon is kept, but is not part of the value. */
			e->hold[keep->len] = ':';
			keep->len++;
		}
		if (e->state == IN_HELD) {
			buf_reset(&e->held);
			buf_put(&e->held, *keep);
			return false;
		}
		return e->state != IN_REMOVED;
	}
	return false;
}

/* --- Authentication-Results --- */

enum whose { NOT_KNOWN, OURS, THEIRS };

/* The name stands in front of everything but comments (RFC 8601 2.2). The
 * first token tells when something stands behind it. */
static enum whose
judge_held(struct header_edit *e, bool is_all)
{
	struct span held = buf_span(&e->held);
	struct span value = span_sub(held, span_find(held, ':') + 1, held.len);
	struct cur c = cur_of(value);
	struct token id = token_next(&c, TOKEN_MIME_SPECIALS);
	char storage[MAX_EDIT_HELD_BYTES];
	struct buf name;

	if (buf_failed(&e->held))
		return OURS;
	if (!is_all && cur_is_end(&c))
		return NOT_KNOWN;
	if (id.kind != TOKEN_ATOM && id.kind != TOKEN_QUOTED)
		return OURS; /* nobody's: it helps nobody */
	buf_init_fixed(&name, storage, sizeof(storage));
	if (id.kind == TOKEN_QUOTED)
		token_put_unquoted(&name, id.text);
	else
		buf_put(&name, id.text);
	return span_is_nocase(span_trim(buf_span(&name)), e->results_of)
	           ? OURS
	           : THEIRS;
}

/* Hold more of the line. True: it stays, and *keep is what was held. */
static bool
step_held(struct header_edit *e, struct cur *c, struct span *keep)
{
	struct span rest = cur_rest(c);
	size_t room = MAX_EDIT_HELD_BYTES - e->held.len;
	size_t n = span_find(rest, '\n');
	bool is_line = n < rest.len && n < room;
	enum whose whose;

	n = is_line ? n + 1 : rest.len < room ? rest.len : room;
	buf_put(&e->held, span_sub(rest, 0, n));
	c->p += n;
	whose = NOT_KNOWN;
	if (is_line || e->held.len == MAX_EDIT_HELD_BYTES ||
	    buf_failed(&e->held))
		whose = judge_held(e, false);
	if (whose == NOT_KNOWN && e->held.len == MAX_EDIT_HELD_BYTES)
		whose = OURS;
	*keep = buf_span(&e->held);
	if (whose == NOT_KNOWN)
		e->state = is_line ? HELD_EOL : IN_HELD;
	else if (whose == OURS)
		e->state = is_line ? REMOVED_EOL : IN_REMOVED;
	else
		e->state = is_line ? KEPT_EOL : IN_KEPT;
	return whose == THEIRS;
}

/* The held field has ended, or goes on in the next line. */
static bool
step_held_fold(struct header_edit *e, const struct cur *c, struct span *keep)
{
	if (ascii_is_wsp(*c->p)) {
		e->state = IN_HELD;
		return false;
	}
	e->state = AT_LINE;
	*keep = buf_span(&e->held);
	return judge_held(e, true) == THEIRS;
}

/* Take the rest of a line of a field. */
static bool
step_field(struct header_edit *e, struct cur *c, struct span *keep)
{
	struct span rest = cur_rest(c);
	size_t n = span_find(rest, '\n');

	if (n < rest.len) {
		n++;
		e->state = e->state == IN_FROM      ? FROM_EOL
		           : e->state == IN_TLS     ? TLS_EOL
		           : e->state == IN_REMOVED ? REMOVED_EOL
		                                    : KEPT_EOL;
	}
	*keep = span_sub(rest, 0, n);
	c->p += n;
	if (e->state == IN_FROM || e->state == FROM_EOL)
		keep_from(e, *keep);
	else if (e->state == IN_TLS || e->state == TLS_EOL)
		keep_tls(e, *keep);
	return e->state != IN_REMOVED && e->state != REMOVED_EOL;
}

/* At the first byte of a line behind a field: folded, or a new one. */
static void
step_fold(struct header_edit *e, const struct cur *c)
{
	if (!ascii_is_wsp(*c->p))
		e->state = AT_LINE;
	else
		e->state = e->state == FROM_EOL      ? IN_FROM
		           : e->state == TLS_EOL     ? IN_TLS
		           : e->state == REMOVED_EOL ? IN_REMOVED
		                                     : IN_KEPT;
}

static void
step_line(struct header_edit *e, struct cur *c)
{
	if (*c->p == '\n') {
		e->is_over = true;
		e->state = IN_BODY;
	} else if (*c->p == '\r') {
		c->p++;
		e->state = IN_CR;
	} else {
		e->state = IN_NAME;
	}
}

/* CR is held: the blank line, or a stray CR that begins a name. */
static bool
step_cr(struct header_edit *e, struct cur *c, struct span *keep)
{
	if (*c->p == '\n') {
		c->p++;
		e->is_over = true;
		e->state = IN_BODY;
		*keep = SPAN("\r\n");
		return true;
	}
	e->hold[0] = '\r';
	e->n_hold = 1;
	e->state = IN_NAME;
	return false;
}

bool
header_edit_step(struct header_edit *e, struct cur *c, struct span *keep)
{
	while (c->p < c->end) {
		switch (e->state) {
		case AT_LINE:
			step_line(e, c);
			break;
		case IN_CR:
			if (step_cr(e, c, keep))
				return true;
			break;
		case IN_NAME:
			if (step_name(e, c, keep))
				return true;
			break;
		case IN_KEPT:
		case IN_FROM:
		case IN_TLS:
		case IN_REMOVED:
			if (step_field(e, c, keep))
				return true;
			break;
		case IN_HELD:
			if (step_held(e, c, keep))
				return true;
			break;
		case HELD_EOL:
			if (step_held_fold(e, c, keep))
				return true;
			break;
		case KEPT_EOL:
		case FROM_EOL:
		case TLS_EOL:
		case REMOVED_EOL:
			step_fold(e, c);
			break;
		case IN_BODY:
			*keep = cur_rest(c);
			c->p = c->end;
			return true;
		}
	}
	return false;
}

bool
header_edit_finish(struct header_edit *e, struct span *keep)
{
	bool has_held = e->state == IN_CR || e->n_hold > 0;

	*keep = e->state == IN_CR ? SPAN("\r") : span_of(e->hold, e->n_hold);
	if (e->state == IN_HELD || e->state == HELD_EOL) {
		has_held = judge_held(e, true) == THEIRS;
		*keep = buf_span(&e->held);
	}
	e->n_hold = 0;
	e->is_over = true;
	e->state = IN_BODY;
	return has_held;
}
