/* do_status.c - `tinpost status` and `tinpost trace`. */
#include "admin/do.h"

#include <unistd.h>

#include "admin/certs.h"
#include "admin/quantity.h"
#include "base/clock.h"
#include "base/file.h"
#include "net/net.h"
#include "store/store.h"

static void
put_size_line(struct run *r, const char *what, uint64_t bytes)
{
	struct buf *b = run_begin(r, FRAME_TEXT);

	buf_putf(b, "%-22s ", what);
	quantity_put_size(b, bytes);
	buf_put_char(b, '\n');
	run_end(r);
}

static void
say_number(struct run *r, const char *what, uint64_t n)
{
	run_say(r, "%-22s %llu", what, (unsigned long long)n);
}

/* Private memory of this process, in KB; 0: unknown. */
static uint64_t
rss_anon_kb(void)
{
	struct buf text;
	struct span rest;
	uint64_t kb = 0;

	buf_init(&text, 16384);
	if (file_read("/proc/self/status", &text) == 0) {
		rest = buf_span(&text);
		while (rest.len > 0) {
			struct span line = span_split(&rest, '\n');

			if (!span_starts(line, SPAN("RssAnon:")))
				continue;
			line = span_trim(span_sub(line, 8, line.len));
			if (span_to_u64(
			        span_split(&line, ' '), UINT32_MAX, &kb) < 0)
				kb = 0;
		}
	}
	buf_deinit(&text);
	return kb;
}

static void
say_histogram(struct run *r, const char *what, const uint64_t *buckets)
{
	struct buf *b = run_begin(r, FRAME_TEXT);

	buf_putf(b, "%-22s", what);
	for (int i = 0; i < LOOP_BUCKETS; i++)
		if (buckets[i] > 0)
			buf_putf(b, " <%lluus:%llu", 1ull << (i + 1),
			    (unsigned long long)buckets[i]);
	buf_put_char(b, '\n');
	run_end(r);
}

static void
say_loop(struct run *r)
{
	const struct loop_stats *l = loop_stats(r->admin->loop);
	uint64_t up_s =
	    (uint64_t)(clock_mono_ms() - r->admin->started_ms) / 1000;
	struct buf *b = run_begin(r, FRAME_TEXT);

	buf_putf(b, "%-22s %d\n%-22s ", "pid", (int)getpid(), "up");
	quantity_put_time(b, up_s);
	buf_put_char(b, '\n');
	run_end(r);
	run_say(r, "%-22s %u (%u with TLS)", "connections",
	    (unsigned)l->n_conns, (unsigned)l->n_tls_conns);
	say_number(r, "accepted", l->n_accepted);
	say_number(r, "refused", l->n_refused);
	run_say(r, "%-22s %u (%u resumed, %u failed)", "TLS handshakes",
	    (unsigned)l->n_handshakes, (unsigned)l->n_resumed,
	    (unsigned)l->n_failed_handshakes);
	say_number(r, "turns", l->n_turns);
	say_histogram(r, "turn CPU", l->turn_cpu_us);
	say_histogram(r, "session step CPU", l->step_cpu_us);
	say_histogram(r, "job step CPU", l->job_cpu_us);
	say_number(r, "longest step CPU, us", l->max_step_cpu_us);
	say_number(r, "longest turn CPU, us", l->max_turn_cpu_us);
}

static void
say_store(struct run *r)
{
	struct store_stats st;

	store_stats(r->admin->store, &st);
	say_number(r, "people", st.n_accounts);
	say_number(r, "mailboxes", st.n_mailboxes);
	say_number(r, "messages", st.n_messages);
	put_size_line(r, "bodies, stored bytes", st.body_bytes);
	say_number(r, "operations", st.n_ops);
	say_number(r, "flushes", st.n_flushes);
	say_number(r, "checkpoints", st.n_checkpoints);
	say_number(r, "replayed at start", st.n_replayed);
	run_say(r, "%-22s %llu of %llu bytes", "journal",
	    (unsigned long long)st.journal_used_bytes,
	    (unsigned long long)st.journal_bytes);
	put_size_line(r, "index, bytes", st.index_used_bytes);
	say_number(r, "deletions under way", st.n_intents);
	put_size_line(r, "free on the device", st.free_bytes);
	if (store_is_read_only(r->admin->store))
		run_say(r, "%-22s yes: see the server's log", "read-only");
}

int
do_status_start(struct run *r)
{
	run_say(r, "%-22s %s", "server",
	    r->admin->loop ? "running" : "not running");
	run_say(r, "%-22s %s", "store", r->admin->folder);
	if (r->admin->loop) {
		say_loop(r);
		run_say(r, "%-22s %llu KB", "memory (RssAnon)",
		    (unsigned long long)rss_anon_kb());
	}
	say_store(r);
	certs_say(r);
	return 0;
}

/* --- trace --- */

struct trace_state {
	uint64_t number;
	uint64_t n_left;
	uint64_t n_found;
	struct event_view view;
};

static const char *
kind_text(enum event_kind k)
{
	switch (k) {
	case EVENT_RECEIVED:
		return "received";
	case EVENT_REFUSED:
		return "refused";
	case EVENT_SIGN_IN:
		return "sign-in failed";
	case EVENT_SETTING:
		return "changed";
	case EVENT_SENT:
		return "sent";
	case EVENT_DEFERRED:
		return "deferred";
	case EVENT_BOUNCED:
		return "bounced";
	case EVENT_SYSTEM:
		return "system";
	}
	return "?";
}

static void
put_field(struct buf *b, const char *name, struct span value)
{
	if (value.len == 0)
		return;
	buf_putf(b, " %s", name);
	buf_put(b, value);
}

static void
put_event(struct run *r, const struct event *e)
{
	struct buf *b = run_begin(r, FRAME_TEXT);

	clock_put_iso(b, e->time_s);
	buf_putf(b, " %s", kind_text(e->kind));
	put_field(b, "id ", e->id);
	put_field(b, "from ", e->from);
	put_field(b, "to ", e->to);
	put_field(b, "by ", e->client);
	put_field(b, "message-id ", e->message_id);
	put_field(b, ": ", e->text);
	buf_put_char(b, '\n');
	run_end(r);
}

int
do_trace_start(struct run *r)
{
	struct trace_state *st = run_new_state(r, sizeof(*st));

	if (!st)
		return ERR_NOMEM;
	st->number = UINT64_MAX;
	st->n_left =
	    run_arg(r, "--last").p ? args_number(&r->args, "--last") : 50;
	return 0;
}

enum run_step
do_trace_step(struct run *r)
{
	struct trace_state *st = r->state;
	struct span word = run_arg(r, "WORD");
	int rc = ERR_NONE;

	if (span_starts(word, SPAN("<")))
		word = span_sub(word, 1, word.len - 2);
	for (int i = 0; i < 20 && st->n_left > 0; i++) {
		rc = event_previous(
		    r->admin->store, word, &st->number, &st->view);
		if (rc < 0)
			break;
		put_event(r, &st->view.e);
		st->n_left--;
		st->n_found++;
	}
	if (rc == ERR_AGAIN || (rc == 0 && st->n_left > 0))
		return RUN_MORE;
	if (rc < 0 && rc != ERR_NONE)
		run_error(r, rc, SPAN("The event log"));
	if (st->n_found == 0)
		run_say(r, "Nothing is known of %.*s.", RUN_SPAN(word));
	return RUN_DONE;
}
