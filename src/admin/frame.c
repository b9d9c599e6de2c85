#include "admin/frame.h"

#include "base/cursor.h"

void
frame_put(struct buf *out, enum frame_type type, struct span payload)
{
	buf_put_char(out, (char)type);
	buf_put_be32(out, (uint32_t)payload.len);
	buf_put(out, payload);
}

static bool
is_type(char c)
{
	return c != '\0' && memchr("APGIDNETWSX", c, 11) != NULL;
}

int
frame_next(struct span s, enum frame_type *type_out, struct span *payload_out)
{
	struct cur c = cur_of(s);
	uint32_t len;
	uint8_t type;

	if (cur_u8(&c, &type) != PARSE_OK)
		return 0;
	if (!is_type((char)type))
		return ERR_SYNTAX;
	if (cur_be32(&c, &len) != PARSE_OK)
		return 0;
	if (len > MAX_FRAME_BYTES)
		return ERR_SYNTAX;
	if (cur_take(&c, len, payload_out) != PARSE_OK)
		return 0;
	*type_out = (enum frame_type)type;
	return (int)(FRAME_HEAD_BYTES + len);
}
