#include "store/domain.h"

#include "base/clock.h"
#include "store/apply.h"

static int
check_name(struct span name)
{
	if (name.len == 0 || name.len > MAX_DOMAIN_BYTES)
		return ERR_INVALID;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c <= 0x20 || c == 0x7f || c == '@')
			return ERR_INVALID;
	}
	return 0;
}

int
domain_apply_create(struct store *s, struct fields *f)
{
	struct span name = field_text(f, MAX_DOMAIN_BYTES);
	int64_t created_s = field_signed(f);
	struct span value;
	struct record r;
	int rc = field_end(f);

	if (rc == 0)
		rc = check_name(name);
	if (rc < 0)
		return rc;
	rc = tree_get(s, TREE_DOMAIN, name, &value);
	if (rc != ERR_NONE)
		return rc == 0 ? ERR_EXISTS : rc;
	record_put_number(&r, (uint64_t)created_s);
	return tree_put(s, TREE_DOMAIN, name, record_span(&r));
}

/* Keys of addresses begin with their domain and a NUL. */
static int
has_addresses(struct store *s, struct span name)
{
	char from[MAX_DOMAIN_BYTES + 1];
	struct span prefix = span_of(from, name.len + 1);
	struct span key, value;
	int rc;

	memcpy(from, name.p, name.len);
	from[name.len] = '\0';
	rc = tree_seek(s, TREE_ADDRESS, prefix, &key, &value);
	if (rc == 0 && span_starts(key, prefix))
		return ERR_BUSY;
	return rc == ERR_NONE ? 0 : rc;
}

int
domain_apply_delete(struct store *s, struct fields *f)
{
	struct span name = field_text(f, MAX_DOMAIN_BYTES);
	struct span value;
	int rc = field_end(f);

	if (rc == 0)
		rc = check_name(name);
	if (rc == 0)
		rc = tree_get(s, TREE_DOMAIN, name, &value);
	if (rc == 0)
		rc = has_addresses(s, name);
	return rc < 0 ? rc : tree_delete(s, TREE_DOMAIN, name);
}

int
domain_create(struct store *s, struct span name)
{
	int rc = check_name(name);

	if (rc == 0)
		rc = op_group(s, 64 + name.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_DOMAIN_CREATE);
	op_text(s, name);
	op_signed(s, clock_wall_s());
	return op_group_end(s, op_apply(s));
}

int
domain_delete(struct store *s, struct span name)
{
	int rc = check_name(name);

	if (rc < 0)
		return ERR_NONE;
	rc = op_group(s, 64 + name.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_DOMAIN_DELETE);
	op_text(s, name);
	return op_group_end(s, op_apply(s));
}

bool
domain_exists(struct store *s, struct span name)
{
	struct span value;

	return check_name(name) == 0 &&
	       tree_get(s, TREE_DOMAIN, name, &value) == 0;
}

int
domain_next(struct store *s, struct buf *name)
{
	struct span key, value;
	int rc;

	buf_put_char(name, '\0');
	if (buf_failed(name))
		return ERR_LIMIT;
	rc = tree_seek(s, TREE_DOMAIN, buf_span(name), &key, &value);
	if (rc < 0)
		return rc;
	buf_reset(name);
	buf_put(name, key);
	return buf_failed(name) ? ERR_LIMIT : 0;
}
