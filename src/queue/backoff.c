#include "queue/backoff.h"

#include "base/ascii.h"

#define MIN_RETRY_S 10
#define MAX_RETRY_S 86400

const struct mover_limits mover_limits_default = {
	.retry_s = { 60, 300, 900, 1800, 3600, 7200, 14400 },
	.n_retry = 7,
	.max_connections = 20,
	.max_dest_connections = 3,
	.max_per_connection = 100,
	.port = 25,
	.sts_port = 443,
};

uint32_t
backoff_s(const struct mover_limits *l, uint32_t n_attempts, uint32_t random)
{
	uint32_t i = n_attempts > 0 ? n_attempts - 1 : 0;
	uint32_t base = l->retry_s[i < l->n_retry ? i : l->n_retry - 1];

	return base - base / 10 + random % (base / 5 + 1);
}

/* "15m" as seconds; 0: it is none. */
static uint32_t
parse_step(struct span word)
{
	uint32_t v = 0;
	size_t i = 0;

	for (; i < word.len && ascii_is_digit(word.p[i]); i++) {
		v = v * 10 + (uint32_t)(word.p[i] - '0');
		if (v > MAX_RETRY_S)
			return 0;
	}
	if (i == 0 || i + 1 < word.len)
		return 0;
	if (i == word.len || word.p[i] == 's')
		return v;
	return word.p[i] == 'm'   ? v * 60
	       : word.p[i] == 'h' ? v * 3600
	       : word.p[i] == 'd' ? v * 86400
	                          : 0;
}

int
mover_parse_retry(struct span text, struct mover_limits *out)
{
	uint32_t steps[MAX_RETRY_STEPS], n = 0;

	while (text.len > 0) {
		struct span word = span_split(&text, ' ');

		if (word.len == 0)
			continue;
		if (n == MAX_RETRY_STEPS)
			return ERR_LIMIT;
		steps[n] = parse_step(word);
		if (steps[n] == 0)
			return ERR_SYNTAX;
		if (steps[n] < MIN_RETRY_S || steps[n] > MAX_RETRY_S)
			return ERR_LIMIT;
		n++;
	}
	if (n == 0)
		return ERR_SYNTAX;
	memcpy(out->retry_s, steps, sizeof(steps));
	out->n_retry = n;
	return 0;
}
