/* dmarc_xml.h - the text of an aggregate report (RFC 9990) around its records,
 * which come from trust/dmarc_row.h. Pure; room-private.
 */
#ifndef TINPOST_REPORTS_DMARC_XML_H
#define TINPOST_REPORTS_DMARC_XML_H

#include "reports/report_mail.h"

/* Append all before the first record. record is the text of the domain's DMARC
 * record. ERR_SYNTAX: it is none. */
MUST_USE int dmarc_xml_begin(
    struct buf *b, const struct report_label *l, struct span record);

/* Append a record that was counted n times: both its pieces, with a NUL
 * between. */
void dmarc_xml_put(struct buf *b, struct span pieces, uint32_t n);

void dmarc_xml_end(struct buf *b);

#endif
