#!/usr/bin/env python3
"""Messages made to hurt parsers: each is refused clearly or stored whole, in
bounded time, and the server answers others as before."""

import time

import lib

HEAD = b"From: a@client.test\r\nTo: b@example.test\r\nSubject: x\r\n"


def multiparts(n):
    body = b""
    for i in range(n):
        body += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n" % i
        body += b"--b%d\r\n" % i
    return HEAD + body + b"\r\nend\r\n"


def nested_messages(n):
    return HEAD + b"Content-Type: message/rfc822\r\n\r\n" * n + b"\r\nend\r\n"


def parts(n, boundary=b"b"):
    head = HEAD + b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n" % boundary
    return head + (b"--%b\r\n\r\nx\r\n" % boundary) * n + b"--%b--\r\n" % boundary


def prefix_boundaries():
    head = HEAD + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    for i in range(1, 60):
        head += b"Content-Type: multipart/mixed; boundary=" + b"a" * (i + 1)
        head += b"\r\n\r\n--" + b"a" * (i + 1) + b"\r\n"
    return head + b"\r\n" + (b"--" + b"a" * 61 + b"\r\n") * 20000


def folded(field, n):
    return HEAD + field + b"x\r\n" + b" folded text here\r\n" * n + b"\r\nend\r\n"


MAILS = {
    "2,000 nested multiparts": multiparts(2000),
    "2,000 nested messages": nested_messages(2000),
    "20,000 parts": parts(20000),
    "empty boundary": parts(50, b'""'),
    "prefix boundaries": prefix_boundaries(),
    "100,000 header lines": HEAD + b"X-A: b\r\n" * 100000 + b"\r\nend\r\n",
    "2 MB folded header": folded(b"X-Long: ", 110000),
    "1 MB header line": HEAD + b"X-Long: " + b"y" * 1000000 + b"\r\n\r\nend\r\n",
    "50,000 addresses": HEAD + b"Cc: "
    + b",\r\n ".join(b"u%d@client.test" % i for i in range(50000))
    + b"\r\n\r\nend\r\n",
    "50,000 comments": b"From: " + b"(" * 500 + b"\r\n" + b" ((((((((((\r\n" * 5000
    + b" a@client.test\r\n\r\nend\r\n",
    "comments in Content-Type": HEAD + b"Content-Type: text/plain"
    + b"\r\n ((((((((((" * 2000 + b"\r\n\r\nend\r\n",
    "unclosed quotes": b'From: "a <a@client.test>\r\nTo: group: "b\r\n\r\nend\r\n',
    "10,000 encoded words": HEAD + b"X-E: "
    + b"\r\n ".join([b"=?utf-8?q?a=41?="] * 10000) + b"\r\n\r\nend\r\n",
    "hostile charsets": HEAD + b"X-C: =?\xff\xfe?b?????= =?x-none?q?a?=\r\n"
    + b"Content-Type: text/plain; charset=\"../../etc/passwd\"\r\n\r\nend\r\n",
    "5,000 parameters": HEAD + b"Content-Type: text/plain"
    + b"".join(b";\r\n a*%d*=utf-8''b" % (i * 7) for i in range(5000))
    + b"\r\n\r\nend\r\n",
    "50,000 references": HEAD + b"References:"
    + b"".join(b"\r\n <%d@client.test>" % i for i in range(50000))
    + b"\r\n\r\nend\r\n",
    "bad base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n"
    + b"====!!!!\xff\xff=A=\r\n" * 100,
    "absurd dates": b"Date: Foo, 99 Xxx 99999999999999999999 99:99:99 +9999\r\n"
    + HEAD + b"\r\nend\r\n",
    "no header": b"just text\r\nand more\r\n",
    "empty": b"",
    "only a blank line": b"\r\n",
    "terminal escapes": HEAD + b"Subject: \x1b[2J\x1b]0;x\x07\r\n\r\n\x1b[31mred\r\n",
    "truncated UTF-8": b"Subject: \xe2\x82\r\nFrom: \xf0\x9f@client.test\r\n\r\n\xc3\r\n",
    "NUL bytes": HEAD + b"X: a\0b\r\n\r\nc\0d\r\n",
}


def main():
    with lib.server() as server:
        kept = []
        for name, mail in MAILS.items():
            start = time.monotonic()
            line = lib.smtp_session(server)
            line.sock.settimeout(60)
            reply = lib.send_mail(line, [server.user], mail)
            seconds = time.monotonic() - start
            assert reply.startswith(("250", "554", "552", "550")), (name, reply)
            if reply.startswith("250"):
                kept.append((name, mail))
            line.close()
            print(f"{name}: {reply[:40]!r} after {seconds:.2f} s")
            assert seconds < 10, name
        found = lib.pop3_messages(server, server.user, server.password)
        assert len(found) == len(kept)
        for (name, mail), stored in zip(kept, found):
            mail = mail if mail.endswith(b"\r\n") or not mail else mail + b"\r\n"
            assert stored.endswith(mail), f"{name} came back changed"
        assert len(kept) >= len(MAILS) - 3, "hostile, and yet mail"


main()
