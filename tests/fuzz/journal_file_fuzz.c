/* Opening a store over a journal of any bytes: raw, or as frames whose chain
 * is right and whose operations are anything. It opens, or refuses and leaves
 * index and journal as they were (rules 2 and 3). */
#include "base/log.h"
#include "store/inside.h"

#include "folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct store_options options = { .map_bytes = 16u << 20,
	.volume_map_bytes = 16u << 20,
	.journal_bytes = JOURNAL_MIN_BYTES };

static struct buf base; /* the index as a crash leaves it */
static uint64_t generation, applied;

static const char *
path(const char *name)
{
	static char p[FILE_PATH_BYTES];

	if (file_path(fuzz_folder, name, p, sizeof(p)) < 0)
		abort();
	return p;
}

/* A person with mailboxes, so that operations find something. */
static void
make_base(void)
{
	struct account_new n = { .address = SPAN("a@x.test") };
	struct store *s = NULL;
	uint32_t id;

	log_open(LOG_TO_NOTHING, LOG_FAULT);
	buf_init(&base, 16u << 20);
	fuzz_folder_begin();
	if (store_create(fuzz_folder, &options) < 0 ||
	    store_open(fuzz_folder, &options, &s, NULL) < 0 ||
	    domain_create(s, SPAN("x.test")) < 0 ||
	    account_create(s, &n, &id) < 0 || store_checkpoint(s) < 0 ||
	    file_read(path("index"), &base) < 0)
		abort();
	generation = s->meta.generation;
	applied = s->meta.applied;
	store_close(s);
}

/* Each frame: operations, step of the sequence, two bytes of length. */
static void
put_frames(struct journal *j, struct span in)
{
	uint64_t sequence = applied + 1;
	struct buf b;

	buf_init(&b, JOURNAL_FRAME_BYTES);
	j->generation = generation;
	while (in.len > 4) {
		const uint8_t *p = (const uint8_t *)in.p;
		uint32_t n_ops = p[0];
		size_t len = (size_t)(p[2] << 8 | p[3]);

		sequence += p[1] < 128 ? 0 : p[1] - 128;
		if (len > in.len - 4)
			len = in.len - 4;
		buf_reset(&b);
		for (int i = 0; i < JOURNAL_HEADER_BYTES; i++)
			buf_put_char(&b, '\0');
		buf_put(&b, span_sub(in, 4, 4 + len));
		if (journal_write(j, &b, sequence, n_ops) < 0)
			break;
		sequence += n_ops;
		in = span_sub(in, 4 + len, in.len);
	}
	buf_deinit(&b);
}

static void
put_files(struct span in)
{
	bool is_raw = in.len > 0 && (in.p[0] & 1);
	struct journal j;

	fuzz_clear();
	in = span_sub(in, 1, in.len);
	if (file_write(path("index"), buf_span(&base), 0600) < 0 ||
	    journal_create(path("journal"), JOURNAL_MIN_BYTES) < 0 ||
	    journal_open(&j, path("journal")) < 0)
		abort();
	if (!is_raw)
		put_frames(&j, in);
	else if (file_pwrite(j.fd, span_sub(in, 0, JOURNAL_MIN_BYTES), 0) < 0)
		abort();
	journal_close(&j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf before, after;
	struct store *s = NULL;

	if (base.len == 0)
		make_base();
	put_files(span_of(data, len));
	buf_init(&before, JOURNAL_MIN_BYTES);
	buf_init(&after, 16u << 20);
	if (file_read(path("journal"), &before) < 0)
		abort();
	if (store_open(fuzz_folder, &options, &s, NULL) == 0) {
		store_close(s);
	} else {
		if (file_read(path("journal"), &after) < 0 ||
		    !span_is(buf_span(&before), buf_span(&after)))
			abort();
		buf_reset(&after);
		if (file_read(path("index"), &after) < 0 ||
		    !span_starts(buf_span(&after), buf_span(&base)))
			abort();
	}
	buf_deinit(&before);
	buf_deinit(&after);
	return 0;
}
