/* hot.h - what the programs of the hottest paths share. Each does its path a
 * number of times, server and client in one process, turn by turn, so that
 * the instructions of two runs can be subtracted: see instructions.py. */
#ifndef TINPOST_TESTS_HOT_H
#define TINPOST_TESTS_HOT_H

/* A mail of about 4 KB. */
static inline void
hot_put_mail(struct buf *b, long n)
{
	buf_putf(b,
	    "From: Sender <sender%ld@client.test>\r\n"
	    "To: Kim <kim@mail.test>\r\nSubject: the subject of mail %ld\r\n"
	    "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
	    "Message-ID: <%ld@client.test>\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n",
	    n, n, n);
	for (int i = 0; i < 60; i++)
		buf_putf(b,
		    "Line %d of mail %ld, with words that repeat "
		    "as words in mails do.\r\n",
		    i, n);
}

static inline void
hot_clear(struct buf *b)
{
	buf_truncate(b, 0);
}

static inline bool
hot_has(struct span s, struct span word)
{
	for (size_t i = 0; i + word.len <= s.len; i++) {
		if (memcmp(s.p + i, word.p, word.len) == 0)
			return true;
	}
	return false;
}

/* How often: the program's only argument. The maps are such as valgrind can
 * make them. */
static inline long
hot_count(int argc, char **argv)
{
	uint64_t n = 0;

	REQUIRE(argc == 2 && span_to_u64(span_str(argv[1]), 100000, &n) == 0);
	world_options.map_bytes = 256 << 20;
	world_options.volume_map_bytes = 256 << 20;
	return (long)n;
}

#endif
