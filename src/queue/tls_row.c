#include "queue/tls_row.h"

#include "base/clock.h"
#include "base/idna.h"
#include "base/json.h"
#include "base/log.h"
#include "net/net.h"
#include "store/store.h"

/* Of a policy's text, which is a line to each fact. */
#define MAX_LINES 40

static const char *
result_name(enum tls_row_result r)
{
	switch (r) {
	case TLS_ROW_SUCCESS:
		break;
	case TLS_ROW_NO_STARTTLS:
		return "starttls-not-supported";
	case TLS_ROW_HOST_MISMATCH:
		return "certificate-host-mismatch";
	case TLS_ROW_EXPIRED:
		return "certificate-expired";
	case TLS_ROW_NOT_TRUSTED:
		return "certificate-not-trusted";
	case TLS_ROW_FAILURE:
		return "validation-failure";
	case TLS_ROW_STS_FETCH:
		return "sts-policy-fetch-error";
	case TLS_ROW_STS_INVALID:
		return "sts-policy-invalid";
	case TLS_ROW_STS_WEBPKI:
		return "sts-webpki-invalid";
	}
	return "validation-failure";
}

/* "key":["line","line"] of the lines of text that begin with prefix, without
 * it. */
static void
put_lines(struct buf *b, const char *key, struct span text, struct span prefix)
{
	int n = 0;

	buf_putf(b, "\"%s\":[", key);
	while (text.len > 0 && n < MAX_LINES) {
		struct span line = span_trim(span_split(&text, '\n'));

		if (line.len == 0 || !span_starts_nocase(line, prefix))
			continue;
		if (n++ > 0)
			buf_put_char(b, ',');
		json_put_string(
		    b, span_trim(span_sub(line, prefix.len, line.len)));
	}
	buf_put_str(b, "],");
}

/* RFC 8460 4.4: the policy. */
static void
put_policy(struct buf *b, const struct tls_row *n)
{
	bool is_sts = n->policy == TLS_ROW_STS;

	buf_putf(b, "\"policy\":{\"policy-type\":\"%s\",",
	    is_sts ? "sts" : "no-policy-found");
	if (is_sts && n->policy_text.len > 0) {
		put_lines(b, "policy-string", n->policy_text, SPAN(""));
		put_lines(b, "mx-host", n->policy_text, SPAN("mx:"));
	}
	buf_put_str(b, "\"policy-domain\":");
	json_put_string(b, n->domain);
	buf_put_char(b, '}');
}

static void
put_string(struct buf *b, const char *key, struct span text)
{
	if (text.len == 0)
		return;
	buf_putf(b, ",\"%s\":", key);
	json_put_string(b, text);
}

static void
put_peer(struct buf *b, const char *key, const struct peer *p)
{
	char storage[64];
	struct buf text;

	if (p == NULL)
		return;
	buf_init_fixed(&text, storage, sizeof(storage));
	peer_put(&text, p);
	put_string(b, key, buf_span(&text));
}

/* RFC 8460 4.4: one of failure-details, without its count. */
static void
put_failure(struct buf *b, const struct tls_row *n)
{
	buf_putf(b, "\"result-type\":\"%s\"", result_name(n->result));
	put_peer(b, "sending-mta-ip", n->from);
	put_string(b, "receiving-mx-hostname", n->mx);
	put_peer(b, "receiving-ip", n->to);
	put_string(b, "failure-reason-code", n->reason);
}

static int
add(struct store *s, const struct tls_row *n, bool is_failure,
    const struct buf *text, uint32_t count)
{
	const char class[2] = { n->policy == TLS_ROW_STS ? 's' : 'n',
		is_failure ? '1' : '0' };

	if (buf_failed(text))
		return buf_error(text);
	return tally_add(s, MEMO_TLS_ROW, clock_wall_s(), n->domain,
	    span_of(class, sizeof(class)), buf_span(text), count);
}

static int
count(struct store *s, const struct tls_row *n)
{
	bool is_failure = n->result != TLS_ROW_SUCCESS;
	struct buf text;
	int rc;

	buf_init(&text, TALLY_MAX_TEXT);
	put_policy(&text, n);
	rc = add(s, n, false, &text, !is_failure);
	if (rc == 0 && is_failure) {
		buf_reset(&text);
		put_failure(&text, n);
		rc = add(s, n, true, &text, 1);
	}
	buf_deinit(&text);
	return rc;
}

void
tls_row_count(struct store *s, const struct tls_row *n)
{
	char storage[MAX_DOMAIN_BYTES];
	struct tls_row in_ascii = *n;
	struct buf b;
	struct log l;
	int rc;

	buf_init_fixed(&b, storage, sizeof(storage));
	rc = idna_to_ascii(&b, n->domain);
	in_ascii.domain = buf_span(&b);
	if (rc == 0)
		rc = count(s, &in_ascii);
	if (rc == 0)
		return;
	log_begin(&l, LOG_WARN, "report.not_counted");
	log_str(&l, "domain", n->domain);
	log_err(&l, "reason", rc);
	log_end(&l);
}
