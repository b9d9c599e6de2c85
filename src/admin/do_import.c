/* do_import.c - messages from the client into somebody's mailboxes.
 *
 *	ITEM "S" KEY		where did this source stop? Answered by an
 *				ITEM with the position, empty: never begun
 *	ITEM "M" PATH		a message for this mailbox, made if missing
 *	DATA ...		its bytes, any line ends
 *	ITEM_END meta		flags (2 bytes), date (8), then the position
 *				behind it in its source
 *	END
 *
 * The position is put into the store in the turn that delivers the message,
 * so that after any interruption the import goes on without doubles.
 */
#include "admin/do.h"
#include "base/limits.h"
#include "base/mem.h"
#include "mime/mime.h"
#include "store/store.h"

#define MAX_KEY_BYTES      32
#define MAX_POSITION_BYTES 400

struct import {
	uint32_t account;
	char key[MAX_SETTING_KEY_BYTES];
	size_t key_len;
	uint32_t mailbox;
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

/* --- a message --- */

static int
begin_message(struct run *r, struct span path)
{
	struct import *im = r->state;
	struct store *s = r->admin->store;
	int rc = mailbox_find(s, im->account, path, &im->mailbox);

	if (rc == ERR_NONE) {
		rc = mailbox_create(
		    s, im->account, path, SPECIAL_NONE, &im->mailbox);
		if (rc == 0)
			rc = mailbox_subscribe(s, im->account, path);
	}
	if (rc == ERR_INVALID || rc == ERR_LIMIT) {
		run_fail(r, "\"%.*s\" cannot be the name of a mailbox.",
		    RUN_SPAN(path));
		r->phase = RUN_ENDED;
		return 0;
	}
	if (rc < 0)
		return rc;
	memset(&im->crlf, 0, sizeof(im->crlf));
	im->parser = mime_parser_new();
	if (!im->parser)
		return ERR_NOMEM;
	return upload_new(s, &im->upload);
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
	int64_t date_s;
	struct span position;
};

static int
parse_meta(struct span payload, struct meta *m)
{
	struct cur c = cur_of(payload);
	uint64_t date;

	if (cur_be16(&c, &m->flags) != PARSE_OK ||
	    cur_be64(&c, &date) != PARSE_OK)
		return ERR_SYNTAX;
	m->flags &= MESSAGE_FLAGS;
	m->date_s = (int64_t)date;
	m->position = cur_rest(&c);
	return m->position.len > MAX_POSITION_BYTES ? ERR_SYNTAX : 0;
}

static int
deliver(struct run *r, const struct meta *m, struct span summary)
{
	struct import *im = r->state;
	struct delivery_to to = { im->mailbox, m->flags, 0 };
	struct delivery d = {
		.to = &to, .n_to = 1, .internal_date_s = m->date_s
	};
	struct summary parsed;
	struct body body;
	int rc = upload_finish(im->upload, span_of(NULL, 0), summary, &body);

	if (rc < 0)
		return rc;
	if (!account_has_room(r->admin->store, im->account, body_bytes(&body)))
		return ERR_QUOTA;
	if (summary_open(summary, &parsed) == 0)
		d.thread_id = parsed.thread_root;
	d.body = &body;
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
	else if (type == FRAME_ITEM && span_starts(payload, SPAN("M")))
		rc = begin_message(r, span_sub(payload, 1, payload.len));
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
