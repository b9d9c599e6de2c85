"""For tests of TLS to others: an authority of the test's own, web servers and
receiving mail servers with its certificates. All of it on loopback."""

import http.server
import pathlib
import socket
import ssl
import subprocess
import threading


class Authority:
    """Makes certificates in a folder; `pem` is what to trust."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.pem = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        self.request(name, self.pem, self.key)

    def trust(self, s):
        """Let a server trust it. Confined, it reads only below /etc and its own
        folder."""
        copy = pathlib.Path(s.env["DATA_DIR"]) / "ca.pem"
        copy.write_bytes(self.pem.read_bytes())
        copy.chmod(0o644)
        s.command("set", "tls.ca-file", str(copy))

    @staticmethod
    def request(name, pem, key, *more):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
             "-days", "90", "-out", str(pem), "-keyout", str(key), *more],
            check=True, capture_output=True, timeout=60)

    def context(self, *names):
        """What a server with a certificate for these names needs."""
        stem = self.folder / f"{self.name}-{names[0].replace('*', '_')}"
        pem, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        self.request(names[0][:60], pem, key, "-CA", str(self.pem), "-CAkey",
                     str(self.key), "-addext", "subjectAltName=" +
                     ",".join("DNS:" + n for n in names))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem, key)
        return context


class Web(threading.Thread):
    """An HTTPS server. answer(method, host, path, headers, body) returns
    (status, type, text); hits holds "HOST PATH" of each request."""

    def __init__(self, address, context, answer, port=0):
        super().__init__(daemon=True)
        web = self
        self.hits = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 20

            def reply(self):
                host = self.headers["Host"].split(":")[0]
                n = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(n).decode("latin-1")
                web.hits.append(f"{host} {self.path}")
                status, kind, text = answer(
                    self.command, host, self.path, self.headers, body)
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = reply

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                sock, where = super().get_request()
                # The handshake is the handler's: one that fails stops nobody.
                return context.wrap_socket(
                    sock, server_side=True,
                    do_handshake_on_connect=False), where

            def handle_error(self, *_):
                pass

        self.server = Server((address, port), Handler)
        self.port = self.server.server_address[1]
        self.start()

    def run(self):
        self.server.serve_forever(0.05)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Mx(threading.Thread):
    """A receiving server: got holds (whether over TLS, text) of each mail.
    context: for STARTTLS; None: it is not offered. login(words) is asked with
    what follows AUTH, and returns the reply. All have one port."""

    def __init__(self, address, context=None, login=None):
        super().__init__(daemon=True)
        self.context, self.login = context, login
        self.got, self.n_connections, self.lines = [], 0, []
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, getattr(Mx, "port", 0)))
        Mx.port = self.listener.getsockname()[1]
        self.listener.listen(20)
        self.start()

    def run(self):
        while True:
            peer, _ = self.listener.accept()
            self.n_connections += 1
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        try:
            peer.settimeout(60)
            self.talk(peer)
        except OSError:
            pass
        finally:
            peer.close()

    def talk(self, peer):
        file, is_tls = peer.makefile("rwb"), False

        def say(text):
            file.write(text.encode() + b"\r\n")
            file.flush()

        say("220 mx")
        while line := file.readline():
            line = line.decode().strip()
            self.lines.append(line)
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["mx"]
                if self.context and not is_tls:
                    offers.append("STARTTLS")
                if self.login and is_tls:
                    offers.append("AUTH XOAUTH2 OAUTHBEARER")
                say("\r\n".join("250-" + o for o in offers) + "\r\n250 SIZE")
            elif verb == "STARTTLS" and self.context and not is_tls:
                say("220 go")
                peer = self.context.wrap_socket(peer, server_side=True)
                file, is_tls = peer.makefile("rwb"), True
            elif verb == "AUTH" and self.login:
                reply = self.login(line[5:])
                say(reply)
                if reply.startswith("334"):
                    self.lines.append(file.readline().decode().strip())
                    say("535 5.7.8 No")
            elif verb == "DATA":
                say("354 go")
                text = b""
                while (part := file.readline()) not in (b".\r\n", b""):
                    text += part
                self.got.append((is_tls, text))
                say("250 2.0.0 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 2.0.0 ok")
