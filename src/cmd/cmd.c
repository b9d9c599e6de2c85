#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>

#include "admin/run.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/version.h"
#include "cmd/archive.h"
#include "cmd/client.h"
#include "cmd/init.h"

#define DEFAULT_FOLDER "/var/lib/tinpost"

/* Take --data from the front of the words. Returns how many it took. */
static int
take_data(int argc, char **argv, int i, const char **folder_out)
{
	struct span word = span_str(argv[i]);

	if (span_is(word, SPAN("--data")) && i + 1 < argc) {
		*folder_out = argv[i + 1];
		return 2;
	}
	if (span_starts(word, SPAN("--data="))) {
		*folder_out = argv[i] + 7;
		return 1;
	}
	return 0;
}

static int
print_help(struct span noun)
{
	struct buf b;

	buf_init(&b, 65536);
	command_put_help(&b, noun);
	fwrite(b.p, 1, b.len, stdout);
	buf_deinit(&b);
	return 0;
}

static int
run_local(const char *folder, struct args *a, cmd_serve_fn serve)
{
	struct span noun = span_str(a->command->noun);

	if (span_is(noun, SPAN("serve")))
		return serve(folder, a);
	if (span_is(noun, SPAN("init")))
		return init_run(folder, a);
	if (span_is(noun, SPAN("restore")))
		return archive_restore(folder, a);
	if (span_is(noun, SPAN("version"))) {
		printf("tinpost %s\n", version_string());
		return 0;
	}
	return print_help(a->n_many > 0 ? a->many[0] : span_of(NULL, 0));
}

static int
run_words(const char *folder, struct span *words, size_t n, cmd_serve_fn serve)
{
	char storage[4096];
	const struct command *c;
	struct buf why;
	struct args a;
	size_t n_used = 0;
	int rc;

	if (n == 0 || span_is(words[0], SPAN("--help")) ||
	    span_is(words[0], SPAN("-h")))
		return print_help(span_of(NULL, 0));
	if (span_is(words[0], SPAN("--version")))
		words[0] = SPAN("version");
	if (n > 1 && span_is(words[n - 1], SPAN("--help")))
		return print_help(words[0]);
	buf_init_fixed(&why, storage, sizeof(storage));
	rc = command_find(words, n, &c, &n_used, &why);
	if (rc == 0)
		rc = args_parse(c, words + n_used, n - n_used, &a, &why);
	if (rc == 0)
		rc = args_check_local(&a, &why);
	if (rc < 0) {
		client_complain(buf_span(&why));
		return 2;
	}
	if (c->flags & COMMAND_LOCAL)
		return run_local(folder, &a, serve);
	return client_run(folder, &a);
}

/* The words behind --data, which may stand before or behind the command. */
static size_t
gather(int argc, char **argv, struct span *words, const char **folder_out)
{
	size_t n = 0;

	for (int i = 1; i < argc;) {
		int taken = take_data(argc, argv, i, folder_out);

		if (taken == 0)
			words[n++] = span_str(argv[i++]);
		i += taken;
	}
	return n;
}

int
cmd_run(int argc, char **argv, cmd_serve_fn serve)
{
	const char *folder = getenv("TINPOST_DATA");
	struct span *words;
	size_t n;
	int code;

	if (!folder || folder[0] == '\0')
		folder = DEFAULT_FOLDER;
	if (argc < 1 || argc > MAX_ARG_WORDS) {
		client_complain(SPAN("Too many words: run it several times."));
		return 2;
	}
	words = mem_alloc((size_t)argc * sizeof(*words));
	if (!words) {
		client_complain(SPAN("No memory."));
		return 1;
	}
	n = gather(argc, argv, words, &folder);
	code = run_words(folder, words, n, serve);
	mem_free(words);
	if (fflush(stdout) != 0) {
		client_complain(SPAN("The output could not be written."));
		code = 1;
	}
	return code;
}
