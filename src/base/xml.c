#include "base/xml.h"

#include "base/utf8.h"

static bool
is_char(uint32_t code)
{
	return code >= 0x20 && code != 0x7f && code != 0xfffe && code != 0xffff;
}

static void
put_one(struct buf *b, struct span character)
{
	switch (character.p[0]) {
	case '&':
		buf_put_str(b, "&amp;");
		return;
	case '<':
		buf_put_str(b, "&lt;");
		return;
	case '>':
		buf_put_str(b, "&gt;");
		return;
	case '"':
		buf_put_str(b, "&quot;");
		return;
	default:
		buf_put(b, character);
	}
}

void
xml_put_text(struct buf *b, struct span s)
{
	uint32_t code;

	s = utf8_cut(s, XML_MAX_TEXT);
	while (s.len > 0) {
		int n = utf8_next(s, &code);

		if (n <= 0 || !is_char(code))
			buf_put_char(b, '?');
		else
			put_one(b, span_sub(s, 0, (size_t)n));
		s = span_sub(s, n <= 0 ? 1 : (size_t)n, s.len);
	}
}

void
xml_put_element(struct buf *b, const char *name, struct span text)
{
	buf_putf(b, "<%s>", name);
	xml_put_text(b, text);
	buf_putf(b, "</%s>\n", name);
}
