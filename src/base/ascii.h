/* ascii.h - character classes of ASCII alone, whatever the locale. */
#ifndef TINPOST_BASE_ASCII_H
#define TINPOST_BASE_ASCII_H

#include <stdbool.h>

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
ascii_is_alpha(char c)
{
	return ascii_is_upper((char)(c & ~0x20));
}

static inline bool
ascii_is_alnum(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

/* Space, tab, CR or LF. */
static inline bool
ascii_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Space or tab: WSP of RFC 5234 B.1. */
static inline bool
ascii_is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* A control character: below space, or DEL. */
static inline bool
ascii_is_ctl(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* A byte with its eighth bit set. */
static inline bool
ascii_is_8bit(char c)
{
	return ((unsigned char)c & 0x80) != 0;
}

/* A visible ASCII character: VCHAR of RFC 5234 B.1. */
static inline bool
ascii_is_vchar(char c)
{
	return c > 0x20 && c < 0x7f;
}

static inline char
ascii_lower(char c)
{
	return ascii_is_upper(c) ? (char)(c | 0x20) : c;
}

static inline char
ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

/* 0 to 15, or -1 when c is no hexadecimal digit. */
static inline int
ascii_hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
