#!/usr/bin/env python3
"""A provider that wants access tokens (XOAUTH2, OAUTHBEARER): fetched with the
refresh token, kept over a restart, fetched anew when refused, and told in plain
words when there is none."""

import base64
import json
import pathlib
import tempfile
import threading
import time
import urllib.parse

import dnsd
import lib
import secure

HOST, WEB = "127.0.0.5", "127.0.0.7"
USER = "of,fi=ce@provider.test"
SECRET = "s/e+c&r=e%t"


class Provider:
    def __init__(self, folder):
        self.ca = secure.Authority(folder)
        self.taken = None       # the token that is good
        self.n_auth = 0
        self.forms = []         # what was asked for at the token server
        self.answer = None      # (status, answer) in place of a good one
        self.more = {}
        self.hold = threading.Event()  # cleared: answers wait for it
        self.hold.set()
        self.mx = secure.Mx(HOST, self.ca.context("smtp.provider.test"),
                            self.login)
        self.web = secure.Web(WEB, self.ca.context("token.provider.test"),
                              self.give)
        self.url = f"https://token.provider.test:{self.web.port}/o/token?v=2"
        self.zones = {"smtp.provider.test": {"A": [HOST]},
                      "token.provider.test": {"A": [WEB]}}

    def login(self, words):
        """AUTH at the mail server."""
        self.n_auth += 1
        mechanism, text = words.split(" ")
        text = base64.b64decode(text).decode()
        assert mechanism == "OAUTHBEARER", words
        name = USER.replace("=", "=3D").replace(",", "=2C")
        assert text.startswith(f"n,a={name},\x01host=smtp.provider.test\x01")
        if f"\x01auth=Bearer {self.taken}\x01\x01" in text:
            return "235 2.7.0 Welcome"
        return "334 " + base64.b64encode(b'{"status":"401"}').decode()

    def give(self, method, _, path, headers, body):
        """An access token, a new one each time."""
        assert method == "POST" and path == "/o/token?v=2"
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        self.forms.append(dict(urllib.parse.parse_qsl(body)))
        more, n = self.more, len(self.forms)
        self.hold.wait(20)
        if self.answer:
            return (self.answer[0], "application/json", self.answer[1])
        return (200, "application/json", json.dumps(
            {"token_type": "bearer", "access_token": f"at-{n}",
             "expires_in": 3600, "scope": ["x", {"y": "}"}], **more}))


def submit(s, text):
    line = s.connect("SUBMISSION")
    line.smtp_reply()
    line.smtp("EHLO client.test", 250)
    line.smtp("AUTH PLAIN " + base64.b64encode(
        f"\0{s.user}\0{s.password}".encode()).decode(), 235)
    reply = lib.send_mail(line, ["kim@far.test"],
                          f"Subject: {text}\r\n\r\nx\r\n".encode(), s.user)
    assert reply.startswith("250"), reply
    line.close()


def listing(s):
    return s.command("queue", "list").stdout


def waits(s):
    return int(listing(s).split("\n")[-2].split()[0])


def relays(s):
    return s.command("relay", "list").stdout


def goes(s, p, text):
    """It is delivered, and the connection is not used again."""
    n = len(p.mx.got)
    submit(s, text)
    lib.wait_until(lambda: len(p.mx.got) == n + 1 and waits(s) == 0, 20,
                   f"{text}: " + listing(s) + relays(s))
    assert p.mx.got[-1][0], "not over TLS"


def a_token_is_fetched_once(s, p):
    assert "none was needed yet" in relays(s)
    p.taken = "at-1"
    goes(s, p, "first")
    goes(s, p, "second")
    assert p.forms == [{"grant_type": "refresh_token", "client_id": "client 1",
                        "refresh_token": "rt/1+x", "client_secret": SECRET}]
    assert "is good until 2" in relays(s), relays(s)


def it_survives_a_restart(s, p):
    s.stop()
    s.again()
    goes(s, p, "third")
    assert len(p.forms) == 1, p.forms


def refused_and_fetched_anew(s, p):
    p.taken = "at-2"
    p.more = {"refresh_token": "rt-2"}
    goes(s, p, "fourth")
    assert len(p.forms) == 2, p.forms
    # The new refresh token has taken the old one's place.
    p.taken = "at-3"
    p.more = {}
    goes(s, p, "fifth")
    assert p.forms[-1]["refresh_token"] == "rt-2", p.forms


def refused_for_good(s, p):
    """One more token, then it waits: no loop."""
    p.taken = "none of them"
    n_forms, n_auth = len(p.forms), p.n_auth
    submit(s, "refused")
    lib.wait_until(lambda: "535 5.7.8" in listing(s), 20, listing(s))
    assert (len(p.forms), p.n_auth) == (n_forms + 1, n_auth + 2)
    p.taken = f"at-{len(p.forms)}"
    s.command("queue", "retry")
    lib.wait_until(lambda: waits(s) == 0, 20, listing(s))
    assert len(p.forms) == n_forms + 1, "the last one was good"


def no_token(s, p):
    """The words of the token server reach the owner; the mail waits."""
    p.taken = "another"
    n = p.mx.n_connections
    for status, answer, words in (
            (400, '{"error": "invalid_grant", "error_description":'
                  ' "Token has been expired or r\\u0065voked.\\u263a"}',
             "said: invalid_grant: Token has been expired or revoked.???"),
            (503, "<html>later</html>", "gave no token; its status is 503")):
        p.answer = (status, answer)
        submit(s, "no token")
        lib.wait_until(lambda: words in relays(s), 20, words + relays(s))
        lib.wait_until(
            lambda: words in listing(s) and "no access token" in listing(s),
            20, words + listing(s))
        s.command("queue", "drop", listing(s).split()[0])
        lib.wait_until(lambda: waits(s) == 0, 20, listing(s))
    # Only the first time there was a token, which was refused.
    assert p.mx.n_connections == n + 1, "a connection without a token"
    p.answer = None


def another_login(s, p):
    """What was kept for the old one is not used for the new."""
    p.taken = "at-1000"
    s.command("relay", "token", "*", USER, "client-2", p.url,
              "--password-file", "-", stdin="rt-9\n")
    assert "none was needed yet" in relays(s), relays(s)
    p.more = {"access_token": "at-1000"}
    goes(s, p, "sixth")
    assert p.forms[-1] == {"grant_type": "refresh_token", "client_id":
                           "client-2", "refresh_token": "rt-9"}
    done = s.command("relay", "token", "*", USER, "c", "http://a.test/",
                     "--password-file", "-", stdin="x\n", check=False)
    assert done.returncode != 0 and "no https:// URL" in done.stderr + \
        done.stdout, done


def new_refresh_token_at_once(s, p):
    """Fetched, refused, and fetched again over one connection: the second time
    with the refresh token that came the first time."""
    s.command("relay", "token", "*", USER, "client-2", p.url,
              "--password-file", "-", stdin="rt-10\n")
    p.more = {"refresh_token": "rt-11"}
    p.taken = f"at-{len(p.forms) + 2}"
    goes(s, p, "renewed")
    assert [f["refresh_token"] for f in p.forms[-2:]] == ["rt-10", "rt-11"]


def changed_meanwhile(s, p):
    """The owner sets another login, or takes the relay away, while a token is
    fetched: the old answer changes nothing of it."""
    def asked(refresh):
        """A token is being fetched, the answer does not come yet."""
        s.command("relay", "token", "*", USER, "client-2", p.url,
                  "--password-file", "-", stdin=refresh + "\n")
        p.hold.clear()
        n = len(p.forms)
        submit(s, "meanwhile")
        lib.wait_until(lambda: len(p.forms) == n + 1, 20, "no fetch")

    p.more, p.taken = {"refresh_token": "rt-bad"}, "none of them"
    asked("rt-20")
    s.command("relay", "token", "*", USER, "client-3", p.url,
              "--password-file", "-", stdin="rt-21\n")
    p.more, p.taken = {}, f"at-{len(p.forms) + 1}"
    n_auth = p.n_auth
    p.hold.set()
    lib.wait_until(lambda: p.n_auth > n_auth and "535 5.7.8" in listing(s),
                   20, "no AUTH: " + listing(s))
    s.command("queue", "retry")
    lib.wait_until(lambda: waits(s) == 0, 20, listing(s) + relays(s))
    assert p.forms[-1]["client_id"] == "client-3", p.forms
    assert p.forms[-1]["refresh_token"] == "rt-21", p.forms

    asked("rt-22")
    s.command("relay", "remove", "*")
    n_auth = p.n_auth
    p.taken = f"at-{len(p.forms)}"
    p.hold.set()
    lib.wait_until(lambda: p.n_auth > n_auth, 20, "no AUTH")
    s.command("relay", "add", "*", "smtp.provider.test", "--port",
              str(secure.Mx.port))
    s.command("relay", "token", "*", USER, "client-2", p.url,
              "--password-file", "-", stdin="rt-23\n")
    assert "none was needed yet" in relays(s), relays(s)


def its_end(s, p):
    """A token whose time is over is not offered any more."""
    s.command("relay", "token", "*", USER, "client-2", p.url,
              "--password-file", "-", stdin="rt-9\n")
    p.more = {"expires_in": 1}
    p.taken = f"at-{len(p.forms) + 1}"
    goes(s, p, "seventh")
    time.sleep(2.5)
    p.taken = f"at-{len(p.forms) + 1}"
    n_forms, n_auth = len(p.forms), p.n_auth
    goes(s, p, "eighth")
    assert (len(p.forms), p.n_auth) == (n_forms + 1, n_auth + 1)


def main():
    lib.need("openssl")
    with tempfile.TemporaryDirectory(prefix="tinpost-token-") as folder:
        p = Provider(pathlib.Path(folder))
        with dnsd.Server(p.zones) as dns, lib.server(
                "queue.route=relay", "dns.servers=" + dns.where,
                "queue.messages-connection=1") as s:
            p.ca.trust(s)
            s.command("relay", "add", "*", "smtp.provider.test", "--port",
                      str(secure.Mx.port))
            s.command("relay", "token", "*", USER, "client 1", p.url,
                      "--password-file", "-", stdin=f"rt/1+x {SECRET}\n")
            try:
                for test in (a_token_is_fetched_once, it_survives_a_restart,
                             refused_and_fetched_anew, refused_for_good,
                             no_token, another_login,
                             new_refresh_token_at_once, changed_meanwhile,
                             its_end):
                    since = time.monotonic()
                    test(s, p)
                    print("ok", test.__name__,
                          f"{time.monotonic() - since:.1f} s", flush=True)
                log = (s.folder / "log").read_text()
                for secret in (SECRET, "rt/1+x", "rt-2", "at-1", "at-2"):
                    assert secret not in log, secret
            except Exception:
                print((s.folder / "log").read_text())
                raise


if __name__ == "__main__":
    main()
