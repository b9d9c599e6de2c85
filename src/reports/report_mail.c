#include "reports/report_mail.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "mime/mime.h"
#include "reports/gzip.h"
#include "reports/rua.h"
#include "smtp/smtp.h"
#include "store/store.h"
#include "trust/trust.h"

/* RFC 2045 6.8: lines of 76. */
#define LINE_IN    57
#define LINE_OUT   78
#define HEAD_BYTES 8192

struct report_mail {
	struct store *store;
	const struct report_label *label;
	struct upload *upload;
	struct mime_parser *parser;
	struct dkim_sign *sign;
	struct gzip gzip;
	struct buf raw;  /* of the file, not yet in base64 */
	struct buf text; /* of the message, not yet put */
	struct buf file; /* all of it, when it is kept */
	bool is_kept;
	struct buf summary;
	uint64_t random;
	char to[REPORT_MAX_TO][MAX_ADDRESS_BYTES];
	size_t to_len[REPORT_MAX_TO];
	size_t n_to;
};

struct span
report_label_org(const struct report_label *l)
{
	return rua_host(l->contact);
}

/* --- bytes --- */

/* Give on what was made. */
static int
flush(struct report_mail *m)
{
	struct span bytes = buf_span(&m->text);
	int rc = buf_error(&m->text);

	if (rc == 0)
		rc = buf_error(&m->raw);
	if (rc < 0)
		return rc;
	mime_parser_feed(m->parser, bytes);
	dkim_sign_feed(m->sign, bytes);
	rc = upload_put(m->upload, bytes);
	buf_reset(&m->text);
	return rc;
}

/* Whole lines of base64; at the end all of it. */
static void
encode(struct report_mail *m, bool is_end)
{
	size_t at = 0;

	while (m->raw.len - at >= LINE_IN || (is_end && at < m->raw.len)) {
		struct span line = span_sub(buf_span(&m->raw), at, LINE_IN);

		base64_encode(&m->text, line);
		buf_put_str(&m->text, "\r\n");
		at += line.len;
	}
	buf_consume(&m->raw, at);
}

/* --- the message around the file --- */

static void
put_boundary(struct report_mail *m)
{
	buf_putf(&m->text, "=_report-%016llx", (unsigned long long)m->random);
}

static void
put_names(struct report_mail *m)
{
	const struct report_label *l = m->label;
	struct buf *b = &m->text;

	buf_put_str(b, "From: <");
	buf_put(b, l->contact);
	buf_put_str(b, ">\r\nTo: ");
	for (size_t i = 0; i < m->n_to; i++) {
		buf_put_str(b, i > 0 ? ",\r\n\t<" : "<");
		buf_put(b, span_of(m->to[i], m->to_len[i]));
		buf_put_char(b, '>');
	}
	/* RFC 9990 and RFC 8460 5.3 have the same form, but for the id. */
	buf_put_str(b, "\r\nSubject: Report Domain: ");
	buf_put(b, l->domain);
	buf_put_str(b, "\r\n Submitter: ");
	buf_put(b, report_label_org(l));
	buf_putf(b, "\r\n Report-ID: <%s", l->id);
	if (l->is_tls) {
		buf_put_char(b, '@');
		buf_put(b, report_label_org(l));
	}
	buf_put_str(b, ">\r\n");
}

static void
put_header(struct report_mail *m)
{
	const struct report_label *l = m->label;
	struct buf *b = &m->text;
	int64_t now = clock_wall_s();

	put_names(m);
	trace_put_date(b, now, clock_zone_minutes(now));
	trace_put_message_id(b, now * 1000, m->random, report_label_org(l));
	if (l->is_tls) {
		/* RFC 8460 5.3; RFC 8689 3: it tells of TLS that fails. */
		buf_put_str(b, "TLS-Report-Domain: ");
		buf_put(b, l->domain);
		buf_put_str(b, "\r\nTLS-Report-Submitter: ");
		buf_put(b, report_label_org(l));
		buf_put_str(b, "\r\nTLS-Required: No\r\n");
	}
	buf_put_str(b, "Auto-Submitted: auto-generated\r\n" /* RFC 3834 5 */
	               "MIME-Version: 1.0\r\nContent-Type: multipart/");
	buf_put_str(b, l->is_tls ? "report; report-type=\"tlsrpt\"" : "mixed");
	buf_put_str(b, ";\r\n\tboundary=\"");
	put_boundary(m);
	buf_put_str(b, "\"\r\n");
}

/* sender!domain!begin!end!id.xml.gz */
static void
put_file_name(struct report_mail *m)
{
	const struct report_label *l = m->label;
	struct buf *b = &m->text;

	buf_put(b, report_label_org(l));
	buf_put_char(b, '!');
	buf_put(b, l->domain);
	buf_putf(b, "!%lld!%lld!%s.%s.gz", (long long)l->begin_s,
	    (long long)l->end_s, l->id, l->is_tls ? "json" : "xml");
}

static void
put_parts(struct report_mail *m)
{
	const struct report_label *l = m->label;
	struct buf *b = &m->text;

	buf_put_str(b, "\r\n--");
	put_boundary(m);
	buf_put_str(
	    b, "\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n");
	buf_put_str(b, l->is_tls ? "This is a report about TLS with the mail "
	                           "servers of\r\n"
	                         : "This is an aggregate report of DMARC "
	                           "about\r\n");
	buf_put(b, l->domain);
	buf_put_str(b, "\r\nfor programs to read. It comes daily, as the "
	               "domain's DNS asks.\r\n\r\n--");
	put_boundary(m);
	buf_put_str(b, "\r\nContent-Type: application/");
	buf_put_str(b, l->is_tls ? "tlsrpt+gzip" : "gzip");
	buf_put_str(b, "\r\nContent-Transfer-Encoding: base64\r\n"
	               "Content-Disposition: attachment;\r\n\tfilename=\"");
	put_file_name(m);
	buf_put_str(b, "\"\r\n\r\n");
}

/* --- in its order --- */

static int
begin(struct report_mail *m)
{
	m->parser = mime_parser_new();
	if (m->parser == NULL)
		return ERR_NOMEM;
	if (dkim_sign_new(false, &m->sign) < 0)
		return ERR_NOMEM;
	put_header(m);
	put_parts(m);
	gzip_begin(&m->gzip, &m->raw);
	buf_put(&m->file, buf_span(&m->raw));
	return upload_new(m->store, &m->upload);
}

int
report_mail_new(struct store *s, const struct report_label *l,
    const struct span *to, size_t n, struct report_mail **out)
{
	struct report_mail *m = mem_alloc(sizeof(*m));
	int rc;

	if (m == NULL)
		return ERR_NOMEM;
	m->store = s;
	m->label = l;
	m->random = rand_u64();
	for (; m->n_to < n && m->n_to < REPORT_MAX_TO; m->n_to++) {
		struct span a = span_sub(to[m->n_to], 0, MAX_ADDRESS_BYTES);

		memcpy(m->to[m->n_to], a.p, a.len);
		m->to_len[m->n_to] = a.len;
	}
	buf_init(&m->raw, GZIP_MAX_PIECE + 100);
	buf_init(&m->text, 2 * GZIP_MAX_PIECE + HEAD_BYTES);
	buf_init(&m->file, REPORT_MAX_POST);
	buf_init(&m->summary, MAX_SUMMARY_BYTES);
	rc = begin(m);
	if (rc == 0)
		rc = flush(m);
	if (rc < 0) {
		report_mail_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

/* What was appended to raw, for the file that is kept. */
static void
keep(struct report_mail *m, size_t before)
{
	if (m->is_kept)
		buf_put(
		    &m->file, span_sub(buf_span(&m->raw), before, m->raw.len));
}

int
report_mail_put(struct report_mail *m, struct span text)
{
	size_t before = m->raw.len;

	gzip_put(&m->gzip, text, &m->raw);
	keep(m, before);
	encode(m, false);
	return flush(m);
}

void
report_mail_keep(struct report_mail *m)
{
	m->is_kept = true;
}

struct span
report_mail_file(const struct report_mail *m)
{
	return m->is_kept && !buf_failed(&m->file) ? buf_span(&m->file)
	                                           : span_of(NULL, 0);
}

uint64_t
report_mail_bytes(const struct report_mail *m)
{
	return upload_bytes(m->upload);
}

int
report_mail_end(struct report_mail *m)
{
	size_t before = m->raw.len;
	int rc;

	gzip_end(&m->gzip, &m->raw);
	keep(m, before);
	encode(m, true);
	buf_put_str(&m->text, "\r\n--");
	put_boundary(m);
	buf_put_str(&m->text, "--\r\n");
	rc = flush(m);
	if (rc == 0)
		rc = mime_parser_finish(m->parser, &m->summary);
	if (rc == 0)
		rc = dkim_sign_finish(m->sign);
	return rc;
}

static int
put_signature(struct report_mail *m, struct buf *prefix)
{
	int rc = own_sign_put(
	    m->store, report_label_org(m->label), m->sign, prefix, &m->summary);

	if (rc == ERR_NONE)
		return m->label->is_tls ? ERR_DENIED : 0;
	return rc;
}

/* The INBOX of somebody here; 0: there is none. */
static uint32_t
find_inbox(struct store *s, struct span address)
{
	struct address_entry e;
	uint32_t mailbox = 0;

	if (address_lookup(s, address, &e) < 0 || e.kind != ADDRESS_PERSON ||
	    mailbox_find(s, e.id, SPAN("INBOX"), &mailbox) < 0)
		return 0;
	return mailbox;
}

struct recipients {
	struct queue_to out[REPORT_MAX_TO];
	struct delivery_to here[REPORT_MAX_TO];
	size_t n_out, n_here;
};

static void
part(struct report_mail *m, struct recipients *r)
{
	for (size_t i = 0; i < m->n_to; i++) {
		struct span a = span_of(m->to[i], m->to_len[i]);
		uint32_t inbox;

		if (!domain_exists(m->store, rua_host(a))) {
			r->out[r->n_out++] = (struct queue_to){ .address = a,
				.notify = QUEUE_NOTIFY_NEVER };
			continue;
		}
		inbox = find_inbox(m->store, a);
		if (inbox != 0)
			r->here[r->n_here++].mailbox = inbox;
	}
}

static int
deliver(struct report_mail *m, const struct body *body)
{
	struct recipients r = { .n_out = 0 };
	int64_t now = clock_wall_s();
	struct queue_mail mail = { .from = m->label->contact,
		.flags = m->label->is_tls ? QUEUE_TLS_OPTIONAL : 0,
		.expires_s = now + REPORT_EXPIRE_S,
		.trace = span_str(m->label->id),
		.to = r.out };
	struct delivery d = { .body = body,
		.to = r.here,
		.internal_date_s = now,
		.zone_minutes = (int16_t)clock_zone_minutes(now) };

	part(m, &r);
	if (r.n_out + r.n_here == 0)
		return ERR_NONE;
	mail.n_to = r.n_out;
	d.n_to = r.n_here;
	d.queue = &mail;
	d.n_queue = r.n_out > 0;
	return mailbox_deliver(m->store, &d, NULL, NULL);
}

int
report_mail_deliver(struct report_mail *m)
{
	struct buf prefix;
	struct body body;
	int rc;

	buf_init(&prefix, DKIM_SIGN_BYTES);
	rc = put_signature(m, &prefix);
	if (rc == 0)
		rc = upload_finish(
		    m->upload, buf_span(&prefix), buf_span(&m->summary), &body);
	if (rc == 0)
		rc = deliver(m, &body);
	buf_deinit(&prefix);
	return rc;
}

void
report_mail_free(struct report_mail *m)
{
	if (m == NULL)
		return;
	upload_free(m->upload);
	mime_parser_free(m->parser);
	dkim_sign_free(m->sign);
	buf_deinit(&m->raw);
	buf_deinit(&m->text);
	buf_deinit(&m->file);
	buf_deinit(&m->summary);
	mem_free(m);
}

uint64_t
report_mail_most(uint64_t n_bytes, uint64_t n_pieces)
{
	uint64_t file = GZIP_FILE_COST + n_bytes + n_pieces * GZIP_PIECE_COST;

	return (file / LINE_IN + 1) * LINE_OUT + HEAD_BYTES + DKIM_SIGN_BYTES;
}
