#!/usr/bin/env python3
"""The server as a process: a port that is taken, signals, a server that hangs,
and as whom it runs. What needs root is left out without it."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import lib

NOBODY = 65534
BINARY = os.environ.get("TINPOST_BIN", str(lib.ROOT / "build/native/tinpost"))
PASSWORD = "a secret of three"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def parent_of(pid):
    return int(status_of(pid)["PPid"])


class Small:
    """A server without tools/testserver, run as a user of our choice on a
    store that belongs to one."""

    def __init__(self, folder, start_as, owner):
        # Where that user can read: our own folders are root's.
        self.folder, self.start_as = pathlib.Path(folder), start_as
        self.binary = shutil.copy(BINARY, self.folder / "tinpost")
        self.data = self.folder / "data"
        self.data.mkdir()
        os.chown(self.data, owner, owner)
        os.chmod(self.folder, 0o755)
        self.ports = {n: free_port() for n in ("smtp", "pop3")}
        self.call("init", "--host", "mail.example.test", "--domain",
                  "example.test", "--person", "alice@example.test",
                  "--password-file", "-", stdin=PASSWORD + "\n")
        self.set("listen.addresses", "127.0.0.1")
        listed = self.call("settings").stdout
        for name in re.findall(r"^port\.(\w+)", listed, re.M):
            self.set("port." + name, "0")
        for name, port in self.ports.items():
            self.set("port." + name, str(port))

    def words(self, *args):
        return [str(self.binary), "--data", str(self.data), *args]

    def user(self):
        if self.start_as == os.geteuid():
            return {}
        return {"user": self.start_as, "group": self.start_as,
                "extra_groups": []}

    def call(self, *args, stdin=None, check=True):
        return subprocess.run(self.words(*args), input=stdin, check=check,
                              capture_output=True, text=True, timeout=60,
                              cwd=self.folder, **self.user())

    def set(self, key, value):
        self.call("set", key, value)

    @contextlib.contextmanager
    def running(self):
        with open(self.folder / "log", "ab") as log:
            self.parent = subprocess.Popen(
                self.words("serve"), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd=self.folder, **self.user())
        try:
            lib.wait_until(self.answers, 30, "it answers: " + self.log())
            yield self
            self.parent.send_signal(signal.SIGTERM)
            assert self.parent.wait(30) == 0, self.log()
        finally:
            self.parent.kill()
            self.parent.wait()

    def log(self):
        return (self.folder / "log").read_text()

    def answers(self):
        with contextlib.suppress(OSError):
            with self.connect("smtp") as s:
                return s.recv(10).startswith(b"220")
        return False

    def connect(self, name):
        return socket.create_connection(("127.0.0.1", self.ports[name]), 10)

    @property
    def pid(self):
        found = re.search(r"^pid +(\d+)", self.call("status").stdout, re.M)
        return int(found.group(1))

    def exchange(self):
        """A mail comes and is read."""
        line = lib.Lines(self.connect("smtp"))
        line.smtp_reply()
        line.smtp("EHLO client.test", 250)
        reply = lib.send_mail(line, ["alice@example.test"], b"\r\nhello\r\n")
        assert reply.startswith("250"), reply
        line.close()
        line = lib.Lines(self.connect("pop3"))
        line.line()
        line.pop3("USER alice@example.test")
        line.pop3("PASS " + PASSWORD)
        line.pop3("RETR 1")
        assert b"hello" in line.pop3_lines()
        line.pop3("QUIT")
        line.close()


def port_in_use():
    """It ends at once, and says which port and what to do."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        small = Small(folder, os.geteuid(), os.geteuid())
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", small.ports["pop3"]))
            taken.listen()
            done = small.call("serve", check=False)
        assert done.returncode == 1, done
        for word in ("pop3", str(small.ports["pop3"]), "127.0.0.1",
                     "another program", "choose another port"):
            assert word in done.stderr, (word, done.stderr)
        assert "smtp" not in done.stderr.replace("pop3", ""), done.stderr
        with small.running():  # nothing was left behind
            small.exchange()


def signals(s):
    """SIGHUP, to the parent or the server, disturbs nobody; the settings and
    the certificate are read again."""
    line = lib.smtp_session(s)
    pid, parent = s.pid, parent_of(s.pid)
    for target in (parent, pid, parent):
        os.kill(target, signal.SIGHUP)
        time.sleep(0.3)
        line.smtp("NOOP", 250)
    tls = s.connect_tls("POP3S")
    assert tls.line().startswith(b"+OK")
    tls.close()
    # What was set before still holds.
    s.command("set", "smtp.max-size", "2M")
    os.kill(parent, signal.SIGHUP)
    time.sleep(0.3)
    assert f"SIZE {2 << 20}" in line.smtp("EHLO again.test", 250)
    line.close()
    assert int(re.search(r"^pid +(\d+)", s.command("status").stdout,
                         re.M).group(1)) == pid


def failed_sign_ins(s):
    """trace tells of them."""
    for i in range(3):
        line = s.connect("POP3")
        line.line()
        line.pop3("USER " + s.user)
        line.pop3(f"PASS wrong {i}", "-ERR")
        line.close()
    text = s.command("trace", s.user).stdout
    assert text.count("sign-in failed") == 1, text
    assert "wrong name or password" in text and "[127.0.0.1]" in text, text


def silent(s):
    """A server that hangs: the command line waits 5 s, and says what to do.
    When it goes on, nothing was lost."""
    os.kill(s.pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        done = s.command("status", check=False)
        took = time.monotonic() - start
    finally:
        os.kill(s.pid, signal.SIGCONT)
    assert done.returncode != 0
    assert 4.5 < took < 15, took
    assert "does not answer" in done.stderr and "parent" in done.stderr, done
    assert "running" in s.command("status").stdout


def without_root():
    """Somebody who is not root, on unprivileged ports."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        small = Small(folder, NOBODY, NOBODY)
        with small.running():
            small.exchange()
            status = status_of(small.pid)
            assert status["Uid"].split() == [str(NOBODY)] * 4, status["Uid"]
        small.set("port.smtp", "25")
        done = small.call("serve", check=False)
        low = pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        if int(low.read_text()) > 25:
            assert done.returncode == 1 and "need root" in done.stderr, done


def drops_root():
    """root starts it on somebody's folder: the server is theirs, for good."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        small = Small(folder, 0, NOBODY)
        with small.running():
            small.exchange()
            pid = small.pid
            status = status_of(pid)
            assert status["Uid"].split() == [str(NOBODY)] * 4, status["Uid"]
            assert status["Gid"].split() == [str(NOBODY)] * 4, status["Gid"]
            assert status["Groups"].split() == [], status["Groups"]
            assert int(status["CapEff"], 16) == 0, status["CapEff"]
            assert int(status["CapPrm"], 16) == 0, status["CapPrm"]
            assert status["NoNewPrivs"] == "1"
            if "server.no_call_filter" not in small.log():
                assert status["Seccomp"] == "2"
            assert status_of(parent_of(pid))["Uid"].split()[0] == "0"
            # The command line as root leaves nothing of root's behind.
            small.call("user", "add", "bob@example.test",
                       "--password-file", "-", stdin="another secret\n")
        owners = {p.stat().st_uid for p in small.data.rglob("*")}
        assert owners == {NOBODY}, owners
        with small.running():
            small.exchange()


def main():
    port_in_use()
    with lib.server() as s:
        signals(s)
        failed_sign_ins(s)
        silent(s)
    if os.geteuid() != 0:
        print("not root: no other users were tried")
        return
    without_root()
    drops_root()


main()
