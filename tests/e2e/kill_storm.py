#!/usr/bin/env python3
"""kill -9 at random moments of a delivery storm: every acknowledged message
is there once, none half, and the store checks clean."""

import os
import random
import re
import threading
import time

import lib

KILLS = int(os.environ.get("TINPOST_KILLS", "100"))
SENDERS = 4


class Sender(threading.Thread):
    """Delivers numbered messages as fast as it can, until told to stop."""

    def __init__(self, server, name, acknowledged, offered):
        super().__init__(daemon=True)
        self.server, self.name_ = server, name
        self.acknowledged, self.offered = acknowledged, offered
        self.is_ended = False

    def run(self):
        rng = random.Random(self.name_)
        n = 0
        while not self.is_ended:
            try:
                line = lib.smtp_session(self.server)
                while not self.is_ended:
                    n += 1
                    mark = f"{self.name_}-{n}"
                    size = rng.choice((200, 2000, 4000, 70000, 300000))
                    body = f"Subject: {mark}\r\n\r\n".encode()
                    body += (b"x" * 70 + b"\r\n") * (size // 72)
                    body += f"end {mark}\r\n".encode()
                    self.offered[mark] = body
                    to = [f"u{self.name_[1]}@example.test", "u9@example.test"]
                    reply = lib.send_mail(line, to, body)
                    if reply.startswith("250"):
                        self.acknowledged.add(mark)
            except (OSError, AssertionError):
                time.sleep(0.02)


def verify(server, acknowledged, offered):
    """Read what is there, compare, and delete it."""
    for user in [f"u{i}" for i in range(SENDERS)][1:] + [f"u{SENDERS}", "u9"]:
        seen = {}
        address = f"{user}@example.test"
        line = lib.pop3_session(server, address, server.env["UPASS"])
        n = int(line.pop3("STAT").split()[1])
        for i in range(1, n + 1):
            line.pop3(f"RETR {i}")
            text = b"".join(l + b"\r\n" for l in line.pop3_lines())
            mark = re.search(rb"(?m)^Subject: (\S+)", text).group(1).decode()
            assert lib.without_trace(text) == offered[mark], f"{mark} is half"
            seen[mark] = seen.get(mark, 0) + 1
            line.pop3(f"DELE {i}")
        line.pop3("QUIT")
        line.close()
        doubled = [mark for mark, times in seen.items() if times > 1]
        assert not doubled, f"{user}: doubled {doubled[:3]}"
        mine = {m for m in acknowledged if user == "u9" or f"u{m[1]}" == user}
        lost = mine - set(seen)
        assert not lost, f"{user}: lost {sorted(lost)[:3]} of {len(mine)}"


def main():
    rng = random.Random(int(os.environ.get("TINPOST_SEED", "1")))
    total = 0
    with lib.server() as server:
        for round_ in range(KILLS):
            acknowledged, offered = set(), {}
            senders = [
                Sender(server, f"s{i + 1}-{round_}", acknowledged, offered)
                for i in range(SENDERS)
            ]
            for sender in senders:
                sender.start()
            time.sleep(rng.uniform(0.02, 0.4))
            server.kill()
            for sender in senders:
                sender.is_ended = True
            for sender in senders:
                sender.join()
            server.again()
            verify(server, acknowledged, offered)
            total += len(acknowledged)
            if round_ % 10 == 9:
                check = server.command("check")
                assert check.returncode == 0, check.stdout + check.stderr
    print(f"{KILLS} kills, {total} acknowledged messages, none lost or doubled")
    assert total > KILLS


main()
