#include "cmd/sniff.h"

#include "base/ascii.h"

struct magic {
	uint16_t offset, len;
	const char *bytes;
	const char *name;
};

#define UNPACK ": unpack it, then import what is in it"

static const struct magic magics[] = {
	{ 0, 4, "!BDN",
	    "a mail store of Outlook (PST or OST): readpst, of the package "
	    "pst-utils, makes mbox files of it" },
	{ 0, 8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
	    "a message of Outlook (.msg) or an old Office document: msgconvert "
	    "makes .eml files of .msg" },
	{ 0, 4, "\xcf\xad\x12\xfe",
	    "a folder of Outlook Express (DBX): undbx makes .eml files of it" },
	{ 0, 5, "*mbx*",
	    "a folder in UW's mbx form: `mailutil copy` makes an mbox file of "
	    "it" },
	{ 0, 4, "PK\x03\x04", "a zip archive or an Office document" UNPACK },
	{ 0, 2, "\x1f\x8b", "compressed (gzip)" UNPACK },
	{ 0, 3, "BZh", "compressed (bzip2)" UNPACK },
	{ 0, 6,
	    "\xfd"
	    "7zXZ\0",
	    "compressed (xz)" UNPACK },
	{ 0, 4, "\x28\xb5\x2f\xfd", "compressed (zstd)" UNPACK },
	{ 0, 6, "7z\xbc\xaf\x27\x1c", "a 7z archive" UNPACK },
	{ 0, 6, "Rar!\x1a\x07", "a RAR archive" UNPACK },
	{ 257, 5, "ustar",
	    "a tar archive: unpack it, or, if it is a backup of Tinpost, use "
	    "`tinpost restore`" },
	{ 0, 3, "\xff\xd8\xff", "a picture (JPEG)" },
	{ 0, 8, "\x89PNG\r\n\x1a\n", "a picture (PNG)" },
	{ 0, 4, "GIF8", "a picture (GIF)" },
	{ 0, 5, "%PDF-", "a PDF document" },
	{ 4, 4, "ftyp", "a film or sound (MP4)" },
	{ 0, 4,
	    "\x7f"
	    "ELF",
	    "a program" },
	{ 0, 2, "MZ", "a program of Windows" },
	{ 0, 15, "SQLite format 3", "a database (SQLite)" },
	{ 0, 6, "bplist", "a property list of macOS" },
	{ 0, 5, "<?xml", "an XML document" },
	{ 0, 5, "<html", "a web page" },
	{ 0, 5, "<HTML", "a web page" },
	{ 0, 9, "<!DOCTYPE", "a web page" },
	{ 0, 9, "<!doctype", "a web page" },
	{ 0, 15, "BEGIN:VCALENDAR", "a calendar" },
	{ 0, 11, "BEGIN:VCARD", "an address book" },
};

/* Apple Mail's .emlx: the message's length on a line of its own. */
static bool
is_emlx(struct span s)
{
	size_t n = 0;

	while (n < s.len && ascii_is_digit(s.p[n]))
		n++;
	while (n > 0 && n < s.len && s.p[n] == ' ')
		n++;
	return n > 0 && n < s.len && s.p[n] == '\n';
}

const char *
sniff_name(struct span start)
{
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++) {
		const struct magic *m = &magics[i];

		if (span_is(span_sub(start, m->offset, m->len),
		        span_of(m->bytes, m->len)))
			return m->name;
	}
	if (is_emlx(start))
		return "a message of Apple Mail (.emlx): export the mailbox "
		       "there, which makes an mbox file";
	if (span_starts(start, SPAN("{")) || span_starts(start, SPAN("[")))
		return "JSON data";
	/* Further on, even mails have some. */
	if (span_find(span_sub(start, 0, 64), '\0') < 64 && start.len > 64)
		return "data, not text";
	return NULL;
}

bool
sniff_is_mail(struct span start)
{
	struct span line;

	if (start.len == 0)
		return true;
	if (sniff_name(start))
		return false;
	if (span_starts(start, SPAN("\xef\xbb\xbf")))
		start = span_sub(start, 3, start.len);
	line = span_sub(start, 0, span_find(start, '\n'));
	line = span_sub(line, 0, span_find(line, ':') + 1);
	if (span_trim(start).len == 0 || start.p[0] == '\n' ||
	    start.p[0] == '\r')
		return true; /* a message without header */
	if (line.len < 2 || line.p[line.len - 1] != ':')
		return span_starts(start, SPAN("From "));
	for (size_t i = 0; i + 1 < line.len; i++)
		if (ascii_is_ctl(line.p[i]) && line.p[i] != '\t')
			return false;
	return true;
}
