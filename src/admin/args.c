#include "admin/args.h"

#include "admin/quantity.h"
#include "admin/settings.h"
#include "base/ascii.h"
#include "base/limits.h"
#include "base/utf8.h"

static bool
is_option(const struct command_arg *a)
{
	return a->name[0] == '-';
}

static bool
is_text(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (ascii_is_ctl(s.p[i]))
			return false;
	return utf8_is_valid(s);
}

static bool
is_domain(struct span s)
{
	if (s.len == 0 || s.len > MAX_DOMAIN_BYTES || s.p[0] == '.' ||
	    s.p[0] == '-' || s.p[s.len - 1] == '.')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];

		if (!ascii_is_alnum(c) && !ascii_is_8bit(c) && c != '-' &&
		    c != '.')
			return false;
		if (c == '.' && s.p[i - 1] == '.')
			return false;
	}
	return is_text(s);
}

static bool
is_address(struct span s, bool may_be_catch_all)
{
	size_t at = span_rfind(s, '@');

	if (at == s.len || s.len > MAX_ADDRESS_BYTES || !is_text(s))
		return false;
	if (at == 0 && !may_be_catch_all)
		return false;
	if (at > MAX_LOCAL_BYTES || span_find(s, ' ') < at)
		return false;
	return is_domain(span_sub(s, at + 1, s.len));
}

static bool
is_one_of(struct span s, const char *words)
{
	struct span rest = span_str(words);

	while (rest.len > 0)
		if (span_is(span_split(&rest, ' '), s))
			return true;
	return false;
}

/* What an argument of a type must look like; NULL: it does. */
static const char *
complaint(const struct command_arg *a, struct span v, uint64_t *number)
{
	enum setting_id id;

	switch (a->type) {
	case ARG_ADDRESS:
		return is_address(v, false)
		           ? NULL
		           : "is an address like kim@example.org";
	case ARG_KEY:
		return is_address(v, true) ? NULL
		                           : "is an address like "
		                             "kim@example.org, or @example.org "
		                             "for all others of a domain";
	case ARG_DOMAIN:
		return is_domain(v) ? NULL : "is a domain like example.org";
	case ARG_SIZE:
		if (span_is_nocase(v, SPAN("none"))) {
			*number = 0;
			return NULL;
		}
		return quantity_size(v, 1ull << 50, number) == 0
		           ? NULL
		           : "is a size like 500M or 2G, or none";
	case ARG_SETTING:
		return settings_find(v, &id) == 0
		           ? NULL
		           : "is no setting; `tinpost settings` lists them";
	case ARG_COUNT:
		return span_to_u64(v, a->max, number) == 0 ? NULL
		                                           : "is a number";
	case ARG_WORD:
		return is_one_of(v, a->words) ? NULL : "is one of:";
	case ARG_FILE:
	case ARG_TEXT:
		if (a->max > 0 && v.len > a->max)
			return "is too long";
		return is_text(v) || a->type == ARG_FILE
		           ? NULL
		           : "is one line of text in UTF-8";
	case ARG_SWITCH:
		return NULL;
	}
	return NULL;
}

static int
check(const struct command *c, size_t i, struct span v, struct args *out,
    struct buf *why)
{
	const struct command_arg *a = &c->args[i];
	const char *what = complaint(a, v, &out->number[i]);

	if (what) {
		buf_put_str(why, "\"");
		for (size_t k = 0; k < v.len && k < 100; k++)
			buf_put_char(why, ascii_is_ctl(v.p[k]) ? '?' : v.p[k]);
		buf_putf(why, "\": %s %s", a->name, what);
		if (a->type == ARG_WORD)
			buf_putf(why, " %s", a->words);
		buf_put_str(why, ".");
		return ERR_SYNTAX;
	}
	out->value[i] = v.p ? v : SPAN("");
	return 0;
}

/* Take the option at words[*i], with its value. */
static int
take_option(const struct command *c, struct span *words, size_t n, size_t *i,
    struct args *out, struct buf *why)
{
	struct span value = words[*i];
	struct span name = span_split(&value, '=');
	bool has_value = name.len < words[*i].len;

	for (size_t k = 0; k < c->n_args; k++) {
		const struct command_arg *a = &c->args[k];

		if (!is_option(a) || !span_is(name, span_str(a->name)))
			continue;
		if (a->type == ARG_SWITCH) {
			if (has_value)
				break;
			out->value[k] = SPAN("on");
			return 0;
		}
		if (!has_value) {
			if (*i + 1 >= n) {
				buf_putf(why, "%s needs a value.", a->name);
				return ERR_SYNTAX;
			}
			value = words[++*i];
		}
		return check(c, k, value, out, why);
	}
	buf_put_str(why, "Unknown option ");
	buf_put(why, span_sub(name, 0, 60));
	buf_put_str(why, ".");
	return ERR_SYNTAX;
}

/* Move the words that are no options to the front, in order; options are
 * taken. *n_out: how many are left. */
static int
take_options(const struct command *c, struct span *words, size_t n,
    struct args *out, size_t *n_out, struct buf *why)
{
	bool is_over = false;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_over && span_is(words[i], SPAN("--"))) {
			is_over = true;
		} else if (!is_over && words[i].len > 1 &&
		           span_starts(words[i], SPAN("--"))) {
			int rc = take_option(c, words, n, &i, out, why);

			if (rc < 0)
				return rc;
		} else {
			words[kept++] = words[i];
		}
	}
	*n_out = kept;
	return 0;
}

static int
take_many(const struct command *c, size_t i, struct span *words, size_t n,
    struct args *out, struct buf *why)
{
	out->many = words;
	out->n_many = n;
	for (size_t k = 0; k < n; k++) {
		int rc = check(c, i, words[k], out, why);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
take_words(const struct command *c, struct span *words, size_t n,
    struct args *out, struct buf *why)
{
	size_t used = 0;

	for (size_t i = 0; i < c->n_args; i++) {
		const struct command_arg *a = &c->args[i];
		int rc;

		if (is_option(a))
			continue;
		if (used == n) {
			if (a->flags & (ARG_OPTIONAL | ARG_LOCAL))
				continue;
			buf_putf(why, "%s is missing.", a->name);
			return ERR_SYNTAX;
		}
		if (a->flags & ARG_MANY) {
			rc = take_many(c, i, words + used, n - used, out, why);
			used = n;
		} else {
			rc = check(c, i, words[used++], out, why);
		}
		if (rc < 0)
			return rc;
	}
	if (used == n)
		return 0;
	buf_put_str(why, "Too many words, from \"");
	buf_put(why, span_sub(words[used], 0, 60));
	buf_put_str(why, "\" on.");
	return ERR_SYNTAX;
}

int
args_parse(const struct command *c, struct span *words, size_t n,
    struct args *out, struct buf *why)
{
	size_t n_left = 0;
	int rc;

	*out = (struct args){ .command = c };
	rc = take_options(c, words, n, out, &n_left, why);
	if (rc == 0)
		rc = take_words(c, words, n_left, out, why);
	if (rc < 0) {
		buf_put_str(why, "\nUsage: tinpost ");
		command_put_usage(why, c);
	}
	return rc;
}

int
args_check_local(const struct args *a, struct buf *why)
{
	for (size_t i = 0; i < a->command->n_args; i++) {
		const struct command_arg *arg = &a->command->args[i];

		if (is_option(arg) || (arg->flags & ARG_OPTIONAL) ||
		    a->value[i].p)
			continue;
		buf_putf(why, "%s is missing.\nUsage: tinpost ", arg->name);
		command_put_usage(why, a->command);
		return ERR_SYNTAX;
	}
	return 0;
}

static size_t
index_of(const struct args *a, const char *name)
{
	for (size_t i = 0; i < a->command->n_args; i++)
		if (span_is(span_str(a->command->args[i].name), span_str(name)))
			return i;
	return MAX_COMMAND_ARGS;
}

struct span
args_get(const struct args *a, const char *name)
{
	size_t i = index_of(a, name);

	return i < MAX_COMMAND_ARGS ? a->value[i] : span_of(NULL, 0);
}

void
args_set(struct args *a, const char *name, struct span value)
{
	size_t i = index_of(a, name);

	if (i < MAX_COMMAND_ARGS)
		a->value[i] = value;
}

uint64_t
args_number(const struct args *a, const char *name)
{
	size_t i = index_of(a, name);

	return i < MAX_COMMAND_ARGS ? a->number[i] : 0;
}

static void
put_word(struct buf *out, struct span word)
{
	buf_put(out, word);
	buf_put_char(out, '\0');
}

static void
put_command(struct buf *out, const struct command *c)
{
	struct span verb = span_str(c->verb);

	put_word(out, span_str(c->noun));
	while (verb.len > 0)
		put_word(out, span_split(&verb, ' '));
}

void
args_put(struct buf *out, const struct args *a)
{
	const struct command *c = a->command;

	put_command(out, c);
	for (size_t i = 0; i < c->n_args; i++) {
		if (!is_option(&c->args[i]) || !a->value[i].p ||
		    (c->args[i].flags & ARG_LOCAL))
			continue;
		put_word(out, span_str(c->args[i].name));
		if (c->args[i].type != ARG_SWITCH)
			put_word(out, a->value[i]);
	}
	put_word(out, SPAN("--"));
	for (size_t i = 0; i < c->n_args; i++) {
		unsigned flags = c->args[i].flags;

		if (is_option(&c->args[i]) || !a->value[i].p ||
		    (flags & ARG_LOCAL))
			continue;
		if (flags & ARG_MANY)
			for (size_t k = 0; k < a->n_many; k++)
				put_word(out, a->many[k]);
		else
			put_word(out, a->value[i]);
	}
}
