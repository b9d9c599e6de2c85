#include "net/dns.h"

#include <assert.h>
#include <sys/stat.h>

#include "base/idna.h"
#include "base/utf8.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "net/dns_cache.h"

#define RESOLV_CONF "/etc/resolv.conf"
/* Between two looks at it. */
#define CONF_CHECK_MS 2000
/* Its tables cost 74 KB on a 64-bit machine, half of it on a board: a channel
 * that has nothing to do is closed. The next one has other ports. */
#define CHANNEL_IDLE_MS 10000
#define MAX_CONF_BYTES  65536
#define QUESTION_BYTES  (12 + DNS_WIRE_BYTES + 4 + 11)

/* Which file it was that was read. */
struct conf_stamp {
	int64_t changed_s, changed_ns, size;
	uint64_t inode;
};

struct dns {
	struct loop *loop;
	struct dns_channel *channel; /* NULL: nothing was asked of late */
	struct timer idle;           /* to close it */
	struct dns_cache cache;
	struct list unsent, sent; /* entries */
	struct list done;         /* queries to wake */
	struct job job;
	bool lacks_edns; /* these resolvers do not understand it */
	/* options */
	int64_t timeout_ms;
	int tries;
	bool has_servers; /* by the options; else by the file */
	struct dns_servers servers;
	char conf[FILE_PATH_BYTES];
	struct conf_stamp stamp;
	int64_t checked_ms;
	struct dns_stats stats;
};

static struct conf_stamp
stamp_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct conf_stamp){ 0 };
	return (struct conf_stamp){ st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		st.st_size, st.st_ino };
}

/* The file's resolvers; one that cannot be read has none of use. */
static void
read_conf(struct dns *d)
{
	struct buf text;

	buf_init(&text, MAX_CONF_BYTES);
	d->stamp = stamp_of(d->conf);
	d->checked_ms = clock_mono_ms();
	if (file_read(d->conf, &text) < 0)
		buf_reset(&text);
	dns_servers_of_conf(buf_span(&text), &d->servers);
	buf_deinit(&text);
}

static void
log_servers(const struct dns *d)
{
	char text[DNS_MAX_SERVERS * 64];
	struct buf b;
	struct log l;

	buf_init_fixed(&b, text, sizeof(text));
	for (size_t i = 0; i < d->servers.n; i++) {
		if (i > 0)
			buf_put_char(&b, ' ');
		peer_put(&b, &d->servers.at[i]);
		buf_putf(&b, " port %u", (unsigned)d->servers.at[i].port);
	}
	log_begin(&l, LOG_NOTE, "dns.resolvers");
	log_str(&l, "servers", buf_span(&b));
	log_end(&l);
}

/* Ask these resolvers from now on, and again what was on its way to others. */
static void
change_servers(struct dns *d)
{
	dns_channel_close(d->channel);
	d->channel = NULL;
	d->lacks_edns = false;
	d->stats.n_active = 0;
	dns_cache_clear(&d->cache);
	while (!list_is_empty(&d->sent)) {
		struct list *link = d->sent.next;

		list_remove(link);
		list_add(&d->unsent, link);
		LIST_OF(link, struct dns_entry, flight)->is_sent = false;
	}
	if (!list_is_empty(&d->unsent))
		loop_add_job(d->loop, &d->job);
	log_servers(d);
}

static void
on_idle(struct timer *t)
{
	struct dns *d = LIST_OF(t, struct dns, idle);

	if (d->stats.n_active > 0)
		return;
	dns_channel_close(d->channel);
	d->channel = NULL;
}

/* Has the file of the resolvers changed? */
static void
check_conf(struct dns *d)
{
	struct conf_stamp now;

	if (d->has_servers || clock_mono_ms() - d->checked_ms < CONF_CHECK_MS)
		return;
	d->checked_ms = clock_mono_ms();
	now = stamp_of(d->conf);
	if (memcmp(&now, &d->stamp, sizeof(now)) == 0)
		return;
	read_conf(d);
	change_servers(d);
}

static int
take_options(struct dns *d, const struct dns_options *o)
{
	const char *conf = o->resolv_conf ? o->resolv_conf : RESOLV_CONF;

	if (span_to_cstr(span_str(conf), d->conf, sizeof(d->conf)) < 0)
		return ERR_SYNTAX;
	d->has_servers = o->servers != NULL && o->servers[0] != '\0';
	d->timeout_ms = o->timeout_ms;
	d->tries = o->tries;
	d->cache.max_bytes = o->cache_bytes;
	if (d->has_servers)
		return dns_servers_parse(span_str(o->servers), &d->servers);
	read_conf(d);
	return 0;
}

/* Send it (again) in the job: not from inside c-ares. */
static void
queue_entry(struct dns *d, struct dns_entry *e)
{
	list_add(&d->unsent, &e->flight);
	e->is_sent = false;
	loop_add_job(d->loop, &d->job);
}

/* Whoever waits for it is woken, in the job. */
static void
finish_entry(struct dns *d, struct dns_entry *e, const struct dns_answer *a)
{
	dns_cache_finish(&d->cache, e, a, clock_mono_ms());
	if (e->state == DNS_TEMPFAIL)
		d->stats.n_failed++;
	while (!list_is_empty(&e->waiting)) {
		struct list *link = e->waiting.next;

		list_remove(link);
		list_add(&d->done, link);
	}
	loop_add_job(d->loop, &d->job);
	dns_entry_unref(e);
}

static int
send_entry(struct dns *d, struct dns_entry *e)
{
	struct dns_channel_options o = { &d->servers, d->timeout_ms, d->tries };
	char message[QUESTION_BYTES];
	struct buf b;

	if (d->channel == NULL &&
	    dns_channel_open(d->loop, &o, &d->channel) < 0)
		return ERR_NOMEM;
	list_add(&d->sent, &e->flight);
	e->is_sent = true;
	buf_init_fixed(&b, message, sizeof(message));
	e->has_edns = !d->lacks_edns;
	e->n_sent++;
	dns_question_put(&b, (uint16_t)rand_u32(), e->type,
	    e->target ? e->target : &e->name, e->has_edns);
	d->stats.n_active++;
	d->stats.n_sent++;
	dns_channel_ask(d->channel, buf_span(&b), &e->asked);
	return 0;
}

/* Send what waits, as long as not too much is on its way. */
static void
send_some(struct dns *d)
{
	while (
	    !list_is_empty(&d->unsent) && d->stats.n_active < DNS_MAX_ACTIVE) {
		struct dns_entry *e =
		    LIST_OF(d->unsent.next, struct dns_entry, flight);
		struct dns_answer none;

		list_remove(&e->flight);
		if (send_entry(d, e) == 0)
			continue;
		dns_answer_init(&none); /* DNS_TEMPFAIL */
		finish_entry(d, e, &none);
	}
}

/* Is there more to ask, of the same resolver or of the next alias? */
static bool
asks_again(struct dns *d, struct dns_entry *e, struct dns_answer *a)
{
	if (e->n_sent > DNS_MAX_CHAIN)
		return false;
	if (a->refuses_edns && e->has_edns) {
		d->lacks_edns = true;
		return true;
	}
	if (a->state != DNS_PENDING)
		return false;
	if (e->target == NULL)
		e->target = mem_alloc(sizeof(*e->target));
	if (e->target == NULL)
		return false;
	if (e->n_aliases == 0 || a->ttl_s < e->ttl_s)
		e->ttl_s = a->ttl_s;
	*e->target = a->name;
	e->n_aliases = a->n_aliases;
	return true;
}

static void
on_ended(struct dns_asked *asked, struct span message)
{
	struct dns_entry *e = LIST_OF(asked, struct dns_entry, asked);
	struct dns *d = e->dns;
	struct dns_answer a;

	list_remove(&e->flight);
	d->stats.n_active--;
	dns_answer_init(&a);
	a.name = e->target ? *e->target : e->name;
	a.n_aliases = e->n_aliases;
	dns_answer_parse(&a, e->type, message);
	/* What nobody waits for any more is not followed. */
	if (!list_is_empty(&e->waiting) && asks_again(d, e, &a)) {
		queue_entry(d, e);
	} else {
		if (a.state == DNS_PENDING) /* of a chain without an end */
			a.state = DNS_TEMPFAIL;
		if (e->target != NULL) { /* it came in several pieces */
			a.is_authentic = false;
			if (e->ttl_s < a.ttl_s)
				a.ttl_s = e->ttl_s;
		}
		finish_entry(d, e, &a);
	}
	dns_answer_deinit(&a);
}

/* Tell it, and let its owner do as he likes. */
static void
wake_query(struct dns_query *q)
{
	const struct dns_entry *e = q->entry;

	list_remove(&q->link);
	q->state = q->result;
	if (e != NULL) {
		int64_t left_ms = e->expires_ms - clock_mono_ms();

		q->state = e->state;
		q->is_authentic = e->is_authentic;
		q->is_alias = e->is_alias;
		q->ttl_s = left_ms > 0 ? (uint32_t)(left_ms / 1000) : 0;
	}
	q->wake(q->owner);
}

static bool
on_job(struct job *j)
{
	struct dns *d = LIST_OF(j, struct dns, job);

	send_some(d);
	/* Not being able to close it costs memory only. */
	if (d->stats.n_active == 0 && d->channel != NULL)
		(void)!loop_set_timer(d->loop, &d->idle, CHANNEL_IDLE_MS);
	if (!list_is_empty(&d->done))
		wake_query(LIST_OF(d->done.next, struct dns_query, link));
	return !list_is_empty(&d->done) ||
	       (!list_is_empty(&d->unsent) &&
	           d->stats.n_active < DNS_MAX_ACTIVE);
}

int
dns_new(struct loop *l, const struct dns_options *o, struct dns **out)
{
	struct dns *d = mem_alloc(sizeof(*d));
	int rc;

	if (d == NULL)
		return ERR_NOMEM;
	d->loop = l;
	list_init(&d->unsent);
	list_init(&d->sent);
	list_init(&d->done);
	job_init(&d->job, on_job);
	timer_init(&d->idle, on_idle);
	dns_cache_init(&d->cache, o->cache_bytes);
	rc = take_options(d, o);
	if (rc < 0) {
		dns_free(d);
		return rc;
	}
	log_servers(d);
	*out = d;
	return 0;
}

/* Nobody will wake it. */
static void
drop_queries(struct list *queries)
{
	while (!list_is_empty(queries))
		dns_cancel(LIST_OF(queries->next, struct dns_query, link));
}

static void
drop_entries(struct list *entries)
{
	while (!list_is_empty(entries)) {
		struct dns_entry *e =
		    LIST_OF(entries->next, struct dns_entry, flight);

		list_remove(&e->flight);
		drop_queries(&e->waiting);
		dns_entry_unref(e);
	}
}

void
dns_free(struct dns *d)
{
	if (d == NULL)
		return;
	dns_channel_close(d->channel);
	drop_queries(&d->done);
	drop_entries(&d->unsent);
	drop_entries(&d->sent);
	dns_cache_deinit(&d->cache);
	loop_remove_job(d->loop, &d->job);
	loop_clear_timer(d->loop, &d->idle);
	mem_free(d);
}

static bool
is_same(const struct dns *a, const struct dns *b)
{
	return a->timeout_ms == b->timeout_ms && a->tries == b->tries &&
	       a->has_servers == b->has_servers &&
	       memcmp(&a->servers, &b->servers, sizeof(a->servers)) == 0 &&
	       memcmp(&a->stamp, &b->stamp, sizeof(a->stamp)) == 0;
}

int
dns_set_options(struct dns *d, const struct dns_options *o)
{
	struct dns *old = mem_alloc(sizeof(*old));
	int rc;

	if (old == NULL)
		return ERR_NOMEM;
	memcpy(old, d, sizeof(*old));
	rc = take_options(d, o);
	if (rc == 0 && !is_same(d, old))
		change_servers(d);
	if (rc < 0) {
		d->timeout_ms = old->timeout_ms;
		d->tries = old->tries;
		d->has_servers = old->has_servers;
		d->servers = old->servers;
		memcpy(d->conf, old->conf, sizeof(d->conf));
		d->stamp = old->stamp;
		d->cache.max_bytes = old->cache.max_bytes;
	}
	mem_free(old);
	return rc;
}

/* The entry for this question, referenced; made, and on its way, if there was
 * none. NULL: no memory. */
static struct dns_entry *
get_entry(struct dns *d, enum dns_type type, const struct dns_wire *name)
{
	struct dns_entry *e =
	    dns_cache_find(&d->cache, type, name, clock_mono_ms());

	if (e != NULL) {
		d->stats.n_hits++;
		return dns_entry_ref(e);
	}
	e = dns_cache_add(&d->cache, type, name);
	if (e == NULL)
		return NULL;
	e->dns = d;
	e->asked.ended = on_ended;
	queue_entry(d, e);
	return dns_entry_ref(e);
}

static int
pack(struct span name, struct dns_wire *out)
{
	char storage[DNS_MAX_NAME + 1];
	struct buf b;
	int rc;

	if (!utf8_has_8bit(name))
		return dns_wire_pack(name, out);
	buf_init_fixed(&b, storage, sizeof(storage));
	rc = idna_to_ascii(&b, name);
	return rc < 0 ? rc : dns_wire_pack(buf_span(&b), out);
}

void
dns_ask(struct dns *d, struct dns_query *q, enum dns_type type,
    struct span name, void (*wake)(void *owner), void *owner)
{
	struct dns_wire wire;

	dns_cancel(q);
	check_conf(d);
	d->stats.n_asked++;
	*q = (struct dns_query){ .state = DNS_PENDING,
		.dns = d,
		.result = DNS_NXDOMAIN,
		.wake = wake,
		.owner = owner };
	list_init(&q->link);
	if (pack(name, &wire) == 0) {
		q->result = DNS_TEMPFAIL;
		q->entry = get_entry(d, type, &wire);
	}
	if (q->entry != NULL && q->entry->state == DNS_PENDING) {
		list_add(&q->entry->waiting, &q->link);
		return;
	}
	list_add(&d->done, &q->link);
	loop_add_job(d->loop, &d->job);
}

/* Nobody waits for it any more. What is not sent yet never will be: clients can
 * come and go faster than resolvers answer. */
static void
forget_unsent(struct dns *d, struct dns_entry *e)
{
	if (e->is_sent || list_is_empty(&e->flight) ||
	    !list_is_empty(&e->waiting))
		return;
	list_remove(&e->flight);
	dns_cache_forget(&d->cache, e);
	dns_entry_unref(e);
}

void
dns_cancel(struct dns_query *q)
{
	if (q->dns == NULL)
		return;
	list_remove(&q->link);
	if (q->entry != NULL) {
		forget_unsent(q->dns, q->entry);
		dns_entry_unref(q->entry);
	}
	*q = (struct dns_query){ .state = DNS_IDLE };
}

bool
dns_next(const struct dns_query *q, size_t *at, struct dns_record *out)
{
	if (q->state != DNS_OK)
		return false;
	return dns_answer_next(q->entry->records, q->entry->type, at, out);
}

struct dns_stats
dns_stats(const struct dns *d)
{
	struct dns_stats s = d->stats;

	s.cache_bytes = d->cache.bytes;
	s.n_entries = d->cache.n_entries;
	return s;
}
