#include "smtp/smtp_rate.h"

static struct smtp_rate_person *
find(struct smtp_rate *r, uint32_t account)
{
	struct smtp_rate_person *oldest = &r->people[0];

	for (size_t i = 0; i < SMTP_RATE_PEOPLE; i++) {
		struct smtp_rate_person *p = &r->people[i];

		if (p->account == account)
			return p;
		if (oldest->account != 0 &&
		    (p->account == 0 || p->slot < oldest->slot))
			oldest = p;
	}
	*oldest = (struct smtp_rate_person){ .account = account };
	return oldest;
}

/* Empty the slots that time has passed since the last look. */
static void
move_to(struct smtp_rate_person *p, int64_t slot)
{
	int64_t n = slot - p->slot;

	if (n > SMTP_RATE_SLOTS)
		n = SMTP_RATE_SLOTS;
	for (int64_t i = 0; i < n; i++) {
		p->messages[(slot - i) % SMTP_RATE_SLOTS] = 0;
		p->rcpts[(slot - i) % SMTP_RATE_SLOTS] = 0;
	}
	p->slot = slot;
	if (p->is_told && slot - p->told_slot >= SMTP_RATE_SLOTS)
		p->is_told = false;
}

static uint64_t
sum(const uint32_t *slots)
{
	uint64_t n = 0;

	for (size_t i = 0; i < SMTP_RATE_SLOTS; i++)
		n += slots[i];
	return n;
}

enum smtp_rate_answer
smtp_rate_take(struct smtp_rate *r, uint32_t account, bool is_message,
    uint32_t n_rcpts, const struct smtp_rate_limits *limits, int64_t now_s,
    bool *is_first_out)
{
	/* From 1 on: a slot of 0 is nobody's. */
	int64_t slot = now_s / SMTP_RATE_SLOT_S + 1;
	struct smtp_rate_person *p = find(r, account);
	enum smtp_rate_answer answer = RATE_OK;

	move_to(p, slot);
	*is_first_out = false;
	if (is_message && limits->messages > 0 &&
	    sum(p->messages) + 1 > limits->messages)
		answer = RATE_MESSAGES;
	else if (limits->rcpts > 0 && sum(p->rcpts) + n_rcpts > limits->rcpts)
		answer = RATE_RCPTS;
	if (answer == RATE_OK) {
		p->messages[slot % SMTP_RATE_SLOTS] += is_message;
		p->rcpts[slot % SMTP_RATE_SLOTS] += n_rcpts;
		return RATE_OK;
	}
	*is_first_out = !p->is_told;
	if (!p->is_told)
		p->told_slot = slot;
	p->is_told = true;
	return answer;
}
