#include "queue/token_answer.h"

#include "base/ascii.h"
#include "base/json_read.h"
#include "store/store.h"

#define MAX_EXPIRES_S 86400

void
token_answer_init(struct token_answer *a)
{
	*a = (struct token_answer){ .expires_s = TOKEN_DEFAULT_S };
	buf_init(&a->access, TOKEN_MAX_BYTES);
	buf_init(&a->refresh, MAX_RELAY_SECRET_BYTES);
	buf_init(&a->error, TOKEN_MAX_WORDS);
}

void
token_answer_deinit(struct token_answer *a)
{
	buf_wipe(&a->access);
	buf_wipe(&a->refresh);
	buf_wipe(&a->error);
}

/* A token goes into a line of SMTP or a form: visible ASCII. */
static int
take_token(const struct json_member *m, struct buf *out)
{
	int rc = m->kind == JSON_STRING ? 0 : ERR_SYNTAX;

	buf_reset(out);
	if (rc == 0)
		rc = json_text(m->value, out);
	for (size_t i = 0; rc == 0 && i < out->len; i++)
		if (!ascii_is_vchar(out->p[i]))
			rc = ERR_SYNTAX;
	if (rc < 0)
		buf_reset(out);
	return rc;
}

/* Words for people, as far as there is room. */
static void
put_words(struct buf *out, struct span value)
{
	char storage[TOKEN_MAX_WORDS];
	struct buf text;
	int rc;

	buf_init_fixed(&text, storage, sizeof(storage));
	rc = json_text(value, &text);
	(void)rc; /* what there was of it */
	for (size_t i = 0; i < text.len && out->len < out->max; i++)
		buf_put_char(out, ascii_is_vchar(storage[i])   ? storage[i]
		                  : ascii_is_space(storage[i]) ? ' '
		                                               : '?');
}

/* RFC 6749 5.1: seconds; some send them as a string. */
static void
take_expires(struct token_answer *a, const struct json_member *m)
{
	uint64_t v = 0;
	int rc = span_to_u64(m->value, UINT64_MAX, &v);

	if (rc == 0 && v > 0)
		a->expires_s =
		    (uint32_t)(v < MAX_EXPIRES_S ? v : MAX_EXPIRES_S);
}

struct words {
	struct span error, description;
	bool is_other; /* a token of another kind than bearer */
};

static int
take_member(
    struct token_answer *a, const struct json_member *m, struct words *w)
{
	if (span_is(m->key, SPAN("access_token")))
		return take_token(m, &a->access);
	if (span_is(m->key, SPAN("refresh_token")))
		return take_token(m, &a->refresh);
	if (span_is(m->key, SPAN("expires_in")))
		take_expires(a, m);
	else if (span_is(m->key, SPAN("token_type")))
		w->is_other = !span_is_nocase(m->value, SPAN("Bearer"));
	else if (span_is(m->key, SPAN("error")) && m->kind == JSON_STRING)
		w->error = m->value;
	else if (span_is(m->key, SPAN("error_description")) &&
	         m->kind == JSON_STRING)
		w->description = m->value;
	return 0;
}

int
token_answer_parse(struct token_answer *a, struct span body)
{
	struct json_reader r;
	struct json_member m;
	struct words w = { 0 };
	int rc = 0;

	json_init(&r, body);
	while (rc == 0) {
		rc = json_next(&r, &m);
		if (rc == 0)
			rc = take_member(a, &m, &w);
	}
	if (rc == ERR_NONE)
		rc = 0;
	if (rc == 0 && w.error.len > 0) {
		put_words(&a->error, w.error);
		if (w.description.len > 0) {
			buf_put(&a->error, span_sub(SPAN(": "), 0,
			                       a->error.max - a->error.len));
			put_words(&a->error, w.description);
		}
	}
	if (rc == 0 && a->error.len == 0 && (a->access.len == 0 || w.is_other))
		rc = ERR_SYNTAX;
	if (rc < 0 || a->error.len > 0) {
		buf_reset(&a->access);
		buf_reset(&a->refresh);
	}
	return rc;
}
