/*
 * GivenLook: a look at the socket of a listener that a client was given, before the next one gets
 * it. On a thread: who has the socket can keep it locked for as long as it likes, and whoever asks
 * for its address then waits for that.
 *
 * In the asking user's share of the threads. Owned by its listener, until that does without it.
 * Single-threaded but for the task.
 */
#pragma once

#include "daemon/listen/listener.h"

/* Whether it is as it was opened, and made so as far as it can be: done is called on the loop, not
 * from within, with 0, or -errno and error_text(); and the look is over. config has the address
 * where it was bound. 0, or -errno with error_text(). */
int given_look_start(GivenLook **out, Listener *listener, const ListenerConfig *config, uid_t uid,
                     void (*done)(Listener *listener, int r));
/* done is not called any more. Returns NULL. */
GivenLook *given_look_give_up(GivenLook *look);
