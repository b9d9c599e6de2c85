/* cmd_expunge.h - what EXPUNGE and CLOSE share. */
#ifndef TINPOST_IMAP_CMD_EXPUNGE_H
#define TINPOST_IMAP_CMD_EXPUNGE_H

struct imap;

/* CLOSE (RFC 9051 6.4.1): expunge without telling, then close; a job. */
void imap_expunge_and_close(struct imap *i);

#endif
