#include "admin/quantity.h"

#include "base/ascii.h"

struct unit {
	char letter;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{ 'k', 1024 },
	{ 'm', 1024 * 1024 },
	{ 'g', 1024 * 1024 * 1024 },
	{ 't', 1024ull * 1024 * 1024 * 1024 },
};

static const struct unit times[] = {
	{ 's', 1 },
	{ 'm', 60 },
	{ 'h', 3600 },
	{ 'd', 86400 },
};

static int
parse(struct span s, const struct unit *units, size_t n_units, uint64_t max,
    uint64_t *out)
{
	uint64_t factor = 1, v;
	char last;
	int rc;

	if (s.len == 0)
		return ERR_SYNTAX;
	last = ascii_lower(s.p[s.len - 1]);
	for (size_t i = 0; i < n_units; i++) {
		if (units[i].letter == last) {
			factor = units[i].factor;
			s.len--;
			break;
		}
	}
	rc = span_to_u64(s, max / factor, &v);
	if (rc < 0)
		return rc;
	*out = v * factor;
	return 0;
}

int
quantity_size(struct span s, uint64_t max, uint64_t *out)
{
	if (s.len > 1 && ascii_lower(s.p[s.len - 1]) == 'b')
		s.len--;
	return parse(s, sizes, sizeof(sizes) / sizeof(*sizes), max, out);
}

int
quantity_time(struct span s, uint64_t max, uint64_t *out)
{
	return parse(s, times, sizeof(times) / sizeof(*times), max, out);
}

void
quantity_put_size(struct buf *b, uint64_t bytes)
{
	static const char letters[] = " KMGT";
	size_t i = 0;

	while (bytes > 9999 && i < 4) {
		bytes /= 1024;
		i++;
	}
	buf_put_u64(b, bytes);
	if (i > 0) {
		buf_put_char(b, ' ');
		buf_put_char(b, letters[i]);
	}
}

void
quantity_put_time(struct buf *b, uint64_t seconds)
{
	uint64_t d = seconds / 86400, h = seconds / 3600 % 24;
	uint64_t m = seconds / 60 % 60, s = seconds % 60;

	if (d > 0)
		buf_putf(b, "%llud %lluh", (unsigned long long)d,
		    (unsigned long long)h);
	else if (h > 0)
		buf_putf(b, "%lluh %llum", (unsigned long long)h,
		    (unsigned long long)m);
	else if (m > 0)
		buf_putf(b, "%llum %llus", (unsigned long long)m,
		    (unsigned long long)s);
	else
		buf_putf(b, "%llus", (unsigned long long)s);
}
