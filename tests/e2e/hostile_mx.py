#!/usr/bin/env python3
"""Other servers that misbehave at every step of a delivery, each at an address
of its own: they stall, close, refuse, send garbage, or replies without end.
Each message has the outcome that fits, in bounded time, with the host's words;
when the hosts have mended their ways, what was deferred arrives, once."""

import email
import itertools
import re
import selectors
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import dnsd
import lib

STEPS = ("greeting", "EHLO", "STARTTLS", "handshake", "MAIL", "RCPT", "DATA",
         "body", "end", "QUIT")
FAULTS = ("stall", "drip", "close", "4xx", "5xx", "garbage", "endless", "long")
WAIT_S = 4  # of each of our waits
MOST_BYTES = 8 << 20  # that a socket's buffers may swallow of an endless reply
TIMES = ("connect", "greeting", "hello", "mail", "recipient", "data", "block",
         "end")
BIG = b"0123456789 " * 7 + b"\r\n"


class Fault(Exception):
    """The connection is spoilt, and over."""


class Case:
    """One host: where it is, and what it does wrong at which step."""

    def __init__(self, step, fault, is_pipelining):
        self.step, self.fault, self.is_pipelining = step, fault, is_pipelining
        self.name = f"{step}-{fault}" + ("-p" if is_pipelining else "")
        self.domain = self.name.lower() + ".test"
        self.address = f"127.{1 + is_pipelining}.{STEPS.index(step)}." \
            f"{1 + FAULTS.index(fault)}"
        self.taken = []  # the subjects of what was taken
        self.most = 0  # bytes of one reply
        self.n_connections = 0


def expected(case):
    """What becomes of the message: sent, deferred or failed."""
    if case.step == "QUIT":
        return "sent"
    if case.fault == "5xx" and case.step in ("MAIL", "RCPT", "DATA", "body",
                                             "end"):
        return "failed"
    # Opportunistic: whoever cannot do TLS gets the mail without.
    if case.step == "handshake" or case.step == "STARTTLS" and \
            case.fault in ("4xx", "5xx"):
        return "sent"
    return "deferred"


class Hosts(threading.Thread):
    """All of them, on one port."""

    def __init__(self, cases, context):
        super().__init__(daemon=True)
        self.cases, self.context = cases, context
        self.is_good = False
        self.selector = selectors.DefaultSelector()
        self.port = 0
        for case in cases:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            listener.bind((case.address, self.port))
            self.port = listener.getsockname()[1]
            listener.listen(20)
            self.selector.register(listener, selectors.EVENT_READ, case)
        self.start()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                peer, _ = key.fileobj.accept()
                key.data.n_connections += 1
                threading.Thread(target=self.serve, args=(peer, key.data),
                                 daemon=True).start()

    def serve(self, peer, case):
        session = Session(peer, case, self.context, self.is_good)
        try:
            session.talk()
        except (OSError, Fault, ValueError):
            pass
        session.sock.close()


class Session:
    def __init__(self, peer, case, context, is_good):
        self.sock, self.case, self.context = peer, case, context
        self.is_good = is_good
        self.sock.settimeout(60)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        self.lines = peer.makefile("rb")
        self.n_fine = 0  # MAIL and RCPT that were accepted

    def reply(self, step, text):
        """Answer honestly, unless this is the step of the fault."""
        if self.is_good or step != self.case.step:
            self.sock.sendall(text.encode() + b"\r\n")
            return text[0] in "23"
        return self.misbehave(step)

    def misbehave(self, step):
        fault = self.case.fault
        if fault == "stall":
            time.sleep(30)
        elif fault == "drip":
            for char in itertools.cycle(b"250-"):
                self.send(bytes([char]))
                time.sleep(0.2)
        elif fault == "4xx":
            self.send(f"451 4.3.0 Busy at {step}\r\n".encode())
            return False
        elif fault == "5xx":
            self.send(f"554 5.3.0 No mail at {step}\r\n".encode())
            return False
        elif fault == "garbage":
            self.send(bytes(range(256)) * 8 + b"\r\n")
        elif fault == "endless":
            while True:
                self.send(b"250-and so on" * 500)
        elif fault == "long":
            self.send(b"250-and so on\r\n" * 10000 + b"250 end\r\n")
        raise Fault

    def send(self, data):
        self.sock.sendall(data)
        self.case.most += len(data)

    def talk(self):
        if not self.reply("greeting", "220 host ready"):
            return
        for line in iter(lambda: self.lines.readline(), b""):
            verb = line.split()[0].upper().decode("latin-1") if line.split() \
                else ""
            if verb in ("EHLO", "HELO"):
                self.hello()
            elif verb == "STARTTLS":
                self.start_tls()
            elif verb in ("MAIL", "RCPT"):
                self.n_fine += self.reply(verb, "250 2.0.0 fine")
            elif verb == "DATA" and self.n_fine < 2 and \
                    not self.case.is_pipelining:
                self.sock.sendall(b"503 5.5.1 Nobody to send it to\r\n")
            elif verb == "DATA":
                if self.reply("DATA", "354 go on"):
                    self.body()
            elif verb == "QUIT":
                self.reply("QUIT", "221 bye")
                return
            else:
                self.sock.sendall(b"250 2.0.0 fine\r\n")

    def hello(self):
        words = ["host", "8BITMIME"]
        if self.case.is_pipelining:
            words.append("PIPELINING")
        if self.case.step in ("STARTTLS", "handshake") and not isinstance(
                self.sock, ssl.SSLSocket):
            words.append("STARTTLS")
        return self.reply("EHLO", "\r\n".join(
            ["250-" + w for w in words] + ["250 ENHANCEDSTATUSCODES"]))

    def start_tls(self):
        if not self.reply("STARTTLS", "220 go on"):
            return
        if not self.is_good and self.case.step == "handshake":
            self.lines.peek(1)  # bytes before the client's would be injected
            self.misbehave("handshake")
            raise Fault
        self.sock = self.context.wrap_socket(self.sock, server_side=True)
        self.lines = self.sock.makefile("rb")

    def body(self):
        """Take a message, up to its end if all is well."""
        text = b""
        for line in self.lines:
            if line == b".\r\n":
                break
            text += line
            if self.case.step == "body" and not self.is_good and \
                    len(text) > 20000:
                self.misbehave("body")
                raise Fault
        else:
            return
        if self.n_fine < 2:
            # The client had pipelined DATA; RFC 2920 3.1: nothing is sent.
            assert text == b"", text
            self.sock.sendall(b"554 5.5.1 Nobody to send it to\r\n")
        elif self.reply("end", "250 2.0.0 taken"):
            self.case.taken.append(email.message_from_bytes(text)["Subject"])


def submit(s, cases):
    """One message for each host, over submission."""
    line = s.connect("SUBMISSION")
    line.smtp_reply()
    line.smtp("EHLO client.test", 250)
    line.smtp("AUTH PLAIN " + lib.plain(s), 235)
    for case in cases:
        body = BIG * 20000 if case.step == "body" else b"Hello.\r\n"
        reply = lib.send_mail(
            line, ["kim@" + case.domain], b"From: <" + s.user.encode() +
            b">\r\nSubject: " + case.name.encode() + b"\r\n\r\n" + body,
            s.user)
        assert reply.startswith("250"), reply
    line.smtp("QUIT", 221)


def reports(s):
    """{case: (status fields, words)} of the failures that were told."""
    found = {}
    for raw in lib.pop3_messages(s, s.user, s.password):
        report = email.message_from_bytes(raw)
        assert report.get_content_type() == "multipart/report", raw
        words, status, original = report.get_payload()
        fields = status.get_payload()[1]
        domain = fields["Final-Recipient"].split("@")[1]
        assert domain not in found, f"told twice: {domain}"
        found[domain] = (fields, words.get_payload())
    return found


def waiting(s):
    """{domain: what is said of it} of what is in the queue."""
    return dict(re.findall(r"<kim@(\S+)>  (.*)",
                           s.command("queue", "list").stdout))


def judge(s, cases):
    told, queue = reports(s), waiting(s)
    wrong = []
    for case in cases:
        want = expected(case)
        got = [what for what, there in (
            ("sent", case.taken), ("failed", case.domain in told),
            ("deferred", case.domain in queue)) if there]
        words = ""
        if "failed" in got:
            fields, words = told[case.domain]
            words += fields["Diagnostic-Code"] or ""
        elif "deferred" in got:
            words = queue[case.domain]
        is_said = case.fault not in ("4xx", "5xx") or want == "sent" or \
            f"at {case.step}" in words
        print(f"{case.name}: {got}, {case.n_connections} connections, "
              f"{case.most} bytes", flush=True)
        if got != [want] or not is_said or case.most > MOST_BYTES or \
                case.n_connections > 3:
            wrong.append((case.name, want, words))
    assert not wrong, "\n".join(str(w) for w in wrong)


def is_settled(s):
    """Is every first attempt over? What waits has been tried then, and has a
    reason."""
    return all(re.match(r"next try \S+: ", words)
               for words in waiting(s).values())


def mended(s, cases):
    """All is well with the hosts now: what was deferred arrives, once, and
    nothing else comes again."""
    for name in TIMES:
        s.command("unset", f"queue.{name}-time")
    deferred = [c for c in cases if expected(c) == "deferred"]
    s.command("queue", "retry")
    lib.wait_until(lambda: not waiting(s), 300, "an empty queue")
    for case in cases:
        want = [] if expected(case) == "failed" else [case.name]
        assert case.taken == want, (case.name, case.taken)
    print(f"{len(deferred)} were deferred, and arrived once")


def main():
    lib.need("openssl")
    cases = [Case(step, fault, False) for step in STEPS for fault in FAULTS]
    cases += [Case(step, fault, True) for step in
              ("MAIL", "RCPT", "DATA", "body", "end") for fault in FAULTS]
    zones = {}
    for case in cases:
        zones[case.domain] = {"MX": ["10 mx." + case.domain]}
        zones["mx." + case.domain] = {"A": [case.address]}
    with tempfile.TemporaryDirectory() as made:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
             "/CN=host", "-keyout", made + "/key", "-out", made + "/cert"],
            check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made + "/cert", made + "/key")
    hosts = Hosts(cases, context)
    with dnsd.Server(zones) as dns, lib.server(
            "queue.route=mx", f"queue.port={hosts.port}",
            "dns.servers=" + dns.where, "queue.connections=200",
            "queue.idle-time=1s", "queue.retry=1h", "net.handshake-time=4s",
            *[f"queue.{name}-time={WAIT_S}s" for name in TIMES]) as s:
        begin = time.monotonic()
        submit(s, cases)
        lib.wait_until(lambda: is_settled(s), 300, "all first attempts")
        print(f"all attempts ended after {time.monotonic() - begin:.0f} s")
        judge(s, cases)
        hosts.is_good = True
        mended(s, cases)
        assert "The store is whole." in s.command("check").stdout


if __name__ == "__main__":
    main()
