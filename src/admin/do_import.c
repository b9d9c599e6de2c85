/* do_import.c - messages from the client into somebody's mailboxes.
 *
 *	ITEM "S" KEY		where did this source stop? Answered by an
 *				ITEM with the position, empty: never begun
 *	ITEM "B" USE HOW PATH	deliver to this mailbox, which is made if it is
 *				missing. HOW: 1 in addition to those chosen
 *				before, 2 subscribe if it is made, 4 if the
 *				person has a mailbox of USE, that one stands
 *				for the path's first level
 *	ITEM "U" USE HOW PATH	subscribe
 *	ITEM "M"		a message
 *	DATA ...		its bytes, any line ends
 *	ITEM_END meta		flags (2 bytes), date (8), zone in minutes (2),
 *				1 if a sane Date field is better (1), keywords
 *				with spaces between (2 and the text), then the
 *				position behind it in its source
 *	END
 *
 * The position is put into the store in the turn that delivers the message,
 * so that after any interruption the import goes on without doubles.
 */
#include "admin/do.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mime/mime.h"
#include "store/store.h"

#define MAX_KEY_BYTES      32
#define MAX_POSITION_BYTES 400
/* Of one message: Gmail's labels. */
#define MAX_IMPORT_BOXES 32

/* Of dates: the year 9999; of zones: a day. */
#define MAX_DATE_S       253402300799
#define MAX_ZONE_MINUTES (24 * 60)
#define DAY_S            (24 * 60 * 60)

#define HOW_MORE      1
#define HOW_SUBSCRIBE 2
#define HOW_MAP       4

struct import {
	uint32_t account;
	uint32_t boxes[MAX_IMPORT_BOXES];
	size_t n_boxes;
	bool has_told_keywords; /* that some do not fit */
	char key[MAX_SETTING_KEY_BYTES];
	size_t key_len;
	struct upload *upload;
	struct mime_parser *parser;
	struct crlf_stream crlf;
	struct buf text; /* of one piece, with CRLF */
	uint64_t n_messages;
};

int
do_import_start(struct run *r)
{
	struct import *im = run_new_state(r, sizeof(*im));

	if (!im)
		return ERR_NOMEM;
	buf_init(&im->text, 3 * MAX_FRAME_BYTES);
	return run_find_person(r, run_arg(r, "ADDRESS"), &im->account);
}

static void
drop_message(struct import *im)
{
	upload_free(im->upload);
	im->upload = NULL;
	mime_parser_free(im->parser);
	im->parser = NULL;
}

void
do_import_stop(struct run *r)
{
	struct import *im = r->state;

	drop_message(im);
	buf_deinit(&im->text);
}

/* End the command with an error; what was delivered stays. */
static int
give_up(struct run *r, int rc)
{
	struct import *im = r->state;

	drop_message(im);
	if (rc == ERR_QUOTA)
		run_fail(r,
		    "The quota is used up after %llu messages: raise "
		    "it (`tinpost user quota`), then run the import "
		    "again; it goes on there.",
		    (unsigned long long)im->n_messages);
	else if (rc == ERR_NONE)
		run_fail(r, "A mailbox was deleted while the import filled it: "
		            "run the import again; it goes on there.");
	else
		run_error(r, rc, SPAN("The import"));
	r->phase = RUN_ENDED;
	return 0;
}

/* --- the source --- */

static int
take_source(struct run *r, struct span key)
{
	struct import *im = r->state;
	struct buf b, *answer;
	int rc;

	if (key.len == 0 || key.len > MAX_KEY_BYTES)
		return ERR_SYNTAX;
	buf_init_fixed(&b, im->key, sizeof(im->key));
	buf_putf(&b, "import.%u.", (unsigned)im->account);
	buf_put(&b, key);
	im->key_len = b.len;
	answer = run_begin(r, FRAME_ITEM);
	rc =
	    setting_get(r->admin->store, span_of(im->key, im->key_len), answer);
	run_end(r);
	return rc == ERR_NONE ? 0 : rc;
}

/* --- mailboxes --- */

/* Children of the top that are looked at to find one of a use. */
#define MAX_LOOK 1000

/* The person's mailbox of a use, at the top. ERR_NONE. */
static int
find_use(struct store *s, uint32_t account, enum special_use use, uint32_t *out)
{
	char storage[MAX_MAILBOX_PART];
	struct mailbox_view v;
	struct buf name;
	int rc = 0;

	buf_init_fixed(&name, storage, sizeof(storage));
	for (int i = 0; rc == 0 && i < MAX_LOOK; i++) {
		rc = mailbox_next_child(s, account, 0, &name, out);
		if (rc == 0 && mailbox_get(s, *out, &v) == 0 &&
		    v.special_use == use)
			return 0;
	}
	return rc < 0 ? rc : ERR_NONE;
}

/* Put the path that is meant into out; *use_out: what to make it for. */
static int
resolve_path(struct run *r, enum special_use use, int how, struct span path,
    struct buf *out, enum special_use *use_out)
{
	struct import *im = r->state;
	struct span rest = path;
	uint32_t id;
	int rc = ERR_NONE;

	*use_out = SPECIAL_NONE;
	(void)span_split(&rest, '/');
	if (use != SPECIAL_NONE)
		rc = find_use(r->admin->store, im->account, use, &id);
	if (use != SPECIAL_NONE && rc == ERR_NONE && rest.len == 0)
		*use_out = use;
	if (rc == 0 && (how & HOW_MAP)) {
		rc = mailbox_path(r->admin->store, id, out);
		if (rest.len > 0)
			buf_put_char(out, '/');
		buf_put(out, rest);
	} else {
		buf_put(out, path);
	}
	if (rc < 0 && rc != ERR_NONE)
		return rc;
	return buf_failed(out) ? ERR_LIMIT : 0;
}

static int
find_or_make(struct run *r, enum special_use use, int how, struct span path,
    uint32_t *id)
{
	struct import *im = r->state;
	struct store *s = r->admin->store;
	int rc = mailbox_find(s, im->account, path, id);

	if (rc != ERR_NONE)
		return rc;
	rc = mailbox_create(s, im->account, path, use, id);
	if (rc < 0 || !(how & HOW_SUBSCRIBE))
		return rc;
	rc = mailbox_subscribe(s, im->account, path);
	return rc == ERR_LIMIT ? 0 : rc; /* too long to be subscribed to */
}

/* What can be no name is the end of the command. */
static int
refuse_path(struct run *r, int rc, struct span path)
{
	if (rc != ERR_INVALID && rc != ERR_LIMIT)
		return rc;
	run_fail(r,
	    "\"%.*s\" cannot be the name of a mailbox, or there are too many: "
	    "rename the folder, or import it with --mailbox.",
	    RUN_SPAN(path));
	r->phase = RUN_ENDED;
	return 0;
}

/* "B" or "U". */
static int
take_path(struct run *r, bool is_subscription, struct span payload)
{
	struct import *im = r->state;
	char storage[MAX_MAILBOX_PATH];
	enum special_use use;
	struct span path;
	struct buf b;
	uint32_t id = 0;
	int rc, how;

	if (payload.len < 3 || (unsigned char)payload.p[0] > SPECIAL_ARCHIVE)
		return ERR_SYNTAX;
	how = payload.p[1];
	path = span_sub(payload, 2, payload.len);
	buf_init_fixed(&b, storage, sizeof(storage));
	rc = resolve_path(
	    r, (enum special_use)payload.p[0], how, path, &b, &use);
	if (rc == 0 && is_subscription) {
		rc = mailbox_subscribe(
		    r->admin->store, im->account, buf_span(&b));
		return rc == ERR_LIMIT ? 0 : rc;
	}
	if (rc == 0)
		rc = find_or_make(r, use, how, buf_span(&b), &id);
	if (rc < 0)
		return refuse_path(r, rc, path);
	if (!(how & HOW_MORE))
		im->n_boxes = 0;
	for (size_t i = 0; i < im->n_boxes; i++)
		if (im->boxes[i] == id)
			return 0; /* two names for one */
	if (im->n_boxes == MAX_IMPORT_BOXES)
		return ERR_SYNTAX;
	im->boxes[im->n_boxes++] = id;
	return 0;
}

/* --- a message --- */

static int
begin_message(struct run *r)
{
	struct import *im = r->state;

	if (im->n_boxes == 0)
		return ERR_SYNTAX;
	memset(&im->crlf, 0, sizeof(im->crlf));
	im->parser = mime_parser_new();
	if (!im->parser)
		return ERR_NOMEM;
	return upload_new(r->admin->store, &im->upload);
}

static int
keep(struct import *im)
{
	int rc;

	if (buf_failed(&im->text))
		return ERR_NOMEM;
	if (im->text.len == 0)
		return 0;
	mime_parser_feed(im->parser, buf_span(&im->text));
	rc = upload_put(im->upload, buf_span(&im->text));
	buf_reset(&im->text);
	return rc;
}

static int
take_data(struct import *im, struct span piece)
{
	if (!im->upload)
		return ERR_SYNTAX;
	crlf_stream_step(&im->crlf, piece, &im->text);
	return keep(im);
}

struct meta {
	uint16_t flags;
	bool is_date_weak;
	int16_t zone_minutes;
	int64_t date_s;
	struct span keywords;
	struct span position;
};

static int
parse_meta(struct span payload, struct meta *m)
{
	struct cur c = cur_of(payload);
	uint16_t zone, len;
	uint8_t weak;
	uint64_t date;

	if (cur_be16(&c, &m->flags) != PARSE_OK ||
	    cur_be64(&c, &date) != PARSE_OK ||
	    cur_be16(&c, &zone) != PARSE_OK || cur_u8(&c, &weak) != PARSE_OK ||
	    cur_be16(&c, &len) != PARSE_OK || cur_left(&c) < len)
		return ERR_SYNTAX;
	m->flags &= MESSAGE_FLAGS;
	m->date_s = (int64_t)date;
	m->zone_minutes = (int16_t)zone;
	m->is_date_weak = weak != 0;
	m->keywords = span_sub(cur_rest(&c), 0, len);
	m->position = span_sub(cur_rest(&c), len, cur_left(&c));
	if (m->date_s < 0 || m->date_s > MAX_DATE_S ||
	    m->zone_minutes < -MAX_ZONE_MINUTES ||
	    m->zone_minutes > MAX_ZONE_MINUTES ||
	    m->position.len > MAX_POSITION_BYTES)
		return ERR_SYNTAX;
	return 0;
}

/* The bits of a message's keywords in a mailbox. What does not fit (64 in a
 * mailbox) or is no keyword is left out, and told of once. */
static int
find_keywords(
    struct run *r, uint32_t mailbox, struct span words, uint64_t *bits)
{
	struct import *im = r->state;

	*bits = 0;
	while (words.len > 0) {
		struct span word = span_split(&words, ' ');
		unsigned bit = 0;
		int rc;

		if (word.len == 0)
			continue;
		rc = mailbox_add_keyword(r->admin->store, mailbox, word, &bit);
		if (rc == 0)
			*bits |= (uint64_t)1 << bit;
		else if (rc != ERR_LIMIT && rc != ERR_INVALID)
			return rc;
		else if (!im->has_told_keywords)
			run_warn(r,
			    "The keyword \"%.*s\" is left out: a mailbox has "
			    "at most %d, of ASCII letters and signs. It may "
			    "not be the only one.",
			    RUN_SPAN(word), MAX_KEYWORDS);
		im->has_told_keywords |= rc < 0;
	}
	return 0;
}

/* The date, from the message's own field if that is to be and is sane. */
static void
take_date(const struct meta *m, const struct summary *s, struct delivery *d)
{
	bool is_sane = (s->flags & SUMMARY_HAS_DATE) && s->sent_wall_s > 0 &&
	               s->sent_wall_s < clock_wall_s() + DAY_S;

	d->internal_date_s = m->date_s;
	d->zone_minutes = m->zone_minutes;
	if (m->is_date_weak && is_sane) {
		d->internal_date_s = s->sent_wall_s;
		d->zone_minutes = (int16_t)s->sent_zone_minutes;
	}
}

static int
deliver(struct run *r, const struct meta *m, struct span summary)
{
	struct import *im = r->state;
	struct delivery_to to[MAX_IMPORT_BOXES];
	struct delivery d = { .to = to, .n_to = im->n_boxes };
	struct summary parsed = { 0 };
	struct body body;
	int rc = upload_finish(im->upload, span_of(NULL, 0), summary, &body);

	if (rc < 0)
		return rc;
	if (!account_has_room(
	        r->admin->store, im->account, body_bytes(&body) * im->n_boxes))
		return ERR_QUOTA;
	if (summary_open(summary, &parsed) == 0)
		d.thread_id = parsed.thread_root;
	take_date(m, &parsed, &d);
	d.body = &body;
	for (size_t i = 0; rc == 0 && i < im->n_boxes; i++) {
		to[i] = (struct delivery_to){ im->boxes[i], m->flags, 0 };
		rc = find_keywords(
		    r, im->boxes[i], m->keywords, &to[i].keywords);
	}
	if (rc == 0)
		rc = mailbox_deliver(r->admin->store, &d, NULL, NULL);
	if (rc < 0)
		return rc;
	return setting_put(
	    r->admin->store, span_of(im->key, im->key_len), m->position);
}

static void
show_progress(struct run *r, uint64_t n)
{
	struct buf *b;

	if (n % 100 != 0)
		return;
	b = run_begin(r, FRAME_STATE);
	buf_putf(b, "%llu messages", (unsigned long long)n);
	run_end(r);
}

static int
end_message(struct run *r, struct span payload)
{
	struct import *im = r->state;
	struct buf summary;
	struct meta m;
	int rc;

	if (!im->upload || im->key_len == 0)
		return ERR_SYNTAX;
	rc = parse_meta(payload, &m);
	if (rc < 0)
		return rc;
	crlf_stream_finish(&im->crlf, &im->text);
	rc = keep(im);
	buf_init(&summary, MAX_SUMMARY_BYTES);
	if (rc == 0)
		rc = mime_parser_finish(im->parser, &summary);
	if (rc == 0)
		rc = deliver(r, &m, buf_span(&summary));
	buf_deinit(&summary);
	drop_message(im);
	if (rc == 0)
		show_progress(r, ++im->n_messages);
	return rc;
}

int
do_import_feed(struct run *r, enum frame_type type, struct span payload)
{
	struct import *im = r->state;
	int rc = 0;

	if (type == FRAME_ITEM && im->upload)
		return ERR_SYNTAX;
	if (type == FRAME_ITEM && span_starts(payload, SPAN("S")))
		rc = take_source(r, span_sub(payload, 1, payload.len));
	else if (type == FRAME_ITEM && span_starts(payload, SPAN("B")))
		rc = take_path(r, false, span_sub(payload, 1, payload.len));
	else if (type == FRAME_ITEM && span_starts(payload, SPAN("U")))
		rc = take_path(r, true, span_sub(payload, 1, payload.len));
	else if (type == FRAME_ITEM && span_is(payload, SPAN("M")))
		rc = begin_message(r);
	else if (type == FRAME_DATA)
		rc = take_data(im, payload);
	else if (type == FRAME_ITEM_END)
		rc = end_message(r, payload);
	else if (type != FRAME_END)
		return ERR_SYNTAX;
	if (rc < 0 && rc != ERR_SYNTAX)
		return give_up(r, rc);
	return rc;
}

enum run_step
do_import_step(struct run *r)
{
	struct import *im = r->state;

	if (!r->has_input_ended)
		return RUN_WAIT;
	run_say(
	    r, "Imported %llu messages.", (unsigned long long)im->n_messages);
	return RUN_DONE;
}
