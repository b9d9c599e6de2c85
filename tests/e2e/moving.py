#!/usr/bin/env python3
"""Coming from other programs, and a round trip through each format: flags,
keywords, dates, folders and subscriptions, byte for byte; and what is said of
files that are no mail."""

import imaplib
import os
import pathlib
import random
import re
import tempfile

import lib
from maildirs import maildir, state

DATE = 1700000000
HEAD = "From kim@mail.test Tue Nov 14 22:13:20 2023\n"  # DATE


class Moves:
    def __init__(self, server, folder):
        self.server, self.folder, self.n = server, folder, 0

    def person(self):
        self.n += 1
        return f"u{self.n}@example.test"

    def load(self, source, *options, check=True):
        """Import into a person's empty mailboxes; the state then."""
        who = self.person()
        done = self.server.command("import", who, str(source), *options,
                                   check=check)
        again = self.server.command("import", who, str(source), *options,
                                    check=False)
        assert "Imported 0 messages" in again.stdout or not check, again
        return done, *state(self.save(who, "maildir"))

    def save(self, who, kind):
        target = self.folder / f"{who}-{kind}"
        self.server.command("export", who, str(target), "--format", kind)
        return target


def round_trips(m):
    """A Maildir with everything goes out and in again in each format."""
    source = m.folder / "source"
    many = [f"k{i}" for i in range(30)]
    maildir(source, [
        ("cur/1.a:2,FS", b"Subject: one\n\nFrom x\n>From y\n\n\n", DATE),
        ("cur/2.b,S=3:2,Tabz", b"Subject: two\nStatus: own\n"
         b"X-Mozilla-Status: 0009\nContent-Length: 1\n\nx\n", DATE + 60),
        ("cur/3.c,K=26-29:2,DPRS", b"Subject: three\n\nx\n", 86400),
        ("new/4.d", b"Subject: new\n\nx\n", DATE),
    ], many)
    maildir(source / ".Lists.M&APw-ller.&ZeVnLA-",
            [("cur/1.a!2,Sa", b"A: b\n\ndeep\n", DATE)], ["Blue"])
    maildir(source / ".v1\\2e0", [("cur/1.a;2,", b"A: b\n\ndot\n", DATE)])
    maildir(source / ".\u65e5\u672c", [])
    maildir(source / ".a.b.c.d.e.f.g.h", [])
    maildir(source / ".INBOX.below", [("cur/1.a:2,S", b"A: b\n\nx\n", DATE)])
    (source / "subscriptions").write_text("INBOX\nSent\nv1\\2e0\nNone.such\n")
    _, boxes, lines = m.load(source)
    inbox = boxes["INBOX"]
    assert [x[1] for x in inbox] == ["", "FS", "DPRS", "T"], inbox
    assert inbox[3][2] == ["k0", "k1", "k25"], inbox
    assert inbox[2][2] == ["$Forwarded", "k26", "k29"], inbox
    assert inbox[2][3] == 86400 and inbox[1][3] == DATE
    assert boxes[".Lists.M&APw-ller.&ZeVnLA-"] == [
        (b"A: b\n\ndeep\n", "S", ["Blue"], DATE)]
    assert boxes[".&ZeVnLA-"] == [] and ".a.b.c.d.e.f.g.h" in boxes
    assert {"v1\\2e0", "None.such", "INBOX"} <= set(lines), lines
    assert not {"a.b.c.d.e.f.g.h", "&ZeVnLA-"} & set(lines), lines
    who = f"u{m.n}@example.test"
    for kind in ("maildir", "mbox", "eml"):
        _, again, subscribed = m.load(m.save(who, kind))
        assert subscribed == lines, (kind, subscribed, lines)
        assert again.keys() == boxes.keys(), kind
        for name, want in boxes.items():
            if kind == "eml":  # has no place for flags
                want = [(x[0], "", [], x[3]) for x in want]
            assert again[name] == want, (kind, name, again[name], want)


def uses(m):
    """Folders of a special use under other names become those of this
    server; beside one of our name they stay."""
    source = m.folder / "uses"
    text = b"A: b\n\nx\n"
    maildir(source, [])
    maildir(source / ".Sent Items.2020", [("cur/1.a:2,S", text, DATE)])
    maildir(source / ".Junk E-mail", [("cur/1.a:2,S", text, DATE)])
    maildir(source / ".Trash", [("cur/1.a:2,S", text, DATE)])
    maildir(source / ".Deleted Items", [("cur/1.a:2,S", text, DATE)])
    who = m.person()
    m.n -= 1
    for use in ("Sent", "Junk", "Trash"):  # made, if the account has none
        one = m.folder / f"one-{use}"
        maildir(one / f".{use}", [])
        m.server.command("import", who, str(one))
    _, boxes, _ = m.load(source)
    got = {k for k, v in boxes.items() if v}
    assert got == {".Sent.2020", ".Junk", ".Trash", ".Deleted Items"}, got


def thunderbird(m):
    """Local Folders of Thunderbird."""
    top = m.folder / "Local Folders"
    (top / "Inbox.sbd").mkdir(parents=True)
    (top / "Archives.sbd").mkdir()
    (top / "Inbox").write_text(
        "From - Tue Nov 14 23:13:20 2023\nX-Mozilla-Status: 1003\n"
        "X-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1 work      \n"
        "Date: Tue, 14 Nov 2023 23:13:20 +0100\nSubject: t\n\n"
        ">From here\n\n"
        "From - Tue Nov 14 22:13:20 2023\nX-Mozilla-Status: 0009\n"
        "Subject: deleted\n\nx\n\n")
    (top / "Inbox.msf").write_text("// <!-- <mdb:mork")
    (top / "Inbox.sbd" / "Below").write_text(HEAD + "A: b\n\nx\n")
    (top / "Archives").write_text("")
    (top / "Archives.sbd" / "2023").write_text(HEAD + "A: b\n\nx\n")
    (top / "Trash").write_text("")
    (top / "popstate.dat").write_text("# POP3")
    _, boxes, _ = m.load(top)
    assert boxes["INBOX"] == [(
        b"Date: Tue, 14 Nov 2023 23:13:20 +0100\nSubject: t\n\nFrom here\n",
        "PRS", ["$Forwarded", "$label1", "work"], DATE)], boxes["INBOX"]
    assert len(boxes[".INBOX.Below"]) == 1
    assert sum(len(v) for k, v in boxes.items() if k.endswith(".2023")) == 1
    assert len(boxes[".Trash"]) == 0


def takeout(m):
    """Labels are mailboxes; a message in several is stored once."""
    path = m.folder / "All mail Including Spam and Trash.mbox"
    path.write_bytes(
        b"From 17@xxx Tue Nov 14 23:13:20 +0100 2023\r\n"
        b"X-GM-THRID: 17\r\nX-Gmail-Labels: =?UTF-8?Q?Inbox,Opened,"
        b"Caf=C3=A9/Old,Starred?=\r\nSubject: g\r\n\r\n>From x\r\n\r\n"
        b"From 18@xxx Tue Nov 14 22:13:20 +0000 2023\r\n"
        b"X-Gmail-Labels: Archived,\r\n Unread,Important\r\n"
        b"Subject: h\r\n\r\ny\r\n\r\n")
    _, boxes, _ = m.load(path)
    assert [x[1:] for x in boxes["INBOX"]] == [("FS", [], DATE)]
    assert boxes[".Caf&AOk-.Old"] == boxes["INBOX"]
    assert boxes["INBOX"][0][0].endswith(b"Subject: g\n\nFrom x\n")
    assert [x[1:] for x in boxes[".Archive"]] == [("", ["$Important"], DATE)]


def trees_of_eml(m):
    top = m.folder / "emls"
    (top / "Sub" / "Deeper").mkdir(parents=True)
    mail = b"Date: Tue, 14 Nov 2023 23:13:20 +0100\r\n\r\nx\r\n"
    (top / "1.eml").write_bytes(mail)
    (top / "Sub" / "2.eml").write_bytes(b"A: b\r\n\r\nx\r\n")
    (top / "Sub" / "Deeper" / "3.eml").write_bytes(
        b"Date: Mon, 1 Jan 2096 00:00:00 +0000\r\n\r\nx\r\n")
    for path in top.rglob("*.eml"):
        os.utime(path, (86400, 86400))
    _, boxes, _ = m.load(top)
    assert [x[3] for x in boxes["INBOX"]] == [DATE]  # of its Date field
    assert [x[3] for x in boxes[".Sub"]] == [86400]  # it has none
    assert [x[3] for x in boxes[".Sub.Deeper"]] == [86400]  # not sane
    _, boxes, _ = m.load(top, "--mailbox", "Old/Mail")
    assert {".Old.Mail", ".Old.Mail.Sub", ".Old.Mail.Sub.Deeper"} <= set(boxes)


def wrong_files(m):
    who = m.person()
    wrong = {
        "photo.jpg": (b"\xff\xd8\xff\xe0JFIF", "JPEG"),
        "mail.pst": (b"!BDN\0\0\0\0", "Outlook"),
        "mail.zip": (b"PK\x03\x04....", "zip"),
        "notes.txt": (b"buy milk\n", "header fields"),
        "mail.gz": (b"\x1f\x8b\x08\0", "gzip"),
    }
    folder = m.folder / "wrong"
    folder.mkdir()
    for name, (data, word) in wrong.items():
        (folder / name).write_bytes(data)
        done = m.server.command("import", who, str(folder / name), check=False)
        assert done.returncode == 1, done
        assert word in done.stderr and name in done.stderr, done
    # Among others one is passed over, and told.
    (folder / "ok.eml").write_bytes(b"A: b\r\n\r\nx\r\n")
    (folder / "bad.eml").write_bytes(b"\x1f\x8b\x08\0")
    done = m.server.command("import", who, str(folder), check=False)
    assert done.returncode == 1 and "1 messages" in done.stdout, done
    assert "bad.eml is passed over" in done.stderr, done
    done = m.server.command("import", "nobody@example.test",
                            str(folder / "ok.eml"), check=False)
    assert done.returncode == 1 and "no person" in done.stderr, done
    assert "again" not in done.stderr, done
    done = m.server.command("import", who, str(folder / "none"), check=False)
    assert done.returncode == 1 and "none cannot be read" in done.stderr


def interrupted(m):
    """A quota that is used up half way: the file is named, and the same
    command goes on there; with a server and without."""
    path = m.folder / "big.mbox"
    path.write_text("".join(
        f"{HEAD}Subject: {i}\nX-Keywords: k{i}\n\n{'text ' * 2000}\n\n"
        for i in range(20)))
    for has_server in (True, False):
        who = m.person()
        if not has_server:
            m.server.stop()
        m.server.command("user", "quota", who, "100K")
        done = m.server.command("import", who, str(path), check=False)
        assert done.returncode == 1 and "quota" in done.stderr, done
        assert "big.mbox" in done.stderr, done
        m.server.command("user", "quota", who, "none")
        m.server.command("import", who, str(path))
        boxes, _ = state(m.save(who, "maildir"))
        assert len(boxes["INBOX"]) == 20
        assert len({x[2][0] for x in boxes["INBOX"]}) == 20
        if not has_server:
            m.server.again()


def by_imap(m):
    """What was appended by IMAP and moved to another person is, by IMAP, the
    same there."""
    def session(who):
        line = imaplib.IMAP4("127.0.0.1", m.server.port("IMAP"))
        line.login(who, m.server.env["UPASS"])
        return line

    one, two = m.person(), m.person()
    line = session(one)
    for box in ("INBOX", "Sent", "Caf&AOk-/deep"):
        line.create(box)
        line.append(box, r"(\Flagged \Seen $Forwarded work)",
                    '"14-Nov-2023 22:13:20 +0000"',
                    b"Subject: i\r\n\r\nFrom x\r\n")
    m.server.command("import", two, str(m.save(one, "mbox")))
    other = session(two)
    assert line.list() == other.list()
    for box in ("INBOX", "Sent", "Caf&AOk-/deep"):
        got = []
        for who in (line, other):
            assert who.select(box)[0] == "OK"
            found = who.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
            got.append([re.sub(rb" ?\\Recent", b"", part)
                        for part in found[0]])
        assert got[0] == got[1], got
        assert b"$Forwarded work" in got[1][0], got
    line.logout()
    other.logout()


def deep(m):
    """Names as long and folders as deep as mailboxes can have."""
    level = "\u65e5" * 70
    source = m.folder / "deep" / level / "b" / level 
    for i in range(6):
        source = source / f"{i}{level}"
    source.mkdir(parents=True)
    (source / "1.eml").write_bytes(b"A: b\r\n\r\nx\r\n")
    who = m.person()
    m.server.command("import", who, str(m.folder / "deep"))
    for kind in ("mbox", "eml"):
        again = m.person()
        done = m.server.command("import", again, str(m.save(who, kind)))
        assert "Imported 1 messages" in done.stdout, done
        back = m.save(again, "eml")
        assert len(list(back.rglob("1.eml"))) + len(
            list(back.rglob("00000001.eml"))) == 1
        assert (m.folder / f"{again}-eml" / source.relative_to(
            m.folder / "deep")).is_dir()
    done = m.server.command("export", who, str(m.folder / "no"), "--format",
                            "maildir", check=False)
    assert done.returncode == 1 and "too long" in done.stderr, done


def many_files(m):
    """More than one batch of names, in any order: each comes once, in order."""
    source = m.folder / "many"
    order = list(range(9000))
    random.Random(1).shuffle(order)
    maildir(source, [(f"cur/{i:05}.a:2,{'S' if i % 2 else ''}",
                      b"Subject: %d\n\n\n" % i, DATE + i) for i in order])
    done, boxes, _ = m.load(source)
    assert "Imported 9000 messages" in done.stdout, done
    inbox = sorted(boxes["INBOX"], key=lambda x: x[3])
    assert [x[0] for x in inbox] == [
        b"Subject: %d\n\n\n" % i for i in range(9000)]
    assert all((x[3] % 2 == DATE % 2) == (x[1] == "") for x in inbox)


def main():
    with tempfile.TemporaryDirectory() as made, lib.server() as s:
        m = Moves(s, pathlib.Path(made))
        for part in (round_trips, uses, thunderbird, takeout, trees_of_eml,
                     wrong_files, interrupted, by_imap, deep, many_files):
            part(m)
        assert "The store is whole." in s.command("check").stdout


main()
