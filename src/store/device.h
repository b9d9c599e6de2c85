/* device.h - machines of the house that send mail and cannot sign in: scanners,
 * copiers, storage boxes. Each is an entry: where it is, as whom it sends, to
 * whom, and how much.
 *
 * Kept as texts beside the settings, as signing keys are, and never listed
 * there: backup, restore and check know them as settings. What an address or a
 * network is, the store does not look at.
 *
 * Ownership  spans of a view point into it.
 */
#ifndef TINPOST_STORE_DEVICE_H
#define TINPOST_STORE_DEVICE_H

#include "base/buf.h"

struct store;

#define MAX_DEVICE_NAME  32
#define MAX_DEVICE_BYTES 3000 /* of the lists together */

/* The lists are words with one space between. */
struct device {
	struct span name;    /* letters, digits, "-", "_" and "." */
	uint32_t per_hour;   /* messages; 0: any number */
	struct span at;      /* 192.168.1.5 10.0.0.0/24 */
	struct span senders; /* scanner@example.org */
	struct span rcpts;   /* kim@example.org example.org local */
};

struct device_view {
	struct device d; /* spans into storage */
	char storage[MAX_DEVICE_NAME + MAX_DEVICE_BYTES + 20];
};

/* Add a device, or change the one of this name. ERR_INVALID: no name, or a list
 * is empty or has controls in it. ERR_LIMIT. */
MUST_USE int device_put(struct store *s, const struct device *d);

/* ERR_NONE: there is none. */
MUST_USE int device_remove(struct store *s, struct span name);
MUST_USE int device_get(
    struct store *s, struct span name, struct device_view *out);

/* The device with the least name > *name (empty to begin), which is replaced.
 * ERR_NONE: no more. */
MUST_USE int device_next(
    struct store *s, struct buf *name, struct device_view *out);

/* A list's next word; empty: no more. */
struct span device_next_word(struct span *list);

#endif
