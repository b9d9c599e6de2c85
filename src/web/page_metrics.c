/* page_metrics.c - figures about the server for Prometheus. */
#include "base/clock.h"
#include "store/store.h"
#include "web/page.h"

/* One row is one figure; names and units as Prometheus asks for. */
struct metric {
	const char *name;
	const char *type; /* "gauge", "counter" */
	const char *help;
	uint64_t value;
};

static void
put_metrics(struct buf *b, const struct metric *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_putf(b,
		    "# HELP tinpost_%s %s\n# TYPE tinpost_%s %s\n"
		    "tinpost_%s %llu\n",
		    m[i].name, m[i].help, m[i].name, m[i].type, m[i].name,
		    (unsigned long long)m[i].value);
}

static void
put_loop(struct buf *b, const struct web_env *e)
{
	const struct loop_stats *l = loop_stats(e->loop);
	const struct metric rows[] = {
		{ "uptime_seconds", "gauge", "Since the start.",
		    (uint64_t)(clock_mono_ms() - e->started_ms) / 1000 },
		{ "connections", "gauge", "Open now, of all protocols.",
		    l->n_conns },
		{ "tls_connections", "gauge", "Of these, over TLS.",
		    l->n_tls_conns },
		{ "connections_total", "counter", "Accepted.", l->n_accepted },
		{ "connections_refused_total", "counter",
		    "Turned away by a limit.", l->n_refused },
		{ "handshakes_total", "counter", "TLS handshakes.",
		    l->n_handshakes },
		{ "handshakes_failed_total", "counter",
		    "TLS handshakes that failed.", l->n_failed_handshakes },
		{ "turns_total", "counter", "Turns of the loop.", l->n_turns },
	};

	put_metrics(b, rows, sizeof(rows) / sizeof(rows[0]));
}

static void
put_store(struct buf *b, struct store *s)
{
	struct store_stats t;

	store_stats(s, &t);
	{
		const struct metric rows[] = {
			{ "accounts", "gauge", "People.", t.n_accounts },
			{ "mailboxes", "gauge", "Of all people.",
			    t.n_mailboxes },
			{ "messages", "gauge", "In all mailboxes.",
			    t.n_messages },
			{ "body_bytes", "gauge", "Mail, as stored.",
			    t.body_bytes },
			{ "index_bytes", "gauge", "Used of the index.",
			    t.index_used_bytes },
			{ "free_bytes", "gauge", "Left on the device.",
			    t.free_bytes },
			{ "operations_total", "counter", "Changes made.",
			    t.n_ops },
			{ "flushes_total", "counter", "Of the journal.",
			    t.n_flushes },
			{ "checkpoints_total", "counter", "Of the store.",
			    t.n_checkpoints },
		};

		put_metrics(b, rows, sizeof(rows) / sizeof(rows[0]));
	}
}

static void
put_queue(struct buf *b, const struct web_env *e)
{
	struct web_queue t;

	e->tell_queue(&t);
	{
		const struct metric rows[] = {
			{ "sent_total", "counter",
			    "Recipients whose mail was handed on.", t.n_sent },
			{ "deferred_total", "counter",
			    "Attempts for a recipient put off.", t.n_deferred },
			{ "failed_total", "counter", "Recipients given up.",
			    t.n_failed },
			{ "outgoing_connections", "gauge",
			    "To other servers, now.", t.n_open },
		};

		put_metrics(b, rows, sizeof(rows) / sizeof(rows[0]));
	}
}

void
page_metrics(struct http *h)
{
	char storage[8192];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	put_loop(&b, h->env);
	put_store(&b, h->env->store);
	put_queue(&b, h->env);
	http_reply(
	    h, 200, "text/plain; version=0.0.4; charset=utf-8", buf_span(&b));
}
