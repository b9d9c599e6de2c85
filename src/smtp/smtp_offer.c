#include "smtp/smtp_offer.h"

static const struct {
	const char *word;
	uint32_t bit;
} words[] = {
	{ "PIPELINING", OFFER_PIPELINING },
	{ "SIZE", OFFER_SIZE },
	{ "8BITMIME", OFFER_8BITMIME },
	{ "SMTPUTF8", OFFER_SMTPUTF8 },
	{ "CHUNKING", OFFER_CHUNKING },
	{ "DSN", OFFER_DSN },
	{ "STARTTLS", OFFER_STARTTLS },
	{ "REQUIRETLS", OFFER_REQUIRETLS },
	{ "AUTH", OFFER_AUTH },
};

static const struct {
	const char *word;
	uint32_t bit;
} mechs[] = {
	{ "SCRAM-SHA-256", MECH_SCRAM_SHA_256 },
	{ "PLAIN", MECH_PLAIN },
	{ "LOGIN", MECH_LOGIN },
	{ "OAUTHBEARER", MECH_OAUTHBEARER },
	{ "XOAUTH2", MECH_XOAUTH2 },
};

static void
take_mechs(struct smtp_offer *f, struct span rest)
{
	while (rest.len > 0) {
		struct span word = span_split(&rest, ' ');

		for (size_t i = 0; i < sizeof(mechs) / sizeof(*mechs); i++)
			if (span_is_nocase(word, span_str(mechs[i].word)))
				f->mechs |= mechs[i].bit;
	}
}

void
smtp_offer_take(struct smtp_offer *f, struct span text)
{
	struct span rest = span_trim(text), word;

	if (f->n_lines++ == 0)
		return;
	/* Deviation: "AUTH=LOGIN" beside the proper form, from before RFC
	 * 4954, is still sent by some. */
	if (span_starts_nocase(rest, SPAN("AUTH="))) {
		f->words |= OFFER_AUTH;
		take_mechs(f, span_sub(rest, 5, rest.len));
		return;
	}
	word = span_split(&rest, ' ');
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!span_is_nocase(word, span_str(words[i].word)))
			continue;
		f->words |= words[i].bit;
		if (words[i].bit == OFFER_AUTH)
			take_mechs(f, rest);
		/* RFC 1870 4: a number that is none says nothing. */
		if (words[i].bit == OFFER_SIZE &&
		    span_to_u64(span_trim(rest), UINT64_MAX, &f->size) < 0)
			f->size = 0;
	}
}

const char *
smtp_offer_mech_name(uint32_t mech)
{
	for (size_t i = 0; i < sizeof(mechs) / sizeof(*mechs); i++)
		if (mechs[i].bit == mech)
			return mechs[i].word;
	return "";
}
