/* Any bytes as a value of the index: refused, or understood in a way that can
 * be written and read again. */
#include <stdlib.h>

#include "store/memo_in.h"
#include "store/rate_in.h"
#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define AGAIN(type, get, put)                                                  \
	do {                                                                   \
		static struct type v, w;                                       \
		static struct record r;                                        \
		if (get(value, &v) < 0)                                        \
			break;                                                 \
		put(&r, &v);                                                   \
		if (get(record_span(&r), &w) < 0)                              \
			abort();                                               \
	} while (0)

static void
read_sets(struct span value)
{
	enum intent_kind intent;
	enum change_row row;
	struct rangeset set;
	uint32_t subject;

	rangeset_init(&set);
	(void)!record_get_change(value, &row, &set);
	rangeset_clear(&set);
	(void)!record_get_intent(value, &intent, &subject, &set);
	rangeset_deinit(&set);
}

static void
read_texts(struct span value)
{
	struct span text, rest;
	struct rate rate;
	int64_t until;
	struct event e;
	struct buf b;

	buf_init(&b, RECORD_BYTES);
	(void)!record_get_text(value, &text);
	(void)!record_get_event(value, &e);
	(void)!rate_parse(value, 1700000000, &rate);
	if (memo_parse(value, &rest, &until) == 0 &&
	    (until < 0 || rest.len != value.len - 9))
		abort();
	(void)!key_address_text(value, &b);
	buf_deinit(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span value = span_of(data, len);
	struct record r;
	uint64_t n;

	AGAIN(meta, record_get_meta, record_put_meta);
	AGAIN(mailbox_rec, record_get_mailbox, record_put_mailbox);
	AGAIN(account_rec, record_get_account, record_put_account);
	AGAIN(usage, record_get_usage, record_put_usage);
	AGAIN(address_entry, record_get_address, record_put_address);
	AGAIN(message, record_get_message, record_put_message);
	AGAIN(body_place, record_get_body, record_put_body);
	if (record_get_number(value, &n) == 0)
		record_put_number(&r, n);
	read_sets(value);
	read_texts(value);
	return 0;
}
