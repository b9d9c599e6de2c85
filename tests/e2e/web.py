#!/usr/bin/env python3
"""The web server: what it answers to whom, on one connection after another,
and what of HTTP it refuses."""

import http.client
import socket
import ssl
import time
import xml.etree.ElementTree as ET

import lib

NS = "{http://schemas.microsoft.com/exchange/autodiscover/" \
     "outlook/responseschema/2006a}"


def plain(server):
    return http.client.HTTPConnection("127.0.0.1", server.port("HTTP"),
                                      timeout=15)


def secure(server):
    context = ssl.create_default_context(cafile=server.env["CAFILE"])
    return http.client.HTTPSConnection("localhost", server.port("HTTPS"),
                                       timeout=15, context=context)


def ask(line, path, host="localhost", method="GET", body=None):
    """Returns status, headers, body."""
    line.request(method, path, body, {"Host": host})
    answer = line.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def raw(server, data, piece=None):
    """What comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port("HTTP")), 15) as s:
        for at in range(0, len(data), piece or max(1, len(data))):
            s.sendall(data[at:at + (piece or len(data))])
        got = b""
        try:
            while more := s.recv(65536):
                got += more
        except ConnectionResetError:
            pass
        return got


def policy(server, line):
    host = "mta-sts.example.test"
    path = "/.well-known/mta-sts.txt"
    assert ask(line, path, host)[0] == 404
    server.command("set", "web.mta-sts", "testing")
    status, headers, text = ask(line, path, host)
    assert status == 200 and headers["Content-Type"] == "text/plain"
    assert text == "version: STSv1\r\nmode: testing\r\n" \
        "mx: mail.example.test\r\nmax_age: 604800\r\n", text
    status, headers, _ = ask(plain(server), path, host)
    assert status == 308, status
    assert headers["Location"] == \
        f"https://{host}:{server.port('HTTPS')}{path}", headers["Location"]
    assert ask(line, path, "mta-sts.other.test")[0] == 421
    assert ask(line, path, "localhost")[0] == 404
    server.command("set", "web.mta-sts", "none")
    assert "mode: none" in ask(line, path, host.upper())[2]


def mail_programs(server, line):
    for host, path in (
        ("autoconfig.example.test", "/mail/config-v1.1.xml?emailaddress=a"),
        ("example.test", "/.well-known/autoconfig/mail/config-v1.1.xml"),
    ):
        for way in (line, plain(server)):
            status, _, text = ask(way, path, host)
            assert status == 200, status
            provider = ET.fromstring(text).find("emailProvider")
            assert provider.find("domain").text == "example.test"
            found = {
                (e.get("type"), e.find("socketType").text):
                int(e.find("port").text)
                for e in provider if e.find("port") is not None}
            assert found == {
                ("imap", "SSL"): server.port("IMAPS"),
                ("imap", "STARTTLS"): server.port("IMAP"),
                ("pop3", "SSL"): server.port("POP3S"),
                ("pop3", "STARTTLS"): server.port("POP3"),
                ("smtp", "SSL"): server.port("SUBMISSIONS"),
                ("smtp", "STARTTLS"): server.port("SUBMISSION"),
            }, found
    question = '<?xml version="1.0"?><Autodiscover><Request><EMailAddress>' \
        " alice@example.test</EMailAddress></Request></Autodiscover>"
    for path in ("/autodiscover/autodiscover.xml",
                 "/Autodiscover/Autodiscover.xml"):
        status, _, text = ask(line, path, "autodiscover.example.test", "POST",
                              question)
        assert status == 200, (status, text)
        found = ET.fromstring(text).findall(f".//{NS}Protocol")
        assert len(found) == 6
        assert all(p.find(NS + "LoginName").text == "alice@example.test"
                   for p in found)
        assert {p.find(NS + "Port").text for p in found} >= {
            str(server.port("IMAPS")), str(server.port("SUBMISSIONS"))}
    status, _, text = ask(line, "/autodiscover/autodiscover.xml",
                          "example.test", "POST", "<x>")
    assert status == 400 and "EMailAddress" in text


def figures(server, line):
    assert ask(line, "/metrics")[0] == 403
    server.command("set", "web.metrics", "loopback")
    for way in (line, plain(server)):
        status, _, text = ask(way, "/metrics")
        assert status == 200
        rows = dict(row.split() for row in text.splitlines()
                    if not row.startswith("#"))
        assert rows["tinpost_accounts"] == "102", rows
        assert int(rows["tinpost_tls_connections"]) >= 1
        assert text.count("# TYPE") == len(rows)
    assert ask(line, "/metrics", "example.test")[0] == 404
    status, headers, _ = ask(line, "/metrics", method="POST", body="x")
    assert status == 405 and headers["Allow"] == "GET, HEAD"


def protocol(server):
    host = b"Host: localhost\r\n"
    one = b"GET /metrics HTTP/1.1\r\n" + host + b"\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for piece in (None, 1):
        got = raw(server, one + one + last, piece)
        assert got.count(b"HTTP/1.1 200 OK\r\n") == 3, got
    got = raw(server, b"HEAD" + last[3:])
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Content-Length: " in head and body == b"", got
    got = raw(server, b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert b"Connection: close\r\n" in got and b"tinpost_uptime" in got
    for bad, status in (
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n",
         421),
        (b"GET / HTTP/1.1\r\nHost: 10.1.1.1\r\nConnection: close\r\n\r\n",
         421),
        (b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 1\r\n"
         b"Transfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n"
         b"\r\n0\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 65537\r\n\r\n",
         413),
        (b"GET / HTTP/1.1\r\n" + host + b"A: " + 9000 * b"a", 431),
        (b"GET /" + 9000 * b"a", 414),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\n", 400),
    ):
        got = raw(server, bad)
        assert got.startswith(b"HTTP/1.1 %d " % status), (bad[:80], got)
        assert got.count(b"HTTP/1.1 ") == 1, (bad[:80], got)
    got = raw(server, b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 2\r\n"
              b"\r\nxy" + last)
    assert got.count(b"HTTP/1.1 404") == 1 and b"200 OK" in got, got


def expects(server):
    with socket.create_connection(
        ("127.0.0.1", server.port("HTTPS")), 15) as s:
        context = ssl.create_default_context(cafile=server.env["CAFILE"])
        with context.wrap_socket(s, server_hostname="localhost") as t:
            t.sendall(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\n"
                      b"Host: example.test\r\nContent-Length: 31\r\n"
                      b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
            assert t.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            t.sendall(b"<EMailAddress>a@b</EMailAddress>"[:31])
            got = b""
            while more := t.recv(65536):
                got += more
            assert got.startswith(b"HTTP/1.1 200 OK\r\n"), got


def slow(server):
    """A head that does not end is answered; a silent connection just ends;
    places are few, and come back."""
    server.command("set", "web.head-time", "1s")
    server.command("set", "web.idle-time", "1s")
    assert raw(server, b"GET / HTTP/1.1\r\nHo").startswith(b"HTTP/1.1 408 ")
    assert raw(server, b"") == b""
    server.command("set", "web.sessions", "2")
    server.command("set", "web.head-time", "1m")
    held = [socket.create_connection(("127.0.0.1", server.port("HTTP")), 15)
            for _ in range(2)]
    assert b" 503 " in raw(server, b"")
    for s in held:
        s.close()
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if ask(plain(server), "/metrics")[0] == 200:
                return
        except (http.client.HTTPException, OSError):
            pass
        time.sleep(0.1)
    raise AssertionError("no place came back")


def main():
    with lib.server() as server:
        line = secure(server)
        policy(server, line)
        mail_programs(server, line)
        figures(server, line)
        protocol(server)
        expects(server)
        line.close()
        slow(server)


main()
