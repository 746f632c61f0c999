/*
 * NotifyQueue: what the service manager is told through NOTIFY_SOCKET: that the daemon serves and
 * stops, the watchdog's pings, and what is to be kept in its store.
 *
 * The loop never waits for the manager. What it does not read at once waits here, in order, and is
 * sent when there is room; a ping that would have to wait is left out and counted. The socket is
 * connected at the start. Should the manager make its own anew, the path is asked for again off the
 * loop, at first after a moment and then ever more seldom.
 *
 * A message that waits borrows the descriptors it passes on; who closes them takes it back first.
 *
 * Owned by the daemon, single-threaded. Without a manager there is no queue, and every call does
 * nothing.
 */
#pragma once

#include "daemon/blocking/blocking_pool.h"
#include "daemon/loop/loop_event.h"
#include "daemon/loop/waker.h"
#include "daemon/store/notify_socket.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
        /* How long is waited, where the daemon stops, for a manager that reads nothing; and for one
         * that reads slowly. */
        NOTIFY_SETTLE_MS = 2000,
        NOTIFY_SETTLE_MAX_MS = 5000,
};

typedef struct NotifyMessage NotifyMessage;
typedef TAILQ_HEAD(NotifyMessageList, NotifyMessage) NotifyMessageList;

typedef struct NotifyQueue {
        int fd; /* -1: there is no manager */
        NotifyAddress address;
        Loop *loop;
        BlockingPool *blocking;
        LoopEvent *writable; /* while messages wait for room */
        LoopEvent *again;    /* or for something that nobody tells of */
        Waker again_waker;
        struct NotifyConnecting *connecting; /* off the loop; NULL: it is connected */
        unsigned connect_pause_ms;
        NotifyMessageList messages;
        size_t count; /* of messages */
        uint32_t missed_pings;
} NotifyQueue;

/* 0, with or without a manager; or -errno with error_text(). */
int notify_queue_open(NotifyQueue *queue, Loop *loop, BlockingPool *blocking);
/* What waits is given up. */
void notify_queue_close(NotifyQueue *queue);
bool notify_queue_is_there(const NotifyQueue *queue);

/*
 * Sends text, or has it wait: with borrow_fds, which stay open until it is sent or taken back, and
 * take_fd unless it is -1. name: under which it can be taken back; NULL: it cannot. 0 or -ENOMEM.
 */
int notify_queue_put(NotifyQueue *queue, const char *name, const char *text, const int *borrow_fds,
                     size_t count, int take_fd);
/* The same without descriptors; what there is no memory for is said in the log. */
void notify_queue_say(NotifyQueue *queue, const char *text);
/* Takes back the last that was put in under the name. false: it was sent. */
bool notify_queue_take_back(NotifyQueue *queue, const char *name);

/* The watchdog's. */
void notify_queue_ping(NotifyQueue *queue);

/* Sends what can be sent now. Whether that was all. */
bool notify_queue_flush(NotifyQueue *queue);
/* Waits for the manager, as long as it goes on reading: the daemon stops. Whether it read all. */
bool notify_queue_settle(NotifyQueue *queue);
