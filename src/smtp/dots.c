#include "smtp/dots.h"

#include "base/ascii.h"
#include "base/limits.h"

void
dots_init(struct dots *d, bool is_plain)
{
	*d = (struct dots){ .state = DOTS_LINE,
		.max_line_bytes = MAX_TEXT_LINE,
		.is_plain = is_plain };
}

/* The length of the run of bytes that only add to a line. */
static size_t
run_length(struct dots *d, struct span in)
{
	size_t n = 0;
	char bits = 0;

	for (; n < in.len; n++) {
		char c = in.p[n];

		if (c == '\r' || c == '\n' || c == '\0')
			break;
		bits = (char)(bits | c);
	}
	if (ascii_is_8bit(bits))
		d->has_8bit = true;
	return n;
}

static void
count_line(struct dots *d, size_t n)
{
	if (n > d->max_line_bytes - d->line_bytes) {
		d->faults |= DOTS_LONG_LINE;
		d->line_bytes = d->max_line_bytes;
	} else {
		d->line_bytes += (uint32_t)n;
	}
}

/* Inside a line: a run of text, or one of the three bytes that matter. */
static size_t
step_mid(struct dots *d, struct span in)
{
	size_t n = run_length(d, in);

	if (n > 0) {
		d->state = DOTS_MID;
		count_line(d, n);
		return n;
	}
	if (in.p[0] == '\r') {
		d->state = DOTS_CR;
		return 0;
	}
	d->faults |= in.p[0] == '\n' ? DOTS_BARE_LF : DOTS_NUL;
	d->state = DOTS_MID;
	count_line(d, 1);
	return 1;
}

/* Is a bare LF a line end here? */
static bool
ends_lax(const struct dots *d, char c)
{
	return d->is_lax && c == '\n' &&
	       (d->state == DOTS_LINE || d->state == DOTS_MID ||
	           d->state == DOTS_DOT);
}

bool
dots_next(struct dots *d, struct span *in, struct span *text_out)
{
	size_t n_text = 0;
	size_t n_used = 1;

	*text_out = span_of(NULL, 0);
	if (in->len == 0)
		return false;
	if (ends_lax(d, in->p[0])) {
		*text_out = SPAN("\r\n");
		d->line_bytes = 0;
		d->state = DOTS_MID;
		*in = span_sub(*in, 1, in->len);
		return true;
	}
	switch (d->state) {
	case DOTS_LINE: /* CR LF */
		if (in->p[0] == '.' && !d->is_plain) {
			d->state = DOTS_DOT;
			break;
		}
		n_text = step_mid(d, *in);
		break;
	case DOTS_MID: /* text */
		n_text = step_mid(d, *in);
		break;
	case DOTS_CR: /* text CR */
		if (in->p[0] == '\n') {
			*text_out = SPAN("\r\n");
			d->line_bytes = 0;
			d->state = DOTS_LINE;
			break;
		}
		d->faults |= DOTS_BARE_CR; /* RFC 5321 2.3.8 */
		d->state = DOTS_MID;
		n_used = 0;
		break;
	case DOTS_DOT: /* CR LF . */
		if (in->p[0] == '\r') {
			d->state = DOTS_DOT_CR;
			break;
		}
		/* RFC 5321 4.5.2: the first dot is dropped. */
		n_text = step_mid(d, *in);
		break;
	case DOTS_DOT_CR: /* CR LF . CR */
		if (in->p[0] == '\n') {
			d->state = DOTS_OVER;
			break;
		}
		d->faults |= DOTS_BARE_CR;
		d->state = DOTS_MID;
		n_used = 0;
		break;
	case DOTS_OVER: /* CR LF . CR LF */
		return false;
	}
	if (n_text > 0) {
		*text_out = span_of(in->p, n_text);
		n_used = n_text;
	}
	*in = span_sub(*in, n_used, in->len);
	return true;
}

void
dots_finish(struct dots *d, struct span *text_out)
{
	*text_out = span_of(NULL, 0);
	if (d->state == DOTS_CR)
		d->faults |= DOTS_BARE_CR;
	else if (d->state == DOTS_MID)
		*text_out = SPAN("\r\n");
	d->state = DOTS_OVER;
}
