/* mime.h - Internet messages: RFC 5322 and RFC 2045 to 2049, read and
 * written. Pure: bytes in, structures out; no I/O, no clock, no store.
 *
 * Message text is canonical: every line ends with CRLF. Offsets count from
 * the first byte that was fed. Field values are kept raw but unfolded, so
 * encoded words (RFC 2047) and UTF-8 (RFC 6532) are both still in them.
 */
#ifndef TINPOST_MIME_MIME_H
#define TINPOST_MIME_MIME_H

#include "mime/address_text.h"
#include "mime/charset.h"
#include "mime/date.h"
#include "mime/edit.h"
#include "mime/encode.h"
#include "mime/header.h"
#include "mime/needle.h"
#include "mime/sevenbit.h"
#include "mime/structure.h"
#include "mime/summary.h"
#include "mime/text.h"
#include "mime/text_search.h"
#include "mime/trace.h"

#endif
