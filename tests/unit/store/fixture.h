/* fixture.h - a store in a folder of its own, with one person. */
#ifndef TINPOST_TESTS_FIXTURE_H
#define TINPOST_TESTS_FIXTURE_H

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../test.h"
#include "base/file.h"
#include "base/log.h"
#include "store/inside.h"

static char fx_folder[200];
static uint32_t fx_account;
static uint32_t fx_inbox;

static const struct store_options fx_options = {
	.map_bytes = 64u << 20,
	.volume_map_bytes = 256u << 20,
	.journal_bytes = 1u << 20,
};

static inline void
fx_begin(void)
{
	snprintf(fx_folder, sizeof(fx_folder), "%s/tinpost-store-XXXXXX",
	    test_folder());
	REQUIRE(mkdtemp(fx_folder) != NULL);
	log_open(LOG_TO_NOTHING, LOG_FAULT);
}

static inline void
fx_clear(void)
{
	DIR *d = opendir(fx_folder);
	char path[FILE_PATH_BYTES];
	struct dirent *e;

	REQUIRE(d != NULL);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' &&
		    file_path(fx_folder, e->d_name, path, sizeof(path)) == 0)
			unlink(path);
	closedir(d);
}

static inline void
fx_end(void)
{
	fx_clear();
	rmdir(fx_folder);
}

static inline struct store *
fx_reopen(void)
{
	struct store *s = NULL;
	char text[500];
	struct buf why;

	buf_init_fixed(&why, text, sizeof(text));
	CHECK_ROW(store_open(fx_folder, &fx_options, &s, &why) == 0, "open");
	if (s == NULL)
		fprintf(stderr, "%.*s\n", (int)why.len, why.p);
	REQUIRE(s != NULL);
	return s;
}

static inline struct store *
fx_new(void)
{
	REQUIRE(store_create(fx_folder, &fx_options) == 0);
	return fx_reopen();
}

/* A person and their INBOX, in a domain that is made if need be. */
static inline uint32_t
fx_person(struct store *s, const char *address)
{
	struct account_new n = { .address = span_str(address),
		.name = SPAN("Kim"),
		.quota_bytes = 1u << 30,
		.secret = { 4096, { 1, 2 }, { 3, 4 }, { 5, 6 } } };
	uint32_t id = 0;

	if (!domain_exists(s, SPAN("example.test")))
		REQUIRE(domain_create(s, SPAN("example.test")) == 0);
	REQUIRE(account_create(s, &n, &id) == 0);
	return id;
}

static inline struct store *
fx_open(void)
{
	struct store *s = fx_new();

	fx_account = fx_person(s, "kim@example.test");
	REQUIRE(mailbox_find(s, fx_account, SPAN("INBOX"), &fx_inbox) == 0);
	return s;
}

static inline int
fx_deliver(struct store *s, const struct body *b, uint64_t *id)
{
	struct delivery_to to = { .mailbox = fx_inbox };
	struct delivery d = { .body = b,
		.to = &to,
		.n_to = 1,
		.internal_date_s = 1700000000,
		.zone_minutes = 60 };
	struct delivered out;

	return mailbox_deliver(s, &d, &out, id);
}

/* Run fn on the store in a process that is killed at its end. */
static inline void
fx_in_child(void (*fn)(struct store *s, uint64_t arg), uint64_t arg)
{
	int status = 0;
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		test_n_failed = 0;
		fn(fx_reopen(), arg);
		_exit(test_n_failed > 0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	CHECK_ROW(status == 0, "what the killed process did");
}

#endif
