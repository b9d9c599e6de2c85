#include "store/restore.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "store/intake.h"
#include "store/tar.h"

/* What the entry being read is. */
enum kind {
	KIND_OTHER, /* passed over */
	KIND_LINES,
	KIND_BODY
};

struct restore {
	struct intake in;
	struct tar_reader tar;
	struct buf line; /* the part of a line that is here */
	enum kind kind;
	uint32_t crc; /* of the content so far */
	uint64_t content_bytes;
	uint32_t crc_before; /* the same, without the entry being read */
	uint64_t content_before;
	uint64_t bytes;
	bool has_begun; /* the "backup" line was read */
	bool is_end;    /* the "end" line was read and agreed */
	bool is_over;   /* the archive's last block was read */
	int failed;     /* sticky */
	struct buf why;
	char why_storage[200];
};

int
restore_new(struct store *s, struct restore **out)
{
	struct restore *r = mem_alloc(sizeof(*r));
	int rc;

	if (r == NULL)
		return ERR_NOMEM;
	tar_reader_init(&r->tar);
	buf_init(&r->line, MAX_LINE_BYTES);
	buf_init_fixed(&r->why, r->why_storage, sizeof(r->why_storage));
	rc = intake_init(&r->in, s);
	if (rc < 0) {
		restore_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
restore_free(struct restore *r)
{
	if (r == NULL)
		return;
	intake_deinit(&r->in);
	tar_reader_deinit(&r->tar);
	buf_wipe(&r->line);
	mem_free(r);
}

void
restore_totals(const struct restore *r, struct backup_totals *out)
{
	*out = r->in.totals;
	out->bytes = r->bytes;
}

struct span
restore_why(const struct restore *r)
{
	return buf_span(&r->why);
}

/* Say what is wrong, once. Returns rc. */
static int
fail(struct restore *r, int rc, const char *what)
{
	if (rc < 0 && r->why.len == 0) {
		buf_put_str(&r->why, what);
		buf_put_str(&r->why, " (");
		buf_put_str(&r->why, err_text(rc));
		buf_put_str(&r->why, "), at byte ");
		buf_put_u64(&r->why, r->bytes);
	}
	return rc;
}

static int
take_backup(struct restore *r, struct line *l)
{
	uint64_t format = line_get_u64(l, "format", UINT32_MAX);
	uint64_t id = line_get_hex64(l, "store");
	int64_t created = line_get_i64(l, "created");

	if (l->rc < 0 || r->has_begun)
		return fail(r, ERR_SYNTAX, "the archive's head is not ours");
	if (format != 1)
		return fail(
		    r, ERR_TOO_NEW, "the backup was made by a newer version");
	/* Object ids are made of it: clients know them. */
	r->in.s->meta.store_id = id;
	r->in.s->meta.created_s = created;
	r->has_begun = true;
	return 0;
}

static int
take_end(struct restore *r, struct line *l)
{
	const struct backup_totals *t = &r->in.totals;
	unsigned char sum[4] = { 0 };

	line_get_hex(l, "crc32c", sum, sizeof(sum));
	if (line_get_u64(l, "bodies", UINT64_MAX) != t->n_bodies ||
	    line_get_u64(l, "messages", UINT64_MAX) != t->n_messages ||
	    line_get_u64(l, "bytes", UINT64_MAX) != r->content_before ||
	    l->rc < 0 || be_get32((const char *)sum) != r->crc_before)
		return fail(r, ERR_DAMAGED, "the sums at the end do not agree");
	r->is_end = true;
	return 0;
}

static int
take_line(struct restore *r, struct span text)
{
	struct line l;
	int rc;

	if (text.len == 0 || text.p[0] == '#')
		return 0;
	rc = line_parse(text, &l);
	if (rc < 0)
		return fail(r, rc, "a line is malformed");
	if (span_is(l.word, SPAN("backup")))
		return take_backup(r, &l);
	if (!r->has_begun)
		return fail(r, ERR_SYNTAX, "this is no backup of Tinpost");
	if (span_is(l.word, SPAN("end")))
		return take_end(r, &l);
	if (r->is_end)
		return fail(r, ERR_DAMAGED, "there is more behind the end");
	rc = intake_line(&r->in, &l);
	if (rc < 0)
		fail(r, rc, "a record cannot be taken");
	return rc;
}

static int
take_lines(struct restore *r, struct span data)
{
	int rc = 0;

	while (rc == 0 && data.len > 0) {
		size_t end = span_find(data, '\n');

		buf_put(&r->line, span_sub(data, 0, end));
		if (buf_failed(&r->line))
			return fail(r, ERR_LIMIT, "a line is too long");
		if (end == data.len)
			break;
		data = span_sub(data, end + 1, data.len);
		rc = take_line(r, buf_span(&r->line));
		buf_reset(&r->line);
	}
	return rc;
}

/* "bodies/HEX16.eml" to its id; false for any other path. */
static bool
body_of_path(struct span path, uint64_t *id)
{
	struct line l = { .n_fields = 1 };

	if (!span_starts(path, SPAN("bodies/")) || path.len != 27 ||
	    !span_is(span_sub(path, 23, 4), SPAN(".eml")))
		return false;
	l.fields[0].key = SPAN("id");
	l.fields[0].value = span_sub(path, 7, 16);
	*id = line_get_hex64(&l, "id");
	return l.rc == 0;
}

static int
begin_entry(struct restore *r)
{
	const struct tar_entry *e = &r->tar.entry;
	uint64_t id = 0;
	int rc;

	r->kind = KIND_OTHER;
	r->crc_before = r->crc;
	r->content_before = r->content_bytes;
	if (e->link.len > 0)
		return 0;
	if (body_of_path(e->path, &id)) {
		r->kind = KIND_BODY;
		rc = intake_body_begin(&r->in, id, e->bytes);
		return fail(r, rc, "a message is out of place");
	}
	if (!span_starts(e->path, SPAN("mail/")) &&
	    span_ends_nocase(e->path, SPAN(".txt")))
		r->kind = KIND_LINES;
	return 0;
}

static int
take_data(struct restore *r, struct span data)
{
	int rc = 0;

	switch (r->kind) {
	case KIND_OTHER:
		return 0;
	case KIND_LINES:
		rc = take_lines(r, data);
		break;
	case KIND_BODY:
		rc = intake_body_put(&r->in, data);
		fail(r, rc, "a message cannot be stored");
		break;
	}
	r->crc = crc32c(r->crc, data);
	r->content_bytes += data.len;
	return rc;
}

static int
end_entry(struct restore *r)
{
	int rc;

	if (r->kind == KIND_BODY) {
		rc = intake_body_end(&r->in);
		return fail(r, rc, "a message cannot be stored");
	}
	if (r->kind == KIND_LINES && r->line.len > 0)
		return fail(r, ERR_SYNTAX, "a list ends within a line");
	return 0;
}

static int
take(struct restore *r, int what, struct span data)
{
	switch (what) {
	case TAR_ENTRY:
		return begin_entry(r);
	case TAR_DATA:
		return take_data(r, data);
	case TAR_DONE:
		return end_entry(r);
	case TAR_END:
		r->is_over = true;
		return 0;
	case TAR_MORE:
		return 0;
	default:
		return fail(r, what, "this is no tar archive, or a broken one");
	}
}

int
restore_put(struct restore *r, struct span piece)
{
	r->bytes += piece.len;
	while (r->failed == 0 && !r->is_over) {
		struct span data = SPAN("");
		int what = tar_read(&r->tar, &piece, &data);

		r->failed = take(r, what, data);
		if (what == TAR_MORE)
			break;
	}
	return r->failed;
}

int
restore_finish(struct restore *r)
{
	if (r->failed == 0 && (!r->is_over || !r->is_end))
		r->failed =
		    fail(r, ERR_DAMAGED, "the archive is not whole: cut off");
	if (r->failed == 0) {
		r->failed = intake_finish(&r->in);
		fail(r, r->failed, "the parts do not fit together");
	}
	return r->failed;
}
