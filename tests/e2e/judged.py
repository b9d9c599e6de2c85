#!/usr/bin/python3
"""Mail from honest and forged domains, judged by SPF, DKIM and DMARC. Clients
come from 127.0.0.x, the names from the test's own resolver; signatures are
made by Debian's dkimpy."""

import imaplib
import re
import socket
import subprocess
import tempfile
import time

import dnsd
import lib

try:
    import dkim
except ImportError:
    lib.skip("no python3-dkim")

HONEST, OTHER = "127.0.0.2", "127.0.0.9"


def make_key(folder, bits=2048):
    """An RSA key: PEM, and its record."""
    path = f"{folder}/key{bits}"
    subprocess.run(["openssl", "genrsa", "-out", path, str(bits)], check=True,
                   capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", path, "-pubout"], check=True,
                            capture_output=True, text=True).stdout
    p = "".join(public.split("\n")[1:-2])
    with open(path, "rb") as f:
        return f.read(), "v=DKIM1; k=rsa; p=" + p


def zones(record, small):
    def policy(p, more=""):
        return {"TXT": [f"v=DMARC1; p={p}{more}"]}
    spf = {"TXT": [f"v=spf1 ip4:{HONEST} -all"], "MX": ["10 mx.test"]}
    z = {"mx.test": {"A": [HONEST], "TXT": ["v=spf1 a -all"]}}
    for name, p in (("reject.test", "reject"), ("quarantine.test", "quarantine"),
                    ("none.test", "none")):
        z[name] = spf
        z["_dmarc." + name] = policy(p)
        z["s._domainkey." + name] = {"TXT": [record]}
        z["small._domainkey." + name] = {"TXT": [small]}
        z["revoked._domainkey." + name] = {"TXT": ["v=DKIM1; p="]}
        z["slow._domainkey." + name] = {"TXT": [record], "DO": "servfail"}
    z["sub.reject.test"] = spf
    z["testing.test"] = spf
    z["_dmarc.testing.test"] = policy("reject", "; t=y")
    z["strict.test"] = {"A": [HONEST]}
    z["_dmarc.strict.test"] = policy("reject", "; aspf=s; np=none")
    z["mail.strict.test"] = spf
    z["plain.test"] = {"TXT": ["v=spf1 -all exp=why.plain.test"]}
    z["why.plain.test"] = {"TXT": ["%{i} is not ours"]}
    z["down.test"] = {"TXT": ["v=spf1 -all"], "DO": "servfail"}
    z["_dmarc.down.test"] = {"TXT": ["v=DMARC1; p=reject"], "DO": "servfail"}
    z["silent.test"] = {"TXT": ["v=spf1 -all"], "DO": "drop"}
    z["_dmarc.silent.test"] = {"TXT": ["v=DMARC1; p=reject"], "DO": "drop"}
    z["huge.test"] = {"TXT": ["v=spf1 -all"], "DO": "huge"}
    # bücher.test, as its DNS knows it.
    z["_dmarc.xn--bcher-kva.test"] = policy("reject")
    z["s._domainkey.xn--bcher-kva.test"] = {"TXT": [record]}
    z["garbage.test"] = {"TXT": ["v=spf1 a:%{ -all"]}
    z["refuses.test"] = {"MX": ["0 ."]}
    z["_dmarc.garbage.test"] = {"TXT": ["v=DMARC1; p=banana; \x01\xff=;;; ="]}
    return z


class Client:
    """One SMTP session from an address of its own."""

    def __init__(self, server, address, helo="mx.test"):
        self.lines = lib.Lines(socket.create_connection(
            ("127.0.0.1", server.port("SMTP")), timeout=60,
            source_address=(address, 0)))
        self.lines.smtp_reply()
        self.lines.smtp("EHLO " + helo, 250)

    def send(self, sender, to, data, chunking=False):
        """The reply to the data."""
        self.lines.smtp(f"MAIL FROM:<{sender}>", 250)
        self.lines.smtp(f"RCPT TO:<{to}>", 250)
        if chunking:
            # What is pipelined behind the last chunk waits with it.
            self.lines.send(f"BDAT {len(data)} LAST\r\n".encode() + data +
                            b"NOOP\r\n")
            reply = self.lines.smtp_reply()
            assert self.lines.smtp_reply().startswith("250 2.0.0 Ok"), "NOOP"
            return reply
        self.lines.smtp("DATA", 354)
        self.lines.send(data + b".\r\n")
        return self.lines.smtp_reply()


def mail(sender, body="Hello.\r\n", more=""):
    return (f"From: A <{sender}>\r\nTo: you@mail.test\r\nSubject: x\r\n"
            f"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n{more}\r\n{body}").encode()


def sign(data, domain, key, selector="s", **more):
    return dkim.sign(data, selector.encode(), domain.encode(), key,
                     include_headers=[b"from", b"to", b"subject", b"date"],
                     **more) + data


class Test:
    def __init__(self, server, key, small):
        self.server, self.key, self.small = server, key, small
        self.to = server.user
        self.n = {"INBOX": 0, "Junk": 0}

    def newest(self, mailbox):
        """The messages of a mailbox, and the last one's header."""
        imap = imaplib.IMAP4("127.0.0.1", self.server.port("IMAP"))
        imap.login(self.server.user, self.server.password)
        n = int(imap.select(mailbox)[1][0])
        head = b""
        if n:
            got = imap.fetch(str(n), "(RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT])")[1]
            head, text = got[0][1], got[1][1]
            # The summary moved with the field that came in front. (The size
            # is that of a header in UTF-8, which this client does not get.)
            assert text.startswith(b"Hello"), text
            size = f"RFC822.SIZE {len(head) + len(text)}".encode()
            assert size in got[0][0] or b"@internationalized-address" in head, got
        imap.logout()
        return n, head.decode("latin-1")

    def check(self, what, address, sender, data, want, results=(), **more):
        """Send; want INBOX, Junk, or the beginning of a refusal."""
        reply = Client(self.server, address).send(sender, self.to, data, **more)
        if want not in self.n:
            assert reply.startswith(want), f"{what}: {reply}"
            for words in results:
                assert words in reply, f"{what}: no {words!r} in {reply!r}"
            print(f"ok: {what}: {reply}")
            return
        assert reply.startswith("250"), f"{what}: {reply}"
        self.n[want] += 1
        n, head = self.newest(want)
        assert n == self.n[want], f"{what}: {n} in {want}"
        fields = re.findall(r"(?im)^Authentication-Results:.*(?:\n[ \t].*)*", head)
        assert fields, f"{what}: no Authentication-Results in {head}"
        for words in results:
            assert words in fields[0], f"{what}: no {words!r} in {fields[0]}"
        print(f"ok: {what}")
        return fields


def spf_and_dmarc(t):
    a = "a@reject.test"
    t.check("honest by SPF", HONEST, a, mail(a), "INBOX",
            ["spf=pass", "smtp.mailfrom=a@reject.test", "dmarc=pass", "dkim=none"])
    t.check("honest by chunks", HONEST, a, mail(a), "INBOX", ["dmarc=pass"],
            chunking=True)
    t.check("forged", OTHER, a, mail(a), "550 5.7.1", ["reject.test", "DMARC"])
    t.check("forged, another envelope", HONEST, "a@none.test", mail(a), "550 5.7.1")
    t.check("quarantine", OTHER, "a@quarantine.test", mail("a@quarantine.test"),
            "Junk", ["spf=fail", "dmarc=fail", "policy.dmarc=quarantine"])
    t.check("none", OTHER, "a@none.test", mail("a@none.test"), "INBOX",
            ["dmarc=fail"])
    t.check("t=y", OTHER, "a@testing.test", mail("a@testing.test"), "Junk")
    t.check("relaxed", HONEST, "a@sub.reject.test", mail(a), "INBOX", ["dmarc=pass"])
    t.check("strict", HONEST, "a@mail.strict.test", mail("a@strict.test"), "550 5.7.1")
    t.check("np=", OTHER, "a@none.test", mail("a@nobody.strict.test"), "INBOX",
            ["dmarc=fail", "policy.dmarc=none"])
    t.check("null sender", HONEST, "", mail("a@mx.test"), "INBOX",
            ["spf=pass", "smtp.helo=mx.test", "dmarc=none"])
    t.check("two authors", HONEST, a, mail(a, more="From: b@none.test\r\n"), "Junk",
            ["dmarc=permerror"])
    t.check("a header too large to find From", OTHER, "a@none.test",
            mail(a, more="X: " + "\r\n y".ljust(900) * 400 + "\r\n"), "Junk",
            ["dmarc=permerror"])
    t.check("garbage", OTHER, "a@garbage.test", mail("a@garbage.test"), "INBOX",
            ["spf=permerror", "dmarc=none"])
    t.check("huge TXT", OTHER, "a@huge.test", mail("a@huge.test"), "INBOX")


def signatures(t):
    a = "a@reject.test"
    data = mail(a, "Hello.\r\n.. \t x \r\n\r\n\r\n")
    wire = data.replace(b"\r\n.", b"\r\n..")
    for canon in ((b"relaxed", b"relaxed"), (b"simple", b"simple"),
                  (b"relaxed", b"simple"), (b"simple", b"relaxed")):
        signed = sign(data, "reject.test", t.key, canonicalize=canon)
        signed = signed.replace(b"\r\n.", b"\r\n..")
        t.check(f"signed {canon}", OTHER, "a@none.test", signed, "INBOX",
                ["dkim=pass", "header.d=reject.test", "header.s=s", "dmarc=pass"])
    u = "a@b\u00fccher.test"
    t.check("a domain in UTF-8", OTHER, "a@none.test", sign(
        mail(u), "b\u00fccher.test", t.key), "INBOX",
            ["dkim=pass", "header.d=xn--bcher-kva.test", "dmarc=pass"])
    t.check("one of them in ASCII", OTHER, "a@none.test", sign(
        mail(u), "xn--bcher-kva.test", t.key), "INBOX", ["dmarc=pass"])
    t.check("a domain in UTF-8, unsigned", OTHER, "a@none.test", mail(u),
            "550 5.7.1")
    signed = sign(mail(a), "reject.test", t.key)
    t.check("body changed", OTHER, a, signed.replace(b"Hello", b"Hello!"), "550 5.7.1")
    t.check("header changed", OTHER, a, signed.replace(b"Subject: x", b"Subject: y"),
            "550 5.7.1")
    n = "a@none.test"
    for what, data, words in (
            ("body changed, none", sign(mail(n), "none.test", t.key).replace(
                b"Hello", b"Hello!"), "dkim=fail reason=\"the body was changed\""),
            ("short key", sign(mail(n), "none.test", t.small, "small"),
             "dkim=fail reason=\"the key is too short\""),
            ("revoked", sign(mail(n), "none.test", t.key, "revoked"),
             "dkim=permerror reason=\"the key is revoked\""),
            ("no key", sign(mail(n), "none.test", t.key, "nokey"),
             "dkim=permerror reason=\"there is no key\""),
            ("sha1", sign(mail(n), "none.test", t.key, signature_algorithm=b"rsa-sha1"),
             "dkim=permerror reason=\"SHA-1 is not taken\""),
            ("l=", sign(mail(n), "none.test", t.key, length=True) + b"more\r\n",
             "dkim=policy"),
            ("key server down", sign(mail(n), "none.test", t.key, "slow"),
             "dkim=temperror")):
        t.check(what, OTHER, n, data, "INBOX", [words])
    t.check("key server down, reject", OTHER, "a@none.test",
            sign(mail(a), "reject.test", t.key, "slow"), "451 4.7.1")
    # The good one is among the first five; a thousand cost no more.
    junk = b"DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=s; h=from; bh=AA==; b=AA==\r\n"
    begin = time.monotonic()
    t.check("1,000 signatures", OTHER, n, 4 * junk + sign(
        mail(n), "none.test", t.key) + b"", "INBOX", ["dkim=pass"])
    t.check("1,000 signatures", OTHER, n, junk * 1000 + mail(n), "INBOX")
    assert time.monotonic() - begin < 20, "1,000 signatures take too long"


def forged_results(t):
    a = "a@none.test"
    host = t.server.command("get", "host.name").stdout.strip()
    more = (f"Authentication-Results: {host}; spf=pass\r\n"
            f"authentication-results:\r\n\t(x) {host.upper()} 1;\r\n dkim=pass\r\n"
            f"Authentication-Results: elsewhere.test; spf=pass\r\n")
    fields = t.check("forged results", HONEST, a, mail(a, more=more), "INBOX",
                     ["spf=pass"])
    assert len(fields) == 2 and "elsewhere.test" in fields[1], fields


def begun_and_left(t):
    """A client that begins messages and leaves them is asked to go: each costs
    DNS as much as one that comes."""
    t.server.command("set", "smtp.max-messages", "50")
    lines = Client(t.server, OTHER).lines
    for i in range(50):
        lines.smtp(f"MAIL FROM:<a@{i}.silent.test>", 250)
        lines.smtp(f"RCPT TO:<{t.to}>", 250)
        lines.smtp("RSET", 250)
    lines.smtp("MAIL FROM:<a@silent.test>", "421 4.7.0 Enough")
    t.server.command("set", "smtp.max-messages", "1000")
    print("ok: begun and left")


def down(t):
    begin = time.monotonic()
    t.check("resolver fails", OTHER, "a@down.test", mail("a@down.test"), "INBOX",
            ["spf=temperror", "dmarc=temperror"])
    t.check("resolver is silent", OTHER, "a@silent.test", mail("a@silent.test"),
            "INBOX", ["spf=temperror", "dmarc=temperror"])
    assert time.monotonic() - begin < 30, "waited too long"
    trace = t.server.command("trace", "a@quarantine.test").stdout
    assert "stored as junk, spf=fail dkim=none dmarc=fail (quarantine)" in trace, trace
    t.server.command("set", "trust.spf", "act")
    t.check("SPF refuses", OTHER, "a@plain.test", mail("a@plain.test"), "550 5.7.23",
            [f"{OTHER} is not ours"])
    t.server.command("set", "trust.dmarc", "note")
    t.server.command("set", "trust.spf", "note")
    t.check("only noted", OTHER, "a@reject.test", mail("a@reject.test"), "INBOX",
            ["dmarc=fail", "policy.dmarc=reject"])


def no_backscatter(t):
    """What an alias sends on, and nobody takes, is told to its sender; of mail
    that was forged nobody is told, who never wrote it."""
    t.server.command("set", "queue.port", "1")  # nobody listens there
    t.server.command("set", "queue.route", "mx")
    t.server.command("alias", "add", "far@example.test", "x@refuses.test")
    for address, told in ((OTHER, False), (HONEST, True)):
        reply = Client(t.server, address).send(
            "a@none.test", "far@example.test", mail("a@none.test"))
        assert reply.startswith("250"), reply
        lib.wait_until(
            lambda: "x@refuses.test" not in
            t.server.command("queue", "list").stdout, 60, "the failure")
        waiting = t.server.command("queue", "list").stdout
        assert ("a@none.test" in waiting) == told, (address, waiting)


def main():
    lib.need("openssl")
    with tempfile.TemporaryDirectory() as folder:
        key, record = make_key(folder)
        small, small_record = make_key(folder, 512)
        with dnsd.Server(zones(record, small_record)) as dns, lib.server(
                "dns.servers=" + dns.where, "dns.timeout=1s",
                "trust.wait-time=5s") as server:
            t = Test(server, key, small)
            t.n = {m: t.newest(m)[0] for m in t.n}
            spf_and_dmarc(t)
            signatures(t)
            forged_results(t)
            begun_and_left(t)
            no_backscatter(t)
            down(t)


if __name__ == "__main__":
    main()
