#include "store/backup.h"

#include "base/base64.h"
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
#define READ_BYTES    (2 * CHUNK_BYTES)
/* A snapshot that made the index grow so much is given up for a new one. */
#define MAX_GROWTH_BYTES (32u * 1024 * 1024)

enum part {
	PART_ABOUT,
	PART_SETTINGS,
	PART_DOMAINS,
	PART_PEOPLE,
	PART_ALIASES,
	PART_MAILBOXES,
	PART_BODIES,
	PART_MESSAGES,
	PART_END,
	PART_DONE
};

struct backup {
	struct store *s;
	struct store *snap;
	enum part part;
	struct buf list; /* lines not yet in a file */
	uint32_t n_lists;
	struct buf key;       /* the place in the part: a text, */
	struct buf value;     /* what was read there; scratch */
	struct buf folder;    /* of the links of a mailbox */
	uint32_t id;          /* or a number, */
	uint32_t uid;         /* and a message in it */
	uint64_t body;        /* the last body begun */
	uint64_t body_bytes;  /* of it */
	uint64_t body_offset; /* written of it */
	bool is_in_body;
	bool has_gap;          /* some of it could not be read */
	uint32_t last_mailbox; /* that was listed */
	uint32_t crc;          /* of the content of all files, so many bytes */
	uint64_t content_bytes;
	struct backup_totals totals;
};

static const char *const part_names[] = { "tinpost", "settings", "domains",
	"people", "aliases", "mailboxes", "bodies", "messages", "end" };

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

static void
put_header(struct backup *b, struct buf *out, struct span path,
    struct span link, uint64_t bytes)
{
	struct tar_entry e = { .bytes = bytes,
		.mtime_s = b->snap->meta.created_s,
		.path = path,
		.link = link };

	tar_put_header(out, &e);
}

static void
put_content(struct backup *b, struct buf *out, struct span content)
{
	buf_put(out, content);
	b->crc = crc32c(b->crc, content);
	b->content_bytes += content.len;
}

/* Write the lines that wait as the next file of the part. */
static void
flush_list(struct backup *b, struct buf *out)
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
	put_header(b, out, buf_span(&path), SPAN(""), b->list.len);
	put_content(b, out, buf_span(&b->list));
	tar_put_padding(out, b->list.len);
	buf_reset(&b->list);
}

/* "bodies/0000000000000001" and an ending. */
static void
put_body_path(struct buf *path, uint64_t id, const char *ending)
{
	char storage[8];
	struct buf be;

	buf_init_fixed(&be, storage, sizeof(storage));
	buf_put_be64(&be, id);
	buf_put_str(path, "bodies/");
	buf_put_hex(path, buf_span(&be));
	buf_put_str(path, ending);
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
			flush_list(b, out);
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

/* --- bodies --- */

/* The next body's id, or ERR_NONE. */
static int
find_body(struct backup *b, struct body_place *at)
{
	struct key k = key_u64(b->body + 1);
	struct span key, value;
	int rc;

	rc = tree_seek(b->snap, TREE_BODY, key_span(&k), &key, &value);
	if (rc < 0)
		return rc;
	if (key.len != 8)
		return ERR_DAMAGED;
	b->body = be_get64(key.p);
	return record_get_body(value, at);
}

/* Read the summary, and try the body's first bytes: what cannot be read is
 * left out. */
static int
try_body(struct backup *b, const struct body_place *at)
{
	char first[1];
	struct buf text;
	int rc;

	buf_reset(&b->value);
	rc = body_summary(b->snap, b->body, &b->value);
	if (rc < 0 || at->prefix_bytes + at->data_bytes == 0)
		return rc;
	buf_init_fixed(&text, first, sizeof(first));
	return body_read(b->snap, b->body, 0, 1, &text);
}

static int
put_about_body(struct backup *b, const struct body_place *at, struct buf *path)
{
	struct buf text;
	int rc;

	rc = try_body(b, at);
	if (rc < 0)
		return rc;
	buf_init(&text, MAX_LINE_BYTES);
	base64_encode(&text, buf_span(&b->value));
	line_begin(&b->list, "body");
	line_u64(&b->list, "id", b->body);
	line_u64(&b->list, "prefix", at->prefix_bytes);
	line_text(&b->list, "summary", buf_span(&text));
	line_end(&b->list);
	rc = buf_failed(&text) ? ERR_NOMEM : 0;
	buf_deinit(&text);
	put_body_path(path, b->body, ".txt");
	return rc;
}

static int
begin_body(struct backup *b, struct buf *out)
{
	struct body_place at;
	char storage[64];
	struct buf path;
	int rc;

	rc = find_body(b, &at);
	if (rc < 0)
		return rc;
	buf_init_fixed(&path, storage, sizeof(storage));
	rc = put_about_body(b, &at, &path);
	if (rc == ERR_DAMAGED || rc == ERR_NONE || rc == ERR_IO) {
		b->totals.n_damaged++;
		return 0;
	}
	if (rc < 0)
		return rc;
	put_header(b, out, buf_span(&path), SPAN(""), b->list.len);
	put_content(b, out, buf_span(&b->list));
	tar_put_padding(out, b->list.len);
	buf_reset(&b->list);
	buf_reset(&path);
	put_body_path(&path, b->body, ".eml");
	b->body_bytes = at.prefix_bytes + at.data_bytes;
	b->body_offset = 0;
	b->is_in_body = true;
	b->has_gap = false;
	put_header(b, out, buf_span(&path), SPAN(""), b->body_bytes);
	return 0;
}

/* A body that breaks off: its length was promised. */
static void
fill_body(struct backup *b, struct buf *out)
{
	static const char gap[] = "[unreadable]\r\n";
	uint64_t left = b->body_bytes - b->body_offset;
	size_t n = left < sizeof(gap) - 1 ? (size_t)left : sizeof(gap) - 1;

	put_content(b, out, span_of(gap, n));
	b->body_offset += n;
	b->totals.n_damaged += !b->has_gap;
	b->has_gap = true;
}

static int
part_bodies(struct backup *b, struct buf *out)
{
	int rc;

	if (!b->is_in_body)
		return begin_body(b, out);
	buf_reset(&b->value);
	rc = body_read(b->snap, b->body, b->body_offset, READ_BYTES, &b->value);
	if (rc == ERR_DAMAGED || rc == ERR_IO) {
		fill_body(b, out);
		rc = 0;
	} else if (rc == 0) {
		put_content(b, out, buf_span(&b->value));
		b->body_offset += b->value.len;
	}
	if (rc == 0 && b->body_offset >= b->body_bytes) {
		tar_put_padding(out, b->body_bytes);
		b->is_in_body = false;
		b->totals.n_bodies++;
	}
	return rc;
}

/* --- messages --- */

/* One level of a path in the archive: no slash inside, not "..", no
 * control. */
static void
put_level(struct buf *out, struct span name)
{
	bool is_dots = span_is(name, SPAN(".")) || span_is(name, SPAN(".."));

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.p[i];
		bool is_bad = c < 0x20 || c == 0x7f || c == '/' || c == '\\';

		buf_put_char(out, is_bad || is_dots ? '_' : name.p[i]);
	}
	buf_put_char(out, '/');
}

/* Where the links to a mailbox's messages go. */
static int
enter_mailbox(struct backup *b)
{
	struct mailbox_view m;
	struct account_view a;
	struct span rest;
	int rc;

	rc = mailbox_get(b->snap, b->id, &m);
	if (rc == 0)
		rc = account_get(b->snap, m.account, &a);
	buf_reset(&b->value);
	if (rc == 0)
		rc = mailbox_path(b->snap, b->id, &b->value);
	if (rc < 0)
		return rc;
	buf_reset(&b->folder);
	buf_put_str(&b->folder, "mail/");
	put_level(&b->folder, a.address);
	for (rest = buf_span(&b->value); rest.len > 0;)
		put_level(&b->folder, span_split(&rest, '/'));
	return buf_failed(&b->folder) ? ERR_NOMEM : 0;
}

static void
put_message(struct buf *l, uint32_t mailbox, const struct message *m)
{
	static const char letters[] = "safdt";
	char flags[8];
	struct buf f;

	buf_init_fixed(&f, flags, sizeof(flags));
	for (unsigned i = 0; i < sizeof(letters) - 1; i++)
		if (m->flags & 1u << i)
			buf_put_char(&f, letters[i]);
	line_begin(l, "message");
	line_u64(l, "mailbox", mailbox);
	line_u64(l, "uid", m->uid);
	line_u64(l, "body", m->body);
	line_text(l, "flags", buf_span(&f));
	line_hex64(l, "keywords", m->keywords);
	line_i64(l, "date", m->internal_date_s);
	line_i64(l, "zone", m->zone_minutes);
	line_i64(l, "saved", m->saved_s);
	line_u64(l, "modseq", m->modseq);
	line_u64(l, "born", m->born_modseq);
	line_u64(l, "thread", m->thread_id);
	line_end(l);
}

static int
put_link(struct backup *b, struct buf *out, const struct message *m)
{
	char storage[64];
	struct buf link;
	size_t len = b->folder.len;

	buf_init_fixed(&link, storage, sizeof(storage));
	put_body_path(&link, m->body, ".eml");
	buf_put_u64(&b->folder, m->uid);
	buf_put_str(&b->folder, ".eml");
	if (buf_failed(&b->folder))
		return ERR_NOMEM;
	put_header(b, out, buf_span(&b->folder), buf_span(&link), 0);
	buf_truncate(&b->folder, len);
	return 0;
}

static int
part_messages(struct backup *b, struct buf *out)
{
	struct message m;
	int rc = ERR_NONE;

	if (b->id != 0 && b->uid != UINT32_MAX)
		rc = message_next(b->snap, b->id, b->uid + 1, &m);
	if (rc == 0) {
		b->uid = m.uid;
		/* Newer than the bodies: of a second snapshot. */
		if (m.body > b->body)
			return 0;
		put_message(&b->list, b->id, &m);
		rc = put_link(b, out, &m);
		b->totals.n_messages++;
	}
	if (rc != ERR_NONE)
		return rc;
	b->id++;
	b->uid = 0;
	rc = mailbox_next(b->snap, &b->id);
	if (rc < 0 || b->id > b->last_mailbox)
		return rc < 0 ? rc : ERR_NONE;
	rc = enter_mailbox(b);
	if (rc == ERR_NONE) { /* its person is gone: pass it by */
		b->uid = UINT32_MAX;
		rc = 0;
	}
	return rc;
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
	part_people, part_aliases, part_mailboxes, part_bodies, part_messages,
	part_end };

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
			flush_list(b, out);
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
		flush_list(b, out);
		next_part(b);
	}
	if (b->part == PART_DONE)
		tar_put_end(out);
	if (buf_failed(out))
		return ERR_LIMIT;
	b->totals.bytes += out->len - before;
	return b->part == PART_DONE ? 0 : 1;
}
