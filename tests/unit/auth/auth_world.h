/* auth_world.h - a small house for tests: a store in a folder of its own with
 * two domains, people, aliases and groups. */
#ifndef TINPOST_TESTS_AUTH_WORLD_H
#define TINPOST_TESTS_AUTH_WORLD_H

#include <sys/types.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/log.h"
#include "store/store.h"
#include "test.h"

struct world {
	char folder[200];
	struct store *store;
	struct auth *auth;
	uint32_t kim, lee, owner, kim2;
};

static inline uint32_t
world_person(
    struct world *w, const char *address, const char *password, uint32_t flags)
{
	struct account_new n = { .address = span_str(address), .flags = flags };
	uint32_t id = 0;

	REQUIRE(password_derive(
	            span_str(password), MIN_ITERATIONS, &n.secret) == 0);
	REQUIRE(account_create(w->store, &n, &id) == 0);
	return id;
}

static inline void
world_alias(struct world *w, const char *key, enum address_kind kind,
    const char *const *targets)
{
	REQUIRE(address_create_alias(w->store, span_str(key), kind) == 0);
	for (; *targets != NULL; targets++)
		REQUIRE(address_add_target(
		            w->store, span_str(key), span_str(*targets)) == 0);
}

/* Of the next store; valgrind cannot map as much as is usual. */
static struct store_options world_options;

/* loop may be NULL. */
static inline void
world_open(struct world *w, struct loop *loop)
{
	struct auth_options o = auth_defaults;
	struct buf why;

	log_open(LOG_TO_NOTHING, LOG_FAULT);
	snprintf(w->folder, sizeof(w->folder), "%s/tinpost-test-XXXXXX",
	    test_folder());
	REQUIRE(mkdtemp(w->folder) != NULL);
	buf_init(&why, 1000);
	REQUIRE(store_create(w->folder, NULL) == 0);
	REQUIRE(store_open(w->folder, &world_options, &w->store, &why) == 0);
	buf_deinit(&why);
	REQUIRE(domain_create(w->store, SPAN("mail.test")) == 0);
	REQUIRE(domain_create(w->store, SPAN("other.test")) == 0);
	w->kim = world_person(w, "kim@mail.test", "secret one", 0);
	w->lee = world_person(w, "lee@mail.test", "p\xc3\xa4ss", 0);
	w->owner = world_person(w, "owner@mail.test", "boss", ACCOUNT_OWNER);
	w->kim2 = world_person(w, "kim@other.test", "two", 0);
	o.iterations = MIN_ITERATIONS;
	REQUIRE(auth_new(w->store, loop, &o, &w->auth) == 0);
}

static inline void
world_close(struct world *w)
{
	char command[220];

	auth_free(w->auth);
	store_close(w->store);
	snprintf(command, sizeof(command), "rm -rf %s", w->folder);
	CHECK(system(command) == 0);
}

#endif
