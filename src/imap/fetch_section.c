#include "imap/fetch_section.h"

#include "store/store.h"

/* Of the stored message, in one step. */
#define PIECE_BYTES 4096
/* The most that a piece makes: a long field that is made ASCII, and what
 * stands around it. */
#define MAX_MADE_BYTES (MAX_DOWNGRADED_FIELD + 32 * PIECE_BYTES)

void
fetch_stream_init(struct fetch_stream *s)
{
	*s = (struct fetch_stream){ 0 };
	buf_init(&s->heads, MAX_MIME_PARTS * sizeof(struct fetch_range));
	buf_init(&s->made, MAX_MADE_BYTES);
	fetch_fields_init(&s->fields, NULL, false);
}

void
fetch_stream_deinit(struct fetch_stream *s)
{
	buf_deinit(&s->heads);
	buf_deinit(&s->made);
	fetch_fields_deinit(&s->fields);
}

/* --- which part --- */

/* The n-th child (from 1) of a part behind which c stands. */
static int
nth_child(struct cur *c, struct summary_part *part, uint32_t n)
{
	unsigned depth = part->depth + 1;
	int rc;

	for (;;) {
		rc = summary_part_next(c, part);
		if (rc < 0)
			return rc;
		if (part->depth < depth)
			return ERR_NONE;
		if (part->depth == depth && --n == 0)
			return 0;
	}
}

/* One step of the path (RFC 9051 6.4.5.1): in a message that is no multipart,
 * part 1 is its body. */
static int
enter(struct cur *c, struct summary_part *part, uint32_t n, bool is_root)
{
	if (!is_root && (part->flags & PART_IS_MESSAGE)) {
		int rc = nth_child(c, part, 1);

		if (rc < 0)
			return rc == ERR_NONE ? ERR_DAMAGED : rc;
		is_root = true;
	}
	if (part->flags & PART_IS_MULTIPART)
		return nth_child(c, part, n);
	return is_root && n == 1 ? 0 : ERR_NONE;
}

/* The part that the path means, and where its message begins if it is one. */
static int
find(const struct fetch_section *f, const struct summary *sum,
    struct summary_part *out)
{
	struct cur c = summary_parts(sum);
	int rc = summary_part_next(&c, out);

	if (rc < 0)
		return ERR_DAMAGED;
	for (uint32_t i = 0; i < f->n_path; i++) {
		rc = enter(&c, out, f->path[i], i == 0);
		if (rc < 0)
			return rc;
	}
	if (f->n_path == 0 || f->text == FETCH_WHOLE || f->text == FETCH_MIME)
		return 0;
	/* HEADER and TEXT are of the message that the part holds. */
	if (!(out->flags & PART_IS_MESSAGE))
		return ERR_NONE;
	return nth_child(&c, out, 1) < 0 ? ERR_DAMAGED : 0;
}

/* The bytes of a part that are meant. */
static struct fetch_range
range_of(const struct fetch_section *f, const struct summary_part *p)
{
	switch (f->text) {
	case FETCH_WHOLE:
		if (f->n_path == 0)
			return (
			    struct fetch_range){ p->header_start, p->body_end };
		break;
	case FETCH_HEADER:
	case FETCH_FIELDS:
	case FETCH_FIELDS_NOT:
	case FETCH_MIME:
		return (struct fetch_range){ p->header_start, p->body_start };
	case FETCH_TEXT:
		break;
	}
	return (struct fetch_range){ p->body_start, p->body_end };
}

/* --- how it is coded --- */

/* RFC 3516 4.2: the content-transfer-encoding is taken off. */
static int
choose_decoder(struct fetch_stream *s, const struct summary_part *p)
{
	bool is_leaf = !(p->flags & (PART_IS_MULTIPART | PART_IS_MESSAGE));

	if (s->section->n_path == 0 || !is_leaf)
		return 0;
	if (span_is(p->encoding, SPAN("base64")))
		s->coding = FETCH_BASE64;
	else if (span_is(p->encoding, SPAN("quoted-printable")))
		s->coding = FETCH_QP;
	else if (!span_is(p->encoding, SPAN("7bit")) &&
	         !span_is(p->encoding, SPAN("8bit")) &&
	         !span_is(p->encoding, SPAN("binary")))
		return ERR_UNSUPPORTED;
	return 0;
}

/* Note the headers that stand in the range. */
static int
note_heads(struct fetch_stream *s, const struct summary *sum)
{
	struct cur c = summary_parts(sum);
	struct summary_part p;
	int rc;

	while ((rc = summary_part_next(&c, &p)) == 0) {
		struct fetch_range r = { p.header_start, p.body_start };

		if (r.from >= s->from && r.to <= s->to && r.from < r.to)
			buf_put(&s->heads, span_of(&r, sizeof(r)));
	}
	if (buf_failed(&s->heads))
		return ERR_NOMEM;
	return rc == ERR_NONE ? 0 : rc;
}

static bool
is_binary(const struct fetch_section *f)
{
	return f->name == FETCH_BINARY || f->name == FETCH_BINARY_SIZE;
}

static int
choose_coding(struct fetch_stream *s, const struct summary *sum,
    const struct summary_part *p, bool is_utf8)
{
	bool has_names = s->section->text == FETCH_FIELDS ||
	                 s->section->text == FETCH_FIELDS_NOT;
	bool is_downgraded = !is_utf8 && (sum->flags & SUMMARY_8BIT_HEADER);
	int rc;

	if (is_binary(s->section)) {
		rc = choose_decoder(s, p);
		if (rc < 0 || s->coding != FETCH_AS_IS)
			return rc;
	}
	if (!has_names && !is_downgraded)
		return 0;
	rc = note_heads(s, sum);
	if (rc < 0 || s->heads.len == 0)
		return rc;
	s->coding = FETCH_MADE_FIELDS;
	fetch_fields_init(&s->fields, s->section, is_downgraded);
	return 0;
}

/* Make everything from the begin. */
static void
restart(struct fetch_stream *s)
{
	s->at = s->from;
	s->head = 0;
	s->is_over = false;
	s->base64 = (struct base64_stream){ 0 };
	s->qp = (struct qp_stream){ 0 };
	fetch_fields_deinit(&s->fields);
	fetch_fields_init(
	    &s->fields, s->fields.section, s->fields.is_downgraded);
	buf_reset(&s->made);
	s->taken = 0;
}

/* Forget the last section; memory is kept for the next unless it is much. */
static void
forget(struct fetch_stream *s)
{
	struct buf heads = s->heads, made = s->made;

	fetch_fields_deinit(&s->fields);
	buf_reset(&heads);
	buf_reset(&made);
	if (made.cap > 4 * PIECE_BYTES)
		buf_deinit(&made);
	*s = (struct fetch_stream){ .heads = heads, .made = made };
	fetch_fields_init(&s->fields, NULL, false);
}

int
fetch_stream_open(struct fetch_stream *s, const struct fetch_section *section,
    uint64_t body, uint64_t bytes, const struct summary *sum, bool is_utf8)
{
	struct summary_part p;
	struct fetch_range r = { 0, bytes };
	int rc;

	forget(s);
	s->section = section;
	s->body = body;
	if (sum != NULL) {
		rc = find(section, sum, &p);
		if (rc < 0)
			return rc;
		r = range_of(section, &p);
	} else if (section->n_path > 0 || section->text != FETCH_WHOLE) {
		return ERR_DAMAGED;
	}
	if (r.to > bytes)
		return ERR_DAMAGED;
	s->from = r.from;
	s->to = r.to;
	rc = sum != NULL ? choose_coding(s, sum, &p, is_utf8) : 0;
	restart(s);
	s->size = s->to - s->from;
	return rc;
}

/* --- making --- */

static void
decode(struct fetch_stream *s, struct span in)
{
	struct buf *out = &s->made;

	if (buf_reserve(out, in.len + 3) < 0)
		return;
	if (s->coding == FETCH_BASE64)
		out->len += base64_stream_step(
		    &s->base64, in.p, in.len, out->p + out->len);
	else
		out->len +=
		    qp_stream_step(&s->qp, in.p, in.len, out->p + out->len);
}

/* The header that the reader is in, or that comes next; NULL: no more. */
static const struct fetch_range *
head_at(const struct fetch_stream *s)
{
	if (s->coding != FETCH_MADE_FIELDS ||
	    (s->head + 1) * sizeof(struct fetch_range) > s->heads.len)
		return NULL;
	return (const struct fetch_range *)(const void *)s->heads.p + s->head;
}

/* Where the next piece ends: it is of a header, or of none. */
static uint64_t
end_of_piece(const struct fetch_stream *s, bool *is_head_out)
{
	const struct fetch_range *h = head_at(s);
	uint64_t end = s->to;

	*is_head_out = h != NULL && s->at >= h->from;
	if (h != NULL)
		end = *is_head_out ? h->to : h->from;
	return end - s->at > PIECE_BYTES ? s->at + PIECE_BYTES : end;
}

static void
transform(struct fetch_stream *s, struct span in, bool is_head)
{
	if (s->coding == FETCH_BASE64 || s->coding == FETCH_QP) {
		decode(s, in);
	} else if (!is_head) {
		buf_put(&s->made, in);
	} else {
		fetch_fields_step(&s->fields, in, &s->made);
		if (s->at == head_at(s)->to) {
			fetch_fields_finish(&s->fields, &s->made);
			s->head++;
		}
	}
}

/* Make something from the next piece of the message. */
static int
make(struct fetch_stream *s, struct store *store)
{
	char storage[PIECE_BYTES];
	struct buf piece;
	bool is_head;
	uint64_t end = end_of_piece(s, &is_head);
	int rc;

	buf_reset(&s->made);
	s->taken = 0;
	if (s->at >= s->to) {
		/* Without memory, bytes of an escape may stay behind: they
		 * are sent as they are. */
		if (s->coding == FETCH_QP && s->qp.n_held > 0)
			buf_put(&s->made, span_of(s->qp.held, s->qp.n_held));
		s->is_over = true;
		return buf_failed(&s->made) ? ERR_NOMEM : 0;
	}
	buf_init_fixed(&piece, storage, sizeof(storage));
	rc = body_read(store, s->body, s->at, (size_t)(end - s->at), &piece);
	if (rc == 0 && piece.len != end - s->at)
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	s->at = end;
	transform(s, buf_span(&piece), is_head);
	return buf_failed(&s->made) ? ERR_NOMEM : 0;
}

int
fetch_stream_count(struct fetch_stream *s, struct store *store)
{
	int rc;

	if (s->coding == FETCH_AS_IS)
		return 0;
	if (s->at == s->from)
		s->size = 0;
	rc = make(s, store);
	if (rc < 0)
		return rc;
	s->size += s->made.len;
	if (!s->has_nul && s->made.len > 0 &&
	    memchr(s->made.p, '\0', s->made.len) != NULL)
		s->has_nul = true;
	return s->is_over ? 0 : 1;
}

/* Can the byte be read? */
static int
try_byte(struct fetch_stream *s, struct store *store, uint64_t at)
{
	char storage[1];
	struct buf b;
	int rc;

	buf_init_fixed(&b, storage, sizeof(storage));
	rc = body_read(store, s->body, at, 1, &b);
	return rc == 0 && b.len != 1 ? ERR_DAMAGED : rc;
}

int
fetch_stream_rewind(struct fetch_stream *s, struct store *store)
{
	const struct fetch_section *f = s->section;
	int rc = 0;

	s->skip = 0;
	s->left = s->size;
	if (f->has_partial) {
		s->skip = f->offset < s->size ? f->offset : s->size;
		s->left = s->size - s->skip;
		if (s->left > f->count)
			s->left = f->count;
	}
	restart(s);
	if (s->coding != FETCH_AS_IS || s->left == 0)
		return 0; /* all was read when it was counted */
	s->at += s->skip;
	s->skip = 0;
	/* The last chunk first: the first is needed again at once. */
	rc = try_byte(s, store, s->at + s->left - 1);
	return rc == 0 ? try_byte(s, store, s->at) : rc;
}

/* --- sending --- */

/* RFC 9051 4.3: only a literal8 holds NUL. */
static void
mask_nul(const struct fetch_stream *s, char *p, size_t len)
{
	if (s->section->name == FETCH_BINARY)
		return;
	for (char *nul; (nul = memchr(p, '\0', len)) != NULL;) {
		*nul = (char)0x80;
		len -= (size_t)(nul + 1 - p);
		p = nul + 1;
	}
}

static int
put_as_is(
    struct fetch_stream *s, struct store *store, size_t max, struct buf *out)
{
	size_t n = s->left < max ? (size_t)s->left : max;
	size_t before = out->len;
	int rc = body_read(store, s->body, s->at, n, out);

	if (rc == 0 && out->len - before != n)
		rc = ERR_DAMAGED;
	if (rc < 0)
		return rc;
	mask_nul(s, out->p + before, n);
	s->at += n;
	s->left -= n;
	return 0;
}

int
fetch_stream_put(
    struct fetch_stream *s, struct store *store, size_t max, struct buf *out)
{
	while (s->left > 0 && max > 0) {
		size_t n = s->made.len - s->taken;
		int rc;

		if (s->coding == FETCH_AS_IS)
			return put_as_is(s, store, max, out);
		if (n == 0) {
			if (s->is_over)
				return ERR_DAMAGED;
			rc = make(s, store);
			if (rc < 0)
				return rc;
			continue;
		}
		if (s->skip > 0) {
			n = n < s->skip ? n : (size_t)s->skip;
			s->skip -= n;
		} else {
			n = n < max ? n : max;
			n = n < s->left ? n : (size_t)s->left;
			mask_nul(s, s->made.p + s->taken, n);
			buf_put(out, span_of(s->made.p + s->taken, n));
			s->left -= n;
			max -= n;
		}
		s->taken += n;
	}
	return buf_failed(out) ? ERR_NOMEM : 0;
}
