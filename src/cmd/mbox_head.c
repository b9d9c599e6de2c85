#include "cmd/mbox_head.h"

#include "base/ascii.h"
#include "mime/header.h"
#include "store/message.h"

/* Thunderbird's X-Mozilla-Status: its own numbers. */
#define MOZILLA_READ      0x0001u
#define MOZILLA_REPLIED   0x0002u
#define MOZILLA_MARKED    0x0004u
#define MOZILLA_EXPUNGED  0x0008u /* still there until the file is compacted */
#define MOZILLA_FORWARDED 0x1000u
#define MOZILLA2_DELETED  0x00200000u

typedef void take_fn(struct mbox_meta *m, struct span value);

/* --- one field each --- */

static void
take_status(struct mbox_meta *m, struct span value)
{
	if (span_find(value, 'R') < value.len)
		m->flags |= MESSAGE_SEEN;
}

static void
take_x_status(struct mbox_meta *m, struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		switch (value.p[i]) {
		case 'A':
			m->flags |= MESSAGE_ANSWERED;
			break;
		case 'F':
			m->flags |= MESSAGE_FLAGGED;
			break;
		case 'D':
			m->flags |= MESSAGE_DELETED;
			break;
		case 'T':
			m->flags |= MESSAGE_DRAFT;
			break;
		}
	}
}

static void
take_keywords(struct mbox_meta *m, struct span value)
{
	for (size_t from = 0, i = 0; i <= value.len; i++) {
		if (i < value.len && !ascii_is_space(value.p[i]))
			continue;
		/* Too many: the last ones are left out. */
		if (i > from &&
		    m->keywords.len + i - from < MAX_KEYWORDS_TEXT) {
			buf_put(&m->keywords, span_sub(value, from, i - from));
			buf_put_char(&m->keywords, ' ');
		}
		from = i + 1;
	}
}

static uint32_t
hex_of(struct span s)
{
	uint32_t v = 0;

	for (size_t i = 0; i < s.len && i < 8; i++) {
		int digit = ascii_hex_value(s.p[i]);

		if (digit < 0)
			break;
		v = v << 4 | (uint32_t)digit;
	}
	return v;
}

static void
take_mozilla(struct mbox_meta *m, struct span value)
{
	uint32_t v = hex_of(value);

	m->flags |= v & MOZILLA_READ ? MESSAGE_SEEN : 0;
	m->flags |= v & MOZILLA_REPLIED ? MESSAGE_ANSWERED : 0;
	m->flags |= v & MOZILLA_MARKED ? MESSAGE_FLAGGED : 0;
	if (v & MOZILLA_FORWARDED)
		take_keywords(m, SPAN("$Forwarded"));
	if (v & MOZILLA_EXPUNGED)
		m->is_gone = true;
}

static void
take_mozilla2(struct mbox_meta *m, struct span value)
{
	if (hex_of(value) & MOZILLA2_DELETED)
		m->flags |= MESSAGE_DELETED;
}

static void
take_labels(struct mbox_meta *m, struct span value)
{
	char storage[MAX_LABELS_BYTES];
	struct buf plain;

	m->has_labels = true;
	buf_init_fixed(&plain, storage, sizeof(storage));
	header_put_unfolded(&plain, value);
	header_put_decoded(&m->labels, buf_span(&plain));
}

static void
take_length(struct mbox_meta *m, struct span value)
{
	m->has_length = span_to_u64(value, INT64_MAX, &m->length) == 0;
}

/* The first message of a file that UW's c-client or Pine made. */
static void
take_subject(struct mbox_meta *m, struct span value)
{
	if (span_starts(value, SPAN("DON'T DELETE THIS MESSAGE -- FOLDER "
	                            "INTERNAL DATA")))
		m->is_gone = true;
}

/* --- the table --- */

#define GOES       1u /* is taken out */
#define GOES_USED  2u /* is taken out if the length was used */
#define IS_OUR_TOP 4u /* stands at the top of our files */

struct known {
	const char *name;
	take_fn *take;
	unsigned flags;
};

static const struct known known[] = {
	{ "Status", take_status, GOES | IS_OUR_TOP },
	{ "X-Status", take_x_status, GOES | IS_OUR_TOP },
	{ "X-Keywords", take_keywords, GOES | IS_OUR_TOP },
	{ "X-Mozilla-Status", take_mozilla, GOES },
	{ "X-Mozilla-Status2", take_mozilla2, GOES },
	{ "X-Mozilla-Keys", take_keywords, GOES },
	{ "X-UID", NULL, GOES },
	{ "X-IMAP", NULL, GOES },
	{ "X-IMAPbase", NULL, GOES },
	{ "Content-Length", take_length, GOES_USED },
	{ "X-Gmail-Labels", take_labels, 0 },
	{ "Subject", take_subject, 0 },
};

#define N_KNOWN (sizeof(known) / sizeof(*known))

/* A walk over the fields of a header. */
struct walk {
	struct span rest;
	bool is_ours;
	uint32_t seen;   /* bits of known[] */
	struct span all; /* of the field: with its line end and folds */
	struct span value;
	const struct known *k; /* NULL: none of these, or not the first */
};

static struct span
line_of(struct span s)
{
	size_t n = span_find(s, '\n');

	return span_sub(s, 0, n < s.len ? n + 1 : n);
}

/* The row of a field's first occurrence. In a file of ours the fields come in
 * the table's order before all others. */
static const struct known *
recognize(struct walk *w, struct span name)
{
	for (size_t i = 0; i < N_KNOWN; i++) {
		uint32_t bit = 1u << i;

		if (!span_is_nocase(name, span_str(known[i].name)))
			continue;
		if (w->seen & bit)
			return NULL;
		if (w->is_ours &&
		    (!(known[i].flags & IS_OUR_TOP) || (w->seen & ~(bit - 1))))
			break;
		w->seen |= bit;
		return &known[i];
	}
	w->seen |= w->is_ours ? UINT32_MAX : 0;
	return NULL;
}

static bool
next_field(struct walk *w)
{
	struct span line = line_of(w->rest);
	size_t len = line.len, colon = span_find(line, ':');

	if (len == 0)
		return false;
	for (;;) {
		struct span more = span_sub(w->rest, len, w->rest.len);

		if (more.len == 0 || !ascii_is_wsp(more.p[0]))
			break;
		len += line_of(more).len;
	}
	w->all = span_sub(w->rest, 0, len);
	w->value = span_trim(span_sub(w->all, colon + 1, len));
	w->k = recognize(w, span_trim(span_sub(line, 0, colon)));
	w->rest = span_sub(w->rest, len, w->rest.len);
	return true;
}

void
mbox_meta_init(struct mbox_meta *m)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->keywords, MAX_KEYWORDS_TEXT);
	buf_init(&m->labels, MAX_LABELS_BYTES);
}

void
mbox_meta_deinit(struct mbox_meta *m)
{
	buf_deinit(&m->keywords);
	buf_deinit(&m->labels);
}

void
mbox_head_read(struct span head, bool is_ours, struct mbox_meta *out)
{
	struct walk w = { .rest = head, .is_ours = is_ours };

	while (next_field(&w))
		if (w.k && w.k->take)
			w.k->take(out, w.value);
}

void
mbox_head_clean(
    struct span head, bool is_ours, bool is_length_used, struct buf *out)
{
	struct walk w = { .rest = head, .is_ours = is_ours };

	while (next_field(&w)) {
		bool goes =
		    w.k && ((w.k->flags & GOES) ||
		               ((w.k->flags & GOES_USED) && is_length_used));

		if (!goes)
			buf_put(out, w.all);
	}
}
