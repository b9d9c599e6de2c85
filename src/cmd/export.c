#include "cmd/export.h"

#include <stdio.h>
#include <sys/stat.h>

#include "admin/run.h"
#include "base/mem.h"
#include "cmd/client.h"
#include "cmd/export_file.h"
#include "store/mailbox.h"

#define STATE_FILE ".tinpost-export"

struct box {
	uint32_t id, uidvalidity;
	uint32_t last_uid;   /* written */
	uint64_t file_bytes; /* of the mbox file, up to there */
	char *path;
	size_t path_len;
};

struct export
{
	struct link *link;
	struct export_file file;
	struct box *boxes;
	size_t n_boxes;
	struct buf subscriptions;
	uint64_t n_done;
	bool has_left_out;
};

/* --- how far it came: one line for each mailbox --- */

static int
save_state(struct export *ex)
{
	struct buf b;
	int rc;

	buf_init(&b, MAX_MAILBOXES * 64);
	for (size_t i = 0; i < ex->n_boxes; i++)
		buf_putf(&b, "%u %u %u %llu\n", ex->boxes[i].id,
		    ex->boxes[i].uidvalidity, ex->boxes[i].last_uid,
		    (unsigned long long)ex->boxes[i].file_bytes);
	rc = buf_failed(&b)
	         ? ERR_NOMEM
	         : export_file_write(&ex->file, STATE_FILE, buf_span(&b));
	buf_deinit(&b);
	return rc;
}

static void
take_state_line(struct export *ex, struct span line)
{
	uint64_t v[4];

	for (int k = 0; k < 4; k++)
		if (span_to_u64(span_split(&line, ' '), INT64_MAX, &v[k]) < 0)
			return;
	for (size_t i = 0; i < ex->n_boxes; i++) {
		struct box *b = &ex->boxes[i];

		if (b->id != v[0] || b->uidvalidity != v[1])
			continue;
		b->last_uid = (uint32_t)v[2];
		b->file_bytes = v[3];
	}
}

static void
load_state(struct export *ex)
{
	char path[FILE_PATH_BYTES];
	struct span rest;
	struct buf b;

	buf_init(&b, MAX_MAILBOXES * 64);
	if (file_path(ex->file.folder, STATE_FILE, path, sizeof(path)) == 0 &&
	    file_read(path, &b) == 0) {
		rest = buf_span(&b);
		while (rest.len > 0)
			take_state_line(ex, span_split(&rest, '\n'));
	}
	buf_deinit(&b);
}

/* --- the exchange --- */

/* An ITEM: a keyword, or a message's beginning. */
static int
take_item(struct export *ex, struct span payload)
{
	struct cur c = cur_of(span_sub(payload, 1, payload.len));
	struct export_message m;
	uint64_t date;
	uint8_t bit;

	if (span_starts(payload, SPAN("K"))) {
		if (cur_u8(&c, &bit) != PARSE_OK)
			return ERR_SYNTAX;
		export_file_keyword(&ex->file, bit, cur_rest(&c));
		return 0;
	}
	if (cur_be32(&c, &m.uid) != PARSE_OK ||
	    cur_be16(&c, &m.flags) != PARSE_OK ||
	    cur_be64(&c, &date) != PARSE_OK ||
	    cur_be64(&c, &m.keywords) != PARSE_OK)
		return ERR_SYNTAX;
	m.date_s = (int64_t)date;
	return export_file_begin(&ex->file, &m);
}

static int
end_message(struct export *ex, struct box *box)
{
	int rc = export_file_end(&ex->file);

	if (rc < 0)
		return rc;
	box->file_bytes = ex->file.mbox_bytes;
	box->last_uid = ex->file.message.uid;
	/* The state may be behind: then the same files are written again. */
	return ++ex->n_done % 64 == 0 ? save_state(ex) : 0;
}

static int
take_frame(struct export *ex, struct box *box, enum frame_type type,
    struct span payload)
{
	if (type == FRAME_NOTE)
		fwrite(payload.p, 1, payload.len, stderr);
	else if (type == FRAME_EXIT)
		return ERR_INVALID;
	else if (type == FRAME_ITEM)
		return take_item(ex, payload);
	else if (type == FRAME_DATA)
		return export_file_data(&ex->file, payload);
	else if (type == FRAME_ITEM_END)
		return end_message(ex, box);
	return 0;
}

static int
export_box(struct export *ex, struct box *box)
{
	enum frame_type type;
	struct span payload;
	char storage[16];
	struct buf ask;
	int rc = export_file_box(&ex->file, span_of(box->path, box->path_len),
	    box->uidvalidity, box->file_bytes);

	if (rc == ERR_LIMIT) {
		ex->has_left_out = true;
		return 0;
	}
	buf_init_fixed(&ask, storage, sizeof(storage));
	buf_put_char(&ask, 'G');
	buf_put_be32(&ask, box->id);
	buf_put_be32(&ask, box->last_uid);
	if (rc == 0)
		rc = link_send(ex->link, FRAME_ITEM, buf_span(&ask));
	while (rc == 0) {
		rc = link_receive(ex->link, &type, &payload);
		if (rc < 0 || type == FRAME_END)
			break;
		rc = take_frame(ex, box, type, payload);
	}
	return rc;
}

static int
add_box(struct export *ex, struct span payload)
{
	struct cur c = cur_of(span_sub(payload, 1, payload.len));
	struct box *more =
	    mem_resize(ex->boxes, (ex->n_boxes + 1) * sizeof(*more));
	struct box *b;

	if (!more)
		return ERR_NOMEM;
	ex->boxes = more;
	b = &more[ex->n_boxes];
	memset(b, 0, sizeof(*b));
	if (cur_be32(&c, &b->id) != PARSE_OK ||
	    cur_be32(&c, &b->uidvalidity) != PARSE_OK || cur_is_end(&c))
		return ERR_SYNTAX;
	b->path_len = cur_left(&c);
	b->path = mem_alloc(b->path_len);
	if (!b->path)
		return ERR_NOMEM;
	memcpy(b->path, c.p, b->path_len);
	ex->n_boxes++;
	return 0;
}

static int
list_boxes(struct export *ex)
{
	for (;;) {
		enum frame_type type;
		struct span payload;
		int rc = link_receive(ex->link, &type, &payload);

		if (rc == 0 && type == FRAME_NOTE)
			fwrite(payload.p, 1, payload.len, stderr);
		if (rc == 0 && type == FRAME_EXIT)
			return ERR_INVALID;
		if (rc == 0 && type == FRAME_ITEM &&
		    span_starts(payload, SPAN("U")))
			export_file_put_subscription(&ex->file,
			    span_sub(payload, 1, payload.len),
			    &ex->subscriptions);
		else if (rc == 0 && type == FRAME_ITEM)
			rc = add_box(ex, payload);
		if (rc < 0 || type == FRAME_END)
			return rc;
	}
}

static int
begin(struct export *ex, const struct args *a)
{
	char storage[1024];
	struct buf words;
	int rc = export_file_folder(ex->file.folder);

	buf_init_fixed(&words, storage, sizeof(storage));
	args_put(&words, a);
	if (rc == 0)
		rc = link_send(ex->link, FRAME_ARGS, buf_span(&words));
	if (rc == 0)
		rc = link_send(ex->link, FRAME_GO, span_of(NULL, 0));
	if (rc == 0)
		rc = list_boxes(ex);
	if (rc < 0)
		return rc;
	load_state(ex);
	rc = save_state(ex);
	return rc < 0
	           ? rc
	           : export_file_write(&ex->file,
	                 ex->file.format == EXPORT_MAILDIR ? "subscriptions"
	                                                   : ".subscriptions",
	                 buf_span(&ex->subscriptions));
}

static enum export_format
format_of(struct span word)
{
	if (span_is(word, SPAN("maildir")))
		return EXPORT_MAILDIR;
	return span_is(word, SPAN("eml")) ? EXPORT_EML : EXPORT_MBOX;
}

static int
finish(struct export *ex, int rc)
{
	int code = 1;

	if (ex->n_boxes > 0 && rc != ERR_IO && save_state(ex) < 0)
		rc = ERR_IO;
	if (rc == 0)
		rc = link_send(ex->link, FRAME_END, span_of(NULL, 0));
	if (rc == 0)
		code = client_finish(ex->link);
	else if (rc != ERR_IO && rc != ERR_INVALID)
		client_complain(span_str(err_text(rc)));
	return code ? code : ex->has_left_out;
}

int
export_run(struct link *l, struct args *a)
{
	struct export *ex = mem_alloc(sizeof(*ex));
	int rc, code;

	if (!ex) {
		client_complain(SPAN("No memory."));
		return 1;
	}
	ex->link = l;
	export_file_init(&ex->file);
	buf_init(&ex->subscriptions, 8u << 20);
	ex->file.format = format_of(args_get(a, "--format"));
	rc = span_to_cstr(args_get(a, "FOLDER"), ex->file.folder,
	    sizeof(ex->file.folder) - 32);
	if (rc == 0)
		rc = begin(ex, a);
	for (size_t i = 0; rc == 0 && i < ex->n_boxes; i++)
		rc = export_box(ex, &ex->boxes[i]);
	code = finish(ex, rc);
	export_file_deinit(&ex->file);
	buf_deinit(&ex->subscriptions);
	for (size_t i = 0; i < ex->n_boxes; i++)
		mem_free(ex->boxes[i].path);
	mem_free(ex->boxes);
	mem_free(ex);
	return code;
}
