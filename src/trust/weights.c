#include "trust/weights.h"

#include "net/dns.h"

static const char *const names[N_DOUBTS] = {
	[DOUBT_NO_REVERSE] = "no-reverse",
	[DOUBT_BAD_REVERSE] = "bad-reverse",
	[DOUBT_HELO_BAD] = "helo-bad",
	[DOUBT_HELO_UNKNOWN] = "helo-unknown",
	[DOUBT_HELO_OTHER] = "helo-other",
	[DOUBT_HELO_OURS] = "helo-ours",
	[DOUBT_SPF_FAIL] = "spf-fail",
	[DOUBT_SPF_SOFTFAIL] = "spf-softfail",
};

const char *
weights_name(enum doubt s)
{
	return names[s];
}

/* ["-"] 1*DIGIT */
static int
parse_weight(struct span s, int8_t *out)
{
	bool is_negative = s.len > 0 && s.p[0] == '-';
	uint64_t n;
	int rc = span_to_u64(span_sub(s, is_negative, s.len), WEIGHTS_MAX, &n);

	if (rc == 0)
		*out = (int8_t)(is_negative ? -(int)n : (int)n);
	return rc;
}

/* The next "name=weight"; ERR_NONE at the end. */
static int
next_word(struct span *rest, struct span *name_out, int8_t *weight_out)
{
	struct span word = span_of(NULL, 0);
	size_t at;

	while (word.len == 0 && rest->len > 0)
		word = span_split(rest, ' ');
	if (word.len == 0)
		return ERR_NONE;
	at = span_rfind(word, '=');
	*name_out = span_sub(word, 0, at);
	return parse_weight(span_sub(word, at + 1, word.len), weight_out);
}

int
weights_parse_doubts(struct span s, struct weights *w)
{
	struct span name;
	int8_t weight;
	int rc;

	while ((rc = next_word(&s, &name, &weight)) == 0) {
		int i = 0;

		while (
		    i < N_DOUBTS && !span_is_nocase(name, span_str(names[i])))
			i++;
		if (i == N_DOUBTS)
			return ERR_SYNTAX;
		w->of[i] = weight;
	}
	return rc == ERR_NONE ? 0 : rc;
}

/* One of the four numbers: "2", "2-11" or "*". */
static int
parse_range(struct span s, uint8_t *low, uint8_t *high)
{
	struct span last = s;
	struct span first = span_split(&last, '-');
	uint64_t a = 0, b = 255;

	if (!span_is(s, SPAN("*"))) {
		if (span_to_u64(first, 255, &a) < 0)
			return ERR_SYNTAX;
		b = a;
		if (first.len < s.len && span_to_u64(last, 255, &b) < 0)
			return ERR_SYNTAX;
	}
	if (b < a)
		return ERR_SYNTAX;
	*low = (uint8_t)a;
	*high = (uint8_t)b;
	return 0;
}

static int
parse_answers(struct span s, struct weights_rule *r)
{
	for (int i = 0; i < 4; i++) {
		struct span one = span_split(&s, '.');

		if (parse_range(one, &r->low[i], &r->high[i]) < 0)
			return ERR_SYNTAX;
	}
	return s.len == 0 ? 0 : ERR_SYNTAX;
}

/* The list of this name, added when it is new. */
static int
find_list(struct weights *w, struct span name, uint8_t *out)
{
	for (uint8_t i = 0; i < w->n_lists; i++) {
		if (span_is_nocase(weights_list(w, i), name)) {
			*out = i;
			return 0;
		}
	}
	if (w->n_lists == WEIGHTS_MAX_LISTS ||
	    name.len > (size_t)WEIGHTS_MAX_TEXT - w->n_text)
		return ERR_LIMIT;
	*out = w->n_lists;
	w->lists[w->n_lists].at = w->n_text;
	w->lists[w->n_lists++].len = (uint16_t)name.len;
	memcpy(w->text + w->n_text, name.p, name.len);
	w->n_text = (uint16_t)(w->n_text + name.len);
	return 0;
}

static int
parse_list(struct weights *w, struct span word, int8_t weight)
{
	struct weights_rule r = { .high = { 255, 255, 255, 255 },
		.weight = weight };
	size_t at = span_find(word, ':');
	struct span name = span_sub(word, 0, at);
	int rc;

	if (weight == 0 || !dns_is_name(name))
		return ERR_SYNTAX;
	if (at < word.len &&
	    parse_answers(span_sub(word, at + 1, word.len), &r) < 0)
		return ERR_SYNTAX;
	if (w->n_rules == WEIGHTS_MAX_RULES)
		return ERR_LIMIT;
	rc = find_list(w, name, &r.list);
	if (rc == 0)
		w->rules[w->n_rules++] = r;
	return rc;
}

int
weights_parse_lists(struct span s, struct weights *w)
{
	struct span name;
	int8_t weight;
	int rc;

	w->n_lists = w->n_rules = 0;
	w->n_text = 0;
	while ((rc = next_word(&s, &name, &weight)) == 0) {
		rc = parse_list(w, name, weight);
		if (rc < 0)
			return rc;
	}
	return rc == ERR_NONE ? 0 : rc;
}

bool
weights_are_any(const struct weights *w)
{
	for (size_t i = 0; i < N_DOUBTS; i++)
		if (w->of[i] != 0)
			return true;
	return w->n_rules > 0;
}

struct span
weights_list(const struct weights *w, size_t list)
{
	return span_of(w->text + w->lists[list].at, w->lists[list].len);
}

bool
weights_rule_has(const struct weights_rule *r, const uint8_t answer[4])
{
	for (int i = 0; i < 4; i++)
		if (answer[i] < r->low[i] || answer[i] > r->high[i])
			return false;
	return true;
}
