#include "cmd/gmail.h"

#include "base/ascii.h"
#include "store/message.h"

struct known {
	const char *label;
	const char *box; /* NULL: none */
	uint16_t flags;
	bool is_important, is_unread;
};

static const struct known known[] = {
	{ "Inbox", "INBOX", 0, false, false },
	{ "Sent", "Sent", 0, false, false },
	{ "Draft", "Drafts", MESSAGE_DRAFT, false, false },
	{ "Drafts", "Drafts", MESSAGE_DRAFT, false, false },
	{ "Spam", "Junk", 0, false, false },
	{ "Trash", "Trash", 0, false, false },
	{ "Bin", "Trash", 0, false, false },
	{ "Archived", NULL, 0, false, false },
	{ "All Mail", NULL, 0, false, false },
	{ "Unread", NULL, 0, false, true },
	{ "Opened", NULL, 0, false, false },
	{ "Starred", NULL, MESSAGE_FLAGGED, false, false },
	{ "Important", NULL, 0, true, false },
	{ "Chat", NULL, 0, false, false },
	{ "Muted", NULL, 0, false, false },
	{ "Snoozed", NULL, 0, false, false },
	{ "Scheduled", NULL, 0, false, false },
};

static void
add_box(struct gmail *g, struct span path)
{
	for (size_t i = 0; i < g->n_boxes; i++)
		if (span_is(g->box[i], path))
			return;
	if (g->n_boxes < MAX_GMAIL_BOXES)
		g->box[g->n_boxes++] = path;
}

static void
take(struct gmail *g, struct span label, bool *is_unread)
{
	if (label.len == 0 || span_starts(label, SPAN("Category ")))
		return;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const struct known *k = &known[i];

		if (!span_is_nocase(label, span_str(k->label)))
			continue;
		g->flags |= k->flags;
		g->is_important |= k->is_important;
		*is_unread |= k->is_unread;
		if (k->box)
			add_box(g, span_str(k->box));
		return;
	}
	add_box(g, label);
}

/* The next of the list; in quotes where it has a comma. */
static struct span
next_label(struct span *rest)
{
	struct span s = span_trim(*rest), label;

	if (!span_starts(s, SPAN("\""))) {
		label = span_trim(span_split(&s, ','));
		*rest = s;
		return label;
	}
	s = span_sub(s, 1, s.len);
	label = span_split(&s, '"');
	(void)span_split(&s, ',');
	*rest = s;
	return label;
}

void
gmail_read(struct span labels, struct gmail *out)
{
	bool is_unread = false;

	memset(out, 0, sizeof(*out));
	while (labels.len > 0)
		take(out, next_label(&labels), &is_unread);
	if (!is_unread)
		out->flags |= MESSAGE_SEEN;
	if (out->n_boxes == 0)
		add_box(out, SPAN("Archive"));
}
