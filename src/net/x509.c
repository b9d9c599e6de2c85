#include "net/x509.h"

#include "net/der.h"

/* 2.5.4.3 and 2.5.29.17 */
static const struct span oid_common_name = { "\x55\x04\x03", 3 };
static const struct span oid_alt_name = { "\x55\x1d\x11", 3 };

/* The signature algorithms that name their hash (RFC 3279, RFC 4055,
 * RFC 5758). */
static const struct {
	struct span oid;
	enum x509_hash hash;
} algorithms[] = {
	{ { "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 9 }, X509_SHA256 },
	{ { "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", 9 }, X509_SHA384 },
	{ { "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", 9 }, X509_SHA512 },
	{ { "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", 9 }, X509_SHA224 },
	{ { "\x2a\x86\x48\xce\x3d\x04\x03\x01", 8 }, X509_SHA224 },
	{ { "\x2a\x86\x48\xce\x3d\x04\x03\x02", 8 }, X509_SHA256 },
	{ { "\x2a\x86\x48\xce\x3d\x04\x03\x03", 8 }, X509_SHA384 },
	{ { "\x2a\x86\x48\xce\x3d\x04\x03\x04", 8 }, X509_SHA512 },
};

/* RFC 5280 4.1.2.4: Name is a sequence of sets of attributes. */
static int
find_common_name(struct span name, struct span *out)
{
	struct cur sets = cur_of(name);

	*out = span_of(NULL, 0);
	while (!cur_is_end(&sets)) {
		struct span set, pair, oid, value;
		struct cur c;

		if (der_expect(&sets, DER_SET, &set) < 0)
			return ERR_SYNTAX;
		c = cur_of(set);
		if (der_expect(&c, DER_SEQUENCE, &pair) < 0)
			return ERR_SYNTAX;
		c = cur_of(pair);
		if (der_expect(&c, DER_OID, &oid) < 0 ||
		    der_next(&c, NULL, &value, NULL) < 0)
			return ERR_SYNTAX;
		if (span_is(oid, oid_common_name))
			*out = value;
	}
	return 0;
}

/* RFC 5280 4.2: the extensions; only subjectAltName is looked at. */
static int
find_alt_names(struct span extensions, struct span *out)
{
	struct cur all = cur_of(extensions);
	struct cur c;
	struct span list;

	if (der_expect(&all, DER_SEQUENCE, &list) < 0)
		return ERR_SYNTAX;
	all = cur_of(list);
	while (!cur_is_end(&all)) {
		struct span ext, oid, value;

		if (der_expect(&all, DER_SEQUENCE, &ext) < 0)
			return ERR_SYNTAX;
		c = cur_of(ext);
		if (der_expect(&c, DER_OID, &oid) < 0)
			return ERR_SYNTAX;
		(void)!der_expect(&c, DER_BOOLEAN, NULL); /* critical */
		if (der_expect(&c, DER_OCTET_STRING, &value) < 0)
			return ERR_SYNTAX;
		if (!span_is(oid, oid_alt_name))
			continue;
		c = cur_of(value);
		if (der_expect(&c, DER_SEQUENCE, out) < 0)
			return ERR_SYNTAX;
	}
	return 0;
}

static int
parse_validity(struct span validity, struct x509 *out)
{
	struct cur c = cur_of(validity);

	if (der_time(&c, &out->not_before_s) < 0)
		return ERR_SYNTAX;
	return der_time(&c, &out->not_after_s);
}

static int
parse_algorithm(struct span algorithm, struct x509 *out)
{
	struct cur c = cur_of(algorithm);
	struct span oid;

	if (der_expect(&c, DER_OID, &oid) < 0)
		return ERR_SYNTAX;
	out->hash = X509_SHA256;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
		if (span_is(oid, algorithms[i].oid))
			out->hash = algorithms[i].hash;
	return 0;
}

int
x509_parse(struct span der, struct x509 *out)
{
	struct cur c = cur_of(der);
	struct span cert, tbs, part;
	uint8_t tag;

	*out = (struct x509){ 0 };
	if (der_expect(&c, DER_SEQUENCE, &cert) < 0 || !cur_is_end(&c))
		return ERR_SYNTAX;
	c = cur_of(cert);
	if (der_expect(&c, DER_SEQUENCE, &tbs) < 0 ||
	    der_expect(&c, DER_SEQUENCE, &part) < 0 ||
	    parse_algorithm(part, out) < 0)
		return ERR_SYNTAX;
	c = cur_of(tbs);
	(void)!der_expect(&c, 0xa0, NULL); /* version */
	if (der_expect(&c, DER_INTEGER, NULL) < 0 ||
	    der_expect(&c, DER_SEQUENCE, NULL) < 0 ||
	    der_next(&c, NULL, NULL, &out->issuer) < 0 ||
	    der_expect(&c, DER_SEQUENCE, &part) < 0 ||
	    parse_validity(part, out) < 0 ||
	    der_next(&c, NULL, &part, &out->subject) < 0 ||
	    find_common_name(part, &out->common_name) < 0 ||
	    der_expect(&c, DER_SEQUENCE, NULL) < 0)
		return ERR_SYNTAX;
	while (!cur_is_end(&c)) {
		if (der_next(&c, &tag, &part, NULL) < 0)
			return ERR_SYNTAX;
		if (tag == 0xa3 && find_alt_names(part, &out->alt_names) < 0)
			return ERR_SYNTAX;
	}
	return 0;
}

int
x509_next_name(const struct x509 *x, size_t *at, struct span *name_out)
{
	struct cur c = cur_of(span_sub(x->alt_names, *at, x->alt_names.len));
	struct span whole;
	uint8_t tag;

	while (der_next(&c, &tag, name_out, &whole) == 0) {
		*at += whole.len;
		if (tag == 0x82) /* dNSName, RFC 5280 4.2.1.6 */
			return 0;
	}
	return ERR_NONE;
}
