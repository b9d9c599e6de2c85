#include "store/tar.h"

#include <assert.h>

#include "base/cursor.h"

/* Offsets and lengths of the fields (POSIX.1-2008, Table 4-14). */
#define NAME_LEN   100
#define MODE       100
#define UID        108
#define GID        116
#define SIZE       124
#define SIZE_LEN   12
#define MTIME      136
#define CHECKSUM   148
#define SUM_LEN    8
#define TYPE       156
#define LINK       157
#define MAGIC      257
#define PREFIX     345
#define PREFIX_LEN 155

/* The largest size that 11 octal digits hold. */
#define MAX_OCTAL_SIZE 077777777777ull
/* Of an extended header: two paths and what another tar adds. */
#define MAX_PAX_BYTES (2 * TAR_PATH_BYTES + 4096)

enum state {
	AT_HEADER,
	AT_PAX,     /* in the records of an extended header */
	AT_CONTENT, /* of an entry that the caller sees */
	AT_OTHER,   /* of one that is passed over */
	AT_PADDING,
	AT_ZEROS, /* one block of zeros was read */
	AT_END
};

/* --- writing --- */

static void
put_octal(char *field, size_t len, uint64_t v)
{
	for (size_t i = len - 1; i > 0; i--) {
		field[i - 1] = (char)('0' + (v & 7));
		v >>= 3;
	}
	field[len - 1] = 0;
}

static unsigned
checksum(const char *block)
{
	unsigned sum = 0;

	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
		sum += i >= CHECKSUM && i < CHECKSUM + SUM_LEN
		           ? ' '
		           : (unsigned char)block[i];
	return sum;
}

/* Split a path at a slash so that it fits name and prefix. */
static bool
split_path(struct span path, struct span *prefix, struct span *name)
{
	*prefix = span_of("", 0);
	*name = path;
	if (path.len <= NAME_LEN)
		return true;
	for (size_t i = path.len - NAME_LEN - 1; i < path.len - 1; i++) {
		if (path.p[i] != '/' || i == 0)
			continue;
		*prefix = span_sub(path, 0, i);
		*name = span_sub(path, i + 1, path.len);
		return i <= PREFIX_LEN;
	}
	return false;
}

static void
put_block(struct buf *out, const struct tar_entry *e, char type,
    struct span prefix, struct span name)
{
	char b[TAR_BLOCK_BYTES] = { 0 };
	struct span link = span_sub(e->link, 0, NAME_LEN);

	memcpy(b, name.p, name.len);
	put_octal(b + MODE, 8, 0600);
	put_octal(b + UID, 8, 0);
	put_octal(b + GID, 8, 0);
	put_octal(b + SIZE, SIZE_LEN, e->bytes);
	put_octal(b + MTIME, 12, e->mtime_s > 0 ? (uint64_t)e->mtime_s : 0);
	b[TYPE] = type;
	if (link.len > 0)
		memcpy(b + LINK, link.p, link.len);
	memcpy(b + MAGIC, "ustar\00000", 8);
	if (prefix.len > 0)
		memcpy(b + PREFIX, prefix.p, prefix.len);
	put_octal(b + CHECKSUM, 7, checksum(b));
	b[CHECKSUM + 7] = ' ';
	buf_put(out, span_of(b, sizeof(b)));
}

/* One record of an extended header: "LENGTH key=value\n", the length counting
 * itself. */
static void
put_pax(struct buf *out, struct span key, struct span value)
{
	size_t len = key.len + value.len + 3;
	size_t digits = 1;

	for (size_t most = 10; len + digits >= most; most *= 10)
		digits++;
	buf_put_u64(out, len + digits);
	buf_put_char(out, ' ');
	buf_put(out, key);
	buf_put_char(out, '=');
	buf_put(out, value);
	buf_put_char(out, '\n');
}

void
tar_put_header(struct buf *out, const struct tar_entry *e)
{
	struct tar_entry pax = { .mtime_s = e->mtime_s };
	char type = e->link.len > 0 ? '1' : '0';
	struct span prefix, name;
	size_t at;

	assert(e->path.len > 0);
	if (split_path(e->path, &prefix, &name) && e->link.len <= NAME_LEN) {
		put_block(out, e, type, prefix, name);
		return;
	}
	/* The block of the extended header tells its length: put last. */
	at = out->len;
	put_block(out, &pax, 'x', SPAN(""), SPAN("PaxHeader"));
	put_pax(out, SPAN("path"), e->path);
	if (e->link.len > 0)
		put_pax(out, SPAN("linkpath"), e->link);
	if (buf_failed(out))
		return;
	pax.bytes = out->len - at - TAR_BLOCK_BYTES;
	tar_put_padding(out, pax.bytes);
	if (!buf_failed(out)) {
		struct buf head;

		buf_init_fixed(&head, out->p + at, TAR_BLOCK_BYTES);
		put_block(&head, &pax, 'x', SPAN(""), SPAN("PaxHeader"));
	}
	put_block(out, e, type, SPAN(""), span_sub(e->path, 0, NAME_LEN));
}

void
tar_put_padding(struct buf *out, uint64_t bytes)
{
	static const char zeros[TAR_BLOCK_BYTES];

	if (bytes % TAR_BLOCK_BYTES != 0)
		buf_put(out,
		    span_of(zeros,
		        TAR_BLOCK_BYTES - (size_t)(bytes % TAR_BLOCK_BYTES)));
}

void
tar_put_end(struct buf *out)
{
	static const char zeros[2 * TAR_BLOCK_BYTES];

	buf_put(out, span_of(zeros, sizeof(zeros)));
}

/* --- reading --- */

void
tar_reader_init(struct tar_reader *t)
{
	memset(t, 0, sizeof(*t));
	buf_init(&t->path, TAR_PATH_BYTES);
	buf_init(&t->link, TAR_PATH_BYTES);
	buf_init(&t->pax, MAX_PAX_BYTES);
}

void
tar_reader_deinit(struct tar_reader *t)
{
	buf_deinit(&t->path);
	buf_deinit(&t->link);
	buf_deinit(&t->pax);
}

/* Octal digits, with spaces before and space or NUL behind. */
static int
get_octal(const char *field, size_t len, uint64_t *out)
{
	size_t i = 0;
	uint64_t v = 0;

	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++) {
		if (v > MAX_OCTAL_SIZE >> 3)
			return ERR_SYNTAX;
		v = v << 3 | (uint64_t)(field[i] - '0');
	}
	if (i < len && field[i] != 0 && field[i] != ' ')
		return ERR_SYNTAX;
	*out = v;
	return 0;
}

static struct span
field_text(const char *field, size_t len)
{
	size_t n = 0;

	while (n < len && field[n] != 0)
		n++;
	return span_of(field, n);
}

static bool
is_zero_block(const char *b)
{
	for (size_t i = 0; i < TAR_BLOCK_BYTES; i++)
		if (b[i] != 0)
			return false;
	return true;
}

/* Path and link from the block, unless an extended header gave them. */
static int
take_names(struct tar_reader *t)
{
	const char *b = t->block;
	struct span prefix = field_text(b + PREFIX, PREFIX_LEN);

	if (t->path.len == 0) {
		if (prefix.len > 0) {
			buf_put(&t->path, prefix);
			buf_put_char(&t->path, '/');
		}
		buf_put(&t->path, field_text(b, NAME_LEN));
	}
	if (t->link.len == 0)
		buf_put(&t->link, field_text(b + LINK, NAME_LEN));
	return buf_failed(&t->path) ? buf_error(&t->path) : buf_error(&t->link);
}

/* A file or link that the caller sees. */
static int
begin_entry(struct tar_reader *t, uint64_t size, bool is_link)
{
	uint64_t mtime = 0;
	int rc;

	rc = take_names(t);
	if (rc == 0)
		rc = get_octal(t->block + MTIME, 12, &mtime);
	if (rc < 0)
		return rc;
	if (t->has_pax_bytes)
		size = t->pax_bytes;
	if (is_link)
		size = 0;
	t->entry = (struct tar_entry){ .bytes = size,
		.mtime_s = (int64_t)mtime,
		.path = buf_span(&t->path) };
	if (is_link)
		t->entry.link = buf_span(&t->link);
	t->left_bytes = size;
	t->state = AT_CONTENT;
	return TAR_ENTRY;
}

static int
read_header(struct tar_reader *t)
{
	uint64_t size = 0, sum = 0;
	char type = t->block[TYPE];
	int rc;

	if (is_zero_block(t->block)) {
		t->state = t->state == AT_ZEROS ? AT_END : AT_ZEROS;
		return t->state == AT_END ? TAR_END : TAR_MORE;
	}
	rc = get_octal(t->block + CHECKSUM, SUM_LEN, &sum);
	if (rc == 0)
		rc = get_octal(t->block + SIZE, SIZE_LEN, &size);
	if (rc < 0)
		return rc;
	if (t->state == AT_ZEROS || sum != checksum(t->block) ||
	    memcmp(t->block + MAGIC, "ustar", 5) != 0)
		return ERR_SYNTAX;
	t->n_padding = (size_t)(-size % TAR_BLOCK_BYTES);
	t->left_bytes = size;
	if (type == 'x') {
		if (size > MAX_PAX_BYTES)
			return ERR_LIMIT;
		buf_reset(&t->pax);
		t->state = AT_PAX;
		return TAR_MORE;
	}
	if (type != '0' && type != 0 && type != '1') {
		t->state = AT_OTHER;
		return TAR_MORE;
	}
	return begin_entry(t, size, type == '1');
}

/* A record "LENGTH key=value\n" of an extended header. */
static int
pax_record(struct tar_reader *t, struct cur *c)
{
	struct span rest = cur_rest(c), record, key;
	size_t space = span_find(rest, ' ');
	uint64_t len = 0;

	if (span_to_u64(span_sub(rest, 0, space), rest.len, &len) < 0 ||
	    len < space + 3 || rest.p[len - 1] != '\n')
		return ERR_SYNTAX;
	record = span_of(rest.p + space + 1, (size_t)len - space - 2);
	key = span_split(&record, '=');
	if (span_is(key, SPAN("path"))) {
		buf_reset(&t->path);
		buf_put(&t->path, record);
	} else if (span_is(key, SPAN("linkpath"))) {
		buf_reset(&t->link);
		buf_put(&t->link, record);
	} else if (span_is(key, SPAN("size"))) {
		if (span_to_u64(record, INT64_MAX, &t->pax_bytes) < 0)
			return ERR_SYNTAX;
		t->has_pax_bytes = true;
	}
	if (cur_take(c, (size_t)len, &record) != PARSE_OK)
		return ERR_SYNTAX;
	return buf_failed(&t->path) || buf_failed(&t->link) ? ERR_LIMIT : 0;
}

/* The content of what stands before the padding ended. */
static int
end_content(struct tar_reader *t)
{
	struct cur c = cur_of(buf_span(&t->pax));
	bool is_entry = t->state == AT_CONTENT;
	int rc = 0;

	if (t->state == AT_PAX) {
		while (rc == 0 && !cur_is_end(&c))
			rc = pax_record(t, &c);
	} else {
		buf_reset(&t->path);
		buf_reset(&t->link);
		t->has_pax_bytes = false;
	}
	t->state = AT_PADDING;
	if (rc < 0)
		return rc;
	return is_entry ? TAR_DONE : TAR_MORE;
}

/* Take a piece of content. */
static int
read_content(struct tar_reader *t, struct span *in, struct span *data_out)
{
	struct span piece = *in;

	if (t->left_bytes == 0)
		return end_content(t);
	if (piece.len > t->left_bytes)
		piece.len = (size_t)t->left_bytes;
	*in = span_sub(*in, piece.len, in->len);
	t->left_bytes -= piece.len;
	if (t->state == AT_PAX) {
		buf_put(&t->pax, piece);
		if (buf_failed(&t->pax))
			return ERR_NOMEM;
	}
	if (t->state != AT_CONTENT || piece.len == 0)
		return TAR_MORE;
	*data_out = piece;
	return TAR_DATA;
}

/* Collect a header block. */
static int
fill_block(struct tar_reader *t, struct span *in)
{
	struct span piece = span_sub(*in, 0, TAR_BLOCK_BYTES - t->n_block);

	if (piece.len > 0)
		memcpy(t->block + t->n_block, piece.p, piece.len);
	t->n_block += piece.len;
	*in = span_sub(*in, piece.len, in->len);
	if (t->n_block < TAR_BLOCK_BYTES)
		return TAR_MORE;
	t->n_block = 0;
	return read_header(t);
}

static void
skip_padding(struct tar_reader *t, struct span *in)
{
	size_t n = in->len < t->n_padding ? in->len : t->n_padding;

	*in = span_sub(*in, n, in->len);
	t->n_padding -= n;
	if (t->n_padding == 0)
		t->state = AT_HEADER;
}

int
tar_read(struct tar_reader *t, struct span *in, struct span *data_out)
{
	int rc = TAR_MORE;

	for (;;) {
		enum state before = (enum state)t->state;

		switch (before) {
		case AT_HEADER:
		case AT_ZEROS:
			rc = fill_block(t, in);
			break;
		case AT_PAX:
		case AT_CONTENT:
		case AT_OTHER:
			rc = read_content(t, in, data_out);
			break;
		case AT_PADDING:
			skip_padding(t, in);
			break;
		case AT_END:
			return TAR_END;
		}
		if (rc != TAR_MORE)
			return rc;
		if (in->len == 0 && t->state == (int)before)
			return TAR_MORE;
	}
}
