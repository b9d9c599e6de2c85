#include "auth/failures.h"

#include "base/hash.h"
#include "base/log.h"
#include "store/store.h"

static void
on_timer(struct timer *t)
{
	failures_end_window(LIST_OF(t, struct failures, timer));
}

void
failures_init(struct failures *f, struct store *s, struct loop *loop)
{
	*f = (struct failures){
		.store = s, .loop = loop, .window_s = FAILURES_WINDOW_S
	};
	timer_init(&f->timer, on_timer);
}

static void
add_event(struct failures *f, struct span user, const struct peer *peer,
    struct span text)
{
	char storage[64];
	struct buf who;
	struct event e = { .kind = EVENT_SIGN_IN, .to = user, .text = text };
	struct log l;
	int rc;

	buf_init_fixed(&who, storage, sizeof(storage));
	if (peer != NULL) {
		buf_put_char(&who, '[');
		peer_put(&who, peer);
		buf_put_char(&who, ']');
	}
	e.client = buf_span(&who);
	rc = event_add(f->store, &e);
	if (rc == 0)
		return;
	log_begin(&l, LOG_WARN, "auth.event_lost");
	log_err(&l, "error", rc);
	log_end(&l);
}

static uint64_t
key_of(struct span user, const struct peer *peer)
{
	uint64_t both[2] = { hash_mem(user), peer_host(peer) };

	return hash_mem(span_of(both, sizeof(both))) | 1;
}

/* The pair's place, a free one, or NULL. */
static struct failure *
place(struct failures *f, uint64_t key)
{
	struct failure *unused = NULL;

	for (int i = 0; i < FAILURES_KEPT; i++) {
		if (f->kept[i].key == key)
			return &f->kept[i];
		if (f->kept[i].key == 0 && unused == NULL)
			unused = &f->kept[i];
	}
	return unused;
}

static void
begin_window(struct failures *f)
{
	if (f->is_open || f->loop == NULL)
		return;
	/* Without a timer: what is counted is told with the next window. */
	f->is_open = loop_set_timer(
	                 f->loop, &f->timer, (int64_t)f->window_s * 1000) == 0;
}

void
failures_note(struct failures *f, struct span user, const struct peer *peer,
    const char *why)
{
	uint64_t key = key_of(user, peer);
	struct failure *e = place(f, key);

	begin_window(f);
	if (e == NULL) {
		f->n_others++;
		return;
	}
	if (e->key == key) {
		e->n_more++;
		return;
	}
	user = span_sub(user, 0, sizeof(e->user));
	e->key = key;
	e->peer = *peer;
	e->user_len = (uint16_t)user.len;
	if (user.len > 0)
		memcpy(e->user, user.p, user.len);
	add_event(f, user, peer, span_str(why));
}

static void
put_count(struct buf *b, const char *who, uint32_t n, uint32_t window_s)
{
	buf_putf(b, "%s failed %lu times more within ", who, (unsigned long)n);
	if (window_s == FAILURES_WINDOW_S)
		buf_put_str(b, "a minute");
	else
		buf_putf(b, "%u minutes", (unsigned)(window_s / 60));
}

void
failures_end_window(struct failures *f)
{
	char storage[120];
	struct buf text;
	bool goes_on = f->n_others > 0;

	for (int i = 0; i < FAILURES_KEPT; i++) {
		struct failure *e = &f->kept[i];

		if (e->n_more > 0) {
			goes_on = true;
			buf_init_fixed(&text, storage, sizeof(storage));
			put_count(&text, "it", e->n_more, f->window_s);
			add_event(f, span_of(e->user, e->user_len), &e->peer,
			    buf_span(&text));
		}
		*e = (struct failure){ .key = 0 };
	}
	if (f->n_others > 0) {
		buf_init_fixed(&text, storage, sizeof(storage));
		put_count(&text, "others", f->n_others, f->window_s);
		add_event(f, span_of(NULL, 0), NULL, buf_span(&text));
	}
	f->n_others = 0;
	f->is_open = false;
	if (!goes_on)
		f->window_s = FAILURES_WINDOW_S;
	else if (f->window_s < FAILURES_MAX_WINDOW_S)
		f->window_s *= 2;
}
