#include "auth/resolve.h"

#include "base/ascii.h"
#include "base/hash.h"
#include "base/idna.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "store/store.h"

void
resolved_init(struct resolved *r)
{
	*r = (struct resolved){ 0 };
	buf_init(&r->foreign, MAX_TARGETS * (MAX_ADDRESS_BYTES + 1));
}

void
resolved_deinit(struct resolved *r)
{
	mem_free(r->accounts);
	buf_deinit(&r->foreign);
	resolved_init(r);
}

static void
resolved_clear(struct resolved *r)
{
	r->n_accounts = 0;
	r->n_foreign = 0;
	buf_reset(&r->foreign);
	r->folder = span_of(NULL, 0);
}

/* Insert in order, once. */
static int
add_account(struct resolved *r, uint32_t id)
{
	size_t low = 0, high = r->n_accounts;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->accounts[mid] < id)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < r->n_accounts && r->accounts[low] == id)
		return 0;
	if (r->n_accounts == MAX_TARGETS)
		return ERR_LIMIT;
	if (r->n_accounts == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 4;
		uint32_t *p = mem_resize(r->accounts, cap * sizeof(*p));

		if (p == NULL)
			return ERR_NOMEM;
		r->accounts = p;
		r->cap = cap;
	}
	memmove(r->accounts + low + 1, r->accounts + low,
	    (r->n_accounts - low) * sizeof(*r->accounts));
	r->accounts[low] = id;
	r->n_accounts++;
	return 0;
}

static bool
has_account(const struct resolved *r, uint32_t id)
{
	for (size_t i = 0; i < r->n_accounts; i++) {
		if (r->accounts[i] == id)
			return true;
	}
	return false;
}

static struct span
local_of(struct span address)
{
	return span_sub(address, 0, span_rfind(address, '@'));
}

static struct span
domain_of(struct span address)
{
	return span_sub(address, span_rfind(address, '@') + 1, SIZE_MAX);
}

int
resolve_normalize(struct buf *out, struct span address)
{
	struct span local = local_of(address);
	struct span domain = domain_of(address);
	size_t before = out->len;
	int rc;

	if (local.len == 0 || domain.len == 0)
		return ERR_SYNTAX;
	/* RFC 5321 4.5.3.1.1 and 4.5.3.1.2 */
	if (local.len > MAX_LOCAL_BYTES || domain.len > MAX_DOMAIN_BYTES)
		return ERR_LIMIT;
	for (size_t i = 0; i < address.len; i++) {
		if (ascii_is_ctl(address.p[i]))
			return ERR_SYNTAX;
	}
	rc = utf8_fold(out, local);
	buf_put_char(out, '@');
	if (rc == 0)
		rc = idna_to_ascii(out, domain);
	if (rc < 0)
		return rc;
	if (buf_failed(out) || out->len - before > MAX_ADDRESS_BYTES)
		return ERR_LIMIT;
	return 0;
}

bool
resolve_is_local(struct store *s, struct span domain)
{
	char storage[MAX_ADDRESS_BYTES];
	struct buf folded;

	buf_init_fixed(&folded, storage, sizeof(storage));
	return domain.len > 0 && idna_to_ascii(&folded, domain) == 0 &&
	       !buf_failed(&folded) && domain_exists(s, buf_span(&folded));
}

/* A key of the store, with room for one. */
struct key {
	char bytes[MAX_ADDRESS_BYTES];
	size_t len;
};

static struct span
key_span(const struct key *k)
{
	return span_of(k->bytes, k->len);
}

/* How an address was found. */
enum found { FOUND_SELF, FOUND_PLUS, FOUND_CATCH_ALL };

static int
lookup(struct store *s, struct span local, struct span domain, struct key *key,
    struct address_entry *out)
{
	struct buf b;

	buf_init_fixed(&b, key->bytes, sizeof(key->bytes));
	buf_put(&b, local);
	buf_put_char(&b, '@');
	buf_put(&b, domain);
	if (buf_failed(&b))
		return ERR_NONE;
	key->len = b.len;
	return address_lookup(s, key_span(key), out);
}

/* Find the entry that answers for a normalized address: itself, without
 * "+...", or (if wanted) its domain's catch-all. */
static int
find(struct store *s, struct span address, bool wants_catch_all,
    struct key *key, struct address_entry *out, enum found *found_out)
{
	struct span local = local_of(address);
	struct span domain = domain_of(address);
	size_t plus = span_find(local, '+');
	int rc;

	*found_out = FOUND_SELF;
	rc = lookup(s, local, domain, key, out);
	if (rc != ERR_NONE)
		return rc;
	if (plus > 0 && plus < local.len) {
		*found_out = FOUND_PLUS;
		rc = lookup(s, span_sub(local, 0, plus), domain, key, out);
		if (rc != ERR_NONE)
			return rc;
	}
	if (!wants_catch_all)
		return ERR_NONE;
	*found_out = FOUND_CATCH_ALL;
	return lookup(s, span_of(NULL, 0), domain, key, out);
}

/* What one resolution has seen. */
struct walk {
	struct store *store;
	struct resolved *out;
	bool skips_groups;
	uint32_t n_visits;
	uint64_t *seen; /* a hash table of SEEN_SLOTS, 0: free */
};

/* Twice MAX_ALIAS_VISITS and more, so that a free slot is near. */
#define SEEN_SLOTS 4096
_Static_assert(SEEN_SLOTS > MAX_ALIAS_VISITS, "the table has a free slot");

/* Is it the first visit to this key? ERR_EXISTS: no. */
static int
visit(struct walk *w, struct span key)
{
	uint64_t h = hash_mem(key) | 1;
	size_t at = (size_t)(h >> 1) % SEEN_SLOTS;

	if (w->seen == NULL)
		w->seen = mem_alloc(SEEN_SLOTS * sizeof(*w->seen));
	if (w->seen == NULL)
		return ERR_NOMEM;
	for (; w->seen[at] != 0; at = (at + 1) % SEEN_SLOTS) {
		if (w->seen[at] == h)
			return ERR_EXISTS;
	}
	if (w->n_visits == MAX_ALIAS_VISITS)
		return ERR_LIMIT;
	w->n_visits++;
	w->seen[at] = h;
	return 0;
}

static int expand(struct walk *w, struct span key, int depth);

/* Add who is behind an entry that was found under key. */
static int
add_entry(struct walk *w, const struct key *key,
    const struct address_entry *entry, int depth)
{
	int rc;

	if (entry->kind == ADDRESS_PERSON)
		return add_account(w->out, entry->id);
	if (w->skips_groups && entry->kind == ADDRESS_GROUP)
		return 0;
	rc = visit(w, key_span(key));
	if (rc == ERR_EXISTS)
		return 0; /* a loop, or reached twice */
	if (rc < 0)
		return rc;
	return depth < MAX_ALIAS_DEPTH ? expand(w, key_span(key), depth + 1)
	                               : ERR_LIMIT;
}

/* Add who is behind one target of an alias. One that leads nowhere is left
 * out: the others still get their mail. */
static int
add_target(struct walk *w, struct span target, int depth)
{
	struct address_entry entry;
	struct key key;
	enum found found;
	int rc;

	if (!resolve_is_local(w->store, domain_of(target))) {
		rc = visit(w, target);
		if (rc < 0)
			return rc == ERR_EXISTS ? 0 : rc;
		w->out->n_foreign++;
		buf_put(&w->out->foreign, target);
		buf_put_char(&w->out->foreign, '\0');
		return buf_failed(&w->out->foreign) ? ERR_NOMEM : 0;
	}
	rc = find(w->store, target, true, &key, &entry, &found);
	if (rc == ERR_NONE)
		return 0;
	return rc < 0 ? rc : add_entry(w, &key, &entry, depth);
}

/* Recursion is bounded by MAX_ALIAS_DEPTH. */
static int
expand(struct walk *w, struct span key, int depth)
{
	char storage[MAX_ADDRESS_BYTES];
	struct buf target;
	int rc;

	buf_init_fixed(&target, storage, sizeof(storage));
	while ((rc = address_next_target(w->store, key, &target)) == 0) {
		rc = add_target(w, buf_span(&target), depth);
		if (rc < 0)
			return rc;
	}
	return rc == ERR_NONE ? 0 : rc;
}

/* RFC 5321 4.5.1: postmaster is always there. The owners stand in for one
 * that nobody made, or the first person where nobody is the owner. */
static int
add_owners(struct store *s, struct resolved *out)
{
	struct account_view view;
	uint32_t id = 0, first = 0;
	int rc;

	for (; (rc = account_next(s, &id)) == 0; id++) {
		rc = account_get(s, id, &view);
		if (rc < 0)
			return rc;
		if (first == 0)
			first = id;
		if (!(view.flags & ACCOUNT_OWNER))
			continue;
		rc = add_account(out, id);
		if (rc < 0)
			return rc;
	}
	if (rc != ERR_NONE)
		return rc;
	if (out->n_accounts > 0)
		return 0;
	return first != 0 ? add_account(out, first) : ERR_NONE;
}

static bool
is_postmaster(struct span local)
{
	return span_is_nocase(local, SPAN("postmaster"));
}

static int
resolve_key(struct store *s, struct span key, struct resolved *out,
    enum found *found_out)
{
	struct walk w = { .store = s, .out = out };
	struct address_entry entry;
	struct key found_key;
	bool is_postmasters = is_postmaster(local_of(key));
	int rc = find(s, key, !is_postmasters, &found_key, &entry, found_out);

	if (rc == ERR_NONE && is_postmasters)
		return add_owners(s, out);
	if (rc < 0)
		return rc;
	rc = add_entry(&w, &found_key, &entry, 0);
	mem_free(w.seen);
	if (rc == 0 && is_postmasters && out->n_foreign == 0 &&
	    out->n_accounts == 0)
		rc = add_owners(s, out); /* all behind the alias are gone */
	return rc;
}

int
resolve_stand_in(struct store *s, struct resolved *who)
{
	buf_reset(&who->foreign);
	who->n_foreign = 0;
	return who->n_accounts > 0 ? 0 : add_owners(s, who);
}

/* "postmaster" alone: of the first domain, or of the house without any. */
static int
resolve_bare_postmaster(struct store *s, struct resolved *out)
{
	char storage[MAX_ADDRESS_BYTES];
	char key_storage[MAX_ADDRESS_BYTES];
	struct buf domain, key;
	enum found found;
	int rc;

	buf_init_fixed(&domain, storage, sizeof(storage));
	rc = domain_next(s, &domain);
	if (rc == ERR_NONE)
		return add_owners(s, out);
	if (rc < 0)
		return rc;
	buf_init_fixed(&key, key_storage, sizeof(key_storage));
	buf_put_str(&key, "postmaster@");
	buf_put(&key, buf_span(&domain));
	return resolve_key(s, buf_span(&key), out, &found);
}

int
resolve_recipient(struct store *s, struct span address, struct resolved *out)
{
	char storage[MAX_ADDRESS_BYTES];
	struct buf key;
	enum found found;
	int rc;

	resolved_clear(out);
	if (is_postmaster(address))
		return resolve_bare_postmaster(s, out);
	buf_init_fixed(&key, storage, sizeof(storage));
	rc = resolve_normalize(&key, address);
	if (rc < 0)
		return rc;
	if (!resolve_is_local(s, domain_of(buf_span(&key))))
		return ERR_DENIED;
	rc = resolve_key(s, buf_span(&key), out, &found);
	if (rc == 0 && found == FOUND_PLUS) {
		struct span local = local_of(address);

		out->folder =
		    span_sub(local, span_find(local, '+') + 1, SIZE_MAX);
	}
	return rc;
}

/* Is the account itself among the targets of the catch-all? */
static int
owns_catch_all(struct store *s, struct span key, uint32_t account_id)
{
	char storage[MAX_ADDRESS_BYTES];
	struct address_entry entry;
	struct buf target;
	int rc;

	buf_init_fixed(&target, storage, sizeof(storage));
	while ((rc = address_next_target(s, key, &target)) == 0) {
		rc = address_lookup(s, buf_span(&target), &entry);
		if (rc == 0 && entry.kind == ADDRESS_PERSON &&
		    entry.id == account_id)
			return 0;
		if (rc < 0 && rc != ERR_NONE)
			return rc;
	}
	return rc == ERR_NONE ? ERR_DENIED : rc;
}

int
resolve_owns(struct store *s, uint32_t account_id, struct span address)
{
	char storage[MAX_ADDRESS_BYTES];
	struct resolved people;
	struct walk w = { .store = s, .out = &people, .skips_groups = true };
	struct address_entry entry;
	struct buf key;
	struct key found_key;
	enum found found;
	int rc;

	buf_init_fixed(&key, storage, sizeof(storage));
	if (resolve_normalize(&key, address) < 0)
		return ERR_DENIED;
	rc = find(s, buf_span(&key), true, &found_key, &entry, &found);
	if (rc < 0)
		return rc == ERR_NONE ? ERR_DENIED : rc;
	if (found == FOUND_CATCH_ALL && entry.kind != ADDRESS_PERSON)
		return owns_catch_all(s, key_span(&found_key), account_id);
	resolved_init(&people);
	rc = add_entry(&w, &found_key, &entry, 0);
	if (rc == 0 && !has_account(&people, account_id))
		rc = ERR_DENIED;
	mem_free(w.seen);
	resolved_deinit(&people);
	return rc == ERR_LIMIT ? ERR_DENIED : rc;
}

/* The one account whose primary address has this local part. */
static int
login_by_local(struct store *s, struct span local, uint32_t *account_id_out)
{
	char storage[MAX_ADDRESS_BYTES], domain_storage[MAX_ADDRESS_BYTES];
	struct address_entry entry;
	struct buf folded, domain;
	struct key key;
	bool is_found = false;
	int rc;

	buf_init_fixed(&folded, storage, sizeof(storage));
	buf_init_fixed(&domain, domain_storage, sizeof(domain_storage));
	if (local.len == 0 || local.len > MAX_LOCAL_BYTES ||
	    utf8_fold(&folded, local) < 0 || buf_failed(&folded))
		return ERR_NONE;
	while ((rc = domain_next(s, &domain)) == 0) {
		rc = lookup(
		    s, buf_span(&folded), buf_span(&domain), &key, &entry);
		if (rc == ERR_NONE || (rc == 0 && entry.kind != ADDRESS_PERSON))
			continue;
		if (rc < 0)
			return rc;
		if (is_found)
			return ERR_NONE; /* two of them: ambiguous */
		is_found = true;
		*account_id_out = entry.id;
	}
	if (rc != ERR_NONE)
		return rc;
	return is_found ? 0 : ERR_NONE;
}

int
resolve_login(struct store *s, struct span name, uint32_t *account_id_out)
{
	char storage[MAX_ADDRESS_BYTES];
	struct address_entry entry;
	struct buf key;
	int rc;

	if (span_find(name, '@') == name.len)
		return login_by_local(s, name, account_id_out);
	buf_init_fixed(&key, storage, sizeof(storage));
	if (resolve_normalize(&key, name) < 0)
		return ERR_NONE;
	rc = address_lookup(s, buf_span(&key), &entry);
	if (rc < 0)
		return rc;
	if (entry.kind != ADDRESS_PERSON)
		return ERR_NONE;
	*account_id_out = entry.id;
	return 0;
}
