/* settings.h - every setting: its key, type, default, limits and meaning.
 *
 * The store keeps texts; this table says what they may be. What is a number
 * (a size, a time, a switch) is kept parsed in struct settings, which the
 * server refreshes after each change, so that a change takes effect at once.
 *
 * Ownership  the caller owns struct settings; it holds no pointers.
 */
#ifndef TINPOST_ADMIN_SETTINGS_H
#define TINPOST_ADMIN_SETTINGS_H

#include "admin/settings_table.h"
#include "net/net.h" /* ANCHORS_DEFAULT_PATH */
#include "store/store.h"

enum setting_type {
	SETTING_INT,
	SETTING_SIZE,     /* bytes */
	SETTING_TIME,     /* seconds */
	SETTING_SWITCH,   /* on, off */
	SETTING_CHOICE,   /* one of the words of `unit` */
	SETTING_HOST,     /* a host name */
	SETTING_LISTEN,   /* addresses to listen on, by spaces; * is all */
	SETTING_SERVERS,  /* addresses and ports of name servers, or empty */
	SETTING_NETWORKS, /* networks, or empty (net/network.h) */
	SETTING_WEIGHTS,  /* doubts and what they weigh (trust/weights.h) */
	SETTING_LISTS,    /* DNS lists and what they weigh */
	SETTING_ADDRESS,  /* a mail address of ASCII, or empty */
	SETTING_TEXT
};

#define SETTINGS_ID(id, key, type, fallback, min, max, unit, help) SET_##id,
enum setting_id { SETTINGS_TABLE(SETTINGS_ID) N_SETTINGS };

struct setting {
	const char *key;
	enum setting_type type;
	const char *fallback; /* the default, as a person writes it */
	uint64_t min, max;    /* of a number; of a text's bytes */
	const char *unit;
	const char *help;
};

struct settings {
	uint64_t n[N_SETTINGS]; /* a choice: the index of its word */
};

const struct setting *setting_of(enum setting_id id);

/* The setting with that key. ERR_NONE. */
MUST_USE int settings_find(struct span key, enum setting_id *out);

/* Check a value, and write its number. On an error a sentence that says what
 * is allowed is appended to why. ERR_SYNTAX, ERR_LIMIT. */
MUST_USE int settings_check(
    enum setting_id id, struct span value, uint64_t *n_out, struct buf *why);

/* All numbers from the store, the default where it holds none (or one that
 * this version does not allow). */
void settings_load(struct settings *st, struct store *s);

/* One setting's text: the store's, else the default. ERR_LIMIT, ERR_IO. */
MUST_USE int settings_text(
    struct store *s, enum setting_id id, struct buf *out);

/* Append limits in words: "0 to 65535", "one of stderr, syslog". */
void settings_put_limits(struct buf *b, enum setting_id id);

/* Has the store been set up: owner, domain, first person? Until then the
 * mail ports stay closed. */
bool settings_is_set_up(struct store *s);
MUST_USE int settings_set_up(struct store *s);

#endif
