/*
 * The end of a client's listener that somebody has asked for.
 *
 * Nobody finds it any more, and nothing is accepted. Each of its workers is told, and keeps what it
 * has taken, on its own from now on; who took the socket keeps that. They may be many, so that is
 * done for some in each turn of the loop; then the listener is closed.
 */
#pragma once

#include "daemon/listen/listener.h"

enum {
        /* Workers that are told in one turn; and connections that they keep. */
        LISTENER_END_WORKERS_PER_TURN = 64,
        LISTENER_END_CONNECTIONS_PER_TURN = 256,
};

/* Begins to end it. why is a sentence for its workers, and is copied. */
void listener_end(Listener *listener, const char *why);
/* It is to be called by its timer, and ends it in the end. */
void listener_end_go_on(Listener *listener);
