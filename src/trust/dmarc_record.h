/* dmarc_record.h - the text of a DMARC record (RFC 9989 4.7). Pure. */
#ifndef TINPOST_TRUST_DMARC_RECORD_H
#define TINPOST_TRUST_DMARC_RECORD_H

#include "trust/dmarc.h"

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
	enum dmarc_policy p, sp, np; /* sp and np: p's when not there */
	enum dmarc_psd psd;
	bool is_strict_dkim, is_strict_spf; /* adkim=s, aspf=s */
	bool is_testing;                    /* t=y */
	bool has_rua;
};

/* Is this TXT meant as a DMARC record: does it begin with v=DMARC1? */
bool dmarc_record_is(struct span txt);

/* Read it; unknown tags, and garbage among them, are ignored. ERR_SYNTAX: it
 * is none, or has no policy. */
MUST_USE int dmarc_record_parse(struct span txt, struct dmarc_record *out);

/* The value of a tag as it stands; p is NULL when it is not there. */
struct span dmarc_record_value(struct span txt, struct span name);

#endif
