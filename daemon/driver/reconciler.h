/*
 * Reconciler: asks the kernel which of a session's files are still open, and forgets the
 * registrations of those that are not, while the loop serves everybody else.
 *
 * Of a session it is asked, with as many entries as the session may have in the kernel; then the
 * session is neither read nor selected nor delivered to, so that nothing touches its epoll set,
 * which the kernel has locked while it writes the list, nor its registrations. One thread, started
 * when first needed, reads the lists one after the other (live_entries.h), each from a duplicate of
 * the set's descriptor, for the session may end meanwhile. The answers wake the loop, which marks
 * and forgets RECONCILER_STEP of each session in a turn, and then lets the session go on.
 *
 * Threads: the lists of what was asked and what is answered are under the lock, and whether their
 * sessions are still there; everything else is the loop's.
 */
#pragma once

#include "daemon/driver/registration_set.h"
#include "daemon/driver/set_watch.h"
#include "daemon/loop/loop_event.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

typedef struct Reconciliation Reconciliation;

enum {
        /* Entries marked, and registrations looked at, in a turn; and forgotten. */
        RECONCILER_STEP = 4096,
        RECONCILER_FORGET_STEP = 256,
};

/* A session's registrations, and who is told. Part of its owner. */
typedef struct Reconciled {
        RegistrationSet *set;
        SetWatch *watch;
        Reconciliation *reconciliation; /* NULL: none is under way */
        void (*forgot)(void *data);     /* some registrations are gone */
        /* It may be served again. error is a negative errno where the kernel did not say. */
        void (*done)(void *data, int error);
        void *data;
} Reconciled;

typedef TAILQ_HEAD(ReconciliationList, Reconciliation) ReconciliationList;

typedef struct Reconciler {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        pthread_t thread;
        bool has_thread;
        bool stopping;
        ReconciliationList asked;    /* the thread's to read, oldest first */
        ReconciliationList answered; /* the loop's to collect */
        ReconciliationList applied;  /* the loop's: some each turn */
        LoopEvent *apply;
        int borrow_wake_fd;
} Reconciler;

/* 0 or -ENOMEM. */
int reconciler_open(Reconciler *reconciler, Loop *loop, int borrow_wake_fd);
/* Waits for the thread. No session has anything under way any more. */
void reconciler_close(Reconciler *reconciler);

/*
 * Whether it has to wait: the kernel is being asked, since as many files as it may have could be
 * open, or because it is crowded (the caller's word). Starts that when it is time. 1 or 0, or
 * -errno if it could not be started, and not again for a second.
 */
int reconciler_holds(Reconciler *reconciler, Reconciled *reconciled, bool is_crowded);
/* The kernel is not to be asked of it for a second. */
void reconciler_put_off(Reconciled *reconciled);
/* Its owner ends. */
void reconciler_abandon(Reconciler *reconciler, Reconciled *reconciled);

/* When the loop was woken: begins to apply what was answered. */
void reconciler_collect(Reconciler *reconciler);
