#include "admin/certs.h"

#include "admin/do.h"
#include "admin/settings.h"
#include "base/ascii.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/net.h"
#include "store/store.h"

#define KEY_CHAIN SPAN("tls.chain")
#define KEY_KEY   SPAN("tls.key")

/* "tls.chain" is the main one's; "tls.chain.LABEL" another's. */
static void
put_key(struct buf *b, struct span what, struct span label)
{
	buf_put(b, what);
	if (label.len > 0)
		buf_put_char(b, '.');
	buf_put(b, label);
}

static int
get_text(struct store *s, struct span what, struct span label, struct buf *out)
{
	char storage[MAX_SETTING_KEY_BYTES];
	struct buf key;

	buf_init_fixed(&key, storage, sizeof(storage));
	put_key(&key, what, label);
	return buf_failed(&key) ? ERR_NONE
	                        : setting_get(s, buf_span(&key), out);
}

static int
put_text(struct store *s, struct span what, struct span label, struct span text)
{
	char storage[MAX_SETTING_KEY_BYTES];
	struct buf key;

	buf_init_fixed(&key, storage, sizeof(storage));
	put_key(&key, what, label);
	if (buf_failed(&key))
		return ERR_LIMIT;
	return text.len > 0 ? setting_put(s, buf_span(&key), text)
	                    : setting_delete(s, buf_span(&key));
}

bool
certs_exist(struct store *s, struct span label)
{
	struct buf b;
	bool is_there;

	buf_init(&b, MAX_SETTING_BYTES);
	is_there = get_text(s, KEY_CHAIN, label, &b) == 0;
	buf_deinit(&b);
	return is_there;
}

int
certs_next(struct store *s, struct buf *label)
{
	struct span prefix = SPAN("tls.chain.");
	char storage[MAX_SETTING_KEY_BYTES + 1]; /* setting_next adds a byte */
	struct buf key, value;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	buf_init(&value, MAX_SETTING_BYTES);
	buf_put(&key, prefix);
	buf_put(&key, buf_span(label));
	rc = setting_next(s, &key, &value);
	buf_deinit(&value);
	if (rc == 0 && !span_starts(buf_span(&key), prefix))
		rc = ERR_NONE;
	if (rc < 0)
		return rc;
	buf_reset(label);
	buf_put(label, span_sub(buf_span(&key), prefix.len, key.len));
	return buf_failed(label) ? ERR_LIMIT : 0;
}

static int
keep(struct store *s, struct span label, struct span chain, struct span key)
{
	int rc = put_text(s, KEY_CHAIN, label, chain);

	return rc < 0 ? rc : put_text(s, KEY_KEY, label, key);
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
		rc = keep(s, SPAN(""), buf_span(&chain), buf_span(&key));
out:
	buf_deinit(&host);
	buf_deinit(&chain);
	buf_wipe(&key);
	return rc;
}

int
certs_open(
    struct store *s, struct span label, struct cert **out, struct buf *why)
{
	struct buf chain, key;
	int rc;

	buf_init(&chain, MAX_SETTING_BYTES);
	buf_init(&key, MAX_SETTING_BYTES);
	rc = get_text(s, KEY_CHAIN, label, &chain);
	if (rc == 0)
		rc = get_text(s, KEY_KEY, label, &key);
	if (rc == 0)
		rc = cert_new(buf_span(&chain), buf_span(&key), out, why);
	buf_deinit(&chain);
	buf_wipe(&key);
	return rc;
}

/* One beside the main certificate: without it the others still serve. */
static bool
open_labelled(struct store *s, struct span label, struct cert **out)
{
	char storage[CERT_MAX_WHY];
	struct buf why;
	struct log l;

	buf_init_fixed(&why, storage, sizeof(storage));
	if (certs_open(s, label, out, &why) == 0)
		return true;
	log_begin(&l, LOG_FAULT, "cert.passed_over");
	log_str(&l, "label", label);
	log_str(&l, "why", buf_span(&why));
	log_end(&l);
	return false;
}

int
certs_open_all(struct store *s, struct cert *out[static CERTS_MAX],
    size_t *n_out, struct buf *why)
{
	char storage[CERTS_MAX_LABEL_BYTES];
	struct buf label;
	size_t n = 0;
	int rc;

	*n_out = 0;
	buf_init_fixed(&label, storage, sizeof(storage));
	rc = certs_open(s, buf_span(&label), &out[0], why);
	if (rc < 0)
		return rc;
	for (n = 1; n < CERTS_MAX; n++) {
		do {
			rc = certs_next(s, &label);
		} while (
		    rc == 0 && !open_labelled(s, buf_span(&label), &out[n]));
		if (rc < 0)
			break;
	}
	if (rc < 0 && rc != ERR_NONE) {
		certs_free_all(out, n);
		return rc;
	}
	*n_out = n;
	return 0;
}

void
certs_free_all(struct cert **certs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cert_free(certs[i]);
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

static void
say_fingerprint(struct run *r, const struct cert *c)
{
	struct buf *b = run_begin(r, FRAME_TEXT);
	uint8_t print[32];

	cert_fingerprint(c, print);
	buf_putf(b, "%-22s ", "SHA-256 fingerprint");
	buf_put_hex(b, span_of(print, sizeof(print)));
	buf_put_char(b, '\n');
	run_end(r);
}

/* label: empty for the main one. */
static void
say_one(struct run *r, struct span label)
{
	char storage[CERT_MAX_WHY];
	struct cert *c = NULL;
	struct buf why;
	int rc;

	buf_init_fixed(&why, storage, sizeof(storage));
	rc = certs_open(r->admin->store, label, &c, &why);
	if (rc == ERR_NONE) {
		run_say(r, "%-22s none yet: made at the first start",
		    "certificate");
		return;
	}
	if (label.len > 0)
		run_say(r, "%-22s %.*s", "certificate label", RUN_SPAN(label));
	if (rc < 0) {
		run_say(
		    r, "%-22s %.*s", "certificate", RUN_SPAN(buf_span(&why)));
		return;
	}
	say_names(r, c);
	if (cert_warning(c, clock_wall_s(), &why))
		run_say(r, "%-22s %.*s", "certificate warning",
		    RUN_SPAN(buf_span(&why)));
	say_fingerprint(r, c);
	cert_free(c);
}

void
certs_say(struct run *r)
{
	char storage[CERTS_MAX_LABEL_BYTES];
	struct buf label;

	buf_init_fixed(&label, storage, sizeof(storage));
	say_one(r, SPAN(""));
	while (certs_next(r->admin->store, &label) == 0)
		say_one(r, buf_span(&label));
}

/* --- cert show, cert set, cert del --- */

int
do_cert_show_start(struct run *r)
{
	if (run_arg(r, "--pem").p) {
		struct buf *pem = run_begin(r, FRAME_TEXT);
		int rc = get_text(r->admin->store, KEY_CHAIN, SPAN(""), pem);

		run_end(r);
		return rc < 0 ? run_error(r, rc, SPAN("A certificate")) : 0;
	}
	certs_say(r);
	return 0;
}

/* Let the server use what the store has now. */
static void
use_them(struct run *r)
{
	char storage[CERT_MAX_WHY];
	struct buf why;
	int rc;

	buf_init_fixed(&why, storage, sizeof(storage));
	run_note_change(r, SPAN("certificate"));
	rc = r->admin->reload_cert
	         ? r->admin->reload_cert(r->admin->server, &why)
	         : 0;
	if (rc < 0)
		run_fail(r, "%.*s", RUN_SPAN(buf_span(&why)));
	else
		certs_say(r);
}

int
do_cert_del_start(struct run *r)
{
	struct span label = run_arg(r, "LABEL"), none = SPAN("");
	int rc =
	    label.len > 0 ? keep(r->admin->store, label, none, none) : ERR_NONE;

	if (rc < 0)
		return run_error(r, rc, SPAN("A certificate of that label"));
	use_them(r);
	return 0;
}

/* A label is a part of a setting's key. */
static bool
is_label(struct span label)
{
	for (size_t i = 0; i < label.len; i++)
		if (!ascii_is_alnum(label.p[i]) && label.p[i] != '-' &&
		    label.p[i] != '.')
			return false;
	return label.len > 0 && label.len <= CERTS_MAX_LABEL_BYTES;
}

static bool
has_room(struct store *s, struct span label)
{
	char storage[CERTS_MAX_LABEL_BYTES];
	struct buf at;
	size_t n = 1; /* the main one */

	if (label.len == 0 || certs_exist(s, label))
		return true;
	buf_init_fixed(&at, storage, sizeof(storage));
	while (certs_next(s, &at) == 0)
		n++;
	return n < CERTS_MAX;
}

/* The chain comes as the first item, the key as the second. */
struct cert_state {
	struct buf pem[2];
	size_t i;
};

int
do_cert_set_start(struct run *r)
{
	struct span label = run_arg(r, "--name");
	struct cert_state *st;

	if (label.p && !is_label(label)) {
		run_fail(r,
		    "A certificate's label is of letters, digits, \"-\" and "
		    "\".\", %d at most.",
		    CERTS_MAX_LABEL_BYTES);
		return ERR_SYNTAX;
	}
	if (!has_room(r->admin->store, label)) {
		run_fail(r,
		    "The server keeps %d certificates at most: `tinpost cert "
		    "del` removes one.",
		    CERTS_MAX);
		return ERR_LIMIT;
	}
	st = run_new_state(r, sizeof(*st));
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
	int rc = keep(r->admin->store, run_arg(r, "--name"),
	    buf_span(&st->pem[0]), buf_span(&st->pem[1]));

	if (rc < 0)
		run_error(r, rc, SPAN("The certificate"));
	else
		use_them(r);
}

/* The chain is shown to whoever asks for it: a key has no place there. */
static bool
has_key(struct span pem)
{
	while (pem.len > 0) {
		struct span line = span_split(&pem, '\n');

		if (span_starts(line, SPAN("-----BEGIN")) &&
		    span_ends_nocase(span_trim(line), SPAN("PRIVATE KEY-----")))
			return true;
	}
	return false;
}

/* All that cert_new checks, and that it has not ended. */
static int
check(struct cert_state *st, struct buf *why)
{
	int64_t now_s = clock_wall_s();
	struct cert *c = NULL;
	int rc;

	if (has_key(buf_span(&st->pem[0]))) {
		buf_put_str(why,
		    "The first file holds a private key: name the file of the "
		    "certificates first, and the key's second.");
		return ERR_INVALID;
	}
	rc = cert_new(buf_span(&st->pem[0]), buf_span(&st->pem[1]), &c, why);
	if (rc < 0)
		return rc;
	if (cert_not_after_s(c) < now_s && cert_warning(c, now_s, why))
		rc = ERR_INVALID;
	cert_free(c);
	return rc;
}

enum run_step
do_cert_set_step(struct run *r)
{
	struct cert_state *st = r->state;
	char storage[CERT_MAX_WHY];
	struct buf why;

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
	if (check(st, &why) < 0) {
		run_fail(
		    r, "%.*s Nothing was changed.", RUN_SPAN(buf_span(&why)));
		return RUN_DONE;
	}
	set_checked(r, st);
	return RUN_DONE;
}
