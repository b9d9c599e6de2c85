"""What the end-to-end tests share: a test server, raw protocol lines, and
what the kernel says of the server's memory and of a block device."""

import base64
import contextlib
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTSERVER = ROOT / "tools" / "testserver"
SKIP = 77
# What users run, where a test measures: the sanitizers cost memory and time.
RELEASE = {"TINPOST_BIN": str(ROOT / "build" / "tinpost")}


def skip(why):
    """End this test as skipped, with the reason."""
    print("skipped: " + why)
    sys.exit(SKIP)


def need(*commands):
    """Skip unless these commands are installed."""
    for command in commands:
        if shutil.which(command) is None:
            skip("no " + command)


class Server:
    """A server under tools/testserver in a folder of its own."""

    def __init__(self, folder, *settings, env=None):
        self.folder = pathlib.Path(folder)
        self.environment = {**os.environ, **(env or {})}
        self.run("start", *settings)

    def run(self, verb, *more):
        """Call tools/testserver; its output goes to the test's."""
        subprocess.run(
            [str(TESTSERVER), verb, str(self.folder), *more],
            check=True,
            timeout=120,
            env=self.environment,
        )
        if verb in ("start", "again"):
            self.env = read_env(self.folder / "env")

    def kill(self):
        self.run("kill")

    def again(self):
        self.run("again")

    def stop(self):
        self.run("stop")

    def port(self, name):
        return int(self.env[name + "_PORT"])

    @property
    def pid(self):
        return int(self.env["SERVER_PID"])

    @property
    def user(self):
        return self.env["USER"]

    @property
    def password(self):
        return self.env["PASS"]

    def command(self, *args, check=True, stdin=None):
        """Run the command line on this store."""
        return subprocess.run(
            ["sh", "-c", self.env["TINPOST"] + ' "$@"', "tinpost", *args],
            check=check,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def connect(self, name, timeout=20):
        """A plain connection to the port of this name, as a Lines."""
        return Lines(
            socket.create_connection(
                ("127.0.0.1", self.port(name)), timeout=timeout
            )
        )

    def connect_tls(self, name, timeout=20, session=None):
        line = self.connect(name, timeout)
        line.start_tls(self.env["CAFILE"], session)
        return line

    def rss_anon_kb(self):
        """Private memory of the serving process, in KB."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+)", text).group(1))


def read_env(path):
    """The variables that a shell would have after sourcing the file."""
    text = subprocess.run(
        ["sh", "-c", f'set -a; . "{path}"; env -0'],
        check=True,
        capture_output=True,
        env={},
    ).stdout.decode()
    return dict(v.split("=", 1) for v in text.split("\0") if "=" in v)


@contextlib.contextmanager
def server(*settings, env=None, folder=None):
    """A running server; ended, and its clean end checked, on leaving."""
    with tempfile.TemporaryDirectory(prefix="tinpost-test-") as made:
        running = Server(
            pathlib.Path(folder or made) / "server", *settings, env=env
        )
        try:
            yield running
        except BaseException:
            with contextlib.suppress(Exception):
                running.kill()
            raise
        running.stop()


class Lines:
    """A connection that speaks in lines, for tests that need exact bytes."""

    def __init__(self, sock):
        self.sock = sock
        self.rest = b""

    def start_tls(self, cafile, session=None):
        context = ssl.create_default_context(cafile=cafile)
        self.sock = context.wrap_socket(
            self.sock, server_hostname="localhost", session=session
        )

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        self.sock.sendall(data)

    def line(self):
        """The next line without CRLF; b"" at the end of the stream."""
        while b"\r\n" not in self.rest:
            more = self.sock.recv(65536)
            if not more:
                line, self.rest = self.rest, b""
                return line
            self.rest += more
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def smtp_reply(self):
        """One reply of any number of lines, as text."""
        lines = [self.line().decode()]
        while lines[-1][3:4] == "-":
            lines.append(self.line().decode())
        return "\n".join(lines)

    def smtp(self, command, code):
        """Send a command, demand a reply that starts with code."""
        self.send(command + "\r\n")
        reply = self.smtp_reply()
        assert reply.startswith(str(code)), f"{command!r}: {reply!r}"
        return reply

    def pop3(self, command, status="+OK"):
        self.send(command + "\r\n")
        reply = self.line().decode()
        assert reply.startswith(status), f"{command!r}: {reply!r}"
        return reply

    def pop3_lines(self):
        """A multi-line POP3 answer after its status line, dots undone."""
        lines = []
        while True:
            line = self.line()
            if line == b".":
                return lines
            lines.append(line[1:] if line.startswith(b".") else line)

    def imap(self, command, status="OK"):
        """Send a command, demand this status; the lines before the reply, and
        the reply."""
        self.send(f"a {command}\r\n")
        lines = [self.line()]
        while not lines[-1].startswith(b"a "):
            assert lines[-1], f"{command!r}: the connection has ended"
            lines.append(self.line())
        assert lines[-1].startswith(f"a {status}".encode()), \
            f"{command!r}: {lines[-1]!r}"
        return lines

    def close(self):
        self.sock.close()


def smtp_session(running, name="SMTP"):
    """A connection that has said EHLO."""
    line = running.connect(name)
    assert line.smtp_reply().startswith("220")
    line.smtp("EHLO client.test", 250)
    return line


def plain(running):
    """What AUTH PLAIN of the first person says."""
    return base64.b64encode(
        f"\0{running.user}\0{running.password}".encode()).decode()


def imap_session(running, user, password, name="IMAP"):
    """A connection that has signed in."""
    line = running.connect_tls(name) if name == "IMAPS" \
        else running.connect(name)
    assert line.line().startswith(b"* OK")
    line.imap(f"LOGIN {user} {password}")
    return line


def send_mail(line, recipients, body, sender="sender@client.test"):
    """One message over an open SMTP session. Returns the last reply."""
    line.smtp(f"MAIL FROM:<{sender}>", 250)
    for recipient in recipients:
        line.smtp(f"RCPT TO:<{recipient}>", 250)
    line.smtp("DATA", 354)
    line.send(dot_stuff(body) + b".\r\n")
    return line.smtp_reply()


def dot_stuff(body):
    """Canonical CRLF text with dots doubled at line starts."""
    if not body.endswith(b"\r\n"):
        body += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", body)


def pop3_session(running, user, password):
    line = running.connect("POP3")
    assert line.line().startswith(b"+OK")
    line.pop3(f"USER {user}")
    line.pop3(f"PASS {password}")
    return line


def pop3_messages(running, user, password):
    """All messages of a person, as bytes, without deleting any."""
    line = pop3_session(running, user, password)
    n = int(line.pop3("STAT").split()[1])
    messages = []
    for i in range(1, n + 1):
        line.pop3(f"RETR {i}")
        messages.append(b"".join(l + b"\r\n" for l in line.pop3_lines()))
    line.pop3("QUIT")
    line.close()
    return messages


def without_trace(message):
    """A stored message without the header fields that delivery puts in
    front (Return-Path and Received)."""
    while True:
        match = re.match(
            rb"(?i)(return-path|received):[^\r\n]*\r\n([ \t][^\r\n]*\r\n)*",
            message,
        )
        if not match:
            return message
        message = message[match.end():]


@contextlib.contextmanager
def loop_device(megabytes):
    """A fresh ext4 file system on a loop device: (folder, device name).
    Skips the test where that is not possible."""
    need("losetup", "mkfs.ext4", "mount")
    if os.geteuid() != 0:
        skip("a loop-mounted file system needs root")
    with tempfile.TemporaryDirectory(prefix="tinpost-loop-") as folder:
        image = pathlib.Path(folder) / "image"
        mount = pathlib.Path(folder) / "mount"
        mount.mkdir()
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
        found = subprocess.run(
            ["losetup", "--find", "--show", str(image)],
            capture_output=True,
            text=True,
        )
        if found.returncode != 0:
            skip("no loop device: " + found.stderr.strip())
        device = found.stdout.strip()
        try:
            subprocess.run(["mount", device, str(mount)], check=True)
            try:
                yield mount, os.path.basename(device)
            finally:
                subprocess.run(["umount", str(mount)], check=True)
        finally:
            subprocess.run(["losetup", "--detach", device], check=False)


def build_storm(folder):
    """The client of storm.c, which delivers faster than Python could."""
    binary = pathlib.Path(folder) / "storm"
    source = pathlib.Path(__file__).with_name("storm.c")
    subprocess.run(["gcc", "-O2", "-o", str(binary), str(source)], check=True)
    return binary


def device_counters(device):
    """(bytes written, flushes) of a block device so far."""
    fields = pathlib.Path(f"/sys/block/{device}/stat").read_text().split()
    return int(fields[6]) * 512, int(fields[15]) if len(fields) > 15 else 0


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def wait_until(is_true, seconds, what):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_true():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")
