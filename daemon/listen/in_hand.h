/*
 * What a worker has in hand: its connections, from their assignment until its session has said that
 * they are closed, or until the worker leaves or ends (worker.h).
 *
 * Each is in the list of the worker's that its state has (connection.h), counted with the worker
 * and its session, and charged to the session's user if it is kept on death.
 */
#pragma once

#include "daemon/listen/worker.h"

/* How long the worker has had the oldest of what it has in hand, and the oldest of what it was sent
 * and has not taken; milliseconds, 0: there is none. Less than one counts as one. */
uint64_t in_hand_oldest_ms(const Worker *worker);
uint64_t in_hand_not_taken_ms(const Worker *worker);

/* The next of what it has offered is this connection's, which is in no list. */
void worker_assign(Worker *worker, Connection *connection);
/* The connection has reached the worker's program. */
void worker_taken(Connection *connection);
/* The connection is to be kept on death, with this note, which was checked (take_note_fd -1: none).
 * 0, or with error_text(), and then the note is still the caller's: -EDQUOT, -ESTALE it was taken
 * before and the daemon has no copy any more. */
int worker_keep(Connection *connection, int take_note_fd, uint32_t note_size);
/* Puts one in its hands that it had taken before the daemon began, registered as info; one with a
 * descriptor is charged, to be kept (keep_look.h). 0, or -EDQUOT with error_text(). */
int worker_put_in_hand(Worker *worker, Connection *connection, RegistrationInfo *info, IoId id);
/* The connection that a registration belongs to; NULL: it is no connection of a listener. */
Connection *worker_connection(const RegistrationInfo *info);

/* For who sends the assigned ones (passing.h): each was registered under its source and sent. */
void worker_passed(Connection *connection);
/* Or not, for the id cannot be used: another shall have it, once group_changed() is called.
 * The id is used up. */
void worker_unassign(Connection *connection);
/* Or there was no room for its registration: the worker rests, and others shall have what is
 * assigned to it. */
void worker_rest(Worker *worker);

/* What waits to be sent goes to others, in order; the ids that were meant for it are offered again.
 */
void in_hand_offer_again(Worker *worker);
/* For who takes it out of its worker's hands. It goes to the head of the queue for others. */
void in_hand_queue_for_others(Connection *connection);
/* The worker's program has it alone from now on. */
void in_hand_let_go(Connection *connection);
/* Its session goes on without it: ends its registration. */
void in_hand_deregister(const Connection *connection);

/* Its worker ends before it is known whether it may be kept: it waits for that in nobody's hands.
 */
void in_hand_await_look(Connection *connection);
/* It may: it is kept from now on, or others shall have it, where its worker has ended. Or it may
 * not, and is forgotten. error_text() stays. */
void in_hand_settle_kept(Connection *connection, bool is_the_listeners);
