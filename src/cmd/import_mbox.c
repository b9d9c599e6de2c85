/* import_mbox.c - the messages of an mbox file to the server. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/folder_name.h"
#include "cmd/gmail.h"
#include "cmd/import.h"
#include "cmd/mboxread.h"
#include "store/message.h"

struct mbox {
	struct import_to *to;
	struct mboxread *reader;
	bool uses_labels;
	bool has_own_box; /* to->path is chosen no more: labels were */
};

/* A label "A/B" is two levels, each as a file name gives one. Levels that
 * cannot be are told of and passed over. */
static int
choose_boxes(struct mbox *m, const struct gmail *g)
{
	struct import_to *to = m->to;
	size_t back = to->path.len, unused;
	bool has_one = false;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < g->n_boxes; i++) {
		struct span rest = g->box[i];
		int depth = 0;

		while (depth == 0 && rest.len > 0)
			depth = import_enter(to, span_split(&rest, '/'), false,
			    to->file, &unused);
		if (depth == 0)
			rc = import_box(to, has_one);
		has_one |= depth == 0;
		buf_truncate(&to->path, back);
	}
	return rc == 0 && !has_one ? import_box(to, false) : rc;
}

static int
choose(struct mbox *m, const struct mboxread_message *msg,
    struct import_meta *meta)
{
	struct gmail g;

	if (!msg->meta.has_labels) {
		if (!m->has_own_box)
			return 0;
		m->has_own_box = false;
		return import_box(m->to, false);
	}
	gmail_read(buf_span(&msg->meta.labels), &g);
	meta->flags |= g.flags;
	if (g.is_important)
		meta->keywords = SPAN("$Important ");
	if (!m->uses_labels)
		return 0;
	m->has_own_box = true;
	return choose_boxes(m, &g);
}

static int
send_message(struct mbox *m, const struct mboxread_message *msg)
{
	struct import_meta meta = { .flags = msg->meta.flags,
		.keywords = buf_span(&msg->meta.keywords),
		.date_s = msg->from.date_s,
		.zone_minutes = msg->from.zone_minutes,
		.is_date_weak = msg->from.is_weak || !msg->from.has_date };
	char storage[32];
	struct buf position;
	struct span piece;
	int rc = choose(m, msg, &meta);

	if (!msg->from.has_date)
		meta.date_s = clock_wall_s();
	if (rc == 0)
		rc = import_begin(m->to);
	while (rc == 0) {
		rc = mboxread_piece(m->reader, &piece);
		if (rc == ERR_IO)
			return import_unreadable(m->to->file);
		if (rc < 0 || piece.len == 0)
			break;
		rc = import_data(m->to, piece);
	}
	if (rc < 0)
		return rc;
	buf_init_fixed(&position, storage, sizeof(storage));
	buf_put_u64(&position, mboxread_offset(m->reader));
	meta.position = buf_span(&position);
	return import_end(m->to, &meta);
}

static int
send_all(struct mbox *m, const char *path)
{
	const struct mboxread_message *msg;
	int rc;

	for (;;) {
		rc = mboxread_next(m->reader, &msg);
		if (rc == ERR_NONE)
			return 0;
		if (rc == ERR_IO)
			return import_unreadable(path);
		if (rc == ERR_SYNTAX) {
			fprintf(stderr,
			    "tinpost: %s is another file than it was: no "
			    "message begins at byte %llu. --again imports it "
			    "from its start.\n",
			    path,
			    (unsigned long long)mboxread_offset(m->reader));
			return ERR_IO;
		}
		if (rc == 0 && !msg->meta.is_gone)
			rc = send_message(m, msg);
		if (rc < 0)
			return rc;
	}
}

int
import_mbox(struct import_to *to, const char *path, bool uses_labels)
{
	struct mbox m = {
		.to = to, .uses_labels = uses_labels, .has_own_box = true
	};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf position;
	uint64_t offset = 0;
	int rc;

	if (fd < 0)
		return import_unreadable(path);
	if (uses_labels) /* a label "Sent Items" is the person's own */
		to->own_uses = ~0u;
	buf_init(&position, 512);
	rc = import_ask(to, path, &position);
	if (rc == 0 && span_to_u64(buf_span(&position), INT64_MAX, &offset) < 0)
		offset = 0;
	buf_deinit(&position);
	if (rc == 0)
		rc = mboxread_open(fd, offset, &m.reader);
	if (rc == 0)
		rc = send_all(&m, path);
	mboxread_close(m.reader);
	close(fd);
	return rc;
}
