#include "queue/sts_policy.h"

#include "base/ascii.h"
#include "net/dns.h"

static const char *const mode_names[] = { [STS_NONE] = "none",
	[STS_TESTING] = "testing",
	[STS_ENFORCE] = "enforce" };

const char *
sts_mode_name(enum sts_mode mode)
{
	return mode_names[mode];
}

static bool
is_id(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_alnum(s.p[i]))
			return false;
	return s.len > 0 && s.len <= STS_MAX_ID;
}

/* RFC 8461 3.1: sts-text-record. */
int
sts_record_parse(struct span txt, struct span *id)
{
	struct span field = span_split(&txt, ';');

	id->len = 0;
	if (!span_is(span_trim(field), SPAN("v=STSv1")))
		return ERR_NONE;
	while (txt.len > 0) {
		field = span_trim(span_split(&txt, ';'));
		if (!span_starts(field, SPAN("id=")))
			continue;
		if (id->len > 0 || !is_id(span_sub(field, 3, field.len)))
			return ERR_SYNTAX;
		*id = span_sub(field, 3, field.len);
	}
	return id->len > 0 ? 0 : ERR_SYNTAX;
}

/* RFC 8461 3.2: sts-policy-mx-value. */
static bool
is_pattern(struct span s)
{
	if (span_starts(s, SPAN("*.")))
		s = span_sub(s, 2, s.len);
	return dns_is_name(s) && s.p[s.len - 1] != '.';
}

/* What was read so far. */
struct reading {
	struct sts_policy *out;
	struct buf *patterns;
	bool has_version, has_mode, has_age;
	size_t n_mx;
};

static int
take_mode(struct reading *r, struct span value)
{
	for (enum sts_mode m = STS_NONE; m <= STS_ENFORCE; m++)
		if (span_is(value, span_str(mode_names[m]))) {
			r->out->mode = m;
			r->has_mode = true;
			return 0;
		}
	return ERR_SYNTAX;
}

static int
take_age(struct reading *r, struct span value)
{
	uint64_t age = 0;
	int rc = span_to_u64(value, STS_MAX_AGE_S, &age);

	if (rc == ERR_SYNTAX || value.len > 10)
		return ERR_SYNTAX;
	r->out->max_age_s = rc < 0 ? STS_MAX_AGE_S : (uint32_t)age;
	r->has_age = true;
	return 0;
}

/* One line. Of fields that come twice the first counts, but mx. */
static int
take_field(struct reading *r, struct span line)
{
	struct span value = line;
	struct span name = span_split(&value, ':');

	value = span_trim(value);
	if (name.len == line.len)
		return span_trim(line).len == 0 ? 0 : ERR_SYNTAX;
	if (span_is(name, SPAN("version")) && !r->has_version) {
		r->has_version = true;
		return span_is(value, SPAN("STSv1")) ? 0 : ERR_SYNTAX;
	}
	if (span_is(name, SPAN("mode")) && !r->has_mode)
		return take_mode(r, value);
	if (span_is(name, SPAN("max_age")) && !r->has_age)
		return take_age(r, value);
	if (!span_is(name, SPAN("mx")))
		return 0;
	if (!is_pattern(value))
		return ERR_SYNTAX;
	buf_put_str(r->patterns, "mx: ");
	for (size_t i = 0; i < value.len; i++)
		buf_put_char(r->patterns, ascii_lower(value.p[i]));
	buf_put_char(r->patterns, '\n');
	r->n_mx++;
	return buf_error(r->patterns);
}

int
sts_policy_parse(struct span body, struct sts_policy *out, struct buf *text)
{
	struct buf patterns;
	struct reading r = { .out = out, .patterns = &patterns };
	int rc = 0;

	buf_init(&patterns, STS_MAX_POLICY);
	while (body.len > 0 && rc == 0) {
		struct span line = span_split(&body, '\n');

		if (line.len > 0 && line.p[line.len - 1] == '\r')
			line.len--;
		rc = take_field(&r, line);
	}
	if (rc == 0 && (!r.has_version || !r.has_mode || !r.has_age ||
	                   (r.n_mx == 0 && out->mode != STS_NONE)))
		rc = ERR_SYNTAX;
	if (rc == 0) {
		buf_putf(text, "version: STSv1\nmode: %s\nmax_age: %u\n",
		    sts_mode_name(out->mode), (unsigned)out->max_age_s);
		buf_put(text, buf_span(&patterns));
		rc = buf_error(text);
	}
	buf_deinit(&patterns);
	return rc;
}

bool
sts_policy_names(struct span text, struct span host)
{
	if (host.len > 0 && host.p[host.len - 1] == '.')
		host.len--;
	while (text.len > 0) {
		struct span pattern = span_split(&text, '\n');
		struct span rest = host;

		if (!span_starts(pattern, SPAN("mx: ")))
			continue;
		pattern = span_sub(pattern, 4, pattern.len);
		if (span_starts(pattern, SPAN("*."))) {
			pattern = span_sub(pattern, 2, pattern.len);
			if (span_split(&rest, '.').len == 0)
				continue;
		}
		if (span_is_nocase(pattern, rest))
			return true;
	}
	return false;
}
