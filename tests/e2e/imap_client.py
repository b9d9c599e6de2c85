"""An IMAP client that hides nothing: it sends what it is told to, and gives
back every response parsed (RFC 9051 9), in order."""

import re
import socket
import ssl


class Atom(str):
    """A word that was neither quoted nor a literal."""


class Closed(Exception):
    """The server has ended the connection."""


class Refused(Exception):
    """A command that had to succeed did not."""


class Answer:
    """What came back for one command."""

    def __init__(self, status, code, text, untagged):
        self.status = status  # OK, NO or BAD
        self.code = code  # the response code, parsed, or []
        self.text = text
        self.untagged = untagged  # lists of parsed words

    def named(self, name):
        """The untagged responses of this name, without the name: of
        "* 3 EXISTS" the name is EXISTS and [3] is left."""
        found = []
        for words in self.untagged:
            if words and str(words[0]).upper() == name:
                found.append(words[1:])
            elif len(words) > 1 and str(words[1]).upper() == name:
                found.append([words[0]] + words[2:])
        return found

    def codes(self):
        """All response codes, untagged ones first: name -> the rest."""
        found = {}
        for words in self.untagged:
            if words and words[0] in ("OK", "NO", "BAD", "BYE", "PREAUTH"):
                code = words[1]
                if code:
                    found[str(code[0]).upper()] = code[1:]
        if self.code:
            found[str(self.code[0]).upper()] = self.code[1:]
        return found

    def __repr__(self):
        return f"{self.status} {self.code} {self.text} {self.untagged}"


STATUS = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH) (?:\[(.*?)\] ?)?(.*)\Z", re.S)
ATOM = re.compile(rb"[^\s()\"{\[]+")


class Words:
    """The words of one response, literals in place."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def all(self, end=b""):
        words = []
        while self.at < len(self.data):
            byte = self.data[self.at:self.at + 1]
            if byte == end:
                self.at += 1
                return words
            if byte == b" ":
                self.at += 1
            else:
                words.append(self.word(byte))
        if end:
            raise ValueError(f"no {end!r} in {self.data!r}")
        return words

    def word(self, byte):
        if byte == b"(":
            self.at += 1
            return self.all(b")")
        if byte == b'"':
            return self.quoted()
        literal = re.compile(rb"~?\{(\d+)\}\r\n").match(self.data, self.at)
        if literal:
            start = literal.end()
            self.at = start + int(literal[1])
            assert self.at <= len(self.data), self.data[-200:]
            return self.data[start:self.at]
        return self.atom()

    def quoted(self):
        match = re.compile(rb'"((?:[^"\\\r\n]|\\["\\])*)"').match(
            self.data, self.at
        )
        if not match:
            raise ValueError(f"bad quoted string: {self.data[self.at:][:80]!r}")
        self.at = match.end()
        return re.sub(rb"\\(.)", rb"\1", match[1])

    def atom(self):
        """An atom, with the sections in brackets of BODY[...]."""
        start = self.at
        depth = 0
        while self.at < len(self.data):
            byte = self.data[self.at:self.at + 1]
            if byte == b"[":
                depth += 1
            elif byte == b"]":
                depth -= 1
            elif depth == 0 and byte in b' ()"{':
                break
            self.at += 1
        if self.at == start:
            raise ValueError(f"no word in {self.data[start:][:80]!r}")
        text = self.data[start:self.at].decode("utf-8", "surrogateescape")
        if text.isdigit():
            return int(text)
        return None if text == "NIL" else Atom(text)


def parse(data):
    """One untagged response behind "* "."""
    status = STATUS.match(data)
    if status:
        code = Words(status[2] or b"").all()
        return [Atom(status[1].decode()), code, status[3].decode()]
    return Words(data).all()


def numbers(text):
    """The numbers of a set such as 1:3,7."""
    found = []
    for part in str(text).split(","):
        first, _, last = part.partition(":")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def to_set(values):
    """The inverse, without ranges."""
    return ",".join(str(v) for v in values)


def fields(pairs):
    """The words of FETCH or STATUS as a dictionary with upper-case names."""
    return {
        str(pairs[i]).upper(): pairs[i + 1] for i in range(0, len(pairs), 2)
    }


class Imap:
    """One connection."""

    def __init__(self, port, cafile=None, timeout=60):
        sock = socket.create_connection(("127.0.0.1", port), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if cafile:
            context = ssl.create_default_context(cafile=cafile)
            sock = context.wrap_socket(sock, server_hostname="localhost")
        self.sock = sock
        self.rest = b""
        self.n = 0
        self.greeting = parse(self.response()[2:])

    def start_tls(self, cafile):
        self.ok("STARTTLS")
        context = ssl.create_default_context(cafile=cafile)
        self.sock = context.wrap_socket(
            self.sock, server_hostname="localhost"
        )

    def fill(self):
        more = self.sock.recv(1 << 18)
        if not more:
            raise Closed(self.rest)
        self.rest += more

    def response(self):
        """The next response with its literals, without the last CRLF."""
        at = 0
        while True:
            end = self.rest.find(b"\r\n", at)
            if end < 0:
                self.fill()
                continue
            literal = re.search(rb"\{(\d+)\}\Z", self.rest[at:end])
            if not literal:
                break
            at = end + 2 + int(literal[1])
            while len(self.rest) < at:
                self.fill()
        data, self.rest = self.rest[:end], self.rest[end + 2:]
        return data

    def send(self, *parts):
        """Send a command; bytes after the first part are literals. Returns
        the tag."""
        self.n += 1
        tag = f"t{self.n}"
        data = tag.encode() + b" "
        for part in parts:
            if isinstance(part, bytes):
                data += b"{%d+}\r\n" % len(part) + part
            else:
                data += part.encode()
        self.sock.sendall(data + b"\r\n")
        return tag

    def wait(self, tag):
        """Read up to the tagged response."""
        untagged = []
        start = tag.encode() + b" "
        while True:
            data = self.response()
            if data.startswith(start):
                status = parse(data[len(start):])
                return Answer(*status, untagged)
            if data.startswith(b"* "):
                untagged.append(parse(data[2:]))
            elif not data.startswith(b"+"):
                raise ValueError(f"not a response: {data!r}")

    def cmd(self, *parts):
        return self.wait(self.send(*parts))

    def ok(self, *parts):
        answer = self.cmd(*parts)
        if answer.status != "OK":
            raise Refused(f"{parts!r}: {answer!r}")
        return answer

    def login(self, user, password):
        return self.ok(f'LOGIN "{user}" "{password}"')

    # IDLE (RFC 9051 6.3.13)

    def idle(self):
        tag = self.send("IDLE")
        while not (data := self.response()).startswith(b"+"):
            if data.startswith(tag.encode()):
                raise Refused(data)
        return tag

    def pushed(self):
        """The next untagged response."""
        return parse(self.response()[2:])

    def done(self, tag):
        self.sock.sendall(b"DONE\r\n")
        return self.wait(tag)

    def close(self):
        self.sock.close()
