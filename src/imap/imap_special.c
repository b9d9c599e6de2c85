#include "imap/imap_special.h"

static const struct {
	enum special_use use;
	const char *name;
} uses[] = {
	{ SPECIAL_SENT, "\\Sent" },
	{ SPECIAL_DRAFTS, "\\Drafts" },
	{ SPECIAL_JUNK, "\\Junk" },
	{ SPECIAL_TRASH, "\\Trash" },
	{ SPECIAL_ARCHIVE, "\\Archive" },
};

#define N_USES (sizeof(uses) / sizeof(uses[0]))

const char *
imap_special_name(enum special_use use)
{
	for (size_t n = 0; n < N_USES; n++)
		if (uses[n].use == use)
			return uses[n].name;
	return NULL;
}

int
imap_special_find(struct span name, enum special_use *out)
{
	for (size_t n = 0; n < N_USES; n++) {
		if (span_is_nocase(name, span_str(uses[n].name))) {
			*out = uses[n].use;
			return 0;
		}
	}
	return ERR_UNSUPPORTED;
}
