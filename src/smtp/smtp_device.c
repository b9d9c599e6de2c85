/* smtp_device.c - the device door: a port for the scanners, copiers and storage
 * boxes of the house, which speak no TLS of today and sign in nowhere. Each is
 * an entry (store/device.h); everybody else is refused before the banner.
 *
 * Who they are is their address alone, so an entry of public addresses counts
 * only when it names the one address.
 */
#include "auth/auth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "smtp/smtp_session.h"

/* Between two events about strangers: about the same one, about another. */
#define SAME_EVERY_MS  (10 * 60 * 1000)
#define OTHER_EVERY_MS (5 * 1000)

/* --- who is it --- */

static bool
is_single(const struct network *n)
{
	return n->bits == (n->address.family == PEER_IP4 ? 32 : 128);
}

/* How well an entry's list names this address: its bits and one; 0: not. */
static unsigned
how_well(struct span list, const struct peer *p)
{
	unsigned best = 0;

	while (list.len > 0) {
		struct network n;
		struct span word = device_next_word(&list);

		if (word.len == 0 || network_parse(word, &n) < 0 ||
		    !network_has(&n, p) ||
		    (!is_single(&n) && !peer_is_private(p)))
			continue;
		if (n.bits + 1u > best)
			best = n.bits + 1u;
	}
	return best;
}

/* The entry that names this address most closely. ERR_NONE. */
static int
find(struct store *s, const struct peer *p, struct device_view *out)
{
	char storage[MAX_DEVICE_NAME], best_storage[MAX_DEVICE_NAME];
	struct buf name, best;
	unsigned best_bits = 0;
	int rc;

	buf_init_fixed(&name, storage, sizeof(storage));
	buf_init_fixed(&best, best_storage, sizeof(best_storage));
	while ((rc = device_next(s, &name, out)) == 0 || rc == ERR_DAMAGED) {
		unsigned bits = rc == 0 ? how_well(out->d.at, p) : 0;

		if (bits <= best_bits)
			continue;
		best_bits = bits;
		buf_reset(&best);
		buf_put(&best, buf_span(&name));
	}
	if (rc != ERR_NONE)
		return rc;
	return device_get(s, buf_span(&best), out);
}

/* Is it time for an event about this stranger? Each is a write, and many may
 * knock. */
static bool
is_news(const struct peer *p)
{
	static uint64_t last; /* of this process */
	static int64_t last_ms;
	int64_t now_ms = clock_mono_ms();
	uint64_t host = peer_host(p);

	if (last != 0 &&
	    now_ms - last_ms < (host == last ? SAME_EVERY_MS : OTHER_EVERY_MS))
		return false;
	last = host;
	last_ms = now_ms;
	return true;
}

static void
note_stranger(struct store *s, const struct peer *p, struct span text)
{
	char storage[64];
	struct buf client;
	struct log l;
	int rc = 0;

	buf_init_fixed(&client, storage, sizeof(storage));
	buf_put_char(&client, '[');
	peer_put(&client, p);
	buf_put_char(&client, ']');
	if (is_news(p))
		rc = event_add(s, &(struct event){ .kind = EVENT_REFUSED,
		                      .client = buf_span(&client),
		                      .text = text });
	log_begin(&l, LOG_NOTE, "smtp.no-device");
	log_str(&l, "client", buf_span(&client));
	log_str(&l, "reply", text);
	if (rc < 0)
		log_err(&l, "event_error", rc);
	log_end(&l);
}

/* RFC 5321 3.1: 554 in place of the banner. */
static void
turn_away(struct conn *c, struct store *s)
{
	const struct peer *p = conn_peer(c);
	char storage[200];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_str(&b, "554 5.7.1 No device is known at ");
	peer_put(&b, p);
	buf_put_str(&b, "; the owner can add it: tinpost device add NAME "
	                "--address ");
	peer_put(&b, p);
	buf_put_str(&b, " --from ADDRESS");
	note_stranger(s, p, buf_span(&b));
	conn_put(c, buf_span(&b));
	conn_put_str(c, "\r\n");
	conn_close(c);
}

int
smtp_device_open(
    struct conn *c, const struct smtp_env *e, struct device_view **out)
{
	struct device_view *v = mem_alloc(sizeof(*v));
	int rc = v == NULL ? ERR_NOMEM : find(e->store, conn_peer(c), v);

	if (rc == 0) {
		*out = v;
		return 0;
	}
	mem_free(v);
	if (rc == ERR_NONE) {
		turn_away(c, e->store);
		return rc;
	}
	conn_put_str(c, smtp_error_text(rc));
	conn_put_str(c, "\r\n");
	conn_close(c);
	return rc;
}

/* --- what it may --- */

int
smtp_device_owns(const struct smtp *s, struct span address)
{
	struct span list = s->device->d.senders;

	while (list.len > 0)
		if (span_is_nocase(device_next_word(&list), address))
			return 0;
	return ERR_DENIED;
}

const char *
smtp_device_judge(struct smtp *s, struct span address, struct span domain)
{
	struct span list = s->device->d.rcpts;

	while (list.len > 0) {
		struct span word = device_next_word(&list);

		if (span_is_nocase(word, address) ||
		    (domain.len > 0 && span_is_nocase(word, domain)) ||
		    (span_is(word, SPAN("local")) &&
		        (domain.len == 0 ||
		            resolve_is_local(s->env->store, domain))))
			return NULL;
	}
	return "550 5.7.1 This device may not send to this address; the owner "
	       "can allow it: tinpost device set";
}

/* --- what it says --- */

struct span
smtp_device_brackets(
    const struct smtp *s, struct span args, char storage[MAX_SMTP_LINE + 2])
{
	struct span rest = span_trim(args), word;
	struct buf b;

	if (s->device == NULL || rest.len == 0 || rest.p[0] == '<')
		return s->device == NULL ? args : rest;
	word = span_split(&rest, ' ');
	buf_init_fixed(&b, storage, MAX_SMTP_LINE + 2);
	buf_put_char(&b, '<');
	buf_put(&b, word);
	buf_put_char(&b, '>');
	if (rest.len > 0) {
		buf_put_char(&b, ' ');
		buf_put(&b, rest);
	}
	return buf_failed(&b) ? args : buf_span(&b);
}
