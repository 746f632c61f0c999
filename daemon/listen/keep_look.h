/*
 * KeepLook: whether a connection that its worker has in hand since before the daemon began, and
 * that is to be kept on death, is one of its listener's. On a thread: the worker can keep the
 * socket locked for as long as it likes, and whoever asks for its addresses then waits for that.
 * Until it is known the connection is in hand, charged, and not kept.
 *
 * In the user's share of the threads. Owned by its connection, until that does without it.
 * Single-threaded but for the task, which asks by the descriptor's number: where the connection has
 * closed that meanwhile it may be another's, and nobody hears what is said of it.
 */
#pragma once

#include "daemon/listen/listener.h"

/* Of one in hand, with its descriptor. Who claimed it with the request of that sequence is told if
 * it is not the listener's. 0, or -errno with error_text(). */
int keep_look_start(Connection *connection, uint32_t sequence);
/* Nothing comes of it any more. Returns NULL. */
KeepLook *keep_look_give_up(KeepLook *look);
