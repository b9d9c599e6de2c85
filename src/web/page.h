/* page.h - the handlers of web_route.c. Room-private. */
#ifndef TINPOST_WEB_PAGE_H
#define TINPOST_WEB_PAGE_H

#include "web/http.h"

/* The policy of RFC 8461 3.2 for mail to h->request->domain. */
void page_mta_sts(struct http *h);

/* What Thunderbird and others ask for to set up an account. */
void page_autoconfig(struct http *h);

/* The same for Outlook ("POX autodiscover"). */
void page_autodiscover(struct http *h);

/* Counters in Prometheus' text format. */
void page_metrics(struct http *h);

#endif
