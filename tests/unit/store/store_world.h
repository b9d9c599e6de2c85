/* store_world.h - a small store for tests: making one, delivering into it,
 * and looking at what is there. */
#ifndef TINPOST_TESTS_STORE_WORLD_H
#define TINPOST_TESTS_STORE_WORLD_H

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "store/store.h"

static char world_folder[FILE_PATH_BYTES];

/* Names below the world's folder. */
static inline const char *
world_path(const char *name)
{
	static char path[FILE_PATH_BYTES];

	REQUIRE(file_path(world_folder, name, path, sizeof(path)) == 0);
	return path;
}

static inline void
world_remove(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char path[FILE_PATH_BYTES];

		if (e->d_name[0] != '.' &&
		    file_path(folder, e->d_name, path, sizeof(path)) == 0)
			unlink(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(folder);
}

static inline struct store *
world_open(const struct store_options *o)
{
	char storage[512];
	struct store *s = NULL;
	struct buf why;
	int rc;

	buf_init_fixed(&why, storage, sizeof(storage));
	rc = store_open(world_folder, o, &s, &why);
	if (rc < 0)
		fprintf(stderr, "store_open: %d %.*s\n", rc, (int)why.len,
		    why.len > 0 ? why.p : "");
	CHECK_INT(rc, 0);
	return s;
}

/* A new store with domain x.test, in a folder of its own. */
static inline struct store *
world_new(const char *name, const struct store_options *o)
{
	struct store *s;

	REQUIRE(file_path(test_folder(), name, world_folder,
	            sizeof(world_folder)) == 0);
	world_remove(world_folder);
	log_open(LOG_TO_NOTHING, LOG_FAULT);
	REQUIRE(store_create(world_folder, o) == 0);
	s = world_open(o);
	REQUIRE(s != NULL);
	REQUIRE(domain_create(s, SPAN("x.test")) == 0);
	return s;
}

static inline uint32_t
world_account(struct store *s, const char *address)
{
	struct account_new n = { .address = span_str(address),
		.name = SPAN("Some One") };
	uint32_t id = 0;

	CHECK_INT(account_create(s, &n, &id), 0);
	return id;
}

static inline uint32_t
world_inbox(struct store *s, uint32_t account)
{
	uint32_t id = 0;

	CHECK_INT(mailbox_find(s, account, SPAN("inbox"), &id), 0);
	return id;
}

/* Deliver text to n mailboxes. */
static inline int
world_deliver(struct store *s, struct span text, const uint32_t *boxes,
    size_t n, struct delivered *out)
{
	static struct delivery_to to[MAX_RCPTS];
	struct upload *u = NULL;
	struct body b;
	struct delivery d = {
		.body = &b, .to = to, .n_to = n, .internal_date_s = 1000
	};
	int rc = upload_new(s, &u);

	for (size_t i = 0; i < n; i++)
		to[i] = (struct delivery_to){ .mailbox = boxes[i] };
	if (rc == 0)
		rc = upload_put(u, text);
	if (rc == 0)
		rc = upload_finish(
		    u, SPAN("Received: by x\r\n"), SPAN("summary"), &b);
	if (rc == 0)
		rc = mailbox_deliver(s, &d, out, NULL);
	upload_free(u);
	return rc;
}

/* Deliver n texts to one mailbox, all or none, each spilled if need be. */
static inline int
world_deliver_many(struct store *s, const struct span *texts, size_t n,
    uint32_t box, bool is_spilled, struct delivered *out)
{
	static struct upload *u[DELIVER_MAX_MANY + 1];
	static struct body b[DELIVER_MAX_MANY + 1];
	static struct delivery d[DELIVER_MAX_MANY + 1];
	const struct delivery_to to = { .mailbox = box };
	int rc = 0;

	REQUIRE(n <= DELIVER_MAX_MANY + 1);
	memset(u, 0, sizeof(u));
	for (size_t i = 0; i < n && rc == 0; i++) {
		d[i] = (struct delivery){ .body = &b[i], .to = &to, .n_to = 1 };
		rc = upload_new(s, &u[i]);
		if (rc == 0)
			rc = upload_put(u[i], texts[i]);
		if (rc == 0)
			rc = upload_finish(u[i], SPAN("Received: by x\r\n"),
			    SPAN("summary"), &b[i]);
		if (rc == 0 && is_spilled)
			rc = upload_spill(u[i], &b[i]);
	}
	if (rc == 0)
		rc = mailbox_deliver_many(s, d, n, out, NULL);
	for (size_t i = 0; i < n; i++)
		upload_free(u[i]);
	return rc;
}

/* The whole message, as read back. */
static inline int
world_read(struct store *s, uint32_t mailbox, uint32_t uid, struct buf *out)
{
	struct message m;
	int rc = message_get(s, mailbox, uid, &m);

	buf_reset(out);
	return rc < 0 ? rc : body_read(s, m.body, 0, (size_t)m.bytes, out);
}

#endif
