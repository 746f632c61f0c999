/*
 * Outage: from the loss of one daemon to the Welcome of the next.
 *
 * However a session ends, unless the daemon refused it by name, and also where the daemon does not
 * answer any more (alive.h), the handle's registrations stay and
 * those who wait go on waiting. Its way: away (the registrations and the requests that may be asked
 * twice are queued to be sent anew; the local driver serves the registrations, if the program
 * allows it) → an attempt to connect after 1 ms, then after twice as long each time up to 100 ms,
 * less a random part → greeting (Hello is sent) → Welcome, and the outbox sends what is queued.
 *
 * When it has lasted longer than the program allows, it is long: what needs the daemon ends with
 * -EHOSTDOWN, and without a local driver that is everything: the handle is `gone`.
 *
 * In doubt are the connections that the daemon passed on and might give to another worker: those
 * not accepted yet, and those kept on death. If the next Welcome has another epoch, the daemon is
 * dead and they are this process's; if it has the same, the daemon lives and has given them away.
 *
 * Guarded by the handle's lock, but for what is set once; attempts are made in process_io only.
 */
#pragma once

#include "client/handle/daemon_connection.h"
#include "client/handle/outage_state.h"
#include "client/kyron.h"

enum {
        OUTAGE_FIRST_DELAY_MS = 1,
        OUTAGE_DELAY_MAX_MS = 100,
        /* Between attempts, once it is long. */
        OUTAGE_LONG_DELAY_MS = 1000,
};

/* There is a session, as the Welcome says, with a pulse or none, which is taken. Lock held. */
void outage_begin_session(KyronIoDriverHandle *handle, const DaemonConnection *connection);

/* The daemon is lost, and why. Lock held. */
void outage_begin(KyronIoDriverHandle *handle, const char *why);
/* The daemon wants none of this session: no outage, everything ends. Lock held. */
void outage_give_up(KyronIoDriverHandle *handle, const char *why);

/* The timer has run out: in an outage it is time for an attempt, in a session to look whether the
 * daemon lives (alive.h). And the daemon that was greeted has answered. In process_io, without the
 * lock. */
void outage_on_timer(KyronIoDriverHandle *handle);
void outage_on_greeted(KyronIoDriverHandle *handle);

/* Tells the program when somebody else serves. In process_io; lock held, but not while it is told.
 */
void outage_report(KyronIoDriverHandle *handle);
