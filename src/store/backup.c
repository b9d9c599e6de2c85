#include "store/backup_in.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "store/line.h"
#include "store/snapshot.h"
#include "store/inside.h"
#include "store/tar.h"

/* A list's file is written when it is longer than this. */
#define LIST_BYTES (32 * 1024)
/* A step ends when it wrote this much, or looked at so many records. */
#define SLICE_BYTES   (64 * 1024)
#define SLICE_RECORDS 100
/* A snapshot that made the index grow so much is given up for a new one. */
#define MAX_GROWTH_BYTES (32u * 1024 * 1024)

static const char *const part_names[] = { "tinpost", "settings", "domains",
	"people", "aliases", "mailboxes", "bodies", "messages", "relays",
	"queue", "end" };

int
backup_new(struct store *s, struct backup **out)
{
	struct backup *b = mem_alloc(sizeof(*b));
	int rc;

	if (b == NULL)
		return ERR_NOMEM;
	b->s = s;
	buf_init(&b->list, LIST_BYTES + 2 * MAX_LINE_BYTES);
	buf_init(&b->key, MAX_LINE_BYTES);
	buf_init(&b->value, MAX_LINE_BYTES);
	buf_init(&b->folder, TAR_PATH_BYTES);
	rc = snapshot_open(s, &b->snap);
	if (rc < 0) {
		backup_free(b);
		return rc;
	}
	*out = b;
	return 0;
}

void
backup_free(struct backup *b)
{
	if (b == NULL)
		return;
	snapshot_close(b->snap);
	buf_deinit(&b->list);
	buf_deinit(&b->key);
	buf_deinit(&b->value);
	buf_deinit(&b->folder);
	mem_free(b);
}

void
backup_totals(const struct backup *b, struct backup_totals *out)
{
	*out = b->totals;
}

/* --- writing entries --- */

void
backup_put_header(struct backup *b, struct buf *out, struct span path,
    struct span link, uint64_t bytes)
{
	struct tar_entry e = { .bytes = bytes,
		.mtime_s = b->snap->meta.created_s,
		.path = path,
		.link = link };

	tar_put_header(out, &e);
}

void
backup_put_content(struct backup *b, struct buf *out, struct span content)
{
	buf_put(out, content);
	b->crc = crc32c(b->crc, content);
	b->content_bytes += content.len;
}

void
backup_flush_list(struct backup *b, struct buf *out)
{
	char storage[64];
	struct buf path;

	if (b->list.len == 0)
		return;
	buf_init_fixed(&path, storage, sizeof(storage));
	buf_put_str(&path, part_names[b->part]);
	buf_put_char(&path, '/');
	buf_put_padded(&path, ++b->n_lists, 4);
	buf_put_str(&path, ".txt");
	backup_put_header(b, out, buf_span(&path), SPAN(""), b->list.len);
	backup_put_content(b, out, buf_span(&b->list));
	tar_put_padding(out, b->list.len);
	buf_reset(&b->list);
}

/* --- the parts: each call writes one record; ERR_NONE: that was all --- */

static int
part_about(struct backup *b, struct buf *out)
{
	const struct meta *m = &b->snap->meta;

	(void)out;
	buf_put_str(&b->list,
	    "# A backup of a Tinpost mail server. Messages are in bodies/ as\n"
	    "# they were received; mail/ names them by person and mailbox.\n"
	    "# `tinpost restore` takes this archive back into a new store.\n");
	line_begin(&b->list, "backup");
	line_u64(&b->list, "format", 1);
	line_hex64(&b->list, "store", m->store_id);
	line_i64(&b->list, "created", m->created_s);
	line_end(&b->list);
	return ERR_NONE;
}

static int
part_settings(struct backup *b, struct buf *out)
{
	int rc;

	(void)out;
	rc = setting_next(b->snap, &b->key, &b->value);
	if (rc < 0)
		return rc;
	line_begin(&b->list, "setting");
	line_text(&b->list, "key", buf_span(&b->key));
	line_text(&b->list, "value", buf_span(&b->value));
	line_end(&b->list);
	return 0;
}

static int
part_domains(struct backup *b, struct buf *out)
{
	int rc;

	(void)out;
	rc = domain_next(b->snap, &b->key);
	if (rc < 0)
		return rc;
	line_begin(&b->list, "domain");
	line_text(&b->list, "name", buf_span(&b->key));
	line_end(&b->list);
	return 0;
}

static void
put_person(struct buf *l, const struct account_view *a)
{
	const struct scram_secret *x = &a->secret;

	line_begin(l, "person");
	line_u64(l, "id", a->id);
	line_text(l, "address", a->address);
	line_text(l, "name", a->name);
	line_u64(l, "quota", a->quota_bytes);
	line_u64(l, "flags", a->flags);
	line_i64(l, "created", a->created_s);
	line_u64(l, "iterations", x->iterations);
	line_hex(l, "salt", span_of(x->salt, sizeof(x->salt)));
	line_hex(l, "stored", span_of(x->stored_key, sizeof(x->stored_key)));
	line_hex(l, "server", span_of(x->server_key, sizeof(x->server_key)));
	line_end(l);
}

/* A person, then what they are subscribed to. */
static int
part_people(struct backup *b, struct buf *out)
{
	struct account_view a;
	int rc = ERR_NONE;

	(void)out;
	if (b->id != 0)
		rc = mailbox_next_subscription(b->snap, b->id, &b->key);
	if (rc == 0) {
		line_begin(&b->list, "subscription");
		line_u64(&b->list, "person", b->id);
		line_text(&b->list, "path", buf_span(&b->key));
		line_end(&b->list);
	}
	if (rc != ERR_NONE)
		return rc;
	buf_reset(&b->key);
	b->id++;
	rc = account_next(b->snap, &b->id);
	if (rc == 0)
		rc = account_get(b->snap, b->id, &a);
	if (rc == 0)
		put_person(&b->list, &a);
	return rc;
}

/* An alias with its targets: at most MAX_TARGETS short lines. */
static int
part_aliases(struct backup *b, struct buf *out)
{
	struct address_entry e;
	bool is_alias;
	int rc;

	rc = address_next(b->snap, &b->key, &e);
	if (rc < 0)
		return rc;
	is_alias = e.kind != ADDRESS_PERSON;
	if (is_alias) {
		line_begin(&b->list, "alias");
		line_text(&b->list, "address", buf_span(&b->key));
		line_text(&b->list, "kind",
		    e.kind == ADDRESS_GROUP ? SPAN("group") : SPAN("alias"));
		line_end(&b->list);
	}
	buf_reset(&b->value);
	while (is_alias && rc == 0) {
		rc = address_next_target(b->snap, buf_span(&b->key), &b->value);
		if (rc < 0)
			break;
		line_begin(&b->list, "target");
		line_text(&b->list, "address", buf_span(&b->key));
		line_text(&b->list, "target", buf_span(&b->value));
		line_end(&b->list);
		if (b->list.len > LIST_BYTES)
			backup_flush_list(b, out);
	}
	return rc == ERR_NONE ? 0 : rc;
}

static const char *const use_names[] = { "", "Inbox", "Sent", "Drafts", "Junk",
	"Trash", "Archive" };

static void
put_mailbox(struct buf *l, const struct mailbox_view *m)
{
	line_begin(l, "mailbox");
	line_u64(l, "id", m->id);
	line_u64(l, "person", m->account);
	line_u64(l, "parent", m->parent);
	line_text(l, "name", m->name);
	line_text(l, "use", span_str(use_names[m->special_use]));
	line_u64(l, "uidvalidity", m->uidvalidity);
	line_u64(l, "uidnext", m->uidnext);
	line_u64(l, "modseq", m->highest_modseq);
	line_u64(l, "object", m->object_id);
	line_i64(l, "created", m->created_s);
	line_end(l);
}

static int
part_mailboxes(struct backup *b, struct buf *out)
{
	struct mailbox_view m;
	int rc;

	(void)out;
	b->id++;
	rc = mailbox_next(b->snap, &b->id);
	if (rc == 0)
		rc = mailbox_get(b->snap, b->id, &m);
	if (rc < 0)
		return rc;
	put_mailbox(&b->list, &m);
	b->last_mailbox = b->id;
	for (unsigned bit = 0; bit < MAX_KEYWORDS; bit++) {
		buf_reset(&b->value);
		rc = mailbox_keyword(b->snap, b->id, bit, &b->value);
		if (rc == ERR_NONE)
			continue;
		if (rc < 0)
			return rc;
		line_begin(&b->list, "keyword");
		line_u64(&b->list, "mailbox", b->id);
		line_u64(&b->list, "bit", bit);
		line_text(&b->list, "name", buf_span(&b->value));
		line_end(&b->list);
	}
	return 0;
}

static int
part_end(struct backup *b, struct buf *out)
{
	char crc[4];
	struct buf be;

	(void)out;
	buf_init_fixed(&be, crc, sizeof(crc));
	buf_put_be32(&be, b->crc);
	line_begin(&b->list, "end");
	line_u64(&b->list, "bodies", b->totals.n_bodies);
	line_u64(&b->list, "messages", b->totals.n_messages);
	line_u64(&b->list, "bytes", b->content_bytes);
	line_hex(&b->list, "crc32c", buf_span(&be));
	line_end(&b->list);
	return ERR_NONE;
}

/* --- the whole --- */

typedef int part_fn(struct backup *b, struct buf *out);

static part_fn *const parts[] = { part_about, part_settings, part_domains,
	part_people, part_aliases, part_mailboxes, backup_bodies,
	backup_messages, backup_relays, backup_queue, part_end };

static void
next_part(struct backup *b)
{
	b->part++;
	b->n_lists = 0;
	b->id = 0;
	b->uid = 0;
	buf_reset(&b->key);
	buf_reset(&b->value);
}

/* Take a new snapshot where the old one costs too much. */
static int
renew(struct backup *b)
{
	struct store *newer = NULL;
	int rc;

	if (snapshot_growth(b->s, b->snap) < MAX_GROWTH_BYTES)
		return 0;
	rc = snapshot_open(b->s, &newer);
	if (rc < 0)
		return rc;
	snapshot_close(b->snap);
	b->snap = newer;
	return 0;
}

/* Write records until the slice is used up or the part ends. */
static int
run_part(struct backup *b, struct buf *out, size_t before)
{
	int rc = 0;

	for (int n = 0; rc == 0 && n < SLICE_RECORDS; n++) {
		if (out->len - before > SLICE_BYTES)
			break;
		rc = parts[b->part](b, out);
		if (b->list.len > LIST_BYTES)
			backup_flush_list(b, out);
		if (buf_failed(&b->list) || buf_failed(out))
			return ERR_LIMIT;
	}
	return rc;
}

int
backup_step(struct backup *b, struct buf *out)
{
	size_t before = out->len;
	int rc;

	if (b->part == PART_DONE)
		return 0;
	rc = renew(b);
	if (rc == 0)
		rc = run_part(b, out, before);
	if (rc < 0 && rc != ERR_NONE)
		return rc;
	if (rc == ERR_NONE) {
		backup_flush_list(b, out);
		next_part(b);
	}
	if (b->part == PART_DONE)
		tar_put_end(out);
	if (buf_failed(out))
		return ERR_LIMIT;
	b->totals.bytes += out->len - before;
	return b->part == PART_DONE ? 0 : 1;
}
