/*
 * Listeners: all of them, and what they use of the rooms below.
 *
 * What is pointed to outlives it. Owned by the daemon, single-threaded.
 */
#pragma once

#include "core/histogram.h"
#include "core/share.h"
#include "daemon/blocking/blocking_pool.h"
#include "daemon/budget/kept.h"
#include "daemon/budget/quota.h"
#include "daemon/listen/connection_store.h"
#include "daemon/listen/drain.h"
#include "daemon/listen/worker_watch.h"
#include "daemon/loop/loop.h"
#include "daemon/scrape/scrapes.h"
#include "daemon/store/descriptor_store.h"
#include "daemon/tell/teller.h"

#include <sys/types.h>

typedef struct Listener Listener;
typedef struct GivenLook GivenLook;
typedef struct PathOpening PathOpening;
typedef struct PathRemoval PathRemoval;
typedef TAILQ_HEAD(ListenerList, Listener) ListenerList;

enum {
        /* Listeners that are counted under their names, and of these a user's own. */
        LISTENERS_NAMED_MAX = 32,
        LISTENERS_NAMED_PER_USER_MAX = 8,
};

/* What became of connections. */
typedef struct ListenerCounts {
        uint64_t accepted;
        uint64_t passed;
        uint64_t passed_again;
        uint64_t timed_out;
} ListenerCounts;

struct Listeners {
        Loop *loop;
        Quota *quota;
        Kept *kept;
        Closer *closer;
        DescriptorStore *store;
        BlockingPool *blocking;
        Teller *teller;
        Scrapes *scrapes; /* who connects to those that tell metrics */

        ListenerList list; /* in order of opening */
        void *by_number;   /* tsearch(3) trees of them */
        void *by_name;
        uint32_t count;
        uint32_t waiting_count; /* of them, those that lack a socket */
        uint64_t total;
        Share offered;    /* unused ids of workers */
        uint32_t workers; /* of all groups, that have not left; without takers */
        uint64_t connections_total;
        ListenerCounts counts; /* of all listeners, those included that were closed */
        uint32_t not_taken;    /* connections that were passed, and no more */
        /* From a connection's first placing to the packet that says it was taken, each as the
         * loop's turn that dealt with it began. */
        Histogram takes;
        /* Counted under their names: as they were opened, while there was room. */
        Listener *named[LISTENERS_NAMED_MAX];
        ConnectionStore waiting;
        Drains drains;
        WorkerWatch watch;
        LIST_HEAD(, PathOpening) openings; /* being opened, and removed: path_task.h */
        LIST_HEAD(, PathRemoval) removals;
};

/* Of one that begins, which is found by this number and its name from now on, and of one that ends.
 * 0, or -EEXIST or -ENOMEM with error_text(). */
int listeners_add(Listener *listener, uint64_t number);
void listeners_remove(Listener *listener);

/* What a user means by a name: one of the configuration, or else one of theirs; each user has names
 * of their own. NULL: there is none. */
Listener *listener_find(const Listeners *listeners, uid_t uid, const char *name);
/* One of the configuration. NULL: there is none. */
Listener *listener_find_configured(const Listeners *listeners, const char *name);
/* The next of that name after one or, after NULL, the first, whosever it is: one of the
 * configuration before others. NULL: there is none. */
Listener *listener_next_named(const Listeners *listeners, const Listener *after, const char *name);
/* The first with a number above that; NULL. */
Listener *listener_after(const Listeners *listeners, uint64_t number);
