/* err.h - the error codes of the whole house.
 *
 * Fallible functions return 0 or one of these. Words for a peer are chosen
 * in the protocol rooms, by one function that maps a code to a reply.
 */
#ifndef TINPOST_BASE_ERR_H
#define TINPOST_BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))

enum err {
	ERR_NOMEM = -1,      /* an arena, buffer or budget is exhausted */
	ERR_IO = -2,         /* a system call failed; errno says which way */
	ERR_FULL = -3,       /* no space on the device or in the map */
	ERR_QUOTA = -4,      /* the person's quota is used up */
	ERR_NONE = -5,       /* there is none: no such thing, no next one */
	ERR_EXISTS = -6,     /* there is one already */
	ERR_GONE = -7,       /* was there, removed by somebody else */
	ERR_LIMIT = -8,      /* more than a named limit allows */
	ERR_SYNTAX = -9,     /* the input does not parse */
	ERR_INVALID = -10,   /* well formed, but not allowed as a value */
	ERR_DENIED = -11,    /* credentials or rights do not suffice */
	ERR_THROTTLED = -12, /* too many failures: try later */
	ERR_BUSY = -13,      /* in use by somebody else */
	ERR_AGAIN = -14,     /* not ready yet; asked again later it may be */
	ERR_CLOSED = -15,    /* the peer has closed */
	ERR_DAMAGED = -16,   /* stored data contradicts itself */
	ERR_TOO_NEW = -17,   /* written by a newer version */
	ERR_FOREIGN = -18,   /* not ours: another program's or machine's file */
	ERR_READ_ONLY = -19, /* the store takes no changes at present */
	ERR_UNSUPPORTED = -20, /* known, but not supported */
	ERR_TIMEOUT = -21,     /* the peer did not answer in time */
	ERR_REFUSED = -22,     /* the peer does not take connections there */
	ERR_UNREACHABLE = -23, /* no way to the peer */
	ERR_TLS = -24          /* the TLS handshake, or the certificate */
};

/* A short English sentence for a code, for logs and the command line; never
 * NULL. */
const char *err_text(int code);

#endif
