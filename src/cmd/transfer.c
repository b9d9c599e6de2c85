#include "cmd/transfer.h"

#include "cmd/archive.h"
#include "cmd/export.h"
#include "cmd/import.h"

struct transfer {
	const char *noun;
	int (*run)(struct link *l, struct args *a);
};

static const struct transfer transfers[] = {
	{ "import", import_run },
	{ "export", export_run },
	{ "backup", archive_backup },
	{ NULL, NULL },
};

static const struct transfer *
find(const struct args *a)
{
	for (const struct transfer *t = transfers; t->noun; t++)
		if (span_is(span_str(t->noun), span_str(a->command->noun)))
			return t;
	return NULL;
}

bool
transfer_is_one(const struct args *a)
{
	return find(a) != NULL;
}

int
transfer_run(struct link *l, struct args *a)
{
	return find(a)->run(l, a);
}
