#include "pop3/pop3_line.h"

#include "base/ascii.h"

enum parse
pop3_line_take(struct span in, size_t max, struct span *line_out, size_t *n_out)
{
	size_t n = span_find(span_sub(in, 0, max), '\n');

	if (n == in.len && n < max)
		return PARSE_MORE;
	if (n >= max)
		return PARSE_BAD;
	*n_out = n + 1;
	if (n > 0 && in.p[n - 1] == '\r')
		n--;
	*line_out = span_sub(in, 0, n);
	return PARSE_OK;
}

int
pop3_line_parse(struct span line, struct pop3_line *out)
{
	size_t space = span_find(line, ' ');

	for (size_t i = 0; i < line.len; i++) {
		if (ascii_is_ctl(line.p[i]) && line.p[i] != '\t')
			return ERR_SYNTAX;
	}
	out->keyword = span_sub(line, 0, space);
	out->has_rest = space < line.len;
	out->rest = span_sub(line, space + 1, line.len);
	return out->keyword.len > 0 ? 0 : ERR_SYNTAX;
}

static struct span
next_arg(struct span *rest)
{
	while (rest->len > 0 && rest->p[0] == ' ')
		*rest = span_sub(*rest, 1, rest->len);
	return span_split(rest, ' ');
}

int
pop3_line_args(
    const struct pop3_line *line, struct span *a_out, struct span *b_out)
{
	struct span rest = line->rest;

	*a_out = next_arg(&rest);
	*b_out = next_arg(&rest);
	return next_arg(&rest).len == 0 ? 0 : ERR_SYNTAX;
}

int
pop3_line_number(struct span s, uint32_t *out)
{
	uint64_t v;

	if (span_to_u64(s, UINT32_MAX, &v) < 0 || v == 0)
		return ERR_SYNTAX;
	*out = (uint32_t)v;
	return 0;
}
