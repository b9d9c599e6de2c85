/* Bodies and messages of a backup (backup.h). */
#include "base/base64.h"
#include "store/backup_in.h"
#include "store/line.h"
#include "store/tar.h"

#define READ_BYTES (2 * CHUNK_BYTES)

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
	backup_put_header(b, out, buf_span(&path), SPAN(""), b->list.len);
	backup_put_content(b, out, buf_span(&b->list));
	tar_put_padding(out, b->list.len);
	buf_reset(&b->list);
	buf_reset(&path);
	put_body_path(&path, b->body, ".eml");
	b->body_bytes = at.prefix_bytes + at.data_bytes;
	b->body_offset = 0;
	b->is_in_body = true;
	b->has_gap = false;
	backup_put_header(b, out, buf_span(&path), SPAN(""), b->body_bytes);
	return 0;
}

/* A body that breaks off: its length was promised. */
static void
fill_body(struct backup *b, struct buf *out)
{
	static const char gap[] = "[unreadable]\r\n";
	uint64_t left = b->body_bytes - b->body_offset;
	size_t n = left < sizeof(gap) - 1 ? (size_t)left : sizeof(gap) - 1;

	backup_put_content(b, out, span_of(gap, n));
	b->body_offset += n;
	b->totals.n_damaged += !b->has_gap;
	b->has_gap = true;
}

int
backup_bodies(struct backup *b, struct buf *out)
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
		backup_put_content(b, out, buf_span(&b->value));
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
	backup_put_header(b, out, buf_span(&b->folder), buf_span(&link), 0);
	buf_truncate(&b->folder, len);
	return 0;
}

int
backup_messages(struct backup *b, struct buf *out)
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
