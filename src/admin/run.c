#include "admin/run.h"

#include <stdarg.h>
#include <stdio.h>

#include "auth/auth.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/store.h"

void
run_init(struct run *r, struct admin *a, void (*wake)(void *), void *owner)
{
	memset(r, 0, sizeof(*r));
	r->admin = a;
	r->wake = wake;
	r->owner = owner;
	arena_init(&r->arena, 2 * MAX_ARGS_BYTES);
	buf_init(&r->password, MAX_SECRET_BYTES);
	buf_init(&r->out, RUN_OUT_MAX);
}

void
run_deinit(struct run *r)
{
	if (r->args.command && r->args.command->stop && r->state)
		r->args.command->stop(r);
	mem_free(r->state);
	r->state = NULL;
	arena_reset(&r->arena);
	buf_wipe(&r->password);
	buf_deinit(&r->out);
}

struct buf *
run_begin(struct run *r, enum frame_type type)
{
	r->frame_start = r->out.len;
	frame_put(&r->out, type, span_of(NULL, 0));
	return &r->out;
}

void
run_end(struct run *r)
{
	size_t len;

	if (buf_failed(&r->out))
		return;
	len = r->out.len - r->frame_start - FRAME_HEAD_BYTES;
	for (size_t i = 0; i < 4; i++)
		r->out.p[r->frame_start + 1 + i] =
		    (char)(uint8_t)(len >> (24 - 8 * i));
}

static void put_line(struct run *r, enum frame_type type, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

static void
put_line(struct run *r, enum frame_type type, const char *fmt, va_list ap)
{
	char line[2048];
	struct buf *b = run_begin(r, type);
	int n = vsnprintf(line, sizeof(line), fmt, ap);

	if (n > 0)
		buf_put(b,
		    span_of(line, (size_t)n < sizeof(line) ? (size_t)n
		                                           : sizeof(line) - 1));
	buf_put_char(b, '\n');
	run_end(r);
}

void
run_say(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(r, FRAME_TEXT, fmt, ap);
	va_end(ap);
}

void
run_warn(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(r, FRAME_NOTE, fmt, ap);
	va_end(ap);
}

void
run_fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(r, FRAME_NOTE, fmt, ap);
	va_end(ap);
	r->exit_code = 1;
}

int
run_error(struct run *r, int rc, struct span thing)
{
	switch (rc) {
	case 0:
		break;
	case ERR_NONE:
		run_fail(r, "%.*s does not exist.", RUN_SPAN(thing));
		break;
	case ERR_EXISTS:
		run_fail(r, "%.*s exists already.", RUN_SPAN(thing));
		break;
	case ERR_FULL:
		run_fail(r, "The disk is full: free some space, then try "
		            "again. Nothing was changed.");
		break;
	case ERR_READ_ONLY:
		run_fail(r, "The store takes no changes at present: see the "
		            "server's log, then `tinpost check`.");
		break;
	default:
		run_fail(r, "%.*s: %s.", RUN_SPAN(thing), err_text(rc));
		break;
	}
	return rc;
}

void *
run_new_state(struct run *r, size_t len)
{
	r->state = mem_alloc(len);
	if (!r->state)
		run_fail(r, "No memory left at present: try again later.");
	return r->state;
}

int
run_find_person(struct run *r, struct span who, uint32_t *out)
{
	char storage[MAX_ADDRESS_BYTES + 1];
	struct address_entry e;
	struct buf key;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	rc = resolve_normalize(&key, who);
	if (rc == 0)
		rc = address_lookup(r->admin->store, buf_span(&key), &e);
	if (rc == 0 && e.kind != ADDRESS_PERSON) {
		run_fail(r, "%.*s is an alias or group, not a person.",
		    RUN_SPAN(who));
		return ERR_INVALID;
	}
	if (rc == ERR_NONE) {
		run_fail(r,
		    "There is no person %.*s; `tinpost user list` "
		    "shows all.",
		    RUN_SPAN(who));
		return rc;
	}
	if (rc < 0)
		return run_error(r, rc, who);
	*out = e.id;
	return 0;
}

void
run_note_change(struct run *r, struct span what)
{
	const struct command *c = r->args.command;
	struct event e = { .kind = EVENT_SETTING };
	char storage[MAX_EVENT_BYTES];
	struct buf text;

	buf_init_fixed(&text, storage, sizeof(storage));
	buf_put_str(&text, c->noun);
	if (c->verb) {
		buf_put_char(&text, ' ');
		buf_put_str(&text, c->verb);
	}
	buf_put_char(&text, ' ');
	buf_put(&text, span_sub(what, 0, 200));
	e.text = buf_span(&text);
	e.to = what;
	e.client = SPAN("local");
	/* The change itself stands; without its entry it stands as well. */
	if (event_add(r->admin->store, &e) < 0)
		run_warn(r, "(The event log could not take an entry.)");
}

/* --- frames in --- */

static int
split_words(struct span all, struct span *words, size_t *n_out)
{
	size_t n = 0;

	while (all.len > 0) {
		if (n == MAX_ARG_WORDS)
			return ERR_LIMIT;
		words[n++] = span_split(&all, '\0');
	}
	*n_out = n;
	return 0;
}

static int
take_args(struct run *r, struct span payload)
{
	char storage[1024];
	struct buf why;
	const struct command *c = NULL;
	struct span *words, all;
	size_t n = 0, n_used = 0;
	int rc;

	buf_init_fixed(&why, storage, sizeof(storage));
	words = arena_alloc(&r->arena, MAX_ARG_WORDS * sizeof(*words));
	if (!words || arena_copy(&r->arena, payload, &all) < 0)
		return ERR_NOMEM;
	rc = split_words(all, words, &n);
	if (rc == 0)
		rc = command_find(words, n, &c, &n_used, &why);
	if (rc == 0)
		rc = args_parse(c, words + n_used, n - n_used, &r->args, &why);
	if (rc == 0 && !c->start) {
		buf_put_str(&why, "This command is the client's own.");
		rc = ERR_UNSUPPORTED;
	}
	if (rc < 0) {
		run_fail(r, "%.*s", RUN_SPAN(buf_span(&why)));
		r->args.command = NULL;
		r->phase = RUN_ENDED;
		return 0;
	}
	r->phase = RUN_READY;
	/* Tells a waiting client that the server is alive. */
	frame_put(&r->out, FRAME_STATE, span_of(NULL, 0));
	return 0;
}

int
run_feed(struct run *r, enum frame_type type, struct span payload)
{
	const struct command *c = r->args.command;

	if (r->phase == RUN_ENDED)
		return 0; /* it will read the exit code */
	if (type == FRAME_ARGS && r->phase == RUN_NEW)
		return take_args(r, payload);
	if (type == FRAME_PASSWORD && r->phase == RUN_READY) {
		buf_reset(&r->password);
		buf_put(&r->password, payload);
		return buf_failed(&r->password) ? ERR_SYNTAX : 0;
	}
	if (type == FRAME_GO && r->phase == RUN_READY) {
		r->phase = RUN_GOING;
		if (c->start(r) < 0 || !c->step)
			r->phase = RUN_ENDED;
		return 0;
	}
	if (r->phase != RUN_GOING || !(c->flags & COMMAND_READS))
		return ERR_SYNTAX;
	if (c->feed) {
		int rc = c->feed(r, type, payload);

		if (rc < 0)
			return rc;
	}
	if (type == FRAME_END)
		r->has_input_ended = true;
	return 0;
}

static void
put_exit(struct run *r)
{
	char code = (char)r->exit_code;

	frame_put(&r->out, FRAME_EXIT, span_of(&code, 1));
}

enum run_step
run_step(struct run *r)
{
	enum run_step step = RUN_WAIT;

	if (r->out.len >= RUN_OUT_HIGH)
		return RUN_WAIT;
	if (r->phase == RUN_GOING) {
		step = r->args.command->step(r);
		if (step == RUN_DONE)
			r->phase = RUN_ENDED;
	}
	if (r->phase != RUN_ENDED)
		return step;
	put_exit(r);
	return RUN_DONE;
}
