/* args.h - the words of a command, checked against its row. */
#ifndef TINPOST_ADMIN_ARGS_H
#define TINPOST_ADMIN_ARGS_H

#include "admin/command.h"

#define MAX_ARG_WORDS 1100 /* MAX_TARGETS and some */

/* Values by the place of their row in command->args; p is NULL: not given. */
struct args {
	const struct command *command;
	struct span value[MAX_COMMAND_ARGS];
	uint64_t number[MAX_COMMAND_ARGS]; /* of sizes and counts */
	const struct span *many; /* the words of the ARG_MANY one, borrowed */
	size_t n_many;
};

/* Check words (what stands behind the command's own) and fill out with spans
 * into them. words is sorted so that options stand first. ERR_SYNTAX: why
 * says what is wrong and how it is used. */
MUST_USE int args_parse(const struct command *c, struct span *words, size_t n,
    struct args *out, struct buf *why);

/* For the client: are those there that only it needs? ERR_SYNTAX: no, see
 * why. */
MUST_USE int args_check_local(const struct args *a, struct buf *why);

/* The value of an argument by its name in the table; p is NULL when it was
 * not given. */
struct span args_get(const struct args *a, const char *name);
uint64_t args_number(const struct args *a, const char *name);

/* Give an argument a value as if it had been typed. */
void args_set(struct args *a, const char *name, struct span value);

static inline bool
args_has(const struct args *a, const char *name)
{
	return args_get(a, name).p != NULL;
}

/* Append the words for a server, NUL behind each: the command, its options
 * that are not local, "--", the rest. */
void args_put(struct buf *out, const struct args *a);

#endif
