#include "pop3/maildrop.h"

#include "base/clock.h"
#include "base/mem.h"

/* Messages between two looks at the clock. */
#define BATCH 32
/* How often QUIT begins again when flags change under it. */
#define MAX_COMMIT_TRIES 8

int
maildrop_open(struct store *s, uint32_t account_id, struct maildrop **out)
{
	struct mailbox_view view;
	struct maildrop *d;
	uint32_t mailbox;
	int rc;

	rc = mailbox_find(s, account_id, SPAN("INBOX"), &mailbox);
	if (rc == 0)
		rc = mailbox_get(s, mailbox, &view);
	if (rc < 0)
		return rc;
	d = mem_alloc(sizeof(*d));
	if (d == NULL)
		return ERR_NOMEM;
	rc = mailbox_lock(s, mailbox);
	if (rc < 0) {
		mem_free(d);
		return rc;
	}
	d->store = s;
	d->mailbox = mailbox;
	d->uidvalidity = view.uidvalidity;
	d->uid_from = 1;
	rangeset_init(&d->uids);
	rangeset_init(&d->doomed);
	*out = d;
	return 0;
}

void
maildrop_close(struct maildrop *d)
{
	if (d == NULL)
		return;
	mailbox_unlock(d->store, d->mailbox);
	rangeset_deinit(&d->uids);
	rangeset_deinit(&d->doomed);
	mem_free(d->marks);
	mem_free(d);
}

/* Note one batch: as maildrop_fill. */
static int
fill_batch(struct maildrop *d)
{
	struct message m;

	for (int i = 0; i < BATCH; i++) {
		int rc = message_next(d->store, d->mailbox, d->uid_from, &m);

		if (rc == ERR_NONE)
			return 0;
		if (rc == 0)
			rc = rangeset_add(&d->uids, m.uid, m.uid);
		if (rc < 0)
			return rc;
		d->bytes += m.bytes;
		if (m.uid == UINT32_MAX)
			return 0;
		d->uid_from = m.uid + 1;
	}
	return 1;
}

/* Run batches until one is the last, fails, or the slice is over. */
static int
run_slice(struct maildrop *d, int (*batch)(struct maildrop *))
{
	int64_t end_us = clock_slice_us() + MAILDROP_SLICE_US;
	int rc;

	do {
		rc = batch(d);
	} while (rc == 1 && clock_slice_us() < end_us);
	return rc;
}

int
maildrop_fill(struct maildrop *d)
{
	return run_slice(d, fill_batch);
}

static bool
is_marked(const struct maildrop *d, uint32_t number)
{
	uint32_t bit = number - 1;

	return d->marks != NULL && (d->marks[bit / 8] >> (bit % 8) & 1);
}

int
maildrop_get(struct maildrop *d, uint32_t number, struct message *out)
{
	uint32_t uid;
	int rc;

	if (number == 0 || !rangeset_nth(&d->uids, number - 1, &uid) ||
	    is_marked(d, number))
		return ERR_NONE;
	rc = message_get(d->store, d->mailbox, uid, out);
	return rc == ERR_NONE ? ERR_GONE : rc;
}

bool
maildrop_next(const struct maildrop *d, uint32_t *number, uint32_t *uid)
{
	do {
		if (*uid == UINT32_MAX ||
		    !rangeset_next(&d->uids, *uid + 1, uid))
			return false;
		++*number;
	} while (is_marked(d, *number));
	return true;
}

void
maildrop_put_uidl(const struct maildrop *d, uint32_t uid, struct buf *out)
{
	uint8_t bytes[8];
	struct buf b;

	buf_init_fixed(&b, (char *)bytes, sizeof(bytes));
	buf_put_be32(&b, d->uidvalidity);
	buf_put_be32(&b, uid);
	buf_put_hex(out, buf_span(&b));
}

int
maildrop_mark(struct maildrop *d, uint32_t number)
{
	struct message m;
	int rc = maildrop_get(d, number, &m);

	if (rc < 0)
		return rc;
	if (d->marks == NULL)
		d->marks = mem_alloc((size_t)(d->uids.n_members + 7) / 8);
	if (d->marks == NULL)
		return ERR_NOMEM;
	d->marks[(number - 1) / 8] |= (uint8_t)(1 << ((number - 1) % 8));
	d->n_marked++;
	d->marked_bytes += m.bytes;
	return 0;
}

void
maildrop_reset(struct maildrop *d)
{
	mem_free(d->marks);
	d->marks = NULL;
	d->n_marked = 0;
	d->marked_bytes = 0;
}

static void
begin_commit(struct maildrop *d)
{
	rangeset_clear(&d->doomed);
	d->totals = (struct expunge_totals){
		.modseq = mailbox_modseq(d->store, d->mailbox),
	};
	d->number = 0;
	d->uid_from = 0;
}

/* Sum up one message. One that another session has expunged is deleted
 * already. */
static int
commit_message(struct maildrop *d)
{
	struct message m;
	int rc = message_get(d->store, d->mailbox, d->uid_from, &m);

	if (rc == ERR_NONE)
		return 0;
	if (rc == 0)
		rc = rangeset_add(&d->doomed, m.uid, m.uid);
	if (rc == 0)
		message_total(&d->totals, &m);
	return rc;
}

/* All is summed up: let it happen. */
static int
expunge(struct maildrop *d)
{
	int rc;

	if (d->doomed.n_members == 0)
		return 0;
	rc = message_expunge_set(d->store, d->mailbox, &d->doomed, &d->totals);
	if (rc != ERR_AGAIN || ++d->n_tries >= MAX_COMMIT_TRIES)
		return rc;
	begin_commit(d);
	return 1;
}

static int
commit_batch(struct maildrop *d)
{
	for (int i = 0; i < BATCH; i++) {
		int rc;

		if (d->uid_from == UINT32_MAX ||
		    !rangeset_next(&d->uids, d->uid_from + 1, &d->uid_from))
			return expunge(d);
		d->number++;
		if (!is_marked(d, d->number))
			continue;
		rc = commit_message(d);
		if (rc < 0)
			return rc;
	}
	return 1;
}

int
maildrop_commit(struct maildrop *d)
{
	if (d->n_marked == 0)
		return 0;
	if (d->totals.modseq == 0)
		begin_commit(d);
	return run_slice(d, commit_batch);
}
