#!/usr/bin/env python3
"""ENVELOPE, BODYSTRUCTURE and the decoded parts of each mail of the corpora are
those that Python's email package finds; and of any mail, however broken, the
sections, sizes and counts of lines agree with each other."""

import email
import email.header
import email.utils
import random
import re

import corpus
import imap_client
import lib

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

# Mails of the corpora, and of those above, that the two read differently, with
# the reason.
DIFFERENT = {
    # Python drops an empty part.
    "empty part", "msg_37.txt",
    # Python keeps a multipart without parts; here it is a text.
    "msg_17.txt", "msg_25.txt", "msg_31.txt", "msg_41.txt", "msg_42.txt",
    # An inner multipart has the boundary of the outer one.
    "msg_15.txt", "msg_39.txt",
    # Deeper than what is looked into (MAX_MIME_DEPTH).
    "deep",
    # RFC 2046 5.2.1 forbids it: here it is no message.
    "rfc822 in base64",
}
# In getaddresses, a name with a comma in it, or without its quotes, is more.
# Also 8 bit without a charset, which is shown as encoded words here.
STRANGE_ADDRESSES = {
    "broken addresses", "8 bit", "broken-cc", "1382298793.002543:2,",
    "1532672447.R3166642290392477575.len:2,S",
    "1532672447.R6968667928580738175.len:2,S",
}


def text(words):
    return None if words is None else words.decode("utf-8", "replace")


def params(pairs):
    """Names in lower case -> values."""
    return {
        text(pairs[i]).lower(): text(pairs[i + 1])
        for i in range(0, len(pairs or []), 2)
    }


class Part:
    """One part of BODYSTRUCTURE (RFC 9051 7.5.2), with what is below it."""

    def __init__(self, words):
        self.parts = []
        while isinstance(words[len(self.parts)], list):
            self.parts.append(Part(words[len(self.parts)]))
        rest = words[len(self.parts):]
        self.lines = None
        if self.parts:
            self.type = "multipart"
            self.subtype, self.params, self.disposition = rest[:3]
        else:
            self.type = text(rest[0]).lower()
            self.subtype, self.params = rest[1:3]
            self.encoding = text(rest[5]).lower()
            self.bytes = rest[6]
            rest = rest[7:]
            if self.type == "message" and self.subtype in (
                b"rfc822", b"global"
            ):
                self.envelope = rest[0]
                self.parts = [Part(rest[1])]
                rest = rest[2:]
            if self.parts or self.type == "text":
                self.lines = rest[0]
                rest = rest[1:]
            self.disposition = rest[1]
        self.subtype = text(self.subtype).lower()
        self.params = params(self.params)

    def is_multipart(self):
        return self.type == "multipart"

    def shape(self):
        return (
            self.type, self.subtype, [part.shape() for part in self.parts]
        )

    def numbered(self, above=""):
        """The parts that have bytes of their own, with their numbers."""
        if not self.is_multipart():
            yield from self.below(above + "1")
            return
        for n, part in enumerate(self.parts, 1):
            yield from part.below(f"{above}{n}")

    def below(self, number):
        if self.is_multipart():
            yield from self.numbered(number + ".")
            return
        yield number, self
        for part in self.parts:
            yield from part.numbered(number + ".")


def parts_of(mail):
    """The parts of a mail that Python has read, which also looks into
    message/delivery-status."""
    is_split = mail.get_content_maintype() == "multipart" or (
        mail.get_content_type() == "message/rfc822"
    )
    return mail.get_payload() if is_split and mail.is_multipart() else []


def shape(mail):
    """As Part has it."""
    return (
        mail.get_content_maintype(),
        mail.get_content_subtype(),
        [shape(part) for part in parts_of(mail)],
    )


def unfolded(value):
    """A field of Python's as ENVELOPE has it."""
    return None if value is None else re.sub(r"\r?\n", "", value).strip()


def addresses(words):
    """Those of an ENVELOPE's list, as getaddresses has them."""
    found = []
    for name, _, local, host in words or []:
        if host is not None:
            local, host = text(local), text(host)
            is_bare = host == "missing.invalid"
            found.append(
                (text(name) or "", local if is_bare else f"{local}@{host}")
            )
    return found


def compare(name, mail, envelope, structure):
    """With what Python reads in it."""
    if name not in DIFFERENT:
        assert structure.shape() == shape(mail), (
            name, structure.shape(), shape(mail)
        )
        for part, theirs in zip(walk(structure), walk_mail(mail)):
            compare_params(name, part, theirs)
    try:
        fields = {
            field: unfolded(mail.get(field))
            for field in ("Date", "Subject", "In-Reply-To", "Message-ID")
        }
    except TypeError:
        return  # 8 bit: a Header, which is made of guesses
    assert [text(envelope[i]) for i in (0, 1, 8, 9)] == list(
        fields.values()
    ), (name, envelope, fields)
    if name in STRANGE_ADDRESSES:
        return
    for at, field in ((2, "From"), (5, "To"), (6, "Cc"), (7, "Bcc")):
        # Of several fields of a name, the first counts.
        value = [str(v) for v in mail.get_all(field, [])][:1]
        theirs = [
            pair for pair in email.utils.getaddresses(value)
            if pair != ("", "")
        ]
        assert addresses(envelope[at]) == theirs, (name, field, theirs)


def walk(part):
    yield part
    for below in part.parts:
        yield from walk(below)


def walk_mail(mail):
    yield mail
    for below in parts_of(mail):
        yield from walk_mail(below)


def compare_params(name, part, theirs):
    for key, value in part.params.items():
        if key.endswith("*") or not value.isascii():
            continue
        found = theirs.get_param(key, failobj="")
        if isinstance(found, str) and "\\" not in value:
            found = re.sub(r" \([^)]*\)$", "", " ".join(found.split()))
            assert " ".join(value.split()) == found, (name, key, value)
    # text/plain is what is assumed, also where nothing is said.
    disposition = theirs.get("Content-Disposition")
    if disposition and part.disposition:
        assert text(part.disposition[0]).lower() == (
            theirs.get_content_disposition()
        ), (name, part.disposition)


def sections(client, uid, *wanted):
    """Fetch these; name -> value."""
    answer = client.cmd(f"UID FETCH {uid} ({' '.join(wanted)})")
    return answer.status, imap_client.fields(answer.named("FETCH")[0][1])


def check_part(client, name, uid, whole, number, part):
    """The sections of a part agree; returns its decoded bytes."""
    _, found = sections(
        client, uid, f"BODY.PEEK[{number}]", f"BODY.PEEK[{number}.MIME]",
        f"BODY.PEEK[{number}]<3.7>",
    )
    body = found[f"BODY[{number}]"]
    assert len(body) == part.bytes, (name, number, part.bytes, len(body))
    assert found[f"BODY[{number}.MIME]"] + body in whole, (name, number)
    assert found[f"BODY[{number}]<3>"] == body[3:10], (name, number)
    if part.lines is not None:
        lines = body.count(b"\n")
        assert part.lines in (lines, lines + 1), (name, number, part.lines)
    status, found = sections(
        client, uid, f"BINARY.PEEK[{number}]", f"BINARY.SIZE[{number}]"
    )
    if status == "NO":
        return None  # UNKNOWN-CTE
    decoded = found[f"BINARY[{number}]"]
    assert len(decoded) == found[f"BINARY.SIZE[{number}]"], (name, number)
    return decoded


def check_message(client, name, uid, number, part, is_sound):
    """A message within is told of as if it stood alone."""
    _, found = sections(
        client, uid, f"BODY.PEEK[{number}.HEADER]",
        f"BODY.PEEK[{number}.TEXT]", f"BODY.PEEK[{number}]",
    )
    assert (
        found[f"BODY[{number}.HEADER]"] + found[f"BODY[{number}.TEXT]"]
        == found[f"BODY[{number}]"]
    ), (name, number)
    inner = email.message_from_bytes(found[f"BODY[{number}.HEADER]"])
    if is_sound and not isinstance(inner.get("Subject"), email.header.Header):
        assert text(part.envelope[1]) == unfolded(inner.get("Subject")), (
            name, number, part.envelope
        )


def broken(rand):
    """A mail of pieces that parsers trip over."""
    names = [
        b"From", b"To", b"Subject", b"Content-Type", b"Content-Disposition",
        b"Content-ID", b"Content-Language", b"Content-Transfer-Encoding",
    ]
    pieces = [
        b'"', b"\\", b"(", b")", b"<", b">", b"@", b",", b";", b":", b"=", b" ",
        b"\r\n ", b"a", b"b.c", b"(c(d)e)", b"=?utf-8?q?=C3=A4=0D=0A?=",
        b"=?utf-8?b?AA==?=", b"multipart/mixed", b"message/rfc822", b"NIL",
        b"; boundary=b", b"; name*=utf-8''%0d%0a", b'; x*0="a"; x*1="b"',
        b"\x01\x1f\x7f", b"\xff", b"\xc3\xa4", b"base64", b"{5+}", b"Group:;",
    ]
    fields = b"".join(
        rand.choice(names) + b": "
        + b"".join(rand.choices(pieces, k=rand.randrange(8))) + b"\r\n"
        for _ in range(rand.randrange(1, 7))
    )
    lines = [b"--b", b"--b--", b"", b"text"] + [
        name + b": " + piece for name in names for piece in pieces[-9:]
    ]
    return fields + b"\r\n" + b"".join(
        rand.choice(lines[:4] if rand.random() < 0.6 else lines) + b"\r\n"
        for _ in range(rand.randrange(12))
    )


def check(client, name, data, is_sound=True):
    uid = int(client.ok("APPEND Corpus ", data).code[2])
    _, found = sections(
        client, uid, "ENVELOPE", "BODYSTRUCTURE", "RFC822.SIZE",
        "BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]",
    )
    whole = found["BODY[]"]
    structure = Part(found["BODYSTRUCTURE"])
    mail = email.message_from_bytes(data)
    assert whole == data and found["RFC822.SIZE"] == len(data), name
    assert found["BODY[HEADER]"] + found["BODY[TEXT]"] == whole, name
    if is_sound and all(b < 0x80 for b in found["BODY[HEADER]"]):
        compare(name, mail, found["ENVELOPE"], structure)
    leaves = [
        part for part in walk_mail(mail)
        if not parts_of(part) or part.get_content_maintype() == "message"
    ]
    numbered = list(structure.numbered())
    for at, (number, part) in enumerate(numbered[:MOST_PARTS]):
        decoded = check_part(client, name, uid, whole, number, part)
        if part.parts:
            check_message(client, name, uid, number, part, is_sound)
        elif is_sound and name not in DIFFERENT and len(leaves) == len(numbered):
            if part.encoding in ("base64", "quoted-printable"):
                # Python leaves broken base64 alone, and line ends differ.
                theirs = leaves[at].get_payload(decode=True)
                assert leaves[at].defects or decoded == theirs, (
                    name, number, decoded, theirs
                )
    return len(numbered)


# Of a mail with thousands.
MOST_PARTS = 30
N_BROKEN = 400


def main():
    with lib.server() as server:
        client = imap_client.Imap(server.port("IMAP"))
        client.login(server.user, server.password)
        # Nothing is made ASCII then.
        client.ok("ENABLE UTF8=ACCEPT")
        client.ok("CREATE Corpus")
        client.ok("SELECT Corpus")
        mails = list(OWN_MAILS.items()) + list(corpus.mails())
        n_parts = 0
        for name, data in mails:
            if b"\0" not in data:
                n_parts += check(client, name, data)
        rand = random.Random(1)
        for n in range(N_BROKEN):
            check(client, f"broken {n}", broken(rand), is_sound=False)
        client.close()
    print(f"{len(mails)} mails of {n_parts} parts")


if __name__ == "__main__":
    main()
