#include "mime/summary.h"

#include "mime/blob.h"

/* p NULL: there was none. */
static enum parse
get_string(struct cur *c, struct span *out)
{
	uint64_t n;
	enum parse r = cur_varint(c, &n);

	*out = (struct span){ 0 };
	if (r != PARSE_OK || n == 0)
		return r;
	if (n - 1 > cur_left(c))
		return PARSE_BAD;
	return cur_take(c, (size_t)(n - 1), out);
}

static enum parse
get_u32(struct cur *c, uint64_t *out)
{
	uint32_t v;
	enum parse r = cur_be32(c, &v);

	*out = r == PARSE_OK ? v : 0;
	return r;
}

static bool
get_head(struct cur *c, struct summary *s)
{
	uint64_t sent;
	uint16_t zone, n_parts;

	if (cur_be32(c, &s->flags) != PARSE_OK ||
	    get_u32(c, &s->size_bytes) != PARSE_OK ||
	    get_u32(c, &s->header_bytes) != PARSE_OK ||
	    get_u32(c, &s->n_lines) != PARSE_OK ||
	    get_u32(c, &s->longest_line) != PARSE_OK ||
	    cur_be64(c, &sent) != PARSE_OK || cur_be16(c, &zone) != PARSE_OK ||
	    cur_be64(c, &s->thread_root) != PARSE_OK ||
	    cur_be16(c, &n_parts) != PARSE_OK)
		return false;
	s->sent_wall_s = (int64_t)sent;
	s->sent_zone_minutes = (int16_t)zone;
	s->n_parts = n_parts;
	return get_string(c, &s->references) == PARSE_OK &&
	       get_string(c, &s->preview) == PARSE_OK;
}

int
summary_open(struct span blob, struct summary *out)
{
	struct cur c = cur_of(blob);
	uint8_t version;

	*out = (struct summary){ 0 };
	if (cur_u8(&c, &version) != PARSE_OK || version == 0)
		return ERR_DAMAGED;
	if (version > SUMMARY_VERSION)
		return ERR_TOO_NEW;
	if (!get_head(&c, out) || out->n_parts == 0)
		return ERR_DAMAGED;
	out->parts = cur_rest(&c);
	return 0;
}

struct cur
summary_parts(const struct summary *s)
{
	return cur_of(s->parts);
}

static bool
get_envelope(struct cur *c, struct envelope *e)
{
	struct span *const fields[N_ENVELOPE_STRINGS] = {
		[ENV_DATE] = &e->date,
		[ENV_SUBJECT] = &e->subject,
		[ENV_FROM] = &e->from,
		[ENV_SENDER] = &e->sender,
		[ENV_REPLY_TO] = &e->reply_to,
		[ENV_TO] = &e->to,
		[ENV_CC] = &e->cc,
		[ENV_BCC] = &e->bcc,
		[ENV_IN_REPLY_TO] = &e->in_reply_to,
		[ENV_MESSAGE_ID] = &e->message_id,
	};

	for (int i = 0; i < N_ENVELOPE_STRINGS; i++)
		if (get_string(c, fields[i]) != PARSE_OK)
			return false;
	return true;
}

static bool
get_strings(struct cur *c, struct summary_part *out)
{
	struct span *const fields[N_PART_STRINGS] = {
		[PART_TYPE] = &out->type,
		[PART_SUBTYPE] = &out->subtype,
		[PART_PARAMS] = &out->params,
		[PART_ENCODING] = &out->encoding,
		[PART_ID] = &out->id,
		[PART_DESCRIPTION] = &out->description,
		[PART_MD5] = &out->md5,
		[PART_LANGUAGE] = &out->language,
		[PART_LOCATION] = &out->location,
		[PART_DISPOSITION] = &out->disposition,
		[PART_DISPOSITION_PARAMS] = &out->disposition_params,
	};

	for (int i = 0; i < N_PART_STRINGS; i++)
		if (get_string(c, fields[i]) != PARSE_OK)
			return false;
	/* RFC 2045 5.2 and 6.1: the defaults. */
	if (out->type.p == NULL || out->subtype.p == NULL) {
		out->type = SPAN("text");
		out->subtype = SPAN("plain");
	}
	if (out->encoding.p == NULL)
		out->encoding = SPAN("7bit");
	return true;
}

int
summary_part_next(struct cur *c, struct summary_part *out)
{
	struct cur part;
	struct span bytes;
	uint16_t len;
	uint8_t depth, flags;

	*out = (struct summary_part){ 0 };
	if (cur_is_end(c))
		return ERR_NONE;
	if (cur_be16(c, &len) != PARSE_OK ||
	    cur_take(c, len, &bytes) != PARSE_OK)
		return ERR_DAMAGED;
	part = cur_of(bytes);
	if (cur_u8(&part, &depth) != PARSE_OK ||
	    cur_u8(&part, &flags) != PARSE_OK ||
	    get_u32(&part, &out->header_start) != PARSE_OK ||
	    get_u32(&part, &out->body_start) != PARSE_OK ||
	    get_u32(&part, &out->body_end) != PARSE_OK ||
	    get_u32(&part, &out->n_lines) != PARSE_OK)
		return ERR_DAMAGED;
	out->depth = depth;
	out->flags = flags;
	if (out->header_start > out->body_start ||
	    out->body_start > out->body_end || !get_strings(&part, out))
		return ERR_DAMAGED;
	if ((flags & PART_HAS_ENVELOPE) && !get_envelope(&part, &out->envelope))
		return ERR_DAMAGED;
	return cur_is_end(&part) ? 0 : ERR_DAMAGED;
}

int
summary_param_next(struct cur *c, struct span *name_out, struct span *value_out)
{
	if (cur_is_end(c))
		return ERR_NONE;
	if (get_string(c, name_out) != PARSE_OK ||
	    get_string(c, value_out) != PARSE_OK)
		return ERR_DAMAGED;
	return 0;
}

/* Add to the number at p, as far as it goes. */
static void
add_u32(char *p, uint64_t n)
{
	uint64_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | (unsigned char)p[i];
	v = v + n > UINT32_MAX ? UINT32_MAX : v + n;
	for (int i = 0; i < 4; i++)
		p[i] = (char)(v >> (24 - 8 * i));
}

/* The root's header begins where it did; all else of the part moves. */
static void
move_part(char *part, bool is_root, uint64_t n)
{
	if (!is_root)
		add_u32(part + PART_HEADER_START_AT, n);
	add_u32(part + PART_BODY_START_AT, n);
	add_u32(part + PART_BODY_END_AT, n);
}

void
summary_add_header(struct buf *blob, struct span field)
{
	struct summary s;
	uint64_t n_lines = 0;
	size_t at;

	if (summary_open(buf_span(blob), &s) < 0)
		return;
	for (size_t i = 0; i < field.len; i++)
		n_lines += field.p[i] == '\n';
	add_u32(blob->p + BLOB_SIZE_AT, field.len);
	add_u32(blob->p + BLOB_HEADER_AT, field.len);
	add_u32(blob->p + BLOB_LINES_AT, n_lines);
	at = (size_t)(s.parts.p - blob->p);
	for (uint32_t i = 0; i < s.n_parts && blob->len - at > 2; i++) {
		size_t len = (size_t)(unsigned char)blob->p[at] << 8 |
		             (unsigned char)blob->p[at + 1];

		if (len < PART_LINES_AT || len > blob->len - at - 2)
			return;
		move_part(blob->p + at, i == 0, field.len);
		at += 2 + len;
	}
}
