#include "admin/settings.h"

#include "admin/quantity.h"
#include "base/ascii.h"
#include "base/limits.h"
#include "net/net.h"
#include "trust/trust.h"

#define ROW(id, key, type, fallback, min, max, unit, help)                     \
	[SET_##id] = { key, type, fallback, min, max, unit, help },
static const struct setting table[N_SETTINGS] = { SETTINGS_TABLE(ROW) };

const struct setting *
setting_of(enum setting_id id)
{
	return &table[id];
}

int
settings_find(struct span key, enum setting_id *out)
{
	for (size_t i = 0; i < N_SETTINGS; i++) {
		if (span_is_nocase(key, span_str(table[i].key))) {
			*out = (enum setting_id)i;
			return 0;
		}
	}
	return ERR_NONE;
}

static int
check_choice(const struct setting *t, struct span value, uint64_t *n_out)
{
	struct span rest = span_str(t->unit);
	uint64_t i = 0;

	while (rest.len > 0) {
		struct span word = span_split(&rest, ' ');

		if (span_is_nocase(word, value)) {
			*n_out = i;
			return 0;
		}
		i++;
	}
	return ERR_SYNTAX;
}

static int
check_switch(struct span value, uint64_t *n_out)
{
	static const char *const words[] = { "off", "no", "false", "0", "on",
		"yes", "true", "1" };

	for (size_t i = 0; i < 8; i++) {
		if (span_is_nocase(value, span_str(words[i]))) {
			*n_out = i >= 4;
			return 0;
		}
	}
	return ERR_SYNTAX;
}

static bool
is_host_name(struct span s)
{
	char before = '.';

	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!ascii_is_alnum(c) && c != '-' && c != '.')
			return false;
		if (c == '.' && before == '.')
			return false;
		before = c;
	}
	return s.len > 0 && before != '.' && before != '-';
}

static bool
is_listen_list(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (ascii_hex_value(c) < 0 && c != '.' && c != ':' &&
		    c != ' ' && c != '*')
			return false;
	}
	return span_trim(s).len > 0;
}

/* What a header field can name without quotes. */
static bool
is_address(struct span s)
{
	struct span host = span_sub(s, span_find(s, '@') + 1, s.len);

	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 ||
		    strchr("()<>[]:;\\,\"", s.p[i]) != NULL)
			return false;
	return s.len > host.len + 1 && s.p[0] != '.' && is_host_name(host);
}

static bool
is_plain_text(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (ascii_is_ctl(s.p[i]))
			return false;
	return true;
}

static bool
are_weights(struct span value, bool are_lists)
{
	struct weights w = { .n_rules = 0 };

	return (are_lists ? weights_parse_lists(value, &w)
	                  : weights_parse_doubts(value, &w)) == 0;
}

static int
check_value(const struct setting *t, struct span value, uint64_t *n_out)
{
	bool is_good = false;
	int rc = 0;

	switch (t->type) {
	case SETTING_INT:
		rc = span_to_u64(value, t->max, n_out);
		break;
	case SETTING_SIZE:
		rc = quantity_size(value, t->max, n_out);
		break;
	case SETTING_TIME:
		rc = quantity_time(value, t->max, n_out);
		break;
	case SETTING_SWITCH:
		return check_switch(value, n_out);
	case SETTING_CHOICE:
		return check_choice(t, value, n_out);
	case SETTING_HOST:
		is_good = is_host_name(value);
		break;
	case SETTING_LISTEN:
		is_good = is_listen_list(value);
		break;
	case SETTING_SERVERS:
		is_good = value.len == 0 || dns_are_servers(value);
		break;
	case SETTING_NETWORKS:
		is_good = network_is_list(value);
		break;
	case SETTING_WEIGHTS:
	case SETTING_LISTS:
		is_good = are_weights(value, t->type == SETTING_LISTS);
		break;
	case SETTING_ADDRESS:
		is_good = value.len == 0 || is_address(value);
		break;
	case SETTING_TEXT:
		is_good = is_plain_text(value);
		break;
	}
	if (t->type >= SETTING_HOST) {
		*n_out = value.len;
		rc = is_good ? 0 : ERR_SYNTAX;
		if (value.len > t->max)
			rc = ERR_LIMIT;
	}
	if (rc == 0 && *n_out < t->min)
		rc = ERR_LIMIT;
	return rc;
}

/* What the table's two limits cannot say. */
static int
check_special(enum setting_id id, uint64_t n)
{
	/* RFC 7677 4: at least 4096 rounds. */
	if (id == SET_AUTH_ITERATIONS && n > 0 && n < 4096)
		return ERR_LIMIT;
	return 0;
}

int
settings_check(
    enum setting_id id, struct span value, uint64_t *n_out, struct buf *why)
{
	const struct setting *t = &table[id];
	int rc = check_value(t, value, n_out);

	if (rc == 0)
		rc = check_special(id, *n_out);
	if (rc < 0 && why) {
		buf_putf(why, "%s is ", t->key);
		settings_put_limits(why, id);
		buf_put_str(why, ".");
	}
	return rc;
}

void
settings_put_limits(struct buf *b, enum setting_id id)
{
	const struct setting *t = &table[id];
	struct span words = span_str(t->unit);

	switch (t->type) {
	case SETTING_INT:
		buf_putf(b, "a number from %llu to %llu",
		    (unsigned long long)t->min, (unsigned long long)t->max);
		break;
	case SETTING_SIZE:
		buf_put_str(b, "a size like 500K, 25M or 1G, from ");
		quantity_put_size(b, t->min);
		buf_put_str(b, " to ");
		quantity_put_size(b, t->max);
		break;
	case SETTING_TIME:
		buf_put_str(b, "a time like 30s, 5m or 2h, from ");
		quantity_put_time(b, t->min);
		buf_put_str(b, " to ");
		quantity_put_time(b, t->max);
		break;
	case SETTING_SWITCH:
		buf_put_str(b, "on or off");
		break;
	case SETTING_CHOICE:
		buf_put_str(b, "one of ");
		while (words.len > 0) {
			buf_put(b, span_split(&words, ' '));
			buf_put_str(b, words.len > 0 ? ", " : "");
		}
		break;
	case SETTING_HOST:
		buf_put_str(b, "a host name like mail.example.org");
		break;
	case SETTING_LISTEN:
		buf_put_str(b, "* or IP addresses separated by spaces");
		break;
	case SETTING_SERVERS:
		buf_put_str(b, "IP addresses separated by spaces, with a port "
		               "or without: 192.0.2.1 [2001:db8::1]:5353");
		break;
	case SETTING_NETWORKS:
		buf_put_str(b, "networks separated by spaces: 192.0.2.0/24 "
		               "2001:db8::/32");
		break;
	case SETTING_WEIGHTS:
		for (size_t i = 0; i < N_DOUBTS; i++)
			buf_putf(b, "%s%s=N", i == 0 ? "any of " : " ",
			    weights_name((enum doubt)i));
		buf_putf(
		    b, ", each N from -%d to %d", WEIGHTS_MAX, WEIGHTS_MAX);
		break;
	case SETTING_LISTS:
		buf_putf(b,
		    "like zen.example=5 other.example:127.0.0.2-11=-2, of %d "
		    "lists at most, with weights from -%d to %d but not 0",
		    WEIGHTS_MAX_LISTS, WEIGHTS_MAX, WEIGHTS_MAX);
		break;
	case SETTING_ADDRESS:
		buf_put_str(b, "an address like reports@example.org, or empty");
		break;
	case SETTING_TEXT:
		buf_putf(b, "a line of text of %llu bytes at most",
		    (unsigned long long)t->max);
		break;
	}
	if (id == SET_AUTH_ITERATIONS)
		buf_put_str(b, ", and 0 or at least 4096");
}

int
settings_text(struct store *s, enum setting_id id, struct buf *out)
{
	size_t before = out->len;
	int rc = setting_get(s, span_str(table[id].key), out);

	if (rc == ERR_NONE) {
		buf_truncate(out, before);
		buf_put_str(out, table[id].fallback);
		rc = 0;
	}
	if (rc == 0 && buf_failed(out))
		rc = ERR_LIMIT;
	return rc;
}

void
settings_load(struct settings *st, struct store *s)
{
	char storage[1024];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	for (size_t i = 0; i < N_SETTINGS; i++) {
		enum setting_id id = (enum setting_id)i;

		buf_reset(&b);
		if (settings_text(s, id, &b) == 0 &&
		    settings_check(id, buf_span(&b), &st->n[i], NULL) == 0)
			continue;
		/* The table's own defaults always pass: a test sees to it. */
		if (settings_check(
		        id, span_str(table[i].fallback), &st->n[i], NULL) < 0)
			st->n[i] = 0;
	}
}

#define KEY_SET_UP SPAN("setup.done")

bool
settings_is_set_up(struct store *s)
{
	char storage[16];
	struct buf b;

	buf_init_fixed(&b, storage, sizeof(storage));
	return setting_get(s, KEY_SET_UP, &b) == 0;
}

int
settings_set_up(struct store *s)
{
	return setting_put(s, KEY_SET_UP, SPAN("yes"));
}
