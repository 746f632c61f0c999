/*
 * PassedStream: a stream that the daemon passed on from a shared listener, or may pass on: to the
 * program a KyronTcpStream or KyronUnixStream as any other.
 *
 * Its way: made with a slot of its own and offered to the daemon under that id → passed, and then
 * in its endpoint's list of those that have arrived → taken by the program's accept, which the
 * next packet tells the daemon. From then on it is the program's alone. When it is closed,
 * its slot is retired: the daemon counts connections in hand, and has to learn of every end. A
 * later daemon, after an outage, counts none that another passed until they are claimed (claim.h).
 *
 * Guarded by the handle's lock, but for what is set when it is passed and stays: again and note.
 */
#pragma once

#include "client/readiness/bridged_fd.h"
#include "client/readiness/outbox.h"

typedef enum PassedStreamState {
        PASSED_STREAM_NEW,
        PASSED_STREAM_OFFERED,
        PASSED_STREAM_ARRIVED,
        PASSED_STREAM_TAKEN,
        PASSED_STREAM_TO_CLAIM, /* and another daemon is to be told */
} PassedStreamState;

typedef struct PassedStream {
        KyronBridgedFd bridged_fd;
        TAILQ_ENTRY(PassedStream) link; /* of its endpoint's lists; TO_CLAIM: the handle's */
        Taken taken;                    /* which the daemon is to be told */
        KyronEndpoint *endpoint;        /* NULL once it is taken */
        uint64_t origin;                /* the endpoint's serial, also then */
        PassedStreamState state;
        bool counted;         /* by the daemon there is now, since it passed it or was told */
        bool kept;            /* on death, perhaps */
        unsigned keeps_asked; /* that were not answered */
        bool again;
        int note_fd; /* -1: there is none */
        uint32_t note_size;
        /* What it is kept with since, as the program asked and the daemon has confirmed. */
        bool keep_done;
        int kept_note_fd; /* -1: there is none */
        uint32_t kept_note_size;
} PassedStream;

typedef TAILQ_HEAD(PassedStreamList, PassedStream) PassedStreamList;

/* One to be offered, with a slot. 0, or -EDQUOT or -ENOMEM with error_text(). Lock held. */
int passed_stream_new(PassedStream **out, KyronEndpoint *endpoint);
/* Frees one that never reached the program; its slot, if it has one, is free at once. Lock held. */
void passed_stream_free(PassedStream *stream);

/* Closes the connection of one that has arrived and was not accepted: it is as if it were new, but
 * for its id. Lock held. */
void passed_stream_empty(PassedStream *stream);

/* The one a registration belongs to; NULL: it is another kind of stream. */
PassedStream *passed_stream_of(KyronAsyncRegistration *registration);

/* The program has it, and the daemon there is now counts it: the next packet says so. Lock held. */
void passed_stream_tell_taken(PassedStream *stream);
/* It is claimed, or not to be. Lock held. */
void passed_stream_leave_claims(PassedStream *stream);
/* The daemon keeps it, with this note or -1. Lock held. */
void passed_stream_keep_done(PassedStream *stream, int take_note_fd, uint32_t note_size);
/* Makes one that another worker had be read from like a new one: not blocking, from its first byte,
 * unfiltered. What else that one has set stays. Best effort. That worker may still have it, and can
 * have this wait, as it can have any use of it: so not with the lock held. */
void passed_stream_put_in_order(const PassedStream *stream);
/* What the net types' functions of these names do. */
bool passed_stream_was_served_before(const KyronBridgedFd *stream);
ssize_t passed_stream_note(const KyronBridgedFd *stream, void *buffer, size_t size);
