/* report_mail.h - one report on its way into the queue: a message with a gzip
 * file, signed (RFC 9990, RFC 8460 5.3).
 *
 *	report_mail_new, report_mail_put ..., report_mail_end,
 *	report_mail_deliver, report_mail_free
 *
 * The file is streamed into the store; what leads to it is 7-bit and made of
 * names that were checked. Room-private.
 */
#ifndef TINPOST_REPORTS_REPORT_MAIL_H
#define TINPOST_REPORTS_REPORT_MAIL_H

#include "base/buf.h"

struct store;
struct report_mail;

#define REPORT_MAX_TO   5 /* addresses of one domain */
#define REPORT_MAX_POST (60 * 1024)
#define REPORT_ID_LEN   16
#define REPORT_EXPIRE_S 86400 /* RFC 8460 5.4: tried for a day */

/* What stands on a report, whichever it is. */
struct report_label {
	bool is_tls;
	struct span domain;  /* whom it is about */
	struct span contact; /* our address for reports */
	char id[REPORT_ID_LEN + 1];
	int64_t begin_s, end_s; /* the last second */
};

/* The part of our address that names us as the reporting organization. */
struct span report_label_org(const struct report_label *l);

/* Begin; the label is borrowed. to are n addresses. ERR_NOMEM, ERR_FULL. */
MUST_USE int report_mail_new(struct store *s, const struct report_label *l,
    const struct span *to, size_t n, struct report_mail **out);

/* The next piece of the report, at most GZIP_MAX_PIECE bytes. */
MUST_USE int report_mail_put(struct report_mail *m, struct span text);

/* Keep the file itself as well, until report_mail_free: before the first
 * piece. */
void report_mail_keep(struct report_mail *m);
/* The file, when it is whole; empty: it has over REPORT_MAX_POST bytes. */
struct span report_mail_file(const struct report_mail *m);

/* Bytes of the message so far. */
uint64_t report_mail_bytes(const struct report_mail *m);

/* The report is whole. */
MUST_USE int report_mail_end(struct report_mail *m);

/* Sign (an RSA operation) and put it into the queue; addresses of domains here
 * have it in their INBOX. ERR_NONE: nobody is left to send it to. ERR_DENIED:
 * it must be signed (RFC 8460 3), and there is no key. */
MUST_USE int report_mail_deliver(struct report_mail *m);

void report_mail_free(struct report_mail *m); /* NULL is fine */

/* What a message is at most whose file has so many bytes in so many pieces. */
uint64_t report_mail_most(uint64_t n_bytes, uint64_t n_pieces);

#endif
