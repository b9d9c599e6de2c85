/* smtp_out_result.c - what each recipient was answered, and why a connection
 * failed (smtp_out.h). */
#include <assert.h>

#include "base/mem.h"
#include "smtp/smtp_out_impl.h"

static uint64_t n_unknown;

uint64_t
smtp_out_n_unknown(void)
{
	return n_unknown;
}

int
out_results_begin(struct smtp_out *o)
{
	out_results_end(o);
	o->outcomes = mem_alloc(o->m.n_rcpts * sizeof(*o->outcomes));
	return o->outcomes == NULL ? ERR_NOMEM : 0;
}

void
out_results_end(struct smtp_out *o)
{
	mem_free(o->outcomes);
	o->outcomes = NULL;
	buf_deinit(&o->texts);
}

struct outcome
out_of_us(
    enum smtp_out_what what, enum smtp_out_stage stage, const char *enhanced)
{
	struct outcome r = { .what = what, .stage = stage };

	assert(strlen(enhanced) < sizeof(r.enhanced));
	memcpy(r.enhanced, enhanced, strlen(enhanced) + 1);
	return r;
}

struct outcome
out_of_reply(const struct smtp_out *o, enum smtp_out_stage stage)
{
	struct outcome r = {
		.stage = stage, .is_reply = true, .code = o->reply.code
	};

	r.what = r.code / 100 == 2   ? OUT_SENT
	         : r.code / 100 == 5 ? OUT_PERM
	                             : OUT_TEMP;
	memcpy(r.enhanced, o->reply.enhanced, sizeof(r.enhanced));
	return r;
}

static struct span
text_of(const struct smtp_out *o, const struct outcome *r)
{
	return r->text_len == 0 ? SPAN("")
	                        : span_of(o->texts.p + r->text_at, r->text_len);
}

/* Many recipients get the same words: they are kept once. */
static void
keep_text(struct smtp_out *o, struct outcome *r, struct span text)
{
	text = span_sub(text, 0, MAX_OUT_TEXT_BYTES);
	for (size_t i = 0; i < o->m.n_rcpts; i++) {
		const struct outcome *other = &o->outcomes[i];

		if (other->is_decided && span_is(text, text_of(o, other))) {
			r->text_at = other->text_at;
			r->text_len = other->text_len;
			return;
		}
		if (i == 8)
			break; /* enough looked at: it is to save memory only */
	}
	r->text_at = (uint32_t)o->texts.len;
	buf_put(&o->texts, text);
	r->text_len = buf_failed(&o->texts) ? 0 : (uint16_t)text.len;
}

void
out_decide(
    struct smtp_out *o, size_t i, const struct outcome *r, struct span text)
{
	struct outcome *to = &o->outcomes[i];
	struct outcome kept = *r;

	if (to->is_decided)
		return;
	keep_text(o, &kept, text);
	*to = kept;
	to->is_decided = true;
	to->lacks_dsn = (o->offer.words & OFFER_DSN) == 0;
}

void
out_decide_all(struct smtp_out *o, const struct outcome *r, struct span text,
    bool accepted_only)
{
	const struct outcome *first = NULL;

	for (size_t i = 0; i < o->m.n_rcpts; i++) {
		struct outcome *to = &o->outcomes[i];

		if (to->is_decided || (accepted_only && !to->is_accepted))
			continue;
		if (first == NULL) {
			out_decide(o, i, r, text);
			first = to;
		} else {
			*to = *first;
		}
	}
	n_unknown += r->is_unknown && first != NULL;
}

static void
fill(const struct outcome *from, struct span text, struct smtp_out_result *r)
{
	*r = (struct smtp_out_result){ .what = from->what,
		.stage = from->stage,
		.is_host = from->is_host,
		.is_unknown = from->is_unknown,
		.is_reply = from->is_reply,
		.code = from->code,
		.text = text,
		.lacks_dsn = from->lacks_dsn };
	memcpy(r->enhanced, from->enhanced, sizeof(r->enhanced));
}

void
smtp_out_result(const struct smtp_out *o, size_t i, struct smtp_out_result *r)
{
	const struct outcome *from = &o->outcomes[i];

	fill(from, text_of(o, from), r);
}

void
smtp_out_why(const struct smtp_out *o, struct smtp_out_result *r)
{
	fill(&o->why, span_of(o->why_text, o->why.text_len), r);
}
