/* entity.h - the header of one entity: what is kept of it, and its record in
 * the summary; private to this room.
 */
#ifndef TINPOST_MIME_ENTITY_H
#define TINPOST_MIME_ENTITY_H

#include "mime/blob.h"
#include "mime/header.h"
#include "mime/preview.h"

#define MAX_VALUE_BYTES      (16 * 1024) /* of one field */
#define MAX_ENTITY_BYTES     (20 * 1024) /* of all fields */
#define MAX_FIELD_KEPT_BYTES (8 * 1024)  /* unfolded, of one field */
#define MAX_REFERENCES_BYTES 2048
#define MAX_BOUNDARY_BYTES   200 /* RFC 2046 5.1.1 allows 70 */

/* The fields that are looked at: first those of an envelope, as ENV_. */
enum {
	FIELD_CONTENT_TYPE = N_ENVELOPE_STRINGS,
	FIELD_ENCODING,
	FIELD_DISPOSITION,
	FIELD_ID,
	FIELD_DESCRIPTION,
	FIELD_MD5,
	FIELD_LANGUAGE,
	FIELD_LOCATION,
	FIELD_REFERENCES,
	N_ENTITY_FIELDS
};

extern const char *const entity_field_names[N_ENTITY_FIELDS + 1];

struct entity_slot {
	uint16_t from, len;
	bool is_there;
};

enum entity_kind { ENTITY_LEAF, ENTITY_MULTIPART, ENTITY_MESSAGE };

struct entity {
	struct buf strings;
	struct entity_slot slots[N_ENTITY_FIELDS];
	uint64_t header_start;
	bool is_root;      /* of a message: it has an envelope */
	bool is_in_digest; /* RFC 2046 5.1.5: message/rfc822 by default */
};

/* What the parser must know of a finished header. */
struct entity_facts {
	enum entity_kind kind;
	enum encoding encoding;
	bool is_text, is_html, is_digest, is_attachment;
	uint8_t n_boundary;
	uint8_t n_charset;
	char boundary[MAX_BOUNDARY_BYTES];
	char charset[40];
};

void entity_init(struct entity *e);
void entity_deinit(struct entity *e);

/* Forget all fields; a header begins here. */
void entity_begin(struct entity *e, uint64_t header_start);

/* Keep a field, if it is one that is looked at; the first of a name counts.
 * ERR_NOMEM. */
MUST_USE int entity_add(struct entity *e, const struct field *f);

/* The kept value; p NULL: none. */
struct span entity_field(const struct entity *e, int field);

/* The most bytes that entity_put may append. */
size_t entity_max_bytes(const struct entity *e);

/* Append the record of the entity, and tell its facts. The offsets of the
 * body are zero: the caller fills them in. */
void entity_put(const struct entity *e, struct buf *b, uint8_t depth,
    struct entity_facts *out);

#endif
