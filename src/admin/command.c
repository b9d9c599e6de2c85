#include "admin/command.h"

#include "admin/do.h"
#include "base/limits.h"
#include "store/device.h"
#include "store/relay.h"

/* clang-format off */
static const struct command_arg no_args[1];

static const struct command_arg address[] = {
	{ "ADDRESS", ARG_ADDRESS, 0, 0, NULL, "the person's address" },
};
static const struct command_arg password_args[] = {
	{ "ADDRESS", ARG_ADDRESS, 0, 0, NULL, "the person's address" },
	{ "--password-file", ARG_FILE, ARG_LOCAL, 0, NULL, "read the password from the first line of this file; - is standard input" },
	{ "--generate", ARG_SWITCH, ARG_LOCAL, 0, NULL, "make a password and show it once" },
};
static const struct command_arg owner_password_args[] = {
	{ "ADDRESS", ARG_ADDRESS, ARG_OPTIONAL, 0, NULL, "the owner, when there are several" },
	{ "--password-file", ARG_FILE, ARG_LOCAL, 0, NULL, "read the password from the first line of this file; - is standard input" },
	{ "--generate", ARG_SWITCH, ARG_LOCAL, 0, NULL, "make a password and show it once" },
};
static const struct command_arg user_add_args[] = {
	{ "ADDRESS", ARG_ADDRESS, ARG_OPTIONAL, 0, NULL, "the new address, in a domain of this server" },
	{ "--name", ARG_TEXT, 0, 255, NULL, "what people call them" },
	{ "--quota", ARG_SIZE, 0, 0, NULL, "how much mail they may keep" },
	{ "--owner", ARG_SWITCH, 0, 0, NULL, "they may administrate the server" },
	{ "--password-file", ARG_FILE, ARG_LOCAL, 0, NULL, "read the password from the first line of this file; - is standard input" },
	{ "--generate", ARG_SWITCH, ARG_LOCAL, 0, NULL, "make a password and show it once" },
	{ "--from-file", ARG_FILE, ARG_LOCAL, 0, NULL, "add many: lines of address, tab, password and, after another tab, name; - is standard input" },
	{ "--from-stream", ARG_SWITCH, 0, 0, NULL, "set by the client for --from-file" },
};
static const struct command_arg user_del_args[] = {
	{ "ADDRESS", ARG_ADDRESS, 0, 0, NULL, "the person's address" },
	{ "--yes", ARG_SWITCH, 0, 0, NULL, "remove all their mail as well, for good" },
};
static const struct command_arg user_quota_args[] = {
	{ "ADDRESS", ARG_ADDRESS, 0, 0, NULL, "the person's address" },
	{ "SIZE", ARG_SIZE, 0, 0, NULL, "500M, 2G, or none" },
};
static const struct command_arg user_rename_args[] = {
	{ "ADDRESS", ARG_ADDRESS, 0, 0, NULL, "the person's address" },
	{ "NAME", ARG_TEXT, 0, 255, NULL, "what people call them; in quotes if it has spaces" },
};
static const struct command_arg domain_args[] = {
	{ "DOMAIN", ARG_DOMAIN, 0, 0, NULL, "like example.org" },
};
static const struct command_arg dkim_add_args[] = {
	{ "DOMAIN", ARG_DOMAIN, 0, 0, NULL, "a domain of this server" },
	{ "--selector", ARG_TEXT, 0, 63, NULL, "the key's name in the DNS; made up if not given" },
};
static const struct command_arg dkim_remove_args[] = {
	{ "DOMAIN", ARG_DOMAIN, 0, 0, NULL, "a domain of this server" },
	{ "SELECTOR", ARG_TEXT, 0, 63, NULL, "which key; `tinpost dkim list` names them" },
	{ "--yes", ARG_SWITCH, 0, 0, NULL, "also the one that signs: mail goes unsigned then" },
};
static const struct command_arg alias_add_args[] = {
	{ "ADDRESS", ARG_KEY, 0, 0, NULL, "the new address; @example.org catches all that is not known" },
	{ "TARGET", ARG_ADDRESS, ARG_MANY, 0, NULL, "who gets its mail: addresses of this server, or of others" },
};
static const struct command_arg key_args[] = {
	{ "ADDRESS", ARG_KEY, 0, 0, NULL, "the alias or group" },
};
static const struct command_arg dns_args[] = {
	{ "NAME", ARG_TEXT, 0, 255, NULL, "a domain or host; or an address, whose name is asked for" },
	{ "TYPE", ARG_WORD, ARG_OPTIONAL, 0, "MX A AAAA TXT PTR CNAME TLSA", "MX (if not said), A, AAAA, TXT, PTR, CNAME or TLSA" },
};
static const struct command_arg set_args[] = {
	{ "SETTING", ARG_SETTING, 0, 0, NULL, "its key; `tinpost settings` lists them" },
	{ "VALUE", ARG_TEXT, 0, 1000, NULL, "the new value" },
};
static const struct command_arg setting_args[] = {
	{ "SETTING", ARG_SETTING, 0, 0, NULL, "its key; `tinpost settings` lists them" },
};
static const struct command_arg trace_args[] = {
	{ "WORD", ARG_TEXT, ARG_OPTIONAL, MAX_ADDRESS_BYTES, NULL, "an address, a Message-ID, an id from the log or a client's 192.0.2.1; without it, everything" },
	{ "--last", ARG_COUNT, 0, 1000000, NULL, "how many entries, the newest first (50)" },
};
static const struct command_arg cert_set_args[] = {
	{ "CHAIN", ARG_FILE, ARG_LOCAL, 0, NULL, "PEM: the server's certificate, then the intermediate ones" },
	{ "KEY", ARG_FILE, ARG_LOCAL, 0, NULL, "PEM: its private key, without a pass phrase" },
	{ "--name", ARG_TEXT, 0, 64, NULL, "a label of your choice: keep it beside the main one, for clients that ask for a name in it" },
};
static const struct command_arg cert_del_args[] = {
	{ "LABEL", ARG_TEXT, 0, 64, NULL, "the label; `tinpost cert show` lists them" },
};
static const struct command_arg cert_show_args[] = {
	{ "--pem", ARG_SWITCH, 0, 0, NULL, "print the main certificate itself" },
};
static const struct command_arg serve_args[] = {
	{ "--listen", ARG_TEXT, ARG_LOCAL, 200, NULL, "addresses instead of the setting listen.addresses" },
};
static const struct command_arg init_args[] = {
	{ "--host", ARG_TEXT, ARG_LOCAL, 255, NULL, "the server's own name" },
	{ "--domain", ARG_DOMAIN, ARG_LOCAL, 0, NULL, "the first mail domain" },
	{ "--person", ARG_ADDRESS, ARG_LOCAL, 0, NULL, "the first person, who becomes the owner" },
	{ "--name", ARG_TEXT, ARG_LOCAL, 255, NULL, "what people call them" },
	{ "--password-file", ARG_FILE, ARG_LOCAL, 0, NULL, "read their password from the first line of this file; - is standard input" },
	{ "--generate", ARG_SWITCH, ARG_LOCAL, 0, NULL, "make a password and show it once" },
};
static const struct command_arg import_args[] = {
	{ "ADDRESS", ARG_ADDRESS, 0, 0, NULL, "whose mail it will be" },
	{ "PATH", ARG_FILE, ARG_LOCAL | ARG_MANY, 0, NULL, "an mbox file, a Maildir, an .eml file, or a folder of them with what is below it" },
	{ "--mailbox", ARG_TEXT, ARG_LOCAL, 1000, NULL, "where to (INBOX; folders go beside it), or below which; made if it is not there" },
	{ "--again", ARG_SWITCH, ARG_LOCAL, 0, NULL, "from the start, though some of it was imported before" },
};
static const struct command_arg export_args[] = {
	{ "ADDRESS", ARG_ADDRESS, 0, 0, NULL, "whose mail" },
	{ "FOLDER", ARG_FILE, ARG_LOCAL, 0, NULL, "where to; made if it is not there" },
	{ "--format", ARG_WORD, ARG_LOCAL, 0, "mbox maildir eml", "mbox (if not said), maildir or eml" },
};
static const struct command_arg backup_args[] = {
	{ "FILE", ARG_FILE, ARG_LOCAL, 0, NULL, "the archive; - is standard output" },
};
static const struct command_arg restore_args[] = {
	{ "FILE", ARG_FILE, ARG_LOCAL, 0, NULL, "the archive; - is standard input" },
};
static const struct command_arg help_args[] = {
	{ "COMMAND", ARG_TEXT, ARG_OPTIONAL | ARG_MANY, 100, NULL, "tell all about this one" },
};

static const struct command_arg queue_args[] = {
	{ "ID", ARG_COUNT, 0, 1ull << 53, NULL, "its number; `tinpost queue list` shows it" },
};
static const struct command_arg queue_any_args[] = {
	{ "ID", ARG_COUNT, ARG_OPTIONAL, 1ull << 53, NULL, "its number; without it, all" },
};
static const struct command_arg relay_args[] = {
	{ "SCOPE", ARG_TEXT, 0, MAX_ADDRESS_BYTES + 8, NULL, "*, from:ADDRESS, from:@DOMAIN or to:DOMAIN" },
};
static const struct command_arg relay_add_args[] = {
	{ "SCOPE", ARG_TEXT, 0, MAX_ADDRESS_BYTES + 8, NULL, "*, from:ADDRESS, from:@DOMAIN or to:DOMAIN" },
	{ "HOST", ARG_TEXT, ARG_OPTIONAL, MAX_DOMAIN_BYTES, NULL, "the provider's server; without it, mail of this scope goes by MX" },
	{ "--port", ARG_COUNT, 0, 65535, NULL, "587, or 465 with --tls implicit" },
	{ "--tls", ARG_WORD, 0, 0, "verified implicit required may never", "verified: STARTTLS, a valid certificate (if not said); implicit: TLS at once; required: any certificate; may: where offered; never" },
	{ "--limit", ARG_COUNT, 0, 1000000, NULL, "messages in an hour that the provider takes" },
};
static const struct command_arg relay_login_args[] = {
	{ "SCOPE", ARG_TEXT, 0, MAX_ADDRESS_BYTES + 8, NULL, "of the relay" },
	{ "USER", ARG_TEXT, 0, 320, NULL, "the name to sign in with there" },
	{ "--password-file", ARG_FILE, ARG_LOCAL, 0, NULL, "read the password from the first line of this file; - is standard input" },
};
static const struct command_arg relay_token_args[] = {
	{ "SCOPE", ARG_TEXT, 0, MAX_ADDRESS_BYTES + 8, NULL, "of the relay" },
	{ "USER", ARG_TEXT, 0, 320, NULL, "the name to sign in with there" },
	{ "CLIENT", ARG_TEXT, 0, MAX_RELAY_CLIENT_BYTES, NULL, "the client id that the provider gave to this server" },
	{ "URL", ARG_TEXT, 0, MAX_RELAY_URL_BYTES, NULL, "where access tokens are fetched: https://..." },
	{ "--password-file", ARG_FILE, ARG_LOCAL, 0, NULL, "read the refresh token, and behind a space the client secret if there is one, from the first line of this file; - is standard input" },
};
static const struct command_arg device_args[] = {
	{ "NAME", ARG_TEXT, 0, MAX_DEVICE_NAME, NULL, "of the device" },
};
static const struct command_arg device_add_args[] = {
	{ "NAME", ARG_TEXT, 0, MAX_DEVICE_NAME, NULL, "what you call it: letters, digits, - _ ." },
	{ "--address", ARG_TEXT, 0, MAX_DEVICE_BYTES, NULL, "where it is: 192.168.1.5, or a network as 192.168.1.0/24; several by commas" },
	{ "--from", ARG_TEXT, 0, MAX_DEVICE_BYTES, NULL, "the addresses it sends as, by commas" },
	{ "--to", ARG_TEXT, 0, MAX_DEVICE_BYTES, NULL, "to whom it may send, by commas: addresses, domains, or local for all of this server (if not said)" },
	{ "--rate", ARG_TEXT, 0, 20, NULL, "messages in an hour, as 30/hour (60 if not said); 0: any number" },
};

#define ARGS(a)  a, sizeof(a) / sizeof(*(a))
#define NOTHING  no_args, 0
#define PASSWORD (COMMAND_CHANGES | COMMAND_PASSWORD)

static const struct command table[] = {
	/* noun, verb, role, flags, arguments, start, step, feed, stop, help */
	{ "init", NULL, ROLE_OWNER, COMMAND_LOCAL, ARGS(init_args), NULL, NULL, NULL, NULL,
	  "Make a new store and set it up: host name, domain, first person. Asks for what is not given." },
	{ "serve", NULL, ROLE_OWNER, COMMAND_LOCAL, ARGS(serve_args), NULL, NULL, NULL, NULL,
	  "Run the mail server until SIGTERM." },

	{ "user", "add", ROLE_OWNER, PASSWORD | COMMAND_READS, ARGS(user_add_args), do_user_add_start, do_user_add_step, do_user_add_feed, do_user_add_stop,
	  "Add a person, with an address, a password and mailboxes." },
	{ "user", "del", ROLE_OWNER, COMMAND_CHANGES, ARGS(user_del_args), do_user_del_start, NULL, NULL, NULL,
	  "Remove a person and all their mail." },
	{ "user", "list", ROLE_OWNER, 0, NOTHING, do_user_list_start, do_user_list_step, NULL, NULL,
	  "List people, what they keep and their quota." },
	{ "user", "password", ROLE_PERSON, PASSWORD, ARGS(password_args), do_user_password_start, do_user_password_step, NULL, do_user_password_stop,
	  "Set a person's password." },
	{ "user", "quota", ROLE_OWNER, COMMAND_CHANGES, ARGS(user_quota_args), do_user_quota_start, NULL, NULL, NULL,
	  "Set how much mail a person may keep." },
	{ "user", "rename", ROLE_PERSON, COMMAND_CHANGES, ARGS(user_rename_args), do_user_rename_start, NULL, NULL, NULL,
	  "Change what people call a person; the address stays." },
	{ "user", "disable", ROLE_OWNER, COMMAND_CHANGES, ARGS(address), do_user_disable_start, NULL, NULL, NULL,
	  "Let a person no longer sign in; their mail still comes in." },
	{ "user", "enable", ROLE_OWNER, COMMAND_CHANGES, ARGS(address), do_user_enable_start, NULL, NULL, NULL,
	  "Let a person sign in again." },

	{ "owner", "password", ROLE_OWNER, PASSWORD, ARGS(owner_password_args), do_owner_password_start, do_user_password_step, NULL, do_user_password_stop,
	  "Set the owner's password, when it is lost." },
	{ "owner", "list", ROLE_OWNER, 0, NOTHING, do_owner_list_start, do_user_list_step, NULL, NULL,
	  "List who may administrate." },
	{ "owner", "add", ROLE_OWNER, COMMAND_CHANGES, ARGS(address), do_owner_add_start, NULL, NULL, NULL,
	  "Let a person administrate." },
	{ "owner", "del", ROLE_OWNER, COMMAND_CHANGES, ARGS(address), do_owner_del_start, NULL, NULL, NULL,
	  "Let a person no longer administrate." },

	{ "domain", "add", ROLE_OWNER, COMMAND_CHANGES, ARGS(domain_args), do_domain_add_start, NULL, NULL, NULL,
	  "Take mail for a domain." },
	{ "domain", "del", ROLE_OWNER, COMMAND_CHANGES, ARGS(domain_args), do_domain_del_start, NULL, NULL, NULL,
	  "Take no more mail for a domain that has no addresses left." },
	{ "domain", "list", ROLE_OWNER, 0, NOTHING, do_domain_list_start, NULL, NULL, NULL,
	  "List the domains of this server." },

	{ "dkim", "add", ROLE_OWNER, COMMAND_CHANGES, ARGS(dkim_add_args), do_dkim_add_start, do_dkim_add_step, NULL, do_dkim_add_stop,
	  "Make a key, sign a domain's mail with it, and print the record for its DNS." },
	{ "dkim", "list", ROLE_OWNER, 0, NOTHING, do_dkim_list_start, NULL, NULL, NULL,
	  "List the keys of all domains." },
	{ "dkim", "show", ROLE_OWNER, 0, ARGS(domain_args), do_dkim_show_start, NULL, NULL, NULL,
	  "Print a domain's keys and their records for the DNS." },
	{ "dkim", "rotate", ROLE_OWNER, COMMAND_CHANGES, ARGS(dkim_add_args), do_dkim_rotate_start, do_dkim_add_step, NULL, do_dkim_add_stop,
	  "Change a domain's key: first makes a new one; run again when its record is published, it signs with it." },
	{ "dkim", "remove", ROLE_OWNER, COMMAND_CHANGES, ARGS(dkim_remove_args), do_dkim_remove_start, NULL, NULL, NULL,
	  "Remove a key; its record in the DNS is yours to remove." },

	{ "alias", "add", ROLE_OWNER, COMMAND_CHANGES, ARGS(alias_add_args), do_alias_add_start, NULL, NULL, NULL,
	  "Make an address whose mail goes to one or several others." },
	{ "alias", "del", ROLE_OWNER, COMMAND_CHANGES, ARGS(key_args), do_alias_del_start, NULL, NULL, NULL,
	  "Remove an alias." },
	{ "alias", "list", ROLE_OWNER, 0, NOTHING, do_alias_list_start, do_alias_list_step, NULL, NULL,
	  "List aliases and where their mail goes." },

	{ "group", "add", ROLE_OWNER, COMMAND_CHANGES, ARGS(alias_add_args), do_group_add_start, NULL, NULL, NULL,
	  "Make a group: mail to its address goes to all members." },
	{ "group", "del", ROLE_OWNER, COMMAND_CHANGES, ARGS(key_args), do_alias_del_start, NULL, NULL, NULL,
	  "Remove a group; its members stay." },
	{ "group", "list", ROLE_OWNER, 0, NOTHING, do_group_list_start, do_alias_list_step, NULL, NULL,
	  "List groups and their members." },
	{ "group", "member add", ROLE_OWNER, COMMAND_CHANGES, ARGS(alias_add_args), do_member_add_start, NULL, NULL, NULL,
	  "Add members to a group, or targets to an alias." },
	{ "group", "member del", ROLE_OWNER, COMMAND_CHANGES, ARGS(alias_add_args), do_member_del_start, NULL, NULL, NULL,
	  "Remove members from a group, or targets from an alias." },

	{ "queue", "list", ROLE_OWNER, 0, NOTHING, do_queue_list_start, do_queue_list_step, NULL, NULL,
	  "List the mail that waits to be sent, and why it still waits." },
	{ "queue", "show", ROLE_OWNER, 0, ARGS(queue_args), do_queue_show_start, NULL, NULL, NULL,
	  "Tell all about one message that waits: its recipients, attempts, and what the other servers said." },
	{ "queue", "retry", ROLE_OWNER, COMMAND_CHANGES, ARGS(queue_any_args), do_queue_retry_start, do_queue_act_step, NULL, NULL,
	  "Try again now: one message, or all that wait." },
	{ "queue", "hold", ROLE_OWNER, COMMAND_CHANGES, ARGS(queue_args), do_queue_hold_start, do_queue_act_step, NULL, NULL,
	  "Hold a message until it is released." },
	{ "queue", "release", ROLE_OWNER, COMMAND_CHANGES, ARGS(queue_any_args), do_queue_release_start, do_queue_act_step, NULL, NULL,
	  "Let a held message go, or all of them (a restored queue is held)." },
	{ "queue", "drop", ROLE_OWNER, COMMAND_CHANGES, ARGS(queue_args), do_queue_drop_start, do_queue_act_step, NULL, NULL,
	  "Remove a message; its sender is told nothing." },
	{ "queue", "expire", ROLE_OWNER, COMMAND_CHANGES, ARGS(queue_args), do_queue_expire_start, NULL, NULL, NULL,
	  "Give a message up: one last attempt is over, and its sender is told." },

	{ "report", "list", ROLE_OWNER, 0, NOTHING, do_report_list_start, do_report_list_step, NULL, NULL,
	  "List what was counted for daily reports to other domains and was not sent yet (trust.dmarc-reports, queue.tls-reports)." },
	{ "report", "send", ROLE_OWNER, COMMAND_CHANGES, NOTHING, do_report_send_start, NULL, NULL, NULL,
	  "Send now what was counted, today's too; it is sent each night by itself." },

	{ "relay", "add", ROLE_OWNER, COMMAND_CHANGES, ARGS(relay_add_args), do_relay_add_start, NULL, NULL, NULL,
	  "Send mail through a provider's server: all of it (*), of a sender (from:ADDRESS, from:@DOMAIN), or to a domain (to:DOMAIN)." },
	{ "relay", "login", ROLE_OWNER, PASSWORD, ARGS(relay_login_args), do_relay_login_start, NULL, NULL, NULL,
	  "Set name and password for a relay that was added." },
	{ "relay", "token", ROLE_OWNER, PASSWORD, ARGS(relay_token_args), do_relay_token_start, NULL, NULL, NULL,
	  "Let a relay sign in with access tokens (XOAUTH2, OAUTHBEARER), fetched with a refresh token." },
	{ "relay", "remove", ROLE_OWNER, COMMAND_CHANGES, ARGS(relay_args), do_relay_remove_start, NULL, NULL, NULL,
	  "Remove a relay; mail that waits for it takes another way." },
	{ "relay", "list", ROLE_OWNER, 0, NOTHING, do_relay_list_start, NULL, NULL, NULL,
	  "List the relays." },

	{ "device", "add", ROLE_OWNER, COMMAND_CHANGES, ARGS(device_add_args), do_device_add_start, NULL, NULL, NULL,
	  "Let a scanner, copier or storage box send mail without a password, at the port port.device." },
	{ "device", "set", ROLE_OWNER, COMMAND_CHANGES, ARGS(device_add_args), do_device_set_start, NULL, NULL, NULL,
	  "Change what is said of a device." },
	{ "device", "del", ROLE_OWNER, COMMAND_CHANGES, ARGS(device_args), do_device_del_start, NULL, NULL, NULL,
	  "Let a device no longer send." },
	{ "device", "list", ROLE_OWNER, 0, NOTHING, do_device_list_start, NULL, NULL, NULL,
	  "List the devices." },
	{ "device", "show", ROLE_OWNER, 0, ARGS(device_args), do_device_show_start, NULL, NULL, NULL,
	  "Tell all about a device, and how to set it up." },

	{ "set", NULL, ROLE_OWNER, COMMAND_CHANGES, ARGS(set_args), do_set_start, NULL, NULL, NULL,
	  "Change a setting; it takes effect at once unless `tinpost settings` says otherwise." },
	{ "unset", NULL, ROLE_OWNER, COMMAND_CHANGES, ARGS(setting_args), do_unset_start, NULL, NULL, NULL,
	  "Put a setting back to its default." },
	{ "get", NULL, ROLE_OWNER, 0, ARGS(setting_args), do_get_start, NULL, NULL, NULL,
	  "Print a setting." },
	{ "settings", NULL, ROLE_OWNER, 0, NOTHING, do_settings_start, do_settings_step, NULL, NULL,
	  "List all settings, what they mean and what they may be." },

	{ "status", NULL, ROLE_OWNER, 0, NOTHING, do_status_start, NULL, NULL, NULL,
	  "Tell how the server is: connections, store, times, memory, certificate." },
	{ "dns", NULL, ROLE_OWNER, 0, ARGS(dns_args), do_dns_start, do_dns_step, NULL, do_dns_stop,
	  "Ask the name servers what the server would ask them." },
	{ "trace", NULL, ROLE_OWNER, 0, ARGS(trace_args), do_trace_start, do_trace_step, NULL, NULL,
	  "Where is my mail? What the event log knows of an address, message or client." },
	{ "cert", "set", ROLE_OWNER, COMMAND_CHANGES | COMMAND_READS, ARGS(cert_set_args), do_cert_set_start, do_cert_set_step, do_cert_set_feed, do_cert_set_stop,
	  "Use a certificate of your own; checked first, and used at once." },
	{ "cert", "show", ROLE_OWNER, 0, ARGS(cert_show_args), do_cert_show_start, NULL, NULL, NULL,
	  "Show the server's certificates: for which names, until when, and the fingerprint." },
	{ "cert", "del", ROLE_OWNER, COMMAND_CHANGES, ARGS(cert_del_args), do_cert_del_start, NULL, NULL, NULL,
	  "Remove a certificate that has a label; the main one stays." },

	{ "import", NULL, ROLE_PERSON, COMMAND_READS, ARGS(import_args), do_import_start, do_import_step, do_import_feed, do_import_stop,
	  "Take mail, its flags, keywords, dates and folders, from files. Run again, it goes on where it stopped." },

	{ "export", NULL, ROLE_PERSON, COMMAND_READS, ARGS(export_args), do_export_start, do_export_step, do_export_feed, do_export_stop,
	  "Write a person's mail, its flags, keywords, dates and folders, to files. Run again, it goes on where it stopped." },
	{ "backup", NULL, ROLE_OWNER, 0, ARGS(backup_args), do_backup_start, do_backup_step, NULL, do_backup_stop,
	  "Copy everything into one archive, while the server runs." },
	{ "restore", NULL, ROLE_OWNER, COMMAND_LOCAL, ARGS(restore_args), NULL, NULL, NULL, NULL,
	  "Make a new store from an archive, on any kind of machine." },
	{ "check", NULL, ROLE_OWNER, 0, NOTHING, do_check_start, do_check_step, NULL, do_check_stop,
	  "Look whether everything in the store agrees, while the server runs." },

	{ "version", NULL, ROLE_OWNER, COMMAND_LOCAL, NOTHING, NULL, NULL, NULL, NULL,
	  "Print the version." },
	{ "help", NULL, ROLE_OWNER, COMMAND_LOCAL, ARGS(help_args), NULL, NULL, NULL, NULL,
	  "List the commands, or tell all about one." },
};
/* Shown below the arguments of some. */
struct example {
	const char *noun;
	const char *text;
};

static const struct example examples[] = {
	{ "import",
	"  from Dovecot or Courier (folders, flags, keywords, subscriptions):\n"
	"    tinpost import kim@example.org /home/kim/Maildir\n"
	"  from Thunderbird (\"Local Folders\", or a POP3 account's folder):\n"
	"    tinpost import kim@example.org ~/.thunderbird/*.default*/Mail/Local\\ Folders\n"
	"  from Gmail, by takeout.google.com (labels become mailboxes):\n"
	"    tinpost import kim@example.org \"Takeout/Mail/All mail Including Spam and Trash.mbox\"\n"
	"  from anywhere, all of it into one mailbox and those below it:\n"
	"    tinpost import kim@example.org --mailbox Old old-mail/\n"
	"  Sent Items, Spam and the like go to this server's Sent, Junk and so on,\n"
	"  unless there is a folder of that name, too. What is no mail is passed over\n"
	"  and named. Duplicates are not looked for: import a source once.\n" },
	{ "export",
	"  for Dovecot, mutt and other programs that read Maildirs:\n"
	"    tinpost export kim@example.org out --format maildir\n"
	"  for Thunderbird and most others (mbox):\n"
	"    tinpost export kim@example.org out\n"
	"  .eml files have no place for flags and keywords. Of messages that were\n"
	"  written before, changed flags are not written again.\n" },
};

/* clang-format on */

#define N_COMMANDS (sizeof(table) / sizeof(*table))

const struct command *
command_at(size_t i)
{
	return i < N_COMMANDS ? &table[i] : NULL;
}

/* How many of the words the row's name takes; 0: it is another's. */
static size_t
match(const struct command *c, const struct span *words, size_t n)
{
	struct span verb = span_str(c->verb);
	size_t used = 1;

	if (n == 0 || !span_is(words[0], span_str(c->noun)))
		return 0;
	while (verb.len > 0) {
		struct span word = span_split(&verb, ' ');

		if (used == n || !span_is(words[used], word))
			return 0;
		used++;
	}
	return used;
}

static void
put_clean(struct buf *b, struct span s)
{
	s = span_sub(s, 0, 60);
	for (size_t i = 0; i < s.len; i++)
		buf_put_char(b, s.p[i] > ' ' && s.p[i] < 0x7f ? s.p[i] : '?');
}

int
command_find(const struct span *words, size_t n, const struct command **out,
    size_t *n_used_out, struct buf *why)
{
	bool has_noun = false;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		size_t used = match(&table[i], words, n);

		if (used > 0) {
			*out = &table[i];
			*n_used_out = used;
			return 0;
		}
		if (n > 0 && span_is(words[0], span_str(table[i].noun)))
			has_noun = true;
	}
	if (!has_noun) {
		buf_put_str(why, "There is no command \"");
		put_clean(why, n > 0 ? words[0] : SPAN(""));
		buf_put_str(why, "\"; `tinpost help` lists them.");
		return ERR_NONE;
	}
	buf_put_str(why, "What to do with it? Usage:");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!span_is(words[0], span_str(table[i].noun)))
			continue;
		buf_put_str(why, "\n    tinpost ");
		command_put_usage(why, &table[i]);
	}
	return ERR_NONE;
}

static void
put_name(struct buf *b, const struct command *c)
{
	buf_put_str(b, c->noun);
	if (c->verb) {
		buf_put_char(b, ' ');
		buf_put_str(b, c->verb);
	}
}

/* For the client's own eyes. */
static bool
is_hidden(const struct command_arg *a)
{
	return span_is(span_str(a->name), SPAN("--from-stream"));
}

static void
put_arg(struct buf *b, const struct command_arg *a)
{
	bool is_option = a->name[0] == '-';
	bool is_optional = is_option || (a->flags & ARG_OPTIONAL);

	if (is_hidden(a))
		return;
	buf_put_str(b, is_optional ? " [" : " ");
	buf_put_str(b, a->name);
	if (is_option && a->type != ARG_SWITCH)
		buf_put_str(b, a->type == ARG_FILE      ? " FILE"
		               : a->type == ARG_SIZE    ? " SIZE"
		               : a->type == ARG_ADDRESS ? " ADDRESS"
		               : a->type == ARG_DOMAIN  ? " DOMAIN"
		               : a->type == ARG_COUNT   ? " NUMBER"
		                                        : " TEXT");
	buf_put_str(b, a->flags & ARG_MANY ? "..." : "");
	buf_put_str(b, is_optional ? "]" : "");
}

void
command_put_usage(struct buf *b, const struct command *c)
{
	put_name(b, c);
	for (size_t i = 0; i < c->n_args; i++)
		put_arg(b, &c->args[i]);
}

static void
put_details(struct buf *b, const struct command *c)
{
	buf_put_str(b, "tinpost ");
	command_put_usage(b, c);
	buf_putf(b, "\n    %s\n", c->help);
	for (size_t i = 0; i < c->n_args; i++)
		if (!is_hidden(&c->args[i]))
			buf_putf(b, "    %-16s %s\n", c->args[i].name,
			    c->args[i].help);
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		if (span_is(span_str(c->noun), span_str(examples[i].noun)))
			buf_put_str(b, examples[i].text);
}

void
command_put_help(struct buf *b, struct span noun)
{
	bool is_known = false;

	for (size_t i = 0; noun.len > 0 && i < N_COMMANDS; i++) {
		if (!span_is(noun, span_str(table[i].noun)))
			continue;
		put_details(b, &table[i]);
		is_known = true;
	}
	if (is_known)
		return;
	buf_put_str(b, "Usage: tinpost [--data FOLDER] COMMAND ...\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		size_t before = b->len;

		buf_put_str(b, "  ");
		put_name(b, &table[i]);
		while (b->len - before < 20 && !buf_failed(b))
			buf_put_char(b, ' ');
		buf_putf(b, "%s\n", table[i].help);
	}
	buf_put_str(b,
	    "\n`tinpost help COMMAND` tells all about one. The store is in "
	    "/var/lib/tinpost\nunless --data or the variable TINPOST_DATA "
	    "says otherwise.\n");
}
