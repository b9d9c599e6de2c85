"""Sessions that stay: hundreds in IDLE, and TLS handshakes."""

import contextlib
import multiprocessing
import select
import smtplib
import socket
import ssl
import time

import machine


def client_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # One protocol for all, with sessions that the client may keep.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port), 60)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def expect(sock, end):
    """Read up to a line that begins so."""
    data = b""
    while not any(line.startswith(end) for line in data.split(b"\r\n")[:-1]):
        piece = sock.recv(65536)
        if not piece:
            raise RuntimeError(f"closed before {end!r}: {data[-200:]!r}")
        data += piece
    return data


def open_idle(server, is_tls, context):
    sock = connect(server.ports["imaps" if is_tls else "imap"])
    if is_tls:
        sock = context.wrap_socket(sock)
    expect(sock, b"* OK")
    for tag, command in ((b"a", f"LOGIN {server.user} {server.password}"),
                         (b"b", "SELECT INBOX"), (b"+", "IDLE")):
        name = "c" if tag == b"+" else tag.decode()
        sock.sendall(f"{name} {command}\r\n".encode())
        expect(sock, tag + b" " if tag == b"+" else tag + b" OK")
    return sock


class Idle:
    def __init__(self, server, socks, rss_before_kb):
        self.server, self.socks = server, socks
        self.rss_before_kb = rss_before_kb

    def deliver(self):
        """One mail; the milliseconds from its reply until each is told."""
        poll = select.epoll()
        for sock in self.socks:
            poll.register(sock.fileno(), select.EPOLLIN)
        waiting = {sock.fileno(): sock for sock in self.socks}
        with smtplib.SMTP("127.0.0.1", self.server.ports["smtp"]) as smtp:
            start = time.monotonic()
            smtp.sendmail("a@client.test", [self.server.user],
                          "Subject: news\r\n\r\nnews\r\n")
            times = []
            while waiting:
                events = poll.poll(30)
                if not events:
                    raise RuntimeError(f"{len(waiting)} are not told")
                now = time.monotonic()
                for fd, _ in events:
                    if fd in waiting and b"EXISTS" in waiting[fd].recv(4096):
                        del waiting[fd]
                        times.append(1000 * (now - start))
        return times


@contextlib.contextmanager
def idling(server, n, is_tls):
    """n sessions of one person in IDLE."""
    context = client_tls()
    socks = []
    try:
        # What the first costs once is not what each costs.
        socks.append(open_idle(server, is_tls, context))
        time.sleep(1)
        before = machine.rss_anon_kb(server.roots())
        for _ in range(n):
            socks.append(open_idle(server, is_tls, context))
        time.sleep(3)
        yield Idle(server, socks, before)
    finally:
        for sock in socks:
            sock.close()


def handshakes(server, n, is_resumed):
    """Seconds that n handshakes take, and n."""
    context = client_tls()
    kept = None
    if is_resumed:
        with context.wrap_socket(connect(server.ports["imaps"])) as tls:
            expect(tls, b"* OK")
            kept = tls.session
    start = time.monotonic()
    for _ in range(n):
        sock = connect(server.ports["imaps"])
        with context.wrap_socket(sock, session=kept) as tls:
            expect(tls, b"* OK")
            # Dovecot's login processes know nothing of each other's.
            if is_resumed and server.kind == "tinpost":
                assert tls.session_reused
    return time.monotonic() - start, n


def shake_at_once(server, n, begun):
    """n handshakes that go on at the same time; then the end of this
    process."""
    context = client_tls()
    socks = [connect(server.ports["imaps"]) for _ in range(n)]
    begun.set()
    waiting = []
    for sock in socks:
        sock.setblocking(False)
        waiting.append(context.wrap_socket(
            sock, do_handshake_on_connect=False))
    while waiting:
        still = []
        for tls in waiting:
            try:
                tls.do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                still.append(tls)
        if len(still) == len(waiting):
            select.select(still, [], [], 1)
        waiting = still


def answers_meanwhile(server, n):
    """How long a plain session waits for each answer while n others shake
    hands, in milliseconds."""
    plain = connect(server.ports["imap"])
    expect(plain, b"* OK")
    begun = multiprocessing.Event()
    others = multiprocessing.Process(
        target=shake_at_once, args=(server, n, begun))
    others.start()
    begun.wait(30)
    times = []
    while others.is_alive():
        start = time.monotonic()
        plain.sendall(b"a NOOP\r\n")
        expect(plain, b"a OK")
        times.append(1000 * (time.monotonic() - start))
        time.sleep(0.001)
    others.join()
    plain.close()
    if others.exitcode != 0:
        raise RuntimeError("the handshakes failed")
    return times
