/* do_export.c - somebody's mailboxes, to the client.
 *
 *	server: ITEM "B" id, UIDVALIDITY (4 bytes each), path; for each
 *	        ITEM "U" path, for each that is subscribed to; END
 *	client: ITEM "G" id, UID (4 bytes each): give what is behind that UID
 *	server: ITEM "K" bit (1), name of a keyword, before the first message
 *	        that has it; ITEM "M" UID (4), flags (2), date (8), keywords
 *	        (8); DATA ...; ITEM_END for each message; then END
 *	client: the next "G", or END
 */
#include "admin/do.h"
#include "base/limits.h"
#include "store/store.h"

#define PIECE_BYTES (8 * 1024)

struct export
{
	uint32_t account;
	uint32_t next_box; /* while listing: where to go on */
	bool are_boxes_listed, is_listed;
	struct buf subscription; /* the last one listed */
	uint32_t mailbox;        /* being given; 0: none */
	uint32_t next_uid;
	uint64_t told_keywords; /* bits whose names the client has */
	struct message message; /* body 0: none */
	uint64_t offset;
	uint64_t n_messages;
};

int
do_export_start(struct run *r)
{
	struct export *ex = run_new_state(r, sizeof(*ex));

	if (!ex)
		return ERR_NOMEM;
	buf_init(&ex->subscription, MAX_MAILBOX_PATH);
	return run_find_person(r, run_arg(r, "ADDRESS"), &ex->account);
}

static void
unpin(struct run *r, struct export *ex)
{
	if (ex->message.body)
		body_unpin(r->admin->store, ex->message.body);
	ex->message.body = 0;
}

void
do_export_stop(struct run *r)
{
	struct export *ex = r->state;

	unpin(r, ex);
	buf_deinit(&ex->subscription);
}

int
do_export_feed(struct run *r, enum frame_type type, struct span payload)
{
	struct export *ex = r->state;
	struct mailbox_view v;
	struct cur c;

	if (type == FRAME_END)
		return 0;
	if (type != FRAME_ITEM || !span_starts(payload, SPAN("G")))
		return ERR_SYNTAX;
	if (ex->mailbox || !ex->is_listed)
		return ERR_AGAIN;
	c = cur_of(span_sub(payload, 1, payload.len));
	if (cur_be32(&c, &ex->mailbox) != PARSE_OK ||
	    cur_be32(&c, &ex->next_uid) != PARSE_OK)
		return ERR_SYNTAX;
	ex->next_uid++;
	ex->told_keywords = 0;
	/* Only this person's. */
	if (mailbox_get(r->admin->store, ex->mailbox, &v) < 0 ||
	    v.account != ex->account)
		return ERR_SYNTAX;
	return 0;
}

static void
put_box(struct run *r, const struct mailbox_view *v)
{
	struct buf *b = run_begin(r, FRAME_ITEM);

	buf_put_char(b, 'B');
	buf_put_be32(b, v->id);
	buf_put_be32(b, v->uidvalidity);
	if (mailbox_path(r->admin->store, v->id, b) < 0)
		buf_put_str(b, "?");
	run_end(r);
}

static enum run_step
list_boxes(struct run *r, struct export *ex)
{
	struct mailbox_view v;

	for (int i = 0; i < 50; i++) {
		if (mailbox_next(r->admin->store, &ex->next_box) < 0) {
			ex->are_boxes_listed = true;
			break;
		}
		if (mailbox_get(r->admin->store, ex->next_box, &v) == 0 &&
		    v.account == ex->account)
			put_box(r, &v);
		ex->next_box++;
	}
	return RUN_MORE;
}

static enum run_step
list_subscriptions(struct run *r, struct export *ex)
{
	for (int i = 0; i < 50; i++) {
		struct buf *b;

		if (mailbox_next_subscription(
		        r->admin->store, ex->account, &ex->subscription) < 0) {
			ex->is_listed = true;
			frame_put(&r->out, FRAME_END, span_of(NULL, 0));
			break;
		}
		b = run_begin(r, FRAME_ITEM);
		buf_put_char(b, 'U');
		buf_put(b, buf_span(&ex->subscription));
		run_end(r);
	}
	return RUN_MORE;
}

/* Tell the names of keywords that the client does not have. */
static void
put_keywords(struct run *r, struct export *ex, uint64_t keywords)
{
	for (unsigned bit = 0; bit < MAX_KEYWORDS; bit++) {
		struct buf *b;

		if (!(keywords & ~ex->told_keywords & (uint64_t)1 << bit))
			continue;
		b = run_begin(r, FRAME_ITEM);
		buf_put_char(b, 'K');
		buf_put_char(b, (char)bit);
		if (mailbox_keyword(r->admin->store, ex->mailbox, bit, b) < 0)
			buf_put_str(b, "?");
		run_end(r);
	}
	ex->told_keywords |= keywords;
}

static enum run_step
begin_message(struct run *r, struct export *ex)
{
	struct message *m = &ex->message;
	struct buf *b;
	int rc = message_next(r->admin->store, ex->mailbox, ex->next_uid, m);

	if (rc == 0)
		rc = body_pin(r->admin->store, m->body);
	if (rc < 0) {
		m->body = 0;
		ex->mailbox = 0;
		if (rc != ERR_NONE)
			run_error(r, rc, SPAN("The mailbox"));
		frame_put(&r->out, FRAME_END, span_of(NULL, 0));
		return RUN_MORE;
	}
	ex->next_uid = m->uid + 1;
	ex->offset = 0;
	put_keywords(r, ex, m->keywords);
	b = run_begin(r, FRAME_ITEM);
	buf_put_char(b, 'M');
	buf_put_be32(b, m->uid);
	buf_put_be16(b, m->flags);
	buf_put_be64(b, (uint64_t)m->internal_date_s);
	buf_put_be64(b, m->keywords);
	run_end(r);
	return RUN_MORE;
}

static enum run_step
give_piece(struct run *r, struct export *ex)
{
	struct buf *b = run_begin(r, FRAME_DATA);
	size_t before = b->len;
	int rc = body_read(
	    r->admin->store, ex->message.body, ex->offset, PIECE_BYTES, b);

	run_end(r);
	if (rc < 0) {
		run_error(r, rc, SPAN("A message"));
		return RUN_DONE;
	}
	ex->offset += b->len - before;
	if (b->len == before || ex->offset >= ex->message.bytes) {
		frame_put(&r->out, FRAME_ITEM_END, span_of(NULL, 0));
		unpin(r, ex);
		ex->n_messages++;
	}
	return RUN_MORE;
}

enum run_step
do_export_step(struct run *r)
{
	struct export *ex = r->state;

	if (!ex->are_boxes_listed)
		return list_boxes(r, ex);
	if (!ex->is_listed)
		return list_subscriptions(r, ex);
	if (ex->message.body)
		return give_piece(r, ex);
	if (ex->mailbox)
		return begin_message(r, ex);
	if (!r->has_input_ended)
		return RUN_WAIT;
	run_say(
	    r, "Exported %llu messages.", (unsigned long long)ex->n_messages);
	return RUN_DONE;
}
