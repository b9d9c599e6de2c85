#!/usr/bin/python3
"""Between Tinpost, Postfix and Exim: what people send arrives there with SPF,
DKIM and DMARC passing, and what they send arrives here likewise; the reports
of each are understood by the others. Tinpost runs as in production: the
released binary, confined, not as root, with the DNS of /etc/resolv.conf."""

import email
import email.policy
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

import dnsd
import lib
import others

try:
    import dkim
    import spf
except ImportError:
    lib.skip("no python3-dkim, no python3-spf")

HERE, POST, EXIM = "192.0.2.1", "192.0.2.2", "192.0.2.3"
TEXT = "Grüße aus dem Büro.\n.\n..two dots\nFrom here on\n"


def results(message):
    """What the first Authentication-Results says, as one line."""
    found = re.findall(rb"(?im)^Authentication-Results:(.*(?:\r?\n[ \t].*)*)",
                       message)
    return [re.sub(rb"\s+", b" ", f).decode() for f in found]


def parts_of(message):
    """(per-message fields, [per-recipient fields]) of a report."""
    report = email.message_from_bytes(message)
    assert report.get_content_type() == "multipart/report", message
    assert report.get_param("report-type") == "delivery-status", message
    status = [p for p in report.get_payload()
              if p.get_content_type() == "message/delivery-status"]
    assert len(status) == 1, message
    fields = status[0].get_payload()
    return fields[0], fields[1:]


class Test:
    def __init__(self, server, dns, post, exim):
        self.server, self.dns = server, dns
        self.post, self.exim = post, exim
        self.me = server.user

    # --- what clients do

    def write(self, to, subject):
        """Alice writes with neomutt, by submission with STARTTLS."""
        rc = self.server.folder / "muttrc"
        rc.write_text(
            f'set from = "{self.me}"\nset realname = "Alice"\n'
            f'set smtp_url = "smtp://{self.me.replace("@", "%40")}@localhost:'
            f'{self.server.port("SUBMISSION")}"\n'
            f'set smtp_pass = "{self.server.password}"\n'
            f'set ssl_ca_certificates_file = "{self.server.env["CAFILE"]}"\n'
            "set ssl_force_tls = yes\nset record = \"\"\n"
            "set send_charset = utf-8\nset charset = utf-8\n"
            "set use_envelope_from = yes\nset ssl_verify_dates = no\n"
            "set allow_8bit = yes\nset smtp_authenticators = plain\n")
        done = subprocess.run(
            ["neomutt", "-n", "-F", rc, "-s", subject, to], input=TEXT,
            capture_output=True, text=True, timeout=180,
            env={**os.environ, "HOME": str(self.server.folder),
                 "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0, done.stdout + done.stderr

    def submit(self, to, subject, rcpt=""):
        line = self.server.connect("SUBMISSION")
        line.smtp_reply()
        line.smtp("EHLO client.test", 250)
        line.smtp("AUTH PLAIN " + lib.plain(self.server), 235)
        line.smtp(f"MAIL FROM:<{self.me}> RET=HDRS ENVID=e77", 250)
        line.smtp(f"RCPT TO:<{to}>{rcpt}", 250)
        line.smtp("DATA", 354)
        line.send(f"From: <{self.me}>\r\nTo: <{to}>\r\nDate: Mon, 23 Nov 2026 "
                  f"10:00:00 +0000\r\nMessage-ID: <{time.time()}@x.test>\r\n"
                  f"Subject: {subject}\r\n\r\nHello.\r\n.\r\n")
        reply = line.smtp_reply()
        assert reply.startswith("250"), reply

    def swaks(self, other, to, subject, sender=None):
        """Kim writes at the other server, which signs and sends it."""
        host, port = other.submission
        done = subprocess.run(
            ["swaks", "--server", host, "--port", str(port), "--from",
             sender or "kim@" + other.domain, "--to", to, "--header",
             "Subject: " + subject, "--header", "Content-Type: text/plain; "
             "charset=utf-8", "--body", TEXT], capture_output=True, text=True,
            timeout=180)
        assert done.returncode == 0, done.stdout

    def mine(self, what, n=1):
        """Alice's messages, when there are n; all are removed."""
        def got():
            return lib.pop3_messages(self.server, self.me,
                                     self.server.password)
        lib.wait_until(lambda: len(got()) >= n, 180, what)
        found = got()
        assert len(found) == n, (what, found)
        session = lib.pop3_session(self.server, self.me, self.server.password)
        for i in range(n):
            session.pop3(f"DELE {i + 1}")
        session.pop3("QUIT")
        return found

    # --- what implementations of their own say

    def judge(self, message, domain, sender, address):
        """dkimpy and pyspf, by the DNS of the test; alignment is looked at
        here, as p=reject of DMARC asks for."""
        canonical = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        d = dkim.DKIM(canonical)
        good = [i for i in range(canonical.count(b"DKIM-Signature:"))
                if d.verify(idx=i, dnsfunc=self.txt)]
        assert good and d.domain.decode() == domain, (domain, message)
        said = spf.check2(i=address, s=sender, h="mx." + domain)
        assert said[0] == "pass", said

    def txt(self, name, timeout=5):
        name = (name.decode() if isinstance(name, bytes) else name).rstrip(".")
        records = self.dns.zones.get(name, {}).get("TXT", [])
        return records[0].encode() if records else b""


def reaches_postfix(t):
    t.write("kim@post.test", "to Postfix")
    message, = t.post.take("the mail at Postfix")
    said = " ".join(results(message))
    for word in ("dkim=pass", "header.d=example.test", "spf=pass",
                 "dmarc=pass"):
        assert word in said, (word, said)
    assert b"using TLSv1.2" in message, message
    t.judge(message, "example.test", t.me, HERE)
    body = email.message_from_bytes(message, policy=email.policy.default)
    assert body.get_content().replace("\r\n", "\n") == TEXT, message
    assert body["Subject"] == "to Postfix"


def reaches_exim(t):
    t.write("kim@exim.test", "to Exim")
    message, = t.exim.take("the mail at Exim")
    said = " ".join(results(message))
    assert "dkim=pass" in said and "header.d=example.test" in said, said
    t.judge(message, "example.test", t.me, HERE)
    line, = [l for l in t.exim.log().splitlines()
             if "<= " + t.me in l and "for kim@exim.test" in l]
    # X= TLS, K CHUNKING, L pipelining, M8S=8 BODY=8BITMIME
    for word in (" X=TLS1.2", " K", " L", " M8S=8"):
        assert word + " " in line or word + ":" in line or \
            word in line and "=" in word, (word, line)


def comes_from(t, other):
    t.swaks(other, t.me, "from " + other.domain)
    message, = t.mine("the mail from " + other.domain)
    said = results(message)[0]
    assert said.startswith(" mail.example.test"), said
    for word in ("spf=pass", "dkim=pass", "header.d=" + other.domain,
                 "dmarc=pass"):
        assert word in said, (word, said)
    assert b"ESMTPS" in message.split(b"\r\n\r\n")[0], message
    body = email.message_from_bytes(message, policy=email.policy.default)
    assert body.get_content().replace("\r\n", "\n").rstrip("\n") == \
        TEXT.rstrip("\n"), message


def reaches_us(t):
    for other in (t.post, t.exim):
        comes_from(t, other)
    line = [l for l in t.exim.log().splitlines() if "=> " + t.me in l][-1]
    for word in (" X=TLS1.2", " K ", " L "):
        assert word in line, (word, line)


def refused_at_once(t):
    """550 to RCPT: the report is ours, with the words of the other."""
    for to, words in (("nobody@post.test", "User unknown"),
                      ("nobody@exim.test", "There is nobody of this name")):
        t.submit(to, "refused")
        message, = t.mine("our report about " + to)
        first, rcpts = parts_of(message)
        assert first["Reporting-MTA"] == "dns;mail.example.test", first
        assert first["Original-Envelope-Id"] == "e77", first
        r, = rcpts
        assert r["Final-Recipient"] == "rfc822;" + to, r
        assert r["Action"] == "failed" and r["Status"][0] == "5", r
        assert r["Remote-MTA"] == "dns;mx." + to.split("@")[1], r
        assert words in r["Diagnostic-Code"], r


def bounced_later(t):
    """Taken, and given back: the report is theirs, and passes our checks."""
    for to, other in (("late@post.test", t.post), ("late@exim.test", t.exim)):
        t.submit(to, "given back")
        message, = t.mine("the bounce for " + to)
        said = results(message)[0]
        assert "spf=pass" in said and "dmarc=pass" in said, said
        assert re.match(rb"(?i)Return-Path: <>", message), message
        first, rcpts = parts_of(message)
        r, = rcpts
        assert to in r["Final-Recipient"] and r["Action"] == "failed", r
        trace = t.server.command("trace", to).stdout
        assert "sent" in trace, trace


def confirmed(t):
    """NOTIFY=SUCCESS travels along; they confirm."""
    for to in ("kim@post.test", "kim@exim.test"):
        t.submit(to, "please confirm", " NOTIFY=SUCCESS ORCPT=rfc822;kim+2B@x.y")
        other = t.post if "post" in to else t.exim
        other.take("the mail to be confirmed")
        message, = t.mine("the confirmation of " + to)
        first, rcpts = parts_of(message)
        r, = rcpts
        assert r["Action"] == "delivered" and r["Status"][0] == "2", r
        assert first["Original-Envelope-Id"] == "e77", first


def we_bounce(t):
    """They learn of what we refuse, and of what we cannot hand on."""
    for other, next_one in ((t.post, t.exim), (t.exim, t.post)):
        to = "nobody@example.test"
        t.swaks(other, to, "refused here")
        message, = other.take("their report")
        r, = parts_of(message)[1]
        assert r["Action"] == "failed", r
        assert "550 5.1.1 Nobody here" in r["Diagnostic-Code"], r
        alias = f"to-{next_one.domain}@example.test"
        t.server.command("alias", "add", alias, "nobody@" + next_one.domain)
        t.swaks(other, alias, "cannot be handed on")
        message, = other.take("our report at " + other.domain)
        r, = parts_of(message)[1]
        assert r["Action"] == "failed" and alias in str(r), r
        assert re.match(rb"(?si)(.*\n)?Return-Path: <>", message), message
        # Of a domain that has strangers refused: it is signed.
        assert b"DKIM-Signature:" in message, message
        if other is t.post:
            said = " ".join(results(message))
            assert "dkim=pass" in said and "dmarc=pass" in said, said


def handed_on(t):
    """An alias to the outside: SPF by the rewritten sender, DMARC by the
    signature of the author's server, which we leave whole."""
    for other, next_one in ((t.post, t.exim), (t.exim, t.post)):
        alias = f"on-{next_one.domain}@example.test"
        t.server.command("alias", "add", alias, "kim@" + next_one.domain)
        t.swaks(other, alias, "handed on")
        message, = next_one.take("the mail that was handed on")
        said = " ".join(results(message))
        assert "dkim=pass" in said and "header.d=" + other.domain in said, said
        sender = re.search(rb"(?i)Return-Path: <(.*?)>", message)[1].decode()
        assert sender.endswith("@example.test"), sender
        t.judge(message, other.domain, sender, HERE)
        if next_one is t.post:
            assert "spf=pass" in said and "dmarc=pass" in said, said


def forged(t):
    """In the name of a domain, from an address that is not its: we refuse, and
    Postfix refuses what pretends to be ours."""
    line = lib.Lines(socket.create_connection(
        (HERE, 25), timeout=20, source_address=(EXIM, 0)))
    line.smtp_reply()
    line.smtp("EHLO mx.exim.test", 250)
    text = "From: <{0}>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nx\r\n"
    reply = lib.send_mail(line, [t.me], text.format("kim@post.test").encode(),
                          "kim@post.test")
    assert reply.startswith("550 5.7.1"), reply
    line = lib.Lines(socket.create_connection(
        (POST, 25), timeout=20, source_address=(EXIM, 0)))
    line.smtp_reply()
    line.smtp("EHLO mx.exim.test", 250)
    reply = lib.send_mail(line, ["kim@post.test"], text.format(t.me).encode(),
                          t.me)
    assert reply.startswith("550 5.7.1"), reply


def is_confined(server):
    """As in production: a filter of system calls, and not root."""
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines()
                  if ":\t" in line)
    assert fields["Seccomp"] == "2", fields["Seccomp"]
    assert fields["NoNewPrivs"] == "1"
    assert fields["Uid"].split()[0] != "0", fields["Uid"]


def publish(server, dns):
    """Our domain in the DNS: what README.md tells to publish."""
    shown = server.command("dkim", "add", "example.test").stdout
    name = re.search(r"^  name   (\S+)$", shown, re.M)[1]
    value = re.search(r"^  value  (.*)$", shown, re.M)[1]
    dns.zones.update({
        "example.test": {"MX": ["10 mail.example.test"],
                         "TXT": ["v=spf1 mx -all"]},
        "mail.example.test": {"A": [HERE], "TXT": ["v=spf1 a -all"]},
        "_dmarc.example.test": {"TXT": ["v=DMARC1; p=reject"]},
        name: {"TXT": [value]},
    })


def main():
    lib.need("postfix", "/usr/sbin/opendkim", "/usr/sbin/opendmarc", "neomutt",
             "swaks", "openssl")
    if not others.EXIM.exists():
        lib.skip("no Exim in build/peers: make setup")
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        folder.chmod(0o755)
        others.enter_namespace(folder, (HERE, POST, EXIM))
        post = others.Postfix(folder / "postfix", "post.test", POST)
        exim = others.Exim(folder / "exim", "exim.test", EXIM)
        zones = {**post.zones(), **exim.zones()}
        for address, name in ((HERE, "mail.example.test"),
                              (POST, "mx.post.test"), (EXIM, "mx.exim.test")):
            zones[".".join(reversed(address.split("."))) + ".in-addr.arpa"] = {
                "PTR": [name]}
        with dnsd.Server(zones, others.NAMESERVER, 53) as dns, lib.server(
                "listen.addresses=127.0.0.1 " + HERE, "port.smtp=25",
                "queue.route=mx", "queue.source=" + HERE, "dns.servers=",
                env=lib.RELEASE, folder=folder) as server:
            server.stop()
            for path in [server.folder, *server.folder.glob("**/*")]:
                shutil.chown(path, "nobody", "nogroup")
            server.again()
            is_confined(server)
            publish(server, dns)
            t = Test(server, dns, post, exim)
            post.start()
            exim.start()
            try:
                for test in (reaches_postfix, reaches_exim, reaches_us,
                             refused_at_once, bounced_later, confirmed,
                             we_bounce, handed_on, forged):
                    test(t)
                    print("ok", test.__name__, flush=True)
            except BaseException:
                print(server.command("queue", "list").stdout)
                print((server.folder / "log").read_text()[-6000:])
                print(post.log()[-6000:], exim.log()[-3000:])
                raise
            finally:
                exim.stop()
                post.stop()
            asked = {entry[0] for entry in dns.log}
            assert all(re.search(r"(\.test|\.arpa|^test)$", a) for a in asked), \
                asked
            assert "The store is whole." in server.command("check").stdout


if __name__ == "__main__":
    main()
