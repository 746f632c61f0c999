/*
 * The events of a session: what the loop serves of it, as its state says.
 *
 * An open session is served by three events of the loop: its socket is readable (requests), its
 * epoll set is ready (readiness), its socket is writable again. The last is armed only while the
 * notifier is waiting, and then the other two are not: a client that does not read is not served
 * and costs nothing but a look at its process, whose end the connection need not tell then
 * (peer_process.h). A session whose descriptors find no room in its user's lane of the closer is
 * held: its requests wait in its socket until the lane has caught up. One whose answers wait in
 * numbers pauses: its requests wait until it has read (delivery.h). One whose registrations are
 * compared with the kernel's list is not served at all meanwhile (reconciler.h).
 *
 * One whose user has used all of its share of a turn waits in line for the next (time_share.h), and
 * so does one with many sources to register, of which some are served each time (session_batch.h),
 * or with many registrations to forget (session_direct.h).
 * One whose client has closed is only read to the end (session_closed.h).
 */
#pragma once

#include "daemon/session/session.h"

/* Before anything else: what is to wake it. */
void session_events_init(Session *session);
/* Begins to wait for the greeting, and for the end of its process. 0 or -ENOMEM. */
int session_events_make(Session *session);
/* None of them comes any more; its session ends. */
void session_events_stop(Session *session);
void session_events_free(Session *session);

/* Sends what is to be delivered. false: that has ended the session, or it has to wait. */
bool session_deliver(Session *session);
