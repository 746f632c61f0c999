/*
 * A direct session: its client waits for its files itself, in a set of its own (SetDelivery). The
 * daemon has no epoll set for it, and of its registrations those alone that count: connections that
 * a shared listener passed it, which are in hand until they are gone. They are not watched. What it
 * is passed is sent unregistered. In all else it is a session as any.
 *
 * It becomes one in turns. The set is given to the closer at once, and with it whatever was waited
 * for; then a slice of the registrations is forgotten each time the session is served in its user's
 * line (time_share.h), and given back to the user. When all are, it is answered. Meanwhile no other
 * request of it is read. The entries in the kernel are charged until the set is closed: who goes
 * back and forth has no more of them than who stays. It stops being one at once: its client
 * registers anew.
 */
#pragma once

#include "daemon/session/session.h"

/* Registrations that are looked at in a turn: some 30 microseconds. */
enum { SESSION_DIRECT_SLICE = 512 };

void session_direct_init(Session *session);
/* The session ends. */
void session_direct_deinit(Session *session);

/* Says that it is direct, or not, and nothing more: of one that begins. */
void session_direct_set(Session *session, bool is_direct);

/* Begins to make it a direct session, and answers this sequence when it is one. 0, or -errno: as
 * session_reply(). */
int session_direct_begin(Session *session, uint32_t sequence);
/* Goes on, when the session may be sent something. As session_direct_begin(). */
int session_direct_go_on(Session *session);
/* Makes it a relayed session. */
void session_direct_end(Session *session);
