/*
 * What is done to the path of a Unix listener is done on a thread: the file system it is on may not
 * answer, for as long as it likes.
 *
 * PathOpening: a socket being bound to a path. It does not listen yet.
 * PathRemoval: the file of one that ends being removed. Its socket stays open meanwhile
 * (socket_file.h), and is closed then. Or what has no file being ended, that may be locked.
 *
 * Both are in their user's share of the threads. Owned by Listeners until done; single-threaded but
 * for the task.
 */
#pragma once

#include "core/error.h"
#include "daemon/blocking/blocking_pool.h"
#include "daemon/closing/closer.h"
#include "daemon/listen/listeners.h"
#include "daemon/listen/socket_file.h"

struct PathOpening {
        BlockingTask task;
        LIST_ENTRY(PathOpening) link;
        Listeners *listeners; /* NULL: they are gone */
        ListenerConfig config;
        int fd; /* -errno, and why */
        SocketFile file;
        char why[ERROR_TEXT_MAX];
        void (*done)(void *data, PathOpening *opening);
        void *data; /* NULL: nobody wants it any more */
};

/* done is called on the loop, not from within, and takes the socket and frees the opening. 0, or
 * -errno with error_text(). */
int path_opening_start(PathOpening **out, Listeners *listeners, const ListenerConfig *config,
                       void (*done)(void *data, PathOpening *opening), void *data);
/* Closes the socket that was not taken, and frees it. Returns NULL. */
PathOpening *path_opening_free(PathOpening *opening);
/* done is not called any more: what comes of it is undone. Returns NULL. */
PathOpening *path_opening_give_up(PathOpening *opening);

/* Removes the file, then has the socket closed in the place that it has in lane, and user's charge
 * for the listener given back, with the reference; user may be NULL. Where that cannot be done the
 * file stays. */
void path_removal_start(Listeners *listeners, const ListenerConfig *config, const SocketFile *file,
                        int take_fd, CloserLane *lane, QuotaUser *user);

/* Has a socket that a client has, too, end for everybody. On a thread, since that one can keep it
 * locked; what was begun here is waited for a moment, so that its address is free. */
void path_ending_start(Listeners *listeners, const ListenerConfig *config, int borrow_fd);

/* Waits until all that is under way is done, up to so long. */
void path_tasks_settle(Listeners *listeners, int ms);
/* What is not done does without the listeners from now on. */
void path_tasks_abandon(Listeners *listeners);
