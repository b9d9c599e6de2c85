/* smtp_deliver.c - the last step: one delivery for all recipients. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "smtp/smtp_session.h"

/* The mailbox "Junk", or the one of that special use at the top (RFC 6154 2),
 * whatever it is called. ERR_NONE. */
static int
find_junk(struct store *s, uint32_t account, uint32_t *out)
{
	char storage[MAX_MAILBOX_PART];
	struct mailbox_view v;
	struct buf name;
	uint32_t id;
	int rc = mailbox_find(s, account, SPAN("Junk"), out);

	if (rc != ERR_NONE)
		return rc;
	buf_init_fixed(&name, storage, sizeof(storage));
	while ((rc = mailbox_next_child(s, account, 0, &name, &id)) == 0) {
		rc = mailbox_get(s, id, &v);
		if (rc < 0)
			return rc;
		*out = id;
		if (v.special_use == SPECIAL_JUNK)
			return 0;
	}
	return rc;
}

/* The one place where it is decided into which mailbox of a person the
 * message goes, and with which flags. */
static int
choose_mailbox(struct smtp *s, uint32_t account, struct delivery_to *out)
{
	const struct smtp_txn *t = s->txn;
	int rc;

	*out = (struct delivery_to){ .mailbox = 0 };
	if (t->trust != NULL && trust_verdict(t->trust) == TRUST_JUNK) {
		rc = find_junk(s->env->store, account, &out->mailbox);
		if (rc != ERR_NONE)
			return rc;
	}
	return mailbox_find(
	    s->env->store, account, SPAN("INBOX"), &out->mailbox);
}

/* Where does it go? A person who was deleted since RCPT is left out.
 * ERR_GONE: nobody is left; ERR_QUOTA: nobody has room. */
static int
choose_mailboxes(
    struct smtp *s, uint64_t bytes, struct delivery_to *to, size_t *n_out)
{
	const struct smtp_txn *t = s->txn;
	bool has_room = false;
	size_t n = 0;

	for (uint32_t i = 0; i < t->n_accounts; i++) {
		int rc = choose_mailbox(s, t->accounts[i], &to[n]);

		if (rc == ERR_NONE)
			continue;
		if (rc < 0)
			return rc;
		n++;
		if (account_has_room(s->env->store, t->accounts[i], bytes))
			has_room = true;
	}
	*n_out = n;
	if (n == 0)
		return t->n_onward > 0 ? 0 : ERR_GONE;
	return has_room ? 0 : ERR_QUOTA;
}

static int
store_message(struct smtp *s, struct span summary, uint64_t thread_id)
{
	struct smtp_txn *t = s->txn;
	struct delivery_to *to = mem_alloc((t->n_accounts + 1) * sizeof(*to));
	struct delivery d = { .to = to, .thread_id = thread_id };
	struct smtp_onward_mails onward = { .n = 0 };
	struct body body;
	int rc = ERR_NOMEM;

	if (to != NULL)
		rc = smtp_onward_mails(s, &onward);
	if (rc < 0)
		goto out;
	d.queue = onward.mails;
	d.n_queue = onward.n;
	rc = upload_finish(t->upload, buf_span(&t->prefix), summary, &body);
	if (rc < 0)
		goto out;
	rc = choose_mailboxes(s, body_bytes(&body), to, &d.n_to);
	if (rc < 0)
		goto out;
	d.body = &body;
	d.internal_date_s = clock_wall_s();
	d.zone_minutes = (int16_t)clock_zone_minutes(d.internal_date_s);
	rc = mailbox_deliver(s->env->store, &d, NULL, NULL);
	if (rc == 0 && (t->n_onward > 0 || s->device != NULL))
		smtp_limit_save(s);
out:
	mem_free(onward.to);
	mem_free(to);
	return rc;
}

/* The Message-ID without its brackets. */
static struct span
message_id(const struct summary *m)
{
	struct cur parts = summary_parts(m);
	struct summary_part root;
	struct span id = span_of(NULL, 0);
	struct cur c;

	if (summary_part_next(&parts, &root) < 0)
		return id;
	c = cur_of(root.envelope.message_id);
	if (header_next_id(&c, &id) < 0)
		id = root.envelope.message_id;
	return id;
}

static void
put_rcpts(const struct smtp_txn *t, struct buf *out)
{
	for (const struct smtp_rcpt *r = t->rcpts; r != NULL; r = r->next) {
		if (r != t->rcpts)
			buf_put_char(out, ' ');
		address_put(out, r->local, r->domain);
	}
}

/* One event each for so many recipients, so that each is found by its
 * address; what is beyond is told by their number in the log line. */
#define MAX_RCPT_EVENTS 20

static int
add_events(struct smtp *s, struct span client, struct span id)
{
	const struct smtp_txn *t = s->txn;
	const struct smtp_rcpt *r = t->rcpts;
	char storage[2 * MAX_ADDRESS_BYTES], words_storage[MAX_EVENT_BYTES];
	struct buf to, words;
	int rc = 0;

	buf_init_fixed(&words, words_storage, sizeof(words_storage));
	smtp_judge_put_words(t, &words);

	for (int i = 0; rc == 0 && r != NULL && i < MAX_RCPT_EVENTS; i++) {
		buf_init_fixed(&to, storage, sizeof(storage));
		address_put(&to, r->local, r->domain);
		rc = event_add(s->env->store,
		    &(struct event){ .kind = EVENT_RECEIVED,
		        .id = span_of(t->id, SMTP_ID_BYTES),
		        .message_id = id,
		        .from = t->from,
		        .to = buf_span(&to),
		        .client = client,
		        .text = r->is_elsewhere ? SPAN("queued")
		                                : buf_span(&words) });
		r = r->next;
	}
	return rc;
}

static void
note_accepted(struct smtp *s, const struct summary *m)
{
	const struct smtp_txn *t = s->txn;
	char client_storage[400], to_storage[400];
	struct buf client, to;
	struct span id = message_id(m);
	struct log l;
	int rc;

	buf_init_fixed(&client, client_storage, sizeof(client_storage));
	smtp_put_client(s, &client);
	buf_init_fixed(&to, to_storage, sizeof(to_storage));
	put_rcpts(t, &to);
	rc = add_events(s, buf_span(&client), id);
	log_begin(&l, LOG_NOTE, "smtp.accepted");
	log_str(&l, "id", span_of(t->id, SMTP_ID_BYTES));
	log_str(&l, "client", buf_span(&client));
	log_str(&l, "from", t->from);
	log_str(&l, "to", buf_span(&to));
	log_num(&l, "n_rcpts", t->n_rcpts);
	log_num(&l, "n_people", t->n_accounts);
	if (t->n_onward > 0)
		log_num(&l, "n_queued", t->n_onward);
	log_num(&l, "size_bytes", (int64_t)m->size_bytes);
	log_str(&l, "message_id", id);
	if (rc < 0)
		log_err(&l, "event_error", rc);
	log_end(&l);
}

void
smtp_deliver(struct smtp *s, struct span summary)
{
	struct summary m;
	int rc = summary_open(summary, &m);

	conn_hold(s->conn); /* the reply leaves after the flush */
	if (rc == 0)
		rc = store_message(s, summary, m.thread_root);
	if (rc < 0) {
		smtp_note_refusal(s, span_of(NULL, 0), smtp_error_text(rc));
		smtp_reply(s, smtp_error_text(rc));
		return;
	}
	s->n_messages++;
	note_accepted(s, &m);
	conn_put_str(s->conn, "250 2.0.0 Stored, id ");
	conn_put(s->conn, span_of(s->txn->id, SMTP_ID_BYTES));
	smtp_reply(s, "");
}
