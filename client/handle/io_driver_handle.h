/*
 * client/handle/: what everybody shares.
 *
 * IoDriverHandle: the client's end of a session.
 *
 * What it keeps: the socket to the daemon and the unparker in one Selector (so that the handle is
 * one descriptor to wait for); the registrations by slot; what is to be sent (registrations that
 * were waited for first since the last packet, and the ids of closed ones); and the woken wakers.
 *
 * Also the requests that wait for their answers, and the endpoints. What is done with it all in one
 * process_io is in turn/process_io.h.
 *
 * One lock guards all of it and everything of the registrations but their readiness word. It is
 * held for list operations and one non-blocking send, never while user code runs.
 *
 * While there is no daemon (outage.h), nothing is sent or received; the Selector may hold the
 * registrations then (local_driver.h). Once it has gone for good (`gone`), every wait ends.
 */
#pragma once

#include "client/handle/alive.h"
#include "client/handle/busy_poll.h"
#include "client/handle/daemon_connection.h"
#include "client/handle/handle_delivery.h"
#include "client/handle/outage_state.h"
#include "client/handle/pulse.h"
#include "client/handle/request_table.h"
#include "client/handle/slot_table.h"
#include "client/handle/waker_list.h"
#include "core/error.h"
#include "core/selector.h"
#include "proto/frame.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

enum {
        /* Ids of closed registrations kept for the next packet. */
        HANDLE_GONE_MAX = 256,
        /* What one look at the Selector may bring. */
        HANDLE_EVENTS_MAX = 1024,
};

typedef struct Taken Taken; /* see readiness/outbox.h */

struct KyronIoDriverHandle {
        pthread_mutex_t lock;
        Selector selector;
        int socket_fd;
        int wake_fd;      /* the unparker */
        uint64_t session; /* 0: there is none */
        unsigned fork_count;

        _Atomic uint32_t turns; /* looks at what is ready; counted round */
        _Atomic uintptr_t
                driver;         /* the thread that is in process_io, as it names itself; 0: none */
        bool parked;            /* process_io waits: what is queued has to wake it */
        bool retry_soon;        /* the kernel was short of something: send again shortly */
        bool remove_wants_room; /* until the daemon has read */
        bool unparked;          /* something was left for it */
        bool unpark_written;    /* and whoever waits has been told */
        bool has_watcher;       /* the descriptor was given out: somebody may wait for that */
        bool wants_room;        /* the daemon has not read: send again when it has */
        bool gone;              /* the daemon, for good */
        char gone_text[ERROR_TEXT_MAX];

        BusyPoll busy_poll;
        Outage outage;
        HandleDelivery delivery;
        Alive alive;
        Pulse pulse;
        SlotTable slots;
        uint32_t unaccepted; /* of the slots, those of connections that endpoints wait for */
        TAILQ_HEAD(, KyronAsyncRegistration) queue; /* to be sent */
        uint64_t closed_ids[HANDLE_GONE_MAX];
        size_t closed_count;
        uint64_t packets_sent;
        RequestTable requests;
        TAILQ_HEAD(, KyronEndpoint) endpoints;
        uint64_t endpoints_total;
        TAILQ_HEAD(, Taken) taken;           /* by the program, which the daemon is to be told */
        TAILQ_HEAD(, PassedStream) to_claim; /* which a daemon after the one that passed them is */
        TAILQ_HEAD(, TakenListener) taken_listeners; /* which the next daemon is asked for again */
        WakerList woken;
        size_t woken_count;

        FrameArena arena;
        uint8_t bytes[FRAME_BYTES_MAX];
        SelectorEvent events[HANDLE_EVENTS_MAX]; /* of who is in process_io, as these are */
};

/* Tells the calling thread from others; never 0. */
uintptr_t io_driver_handle_self(void);

/* 0, or -EOWNERDEAD in a child of the process that opened it, with error_text(). */
int io_driver_handle_check_process(const KyronIoDriverHandle *handle);

/* Whether this process serves the registrations: directly, or while there is no daemon. */
bool io_driver_handle_serves_itself(const KyronIoDriverHandle *handle);
/* Who serves them. Lock held. */
KyronServedBy io_driver_handle_served_by(const KyronIoDriverHandle *handle);

/* That the program has. Lock held. */
uint32_t io_driver_handle_count_registrations(const KyronIoDriverHandle *handle);

/* How often this process and those before it forked since the library was loaded; watches that from
 * the first call on. */
unsigned io_driver_handle_count_forks(void);

/* Makes sure that process_io comes round to what was just left for it. Lock held. */
void io_driver_handle_unpark(KyronIoDriverHandle *handle);
/* Takes back what unparking and waking wrote; true when somebody called wake. Lock held. */
bool io_driver_handle_take_unpark(KyronIoDriverHandle *handle);
