#include "cmd/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/rand.h"

/* Read one line, without its end. */
static int
read_line(int fd, struct buf *out)
{
	for (;;) {
		char c;
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		if (n == 0 || c == '\n')
			break;
		buf_put_char(out, c);
		wipe(&c, 1);
	}
	if (out->len > 0 && out->p[out->len - 1] == '\r')
		buf_truncate(out, out->len - 1);
	return buf_failed(out) ? ERR_LIMIT : 0;
}

static int
from_file(struct span name, struct buf *out, struct buf *why)
{
	char path[1024];
	int fd = STDIN_FILENO, rc;

	if (!span_is(name, SPAN("-"))) {
		rc = span_to_cstr(name, path, sizeof(path));
		if (rc < 0)
			return rc;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			buf_putf(why, "%s cannot be read: %s.", path,
			    strerror(errno));
			return ERR_IO;
		}
	}
	rc = read_line(fd, out);
	if (fd != STDIN_FILENO)
		close(fd);
	if (rc < 0)
		buf_put_str(why, "The password cannot be read, or is too "
		                 "long.");
	else if (out->len == 0) {
		buf_put_str(why, "The first line of the password file is "
		                 "empty.");
		rc = ERR_INVALID;
	}
	return rc;
}

static void
tell(int fd, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	(void)n; /* a terminal that is gone gives no line either */
}

static int
ask(int fd, const char *prompt, struct buf *out)
{
	struct termios old, quiet;
	int rc;

	tell(fd, prompt);
	if (tcgetattr(fd, &old) < 0)
		return ERR_IO;
	quiet = old;
	quiet.c_lflag &= (tcflag_t)~ECHO;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) < 0)
		return ERR_IO;
	rc = read_line(fd, out);
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	tell(fd, "\n");
	return rc;
}

static int
from_terminal(struct buf *out, struct buf *why)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct buf again;
	int rc;

	if (fd < 0) {
		buf_put_str(why, "There is no terminal to ask for the password "
		                 "on: say --password-file FILE (- is standard "
		                 "input) or --generate.");
		return ERR_NONE;
	}
	buf_init(&again, MAX_SECRET_BYTES);
	rc = ask(fd, "Password: ", out);
	if (rc == 0)
		rc = ask(fd, "The same again: ", &again);
	if (rc < 0) {
		buf_put_str(why, "The password cannot be read.");
	} else if (!span_is_secret(buf_span(out), buf_span(&again)) ||
	           out->len == 0) {
		buf_put_str(why, out->len == 0 ? "No password was given."
		                               : "The two are not the same.");
		rc = ERR_INVALID;
	}
	buf_wipe(&again);
	close(fd);
	return rc;
}

void
secret_make(struct buf *out)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

	for (int i = 0; i < 20; i++)
		buf_put_char(out, letters[rand_u32() % 32]);
}

int
secret_get(
    const struct args *a, struct buf *out, bool *is_made_out, struct buf *why)
{
	*is_made_out = false;
	if (args_has(a, "--generate")) {
		secret_make(out);
		*is_made_out = true;
		return 0;
	}
	if (args_has(a, "--password-file"))
		return from_file(args_get(a, "--password-file"), out, why);
	return from_terminal(out, why);
}
