#!/usr/bin/python3
"""Mail of clients against whom something speaks: their reverse name, what they
say in HELO, DNS lists; and greylisting. Clients come from 127.0.0.x, the names
and lists from the test's own resolver."""

import base64
import imaplib
import socket
import time

import dnsd
import lib

# Good in all; of a list; of a white list; without anything; of a provider.
GOOD, LISTED, WHITE, BARE = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
MANY = ("127.0.1.1", "127.0.2.1", "127.0.3.1")


def reverse(address, tree="in-addr.arpa"):
    return ".".join(reversed(address.split("."))) + "." + tree


def zones():
    z = {"mx.good.test": {"A": [GOOD, LISTED, WHITE]},
         "good.test": {"TXT": [f"v=spf1 ip4:{GOOD} -all"]},
         "strict.test": {"TXT": ["v=spf1 -all"]},
         "many.test": {"TXT": ["v=spf1 ip4:127.0.0.0/8 -all"]},
         reverse(LISTED, "zen.test"): {"A": ["127.0.0.4"]},
         reverse(LISTED, "other.test"): {"A": ["127.0.0.9"]},
         reverse(LISTED, "blocked.test"): {"A": ["127.255.255.254"]},
         reverse(WHITE, "white.test"): {"A": ["127.0.5.3"]},
         reverse(WHITE, "zen.test"): {"A": ["127.0.0.2"]},
         reverse(LISTED, "silent.test"): {"A": ["127.0.0.2"], "DO": "drop"}}
    for address in (GOOD, LISTED, WHITE):
        z[reverse(address)] = {"PTR": ["mx.good.test"]}
    z[reverse("127.0.0.6")] = {"PTR": ["mx.good.test"]}
    z[reverse("127.0.0.7")] = {"PTR": ["x.test"], "DO": "servfail"}
    return z


class Client:
    """One SMTP session from an address of its own."""

    def __init__(self, server, address, helo="mx.good.test"):
        self.lines = lib.Lines(socket.create_connection(
            ("127.0.0.1", server.port("SMTP")), timeout=60,
            source_address=(address, 0)))
        self.lines.smtp_reply()
        self.lines.smtp("EHLO " + helo, 250)

    def command(self, line):
        self.lines.send(line + "\r\n")
        return self.lines.smtp_reply()

    def send(self, sender, to, chunking=False):
        """The reply to the message, or to DATA when that is refused."""
        data = (f"From: A <{sender or 'a@none.test'}>\r\nTo: you@mail.test\r\n"
                "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello.\r\n").encode()
        self.lines.smtp(f"MAIL FROM:<{sender}>", 250)
        self.lines.smtp(f"RCPT TO:<{to}>", 250)
        if chunking:
            self.lines.send(f"BDAT {len(data)} LAST\r\n".encode() + data)
            return self.lines.smtp_reply()
        reply = self.command("DATA")
        if not reply.startswith("354"):
            return reply
        self.lines.send(data + b".\r\n")
        return self.lines.smtp_reply()


class Test:
    def __init__(self, server):
        self.server = server
        self.to = server.user

    def set(self, **settings):
        for key, value in settings.items():
            self.server.command("set", "trust." + key.replace("_", "-"), value)

    def send(self, address, sender="a@none.test", helo="mx.good.test", **more):
        return Client(self.server, address, helo).send(sender, self.to, **more)

    def stored(self, mailbox):
        """How many messages, and the header of the last."""
        imap = imaplib.IMAP4("127.0.0.1", self.server.port("IMAP"))
        imap.login(self.server.user, self.server.password)
        n = int(imap.select(mailbox)[1][0] or 0)
        head = imap.fetch(str(n), "(BODY.PEEK[HEADER])")[1][0][1] if n else b""
        imap.logout()
        return n, head.decode()

    def check(self, what, where, words, address, **more):
        before = self.stored(where)[0]
        reply = self.send(address, **more)
        assert reply.startswith("250"), f"{what}: {reply}"
        n, head = self.stored(where)
        assert n == before + 1, f"{what}: not in {where}"
        head = head[:head.index("From:")]
        for word in words:
            assert word in head, f"{what}: no {word!r} in {head}"
        print("ok:", what)
        return head

    def refused(self, what, reply, *words):
        for word in words:
            assert word in reply, f"{what}: no {word!r} in {reply!r}"
        print("ok:", what)


def weights(t):
    head = t.check("good", "INBOX", ["iprev=pass policy.iprev=" + GOOD], GOOD)
    assert "weight" not in head, head
    t.check("no reverse name", "INBOX", [
        "iprev=permerror policy.iprev=" + BARE,
        "(weight 3: no-reverse=2 helo-other=1)"], BARE)
    t.check("a reverse name of another", "INBOX", [
        "iprev=fail", "(weight 3: bad-reverse=2 helo-other=1)"], "127.0.0.6")
    t.check("the DNS fails", "INBOX", ["iprev=temperror"], "127.0.0.7")
    t.check("HELO does not exist", "INBOX", [
        "(weight 4: no-reverse=2 helo-unknown=2)"], BARE, helo="nobody.test")
    t.check("HELO is no name", "INBOX", [
        "(weight 4: no-reverse=2 helo-bad=2)"], BARE, helo="printer")
    t.check("HELO is an address", "INBOX", ["(weight 2: no-reverse=2)"],
            BARE, helo=f"[{BARE}]")
    t.check("too much: Junk", "Junk", [
        "(weight 6: no-reverse=2 helo-unknown=2 spf-fail=2)"], BARE,
        helo="nobody.test", sender="a@strict.test")
    t.set(networks="127.0.0.5/32")
    head = t.check("of a trusted network", "INBOX", ["spf=fail"], BARE,
                   helo="nobody.test", sender="a@strict.test")
    assert "iprev" not in head, head
    t.set(networks="")
    t.set(refuse_weight="4")
    reply = t.send(BARE, helo="nobody.test")
    t.refused("refused at DATA", reply, "550 5.7.1", "has no name (PTR)",
              "HELO name has no address")
    reply = t.send(BARE, helo="nobody.test", chunking=True)
    t.refused("refused after BDAT", reply, "550 5.7.1", "has no name (PTR)")
    trace = t.server.command("trace", t.to).stdout
    assert "weight=4 (no-reverse=2 helo-unknown=2)" in trace, trace
    t.check("less is taken", "INBOX", ["weight 3"], BARE)
    t.set(refuse_weight="0")


def lists(t, dns):
    t.set(dnsbl="zen.test:127.0.0.2-7=6 other.test:127.0.0.2-7=50 "
          "blocked.test=50 white.test:127.0.*.3=-7")
    t.check("listed", "Junk", ["iprev=pass", "(weight 6: zen.test=6)"], LISTED)
    t.check("listed by a white one, too", "INBOX", [
        "(weight -1: zen.test=6 white.test=-7)",
        "dnswl=pass dns.zone=white.test policy.ip=127.0.5.3"], WHITE)
    log = (t.server.folder / "log").read_text()
    assert "dnsbl.refuses list=blocked.test answer=127.255.255.254" in log, log
    dns.zones["1.0.0.127.zen.test"] = {"A": ["127.0.0.2"]}
    t.server.command("set", "dns.timeout", "2s")  # and what was learnt goes
    t.check("a list that lists everybody", "INBOX", ["iprev=pass"], LISTED)
    assert "dnsbl.lists-everybody list=zen.test" in \
        (t.server.folder / "log").read_text()
    # A list that does not answer holds nothing up for longer than is set.
    t.set(dnsbl="silent.test=50", client_time="1s", greylist="suspicious")
    begin = time.monotonic()
    t.check("a silent list", "INBOX", [], LISTED)
    assert time.monotonic() - begin < 20, "waited too long"
    # Who sends the text while DATA waits for an answer has no session any more.
    t.server.command("set", "dns.timeout", "30s")
    t.set(client_time="60s")
    client = Client(t.server, "127.0.0.3")
    client.lines.smtp("MAIL FROM:<a@none.test>", 250)
    client.lines.smtp(f"RCPT TO:<{t.to}>", 250)
    client.lines.send(b"DATA\r\n")
    client.lines.send(b"NOOP\r\n.\r\nNOOP\r\n")
    reply = client.lines.smtp_reply()
    t.refused("text before 354", reply, "503 5.5.0")
    assert client.lines.line() == b"", "the session goes on"
    t.server.command("set", "dns.timeout", "2s")
    t.set(dnsbl="", client_time="30s", greylist="off")
    bad = t.server.command("set", "trust.dnsbl", "zen.test", check=False)
    assert bad.returncode != 0 and "zen.example=5" in bad.stderr, bad.stderr


def greylisting(t):
    # Long enough that nothing comes back in time by chance.
    t.set(greylist="on", greylist_delay="1h")
    reply = t.send(GOOD)
    t.refused("a new sender", reply, "451 4.7.1", "in 60 minutes", "greylisting")
    t.refused("comes again too early", t.send(GOOD), "451 4.7.1")
    t.refused("by BDAT", t.send(GOOD, sender="b@none.test", chunking=True),
              "451 4.7.1")
    t.refused("the null sender", t.send(GOOD, sender=""), "451 4.7.1")
    for address in MANY:
        reply = t.send(address, sender="a@many.test")
        t.refused("a provider, from " + address, reply, "451 4.7.1")
    trace = t.server.command("trace", t.to).stdout
    assert "greylisting" in trace, trace
    client = Client(t.server, GOOD)
    client.lines.smtp("MAIL FROM:<>", 250)
    client.lines.smtp(f"RCPT TO:<{t.to}>", 250)  # a call-back is not held up
    client.lines.smtp("QUIT", 221)
    # The tries of above were early enough for this delay.
    t.set(greylist_delay="1s")
    time.sleep(1.1)
    t.check("it came again", "INBOX", [], GOOD)
    t.check("and is known", "INBOX", [], GOOD, sender="x@none.test")
    t.set(greylist_delay="1h")
    t.check("still", "INBOX", [], GOOD, chunking=True)
    t.refused("from elsewhere it is not", t.send(WHITE.replace("0.4", "9.4")),
              "451 4.7.1")
    t.set(greylist_delay="1s")
    t.check("a provider comes back from another host", "INBOX", [], "127.0.4.1",
            sender="a@many.test")
    t.set(greylist_delay="1h")
    t.check("and is known by its domain", "INBOX", [], "127.0.77.1",
            sender="somebody@many.test")
    # What was learnt outlives the server.
    t.server.kill()
    t.server.again()
    t.check("after a kill", "INBOX", [], "127.0.78.1", sender="c@many.test")
    client = Client(t.server, "127.0.8.1")
    client.lines.smtp("MAIL FROM:<n@new.test>", 250)
    client.lines.smtp(f"RCPT TO:<{t.to}>", 250)
    client.lines.smtp(f"RCPT TO:<{t.server.env['USER2']}>", 250)
    client.lines.smtp("DATA", 451)
    # The transaction is over, the session goes on.
    client.lines.smtp("DATA", 503)
    client.lines.smtp("MAIL FROM:<n@new.test>", 250)
    print("ok: several recipients")


def suspicious(t):
    t.set(greylist="suspicious")
    t.check("nothing speaks against it", "INBOX", [], GOOD, sender="s@sus.test")
    reply = t.send("127.0.20.1", sender="s@sus.test")
    t.refused("no reverse name", reply, "451 4.7.1")
    trace = t.server.command("trace", "s@sus.test").stdout
    assert "greylisting) weight=3 (no-reverse=2 helo-other=1)" in trace, trace
    t.set(networks="127.0.20.0/24")
    t.check("a trusted one", "INBOX", [], "127.0.20.1", sender="s@sus.test")
    t.set(networks="")
    t.set(greylist="on", dnsbl="white.test=-5")
    t.check("a list speaks for it", "INBOX", [], WHITE, sender="s@w.test")


def people(t):
    """Who signs in is neither weighed nor held up, wherever they are."""
    t.set(greylist="on", refuse_weight="1")
    line = lib.Lines(socket.create_connection(
        ("127.0.0.1", t.server.port("SUBMISSION")), timeout=60,
        source_address=("127.0.30.1", 0)))
    line.smtp_reply()
    line.smtp("EHLO laptop", 250)
    plain = f"\0{t.server.user}\0{t.server.password}".encode()
    line.smtp("AUTH PLAIN " + base64.b64encode(plain).decode(), 235)
    before = t.stored("INBOX")[0]
    reply = lib.send_mail(line, [t.to], f"From: {t.to}\r\n\r\nHello.\r\n".encode(),
                          t.to)
    assert reply.startswith("250"), reply
    n, head = t.stored("INBOX")
    assert n == before + 1 and "Authentication-Results" not in head, head
    t.refused("others are refused", t.send("127.0.30.1"), "550 5.7.1")
    print("ok: people")


def main():
    with dnsd.Server(zones()) as dns, lib.server(
            "dns.servers=" + dns.where, "dns.timeout=1s", "trust.wait-time=30s",
            "trust.client-time=30s", "trust.networks=") as server:
        t = Test(server)
        weights(t)
        lists(t, dns)
        greylisting(t)
        suspicious(t)
        people(t)


if __name__ == "__main__":
    main()
