#!/usr/bin/env python3
"""Certificates of the owner's: several at once, chosen by the name that the
client asks for, changed while the server runs; bad ones change nothing."""

import hashlib
import pathlib
import ssl
import subprocess
import tempfile

import lib

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("-newkey", "rsa:2048")


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True,
                   capture_output=True, timeout=60)


class Made:
    """A certificate for one name in a folder, with its key; self-signed, or
    by another one."""

    def __init__(self, folder, name, kind, issuer=None):
        self.pem, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        by = ("-CA", issuer.pem, "-CAkey", issuer.key) if issuer else ()
        openssl("req", "-x509", *kind, "-nodes", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName=DNS:{name}", *by,
                "-days", "90", "-out", self.pem,
                "-keyout", self.key)

    @property
    def print(self):
        text = self.pem.read_text()
        der = ssl.PEM_cert_to_DER_cert(text)
        return hashlib.sha256(der).hexdigest()


def end(folder, made):
    """Sign it again, valid until 2024-01-01."""
    (folder / "index").write_text("")
    (folder / "ca.cnf").write_text(f"""[ca]
default_ca = d
[d]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = p
[p]
commonName = supplied
""")
    request = folder / "request"
    openssl("req", "-new", "-key", made.key, "-subj", "/CN=ended.test",
            "-out", request)
    openssl("ca", "-batch", "-config", folder / "ca.cnf", "-create_serial",
            "-selfsign", "-keyfile", made.key, "-in", request,
            "-startdate", "20230101000000Z", "-enddate", "20240101000000Z",
            "-notext", "-out", folder / "signed.pem")
    made.pem.write_text((folder / "signed.pem").read_text())


def connect(s, name):
    """A POP3 session over TLS that asks for this host."""
    line = s.connect("POP3S")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    line.sock = context.wrap_socket(line.sock, server_hostname=name)
    assert line.line().startswith(b"+OK")
    return line


def print_of(s, name):
    line = connect(s, name)
    der = line.sock.getpeercert(binary_form=True)
    line.pop3("QUIT")
    line.close()
    return hashlib.sha256(der).hexdigest()


def refuses(s, words, *args):
    """It is refused in these words, and nothing has changed."""
    before = s.command("cert", "show").stdout
    done = s.command("cert", "set", *map(str, args), check=False)
    assert done.returncode == 1, done
    assert words in done.stderr, (words, done.stderr)
    assert "Nothing was changed." in done.stderr, done.stderr
    assert s.command("cert", "show").stdout == before
    print(done.stderr.strip())


def served_by_name(s, one, two):
    made = print_of(s, "localhost")
    open_session = connect(s, "localhost")
    s.command("cert", "set", str(two.pem), str(two.key), "--name", "two")
    assert print_of(s, "two.test") == two.print
    assert print_of(s, "localhost") == made
    s.command("cert", "set", str(one.pem), str(one.key))
    for name, wanted in (("one.test", one), ("two.test", two),
                         ("other.test", one), (None, one)):
        assert print_of(s, name) == wanted.print, name
    shown = s.command("cert", "show").stdout
    for word in ("one.test", "two.test", "certificate label      two",
                 one.print, two.print):
        assert word in shown, (word, shown)
    assert shown.count("certificate ends") == 2, shown
    open_session.pop3(f"USER {s.user}")
    open_session.pop3(f"PASS {s.password}")
    open_session.pop3("QUIT")


def bad_ones(s, folder, one, two):
    refuses(s, "key", one.pem, two.key)
    refuses(s, "key", one.pem, one.pem)
    ended = Made(folder, "ended.test", EC)
    end(folder, ended)
    refuses(s, "has expired: 2024-01-01", ended.pem, ended.key)
    refuses(s, "has expired", ended.pem, ended.key, "--name", "two")
    refuses(s, "holds a private key", one.key, one.pem)
    leaf = Made(folder, "leaf.test", EC, issuer=one)
    chain = folder / "chain.pem"
    chain.write_text(one.pem.read_text() + leaf.pem.read_text())
    refuses(s, "not in order", chain, leaf.key)
    assert print_of(s, "one.test") == one.print
    assert print_of(s, "two.test") == two.print
    chain.write_text(leaf.pem.read_text() + one.pem.read_text())
    s.command("cert", "set", str(chain), str(leaf.key), "--name", "leaf")
    assert print_of(s, "leaf.test") == leaf.print


def labels(s, one, two):
    def fails(words, *args):
        done = s.command("cert", *args, check=False)
        assert done.returncode == 1 and words in done.stderr, done

    fails("label", "set", str(two.pem), str(two.key), "--name", "a b")
    fails("does not exist", "del", "three")
    for i in range(5):
        s.command("cert", "set", str(two.pem), str(two.key), "--name", f"n{i}")
    fails("8 certificates at most", "set", str(two.pem), str(two.key),
          "--name", "n5")
    for i in range(5):
        s.command("cert", "del", f"n{i}")
    s.stop()
    s.again()
    assert print_of(s, "two.test") == two.print, "after a restart"
    s.command("cert", "del", "two")
    assert print_of(s, "two.test") == one.print


def main():
    lib.need("openssl")
    with tempfile.TemporaryDirectory(prefix="tinpost-certs-") as made:
        folder = pathlib.Path(made)
        one = Made(folder, "one.test", EC)
        two = Made(folder, "two.test", RSA)
        with lib.server() as s:
            served_by_name(s, one, two)
            bad_ones(s, folder, one, two)
            labels(s, one, two)
    print("certificates: by name, changed while serving, bad ones refused")


main()
