#include "imap/fetch_fields.h"

#include "base/ascii.h"
#include "base/utf8.h"

enum {
	AT_LINE, /* a field, a fold or the blank line begins */
	IN_NAME,
	IN_LINE /* it is known whether the line is kept */
};

void
fetch_fields_init(struct fetch_fields *f, const struct fetch_section *section,
    bool is_downgraded)
{
	f->section = section;
	f->is_downgraded = is_downgraded;
	f->is_kept = f->is_long = false;
	f->state = AT_LINE;
	f->n_name = 0;
	buf_init(&f->field, MAX_DOWNGRADE_FIELD);
}

void
fetch_fields_deinit(struct fetch_fields *f)
{
	buf_deinit(&f->field);
}

/* Put bytes that are not part of a field that could be made ASCII. */
static void
put_masked(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_put_char(out, ascii_is_8bit(s.p[i]) ? '?' : s.p[i]);
}

/* The gathered field is over. */
static void
flush(struct fetch_fields *f, struct buf *out)
{
	struct span s = buf_span(&f->field);

	if (utf8_has_8bit(s))
		downgrade_put_field(out, s);
	else
		buf_put(out, s);
	buf_reset(&f->field);
	f->is_long = false;
}

static void
keep(struct fetch_fields *f, struct span s, struct buf *out)
{
	if (!f->is_downgraded) {
		buf_put(out, s);
		return;
	}
	if (!f->is_long && s.len > f->field.max - f->field.len) {
		put_masked(out, buf_span(&f->field));
		buf_reset(&f->field);
		f->is_long = true;
	}
	if (f->is_long)
		put_masked(out, s);
	else
		buf_put(&f->field, s);
	if (buf_failed(&f->field))
		out->has_failed = true;
}

static bool
is_named(const struct fetch_section *s, struct span name)
{
	for (uint32_t i = 0; i < s->n_names; i++)
		if (span_is_nocase(name, s->names[i]))
			return true;
	return false;
}

/* The name is over; at its end stands ch. */
static void
judge(struct fetch_fields *f, char ch, struct buf *out)
{
	const struct fetch_section *s = f->section;
	struct span held = span_of(f->name, f->n_name);
	struct span name = span_trim(held);
	bool is_blank =
	    ch == '\n' && (held.len == 0 || span_is(held, SPAN("\r")));
	bool has_names = s != NULL && (s->text == FETCH_FIELDS ||
	                                  s->text == FETCH_FIELDS_NOT);

	if (f->is_downgraded)
		flush(f, out);
	if (!has_names || is_blank)
		f->is_kept = true;
	else
		f->is_kept = (ch == ':' && is_named(s, name)) ==
		             (s->text == FETCH_FIELDS);
	f->state = IN_LINE;
	if (f->is_kept)
		keep(f, held, out);
}

static void
step_name(struct fetch_fields *f, struct cur *c, struct buf *out)
{
	while (c->p < c->end) {
		if (*c->p == ':' || *c->p == '\n' ||
		    f->n_name == sizeof(f->name)) {
			judge(f, *c->p, out);
			return;
		}
		f->name[f->n_name++] = *c->p++;
	}
}

static void
step_line(struct fetch_fields *f, struct cur *c, struct buf *out)
{
	struct span rest = cur_rest(c);
	size_t n = span_find(rest, '\n');

	if (n < rest.len) {
		n++;
		f->state = AT_LINE;
	}
	if (f->is_kept)
		keep(f, span_sub(rest, 0, n), out);
	c->p += n;
}

void
fetch_fields_step(struct fetch_fields *f, struct span in, struct buf *out)
{
	struct cur c = cur_of(in);

	while (c.p < c.end) {
		switch (f->state) {
		case AT_LINE:
			f->n_name = 0;
			f->state = ascii_is_wsp(*c.p) ? IN_LINE : IN_NAME;
			break;
		case IN_NAME:
			step_name(f, &c, out);
			break;
		default: /* IN_LINE */
			step_line(f, &c, out);
			break;
		}
	}
}

void
fetch_fields_finish(struct fetch_fields *f, struct buf *out)
{
	if (f->state == IN_NAME)
		judge(f, '\r', out); /* cut inside a name: no field */
	if (f->is_downgraded)
		flush(f, out);
	f->is_kept = false;
	f->state = AT_LINE;
	f->n_name = 0;
}
