/* net.h - the room of sockets: the loop, connections, listeners, TLS.
 *
 * One thread, one loop. Nothing here blocks, nothing here knows what a mail
 * is. Everything is called from the loop's thread only.
 *
 * A turn: wait; read and run every ready session; look for more of them while
 * there is something to flush; flush (the owner's hook);
 * write; free what was closed. Output that a session puts leaves only after
 * the flush of its turn has succeeded.
 */
#ifndef TINPOST_NET_NET_H
#define TINPOST_NET_NET_H

#include "net/anchors.h"
#include "net/cert.h"
#include "net/cert_make.h"
#include "net/conn.h"
#include "net/der.h"
#include "net/dial.h"
#include "net/dns.h"
#include "net/fetch.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/network.h"
#include "net/peer.h"
#include "net/tls.h"

#endif
