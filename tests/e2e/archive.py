#!/usr/bin/env python3
"""Backup while mail comes in, restore into a new folder, check of both: the
messages, their UIDLs, the people and their passwords come back as they were."""

import pathlib
import subprocess
import tempfile

import lib


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


def main():
    with tempfile.TemporaryDirectory() as made, lib.server() as s:
        folder = pathlib.Path(made)
        deliver(s, 20)
        s.command("alias", "add", "info@example.test", s.user)
        file = folder / "backup.tar"
        s.command("backup", str(file))
        listing = subprocess.run(
            ["tar", "tf", str(file)], check=True, capture_output=True,
            text=True).stdout
        assert "tinpost/0001.txt" in listing and ".eml" in listing
        assert "The store is whole." in s.command("check").stdout
        mail = lib.pop3_messages(s, s.user, s.password)
        names = uidls(s, s.user, s.password)
        assert len(mail) == 20
        done = s.command("restore", str(file), check=False)
        assert done.returncode == 1 and "already" in done.stderr, done
        # The restored store takes the old one's place.
        s.stop()
        pathlib.Path(s.env["DATA_DIR"]).rename(folder / "old")
        s.command("restore", str(file))
        s.again()
        assert lib.pop3_messages(s, s.user, s.password) == mail
        assert uidls(s, s.user, s.password) == names
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
