#include "net/anchors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/anchors_impl.h"

#define MAX_CERT_BYTES 16384
#define MAX_DN_BYTES   4096
#define DAY_S          (24 * 3600)

/* Reading a bundle, piece by piece. */
struct reader {
	br_pem_decoder_context pem;
	struct anchors *a;
	struct buf der;
	int rc;
};

static void
append(void *ctx, const void *p, size_t len)
{
	buf_put(ctx, span_of(p, len));
}

/* Copy name and key behind each other into one block. ERR_UNSUPPORTED: a kind
 * of key that there is not. */
static int
keep(br_x509_trust_anchor *t, struct span dn, const br_x509_pkey *pk)
{
	struct span parts[2] = { { NULL, 0 }, { NULL, 0 } };
	unsigned char *p;

	switch (pk->key_type) {
	case BR_KEYTYPE_RSA:
		parts[0] = span_of(pk->key.rsa.n, pk->key.rsa.nlen);
		parts[1] = span_of(pk->key.rsa.e, pk->key.rsa.elen);
		break;
	case BR_KEYTYPE_EC:
		parts[0] = span_of(pk->key.ec.q, pk->key.ec.qlen);
		break;
	default:
		return ERR_UNSUPPORTED;
	}
	p = mem_alloc(dn.len + parts[0].len + parts[1].len + 1);
	if (p == NULL)
		return ERR_NOMEM;
	t->pkey = *pk;
	t->dn.data = p;
	t->dn.len = dn.len;
	memcpy(p, dn.p, dn.len);
	memcpy(p + dn.len, parts[0].p, parts[0].len);
	if (parts[1].len > 0)
		memcpy(p + dn.len + parts[0].len, parts[1].p, parts[1].len);
	if (pk->key_type == BR_KEYTYPE_RSA) {
		t->pkey.key.rsa.n = p + dn.len;
		t->pkey.key.rsa.e = p + dn.len + parts[0].len;
	} else {
		t->pkey.key.ec.q = p + dn.len;
	}
	return 0;
}

static int
grow(struct anchors *a)
{
	size_t cap = a->cap == 0 ? 16 : a->cap * 2;
	br_x509_trust_anchor *list;

	if (a->n < a->cap)
		return 0;
	if (a->n >= MAX_ANCHORS)
		return ERR_LIMIT;
	list = mem_resize(a->list, cap * sizeof(*list));
	if (list == NULL)
		return ERR_NOMEM;
	a->list = list;
	a->cap = cap;
	return 0;
}

static int
take_cert(struct anchors *a, struct span der)
{
	br_x509_decoder_context d;
	const br_x509_pkey *pk;
	struct buf dn;
	int rc;

	buf_init(&dn, MAX_DN_BYTES);
	br_x509_decoder_init(&d, append, &dn);
	br_x509_decoder_push(&d, der.p, der.len);
	pk = br_x509_decoder_get_pkey(&d);
	rc = grow(a);
	if (rc == 0)
		rc = pk == NULL || dn.len == 0 || buf_failed(&dn)
		         ? ERR_UNSUPPORTED
		         : keep(&a->list[a->n], buf_span(&dn), pk);
	if (rc == 0) {
		/* Else it is good for the one server that has it. */
		a->list[a->n].flags =
		    br_x509_decoder_isCA(&d) ? BR_X509_TA_CA : 0;
		a->n++;
	}
	buf_deinit(&dn);
	return rc;
}

static void
end_object(struct reader *r)
{
	const char *name = br_pem_decoder_name(&r->pem);
	int rc;

	if (strcmp(name, "CERTIFICATE") != 0 &&
	    strcmp(name, "X509 CERTIFICATE") != 0 &&
	    strcmp(name, "TRUSTED CERTIFICATE") != 0)
		return;
	rc = buf_failed(&r->der) ? ERR_UNSUPPORTED
	                         : take_cert(r->a, buf_span(&r->der));
	if (rc == ERR_NOMEM || rc == ERR_LIMIT)
		r->rc = rc;
	else if (rc < 0)
		r->a->n_skipped++;
}

static void
read_piece(struct reader *r, struct span piece)
{
	while (piece.len > 0 && r->rc == 0) {
		size_t n = br_pem_decoder_push(&r->pem, piece.p, piece.len);

		piece = span_sub(piece, n, piece.len);
		switch (br_pem_decoder_event(&r->pem)) {
		case BR_PEM_BEGIN_OBJ:
			buf_reset(&r->der);
			br_pem_decoder_setdest(&r->pem, append, &r->der);
			break;
		case BR_PEM_END_OBJ:
			end_object(r);
			break;
		case BR_PEM_ERROR: /* of this one; the next may be whole */
			r->a->n_skipped++;
			br_pem_decoder_init(&r->pem);
			break;
		default:
			break;
		}
	}
}

static int
begin(struct reader *r)
{
	*r = (struct reader){ .a = mem_alloc(sizeof(*r->a)) };
	if (r->a == NULL)
		return ERR_NOMEM;
	r->a->n_refs = 1;
	buf_init(&r->der, MAX_CERT_BYTES);
	br_pem_decoder_init(&r->pem);
	return 0;
}

static int
end(struct reader *r, struct anchors **out)
{
	buf_deinit(&r->der);
	if (r->rc == 0 && r->a->n == 0)
		r->rc = ERR_SYNTAX;
	if (r->rc < 0)
		anchors_free(r->a);
	else
		*out = r->a;
	return r->rc;
}

int
anchors_parse(struct span pem, struct anchors **out)
{
	struct reader r;

	if (begin(&r) < 0)
		return ERR_NOMEM;
	read_piece(&r, pem);
	return end(&r, out);
}

static void
read_file(struct reader *r, int fd)
{
	char piece[2048];
	size_t total = 0;
	ssize_t n;

	while (r->rc == 0 && (n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r->rc = ERR_IO;
			return;
		}
		total += (size_t)n;
		if (total > MAX_ANCHORS_FILE)
			r->rc = ERR_LIMIT;
		else
			read_piece(r, span_of(piece, (size_t)n));
	}
}

static void
explain(struct buf *why, int rc)
{
	if (why == NULL || rc == 0)
		return;
	buf_put_str(why, rc == ERR_SYNTAX ? "no usable certificate in it"
	                 : rc == ERR_LIMIT
	                     ? "larger than 1 MB or 512 certificates"
	                     : err_text(rc));
}

int
anchors_load(const char *path, struct anchors **out, struct buf *why)
{
	struct reader r;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = fd >= 0 ? begin(&r) : errno == ENOENT ? ERR_NONE : ERR_IO;

	if (rc == 0) {
		read_file(&r, fd);
		if (fstat(fd, &st) == 0)
			r.a->changed_s = st.st_mtime;
		rc = end(&r, out);
	}
	if (fd >= 0)
		close(fd);
	explain(why, rc);
	return rc;
}

struct anchors *
anchors_ref(struct anchors *a)
{
	if (a != NULL)
		a->n_refs++;
	return a;
}

void
anchors_free(struct anchors *a)
{
	if (a == NULL || --a->n_refs > 0)
		return;
	for (size_t i = 0; i < a->n; i++)
		mem_free(a->list[i].dn.data);
	mem_free(a->list);
	mem_free(a);
}

size_t
anchors_count(const struct anchors *a)
{
	return a == NULL ? 0 : a->n;
}

size_t
anchors_skipped(const struct anchors *a)
{
	return a == NULL ? 0 : a->n_skipped;
}

uint32_t
anchors_age_days(const struct anchors *a)
{
	int64_t now = clock_wall_s();

	if (a == NULL || a->changed_s == 0 || now < a->changed_s)
		return 0;
	return (uint32_t)((now - a->changed_s) / DAY_S);
}
