#!/usr/bin/env python3
"""Backup while mail comes in, restore into a new folder, check of both: the
messages, their UIDLs, flags and keywords, folders with their uses and
subscriptions, the people and their passwords come back as they were."""

import pathlib
import re
import subprocess
import tarfile
import tempfile

import lib
from maildirs import maildir, state


def deliver(s, n):
    line = lib.smtp_session(s)
    for i in range(n):
        body = f"Subject: m{i}\r\n\r\n".encode() + b"text " * (i * 300)
        reply = lib.send_mail(line, [s.user, s.env["USER2"]], body)
        assert reply.startswith("250"), reply
    line.smtp("QUIT", 221)


def uidls(s, user, password):
    line = lib.pop3_session(s, user, password)
    line.pop3("UIDL")
    found = line.pop3_lines()
    line.pop3("QUIT")
    return found


def fill(s, folder):
    """Flags, keywords, folders, one of a use, one not subscribed to."""
    text = b"Subject: k\n\nx\n"
    maildir(folder, [
        ("cur/1.a:2,FSab", text, 1000), ("cur/2.a:2,DT", text, 2000),
        ("cur/3.a,K=30:2,Rz", text, 3000)], [f"k{i}" for i in range(31)])
    maildir(folder / ".Archives", [("cur/1.a:2,a", text, 4000)], ["other"])
    maildir(folder / ".Lists.M&APw-ller.deep", [("new/1.a", text, 5000)])
    (folder / "subscriptions").write_text("INBOX\nLists.M&APw-ller.deep\n")
    s.command("import", s.user, str(folder))


def lists(archive):
    """The lists in a backup, but for those of bodies."""
    with tarfile.open(archive) as tar:
        return {
            name: tar.extractfile(name).read()
            for name in tar.getnames()
            if re.match(r"(settings|domains|people|aliases|mailboxes|"
                        r"messages)/", name)
        }


def main():
    with tempfile.TemporaryDirectory() as made, lib.server() as s:
        folder = pathlib.Path(made)
        deliver(s, 20)
        s.command("alias", "add", "info@example.test", s.user)
        fill(s, folder / "source")
        s.command("export", s.user, str(folder / "before"), "--format",
                  "maildir")
        file = folder / "backup.tar"
        s.command("backup", str(file))
        listing = subprocess.run(
            ["tar", "tf", str(file)], check=True, capture_output=True,
            text=True).stdout
        assert "tinpost/0001.txt" in listing and ".eml" in listing
        assert "The store is whole." in s.command("check").stdout
        mail = lib.pop3_messages(s, s.user, s.password)
        names = uidls(s, s.user, s.password)
        assert len(mail) == 23
        done = s.command("restore", str(file), check=False)
        assert done.returncode == 1 and "already" in done.stderr, done
        # The restored store takes the old one's place.
        s.stop()
        pathlib.Path(s.env["DATA_DIR"]).rename(folder / "old")
        s.command("restore", str(file))
        s.again()
        assert lib.pop3_messages(s, s.user, s.password) == mail
        assert uidls(s, s.user, s.password) == names
        s.command("export", s.user, str(folder / "after"), "--format",
                  "maildir")
        want = state(folder / "before")
        assert ".Lists.M&APw-ller.deep" in want[0], want
        assert [x[2] for x in want[0]["INBOX"] if x[2]], want
        assert state(folder / "after") == want
        s.command("backup", str(folder / "again.tar"))
        assert lists(folder / "again.tar") == lists(file)
        assert b"use=Archive" in lists(file)["mailboxes/0001.txt"]
        assert "info@" in s.command("alias", "list").stdout
        assert "The store is whole." in s.command("check").stdout
        deliver(s, 1)
        # A cut archive is refused, and leaves nothing that could be served.
        cut = folder / "cut.tar"
        cut.write_bytes(file.read_bytes()[:-5000])
        done = subprocess.run(
            [*s.env["TINPOST"].split()[:1], "--data", str(folder / "cut"),
             "restore", str(cut)], capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr, done


main()
