#!/usr/bin/env python3
"""A thousand connections: those within the limit are served, those beyond it
are told so politely, and the server goes on as before when they are gone."""

import resource
import time

import lib


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    with lib.server("net.sessions=600") as server:
        served, refused = [], 0
        for i in range(1000):
            name = "SMTP" if i % 2 else "POP3"
            line = server.connect(name)
            first = line.line()
            if first.startswith((b"220", b"+OK")):
                served.append((name, line))
            else:
                assert first.startswith((b"421", b"-ERR [SYS/TEMP]")), first
                assert line.line() == b"", "a refused connection is closed"
                refused += 1
                line.close()
        print(f"{len(served)} served, {refused} refused politely")
        assert 500 <= len(served) <= 600
        for name, line in served[::50]:
            if name == "SMTP":
                line.smtp("NOOP", 250)
            else:
                line.pop3("CAPA")
        for _, line in served:
            line.close()
        time.sleep(0.5)
        line = lib.smtp_session(server)
        reply = lib.send_mail(line, [server.user], b"Subject: after\r\n\r\nhi")
        assert reply.startswith("250"), reply


main()
