#!/usr/bin/python3
"""The daily reports to other domains: what was judged and how TLS went arrives
as RFC 9990 and RFC 8460 say, at those who may have it, signed, once."""

import base64
import calendar
import email
import email.policy
import gzip
import json
import pathlib
import re
import socket
import tempfile
import threading
import time
import xml.etree.ElementTree as tree

import dnsd
import lib
import secure

try:
    import dkim
except ImportError:
    lib.skip("no python3-dkim")

HONEST, OTHER = "127.0.0.2", "127.0.0.9"
WAIT = 120  # seconds for what comes at once on a machine that is not busy
NS = "{urn:ietf:params:xml:ns:dmarc-2.0}"


class Host(threading.Thread):
    """A mail host on 127.0.0.x; context: it has STARTTLS. All have one port."""

    port = 0

    def __init__(self, address, context=None):
        super().__init__(daemon=True)
        self.got = []  # (MAIL, [RCPT], is TLS, text)
        self.context = context
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, Host.port))
        Host.port = self.listener.getsockname()[1]
        self.listener.listen(20)
        self.start()

    def run(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

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
                tls = "250-STARTTLS\r\n" if self.context and not is_tls else ""
                reply = f"250-host\r\n{tls}250 8BITMIME"
            elif verb == "STARTTLS":
                peer.sendall(b"220 go\r\n")
                peer = self.context.wrap_socket(peer, server_side=True)
                lines, is_tls = peer.makefile("rb"), True
                continue
            elif verb == "MAIL":
                mail, to = line, []
            elif verb == "RCPT":
                to.append(re.search("<(.*)>", line)[1])
            elif verb == "DATA":
                peer.sendall(b"354 go\r\n")
                text = b"".join(iter(lines.readline, b".\r\n"))
                self.got.append((mail, to, is_tls, text))
            elif verb == "QUIT":
                peer.sendall(b"221 bye\r\n")
                return
            peer.sendall((reply + "\r\n").encode())


def zones():
    spf = {"TXT": [f"v=spf1 ip4:{HONEST} -all"]}

    def record(text):
        return {"TXT": ["v=DMARC1; " + text]}
    z = {"mx.test": {"A": [HONEST], "TXT": ["v=spf1 a -all"]},
         "host.test": {"A": ["127.0.0.3"]}}
    for name in ("reject.test", "testing.test", "quiet.test", "later.test",
                 "sub.split.test"):
        z[name] = dict(spf, MX=["10 host.test"])
    for name in ("yes.test", "no.test", "moved.test", "away.test", "split.test"):
        z[name] = {"MX": ["10 host.test"]}
    z["_dmarc.reject.test"] = record(
        "p=reject; sp=quarantine; adkim=s; fo=1:d:s; rua=mailto:Agg@Reject.Test!10m,"
        "mailto:a@yes.test,mailto:b@no.test,mailto:tiny@reject.test!100,"
        "mailto:c@moved.test,https://reject.test/report")
    z["reject.test._report._dmarc.yes.test"] = record("")
    z["reject.test._report._dmarc.moved.test"] = record("rua=mailto:d@away.test")
    z["_dmarc.testing.test"] = record("p=reject; t=y; rua=mailto:x@yes.test")
    z["testing.test._report._dmarc.yes.test"] = record("rua=mailto:y@yes.test")
    z["_dmarc.quiet.test"] = record("p=none")
    z["_dmarc.later.test"] = record("p=none; rua=mailto:l@slow.test")
    z["later.test._report._dmarc.slow.test"] = dict(record(""), DO="servfail")
    z["slow.test"] = {"MX": ["10 host.test"]}
    # The same organization: nobody else need be asked.
    z["_dmarc.sub.split.test"] = record("p=none; rua=mailto:s@split.test")
    z["_dmarc.split.test"] = record("p=none; psd=n")
    return z


class Client:
    def __init__(self, server, address):
        self.lines = lib.Lines(socket.create_connection(
            ("127.0.0.1", server.port("SMTP")), timeout=60,
            source_address=(address, 0)))
        self.lines.smtp_reply()
        self.lines.smtp("EHLO mx.test", 250)

    def send(self, sender, to, author, more=""):
        self.lines.smtp(f"MAIL FROM:<{sender}>", 250)
        self.lines.smtp(f"RCPT TO:<{to}>", 250)
        self.lines.smtp("DATA", 354)
        self.lines.send(f"{more}From: A <{author}>\r\nSubject: x\r\n\r\nHello.\r\n.\r\n"
                        .encode())
        return self.lines.smtp_reply()


def make_key(s):
    """Have the server sign in its domain's name: domain, record's name, value."""
    domain = s.user.split("@")[1]
    s.command("dkim", "add", domain)
    text = s.command("dkim", "show", domain).stdout
    return (domain, re.search(r"^  name   (\S+)$", text, re.M)[1],
            re.search(r"^  value  (.*)$", text, re.M)[1])


def is_signed(key, mail):
    def txt(name, timeout=5):
        assert name.decode().rstrip(".") == key[1], name
        return key[2].encode()
    return dkim.verify(mail, dnsfunc=txt)


def reports_of(host, domain):
    """Messages about a domain: [RCPTs, parsed message, its bytes]; each domain of
    recipients has a transaction of its own."""
    out = {}
    for _, to, _, text in host.got:
        m = email.message_from_bytes(text, policy=email.policy.SMTP)
        if f"Report Domain: {domain} " in m["Subject"]:
            out.setdefault(m["Message-ID"], [[], m, text])[0].extend(to)
    return list(out.values())


def the_report(host, domain, n=1):
    """The one report, which goes to n addresses."""
    lib.wait_until(lambda: sum(len(r[0]) for r in reports_of(host, domain)) >= n,
                   WAIT, "a report about " + domain)
    found = reports_of(host, domain)
    assert len(found) == 1 and len(found[0][0]) == n, found
    return found[0]


def words(element):
    return [child.tag.removeprefix(NS) for child in element]


def one_of(element, path, *allowed):
    text = element.find("/".join(NS + p for p in path.split("/"))).text
    assert text in allowed, (path, text)
    return text


ORDER = ["version", "report_metadata", "policy_published"]
METADATA = ["org_name", "email", "report_id", "date_range", "generator"]
POLICY = {"domain", "discovery_method", "p", "sp", "np", "fo", "adkim", "aspf", "testing"}
RESULTS = ("none", "pass", "fail", "policy", "neutral", "softfail", "temperror",
           "permerror")


def check_record(r):
    """The schema of RFC 9990's Appendix A; returns what tells it from others."""
    assert words(r) == ["row", "identifiers", "auth_results"], words(r)
    assert words(r[0]) == ["source_ip", "count", "policy_evaluated"]
    evaluated = words(r[0][2])
    assert evaluated[:3] == ["disposition", "dkim", "spf"], evaluated
    assert set(evaluated[3:]) <= {"reason"}
    assert set(words(r[1])) == {"header_from", "envelope_from"}
    assert all(w in ("dkim", "spf") for w in words(r[2]))
    for one in r[2]:
        if one.tag == NS + "spf":
            assert words(one) == ["domain", "scope", "result"], words(one)
            one_of(one, "scope", "mfrom")
        else:
            assert words(one)[:3] == ["domain", "selector", "result"], words(one)
        one_of(one, "result", *RESULTS)
    reason = r.find(f"{NS}row/{NS}policy_evaluated/{NS}reason/{NS}type")
    return (one_of(r, "row/policy_evaluated/disposition", "none", "pass", "quarantine",
                   "reject"),
            one_of(r, "row/policy_evaluated/dkim", "pass", "fail"),
            one_of(r, "row/policy_evaluated/spf", "pass", "fail"),
            reason.text if reason is not None else "",
            r.find(f"{NS}row/{NS}source_ip").text,
            r.find(f"{NS}identifiers/{NS}header_from").text,
            r.find(f"{NS}identifiers/{NS}envelope_from").text or "",
            int(r.find(f"{NS}row/{NS}count").text))


def read_dmarc(m, domain, own):
    parts = m.get_payload()
    assert [p.get_content_type() for p in parts] == ["text/plain", "application/gzip"]
    x = tree.fromstring(gzip.decompress(parts[1].get_content()))
    assert x.tag == NS + "feedback"
    assert words(x)[:3] == ORDER and set(words(x)[3:]) == {"record"}, words(x)
    meta, policy = x[1], x[2]
    assert words(meta) == METADATA, words(meta)
    assert x[0].text == "1.0"
    assert set(words(policy)) <= POLICY and words(policy)[0] == "domain"
    assert policy[0].text == domain
    one_of(policy, "discovery_method", "treewalk")
    begin, end = (int(meta[3][i].text) for i in (0, 1))
    assert begin % 86400 == 0 and begin < end < begin + 86400
    assert abs(end - time.time()) < 3600
    report_id = meta[2].text
    name = parts[1].get_filename()
    assert name == f"{own}!{domain}!{begin}!{end}!{report_id}.xml.gz", name
    assert m["Subject"] == (f"Report Domain: {domain} Submitter: {own} "
                            f"Report-ID: <{report_id}>"), m["Subject"]
    return x, [check_record(r) for r in x.findall(NS + "record")]


def judge_some(s):
    """Mail of all kinds."""
    honest, other = Client(s, HONEST), Client(s, OTHER)
    for _ in range(3):
        assert honest.send("a@reject.test", s.user, "a@reject.test")[:3] == "250"
    assert other.send("a@quiet.test", s.user, "a@reject.test")[:3] == "550"
    sig = "DKIM-Signature: v=1; a=rsa-sha256; d=%s; s=x; h=from; bh=AA==; b=AA==\r\n"
    assert other.send("", s.user, "a@new.reject.test",
                      sig % "</domain><x>" + sig % "d.reject.test")[:3] == "250"
    assert other.send("a@quiet.test", s.user, "a@testing.test")[:3] == "250"
    assert other.send("a@quiet.test", s.user, "a@quiet.test")[:3] == "250"
    assert honest.send("a@later.test", s.user, "a@later.test")[:3] == "250"
    assert honest.send("a@sub.split.test", s.user, "a@sub.split.test")[:3] == "250"
    # Mail to the address of reports is no matter of reports.
    s.command("set", "report.contact", s.user)
    assert honest.send("a@reject.test", s.user, "a@reject.test")[:3] == "250"
    s.command("unset", "report.contact")


def dmarc(s, dns, host, key):
    judge_some(s)
    own = key[0]
    listed = s.command("report", "list").stdout
    assert re.search(r"dmarc +reject\.test  5 counted, 3 rows", listed), listed
    assert "quiet.test" not in listed, listed
    s.command("report", "send")
    to, m, raw = the_report(host, "reject.test", 2)
    # b@no.test did not agree, c@moved.test leads elsewhere, tiny has no room.
    assert sorted(to) == ["Agg@reject.test", "a@yes.test"], to
    x, rows = read_dmarc(m, "reject.test", own)
    assert sorted(rows) == [
        ("pass", "fail", "pass", "", HONEST, "reject.test", "reject.test", 3),
        ("quarantine", "fail", "fail", "", OTHER, "new.reject.test", "", 1),
        ("reject", "fail", "fail", "", OTHER, "reject.test", "quiet.test", 1),
    ], rows
    policy = {p.tag.removeprefix(NS): p.text for p in x[2]}
    assert policy == {
        "domain": "reject.test", "discovery_method": "treewalk", "p": "reject",
        "sp": "quarantine", "np": "quarantine", "fo": "1:d:s", "adkim": "s",
        "aspf": "r", "testing": "n"}, policy
    signers = [d.text for d in x.iter(NS + "domain")]
    assert "d.reject.test" in signers and "</domain><x>" not in signers, signers
    assert is_signed(key, raw), raw
    assert m["Auto-Submitted"] == "auto-generated"
    assert m["From"] == f"postmaster@{own}", m["From"]
    # Told elsewhere, at the place that the other named; in test mode.
    to, m, _ = the_report(host, "testing.test")
    assert to == ["y@yes.test"], to
    rows = read_dmarc(m, "testing.test", own)[1]
    assert rows == [("quarantine", "fail", "fail", "policy_test_mode", OTHER,
                     "testing.test", "quiet.test", 1)], rows
    to, m, _ = the_report(host, "sub.split.test")
    assert to == ["s@split.test"], to
    # What could not be asked for waits; what was sent is gone.
    lib.wait_until(lambda: "reject.test" not in s.command("report", "list").stdout,
                   WAIT, "the rows to go")
    listed = s.command("report", "list").stdout
    assert listed.count("dmarc") == 1 and "later.test" in listed, listed
    del dns.zones["later.test._report._dmarc.slow.test"]["DO"]

    def again():
        s.command("report", "send")
        return reports_of(host, "later.test")
    lib.wait_until(again, WAIT, "the later report")
    read_dmarc(the_report(host, "later.test")[1], "later.test", own)
    for domain in ("reject.test", "testing.test"):
        assert len(reports_of(host, domain)) == 1
    assert "dmarc" not in s.command("report", "list").stdout
    to = [a for g in host.got for a in g[1]]
    assert not {"b@no.test", "c@moved.test", "d@away.test", "tiny@reject.test"} & set(to)


POLICY_LINES = ["version: STSv1", "mode: enforce", "max_age: 86400"]


def tls_zones(z):
    """Domains by how TLS goes with them."""
    for name, address in (("plain", "127.0.0.3"), ("good", "127.0.0.4"),
                          ("bad", "127.0.0.5"), ("broken", "127.0.0.3"),
                          ("silent", "127.0.0.3")):
        z[name + ".test"] = {"MX": [f"10 mx.{name}.test"]}
        z[f"mx.{name}.test"] = {"A": [address]}
        z[f"_smtp._tls.{name}.test"] = {"TXT": [
            f"v=TLSRPTv1; rua=https://{name}.test/report,mailto:tls@{name}.test"]}
    z["_smtp._tls.silent.test"] = {"TXT": ["v=TLSRPTv1; rua=mailto:a@silent.test",
                                           "v=TLSRPTv1; rua=mailto:b@silent.test"]}
    z["post.test"] = {"A": ["127.0.0.8"], "MX": ["10 mx.plain.test"]}
    for name in ("good", "bad", "broken"):
        z[f"mta-sts.{name}.test"] = {"A": ["127.0.0.8"]}
        z[f"_mta-sts.{name}.test"] = {"TXT": ["v=STSv1; id=1;"]}


POSTED = []  # (path, type, file)


def policy(method, host, path, headers, body):
    if method == "POST":
        POSTED.append((path, headers["Content-Type"], body.encode("latin-1")))
        return (500 if len(POSTED) == 1 else 201), "text/plain", ""
    name = host.split(".")[1]
    if name == "broken":
        return 404, "text/plain", "none"
    return 200, "text/plain", "\r\n".join(POLICY_LINES + [f"mx: mx.{name}.test", ""])


def submit(s, to):
    line = s.connect_tls("SUBMISSIONS")
    line.smtp_reply()
    line.smtp("EHLO client.test", 250)
    line.smtp("AUTH PLAIN " + base64.b64encode(
        f"\0{s.user}\0{s.password}".encode()).decode(), 235)
    reply = lib.send_mail(line, [to], b"Subject: mail\r\n\r\nx\r\n", s.user)
    assert reply.startswith("250"), reply
    line.close()


def read_tls(m, domain, own):
    """The report's policies, when all around them is as RFC 8460 says."""
    assert m.get_content_type() == "multipart/report"
    assert m["Content-Type"].params["report-type"] == "tlsrpt", m["Content-Type"]
    assert m["TLS-Report-Domain"] == domain and m["TLS-Report-Submitter"] == own
    assert m["TLS-Required"] == "No"
    parts = m.get_payload()
    assert [p.get_content_type() for p in parts] == ["text/plain",
                                                     "application/tlsrpt+gzip"]
    j = json.loads(gzip.decompress(parts[1].get_payload(decode=True)))
    assert set(j) == {"organization-name", "date-range", "contact-info", "report-id",
                      "policies"}, j
    assert j["organization-name"] == own and j["contact-info"] == "postmaster@" + own
    begin, end = (calendar.timegm(time.strptime(
        j["date-range"][k + "-datetime"], "%Y-%m-%dT%H:%M:%SZ")) for k in ("start", "end"))
    assert begin % 86400 == 0 and begin < end < begin + 86400
    name = parts[1].get_filename()
    assert name == f"{own}!{domain}!{begin}!{end}!{j['report-id']}.json.gz", name
    assert m["Subject"] == (f"Report Domain: {domain} Submitter: {own} "
                            f"Report-ID: <{j['report-id']}@{own}>"), m["Subject"]
    for one in j["policies"]:
        assert one["policy"].pop("policy-domain") == domain
        details = one.get("failure-details", [])
        assert sum(d["failed-session-count"] for d in details) == \
            one["summary"]["total-failure-session-count"], one
    return j["policies"]


def tls(s, hosts):
    plain, good, bad = hosts
    # Without a key nothing proves who reports: it waits for one.
    submit(s, "kim@plain.test")
    lib.wait_until(lambda: "plain.test" in s.command("report", "list").stdout, WAIT, "a row")
    s.command("report", "send")
    lib.wait_until(lambda: "report.no_key" in (s.folder / "log").read_text(), WAIT, "a word")
    key = make_key(s)
    own = key[0]
    for name in ("good", "good", "plain", "broken", "silent", "post", "bad"):
        submit(s, f"kim@{name}.test")
        if name != "bad":
            lib.wait_until(lambda: "kim@" not in s.command("queue", "list").stdout,
                           WAIT, "mail to " + name)
    lib.wait_until(lambda: "MTA-STS" in s.command("queue", "list").stdout, WAIT,
                   "a refusal")
    listed = s.command("report", "list").stdout
    assert re.search(r"tls +good\.test  2 counted, 1 rows", listed), listed
    s.command("report", "send")

    [one] = read_tls(the_report(good, "good.test")[1], "good.test", own)
    assert one == {
        "policy": {"policy-type": "sts", "mx-host": ["mx.good.test"],
                   "policy-string": POLICY_LINES + ["mx: mx.good.test"]},
        "summary": {"total-successful-session-count": 2,
                    "total-failure-session-count": 0}}, one

    to, m, raw = the_report(plain, "plain.test")
    assert to == ["tls@plain.test"] and is_signed(key, raw), raw
    [one] = read_tls(m, "plain.test", own)
    assert one["policy"] == {"policy-type": "no-policy-found"}, one
    assert one["summary"]["total-successful-session-count"] == 0, one
    assert one["failure-details"] == [{
        "result-type": "starttls-not-supported", "failed-session-count": 2,
        "receiving-mx-hostname": "mx.plain.test", "receiving-ip": "127.0.0.3",
        "failure-reason-code": "the host does not offer it"}], one

    # It arrives though mail may not, by that same policy: with the next attempt.
    lib.wait_until(lambda: s.command("queue", "retry") and
                   reports_of(bad, "bad.test"), WAIT, "a report in spite of TLS")
    [one] = read_tls(the_report(bad, "bad.test")[1], "bad.test", own)
    assert not any("kim@bad.test" in g[1] for g in bad.got)
    assert one["policy"]["policy-type"] == "sts", one
    assert {d["result-type"] for d in one["failure-details"]} == {
        "certificate-host-mismatch"}, one

    # The policy could not be had, and the mail went without.
    none, one = read_tls(the_report(plain, "broken.test")[1], "broken.test", own)
    assert none["policy"] == {"policy-type": "no-policy-found"}, none
    assert one["policy"] == {"policy-type": "sts"}, one
    kinds = [d["result-type"] for d in one["failure-details"]]
    assert kinds == ["sts-policy-fetch-error"], one
    # By HTTPS: the first attempt was refused there, with the next it is taken.
    assert "post.test" in s.command("report", "list").stdout
    lib.wait_until(lambda: s.command("report", "send") and len(POSTED) > 1, WAIT, "a post")
    assert POSTED[1][:2] == ("/report?x=1", "application/tlsrpt+gzip"), POSTED[1]
    j = json.loads(gzip.decompress(POSTED[1][2]))
    assert j["policies"][0]["policy"]["policy-domain"] == "post.test", j
    # No row tells of the sessions with reports; who publishes two records has none.
    lib.wait_until(lambda: not re.search("(good|plain|broken|silent|post)",
                                         s.command("report", "list").stdout), WAIT,
                   "the rows to go")
    assert not reports_of(plain, "silent.test")
    return key


def main():
    lib.need("openssl")
    left = 86400 - time.time() % 86400
    if left < 300:  # all is to be counted for one day
        time.sleep(left + 1)
    z = zones()
    tls_zones(z)
    with tempfile.TemporaryDirectory(prefix="tinpost-reports-") as folder:
        ca = secure.Authority(pathlib.Path(folder))
        hosts = (Host("127.0.0.3"), Host("127.0.0.4", ca.context("mx.good.test")),
                 Host("127.0.0.5", ca.context("mx.other.test")))
        web = secure.Web("127.0.0.8", ca.context(
            "post.test", *(f"mta-sts.{n}.test" for n in ("good", "bad", "broken"))), policy)
        z["_smtp._tls.post.test"] = {"TXT": [
            f"v=TLSRPTv1;rua=https://post.test:{web.port}/report?x=1"]}
        with dnsd.Server(z) as dns, lib.server(
                "queue.route=mx", "dns.servers=" + dns.where,
                f"queue.port={Host.port}", f"queue.mta-sts-port={web.port}",
                "trust.dmarc-reports=on", "queue.tls-reports=on") as s:
            ca.trust(s)
            try:
                key = tls(s, hosts)
                print("ok tls", flush=True)
                s.command("set", "queue.tls-reports", "off")
                dmarc(s, dns, hosts[0], key)
                print("ok dmarc", flush=True)
            except Exception:
                print((s.folder / "log").read_text())
                raise


if __name__ == "__main__":
    main()
