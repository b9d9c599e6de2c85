#!/usr/bin/env python3
"""Each section that FETCH gives of a message is what a slow and simple reader
finds in its bytes: for mail that came by SMTP, by APPEND and by import."""

import base64
import email
import email.policy
import pathlib
import quopri
import random
import re
import tempfile

import corpus
import lib

# Made for what real mail seldom has.
MADE = [
    # a body of nothing, a header alone, no header at all
    b"Subject: x\r\n\r\n",
    b"Subject: header alone\r\n",
    b"Subject: folded\r\n name\r\nX-Empty:\r\nX: 1\r\nx : 2\r\n\r\nbody\r\n",
    # nested multiparts, a message in a message, empty and unclosed parts
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\npreamble\r\n"
    b"--a\r\n\r\nno header\r\n"
    b"--a\r\nContent-Type: multipart/alternative; boundary=\"b c\"\r\n\r\n"
    b"--b c\r\nContent-Type: text/plain\r\n\r\none\r\n"
    b"--b c\r\nContent-Type: text/html\r\n\r\n<b>two</b>\r\n--b c--\r\n"
    b"--a\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: inner\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n"
    b"--d\r\n\r\nfirst\r\n--d\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: innermost\r\n\r\ndeep\r\n--d--\r\n"
    b"--a\r\nContent-Type: text/plain\r\n\r\n--a--\r\nepilogue\r\n",
    b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext\r\n",
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    b"Content-Type: text/plain\r\n\r\nnot closed\r\n",
    # encodings
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(bytes(range(256)) * 200).replace(b"\n", b"\r\n")
    + b"--a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"soft=\r\nbreak =C3=BC =3D\r\nline \r\n--a--\r\n",
]


class Imap:
    """A connection that reads answers with their literals."""

    def __init__(self, server, user):
        self.line = server.connect("IMAP", timeout=60)
        self.line.line()
        self.run(f"LOGIN {user} {server.env['UPASS']}")

    def take(self, n):
        while len(self.line.rest) < n:
            more = self.line.sock.recv(1 << 20)
            assert more, "ended inside a literal"
            self.line.rest += more
        data, self.line.rest = self.line.rest[:n], self.line.rest[n:]
        return data

    def run(self, command, literal=None):
        """Returns the untagged text in front of each literal, the literals,
        and the end."""
        data = command if isinstance(command, bytes) else command.encode()
        if literal is not None:
            data += b"{%d+}\r\n" % len(literal) + literal
        self.line.send(b"a " + data + b"\r\n")
        texts, literals = [], []
        while True:
            text = self.line.line()
            assert text or self.line.rest, "the connection has ended"
            if text.startswith(b"a "):
                assert text.startswith(b"a OK"), f"{data[:200]}: {text}"
                return texts, literals
            texts.append(text)
            size = re.search(rb"~?\{(\d+)\}$", text)
            if size:
                literals.append(self.take(int(size[1])))

    def sections(self, seq, names):
        """The bytes of each section, None for NIL."""
        found = []
        for begin in range(0, len(names), 50):
            some = names[begin : begin + 50]
            texts, literals = self.run(f"FETCH {seq} ({' '.join(some)})")
            text = b"".join(texts)
            marks = re.findall(rb"\](?:<\d+>)? (NIL|~?\{\d+\}|\d+)", text)
            assert len(marks) == len(some), f"{some}: {texts}"
            for mark in marks:
                if mark == b"NIL":
                    found.append(None)
                elif mark.isdigit():
                    found.append(int(mark))
                else:
                    found.append(literals.pop(0))
        return found


# --- the simple reader ---


def split(entity):
    """Header with its blank line, and body."""
    if entity.startswith(b"\r\n"):
        return entity[:2], entity[2:]
    head, blank, body = entity.partition(b"\r\n\r\n")
    return (head + blank, body) if blank else (entity, b"")


def children(body, boundary):
    """What stands between the delimiter lines."""
    found, part = [], None
    for line in body.splitlines(keepends=True) if b"\n" in body else [body]:
        mark = line.rstrip(b" \t\r\n")
        if mark in (b"--" + boundary, b"--" + boundary + b"--"):
            if part is not None:
                found.append(b"".join(part))
            part = [] if not mark.endswith(boundary + b"--") else None
            if part is None:
                return [p[:-2] if p.endswith(b"\r\n") else p for p in found]
        elif part is not None:
            part.append(line)
    found = [p[:-2] if p.endswith(b"\r\n") else p for p in found]
    return found + ([b"".join(part)] if part else [])


def walk(entity, path, is_root, out):
    head, body = split(entity)
    fields = email.message_from_bytes(head, policy=email.policy.compat32)
    kind = fields.get_content_type()
    boundary = fields.get_boundary()
    encoding = str(fields.get("content-transfer-encoding", "")).strip().lower()
    here = ".".join(map(str, path))
    if path and not is_root:
        out[f"{here}.MIME"] = head
        out[here] = body
    if kind == "multipart/digest":
        return False
    if kind.startswith("multipart/") and boundary:
        parts = children(body, boundary.encode("latin-1", "replace"))
        return all([
            walk(part, path + [n], False, out)
            for n, part in enumerate(parts, 1)
        ])
    if is_root:
        out[".".join(map(str, path + [1]))] = body
        path = path + [1]
        here = ".".join(map(str, path))
    if kind in ("message/rfc822", "message/global") and encoding not in (
        "base64", "quoted-printable"
    ):
        inner_head, inner_body = split(body)
        out[f"{here}.HEADER"] = inner_head
        out[f"{here}.TEXT"] = inner_body
        return walk(body, path, True, out)
    if encoding == "base64":
        out[f"BINARY {here}"] = base64.b64decode(
            re.sub(rb"[^A-Za-z0-9+/=]", b"", body) + b"==", validate=False
        )
    elif encoding == "quoted-printable" and not re.search(
        rb"=(?![0-9A-F]{2}|\r\n)|[ \t]\r\n", body
    ):
        out[f"BINARY {here}"] = quopri.decodestring(
            body.replace(b"\r\n", b"\n")
        ).replace(b"\n", b"\r\n")
    return True


def fields_of(head, names, is_not):
    """The fields of these names, or the others, and the blank line."""
    fields = re.findall(rb"(?:[^\r\n][^\n]*\n)(?:[ \t][^\n]*\n)*", head)
    kept = [
        f for f in fields
        if (f.partition(b":")[0].strip().lower() in names) != is_not
    ]
    return b"".join(kept) + (b"\r\n" if head.endswith(b"\r\n\r\n") else b"")


# --- the comparison ---


def compare(imap, seq, whole, name):
    """Returns how many sections were compared."""
    head, body = split(whole)
    wanted = {"HEADER": head, "TEXT": body}
    out = {}
    if b"\0" in whole or not walk(whole, [], True, out):
        out = {}
    wanted.update(out)
    wanted["HEADER.FIELDS (Subject X Received)"] = fields_of(
        head, (b"subject", b"x", b"received"), False)
    wanted["HEADER.FIELDS.NOT (Subject X Received)"] = fields_of(
        head, (b"subject", b"x", b"received"), True)
    for key in list(wanted):
        data = wanted[key]
        if len(data) > 1:
            begin = random.randrange(len(data))
            count = random.randrange(1, len(data) + 10)
            wanted[f"{key} <{begin}.{count}>"] = data[begin : begin + count]
    keys, names = list(wanted), []
    for key in keys:
        kind = "BINARY.PEEK" if key.startswith("BINARY ") else "BODY.PEEK"
        bare = key.removeprefix("BINARY ")
        bare, _, partial = bare.partition(" <")
        names.append(f"{kind}[{bare}]" + (f"<{partial}" if partial else ""))
    for key, got in zip(keys, imap.sections(seq, names)):
        want = wanted[key].replace(b"\0", b"\x80") \
            if not key.startswith("BINARY") else wanted[key]
        assert got == want, (
            f"{name}: {key}: {got[:300] if got else got!r} is not {want[:300]}"
        )
    return len(keys)


def deliver(server, mails):
    line = lib.smtp_session(server)
    for i, (_, data) in enumerate(mails):
        if i % 50 == 49:
            line.smtp("QUIT", 221)
            line = lib.smtp_session(server)
        line.smtp("MAIL FROM:<a@client.test> BODY=8BITMIME", 250)
        line.smtp("RCPT TO:<u1@example.test>", 250)
        line.smtp("DATA", 354)
        line.send(lib.dot_stuff(data) + b".\r\n")
        assert line.smtp_reply().startswith("250")


def append(server, mails):
    imap = Imap(server, "u2")
    for _, data in mails:
        imap.run("APPEND INBOX ", data)


def load(server, mails):
    with tempfile.TemporaryDirectory() as folder:
        for i, (_, data) in enumerate(mails):
            path = pathlib.Path(folder) / f"{i:05}.eml"
            path.write_bytes(data.replace(b"\r\n", b"\n"))
        server.command("import", "u3@example.test", folder)


def large(server):
    """A message that is expunged while a slow client reads it comes whole;
    every piece of it is at its place."""
    rng = random.Random(9051)
    text = b"Subject: large\r\n\r\n" + b"".join(
        base64.b64encode(rng.randbytes(54)) + b"\r\n" for _ in range(200000)
    )
    slow, other = Imap(server, "u4"), Imap(server, "u4")
    slow.run("APPEND INBOX ", text)
    slow.run("EXAMINE INBOX")
    for _ in range(20):
        begin = rng.randrange(len(text))
        want = text[begin : begin + 70000]
        [got] = slow.sections(1, [f"BODY.PEEK[]<{begin}.70000>"])
        assert got == want, f"the piece at {begin}"
    slow.line.send(b"a FETCH 1 BODY.PEEK[]\r\n")
    assert slow.line.line().endswith(b"{%d}" % len(text))
    other.run("SELECT INBOX")
    other.run("STORE 1 +FLAGS.SILENT (\\Deleted)")
    other.run("EXPUNGE")
    assert slow.take(len(text)) == text, "not what was appended"
    assert slow.line.line() == b")"
    print(f"{len(text)} bytes, expunged meanwhile")


def main():
    random.seed(3516)
    mails = [(f"made {i}", data) for i, data in enumerate(MADE)]
    mails += [m for m in corpus.mails() if len(m[1]) < 1 << 20][:250]
    with lib.server() as server:
        for way, user in ((deliver, "u1"), (append, "u2"), (load, "u3")):
            way(server, mails)
            imap = Imap(server, user)
            imap.run("ENABLE IMAP4rev2")
            imap.run("EXAMINE INBOX")
            n = 0
            for seq, (name, data) in enumerate(mails, 1):
                [whole] = imap.sections(seq, ["BODY.PEEK[]"])
                if way is append:
                    assert whole == data.replace(b"\0", b"\x80"), name
                n += compare(imap, seq, whole, f"{way.__name__}: {name}")
            texts, _ = imap.run("FETCH 1:* FLAGS")
            assert all(b"FLAGS ()" in t for t in texts), "EXAMINE sets \\Seen"
            print(f"{way.__name__}: {n} sections of {len(mails)} mails")
        large(server)


main()
