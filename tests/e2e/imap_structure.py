#!/usr/bin/env python3
"""ENVELOPE, BODYSTRUCTURE and the sections of each mail of the corpora are
those that Python's email package finds; and of any mail, however broken, the
sections, sizes and counts of lines agree with each other."""

import email
import email.policy
import email.utils
import re
import sys

import corpus
import imap_client
import lib

# Where Python's email package and the standards do not agree, or the mail is
# so broken that each reader finds its own: only the inner agreement counts.
# Each with the reason, by what stands in the mail.
OWN_MAILS = {
    "group": b"From: a@x.test\r\nTo: Team: a@x.test, \"B, C\" <b@y.test>;,"
    b" c@z.test\r\nCc: undisclosed-recipients:;\r\nSubject: g\r\n\r\nx\r\n",
    "encoded words": b"From: =?utf-8?q?J=C3=BCrgen?= <j@x.test>\r\n"
    b"Subject: =?utf-8?b?w6TDtsO8?= and\r\n =?iso-8859-1?q?=FC?=\r\n\r\nx\r\n",
    "nested message": b"From: a@x.test\r\nMIME-Version: 1.0\r\nContent-Type: "
    b"multipart/mixed; boundary=o\r\n\r\npreamble\r\n--o\r\n\r\none\r\n--o\r\n"
    b"Content-Type: message/rfc822\r\n\r\nFrom: in@x.test\r\nSubject: inner"
    b"\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\n"
    b"a\r\n--i\r\nContent-Type: text/html\r\n\r\n<b>\r\n--i--\r\n--o\r\n"
    b"Content-Type: message/rfc822\r\n\r\nSubject: plain\r\n\r\nbody\r\n"
    b"--o--\r\nepilogue\r\n",
    "digest": b"Subject: d\r\nContent-Type: multipart/digest; boundary=d\r\n"
    b"\r\n--d\r\n\r\nSubject: m1\r\n\r\nb1\r\n--d\r\nContent-Type: text/plain"
    b"\r\n\r\nt\r\n--d--\r\n",
    "prefix boundary": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a"
    b"\r\nContent-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\nx\r\n"
    b"--ab--\r\n--a\r\n\r\ny\r\n--a--\r\n",
    "parameters": b"Content-Type: application/x-y; name*0*=utf-8''%C3%A4b;"
    b" name*1=\"c d\"; x=\"q\\\"r\"; charset=us-ascii (comment)\r\n"
    b"Content-Disposition: attachment; filename*=utf-8''%e2%82%ac.txt\r\n"
    b"Content-Transfer-Encoding: base64\r\nContent-ID: <i@x>\r\n"
    b"Content-Description: what it is\r\nContent-MD5: abc==\r\n"
    b"Content-Language: de, en\r\nContent-Location: http://x.test/y\r\n\r\n"
    b"aGVsbG8=\r\n",
    "empty": b"\r\n",
    "no body": b"Subject: no body\r\n\r\n",
    "no blank line": b"Subject: no blank\r\n",
    "empty part": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    b"--a\r\n\r\n--a--\r\n",
    "unclosed": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    b"\r\nthe end is missing\r\n",
    "quoted-printable": b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nh=C3=A4 =\r\nsoft"
    b" =3D\r\n",
    "broken addresses": b"From: <>\r\nTo: a@, @b, <c@d\r\nCc: \"unclosed\r\n"
    b"Bcc: ;;,:,\r\nReply-To: x y z\r\nSubject: b\r\n\r\nx\r\n",
    "8 bit": b"From: J\xfcrgen <j@x.test>\r\nSubject: \xe4\xf6 \xc3\xa4\r\n"
    b"\r\nx\xff\r\n",
    "deep": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(150)
    ) + b"\r\nbottom\r\n",
    "many parts": b"Content-Type: multipart/mixed; boundary=p\r\n\r\n"
    + b"--p\r\n\r\nx\r\n" * 400 + b"--p--\r\n",
    "rfc822 in base64": b"Content-Type: message/rfc822\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp4DQo=\r\n",
    "rfc822 alone": b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n"
    b"y\r\n",
    "rfc822 empty": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    b"Content-Type: message/rfc822\r\n\r\n--a--\r\n",
    "no type": b"Content-Type: \r\nSubject: x\r\n\r\ny\r\n",
    "wrong type": b"Content-Type: text; charset=x\r\n\r\ny\r\n",
    "dates": b"Date: Mon,  1 Jan 2024 10:00:00 +0000 (UTC)\r\nFrom: a@x.test"
    b"\r\n\r\ny\r\n",
}
