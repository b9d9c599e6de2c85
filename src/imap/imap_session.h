/* imap_session.h - one IMAP session, for this room's modules.
 *
 * imap_session.c reads commands, looks them up in the one table, passes the
 * gate, runs jobs and sends what is due; each command is in a file of its own
 * (or of its family), cmd_*.c. To add a command: a row, a file, a transcript,
 * a line in src/RFC.
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
 * programs and sets of UIDs are longer. */
#define IMAP_COMMAND_BYTES (24 * 1024)
/* The same until somebody is signed in. */
#define IMAP_LOGIN_BYTES (8 * 1024)
#define MAX_IMAP_TAG     64
/* The most that one command may hold in its arena. */
#define IMAP_ARENA_BYTES (256 * 1024)
/* The room in the output that a handler, or one step of a job, may count on.
 * What may be longer looks at conn_out_room and returns IMAP_WAIT. */
#define IMAP_REPLY_BYTES 4096
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
	int64_t started_ms; /* monotonic, at the greeting */
	struct imap_view *view; /* IMAP_SELECTED: the mailbox */
	/* --- the command under way --- */
	const struct imap_cmd *cmd; /* NULL: none */
	const struct imap_job *job; /* NULL: none */
	void *task;                 /* the job's, in the arena */
	struct arena arena;
	bool is_uid;      /* UID was said before it */
	bool is_finished; /* reply is set; what changed is being told */
	uint8_t tag_len;
	char tag[MAX_IMAP_TAG];
	const char *reply; /* a literal or in the arena: "OK ..." */
	/* --- reading --- */
	bool is_skipping;  /* the rest of a line that is too long */
	uint32_t literal_end; /* of the unread input is known to be whole up to */
	struct sasl *sasl;
};

_Static_assert(sizeof(struct imap) <= 384, "an idle session must stay small");

/* Run a command: args stands behind its name (at " " or at the end). Arguments
 * that cannot be read: imap_bad. */
typedef void (*imap_run)(struct imap *i, struct cur *args);

/* End the command with "TAG text". text is a literal or in the arena, begins
 * with OK, NO or BAD, is ASCII and without CRLF. */
void imap_done(struct imap *i, const char *text);

/* The same with text formatted into the arena: words is everything up to the
 * span, which is put as it is (a set of UIDs, say). */
void imap_done_span(struct imap *i, const char *before, struct span middle,
    const char *after);

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

/* May names and passwords be sent as they are? */
bool imap_allows_plain(const struct imap *i);

/* Put all capabilities of this moment, parted by spaces (RFC 9051 7.2.2). */
void imap_put_capabilities(struct imap *i, struct buf *out);

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
/* mailboxes: cmd_list.c (LIST, LSUB), cmd_mailbox.c (CREATE, DELETE, RENAME,
 * SUBSCRIBE, UNSUBSCRIBE), cmd_status.c, cmd_quota.c, cmd_namespace.c */
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
