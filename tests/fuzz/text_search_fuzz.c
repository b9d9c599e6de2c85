/* Text of any charset and transfer-encoding, cut in the middle, is searched for
 * a string: the whole and the parts must agree. */
#include "mime/text_search.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const charsets[] = { "utf-8", "iso-8859-1", "windows-1251",
	"utf-7", "iso-2022-jp", "shift_jis", "gb2312", "big5", "euc-kr",
	"utf-16", "x-none", "euc-jp", "koi8-r" };
static const char *const encodings[] = { "7bit", "base64", "quoted-printable" };

static bool
search(struct needle *n, struct span encoding, struct span charset,
    struct span text, size_t cut)
{
	struct needle *list[1] = { n };
	struct needle_set set = { list, 1 };
	struct text_search t;

	needle_reset(n);
	text_search_init(&t);
	text_search_begin(&t, &set, encoding, charset);
	text_search_feed(&t, &set, span_sub(text, 0, cut));
	text_search_feed(&t, &set, span_sub(text, cut, text.len));
	text_search_end(&t, &set);
	text_search_value(&t, &set, text);
	text_search_deinit(&t);
	return n->is_found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span text, charset, encoding;
	struct needle n;
	struct arena a;

	if (len < 4 || len > TEXT_SEARCH_PIECE)
		return 0;
	charset = span_str(charsets[data[0] % 13]);
	encoding = span_str(encodings[data[1] % 3]);
	text = span_of(data + 4, len - 4);
	arena_init(&a, 1 << 16);
	if (needle_init(&n, &a, span_sub(text, text.len / 2, data[2] % 20)) ==
	        0 &&
	    search(&n, encoding, charset, text, text.len) !=
	        search(&n, encoding, charset, text,
	            text.len == 0 ? 0 : data[3] % text.len))
		abort();
	arena_reset(&a);
	return 0;
}
