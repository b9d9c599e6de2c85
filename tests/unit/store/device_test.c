/* Devices: put, found, listed, changed, removed, and there again after a
 * restart. */
#include "store/device.h"

#include "base/err.h"
#include "fixture.h"

static int
put(struct store *s, const char *name, uint32_t per_hour, struct span at,
    struct span senders, struct span rcpts)
{
	return device_put(s, &(struct device){ .name = span_str(name),
	                         .per_hour = per_hour,
	                         .at = at,
	                         .senders = senders,
	                         .rcpts = rcpts });
}

static void
check_all(struct store *s, const char *want)
{
	char storage[MAX_DEVICE_NAME], text[500];
	struct device_view v;
	struct buf name, got;
	int rc;

	buf_init_fixed(&name, storage, sizeof(storage));
	buf_init_fixed(&got, text, sizeof(text));
	while ((rc = device_next(s, &name, &v)) == 0) {
		struct span rest = v.d.at;

		CHECK_SPAN(v.d.name, buf_span(&name));
		buf_put(&got, v.d.name);
		while (rest.len > 0) {
			buf_put_char(&got, '@');
			buf_put(&got, device_next_word(&rest));
		}
		buf_putf(&got, "(%.*s)(%.*s)%u ", (int)v.d.senders.len,
		    v.d.senders.p, (int)v.d.rcpts.len, v.d.rcpts.p,
		    v.d.per_hour);
	}
	CHECK_INT(rc, ERR_NONE);
	CHECK_SPAN(buf_span(&got), span_str(want));
}

int
main(void)
{
	static const char all[] = "a@1@2(s)(local)0 "
	                          "b.c@::1(s@x t@x)(y.test z@y)60 ";
	static char big[MAX_DEVICE_BYTES + 1], name[MAX_DEVICE_NAME + 2];
	struct device_view v;
	struct store *s;

	fx_begin();
	s = fx_new();
	check_all(s, "");
	CHECK_INT(
	    put(s, "b.c", 60, SPAN("::1"), SPAN("s@x t@x"), SPAN("y.test z@y")),
	    0);
	CHECK_INT(put(s, "a", 0, SPAN("1 2"), SPAN("s"), SPAN("local")), 0);
	/* What stands behind in the settings is none. */
	CHECK_INT(setting_put(s, SPAN("dkim.key.x"), SPAN("y")), 0);
	check_all(s, all);
	store_close(s);
	s = fx_reopen();
	check_all(s, all);
	CHECK_INT(device_get(s, SPAN("b.c"), &v), 0);
	CHECK_INT(v.d.per_hour, 60);
	CHECK_INT(put(s, "b.c", 5, v.d.at, SPAN("n"), v.d.rcpts), 0);
	CHECK_INT(device_remove(s, SPAN("a")), 0);
	CHECK_INT(device_remove(s, SPAN("a")), ERR_NONE);
	CHECK_INT(device_get(s, SPAN("a"), &v), ERR_NONE);
	check_all(s, "b.c@::1(n)(y.test z@y)5 ");
	/* No name, no list. */
	memset(name, 'n', sizeof(name));
	name[MAX_DEVICE_NAME + 1] = '\0';
	CHECK_INT(
	    put(s, name, 1, SPAN("a"), SPAN("b"), SPAN("c")), ERR_INVALID);
	CHECK_INT(put(s, "", 1, SPAN("a"), SPAN("b"), SPAN("c")), ERR_INVALID);
	CHECK_INT(
	    put(s, "a b", 1, SPAN("a"), SPAN("b"), SPAN("c")), ERR_INVALID);
	CHECK_INT(put(s, "a", 1, SPAN(" "), SPAN("b"), SPAN("c")), ERR_INVALID);
	CHECK_INT(put(s, "a", 1, SPAN("a"), SPAN(""), SPAN("c")), ERR_INVALID);
	CHECK_INT(
	    put(s, "a", 1, SPAN("a"), SPAN("b"), SPAN("c\nd")), ERR_INVALID);
	CHECK_INT(device_get(s, SPAN("a b"), &v), ERR_NONE);
	CHECK_INT(device_remove(s, SPAN("")), ERR_NONE);
	/* As much as there may be, and more. */
	name[MAX_DEVICE_NAME] = '\0';
	memset(big, 'x', sizeof(big));
	CHECK_INT(put(s, name, UINT32_MAX, span_of(big, MAX_DEVICE_BYTES - 2),
	              SPAN("y"), SPAN("z")),
	    0);
	CHECK_INT(device_get(s, span_str(name), &v), 0);
	CHECK_INT(v.d.at.len, MAX_DEVICE_BYTES - 2);
	CHECK_SPAN(v.d.rcpts, SPAN("z"));
	CHECK_INT(put(s, name, 1, span_of(big, sizeof(big)), span_of(big, 100),
	              SPAN("z")),
	    ERR_LIMIT);
	/* Damage is said. */
	CHECK_INT(setting_put(s, SPAN("device.q"), SPAN("x\ny\nz")), 0);
	CHECK_INT(device_get(s, SPAN("q"), &v), ERR_DAMAGED);
	store_close(s);
	fx_end();
	return test_done();
}
