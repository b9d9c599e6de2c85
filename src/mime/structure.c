#include "mime/structure.h"

#include "base/ascii.h"
#include "base/hash.h"
#include "base/mem.h"
#include "mime/date.h"
#include "mime/entity.h"
#include "mime/summary.h"

/* The parts' share of a summary; the rest is for the head. */
#define MAX_PARTS_BYTES (MAX_SUMMARY_BYTES - 4096)
/* Of all open boundaries together. */
#define MAX_OPEN_BYTES (8 * 1024)
/* A delimiter line: "--", boundary, "--", padding, CRLF. */
#define HOLD_BYTES (MAX_BOUNDARY_BYTES + 56)

/* An open part. */
struct level {
	uint32_t record;      /* where its record is in the parts */
	uint32_t boundary_at; /* in boundaries */
	uint32_t n_boundary;  /* 0: none, or closed */
	bool is_digest, is_multipart;
	uint64_t header_start, body_start;
	uint64_t n_lines; /* of the message, before the body */
};

struct mime_parser {
	struct header_parser header;
	struct entity entity;
	struct preview preview;
	struct buf parts, boundaries, references, open;
	uint64_t offset;     /* of the next byte to be used */
	uint64_t n_lines;    /* line ends used */
	uint64_t line_bytes; /* of this line, so far */
	uint64_t longest_line, header_bytes, thread_root;
	int64_t sent_wall_s;
	int sent_zone_minutes;
	uint32_t flags, n_parts, n_open; /* n_open: boundaries waited for */
	uint16_t n_hold;
	uint8_t n_eol; /* bytes of the last line end */
	char last;     /* the last byte used */
	bool is_header, is_mid_line, is_holding, is_full, is_nomem;
	char hold[HOLD_BYTES];
};

_Static_assert(
    sizeof(struct mime_parser) <= 1536, "one for each message that arrives");
_Static_assert(MAX_PARTS_BYTES + MAX_ENTITY_BYTES + MAX_VALUE_BYTES +
                       MAX_OPEN_BYTES + MAX_MIME_DEPTH * sizeof(struct level) <=
                   96 * 1024,
    "the promise of structure.h");
_Static_assert(MAX_MIME_DEPTH < 255, "depth is one byte");

static void
begin_entity(struct mime_parser *p, uint64_t offset)
{
	entity_begin(&p->entity, offset);
	header_parser_again(&p->header, offset);
	p->is_header = true;
}

struct mime_parser *
mime_parser_new(void)
{
	struct mime_parser *p = mem_alloc(sizeof(*p));

	if (p == NULL)
		return NULL;
	header_parser_init(&p->header, 0, entity_field_names, MAX_VALUE_BYTES);
	entity_init(&p->entity);
	preview_init(&p->preview);
	buf_init(&p->parts, MAX_PARTS_BYTES);
	buf_init(&p->boundaries, MAX_OPEN_BYTES);
	buf_init(&p->references, MAX_REFERENCES_BYTES);
	buf_init(&p->open, MAX_MIME_DEPTH * sizeof(struct level));
	begin_entity(p, 0);
	p->entity.is_root = true;
	return p;
}

void
mime_parser_free(struct mime_parser *p)
{
	if (p == NULL)
		return;
	header_parser_deinit(&p->header);
	entity_deinit(&p->entity);
	preview_deinit(&p->preview);
	buf_deinit(&p->parts);
	buf_deinit(&p->boundaries);
	buf_deinit(&p->references);
	buf_deinit(&p->open);
	mem_free(p);
}

static size_t
n_levels(const struct mime_parser *p)
{
	return p->open.len / sizeof(struct level);
}

static struct level *
level_at(struct mime_parser *p, size_t i)
{
	return (struct level *)(void *)p->open.p + i;
}

static void
poke32(struct mime_parser *p, size_t at, uint64_t v)
{
	uint32_t n = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;

	for (int i = 0; i < 4; i++)
		p->parts.p[at + i] = (char)(n >> (24 - 8 * i));
}

/* What only the message's own header tells. */
static void
note_message(struct mime_parser *p)
{
	/* A stable key: the result is kept in the store. */
	static const struct hash_key key = { 0x54696e706f737421,
		0x7468726561642069 };
	static const int fields[] = { FIELD_REFERENCES, ENV_IN_REPLY_TO,
		ENV_MESSAGE_ID };
	struct span date = entity_field(&p->entity, ENV_DATE);
	struct span id;

	p->header_bytes = p->offset;
	if (date_parse(date, &p->sent_wall_s, &p->sent_zone_minutes) == 0)
		p->flags |= SUMMARY_HAS_DATE;
	buf_put(&p->references, entity_field(&p->entity, FIELD_REFERENCES));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct cur c = cur_of(entity_field(&p->entity, fields[i]));

		if (header_next_id(&c, &id) < 0)
			continue;
		p->thread_root = hash_sip(key, id);
		return;
	}
}

/* Tell the parent that it has a child. */
static void
mark_parent(struct mime_parser *p)
{
	struct level *parent;
	char *flags;

	if (n_levels(p) == 0)
		return;
	parent = level_at(p, n_levels(p) - 1);
	flags = p->parts.p + parent->record + PART_FLAGS_AT;
	*flags &= (char)~PART_IS_OPAQUE;
	*flags |=
	    (char)(parent->is_multipart ? PART_IS_MULTIPART : PART_IS_MESSAGE);
}

/* Can children be put below a part at this depth? */
static bool
is_deep_enough(const struct mime_parser *p)
{
	return n_levels(p) < MAX_MIME_DEPTH && p->n_parts < MAX_MIME_PARTS;
}

/* Wait for a multipart's boundary, if there is one and room for it. */
static void
open_boundary(
    struct mime_parser *p, struct level *l, const struct entity_facts *facts)
{
	l->boundary_at = (uint32_t)p->boundaries.len;
	if (facts->kind != ENTITY_MULTIPART || facts->n_boundary == 0 ||
	    n_levels(p) + 1 >= MAX_MIME_DEPTH ||
	    facts->n_boundary > p->boundaries.max - p->boundaries.len)
		return;
	buf_put(&p->boundaries, span_of(facts->boundary, facts->n_boundary));
	if (buf_failed(&p->boundaries)) {
		p->is_nomem = true;
		return;
	}
	l->n_boundary = facts->n_boundary;
	l->is_digest = facts->is_digest;
	l->is_multipart = true;
	p->n_open++;
}

/* Write the record of the finished header, and open its part. */
static void
open_part(struct mime_parser *p, struct entity_facts *facts)
{
	struct level l = { .record = (uint32_t)p->parts.len,
		.header_start = p->entity.header_start,
		.body_start = p->offset,
		.n_lines = p->n_lines };
	uint32_t flags = 0;

	entity_put(&p->entity, &p->parts, (uint8_t)n_levels(p), facts);
	if (buf_failed(&p->parts)) {
		p->is_nomem = true; /* a level without a record must not be */
		return;
	}
	mark_parent(p);
	open_boundary(p, &l, facts);
	if (p->entity.is_root)
		flags |= PART_HAS_ENVELOPE;
	if (facts->is_attachment)
		flags |= PART_IS_ATTACHMENT;
	if (facts->kind != ENTITY_LEAF)
		flags |= PART_IS_OPAQUE; /* until a child comes */
	buf_put(&p->open, span_of(&l, sizeof(l)));
	if (buf_failed(&p->open)) {
		p->is_nomem = true;
		return;
	}
	p->parts.p[l.record + PART_FLAGS_AT] = (char)flags;
	p->n_parts++;
	if (facts->is_attachment)
		p->flags |= SUMMARY_HAS_ATTACHMENT;
}

static void
begin_body(struct mime_parser *p, const struct entity_facts *facts)
{
	if (facts->kind == ENTITY_MESSAGE && is_deep_enough(p)) {
		begin_entity(p, p->offset);
		p->entity.is_root = true;
	} else if (facts->kind == ENTITY_LEAF && facts->is_text &&
	           !facts->is_attachment) {
		preview_begin(&p->preview, facts->encoding,
		    facts->n_charset > 0
		        ? span_of(facts->charset, facts->n_charset)
		        : SPAN("utf-8"),
		    facts->is_html);
	}
}

/* The header is over: its part is opened if it fits. */
static void
end_header(struct mime_parser *p)
{
	struct entity_facts facts;
	struct field f;

	p->is_header = false;
	if (header_parser_finish(&p->header, &f) == HEADER_FIELD &&
	    entity_add(&p->entity, &f) < 0)
		p->is_nomem = true;
	if (p->n_parts == 0)
		note_message(p);
	if (p->n_parts == MAX_MIME_PARTS ||
	    entity_max_bytes(&p->entity) > p->parts.max - p->parts.len)
		p->is_full = true;
	if (p->is_full || p->is_nomem) {
		p->flags |= SUMMARY_IS_CUT;
		return;
	}
	open_part(p, &facts);
	if (!p->is_nomem)
		begin_body(p, &facts);
}

/* Close the parts from level `first` on: their text ends at `end`, before
 * which n_lines line ends were. */
static void
close_levels(
    struct mime_parser *p, size_t first, uint64_t end, uint64_t n_lines)
{
	if (n_levels(p) > first)
		preview_end(&p->preview);
	while (n_levels(p) > first) {
		struct level *l = level_at(p, n_levels(p) - 1);
		uint64_t from = l->body_start, to = end;

		/* An empty body: the boundary's CRLF is the header's last. */
		if (to < from)
			from = to = to < l->header_start ? l->header_start : to;
		poke32(p, l->record + PART_BODY_START_AT, from);
		poke32(p, l->record + PART_BODY_END_AT, to);
		poke32(p, l->record + PART_LINES_AT,
		    n_lines > l->n_lines && to > from ? n_lines - l->n_lines
		                                      : 0);
		if (l->n_boundary > 0)
			p->n_open--;
		buf_truncate(&p->boundaries, l->boundary_at);
		buf_truncate(&p->open, p->open.len - sizeof(*l));
	}
}

/* A delimiter line of level k stands in hold. */
static void
take_delimiter(struct mime_parser *p, size_t k, bool is_close)
{
	struct level *l;

	while (p->is_header) /* a header may open another */
		end_header(p);
	/* RFC 2046 5.1.1: the CRLF before belongs to the delimiter. */
	close_levels(
	    p, k + 1, p->offset - p->n_eol, p->n_lines - (p->n_eol > 0));
	preview_end(&p->preview);
	l = level_at(p, k);
	if (is_close) {
		buf_truncate(&p->boundaries, l->boundary_at);
		l->n_boundary = 0;
		p->n_open--;
	} else if (!p->is_full && p->n_parts < MAX_MIME_PARTS) {
		bool is_digest = l->is_digest;

		begin_entity(p, p->offset + p->n_hold);
		p->entity.is_in_digest = is_digest;
	} else {
		p->flags |= SUMMARY_IS_CUT;
	}
}

/* Is the held line a delimiter of an open multipart? The innermost wins. */
static bool
is_delimiter(struct mime_parser *p, size_t *k_out, bool *is_close_out)
{
	struct span line = span_of(p->hold, p->n_hold);

	if (!span_starts(line, SPAN("--")))
		return false;
	line = span_sub(line, 2, line.len);
	while (line.len > 0 && ascii_is_space(line.p[line.len - 1]))
		line.len--;
	for (size_t k = n_levels(p); k-- > 0;) {
		const struct level *l = level_at(p, k);
		struct span b =
		    span_of(p->boundaries.p + l->boundary_at, l->n_boundary);

		if (b.len == 0 ||
		    (line.len != b.len && line.len != b.len + 2) ||
		    !span_starts(line, b))
			continue;
		*is_close_out = line.len > b.len;
		*k_out = k;
		if (!*is_close_out ||
		    span_is(span_sub(line, b.len, 2), SPAN("--")))
			return true;
	}
	return false;
}

static bool
has_8bit(struct span s)
{
	uint64_t word, sum = 0;
	size_t i = 0;

	for (; s.len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		sum |= word;
	}
	for (; i < s.len; i++)
		sum |= (unsigned char)s.p[i];
	return (sum & 0x8080808080808080) != 0;
}

static void
look_at_bytes(struct mime_parser *p, struct span s)
{
	uint32_t bit = p->is_header ? SUMMARY_8BIT_HEADER : SUMMARY_8BIT_BODY;

	if (!(p->flags & bit) && has_8bit(s))
		p->flags |= bit;
	if (!(p->flags & SUMMARY_HAS_NUL) && memchr(s.p, '\0', s.len) != NULL)
		p->flags |= SUMMARY_HAS_NUL;
}

static void
feed_header(struct mime_parser *p, struct span s)
{
	struct cur c = cur_of(s);

	for (;;) {
		struct field f;

		switch (header_parser_step(&p->header, &c, &f)) {
		case HEADER_MORE:
			return;
		case HEADER_FIELD:
			if (entity_add(&p->entity, &f) < 0)
				p->is_nomem = true;
			break;
		case HEADER_END:
			end_header(p);
			return;
		}
	}
}

/* Bytes of one line, which are no delimiter. */
static void
use(struct mime_parser *p, struct span s)
{
	if (s.len == 0)
		return;
	look_at_bytes(p, s);
	p->offset += s.len;
	if (s.p[s.len - 1] == '\n') {
		char before = s.len > 1 ? s.p[s.len - 2] : p->last;

		p->n_eol = before == '\r' ? 2 : 1;
		p->n_lines++;
	}
	p->last = s.p[s.len - 1];
	if (p->is_header)
		feed_header(p, s);
	else
		preview_feed(&p->preview, s);
}

static void
release(struct mime_parser *p)
{
	uint16_t n = p->n_hold;

	p->is_holding = false;
	p->n_hold = 0;
	use(p, span_of(p->hold, n));
}

/* The held bytes are a whole line: a delimiter or not. */
static void
take_held_line(struct mime_parser *p)
{
	bool is_close;
	size_t k;

	if (!is_delimiter(p, &k, &is_close)) {
		release(p);
		return;
	}
	take_delimiter(p, k, is_close);
	look_at_bytes(p, span_of(p->hold, p->n_hold));
	p->offset += p->n_hold;
	if (p->hold[p->n_hold - 1] == '\n') {
		p->n_lines++;
		p->n_eol = p->hold[p->n_hold - 2] == '\r' ? 2 : 1;
	}
	p->last = p->hold[p->n_hold - 1];
	p->n_hold = 0;
	p->is_holding = false;
}

/* Hold back what may be a delimiter line. Returns the bytes taken. */
static size_t
hold(struct mime_parser *p, struct span s)
{
	size_t room = sizeof(p->hold) - p->n_hold;
	size_t n = s.len < room ? s.len : room;

	memcpy(p->hold + p->n_hold, s.p, n);
	p->n_hold = (uint16_t)(p->n_hold + n);
	if (p->hold[p->n_hold - 1] == '\n')
		take_held_line(p);
	else if (p->n_hold == sizeof(p->hold) || p->hold[0] != '-' ||
	         (p->n_hold > 1 && p->hold[1] != '-'))
		release(p);
	return n;
}

static void
count_line(struct mime_parser *p, struct span s)
{
	size_t n = s.len;
	bool is_end = s.p[n - 1] == '\n';

	p->line_bytes += n;
	if (is_end) {
		char before = n > 1           ? s.p[n - 2]
		              : p->n_hold > 0 ? p->hold[p->n_hold - 1]
		                              : p->last;

		p->line_bytes -= before == '\r' && p->line_bytes > 1 ? 2 : 1;
	}
	if (!is_end)
		return;
	if (p->line_bytes > p->longest_line)
		p->longest_line = p->line_bytes;
	p->line_bytes = 0;
}

void
mime_parser_feed(struct mime_parser *p, struct span piece)
{
	while (piece.len > 0 && !p->is_nomem) {
		const char *lf = memchr(piece.p, '\n', piece.len);
		size_t n = lf != NULL ? (size_t)(lf + 1 - piece.p) : piece.len;
		struct span s = span_of(piece.p, n);

		count_line(p, s);
		if (!p->is_mid_line)
			p->is_holding = p->n_open > 0;
		p->is_mid_line = lf == NULL;
		if (p->is_holding) {
			size_t taken = hold(p, s);

			s = span_sub(s, taken, s.len);
		}
		use(p, s);
		piece = span_sub(piece, n, piece.len);
	}
}

static uint32_t
clamp32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

int
mime_parser_finish(struct mime_parser *p, struct buf *summary_out)
{
	struct buf *b = summary_out;

	if (p->n_hold > 0)
		take_held_line(p);
	if (p->line_bytes > p->longest_line)
		p->longest_line = p->line_bytes;
	while (p->is_header && !p->is_nomem)
		end_header(p);
	if (p->is_nomem || p->header.has_failed)
		return ERR_NOMEM;
	close_levels(p, 0, p->offset, p->n_lines);
	preview_end(&p->preview);
	buf_put_char(b, SUMMARY_VERSION);
	buf_put_be32(b, p->flags);
	buf_put_be32(b, clamp32(p->offset));
	buf_put_be32(b, clamp32(p->header_bytes));
	buf_put_be32(b, clamp32(p->n_lines));
	buf_put_be32(b, clamp32(p->longest_line));
	buf_put_be64(b, (uint64_t)p->sent_wall_s);
	buf_put_be16(b, (uint16_t)p->sent_zone_minutes);
	buf_put_be64(b, p->thread_root);
	buf_put_be16(b, (uint16_t)p->n_parts);
	blob_put_string(b, buf_span(&p->references));
	blob_put_string(b, buf_span(&p->preview.text));
	buf_put(b, buf_span(&p->parts));
	if (buf_failed(&p->references) || buf_failed(&p->preview.text))
		return ERR_NOMEM;
	return buf_failed(b) ? ERR_LIMIT : 0;
}
