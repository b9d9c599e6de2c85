/* do_device.c - `tinpost device ...`: who may send at the device door. */
#include "admin/do.h"
#include "admin/settings.h"
#include "auth/auth.h"
#include "mime/mime.h"
#include "net/net.h"

#define USUAL_PER_HOUR 60
/* The port that is said where none is open. */
#define USUAL_PORT 2525

/* --- the words of a list --- */

static bool
is_place(struct span word)
{
	struct network n;

	return network_parse(word, &n) == 0;
}

/* Strangers could be in a network of public addresses. */
static bool
is_open_network(struct span word)
{
	struct network n;

	return network_parse(word, &n) == 0 &&
	       n.bits < (n.address.family == PEER_IP4 ? 32 : 128) &&
	       !peer_is_private(&n.address);
}

static bool
is_address(struct span word)
{
	struct span local, domain;

	return address_split(word, &local, &domain) == 0;
}

static bool
is_rcpt(struct span word)
{
	return is_address(word) || address_is_domain(word);
}

/* An option's value, parted by commas or spaces, into b with a space behind
 * each word; what is no such word is told. */
static int
put_list(struct run *r, const char *option, bool (*is_word)(struct span),
    struct buf *b, struct span *out)
{
	struct span list = run_arg(r, option);
	size_t from = b->len;

	for (size_t i = 0; i < list.len; i++) {
		char c = list.p[i] == ',' ? ' ' : list.p[i];

		if (c != ' ' || (b->len > from && b->p[b->len - 1] != ' '))
			buf_put_char(b, c);
	}
	*out = span_trim(span_sub(buf_span(b), from, b->len));
	for (struct span rest = *out; rest.len > 0;) {
		struct span word = device_next_word(&rest);

		if (word.len == 0 || is_word(word))
			continue;
		run_fail(r, "\"%.*s\" cannot stand behind %s.", RUN_SPAN(word),
		    option);
		return ERR_INVALID;
	}
	return buf_failed(b) ? run_error(r, ERR_LIMIT, list) : 0;
}

/* "30" or "30/hour". */
static int
get_rate(struct run *r, uint32_t *out)
{
	struct span text = run_arg(r, "--rate"), number;
	uint64_t n;

	number = span_split(&text, '/');
	if (span_to_u64(number, 1000000, &n) < 0 ||
	    (text.len > 0 && !span_is(text, SPAN("hour")))) {
		run_fail(r, "Say --rate 30/hour.");
		return ERR_INVALID;
	}
	*out = (uint32_t)n;
	return 0;
}

/* --- adding, changing --- */

static void
warn(struct run *r, const struct device *d)
{
	struct settings st;

	for (struct span rest = d->at; rest.len > 0;) {
		struct span word = device_next_word(&rest);

		if (is_open_network(word))
			run_warn(r,
			    "%.*s has public addresses, from which nothing is "
			    "taken; name each address alone.",
			    RUN_SPAN(word));
	}
	for (struct span rest = d->senders; rest.len > 0;) {
		struct span word = device_next_word(&rest), local, domain;

		if (address_split(word, &local, &domain) == 0 &&
		    !resolve_is_local(r->admin->store, domain))
			run_warn(r,
			    "%.*s is not in a domain of this server: its mail "
			    "will not be signed, and nobody gets its reports.",
			    RUN_SPAN(word));
	}
	settings_load(&st, r->admin->store);
	if (st.n[SET_PORT_DEVICE] == 0)
		run_warn(r,
		    "The port for devices is closed: `tinpost set port.device "
		    "%d` and a restart open it.",
		    USUAL_PORT);
}

/* Put what the options say into d, whose texts may be in b. */
static int
take_options(struct run *r, struct device *d, struct buf *b)
{
	int rc = 0;

	if (run_arg(r, "--address").len > 0)
		rc = put_list(r, "--address", is_place, b, &d->at);
	if (rc == 0 && run_arg(r, "--from").len > 0)
		rc = put_list(r, "--from", is_address, b, &d->senders);
	if (rc == 0 && run_arg(r, "--to").len > 0)
		rc = put_list(r, "--to", is_rcpt, b, &d->rcpts);
	if (rc == 0 && run_arg(r, "--rate").len > 0)
		rc = get_rate(r, &d->per_hour);
	return rc;
}

static int
put(struct run *r, struct device *d)
{
	char storage[2 * MAX_DEVICE_BYTES];
	struct buf b;
	int rc;

	buf_init_fixed(&b, storage, sizeof(storage));
	rc = take_options(r, d, &b);
	if (rc < 0)
		return rc;
	if (d->at.len == 0 || d->senders.len == 0) {
		run_fail(r, "Say where it is and as whom it sends: --address "
		            "192.168.1.5 --from scanner@example.org.");
		return ERR_INVALID;
	}
	rc = device_put(r->admin->store, d);
	if (rc == ERR_INVALID)
		run_fail(r,
		    "A name has letters, digits, - _ and . in it, at most %d.",
		    MAX_DEVICE_NAME);
	else if (rc < 0)
		run_error(r, rc, d->name);
	else
		warn(r, d);
	return rc;
}

int
do_device_add_start(struct run *r)
{
	struct device d = { .name = run_arg(r, "NAME"),
		.per_hour = USUAL_PER_HOUR,
		.rcpts = SPAN("local") };
	struct device_view old;

	if (device_get(r->admin->store, d.name, &old) == 0)
		return run_error(r, ERR_EXISTS, d.name);
	return put(r, &d);
}

int
do_device_set_start(struct run *r)
{
	struct device_view v;
	struct span name = run_arg(r, "NAME");
	int rc = device_get(r->admin->store, name, &v);

	return rc < 0 ? run_error(r, rc, name) : put(r, &v.d);
}

int
do_device_del_start(struct run *r)
{
	struct span name = run_arg(r, "NAME");
	int rc = device_remove(r->admin->store, name);

	return rc < 0 ? run_error(r, rc, name) : 0;
}

/* --- looking --- */

int
do_device_list_start(struct run *r)
{
	char storage[MAX_DEVICE_NAME];
	struct device_view v;
	struct buf name;
	int rc;

	buf_init_fixed(&name, storage, sizeof(storage));
	while ((rc = device_next(r->admin->store, &name, &v)) == 0)
		run_say(r, "%.*s  at %.*s  as %.*s  to %.*s  %u/hour",
		    RUN_SPAN(v.d.name), RUN_SPAN(v.d.at), RUN_SPAN(v.d.senders),
		    RUN_SPAN(v.d.rcpts), v.d.per_hour);
	return rc == ERR_NONE ? 0 : run_error(r, rc, buf_span(&name));
}

int
do_device_show_start(struct run *r)
{
	struct span name = run_arg(r, "NAME");
	struct device_view v;
	struct settings st;
	int rc = device_get(r->admin->store, name, &v);

	if (rc < 0)
		return run_error(r, rc, name);
	settings_load(&st, r->admin->store);
	run_say(r, "name     %.*s", RUN_SPAN(v.d.name));
	run_say(r, "address  %.*s", RUN_SPAN(v.d.at));
	run_say(r, "from     %.*s", RUN_SPAN(v.d.senders));
	run_say(r, "to       %.*s", RUN_SPAN(v.d.rcpts));
	run_say(r, "rate     %u/hour", v.d.per_hour);
	if (st.n[SET_PORT_DEVICE] == 0)
		run_say(r,
		    "port     closed: `tinpost set port.device %d` and "
		    "a restart open it",
		    USUAL_PORT);
	else
		run_say(r,
		    "port     %u, without encryption and without a "
		    "password",
		    (unsigned)st.n[SET_PORT_DEVICE]);
	return 0;
}
