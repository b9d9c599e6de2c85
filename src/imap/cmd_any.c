/* cmd_any.c - CAPABILITY, NOOP, LOGOUT, ID, ENABLE (RFC 9051 6.1, 6.3.1). */
#include "base/version.h"
#include "imap/imap_session.h"

/* RFC 2971 3.3. */
#define MAX_ID_FIELDS 30
#define MAX_ID_NAME   30
#define MAX_ID_VALUE  1024

void
imap_capability(struct imap *i, struct cur *args)
{
	struct buf *out = conn_out(i->conn);

	(void)args;
	buf_put_str(out, "* CAPABILITY ");
	imap_put_capabilities(i, out);
	buf_put_str(out, "\r\n");
	imap_done(i, "OK That is all");
}

/* What changed is told with any command (RFC 9051 7). */
void
imap_noop(struct imap *i, struct cur *args)
{
	(void)args;
	imap_done(i, "OK Done");
}

void
imap_logout(struct imap *i, struct cur *args)
{
	struct buf *out = conn_out(i->conn);

	(void)args;
	imap_view_close(i); /* what changed does not matter any more */
	buf_put_str(out, "* BYE Goodbye\r\n");
	buf_put(out, span_of(i->tag, i->tag_len));
	buf_put_str(out, " OK Signed out\r\n");
	i->state = IMAP_LOGGED_OUT;
	conn_close(i->conn);
}

/* RFC 2971 4: id-params. */
static bool
parse_id(struct cur *c, struct arena *a)
{
	struct span name, value;

	if (imap_parse_word(c, SPAN("NIL")) == PARSE_OK)
		return cur_is_end(c);
	if (!cur_skip(c, '('))
		return false;
	if (cur_skip(c, ')')) /* Deviation: some clients send (). */
		return cur_is_end(c);
	for (int n = 0; n < MAX_ID_FIELDS; n++) {
		if (imap_parse_string(c, a, &name) != PARSE_OK ||
		    name.len > MAX_ID_NAME || imap_parse_sp(c) != PARSE_OK ||
		    imap_parse_nstring(c, a, &value) != PARSE_OK ||
		    value.len > MAX_ID_VALUE)
			return false;
		if (cur_skip(c, ')'))
			return cur_is_end(c);
		if (imap_parse_sp(c) != PARSE_OK)
			return false;
	}
	return false;
}

/* Who the client says that it is changes nothing here (RFC 2971 1). The
 * version is told only to those who are signed in. */
void
imap_id(struct imap *i, struct cur *args)
{
	struct buf *out = conn_out(i->conn);

	if (imap_parse_sp(args) != PARSE_OK || !parse_id(args, &i->arena)) {
		imap_bad(i, "ID takes NIL, or names and values");
		return;
	}
	buf_put_str(out, "* ID (\"name\" \"Tinpost\"");
	if (i->state != IMAP_NOT_AUTHENTICATED) {
		buf_put_str(out, " \"version\" \"");
		buf_put_str(out, version_string());
		buf_put_char(out, '"');
	}
	buf_put_str(out, ")\r\n");
	imap_done(i, "OK Pleased to meet you");
}

static const struct {
	struct span name;
	uint32_t bits;
} extensions[] = {
	{ SPAN("CONDSTORE"), IMAP_CONDSTORE },
	{ SPAN("QRESYNC"), IMAP_QRESYNC | IMAP_CONDSTORE }, /* RFC 7162 3.2.3 */
	{ SPAN("UTF8=ACCEPT"), IMAP_UTF8 },                 /* RFC 6855 3 */
	{ SPAN("IMAP4rev2"), IMAP_REV2 },
};

#define N_EXTENSIONS (sizeof(extensions) / sizeof(extensions[0]))

/* Deviation: also with a mailbox selected, as RFC 5161 3.1 lets us. Names that
 * are not known are passed over. */
void
imap_enable(struct imap *i, struct cur *args)
{
	struct buf *out = conn_out(i->conn);
	uint32_t asked = 0;
	struct span name;

	do {
		if (imap_parse_sp(args) != PARSE_OK ||
		    imap_parse_atom(args, &name) != PARSE_OK) {
			imap_bad(i, "ENABLE takes names of extensions");
			return;
		}
		for (size_t n = 0; n < N_EXTENSIONS; n++) {
			if (span_is_nocase(name, extensions[n].name))
				asked |= 1u << n;
		}
	} while (!cur_is_end(args));
	buf_put_str(out, "* ENABLED");
	for (size_t n = 0; n < N_EXTENSIONS; n++) {
		if (!(asked & (1u << n)))
			continue;
		buf_put_char(out, ' ');
		buf_put(out, extensions[n].name);
	}
	buf_put_str(out, "\r\n");
	for (size_t n = 0; n < N_EXTENSIONS; n++) {
		if (!(asked & (1u << n)))
			continue;
		if (extensions[n].bits & IMAP_CONDSTORE)
			imap_enable_condstore(i);
		i->enabled |= extensions[n].bits;
	}
	imap_done(i, "OK Done");
}
