/* do_settings.c - `tinpost set`, `unset`, `get`, `settings`. */
#include "admin/do.h"

#include "admin/settings.h"
#include "store/store.h"

static enum setting_id
setting_arg(struct run *r)
{
	enum setting_id id = SET_HOST_NAME;

	/* args_parse has seen that it is one. */
	if (settings_find(run_arg(r, "SETTING"), &id) < 0)
		run_fail(r, "No such setting.");
	return id;
}

static void
changed(struct run *r, enum setting_id id)
{
	run_note_change(r, span_str(setting_of(id)->key));
	if (r->admin->refresh)
		r->admin->refresh(r->admin->server);
}

int
do_set_start(struct run *r)
{
	enum setting_id id = setting_arg(r);
	struct span value = span_trim(run_arg(r, "VALUE"));
	char storage[1024];
	struct buf why;
	uint64_t n;
	int rc;

	buf_init_fixed(&why, storage, sizeof(storage));
	rc = settings_check(id, value, &n, &why);
	if (rc < 0) {
		run_fail(r, "%.*s", RUN_SPAN(buf_span(&why)));
		return rc;
	}
	rc = setting_put(r->admin->store, span_str(setting_of(id)->key), value);
	if (rc < 0)
		return run_error(r, rc, run_arg(r, "SETTING"));
	changed(r, id);
	return 0;
}

int
do_unset_start(struct run *r)
{
	enum setting_id id = setting_arg(r);
	int rc = setting_delete(r->admin->store, span_str(setting_of(id)->key));

	if (rc < 0 && rc != ERR_NONE)
		return run_error(r, rc, run_arg(r, "SETTING"));
	changed(r, id);
	return 0;
}

int
do_get_start(struct run *r)
{
	char storage[1100];
	struct buf value;
	int rc;

	buf_init_fixed(&value, storage, sizeof(storage));
	rc = settings_text(r->admin->store, setting_arg(r), &value);
	if (rc < 0)
		return run_error(r, rc, run_arg(r, "SETTING"));
	run_say(r, "%.*s", RUN_SPAN(buf_span(&value)));
	return 0;
}

int
do_settings_start(struct run *r)
{
	return run_new_state(r, sizeof(size_t)) ? 0 : ERR_NOMEM;
}

enum run_step
do_settings_step(struct run *r)
{
	size_t *i = r->state;
	const struct setting *t;
	struct buf *b;

	if (*i == N_SETTINGS)
		return RUN_DONE;
	t = setting_of((enum setting_id) * i);
	b = run_begin(r, FRAME_TEXT);
	buf_putf(b, "%s = ", t->key);
	if (settings_text(r->admin->store, (enum setting_id) * i, b) < 0)
		buf_put_char(b, '?');
	buf_putf(b, "\n    %s\n    Default %s; ", t->help, t->fallback);
	settings_put_limits(b, (enum setting_id) * i);
	buf_put_str(b, ".\n");
	run_end(r);
	++*i;
	return RUN_MORE;
}
