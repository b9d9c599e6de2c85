/* list.h - a doubly linked list through its members. Zero is no list: init
 * the head; init a member that may be removed without being in one. */
#ifndef TINPOST_BASE_LIST_H
#define TINPOST_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* The struct of type that holds this link as member. */
#define LIST_OF(link, type, member)                                            \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_is_empty(const struct list *l)
{
	return l->next == l;
}

/* Put link at the end of the list. */
static inline void
list_add(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Take link out; it may be in no list. */
static inline void
list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

#endif
