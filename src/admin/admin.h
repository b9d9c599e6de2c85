/* admin.h - what may be done to a server, and how it is asked: conventions of
 * the room.
 *
 * A command is a row of one table (command.h). Its words are checked against
 * the row (args.h), and a run (run.h) carries it out in small steps, within a
 * server's turns or a client's own process; both speak in frames (frame.h).
 * Settings are rows of another table (settings.h).
 *
 * Errors     what a person reads is said by the run, in whole sentences that
 *            say what happened and what to do; callers see that it failed.
 */
#ifndef TINPOST_ADMIN_ADMIN_H
#define TINPOST_ADMIN_ADMIN_H

#include "admin/args.h"
#include "admin/certs.h"
#include "admin/command.h"
#include "admin/frame.h"
#include "admin/quantity.h"
#include "admin/run.h"
#include "admin/settings.h"

#endif
