#!/usr/bin/env python3
"""What people send is signed: verified by dkimpy and by OpenDKIM, which get
their keys from what `tinpost dkim` prints; keys change with overlap."""

import base64
import imaplib
import json
import pathlib
import re
import subprocess
import tempfile

import lib

# Debian's python3-dkim belongs to Debian's python3.
PYTHON = "/usr/bin/python3"
VERIFY = """
import json, sys, dkim
keys = json.loads(sys.argv[1])
def find(name, timeout=5):
    text = keys.get(name.decode().rstrip("."))
    return text.encode() if text else None
sys.exit(0 if dkim.verify(sys.stdin.buffer.read(), dnsfunc=find) else 1)
"""

LONG = " ".join(f"word{i}" for i in range(60))
MESSAGES = {
    "plain": (
        b"From: Alice <{user}>\r\nTo: bob@far.test\r\nSubject: hello\r\n"
        b"Date: Mon, 2 Mar 2026 10:00:00 +0000\r\n"
        b"Message-ID: <1@client.test>\r\n\r\nHi.\r\n"),
    "bare header": b"From: {user}\r\n\r\nno date, no id\r\n",
    "no body": b"From: {user}\r\nSubject: nothing\r\n\r\n",
    "header alone": b"From: {user}\r\nSubject: nothing\r\n",
    "folds": (
        b"FROM:  Alice\r\n\t<{user}>  \r\nSubject: " +
        LONG.encode().replace(b" word30", b"\r\n  word30") + b"\r\n"
        b"To: a@far.test,\r\n b@far.test\r\nX-Other: not signed\r\n\r\n"
        b"  leading   and trailing \t \r\n\r\n.dot\r\n..two\r\n \t\r\n\r\n"),
    "bcc": (
        b"From: {user}\r\nBcc: secret@far.test\r\nSubject: x\r\n\r\ntext\r\n"),
    "lists": (
        b"Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0000\r\n"
        b"From: {user}\r\nSender: {user}\r\nList-Id: <l.far.test>\r\n"
        b"Reply-To: r@far.test\r\nReply-To: s@far.test\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
        b"\r\npreamble\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntwo\r\n--b--\r\n"),
    "utf8": "From: {user}\r\nSubject: Grüße\r\n\r\nSchöne Grüße\r\n".encode(),
    "large": (
        b"From: {user}\r\nSubject: large\r\n\r\n" +
        b"".join(b"line %d \t with  spaces \r\n" % i for i in range(40000)) +
        b"\r\n" * 1000),
}


def records(server, domain):
    """What `dkim show` prints: {name: text}, by both of its forms."""
    out = server.command("dkim", "show", domain).stdout
    names = re.findall(r"^  name   (\S+)$", out, re.M)
    values = re.findall(r"^  value  (.*)$", out, re.M)
    zone = {}
    for line in out.splitlines():
        found = re.fullmatch(r'(\S+)\. 3600 IN TXT \((.*) \)', line)
        if found:
            strings = re.findall(r'"([^"]*)"', found[2])
            assert all(len(s) <= 255 for s in strings) and len(strings) > 1
            zone[found[1]] = "".join(strings)
    assert zone == dict(zip(names, values)), (zone, names, values)
    return zone


def dkimpy_passes(message, keys):
    done = subprocess.run([PYTHON, "-c", VERIFY, json.dumps(keys)],
                          input=message, capture_output=True, timeout=60)
    return done.returncode == 0


def opendkim_passes(message, keys):
    """OpenDKIM with a file in place of the DNS."""
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        folder.chmod(0o755)
        (folder / "keys").write_text(
            "".join(f"{name} {text}\n" for name, text in keys.items()))
        (folder / "conf").write_text(
            f"Mode v\nTestPublicKeys {folder}/keys\nSyslog no\n"
            "Background no\n")
        (folder / "message").write_bytes(message)
        done = subprocess.run(
            ["/usr/sbin/opendkim", "-x", folder / "conf", "-t",
             folder / "message", "-v", "-v"],
            capture_output=True, text=True, timeout=60)
        said = done.stdout + done.stderr
        return "verification (s=" in said and "succeeded" in said


def submit(server, message, utf8=False):
    line = lib.smtp_session(server, "SUBMISSION")
    plain = base64.b64encode(
        f"\0{server.user}\0{server.password}".encode()).decode()
    line.smtp(f"AUTH PLAIN {plain}", 235)
    line.smtp(f"MAIL FROM:<{server.user}>" + (" SMTPUTF8" if utf8 else ""), 250)
    line.smtp(f"RCPT TO:<{server.user}>", 250)
    line.smtp("DATA", 354)
    line.send(lib.dot_stuff(message) + b".\r\n")
    assert line.smtp_reply().startswith("250")
    line.smtp("QUIT", 221)


def last_message(server):
    return lib.pop3_messages(server, server.user, server.password)[-1]


def sign_all(server, domain):
    keys = records(server, domain)
    for name, text in MESSAGES.items():
        message = text.replace(b"{user}", server.user.encode())
        submit(server, message, utf8=name == "utf8")
        got = last_message(server)
        header = got.split(b"\r\n\r\n")[0]
        assert header.count(b"DKIM-Signature:") == 1, name
        assert max(map(len, header.split(b"DKIM-Signature:")[1].split(
            b"\r\nFrom")[0].split(b"\r\n")[:12])) <= 78, name
        assert dkimpy_passes(got, keys), name
        assert opendkim_passes(got, keys), name
        # As it goes out: without the fields of its delivery here.
        bare = got[got.index(b"DKIM-Signature:"):]
        assert dkimpy_passes(bare, keys), name
        # What was signed too often cannot be added.
        for field in (b"From: evil@far.test", b"Subject: other",
                      b"To: x@far.test", b"Content-Type: text/html"):
            assert not dkimpy_passes(field + b"\r\n" + bare, keys), (name, field)
        assert dkimpy_passes(b"X-New: y\r\n" + bare, keys), name
        assert not dkimpy_passes(bare + b"more\r\n", keys), name
    print(f"{len(MESSAGES)} messages verified by dkimpy and OpenDKIM")


def compare_structure(server):
    """The summary knows where parts are, behind the field that came later."""
    client = imaplib.IMAP4("127.0.0.1", server.port("IMAP"))
    client.login(server.user, server.password)
    client.select("INBOX")
    _, found = client.search(None, "HEADER", "List-Id", "far.test")
    uid = found[0].split()[-1].decode()
    _, whole = client.fetch(uid, "(RFC822.SIZE BODY.PEEK[])")
    text = whole[0][1]
    size = int(re.search(rb"RFC822.SIZE (\d+)", whole[0][0])[1])
    assert size == len(text), (size, len(text))
    for section, want in (("1", b"one"), ("2", b"Subject: in\r\n\r\ntwo"),
                          ("2.TEXT", b"two"), ("2.HEADER", b"Subject: in\r\n\r\n"),
                          ("1.MIME", b"Content-Type: text/plain\r\n\r\n"),
                          ("HEADER", text[:text.index(b"\r\n\r\n") + 4])):
        _, got = client.fetch(uid, f"(BODY.PEEK[{section}])")
        assert got[0][1] == want, (section, got[0][1])
    client.logout()


def change_keys(server, domain):
    old = records(server, domain)
    out = server.command("dkim", "rotate", domain).stdout
    assert "beside the old one" in out, out
    both = records(server, domain)
    assert len(both) == 2 and old.items() <= both.items()
    new = dict(both.items() - old.items())
    plain = MESSAGES["plain"].replace(b"{user}", server.user.encode())
    submit(server, plain)
    before = last_message(server)
    assert dkimpy_passes(before, old) and not dkimpy_passes(before, new)
    out = server.command("dkim", "rotate", domain).stdout
    assert "two weeks" in out, out
    submit(server, plain)
    after = last_message(server)
    assert dkimpy_passes(after, new) and not dkimpy_passes(after, old)
    assert records(server, domain) == both  # the old one stays published
    listed = server.command("dkim", "list").stdout.splitlines()
    assert len(listed) == 2 and sum("signs" in l for l in listed) == 1
    selector = next(iter(new)).split(".")[0]
    refused = server.command("dkim", "remove", domain, selector, check=False)
    assert refused.returncode == 1 and "--yes" in refused.stderr
    server.command("dkim", "remove", domain, next(iter(old)).split(".")[0])
    assert records(server, domain) == new
    assert server.command("dkim", "add", domain, check=False).returncode == 1
    # They live through a restart and a backup.
    server.kill()
    server.again()
    assert records(server, domain) == new
    with tempfile.TemporaryDirectory() as made:
        server.command("backup", made + "/b.tar")
        subprocess.run(["sh", "-c", server.env["TINPOST"].replace(
            server.env["DATA_DIR"], made + "/data") + ' restore "$1"', "x",
            made + "/b.tar"], check=True, capture_output=True, timeout=120)
        out = subprocess.run(["sh", "-c", server.env["TINPOST"].replace(
            server.env["DATA_DIR"], made + "/data") + ' dkim show "$1"', "x",
            domain], check=True, capture_output=True, text=True, timeout=60)
        assert selector + "._domainkey" in out.stdout
    server.command("dkim", "remove", domain, selector, "--yes")
    submit(server, plain)
    assert b"DKIM-Signature" not in last_message(server)
    server.command("check")


def main():
    lib.need("/usr/sbin/opendkim")
    if subprocess.run([PYTHON, "-c", "import dkim"]).returncode != 0:
        lib.skip("no python3-dkim")
    with lib.server() as server:
        domain = server.env["DOMAIN"]
        assert server.command("dkim", "show", domain,
                              check=False).returncode == 1
        assert server.command("dkim", "add", "other.test",
                              check=False).returncode == 1
        out = server.command("dkim", "add", domain).stdout
        assert "v=DKIM1; k=rsa; p=" in out, out
        sign_all(server, domain)
        compare_structure(server)
        change_keys(server, domain)
        server.command("dkim", "add", domain, "--selector", "mail")
        assert list(records(server, domain)) == [f"mail._domainkey.{domain}"]
        # A domain that goes takes its keys along.
        server.command("domain", "add", "gone.test")
        server.command("dkim", "add", "gone.test", "--selector", "s1")
        out = server.command("domain", "del", "gone.test").stdout
        assert "s1._domainkey.gone.test" in out, out
        assert "gone.test" not in server.command("dkim", "list").stdout
        server.command("dkim", "show", domain)
        for bad in ("-x", "a_b", "a.b"):
            assert server.command("dkim", "rotate", domain, "--selector=" + bad,
                                  check=False).returncode != 0


if __name__ == "__main__":
    main()
