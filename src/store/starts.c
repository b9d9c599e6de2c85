#include "store/starts.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define NAME      "starts"
#define MAX_BYTES 512
/* Each line: what, in a fixed width so that a note is written in place. The
 * first is the note, the others the times of the starts. */
#define NOTE_BYTES 48

static void
put_note(struct buf *b, uint64_t sequence, unsigned kind)
{
	size_t start = b->len;

	buf_put_str(b, "operation ");
	buf_put_u64(b, sequence);
	buf_put_str(b, " kind ");
	buf_put_u64(b, kind);
	while (b->len - start < NOTE_BYTES - 1)
		buf_put_char(b, ' ');
	buf_put_char(b, '\n');
}

int
starts_begin(const char *folder, struct buf *why)
{
	char path[FILE_PATH_BYTES], storage[MAX_BYTES], old[MAX_BYTES];
	struct buf b, was;
	struct span rest, note;
	int64_t now = clock_wall_s();
	int n = 0;
	int rc = file_path(folder, NAME, path, sizeof(path));

	if (rc < 0)
		return rc;
	buf_init_fixed(&was, old, sizeof(old));
	buf_init_fixed(&b, storage, sizeof(storage));
	rc = file_read(path, &was);
	if (rc == ERR_IO)
		return rc;
	rest = buf_span(&was);
	note = span_trim(span_split(&rest, '\n'));
	put_note(&b, 0, 0);
	while (rest.len > 0 && n < STARTS_MAX) {
		struct span line = span_split(&rest, '\n');
		uint64_t at;

		if (span_to_u64(line, INT64_MAX, &at) < 0 ||
		    (int64_t)at > now || now - (int64_t)at > STARTS_WINDOW_S)
			continue;
		buf_put(&b, line);
		buf_put_char(&b, '\n');
		n++;
	}
	if (n >= STARTS_MAX) {
		buf_put_str(why,
		    "The last three starts failed within a minute, so the "
		    "store is open for reading only and its journal is "
		    "untouched. The last one stopped at ");
		buf_put(why, note);
		buf_put_str(why, " of the journal (0: before the first).");
		return 1;
	}
	buf_put_i64(&b, now);
	buf_put_char(&b, '\n');
	return file_write(path, buf_span(&b), 0600);
}

int
starts_open(const char *folder)
{
	char path[FILE_PATH_BYTES];

	if (file_path(folder, NAME, path, sizeof(path)) < 0)
		return -1;
	return open(path, O_WRONLY | O_CLOEXEC);
}

void
starts_note(int fd, uint64_t sequence, unsigned kind)
{
	char storage[NOTE_BYTES];
	struct buf b;

	if (fd < 0)
		return;
	buf_init_fixed(&b, storage, sizeof(storage));
	put_note(&b, sequence, kind);
	/* Only a hint: nothing to do when it fails. */
	if (pwrite(fd, b.p, b.len, 0) < 0)
		return;
}

void
starts_end(const char *folder)
{
	char path[FILE_PATH_BYTES];

	if (file_path(folder, NAME, path, sizeof(path)) == 0)
		(void)unlink(path);
}
