#include "mime/entity.h"

#include "base/ascii.h"
#include "base/utf8.h"

const char *const entity_field_names[N_ENTITY_FIELDS + 1] = {
	[ENV_DATE] = "Date",
	[ENV_SUBJECT] = "Subject",
	[ENV_FROM] = "From",
	[ENV_SENDER] = "Sender",
	[ENV_REPLY_TO] = "Reply-To",
	[ENV_TO] = "To",
	[ENV_CC] = "Cc",
	[ENV_BCC] = "Bcc",
	[ENV_IN_REPLY_TO] = "In-Reply-To",
	[ENV_MESSAGE_ID] = "Message-ID",
	[FIELD_CONTENT_TYPE] = "Content-Type",
	[FIELD_ENCODING] = "Content-Transfer-Encoding",
	[FIELD_DISPOSITION] = "Content-Disposition",
	[FIELD_ID] = "Content-ID",
	[FIELD_DESCRIPTION] = "Content-Description",
	[FIELD_MD5] = "Content-MD5",
	[FIELD_LANGUAGE] = "Content-Language",
	[FIELD_LOCATION] = "Content-Location",
	[FIELD_REFERENCES] = "References",
	[N_ENTITY_FIELDS] = NULL,
};

void
entity_init(struct entity *e)
{
	*e = (struct entity){ 0 };
	buf_init(&e->strings, MAX_ENTITY_BYTES);
}

void
entity_deinit(struct entity *e)
{
	buf_deinit(&e->strings);
}

void
entity_begin(struct entity *e, uint64_t header_start)
{
	buf_reset(&e->strings);
	memset(e->slots, 0, sizeof(e->slots));
	e->header_start = header_start;
	e->is_root = e->is_in_digest = false;
}

static int
field_of(struct span name)
{
	for (int i = 0; i < N_ENTITY_FIELDS; i++)
		if (span_is_nocase(name, span_str(entity_field_names[i])))
			return i;
	return ERR_NONE;
}

/* Cut an address list behind its last whole address, References to the
 * first id and the last ones, other text at a character. */
static void
cut(struct entity *e, int field, size_t from, size_t max)
{
	struct span s = span_sub(buf_span(&e->strings), from, SIZE_MAX);

	if (field == FIELD_REFERENCES && s.len > MAX_REFERENCES_BYTES) {
		size_t first = span_find(s, '>') + 1;
		size_t tail = MAX_REFERENCES_BYTES / 2;

		first = first < tail ? first : tail;
		memmove(e->strings.p + from + first, s.p + s.len - tail, tail);
		buf_truncate(&e->strings, from + first + tail);
		return;
	}
	if (s.len <= max)
		return;
	s = utf8_cut(s, max);
	if (field >= ENV_FROM && field <= ENV_BCC && span_rfind(s, ',') < s.len)
		s.len = span_rfind(s, ',');
	buf_truncate(&e->strings, from + s.len);
}

int
entity_add(struct entity *e, const struct field *f)
{
	size_t from = e->strings.len;
	int i = field_of(f->name);
	size_t room = e->strings.max - from;
	struct span value = f->value;

	if (i < 0 || e->slots[i].is_there)
		return 0;
	/* References keep their end too: room for the whole first. */
	if (value.len > room)
		value = utf8_cut(value, room);
	if (buf_reserve(&e->strings, value.len) < 0)
		return ERR_NOMEM;
	header_put_unfolded(&e->strings, value);
	cut(e, i, from, MAX_FIELD_KEPT_BYTES);
	e->slots[i] = (struct entity_slot){ .from = (uint16_t)from,
		.len = (uint16_t)(e->strings.len - from),
		.is_there = true };
	return 0;
}

struct span
entity_field(const struct entity *e, int field)
{
	const struct entity_slot *s = &e->slots[field];

	if (!s->is_there)
		return (struct span){ 0 };
	if (s->len == 0)
		return SPAN("");
	return span_of(e->strings.p + s->from, s->len);
}

size_t
entity_max_bytes(const struct entity *e)
{
	/* Every string costs at most two bytes more than its field; params
	 * of two fields, each pair four and ten at most. */
	return e->strings.len + e->strings.len / 2 + 512;
}

static void
put_lower(struct buf *b, struct span s)
{
	char storage[64];
	size_t n = s.len < sizeof(storage) ? s.len : sizeof(storage);

	for (size_t i = 0; i < n; i++)
		storage[i] = ascii_lower(s.p[i]);
	blob_put_string(b, s.p == NULL ? s : span_of(storage, n));
}

/* Look at a parameter that the parser itself needs. */
static void
note_param(struct entity_facts *out, struct span name, struct span value)
{
	if (span_is_nocase(name, SPAN("boundary")) && out->n_boundary == 0) {
		while (value.len > 0 && ascii_is_wsp(value.p[value.len - 1]))
			value.len--;
		if (value.len > sizeof(out->boundary) || value.len == 0)
			return;
		memcpy(out->boundary, value.p, value.len);
		out->n_boundary = (uint8_t)value.len;
	}
	if (span_is_nocase(name, SPAN("charset")) &&
	    value.len <= sizeof(out->charset) && value.len > 0) {
		memcpy(out->charset, value.p, value.len);
		out->n_charset = (uint8_t)value.len;
	}
}

/* Also if it is written as RFC 2231 4 lets it. */
static void
note_value(struct entity_facts *out, struct span name, bool is_extended,
    struct buf *value)
{
	struct buf decoded;

	if (!is_extended) {
		note_param(out, name, buf_span(value));
		return;
	}
	buf_init(&decoded, 4 * MAX_FIELD_KEPT_BYTES);
	params_put_decoded(&decoded, buf_span(value));
	note_param(out, name, buf_span(&decoded));
	/* The caller looks at that of the value. */
	if (buf_error(&decoded) == ERR_NOMEM)
		value->has_failed = true;
	buf_deinit(&decoded);
}

/* Append the parameters behind c as one string. */
static void
put_params(struct buf *b, struct cur c, struct entity_facts *out)
{
	struct params ps;
	struct buf list, value;
	struct span name;
	bool is_extended;

	buf_init(&list, MAX_FIELD_KEPT_BYTES + 4 * MAX_MIME_PARAMS);
	buf_init(&value, MAX_FIELD_KEPT_BYTES);
	params_parse(&ps, &c);
	while (params_next(&ps, &name, &is_extended, &value) == 0) {
		buf_put_varint(&list, (uint64_t)name.len + is_extended + 1);
		buf_put(&list, name);
		if (is_extended)
			buf_put_char(&list, '*');
		blob_put_string(
		    &list, value.len > 0 ? buf_span(&value) : SPAN(""));
		note_value(out, name, is_extended, &value);
		/* The next one resets value, and its failure with it. */
		if (buf_failed(&value))
			b->has_failed = true;
	}
	/* A failure here is one of memory: b tells the caller. */
	if (buf_failed(&list))
		b->has_failed = true;
	blob_put_string(b, list.len > 0 ? buf_span(&list) : SPAN(""));
	buf_deinit(&list);
	buf_deinit(&value);
}

static void
put_disposition(const struct entity *e, struct buf *b, struct entity_facts *out)
{
	struct span value = entity_field(e, FIELD_DISPOSITION);
	struct cur c = cur_of(value);
	struct entity_facts unused = { 0 };
	struct span word;

	if (value.p == NULL || header_get_word(&c, &word) < 0 ||
	    word.len == 0) {
		blob_put_string(b, (struct span){ 0 });
		blob_put_string(b, (struct span){ 0 });
		return;
	}
	put_lower(b, word);
	put_params(b, c, &unused);
	out->is_attachment = span_is_nocase(word, SPAN("attachment"));
}

static void
put_type(const struct entity *e, struct buf *b, struct entity_facts *out)
{
	struct span value = entity_field(e, FIELD_CONTENT_TYPE);
	struct cur c = cur_of(value);
	struct span type = { 0 }, subtype = { 0 };

	if (value.p == NULL || header_get_type(&c, &type, &subtype) < 0) {
		/* RFC 2045 5.2: text/plain, RFC 2046 5.1.5 in a digest. */
		type = e->is_in_digest ? SPAN("message") : (struct span){ 0 };
		subtype = e->is_in_digest ? SPAN("rfc822") : type;
		c = cur_of((struct span){ 0 });
	}
	put_lower(b, type);
	put_lower(b, subtype);
	put_params(b, c, out);
	out->is_text = type.p == NULL || span_is_nocase(type, SPAN("text"));
	out->is_html = span_is_nocase(subtype, SPAN("html"));
	out->is_digest = span_is_nocase(subtype, SPAN("digest"));
	if (span_is_nocase(type, SPAN("multipart")))
		out->kind = ENTITY_MULTIPART;
	else if (span_is_nocase(type, SPAN("message")) &&
	         (span_is_nocase(subtype, SPAN("rfc822")) ||
	             span_is_nocase(subtype, SPAN("global"))))
		out->kind = ENTITY_MESSAGE;
}

static void
put_encoding(const struct entity *e, struct buf *b, struct entity_facts *out)
{
	struct cur c = cur_of(entity_field(e, FIELD_ENCODING));
	struct span word;

	if (header_get_word(&c, &word) < 0 || word.len == 0) {
		blob_put_string(b, (struct span){ 0 });
		return;
	}
	put_lower(b, word);
	if (span_is_nocase(word, SPAN("base64")))
		out->encoding = ENCODING_BASE64;
	else if (span_is_nocase(word, SPAN("quoted-printable")))
		out->encoding = ENCODING_QP;
	/* RFC 2046 5.2.1: an encoded message is not looked into. */
	if (out->encoding != ENCODING_NONE && out->kind == ENTITY_MESSAGE)
		out->kind = ENTITY_LEAF;
}

void
entity_put(const struct entity *e, struct buf *b, uint8_t depth,
    struct entity_facts *out)
{
	static const int plain[] = { FIELD_ID, FIELD_DESCRIPTION, FIELD_MD5,
		FIELD_LANGUAGE, FIELD_LOCATION };
	size_t at = b->len;
	size_t len;

	*out = (struct entity_facts){ 0 };
	buf_put_be16(b, 0); /* the length: below */
	buf_put_char(b, (char)depth);
	buf_put_char(b, 0);
	buf_put_be32(b, (uint32_t)e->header_start);
	buf_put_be32(b, 0);
	buf_put_be32(b, 0);
	buf_put_be32(b, 0);
	put_type(e, b, out);
	put_encoding(e, b, out);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		blob_put_string(b, entity_field(e, plain[i]));
	put_disposition(e, b, out);
	for (int i = 0; e->is_root && i < N_ENVELOPE_STRINGS; i++)
		blob_put_string(b, entity_field(e, i));
	if (buf_failed(b))
		return;
	len = b->len - at - 2;
	b->p[at] = (char)(len >> 8);
	b->p[at + 1] = (char)len;
}
