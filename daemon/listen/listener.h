/*
 * daemon/listen/: the daemon's listening sockets, and the group that serves each.
 *
 * Listener: a listening socket of the daemon's, by name. Of the configuration, or asked for by a
 * client; shared, and then the daemon accepts and its balancer finds a worker for each connection,
 * or there to be taken, and then who took it accepts (accepting.h).
 *
 * What the daemon keeps of a listener's connections is never more than what it could keep yet: so
 * no listener, whoever floods it, takes all there is from the others.
 *
 * What a client was given the daemon does not accept from, not even when the listener is shared
 * later (listener_socket.h). A configured one may be without a socket for a while.
 *
 * A configured listener stays; another closes keep_seconds after its last worker or taker has left.
 * Owned by Listeners, single-threaded.
 */
#pragma once

#include "core/error.h"
#include "daemon/budget/quota.h"
#include "daemon/closing/closer.h"
#include "daemon/config/config.h"
#include "daemon/listen/connection.h"
#include "daemon/listen/listeners.h"
#include "daemon/listen/socket_file.h"
#include "daemon/listen/worker.h"
#include "daemon/loop/loop_event.h"

enum {
        /* Connections in the hands of those that have left, of one that expires. */
        LISTENER_DISSOLVED_PER_TURN = 64,
        /* Connections of one listener whose first bytes have not come. */
        LISTENER_SILENT_MAX = 1024,
        /* Bytes of a name with its user's number. */
        LISTENER_TITLE_MAX = LISTENER_NAME_MAX + 24,
};

struct Listener {
        Group group; /* first */
        TAILQ_ENTRY(Listener) link;
        ListenerConfig config;
        Address bound;
        char address[ADDRESS_TEXT_MAX]; /* bound, as text */
        char title[LISTENER_TITLE_MAX]; /* for the log: the name, and whose it is */
        int fd;                         /* -1: there is none now */
        uint64_t inode;                 /* of its socket */
        SocketFile file;
        PathOpening *opening; /* being opened, on a thread; or NULL */
        GivenLook *look;      /* looked at, on a thread; or NULL */
        uint64_t looked_turn; /* of the loop's, in which it was seen to be as it was opened */
        TAILQ_HEAD(, ListenerWaiter) waiters;
        bool is_new; /* a client's that has not been there yet */
        bool listed; /* by its number and name */
        bool given;  /* a client has it, or had */
        bool configured;
        uid_t uid;       /* who asked for it, unless configured */
        QuotaUser *user; /* charged for it; NULL: nobody */
        bool paused;
        bool ends; /* see listener_end.h */
        char ends_why[ERROR_WIRE_MAX + 1];
        bool resting;          /* accepting, for want of descriptors or memory */
        LoopEvent *acceptable; /* NULL: there is no socket */
        LoopEvent *look_again;
        LoopEvent *look_on; /* at more of its workers, in the next turn */
        LoopEvent *look_for_socket;
        uint32_t look_ms;               /* until the next look for it; 0: the first */
        int lacks_error;                /* why there is none, -errno */
        char lacks[ERROR_WIRE_MAX + 1]; /* as a sentence; "": nothing */
        LoopEvent *expires;
        Waker room;  /* the daemon can keep more descriptors again */
        Waker again; /* a timer could not be armed */
        uint64_t accepted;
};

static inline Listener *listener_of(Group *group)
{
        return (Listener *)group;
}

/* What an earlier run of the daemon knew of a listener. */
typedef struct ListenerRestored {
        int take_fd;
        const char *bound; /* where it was opened; "" or NULL: it was not told */
        uint64_t number;
        QuotaUser *user; /* NULL: it is one of the configuration */
        bool paused;
        bool stored;
        SocketFile file;
} ListenerRestored;

/*
 * Opens a listener. user is charged, and asked for it; NULL: it is one of the configuration. 0; 1
 * its path is being opened, and listener_waiter.h tells whether it stays; or -errno with
 * error_text().
 */
int listener_open(Listener **out, Listeners *listeners, const ListenerConfig *config,
                  QuotaUser *user);
/* One of the configuration that has no socket yet: listener_socket_look() opens it, now or later.
 * 0, or -ENOMEM with error_text(). */
int listener_open_late(Listener **out, Listeners *listeners, const ListenerConfig *config);
/* As listener_open() with a socket that an earlier run of the daemon opened, and of which it knew
 * what is in restored: bound, number, user, paused, stored, file. fd is the caller's if it fails.
 */
int listener_restore(Listener **out, Listeners *listeners, const ListenerConfig *config,
                     const ListenerRestored *restored);
/* Closes it; its workers are left without. Returns NULL. */
Listener *listener_free(Listener *listener);
/* The same, and tells why. */
Listener *listener_close(Listener *listener, const char *why);

/* Closes a client's listener that nobody has come to yet: who asked for it was refused after all.
 */
void listener_close_unused(Listener *listener);

/* Whether a configured listener does, with its socket, for what the configuration says now. */
bool listener_suits(const Listener *listener, const ListenerConfig *config);

void listener_set_paused(Listener *listener, bool paused);
/* Closes it some time after the last worker or taker has left, if it is a client's. */
void listener_watch_leaving(Listener *listener);
