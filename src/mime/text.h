/* text.h - line ends, and the quoting of mbox files, in pieces. */
#ifndef TINPOST_MIME_TEXT_H
#define TINPOST_MIME_TEXT_H

#include "base/buf.h"

/* Any line ends to CRLF. Zero it to start. LF, CR LF, CR CR LF: one line
 * end; a CR on its own: one too. */
struct crlf_stream {
	uint32_t n_cr;    /* not yet written */
	bool is_mid_line; /* the last line has bytes, but no end yet */
};

void crlf_stream_step(struct crlf_stream *t, struct span in, struct buf *out);

/* The input is over; a last line without an end gets one. */
void crlf_stream_finish(struct crlf_stream *t, struct buf *out);

/* CRLF to LF; a CR elsewhere stays. Zero it to start. */
struct lf_stream {
	bool has_cr;
};

void lf_stream_step(struct lf_stream *t, struct span in, struct buf *out);
void lf_stream_finish(struct lf_stream *t, struct buf *out);

/* mboxrd quoting: a line of any number of ">" and then "From " gets one ">"
 * more, or loses one. Zero it to start. */
struct mbox_stream {
	uint32_t n_quotes; /* held ">" at the start of a line */
	uint8_t n_matched; /* held bytes of "From " */
	bool is_mid_line;
};

void mbox_quote_step(struct mbox_stream *m, struct span in, struct buf *out);
void mbox_unquote_step(struct mbox_stream *m, struct span in, struct buf *out);

/* The input is over: what is held goes out. */
void mbox_stream_finish(struct mbox_stream *m, struct buf *out);

/* Does a line begin a message of an mbox file? ("From " at its start) */
bool mbox_is_separator(struct span line);

#endif
