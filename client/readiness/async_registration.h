/*
 * client/readiness/: waiting for one descriptor.
 *
 * AsyncRegistration: one descriptor's readiness word and the wakers that wait for it.
 *
 * The word (tick and bits, see core/readiness.h) is atomic: whoever finds the bits it needs goes
 * on without a lock. Everything else here is guarded by the handle's lock.
 *
 * A waker's way: idle → waiting (in the registration's list) → woken (in the handle's list) → run
 * by process_io. An event only moves wakers from list to list, under the lock; process_io takes
 * them off one at a time and calls them without it. Cancelling takes a waker out of either list;
 * once it runs it can only be asked not to wait again.
 *
 * Never a lost wakeup: whoever has to wait looks at the word once more under the lock that events
 * are added under; and clearing names the tick that was seen before EAGAIN.
 *
 * Ending: the descriptor is closed when no function runs on it, the memory is freed when no waker
 * of it is woken or running either. Both happen at once, or at the end of what is running.
 */
#pragma once

#include "client/handle/waker_list.h"
#include "client/kyron.h"
#include "core/io_id.h"
#include "core/readiness.h"

#include <stdatomic.h>
#include <sys/queue.h>

enum WakerState {
        WAKER_IDLE,
        WAKER_WAITING,
        WAKER_WOKEN,
        WAKER_RUNNING,   /* operations only: a plain waker is idle before it is called */
        WAKER_REQUESTED, /* operations only: in no list, but of a request to the daemon */
};

/* What it is part of, if that is more than a BridgedFd. A function that is NULL: false, or nothing
 * is to be done. Called with the lock held, but dispose. */
typedef struct AsyncRegistrationKind {
        /* The daemon passed it on: another worker may have its file. */
        bool is_passed;
        /* Instead of free() at the end. */
        void (*dispose)(KyronAsyncRegistration *registration);
        /* Whether the daemon might give it to another worker, if it lived without this session. */
        bool (*is_shared)(const KyronAsyncRegistration *registration);
        /* Whether the daemon is to learn of its end without fail. */
        bool (*is_counted)(const KyronAsyncRegistration *registration);
        /* The daemon that had it is lost. */
        void (*lose)(KyronAsyncRegistration *registration);
        /* The daemon will not register it: whether that was all there is to be done about it. */
        bool (*refuse)(KyronAsyncRegistration *registration, int error);
        /* It is closed: there is nothing else to be told of it. */
        void (*forget)(KyronAsyncRegistration *registration);
} AsyncRegistrationKind;

struct KyronAsyncRegistration {
        KyronIoDriverHandle *handle;
        int fd;
        bool owns_fd; /* a BridgedFd's: closed at the end */
        bool closing;
        bool queued; /* in the handle's list of what is to be sent */
        const AsyncRegistrationKind *kind;
        _Atomic ReadinessWord word;
        _Atomic uint64_t portion; /* used up in a turn, see portion.h */
        IoId id;                  /* IO_ID_NONE until somebody had to wait */
        Readiness arm;            /* asked for along with the first interest */
        Readiness wanted;         /* what was waited for so far */
        Readiness armed;          /* what the daemon was told, since the session began */
        Readiness local;          /* what this process's own Selector was */
        bool stays_local; /* the daemon does not wait for its kind: this process always does */
        int error;        /* why the daemon refused it, as a negative errno */
        char *refusal;    /* its sentence; NULL: none, or no memory */
        uint32_t woken;   /* wakers in the handle's list */
        uint32_t running; /* operations process_io is running */
        WakerList waiting;
        TAILQ_ENTRY(KyronAsyncRegistration) queue_link;
};

void async_registration_init(KyronAsyncRegistration *registration, KyronIoDriverHandle *handle,
                             int fd);

/* Whether there is readiness for interest: fills event. */
bool async_registration_is_ready(const KyronAsyncRegistration *registration, Readiness interest,
                                 KyronReadyEvent *event);

/*
 * The second look, and the wait. Lock held. 0 it is ready after all, KYRON_PENDING the waker
 * waits, or a negative errno: the registration's, the handle's, or no slot.
 */
int async_registration_wait(KyronAsyncRegistration *registration, Readiness interest,
                            KyronWaker *waker, KyronReadyEvent *event);

/*
 * It has had its portion of this turn: the waker is put behind those that were woken, ready or not.
 * false: it may go on, for nobody is to come after. Takes the lock.
 */
bool async_registration_yield(KyronAsyncRegistration *registration, Readiness interest,
                              KyronWaker *waker);

/* One event: adds the bits and moves the wakers it concerns to the handle's list. Lock held. */
void async_registration_wake(KyronAsyncRegistration *registration, Readiness bits);

/* Moves every waker to the handle's list, to find out what went wrong. Lock held. */
void async_registration_wake_all(KyronAsyncRegistration *registration);

/*
 * It cannot be waited for: every wait ends with the error (negative errno) and the sentence, those
 * there are now and later ones. Lock held.
 */
void async_registration_fail(KyronAsyncRegistration *registration, int error, const char *text);
/*
 * The daemon will not have it. If that is for want of room there may be some another time: whoever
 * waits is told, and who asks after that registers anew. Lock held.
 */
void async_registration_refuse(KyronAsyncRegistration *registration, int error, const char *text);

/* Takes the first waker out of the handle's list, whose turn it is; there has to be one. Lock held.
 */
KyronWaker *async_registration_take_woken(KyronIoDriverHandle *handle);

/* Takes the waker out of the list it is in; false when it is in none. Lock held. */
bool async_registration_take_waker(KyronWaker *waker);

/* Takes it out of the handle's books. Operations that wait are moved to the handle's list, to be
 * told; plain wakers are let go without a call. told: as outbox_forget(). Lock held. */
void async_registration_detach(KyronAsyncRegistration *registration, bool told);

/*
 * Frees a registration that is ending and no longer in use. Returns a descriptor the caller has
 * to close once it has let go of the lock, for close() may block; -1: none. Lock held.
 */
int async_registration_reap(KyronAsyncRegistration *registration);

/* What its kind says. Lock held. */
bool async_registration_is_shared(const KyronAsyncRegistration *registration);
bool async_registration_is_counted(const KyronAsyncRegistration *registration);
void async_registration_lose(KyronAsyncRegistration *registration);
void async_registration_forget(KyronAsyncRegistration *registration);

/* Frees it, in the way of what it belongs to. */
void async_registration_free(KyronAsyncRegistration *registration);
