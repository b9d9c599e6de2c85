/* limits.h - every bound of the house in one place, with its reason.
 *
 * What an owner may want to change is a setting (`tinpost settings`); what
 * stands here is fixed, or the most that a setting may say.
 */
#ifndef TINPOST_BASE_LIMITS_H
#define TINPOST_BASE_LIMITS_H

/* RFC 5321 4.5.3.1: local part 64, domain 255, path 256. */
#define MAX_LOCAL_BYTES   64
#define MAX_DOMAIN_BYTES  255
#define MAX_ADDRESS_BYTES 320
/* RFC 5321 4.5.3.1.3, without the brackets. */
#define MAX_PATH_BYTES 254
/* RFC 5321 4.5.3.1.8: at least 100 recipients. */
#define MAX_RCPTS 1000
/* RFC 5321 4.5.3.1.4: at least 512; extensions add to it. */
#define MAX_SMTP_LINE 4096
/* RFC 4954 4: a base64 answer of up to 12288 octets. */
#define MAX_AUTH_LINE 12290
/* RFC 2449 4: POP3 commands are at most 255 octets; AUTH is longer. */
#define MAX_POP3_LINE 512
/* RFC 5321 4.5.3.1.6: text lines of 998 and CRLF at least. Longer ones
 * exist; they are taken up to here and stored as they are. */
#define MAX_TEXT_LINE (1 << 20)

/* What the MIME parser looks at; the rest is opaque text. */
#define MAX_MIME_DEPTH 100
/* Ten thousand were asked for. Each takes 40 bytes of the summary at least,
 * and an operation that delivers has 64 KB for all (rule 8): what the summary
 * holds is about this many. Real mail has under a hundred. */
#define MAX_MIME_PARTS    1000
#define MAX_HEADER_BYTES  (256 * 1024)
#define MAX_HEADER_LINES  2000
#define MAX_MIME_PARAMS   100
#define MAX_SUMMARY_BYTES (48 * 1024)

/* The store. */
#define MAX_OP_RECORDS 64          /* rule 8 */
#define MAX_OP_BYTES   (64 * 1024) /* rule 8 */
/* Of a body, uncompressed. A chunk that does not compress, its codec byte and
 * LMDB's page header fill four pages and do not begin a fifth. */
#define CHUNK_BYTES       (16 * 1024 - 32)
#define MAX_INLINE_CHUNKS 3 /* a larger body goes to its volume at once */
/* The trace header put before a body, with what was found out and signed; one
 * chunk. */
#define MAX_PREFIX_BYTES  16000
#define MAX_KEYWORDS      64 /* in a mailbox */
#define MAX_KEYWORD_BYTES 100
#define MAX_MAILBOX_DEPTH 16
/* Below one that is moved deeper: 1.5 us each, in one step. */
#define MAX_RENAME_BELOW   2000
#define MAX_MAILBOX_PART   255   /* bytes of one level of a name */
#define MAX_SETTING_BYTES  16384 /* a certificate chain fits */
#define MAX_TARGETS        1000  /* people and addresses behind one address */
#define MAX_PASSWORD_BYTES 1024
/* What a command takes as its secret: a password, or a provider's tokens. */
#define MAX_SECRET_BYTES 4096

#endif
