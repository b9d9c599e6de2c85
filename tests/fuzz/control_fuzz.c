/* A client of the control socket: frames of a type, a length byte and that
 * much payload, given to a command in a small store as the server's turns
 * would. Whatever they are, what is answered are whole frames, and at the end
 * of the client's input the command is over or waits. A store serves a hundred
 * inputs: making one costs more than a command. */
#include "admin/admin.h"
#include "auth/auth.h"
#include "base/log.h"
#include "store/store.h"

#include "folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

/* One person with one message that has a keyword. */
static void
fill(struct store *s)
{
	struct account_new kim = { .address = SPAN("kim@mail.test") };
	struct delivery_to to = { .flags = 3, .keywords = 1 };
	struct delivery d = { .to = &to, .n_to = 1 };
	struct upload *u = NULL;
	struct body body;
	uint32_t account = 0;
	unsigned bit;

	must(domain_create(s, SPAN("mail.test")) == 0);
	must(account_create(s, &kim, &account) == 0);
	must(mailbox_find(s, account, SPAN("INBOX"), &to.mailbox) == 0);
	must(mailbox_add_keyword(s, to.mailbox, SPAN("work"), &bit) == 0);
	must(upload_new(s, &u) == 0);
	must(upload_put(u, SPAN("A: b\r\n\r\nx\r\n")) == 0);
	must(upload_finish(u, SPAN(""), SPAN(""), &body) == 0);
	d.body = &body;
	must(mailbox_deliver(s, &d, NULL, NULL) == 0);
	upload_free(u);
}

static void
open_house(struct admin *a)
{
	const struct store_options o = { .map_bytes = 16u << 20,
		.volume_map_bytes = 16u << 20,
		.journal_bytes = 1u << 20 };
	struct auth_options auth = auth_defaults;
	struct buf why;

	auth_free(a->auth);
	store_close(a->store);
	log_open(LOG_TO_NOTHING, LOG_FAULT);
	fuzz_folder_begin();
	buf_init(&why, 500);
	must(store_create(fuzz_folder, &o) == 0);
	must(store_open(fuzz_folder, &o, &a->store, &why) == 0);
	buf_deinit(&why);
	fill(a->store);
	auth.iterations = 4096;
	must(auth_new(a->store, NULL, &auth, &a->auth) == 0);
	a->folder = fuzz_folder;
}

/* One turn. False: it is over, or waits. */
static bool
turn(struct admin *a, struct run *r, bool *is_over)
{
	enum run_step step = RUN_WAIT;
	struct span payload, rest;
	enum frame_type type;
	bool has_hash;
	int n;

	if (!*is_over)
		step = run_step(r);
	*is_over |= step == RUN_DONE;
	has_hash = auth_step(a->auth);
	must(!store_is_dirty(a->store) || store_flush(a->store) == 0);
	must(!buf_failed(&r->out));
	for (rest = buf_span(&r->out); rest.len > 0;) {
		n = frame_next(rest, &type, &payload);
		must(n > 0);
		rest = span_sub(rest, (size_t)n, rest.len);
	}
	buf_reset(&r->out);
	return step == RUN_MORE || has_hash;
}

static void
no_wake(void *owner)
{
	(void)owner;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct admin a;
	static int n_inputs;
	struct cur c = cur_of(span_of(data, len));
	bool is_over = false;
	uint8_t type, size;
	struct run r;
	int rc = 0, n_turns = 0;

	if (n_inputs++ % 100 == 0)
		open_house(&a);
	run_init(&r, &a, no_wake, NULL);
	while (rc == 0 && cur_u8(&c, &type) == PARSE_OK &&
	       cur_u8(&c, &size) == PARSE_OK) {
		struct span payload = span_sub(cur_rest(&c), 0, size);

		c.p += payload.len;
		do
			rc = run_feed(&r, (enum frame_type)type, payload);
		while (rc == ERR_AGAIN && n_turns++ < 2000 &&
		       turn(&a, &r, &is_over));
		(void)turn(&a, &r, &is_over);
	}
	while (n_turns++ < 20000 && turn(&a, &r, &is_over))
		;
	must(n_turns < 20000);
	run_deinit(&r);
	must(!store_is_dirty(a.store) || store_flush(a.store) == 0);
	return 0;
}
