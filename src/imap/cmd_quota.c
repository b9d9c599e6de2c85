/* cmd_quota.c - GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208).
 *
 * A person has one quota root, "", when they have a limit, and none otherwise.
 * Limits are the owner's to set (`tinpost account`), not the mail client's.
 */
#include "imap/imap_name.h"
#include "imap/imap_session.h"

/* RFC 9208 5.1: STORAGE is counted in units of 1024 octets. */
static uint64_t
to_kib(uint64_t bytes)
{
	return bytes / 1024 + (bytes % 1024 != 0);
}

/* Bytes that are allowed; 0: any number. */
static int
get_limit(struct imap *i, uint64_t *out)
{
	struct account_view a;
	int rc = account_get(i->env->store, i->account, &a);

	if (rc == 0)
		*out = a.quota_bytes;
	return rc;
}

/* RFC 9208 4.2.1 */
static int
put_quota(struct imap *i, uint64_t limit_bytes)
{
	struct buf *out = conn_out(i->conn);
	uint64_t bytes;
	uint32_t messages;
	int rc = account_usage(i->env->store, i->account, &bytes, &messages);

	if (rc < 0)
		return rc;
	buf_put_str(out, "* QUOTA \"\" (STORAGE ");
	buf_put_u64(out, to_kib(bytes));
	buf_put_char(out, ' ');
	buf_put_u64(out, limit_bytes / 1024);
	buf_put_str(out, ")\r\n");
	return 0;
}

static bool
take_root(struct imap *i, struct cur *args, struct span *out)
{
	if (imap_parse_sp(args) == PARSE_OK &&
	    imap_parse_astring(args, &i->arena, out) == PARSE_OK)
		return true;
	imap_bad(i, "A quota root was expected");
	return false;
}

void
imap_getquota(struct imap *i, struct cur *args)
{
	uint64_t limit = 0;
	struct span root;
	int rc;

	if (!take_root(i, args, &root))
		return;
	if (imap_parse_end(args) != PARSE_OK) {
		imap_bad(i, "GETQUOTA takes a quota root");
		return;
	}
	rc = root.len == 0 ? get_limit(i, &limit) : 0;
	if (rc == 0 && limit == 0) {
		imap_done(i, "NO [NONEXISTENT] There is no such quota root");
		return;
	}
	if (rc == 0)
		rc = put_quota(i, limit);
	if (rc < 0)
		imap_error(i, rc);
	else
		imap_done(i, "OK That is the quota");
}

/* RFC 9208 4.1.2: the mailbox need not exist. */
void
imap_getquotaroot(struct imap *i, struct cur *args)
{
	struct buf *out = conn_out(i->conn);
	uint64_t limit;
	struct span path;
	int rc;

	if (!imap_name_take_last(i, args, &path))
		return;
	if (3 * path.len + 512 > conn_out_room(i->conn)) {
		imap_error(i, ERR_LIMIT);
		return;
	}
	rc = get_limit(i, &limit);
	if (rc == 0) {
		buf_put_str(out, "* QUOTAROOT ");
		imap_put_mailbox(out, path, imap_is_utf8(i));
		buf_put_str(out, limit > 0 ? " \"\"\r\n" : "\r\n");
	}
	if (rc == 0 && limit > 0)
		rc = put_quota(i, limit);
	if (rc < 0)
		imap_error(i, rc);
	else
		imap_done(i, limit > 0 ? "OK That is the quota"
		                       : "OK There is no quota");
}

/* RFC 9208 9: setquota-list = "(" [setquota-resource *(SP ...)] ")" */
static enum parse
parse_limits(struct cur *c)
{
	struct span name;
	uint64_t limit;
	enum parse r = cur_expect(c, SPAN("("));

	if (r != PARSE_OK || cur_skip(c, ')'))
		return r;
	do {
		r = imap_parse_atom(c, &name);
		if (r == PARSE_OK)
			r = imap_parse_sp(c);
		if (r == PARSE_OK)
			r = imap_parse_number64(c, &limit);
		if (r != PARSE_OK)
			return r;
	} while (cur_skip(c, ' '));
	return cur_expect(c, SPAN(")"));
}

void
imap_setquota(struct imap *i, struct cur *args)
{
	struct span root;

	if (!take_root(i, args, &root))
		return;
	if (imap_parse_sp(args) != PARSE_OK || parse_limits(args) != PARSE_OK ||
	    imap_parse_end(args) != PARSE_OK)
		imap_bad(i, "SETQUOTA takes a quota root and a list of limits");
	else
		imap_done(i, "NO [NOPERM] Limits are set by the owner");
}
