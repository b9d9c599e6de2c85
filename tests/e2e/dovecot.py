#!/usr/bin/env python3
"""Dovecot itself writes a Maildir and an mbox folder, which are imported; and
reads what was exported: flags, keywords, dates, folders, subscriptions."""

import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile

import lib
from maildirs import state

IMAP = pathlib.Path("/usr/lib/dovecot/imap")
NOBODY = pwd.getpwnam("nobody")
MAIL = b"Date: Tue, 14 Nov 2023 23:13:20 +0100\r\nSubject: d\r\n\r\nFrom x\r\n"
DATE = 1700000000
INTERNAL = "14-Nov-2023 22:13:20 +0000"
CONFIG = """
base_dir = {0}/run
state_dir = {0}/run
log_path = {0}/log
mail_location = {1}
mail_uid = {2}
mail_gid = {3}
first_valid_uid = 0
first_valid_gid = 0
ssl = no
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


def dovecot(folder, location, *commands):
    """What Dovecot answers to these commands of IMAP."""
    (folder / "run").mkdir(exist_ok=True)
    config = folder / "dovecot.conf"
    config.write_text(
        CONFIG.format(folder, location, NOBODY.pw_uid, NOBODY.pw_gid))
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    lines = [f"a{i} ".encode() + (c if isinstance(c, bytes) else c.encode())
             + b"\r\n" for i, c in enumerate([*commands, "LOGOUT"])]
    done = subprocess.run(
        [str(IMAP), "-c", str(config)], input=b"".join(lines),
        capture_output=True, timeout=60, user=NOBODY.pw_uid,
        group=NOBODY.pw_gid, extra_groups=[],
        env={"USER": "nobody", "HOME": str(folder)})
    text = done.stdout.decode()
    assert not re.search(r"^a\d+ (NO|BAD)", text, re.M), (text, done.stderr)
    assert "BYE" in text, (text, done.stderr)
    return text


def append(box, flags):
    return (f'APPEND "{box}" ({flags}) "{INTERNAL}" {{{len(MAIL)}+}}\r\n'
            .encode() + MAIL)


def from_maildir(s, folder):
    dovecot(folder, f"maildir:{folder}/md",
            'CREATE "M&APw-ller/&ZeVnLA-"', 'SUBSCRIBE "M&APw-ller/&ZeVnLA-"',
            'CREATE "Unsubscribed"',
            append("INBOX", r"\Seen \Flagged $Forwarded work"),
            append("INBOX", r"\Answered \Draft \Deleted"),
            append("M&APw-ller/&ZeVnLA-", "$label1"))
    who, out = "u1@example.test", folder / "out"
    s.command("import", who, str(folder / "md"))
    s.command("export", who, str(out), "--format", "maildir")
    boxes, lines = state(out)
    text = MAIL.replace(b"\r\n", b"\n")
    assert boxes["INBOX"] == sorted([
        (text, "FPS", ["$Forwarded", "work"], DATE),
        (text, "DRT", [], DATE)]), boxes
    assert boxes[".M&APw-ller.&ZeVnLA-"] == [(text, "", ["$label1"], DATE)]
    assert "M&APw-ller.&ZeVnLA-" in lines and "Unsubscribed" not in lines
    return who


def from_mbox(s, folder):
    box = folder / "mbox"
    box.mkdir()
    dovecot(folder, f"mbox:{box}:INBOX={box}/inbox", 'CREATE "foo"',
            append("INBOX", r"\Seen \Flagged $Forwarded work"),
            append("foo", r"\Answered \Draft \Deleted"))
    s.command("import", "u2@example.test", str(box))
    s.command("export", "u2@example.test", str(folder / "out2"), "--format",
              "maildir")
    boxes, _ = state(folder / "out2")
    text = MAIL.replace(b"\r\n", b"\n")
    assert boxes["INBOX"] == [
        (text, "FPS", ["$Forwarded", "work"], DATE)], boxes
    assert boxes[".foo"] == [(text, "DRT", [], DATE)], boxes


def read_by(folder, location, is_maildir):
    got = dovecot(folder, location, 'LSUB "" "*"', "SELECT INBOX",
                  "FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[TEXT])")
    found = re.findall(r"FETCH \(FLAGS \(([^)]*)\) INTERNALDATE \"([^\"]+)\" "
                       r"RFC822.SIZE (\d+)", got)
    flags = [set(f[0].split()) - {r"\Recent"} for f in found]
    keywords = {"$Forwarded", "work"} if is_maildir else set()
    assert flags == [{r"\Seen", r"\Flagged", *keywords},
                     {r"\Answered", r"\Draft", r"\Deleted"}], got
    assert all(f[1] == INTERNAL for f in found), got
    if is_maildir:
        assert all(f[2] == str(len(MAIL)) for f in found), got
        assert got.count("\r\nFrom x\r\n") == 2, got
    return got


def main():
    if not IMAP.exists():
        lib.skip("no Dovecot")
    if os.geteuid() != 0:
        lib.skip("Dovecot's imap must be started by root here")
    with tempfile.TemporaryDirectory() as made, lib.server() as s:
        os.chmod(made, 0o711)
        folder = pathlib.Path(made) / "d"
        folder.mkdir()
        who = from_maildir(s, folder)
        from_mbox(s, folder)
        got = read_by(folder, f"maildir:{folder}/out", True)
        assert "M&APw-ller/&ZeVnLA-" in got, got
        s.command("export", who, str(folder / "out3"))
        box = folder / "mbox3"
        box.mkdir()
        shutil.copy(folder / "out3" / "INBOX.mbox", box / "inbox")
        # Of mbox files Dovecot takes no quoting away, and keywords only if
        # the first message lists them.
        read_by(folder, f"mbox:{box}:INBOX={box}/inbox", False)


main()
