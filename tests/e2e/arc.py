#!/usr/bin/python3
"""The Authenticated Received Chain in both directions, with Debian's dkimpy as
the other side: chains that it sealed come in, what an alias sends on is sealed
here and verified there, and chains of both go on."""

import re
import socket
import tempfile
import threading

import dnsd
import lib
from dkim_sign import opendkim_passes, records
from judged import Client, HONEST, OTHER, Test, make_key, mail, sign

try:
    import authres  # dkimpy needs it for ARC
    import dkim
except ImportError:
    lib.skip("no python3-dkim with python3-authres")

SINK = "127.0.0.3"
SEALED = [b"from", b"to", b"subject", b"date"]
AUTHOR = "a@reject.test"
PASSED = "spf=pass smtp.mailfrom=a@reject.test; dmarc=pass header.from=reject.test"
SEALERS = ("list.test", "second.test", "evil.test")


class Sink(threading.Thread):
    """A server for far.test, which keeps what it gets."""

    def __init__(self):
        super().__init__(daemon=True)
        self.got = []
        self.listener = socket.create_server((SINK, 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        lines = peer.makefile("rb")
        peer.sendall(b"220 sink\r\n")
        for line in lines:
            verb = line.strip().upper()
            if verb.startswith(b"EHLO"):
                peer.sendall(b"250-sink\r\n250 8BITMIME\r\n")
            elif verb == b"DATA":
                peer.sendall(b"354 go on\r\n")
                text = b""
                for part in lines:
                    if part == b".\r\n":
                        break
                    text += part[1:] if part.startswith(b".") else part
                self.got.append(text)
                peer.sendall(b"250 taken\r\n")
            else:
                peer.sendall(b"250 ok\r\n")
                if verb == b"QUIT":
                    return

    def newest(self, n):
        lib.wait_until(lambda: len(self.got) >= n, 100, "the forwarded mail")
        assert len(self.got) == n
        return self.got[-1]


def zones(record):
    z = {"mx.test": {"A": [HONEST]}, "far.test": {"MX": ["10 mx.far.test"]},
         "mx.far.test": {"A": [SINK]},
         "down._domainkey.list.test": {"TXT": [record], "DO": "servfail"}}
    for name in ("reject.test", "none.test"):
        z[name] = {"TXT": [f"v=spf1 ip4:{HONEST} -all"]}
        z["_dmarc." + name] = {"TXT": ["v=DMARC1; p=" + name.split(".")[0]]}
        z["s._domainkey." + name] = {"TXT": [record]}
    for name in SEALERS:
        z[name] = {"A": [OTHER]}
        z["s._domainkey." + name] = {"TXT": [record]}
    return z


def seal(data, domain, key, results=PASSED, selector="s", host=None):
    """dkimpy's set in front; what results say of arc= becomes cv=."""
    host = host or domain
    data = f"Authentication-Results: {host}; {results}\r\n".encode() + data
    fields = dkim.arc_sign(data, selector.encode(), domain.encode(), key,
                           host.encode(), include_headers=SEALED)
    assert len(fields) == 3
    return b"".join(fields) + data


def sealed_by(key, *domains, data=None, results=PASSED):
    """A chain through these domains, dkimpy content with it."""
    data = data or mail(AUTHOR)
    for i, domain in enumerate(domains):
        data = seal(data, domain, key, results if i == 0 else
                    "arc=pass; dmarc=fail header.from=reject.test")
    return data


def verify(t):
    """What dkimpy sealed, verified here."""
    n = "a@none.test"
    plain = mail(n)
    good = sealed_by(t.key, "list.test", data=plain)
    t.check("no chain", OTHER, n, plain, "INBOX", ["dkim=none"])
    t.check("one set", OTHER, n, good, "INBOX",
            ["arc=pass header.d=list.test header.s=s smtp.remote-ip=" + OTHER])
    t.check("one set, in chunks", OTHER, n, good, "INBOX", ["arc=pass"],
            chunking=True)
    two = sealed_by(t.key, "list.test", "second.test", data=plain)
    t.check("two sets", OTHER, n, two, "INBOX",
            ["arc=pass header.d=second.test"])
    for what, data, why in (
            ("body changed", good.replace(b"Hello.", b"Hello!"),
             "the body was changed"),
            ("header changed", good.replace(b"Subject: x", b"Subject: y"),
             "the header was changed"),
            ("results changed", good.replace(b"dmarc=pass", b"dmarc=none", 1),
             "the header was changed"),
            ("first of two changed", two.replace(b"i=1; list.test", b"i=1; evil.test"),
             "the header was changed"),
            ("no seal", re.sub(rb"ARC-Seal: .*?\r\n(?=\S)", b"", good, flags=re.S),
             "a set is not whole"),
            ("twice", good[:good.index(b"ARC-Message")] + good,
             "a field is there twice"),
            ("a gap", good.replace(b"i=1;", b"i=2;"), "a set is not whole"),
            ("no number", good.replace(b"ARC-Seal: i=1;", b"ARC-Seal: i=x;"),
             "a field without an instance number"),
            ("too many", good.replace(b"i=1;", b"i=51;"), "too many sets"),
            ("cv of the first", good.replace(b"cv=none", b"cv=pass"),
             "a seal says that the chain is broken"),
            ("cv=fail", good.replace(b"cv=none", b"cv=fail"),
             "the chain was broken before"),
            ("h= in the seal", good.replace(b"cv=none", b"h=from; cv=none"),
             "h= in a seal"),
            ("no key", sealed_by(t.key, "reject.test", data=plain).replace(
                b"s=s;", b"s=nokey;"), "there is no key"),
            ("key server down", seal(plain, "list.test", t.key, selector="down"),
             "DNS did not answer")):
        assert data != good
        t.check(what, OTHER, n, data, "INBOX", [f'arc=fail reason="{why}"'])


def believe(t):
    """DMARC fails, and a sealer says that it passed where it came from."""
    good = sealed_by(t.key, "list.test")
    t.check("nobody is believed", OTHER, AUTHOR, good, "550 5.7.1")
    t.server.command("set", "trust.arc-sealers", "x.test List.test second.test")
    t.check("a sealer is believed", OTHER, AUTHOR, good, "INBOX",
            ['dmarc=pass reason="local policy: ARC of list.test"',
             "header.from=reject.test", "policy.dmarc=reject", "arc=pass"])
    t.check("two are believed", OTHER, AUTHOR,
            sealed_by(t.key, "list.test", "second.test"), "INBOX",
            ['dmarc=pass reason="local policy: ARC of list.test"'])
    t.check("not above another", OTHER, AUTHOR,
            sealed_by(t.key, "list.test", "evil.test"), "550 5.7.1")
    t.check("not below another", OTHER, AUTHOR,
            sealed_by(t.key, "evil.test", "list.test"), "550 5.7.1")
    t.check("only what is whole", OTHER, AUTHOR,
            good.replace(b"Hello.", b"Hello!"), "550 5.7.1")
    for results in ("dmarc=fail header.from=reject.test",
                    "dmarc=pass header.from=none.test", "dmarc=pass", "spf=pass",
                    "spf=pass (dmarc=pass header.from=reject.test)",
                    'x=y reason="; dmarc=pass header.from=reject.test"'):
        t.check("results: " + results, OTHER, AUTHOR,
                sealed_by(t.key, "list.test", results=results), "550 5.7.1")
    t.server.command("set", "trust.arc-sealers", "")


def hostile(t):
    n = "a@none.test"
    good = sealed_by(t.key, "list.test", data=mail(n))
    head = good[:good.index(b"Authentication-Results: list")]
    sets = b"".join(head.replace(b"i=1;", b"i=%d;" % i).replace(
        b"cv=none", b"cv=pass" if i > 1 else b"cv=none") for i in range(1, 101))
    for what, data, why in (
            ("100 sets", sets + mail(n), "too many sets"),
            ("50 copies", sets[:sets.index(b"i=51;") - len("ARC-Seal: ")] + mail(n),
             "the header was changed"),
            ("300 of one", head * 100 + mail(n), "a field is there twice"),
            ("a header too large", head + b"X: y\r\n" * 3000 + mail(n),
             "the header is too large")):
        t.check(what, OTHER, n, data, "Junk" if "too large" in what else "INBOX",
                [f'arc=fail reason="{why}"'])
    data = mail(n)
    for i in range(50):
        data = seal(data, "list.test", t.key, "arc=pass" if i else "arc=none",
                    host=f"h{i}.test")
    t.check("50 sets", OTHER, n, data, "INBOX", ["arc=pass"])
    t.check("50 sets, the first is wrong", OTHER, n,
            data.replace(b"i=1; h0.test", b"i=1; h1.test"), "INBOX",
            ["arc=fail"])


def arc_of(data, keys):
    """dkimpy's verdict, and the number of sets that it has seen."""
    def find(name, timeout=5):
        text = keys.get(name.decode().rstrip("."))
        return text.encode() if text else None
    cv, sets, reason = dkim.arc_verify(data, dnsfunc=find)
    print(f"    dkimpy: {cv} {len(sets)} {reason}")
    return cv and cv.decode(), len(sets)


def seals(t, sink, record):
    """What an alias sends on, sealed here and verified by dkimpy."""
    domain = t.server.env["DOMAIN"]
    t.server.command("alias", "add", "both@" + domain, t.server.user, "kim@far.test")
    to, t.to = t.to, "Both@" + domain
    n = "a@none.test"
    signed = sign(mail(n, "Hello.\r\n.. \t x \r\n\r\n\r\n"), "none.test", t.key)
    wire = signed.replace(b"\r\n.", b"\r\n..")
    t.check("without a key", OTHER, n, wire, "INBOX")
    assert b"ARC-" not in sink.newest(1)
    t.server.command("dkim", "add", domain)
    keys = records(t.server, domain)
    for name in SEALERS + ("none.test",):
        keys["s._domainkey." + name] = record
    t.check("sent on", OTHER, n, wire, "INBOX", ["dkim=pass"])
    first = sink.newest(2)
    assert arc_of(first, keys) == ("pass", 1)
    assert b"ARC-Authentication-Results: i=1;" in first and b"cv=none" in first
    assert arc_of(first.replace(b"Hello", b"Hallo"), keys)[0] == "fail"
    # Both signatures, its author's and ours, are in it.
    h = re.search(rb"ARC-Message-Signature:.*?h=(.*?);", first, re.S)[1]
    assert h.count(b"DKIM-Signature") == first.count(b"\r\nDKIM-Signature:") == 2
    assert arc_of(first.replace(b"s=s;", b"s=t;"), keys)[0] == "fail"
    assert arc_of(first.replace(b"spf=fail", b"spf=pass"), keys)[0] == "fail"
    assert arc_of(b"Subject: y\r\n" + first, keys)[0] == "fail"
    # Its author's signature is still good, and ours is.
    ours = first.index(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\td=")
    for part in (first[ours:], first[first.index(signed[:60]):]):
        assert dkim.verify(part, dnsfunc=lambda name, timeout=5: keys[
            name.decode().rstrip(".")].encode())
    assert opendkim_passes(first, keys)
    # A chain that came goes on.
    for i, more in enumerate((("list.test",), ("list.test", "second.test"))):
        data = sealed_by(t.key, *more, data=mail(n))
        t.check(f"{i + 1} before us", OTHER, n, data, "INBOX", ["arc=pass"])
        got = sink.newest(3 + i)
        assert arc_of(got, keys) == ("pass", 2 + i)
        assert b"arc=pass" in got and arc_of(
            got.replace(b"Hello", b"Hallo"), keys)[0] == "fail"
        # And a hop behind us, and back here.
        again = seal(got, "evil.test", t.key, "arc=pass")
        assert arc_of(again, keys) == ("pass", 3 + i)
        t.dns.zones.update({k: {"TXT": [v]} for k, v in keys.items()})
        t.to = to
        fields = t.check("came back", OTHER, n, again, "INBOX", ["arc=pass"])
        t.check("came back, changed", OTHER, n,
                again.replace(b"Hello.", b"Hello,"), "INBOX", ["arc=fail"])
        t.to = "both@" + domain
    # A broken chain is said to be broken, once, by a seal over itself.
    data = sealed_by(t.key, "list.test", data=mail(n)).replace(b"Hello.", b"Hello,")
    t.check("broken before us", OTHER, n, data, "INBOX", ["arc=fail"])
    got = sink.newest(5)
    assert b"ARC-Seal: i=2; a=rsa-sha256; cv=fail;" in got
    cv, sets, _ = dkim.arc_verify(got, dnsfunc=lambda name, timeout=5: keys[
        name.decode().rstrip(".")].encode())
    assert cv != b"pass" and sets[0]["ams-valid"] and sets[0]["instance"] == 2
    t.check("broken and said so", OTHER, n, got, "INBOX",
            ['arc=fail reason="the chain was broken before"'])
    assert sink.newest(6).count(b"ARC-Seal:") == 2
    t.check("no place for more", OTHER, n, sealed_by(t.key, "list.test", data=mail(
        n)).replace(b"i=1;", b"i=50;"), "INBOX", ["arc=fail"])
    assert sink.newest(7).count(b"ARC-Seal:") == 1
    junk = b"DKIM-Signature: v=1; a=rsa-sha256; d=x.test; s=s; h=from; bh=AA==; b=AA==\r\n"
    t.check("1,000 signatures", OTHER, n, junk * 1000 + mail(n), "INBOX")
    got = sink.newest(8)
    assert got.count(junk) == 1000 and b"ARC-" not in got
    # What is refused goes nowhere; who is not judged gets no set.
    t.check("refused", OTHER, AUTHOR, mail(AUTHOR), "550 5.7.1")
    line = lib.smtp_session(t.server)
    assert lib.send_mail(line, ["both@" + domain], mail(n)).startswith("250")
    assert b"ARC-" not in sink.newest(9)
    t.server.command("check")


def main():
    lib.need("openssl", "/usr/sbin/opendkim")
    sink = Sink()
    with tempfile.TemporaryDirectory() as folder:
        key, record = make_key(folder)
        with dnsd.Server(zones(record)) as dns, lib.server(
                "dns.servers=" + dns.where, "trust.wait-time=2m",
                "queue.route=mx",
                f"queue.port={sink.port}") as server:
            t = Test(server, key, None)
            t.dns = dns
            t.n = {m: t.newest(m)[0] for m in t.n}
            verify(t)
            believe(t)
            hostile(t)
            seals(t, sink, record)


if __name__ == "__main__":
    main()
