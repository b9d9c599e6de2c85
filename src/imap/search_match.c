#include "imap/search_match.h"

#include "base/clock.h"

#define DAY_S 86400
/* What a summary keeps of a field may be cut from here on: the header itself
 * must be looked at. */
#define FULL_FIELD_BYTES 8000
#define MAX_VALUE_BYTES  (64 * 1024)

static const char *const field_names[] = {
	[SEARCH_SUBJECT] = "Subject",
	[SEARCH_FROM] = "From",
	[SEARCH_TO] = "To",
	[SEARCH_CC] = "Cc",
	[SEARCH_BCC] = "Bcc",
	[SEARCH_SENDER] = "Sender",
	[SEARCH_REPLY_TO] = "Reply-To",
	[SEARCH_DATE] = "Date",
	[SEARCH_IN_REPLY_TO] = "In-Reply-To",
	[SEARCH_MESSAGE_ID] = "Message-ID",
};

/* --- one key --- */

/* The day of a time at its own place: the date, disregarding time and zone
 * (RFC 9051 6.4.4). */
static int64_t
day_of(int64_t unix_s, int zone_minutes)
{
	int64_t wall_s = unix_s + (int64_t)zone_minutes * 60;
	int64_t day = wall_s / DAY_S;

	return wall_s % DAY_S < 0 ? day - 1 : day;
}

static bool
match_record(const struct search_match *x, const struct search_key *k)
{
	const struct message *m = x->message;
	int64_t day = day_of(m->internal_date_s, m->zone_minutes);
	int64_t age_s = x->now_s - m->internal_date_s;

	switch (k->kind) {
	case SEARCH_FLAG:
		return (m->flags & k->number) != 0;
	case SEARCH_NEW:
		return rangeset_has(x->recent, m->uid) &&
		       !(m->flags & MESSAGE_SEEN);
	case SEARCH_KEYWORD:
		return (m->keywords & k->number) != 0;
	case SEARCH_LARGER:
		return m->bytes > k->number;
	case SEARCH_SMALLER:
		return m->bytes < k->number;
	case SEARCH_BEFORE:
		return day < k->day;
	case SEARCH_ON:
		return day == k->day;
	case SEARCH_SINCE:
		return day >= k->day;
	case SEARCH_SAVED_BEFORE:
		return day_of(m->saved_s, 0) < k->day;
	case SEARCH_SAVED_ON:
		return day_of(m->saved_s, 0) == k->day;
	case SEARCH_SAVED_SINCE:
		return day_of(m->saved_s, 0) >= k->day;
	case SEARCH_OLDER: /* RFC 5032 2 */
		return age_s >= (int64_t)k->number;
	case SEARCH_YOUNGER:
		return age_s <= (int64_t)k->number;
	case SEARCH_MODSEQ: /* RFC 7162 3.1.5 */
		return m->modseq >= k->number;
	case SEARCH_EMAILID:
		return m->body == k->number;
	case SEARCH_THREADID:
		return m->thread_id == k->number;
	default:
		return false;
	}
}

static bool
match_sent(const struct search_match *x, const struct search_key *k)
{
	int64_t day =
	    day_of(x->summary.sent_wall_s, x->summary.sent_zone_minutes);

	if (!(x->summary.flags & SUMMARY_HAS_DATE))
		return false;
	if (k->kind == SEARCH_SENT_BEFORE)
		return day < k->day;
	return k->kind == SEARCH_SENT_ON ? day == k->day : day >= k->day;
}

static struct span
envelope_field(const struct envelope *e, enum search_field field)
{
	switch (field) {
	case SEARCH_SUBJECT:
		return e->subject;
	case SEARCH_FROM:
		return e->from;
	case SEARCH_TO:
		return e->to;
	case SEARCH_CC:
		return e->cc;
	case SEARCH_BCC:
		return e->bcc;
	case SEARCH_SENDER:
		return e->sender;
	case SEARCH_REPLY_TO:
		return e->reply_to;
	case SEARCH_DATE:
		return e->date;
	case SEARCH_IN_REPLY_TO:
		return e->in_reply_to;
	case SEARCH_MESSAGE_ID:
		return e->message_id;
	}
	return span_of(NULL, 0);
}

/* Is the needle in a whole value? */
static bool
is_in_value(struct search_match *x, struct needle *n, struct span value)
{
	struct needle *list[1] = { n };
	struct needle_set set = { list, 1 };

	needle_reset(n);
	needle_begin(n);
	text_search_value(&x->search, &set, value);
	return n->is_found;
}

/* Addresses as ENVELOPE has them, in text: without comments, which can stand
 * within an address (RFC 5322 3.4.1). */
static bool
is_in_addresses(struct search_match *x, struct needle *n, struct span value)
{
	char storage[FULL_FIELD_BYTES];
	struct buf scratch;
	struct address_iter it;
	struct address a;

	buf_init_fixed(&scratch, storage, sizeof(storage));
	buf_reset(&x->value);
	address_iter_init(&it, value, &scratch);
	while (address_iter_next(&it, &a) == 0) {
		buf_put(&x->value, a.name);
		buf_put_str(&x->value, " <");
		buf_put(&x->value, a.mailbox);
		buf_put_char(&x->value, '@');
		buf_put(&x->value, a.host);
		buf_put_str(&x->value, "> ");
	}
	return is_in_value(x, n, buf_span(&x->value));
}

static bool
has_addresses(enum search_field f)
{
	return f == SEARCH_FROM || f == SEARCH_TO || f == SEARCH_CC ||
	       f == SEARCH_BCC || f == SEARCH_SENDER || f == SEARCH_REPLY_TO;
}

static enum search_answer
match_envelope(struct search_match *x, struct search_key *k)
{
	struct span value = envelope_field(&x->envelope, k->field);

	if (value.p == NULL)
		return SEARCH_NO;
	if (is_in_value(x, k->needle, value))
		return SEARCH_YES;
	if (has_addresses(k->field) && span_find(value, '(') < value.len &&
	    is_in_addresses(x, k->needle, value))
		return SEARCH_YES;
	return value.len >= FULL_FIELD_BYTES ? SEARCH_OPEN : SEARCH_NO;
}

/* A key with a needle that is looked for in header and body. */
static enum search_answer
match_found(const struct search_match *x, const struct search_key *k)
{
	if (k->needle->is_found)
		return SEARCH_YES;
	return x->is_over ? SEARCH_NO : SEARCH_OPEN;
}

static enum search_answer
match_key(struct search_match *x, struct search_key *k)
{
	bool is_match;

	switch (k->kind) {
	case SEARCH_ALL:
		return SEARCH_YES;
	case SEARCH_SET:
		is_match = k->uids != NULL && rangeset_has(k->uids, x->uid);
		break;
	case SEARCH_RECENT:
		is_match = rangeset_has(x->recent, x->uid);
		break;
	case SEARCH_SENT_BEFORE:
	case SEARCH_SENT_ON:
	case SEARCH_SENT_SINCE:
		is_match = match_sent(x, k);
		break;
	case SEARCH_ENVELOPE:
		if (k->answer == SEARCH_OPEN && !x->is_over)
			k->answer = match_envelope(x, k);
		return x->is_over && k->answer == SEARCH_OPEN ? SEARCH_NO
		                                              : k->answer;
	case SEARCH_HEADER:
		return x->is_over && k->answer == SEARCH_OPEN ? SEARCH_NO
		                                              : k->answer;
	case SEARCH_BODY:
	case SEARCH_TEXT:
		return match_found(x, k);
	default:
		is_match = match_record(x, k);
		break;
	}
	return is_match ? SEARCH_YES : SEARCH_NO;
}

/* --- the tree --- */

/* What is known when so much was read. The parser bounds the depth. */
static enum search_answer
evaluate(struct search_match *x, struct search_key *k, enum search_level level)
{
	enum search_answer r, decisive;

	if (k->least > level)
		return SEARCH_OPEN;
	if (k->kind != SEARCH_AND && k->kind != SEARCH_OR) {
		r = match_key(x, k);
		goto out;
	}
	decisive = k->kind == SEARCH_AND ? SEARCH_NO : SEARCH_YES;
	r = k->kind == SEARCH_AND ? SEARCH_YES : SEARCH_NO;
	for (struct search_key *c = k->first; c != NULL; c = c->next) {
		enum search_answer of_child = evaluate(x, c, level);

		if (of_child == decisive) {
			r = decisive;
			break;
		}
		if (of_child == SEARCH_OPEN)
			r = SEARCH_OPEN;
	}
out:
	if (k->is_not && r != SEARCH_OPEN)
		r = r == SEARCH_YES ? SEARCH_NO : SEARCH_YES;
	return r;
}

enum search_answer
search_match_uid(struct search_match *x, uint32_t uid)
{
	x->uid = uid;
	return evaluate(x, x->program->root, SEARCH_NOTHING);
}

/* All that can be read was. */
static enum search_answer
give_up(struct search_match *x)
{
	x->is_over = true;
	return evaluate(x, x->program->root, SEARCH_IN_BODY);
}

/* --- preparing --- */

static void
collect(struct search_match *x, struct search_key *k)
{
	for (; k != NULL; k = k->next) {
		if (k->first != NULL)
			collect(x, k->first);
		if (k->needle == NULL)
			continue;
		x->keys[x->n_keys++] = k;
		if (k->kind == SEARCH_TEXT)
			x->text.list[x->text.n++] = k->needle;
		if (k->kind == SEARCH_TEXT || k->kind == SEARCH_BODY)
			x->all.list[x->all.n++] = k->needle;
	}
}

int
search_match_init(struct search_match *x, struct store *s, struct arena *a,
    const struct search_program *program, const struct rangeset *recent)
{
	size_t n = program->n_needles + 1;

	*x = (struct search_match){
		.store = s, .program = program, .recent = recent
	};
	x->now_s = clock_wall_s();
	text_search_init(&x->search);
	header_parser_init(&x->header, 0, NULL, MAX_VALUE_BYTES / 4);
	buf_init(&x->blob, MAX_SUMMARY_BYTES);
	buf_init(&x->piece, TEXT_SEARCH_PIECE);
	buf_init(&x->value, MAX_VALUE_BYTES);
	x->keys = arena_alloc(a, n * sizeof(*x->keys));
	x->text.list = arena_alloc(a, n * sizeof(*x->text.list));
	x->all.list = arena_alloc(a, n * sizeof(*x->all.list));
	if (x->keys == NULL || x->text.list == NULL || x->all.list == NULL)
		return ERR_NOMEM;
	collect(x, program->root);
	/* A step takes as long with many needles as with a few. */
	x->piece_bytes = TEXT_SEARCH_PIECE;
	if (program->n_needles > 8)
		x->piece_bytes = TEXT_SEARCH_PIECE / 8;
	return 0;
}

void
search_match_deinit(struct search_match *x)
{
	text_search_deinit(&x->search);
	header_parser_deinit(&x->header);
	buf_deinit(&x->blob);
	buf_deinit(&x->piece);
	buf_deinit(&x->value);
}

bool
search_match_failed(const struct search_match *x)
{
	return x->has_failed || x->search.has_failed || x->header.has_failed;
}

/* --- the beginning of a message --- */

/* What cannot be read is not there; but for a lack of memory, which is not the
 * message's fault. The buffers have room for all that there may be. */
static void
note_error(struct search_match *x, int rc)
{
	if (rc == ERR_NOMEM || rc == ERR_LIMIT)
		x->has_failed = true;
}

/* Read the summary, and the envelope of the message. */
static int
load_summary(struct search_match *x)
{
	int rc;

	buf_reset(&x->blob);
	rc = body_summary(x->store, x->message->body, &x->blob);
	if (rc == 0)
		rc = summary_open(buf_span(&x->blob), &x->summary);
	if (rc == 0) {
		x->parts = summary_parts(&x->summary);
		rc = summary_part_next(&x->parts, &x->part);
	}
	if (rc < 0) {
		note_error(x, rc);
		x->summary = (struct summary){ 0 };
		x->part = (struct summary_part){ 0 };
	}
	x->envelope = x->part.envelope;
	return rc;
}

static void
forget(struct search_match *x, const struct message *m)
{
	x->message = m;
	x->uid = m->uid;
	x->is_over = false;
	for (uint32_t i = 0; i < x->n_keys; i++) {
		x->keys[i]->answer = SEARCH_OPEN;
		needle_reset(x->keys[i]->needle);
	}
}

/* Is an answer still to be found in the header? */
static bool
needs_header(const struct search_match *x)
{
	for (uint32_t i = 0; i < x->n_keys; i++) {
		const struct search_key *k = x->keys[i];

		if (k->kind == SEARCH_TEXT ||
		    (k->kind != SEARCH_BODY && k->answer == SEARCH_OPEN))
			return true;
	}
	return false;
}

/* The texts of the message come next, from its root's on. */
static enum search_answer
begin_body(struct search_match *x)
{
	if (x->program->deepest < SEARCH_IN_BODY)
		return give_up(x);
	x->phase = SEARCH_AT_PART;
	return SEARCH_OPEN;
}

enum search_answer
search_match_message(struct search_match *x, const struct message *m)
{
	enum search_answer r;

	forget(x, m);
	r = evaluate(x, x->program->root, SEARCH_RECORD);
	if (r != SEARCH_OPEN)
		return r;
	if (load_summary(x) < 0)
		return give_up(x);
	r = evaluate(x, x->program->root, SEARCH_SUMMARY);
	if (r != SEARCH_OPEN)
		return r;
	if (!needs_header(x))
		return begin_body(x);
	x->phase = SEARCH_AT_HEADER;
	x->at = 0;
	x->end = x->summary.header_bytes;
	header_parser_again(&x->header, 0);
	return SEARCH_OPEN;
}

/* --- headers --- */

/* "Name: value" for the keys that look at all of a header. */
static void
search_field(
    struct search_match *x, const struct needle_set *set, const struct field *f)
{
	needle_set_begin(set);
	needle_set_feed(set, f->name);
	needle_set_feed(set, SPAN(": "));
	text_search_value(&x->search, set, f->value);
}

static bool
is_field_of(const struct search_key *k, struct span name)
{
	if (k->kind == SEARCH_HEADER)
		return span_is_nocase(name, k->text);
	return k->kind == SEARCH_ENVELOPE &&
	       span_is_nocase(name, span_str(field_names[k->field]));
}

static void
take_field(struct search_match *x, struct field *f, bool is_root)
{
	const struct needle_set *set =
	    is_root || !(x->part.flags & PART_HAS_ENVELOPE) ? &x->text
	                                                    : &x->all;

	buf_reset(&x->value);
	header_put_unfolded(&x->value, f->value);
	if (buf_failed(&x->value))
		x->has_failed = true;
	f->value = buf_span(&x->value);
	if (set->n > 0)
		search_field(x, set, f);
	for (uint32_t i = 0; i < x->n_keys && is_root; i++) {
		struct search_key *k = x->keys[i];

		if (k->answer == SEARCH_OPEN && is_field_of(k, f->name) &&
		    is_in_value(x, k->needle, f->value))
			k->answer = SEARCH_YES;
	}
}

/* Have the next bytes in piece. Returns false when there are no more. */
static bool
read_piece(struct search_match *x)
{
	size_t n = x->end - x->at < x->piece_bytes ? (size_t)(x->end - x->at)
	                                           : x->piece_bytes;
	int rc;

	buf_reset(&x->piece);
	if (n == 0)
		return false;
	rc = body_read(x->store, x->message->body, x->at, n, &x->piece);
	if (rc < 0) {
		note_error(x, rc);
		return false;
	}
	x->at += x->piece.len;
	return x->piece.len > 0;
}

/* Returns false at the end of the header. */
static bool
step_header(struct search_match *x, bool is_root)
{
	struct field f;
	struct cur c;

	if (read_piece(x)) {
		c = cur_of(buf_span(&x->piece));
		for (;;) {
			switch (header_parser_step(&x->header, &c, &f)) {
			case HEADER_MORE:
				return true;
			case HEADER_FIELD:
				take_field(x, &f, is_root);
				break;
			case HEADER_END:
				return false;
			}
		}
	}
	while (header_parser_finish(&x->header, &f) == HEADER_FIELD)
		take_field(x, &f, is_root);
	return false;
}

/* --- parts --- */

/* Is there text in a part that has no parts? */
static bool
is_text(const struct summary_part *p)
{
	if (p->flags & (PART_IS_MULTIPART | PART_IS_MESSAGE))
		return false;
	return span_is(p->type, SPAN("text")) ||
	       span_is(p->type, SPAN("message")) ||
	       span_is(p->type, SPAN("multipart"));
}

static struct span
charset_of(const struct summary_part *p)
{
	struct cur c = cur_of(p->params);
	struct span name, value;

	while (summary_param_next(&c, &name, &value) == 0) {
		if (span_is_nocase(name, SPAN("charset")))
			return value;
		if (span_is_nocase(name, SPAN("charset*"))) { /* RFC 2231 4 */
			(void)span_split(&value, '\'');
			(void)span_split(&value, '\'');
			return value;
		}
	}
	return SPAN("us-ascii"); /* RFC 2045 5.2 */
}

static enum search_answer
next_part(struct search_match *x)
{
	x->phase = SEARCH_AT_PART;
	if (summary_part_next(&x->parts, &x->part) < 0)
		return give_up(x);
	return SEARCH_OPEN;
}

static enum search_answer
begin_text(struct search_match *x)
{
	const struct summary_part *p = &x->part;

	if (!is_text(p)) {
		x->phase = SEARCH_AT_PART;
		return summary_part_next(&x->parts, &x->part) < 0 ? give_up(x)
		                                                  : SEARCH_OPEN;
	}
	x->at = p->body_start;
	x->end = p->body_end;
	x->phase = SEARCH_AT_TEXT;
	/* A multipart that was not looked into: as it stands. */
	text_search_begin(&x->search, &x->all,
	    span_is(p->type, SPAN("multipart")) ? SPAN("") : p->encoding,
	    charset_of(p));
	return SEARCH_OPEN;
}

/* A part: its header first, where that counts. The header of the message was
 * searched before. */
static enum search_answer
begin_part(struct search_match *x)
{
	const struct summary_part *p = &x->part;
	bool is_message = p->flags & PART_HAS_ENVELOPE;

	if (p->depth == 0 || (!is_message && x->text.n == 0))
		return begin_text(x);
	x->at = p->header_start;
	x->end = p->body_start;
	x->phase = SEARCH_AT_PART_HEADER;
	header_parser_again(&x->header, p->header_start);
	return SEARCH_OPEN;
}

/* Returns false at the end of the text. */
static bool
step_text(struct search_match *x)
{
	if (read_piece(x)) {
		text_search_feed(&x->search, &x->all, buf_span(&x->piece));
		if (x->at < x->end)
			return true;
	}
	text_search_end(&x->search, &x->all);
	return false;
}

enum search_answer
search_match_step(struct search_match *x)
{
	enum search_answer r = SEARCH_OPEN;

	switch (x->phase) {
	case SEARCH_AT_HEADER:
		if (!step_header(x, true))
			r = begin_body(x);
		break;
	case SEARCH_AT_PART:
		r = begin_part(x);
		break;
	case SEARCH_AT_PART_HEADER:
		if (!step_header(x, false))
			r = begin_text(x);
		break;
	case SEARCH_AT_TEXT:
		if (!step_text(x))
			r = next_part(x);
		break;
	}
	if (r != SEARCH_OPEN)
		return r;
	return evaluate(x, x->program->root, SEARCH_IN_BODY);
}
