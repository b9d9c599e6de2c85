#include "store/key.h"

#include "store/tree.h"

struct key
key_u32(uint32_t a)
{
	struct key k;

	k.len = 4;
	be_put32(k.b, a);
	return k;
}

struct key
key_u64(uint64_t a)
{
	struct key k;

	k.len = 8;
	be_put64(k.b, a);
	return k;
}

struct key
key_u32_u32(uint32_t a, uint32_t b)
{
	struct key k;

	k.len = 8;
	be_put32(k.b, a);
	be_put32(k.b + 4, b);
	return k;
}

struct key
key_u32_u64(uint32_t a, uint64_t b)
{
	struct key k;

	k.len = 12;
	be_put32(k.b, a);
	be_put64(k.b + 4, b);
	return k;
}

static void
add(struct key *k, struct span text)
{
	text = span_sub(text, 0, MAX_KEY_BYTES - k->len);
	if (text.len > 0)
		memcpy(k->b + k->len, text.p, text.len);
	k->len += text.len;
}

struct key
key_u32_text(uint32_t a, struct span text)
{
	struct key k = key_u32(a);

	add(&k, text);
	return k;
}

struct key
key_name(uint32_t account, uint32_t parent, struct span leaf)
{
	struct key k = key_u32_u32(account, parent);

	add(&k, leaf);
	return k;
}

int
key_address(struct span address, struct key *out)
{
	size_t at = span_rfind(address, '@');

	if (at == address.len || at + 1 == address.len ||
	    address.len > MAX_ADDRESS_BYTES)
		return ERR_INVALID;
	for (size_t i = 0; i < address.len; i++)
		if ((unsigned char)address.p[i] < 0x20 || address.p[i] == 0x7f)
			return ERR_INVALID;
	out->len = 0;
	add(out, span_sub(address, at + 1, address.len));
	add(out, span_of("", 1));
	add(out, span_sub(address, 0, at));
	return 0;
}

int
key_address_text(struct span key, struct buf *b)
{
	size_t nul = span_find(key, '\0');

	if (nul == key.len)
		return ERR_DAMAGED;
	buf_put(b, span_sub(key, nul + 1, key.len));
	buf_put_char(b, '@');
	buf_put(b, span_sub(key, 0, nul));
	return buf_failed(b) ? ERR_LIMIT : 0;
}
