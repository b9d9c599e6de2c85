/* smtp_limit.c - what one person may send to other domains within the hour
 * (store/rate.h): a stolen password must not use up the office's reputation. */
#include "base/log.h"
#include "smtp/smtp_session.h"

/* The person, or the device, as a key of store/rate.h. */
static struct span
key_of(const struct smtp *s, char storage[RATE_KEY_BYTES])
{
	struct buf b;

	buf_init_fixed(&b, storage, RATE_KEY_BYTES);
	if (s->device != NULL) {
		buf_put_char(&b, 'd');
		buf_put(&b, s->device->d.name);
	} else {
		buf_put_char(&b, 'p');
		buf_put_u64(&b, s->account);
	}
	return buf_span(&b);
}

/* Told once an hour, beside the refusals: the owner may have to act. */
static void
give_alarm(struct smtp *s)
{
	bool is_device = s->device != NULL;
	struct account_view a;
	struct span who = SPAN("");
	struct log l;
	int rc;

	if (is_device)
		who = s->device->d.name;
	else if (account_get(s->env->store, s->account, &a) == 0)
		who = a.address;
	rc = event_add(s->env->store,
	    &(struct event){ .kind = EVENT_SYSTEM,
	        .from = who,
	        .text = is_device
	                    ? SPAN("device sends more than it may in an hour")
	                    : SPAN("sends more than one person may in an "
	                           "hour") });
	log_begin(&l, LOG_WARN, "smtp.sends-too-much");
	log_str(&l, is_device ? "device" : "user", who);
	log_str(&l, "advice",
	    is_device ? SPAN("look at what it sends; tinpost device set --rate "
	                     "allows more")
	              : SPAN("a new password if they did not send this "
	                     "themselves; else limits.person-recipients-hour"));
	if (rc < 0)
		log_err(&l, "event_error", rc);
	log_end(&l);
}

/* A device's message is counted with its first recipient, here or elsewhere. */
static const char *
limit_device(struct smtp *s)
{
	const struct rate_want want = { .messages = 1,
		.max_messages = s->device->d.per_hour };
	char storage[RATE_KEY_BYTES];
	bool is_first;

	if (want.max_messages == 0 || s->txn->n_rcpts > 0 ||
	    rate_take(s->env->store, key_of(s, storage), &want, &is_first,
	        NULL) == RATE_OK)
		return NULL;
	if (is_first)
		give_alarm(s);
	return "450 4.7.1 This device has sent as many messages as it may in "
	       "an hour; try again later";
}

const char *
smtp_limit_rcpts(struct smtp *s, uint32_t n)
{
	const struct rate_want want = { .messages = s->txn->n_onward == 0,
		.rcpts = n,
		.max_messages = smtp_limits_of(s)->person_messages_hour,
		.max_rcpts = smtp_limits_of(s)->person_rcpts_hour };
	char storage[RATE_KEY_BYTES];
	enum rate_answer answer;
	bool is_first;

	if (s->device != NULL)
		return limit_device(s);
	if (n == 0 || s->account == 0 ||
	    (want.max_messages == 0 && want.max_rcpts == 0))
		return NULL;
	answer = rate_take(
	    s->env->store, key_of(s, storage), &want, &is_first, NULL);
	if (is_first)
		give_alarm(s);
	switch (answer) {
	case RATE_OK:
		return NULL;
	case RATE_MESSAGES:
		return "450 4.7.1 You have sent as many messages as one person "
		       "may in an hour; try again later";
	case RATE_RCPTS:
		return "450 4.7.1 You have sent to as many people as one "
		       "person may in an hour; try again later";
	}
	return NULL;
}

void
smtp_limit_save(struct smtp *s)
{
	char storage[RATE_KEY_BYTES];

	rate_save(s->env->store, key_of(s, storage));
}
