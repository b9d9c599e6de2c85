#include "net/tls_cache.h"

#include "base/mem.h"

struct tls_cache {
	size_t n;
	uint64_t clock;
	struct tls_session sessions[];
};

int
tls_cache_new(size_t n, struct tls_cache **out)
{
	struct tls_cache *c =
	    mem_alloc(sizeof(*c) + n * sizeof(struct tls_session));

	if (c == NULL)
		return ERR_NOMEM;
	c->n = n;
	*out = c;
	return 0;
}

void
tls_cache_free(struct tls_cache *c)
{
	if (c == NULL)
		return;
	tls_cache_clear(c);
	mem_free(c);
}

void
tls_cache_put(struct tls_cache *c, const struct tls_session *s, int64_t now_ms)
{
	struct tls_session *oldest = &c->sessions[0];

	for (size_t i = 1; i < c->n; i++)
		if (c->sessions[i].used < oldest->used)
			oldest = &c->sessions[i];
	*oldest = *s;
	oldest->since_ms = now_ms;
	oldest->used = ++c->clock;
}

int
tls_cache_get(struct tls_cache *c, const uint8_t id[TLS_ID_BYTES],
    int64_t now_ms, struct tls_session *out)
{
	for (size_t i = 0; i < c->n; i++) {
		struct tls_session *s = &c->sessions[i];

		if (s->used == 0 || memcmp(s->id, id, TLS_ID_BYTES) != 0)
			continue;
		if (now_ms - s->since_ms > TLS_SESSION_MS) {
			wipe(s, sizeof(*s));
			return ERR_NONE;
		}
		s->used = ++c->clock;
		*out = *s;
		return 0;
	}
	return ERR_NONE;
}

void
tls_cache_clear(struct tls_cache *c)
{
	wipe(c->sessions, c->n * sizeof(struct tls_session));
}
