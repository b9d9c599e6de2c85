/* The input as the lines of an archive, with one message behind them: an
 * error or a store; never a crash. */
#include "base/log.h"
#include "store/restore.h"
#include "store/store.h"
#include "store/tar.h"

#include "folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
put_entry(struct buf *b, struct span path, struct span head, struct span text)
{
	struct tar_entry e = { .path = path, .bytes = head.len + text.len };

	tar_put_header(b, &e);
	buf_put(b, head);
	buf_put(b, text);
	tar_put_padding(b, e.bytes);
}

static void
restore(struct store *s, struct span lines)
{
	struct restore *r = NULL;
	struct buf b;
	int rc;

	buf_init(&b, 1 << 24);
	put_entry(&b, SPAN("a.txt"),
	    SPAN("backup\tformat=1\tstore=0000000000000001\tcreated=0\n"),
	    lines);
	put_entry(&b, SPAN("bodies/0000000000000001.eml"), SPAN(""),
	    SPAN("A: b\r\n\r\nc\r\n"));
	put_entry(&b, SPAN("b.txt"), SPAN(""), lines);
	tar_put_end(&b);
	rc = restore_new(s, &r);
	if (rc == 0)
		rc = restore_put(r, buf_span(&b));
	if (rc == 0)
		rc = restore_finish(r);
	restore_free(r);
	buf_deinit(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct store_options o = { .map_bytes = 16u << 20,
		.volume_map_bytes = 16u << 20,
		.journal_bytes = 1u << 20 };
	struct store *s = NULL;
	struct buf why;

	log_open(LOG_TO_NOTHING, LOG_FAULT);
	fuzz_folder_begin();
	buf_init(&why, 500);
	if (store_create(fuzz_folder, &o) < 0 ||
	    store_open(fuzz_folder, &o, &s, &why) < 0)
		abort();
	restore(s, span_of(data, len));
	store_close(s);
	buf_deinit(&why);
	return 0;
}
