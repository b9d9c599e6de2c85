#!/usr/bin/env python3
"""What is exported as mbox, Maildir and .eml files and imported again is the
same byte for byte; both go on where they stopped, also after a cut."""

import pathlib
import tempfile

import lib

TEXTS = [
    b"Subject: plain\r\n\r\nFrom the start\r\n>From quoted\r\n\r\n\r\n",
    b"Subject: =?utf-8?q?x?=\r\n\r\nno line end",
    b"Subject: header only\r\n\r\n",
    b"Subject: 8 bits\r\n\r\n" + bytes(range(128, 256)) + b"\r\n",
    b"Subject: long\r\n\r\n" + b"0123456789" * 90 + b"\r\n",
    b"Subject: big\r\n\r\n" + b"many words of text\r\n" * 20000,
]


def deliver(s, texts):
    line = lib.smtp_session(s)
    for text in texts:
        reply = lib.send_mail(line, [s.user], text)
        assert reply.startswith("250"), reply
    line.smtp("QUIT", 221)


def import_back(s, folder, kind, who):
    paths = {"mbox": folder / "INBOX.mbox", "maildir": folder,
             "eml": folder / "INBOX"}
    s.command("import", who, str(paths[kind]))
    return lib.pop3_messages(s, who, s.env["UPASS"])


def main():
    with tempfile.TemporaryDirectory() as made, lib.server() as s:
        deliver(s, TEXTS)
        for i, kind in enumerate(("mbox", "maildir", "eml")):
            folder = pathlib.Path(made) / kind
            call = ["export", s.user, str(folder), "--format", kind]
            assert f"{len(TEXTS)} messages" in s.command(*call).stdout
            assert "0 messages" in s.command(*call).stdout
        deliver(s, TEXTS[:1])
        want = lib.pop3_messages(s, s.user, s.password)
        for i, kind in enumerate(("mbox", "maildir", "eml")):
            folder = pathlib.Path(made) / kind
            if kind == "mbox":  # an interrupted run left half a message
                with open(folder / "INBOX.mbox", "ab") as file:
                    file.write(b"From x Mon Nov 23 10:00:00 2026\nhalf")
            call = ["export", s.user, str(folder), "--format", kind]
            assert "1 messages" in s.command(*call).stdout
            got = import_back(s, folder, kind, f"u{i + 1}@example.test")
            assert sorted(got) == sorted(want), kind
        # A cut import goes on behind what is there.
        whole = (pathlib.Path(made) / "mbox" / "INBOX.mbox").read_bytes()
        part = pathlib.Path(made) / "part"
        part.write_bytes(whole[: whole.index(b"Subject: long")])
        who = "u9@example.test"
        s.command("import", who, str(part))
        s.kill()
        s.again()
        n = len(lib.pop3_messages(s, who, s.env["UPASS"]))
        assert n == 5, n  # the last one was cut
        assert "The store is whole." in s.command("check").stdout


main()
