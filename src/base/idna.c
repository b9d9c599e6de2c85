#include "base/idna.h"

#include "base/ascii.h"
#include "base/casemap.h"
#include "base/limits.h"
#include "base/utf8.h"

#define PREFIX SPAN("xn--")

/* RFC 3492 5 */
#define BASE         36u
#define T_MIN        1u
#define T_MAX        26u
#define SKEW         38u
#define DAMP         700u
#define INITIAL_BIAS 72u
#define INITIAL_N    128u

struct codes {
	uint32_t code[IDNA_MAX_LABEL];
	uint32_t n;
};

/* --- punycode --- */

/* RFC 3492 6.1 */
static uint32_t
adapt(uint32_t delta, uint32_t n_points, bool is_first)
{
	uint32_t k = 0;

	delta = is_first ? delta / DAMP : delta / 2;
	delta += delta / n_points;
	while (delta > (BASE - T_MIN) * T_MAX / 2) {
		delta /= BASE - T_MIN;
		k += BASE;
	}
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static uint32_t
threshold(uint32_t k, uint32_t bias)
{
	return k <= bias + T_MIN ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
}

/* A generalized variable-length integer (RFC 3492 3.3). */
static void
put_number(struct buf *out, uint32_t q, uint32_t bias)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	uint32_t k = BASE;

	for (;; k += BASE) {
		uint32_t t = threshold(k, bias);

		if (q < t)
			break;
		buf_put_char(out, digits[t + (q - t) % (BASE - t)]);
		q = (q - t) / (BASE - t);
	}
	buf_put_char(out, digits[q]);
}

/* The least code point from n on. */
static uint32_t
least_from(const struct codes *in, uint32_t n)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < in->n; i++)
		if (in->code[i] >= n && in->code[i] < least)
			least = in->code[i];
	return least;
}

/* RFC 3492 6.3. 63 points below U+110000 do not overflow: the greatest delta
 * is 0x10ffff * 64. */
static void
encode(struct buf *out, const struct codes *in)
{
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS;
	uint32_t n_basic = 0, n_done;

	for (uint32_t i = 0; i < in->n; i++)
		if (in->code[i] < 0x80) {
			buf_put_char(out, (char)in->code[i]);
			n_basic++;
		}
	if (n_basic > 0)
		buf_put_char(out, '-');
	for (n_done = n_basic; n_done < in->n; n++, delta++) {
		uint32_t next = least_from(in, n);

		delta += (next - n) * (n_done + 1);
		n = next;
		for (uint32_t i = 0; i < in->n; i++) {
			delta += in->code[i] < n;
			if (in->code[i] != n)
				continue;
			put_number(out, delta, bias);
			bias = adapt(delta, n_done + 1, n_done == n_basic);
			delta = 0;
			n_done++;
		}
	}
}

static uint32_t
digit_value(char c)
{
	if (ascii_is_digit(c))
		return (uint32_t)(c - '0') + 26;
	return ascii_is_alpha(c) ? (uint32_t)(ascii_lower(c) - 'a') : BASE;
}

/* Read one; add it to *i. */
static int
take_number(struct span *s, uint32_t bias, uint32_t *i)
{
	uint64_t sum = *i, weight = 1;

	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = threshold(k, bias), digit;

		if (s->len == 0)
			return ERR_SYNTAX;
		digit = digit_value(s->p[0]);
		*s = span_sub(*s, 1, s->len);
		if (digit == BASE)
			return ERR_SYNTAX;
		sum += digit * weight;
		/* 2^32 code points in 64 places are more than there are */
		if (sum > UINT32_MAX / 2)
			return ERR_SYNTAX;
		if (digit < t)
			break;
		weight *= BASE - t;
		if (weight > UINT32_MAX)
			return ERR_SYNTAX;
	}
	*i = (uint32_t)sum;
	return 0;
}

static void
insert(struct codes *to, uint32_t at, uint32_t code)
{
	for (uint32_t i = to->n; i > at; i--)
		to->code[i] = to->code[i - 1];
	to->code[at] = code;
	to->n++;
}

/* RFC 3492 6.2 */
static int
decode(struct span s, struct codes *out)
{
	size_t n_basic = span_rfind(s, '-');
	uint32_t n = INITIAL_N, i = 0, bias = INITIAL_BIAS;

	out->n = 0;
	if (n_basic == s.len)
		n_basic = 0; /* there are none */
	if (n_basic > IDNA_MAX_LABEL)
		return ERR_LIMIT;
	for (size_t k = 0; k < n_basic; k++)
		out->code[out->n++] = (unsigned char)ascii_lower(s.p[k]);
	s = span_sub(s, n_basic + (n_basic > 0), s.len);
	while (s.len > 0) {
		uint32_t before = i;
		int rc = take_number(&s, bias, &i);

		if (rc < 0 || out->n == IDNA_MAX_LABEL)
			return ERR_SYNTAX;
		bias = adapt(i - before, out->n + 1, before == 0);
		n += i / (out->n + 1);
		i %= out->n + 1;
		if (n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff))
			return ERR_SYNTAX;
		insert(out, i++, n);
	}
	return 0;
}

/* --- labels --- */

static uint32_t
lower(uint32_t code)
{
	/* RFC 5894 7.2, and its kin: letters of their own. */
	if (code == 0x3c2 || code == 0x131)
		return code;
	if (code >= 0xff01 && code <= 0xff5e) /* RFC 5895 2: full width */
		code -= 0xfee0;
	return casemap_fold(code);
}

/* UTS 46 2.3 */
static bool
is_dot(uint32_t code)
{
	return code == '.' || code == 0x3002 || code == 0xff0e ||
	       code == 0xff61;
}

/* What no name has, in any script: it would be something else for who reads
 * the name. */
static bool
is_never(uint32_t code)
{
	return (code < 0x80 && !ascii_is_alnum((char)code) && code != '-' &&
	           code != '_') ||
	       (code >= 0x80 && code <= 0xa0) || /* controls, a space */
	       (code >= 0x2000 && code <= 0x200b) || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202f) ||
	       (code >= 0x205f && code <= 0x206f) || code == 0x3000 ||
	       is_dot(code) || code == 0xfeff ||
	       (code >= 0xfff0 && code <= 0xffff);
}

/* Take a label in UTF-8 up to a dot. */
static int
take_label(struct span *s, struct codes *out)
{
	out->n = 0;
	while (s->len > 0) {
		uint32_t code;
		int n = utf8_next(*s, &code);

		if (n < 0)
			return ERR_SYNTAX;
		*s = span_sub(*s, (size_t)n, s->len);
		if (is_dot(code))
			return 1; /* there is more */
		code = lower(code);
		if (is_never(code))
			return ERR_SYNTAX;
		if (out->n == IDNA_MAX_LABEL)
			return ERR_LIMIT;
		out->code[out->n++] = code;
	}
	return 0;
}

static int
put_label(struct buf *out, const struct codes *label)
{
	size_t before = out->len;

	if (least_from(label, 0x80) == UINT32_MAX) {
		for (uint32_t i = 0; i < label->n; i++)
			buf_put_char(out, (char)label->code[i]);
	} else {
		buf_put(out, PREFIX);
		encode(out, label);
	}
	return buf_failed(out) || out->len - before > IDNA_MAX_LABEL ? ERR_LIMIT
	                                                             : 0;
}

int
idna_to_ascii(struct buf *out, struct span domain)
{
	size_t before = out->len;
	struct codes label;
	int more = 1, rc = 0;

	if (!utf8_has_8bit(domain)) {
		for (size_t i = 0; i < domain.len; i++)
			buf_put_char(out, ascii_lower(domain.p[i]));
		return buf_failed(out) ? ERR_LIMIT : 0;
	}
	while (more > 0 && rc == 0) {
		more = take_label(&domain, &label);
		rc = more < 0 ? more : put_label(out, &label);
		if (more > 0)
			buf_put_char(out, '.');
	}
	if (rc == 0 && buf_failed(out))
		rc = ERR_LIMIT;
	if (rc < 0)
		buf_truncate(out, before);
	return rc;
}

/* Is it what we would have made of these characters? */
static bool
is_made_of(struct span label, const struct codes *codes)
{
	char storage[IDNA_MAX_LABEL * 8];
	struct buf b;

	for (uint32_t i = 0; i < codes->n; i++)
		if (is_never(codes->code[i]) ||
		    lower(codes->code[i]) != codes->code[i])
			return false;
	buf_init_fixed(&b, storage, sizeof(storage));
	return put_label(&b, codes) == 0 && span_is_nocase(label, buf_span(&b));
}

void
idna_to_unicode(struct buf *out, struct span domain)
{
	struct span rest = domain;

	while (rest.len > 0) {
		struct span label = span_sub(rest, 0, span_find(rest, '.'));
		struct codes codes;

		rest = span_sub(rest, label.len, rest.len);
		if (label.len <= IDNA_MAX_LABEL &&
		    span_starts_nocase(label, PREFIX) &&
		    decode(span_sub(label, PREFIX.len, label.len), &codes) ==
		        0 &&
		    is_made_of(label, &codes)) {
			for (uint32_t i = 0; i < codes.n; i++)
				utf8_put(out, codes.code[i]);
		} else {
			buf_put(out, label);
		}
		if (rest.len > 0) {
			buf_put_char(out, '.');
			rest = span_sub(rest, 1, rest.len);
		}
	}
}

bool
idna_is_same(struct span a, struct span b)
{
	char storage[2][MAX_DOMAIN_BYTES + 1];
	struct buf as, bs;

	buf_init_fixed(&as, storage[0], sizeof(storage[0]));
	buf_init_fixed(&bs, storage[1], sizeof(storage[1]));
	return idna_to_ascii(&as, a) == 0 && idna_to_ascii(&bs, b) == 0 &&
	       span_is(buf_span(&as), buf_span(&bs));
}
