/*
 * Connection: one that a shared listener accepted, from accept until its worker has closed it.
 *
 *   SILENT    waits for its first bytes, with a time limit      in its group's silent
 *   QUEUED    waits for a worker with credit                    in its group's queue
 *   ASSIGNED  has a worker; waits to be sent                    in its worker's assigned
 *   PASSED    sent, and registered in the worker's session      in its worker's sent
 *   TAKEN     has reached the worker's program                  in its worker's taken, or in its
 *             group's looked_at once that has ended
 *
 * Whose worker has had it may keep the socket locked for as long as it likes (invariant 20 of
 * ARCHITECTURE.md), so from then on nothing is asked or changed of it here: it is passed on as that
 * one left it, and the next worker's library puts it in order.
 *
 * The daemon has a copy of the descriptor until it is TAKEN; of one that is kept on death, until
 * the worker has closed it. Those copies are what is counted in Kept.
 */
#pragma once

#include "core/address.h"
#include "core/io_id.h"
#include "daemon/driver/registration_info.h"
#include "daemon/listen/group.h"
#include "daemon/loop/loop_event.h"

#include <sys/queue.h>

typedef enum ConnectionState {
        CONNECTION_SILENT,
        CONNECTION_QUEUED,
        CONNECTION_ASSIGNED,
        CONNECTION_PASSED,
        CONNECTION_TAKEN,
} ConnectionState;

typedef struct KeepLook KeepLook;

/* A connection's other end, of either family; size 0: nobody knows, or it is a Unix one's. */
typedef struct ConnectionPeer {
        union {
                struct sockaddr any;
                struct sockaddr_in6 v6;
        } address;
        socklen_t size;
} ConnectionPeer;

struct Connection {
        RegistrationOwner owner; /* first: PASSED and TAKEN are registered */
        TAILQ_ENTRY(Connection) link;
        Group *group;
        Worker *worker;  /* NULL while SILENT and QUEUED */
        uint64_t source; /* the id and interest offered for it */
        ConnectionState state;
        int fd;             /* -1: the worker has the only one */
        uint64_t placed_ns; /* when the loop's turn began that first looked for a worker; 0: it was
                               taken */
        uint64_t given_ms;  /* when its worker was given it, and then when it was sent;
                               CLOCK_MONOTONIC */
        ConnectionPeer peer;
        int note_fd;
        uint32_t note_size; /* 0: none, and note_fd is -1 */
        bool again;         /* a worker had it before, and ended */
        bool keep;          /* on death */
        bool charged;       /* for keeping, to the worker's user */
        KeepLook *look;     /* whether it may be kept; or NULL */
        LoopEvent *first_bytes;

        /* For connection_store.h. */
        TAILQ_ENTRY(Connection) unstored_link;
        uint64_t number;
        bool unstored;
        bool stored; /* it outlives the daemon */
};

/* Takes what a listener accepted. NULL: there was no memory, and it is closed. */
Connection *connection_new(Group *group, int take_fd);
/* Takes one that an earlier run of the daemon had stored under this number, with its note or -1. */
Connection *connection_restore(Group *group, uint64_t number, bool again, int take_fd,
                               int take_note_fd, uint32_t note_size);
/* One that its worker has in hand since before the daemon began: copies of it and its note, or -1.
 * NULL: there was no memory, and they are the caller's still. */
Connection *connection_claim(Group *group, int take_fd, int take_note_fd, uint32_t note_size);
/* What kind of descriptor the group's connections are. */
DescriptorKind connection_kind(const Group *group);
/* Asks a socket for its other end, which may wait for who keeps it locked. false: it has none. */
bool connection_ask_peer(int borrow_fd, ConnectionPeer *out);
/* Whether the first bytes are there: 1 yes, 0 not yet, -1 the peer has gone without any. */
int connection_has_first_bytes(int borrow_fd);
/* Makes it SILENT, until it has them. false: there was no memory to wait. */
bool connection_wait_for_first_bytes(Connection *connection);
/* Closes the daemon's copy of it, if there is one. */
void connection_close_copy(Connection *connection);
/* The connection's end: closes what the daemon has of it, and frees it. It is in no list. */
void connection_free(Connection *connection);
