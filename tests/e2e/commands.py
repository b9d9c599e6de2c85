#!/usr/bin/env python3
"""The command line, with a server and without: what it does, what it refuses,
and that it says what to do."""

import mailbox
import os
import pathlib
import subprocess
import tempfile

import lib


def fails(done, *words):
    assert done.returncode in (1, 2), done
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def people_and_names(s):
    call = s.command
    call("user", "add", "carol@example.test", "--password-file", "-",
         "--name", "Carol C", stdin="secret 1\n")
    assert lib.pop3_messages(s, "carol@example.test", "secret 1") == []
    fails(call("user", "add", "carol@example.test", "--password-file", "-",
               stdin="x\n", check=False), "exists already")
    fails(call("user", "add", "dan@elsewhere.test", "--password-file", "-",
               stdin="x\n", check=False), "tinpost domain add")
    fails(call("user", "add", "no-address", "--password-file", "-",
               stdin="x\n", check=False), "Usage:")
    call("user", "password", "carol@example.test", "--password-file", "-",
         stdin="secret 2\n")
    assert lib.pop3_messages(s, "carol@example.test", "secret 2") == []
    call("user", "quota", "carol@example.test", "1M")
    line = [l for l in call("user", "list").stdout.splitlines()
            if l.startswith("carol")][0]
    assert "1024 K" in line and "Carol C" in line, line
    call("domain", "add", "Other.TEST")
    assert "other.test" in call("domain", "list").stdout
    call("alias", "add", "info@other.test", "carol@example.test",
         "bob@example.test")
    call("alias", "add", "@other.test", "carol@example.test")
    call("alias", "add", "out@other.test", "a@far.test")
    assert "a@far.test" in call("alias", "list").stdout
    call("alias", "del", "out@other.test")
    call("group", "add", "team@example.test", "alice@example.test")
    call("group", "member", "add", "team@example.test", "bob@example.test")
    assert "bob@" in call("group", "list").stdout
    call("group", "member", "del", "team@example.test", "bob@example.test")
    assert "bob@" not in call("group", "list").stdout
    fails(call("domain", "del", "other.test", check=False), "still has")
    fails(call("user", "del", "carol@example.test", check=False), "--yes")


def mail_by_names(s):
    """Aliases, catch-all and plus addresses reach whom they should."""
    line = lib.smtp_session(s)
    body = b"Subject: names\r\n\r\nx\r\n"
    for to in ("info@other.test", "anything@other.test",
               "CAROL+tag@Example.Test"):
        assert lib.send_mail(line, [to], body).startswith("250"), to
    line.smtp("QUIT", 221)
    got = lib.pop3_messages(s, "carol@example.test", "secret 2")
    assert len(got) == 3, len(got)


def settings(s):
    call = s.command
    assert "smtp.max-size" in call("settings").stdout
    call("set", "smtp.max-size", "1M")
    assert call("get", "smtp.max-size").stdout == "1M\n"
    line = s.connect("SMTP")
    line.smtp_reply()
    line.send("EHLO x\r\n")
    assert f"SIZE {1 << 20}" in line.smtp_reply(), "not at once"
    call("unset", "smtp.max-size")
    fails(call("set", "smtp.max-size", "much", check=False), "a size like")
    fails(call("set", "smtp.nothing", "1", check=False), "tinpost settings")
    fails(call("nonsense", check=False), "tinpost help")
    fails(call("user", check=False), "tinpost user add")


def status_and_trace(s):
    text = s.command("status").stdout
    for word in ("running", "session step CPU", "journal", "RssAnon",
                 "certificate ends", "flushes"):
        assert word in text, word
    assert "received" in s.command("trace", "info@other.test").stdout
    nothing = s.command("trace", "nobody@example.test").stdout
    assert "Nothing is known" in nothing


def certificates(s, folder):
    old = s.command("cert", "show").stdout
    bad = folder / "bad.pem"
    bad.write_text("no certificate\n")
    fails(s.command("cert", "set", str(bad), str(bad), check=False),
          "Nothing was changed")
    assert s.command("cert", "show").stdout == old
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
         "-keyout", str(key), "-out", str(cert), "-days", "90",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )
    s.command("cert", "set", str(cert), str(key))
    s.env["CAFILE"] = str(cert)
    line = s.connect_tls("POP3S")  # at once, with the new one
    assert line.line().startswith(b"+OK")


def imports(s, folder):
    """mbox, Maildir and .eml come in once, with flags gone where they go."""
    path = folder / "box"
    text = b"From: a@b.test\nSubject: one\n\nFrom here\n>From there\n\n"
    path.write_bytes(
        b"From a@b.test Mon Nov 23 10:00:00 2026\n"
        b"Status: RO\n" + text.replace(b"\n>From", b"\n>>From").replace(
            b"\nFrom here", b"\n>From here") + b"\n"
        b"From a@b.test Mon Nov 23 10:01:00 2026\nSubject: two\n\nlast\n"
    )
    who = ["import", "u1@example.test"]
    assert "2 messages" in s.command(*who, str(path)).stdout
    assert "0 messages" in s.command(*who, str(path)).stdout
    with open(path, "ab") as file:
        file.write(b"\nFrom a@b.test Mon Nov 23 10:02:00 2026\n"
                   b"Subject: three\n\nx\n")
    assert "1 messages" in s.command(*who, str(path)).stdout
    got = lib.pop3_messages(s, "u1@example.test", s.env["UPASS"])
    assert len(got) == 3
    assert got[0] == text.replace(b"\n", b"\r\n"), got[0]
    box = mailbox.Maildir(folder / "Maildir")
    for i in range(20):
        box.add(f"Subject: m{i}\n\ntext {i}\n")
    assert "20 messages" in s.command(*who, str(folder / "Maildir")).stdout
    assert "0 messages" in s.command(*who, str(folder / "Maildir")).stdout
    emls = folder / "emls"
    emls.mkdir()
    for i in range(5):
        (emls / f"{i}.eml").write_bytes(b"Subject: e\r\n\r\nx\r\n")
    assert "5 messages" in s.command(*who, str(emls)).stdout
    fails(s.command(*who, str(folder / "none"), check=False),
          "cannot be read")


def without_server(s):
    """The same commands on the closed store."""
    s.stop()
    s.command("user", "add", "erin@example.test", "--password-file", "-",
              stdin="secret 3\n")
    assert "not running" in s.command("status").stdout
    s.again()
    assert lib.pop3_messages(s, "erin@example.test", "secret 3") == []


def new_stores(folder):
    """init: what it needs, and what it leaves alone."""
    binary = os.environ.get("TINPOST_BIN", str(lib.ROOT / "build/tinpost"))

    def call(data, *words, stdin=""):
        return subprocess.run(
            [binary, "--data", str(data), *words], input=stdin,
            capture_output=True, text=True, timeout=60)

    data = folder / "new"
    fails(call(data, "status"), "tinpost init")
    fails(call(data, "serve"), "tinpost init")
    words = ("init", "--host", "mail.a.test", "--domain", "a.test",
             "--person", "kim@a.test")
    fails(call(folder / "no" / "where", *words, "--generate"),
          "parent folder")
    done = call(data, *words, "--password-file", "-", stdin="secret\n")
    assert done.returncode == 0, done
    fails(call(data, *words, "--generate"), "set up already")
    assert "kim@a.test" in call(data, "user", "list").stdout
    done = call(data, "owner", "password", "--generate")
    assert "Password: " in done.stdout, done
    fails(call(data, "user", "add", "x@a.test"), "--password-file")


def main():
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        new_stores(folder)
        with lib.server() as s:
            people_and_names(s)
            mail_by_names(s)
            settings(s)
            status_and_trace(s)
            imports(s, folder)
            without_server(s)
            certificates(s, folder)


main()
