/* Any bytes as a frame's operations: refused or applied, never a crash. The
 * store is undone after each input. */
#include "base/log.h"
#include "store/op.h"
#include "store/recover.h"

#include "folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct store *s;

	if (s == NULL) {
		log_open(LOG_TO_NOTHING, LOG_FAULT);
		fuzz_folder_begin();
		if (store_create(fuzz_folder, NULL) < 0 ||
		    store_open(fuzz_folder, NULL, &s, NULL) < 0)
			abort();
	}
	if (op_replay(s, span_of(data, len), s->sequence + 1, 4) < 0)
		s->is_poisoned = true;
	if (recover_undo(s) < 0)
		abort();
	return 0;
}
