/*
 * daemon/connect/: names to connected sockets.
 *
 * Connector: TCP connections to names and numbers, made without blocking the loop.
 *
 * A name is resolved (name_questions.h); its addresses are tried as RFC 8305 (Happy Eyeballs) says:
 * families in turn, IPv6 first, another attempt every 250 ms while none has answered and at once
 * when one fails; what is resolved late is tried, too. The first that connects wins, the others are
 * closed. One deadline is over all of it.
 *
 * State: a Connecting is resolving, then has attempts under way, both at once while an answer is
 * late. It owns its questions, sockets and timers, and ends in one place, which frees
 * them before it tells anybody.
 * Invariant: at most CONNECTOR_SOCKETS_MAX sockets each; none after the end.
 *
 * Single-threaded, on the loop.
 */
#pragma once

#include "core/address.h"
#include "daemon/blocking/blocking_pool.h"
#include "daemon/loop/loop_event.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct Connector Connector;
typedef struct Connecting Connecting;

enum {
        CONNECTOR_TIMEOUT_MS = 30000,
        CONNECTOR_TIMEOUT_MAX_MS = 600000,
        /* Addresses of one name that are tried at once: beyond it the oldest attempt is given up
           for the next. */
        CONNECTOR_SOCKETS_MAX = 4,
};

/* Whether an address may be connected to: asked for each that a name resolved to, an IPv4 address
 * mapped into IPv6 as IPv4, and for a number. 0, or -EACCES with error_text(). */
typedef int (*ConnectorAllowed)(void *data, const Address *address);

/* The end: take_fd is a connected, non-blocking socket and peer its address; or take_fd is -errno,
 * with error_text() that says first what went wrong and then for which address or name: the one
 * tried last; or else the last refusal of allowed's; or else what the resolver said. Called from
 * the loop, never from within connector_start(); not after connector_cancel(). */
typedef void (*ConnectorDone)(void *data, int take_fd, const Address *peer);

/* name_servers: those to be asked, numbers; none: as the machine does. 0, or -ENOMEM with
 * error_text(). */
int connector_open(Connector **out, Loop *loop, BlockingPool *pool, const Address *name_servers,
                   size_t n);
/* Those to be asked from now on. */
void connector_set_name_servers(Connector *connector, const Address *name_servers, size_t n);
/* Ends what is under way without a word; returns NULL. The pool is closed later. */
Connector *connector_close(Connector *connector);

/* Starts, for this user. address is copied. timeout_ms: 0 is CONNECTOR_TIMEOUT_MS, and
 * CONNECTOR_TIMEOUT_MAX_MS the most. allowed may be NULL: the address as given was allowed already.
 * 0, or -errno with error_text() (-EAFNOSUPPORT for what is not tcp, -EINVAL port 0 or "*"), and
 * done is not called. */
int connector_start(Connector *connector, uid_t uid, const Address *address, unsigned timeout_ms,
                    ConnectorAllowed allowed, ConnectorDone done, void *data, Connecting **out);
/* Ends it without a word. Not from within allowed or done. */
void connector_cancel(Connecting *connecting);
