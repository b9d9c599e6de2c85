/* main.c - the program: one binary that is server and command line. The one
 * place that sees every room: which protocol speaks on which port. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/utf8.h"
#include "cmd/cmd.h"
#include "imap/imap.h"
#include "pop3/pop3.h"
#include "queue/mover.h"
#include "reports/reports.h"
#include "smtp/smtp.h"
#include "smtp/smtp_out.h"
#include "trust/trust.h"
#include "web/web.h"

static struct smtp_env mx, submission, device;
static struct pop3_env pop3;
static struct imap_env imap;
static struct web_env web;
static struct trust_options trust;
static char sealers[1000]; /* of trust */
static struct weights weights;
static char trusted[400];
static struct mover_env outbound;
static struct smtp_out_times out_times;
static struct mover *mover;
static struct reports_env reporting;
static struct reports *reports;
static char contact[MAX_ADDRESS_BYTES]; /* of reporting */

/* The words of queue.route, in their order. */
enum { ROUTE_MX, ROUTE_RELAY, ROUTE_NONE };

/* The words of auth.plaintext, in their order. */
enum { PLAIN_NEVER, PLAIN_LOOPBACK, PLAIN_ANYWHERE };

static const struct serve_port ports[] = {
	{ "smtp", SET_PORT_SMTP, false, "smtp", smtp_accept, &mx },
	{ "submission", SET_PORT_SUBMISSION, false, "smtp", smtp_accept,
	    &submission },
	{ "submissions", SET_PORT_SUBMISSIONS, true, "smtp", smtp_accept,
	    &submission },
	{ "device", SET_PORT_DEVICE, false, "smtp", smtp_accept, &device },
	{ "pop3", SET_PORT_POP3, false, "pop3", pop3_accept, &pop3 },
	{ "pop3s", SET_PORT_POP3S, true, "pop3", pop3_accept, &pop3 },
	{ "imap", SET_PORT_IMAP, false, "imap", imap_accept, &imap },
	{ "imaps", SET_PORT_IMAPS, true, "imap", imap_accept, &imap },
	{ "http", SET_PORT_HTTP, false, NULL, web_accept, &web },
	{ "https", SET_PORT_HTTPS, true, "http/1.1", web_accept, &web },
};

static void
log_line(enum log_level level, const char *event)
{
	struct log l;

	log_begin(&l, level, event);
	log_end(&l);
}

/* The words of trust.greylist are those of enum grey_mode, in their order. */
static void
refresh_grey(const struct settings *st, struct store *s)
{
	struct buf b;

	mx.grey = (struct grey_options){
		.mode = (enum grey_mode)st->n[SET_GREY_MODE],
		.min_weight = (int)st->n[SET_GREY_WEIGHT],
		.delay_s = (uint32_t)st->n[SET_GREY_DELAY],
		.window_s = (uint32_t)st->n[SET_GREY_WINDOW],
		.keep_s = (uint32_t)st->n[SET_GREY_KEEP],
	};
	buf_init_fixed(&b, trusted, sizeof(trusted));
	if (settings_text(s, SET_TRUST_NETWORKS, &b) < 0)
		log_line(LOG_WARN, "trust.networks_refused");
	mx.trusted = buf_span(&b);
}

static void
refresh_smtp(const struct settings *st, struct store *s, struct auth *a,
    struct span host)
{
	const struct smtp_limits limits = {
		.max_message_bytes = st->n[SET_SMTP_MAX_SIZE],
		.max_sessions = (uint32_t)st->n[SET_SMTP_SESSIONS],
		.max_rcpts = (uint32_t)st->n[SET_SMTP_MAX_RCPTS],
		.max_errors = (uint32_t)st->n[SET_SMTP_MAX_ERRORS],
		.max_unknown_rcpts = (uint32_t)st->n[SET_SMTP_MAX_UNKNOWN],
		.max_auth_failures = (uint32_t)st->n[SET_AUTH_FAILURES],
		.max_messages = (uint32_t)st->n[SET_SMTP_MAX_MESSAGES],
		.person_messages_hour = (uint32_t)st->n[SET_LIMIT_MESSAGES],
		.person_rcpts_hour = (uint32_t)st->n[SET_LIMIT_RCPTS],
		.max_hops = (uint32_t)st->n[SET_SMTP_MAX_HOPS],
		.max_line = (uint32_t)st->n[SET_SMTP_MAX_LINE],
		.max_text_line = (uint32_t)st->n[SET_SMTP_MAX_TEXT_LINE],
		.command_ms = (uint32_t)st->n[SET_SMTP_COMMAND_TIME] * 1000,
		.data_block_ms = (uint32_t)st->n[SET_SMTP_DATA_TIME] * 1000,
		.data_total_ms = (uint32_t)st->n[SET_SMTP_MESSAGE_TIME] * 1000,
		.auth_wait_ms = (uint32_t)st->n[SET_AUTH_WAIT_TIME] * 1000,
		.refused_ms = (uint32_t)st->n[SET_SMTP_REFUSED_TIME] * 1000,
		.max_refused_bytes = st->n[SET_SMTP_REFUSED_SIZE],
		.banner_delay_ms = (uint32_t)st->n[SET_SMTP_BANNER_DELAY],
	};

	mx = (struct smtp_env){ .store = s,
		.auth = a,
		.role = SMTP_MX,
		.host = host,
		.allows_plain = st->n[SET_AUTH_PLAINTEXT] == PLAIN_ANYWHERE,
		.allows_plain_loopback =
		    st->n[SET_AUTH_PLAINTEXT] >= PLAIN_LOOPBACK,
		.sends_out = st->n[SET_QUEUE_ROUTE] != ROUTE_NONE,
		.max_queued = st->n[SET_QUEUE_MAX],
		.expire_s = (uint32_t)st->n[SET_QUEUE_EXPIRE],
		.notice_s = (uint32_t)st->n[SET_QUEUE_NOTICE],
		.limits = limits };
	mx.trust = &trust;
	mx.report_contact = reporting.contact;
	refresh_grey(st, s);
	submission = mx;
	submission.role = SMTP_SUBMISSION;
	device = mx;
	device.role = SMTP_DEVICE;
}

static void
refresh_imap(const struct settings *st, struct store *s, struct auth *a)
{
	imap = imap_defaults;
	imap.store = s;
	imap.auth = a;
	imap.allows_plain = mx.allows_plain;
	imap.allows_plain_loopback = mx.allows_plain_loopback;
	imap.is_literal_minus = st->n[SET_IMAP_LITERAL_MINUS] != 0;
	imap.idle_s = (uint32_t)st->n[SET_IMAP_IDLE_TIME];
	imap.login_s = (uint32_t)st->n[SET_IMAP_LOGIN_TIME];
	imap.auth_wait_s = (uint32_t)st->n[SET_AUTH_WAIT_TIME];
	imap.max_sessions = (uint32_t)st->n[SET_IMAP_SESSIONS];
	imap.max_errors = (uint32_t)st->n[SET_IMAP_MAX_ERRORS];
	imap.max_failures = (uint32_t)st->n[SET_AUTH_FAILURES];
	imap.max_message_bytes = st->n[SET_IMAP_MAX_SIZE];
	store_watch(s, imap_changed, NULL);
}

/* What is written wrong was refused when it was set. */
static void
refresh_weights(struct store *s)
{
	char storage[1000];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	weights = (struct weights){ .n_rules = 0 };
	if (settings_text(s, SET_TRUST_WEIGHTS, &b) < 0 ||
	    weights_parse_doubts(buf_span(&b), &weights) < 0)
		log_line(LOG_WARN, "trust.weights_refused");
	buf_reset(&b);
	if (settings_text(s, SET_TRUST_DNSBL, &b) < 0 ||
	    weights_parse_lists(buf_span(&b), &weights) < 0)
		log_line(LOG_WARN, "trust.dnsbl_refused");
}

/* The words of trust.* are those of enum trust_mode, in their order. */
static void
refresh_trust(const struct serve_parts *p)
{
	const struct settings *st = p->settings;
	struct buf b;

	buf_init_fixed(&b, sealers, sizeof(sealers));
	if (settings_text(p->store, SET_TRUST_ARC_SEALERS, &b) < 0)
		buf_reset(&b);
	trust = (struct trust_options){ .dns = p->dns,
		.loop = p->loop,
		.host = p->host,
		.spf = (enum trust_mode)st->n[SET_TRUST_SPF],
		.dkim = (enum trust_mode)st->n[SET_TRUST_DKIM],
		.dmarc = (enum trust_mode)st->n[SET_TRUST_DMARC],
		.sealers = buf_span(&b),
		.has_rows = st->n[SET_TRUST_REPORTS] != 0,
		.wait_ms = (int64_t)st->n[SET_TRUST_TIME] * 1000,
		.weights = &weights,
		.client_ms = (int64_t)st->n[SET_TRUST_CLIENT_TIME] * 1000,
		.junk_weight = (int)st->n[SET_TRUST_JUNK],
		.refuse_weight = (int)st->n[SET_TRUST_REFUSE] };
	refresh_weights(p->store);
	/* Without a resolver nothing can be known. */
	if (p->dns == NULL) {
		trust.spf = trust.dkim = trust.dmarc = TRUST_OFF;
		trust.weights = NULL;
	}
}

static void
refresh_out_times(const struct settings *st)
{
	const struct {
		uint32_t *ms;
		enum setting_id id;
	} rows[] = {
		{ &out_times.connect_ms, SET_OUT_CONNECT },
		{ &out_times.banner_ms, SET_OUT_BANNER },
		{ &out_times.hello_ms, SET_OUT_HELLO },
		{ &out_times.mail_ms, SET_OUT_MAIL },
		{ &out_times.rcpt_ms, SET_OUT_RCPT },
		{ &out_times.data_ms, SET_OUT_DATA },
		{ &out_times.block_ms, SET_OUT_BLOCK },
		{ &out_times.end_ms, SET_OUT_END },
		{ &out_times.idle_ms, SET_OUT_IDLE },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		*rows[i].ms = (uint32_t)st->n[rows[i].id] * 1000;
	outbound.times = &out_times;
}

/* The addresses that mail leaves from: the last one of each family counts. */
static void
refresh_source(const struct serve_parts *p)
{
	char storage[128];
	struct buf list;
	struct span rest;
	struct peer one;

	outbound.has_source[PEER_IP4] = outbound.has_source[PEER_IP6] = false;
	buf_init_fixed(&list, storage, sizeof(storage));
	if (settings_text(p->store, SET_QUEUE_SOURCE, &list) < 0)
		return;
	rest = buf_span(&list);
	while (rest.len > 0)
		if (peer_parse(span_split(&rest, ' '), &one) == 0) {
			outbound.source[one.family] = one;
			outbound.has_source[one.family] = true;
		}
}

static void
refresh_queue(const struct serve_parts *p)
{
	const struct settings *st = p->settings;
	struct mover_limits *l = &outbound.limits;
	char storage[256];
	struct buf retry;

	outbound.loop = p->loop;
	outbound.store = p->store;
	outbound.dns = p->dns;
	outbound.host = p->host;
	*l = mover_limits_default;
	buf_init_fixed(&retry, storage, sizeof(storage));
	if (settings_text(p->store, SET_QUEUE_RETRY, &retry) < 0 ||
	    mover_parse_retry(buf_span(&retry), l) < 0)
		log_line(LOG_WARN, "queue.retry_refused");
	l->max_connections = (uint32_t)st->n[SET_QUEUE_CONNS];
	l->max_dest_connections = (uint32_t)st->n[SET_QUEUE_CONNS_DEST];
	l->max_per_connection = (uint32_t)st->n[SET_QUEUE_PER_CONN];
	l->port = (uint16_t)st->n[SET_QUEUE_PORT];
	l->sts_port = (uint16_t)st->n[SET_QUEUE_STS_PORT];
	outbound.uses_sts = st->n[SET_QUEUE_STS] != 0;
	refresh_source(p);
	refresh_out_times(st);
	outbound.tls_memory = (enum tls_memory)st->n[SET_QUEUE_TLS_MEMORY];
	outbound.tls_defer_s = (uint32_t)st->n[SET_QUEUE_TLS_DEFER];
	outbound.counts_tls = st->n[SET_QUEUE_TLS_REPORTS] != 0;
	outbound.is_relay_only = st->n[SET_QUEUE_ROUTE] == ROUTE_RELAY;
	outbound.is_paused =
	    st->n[SET_QUEUE_ROUTE] == ROUTE_NONE || p->dns == NULL;
	if (mover != NULL)
		mover_wake(mover);
	else if (mover_new(&outbound, &mover) < 0)
		log_line(LOG_FAULT, "queue.not_started");
}

/* Who reports are from: the setting, or postmaster of the first domain. */
static struct span
find_contact(struct store *s)
{
	char storage[MAX_DOMAIN_BYTES];
	struct buf b, domain;

	buf_init_fixed(&b, contact, sizeof(contact));
	buf_init_fixed(&domain, storage, sizeof(storage));
	if (settings_text(s, SET_REPORT_CONTACT, &b) == 0 && b.len == 0 &&
	    domain_next(s, &domain) == 0 && !utf8_has_8bit(buf_span(&domain))) {
		buf_put_str(&b, "postmaster@");
		buf_put(&b, buf_span(&domain));
	}
	return buf_failed(&b) ? span_of(NULL, 0) : buf_span(&b);
}

static void
refresh_reports(const struct serve_parts *p)
{
	reporting = (struct reports_env){ .loop = p->loop,
		.store = p->store,
		.dns = p->dns,
		.contact = find_contact(p->store),
		.host = p->host,
		.sends_dmarc = p->settings->n[SET_TRUST_REPORTS] != 0,
		.sends_tls = p->settings->n[SET_QUEUE_TLS_REPORTS] != 0,
		.is_paused = p->settings->n[SET_QUEUE_ROUTE] == ROUTE_NONE };
	if (reports != NULL)
		reports_wake(reports);
	else if ((reporting.sends_dmarc || reporting.sends_tls) &&
	         reports_new(&reporting, &reports) < 0)
		log_line(LOG_FAULT, "report.not_started");
}

static void
send_reports(void)
{
	if (reports != NULL)
		reports_send_now(reports);
}

static void
tell_queue(struct web_queue *out)
{
	struct mover_stats t = { 0 };

	if (mover != NULL)
		mover_stats(mover, &t);
	*out =
	    (struct web_queue){ t.n_sent, t.n_deferred, t.n_failed, t.n_open };
}

static void
refresh_web(const struct serve_parts *p)
{
	const struct settings *st = p->settings;

	if (web.loop == NULL)
		web.started_ms = clock_mono_ms();
	web.store = p->store;
	web.loop = p->loop;
	web.host = p->host;
	web.tell_queue = tell_queue;
	web.sts = (enum web_sts)st->n[SET_WEB_STS];
	web.sts_age_s = (uint32_t)st->n[SET_WEB_STS_AGE];
	web.metrics = (enum web_metrics)st->n[SET_WEB_METRICS];
	web.max_sessions = (uint32_t)st->n[SET_WEB_SESSIONS];
	web.head_s = (uint32_t)st->n[SET_WEB_HEAD_TIME];
	web.body_s = (uint32_t)st->n[SET_WEB_BODY_TIME];
	web.idle_s = (uint32_t)st->n[SET_WEB_IDLE_TIME];
	web.ports = (struct web_ports){
		.https = (uint16_t)st->n[SET_PORT_HTTPS],
		.imap = (uint16_t)st->n[SET_PORT_IMAP],
		.imaps = (uint16_t)st->n[SET_PORT_IMAPS],
		.pop3 = (uint16_t)st->n[SET_PORT_POP3],
		.pop3s = (uint16_t)st->n[SET_PORT_POP3S],
		.submission = (uint16_t)st->n[SET_PORT_SUBMISSION],
		.submissions = (uint16_t)st->n[SET_PORT_SUBMISSIONS],
	};
}

static void
refresh(const struct serve_parts *p)
{
	const struct settings *st = p->settings;
	struct store *s = p->store;
	struct auth *a = p->auth;

	refresh_reports(p);
	refresh_trust(p);
	refresh_smtp(st, s, a, p->host);
	refresh_imap(st, s, a);
	refresh_queue(p);
	refresh_web(p);
	pop3 = pop3_defaults;
	pop3.store = s;
	pop3.auth = a;
	pop3.allows_plain = mx.allows_plain;
	pop3.allows_plain_loopback = mx.allows_plain_loopback;
	pop3.idle_s = (uint32_t)st->n[SET_POP3_IDLE_TIME];
	pop3.max_sessions = (uint32_t)st->n[SET_POP3_SESSIONS];
	pop3.login_s = (uint32_t)st->n[SET_POP3_LOGIN_TIME];
	pop3.auth_wait_s = (uint32_t)st->n[SET_AUTH_WAIT_TIME];
	pop3.max_errors = (uint32_t)st->n[SET_POP3_MAX_ERRORS];
	pop3.max_failures = (uint32_t)st->n[SET_AUTH_FAILURES];
}

static void
stop_queue(void)
{
	reports_free(reports);
	reports = NULL;
	mover_free(mover);
	mover = NULL;
}

static int
serve(const char *folder, const struct args *a)
{
	static const struct serve_app app = { ports,
		sizeof(ports) / sizeof(ports[0]), refresh, stop_queue,
		send_reports };

	return serve_run(folder, a, &app);
}

int
main(int argc, char **argv)
{
	fault_arm_from_env(); /* in test builds only */
	return cmd_run(argc, argv, serve);
}
