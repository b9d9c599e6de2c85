/* imap_session.h - one IMAP session, for this room's modules.
 *
 * imap_session.c looks commands up in the one table, passes the gate, runs jobs
 * and sends what is due; imap_read.c reads them; each command is in a file of
 * its own (or of its family), cmd_*.c. To add a command: a row (with the
 * capabilities that it brings), a file, a transcript, a line in src/RFC.
 *
 * A command's bytes, its literals included, are gathered in the connection's
 * input until it is whole (at most IMAP_COMMAND_BYTES), then copied into the
 * arena of the command and parsed from there: spans of the text live until the
 * command has ended. Only the message literals of APPEND are streamed.
 *
 * A handler answers at once, with imap_done or imap_error, or leaves a job
 * that is stepped until it does. Before the tagged reply goes out the session
 * tells what changed in the selected mailbox, as far as the command allows.
 *
 * Lifetimes  struct imap: the session. i->arena: the command; reset when its
 *            tagged reply is out. What the arena does not hold (a rangeset, an
 *            upload, a pinned body) a job's free releases.
 */
#ifndef TINPOST_IMAP_IMAP_SESSION_H
#define TINPOST_IMAP_IMAP_SESSION_H

#include "auth/auth.h"
#include "base/arena.h"
#include "base/cursor.h"
#include "imap/imap.h"
#include "imap/imap_parse.h"
#include "imap/imap_reply.h"
#include "imap/imap_view.h"
#include "store/store.h"

/* A command with its literals. RFC 9051 4: lines of 8192 at least; search
 * programs and sets of UIDs are longer: Horde's were seen with 40 KB. */
#define IMAP_COMMAND_BYTES (64 * 1024)
/* The same until somebody is signed in. */
#define IMAP_LOGIN_BYTES (8 * 1024)
#define MAX_IMAP_TAG     64
/* RFC 7888 5: with LITERAL-, of a literal that is not asked for. */
#define MAX_LITERAL_MINUS 4096
/* The most that one command may hold in its arena. */
#define IMAP_ARENA_BYTES (256 * 1024)
/* The room in the output that a handler, or one step of a job, may count on.
 * What may be longer looks at conn_out_room and returns IMAP_WAIT. */
#define IMAP_REPLY_BYTES 8192
/* CPU of one session in one turn. */
#define IMAP_SLICE_US 3000

enum imap_state {
	IMAP_NOT_AUTHENTICATED,
	IMAP_AUTHENTICATED,
	IMAP_SELECTED,
	IMAP_LOGGED_OUT
};

/* IMAP_MORE: call again while the slice lasts (the session looks at the clock
 * and at the room in the output between two steps, so a step is short: well
 * under a millisecond). IMAP_WAIT: until the connection's next step. */
enum imap_step { IMAP_MORE, IMAP_WAIT };

/* ENABLE (RFC 5161), and commands that enable by being used. */
#define IMAP_CONDSTORE 0x01u /* RFC 7162 3.1 */
#define IMAP_QRESYNC   0x02u /* RFC 7162 3.2; implies the first */
#define IMAP_UTF8      0x04u /* RFC 6855 */
#define IMAP_REV2      0x08u /* RFC 9051 */

struct imap;

/* A command that takes longer than its handler. */
struct imap_job {
	/* Work a little; call imap_done or imap_error at the end, and return
	 * IMAP_MORE then. */
	enum imap_step (*step)(struct imap *i);
	/* Called once at the end, also when the session dies: release what is
	 * not in the arena. NULL: nothing. */
	void (*free)(struct imap *i);
	/* It reads from the client (IDLE, AUTHENTICATE, APPEND): the deadline is
	 * the client's, and the end of the input ends the session. */
	bool is_reading;
};

struct imap {
	struct conn *conn;
	struct imap_env *env;
	enum imap_state state;
	uint32_t account;
	uint32_t enabled; /* IMAP_ bits */
	uint32_t n_errors;
	uint32_t n_failures;
	int64_t started_ms;     /* monotonic, at accept */
	int64_t heard_ms;       /* monotonic, of the last work for the client */
	struct imap_view *view; /* IMAP_SELECTED: the mailbox */
	/* --- the command under way --- */
	const struct imap_cmd *cmd; /* NULL: none */
	const struct imap_job *job; /* NULL: none */
	void *task;                 /* the job's, in the arena */
	struct arena arena;
	bool is_uid;      /* UID was said before it */
	bool is_finished; /* reply is set; what changed is being told */
	bool starts_tls;  /* once the reply is put */
	bool has_greeted;
	uint8_t tag_len;
	char tag[MAX_IMAP_TAG];
	const char *reply; /* a literal or in the arena: "OK ..." */
	/* --- reading --- */
	bool is_skipping;    /* reply is set; the rest of the command is not
	                       * wanted */
	uint32_t line_start; /* in the unread input: behind the last literal */
	uint32_t scanned;    /* in the unread input: no line end before it */
	uint64_t skip_bytes; /* is_skipping: of a literal, before a line */
	uint64_t n_skipped;  /* bytes of this command */
	struct sasl *sasl;
};

_Static_assert(sizeof(struct imap) <= 384, "an idle session must stay small");

/* Run a command: args stands behind its name (at " " or at the end). Arguments
 * that cannot be read: imap_bad. */
typedef void (*imap_run)(struct imap *i, struct cur *args);

/* The longest text of a tagged reply. */
#define IMAP_TEXT_BYTES (CONN_OUT_MAX - CONN_OUT_LOW - 1024)

/* --- the end of a command: imap_answer.c --- */

/* End the command with "TAG text". text is a literal or in the arena, begins
 * with OK, NO or BAD, is ASCII and without CRLF, at most IMAP_TEXT_BYTES. */
void imap_done(struct imap *i, const char *text);

/* The same with text formatted into the arena: words is everything up to the
 * span, which is put as it is (a set of UIDs, say). Without memory, "OK" stays
 * OK, but bare. */
void imap_done_span(
    struct imap *i, const char *before, struct span middle, const char *after);

/* "BAD text": the client is wrong. Counts as an error of the session. */
void imap_bad(struct imap *i, const char *text);

/* NO or BAD with the words and the response code for an ERR_ code: ERR_NONE:
 * [NONEXISTENT], ERR_EXISTS: [ALREADYEXISTS], ERR_DENIED: [CANNOT], ERR_LIMIT:
 * [LIMIT], ERR_QUOTA: [OVERQUOTA], ERR_FULL: [OVERQUOTA] or [UNAVAILABLE],
 * ERR_NOMEM: [LIMIT], ERR_READ_ONLY: [UNAVAILABLE], ERR_SYNTAX: BAD, ...
 * (RFC 5530, RFC 9051 7.1). */
void imap_error(struct imap *i, int code);

/* Begin a job; task is its state, from i->arena. */
void imap_start_job(struct imap *i, const struct imap_job *job, void *task);

/* From the arena, zeroed; NULL: answered with imap_error already. */
MUST_USE void *imap_alloc(struct imap *i, size_t len);

/* Say "* BYE text" and close. */
void imap_bye(struct imap *i, const char *text);

/* Refuse the command under way although the client may still be sending it:
 * "TAG text" goes out as soon as the rest is read and thrown away. l: the
 * literal that was announced last; NULL: the rest of a line. text as for
 * imap_done; BAD counts as an error. */
void imap_refuse(
    struct imap *i, const char *text, const struct imap_literal *l);

/* --- reading: imap_read.c --- */

/* Gather the next command; run it when it is whole, or when a message of
 * APPEND begins. */
enum imap_step imap_read_command(struct imap *i);

/* Throw input away as imap_refuse wants it. */
enum imap_step imap_read_rest(struct imap *i);

/* For jobs: look at the next line of the input, without its CRLF; *n_out is
 * what to consume. PARSE_BAD: it is longer than max. A line that ends with LF
 * alone ends the session, and is PARSE_MORE. */
enum parse imap_read_line(
    struct imap *i, size_t max, struct span *line_out, size_t *n_out);

/* --- the gate: imap_session.c --- */

/* Look at tag and name of a command (all of it, or up to the announcement of a
 * literal): sets tag, cmd and is_uid, and args to what stands behind the name.
 * Returns NULL, or why it may not run. */
const char *imap_look_up(struct imap *i, struct span text, struct cur *args);

/* Run a whole command (message: NULL), or APPEND up to its message. The text is
 * copied. */
void imap_run_text(
    struct imap *i, struct span text, const struct imap_literal *message);

/* Is the command under way APPEND? */
bool imap_is_append(const struct imap *i);

/* The most that a command may be long now. */
size_t imap_max_command(const struct imap *i);

/* Are mailbox names and quoted strings UTF-8 (RFC 6855 3, RFC 9051 5.1)? */
static inline bool
imap_is_utf8(const struct imap *i)
{
	return (i->enabled & (IMAP_UTF8 | IMAP_REV2)) != 0;
}

/* imap_view_sync or _prepare failed: say BYE for it. */
void imap_lose_view(struct imap *i, int code);

/* May names and passwords be sent as they are? */
bool imap_allows_plain(const struct imap *i);

/* Put all capabilities of this moment, parted by spaces (RFC 9051 7.2.2). */
void imap_put_capabilities(struct imap *i, struct buf *out);

/* The part of it that is about signing in: cmd_login.c. */
void imap_put_login_capabilities(struct imap *i, struct buf *out);

/* Turn CONDSTORE on; the first time, with a selected mailbox, tells
 * HIGHESTMODSEQ (RFC 7162 3.1). */
void imap_enable_condstore(struct imap *i);

/* --- the commands, each in cmd_NAME.c unless said --- */

/* any state: cmd_any.c */
void imap_capability(struct imap *i, struct cur *args);
void imap_noop(struct imap *i, struct cur *args); /* and CHECK */
void imap_logout(struct imap *i, struct cur *args);
void imap_id(struct imap *i, struct cur *args);     /* RFC 2971 */
void imap_enable(struct imap *i, struct cur *args); /* RFC 5161 */
/* before login: cmd_login.c */
void imap_starttls(struct imap *i, struct cur *args);
void imap_login(struct imap *i, struct cur *args);
void imap_authenticate(struct imap *i, struct cur *args);
/* mailboxes: cmd_list.c (LIST, LSUB), cmd_mailbox.c (CREATE, DELETE,
 * SUBSCRIBE, UNSUBSCRIBE), cmd_rename.c, cmd_status.c, cmd_quota.c,
 * cmd_namespace.c */
void imap_list(struct imap *i, struct cur *args);
void imap_lsub(struct imap *i, struct cur *args);
void imap_create(struct imap *i, struct cur *args);
void imap_delete(struct imap *i, struct cur *args);
void imap_rename(struct imap *i, struct cur *args);
void imap_subscribe(struct imap *i, struct cur *args);
void imap_unsubscribe(struct imap *i, struct cur *args);
void imap_status(struct imap *i, struct cur *args);
void imap_namespace(struct imap *i, struct cur *args);
void imap_getquota(struct imap *i, struct cur *args); /* RFC 9208 */
void imap_getquotaroot(struct imap *i, struct cur *args);
void imap_setquota(struct imap *i, struct cur *args);
/* cmd_append.c */
void imap_append(struct imap *i, struct cur *args);
/* Is the command under way APPEND, and the literal that these arguments end
 * with a message (and not the name of the mailbox)? */
bool imap_append_begins(const struct imap *i, struct cur args);
/* cmd_select.c */
void imap_select(struct imap *i, struct cur *args);
void imap_examine(struct imap *i, struct cur *args);
void imap_close(struct imap *i, struct cur *args);
void imap_unselect(struct imap *i, struct cur *args);
/* cmd_idle.c */
void imap_idle(struct imap *i, struct cur *args);
/* selected */
void imap_fetch(struct imap *i, struct cur *args);
void imap_search(struct imap *i, struct cur *args);
void imap_store(struct imap *i, struct cur *args);
void imap_copy(struct imap *i, struct cur *args);
void imap_move(struct imap *i, struct cur *args); /* in cmd_copy.c */
void imap_expunge(struct imap *i, struct cur *args);

#endif
