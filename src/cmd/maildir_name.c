#include "cmd/maildir_name.h"

#include "base/ascii.h"
#include "store/message.h"

#define N_LETTERS 26
#define FORWARDED SPAN("$Forwarded")

void
maildir_keywords_parse(struct span text, struct maildir_keywords *out)
{
	memset(out, 0, sizeof(*out));
	while (text.len > 0) {
		struct span name = span_trim(span_split(&text, '\n'));
		struct span number = span_split(&name, ' ');
		uint64_t i;

		if (span_to_u64(number, MAX_KEYWORDS - 1, &i) == 0)
			out->name[i] = name;
	}
}

/* Where ":2," begins; the name's length: nowhere. */
static size_t
find_info(struct span name)
{
	for (size_t i = name.len; i >= 3; i--)
		if (name.p[i - 1] == ',' && name.p[i - 2] == '2' &&
		    span_find(SPAN(":!;"), name.p[i - 3]) < 3)
			return i - 3;
	return name.len;
}

struct span
maildir_name_base(struct span name)
{
	size_t info = find_info(name);

	if (info == name.len)
		info = span_find(name, ':');
	return span_sub(name, 0, info);
}

static void
put_keyword(struct buf *b, const struct maildir_keywords *k, uint64_t i)
{
	if (i < MAX_KEYWORDS && k->name[i].len > 0) {
		buf_put(b, k->name[i]);
		buf_put_char(b, ' ');
	}
}

static uint16_t
flag_of(char letter)
{
	switch (letter) {
	case 'S':
		return MESSAGE_SEEN;
	case 'R':
		return MESSAGE_ANSWERED;
	case 'F':
		return MESSAGE_FLAGGED;
	case 'T':
		return MESSAGE_DELETED;
	case 'D':
		return MESSAGE_DRAFT;
	}
	return 0;
}

void
maildir_name_read(struct span name, const struct maildir_keywords *k,
    uint16_t *flags_out, struct buf *keywords)
{
	size_t info = find_info(name);
	struct span base = span_sub(name, 0, info);
	bool is_forwarded = false;

	*flags_out = 0;
	for (size_t i = info + 3; i < name.len; i++) {
		char c = name.p[i];

		*flags_out |= flag_of(c);
		is_forwarded |= c == 'P';
		if (c >= 'a' && c <= 'z')
			put_keyword(keywords, k, (uint64_t)(c - 'a'));
	}
	if (is_forwarded) {
		buf_put(keywords, FORWARDED);
		buf_put_char(keywords, ' ');
	}
	for (size_t i = 0; i + 3 <= base.len; i++) {
		struct span list = span_sub(base, i, base.len);
		uint64_t n;

		if (!span_starts(list, SPAN(",K=")))
			continue;
		list = span_sub(
		    list, 3, span_find(span_sub(list, 3, list.len), ','));
		while (list.len > 0)
			if (span_to_u64(span_split(&list, '-'),
			        MAX_KEYWORDS - 1, &n) == 0)
				put_keyword(keywords, k, n);
		break;
	}
}

void
maildir_name_put_keywords(struct buf *out, uint64_t keywords)
{
	const char *before = ",K=";

	for (unsigned i = N_LETTERS; i < MAX_KEYWORDS; i++) {
		if (!(keywords >> i & 1))
			continue;
		buf_put_str(out, before);
		buf_put_u64(out, i);
		before = "-";
	}
}

void
maildir_name_put_info(
    struct buf *out, uint16_t flags, uint64_t keywords, bool is_forwarded)
{
	static const char letters[] = "DFRST";

	buf_put_str(out, ":2,");
	for (const char *p = letters; *p; p++) {
		if (*p == 'R' && is_forwarded)
			buf_put_char(out, 'P');
		if (flags & flag_of(*p))
			buf_put_char(out, *p);
	}
	for (unsigned i = 0; i < N_LETTERS; i++)
		if (keywords >> i & 1)
			buf_put_char(out, (char)('a' + i));
}
