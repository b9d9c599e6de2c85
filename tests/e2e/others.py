"""Other mail servers for the tests: Debian's Postfix (with OpenDKIM and
OpenDMARC as milters) and Exim, each with a configuration, a queue and
mailboxes of its own below a folder, never those of the system.

All run in a network namespace that has nothing but loopback and addresses of
RFC 5737, with a copy of /etc as theirs: its resolv.conf leads to the DNS server
of the test (dnsd.py), and no packet has a way out."""

import ctypes
import fcntl
import os
import pathlib
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys

import lib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))
import peers  # noqa: E402

# apt refuses two mail servers on one system: this one is only unpacked
# (tools/install --unpack).
EXIM = ROOT / "build" / "peers" / "usr" / "sbin" / "exim4"
NAMESERVER = "192.0.2.53"
CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
IFF_UP_RUNNING = 0x41

MAIN_CF = """
inet_interfaces = {address} 127.0.0.1
smtp_bind_address = {address}
myhostname = mx.{domain}
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = inline:{{ {{ kim@{domain} = kim/ }}, {{ late@{domain} = x }} }}
virtual_mailbox_base = {mail}
virtual_transport = virtual
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
transport_maps = inline:{{ {{ late@{domain} = moved: }} }}
mynetworks = 127.0.0.1
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_tls_security_level = may
smtpd_tls_cert_file = {cert}
smtpd_tls_key_file = {key}
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtp_tls_note_starttls_offer = yes
smtpd_milters = inet:127.0.0.1:8891 inet:127.0.0.1:8893
non_smtpd_milters = inet:127.0.0.1:8891
milter_default_action = tempfail
smtputf8_enable = yes
"""

MASTER_CF = """{address}:25 inet n - n - - smtpd
127.0.0.1:2525 inet n - n - - smtpd
moved unix - n n - - pipe flags= user=nobody argv=/bin/sh -c {{exit 67}}
"""

OPENDKIM_CONF = """Mode sv
Socket inet:8891@127.0.0.1
Domain {domain}
Selector s
KeyFile {key}
RequireSafeKeys no
InternalHosts 127.0.0.1
AuthservID mx.{domain}
AlwaysAddARHeader yes
ResolverConfiguration {folder}/unbound.conf
Background no
Syslog no
"""

# libunbound knows itself that nothing is below .test, and asks nobody at
# 127.0.0.1.
UNBOUND_CONF = """server:
  local-zone: "test." nodefault
  do-not-query-localhost: no
forward-zone:
  name: "."
  forward-addr: {nameserver}
"""

OPENDMARC_CONF = """Socket inet:8893@127.0.0.1
AuthservID mx.{domain}
TrustedAuthservIDs mx.{domain}
RejectFailures true
SPFIgnoreResults true
SPFSelfValidate true
Background false
Syslog false
"""

EXIM_CONF = """primary_hostname = mx.{domain}
local_interfaces = {address}.25 : 127.0.0.1.2526
exim_path = {exim}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/pid
log_selector = +pipelining +8bitmime +tls_cipher +smtp_confirmation +received_recipients
keep_environment =
never_users =
deliver_drop_privilege = true
qualify_domain = {domain}
tls_advertise_hosts = *
tls_certificate = {cert}
tls_privatekey = {key}
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
pipelining_connect_advertise_hosts =
acl_smtp_rcpt = rcpt
acl_smtp_data = data
bounce_return_body = true
begin acl
rcpt:
  accept hosts = 127.0.0.1
  accept domains = {domain}
         local_parts = kim : late
  deny message = There is nobody of this name
data:
  warn !hosts = 127.0.0.1
       add_header = :at_start:${{authresults {{mx.{domain}}}}}
  accept
begin routers
out:
  driver = dnslookup
  domains = ! {domain}
  transport = smtp
  self = send
  no_more
late:
  driver = redirect
  local_parts = late
  allow_fail
  data = :fail: This person has moved away
here:
  driver = accept
  local_parts = kim
  transport = box
begin transports
smtp:
  driver = smtp
  interface = {address}
  hosts_try_fastopen =
  dkim_domain = {domain}
  dkim_selector = s
  dkim_private_key = {dkim}
box:
  driver = appendfile
  directory = {mail}/kim
  maildir_format
  return_path_add
  user = {user}
begin retry
* * F,1h,5s
"""


def address_of(name, text):
    return struct.pack("16sHH4s8x", name, socket.AF_INET, 0,
                       socket.inet_aton(text))


def enter_namespace(folder, addresses):
    """Own network with these addresses, own /etc, and processes that end with
    this one, however it ends. Skips the test where that is not allowed."""
    if os.geteuid() != 0:
        lib.skip("other mail servers need root")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) != 0:
        lib.skip("no namespace: " + os.strerror(ctypes.get_errno()))
    first = os.fork()
    if first != 0:  # the new namespace's first process goes on below
        status = os.waitpid(first, 0)[1]
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def mount(source, target, flags, kind=None):
        if libc.mount(source, target, kind, flags, None) != 0:
            lib.skip("no mount: " + os.strerror(ctypes.get_errno()))

    mount(None, b"/", MS_REC | MS_PRIVATE)
    mount(b"proc", b"/proc", 0, b"proc")
    etc = folder / "etc"
    subprocess.run(["cp", "-a", "/etc", etc], check=True)
    (etc / "resolv.conf").unlink(missing_ok=True)
    (etc / "resolv.conf").write_text(f"nameserver {NAMESERVER}\n")
    if "\nDebian-exim:" not in (etc / "passwd").read_text():
        with open(etc / "passwd", "a") as file:
            file.write("Debian-exim:x:65531:65531::/:/usr/sbin/nologin\n")
        with open(etc / "group", "a") as file:
            file.write("Debian-exim:x:65531:\n")
    (etc / "exim4").mkdir(exist_ok=True)
    mount(os.fsencode(etc), b"/etc", MS_BIND)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS,
                    struct.pack("16sH14x", b"lo", IFF_UP_RUNNING))
        for i, text in enumerate((*addresses, NAMESERVER)):
            name = b"lo:%d" % (i + 1)
            fcntl.ioctl(s, SIOCSIFADDR, address_of(name, text))
            fcntl.ioctl(s, SIOCSIFNETMASK, address_of(name, "255.255.255.255"))


def make_cert(folder, name):
    """Self-signed: (certificate, key)."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
         "/CN=" + name, "-keyout", key, "-out", cert],
        check=True, capture_output=True)
    key.chmod(0o644)
    return cert, key


def make_dkim(folder):
    """An RSA key: its file, and its record."""
    path = folder / "dkim.pem"
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True,
                   capture_output=True)
    path.chmod(0o644)
    public = subprocess.run(["openssl", "rsa", "-in", path, "-pubout"],
                            check=True, capture_output=True, text=True).stdout
    return path, "v=DKIM1; k=rsa; p=" + "".join(public.split("\n")[1:-2])


def wait_for(address, port):
    def answers():
        try:
            socket.create_connection((address, port), 5).close()
            return True
        except OSError:
            return False
    lib.wait_until(answers, 180, f"{address}:{port}")


class Other:
    """What both have: a name, a mailbox, keys."""

    def __init__(self, folder, domain, address, owner):
        self.folder, self.domain, self.address = folder, domain, address
        self.mail = folder / "mail"
        self.mail.mkdir(parents=True)
        shutil.chown(self.mail, owner)
        self.cert, self.key = make_cert(folder, "mx." + domain)
        self.dkim, self.record = make_dkim(folder)
        self.children = []

    def run(self, *words):
        log = open(self.folder / "children.log", "ab")
        self.children.append(subprocess.Popen(
            [str(w) for w in words], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True))

    def end_children(self):
        for child in self.children:
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()

    def messages(self):
        """[bytes] of kim's mailbox."""
        path = self.mail / "kim"
        if not (path / "new").exists():
            return []
        return [file.read_bytes() for part in ("new", "cur")
                for file in sorted((path / part).iterdir())]

    def take(self, what, n=1):
        """The messages, when there are n; the mailbox is empty then."""
        lib.wait_until(lambda: len(self.messages()) >= n, 180, what)
        found = self.messages()
        assert len(found) == n, (what, found)
        for file in (self.mail / "kim" / "new").iterdir():
            file.unlink()
        return found

    def zones(self):
        """What stands in the DNS of its domain."""
        d = self.domain
        return {
            d: {"MX": ["10 mx." + d], "TXT": ["v=spf1 mx -all"]},
            "mx." + d: {"A": [self.address], "TXT": ["v=spf1 a -all"]},
            "_dmarc." + d: {"TXT": ["v=DMARC1; p=reject"]},
            "s._domainkey." + d: {"TXT": [self.record]},
        }


class Postfix(Other):
    submission = ("127.0.0.1", 2525)

    def __init__(self, folder, domain, address):
        super().__init__(folder, domain, address, "nobody")
        nobody = pwd.getpwnam("nobody")
        for name in ("spool", "data"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        ours = peers.MAIN_CF.format(folder=folder, domain=domain, lmtp="x",
                                    auth="")
        ours = "".join(line + "\n" for line in ours.splitlines()
                       if not line.startswith(("virtual_", "inet_interfaces",
                                               "mynetworks", "myhostname",
                                               "smtpd_tls", "smtpd_sasl")))
        (folder / "main.cf").write_text(ours + MAIN_CF.format(
            address=address, domain=domain, mail=self.mail, cert=self.cert,
            key=self.key, uid=nobody.pw_uid, gid=nobody.pw_gid))
        # The first line of the benchmark's is its port.
        services = peers.MASTER_CF.format(port=0).split("\n", 1)[1]
        (folder / "master.cf").write_text(
            MASTER_CF.format(address=address) + services)
        (folder / "opendkim.conf").write_text(
            OPENDKIM_CONF.format(
                domain=domain, key=self.dkim, folder=folder))
        (folder / "unbound.conf").write_text(
            UNBOUND_CONF.format(nameserver=NAMESERVER))
        (folder / "opendmarc.conf").write_text(
            OPENDMARC_CONF.format(domain=domain))

    def start(self):
        self.run("/usr/sbin/opendkim", "-f", "-x", self.folder /
                 "opendkim.conf")
        self.run("/usr/sbin/opendmarc", "-f", "-c", self.folder /
                 "opendmarc.conf")
        wait_for("127.0.0.1", 8891)
        wait_for("127.0.0.1", 8893)
        self.postfix("start")
        wait_for(self.address, 25)

    def postfix(self, verb):
        done = subprocess.run(
            ["postfix", "-c", str(self.folder), verb], capture_output=True,
            text=True, timeout=60)
        assert done.returncode == 0, done.stderr + self.log()

    def log(self):
        path = self.folder / "log"
        return (path.read_text() if path.exists() else "") + \
            (self.folder / "children.log").read_text()

    def stop(self):
        self.postfix("stop")
        self.end_children()


class Exim(Other):
    submission = ("127.0.0.1", 2526)

    def __init__(self, folder, domain, address):
        super().__init__(folder, domain, address, "Debian-exim")
        for name in ("spool", "log"):
            (folder / name).mkdir()
            shutil.chown(folder / name, "Debian-exim", "Debian-exim")
        pathlib.Path("/etc/exim4/exim4.conf").write_text(EXIM_CONF.format(
            address=address, domain=domain, exim=EXIM, folder=folder,
            cert=self.cert, key=self.key, dkim=self.dkim, mail=self.mail,
            user="Debian-exim"))

    def start(self):
        self.run(EXIM, "-bdf", "-q5s")
        wait_for(self.address, 25)

    def log(self):
        return "".join(p.read_text() for p in
                       (self.folder / "log").glob("*log")) + \
            (self.folder / "children.log").read_text()

    def stop(self):
        self.end_children()
