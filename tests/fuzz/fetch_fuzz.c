/* FETCH: its arguments, what they find in a message, and what is told of it.
 * The first line is the command's, the rest is the message. */
#include "base/utf8.h"
#include "imap/fetch_parse.h"
#include "imap/fetch_section.h"
#include "imap/fetch_structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
tell(const struct summary *s, bool is_utf8)
{
	struct buf out, scratch;
	struct fetch_writer w = { &out, &scratch, is_utf8 };

	buf_init(&out, 1 << 20);
	buf_init(&scratch, FETCH_SCRATCH_BYTES);
	if (fetch_put_structure(&w, s, true) < 0)
		__builtin_trap(); /* what the parser wrote can be told */
	if (!is_utf8 && utf8_has_8bit(buf_span(&out)) &&
	    span_find(buf_span(&out), '{') == out.len)
		__builtin_trap();
	buf_deinit(&out);
	buf_deinit(&scratch);
}

/* The header as a client without UTF-8 reads it, in two cuts. */
static void
filter(const struct fetch_section *section, struct span text)
{
	struct fetch_fields f;
	struct buf a, b;

	buf_init(&a, 1 << 22);
	buf_init(&b, 1 << 22);
	fetch_fields_init(&f, section, true);
	fetch_fields_step(&f, text, &a);
	fetch_fields_finish(&f, &a);
	for (size_t i = 0; i < text.len; i++)
		fetch_fields_step(&f, span_sub(text, i, 1), &b);
	fetch_fields_finish(&f, &b);
	if (!span_is(buf_span(&a), buf_span(&b)) || utf8_has_8bit(buf_span(&a)))
		__builtin_trap();
	buf_deinit(&a);
	buf_deinit(&b);
	fetch_fields_deinit(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span message = span_of(data, size);
	struct span line = span_split(&message, '\n');
	struct cur c = cur_of(line);
	struct arena arena;
	struct fetch f;
	struct summary s;
	struct mime_parser *p = mime_parser_new();
	struct fetch_stream stream;
	struct buf blob;

	arena_init(&arena, 256 * 1024);
	buf_init(&blob, MAX_SUMMARY_BYTES);
	fetch_stream_init(&stream);
	mime_parser_feed(p, message);
	if (mime_parser_finish(p, &blob) == 0 &&
	    summary_open(buf_span(&blob), &s) == 0) {
		tell(&s, true);
		tell(&s, false);
		if (fetch_parse(&c, &arena, &f) == PARSE_OK)
			for (struct fetch_section *i = f.sections; i != NULL;
			     i = i->next) {
				(void)!fetch_stream_open(
				    &stream, i, 1, message.len, &s, false);
				filter(i, message);
			}
	}
	fetch_stream_deinit(&stream);
	mime_parser_free(p);
	buf_deinit(&blob);
	arena_reset(&arena);
	return 0;
}
