#include "net/tls.h"

#include "base/mem.h"
#include "net/tls_impl.h"

int
tls_config_new(struct tls_config **out)
{
	struct tls_config *t = mem_alloc(sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	if (tls_cache_new(TLS_CACHE_SESSIONS, &t->cache) < 0) {
		mem_free(t);
		return ERR_NOMEM;
	}
	*out = t;
	return 0;
}

static void
free_certs(struct tls_config *t)
{
	for (size_t i = 0; i < t->n_certs; i++)
		cert_free(t->certs[i]);
	t->n_certs = 0;
}

void
tls_config_free(struct tls_config *t)
{
	if (t == NULL)
		return;
	free_certs(t);
	tls_cache_free(t->cache);
	wipe(t, sizeof(*t));
	mem_free(t);
}

int
tls_config_set(struct tls_config *t, struct cert *const *certs, size_t n)
{
	if (n > TLS_MAX_CERTS)
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++)
		cert_ref(certs[i]);
	free_certs(t);
	for (size_t i = 0; i < n; i++)
		t->certs[i] = certs[i];
	t->n_certs = n;
	tls_cache_clear(t->cache);
	return 0;
}

struct cert *
tls_config_cert(const struct tls_config *t, size_t i)
{
	return i < t->n_certs ? t->certs[i] : NULL;
}
