#include "reports/reports.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/net.h"
#include "reports/dmarc_xml.h"
#include "reports/report_mail.h"
#include "reports/report_to.h"
#include "reports/tls_json.h"
#include "store/store.h"

/* Rows written, counted or removed in one turn. */
#define ROWS_A_TURN 20
/* RFC 8460 5.4: within so much behind midnight. */
#define SPREAD_S 14400
/* Between two looks; what could not be sent is tried again then. */
#define LOOK_S 3600
/* For a report by HTTPS. */
#define POST_MS 60000
/* Of one report; rows that do not fit are left out. */
#define MAX_REPORT_BYTES (8 << 20)

enum phase {
	AT_REST,
	AT_GROUP,  /* look for the next one */
	AT_DNS,    /* who wants it? */
	AT_SIZE,   /* how large will it be? */
	AT_ROWS,   /* write it */
	AT_END,    /* is it to be posted? */
	AT_POST,   /* by HTTPS */
	AT_MAIL,   /* sign it, give it to the queue */
	AT_REMOVAL /* of its rows */
};

struct reports {
	struct reports_env *env;
	struct timer timer;
	struct job job;
	enum phase phase;
	enum memo_kind kind; /* of the group */
	struct tally_group group;
	uint32_t end_day; /* groups of earlier days are sent */
	bool is_forced_next;
	struct report_to to;
	struct report_label label;
	char contact[MAX_ADDRESS_BYTES]; /* the label's */
	struct report_mail *mail;
	struct fetch *post;
	struct tls_json json;
	struct buf key, value, text;
	uint64_t n_bytes, n_rows; /* AT_SIZE */
};

static bool
is_tls(const struct reports *r)
{
	return r->kind == MEMO_TLS_ROW;
}

static bool
go_to(struct reports *r, enum phase phase)
{
	r->phase = phase;
	buf_reset(&r->key);
	return true;
}

static void
note(const struct reports *r, enum log_level level, const char *event, int rc)
{
	struct log l;

	log_begin(&l, level, event);
	log_str(&l, "kind", is_tls(r) ? SPAN("tls") : SPAN("dmarc"));
	log_str(&l, "domain", tally_domain(&r->group));
	log_str(&l, "id", span_str(r->label.id));
	if (rc < 0)
		log_err(&l, "reason", rc);
	log_end(&l);
}

/* Be done with the report in hand. */
static bool
leave(struct reports *r, enum phase phase)
{
	report_mail_free(r->mail);
	r->mail = NULL;
	report_to_end(&r->to);
	fetch_end(r->post);
	r->post = NULL;
	return go_to(r, phase);
}

/* --- when --- */

/* The moment behind a midnight at which reports go out. */
static int64_t
offset_s(const struct reports *r)
{
	static const struct hash_key fixed = { 0x7265706f727473,
		0x6f6666736574 };

	return (int64_t)(hash_sip(fixed, r->env->host) % SPREAD_S);
}

static void
sleep_s(struct reports *r, int64_t s)
{
	/* Without memory for it the next change of settings brings it. */
	if (loop_set_timer(r->env->loop, &r->timer, s * 1000) < 0)
		note(r, LOG_WARN, "report.no_timer", ERR_NOMEM);
}

/* Seconds until the moment of this day; not longer than LOOK_S. */
static int64_t
wait_s(const struct reports *r, int64_t now)
{
	int64_t wait = offset_s(r) - now % TALLY_DAY_S;

	return wait <= 0 || wait > LOOK_S ? LOOK_S : wait;
}

static void
rest(struct reports *r)
{
	r->phase = AT_REST;
	sleep_s(r, r->is_forced_next ? 0 : wait_s(r, clock_wall_s()));
}

static bool
is_wanted(const struct reports *r, enum memo_kind kind)
{
	const struct reports_env *env = r->env;

	if (env->is_paused || env->dns == NULL || env->contact.len == 0 ||
	    store_is_read_only(env->store))
		return false;
	return kind == MEMO_TLS_ROW ? env->sends_tls : env->sends_dmarc;
}

/* Groups of days before this one are due. Before today's moment yesterday is
 * still left alone. */
static uint32_t
due_day(const struct reports *r, int64_t now)
{
	return (uint32_t)((now - offset_s(r)) / TALLY_DAY_S);
}

/* Begin with what is due, or with all. */
static void
start(struct reports *r, bool is_all)
{
	r->end_day = is_all ? UINT32_MAX : due_day(r, clock_wall_s());
	r->kind = MEMO_DMARC_ROW;
	r->group = (struct tally_group){ .day = 0 };
	(void)go_to(r, AT_GROUP);
	loop_add_job(r->env->loop, &r->job);
}

static void
fire(struct timer *t)
{
	struct reports *r = LIST_OF(t, struct reports, timer);

	if (r->phase != AT_REST)
		return; /* rest() comes */
	start(r, r->is_forced_next);
	r->is_forced_next = false;
}

/* --- one group --- */

static void
woken_to(void *owner)
{
	struct reports *r = owner;

	loop_add_job(r->env->loop, &r->job);
}

/* What stands on the report. The id is the same if it is made again. */
static void
set_label(struct reports *r)
{
	static const struct hash_key fixed = { 0x7265706f727473, 0x6964 };
	int64_t now = clock_wall_s();
	struct report_label *l = &r->label;
	char storage[TALLY_PREFIX_BYTES + 16];
	uint64_t id;
	struct buf b;

	l->is_tls = is_tls(r);
	l->domain = tally_domain(&r->group);
	l->contact = span_sub(r->env->contact, 0, sizeof(r->contact));
	memcpy(r->contact, l->contact.p, l->contact.len);
	l->contact.p = r->contact;
	l->begin_s = (int64_t)r->group.day * TALLY_DAY_S;
	l->end_s = l->begin_s + TALLY_DAY_S - 1;
	if (l->end_s > now && l->begin_s <= now)
		l->end_s = now;
	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put(&b, tally_prefix(&r->group));
	buf_put_be64(&b, (uint64_t)l->end_s);
	buf_put_char(&b, l->is_tls ? 't' : 'd');
	id = hash_sip(fixed, buf_span(&b));
	buf_init_fixed(&b, l->id, sizeof(l->id));
	buf_putf(&b, "%016llx", (unsigned long long)id); /* and a NUL */
}

static bool
step_group(struct reports *r)
{
	struct store *s = r->env->store;
	int rc = ERR_NONE;

	if (is_wanted(r, r->kind))
		rc = tally_next_group(s, r->kind, &r->group);
	if (rc < 0 || r->group.day >= r->end_day) {
		if (is_tls(r)) {
			rest(r);
			return false;
		}
		r->kind = MEMO_TLS_ROW;
		r->group = (struct tally_group){ .day = 0 };
		return true;
	}
	if (tally_is_sent(s, r->kind, &r->group))
		return go_to(r, AT_REMOVAL);
	set_label(r);
	(void)go_to(r, AT_DNS);
	report_to_begin(
	    &r->to, r->env->dns, is_tls(r), r->label.domain, woken_to, r);
	return false;
}

static bool
step_dns(struct reports *r)
{
	r->n_bytes = r->n_rows = 0;
	switch (r->to.state) {
	case TO_PENDING:
		return false;
	case TO_LATER:
		note(r, LOG_NOTE, "report.later", 0);
		return leave(r, AT_GROUP);
	case TO_KNOWN:
		break;
	}
	return r->to.n + r->to.n_url > 0 ? go_to(r, AT_SIZE)
	                                 : leave(r, AT_REMOVAL);
}

/* --- its text --- */

static int
put_text(struct reports *r)
{
	int rc = buf_error(&r->text);

	if (rc == 0)
		rc = report_mail_put(r->mail, buf_span(&r->text));
	buf_reset(&r->text);
	return rc;
}

static void
put_row(struct reports *r, const struct tally_row *row)
{
	if (is_tls(r))
		tls_json_put(&r->json, &r->text, row);
	else
		dmarc_xml_put(&r->text, row->text, row->n);
}

/* The size is known: choose who gets it, and begin. */
static int
begin_mail(struct reports *r)
{
	struct span to[REPORT_MAX_TO];
	int rc;

	report_to_limit(&r->to, report_mail_most(r->n_bytes, r->n_rows + 2));
	for (size_t i = 0; i < r->to.n; i++)
		to[i] = rua_address(&r->to.list[i]);
	if (r->to.n + r->to.n_url == 0)
		return ERR_NONE;
	rc = report_mail_new(r->env->store, &r->label, to, r->to.n, &r->mail);
	if (rc < 0)
		return rc;
	if (r->to.n_url > 0)
		report_mail_keep(r->mail);
	if (is_tls(r)) {
		tls_json_begin(&r->json, &r->text, &r->label);
	} else {
		rc = dmarc_xml_begin(
		    &r->text, &r->label, span_of(r->to.record, r->to.n_record));
		if (rc < 0)
			return ERR_NONE;
	}
	return put_text(r);
}

static int
end_mail(struct reports *r)
{
	int rc;

	if (is_tls(r))
		tls_json_end(&r->json, &r->text);
	else
		dmarc_xml_end(&r->text);
	rc = put_text(r);
	return rc == 0 ? report_mail_end(r->mail) : rc;
}

/* It cannot be made: if nobody is to have it, its rows go. */
static bool
fail(struct reports *r, int rc)
{
	if (rc == ERR_NONE) {
		note(r, LOG_NOTE, "report.unwanted", 0);
		return leave(r, AT_REMOVAL);
	}
	note(r, LOG_WARN, rc == ERR_DENIED ? "report.no_key" : "report.failed",
	    rc);
	return leave(r, AT_GROUP);
}

/* Bytes of a piece beside its row: the count and its name, a summary. */
#define ROW_COST 160

static bool
step_size(struct reports *r)
{
	struct tally_row row;
	int rc = 0;

	for (int i = 0; i < ROWS_A_TURN && rc == 0; i++) {
		rc = tally_next(r->env->store, r->kind, &r->group, &r->key,
		    &r->value, &row);
		if (rc == 0) {
			r->n_bytes += row.text.len + ROW_COST;
			r->n_rows++;
		}
	}
	if (rc == 0 || rc == ERR_AGAIN)
		return true;
	r->n_bytes += REPORT_MAX_RECORD;
	if (rc == ERR_NONE && r->n_rows > 0)
		rc = begin_mail(r);
	return rc < 0 ? fail(r, rc) : go_to(r, AT_ROWS);
}

static bool
step_rows(struct reports *r)
{
	struct tally_row row;
	int rc = 0;

	for (int i = 0; i < ROWS_A_TURN && rc == 0; i++) {
		rc = report_mail_bytes(r->mail) > MAX_REPORT_BYTES
		         ? ERR_NONE
		         : tally_next(r->env->store, r->kind, &r->group,
		               &r->key, &r->value, &row);
		if (rc < 0)
			break;
		put_row(r, &row);
		rc = put_text(r);
	}
	if (rc == 0 || rc == ERR_AGAIN)
		return true;
	if (rc == ERR_NONE)
		rc = end_mail(r);
	return rc < 0 ? fail(r, rc) : go_to(r, AT_END);
}

/* RFC 8460 5.4 */
static bool
step_end(struct reports *r)
{
	struct fetch_env env = { r->env->loop, r->env->dns };
	struct fetch_request q = { .method = FETCH_POST,
		.url = span_of(r->to.url, r->to.n_url),
		.type = SPAN("application/tlsrpt+gzip"),
		.max_bytes = FETCH_MAX_BYTES,
		.timeout_ms = POST_MS };

	if (r->to.n_url == 0)
		return go_to(r, AT_MAIL);
	q.body = report_mail_file(r->mail);
	if (q.body.len == 0 || fetch_begin(&env, &q, woken_to, r, &r->post) < 0)
		r->post = NULL;
	(void)go_to(r, AT_POST);
	return r->post == NULL;
}

static bool
step_post(struct reports *r)
{
	bool is_taken = false;

	if (r->post != NULL && fetch_state(r->post) == FETCH_PENDING)
		return false;
	if (r->post != NULL && fetch_state(r->post) == FETCH_OK)
		is_taken = fetch_status(r->post) / 100 == 2;
	note(r, LOG_NOTE, is_taken ? "report.posted" : "report.not_posted", 0);
	if (r->to.n > 0) /* one way of several is enough */
		return go_to(r, AT_MAIL);
	if (!is_taken)
		return leave(r, AT_GROUP);
	if (tally_set_sent(r->env->store, r->kind, &r->group) < 0)
		return leave(r, AT_GROUP);
	return leave(r, AT_REMOVAL);
}

/* Message and mark are in one frame, with all of this turn. */
static bool
step_mail(struct reports *r)
{
	int rc = report_mail_deliver(r->mail);

	if (rc == 0)
		rc = tally_set_sent(r->env->store, r->kind, &r->group);
	if (rc < 0)
		return fail(r, rc);
	note(r, LOG_NOTE, "report.sent", 0);
	return leave(r, AT_REMOVAL);
}

static bool
step_removal(struct reports *r)
{
	int rc = tally_delete(r->env->store, r->kind, &r->group, ROWS_A_TURN);

	if (rc == ERR_AGAIN)
		return true;
	if (rc < 0)
		note(r, LOG_WARN, "report.kept", rc);
	return go_to(r, AT_GROUP);
}

static bool
step(struct job *j)
{
	struct reports *r = LIST_OF(j, struct reports, job);

	switch (r->phase) {
	case AT_REST:
		return false;
	case AT_GROUP:
		return step_group(r);
	case AT_DNS:
		return step_dns(r);
	case AT_SIZE:
		return step_size(r);
	case AT_ROWS:
		return step_rows(r);
	case AT_END:
		return step_end(r);
	case AT_POST:
		return step_post(r);
	case AT_MAIL:
		return step_mail(r);
	case AT_REMOVAL:
		return step_removal(r);
	}
	return false;
}

/* --- the whole --- */

int
reports_new(struct reports_env *env, struct reports **out)
{
	struct reports *r = mem_alloc(sizeof(*r));

	if (r == NULL)
		return ERR_NOMEM;
	r->env = env;
	timer_init(&r->timer, fire);
	job_init(&r->job, step);
	buf_init(&r->key, MEMO_MAX_KEY);
	buf_init(&r->value, MEMO_MAX_VALUE);
	buf_init(&r->text, MEMO_MAX_VALUE + REPORT_MAX_RECORD);
	*out = r;
	rest(r);
	return 0;
}

void
reports_free(struct reports *r)
{
	if (r == NULL)
		return;
	loop_clear_timer(r->env->loop, &r->timer);
	loop_remove_job(r->env->loop, &r->job);
	report_to_end(&r->to);
	report_mail_free(r->mail);
	fetch_end(r->post);
	buf_deinit(&r->key);
	buf_deinit(&r->value);
	buf_deinit(&r->text);
	mem_free(r);
}

void
reports_send_now(struct reports *r)
{
	r->is_forced_next = true;
	reports_wake(r);
}

void
reports_wake(struct reports *r)
{
	if (r->phase == AT_REST)
		rest(r);
}
