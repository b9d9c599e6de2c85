#include "cmd/init.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/run.h"
#include "admin/settings.h"
#include "auth/auth.h"
#include "base/idna.h"
#include "base/limits.h"
#include "cmd/client.h"
#include "cmd/owner.h"
#include "cmd/secret.h"
#include "store/store.h"

struct init {
	struct link *link;
	const struct args *args;
	struct buf host, domain, person, name, password;
	bool is_made;
};

/* The option's value, or the answer to a question; empty when there is
 * nobody to ask. */
static int
answer(struct init *in, const char *option, const char *question,
    struct span proposal, struct buf *out)
{
	char line[512];

	if (args_has(in->args, option)) {
		buf_put(out, args_get(in->args, option));
		return 0;
	}
	if (!isatty(STDIN_FILENO)) {
		buf_put(out, proposal);
		if (out->len > 0)
			return 0;
		fprintf(stderr,
		    "tinpost: Not on a terminal: say %s VALUE. `tinpost help "
		    "init` lists what is needed.\n",
		    option);
		return ERR_NONE;
	}
	printf("%s", question);
	if (proposal.len > 0)
		printf(" [%.*s]", RUN_SPAN(proposal));
	printf(": ");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return ERR_CLOSED;
	buf_put(out, span_trim(span_str(line)));
	if (out->len == 0)
		buf_put(out, proposal);
	return out->len > 0 ? 0 : ERR_NONE;
}

/* Run one command of the table in the new store. */
static int
call(struct init *in, struct span *words, size_t n, struct span password)
{
	char storage[1024];
	const struct command *c;
	struct buf why;
	struct args a;
	size_t n_used;
	int rc;

	buf_init_fixed(&why, storage, sizeof(storage));
	rc = command_find(words, n, &c, &n_used, &why);
	if (rc == 0)
		rc = args_parse(c, words + n_used, n - n_used, &a, &why);
	if (rc == 0)
		rc = link_restart(in->link, &why);
	if (rc < 0) {
		client_complain(buf_span(&why));
		return rc;
	}
	return client_call(in->link, &a, password) == 0 ? 0 : ERR_INVALID;
}

static int
ask_all(struct init *in)
{
	char host[256] = "localhost";
	struct span domain;
	struct buf why;
	char storage[512];
	int rc;

	if (gethostname(host, sizeof(host)) < 0 || host[0] == '\0')
		memcpy(host, "localhost", 10);
	rc = answer(in, "--host", "The server's own name, as others reach it",
	    span_str(host), &in->host);
	if (rc == 0)
		rc = answer(in, "--domain",
		    "The mail domain: what stands behind the @ of addresses",
		    span_of(NULL, 0), &in->domain);
	if (rc == 0)
		rc = answer(in, "--person",
		    "The first person's whole address; they own the server",
		    span_of(NULL, 0), &in->person);
	if (rc < 0)
		return rc;
	buf_put(&in->name, args_get(in->args, "--name"));
	domain = buf_span(&in->person);
	domain = span_sub(domain, span_rfind(domain, '@') + 1, domain.len);
	if (!idna_is_same(domain, buf_span(&in->domain))) {
		client_complain(SPAN("The first person's address must be in "
		                     "the first domain."));
		return ERR_INVALID;
	}
	buf_init_fixed(&why, storage, sizeof(storage));
	rc = secret_get(in->args, &in->password, &in->is_made, &why);
	if (rc < 0)
		client_complain(buf_span(&why));
	return rc;
}

static int
set_up(struct init *in)
{
	struct span set_host[] = { SPAN("set"), SPAN("host.name"),
		buf_span(&in->host) };
	struct span add_domain[] = { SPAN("domain"), SPAN("add"),
		buf_span(&in->domain) };
	struct span add_user[] = { SPAN("user"), SPAN("add"), SPAN("--owner"),
		SPAN("--name"), buf_span(&in->name), SPAN("--"),
		buf_span(&in->person) };
	struct store *s = link_store(in->link);
	int rc = call(in, set_host, 3, span_of(NULL, 0));

	/* A second attempt finds the domain of the first. */
	if (rc == 0 && !resolve_is_local(s, buf_span(&in->domain)))
		rc = call(in, add_domain, 3, span_of(NULL, 0));
	if (rc == 0)
		rc = call(in, add_user, 7, buf_span(&in->password));
	if (rc == 0)
		rc = settings_set_up(s);
	if (rc == 0)
		rc = store_flush(s);
	return rc;
}

static int
make(const char *folder)
{
	int rc = owner_make_folder(folder);

	if (rc == 0)
		rc = owner_enter(folder);
	if (rc == 0)
		rc = store_create(folder, NULL);
	owner_leave();

	if (rc == 0 || rc == ERR_EXISTS)
		return 0;
	if (rc == ERR_FOREIGN)
		fprintf(stderr,
		    "tinpost: %s holds something else under the "
		    "names of a store: choose another folder.\n",
		    folder);
	else
		fprintf(stderr,
		    "tinpost: No store can be made in %s: %s. Its "
		    "parent folder must exist and be yours; --data "
		    "names another place.\n",
		    folder, rc == ERR_IO ? strerror(errno) : err_text(rc));
	return rc;
}

static int
open_new(const char *folder, struct init *in)
{
	char storage[1024];
	struct buf why;
	int rc;

	rc = make(folder);
	if (rc < 0)
		return rc;
	buf_init_fixed(&why, storage, sizeof(storage));
	rc = link_open(folder, &in->link, &why);
	if (rc < 0) {
		client_complain(buf_span(&why));
		return rc;
	}
	if (!link_store(in->link) || settings_is_set_up(link_store(in->link))) {
		fprintf(stderr,
		    "tinpost: %s is a store that is set up "
		    "already; nothing was changed.\n",
		    folder);
		return ERR_EXISTS;
	}
	return 0;
}

int
init_run(const char *folder, const struct args *a)
{
	struct init in = { .args = a };
	int rc;

	buf_init(&in.host, MAX_DOMAIN_BYTES);
	buf_init(&in.domain, MAX_DOMAIN_BYTES);
	buf_init(&in.person, MAX_ADDRESS_BYTES);
	buf_init(&in.name, 255);
	buf_init(&in.password, MAX_PASSWORD_BYTES);
	rc = open_new(folder, &in);
	if (rc == 0)
		rc = ask_all(&in);
	if (rc == 0)
		rc = set_up(&in);
	link_close(in.link);
	if (rc == 0) {
		printf("The store in %s is ready: `tinpost serve` runs it.\n",
		    folder);
		if (in.is_made)
			printf("Password: %.*s\n",
			    RUN_SPAN(buf_span(&in.password)));
	}
	buf_deinit(&in.host);
	buf_deinit(&in.domain);
	buf_deinit(&in.person);
	buf_deinit(&in.name);
	buf_wipe(&in.password);
	return rc == 0 ? 0 : 1;
}
