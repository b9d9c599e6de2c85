/* authres.h - the Authentication-Results field (RFC 8601), written and read. Those that
 * others wrote in our name are taken out by mime/edit.h. Pure.
 */
#ifndef TINPOST_TRUST_AUTHRES_H
#define TINPOST_TRUST_AUTHRES_H

#include "base/buf.h"

/* A field is written piece by piece into out:
 *
 *	authres_begin(&a, &out, host);
 *	authres_method(&a, "spf", "pass", "");
 *	authres_property(&a, "smtp.mailfrom", from);
 *	authres_end(&a);
 */
struct authres {
	struct buf *out;
	size_t n_methods;
};

/* Append the name and authserv-id. */
void authres_begin(struct authres *a, struct buf *out, struct span host);
/* The same for an ARC-Authentication-Results (RFC 8617 4.1.1). */
void authres_begin_arc(
    struct authres *a, struct buf *out, unsigned instance, struct span host);
/* Append "method=result", on a line of its own, and reason="..." unless the
 * reason is empty. */
void authres_method(struct authres *a, const char *method, const char *result,
    const char *reason);
/* Append "name=value" of the last method; the value may be anything: it is
 * quoted where it must be, and controls become "?". */
void authres_property(struct authres *a, const char *name, struct span value);
/* Append the end; "none" when there was no method (RFC 8601 2.2). */
void authres_end(struct authres *a);

/* Read what somebody else wrote: from the authserv-id on, the first result of a
 * method, and of it a property ("header.from"; p is NULL when it is not
 * there). Spans point into value, quotes not included. False: none. */
bool authres_find(struct span value, struct span method, struct span property,
    struct span *result_out, struct span *property_out);

#endif
