/* Only what bearssl.h offers is used: a public RSA operation is a power modulo
 * any odd number, in constant time; that is all that both the test of Miller
 * and Rabin and the inverse of q need. */
#include "trust/rsa_make.h"

#include <bearssl.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rand.h"

#define PRIME_BYTES (RSA_MAKE_BITS / 16)
/* Candidates stand four apart from a random start on; past so many, another
 * start is drawn: each candidate is as good as random. */
#define MAX_CANDIDATES 2000
/* Handbook of Applied Cryptography, note 4.49: 3 rounds for random candidates
 * of 1024 bits leave less than 2^-80; one more costs little. */
#define N_ROUNDS 4
/* Odd primes below this one are sieved out. */
#define MAX_SIEVE 4096
#define N_PRIMES  563

/* Numbers are PRIME_BYTES bytes, big-endian. */

struct rsa_make {
	unsigned char prime[2][PRIME_BYTES]; /* found, or the candidate */
	uint16_t small[N_PRIMES];
	uint16_t rest[N_PRIMES]; /* of the candidate */
	int which;               /* of the two that is looked for */
	int n_rounds;            /* passed by the candidate */
	uint32_t n_candidates;   /* since the start; 0: draw one */
};

int
rsa_make_new(struct rsa_make **out)
{
	struct rsa_make *m = mem_alloc(sizeof(*m));
	size_t n = 0;

	if (m == NULL)
		return ERR_NOMEM;
	for (unsigned p = 3; p < MAX_SIEVE && n < N_PRIMES; p += 2) {
		bool is_prime = true;

		for (size_t i = 0; i < n && is_prime; i++)
			is_prime = p % m->small[i] != 0;
		if (is_prime)
			m->small[n++] = (uint16_t)p;
	}
	*out = m;
	return 0;
}

void
rsa_make_free(struct rsa_make *m)
{
	if (m != NULL)
		wipe(m, sizeof(*m));
	mem_free(m);
}

static uint32_t
rest_of(const unsigned char *x, uint32_t divisor)
{
	uint64_t r = 0;

	for (size_t i = 0; i < PRIME_BYTES; i++)
		r = (r << 8 | x[i]) % divisor;
	return (uint32_t)r;
}

/* x += n; the result must not overflow, which the top bits see to. */
static void
add_small(unsigned char *x, uint32_t n)
{
	for (size_t i = PRIME_BYTES; i-- > 0 && n > 0; n >>= 8) {
		n += x[i];
		x[i] = (unsigned char)n;
	}
}

static void
subtract_small(unsigned char *x, unsigned n)
{
	for (size_t i = PRIME_BYTES; i-- > 0 && n > 0;) {
		bool is_less = x[i] < n;

		x[i] = (unsigned char)(x[i] - n);
		n = is_less ? 1 : 0;
	}
}

static void
halve(unsigned char *x)
{
	unsigned carry = 0;

	for (size_t i = 0; i < PRIME_BYTES; i++) {
		unsigned v = x[i];

		x[i] = (unsigned char)(v >> 1 | carry);
		carry = v << 7 & 0x80;
	}
}

/* x = x^e modulo the odd unsigned char *n, which is greater than x. */
static void
power(unsigned char *x, const unsigned char *e, const unsigned char *n)
{
	unsigned char modulus[PRIME_BYTES], exponent[PRIME_BYTES];
	br_rsa_public_key pk = { .n = modulus,
		.nlen = PRIME_BYTES,
		.e = exponent,
		.elen = PRIME_BYTES };

	memcpy(modulus, n, PRIME_BYTES);
	memcpy(exponent, e, PRIME_BYTES);
	(void)br_rsa_public_get_default()(x, PRIME_BYTES, &pk);
	wipe(modulus, sizeof(modulus));
	wipe(exponent, sizeof(exponent));
}

/* The two top bits are set, so that the product has all its bits; the two
 * lowest as well: half of candidate - 1 is odd. */
static void
draw(struct rsa_make *m)
{
	unsigned char *p = m->prime[m->which];

	rand_bytes(p, PRIME_BYTES);
	p[0] |= 0xc0;
	p[1] &= 0xfe; /* room for what is added */
	p[PRIME_BYTES - 1] |= 3;
	for (size_t i = 0; i < N_PRIMES; i++)
		m->rest[i] = (uint16_t)rest_of(p, m->small[i]);
	m->n_candidates = 1;
}

static void
next(struct rsa_make *m)
{
	m->n_rounds = 0;
	if (m->n_candidates == 0 || m->n_candidates == MAX_CANDIDATES) {
		draw(m);
		return;
	}
	m->n_candidates++;
	add_small(m->prime[m->which], 4);
	for (size_t i = 0; i < N_PRIMES; i++)
		m->rest[i] = (uint16_t)((m->rest[i] + 4u) % m->small[i]);
}

/* Can it be a prime, and has the exponent an inverse then? */
static bool
is_candidate(const struct rsa_make *m)
{
	for (size_t i = 0; i < N_PRIMES; i++)
		if (m->rest[i] == 0)
			return false;
	return rest_of(m->prime[m->which], RSA_EXPONENT) != 1;
}

/* One round of Miller and Rabin for a unsigned char *that is 3 modulo 4: a random base
 * to the power of half of x - 1 is 1 or -1. */
static bool
passes_round(const unsigned char *x)
{
	unsigned char base[PRIME_BYTES], half[PRIME_BYTES],
	    minus_one[PRIME_BYTES];
	unsigned one = 0, other = 0;

	rand_bytes(base, sizeof(base));
	base[0] &= 0x7f; /* less than x */
	memcpy(minus_one, x, PRIME_BYTES);
	subtract_small(minus_one, 1);
	memcpy(half, minus_one, PRIME_BYTES);
	halve(half);
	power(base, half, x);
	for (size_t i = 0; i < PRIME_BYTES; i++) {
		one |= base[i] ^ (i == PRIME_BYTES - 1 ? 1u : 0u);
		other |= (unsigned)(base[i] ^ minus_one[i]);
	}
	wipe(base, sizeof(base));
	wipe(half, sizeof(half));
	wipe(minus_one, sizeof(minus_one));
	return one == 0 || other == 0;
}

/* --- the key, once both primes are there --- */

/* out = x^-1 modulo n for 0 < x < n, by trying: n is small. */
static uint32_t
inverse_small(uint32_t x, uint32_t n)
{
	uint64_t result = 1, base = x;

	/* n is prime: x^(n-2). */
	for (uint32_t e = n - 2; e > 0; e >>= 1) {
		if (e & 1)
			result = result * base % n;
		base = base * base % n;
	}
	return (uint32_t)result;
}

/* The exponent's inverse modulo p - 1: (1 + k (p - 1)) / e, with the k below
 * e that makes it whole. */
static void
private_exponent(const unsigned char *prime, unsigned char *out)
{
	unsigned char x[PRIME_BYTES];
	uint64_t carry = 1, rest = 0;
	unsigned char product[PRIME_BYTES + 3];
	uint32_t k;

	memcpy(x, prime, PRIME_BYTES);
	subtract_small(x, 1);
	k = RSA_EXPONENT -
	    inverse_small(rest_of(x, RSA_EXPONENT), RSA_EXPONENT);
	for (size_t i = PRIME_BYTES; i-- > 0;) {
		carry += (uint64_t)k * x[i];
		product[i + 3] = (unsigned char)carry;
		carry >>= 8;
	}
	product[2] = (unsigned char)carry;
	product[1] = (unsigned char)(carry >> 8);
	product[0] = (unsigned char)(carry >> 16);
	for (size_t i = 0; i < sizeof(product); i++) {
		rest = rest << 8 | product[i];
		if (i >= 3)
			out[i - 3] = (unsigned char)(rest / RSA_EXPONENT);
		rest %= RSA_EXPONENT;
	}
	wipe(product, sizeof(product));
	wipe(x, sizeof(x));
}

static int
put_key(struct rsa_make *m, struct buf *out)
{
	unsigned char dp[PRIME_BYTES], dq[PRIME_BYTES], iq[PRIME_BYTES],
	    exponent[PRIME_BYTES];
	unsigned char n[2 * PRIME_BYTES], d[2 * PRIME_BYTES];
	unsigned char e[3] = { 1, 0, 1 };
	unsigned char der[RSA_MAX_DER_BYTES];
	br_rsa_private_key sk = { .n_bitlen = RSA_MAKE_BITS,
		.p = m->prime[0],
		.plen = PRIME_BYTES,
		.q = m->prime[1],
		.qlen = PRIME_BYTES,
		.dp = dp,
		.dplen = PRIME_BYTES,
		.dq = dq,
		.dqlen = PRIME_BYTES,
		.iq = iq,
		.iqlen = PRIME_BYTES };
	br_rsa_public_key pk = { .n = n, .nlen = sizeof(n), .e = e, .elen = 3 };
	size_t len = 0;

	private_exponent(m->prime[0], dp);
	private_exponent(m->prime[1], dq);
	/* Fermat: q^(p - 2) is the inverse of q modulo p. */
	memcpy(iq, m->prime[1], PRIME_BYTES);
	memcpy(exponent, m->prime[0], PRIME_BYTES);
	subtract_small(exponent, 2);
	power(iq, exponent, m->prime[0]);
	if (br_rsa_compute_modulus_get_default()(n, &sk) == sizeof(n) &&
	    br_rsa_compute_privexp_get_default()(d, &sk, RSA_EXPONENT) ==
	        sizeof(d))
		len = br_encode_rsa_raw_der(NULL, &sk, &pk, d, sizeof(d));
	if (len > 0 && len <= sizeof(der)) {
		br_encode_rsa_raw_der(der, &sk, &pk, d, sizeof(d));
		buf_put(out, span_of(der, len));
	}
	wipe(dp, sizeof(dp));
	wipe(dq, sizeof(dq));
	wipe(iq, sizeof(iq));
	wipe(d, sizeof(d));
	wipe(der, sizeof(der));
	return len == 0 || len > sizeof(der) || buf_failed(out) ? ERR_LIMIT : 0;
}

/* p is the greater one: q must be less than it. */
static void
put_in_order(struct rsa_make *m)
{
	if (memcmp(m->prime[0], m->prime[1], PRIME_BYTES) < 0) {
		unsigned char x[PRIME_BYTES];

		memcpy(x, m->prime[0], PRIME_BYTES);
		memcpy(m->prime[0], m->prime[1], PRIME_BYTES);
		memcpy(m->prime[1], x, PRIME_BYTES);
		wipe(x, sizeof(x));
	}
}

int
rsa_make_step(struct rsa_make *m, struct buf *out)
{
	if (m->which == 2) {
		put_in_order(m);
		return put_key(m, out);
	}
	if (m->n_rounds == 0) {
		do {
			next(m);
		} while (!is_candidate(m)); /* about 17 of them */
	}
	if (!passes_round(m->prime[m->which])) {
		m->n_rounds = 0;
		return 1;
	}
	if (++m->n_rounds == N_ROUNDS) {
		m->n_rounds = 0;
		m->n_candidates = 0;
		m->which++;
		/* Equal primes, once in 2^1000 keys: no key, so draw again. */
		if (m->which == 2 &&
		    memcmp(m->prime[0], m->prime[1], PRIME_BYTES) == 0)
			m->which = 1;
	}
	return 1;
}
