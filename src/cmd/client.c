#include "cmd/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "admin/run.h"
#include "base/file.h"
#include "base/limits.h"
#include "cmd/secret.h"
#include "cmd/transfer.h"

void
client_complain(struct span why)
{
	fprintf(stderr, "tinpost: %.*s\n", RUN_SPAN(why));
}

static int
lost(int rc)
{
	if (rc == ERR_BUSY)
		client_complain(
		    SPAN("The server does not answer. If it hangs, its parent "
		         "restarts it within a minute: try again then."));
	else if (rc == ERR_CLOSED)
		client_complain(SPAN(
		    "The server ended the connection: see its log. What was "
		    "not confirmed was perhaps not done."));
	else
		client_complain(span_str(err_text(rc)));
	return 1;
}

static void
show_state(struct span text)
{
	if (text.len > 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%.*s\033[K", RUN_SPAN(text));
}

int
client_finish(struct link *l)
{
	for (;;) {
		enum frame_type type;
		struct span payload;
		int rc = link_receive(l, &type, &payload);

		if (rc < 0)
			return lost(rc);
		if (type == FRAME_TEXT)
			fwrite(payload.p, 1, payload.len, stdout);
		else if (type == FRAME_NOTE)
			fwrite(payload.p, 1, payload.len, stderr);
		else if (type == FRAME_STATE)
			show_state(payload);
		else if (type == FRAME_EXIT)
			return payload.len > 0 ? payload.p[0] : 1;
	}
}

static int
send_command(struct link *l, const struct args *a, struct span password)
{
	struct buf words;
	int rc;

	buf_init(&words, MAX_ARGS_BYTES);
	args_put(&words, a);
	rc = buf_failed(&words) || words.len > MAX_FRAME_BYTES ? ERR_LIMIT : 0;
	if (rc == 0)
		rc = link_send(l, FRAME_ARGS, buf_span(&words));
	if (rc == 0 && password.len > 0)
		rc = link_send(l, FRAME_PASSWORD, password);
	if (rc == 0)
		rc = link_send(l, FRAME_GO, span_of(NULL, 0));
	buf_deinit(&words);
	return rc;
}

int
client_call(struct link *l, const struct args *a, struct span password)
{
	int rc = send_command(l, a, password);

	return rc < 0 ? lost(rc) : client_finish(l);
}

int
client_send_file(struct link *l, struct span name)
{
	char path[FILE_PATH_BYTES], piece[MAX_FRAME_BYTES];
	int fd = STDIN_FILENO, rc = span_to_cstr(name, path, sizeof(path));
	ssize_t n = 0;

	if (rc < 0)
		return rc;
	if (!span_is(name, SPAN("-")))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		while ((n = read(fd, piece, sizeof(piece))) > 0 && rc == 0)
			rc =
			    link_send(l, FRAME_DATA, span_of(piece, (size_t)n));
	if (fd < 0 || n < 0) {
		fprintf(stderr, "tinpost: %s cannot be read: %s.\n", path,
		    strerror(errno));
		rc = ERR_IO;
	}
	if (fd > STDIN_FILENO)
		close(fd);
	wipe(piece, sizeof(piece));
	return rc < 0 ? rc : link_send(l, FRAME_ITEM_END, span_of(NULL, 0));
}

/* What a command reads from the client's files. */
static int
send_input(struct link *l, const struct args *a)
{
	int rc = 0;

	if (args_has(a, "--from-file"))
		rc = client_send_file(l, args_get(a, "--from-file"));
	else if (args_has(a, "CHAIN"))
		rc = client_send_file(l, args_get(a, "CHAIN"));
	else
		return 0;
	if (rc == 0 && args_has(a, "KEY"))
		rc = client_send_file(l, args_get(a, "KEY"));
	return rc < 0 ? rc : link_send(l, FRAME_END, span_of(NULL, 0));
}

static int
exchange(struct link *l, const struct args *a, struct span password)
{
	int rc = send_command(l, a, password);

	if (rc == 0)
		rc = send_input(l, a);
	/* A server that refuses early says why. */
	if (rc == ERR_CLOSED && link_has_input(l))
		rc = 0;
	if (rc == ERR_IO)
		return 1;
	return rc < 0 ? lost(rc) : client_finish(l);
}

static int
run_with_password(const char *folder, struct args *a, struct span password)
{
	char storage[1024];
	struct link *l = NULL;
	struct buf why;
	int rc, code;

	buf_init_fixed(&why, storage, sizeof(storage));
	rc = link_open(folder, &l, &why);
	if (rc < 0) {
		client_complain(buf_span(&why));
		return 1;
	}
	if (transfer_is_one(a))
		code = transfer_run(l, a);
	else
		code = exchange(l, a, password);
	link_close(l);
	return code;
}

int
client_run(const char *folder, struct args *a)
{
	char storage[1024];
	struct buf password, why;
	bool is_made = false;
	int code, rc = 0;

	buf_init(&password, MAX_SECRET_BYTES);
	buf_init_fixed(&why, storage, sizeof(storage));
	if (args_has(a, "--from-file"))
		args_set(a, "--from-stream", SPAN("on"));
	else if (a->command->flags & COMMAND_PASSWORD)
		rc = secret_get(a, &password, &is_made, &why);
	if (rc < 0) {
		client_complain(buf_span(&why));
		code = 1;
	} else {
		code = run_with_password(folder, a, buf_span(&password));
	}
	if (code == 0 && is_made)
		printf("Password: %.*s\n", RUN_SPAN(buf_span(&password)));
	buf_wipe(&password);
	return code;
}
