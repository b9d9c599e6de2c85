#include "queue/sts.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "store/store.h"

static void
finish(struct sts *t)
{
	struct log l;

	t->is_pending = false;
	if (t->fault != STS_FINE) {
		log_begin(&l, LOG_WARN, "sts.not_fetched");
		log_str(&l, "domain", span_str(t->domain));
		log_str(&l, "why", span_str(t->fault_why));
		log_str(&l, "in_force",
		    span_str(
		        t->has_policy ? sts_mode_name(t->mode) : "no policy"));
		log_end(&l);
	}
	t->wake(t->owner);
}

/* --- what is kept --- */

/* The store or the memory fails: whatever the policy was, no mail goes past
 * it now. */
static void
lose(struct sts *t, int rc)
{
	struct log l;

	t->is_unread = true;
	t->mode = STS_ENFORCE;
	buf_deinit(&t->text);
	log_begin(&l, LOG_WARN, "sts.not_read");
	log_str(&l, "domain", span_str(t->domain));
	log_err(&l, "error", rc);
	log_end(&l);
}

static void
load(struct sts *t)
{
	char storage[MEMO_MAX_VALUE];
	struct sts_policy p;
	struct buf value;
	struct span id;
	struct cur c;
	uint64_t fetched, tried;
	uint8_t len;
	int rc;

	buf_init_fixed(&value, storage, sizeof(storage));
	rc = memo_get(
	    t->env.store, MEMO_STS, span_str(t->domain), &value, &t->until_s);
	if (rc == ERR_NOMEM || rc == ERR_IO)
		lose(t, rc);
	c = cur_of(buf_span(&value));
	if (rc < 0 || cur_be64(&c, &fetched) != PARSE_OK ||
	    cur_be64(&c, &tried) != PARSE_OK || cur_u8(&c, &len) != PARSE_OK ||
	    len > STS_MAX_ID || cur_take(&c, len, &id) != PARSE_OK)
		return;
	t->is_kept = true;
	t->fetched_s = (int64_t)fetched;
	t->tried_s = (int64_t)tried;
	memcpy(t->kept_id, id.p, id.len);
	rc = sts_policy_parse(cur_rest(&c), &p, &t->text);
	if (rc == 0) {
		t->has_policy = true;
		t->mode = p.mode;
	} else {
		buf_reset(&t->text);
	}
	if (rc == ERR_NOMEM)
		lose(t, rc);
}

/* Keep what we have now. Without room for it, it is asked for again. */
static void
keep(struct sts *t, int64_t until_s)
{
	char storage[MEMO_MAX_VALUE];
	struct buf value;
	struct log l;
	size_t id_len = strlen(t->kept_id);
	int rc;

	buf_init_fixed(&value, storage, sizeof(storage));
	buf_put_be64(&value, (uint64_t)t->fetched_s);
	buf_put_be64(&value, (uint64_t)t->tried_s);
	buf_put_char(&value, (char)id_len);
	buf_put(&value, span_of(t->kept_id, id_len));
	buf_put(&value, buf_span(&t->text));
	rc = buf_error(&value);
	if (rc == 0)
		rc = memo_put(t->env.store, MEMO_STS, span_str(t->domain),
		    buf_span(&value), until_s);
	if (rc == 0)
		return;
	log_begin(&l, LOG_WARN, "sts.not_kept");
	log_str(&l, "domain", span_str(t->domain));
	log_err(&l, "error", rc);
	log_end(&l);
}

/* --- the fetch --- */

static void
failed(struct sts *t, enum sts_fault fault, const char *why)
{
	t->fault = fault;
	t->fault_why = why;
	t->tried_s = clock_wall_s();
	if (!t->has_policy) {
		memcpy(t->kept_id, t->id, sizeof(t->id));
		t->until_s = t->tried_s + STS_AGAIN_S;
	}
	keep(t, t->until_s);
}

/* RFC 8461 3.2: text/plain, whatever its parameters. */
static bool
is_plain_text(struct span type)
{
	return span_is_nocase(
	    span_trim(span_split(&type, ';')), SPAN("text/plain"));
}

static void
take(struct sts *t, struct span body)
{
	struct sts_policy p;
	struct buf text;
	struct log l;
	int rc;

	buf_init(&text, STS_MAX_POLICY);
	rc = sts_policy_parse(body, &p, &text);
	if (rc < 0) {
		buf_deinit(&text);
		if (rc == ERR_NOMEM)
			failed(t, STS_NOT_FETCHED, "not enough memory");
		else
			failed(t, STS_INVALID, "what is there is no policy");
		return;
	}
	buf_deinit(&t->text);
	t->text = text;
	t->has_policy = true;
	t->mode = p.mode;
	t->fetched_s = t->tried_s = clock_wall_s();
	memcpy(t->kept_id, t->id, sizeof(t->id));
	keep(t, t->fetched_s + p.max_age_s);
	log_begin(&l, LOG_NOTE, "sts.fetched");
	log_str(&l, "domain", span_str(t->domain));
	log_str(&l, "id", span_str(t->id));
	log_str(&l, "mode", span_str(sts_mode_name(p.mode)));
	log_num(&l, "max_age_s", p.max_age_s);
	log_end(&l);
}

static void
fetched(void *owner)
{
	struct sts *t = owner;
	struct fetch *f = t->fetch;

	if (fetch_state(f) != FETCH_OK)
		failed(t,
		    fetch_error(f) == ERR_TLS ? STS_UNTRUSTED : STS_NOT_FETCHED,
		    fetch_why(f));
	else if (fetch_status(f) != 200) /* RFC 8461 3.3: no redirects */
		failed(t, STS_NOT_FETCHED, "the web server has no policy");
	else if (!is_plain_text(fetch_type(f)))
		failed(t, STS_INVALID, "the policy is not of text/plain");
	else
		take(t, fetch_body(f));
	t->fetch = NULL;
	fetch_end(f);
	finish(t);
}

/* RFC 8461 3.2: at a well-known place. */
static int
begin_fetch(struct sts *t)
{
	struct fetch_env env = { t->env.loop, t->env.dns };
	struct fetch_request r = { .method = FETCH_GET,
		.max_bytes = STS_MAX_BYTES,
		.timeout_ms = STS_FETCH_MS };
	char storage[FETCH_MAX_URL];
	struct buf url;

	buf_init_fixed(&url, storage, sizeof(storage));
	buf_put_str(&url, "https://mta-sts.");
	buf_put_str(&url, t->domain);
	if (t->env.port != 443)
		buf_putf(&url, ":%u", (unsigned)t->env.port);
	buf_put_str(&url, "/.well-known/mta-sts.txt");
	r.url = buf_span(&url);
	return fetch_begin(&env, &r, fetched, t, &t->fetch);
}

/* --- the record --- */

/* RFC 8461 3.1: exactly one; others' TXT records do not count. */
static void
take_records(struct sts *t)
{
	struct dns_record r;
	struct span id, found = span_of(NULL, 0);
	size_t at = 0, n = 0;

	while (t->query.state == DNS_OK && dns_next(&t->query, &at, &r)) {
		int rc = sts_record_parse(r.text, &id);

		n += rc != ERR_NONE;
		if (rc == 0)
			found = id;
	}
	if (n == 1 && found.len > 0)
		memcpy(t->id, found.p, found.len);
}

/* Is what is kept as good as what would be fetched? */
static bool
is_fresh(const struct sts *t)
{
	int64_t now = clock_wall_s();
	int64_t life_s = t->until_s - t->fetched_s;
	int64_t refresh_s =
	    life_s / 2 < STS_REFRESH_S ? life_s / 2 : STS_REFRESH_S;

	if (!t->is_kept)
		return false;
	if (now >= t->tried_s && now - t->tried_s < STS_AGAIN_S &&
	    t->tried_s != t->fetched_s)
		return true; /* it was not to be had a moment ago */
	return t->has_policy && strcmp(t->id, t->kept_id) == 0 &&
	       now >= t->fetched_s && now - t->fetched_s < refresh_s;
}

static void
record_came(void *owner)
{
	struct sts *t = owner;

	load(t);
	take_records(t);
	dns_cancel(&t->query);
	if (t->id[0] != '\0' && !t->is_unread && !is_fresh(t)) {
		if (begin_fetch(t) == 0)
			return;
		t->fault = STS_NOT_FETCHED;
		t->fault_why = "the fetch could not be begun";
	}
	finish(t);
}

void
sts_begin(struct sts *t, const struct sts_env *env, struct span domain,
    void (*wake)(void *owner), void *owner)
{
	char storage[DNS_MAX_NAME + 16];
	struct buf name;

	memset(t, 0, sizeof(*t));
	t->env = *env;
	t->wake = wake;
	t->owner = owner;
	t->is_pending = true;
	t->fault_why = "";
	buf_init(&t->text, STS_MAX_POLICY);
	domain = span_sub(domain, 0, DNS_MAX_NAME);
	for (size_t i = 0; i < domain.len; i++)
		t->domain[i] = ascii_lower(domain.p[i]);
	buf_init_fixed(&name, storage, sizeof(storage));
	buf_put_str(&name, "_mta-sts.");
	buf_put_str(&name, t->domain);
	dns_ask(env->dns, &t->query, DNS_TXT, buf_span(&name), record_came, t);
}

void
sts_end(struct sts *t)
{
	dns_cancel(&t->query);
	fetch_end(t->fetch);
	t->fetch = NULL;
	buf_deinit(&t->text);
	t->is_pending = false;
}

bool
sts_allows(const struct sts *t, struct span host)
{
	return t->mode != STS_ENFORCE ||
	       sts_policy_names(buf_span(&t->text), host);
}
