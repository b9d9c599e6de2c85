#include "net/dns_answer.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/cursor.h"

#define HEADER_BYTES 12
#define CLASS_IN     1
#define TYPE_NS      2
#define TYPE_SOA     6
#define TYPE_OPT     41

/* The second word of the header (RFC 1035 4.1.1, RFC 4035 3.2.3). */
#define FLAG_RESPONSE  0x8000
#define FLAG_TRUNCATED 0x0200
#define FLAG_RECURSE   0x0100
#define FLAG_AUTHENTIC 0x0020
#define MASK_OPCODE    0x7800
#define MASK_RCODE     0x000f

/* RFC 1035 4.1.1 */
enum rcode { RCODE_OK = 0, RCODE_FORMAT = 1, RCODE_NAME = 3, RCODE_NOTIMP = 4 };

/* RFC 2308 5: what is not there, when no SOA says for how long. */
#define NEGATIVE_TTL_S 60
/* Records of an answer that are looked at, so that passes over them end. */
#define MAX_LOOKED_AT 256

struct header {
	uint16_t id, flags, n_questions, n_answers, n_authority, n_more;
};

struct record {
	struct dns_wire owner;
	uint16_t type, class;
	uint32_t ttl_s;
	size_t data, end; /* offsets in the message */
};

void
dns_question_put(struct buf *b, uint16_t id, enum dns_type type,
    const struct dns_wire *name, bool has_edns)
{
	buf_put_be16(b, id);
	/* RFC 6840 5.7: "tell me whether you have validated it". */
	buf_put_be16(b, FLAG_RECURSE | FLAG_AUTHENTIC);
	buf_put_be16(b, 1);
	buf_put_be16(b, 0);
	buf_put_be16(b, 0);
	buf_put_be16(b, has_edns ? 1 : 0);
	buf_put(b, span_of(name->bytes, name->len));
	buf_put_be16(b, (uint16_t)type);
	buf_put_be16(b, CLASS_IN);
	if (!has_edns)
		return;
	buf_put_char(b, 0); /* RFC 6891 6.1.2: the root owns it */
	buf_put_be16(b, TYPE_OPT);
	buf_put_be16(b, DNS_UDP_BYTES);
	buf_put_be32(b, 0);
	buf_put_be16(b, 0);
}

void
dns_answer_init(struct dns_answer *a)
{
	*a = (struct dns_answer){ .state = DNS_TEMPFAIL };
	buf_init(&a->records, DNS_MAX_ANSWER_BYTES);
}

void
dns_answer_deinit(struct dns_answer *a)
{
	buf_deinit(&a->records);
}

/* The cursor at this offset, and where it has come to. */
static struct cur
cur_at(struct span message, size_t at)
{
	return cur_of(span_sub(message, at, message.len));
}

static size_t
at_of(struct span message, const struct cur *c)
{
	return message.len - cur_left(c);
}

static int
read_header(struct span message, struct header *h)
{
	struct cur c = cur_of(message);

	if (cur_be16(&c, &h->id) != PARSE_OK ||
	    cur_be16(&c, &h->flags) != PARSE_OK ||
	    cur_be16(&c, &h->n_questions) != PARSE_OK ||
	    cur_be16(&c, &h->n_answers) != PARSE_OK ||
	    cur_be16(&c, &h->n_authority) != PARSE_OK ||
	    cur_be16(&c, &h->n_more) != PARSE_OK)
		return ERR_SYNTAX;
	return 0;
}

/* RFC 1035 4.1.3 */
static int
read_record(struct span message, size_t *at, struct record *r)
{
	struct cur c;
	uint16_t len;

	if (dns_wire_read(message, at, &r->owner) < 0)
		return ERR_SYNTAX;
	c = cur_at(message, *at);
	if (cur_be16(&c, &r->type) != PARSE_OK ||
	    cur_be16(&c, &r->class) != PARSE_OK ||
	    cur_be32(&c, &r->ttl_s) != PARSE_OK ||
	    cur_be16(&c, &len) != PARSE_OK || cur_left(&c) < len)
		return ERR_SYNTAX;
	if (r->ttl_s > INT32_MAX) /* RFC 2181 8 */
		r->ttl_s = 0;
	r->data = at_of(message, &c);
	r->end = r->data + len;
	*at = r->end;
	return 0;
}

/* A name that ends where the data does. */
static int
read_data_name(struct span message, size_t at, size_t end, struct dns_wire *out)
{
	if (dns_wire_read(message, &at, out) < 0 || at != end)
		return ERR_SYNTAX;
	return 0;
}

/* RFC 1035 3.3.14: strings, each with its length in front, joined. */
static int
put_strings(struct buf *b, struct span data)
{
	while (data.len > 0) {
		size_t n = (uint8_t)data.p[0];

		if (data.len - 1 < n)
			return ERR_SYNTAX;
		buf_put(b, span_sub(data, 1, n));
		data = span_sub(data, 1 + n, data.len);
	}
	return 0;
}

/* Append one record's data as it is kept. ERR_SYNTAX: the answer is garbage;
 * ERR_INVALID: this record is of no use. */
static int
put_data(struct buf *b, enum dns_type type, struct span message,
    const struct record *r)
{
	struct span data = span_sub(message, r->data, r->end - r->data);
	size_t at = r->data;
	struct dns_wire name;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		if (data.len != (type == DNS_A ? 4 : 16))
			return ERR_SYNTAX;
		buf_put(b, data);
		return 0;
	case DNS_TLSA:
		buf_put(b, data);
		return 0;
	case DNS_TXT:
		return put_strings(b, data);
	case DNS_MX:
		if (data.len < 2)
			return ERR_SYNTAX;
		buf_put(b, span_sub(data, 0, 2));
		at += 2;
		break;
	case DNS_PTR:
	case DNS_CNAME:
		break;
	}
	if (read_data_name(message, at, r->end, &name) < 0)
		return ERR_SYNTAX;
	if (name.len == 1 && type != DNS_MX) /* RFC 7505 3: but an MX may */
		return ERR_INVALID;
	return dns_wire_put(b, &name);
}

/* Has the list this record already? RFC 2181 5 */
static bool
has_record(struct span records, struct span one)
{
	while (records.len > 0) {
		struct cur c = cur_of(records);
		uint16_t len = 0;

		(void)cur_be16(&c, &len);
		if (span_is(span_sub(records, 2, len), one))
			return true;
		records = span_sub(records, 2 + (size_t)len, records.len);
	}
	return false;
}

/* Keep a record: its length, then its data. */
static int
add_record(struct dns_answer *a, enum dns_type type, struct span message,
    const struct record *r)
{
	size_t before = a->records.len, len;
	struct span whole;
	int rc;

	buf_put_be16(&a->records, 0);
	rc = put_data(&a->records, type, message, r);
	if (rc < 0 || buf_failed(&a->records)) {
		buf_truncate(&a->records, before);
		return rc == ERR_INVALID ? 0 : ERR_SYNTAX;
	}
	len = a->records.len - before - 2;
	a->records.p[before] = (char)(len >> 8);
	a->records.p[before + 1] = (char)(len & 0xff);
	whole = buf_span(&a->records);
	if (has_record(
	        span_sub(whole, 0, before), span_sub(whole, before + 2, len)))
		buf_truncate(&a->records, before);
	return 0;
}

static void
lower_ttl(struct dns_answer *a, uint32_t ttl_s)
{
	if (ttl_s < a->ttl_s)
		a->ttl_s = ttl_s;
}

/* What reading the answers found. */
struct found {
	size_t n_records; /* of the name, of use or not */
	bool has_moved;   /* by an alias, in this pass */
	size_t end;       /* of the section */
};

/* One record of the answer section, as it concerns the name. */
static int
take_answer(struct dns_answer *a, enum dns_type type, struct span message,
    const struct record *r, struct found *f)
{
	if (r->class != CLASS_IN || !dns_wire_is(&r->owner, &a->name))
		return 0;
	if (r->type == type) {
		lower_ttl(a, r->ttl_s);
		if (f->n_records++ >= DNS_MAX_RECORDS)
			return 0;
		return add_record(a, type, message, r);
	}
	if (r->type != DNS_CNAME)
		return 0;
	if (a->n_aliases >= DNS_MAX_CHAIN)
		return ERR_LIMIT;
	a->n_aliases++;
	lower_ttl(a, r->ttl_s);
	f->has_moved = true;
	return read_data_name(message, r->data, r->end, &a->name);
}

/* Follow aliases (RFC 1034 3.6.2) to the records. They mostly stand in their
 * order; where they do not, another pass finds the next one. */
static int
read_answers(struct dns_answer *a, enum dns_type type, struct span message,
    const struct header *h, size_t at, struct found *f)
{
	struct record r;
	int rc;

	do {
		size_t here = at;

		f->has_moved = false;
		for (size_t i = 0; i < h->n_answers; i++) {
			if (i == MAX_LOOKED_AT)
				return f->n_records > 0 ? 0 : ERR_LIMIT;
			rc = read_record(message, &here, &r);
			if (rc == 0)
				rc = take_answer(a, type, message, &r, f);
			if (rc < 0)
				return rc;
		}
		f->end = here;
	} while (f->has_moved && f->n_records == 0);
	return 0;
}

/* RFC 2308 5: the SOA's own TTL or its last field, whichever is less. */
static int
read_soa(struct dns_answer *a, struct span message, const struct record *r)
{
	size_t at = r->data;
	struct dns_wire name;
	struct cur c;
	uint32_t minimum = 0;

	if (dns_wire_read(message, &at, &name) < 0 ||
	    dns_wire_read(message, &at, &name) < 0 || at > r->end ||
	    r->end - at != 20)
		return ERR_SYNTAX;
	c = cur_at(message, at + 16);
	if (cur_be32(&c, &minimum) != PARSE_OK)
		return ERR_SYNTAX;
	lower_ttl(a, r->ttl_s < minimum ? r->ttl_s : minimum);
	return 0;
}

/* There are no records, and why. 0: nothing more to know; ERR_NONE: nobody
 * says so with authority; ERR_SYNTAX: garbage, or not from a resolver. */
static int
read_authority(struct dns_answer *a, struct span message,
    const struct header *h, size_t at)
{
	bool has_soa = false, has_ns = false;
	struct record r;

	for (size_t i = 0; i < h->n_authority; i++) {
		if (i == MAX_LOOKED_AT || read_record(message, &at, &r) < 0)
			return ERR_SYNTAX;
		has_ns |= r.type == TYPE_NS;
		if (r.type != TYPE_SOA)
			continue;
		has_soa = true;
		if (read_soa(a, message, &r) < 0)
			return ERR_SYNTAX;
	}
	if (has_soa)
		return 0;
	lower_ttl(a, NEGATIVE_TTL_S);
	return has_ns ? ERR_SYNTAX : ERR_NONE; /* RFC 2308 2.2: a referral */
}

/* The state that an answer with this code is. */
static enum dns_state
read_sections(struct dns_answer *a, enum dns_type type, struct span message,
    const struct header *h)
{
	uint8_t n_before = a->n_aliases;
	struct found f = { 0 };
	struct dns_wire question;
	size_t at = HEADER_BYTES;
	int rc;

	if (h->n_questions != 1 || dns_wire_read(message, &at, &question) < 0 ||
	    message.len - at < 4)
		return DNS_TEMPFAIL;
	rc = read_answers(a, type, message, h, at + 4, &f);
	if (rc < 0)
		return DNS_TEMPFAIL;
	if (a->records.len > 0)
		return DNS_OK;
	/* RFC 5321 5.1: with MX records that are of no use the mail must not
	 * go to the address of the name itself. */
	if (f.n_records > 0)
		return type == DNS_MX ? DNS_TEMPFAIL : DNS_NODATA;
	rc = read_authority(a, message, h, f.end);
	if (rc == ERR_SYNTAX)
		return DNS_TEMPFAIL;
	/* RFC 2308 2.1: it is the last alias that does not exist. */
	if ((h->flags & MASK_RCODE) == RCODE_NAME)
		return DNS_NXDOMAIN;
	if (rc == ERR_NONE && a->n_aliases > n_before)
		return DNS_PENDING;
	return DNS_NODATA;
}

void
dns_answer_parse(struct dns_answer *a, enum dns_type type, struct span message)
{
	struct header h;
	unsigned rcode;

	a->state = DNS_TEMPFAIL;
	a->refuses_edns = false;
	a->ttl_s = UINT32_MAX;
	buf_reset(&a->records);
	if (read_header(message, &h) < 0 || (h.flags & FLAG_RESPONSE) == 0 ||
	    (h.flags & (MASK_OPCODE | FLAG_TRUNCATED)) != 0)
		return;
	rcode = h.flags & MASK_RCODE;
	/* RFC 6891 7: what a server without EDNS says. */
	a->refuses_edns = rcode == RCODE_FORMAT || rcode == RCODE_NOTIMP;
	a->is_authentic = (h.flags & FLAG_AUTHENTIC) != 0;
	if (rcode == RCODE_OK || rcode == RCODE_NAME)
		a->state = read_sections(a, type, message, &h);
	if (a->state != DNS_OK)
		buf_reset(&a->records);
}

bool
dns_answer_next(
    struct span records, enum dns_type type, size_t *at, struct dns_record *out)
{
	struct span rest = span_sub(records, *at, records.len), data;
	struct cur c = cur_of(rest);
	uint16_t len;

	*out = (struct dns_record){ 0 };
	if (cur_be16(&c, &len) != PARSE_OK)
		return false;
	data = span_sub(rest, 2, len);
	*at += 2 + (size_t)len;
	if (type == DNS_A) {
		out->address.family = PEER_IP4;
		memcpy(out->address.addr, data.p, 4);
	} else if (type == DNS_AAAA) {
		struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };

		memcpy(&sa.sin6_addr, data.p, 16);
		peer_from_sockaddr((const struct sockaddr *)&sa, &out->address);
	} else if (type == DNS_MX) {
		c = cur_of(data);
		(void)cur_be16(&c, &out->preference);
		out->text = span_sub(data, 2, data.len);
	} else {
		out->text = data;
	}
	return true;
}
