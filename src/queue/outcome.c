#include "queue/outcome.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/utf8.h"
#include "mime/mime.h"
#include "smtp/smtp.h"
#include "trust/trust.h"

/* Of the original in a report; a larger one is told by its header. */
#define FULL_BYTES   (256 * 1024)
#define HEADER_BYTES (64 * 1024)
#define PIECE_BYTES  16384

/* RFC 3461 4.1: without NOTIFY, failures and delays are told. */
static bool
is_wanted(const struct outcome_item *i)
{
	uint32_t notify = i->notify != 0
	                      ? i->notify
	                      : QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY;

	if (!i->is_telling || notify & QUEUE_NOTIFY_NEVER)
		return false;
	switch (i->action) {
	case DSN_FAILED:
		return notify & QUEUE_NOTIFY_FAILURE;
	case DSN_DELAYED:
		return notify & QUEUE_NOTIFY_DELAY;
	case DSN_RELAYED:
		return notify & QUEUE_NOTIFY_SUCCESS;
	}
	return false;
}

/* Where the header of a body ends, with its empty line; all of it if none. */
static int
header_bytes(struct store *s, uint64_t body, struct buf *piece, size_t *out)
{
	int rc = body_read(s, body, 0, HEADER_BYTES, piece);

	*out = piece->len;
	for (size_t i = 0; rc == 0 && i + 4 <= piece->len; i++)
		if (memcmp(piece->p + i, "\r\n\r\n", 4) == 0) {
			*out = i + 2;
			break;
		}
	buf_truncate(piece, *out);
	return rc;
}

struct writer {
	struct upload *upload;
	struct mime_parser *parser;
	struct dkim_sign *sign; /* NULL: it does not leave */
};

static int
put(struct writer *w, struct span bytes)
{
	mime_parser_feed(w->parser, bytes);
	if (w->sign != NULL)
		dkim_sign_feed(w->sign, bytes);
	return upload_put(w->upload, bytes);
}

static int
put_original(const struct mover_env *env, const struct queue_message *m,
    const struct dsn *d, struct buf *piece, struct writer *w)
{
	uint64_t at = 0;
	int rc = 0;

	if (!d->is_full)
		return put(w, buf_span(piece)); /* the header is in it */
	while (rc == 0) {
		buf_reset(piece);
		rc = body_read(env->store, m->body, at, PIECE_BYTES, piece);
		if (piece->len == 0)
			break;
		at += piece->len;
		if (rc == 0)
			rc = put(w, buf_span(piece));
	}
	return rc;
}

/* RFC 6533 4: does the sender's side read headers in UTF-8? */
static bool
may_be_utf8(const struct queue_message *m)
{
	return (m->flags & QUEUE_UTF8) != 0 || utf8_has_8bit(m->from);
}

static bool
has_8bit_address(const struct dsn *d)
{
	bool is_8bit = utf8_has_8bit(d->to);

	for (size_t i = 0; i < d->n_rcpts; i++)
		is_8bit = is_8bit || utf8_has_8bit(d->rcpts[i].address) ||
		          utf8_has_8bit(d->rcpts[i].orcpt);
	return is_8bit;
}

/* The whole report as a body. */
static int
write_report(const struct mover_env *env, const struct queue_message *m,
    struct dsn *d, struct writer *w, struct buf *summary)
{
	struct buf text, piece;
	size_t n_header;
	int rc;

	buf_init(&text, 1 << 20);
	buf_init(&piece, HEADER_BYTES);
	rc = header_bytes(env->store, m->body, &piece, &n_header);
	d->is_8bit = d->is_full ? (m->flags & QUEUE_8BIT) != 0
	                        : utf8_has_8bit(buf_span(&piece));
	d->has_utf8_header =
	    utf8_has_8bit(span_sub(buf_span(&piece), 0, n_header));
	d->is_utf8 =
	    may_be_utf8(m) && (d->has_utf8_header || has_8bit_address(d));
	dsn_begin(d, &text);
	if (rc == 0 && buf_failed(&text))
		rc = ERR_NOMEM;
	if (rc == 0)
		rc = put(w, buf_span(&text));
	if (rc == 0)
		rc = put_original(env, m, d, &piece, w);
	buf_reset(&text);
	dsn_end(d, &text);
	if (rc == 0)
		rc = put(w, buf_span(&text));
	if (rc == 0)
		rc = mime_parser_finish(w->parser, summary);
	buf_deinit(&text);
	buf_deinit(&piece);
	return rc;
}

/* Whom a report goes to: the sender, or for mail that an alias here sent on, the
 * one whom we have rewritten (trust/srs.h). */
static struct span
reader_of(const struct mover_env *env, const struct queue_message *m,
    struct buf *storage)
{
	size_t at = span_rfind(m->from, '@');
	struct span local = span_sub(m->from, 0, at);
	struct srs srs = { .now_s = clock_wall_s() };
	int rc;

	if (!srs_is(local) ||
	    !domain_exists(env->store, span_sub(m->from, at + 1, m->from.len)))
		return m->from;
	rc = signing_key_secret(env->store, SPAN("srs"), srs.key);
	if (rc == 0)
		rc = srs_reverse(&srs, local, storage);
	wipe(&srs, sizeof(srs));
	return rc == 0 ? buf_span(storage) : m->from;
}

/* Whose mailbox? 0: nobody's here. */
static uint32_t
find_inbox(const struct mover_env *env, const struct queue_message *m,
    struct span reader)
{
	struct address_entry e;
	uint32_t account = m->account, mailbox = 0;

	if (account == 0 && address_lookup(env->store, reader, &e) == 0 &&
	    e.kind == ADDRESS_PERSON)
		account = e.id;
	if (account == 0 ||
	    mailbox_find(env->store, account, SPAN("INBOX"), &mailbox) < 0)
		return 0;
	return mailbox;
}

/* Give the report to the sender, with the outcomes. ERR_NONE: there is no way
 * to them. */
static int
deliver(const struct mover_env *env, const struct queue_message *m,
    const struct dsn *report, const struct body *body,
    const struct queue_outcome *o, size_t n)
{
	struct queue_to to = { .address = report->to,
		.notify = QUEUE_NOTIFY_NEVER };
	int64_t now = clock_wall_s();
	/* RFC 8689 5: what was to be read by nobody on its way there is not on
	 * its way back. */
	struct queue_mail back = { .flags = QUEUE_DSN |
		                            (m->flags & QUEUE_REQUIRETLS),
		.expires_s = now + (m->expires_s - m->arrived_s),
		.trace = m->trace,
		.to = &to,
		.n_to = 1 };
	struct delivery_to local = { .mailbox =
		                         find_inbox(env, m, report->to) };
	struct delivery d = { .body = body,
		.to = &local,
		.n_to = local.mailbox != 0,
		.settle = o,
		.n_settle = n,
		.internal_date_s = now,
		.zone_minutes = (int16_t)clock_zone_minutes(now) };
	struct span domain = span_sub(
	    report->to, span_rfind(report->to, '@') + 1, report->to.len);

	back.flags |= report->is_utf8 ? QUEUE_UTF8 : 0;
	if (report->is_8bit || has_8bit_address(report))
		back.flags |= QUEUE_8BIT;
	if (local.mailbox == 0) {
		if (domain_exists(env->store, domain))
			return ERR_NONE;
		d.queue = &back;
		d.n_queue = 1;
	}
	return mailbox_deliver(env->store, &d, NULL, NULL);
}

/* Without a key it goes as it is. */
static int
sign(const struct mover_env *env, struct writer *w, struct buf *prefix,
    struct buf *summary)
{
	int rc;

	if (w->sign == NULL)
		return 0;
	rc = dkim_sign_finish(w->sign);
	if (rc == 0)
		rc = own_sign_put(
		    env->store, env->host, w->sign, prefix, summary);
	return rc == ERR_NOMEM ? rc : 0;
}

static int
send_report(const struct mover_env *env, const struct queue_message *m,
    struct dsn *d, const struct queue_outcome *o, size_t n)
{
	struct writer w = { .parser = mime_parser_new() };
	struct buf prefix, summary;
	struct body body;
	int rc =
	    w.parser == NULL ? ERR_NOMEM : upload_new(env->store, &w.upload);

	buf_init(&prefix, DKIM_SIGN_BYTES);
	buf_init(&summary, MAX_SUMMARY_BYTES);
	if (rc == 0 && find_inbox(env, m, d->to) == 0)
		rc = dkim_sign_new(false, &w.sign);
	if (rc == 0)
		rc = write_report(env, m, d, &w, &summary);
	if (rc == 0)
		rc = sign(env, &w, &prefix, &summary);
	if (rc == 0)
		rc = upload_finish(
		    w.upload, buf_span(&prefix), buf_span(&summary), &body);
	if (rc == 0)
		rc = deliver(env, m, d, &body, o, n);
	dkim_sign_free(w.sign);
	buf_deinit(&prefix);
	upload_free(w.upload);
	mime_parser_free(w.parser);
	buf_deinit(&summary);
	return rc;
}

static void
note_lost(const struct queue_message *m)
{
	struct log l;

	log_begin(&l, LOG_WARN, "queue.report_lost");
	log_num(&l, "queued", (int64_t)m->id);
	log_str(&l, "id", m->trace);
	log_str(&l, "from", m->from);
	log_end(&l);
}

/* The words about the recipients that are to be told of. */
static size_t
choose(const struct outcome_item *items, size_t n, struct dsn_rcpt *out)
{
	size_t n_out = 0;

	for (size_t i = 0; i < n; i++)
		if (is_wanted(&items[i])) {
			out[n_out] = items[i].dsn;
			out[n_out++].action = items[i].action;
		}
	return n_out;
}

/* Tell who sent the message, and settle with it. ERR_NONE: nobody is to be
 * told. */
static int
tell(const struct mover_env *env, const struct queue_message *m,
    const struct dsn_rcpt *rcpts, size_t n_rcpts, const struct queue_outcome *o,
    size_t n)
{
	char storage[MAX_ADDRESS_BYTES];
	struct buf reader;
	struct dsn d = { .host = env->host,
		.envid = m->envid,
		.random = rand_u64(),
		.now_s = clock_wall_s(),
		.arrived_s = m->arrived_s,
		.rcpts = rcpts,
		.n_rcpts = n_rcpts };

	if (m->from.len == 0)
		return ERR_NONE;
	buf_init_fixed(&reader, storage, sizeof(storage));
	d.to = reader_of(env, m, &reader);
	d.zone_minutes = clock_zone_minutes(d.now_s);
	/* RFC 3461 5.2.9: RET speaks of failures only. */
	d.is_full = rcpts[0].action == DSN_FAILED && m->ret == QUEUE_RET_FULL &&
	            m->bytes <= FULL_BYTES &&
	            (m->flags & QUEUE_REQUIRETLS) == 0;
	return send_report(env, m, &d, o, n);
}

int
outcome_settle(const struct mover_env *env, const struct queue_message *m,
    const struct outcome_item *items, size_t n, uint64_t *n_dsn)
{
	struct queue_outcome *o = mem_alloc(n * sizeof(*o));
	struct dsn_rcpt *rcpts = mem_alloc(n * sizeof(*rcpts));
	size_t n_rcpts = 0;
	int rc = o == NULL || rcpts == NULL ? ERR_NOMEM : 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		o[i] = items[i].outcome;
	if (rc == 0)
		n_rcpts = choose(items, n, rcpts);
	if (n_rcpts > 0) {
		rc = tell(env, m, rcpts, n_rcpts, o, n);
		*n_dsn += rc == 0;
		if (rc != ERR_NONE && rc != ERR_INVALID && rc != ERR_LIMIT)
			goto out;
		note_lost(m);
		rc = 0;
	}
	if (rc == 0)
		rc = queue_settle(env->store, o, n);
out:
	mem_free(o);
	mem_free(rcpts);
	return rc;
}
