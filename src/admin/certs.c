#include "admin/certs.h"

#include "admin/do.h"
#include "admin/settings.h"
#include "base/clock.h"
#include "net/net.h"
#include "store/store.h"

#define KEY_CHAIN SPAN("tls.chain")
#define KEY_KEY   SPAN("tls.key")

int
certs_chain(struct store *s, struct buf *out)
{
	return setting_get(s, KEY_CHAIN, out);
}

bool
certs_exist(struct store *s)
{
	struct buf b;
	bool is_there;

	buf_init(&b, MAX_SETTING_BYTES);
	is_there = setting_get(s, KEY_CHAIN, &b) == 0;
	buf_deinit(&b);
	return is_there;
}

static int
keep(struct store *s, struct span chain, struct span key)
{
	int rc = setting_put(s, KEY_CHAIN, chain);

	return rc < 0 ? rc : setting_put(s, KEY_KEY, key);
}

int
certs_make(struct store *s)
{
	struct peer addresses[2];
	struct span names[2];
	struct buf host, chain, key;
	size_t n = 0;
	int rc;

	buf_init(&host, MAX_DOMAIN_BYTES);
	buf_init(&chain, MAX_SETTING_BYTES);
	buf_init(&key, MAX_SETTING_BYTES);
	rc = settings_text(s, SET_HOST_NAME, &host);
	if (rc < 0)
		goto out;
	names[n++] = buf_span(&host);
	if (!span_is_nocase(names[0], SPAN("localhost")))
		names[n++] = SPAN("localhost");
	rc = peer_parse(SPAN("127.0.0.1"), &addresses[0]);
	if (rc == 0)
		rc = peer_parse(SPAN("::1"), &addresses[1]);
	if (rc == 0)
		rc = cert_make(
		    names, n, addresses, 2, clock_wall_s(), &chain, &key);
	if (rc == 0)
		rc = keep(s, buf_span(&chain), buf_span(&key));
out:
	buf_deinit(&host);
	buf_deinit(&chain);
	buf_wipe(&key);
	return rc;
}

int
certs_open(struct store *s, struct cert **out, struct buf *why)
{
	struct buf chain, key;
	int rc;

	buf_init(&chain, MAX_SETTING_BYTES);
	buf_init(&key, MAX_SETTING_BYTES);
	rc = setting_get(s, KEY_CHAIN, &chain);
	if (rc == 0)
		rc = setting_get(s, KEY_KEY, &key);
	if (rc == 0)
		rc = cert_new(buf_span(&chain), buf_span(&key), out, why);
	buf_deinit(&chain);
	buf_wipe(&key);
	return rc;
}

static void
say_names(struct run *r, const struct cert *c)
{
	struct buf *b = run_begin(r, FRAME_TEXT);

	buf_putf(b, "%-22s", "certificate for");
	for (size_t i = 0; i < CERT_MAX_NAMES && cert_name(c, i).len > 0; i++) {
		buf_put_char(b, ' ');
		buf_put(b, cert_name(c, i));
	}
	buf_put_char(b, '\n');
	run_end(r);
	b = run_begin(r, FRAME_TEXT);
	buf_putf(b, "%-22s ", "certificate ends");
	clock_put_iso(b, cert_not_after_s(c));
	buf_put_char(b, '\n');
	run_end(r);
}

void
certs_say(struct run *r)
{
	char storage[CERT_MAX_WHY];
	struct cert *c = NULL;
	struct buf why;
	int rc;

	buf_init_fixed(&why, storage, sizeof(storage));
	rc = certs_open(r->admin->store, &c, &why);
	if (rc == ERR_NONE) {
		run_say(r, "%-22s none yet: made at the first start",
		    "certificate");
		return;
	}
	if (rc < 0) {
		run_say(
		    r, "%-22s %.*s", "certificate", RUN_SPAN(buf_span(&why)));
		return;
	}
	say_names(r, c);
	if (cert_warning(c, clock_wall_s(), &why))
		run_say(r, "%-22s %.*s", "certificate warning",
		    RUN_SPAN(buf_span(&why)));
	cert_free(c);
}

/* --- cert show, cert set --- */

int
do_cert_show_start(struct run *r)
{
	uint8_t print[32];
	struct cert *c = NULL;
	struct buf *b;

	if (run_arg(r, "--pem").p) {
		struct buf *pem = run_begin(r, FRAME_TEXT);
		int rc = certs_chain(r->admin->store, pem);

		run_end(r);
		return rc < 0 ? run_error(r, rc, SPAN("A certificate")) : 0;
	}
	certs_say(r);
	if (certs_open(r->admin->store, &c, NULL) < 0)
		return 0;
	cert_fingerprint(c, print);
	b = run_begin(r, FRAME_TEXT);
	buf_putf(b, "%-22s ", "SHA-256 fingerprint");
	buf_put_hex(b, span_of(print, sizeof(print)));
	buf_put_char(b, '\n');
	run_end(r);
	cert_free(c);
	return 0;
}

/* The chain comes as the first item, the key as the second. */
struct cert_state {
	struct buf pem[2];
	size_t i;
};

int
do_cert_set_start(struct run *r)
{
	struct cert_state *st = run_new_state(r, sizeof(*st));

	if (!st)
		return ERR_NOMEM;
	buf_init(&st->pem[0], MAX_SETTING_BYTES);
	buf_init(&st->pem[1], MAX_SETTING_BYTES);
	return 0;
}

void
do_cert_set_stop(struct run *r)
{
	struct cert_state *st = r->state;

	buf_wipe(&st->pem[0]);
	buf_wipe(&st->pem[1]);
}

int
do_cert_set_feed(struct run *r, enum frame_type type, struct span payload)
{
	struct cert_state *st = r->state;

	if (type == FRAME_DATA && st->i < 2)
		buf_put(&st->pem[st->i], payload);
	if (type == FRAME_ITEM_END)
		st->i++;
	return 0;
}

static void
set_checked(struct run *r, struct cert_state *st)
{
	struct buf why;
	char storage[CERT_MAX_WHY];
	int rc =
	    keep(r->admin->store, buf_span(&st->pem[0]), buf_span(&st->pem[1]));

	buf_init_fixed(&why, storage, sizeof(storage));
	if (rc < 0) {
		run_error(r, rc, SPAN("The certificate"));
		return;
	}
	run_note_change(r, SPAN("certificate"));
	rc = r->admin->reload_cert
	         ? r->admin->reload_cert(r->admin->server, &why)
	         : 0;
	if (rc < 0)
		run_fail(r, "%.*s", RUN_SPAN(buf_span(&why)));
	else
		certs_say(r);
}

enum run_step
do_cert_set_step(struct run *r)
{
	struct cert_state *st = r->state;
	char storage[CERT_MAX_WHY];
	struct cert *c = NULL;
	struct buf why;
	int rc;

	if (!r->has_input_ended)
		return RUN_WAIT;
	buf_init_fixed(&why, storage, sizeof(storage));
	if (buf_failed(&st->pem[0]) || buf_failed(&st->pem[1])) {
		run_fail(r,
		    "A certificate chain and a key are %d bytes of "
		    "PEM at most.",
		    MAX_SETTING_BYTES);
		return RUN_DONE;
	}
	rc = cert_new(buf_span(&st->pem[0]), buf_span(&st->pem[1]), &c, &why);
	if (rc < 0) {
		run_fail(r, "%.*s The old certificate stays.",
		    RUN_SPAN(buf_span(&why)));
		return RUN_DONE;
	}
	cert_free(c);
	set_checked(r, st);
	return RUN_DONE;
}
