#include "cmd/folder_name.h"

#include "base/ascii.h"
#include "base/mutf7.h"
#include "base/utf8.h"

static const char hex[] = "0123456789abcdef";

/* --- levels --- */

void
folder_name_put_clean(struct buf *out, struct span level)
{
	char storage[2 * MAX_MAILBOX_PART + 2];
	struct buf clean;

	buf_init_fixed(&clean, storage, sizeof(storage));
	level = span_sub(level, 0, MAX_MAILBOX_PART);
	for (size_t i = 0; i < level.len;) {
		uint32_t code = 0;
		int n = utf8_next(span_sub(level, i, level.len), &code);

		if (n < 0)
			code = (unsigned char)level.p[i];
		if (code < 0x20 || code == '/' || (code >= 0x7f && code < 0xa0))
			code = '_';
		utf8_put(&clean, code);
		i += n < 0 ? 1 : (size_t)n;
	}
	if (clean.len == 0)
		buf_put_char(&clean, '_');
	buf_put(out, utf8_cut(buf_span(&clean), MAX_MAILBOX_PART));
}

void
folder_name_put_file(struct buf *out, struct span level)
{
	for (size_t i = 0; i < level.len; i++) {
		if (level.p[i] == '%')
			buf_put_str(out, "%25");
		else if (i == 0 && level.p[i] == '.')
			buf_put_str(out, "%2E");
		else
			buf_put_char(out, level.p[i]);
	}
}

void
folder_name_get_file(struct buf *out, struct span name)
{
	char storage[4 * MAX_MAILBOX_PART];
	struct buf level;

	buf_init_fixed(&level, storage, sizeof(storage));
	while (name.len > 0) {
		bool is_percent = span_starts(name, SPAN("%25"));
		bool is_dot = span_starts_nocase(name, SPAN("%2E"));

		if (is_percent || (is_dot && level.len == 0)) {
			buf_put_char(&level, is_dot ? '.' : '%');
			name = span_sub(name, 3, name.len);
		} else {
			buf_put_char(&level, name.p[0]);
			name = span_sub(name, 1, name.len);
		}
	}
	folder_name_put_clean(out, buf_span(&level));
}

/* --- Maildir++ --- */

void
folder_name_put_maildir(struct buf *out, struct span path)
{
	while (path.len > 0) {
		struct span level = span_split(&path, '/');
		char storage[3 * MAX_MAILBOX_PART];
		struct buf plain;

		buf_init_fixed(&plain, storage, sizeof(storage));
		for (size_t i = 0; i < level.len; i++) {
			unsigned char c = (unsigned char)level.p[i];

			if (c != '.' && c != '\\') {
				buf_put_char(&plain, (char)c);
				continue;
			}
			buf_put_char(&plain, '\\');
			buf_put_char(&plain, hex[c >> 4]);
			buf_put_char(&plain, hex[c & 15]);
		}
		buf_put_char(out, '.');
		mutf7_put(out, buf_span(&plain));
	}
}

/* "\2e" and what else is written so. */
static void
unescape(struct buf *out, struct span s)
{
	while (s.len > 0) {
		int high = s.len > 2 ? ascii_hex_value(s.p[1]) : -1;
		int low = s.len > 2 ? ascii_hex_value(s.p[2]) : -1;
		int c = high * 16 + low;

		if (s.p[0] == '\\' && high >= 0 && low >= 0 &&
		    (c == '.' || c == '\\' || c == '/' || c == '~')) {
			buf_put_char(out, (char)c);
			s = span_sub(s, 3, s.len);
			continue;
		}
		buf_put_char(out, s.p[0]);
		s = span_sub(s, 1, s.len);
	}
}

void
folder_name_get_maildir(struct buf *out, struct span name)
{
	size_t start = out->len;

	while (name.len > 0) {
		struct span level = span_split(&name, '.');
		char decoded[1024], plain[1024];
		struct buf d, p;

		if (level.len == 0)
			continue;
		buf_init_fixed(&d, decoded, sizeof(decoded));
		buf_init_fixed(&p, plain, sizeof(plain));
		if (mutf7_get(&d, level) < 0) {
			buf_reset(&d);
			buf_put(&d, level);
		}
		unescape(&p, buf_span(&d));
		if (out->len > start)
			buf_put_char(out, '/');
		folder_name_put_clean(out, buf_span(&p));
	}
}

/* --- uses --- */

struct name {
	enum special_use use;
	const char *name;
};

/* The first of each use is the name that Tinpost gives. */
static const struct name names[] = {
	{ SPECIAL_SENT, "Sent" },
	{ SPECIAL_SENT, "Sent Items" },
	{ SPECIAL_SENT, "Sent Messages" },
	{ SPECIAL_SENT, "Sent Mail" },
	{ SPECIAL_SENT, "sent-mail" },
	{ SPECIAL_SENT, "Gesendet" },
	{ SPECIAL_SENT, "Gesendete Elemente" },
	{ SPECIAL_SENT, "Gesendete Objekte" },
	{ SPECIAL_SENT, "Éléments envoyés" },
	{ SPECIAL_SENT, "Messages envoyés" },
	{ SPECIAL_SENT, "Enviados" },
	{ SPECIAL_SENT, "Elementos enviados" },
	{ SPECIAL_SENT, "Posta inviata" },
	{ SPECIAL_DRAFTS, "Drafts" },
	{ SPECIAL_DRAFTS, "Draft" },
	{ SPECIAL_DRAFTS, "Entwürfe" },
	{ SPECIAL_DRAFTS, "Brouillons" },
	{ SPECIAL_DRAFTS, "Borradores" },
	{ SPECIAL_DRAFTS, "Bozze" },
	{ SPECIAL_JUNK, "Junk" },
	{ SPECIAL_JUNK, "Spam" },
	{ SPECIAL_JUNK, "Junk E-mail" },
	{ SPECIAL_JUNK, "Junk Email" },
	{ SPECIAL_JUNK, "Junk Mail" },
	{ SPECIAL_JUNK, "Bulk Mail" },
	{ SPECIAL_JUNK, "Courrier indésirable" },
	{ SPECIAL_JUNK, "Correo no deseado" },
	{ SPECIAL_TRASH, "Trash" },
	{ SPECIAL_TRASH, "Bin" },
	{ SPECIAL_TRASH, "Deleted" },
	{ SPECIAL_TRASH, "Deleted Items" },
	{ SPECIAL_TRASH, "Deleted Messages" },
	{ SPECIAL_TRASH, "Papierkorb" },
	{ SPECIAL_TRASH, "Gelöschte Elemente" },
	{ SPECIAL_TRASH, "Gelöschte Objekte" },
	{ SPECIAL_TRASH, "Corbeille" },
	{ SPECIAL_TRASH, "Éléments supprimés" },
	{ SPECIAL_TRASH, "Papelera" },
	{ SPECIAL_TRASH, "Cestino" },
	{ SPECIAL_ARCHIVE, "Archive" },
	{ SPECIAL_ARCHIVE, "Archives" },
	{ SPECIAL_ARCHIVE, "Archived" },
	{ SPECIAL_ARCHIVE, "Archiv" },
};

enum special_use
folder_name_use(struct span level, bool *is_ours_out)
{
	enum special_use before = SPECIAL_NONE;

	*is_ours_out = false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (span_is_nocase(level, span_str(names[i].name))) {
			*is_ours_out = names[i].use != before;
			return names[i].use;
		}
		before = names[i].use;
	}
	return SPECIAL_NONE;
}
