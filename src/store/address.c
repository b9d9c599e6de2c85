#include "store/address.h"

#include "base/clock.h"
#include "store/apply.h"

/* Targets removed by one operation (rule 8). */
#define DELETE_BATCH 60

static int
entry_at(struct store *s, const struct key *k, struct address_entry *e)
{
	struct span value;
	int rc = tree_get(s, TREE_ADDRESS, key_span(k), &value);

	return rc == 0 ? record_get_address(value, e) : rc;
}

static int
put_entry(struct store *s, const struct key *k, const struct address_entry *e)
{
	struct record r;

	record_put_address(&r, e);
	return tree_put(s, TREE_ADDRESS, key_span(k), record_span(&r));
}

static int
check_domain(struct store *s, struct span address)
{
	size_t at = span_rfind(address, '@');
	struct span value;

	return tree_get(
	    s, TREE_DOMAIN, span_sub(address, at + 1, address.len), &value);
}

int
address_apply_create(struct store *s, struct fields *f)
{
	struct span address = field_text(f, MAX_ADDRESS_BYTES);
	struct address_entry e = { .kind = ADDRESS_ALIAS }, old;
	struct key k;
	int rc;

	if (field_num(f, ADDRESS_GROUP) == ADDRESS_GROUP)
		e.kind = ADDRESS_GROUP;
	e.id = (uint32_t)field_num(f, UINT32_MAX - 1);
	e.created_s = field_signed(f);
	rc = field_end(f);
	if (rc == 0)
		rc = key_address(address, &k);
	if (rc == 0)
		rc = check_domain(s, address);
	if (rc < 0)
		return rc;
	rc = entry_at(s, &k, &old);
	if (rc != ERR_NONE)
		return rc == 0 ? ERR_EXISTS : rc;
	if (e.id >= s->meta.next_alias)
		s->meta.next_alias = e.id + 1;
	return put_entry(s, &k, &e);
}

/* The alias behind a key, for the operations that change it. */
static int
alias_at(struct store *s, struct span address, struct key *k,
    struct address_entry *e)
{
	int rc = key_address(address, k);

	if (rc == 0)
		rc = entry_at(s, k, e);
	if (rc == 0 && e->kind == ADDRESS_PERSON)
		rc = ERR_DENIED;
	return rc;
}

int
address_apply_delete(struct store *s, struct fields *f)
{
	struct span address = field_text(f, MAX_ADDRESS_BYTES);
	struct address_entry e;
	struct span key, value;
	struct key k, first;
	uint32_t n = 0;
	int rc = field_end(f);

	if (rc == 0)
		rc = alias_at(s, address, &k, &e);
	if (rc < 0)
		return rc;
	s->result.has_more = e.n_targets > DELETE_BATCH;
	first = key_u32(e.id);
	while (n < e.n_targets && n < DELETE_BATCH) {
		struct key doomed;

		rc = tree_seek(s, TREE_TARGET, key_span(&first), &key, &value);
		if (rc < 0 || !span_starts(key, key_span(&first)))
			return ERR_DAMAGED;
		memcpy(doomed.b, key.p, key.len);
		doomed.len = key.len;
		rc = tree_delete(s, TREE_TARGET, key_span(&doomed));
		if (rc < 0)
			return rc;
		n++;
	}
	e.n_targets -= n;
	if (s->result.has_more)
		return put_entry(s, &k, &e);
	return tree_delete(s, TREE_ADDRESS, key_span(&k));
}

static int
target_fields(struct store *s, struct fields *f, struct key *k,
    struct address_entry *e, struct key *target)
{
	struct span address = field_text(f, MAX_ADDRESS_BYTES);
	struct span text = field_text(f, MAX_ADDRESS_BYTES);
	int rc = field_end(f);

	if (rc == 0)
		rc = key_address(text, target); /* its form only */
	if (rc == 0)
		rc = alias_at(s, address, k, e);
	if (rc == 0)
		*target = key_u32_text(e->id, text);
	return rc;
}

int
address_apply_add_target(struct store *s, struct fields *f)
{
	struct address_entry e;
	struct key k, target;
	struct span value;
	struct record r;
	int rc = target_fields(s, f, &k, &e, &target);

	if (rc < 0)
		return rc;
	rc = tree_get(s, TREE_TARGET, key_span(&target), &value);
	if (rc != ERR_NONE)
		return rc == 0 ? ERR_EXISTS : rc;
	if (e.n_targets >= MAX_TARGETS)
		return ERR_LIMIT;
	record_init(&r);
	rc = tree_put(s, TREE_TARGET, key_span(&target), record_span(&r));
	if (rc < 0)
		return rc;
	e.n_targets++;
	return put_entry(s, &k, &e);
}

int
address_apply_remove_target(struct store *s, struct fields *f)
{
	struct address_entry e;
	struct key k, target;
	struct span value;
	int rc = target_fields(s, f, &k, &e, &target);

	if (rc == 0)
		rc = tree_get(s, TREE_TARGET, key_span(&target), &value);
	if (rc == 0 && e.n_targets == 0)
		rc = ERR_DAMAGED;
	if (rc == 0)
		rc = tree_delete(s, TREE_TARGET, key_span(&target));
	if (rc < 0)
		return rc;
	e.n_targets--;
	return put_entry(s, &k, &e);
}

int
address_lookup(struct store *s, struct span key, struct address_entry *out)
{
	struct key k;

	if (key_address(key, &k) < 0)
		return ERR_NONE;
	return entry_at(s, &k, out);
}

int
address_create_alias(struct store *s, struct span key, enum address_kind kind)
{
	struct key k;
	int rc = key_address(key, &k);

	if (rc == 0 && kind == ADDRESS_PERSON)
		rc = ERR_INVALID;
	if (rc == 0)
		rc = op_group(s, 64 + key.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_ADDRESS_CREATE);
	op_text(s, key);
	op_num(s, kind);
	op_num(s, s->meta.next_alias);
	op_signed(s, clock_wall_s());
	return op_group_end(s, op_apply(s));
}

static int
change_target(
    struct store *s, enum op kind, struct span key, struct span target)
{
	struct key k;
	int rc = key_address(key, &k);

	if (rc < 0)
		return ERR_NONE;
	rc = key_address(target, &k);
	if (rc == 0)
		rc = op_group(s, 64 + key.len + target.len);
	if (rc < 0)
		return rc;
	op_begin(s, kind);
	op_text(s, key);
	op_text(s, target);
	return op_group_end(s, op_apply(s));
}

int
address_add_target(struct store *s, struct span key, struct span target)
{
	return change_target(s, OP_TARGET_ADD, key, target);
}

int
address_remove_target(struct store *s, struct span key, struct span target)
{
	return change_target(s, OP_TARGET_REMOVE, key, target);
}

int
address_delete(struct store *s, struct span key)
{
	struct key k;
	int rc = key_address(key, &k);

	if (rc < 0)
		return ERR_NONE;
	rc = op_group(s, 64 + key.len);
	if (rc < 0)
		return rc;
	op_begin(s, OP_ADDRESS_DELETE);
	op_text(s, key);
	rc = op_group_end(s, op_apply(s));
	return rc == 0 && s->result.has_more ? ERR_AGAIN : rc;
}

int
address_next(struct store *s, struct buf *key, struct address_entry *out)
{
	struct span from = span_of(NULL, 0), found, value;
	struct key k;
	int rc;

	if (key->len > 0) {
		if (key_address(buf_span(key), &k) < 0)
			return ERR_INVALID;
		k.b[k.len++] = '\0'; /* the least that is greater */
		from = key_span(&k);
	}
	rc = tree_seek(s, TREE_ADDRESS, from, &found, &value);
	if (rc == 0)
		rc = record_get_address(value, out);
	if (rc < 0)
		return rc;
	buf_reset(key);
	return key_address_text(found, key);
}

int
address_next_target(struct store *s, struct span key, struct buf *target)
{
	struct address_entry e;
	struct span found, value;
	struct key k, first;
	int rc;

	if (key_address(key, &k) < 0)
		return ERR_NONE;
	rc = entry_at(s, &k, &e);
	if (rc < 0)
		return rc;
	if (e.kind == ADDRESS_PERSON || target->len > MAX_ADDRESS_BYTES)
		return ERR_NONE;
	k = key_u32_text(e.id, buf_span(target));
	k.b[k.len++] = '\0';
	rc = tree_seek(s, TREE_TARGET, key_span(&k), &found, &value);
	if (rc < 0)
		return rc;
	first = key_u32(e.id);
	if (!span_starts(found, key_span(&first)))
		return ERR_NONE;
	buf_reset(target);
	buf_put(target, span_sub(found, 4, found.len));
	return buf_failed(target) ? ERR_LIMIT : 0;
}
