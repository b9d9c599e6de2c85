/* LIST's patterns, compared with their definition: the first line are patterns
 * parted by commas, the rest is a path. And the grammar of STATUS. */
#include <stdlib.h>

#include "imap/imap_name.h"
#include "imap/imap_pattern.h"
#include "imap/imap_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The places of a pattern in which it may be after n bytes, for all n. */
static bool
match_table(struct span pattern, struct span path)
{
	static bool at[202][402];

	for (size_t n = 0; n <= path.len; n++) {
		for (size_t k = 0; k <= pattern.len; k++) {
			char c = k > 0 ? pattern.p[k - 1] : 'x';
			bool is_wild = c == '*' || c == '%';
			bool is_alive = k == 0 && n == 0;

			if (k > 0 && is_wild)
				is_alive =
				    at[k - 1][n] ||
				    (n > 0 && at[k][n - 1] &&
				        (c == '*' || path.p[n - 1] != '/'));
			else if (k > 0 && n > 0)
				is_alive =
				    at[k - 1][n - 1] && c == path.p[n - 1];
			at[k][n] = is_alive;
		}
	}
	return at[pattern.len][path.len];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span path = span_of(data, len);
	struct span patterns = span_split(&path, '\n');
	struct imap_patterns p = { 0 };
	struct cur c = cur_of(path);
	uint32_t items;
	bool is_match = false;

	(void)imap_status_parse(&c, &items);
	(void)imap_name_check(path);
	/* INBOX has its own rule, which the table does not know. */
	if (len > 200 || span_starts_nocase(path, SPAN("INBOX")))
		return 0;
	while (patterns.len > 0) {
		struct span one = span_split(&patterns, ',');

		if (imap_patterns_add(&p, one) == 0)
			is_match = match_table(one, path) || is_match;
	}
	if (imap_patterns_match(&p, path) != is_match)
		abort();
	return 0;
}
