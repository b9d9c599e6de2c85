#include "imap/imap_name.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "imap/imap_session.h"

int
imap_name_check(struct span path)
{
	unsigned n_levels = 0;

	if (path.len == 0 || path.p[path.len - 1] == '/' ||
	    !utf8_is_valid(path))
		return ERR_INVALID;
	for (size_t i = 0; i < path.len; i++)
		if (ascii_is_ctl(path.p[i]))
			return ERR_INVALID;
	while (path.len > 0) {
		struct span level = span_split(&path, '/');

		if (level.len == 0)
			return ERR_INVALID;
		if (level.len > MAX_MAILBOX_PART ||
		    ++n_levels > MAX_MAILBOX_DEPTH)
			return ERR_LIMIT;
	}
	return 0;
}

/* RFC 6855 3: no C1 controls, no line or paragraph separator; and no name that
 * means another folder where mail is kept in files. */
static bool
is_new_name(struct span path)
{
	uint32_t code = 0;

	for (struct span s = path; s.len > 0;) {
		int n = utf8_next(s, &code);

		if (n <= 0 || (code >= 0x80 && code <= 0x9f) ||
		    code == 0x2028 || code == 0x2029)
			return false;
		s = span_sub(s, (size_t)n, s.len);
	}
	while (path.len > 0) {
		struct span level = span_split(&path, '/');

		if (span_is(level, SPAN(".")) || span_is(level, SPAN("..")))
			return false;
	}
	return true;
}

bool
imap_name_may_be_made(struct imap *i, struct span path)
{
	if (is_new_name(path))
		return true;
	imap_done(i, "NO [CANNOT] No mailbox can have this name");
	return false;
}

bool
imap_name_take(struct imap *i, struct cur *args, struct span *path_out)
{
	bool is_valid = false;
	struct span path;

	if (imap_parse_sp(args) != PARSE_OK ||
	    imap_parse_mailbox(args, &i->arena, imap_is_utf8(i), &path,
	        &is_valid) != PARSE_OK) {
		imap_bad(i, "The name of a mailbox was expected");
		return false;
	}
	if (path.len > 1 && path.p[path.len - 1] == '/')
		path.len--;
	switch (is_valid ? imap_name_check(path) : ERR_INVALID) {
	case 0:
		*path_out = path;
		return true;
	case ERR_LIMIT:
		imap_done(i, "NO [LIMIT] The name is too long or too deep");
		return false;
	default:
		imap_done(i, "NO [CANNOT] No mailbox can have this name");
		return false;
	}
}

bool
imap_name_take_last(struct imap *i, struct cur *args, struct span *path_out)
{
	if (!imap_name_take(i, args, path_out))
		return false;
	if (imap_parse_end(args) == PARSE_OK)
		return true;
	imap_bad(i, "Nothing may follow the name of the mailbox");
	return false;
}

bool
imap_name_find(struct imap *i, struct span path, uint32_t *mailbox_out)
{
	int rc = mailbox_find(i->env->store, i->account, path, mailbox_out);

	if (rc == ERR_NONE) /* RFC 5530 3 */
		imap_done(i, "NO [NONEXISTENT] There is no such mailbox");
	else if (rc < 0)
		imap_error(i, rc);
	return rc == 0;
}
