/* command.h - every command of the house as one table: the command line runs
 * it, and the admin API and pages will.
 *
 * A row says who may run it, what it takes and what it does; the words are
 * checked against it in one place (args.h) and the work is done by a run
 * (run.h).
 */
#ifndef TINPOST_ADMIN_COMMAND_H
#define TINPOST_ADMIN_COMMAND_H

#include "admin/frame.h"

enum arg_type {
	ARG_ADDRESS, /* local@domain */
	ARG_KEY,     /* the same, or @domain: a catch-all */
	ARG_DOMAIN,
	ARG_SIZE, /* bytes, 25M, or none */
	ARG_SETTING,
	ARG_TEXT,  /* a line of UTF-8 without controls */
	ARG_WORD,  /* one of the words of `words` */
	ARG_COUNT, /* a number up to max */
	ARG_FILE,  /* the client's business */
	ARG_SWITCH /* an option without value */
};

#define ARG_OPTIONAL 1u
#define ARG_MANY     2u /* the last one: one or more */
#define ARG_LOCAL    4u /* the client acts on it; the server never sees it */

struct command_arg {
	const char *name; /* "--name": an option, always optional */
	enum arg_type type;
	unsigned flags;
	uint64_t max;      /* bytes of a text, or the number */
	const char *words; /* ARG_WORD: "mbox maildir eml" */
	const char *help;
};

enum command_role {
	ROLE_OWNER, /* of the machine: root, or whom the store belongs to */
	ROLE_PERSON /* also for a person about themselves (the pages) */
};

#define COMMAND_CHANGES  1u  /* changes the store: an event tells of it */
#define COMMAND_PASSWORD 2u  /* takes a password: asked, read or made */
#define COMMAND_LOCAL    4u  /* the client alone: serve, init, help */
#define COMMAND_READS    8u  /* takes frames after GO, up to END */
#define COMMAND_UNSET_UP 16u /* works in a store that is not set up */

struct run;
enum run_step;

struct command {
	const char *noun;
	const char *verb; /* NULL: none; "member add": two words */
	enum command_role role;
	unsigned flags;
	const struct command_arg *args;
	size_t n_args;
	/* Begin; short commands also end here. 0, or an error that was
	 * told. NULL: the client's. */
	int (*start)(struct run *r);
	enum run_step (*step)(struct run *r);
	/* Take a frame. ERR_AGAIN: not now. */
	int (*feed)(struct run *r, enum frame_type type, struct span payload);
	/* Release r->state. */
	void (*stop)(struct run *r);
	const char *help;
};

#define MAX_COMMAND_ARGS 10

/* The i-th row; NULL past the last. */
const struct command *command_at(size_t i);

/* Find the row for words[0..n); *n_used_out words of it named the command.
 * ERR_NONE: a sentence in why says what there is. */
MUST_USE int command_find(const struct span *words, size_t n,
    const struct command **out, size_t *n_used_out, struct buf *why);

/* Append "user add ADDRESS [--name TEXT]". */
void command_put_usage(struct buf *b, const struct command *c);

/* Append all about one command; or, with an empty noun, the list of all. */
void command_put_help(struct buf *b, struct span noun);

#endif
