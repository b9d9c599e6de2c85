#!/usr/bin/env python3
"""Real IMAP clients: Python's imaplib, curl, mbsync in both directions, and
neomutt with its header cache."""

import imaplib
import os
import pathlib
import re
import ssl
import subprocess
import tempfile

import lib

# As they are on disk and in mbsync's configuration, and in IMAP's old names.
FOLDERS = ("INBOX", "Lists/c/2026", "Entw&APw-rfe", "Lists/&ZeVnLIqe-")


def run(*words, check=True, **options):
    done = subprocess.run(
        [str(w) for w in words], capture_output=True, timeout=120, **options
    )
    assert not check or done.returncode == 0, (words, done.stdout,
                                               done.stderr)
    return done


def message(n):
    return (
        f"From: sender{n}@client.test\r\nTo: alice@example.test\r\n"
        f"Subject: number {n}\r\nMessage-ID: <{n}@client.test>\r\n"
        "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n"
        f"text {n}\r\n{'x' * (n * 7 % 300)}\r\n"
    ).encode()


def imap(s, context=None):
    if context:
        client = imaplib.IMAP4_SSL(
            "localhost", s.port("IMAPS"), ssl_context=context)
    else:
        client = imaplib.IMAP4("localhost", s.port("IMAP"))
    client.login(s.user, s.password)
    return client


def demand_ok(answer):
    assert answer[0] == "OK", answer
    return answer[1]


def by_imaplib(s, context):
    client = imaplib.IMAP4("localhost", s.port("IMAP"))
    demand_ok(client.starttls(ssl_context=context))
    demand_ok(client.login("alice", s.password))
    demand_ok(client.create("Work"))
    for n in range(3):
        demand_ok(client.append(
            "Work", r"(\Seen $Label)", '" 2-Feb-2026 03:04:05 +0100"',
            message(n)))
    assert demand_ok(client.select("Work")) == [b"3"]
    data = demand_ok(client.fetch("2", "(FLAGS INTERNALDATE BODY[])"))
    assert data[0][1] == message(1), data
    assert b"02-Feb-2026 03:04:05 +0100" in data[0][0].replace(
        b'" 2', b'"02'), data
    assert demand_ok(client.uid("SEARCH", None, "SUBJECT", '"number 2"')) == [
        b"3"]
    demand_ok(client.store("1:2", "+FLAGS", r"(\Deleted)"))
    assert demand_ok(client.expunge()) == [b"1", b"1"]
    demand_ok(client.copy("1", "INBOX"))
    demand_ok(client.rename("Work", "Done"))
    names = b"\n".join(demand_ok(client.list()))
    assert b"Done" in names and b"\\Sent" in names, names
    demand_ok(client.close())
    demand_ok(client.delete("Done"))
    client.logout()
    plain = imaplib.IMAP4_SSL(
        "localhost", s.port("IMAPS"), ssl_context=context)
    secret = f"\0{s.user}\0{s.password}".encode()
    demand_ok(plain.authenticate("PLAIN", lambda _: secret))
    plain.logout()


def by_curl(s):
    common = ["-sS", "--cacert", s.env["CAFILE"], "-u",
              f"{s.user}:{s.password}"]
    base = f"imaps://localhost:{s.port('IMAPS')}"
    file = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / "curl-mail"
    file.write_bytes(message(77))
    run("curl", *common, "-T", file, f"{base}/Drafts")
    assert run("curl", *common, f"{base}/Drafts;UID=1").stdout == message(77)
    assert b"number 77" in run(
        "curl", *common, f"{base}/Drafts;UID=1;SECTION=HEADER.FIELDS%20"
        "(SUBJECT)").stdout
    found = run("curl", *common, f"{base}/Drafts?SUBJECT%20number").stdout
    assert found.strip() == b"* SEARCH 1", found
    run("curl", "--ssl-reqd", *common,
        f"imap://localhost:{s.port('IMAP')}/", "-X", "NOOP")
    file.unlink()


# --- mbsync ---

MBSYNC = """
IMAPStore there
Host localhost
Port {port}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {cafile}

MaildirStore here
Path {folder}/
Inbox {folder}/INBOX
SubFolders Verbatim

Channel all
Far :there:
Near :here:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
CopyArrivalDate yes
"""


def mbsync(s, folder):
    """Run it; returns a picture of both sides."""
    config = folder / "mbsyncrc"
    mail = folder / "mail"
    mail.mkdir(exist_ok=True)
    config.write_text(MBSYNC.format(
        port=s.port("IMAPS"), user=s.user, password=s.password,
        cafile=s.env["CAFILE"], folder=mail))
    done = run("mbsync", "-c", config, "-a")
    return done, local_picture(mail), remote_picture(s)


def local_picture(mail):
    """Folder -> sorted (subject, flags)."""
    seen = {}
    for path in mail.rglob("cur"):
        box = path.parent
        found = []
        for sub in ("cur", "new"):
            for file in (box / sub).iterdir():
                text = file.read_bytes()
                subject = re.search(rb"(?m)^Subject: (.*?)\r?$", text)
                flags = file.name.partition(":2,")[2]
                found.append((subject[1].decode(), "".join(sorted(flags))))
        seen[str(box.relative_to(mail))] = sorted(found)
    return {name: found for name, found in seen.items() if found}


def remote_picture(s):
    seen = {}
    letters = {b"\\Seen": "S", b"\\Flagged": "F", b"\\Answered": "R",
               b"\\Draft": "D", b"\\Deleted": "T"}
    client = imap(s)
    for line in demand_ok(client.list()):
        name = re.search(rb'"/" "?(.*?)"?$', line)[1].decode()
        demand_ok(client.select(f'"{name}"', readonly=True))
        found = []
        for item in demand_ok(client.uid(
                "FETCH", "1:*",
                "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")):
            if isinstance(item, tuple):
                flags = imaplib.ParseFlags(item[0])
                subject = item[1].decode().split(":", 1)[1].strip()
                found.append((subject, "".join(sorted(
                    letters[f] for f in flags if f in letters))))
        seen[name] = sorted(found)
    client.logout()
    return {name: found for name, found in seen.items() if found}


def by_mbsync(s, folder):
    client = imap(s)
    for name in FOLDERS[1:]:
        demand_ok(client.create(f'"{name}"'))
    for n in range(500):
        flags = r"(\Seen)" if n % 3 else r"(\Flagged)"
        demand_ok(client.append(
            f'"{FOLDERS[n % 4]}"', flags, None, message(n)))
    first, near, far = mbsync(s, folder)
    assert near == far, (near, far)
    assert sum(map(len, far.values())) >= 500

    # Both sides change.
    mail = folder / "mail"
    inbox = sorted((mail / "INBOX" / "cur").iterdir())
    inbox[0].rename(str(inbox[0]) + "R" * ("R" not in inbox[0].name))
    inbox[1].unlink()
    (mail / "INBOX" / "new" / "1.mine.here").write_bytes(
        message(900).replace(b"\r\n", b"\n"))
    for sub in ("cur", "new", "tmp"):
        (mail / "Neu" / "Alt" / sub).mkdir(parents=True)
    (mail / "Neu" / "Alt" / "new" / "2.mine.here").write_bytes(
        message(901).replace(b"\r\n", b"\n"))
    demand_ok(client.select('"Lists/c/2026"'))
    demand_ok(client.store("1:5", "+FLAGS", r"(\Deleted)"))
    demand_ok(client.store("6:9", "+FLAGS", r"(\Answered)"))
    demand_ok(client.expunge())
    client.logout()
    second, near, far = mbsync(s, folder)
    assert near == far, (near, far)
    assert ("number 901", "") in far["Neu/Alt"], far
    assert ("number 900", "") in far["INBOX"]
    third, again_near, again_far = mbsync(s, folder)
    assert (again_near, again_far) == (near, far)
    said = (third.stdout + third.stderr).decode()
    assert not re.search(r"\+[1-9]|\*[1-9]|#[1-9]", said.split("\n")[-2]
                         if "\n" in said else said), said


# --- neomutt ---

MUTTRC = """
set imap_user = "{user}"
set imap_pass = "{password}"
set ssl_starttls = yes
set ssl_force_tls = yes
set certificate_file = "{cafile}"
set ssl_usesystemcerts = no
set header_cache = "{folder}/cache"
set message_cachedir = "{folder}/bodies"
set imap_condstore = yes
set imap_qresync = {qresync}
set folder = "imaps://localhost:{port}/"
set spoolfile = "+INBOX"
set record = ""
set sleep_time = 0
set wait_key = no
set quit = yes
set delete = yes
set timeout = 1
"""


def mutt(s, folder, qresync, keys):
    """Open the inbox, press keys, leave."""
    config = folder / "muttrc"
    config.write_text(MUTTRC.format(
        user=s.user, password=s.password, cafile=s.env["CAFILE"],
        folder=folder, port=s.port("IMAPS"), qresync=qresync))
    environment = {**os.environ, "TERM": "xterm", "HOME": str(folder),
                   "LC_ALL": "C.UTF-8"}
    done = run("script", "-qec",
               f"neomutt -n -F {config} -e 'push \"{keys}\"'", "/dev/null",
               env=environment, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


def by_neomutt(s, folder):
    client = imap(s)
    before = int(demand_ok(client.select("INBOX"))[0])
    (folder / "cache").mkdir()
    for qresync in ("no", "yes"):
        # Twice: the second time from the cache.
        for _ in range(2):
            mutt(s, folder, qresync,
                 "<first-entry><flag-message><sync-mailbox><quit>")
        assert any((folder / "cache").rglob("*")), "no header cache"
        demand_ok(client.append("INBOX", None, None, message(1000)))
        before += 1
        mutt(s, folder, qresync,
             "<last-entry><delete-message><sync-mailbox><quit>")
        demand_ok(client.noop())
        assert int(demand_ok(client.select("INBOX"))[0]) == before - 1
        before -= 1
    flags = demand_ok(client.fetch("1", "(FLAGS)"))[0]
    client.logout()
    return flags


def main():
    lib.need("curl", "mbsync", "neomutt", "script")
    with lib.server() as s, tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        context = ssl.create_default_context(cafile=s.env["CAFILE"])
        by_imaplib(s, context)
        by_curl(s)
        by_mbsync(s, folder)
        by_neomutt(s, folder)


if __name__ == "__main__":
    main()
