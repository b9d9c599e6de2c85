/* page_clients.c - settings for mail programs: autoconfig, autodiscover. */
#include "base/limits.h"
#include "base/xml.h"
#include "web/page.h"

/* The doors for people's programs, the one with TLS from the first byte
 * first: RFC 8314 3. */
struct door {
	const char *kind;     /* of autoconfig */
	const char *protocol; /* of autodiscover */
	uint16_t port;
	bool is_tls; /* else by STARTTLS */
	bool is_outgoing;
};

#define N_DOORS 6

static void
list_doors(const struct web_ports *p, struct door doors[N_DOORS])
{
	const struct door all[N_DOORS] = {
		{ "imap", "IMAP", p->imaps, true, false },
		{ "imap", "IMAP", p->imap, false, false },
		{ "pop3", "POP3", p->pop3s, true, false },
		{ "pop3", "POP3", p->pop3, false, false },
		{ "smtp", "SMTP", p->submissions, true, true },
		{ "smtp", "SMTP", p->submission, false, true },
	};

	memcpy(doors, all, sizeof(all));
}

/* --- autoconfig --- */

static void
put_server(struct buf *b, const struct web_env *e, const struct door *d)
{
	const char *tag = d->is_outgoing ? "outgoingServer" : "incomingServer";

	buf_putf(b, "<%s type=\"%s\"><hostname>", tag, d->kind);
	xml_put_text(b, e->host);
	buf_putf(b,
	    "</hostname><port>%u</port><socketType>%s</socketType>"
	    "<authentication>password-cleartext</authentication>"
	    "<username>%%EMAILADDRESS%%</username></%s>\n",
	    d->port, d->is_tls ? "SSL" : "STARTTLS", tag);
}

void
page_autoconfig(struct http *h)
{
	struct span domain = h->request->domain;
	struct door doors[N_DOORS];
	char storage[8192];
	struct buf b;

	list_doors(&h->env->ports, doors);
	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_str(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	                "<clientConfig version=\"1.1\">\n"
	                "<emailProvider id=\"");
	xml_put_text(&b, domain);
	buf_put_str(&b, "\">\n<domain>");
	xml_put_text(&b, domain);
	buf_put_str(&b, "</domain>\n<displayName>");
	xml_put_text(&b, domain);
	buf_put_str(&b, "</displayName>\n<displayShortName>");
	xml_put_text(&b, domain);
	buf_put_str(&b, "</displayShortName>\n");
	for (size_t i = 0; i < N_DOORS; i++) {
		if (doors[i].port != 0)
			put_server(&b, h->env, &doors[i]);
	}
	buf_put_str(&b, "</emailProvider>\n</clientConfig>\n");
	http_reply(h, 200, "application/xml; charset=utf-8", buf_span(&b));
}

/* --- autodiscover --- */

/* The text of the first element of that name, whatever its namespace prefix;
 * this is all of XML that the request needs. Empty: none. */
static struct span
element_text(struct span xml, struct span name)
{
	while (xml.len > 0) {
		struct span tag, text;

		span_split(&xml, '<');
		tag = span_split(&xml, '>');
		text = span_sub(xml, 0, span_find(xml, '<'));
		if (span_find(tag, ':') < tag.len)
			span_split(&tag, ':');
		if (span_is(span_sub(tag, 0, span_find(tag, ' ')), name))
			return span_trim(text);
	}
	return span_of(NULL, 0);
}

static void
put_protocol(struct buf *b, const struct web_env *e, const struct door *d,
    struct span address)
{
	buf_putf(b, "<Protocol><Type>%s</Type><Server>", d->protocol);
	xml_put_text(b, e->host);
	buf_putf(b, "</Server><Port>%u</Port><LoginName>", (unsigned)d->port);
	xml_put_text(b, address);
	buf_putf(b,
	    "</LoginName><DomainRequired>off</DomainRequired><SPA>off</SPA>"
	    "<SSL>%s</SSL><Encryption>%s</Encryption>"
	    "<AuthRequired>on</AuthRequired></Protocol>\n",
	    d->is_tls ? "on" : "off", d->is_tls ? "SSL" : "TLS");
}

void
page_autodiscover(struct http *h)
{
	struct span address =
	    element_text(buf_span(&h->request->body), SPAN("EMailAddress"));
	struct door doors[N_DOORS];
	char storage[8192];
	struct buf b;

	if (address.len == 0 || address.len > MAX_ADDRESS_BYTES) {
		http_reply_text(
		    h, 400, "The request has no EMailAddress element.");
		return;
	}
	list_doors(&h->env->ports, doors);
	buf_init_fixed(&b, storage, sizeof(storage));
	buf_put_str(&b,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/"
	    "autodiscover/responseschema/2006\">\n"
	    "<Response xmlns=\"http://schemas.microsoft.com/exchange/"
	    "autodiscover/outlook/responseschema/2006a\">\n"
	    "<Account><AccountType>email</AccountType>"
	    "<Action>settings</Action>\n");
	for (size_t i = 0; i < N_DOORS; i++) {
		if (doors[i].port != 0)
			put_protocol(&b, h->env, &doors[i], address);
	}
	buf_put_str(&b, "</Account></Response></Autodiscover>\n");
	if (buf_failed(&b))
		http_reply_text(h, 400, "The address is too long.");
	else
		http_reply(
		    h, 200, "application/xml; charset=utf-8", buf_span(&b));
}
