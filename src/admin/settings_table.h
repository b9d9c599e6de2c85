/* settings_table.h - the rows of settings.h, for a macro of
 * (id, key, type, default, min, max, unit, help). */
#ifndef TINPOST_ADMIN_SETTINGS_TABLE_H
#define TINPOST_ADMIN_SETTINGS_TABLE_H

/* clang-format off */
#define SETTINGS_TABLE(SETTING) \
	SETTING(HOST_NAME,            "host.name",               SETTING_HOST,   "localhost", 1,      255,           "",         "The server's own name, in greetings, Received and its certificate.") \
	SETTING(LISTEN,               "listen.addresses",        SETTING_LISTEN, "*",       1,        1000,          "",         "Addresses to listen on, separated by spaces; * is all. Takes effect at the next start.") \
	SETTING(PORT_SMTP,            "port.smtp",               SETTING_INT,    "25",      0,        65535,         "port",     "Mail from other servers; 0 closes it. Takes effect at the next start, as all ports.") \
	SETTING(PORT_SUBMISSION,      "port.submission",         SETTING_INT,    "587",     0,        65535,         "port",     "Mail from people's programs, with STARTTLS.") \
	SETTING(PORT_SUBMISSIONS,     "port.submissions",        SETTING_INT,    "465",     0,        65535,         "port",     "Mail from people's programs, with TLS.") \
	SETTING(PORT_POP3,            "port.pop3",               SETTING_INT,    "110",     0,        65535,         "port",     "POP3 with STLS.") \
	SETTING(PORT_POP3S,           "port.pop3s",              SETTING_INT,    "995",     0,        65535,         "port",     "POP3 with TLS.") \
	SETTING(PORT_IMAP,            "port.imap",               SETTING_INT,    "143",     0,        65535,         "port",     "IMAP with STARTTLS.") \
	SETTING(PORT_IMAPS,           "port.imaps",              SETTING_INT,    "993",     0,        65535,         "port",     "IMAP with TLS.") \
	SETTING(PORT_HTTP,            "port.http",               SETTING_INT,    "0",       0,        65535,         "port",     "Web: settings for mail programs (80); what needs TLS is sent on to port.https.") \
	SETTING(PORT_HTTPS,           "port.https",              SETTING_INT,    "0",       0,        65535,         "port",     "Web with TLS (443): settings for mail programs, the MTA-STS policy, figures for monitoring.") \
	SETTING(WEB_STS,              "web.mta-sts",             SETTING_CHOICE, "off",     0,        0,             "off none testing enforce", "The MTA-STS policy at https://mta-sts.DOMAIN: ask other servers to send to us over verified TLS only. none: let them forget it.") \
	SETTING(WEB_STS_AGE,          "web.mta-sts-age",         SETTING_TIME,   "7d",      86400,    31557600,      "seconds",  "How long others may remember the MTA-STS policy.") \
	SETTING(WEB_METRICS,          "web.metrics",             SETTING_CHOICE, "off",     0,        0,             "off loopback lan", "Who may read the figures at /metrics: this machine, or private addresses.") \
	SETTING(WEB_SESSIONS,         "web.sessions",            SETTING_INT,    "24",      1,        1000,          "",         "Web connections at once.") \
	SETTING(WEB_HEAD_TIME,        "web.head-time",           SETTING_TIME,   "10s",     1,        3600,          "seconds",  "Time for the head of a web request.") \
	SETTING(WEB_BODY_TIME,        "web.body-time",           SETTING_TIME,   "1m",      1,        3600,          "seconds",  "Time for the body of a web request.") \
	SETTING(WEB_IDLE_TIME,        "web.idle-time",           SETTING_TIME,   "30s",     1,        3600,          "seconds",  "Time until the next request on a web connection.") \
	SETTING(PORT_DEVICE,          "port.device",             SETTING_INT,    "0",       0,        65535,         "port",     "Mail from scanners and other devices without a password (`tinpost device`); 0: no such port. 2525 is usual.") \
	SETTING(LOG_TARGET,           "log.target",              SETTING_CHOICE, "stderr",  0,        0,             "stderr syslog off", "Where log lines go.") \
	SETTING(LOG_LEVEL,            "log.level",               SETTING_CHOICE, "note",    0,        0,             "fault warn note trace", "The least important lines that are written.") \
	SETTING(MEMORY,               "memory.budget",           SETTING_SIZE,   "0",       0,        1ull << 40,    "bytes",    "Memory for sessions; past it new connections are refused. 0: a quarter of the machine's.") \
	SETTING(NET_SESSIONS,         "net.sessions",            SETTING_INT,    "1000",    1,        100000,        "",         "Connections at once, of all protocols.") \
	SETTING(NET_SESSIONS_HOST,    "net.sessions-host",       SETTING_INT,    "20",      1,        100000,        "",         "Connections at once from one address (IPv6: /64); loopback is exempt.") \
	SETTING(NET_SESSIONS_NETWORK, "net.sessions-network",   SETTING_INT,    "100",     1,        100000,        "",         "Connections at once from one network (IPv4 /24, IPv6 /64); loopback is exempt.") \
	SETTING(NET_HANDSHAKE_TIME,   "net.handshake-time",      SETTING_TIME,   "30s",     1,        3600,          "seconds",  "Time for a TLS handshake.") \
	SETTING(NET_DRAIN_TIME,       "net.drain-time",          SETTING_TIME,   "1m",      1,        3600,          "seconds",  "Time for a client to read the last reply of a connection that the server closes.") \
	SETTING(TLS_CA_FILE,          "tls.ca-file",             SETTING_TEXT,   ANCHORS_DEFAULT_PATH, 1, 200,        "",         "The certification authorities that other servers are verified by, as PEM; a file under /etc or in the store's folder.") \
	SETTING(DNS_SERVERS,          "dns.servers",             SETTING_SERVERS, "",       0,        200,           "",         "Name servers to ask, as 192.0.2.1 or [2001:db8::1]:5353, separated by spaces; empty: those of /etc/resolv.conf.") \
	SETTING(DNS_TIME,             "dns.timeout",             SETTING_TIME,   "3s",      1,        60,            "seconds",  "Time for a name server's answer; a second try has twice, a third four times as much.") \
	SETTING(SMTP_SESSIONS,        "smtp.sessions",           SETTING_INT,    "0",       0,        100000,        "",         "SMTP connections at once, submission counted in; 0: only net.sessions bounds them.") \
	SETTING(SMTP_MAX_SIZE,        "smtp.max-size",           SETTING_SIZE,   "50M",     65536,    1ull << 31,    "bytes",    "The largest message that is taken.") \
	SETTING(SMTP_MAX_RCPTS,       "smtp.max-recipients",     SETTING_INT,    "200",     100,      1000,          "",         "Recipients of one message (RFC 5321 4.5.3.1.8: at least 100).") \
	SETTING(SMTP_MAX_ERRORS,      "smtp.max-errors",         SETTING_INT,    "10",      1,        10000,         "",         "Wrong commands in a session until it is closed.") \
	SETTING(SMTP_MAX_UNKNOWN,     "smtp.max-unknown",        SETTING_INT,    "20",      1,        10000,         "",         "Unknown recipients in a session until it is closed.") \
	SETTING(SMTP_MAX_MESSAGES,    "smtp.max-messages",       SETTING_INT,    "1000",    1,        1000000,       "",         "Messages of a session until it is closed.") \
	SETTING(SMTP_MAX_HOPS,        "smtp.max-hops",           SETTING_INT,    "100",     1,        1000,          "",         "Received fields of a message; with more it is in a loop (RFC 5321 6.3).") \
	SETTING(SMTP_MAX_LINE,        "smtp.max-line",           SETTING_INT,    "4096",    512,      MAX_SMTP_LINE, "bytes",    "The longest command (RFC 5321 4.5.3.1.4: at least 512); AUTH may be longer.") \
	SETTING(SMTP_MAX_TEXT_LINE,   "smtp.max-text-line",      SETTING_SIZE,   "1M",      1000,     MAX_TEXT_LINE, "bytes",    "The longest line of a message (RFC 5321 4.5.3.1.6: at least 1000).") \
	SETTING(SMTP_BANNER_DELAY,    "smtp.banner-delay",       SETTING_INT,    "0",       0,        30000,         "ms",       "Milliseconds before the banner on port 25, in which only bad clients speak.") \
	SETTING(SMTP_COMMAND_TIME,    "smtp.command-time",       SETTING_TIME,   "5m",      1,        86400,         "seconds",  "Time for the next command (RFC 5321 4.5.3.2.7).") \
	SETTING(SMTP_DATA_TIME,       "smtp.data-time",          SETTING_TIME,   "3m",      1,        86400,         "seconds",  "Time between two pieces of a message (RFC 5321 4.5.3.2.5).") \
	SETTING(SMTP_MESSAGE_TIME,    "smtp.message-time",       SETTING_TIME,   "1h",      10,       86400,         "seconds",  "Time for a whole message.") \
	SETTING(SMTP_REFUSED_TIME,    "smtp.refused-time",       SETTING_TIME,   "10s",     1,        3600,          "seconds",  "Time to end a message with wrong line ends, which cannot be taken any more.") \
	SETTING(SMTP_REFUSED_SIZE,    "smtp.refused-size",       SETTING_SIZE,   "64M",     0,        1ull << 31,    "bytes",    "Read of a message past smtp.max-size, so that its client sees the refusal; then it is cut.") \
	SETTING(TRUST_SPF,            "trust.spf",               SETTING_CHOICE, "note",    0,        0,             "off note act", "Mail from elsewhere: may its client send for its domain? note: say so in the header; act: and refuse a fail that DMARC does not excuse.") \
	SETTING(TRUST_DKIM,           "trust.dkim",              SETTING_CHOICE, "note",    0,        0,             "off note", "Mail from elsewhere: verify its DKIM signatures.") \
	SETTING(TRUST_DMARC,          "trust.dmarc",             SETTING_CHOICE, "act",     0,        0,             "off note act", "Mail from elsewhere: what does the domain of From ask for? act: do so (refuse it, or put it into Junk); looks at SPF and DKIM whatever they are set to.") \
	SETTING(TRUST_ARC_SEALERS,    "trust.arc-sealers",       SETTING_TEXT,   "",        0,        1000,          "",         "Domains, separated by spaces, of forwarders and lists that are believed: where DMARC fails here, and a chain sealed by them (ARC) is whole and says that it passed there, it has passed.") \
	SETTING(TRUST_REPORTS,        "trust.dmarc-reports",     SETTING_SWITCH, "off",     0,        1,             "",         "Count judged mail, and send a report (RFC 9990) each day to the domains whose DMARC record asks for it.") \
	SETTING(TRUST_TIME,           "trust.wait-time",         SETTING_TIME,   "30s",     1,        300,           "seconds",  "Time for SPF, DKIM and DMARC behind the end of a message; what the DNS has not told by then is not known.") \
	SETTING(TRUST_NETWORKS,       "trust.networks",          SETTING_NETWORKS, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 fc00::/7 fe80::/10", 0, 400, "", "Clients that are neither weighed nor greylisted, such as scanners of the office or a second mail server: networks like 192.0.2.0/24 or addresses, separated by spaces.") \
	SETTING(TRUST_WEIGHTS,        "trust.weights",           SETTING_WEIGHTS, "no-reverse=2 bad-reverse=2 helo-bad=2 helo-unknown=2 helo-other=1 helo-ours=3 spf-fail=2 spf-softfail=1", 0, 400, "", "Mail from elsewhere: what speaks against its client, and how much. Its address has no name, or one that leads elsewhere; it says HELO with no host name, one without an address, another host's, or ours; SPF. What is left out does not count.") \
	SETTING(TRUST_DNSBL,          "trust.dnsbl",             SETTING_LISTS,  "",        0,        1000,          "",         "DNS lists of addresses to ask, with what an entry weighs: zen.example=5. With a choice of answers: zen.example:127.0.0.2-3=5. A list of good ones weighs less than 0. Empty: none, for many lists do not serve the resolvers of home lines; ask theirs first.") \
	SETTING(TRUST_CLIENT_TIME,    "trust.client-time",       SETTING_TIME,   "5s",      1,        60,            "seconds",  "Time for the DNS to tell about a client, from the first recipient on; what is not known by then weighs nothing.") \
	SETTING(TRUST_JUNK,           "trust.junk-weight",       SETTING_INT,    "6",       0,        1000,          "",         "From this sum of trust.weights and trust.dnsbl on a message goes into Junk; 0: never.") \
	SETTING(TRUST_REFUSE,         "trust.refuse-weight",     SETTING_INT,    "0",       0,        1000,          "",         "From this sum on a message is refused, with the reasons; 0: never.") \
	SETTING(GREY_MODE,            "trust.greylist",          SETTING_CHOICE, "suspicious", 0,     0,             "off on suspicious", "Ask new senders to send again a little later, which mail servers do by themselves: all of them, or only those against whom something speaks.") \
	SETTING(GREY_WEIGHT,          "trust.greylist-weight",   SETTING_INT,    "2",       1,        1000,          "",         "The sum from which on a new sender is suspicious.") \
	SETTING(GREY_DELAY,           "trust.greylist-delay",    SETTING_TIME,   "5m",      1,        86400,         "seconds",  "How long a new sender must wait at least.") \
	SETTING(GREY_WINDOW,          "trust.greylist-window",   SETTING_TIME,   "2d",      60,       30 * 86400,    "seconds",  "And at most; after that the first try is forgotten.") \
	SETTING(GREY_KEEP,            "trust.greylist-keep",     SETTING_TIME,   "36d",     86400,    400 * 86400,   "seconds",  "How long a sender who came again is known after the last mail.") \
	SETTING(POP3_SESSIONS,        "pop3.sessions",           SETTING_INT,    "0",       0,        100000,        "",         "POP3 connections at once; 0: only net.sessions bounds them.") \
	SETTING(POP3_IDLE_TIME,       "pop3.idle-time",          SETTING_TIME,   "10m",     1,        86400,         "seconds",  "Time without a command (RFC 1939 3: at least 10 minutes).") \
	SETTING(POP3_LOGIN_TIME,      "pop3.login-time",         SETTING_TIME,   "10m",     1,        86400,         "seconds",  "Time from the greeting until somebody is signed in.") \
	SETTING(POP3_MAX_ERRORS,      "pop3.max-errors",         SETTING_INT,    "10",      1,        10000,         "",         "Wrong commands in a session until it is closed.") \
	SETTING(IMAP_SESSIONS,        "imap.sessions",           SETTING_INT,    "0",       0,        100000,        "",         "IMAP connections at once; 0: only net.sessions bounds them.") \
	SETTING(IMAP_IDLE_TIME,       "imap.idle-time",          SETTING_TIME,   "30m",     1,        86400,         "seconds",  "Time without a command (RFC 9051 5.4: at least 30 minutes).") \
	SETTING(IMAP_LOGIN_TIME,      "imap.login-time",         SETTING_TIME,   "10m",     1,        86400,         "seconds",  "Time from the greeting until somebody is signed in.") \
	SETTING(IMAP_MAX_ERRORS,      "imap.max-errors",         SETTING_INT,    "20",      1,        10000,         "",         "Wrong commands in a row until a session is closed.") \
	SETTING(IMAP_MAX_SIZE,        "imap.max-size",           SETTING_SIZE,   "50M",     65536,    1ull << 31,    "bytes",    "The largest message that APPEND takes.") \
	SETTING(IMAP_LITERAL_MINUS,   "imap.literal-minus",      SETTING_SWITCH, "off",     0,        1,             "",         "LITERAL- in place of LITERAL+: longer literals are asked for.") \
	SETTING(AUTH_ITERATIONS,      "auth.iterations",         SETTING_INT,    "0",       0,        100000,        "rounds",   "Rounds of PBKDF2 for new passwords, at least 4096; 0: measured for this machine.") \
	SETTING(AUTH_PLAINTEXT,       "auth.plaintext",          SETTING_CHOICE, "loopback", 0,       0,             "never loopback anywhere", "Where passwords may travel without TLS.") \
	SETTING(AUTH_FAILURES,        "auth.max-failures",       SETTING_INT,    "5",       1,        1000,          "",         "Failed sign-ins in a session until it is closed.") \
	SETTING(AUTH_FREE,            "auth.free-failures",      SETTING_INT,    "5",       0,        1000000,       "",         "Wrong passwords for one account from one network that cost no waiting.") \
	SETTING(AUTH_FREE_NETWORK,    "auth.free-failures-network", SETTING_INT, "20",      0,        1000000,       "",         "Wrong passwords from one network, whatever the account, that cost no waiting; loopback is exempt.") \
	SETTING(AUTH_MAX_DELAY,       "auth.max-delay",          SETTING_TIME,   "15m",     0,        86400,         "seconds",  "The longest time that a guesser is made to wait.") \
	SETTING(AUTH_HOLD_TIME,       "auth.hold-time",          SETTING_TIME,   "8s",      0,        60,            "seconds",  "A try that must wait no longer than this is held back until then; others are told to come again.") \
	SETTING(AUTH_FORGET_TIME,     "auth.forget-time",        SETTING_TIME,   "15m",     1,        86400,         "seconds",  "Wrong passwords are forgotten this long after the last one.") \
	SETTING(AUTH_QUEUE,           "auth.queue",              SETTING_INT,    "128",     1,        100000,        "",         "Passwords that wait to be checked; who comes after them is told to try later.") \
	SETTING(AUTH_WAIT_TIME,       "auth.wait-time",          SETTING_TIME,   "2m",      1,        3600,          "seconds",  "Time for a password to be checked, with its waiting; past it the connection ends.") \
	SETTING(AUTH_CACHE_TIME,      "auth.cache-time",         SETTING_TIME,   "10m",     0,        86400,         "seconds",  "How long a password that was right is known without computing it again; 0: never.") \
	SETTING(QUEUE_TLS_REPORTS,    "queue.tls-reports",       SETTING_SWITCH, "off",     0,        1,             "",         "Count how TLS went with other servers, and send a report (RFC 8460) each day to the domains that ask for it; needs a DKIM key for report.contact.") \
	SETTING(REPORT_CONTACT,       "report.contact",          SETTING_ADDRESS, "",       0,        254,           "",         "The address that reports to other domains come from, and the one for the rua= of your own records: mail to it is not reported on. Empty: postmaster of the first domain.") \
	SETTING(LIMIT_MESSAGES,       "limits.person-messages-hour", SETTING_INT, "500",    0,        1000000,       "messages", "What one person may send to other domains in an hour, against stolen passwords; 0: any number.") \
	SETTING(LIMIT_RCPTS,          "limits.person-recipients-hour", SETTING_INT, "1000", 0,        1000000,       "",         "To how many recipients of other domains one person may send in an hour; 0: any number.") \
	SETTING(QUEUE_ROUTE,          "queue.route",             SETTING_CHOICE, "mx",      0,        0,             "mx relay none", "How mail leaves: by the recipients' domains (where no relay is set), only through relays (`tinpost relay`), or not at all.") \
	SETTING(QUEUE_PORT,           "queue.port",              SETTING_INT,    "25",      1,        65535,         "port",     "The port of other mail servers.") \
	SETTING(QUEUE_STS,            "queue.mta-sts",           SETTING_SWITCH, "on",      0,        1,             "",         "Keep to what other domains demand of TLS (MTA-STS, RFC 8461): a policy is fetched from their web server by HTTPS.") \
	SETTING(QUEUE_STS_PORT,       "queue.mta-sts-port",      SETTING_INT,    "443",     1,        65535,         "port",     "The port of the web servers with those policies.") \
	SETTING(QUEUE_SOURCE,         "queue.source",            SETTING_LISTEN, "*",       1,        100,           "",         "The address of this machine that mail leaves from, one of IPv4 and one of IPv6; * lets the system choose.") \
	SETTING(QUEUE_RETRY,          "queue.retry",             SETTING_TEXT,   "1m 5m 15m 30m 1h 2h 4h", 1, 200,   "",         "Times between two attempts to deliver, growing; the last one goes on.") \
	SETTING(OUT_CONNECT,          "queue.connect-time",      SETTING_TIME,   "30s",     1,        600,           "seconds",  "Time to connect to one address of another server.") \
	SETTING(OUT_BANNER,           "queue.greeting-time",     SETTING_TIME,   "5m",      1,        3600,          "seconds",  "Time for its greeting (RFC 5321 4.5.3.2.1).") \
	SETTING(OUT_HELLO,            "queue.hello-time",        SETTING_TIME,   "5m",      1,        3600,          "seconds",  "Time for its reply to EHLO, to STARTTLS and to each step of signing in (the TLS handshake has net.handshake-time).") \
	SETTING(OUT_MAIL,             "queue.mail-time",         SETTING_TIME,   "5m",      1,        3600,          "seconds",  "Time for its reply to MAIL (RFC 5321 4.5.3.2.2).") \
	SETTING(OUT_RCPT,             "queue.recipient-time",    SETTING_TIME,   "5m",      1,        3600,          "seconds",  "Time for its reply to a recipient (RFC 5321 4.5.3.2.3).") \
	SETTING(OUT_DATA,             "queue.data-time",         SETTING_TIME,   "2m",      1,        3600,          "seconds",  "Time for its reply to DATA (RFC 5321 4.5.3.2.4).") \
	SETTING(OUT_BLOCK,            "queue.block-time",        SETTING_TIME,   "3m",      1,        3600,          "seconds",  "Time in which it must take something of the message (RFC 5321 4.5.3.2.5).") \
	SETTING(OUT_END,              "queue.end-time",          SETTING_TIME,   "10m",     1,        3600,          "seconds",  "Time for its reply to the end of a message (RFC 5321 4.5.3.2.6); a shorter one sends more messages twice.") \
	SETTING(OUT_IDLE,             "queue.idle-time",         SETTING_TIME,   "5s",      1,        300,           "seconds",  "How long a connection without further mail is kept.") \
	SETTING(QUEUE_EXPIRE,         "queue.expire",            SETTING_TIME,   "5d",      60,       30 * 86400,    "seconds",  "How long delivery is tried, then the message goes back (RFC 5321 4.5.4.1: 4 to 5 days).") \
	SETTING(QUEUE_NOTICE,         "queue.delay-notice",      SETTING_TIME,   "4h",      0,        30 * 86400,    "seconds",  "When the sender is told of a delay; 0: never.") \
	SETTING(QUEUE_TLS_MEMORY,     "queue.tls-memory",        SETTING_CHOICE, "log",     0,        0,             "off log defer", "When a domain that took mail over TLS in the last 30 days offers none today, or its host no longer the certificate that was verified: log says so in the log and sends nevertheless, defer waits for queue.tls-defer-time first.") \
	SETTING(QUEUE_TLS_DEFER,      "queue.tls-defer-time",    SETTING_TIME,   "1d",      1,        4 * 86400,     "seconds",  "How long mail waits where queue.tls-memory is defer; then it goes without: domains do give TLS up, and no policy of theirs (MTA-STS) demands it. The sender is told after queue.delay-notice.") \
	SETTING(QUEUE_MAX,            "queue.max",               SETTING_INT,    "100000",  1,        10000000,      "messages", "Messages that wait at once; past it mail to other domains is refused for now.") \
	SETTING(QUEUE_CONNS,          "queue.connections",       SETTING_INT,    "20",      1,        500,           "",         "Outgoing connections at once.") \
	SETTING(QUEUE_CONNS_DEST,     "queue.connections-host",  SETTING_INT,    "3",       1,        100,           "",         "Outgoing connections at once to one destination.") \
	SETTING(QUEUE_PER_CONN,       "queue.messages-connection", SETTING_INT,  "100",     1,        10000,         "messages", "Messages sent over one connection, at most.") \
	SETTING(STORE_EVENTS,         "store.events",            SETTING_INT,    "20000",   100,      10000000,      "",         "Events that are kept for `tinpost trace`; past it the oldest go.") \
	SETTING(STORE_JOURNAL,        "store.journal",           SETTING_SIZE,   "4M",      512 * 1024, 64 << 20,    "bytes",    "Size of the journal, which the device writes round and round. Takes effect at the next start.") \
	SETTING(STORE_RESERVE,        "store.reserve",           SETTING_SIZE,   "1M",      1 << 20,  1ull << 40,    "bytes",    "Space on the device that new mail leaves free; past it mail is refused for now.") \
	SETTING(STORE_QUOTA,          "store.quota",             SETTING_SIZE,   "0",       0,        1ull << 50,    "bytes",    "Quota of new people; 0: none.")
/* clang-format on */

#endif
