/* Facts with a time, of check_in.h. */
#include "store/check_in.h"
#include "store/memo_in.h"

/* Compare a kind's count with the rows that were seen of it. */
static void
end_kind(struct check *c)
{
	if (c->memo_kind != 0)
		check_say_counts(c, "The kind of memo", c->memo_kind, "entries",
		    c->memo_counts, c->n_memos);
	c->memo_kind = 0;
	c->memo_counts = 0;
	c->n_memos = 0;
}

int
check_memos(struct check *c)
{
	struct span key, value, text;
	struct key time;
	int64_t until;
	uint8_t kind;
	int rc = check_next(c, TREE_MEMO, &key, &value);

	if (rc < 0) {
		end_kind(c);
		return rc;
	}
	kind = key.len > 0 ? (uint8_t)key.p[0] : 0;
	if (kind != c->memo_kind)
		end_kind(c);
	c->memo_kind = kind;
	if (key.len == 1) {
		if (record_get_number(value, &c->memo_counts) < 0)
			check_say_about(c, "The count of memos of kind", kind,
			    "is damaged.");
		return 0;
	}
	c->n_memos++;
	if (kind == 0 || kind >= N_MEMO_KINDS || key.len > 1 + MEMO_MAX_KEY ||
	    memo_parse(value, &text, &until) < 0) {
		check_say_about(c, "A memo of kind", kind, "is damaged.");
		return 0;
	}
	time = memo_key_time(
	    (enum memo_kind)kind, until, span_sub(key, 1, key.len));
	if (!check_has(c, TREE_MTIME, time))
		check_say_about(c, "A memo of kind", kind, "would never end.");
	return 0;
}

int
check_memo_times(struct check *c)
{
	struct span key, value;
	int rc = check_next(c, TREE_MTIME, &key, &value);

	if (rc < 0)
		return rc;
	if (key.len < 10 || key.len > 9 + MEMO_MAX_KEY ||
	    !check_has(c, TREE_MEMO,
	        memo_key((enum memo_kind)key.p[0], span_sub(key, 9, key.len))))
		check_say_about(c, "The end of a memo of kind",
		    key.len > 0 ? (uint8_t)key.p[0] : 0, "stands without it.");
	return 0;
}
