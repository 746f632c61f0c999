/*
 * Outgoing: packets, most with descriptors, that others have for a session. Each has its own, and a
 * kind that says what is due and sends it; the delivery knows when it may be sent (delivery.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

typedef struct Outgoing Outgoing;

typedef struct OutgoingKind {
        uint32_t descriptors_max; /* in a packet */
        /* Whether something could be sent, if the socket has room. */
        bool (*is_due)(const Outgoing *outgoing);
        /* Sends one packet. 0, NOTIFIER_WAITING for want of room, and nothing was sent, or -errno:
         * the session has to end. */
        int (*send)(Outgoing *outgoing);
        /* The client has read everything, which was awaited; NULL: it is never awaited. */
        void (*has_read)(Outgoing *outgoing);
} OutgoingKind;

struct Outgoing {
        TAILQ_ENTRY(Outgoing) link; /* the session's */
        const OutgoingKind *kind;
        bool awaits_reading;
};

typedef TAILQ_HEAD(OutgoingList, Outgoing) OutgoingList;
