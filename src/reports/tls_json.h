/* tls_json.h - the text of a report about TLS (RFC 8460 4.4) around the pieces
 * that queue/tls_row.h counted. Pure; room-private.
 */
#ifndef TINPOST_REPORTS_TLS_JSON_H
#define TINPOST_REPORTS_TLS_JSON_H

#include "reports/report_mail.h"
#include "store/tally.h"

struct tls_json {
	bool has_policy, has_failure; /* one was begun */
	uint64_t n_good, n_bad;       /* of the policy begun */
	bool is_second;               /* a policy came before */
};

/* Append all before the first policy. */
void tls_json_begin(
    struct tls_json *j, struct buf *b, const struct report_label *l);

/* Append a row; they come by their class. A failure without its policy is
 * passed over. */
void tls_json_put(struct tls_json *j, struct buf *b, const struct tally_row *r);

void tls_json_end(struct tls_json *j, struct buf *b);

#endif
