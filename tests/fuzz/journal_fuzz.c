/* Any bytes as a frame's operations: refused or applied, never a crash. The
 * store is undone after each input. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "store/op.h"
#include "store/recover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct store *s;

	if (s == NULL) {
		char folder[] = "/tmp/tinpost-journal-fuzz-XXXXXX";

		log_open(LOG_TO_NOTHING, LOG_FAULT);
		if (mkdtemp(folder) == NULL || store_create(folder, NULL) < 0 ||
		    store_open(folder, NULL, &s, NULL) < 0)
			abort();
	}
	if (op_replay(s, span_of(data, len), s->sequence + 1, 4) < 0)
		s->is_poisoned = true;
	if (recover_undo(s) < 0)
		abort();
	return 0;
}
