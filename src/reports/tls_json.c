#include "reports/tls_json.h"

#include "base/clock.h"
#include "base/json.h"

/* RFC 8460 4.4: as RFC 3339, in UTC. */
static void
put_time(struct buf *b, const char *key, int64_t at_s)
{
	buf_putf(b, "\"%s\":\"", key);
	clock_put_iso(b, at_s);
	buf_put_char(b, '"');
}

static void
put_string(struct buf *b, const char *key, struct span text)
{
	buf_putf(b, ",\"%s\":", key);
	json_put_string(b, text);
}

void
tls_json_begin(struct tls_json *j, struct buf *b, const struct report_label *l)
{
	*j = (struct tls_json){ .n_good = 0 };
	buf_put_str(b, "{\"date-range\":{");
	put_time(b, "start-datetime", l->begin_s);
	buf_put_char(b, ',');
	put_time(b, "end-datetime", l->end_s);
	buf_put_char(b, '}');
	put_string(b, "organization-name", report_label_org(l));
	put_string(b, "contact-info", l->contact);
	put_string(b, "report-id", span_str(l->id));
	buf_put_str(b, ",\"policies\":[");
}

/* Close what is open of a policy. */
static void
end_policy(struct tls_json *j, struct buf *b)
{
	if (!j->has_policy)
		return;
	if (j->has_failure)
		buf_put_char(b, ']');
	buf_putf(b,
	    ",\"summary\":{\"total-successful-session-count\":%llu,"
	    "\"total-failure-session-count\":%llu}}",
	    (unsigned long long)j->n_good, (unsigned long long)j->n_bad);
	*j = (struct tls_json){ .is_second = true };
}

static void
put_failure(struct tls_json *j, struct buf *b, const struct tally_row *r)
{
	buf_put_str(b, j->has_failure ? ",{" : ",\"failure-details\":[{");
	buf_put(b, r->text);
	buf_putf(b, ",\"failed-session-count\":%u}", (unsigned)r->n);
	j->has_failure = true;
	j->n_bad += r->n;
}

void
tls_json_put(struct tls_json *j, struct buf *b, const struct tally_row *r)
{
	bool is_failure = r->class.len == 2 && r->class.p[1] == '1';

	if (is_failure) {
		if (j->has_policy)
			put_failure(j, b, r);
		return;
	}
	end_policy(j, b);
	buf_put_str(b, j->is_second ? ",{" : "{");
	buf_put(b, r->text);
	j->has_policy = true;
	j->n_good = r->n;
}

void
tls_json_end(struct tls_json *j, struct buf *b)
{
	end_policy(j, b);
	buf_put_str(b, "]}");
}
