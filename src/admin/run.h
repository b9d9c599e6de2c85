/* run.h - one command being carried out, in a server's turns or in a client's
 * process that opened the store itself.
 *
 *	run_init, run_feed (ARGS, PASSWORD, GO), run_step until RUN_DONE;
 *	what it says stands in out as frames, last of them EXIT.
 *
 * Ownership  the caller's storage; admin is borrowed for as long.
 * Blocking   never: a step takes a few ms. Between two steps the owner
 *            flushes the store where it is dirty, and sends nothing before.
 */
#ifndef TINPOST_ADMIN_RUN_H
#define TINPOST_ADMIN_RUN_H

#include "admin/args.h"
#include "base/arena.h"

struct auth;
struct store;
struct loop;
struct dns;
struct admin;

/* What commands work with. One serves a process. */
struct admin {
	struct store *store;
	struct auth *auth;
	const char *folder; /* the data folder */
	/* The running server; NULL without one. */
	struct loop *loop;
	struct dns *dns;
	int64_t started_ms;
	void *server;
	/* A setting changed: let it take effect. */
	void (*refresh)(void *server);
	/* Use the certificate of the store from now on. On failure the old
	 * one stays, and why says what is wrong. */
	int (*reload_cert)(void *server, struct buf *why);
	/* Send the daily reports now. */
	void (*send_reports)(void);
};

enum run_step {
	RUN_DONE,
	RUN_MORE, /* call again, after a flush */
	RUN_WAIT  /* for input, room, or a wake-up */
};

/* Past this much waiting output a step is not called. */
#define RUN_OUT_HIGH   (32 * 1024)
#define RUN_OUT_MAX    (128 * 1024)
#define MAX_ARGS_BYTES (64 * 1024)

enum run_phase { RUN_NEW, RUN_READY, RUN_GOING, RUN_ENDED };

struct run {
	struct admin *admin;
	enum run_phase phase;
	struct args args;
	struct arena arena; /* the words */
	struct buf password;
	struct buf out;
	size_t frame_start; /* of the frame being written */
	void *state;        /* the command's own, from mem_alloc */
	int exit_code;
	bool has_input_ended;
	/* When something it waits for is ready. */
	void (*wake)(void *owner);
	void *owner;
};

void run_init(
    struct run *r, struct admin *a, void (*wake)(void *), void *owner);
void run_deinit(struct run *r);

/* Take a frame of the client. ERR_AGAIN: not now, offer it again after a
 * step. ERR_SYNTAX: no frame for this moment; drop the client. */
MUST_USE int run_feed(struct run *r, enum frame_type type, struct span payload);

enum run_step run_step(struct run *r);

/* --- for the commands --- */

/* Begin a frame and end it; between them its payload is put into the buffer.
 */
struct buf *run_begin(struct run *r, enum frame_type type);
void run_end(struct run *r);

/* A line of output; and an error, which also makes the exit code 1. Both get
 * their line end here. */
void run_say(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void run_fail(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void run_warn(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* An error code of the store in words, about a thing; returns rc. */
int run_error(struct run *r, int rc, struct span thing);

static inline struct span
run_arg(const struct run *r, const char *name)
{
	return args_get(&r->args, name);
}

/* The state, zeroed: len bytes. NULL: no memory, which was told. */
void *run_new_state(struct run *r, size_t len);

/* The account of an address or name in the arguments. ERR_NONE was told. */
MUST_USE int run_find_person(struct run *r, struct span who, uint32_t *out);

/* Put what was done into the event log. */
void run_note_change(struct run *r, struct span what);

/* For "%.*s". */
#define RUN_SPAN(s) (int)(s).len, (s).p ? (s).p : ""

#endif
