#!/usr/bin/env python3
"""The outbound queue between servers of this machine: what is sent, deferred,
given up and reported, with a receiving server that stalls, closes, and answers
4xx and 5xx at each step; kill -9 at random moments loses and doubles nothing."""

import email
import os
import random
import socket
import threading
import time

import dnsd
import lib

KILLS = int(os.environ.get("TINPOST_KILLS", "8"))


class Sink(threading.Thread):
    """A receiving server on 127.0.0.x. `plan` maps a step (banner, EHLO, MAIL,
    RCPT, DATA, end) to a list of what to do at the next times: a reply,
    "close", "stall"; without any it is a good server."""

    def __init__(self, address, extensions=("PIPELINING", "DSN", "8BITMIME")):
        super().__init__(daemon=True)
        self.extensions = extensions
        self.plan, self.got, self.lines = {}, [], []
        self.n_connections = 0
        self.peers = set()
        self.taken = []  # [body, did the client go on after the reply?]
        self.most, self.n_open = 0, 0
        self.pause = 0
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, getattr(Sink, "port", 0)))
        Sink.port = self.listener.getsockname()[1]
        self.listener.listen(50)
        self.start()

    def run(self):
        while True:
            try:
                peer, address = self.listener.accept()
            except OSError:
                return
            self.n_connections += 1
            self.peers.add(address[0])
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def step(self, peer, name, reply):
        """Answer a step; False: the connection is over."""
        said = self.answer(peer, name, reply)
        return said is not None and said[0] in "23"

    def serve(self, peer):
        with self.lock:
            self.n_open += 1
            self.most = max(self.most, self.n_open)
        try:
            self.talk(peer, peer.makefile("rb"))
        except OSError:
            pass
        with self.lock:
            self.n_open -= 1
        peer.close()

    def talk(self, peer, lines):
        if not self.step(peer, "banner", "220 sink"):
            return
        sender, to, last = None, [], [b"", False]
        for line in lines:
            last[1] = True
            line = line.decode("latin-1").rstrip("\r\n")
            self.lines.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                reply = "\r\n".join(
                    ["250-sink"] + ["250-" + e for e in self.extensions] +
                    ["250 SIZE"])
                if not self.step(peer, "EHLO", reply):
                    return
            elif verb == "MAIL":
                to, sender = [], None
                said = self.answer(peer, "MAIL", "250 2.1.0 ok")
                if said is None:
                    return
                sender = line if said[0] == "2" else None
            elif verb == "RCPT":
                if sender is None:
                    peer.sendall(b"503 5.5.1 no sender\r\n")
                    continue
                said = self.answer(peer, "RCPT", "250 2.1.5 ok")
                if said is None:
                    return
                if said[0] == "2":
                    to.append(line)
            elif verb == "DATA":
                if not to:
                    peer.sendall(b"503 5.5.1 nobody\r\n")
                    continue
                if not self.step(peer, "DATA", "354 go on"):
                    return
                body = b""
                for part in lines:
                    if part == b".\r\n":
                        break
                    body += part
                else:
                    return
                time.sleep(self.pause)
                with self.lock:
                    planned = self.plan.get("end", [])
                    what = planned.pop(0) if planned else "250 2.0.0 taken"
                    if what[0] == "2":
                        self.got.append((sender, list(to), body))
                        last = [body, False]
                        self.taken.append(last)
                if what == "close":
                    return
                peer.sendall((what + "\r\n").encode())
            elif verb == "QUIT":
                peer.sendall(b"221 bye\r\n")
                return
            else:
                peer.sendall(b"250 2.0.0 ok\r\n")

    def answer(self, peer, name, reply):
        """The reply that was given; None: the connection is over."""
        with self.lock:
            planned = self.plan.get(name, [])
            what = planned.pop(0) if planned else reply
        if what == "stall":
            time.sleep(60)
        if what in ("close", "stall"):
            return None
        peer.sendall((what + "\r\n").encode())
        return what


def submit(s, to, text="x", mail="", rcpt=""):
    """Send by submission as the first person."""
    line = s.connect("SUBMISSION")
    line.smtp_reply()
    line.smtp("EHLO client.test", 250)
    line.smtp("AUTH PLAIN " + plain(s), 235)
    line.smtp(f"MAIL FROM:<{s.user}>{mail}", 250)
    for one in to:
        line.smtp(f"RCPT TO:<{one}>{rcpt}", 250)
    line.smtp("DATA", 354)
    line.send(f"From: <{s.user}>\r\nSubject: {text}\r\n\r\n{text}\r\n.\r\n".encode())
    reply = line.smtp_reply()
    assert reply.startswith("250"), reply
    line.close()


def plain(s):
    import base64
    return base64.b64encode(
        f"\0{s.user}\0{s.password}".encode()).decode()


def retry(s):
    s.command("queue", "retry")


def waits(s):
    """How many messages wait."""
    return int(s.command("queue", "list").stdout.split("\n")[-2].split()[0])


def reports(s, n):
    """The first person's mail when there are n; all is removed."""
    lib.wait_until(lambda: s.command("status") and count(s) >= n, 20,
                   f"{n} reports")
    return [email.message_from_bytes(m) for m in lib.pop3_messages(
        s, s.user, s.password)]


def count(s):
    session = lib.pop3_session(s, s.user, s.password)
    n = int(session.pop3("STAT").split()[1])
    session.pop3("QUIT")
    return n


def purge(s):
    session = lib.pop3_session(s, s.user, s.password)
    for i in range(int(session.pop3("STAT").split()[1])):
        session.pop3(f"DELE {i + 1}")
    session.pop3("QUIT")


def parts_of(report):
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    words, status, original = report.get_payload()
    assert status.get_content_type() == "message/delivery-status"
    fields = status.get_payload()
    return words.get_payload(), fields[0], fields[1:], original


def delivers(s, sink):
    submit(s, ["kim@far.test", "lee@far.test"], "hello",
           " RET=HDRS ENVID=QQ314159", " NOTIFY=SUCCESS,FAILURE")
    lib.wait_until(lambda: len(sink.got) == 1, 20, "the mail at the sink")
    sender, to, body = sink.got.pop()
    assert len(to) == 2, to
    assert "ENVID=QQ314159" in sender and "RET=HDRS" in sender, sender
    assert "NOTIFY=SUCCESS,FAILURE" in to[0], to
    assert b"Return-Path" not in body and b"Received:" in body, body
    lib.wait_until(lambda: waits(s) == 0, 10, "an empty queue")
    trace = s.command("trace", "kim@far.test").stdout
    assert "queued" in trace and "sent" in trace, trace


def one_connection_for_many(s, sink):
    before = sink.n_connections
    sink.plan["banner"] = ["421 4.3.2 later"]
    for i in range(30):
        submit(s, [f"u{i}@far.test"], f"many {i}")
    lib.wait_until(lambda: not sink.plan["banner"], 20, "a refusal")
    time.sleep(0.5)
    assert sink.n_connections == before + 1, "one try, then held back"
    retry(s)
    lib.wait_until(lambda: len(sink.got) == 30, 30, "30 mails")
    assert sink.n_connections <= before + 5, sink.n_connections - before
    assert sink.most <= 3, sink.most
    sink.got.clear()
    lib.wait_until(lambda: waits(s) == 0, 10, "an empty queue")


def troubles_at_each_step(s, sink):
    """Each temporary trouble keeps the mail; a retry delivers it, once."""
    for step in ("banner", "EHLO", "MAIL", "RCPT", "DATA", "end"):
        for what in ("451 4.3.0 not now", "close"):
            sink.plan[step] = [what]
            submit(s, ["kim@far.test"], f"{step} {what}")
            lib.wait_until(lambda: not sink.plan[step], 20, step)
            lib.wait_until(lambda: "451" in list_of(s) or what == "close", 10,
                           f"the words of {step}: " + list_of(s))
            time.sleep(0.2)
            assert waits(s) == 1, (step, what)
            assert not sink.got, (step, what)
            retry(s)
            lib.wait_until(lambda: len(sink.got) == 1, 20, f"{step} {what}")
            lib.wait_until(lambda: waits(s) == 0, 10, "an empty queue")
            sink.got.clear()


def list_of(s):
    return s.command("queue", "list").stdout


def failures_are_told(s, sink):
    purge(s)
    sink.plan["RCPT"] = ["550 5.1.1 No such user here, sorry"]
    submit(s, ["nobody@far.test", "kim@far.test"], "two",
           " RET=HDRS ENVID=a+2Bb", "")
    lib.wait_until(lambda: len(sink.got) == 1, 20, "the other's mail")
    sink.got.clear()
    report = reports(s, 1)[0]
    words, message, rcpts, original = parts_of(report)
    assert message["Original-Envelope-Id"] == "a+b", message
    assert message["Reporting-MTA"].startswith("dns;"), message
    assert message["Arrival-Date"], message
    assert len(rcpts) == 1
    assert rcpts[0]["Final-Recipient"] == "rfc822;nobody@far.test"
    assert rcpts[0]["Action"] == "failed"
    assert rcpts[0]["Status"] == "5.1.1"
    assert rcpts[0]["Remote-MTA"] == "dns;mx.far.test"
    assert "No such user here, sorry" in rcpts[0]["Diagnostic-Code"]
    assert original.get_content_type() == "text/rfc822-headers"
    assert "Subject: two" in original.get_payload()
    assert "No such user here" in words
    purge(s)
    # RET=FULL gives it back whole; NEVER says nothing.
    sink.plan["MAIL"] = ["554 5.7.1 go away"]
    submit(s, ["kim@far.test"], "whole", " RET=FULL", "")
    original = parts_of(reports(s, 1)[0])[3]
    assert original.get_content_type() == "message/rfc822"
    assert original.get_payload(0)["Subject"] == "whole"
    purge(s)
    sink.plan["RCPT"] = ["550 5.1.1 no"]
    submit(s, ["kim@far.test"], "never", "", " NOTIFY=NEVER")
    lib.wait_until(lambda: waits(s) == 0, 10, "an empty queue")
    assert count(s) == 0
    # No such domain, and one that takes no mail (RFC 7505).
    submit(s, ["kim@nowhere.test", "kim@null.test"])
    status = sorted(r["Status"] for m in reports(s, 2)
                    for r in parts_of(m)[2])
    assert status == ["5.1.10", "5.1.2"], status
    purge(s)
    # We are the best of its hosts, and do not know it (RFC 5321 5.1).
    submit(s, ["kim@loop.test"])
    rcpt = parts_of(reports(s, 1)[0])[2][0]
    assert rcpt["Status"] == "5.4.6", rcpt
    purge(s)


def relayed_without_dsn(s, plain_sink):
    submit(s, ["kim@plain.test"], "confirm", "", " NOTIFY=SUCCESS")
    report = reports(s, 1)[0]
    rcpt = parts_of(report)[2][0]
    assert rcpt["Action"] == "relayed", rcpt
    assert len(plain_sink.got) == 1
    assert "NOTIFY" not in plain_sink.got[0][1][0]
    purge(s)


def delays_and_ends(s, sink):
    s.command("set", "queue.delay-notice", "1s")
    sink.plan["RCPT"] = ["450 4.2.1 busy box"] * 2
    submit(s, ["kim@far.test"], "late")
    report = reports(s, 1)[0]
    rcpt = parts_of(report)[2][0]
    assert rcpt["Action"] == "delayed" and rcpt["Status"] == "4.2.1", rcpt
    assert rcpt["Will-Retry-Until"]
    purge(s)
    line = [l for l in list_of(s).split("\n") if "to go" in l][0]
    s.command("queue", "expire", line.split()[0])
    report = reports(s, 1)[0]
    words, _, rcpts, _ = parts_of(report)
    assert rcpts[0]["Action"] == "failed", rcpts[0]
    assert "busy box" in words, words
    s.command("unset", "queue.delay-notice")
    sink.plan["RCPT"] = []
    purge(s)
    assert waits(s) == 0


def by_hand(s, sink):
    s.command("set", "queue.route", "relay") # nothing goes by MX
    submit(s, ["kim@far.test"], "held")
    line = [l for l in list_of(s).split("\n") if "to go" in l][0]
    number = line.split()[0]
    s.command("queue", "hold", number)
    assert "held" in list_of(s)
    assert "kim@far.test" in s.command("queue", "show", number).stdout
    s.command("set", "queue.route", "mx")
    retry(s)
    time.sleep(0.3)
    assert not sink.got
    s.command("queue", "release", number)
    retry(s)
    lib.wait_until(lambda: len(sink.got) == 1, 20, "the released mail")
    sink.got.clear()
    s.command("set", "queue.route", "relay")
    submit(s, ["kim@far.test"], "dropped")
    line = [l for l in list_of(s).split("\n") if "to go" in l][0]
    s.command("queue", "drop", line.split()[0])
    assert waits(s) == 0
    s.command("set", "queue.route", "mx")


def through_a_relay(s, relay):
    s.command("relay", "add", "to:provider.test", "127.0.0.4",
              "--port", str(Sink.port), "--tls", "never")
    assert "127.0.0.4" in s.command("relay", "list").stdout
    submit(s, ["kim@provider.test"], "by relay")
    lib.wait_until(lambda: len(relay.got) == 1, 20, "mail at the relay")
    # The provider's refusal of the sender is told in plain words, too.
    purge(s)
    relay.plan["MAIL"] = ["553 5.7.1 Not owned by user"]
    submit(s, ["kim@provider.test"], "refused")
    words = parts_of(reports(s, 1)[0])[0]
    assert "Not owned by user" in words, words
    assert "does not let you send mail as " + s.user in words, words
    assert "queue.sender_refused" in (s.folder / "log").read_text()
    purge(s)
    s.command("relay", "remove", "to:provider.test")


def no_more_than_a_provider_takes(s, relay):
    """Its messages an hour; a restart is no new hour."""
    s.command("relay", "add", "to:limited.test", "127.0.0.4", "--port",
              str(Sink.port), "--tls", "never", "--limit", "2")
    relay.got.clear()
    for i in range(3):
        submit(s, [f"kim{i}@limited.test"], f"limited {i}")
    lib.wait_until(lambda: len(relay.got) == 2, 20, "two at the relay")
    lib.wait_until(lambda: "limit of messages" in list_of(s), 20, "the limit")
    s.stop()
    s.again()
    submit(s, ["kim3@limited.test"], "limited 3")
    retry(s)
    lib.wait_until(lambda: "limit of messages" in list_of(s), 20, "the limit")
    assert len(relay.got) == 2, relay.got
    s.command("relay", "add", "to:limited.test", "127.0.0.4", "--port",
              str(Sink.port), "--tls", "never")
    retry(s)
    lib.wait_until(lambda: len(relay.got) == 4, 20, "all at the relay")
    s.command("relay", "remove", "to:limited.test")
    relay.got.clear()
    purge(s)


def leaves_from(s, sink):
    """The address that a setting names, for those of its family."""
    s.command("set", "queue.source", "127.0.0.77 ::1")
    sink.peers.clear()
    submit(s, ["kim@far.test"], "from 77")
    lib.wait_until(lambda: len(sink.got) == 1, 20, "the mail")
    assert sink.peers == {"127.0.0.77"}, sink.peers
    s.command("unset", "queue.source")
    sink.got.clear()


def aliases_lead_out(s, sink):
    s.command("alias", "add", "both@example.test", s.user, "kim@far.test")
    line = lib.smtp_session(s)
    reply = lib.send_mail(line, ["both@example.test"],
                          b"Subject: fwd\r\n\r\nx\r\n")
    assert reply.startswith("250"), reply
    lib.wait_until(lambda: len(sink.got) == 1, 20, "the forwarded mail")
    assert count(s) == 1
    assert "ORCPT=rfc822;both@example.test" in sink.got[0][1][0], sink.got
    sink.got.clear()
    purge(s)


def all_or_none_behind_an_alias(s, sink):
    """A recipient that is refused, for more people stand behind it than fit
    into one message, is refused for all of them."""
    for half in (0, 1):
        s.command("alias", "add", f"crowd{half}@example.test",
                  *(f"a-rather-long-name-{half}-{i}@far.test"
                    for i in range(400)))
    s.command("alias", "add", "crowd@example.test", "crowd0@example.test",
              "crowd1@example.test")
    line = s.connect("SMTP")
    line.smtp_reply()
    line.smtp("EHLO client.test", 250)
    line.smtp("MAIL FROM:<someone@far.test>", 250)
    line.smtp("RCPT TO:<crowd@example.test>", "452 4.5.3")
    line.smtp(f"RCPT TO:<{s.user}>", 250)
    line.smtp("DATA", 354)
    line.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
    assert line.smtp_reply().startswith("250")
    line.close()
    assert waits(s) == 0 and not sink.got, list_of(s)
    purge(s)


def down_for_long(s, sink):
    """No busy loop while a destination is down."""
    sink.stop()
    for i in range(20):
        submit(s, [f"u{i}@far.test"], f"down {i}")
    time.sleep(1)
    before = turns(s)
    time.sleep(5)
    assert turns(s) - before < 60, turns(s) - before
    assert waits(s) == 20


def turns(s):
    for line in s.command("status").stdout.split("\n"):
        if line.startswith("turns"):
            return int(line.split()[-1])


def kills(s, sink):
    """Every submitted mail arrives; twice only where a kill took the reply:
    the copy before was the last on its connection, which then said nothing
    more. A client that has read the reply says QUIT, or goes on."""
    sink.pause = 0.01
    sink.taken.clear()
    rng = random.Random(5)
    offered, n = set(), 0
    for round_ in range(KILLS):
        try:
            for i in range(rng.randrange(5, 25)):
                n += 1
                submit(s, [f"k{n}@far.test"], f"kill-{n}")
                offered.add(f"kill-{n}")
        except (OSError, AssertionError):
            pass
        time.sleep(rng.random() * 0.2)
        s.kill()
        s.again()
    retry(s)
    lib.wait_until(lambda: waits(s) == 0, 60, "an empty queue")
    arrived = {}
    for body, has_gone_on in sink.taken:
        subject = email.message_from_bytes(body)["Subject"]
        arrived.setdefault(subject, []).append(has_gone_on)
    lost = offered - set(arrived)
    again = [k for k, v in arrived.items() if len(v) > 1]
    wrong = [k for k in again if any(arrived[k][:-1])]
    print(f"{len(offered)} acknowledged over {KILLS} kills, {len(lost)} lost, "
          f"{len(again)} sent again as their reply was lost, {len(wrong)} "
          "without that reason")
    assert not lost, lost
    assert not wrong, wrong
    assert len(again) <= 3 * KILLS, again  # the connections at once
    assert "The store is whole." in s.command("check").stdout
    sink.got.clear()


def main():
    zones = {
        "far.test": {"MX": ["10 mx.far.test"]},
        "mx.far.test": {"A": ["127.0.0.2"]},
        "plain.test": {"A": ["127.0.0.3"]},
        "null.test": {"MX": ["0 ."]},
        "loop.test": {"MX": ["10 mail.example.test", "20 mx.far.test"]},
    }
    sink = Sink("127.0.0.2")
    plain_sink = Sink("127.0.0.3", ("PIPELINING",))
    relay = Sink("127.0.0.4")
    with dnsd.Server(zones) as dns, lib.server(
            "queue.route=mx", f"queue.port={Sink.port}",
            "dns.servers=" + dns.where) as s:
        for test in (delivers, one_connection_for_many, troubles_at_each_step,
                     failures_are_told, delays_and_ends, by_hand,
                     leaves_from, aliases_lead_out,
                     all_or_none_behind_an_alias):
            test(s, sink)
            print("ok", test.__name__, flush=True)
        relayed_without_dsn(s, plain_sink)
        through_a_relay(s, relay)
        no_more_than_a_provider_takes(s, relay)
        kills(s, sink)
        down_for_long(s, sink)


main()
