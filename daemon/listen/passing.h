/*
 * Passing: the packets that bring a worker its connections.
 *
 * Each connection is registered in the worker's session first, under the id that was offered for
 * it, and then sent, many in one packet; in a direct session it is in hand under that id, and not
 * waited for. While one of them is not taken, no more are sent: what
 * comes meanwhile is the next packet's, so packets grow with the load.
 */
#pragma once

#include "daemon/listen/worker.h"

enum {
        /* Connections in one packet: with their notes, half of the descriptors it can have. */
        PASSING_PACKET_MAX = 64,
        /* Of these, with their notes. */
        PASSING_DESCRIPTORS_MAX = 2 * PASSING_PACKET_MAX,
};

/* A worker's, for its OutgoingKind. Whether something could be sent, if the socket has room. */
bool passing_is_due(const Outgoing *outgoing);
/* Sends one packet; what cannot be registered in the session is placed anew. 0, NOTIFIER_WAITING
 * for want of room, and nothing was sent, or -errno: the session has to end. */
int passing_send(Outgoing *outgoing);
