#!/usr/bin/env python3
"""Out through a provider: AUTH over verified TLS, on 587 and 465; each sender
and each domain by the relay that is set for it; never to a host that cannot
prove its name, never a password in the clear; the messages of an hour; and a
refusal of the sender's address, told in plain words."""

import base64
import email
import pathlib
import tempfile
import time

import dnsd
import lib
import secure

PASSWORD = "pass word/1+x"
LOGIN = "office@provider.test"
ALL, BOSS, SHOP, FALSE = "127.0.0.5", "127.0.0.6", "127.0.0.7", "127.0.0.8"


class Provider(secure.Mx):
    """Takes mail from who has signed in over TLS; mail: what it says to a
    sender, from the text of the MAIL command."""

    def __init__(self, address, context, mechanisms, is_implicit=False):
        self.mechanisms, self.is_implicit = mechanisms, is_implicit
        self.is_bare = False  # has lost its STARTTLS
        self.mail = lambda line: "250 2.1.0 fine"
        self.senders = []
        super().__init__(address, context)

    def talk(self, peer):
        is_tls, is_known = self.is_implicit, False
        if is_tls:
            peer = self.context.wrap_socket(peer, server_side=True)
        file = peer.makefile("rwb")

        def say(text):
            file.write(text.encode() + b"\r\n")
            file.flush()

        def decode(text):
            return base64.b64decode(text).decode()

        say("220 provider")
        while line := file.readline():
            line = line.decode().strip()
            self.lines.append(line)
            words = line.split(" ")
            if words[0] == "EHLO":
                offers = ["provider", "8BITMIME"]
                offers += ["AUTH " + self.mechanisms] \
                    if is_tls or self.is_bare else []
                offers += ["STARTTLS"] if not is_tls and not self.is_bare \
                    else []
                say("\r\n".join("250-" + o for o in offers) + "\r\n250 SIZE")
            elif words[0] == "STARTTLS":
                say("220 go")
                peer = self.context.wrap_socket(peer, server_side=True)
                file, is_tls = peer.makefile("rwb"), True
            elif words[:2] == ["AUTH", "PLAIN"]:
                is_known = decode(words[2]) == f"\0{LOGIN}\0{PASSWORD}"
                say("235 2.7.0 welcome" if is_known else "535 5.7.8 wrong")
            elif words[:2] == ["AUTH", "LOGIN"]:
                if len(words) == 2:
                    say("334 VXNlcm5hbWU6")
                    words.append(file.readline().decode().strip())
                say("334 UGFzc3dvcmQ6")
                is_known = decode(words[2]) == LOGIN and \
                    decode(file.readline().decode()) == PASSWORD
                say("235 2.7.0 welcome" if is_known else "535 5.7.8 wrong")
            elif words[0] == "MAIL":
                reply = self.mail(line) if is_known else \
                    "530 5.7.0 Sign in first"
                say(reply)
            elif words[0] == "DATA":
                say("354 go")
                text = b""
                while (part := file.readline()) not in (b".\r\n", b""):
                    text += part
                self.got.append((is_tls, text))
                say("250 2.0.0 taken")
            elif words[0] == "QUIT":
                say("221 bye")
                return
            else:
                say("250 2.0.0 ok")


def submit(s, to, subject, user=None, password=None):
    user, password = user or s.user, password or s.password
    line = s.connect("SUBMISSION")
    line.smtp_reply()
    line.smtp("EHLO client.test", 250)
    line.smtp("AUTH PLAIN " + base64.b64encode(
        f"\0{user}\0{password}".encode()).decode(), 235)
    reply = lib.send_mail(
        line, [to], f"From: <{user}>\r\nSubject: {subject}\r\n\r\nx\r\n"
        .encode(), user)
    assert reply.startswith("250"), reply
    line.close()


def listing(s):
    return s.command("queue", "list").stdout


def subjects(p):
    return [email.message_from_bytes(text)["Subject"] for _, text in p.got]


def arrives(s, p, subject):
    lib.wait_until(lambda: subject in subjects(p), 30,
                   subject + ": " + listing(s))
    assert all(is_tls for is_tls, _ in p.got)
    lib.wait_until(lambda: "0 messages wait" in listing(s) or
                   "Nothing" in listing(s), 20, listing(s))


def every_way(s, p):
    """By sender, by recipient's domain, the rest; the most particular rule."""
    submit(s, "kim@far.test", "all mail")
    arrives(s, p[ALL], "all mail")
    submit(s, "kim@shop.test", "to a domain")
    arrives(s, p[SHOP], "to a domain")
    submit(s, "kim@shop.test", "of a sender", s.env["USER2"], s.env["PASS2"])
    arrives(s, p[BOSS], "of a sender")
    assert [len(p[a].got) for a in (ALL, SHOP, BOSS)] == [1, 1, 1]
    assert any(l.startswith("AUTH PLAIN") for l in p[ALL].lines)
    assert any(l.startswith("AUTH LOGIN") for l in p[SHOP].lines)
    assert "STARTTLS" not in p[BOSS].lines  # TLS from the first byte


def who_cannot_prove_it(s, p):
    """A certificate of nobody we trust: the mail waits, the password stays."""
    submit(s, "kim@false.test", "to a false host")
    lib.wait_until(lambda: "certificate" in listing(s) or
                   "trusted" in listing(s), 30, listing(s))
    assert not p[FALSE].got
    assert not any("AUTH" in l for l in p[FALSE].lines), p[FALSE].lines
    assert "ca-file" in s.command("settings").stdout
    s.command("queue", "drop", listing(s).split()[0])


def without_tls(s, p):
    """STARTTLS was taken away on the road: no password, no mail."""
    p[ALL].is_bare = True
    p[ALL].lines.clear()
    submit(s, "kim@far.test", "stripped")
    lib.wait_until(lambda: "TLS" in listing(s), 30, listing(s))
    assert not any("AUTH" in l or "MAIL" in l for l in p[ALL].lines)
    p[ALL].is_bare = False
    s.command("queue", "retry")
    arrives(s, p[ALL], "stripped")


def a_wrong_password(s, p):
    """It waits, with the provider's words; set right, it goes."""
    s.command("relay", "login", "*", LOGIN, "--password-file", "-",
              stdin="wrong\n")
    submit(s, "kim@far.test", "wrong password")
    lib.wait_until(lambda: "535 5.7.8 wrong" in listing(s), 30, listing(s))
    s.command("relay", "login", "*", LOGIN, "--password-file", "-",
              stdin=PASSWORD + "\n")
    s.command("queue", "retry")
    arrives(s, p[ALL], "wrong password")


def the_sender_is_refused(s, p):
    """Providers take mail of their own addresses only."""
    p[ALL].mail = lambda line: "553 5.7.1 Sender address not owned by user" \
        if s.user in line else "250 2.1.0 fine"
    submit(s, "kim@far.test", "not my address")
    lib.wait_until(lambda: len(lib.pop3_messages(s, s.user, s.password)) == 1,
                   30, "the report")
    report = email.message_from_bytes(
        lib.pop3_messages(s, s.user, s.password)[0])
    words = report.get_payload()[0].get_payload()
    assert "Sender address not owned by user" in words, words
    assert s.user in words and "provider" in words.lower(), words
    status = report.get_payload()[1].get_payload()[1]
    assert status["Status"] == "5.7.1" and status["Action"] == "failed"
    p[ALL].mail = lambda line: "250 2.1.0 fine"


def so_many_an_hour(s, p):
    """Two an hour: the third waits, and does not count as a failure."""
    s.command("relay", "add", "to:shop.test", "smtp.shop.test", "--port",
              str(Provider.port), "--limit", "2")
    s.command("relay", "login", "to:shop.test", LOGIN, "--password-file", "-",
              stdin=PASSWORD + "\n")
    assert "2 messages an hour" in s.command("relay", "list").stdout
    before = len(p[SHOP].got)
    for i in range(4):
        submit(s, "kim@shop.test", f"hourly {i}")
    lib.wait_until(lambda: len(p[SHOP].got) == before + 2, 30, listing(s))
    time.sleep(1)
    assert len(p[SHOP].got) == before + 2
    assert "2 messages wait" in listing(s), listing(s)
    s.stop()
    s.again()
    s.command("queue", "retry")
    time.sleep(1)
    assert len(p[SHOP].got) == before + 2, "the count survives a restart"
    s.command("relay", "remove", "to:shop.test")
    s.command("relay", "add", "to:shop.test", "smtp.shop.test", "--port",
              str(Provider.port))
    s.command("relay", "login", "to:shop.test", LOGIN, "--password-file", "-",
              stdin=PASSWORD + "\n")
    s.command("queue", "retry")
    lib.wait_until(lambda: len(p[SHOP].got) == before + 4, 30, listing(s))


def main():
    lib.need("openssl")
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        ca = secure.Authority(folder)
        other = secure.Authority(folder, "other")
        p = {
            ALL: Provider(ALL, ca.context("smtp.provider.test"), "PLAIN LOGIN"),
            SHOP: Provider(SHOP, ca.context("smtp.shop.test"), "LOGIN"),
            BOSS: Provider(BOSS, ca.context("smtp.boss.test"), "PLAIN", True),
            FALSE: Provider(FALSE, other.context("smtp.false.test"), "PLAIN"),
        }
        names = {ALL: "smtp.provider.test", SHOP: "smtp.shop.test",
                 BOSS: "smtp.boss.test", FALSE: "smtp.false.test"}
        zones = {name: {"A": [a]} for a, name in names.items()}
        with dnsd.Server(zones) as dns, lib.server(
                "queue.route=relay", "dns.servers=" + dns.where) as s:
            ca.trust(s)
            port = str(Provider.port)
            for scope, a, *more in (
                    ("*", ALL), ("to:shop.test", SHOP),
                    ("from:" + s.env["USER2"], BOSS, "--tls", "implicit"),
                    ("to:false.test", FALSE)):
                s.command("relay", "add", scope, names[a], "--port", port,
                          *more)
                s.command("relay", "login", scope, LOGIN, "--password-file",
                          "-", stdin=PASSWORD + "\n")
            assert PASSWORD not in s.command("relay", "list").stdout
            for test in (every_way, who_cannot_prove_it, without_tls,
                         a_wrong_password, the_sender_is_refused,
                         so_many_an_hour):
                test(s, p)
                print("ok", test.__name__, flush=True)
            assert "The store is whole." in s.command("check").stdout
            assert PASSWORD not in (s.folder / "log").read_text()


if __name__ == "__main__":
    main()
