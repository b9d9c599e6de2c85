#!/usr/bin/env python3
"""What one person may send to other domains in an hour: refused with clear
words past the limit, one alarm in the log; mail to people here goes on. What
was counted outlives a restart."""

import base64

import lib


def session(server, user, password):
    line = lib.smtp_session(server, "SUBMISSION")
    plain = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    line.smtp(f"AUTH PLAIN {plain}", 235)
    return line


def main():
    # The resolver is nobody: nothing is sent anywhere.
    with lib.server("limits.person-recipients-hour=5",
                    "limits.person-messages-hour=3", "queue.route=mx",
                    "dns.servers=127.0.0.1:9") as server:
        env = server.env
        one = session(server, env["USER"], env["PASS"])
        body = f"From: {env['USER']}\r\n\r\nx\r\n".encode()

        def refused(line, address):
            line.smtp(f"MAIL FROM:<{env['USER']}>", 250)
            line.send(f"RCPT TO:<{address}>\r\n")
            said = line.smtp_reply()
            assert said.startswith("450 4.7.1 You have sent"), said
            line.smtp("RSET", 250)
            return said

        lib.send_mail(one, [f"r{i}@far.test" for i in range(4)], body,
                      env["USER"])
        lib.send_mail(one, ["r9@far.test"], body, env["USER"])
        assert "people" in refused(one, "r10@far.test")
        # In another session, too; people here are no matter.
        two = session(server, env["USER"], env["PASS"])
        refused(two, "r11@far.test")
        for _ in range(4):
            lib.send_mail(two, [env["USER2"]], body, env["USER"])
        # Others are others.
        three = session(server, env["USER2"], env["PASS2"])
        lib.send_mail(three, ["r1@far.test"],
                      f"From: {env['USER2']}\r\n\r\nx\r\n".encode(),
                      env["USER2"])
        # A setting that changes takes effect at once.
        server.command("set", "limits.person-recipients-hour", "0")
        lib.send_mail(one, ["r12@far.test"], body, env["USER"])
        assert "messages" in refused(one, "r13@far.test")
        server.command("unset", "limits.person-messages-hour")
        lib.send_mail(one, ["r14@far.test"], body, env["USER"])
        log = (server.folder / "log").read_text()
        assert log.count("smtp.sends-too-much") == 1, log
        assert "sends more than one person may" in server.command(
            "trace", env["USER"]).stdout
        for line in (one, two, three):
            line.close()
        # A restart is no new hour, and the alarm was given.
        server.command("set", "limits.person-recipients-hour", "8")
        server.stop()
        server.again()
        one = session(server, env["USER"], env["PASS"])
        lib.send_mail(one, ["r15@far.test"], body, env["USER"])
        assert "people" in refused(one, "r16@far.test")
        log = (server.folder / "log").read_text()
        assert log.count("smtp.sends-too-much") == 1, log
        # A crash forgets less than ten recipients.
        server.command("set", "limits.person-recipients-hour", "40")
        for first in range(20, 50, 8):
            lib.send_mail(one, [f"r{i}@far.test" for i in
                                range(first, first + 8)], body, env["USER"])
        one.close()
        server.kill()
        server.again()
        one = session(server, env["USER"], env["PASS"])
        sent = 0
        one.smtp(f"MAIL FROM:<{env['USER']}>", 250)
        while True:
            one.send(f"RCPT TO:<s{sent}@far.test>\r\n")
            if not one.smtp_reply().startswith("250"):
                break
            sent += 1
        assert sent < 10, sent
        one.close()


main()
