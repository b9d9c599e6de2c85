#!/usr/bin/env python3
"""Real clients exchange mail with the server: curl, swaks, fetchmail, mpop,
Python's smtplib, poplib and imaplib, plain and with TLS, with every login."""

import imaplib
import pathlib
import poplib
import shutil
import smtplib
import ssl
import subprocess
import tempfile

import lib


def message(text, to):
    return (
        f"From: alice@example.test\r\nTo: {to}\r\nSubject: {text}\r\n"
        f"Message-ID: <{text}@client.test>\r\n"
        "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n"
        f"{text}\r\n.\r\n..two dots, and f\xfcr 8 bits\r\n"
    ).encode()


def run(*words, **options):
    done = subprocess.run(
        [str(w) for w in words], capture_output=True, timeout=60, **options
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def by_smtplib(s, context):
    def say(client):
        client.sendmail(s.user, [s.env["USER2"]], message("smtplib", "bob"))
        client.quit()

    say(smtplib.SMTP("localhost", s.port("SMTP")))
    client = smtplib.SMTP("localhost", s.port("SUBMISSION"))
    client.starttls(context=context)
    client.login(s.user, s.password)
    say(client)
    client = smtplib.SMTP_SSL(
        "localhost", s.port("SUBMISSIONS"), context=context
    )
    client.login("alice", s.password)  # a bare local part will do
    say(client)
    return 3


def by_curl(s, folder):
    file = folder / "mail"
    file.write_bytes(message("curl", "bob"))
    common = [
        "--cacert", s.env["CAFILE"], "--mail-from", s.user,
        "--mail-rcpt", s.env["USER2"], "-T", file, "-sS",
        "-u", f"{s.user}:{s.password}",
    ]
    run("curl", "--ssl-reqd", f"smtp://localhost:{s.port('SUBMISSION')}",
        *common)
    run("curl", f"smtps://localhost:{s.port('SUBMISSIONS')}", *common)
    return 2


def by_swaks(s):
    sent = 0
    for how in ("PLAIN", "LOGIN"):
        run("swaks", "--server", "localhost", "--port", s.port("SUBMISSION"),
            "--auth", how, "--auth-user", s.user,
            "--auth-password", s.password, "--from", s.user,
            "--to", s.env["USER2"], "--h-Subject", "swaks")
        sent += 1
    return sent


def check_poplib(s, context, n):
    who, password = s.env["USER2"], s.env["PASS2"]

    def read(box):
        count = box.stat()[0]
        assert count == n, (count, n)
        texts = [b"\r\n".join(box.retr(i + 1)[1]) for i in range(n)]
        assert len(box.uidl()[1]) == n
        assert box.top(1, 0)[1][-1] == b""
        box.quit()
        return texts

    box = poplib.POP3("localhost", s.port("POP3"))
    assert "STLS" in box.capa()
    box.stls(context=context)
    box.user(who)
    box.pass_(password)
    first = read(box)
    box = poplib.POP3_SSL("localhost", s.port("POP3S"), context=context)
    box.user("bob")
    box.pass_(password)
    assert read(box) == first
    sent = message("smtplib", "bob").removesuffix(b"\r\n")
    assert lib.without_trace(first[0]) == sent, first[0]


def check_curl(s, n):
    where = f"pop3s://localhost:{s.port('POP3S')}/"
    common = ["--cacert", s.env["CAFILE"], "-sS"]
    who = f"{s.env['USER2']}:{s.env['PASS2']}"
    listing = run("curl", where, "-u", who, *common)
    assert len(listing.splitlines()) == n, listing
    text = run("curl", where + "1", "-u", who, *common)
    assert lib.without_trace(text) == message("smtplib", "bob"), text


def check_mpop(s, folder):
    """mpop keeps mail on the server, and knows it again by its UIDL."""
    box = folder / "mpop-box"
    rc = folder / "mpoprc"
    rc.write_text(
        f"account a\nhost localhost\nport {s.port('POP3S')}\n"
        f"user {s.env['USER2']}\npassword {s.env['PASS2']}\n"
        f"tls on\ntls_starttls off\ntls_trust_file {s.env['CAFILE']}\n"
        f"keep on\ndelivery mbox {box}\nuidls_file {folder}/uidls\n"
    )
    rc.chmod(0o600)
    run("mpop", "-C", rc, "-a")
    size = box.stat().st_size
    assert size > 0
    run("mpop", "-C", rc, "-a")
    assert box.stat().st_size == size, "mpop fetched mail twice"


def check_fetchmail(s, folder, n):
    """fetchmail takes all mail and deletes it on the server."""
    got = folder / "fetched"
    rc = folder / "fetchmailrc"
    rc.write_text(
        f"poll localhost protocol pop3 port {s.port('POP3')}\n"
        f" user \"{s.env['USER2']}\" password \"{s.env['PASS2']}\"\n"
        f" sslproto TLS1.2+ sslcertck sslcertfile {s.env['CAFILE']}\n"
        f" mda \"cat >>{got}\"\n"
    )
    rc.chmod(0o600)
    subprocess.run(
        ["fetchmail", "-f", str(rc), "--nodetach", "--nosyslog",
         "--pidfile", str(folder / "pid"), "-i", str(folder / "ids")],
        check=True, capture_output=True, timeout=60,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "USER": "x"},
    )
    assert got.read_bytes().count(b"Return-Path:") >= 1
    left = lib.pop3_messages(s, s.env["USER2"], s.env["PASS2"])
    assert left == [], f"{len(left)} of {n} left"


def check_imaplib(s, context, n):
    """Of bob's mail, and of what is appended: byte for byte."""
    for client in (
        imaplib.IMAP4("localhost", s.port("IMAP")),
        imaplib.IMAP4_SSL("localhost", s.port("IMAPS"), ssl_context=context),
    ):
        if isinstance(client, imaplib.IMAP4_SSL):
            client.login(s.env["USER2"], s.env["PASS2"])
        else:
            client.starttls(context)
            client.authenticate(
                "PLAIN",
                lambda _: f"\0{s.env['USER2']}\0{s.env['PASS2']}".encode(),
            )
        assert client.select("INBOX")[1] == [str(n).encode()]
        texts = []
        for i in range(1, n + 1):
            status, parts = client.fetch(str(i), "(BODY.PEEK[] RFC822.SIZE)")
            assert status == "OK", parts
            texts.append(parts[0][1])
        assert sum(b"\r\n.\r\n..two dots" in t for t in texts) == 5, texts
        text = b"Subject: kept\r\n\r\nas it is, f\xfcr ever\r\n"
        assert client.append("Drafts", r"(\Seen \Draft)", None, text)[0] == "OK"
        client.select("Drafts")
        assert client.fetch("1", "(BODY[])")[1][0][1] == text
        assert client.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK"
        assert client.expunge()[1] == [b"1"]
        client.logout()


def check_curl_imap(s):
    common = ["--cacert", s.env["CAFILE"], "-sS",
              "-u", f"{s.env['USER2']}:{s.env['PASS2']}"]
    for url in (
        f"imaps://localhost:{s.port('IMAPS')}/INBOX;MAILINDEX=1",
        f"imap://localhost:{s.port('IMAP')}/INBOX;MAILINDEX=1",
    ):
        text = run("curl", "--ssl-reqd", *common, url)
        assert b"two dots" in text, text
    base = f"imaps://localhost:{s.port('IMAPS')}/"
    assert b"INBOX" in run("curl", *common, base)
    assert b"* SEARCH 1" in run(
        "curl", *common, base + "INBOX?SUBJECT%20smtplib")


def main():
    done = ["smtplib", "poplib", "imaplib"]
    with lib.server() as s, tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        context = ssl.create_default_context(cafile=s.env["CAFILE"])
        n = by_smtplib(s, context)
        if shutil.which("curl"):
            n += by_curl(s, folder)
        if shutil.which("swaks"):
            n += by_swaks(s)
        check_imaplib(s, context, n)
        if shutil.which("curl"):
            check_curl_imap(s)
        check_poplib(s, context, n)
        if shutil.which("curl"):
            check_curl(s, n)
        if shutil.which("mpop"):
            check_mpop(s, folder)
        if shutil.which("fetchmail"):
            check_fetchmail(s, folder, n)
        done += [
            c for c in ("curl", "swaks", "mpop", "fetchmail")
            if shutil.which(c)
        ]
    print(f"{n} messages by and to {', '.join(done)}")


main()
