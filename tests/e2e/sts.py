#!/usr/bin/env python3
"""MTA-STS (RFC 8461) for outgoing mail: what a domain demands of TLS is fetched,
kept and kept to, whatever somebody in the middle takes away."""

import base64
import pathlib
import tempfile

import dnsd
import lib
import secure

DAY = 86400
GOOD, WRONG, BARE = "127.0.0.2", "127.0.0.3", "127.0.0.4"
WEB, FORGER = "127.0.0.8", "127.0.0.9"

# domain: (mode, mx patterns, {preference of a host: its address})
DOMAINS = {
    "good": ("enforce", ["mx.good.test"], {"mx": GOOD}),
    "star": ("enforce", ["*.star.test"], {"mx": GOOD}),
    "wrongcert": ("enforce", ["mx.wrongcert.test"], {"mx": WRONG}),
    "wrongname": ("enforce", ["other.test"], {"mx": GOOD}),
    "second": ("enforce", ["b.second.test"], {"a": GOOD, "b": GOOD}),
    "bare": ("enforce", ["mx.bare.test"], {"mx": BARE}),
    "testing": ("testing", ["mx.testing.test"], {"mx": WRONG}),
    "off": ("none", [], {"mx": BARE}),
    "missing": (None, [], {"mx": BARE}),
    "distrusted": ("enforce", ["other.test"], {"mx": BARE}),
    "broken": ("strict", ["mx.broken.test"], {"mx": BARE}),
    "html": ("enforce", ["mx.html.test"], {"mx": BARE}),
    "tworecords": ("enforce", ["other.test"], {"mx": BARE}),
    "kept": ("enforce", ["mx.kept.test"], {"mx": BARE}),
    "brief": ("enforce", ["mx.brief.test"], {"mx": BARE}),
    "changed": ("enforce", ["mx.changed.test"], {"mx": BARE}),
}


class World:
    def __init__(self, folder):
        ca = secure.Authority(folder)
        domains = [d + ".test" for d in DOMAINS]
        hosts = [f"{h}.{d}.test" for d in DOMAINS for h in DOMAINS[d][2]]
        self.ca = ca
        self.good = secure.Mx(GOOD, ca.context(*hosts))
        self.wrong = secure.Mx(WRONG, ca.context("somebody.else.test"))
        self.bare = secure.Mx(BARE)
        self.policies = {d: self.policy(d) for d in DOMAINS if DOMAINS[d][0]}
        self.kinds = {"html": "text/html"}
        self.web = secure.Web(
            WEB, ca.context(*("mta-sts." + d for d in domains)), self.answer)
        stranger = secure.Authority(folder, "stranger")
        self.forger = secure.Web(
            FORGER, stranger.context("mta-sts.distrusted.test"), self.answer,
            self.web.port)
        self.zones = {}
        for d in DOMAINS:
            self.zones[d + ".test"] = {"MX": [
                f"{10 + i} {h}.{d}.test"
                for i, h in enumerate(sorted(DOMAINS[d][2]))]}
            for h, address in DOMAINS[d][2].items():
                self.zones[f"{h}.{d}.test"] = {"A": [address]}
            self.zones[f"mta-sts.{d}.test"] = {
                "A": [FORGER if d == "distrusted" else WEB]}
            self.set_id(d, "1")
        self.zones["_mta-sts.tworecords.test"]["TXT"] *= 2
        self.zones["_mta-sts.tworecords.test"]["TXT"][1] += "x=y;"
        self.zones["none.test"] = {"MX": ["10 mx.off.test"]}

    @staticmethod
    def policy(d, max_age=30 * DAY):
        mode, names, _ = DOMAINS[d]
        return "\r\n".join(["version: STSv1", f"mode: {mode}"] +
                           ["mx: " + n for n in names] +
                           [f"max_age: {max_age}", ""])

    def set_id(self, d, text):
        self.zones[f"_mta-sts.{d}.test"] = {
            "TXT": ["something else", f"v=STSv1; id={text};"]}

    def answer(self, _, host, path, *__):
        d = host.split(".")[1]
        assert path == "/.well-known/mta-sts.txt", path
        if d not in self.policies:
            return 404, "text/plain", "none"
        return 200, self.kinds.get(d, "text/plain"), self.policies[d]

    def fetches(self, d):
        return len([h for h in self.web.hits if h.startswith(f"mta-sts.{d}.")])


def submit(s, d, text):
    line = s.connect("SUBMISSION")
    line.smtp_reply()
    line.smtp("EHLO client.test", 250)
    line.smtp("AUTH PLAIN " + base64.b64encode(
        f"\0{s.user}\0{s.password}".encode()).decode(), 235)
    reply = lib.send_mail(line, [f"kim@{d}.test"],
                          f"Subject: {text}\r\n\r\nx\r\n".encode(), s.user)
    assert reply.startswith("250"), reply
    line.close()


def log_of(s):
    return (s.folder / "log").read_text()


def listing(s):
    return s.command("queue", "list").stdout


def came(w, host, text):
    """Did it come there; over TLS?"""
    for is_tls, mail in getattr(w, host).got:
        if f"Subject: {text}\r\n".encode() in mail:
            return "tls" if is_tls else "plain"
    return None


def delivered(s, w, d, host, how, words=""):
    text = f"{d} {len(log_of(s))}"
    submit(s, d, text)
    lib.wait_until(lambda: came(w, host, text), 20,
                   f"{text} at {host}: " + listing(s))
    assert came(w, host, text) == how, (d, came(w, host, text))
    lib.wait_until(lambda: words in log_of(s), 20, words)


def refused(s, w, d, words):
    """It waits, and its domain is held back with these words."""
    text = f"{d} {len(log_of(s))}"
    submit(s, d, text)
    lib.wait_until(lambda: words in of(s, d), 20, words + ": " + listing(s))
    for host in ("good", "wrong", "bare"):
        assert came(w, host, text) is None, (d, host)


def of(s, d):
    """What the listing says of a domain's mail."""
    return "".join(l for l in listing(s).split("\n") if f"@{d}.test>" in l)


def drop(s):
    for line in listing(s).split("\n"):
        if " to go" in line:
            s.command("queue", "drop", line.split()[0])


def forget_dns(s):
    """What the resolver has told is forgotten with its options."""
    now = s.command("get", "dns.timeout").stdout
    s.command("set", "dns.timeout", "4s" if "3" in now else "3s")


def the_right_host(s, w):
    delivered(s, w, "good", "good", "tls", "policy=sts-enforce")
    delivered(s, w, "good", "good", "tls")
    assert w.fetches("good") == 1, w.web.hits
    delivered(s, w, "star", "good", "tls")
    delivered(s, w, "second", "good", "tls", "sts.passed_over")
    delivered(s, w, "none", "bare", "plain", "policy=opportunistic")


def the_wrong_host(s, w):
    n = {h: len(h.lines) for h in (w.wrong, w.bare)}
    refused(s, w, "wrongcert", "certificate is for another name")
    refused(s, w, "wrongname", "the policy does not name this host")
    refused(s, w, "bare", "By MTA-STS this domain takes mail over verified TLS")
    # Hosts that are not the right ones were told nothing of it.
    assert not [l for h in (w.wrong, w.bare) for l in h.lines[n[h]:]
                if l.upper().startswith(("MAIL", "RCPT"))]
    drop(s)


def not_enforced(s, w):
    delivered(s, w, "testing", "wrong", "tls", "sts.would_refuse")
    assert "policy=sts-testing" in log_of(s)
    delivered(s, w, "off", "bare", "plain", "policy=sts-none")


def no_policy(s, w):
    """What is no policy, or nobody's, demands nothing, and is not asked for
    with each mail."""
    for d, why in (("missing", "the web server has no policy"),
                   ("distrusted", "issuer is not trusted"),
                   ("broken", "what is there is no policy"),
                   ("html", "the policy is not of text/plain")):
        delivered(s, w, d, "bare", "plain")
        lib.wait_until(lambda: why in log_of(s), 20, why)
        delivered(s, w, d, "bare", "plain")
        assert w.fetches(d) <= 1, (d, w.web.hits)
    delivered(s, w, "tworecords", "bare", "plain")
    assert w.fetches("tworecords") == 0


def downgrades(s, w):
    """What is kept holds: without the record, without the web server, and
    after a restart; a new record brings a new policy."""
    refused(s, w, "kept", "takes mail over verified TLS")
    refused(s, w, "changed", "takes mail over verified TLS")
    drop(s)
    assert (w.fetches("kept"), w.fetches("changed")) == (1, 1), w.web.hits
    del w.zones["_mta-sts.kept.test"]
    w.zones["_mta-sts.good.test"]["DO"] = "servfail"
    w.set_id("changed", "2")
    del w.policies["changed"]
    s.stop()
    s.again()
    refused(s, w, "kept", "takes mail over verified TLS")
    delivered(s, w, "good", "good", "tls", "policy=sts-enforce")
    refused(s, w, "changed", "takes mail over verified TLS")
    assert "in_force=enforce" in log_of(s)
    assert w.fetches("changed") == 2 and w.fetches("kept") == 1
    drop(s)


def its_end(s, w):
    """Its time over, a policy without a record is none."""
    w.policies["brief"] = w.policy("brief", 1)
    refused(s, w, "brief", "takes mail over verified TLS")
    del w.zones["_mta-sts.brief.test"]
    forget_dns(s)

    def is_there():
        s.command("queue", "retry")
        return len(w.bare.got) > before
    before = len(w.bare.got)
    lib.wait_until(is_there, 20, "mail after the policy's end")
    drop(s)


def a_new_policy(s, w):
    DOMAINS["kept"] = ("none", [], {})
    w.policies["kept"] = w.policy("kept")
    w.set_id("kept", "3")
    forget_dns(s)
    delivered(s, w, "kept", "bare", "plain", "policy=sts-none")
    assert w.fetches("kept") == 2, w.web.hits


def turned_off(s, w):
    s.command("set", "queue.mta-sts", "off")
    delivered(s, w, "bare", "bare", "plain")


def main():
    lib.need("openssl")
    with tempfile.TemporaryDirectory(prefix="tinpost-sts-") as folder:
        w = World(pathlib.Path(folder))
        with dnsd.Server(w.zones) as dns, lib.server(
                "queue.route=mx", f"queue.port={secure.Mx.port}",
                f"queue.mta-sts-port={w.web.port}",
                "dns.servers=" + dns.where) as s:
            w.ca.trust(s)
            try:
                for test in (the_right_host, the_wrong_host, not_enforced,
                             no_policy, downgrades, its_end, a_new_policy,
                             turned_off):
                    test(s, w)
                    print("ok", test.__name__, flush=True)
            except Exception:
                print(log_of(s))
                raise


if __name__ == "__main__":
    main()
