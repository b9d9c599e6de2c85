#include "store/setting.h"

#include "store/apply.h"

static int
check_key(struct span key)
{
	if (key.len == 0 || key.len > MAX_SETTING_KEY_BYTES)
		return ERR_INVALID;
	for (size_t i = 0; i < key.len; i++)
		if ((unsigned char)key.p[i] <= 0x20)
			return ERR_INVALID;
	return 0;
}

int
setting_apply_put(struct store *s, struct fields *f)
{
	struct span key = field_text(f, MAX_SETTING_KEY_BYTES);
	struct span value = field_text(f, MAX_SETTING_BYTES);
	int rc = field_end(f);

	if (rc == 0)
		rc = check_key(key);
	if (rc < 0)
		return rc;
	buf_reset(&s->scratch);
	record_put_text(&s->scratch, value);
	if (buf_failed(&s->scratch))
		return ERR_NOMEM;
	return tree_put(s, TREE_SETTING, key, buf_span(&s->scratch));
}

int
setting_apply_delete(struct store *s, struct fields *f)
{
	struct span key = field_text(f, MAX_SETTING_KEY_BYTES);
	struct span value;
	int rc = field_end(f);

	if (rc == 0)
		rc = check_key(key);
	if (rc == 0)
		rc = tree_get(s, TREE_SETTING, key, &value);
	return rc < 0 ? rc : tree_delete(s, TREE_SETTING, key);
}

int
setting_get(struct store *s, struct span key, struct buf *out)
{
	struct span value;
	int rc = check_key(key);

	if (rc < 0)
		return ERR_NONE;
	rc = tree_get(s, TREE_SETTING, key, &value);
	if (rc == 0)
		rc = record_get_text(value, &value);
	if (rc < 0)
		return rc;
	buf_put(out, value);
	return buf_failed(out) ? ERR_LIMIT : 0;
}

int
setting_put(struct store *s, struct span key, struct span value)
{
	int rc = check_key(key);

	if (rc < 0)
		return rc;
	if (value.len > MAX_SETTING_BYTES)
		return ERR_LIMIT;
	rc = op_group(s, 64 + key.len + value.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_SETTING_PUT);
	op_text(s, key);
	op_text(s, value);
	return op_group_end(s, op_apply(s));
}

int
setting_delete(struct store *s, struct span key)
{
	int rc = check_key(key);

	if (rc < 0)
		return ERR_NONE;
	rc = op_group(s, 64 + key.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_SETTING_DELETE);
	op_text(s, key);
	return op_group_end(s, op_apply(s));
}

int
setting_next(struct store *s, struct buf *key, struct buf *value)
{
	struct span k, v, text;
	int rc;

	buf_put_char(key, '\0'); /* the least that is greater */
	if (buf_failed(key))
		return ERR_LIMIT;
	rc = tree_seek(s, TREE_SETTING, buf_span(key), &k, &v);
	if (rc == 0)
		rc = record_get_text(v, &text);
	if (rc < 0)
		return rc;
	buf_reset(key);
	buf_put(key, k);
	buf_reset(value);
	buf_put(value, text);
	return buf_failed(key) || buf_failed(value) ? ERR_LIMIT : 0;
}
