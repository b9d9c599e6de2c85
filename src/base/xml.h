/* xml.h - text inside an XML element: the one way in. */
#ifndef TINPOST_BASE_XML_H
#define TINPOST_BASE_XML_H

#include "base/buf.h"

/* Append s as character data (W3C XML 1.0 2.4): markup becomes entities; what
 * XML cannot hold (controls, noncharacters, bytes that are not UTF-8) becomes
 * "?". At most XML_MAX_TEXT bytes of s. */
void xml_put_text(struct buf *b, struct span s);

#define XML_MAX_TEXT 1024

/* Append <name>text</name> and a line end. */
void xml_put_element(struct buf *b, const char *name, struct span text);

#endif
