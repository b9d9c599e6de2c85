/* Names that other programs give: a folder's name read, written and read
 * again is the same path; the names of a Maildir's files, labels and whole
 * files are read without harm. */
#include <stdlib.h>

#include "base/utf8.h"
#include "cmd/folder_name.h"
#include "cmd/gmail.h"
#include "cmd/maildir_name.h"
#include "cmd/mbox_head.h"
#include "cmd/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
read_folder(struct span name)
{
	struct buf path, written, again;
	struct span dotless;

	buf_init(&path, 1 << 20);
	buf_init(&written, 1 << 20);
	buf_init(&again, 1 << 20);
	folder_name_get_maildir(&path, name);
	folder_name_put_maildir(&written, buf_span(&path));
	dotless = span_sub(buf_span(&written), 1, written.len);
	folder_name_get_maildir(&again, dotless);
	if (!utf8_is_valid(buf_span(&path)) ||
	    !span_is(buf_span(&path), buf_span(&again)))
		abort();
	buf_reset(&path);
	buf_reset(&written);
	buf_reset(&again);
	folder_name_get_file(&path, name);
	folder_name_put_file(&written, buf_span(&path));
	folder_name_get_file(&again, buf_span(&written));
	if (!span_is(buf_span(&path), buf_span(&again)))
		abort();
	buf_deinit(&path);
	buf_deinit(&written);
	buf_deinit(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span s = span_of(data, len);
	struct maildir_keywords k;
	struct mbox_meta meta;
	struct gmail g;
	struct buf b;
	uint16_t flags;

	if (len > 4000)
		return 0;
	read_folder(s);
	buf_init(&b, 1 << 20);
	maildir_keywords_parse(s, &k);
	maildir_name_read(s, &k, &flags, &b);
	gmail_read(s, &g);
	mbox_meta_init(&meta);
	mbox_head_read(s, false, &meta);
	if (sniff_is_mail(s) && sniff_name(s))
		abort();
	mbox_meta_deinit(&meta);
	buf_deinit(&b);
	return 0;
}
