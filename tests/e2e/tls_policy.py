#!/usr/bin/env python3
"""How safe the way out is: a domain that gives less TLS than before is noticed
and, if set, waited for; REQUIRETLS and TLS-Required: No (RFC 8689) are kept."""

import base64
import email
import pathlib
import socket
import ssl
import subprocess
import threading

import dnsd
import lib


class Host(threading.Thread):
    """A mail host on 127.0.0.x with STARTTLS, which it can leave out. It takes
    everything but mail to "nobody"."""

    port = 0

    def __init__(self, address, pem, *words):
        super().__init__(daemon=True)
        self.words, self.has_tls = words, pem is not None
        self.got = []  # (MAIL, is TLS, RCPTs, text)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if pem is not None:
            self.context.load_cert_chain(pem)
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, Host.port))
        Host.port = self.listener.getsockname()[1]
        self.listener.listen(20)
        self.start()

    def run(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        try:
            self.talk(peer)
        except OSError:
            pass
        peer.close()

    def talk(self, peer):
        lines, is_tls, mail, to = peer.makefile("rb"), False, "", []
        peer.sendall(b"220 host\r\n")
        while line := lines.readline().decode().rstrip("\r\n"):
            verb = line.split(" ")[0].upper()
            reply = "250 2.0.0 ok"
            if verb == "EHLO":
                words = self.words if is_tls or not self.has_tls else ()
                tls = ["STARTTLS"] if self.has_tls and not is_tls else []
                reply = "".join(f"250-{w}\r\n" for w in
                                ["host", *tls, *words]) + "250 8BITMIME"
            elif verb == "STARTTLS":
                peer.sendall(b"220 go\r\n")
                peer = self.context.wrap_socket(peer, server_side=True)
                lines, is_tls = peer.makefile("rb"), True
                continue
            elif verb == "MAIL":
                mail, to = line, []
            elif verb == "RCPT":
                if "<nobody" in line:
                    reply = "550 5.1.1 Not here"
                else:
                    to.append(line)
            elif verb == "DATA":
                peer.sendall(b"354 go\r\n")
                text = b"".join(iter(lines.readline, b".\r\n"))
                self.got.append((mail, is_tls, to, text))
            elif verb == "QUIT":
                peer.sendall(b"221 bye\r\n")
                return
            peer.sendall((reply + "\r\n").encode())


def make_pem(folder, *names):
    """A key with its certificate for these names, which proves itself."""
    pem, key = folder / (names[0] + ".pem"), folder / (names[0] + ".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={names[0]}",
         "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names),
         "-days", "90", "-out", pem, "-keyout", key],
        check=True, capture_output=True, timeout=60)
    both = folder / (names[0] + ".both")
    both.write_text(key.read_text() + pem.read_text())
    return both, pem.read_text()


def submit(s, to, text="x", mail="", header=""):
    line = s.connect_tls("SUBMISSIONS")
    line.smtp_reply()
    hello = line.smtp("EHLO client.test", 250)
    plain = base64.b64encode(f"\0{s.user}\0{s.password}".encode()).decode()
    line.smtp("AUTH PLAIN " + plain, 235)
    line.smtp(f"MAIL FROM:<{s.user}>{mail}", 250)
    line.smtp(f"RCPT TO:<{to}>", 250)
    line.smtp("DATA", 354)
    line.send(f"From: <{s.user}>\r\nSubject: {text}\r\n{header}\r\n"
              f"{text}\r\n.\r\n".encode())
    assert line.smtp_reply().startswith("250")
    line.close()
    return hello


def arrives(host, text):
    lib.wait_until(lambda: any(f"Subject: {text}\r\n".encode() in g[3]
                               for g in host.got), 60, text)
    found = [g for g in host.got if f"Subject: {text}\r\n".encode() in g[3]]
    assert len(found) == 1, found
    return found[0]


def queue_list(s):
    return s.command("queue", "list").stdout


def log_lines(s, event):
    text = (s.folder / "log").read_text()
    return [line for line in text.split("\n") if event in line]


def bounce(s):
    """The status that the one report in the sender's mailbox tells."""
    def mails():
        return lib.pop3_messages(s, s.user, s.password)
    lib.wait_until(lambda: len(mails()) == 1, 60, "a report")
    report = email.message_from_bytes(mails()[0])
    session = lib.pop3_session(s, s.user, s.password)
    session.pop3("DELE 1")
    session.pop3("QUIT")
    parts = report.get_payload()
    assert parts[2].get_content_type() == "text/rfc822-headers"
    return parts[1].get_payload()[1]["Status"]


def downgrade(s, host):
    """log: the mail goes, and the log tells. defer: it waits, for its time."""
    submit(s, "kim@far.test", "first")
    assert arrives(host, "first")[1]
    sent = log_lines(s, "queue.sent")[-1]
    assert "tls=verified" in sent, sent
    host.has_tls = False
    submit(s, "kim@far.test", "logged")
    assert not arrives(host, "logged")[1]
    lib.wait_until(lambda: log_lines(s, "queue.tls_weaker"), 60, "a word")
    told = log_lines(s, "queue.tls_weaker")[-1]
    for word in ("domain=far.test", "before=verified", "now=clear",
                 "mail=goes"):
        assert word in told, told
    host.has_tls = True
    submit(s, "kim@far.test", "again")
    assert arrives(host, "again")[1]
    # What is remembered outlives a restart.
    s.command("set", "queue.tls-memory", "defer")
    s.command("set", "queue.tls-defer-time", "1h")
    s.kill()
    s.again()
    host.has_tls = False
    submit(s, "kim@far.test", "waiting")
    lib.wait_until(lambda: "TLS is required" in queue_list(s), 60, "a reason")
    assert "mail=waits" in log_lines(s, "queue.tls_weaker")[-1]
    # Who does not care need not wait (RFC 8689 5).
    submit(s, "kim@far.test", "careless", header="TLS-Required: No\r\n")
    s.command("queue", "retry")
    assert not arrives(host, "careless")[1]
    assert "waiting" not in str(host.got)
    s.command("set", "queue.tls-defer-time", "1s")
    lib.wait_until(lambda: s.command("queue", "retry") and "waiting" in
                   str(host.got), 60, "the end of waiting")
    host.has_tls = True
    s.command("unset", "queue.tls-memory")


def required(s, host, second):
    """REQUIRETLS goes with the message over verified TLS, or it comes back."""
    hello = submit(s, "kim@far.test", "secret", " REQUIRETLS")
    assert "REQUIRETLS" in hello, hello
    mail, is_tls = arrives(host, "secret")[:2]
    assert is_tls and " REQUIRETLS" in mail, mail
    # The first host cannot; the second can.
    submit(s, "kim@two.test", "over two", " REQUIRETLS")
    assert " REQUIRETLS" in arrives(host, "over two")[0]
    # No host can; nobody proves who the hosts are; a message without the
    # demand goes.
    submit(s, "kim@old.test", "not here", " REQUIRETLS RET=FULL")
    assert bounce(s) == "5.7.30"
    submit(s, "kim@unsigned.test", "not there", " REQUIRETLS")
    assert bounce(s) == "5.7.10"
    submit(s, "kim@old.test", "plain")
    assert arrives(second, "plain")[1]
    host.has_tls = False
    submit(s, "kim@far.test", "stripped", " REQUIRETLS")
    assert bounce(s) == "5.7.10"
    host.has_tls = True
    assert "not here" not in str(second.got), second.got
    assert "stripped" not in str(host.got)
    # It is no word for a connection without TLS.
    line = lib.smtp_session(s)
    line.send(b"MAIL FROM:<a@client.test> REQUIRETLS\r\n")
    assert line.smtp_reply().startswith("530 5.7.0")
    # Delivery here needs nothing more.
    line = s.connect_tls("SUBMISSIONS")
    line.close()


def main():
    lib.need("openssl")
    zones = {
        "far.test": {"MX": ["10 mx.far.test"], "AD": True},
        "mx.far.test": {"A": ["127.0.0.2"]},
        "two.test": {"MX": ["10 mx.old.test", "20 mx.far.test"], "AD": True},
        "old.test": {"MX": ["10 mx.old.test"], "AD": True},
        "mx.old.test": {"A": ["127.0.0.3"]},
        "unsigned.test": {"MX": ["10 mx.far.test"]},
    }
    with dnsd.Server(zones) as dns, lib.server(
            "queue.route=mx", "dns.servers=" + dns.where) as s:
        data = pathlib.Path(s.folder)
        far, ca_far = make_pem(data, "mx.far.test")
        old, ca_old = make_pem(data, "mx.old.test")
        ca = data / "data" / "ca.pem"
        ca.write_text(ca_far + ca_old)
        host = Host("127.0.0.2", far, "REQUIRETLS")
        second = Host("127.0.0.3", old)
        s.command("set", "tls.ca-file", str(ca))
        s.command("set", "queue.port", str(Host.port))
        downgrade(s, host)
        print("ok downgrade", flush=True)
        required(s, host, second)
        print("ok required", flush=True)


if __name__ == "__main__":
    main()
