"""The servers of the benchmark: Tinpost, and Postfix with Dovecot in three
mailbox formats. Each runs from a folder of its own on loopback, with the
durability that it is shipped with."""

import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import time

import relay

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOMAIN = "example.test"
PASSWORD = "benchmark"
N_PEOPLE = 100
FORMATS = ("maildir", "sdbox", "mdbox")

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = localhost
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:{lmtp}
maillog_file = {folder}/log
maillog_file_prefixes = /
smtpd_tls_security_level = none
message_size_limit = 52428800
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth}
"""

# The services of Debian's master.cf that this needs, none in a chroot.
MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

DOVECOT_CONF = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = {ssl}
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = no
first_valid_uid = 0
mail_location = {location}
auth_verbose = no
mail_max_userip_connections = 2000
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={mail}/%n
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
  client_limit = 3000
  # With TLS each connection keeps its process.
  process_limit = 2000
}}
service imap {{
  process_limit = 2000
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service anvil {{
  chroot =
  client_limit = 10000
}}
service auth {{
  client_limit = 10000
  unix_listener auth-client {{
    mode = 0666
  }}
}}
service stats {{
  chroot =
  client_limit = 10000
}}
service lmtp {{
  process_limit = 100
  unix_listener lmtp {{
    mode = 0666
  }}
}}
"""

LOCATIONS = {
    "maildir": "maildir:{mail}/%n/Maildir",
    "sdbox": "sdbox:{mail}/%n/sdbox",
    "mdbox": "mdbox:{mail}/%n/mdbox",
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, seconds=30):
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def silence(package):
    """Stop what apt may have started."""
    for verb in (["systemctl", "stop", package],
                 ["service", package, "stop"]):
        if shutil.which(verb[0]):
            subprocess.run(verb, capture_output=True, timeout=60)


class Peer:
    """Postfix that hands its mail to a Dovecot over LMTP."""

    def __init__(self, folder, kind, hibernates=False):
        self.name = f"Postfix + Dovecot, {kind}"
        self.kind = kind
        self.folder = pathlib.Path(folder)
        self.mail = self.folder / "mail"
        self.user = f"u1@{DOMAIN}"
        self.password = PASSWORD
        self.ports = {
            name: free_port() for name in ("smtp", "imap", "imaps", "pop3")
        }
        self.ports["submission"] = self.ports["smtp"]
        self.write_dovecot(hibernates)
        self.write_postfix()

    def write_dovecot(self, hibernates):
        folder = self.folder / "dovecot"
        for path in (folder, self.mail):
            path.mkdir(parents=True)
        shutil.chown(self.mail, "nobody", "nogroup")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
             "/CN=localhost", "-keyout", folder / "key.pem", "-out",
             folder / "cert.pem"],
            check=True, capture_output=True,
        )
        text = DOVECOT_CONF.format(
            folder=folder, mail=self.mail, password=PASSWORD, ssl="yes",
            location=LOCATIONS[self.kind].format(mail=self.mail),
            **self.ports)
        if hibernates:
            text += "imap_hibernate_timeout = 1s\n"
        (folder / "dovecot.conf").write_text(text)
        self.dovecot_conf = folder / "dovecot.conf"

    def write_postfix(self):
        folder = self.folder / "postfix"
        for name in ("spool", "data"):
            (folder / name).mkdir(parents=True)
        shutil.chown(folder / "data", "postfix")
        (folder / "main.cf").write_text(MAIN_CF.format(
            folder=folder, domain=DOMAIN,
            lmtp=self.folder / "dovecot" / "run" / "lmtp",
            auth=self.folder / "dovecot" / "run" / "auth-client"))
        (folder / "master.cf").write_text(
            MASTER_CF.format(port=self.ports["smtp"]))
        self.postfix_conf = folder

    def start(self):
        self.dovecot = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self.dovecot_conf)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for_port(self.ports["imap"])
        self.postfix("start")
        wait_for_port(self.ports["smtp"])

    def postfix(self, verb):
        subprocess.run(
            ["postfix", "-c", str(self.postfix_conf), verb],
            check=True, capture_output=True, timeout=60,
        )

    def route(self, port):
        """Mail to the sink's domain goes to this port."""
        subprocess.run(
            ["postconf", "-c", self.postfix_conf, "-e",
             "transport_maps=inline:{ { %s=smtp:[127.0.0.1]:%d } }" % (
                 relay.SINK_DOMAIN, port)],
            check=True, timeout=60)
        self.postfix("reload")
        time.sleep(1)

    def stop(self):
        self.postfix("stop")
        self.dovecot.send_signal(signal.SIGTERM)
        self.dovecot.wait(60)

    def roots(self):
        """The processes whose trees are this server."""
        pid = self.folder / "postfix" / "spool" / "pid" / "master.pid"
        return [self.dovecot.pid, int(pid.read_text())]

    def is_delivered(self):
        """Is nothing left in the queue?"""
        spool = self.folder / "postfix" / "spool"
        return not any(
            file.is_file()
            for name in ("maildrop", "incoming", "active", "deferred")
            for file in (spool / name).rglob("*")
        )

    def cafile(self):
        return str(self.folder / "dovecot" / "cert.pem")


class Tinpost:
    """tools/testserver on the released binary."""

    name = "Tinpost"
    kind = "tinpost"

    def __init__(self, folder, binary):
        self.folder = pathlib.Path(folder)
        self.binary = binary

    def run(self, verb, *more):
        subprocess.run(
            [str(ROOT / "tools" / "testserver"), verb, str(self.folder),
             *more],
            check=True, timeout=120, stdout=subprocess.DEVNULL,
            env={**os.environ, "TINPOST_BIN": str(self.binary)},
        )

    def start(self):
        if (self.folder / "env").exists():
            self.run("again")
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.run("start", "net.sessions=3000", "smtp.max-messages=1000000",
                     "log.target=off")
        lines = (self.folder / "env").read_text().splitlines()
        self.env = dict(line.split("=", 1) for line in lines if "=" in line)
        self.env = {k: v.strip("'\"") for k, v in self.env.items()}
        self.ports = {
            name: int(self.env[name.upper() + "_PORT"])
            for name in ("smtp", "submission", "imap", "imaps", "pop3")
        }
        self.user = f"u1@{DOMAIN}"
        self.password = self.env["UPASS"]

    def command(self, *words):
        """Run a command line on this store."""
        subprocess.run(shlex.split(self.env["TINPOST"]) + list(words),
                       check=True, timeout=60, stdout=subprocess.DEVNULL)

    def route(self, port):
        relay.route(self.command, port)

    def stop(self):
        self.run("stop")

    def roots(self):
        return [int(self.env["SERVER_PID"])]

    def is_delivered(self):
        return True

    def cafile(self):
        return self.env["CAFILE"]
