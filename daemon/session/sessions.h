/*
 * Sessions: all of them, what they use of the rooms below, and accepting new ones.
 *
 * What is pointed to outlives it. Owned by the daemon, single-threaded.
 */
#pragma once

#include "daemon/budget/in_flight.h"
#include "daemon/budget/kept.h"
#include "daemon/budget/quota.h"
#include "daemon/budget/session_rate.h"
#include "daemon/budget/watches.h"
#include "daemon/closing/closer.h"
#include "daemon/config/admin_group.h"
#include "daemon/config/config.h"
#include "daemon/config/options.h"
#include "daemon/driver/io_driver.h"
#include "daemon/driver/reconciler.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/time_share.h"
#include "daemon/session/programs.h"
#include "daemon/session/service.h"
#include "daemon/session/session.h"
#include "daemon/tell/teller.h"
#include "proto/frame.h"

typedef TAILQ_HEAD(SessionList, Session) SessionList;
typedef TAILQ_HEAD(RemainsList, Remains) RemainsList;

enum {
        /* Bytes of requests that are kept until they can be served, of all users together. */
        SESSIONS_LATE_BYTES_MAX = 4 * 1024 * 1024,
};

struct Sessions {
        Loop *loop;
        const Options *options;
        const Config *config; /* in force */
        const AdminGroup *admin_group;
        Quota *quota;
        InFlight *in_flight;
        Kept *kept;
        Watches *watches;
        IoDriver *driver;
        Closer *closer;
        Reconciler *reconciler;
        Teller *teller;
        const SessionService *service;
        void *service_data;

        SessionList list; /* in order of id */
        void *by_id;      /* tsearch(3) tree of these */
        uint32_t count;
        uint32_t direct;  /* of them */
        uint32_t waiting; /* for their clients to read */
        /* What they have left, and those that were turned away: see session_remains.h. */
        RemainsList remains, strangers;
        uint32_t remains_count, strangers_count;
        bool closing;
        uint32_t max; /* as configured, or fewer if descriptors do not suffice */
        uint64_t total;
        uint64_t registration_count;
        uint64_t not_done[NOT_DONE_COUNT]; /* requests */
        Programs programs;                 /* the open ones, by name */
        Share late_bytes;                  /* of requests that are kept until they can be served */
        SessionRate rate, pulse_rate;
        uint32_t pulse_count;
        TimeShares shares;

        LoopEvent *acceptable;
        LoopEvent *accept_again; /* after a pause for want of resources */
        Waker accept_waker;      /* that could not be armed */

        FrameArena arena; /* of the packet being served */
        uint8_t packet[FRAME_BYTES_MAX];
};

/* Begins to accept. 0 or -1; either way sessions_close() ends it. */
int sessions_open(Sessions *sessions, int borrow_listening_fd);
/* Accepts no more. The sessions are ended before. */
void sessions_close(Sessions *sessions);

/* Of one that begins, whose id is the highest, and of one that ends. 0 or -ENOMEM. */
int sessions_add(Sessions *sessions, Session *session);
void sessions_remove(Sessions *sessions, Session *session);

/* The session with that id; NULL. */
Session *sessions_find(const Sessions *sessions, uint64_t id);
/* The first with a higher id than after; NULL. */
Session *sessions_after(const Sessions *sessions, uint64_t after);
