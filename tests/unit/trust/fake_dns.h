/* fake_dns.h - a resolver that knows a table: it takes the place of net/dns.c in
 * the program that includes this. */
#ifndef TINPOST_TESTS_FAKE_DNS_H
#define TINPOST_TESTS_FAKE_DNS_H

#include "base/ascii.h"
#include "net/dns.h"

#include "../test.h"

#define FAKE_MAX 2000

/* value: an address, a name, "10 name", text; NULL: the name exists without
 * it; "!": no answer. */
static struct fake_row {
	enum dns_type type;
	char name[300];
	char *value;
	size_t len;
	uint16_t preference;
} fake_rows[FAKE_MAX];
static size_t n_fake_rows, n_fake_asked;

struct dns_entry {
	char name[300];
	enum dns_type type;
	bool is_used;
};
static struct dns_entry fake_entries[64];
static struct dns_query *fake_pending[64];
static size_t n_fake_pending;

static inline void
fake_clear(void)
{
	for (size_t i = 0; i < n_fake_rows; i++)
		free(fake_rows[i].value);
	n_fake_rows = 0;
}

static inline void
fake_add(
    enum dns_type type, const char *name, struct span value, int preference)
{
	struct fake_row *r = &fake_rows[n_fake_rows++];

	if (n_fake_rows == FAKE_MAX)
		abort();
	*r = (struct fake_row){ .type = type,
		.len = value.len,
		.preference = (uint16_t)preference };
	r->value = value.p == NULL ? NULL : test_copy(value);
	for (size_t i = 0; name[i] != '\0' && i + 1 < sizeof(r->name); i++)
		r->name[i] = ascii_lower(name[i]);
}

static inline void
fake_txt(const char *name, const char *value)
{
	fake_add(DNS_TXT, name, span_str(value), 0);
}

static inline bool
fake_matches(const struct fake_row *r, const struct dns_entry *e)
{
	return r->type == e->type && r->value != NULL &&
	       strcmp(r->name, e->name) == 0;
}

static inline void
fake_follow(struct dns_entry *e)
{
	for (size_t n = 0; n < 10; n++) {
		const struct fake_row *found = NULL;

		for (size_t i = 0; i < n_fake_rows; i++)
			if (fake_rows[i].type == DNS_CNAME &&
			    strcmp(fake_rows[i].name, e->name) == 0)
				found = &fake_rows[i];
		if (found == NULL)
			return;
		memset(e->name, 0, sizeof(e->name));
		memcpy(e->name, found->value, found->len);
	}
}

/* Labels of any ASCII, as net/dns.h asks for them. */
static inline bool
fake_is_name(struct span s)
{
	if (s.len == 0 || s.len > DNS_MAX_NAME)
		return false;
	while (s.len > 0) {
		struct span label = span_split(&s, '.');

		if (label.len == 0 || label.len > DNS_MAX_LABEL)
			return false;
	}
	return true;
}

static inline enum dns_state
fake_state(struct dns_entry *e)
{
	enum dns_state state = DNS_NXDOMAIN;

	if (!fake_is_name(span_str(e->name)))
		return DNS_NXDOMAIN;
	fake_follow(e);
	for (size_t i = 0; i < n_fake_rows; i++) {
		const struct fake_row *r = &fake_rows[i];

		if (strcmp(r->name, e->name) == 0 && state == DNS_NXDOMAIN)
			state = DNS_NODATA;
		if (!fake_matches(r, e))
			continue;
		if (r->len == 1 && r->value[0] == '!')
			return DNS_TEMPFAIL;
		state = DNS_OK;
	}
	return state;
}

void
dns_cancel(struct dns_query *q)
{
	for (size_t i = 0; i < n_fake_pending; i++)
		if (fake_pending[i] == q)
			fake_pending[i] = fake_pending[--n_fake_pending];
	if (q->entry != NULL)
		q->entry->is_used = false;
	q->entry = NULL;
	q->state = DNS_IDLE;
}

void
dns_ask(struct dns *d, struct dns_query *q, enum dns_type type,
    struct span name, void (*wake)(void *owner), void *owner)
{
	struct dns_entry *e = fake_entries;

	dns_cancel(q);
	n_fake_asked++;
	while (e->is_used)
		e++;
	*e = (struct dns_entry){ .type = type, .is_used = true };
	for (size_t i = 0; i < name.len && i + 1 < sizeof(e->name); i++)
		e->name[i] = ascii_lower(name.p[i]);
	if (name.len > 0 && name.p[name.len - 1] == '.')
		e->name[name.len - 1] = '\0';
	*q = (struct dns_query){ .state = DNS_PENDING,
		.dns = d,
		.entry = e,
		.wake = wake,
		.owner = owner };
	fake_pending[n_fake_pending++] = q;
}

bool
dns_next(const struct dns_query *q, size_t *at, struct dns_record *out)
{
	for (; *at < n_fake_rows; (*at)++) {
		const struct fake_row *r = &fake_rows[*at];
		struct span value = span_of(r->value, r->len);

		if (!fake_matches(r, q->entry))
			continue;
		*out = (struct dns_record){ .preference = r->preference,
			.text = value };
		if ((r->type == DNS_A || r->type == DNS_AAAA) &&
		    peer_parse(value, &out->address) < 0)
			continue;
		(*at)++;
		return true;
	}
	return false;
}

/* Answer until nobody asks any more. */
static inline void
fake_run(void)
{
	while (n_fake_pending > 0) {
		struct dns_query *q = fake_pending[--n_fake_pending];

		q->state = fake_state(q->entry);
		q->wake(q->owner);
	}
}

#endif
