#!/usr/bin/env python3
"""Domains and addresses in other scripts: a domain of ours is the same in both
its forms, mail to others goes by their A-labels, also to a host that knows no
SMTPUTF8, and reports tell addresses in UTF-8 as RFC 6533 has them."""

import base64
import socket

import dnsd
import lib
from tls_policy import Host

BOOKS, A_BOOKS = "bücher.example", "xn--bcher-kva.example"
PASSWORD = "correct horse battery"


def put(s, sender, to, text, user=None, source="127.0.0.1"):
    """Send a message; the reply to the first command that is refused, or to
    the message."""
    port = s.port("SUBMISSION" if user else "SMTP")
    line = lib.Lines(socket.create_connection(
        ("127.0.0.1", port), timeout=60, source_address=(source, 0)))
    line.smtp_reply()
    line.smtp("EHLO client.test", 250)
    if user:
        line.smtp("AUTH PLAIN " + base64.b64encode(
            f"\0{user}\0{PASSWORD}".encode()).decode(), 235)
    for command in (f"MAIL FROM:<{sender}> SMTPUTF8", f"RCPT TO:<{to}>"):
        line.send(command.encode() + b"\r\n")
        reply = line.smtp_reply()
        if reply[0] != "2":
            line.close()
            return reply
    line.smtp("DATA", 354)
    line.send(text.encode() + b"\r\n.\r\n")
    reply = line.smtp_reply()
    line.close()
    return reply


def mails(s, user):
    return lib.pop3_messages(s, user, PASSWORD)


def ours(s):
    s.command("domain", "add", "BÜCHER.example")
    listed = s.command("domain", "list").stdout
    assert A_BOOKS in listed and BOOKS in listed, listed
    for again in (BOOKS, A_BOOKS, "XN--BCHER-KVA.example"):
        assert s.command("domain", "add", again, check=False).returncode != 0
    s.command("user", "add", "kim@" + BOOKS, "--password-file", "-",
              stdin=PASSWORD + "\n")
    assert s.command("user", "add", "kim@" + A_BOOKS, "--password-file", "-",
                     stdin=PASSWORD + "\n", check=False).returncode != 0
    for n, domain in enumerate((BOOKS, A_BOOKS, "Bücher。Example"), 1):
        reply = put(s, "a@client.test", "kim@" + domain, "Subject: x\r\n\r\nx")
        assert reply.startswith("250"), reply
        # Who signs in by either form is the same person.
        assert len(mails(s, "kim@" + domain)) == n
    reply = put(s, "a@client.test", "kim@b\u202eücher.example", "")
    assert reply.startswith("553 5.1.2"), reply
    # As sender, in both forms, and of nobody else's.
    for domain in (BOOKS, A_BOOKS):
        reply = put(s, "kim@" + domain, "kim@" + BOOKS,
                    f"From: <kim@{domain}>\r\n\r\nx", "kim@" + A_BOOKS)
        assert reply.startswith("250"), reply
    reply = put(s, "kim@bücher2.example", "kim@" + BOOKS, "",
                "kim@" + A_BOOKS)
    assert reply.startswith("553 5.7.1"), reply


def theirs(s, host, dns):
    """The host knows no SMTPUTF8: in ASCII it gets it nevertheless."""
    reply = put(s, "kim@" + BOOKS, "lee@Müller.test",
                f"From: <kim@{A_BOOKS}>\r\nSubject: out\r\n\r\nx",
                "kim@" + BOOKS)
    assert reply.startswith("250"), reply
    lib.wait_until(lambda: host.got, 60, "the mail")
    mail, _, to, _ = host.got.pop()
    assert f"<kim@{A_BOOKS}>" in mail and "SMTPUTF8" not in mail, mail
    assert to == ["RCPT TO:<lee@xn--mller-kva.test>"], to
    assert dns.asked("xn--mller-kva.test", "MX")
    # What is forged in its name is refused, in both forms (RFC 8616).
    for domain in ("Müller.test", "xn--mller-kva.test"):
        reply = put(s, "a@" + domain, "kim@" + BOOKS,
                    f"From: <a@{domain}>\r\n\r\nx", source="127.0.0.9")
        assert reply.startswith("550 5.7.1"), reply


def told(s, host):
    """A report for who reads UTF-8, of an address in UTF-8."""
    host.words = ("SMTPUTF8", "DSN")
    before = len(mails(s, "kim@" + BOOKS))
    reply = put(s, "kim@" + BOOKS, "nobody.jürgen@Müller.test",
                f"From: <kim@{BOOKS}>\r\nSubject: grüße\r\n\r\nx",
                "kim@" + BOOKS)
    assert reply.startswith("250"), reply
    lib.wait_until(lambda: len(mails(s, "kim@" + BOOKS)) > before, 60, "it")
    raw = mails(s, "kim@" + BOOKS)[-1].decode()
    assert "Content-Type: message/global-delivery-status\r\n" in raw, raw
    assert ("Final-Recipient: utf-8;nobody.jürgen@xn--mller-kva.test\r\n"
            in raw), raw
    assert "Content-Type: message/global-headers\r\n" in raw, raw
    assert "Subject: grüße\r\n" in raw


def main():
    zones = {
        "xn--mller-kva.test": {"MX": ["10 mx.far.test"],
                               "TXT": ["v=spf1 -all"]},
        "_dmarc.xn--mller-kva.test": {"TXT": ["v=DMARC1; p=reject"]},
        "mx.far.test": {"A": ["127.0.0.2"]},
    }
    host = Host("127.0.0.2", None)
    with dnsd.Server(zones) as dns, lib.server(
            "queue.route=mx", f"queue.port={Host.port}",
            "dns.servers=" + dns.where) as s:
        ours(s)
        print("ok ours", flush=True)
        theirs(s, host, dns)
        print("ok theirs", flush=True)
        told(s, host)
        print("ok told", flush=True)
        s.command("check")


if __name__ == "__main__":
    main()
