/* What the doubts of a client weigh, and how they are told (doubts_in.h). */
#include "trust/doubts_in.h"

bool
doubts_are_any(const struct doubts *s)
{
	return s->found != 0 || s->hits != 0;
}

int
doubts_weight(const struct doubts *s)
{
	const struct weights *w = &s->weights;
	int sum = 0;

	for (size_t i = 0; i < N_DOUBTS; i++)
		if (s->found & 1u << i)
			sum += w->of[i];
	for (size_t i = 0; i < w->n_rules; i++)
		if (s->hits & 1u << i)
			sum += w->rules[i].weight;
	return sum;
}

void
doubts_put_words(const struct doubts *s, struct buf *out)
{
	const struct weights *w = &s->weights;
	const char *space = "";

	for (size_t i = 0; i < N_DOUBTS; i++) {
		if (!(s->found & 1u << i))
			continue;
		buf_putf(out, "%s%s=%d", space, weights_name((enum doubt)i),
		    w->of[i]);
		space = " ";
	}
	for (size_t i = 0; i < w->n_rules; i++) {
		if (!(s->hits & 1u << i))
			continue;
		buf_put_str(out, space);
		buf_put(out, weights_list(w, w->rules[i].list));
		buf_putf(out, "=%d", w->rules[i].weight);
		space = " ";
	}
}

void
doubts_put_reasons(const struct doubts *s, struct buf *out)
{
	static const char *const reasons[N_DOUBTS] = {
		[DOUBT_NO_REVERSE] = "your address has no name (PTR)",
		[DOUBT_BAD_REVERSE] =
		    "the name of your address (PTR) does not lead back to it",
		[DOUBT_HELO_BAD] = "your HELO is no full host name",
		[DOUBT_HELO_UNKNOWN] = "your HELO name has no address",
		[DOUBT_HELO_OTHER] = "your HELO name is another host's",
		[DOUBT_HELO_OURS] = "your HELO name is ours",
		[DOUBT_SPF_FAIL] = "you may not send for this domain (SPF)",
		[DOUBT_SPF_SOFTFAIL] =
		    "you may perhaps not send for this domain (SPF)",
	};
	const struct weights *w = &s->weights;
	const char *comma = "";

	for (size_t i = 0; i < N_DOUBTS; i++) {
		if (!(s->found & 1u << i) || w->of[i] < 0)
			continue;
		buf_put_str(out, comma);
		buf_put_str(out, reasons[i]);
		comma = ", ";
	}
	for (size_t i = 0; i < w->n_rules; i++) {
		if (!(s->hits & 1u << i) || w->rules[i].weight < 0)
			continue;
		buf_put_str(out, comma);
		buf_put_str(out, "you are listed by ");
		buf_put(out, weights_list(w, w->rules[i].list));
		comma = ", ";
	}
}

/* RFC 8904 2: lists that speak for the client. */
static void
put_dnswl(const struct doubts *s, struct authres *a)
{
	const struct weights *w = &s->weights;
	struct peer answer = { .family = PEER_IP4 };
	char storage[16];
	struct buf text;

	for (size_t i = 0; i < w->n_rules; i++) {
		if (w->rules[i].weight > 0 || !(s->hits & 1u << i))
			continue;
		authres_method(a, "dnswl", "pass", "");
		authres_property(
		    a, "dns.zone", weights_list(w, w->rules[i].list));
		buf_init_fixed(&text, storage, sizeof(storage));
		memcpy(answer.addr, s->answers[i], sizeof(s->answers[i]));
		peer_put(&text, &answer);
		authres_property(a, "policy.ip", buf_span(&text));
	}
}

void
doubts_put_results(const struct doubts *s, struct authres *a)
{
	static const char *const results[] = { "", "pass", "fail", "temperror",
		"permerror" };
	char storage[64], words_storage[512];
	struct buf address, words;

	buf_init_fixed(&address, storage, sizeof(storage));
	buf_init_fixed(&words, words_storage, sizeof(words_storage));
	peer_put(&address, &s->client);
	doubts_put_words(s, &words);
	if (s->iprev != IPREV_NONE) {
		authres_method(a, "iprev", results[s->iprev], "");
		authres_property(a, "policy.iprev", buf_span(&address));
	}
	if (words.len > 0 && a->n_methods > 0) {
		buf_putf(a->out, "\r\n\t (weight %d: ", doubts_weight(s));
		buf_put(a->out, buf_span(&words));
		buf_put_char(a->out, ')');
	}
	put_dnswl(s, a);
}
