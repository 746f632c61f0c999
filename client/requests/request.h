/*
 * client/requests/: what is asked of the daemon, and what it passes on.
 *
 * Request: something the daemon was asked for, and will answer.
 *
 * Its way: queued → sent → answered, by the packet with its sequence. When it is answered, its
 * kind takes what it wants from the packet, and the operation's completion is called, in
 * process_io and without the lock. Those that are queued together go together, as a Requests, where
 * the daemon takes it. What cannot be sent, and what the daemon left unanswered when
 * it went, goes to the list of those that have ended, which process_io runs too.
 *
 * When the daemon is lost, those that may be asked twice are queued again for the next.
 *
 * A cancelled operation leaves its request at once; a request that was sent stays until its answer
 * has come, because the slot it offered may be used until then. What comes with a late answer is
 * let go of.
 *
 * A sequence is the request's place in the table and how often that was used, as an IoId is. The
 * table keeps its requests for the next time: in its steady state nothing is allocated.
 *
 * Every function here is called with the handle's lock held, unless it says otherwise.
 */
#pragma once

#include "client/handle/request_table.h"
#include "client/kyron.h"
#include "core/address.h"
#include "core/fd_list.h"
#include "proto/iod.pb-c.h"

#include <sys/queue.h>

/* What a request says, with what it brings. */
typedef struct RequestFrame {
        Iod__Frame frame;
        union {
                Iod__Connect connect;
                Iod__Bind bind;
                Iod__Hold hold;
                Iod__TakeHeld take_held;
                Iod__Cancel cancel;
        } body;
        char address[ADDRESS_TEXT_MAX]; /* where the caller's is not the wire's */
        int fds[2];                     /* borrowed */
        size_t n_fds;
} RequestFrame;

/* What kinds of requests differ in. */
typedef struct RequestKind {
        /* The body of its answer, if it is not refused. */
        Iod__Frame__BodyCase answer;
        /* Once it was sent, its operation cannot be cancelled: what the daemon does must not get
         * lost. */
        bool is_final;
        /* The daemon may take long: it is told when nobody waits any more. */
        bool is_long;
        /* It has to be there before the daemon hears what was taken. */
        bool is_urgent;
        /* When the daemon is lost, the next one is asked: nothing can have been done twice. */
        bool is_repeatable;
        /* Whether it may be sent yet; NULL: always. */
        bool (*is_due)(const Request *request);
        /* One of them. Says it, with what its operation's caller keeps in place, and it may go in a
         * packet with others: 0, or -errno, and it has ended. Or sends it alone: as
         * sending_send_frame(). */
        int (*say)(const Request *request, RequestFrame *out);
        int (*send)(Request *request);
        /* What was said was sent; or NULL. */
        void (*sent)(Request *request);
        /* Takes what the answer brought: the operation's result, with error_text() when negative.
         * fds are as many as the frame needs. */
        ssize_t (*take)(Request *request, const Iod__Frame *frame, FdList *fds);
        /* It came to nothing: lets go of what it had. answer: one nobody waits for; or NULL. */
        void (*drop)(Request *request, const Iod__Frame *answer);
} RequestKind;

typedef enum RequestState {
        REQUEST_FREE,
        REQUEST_NEW, /* with its owner, who has not asked yet */
        REQUEST_QUEUED,
        REQUEST_SENT,
        REQUEST_ABANDONED, /* sent, queued again so that the daemon is told */
        REQUEST_ENDED,
} RequestState;

struct Request {
        TAILQ_ENTRY(Request) link; /* of the list its state has */
        KyronIoDriverHandle *handle;
        const RequestKind *kind;
        KyronOperation *operation; /* NULL: nobody waits */
        RequestState state;
        uint32_t sequence;
        int error; /* of one that has ended, also for its kind's drop; 0: it was answered */
        const char *refusal; /* the daemon's sentence, while its kind's drop runs; or NULL */
        /* The kind's: what it is for, and what it says. */
        void *object;
        const void *options;
        const char *name;
        const char *address;
        uint64_t number;
        uint64_t time_ms;
        int fd;
        int note_fd;
        uint32_t note_size;
};

void request_table_init(RequestTable *table);
/* Frees them. Each has ended before, see request_end_all(). No lock is needed. */
void request_table_deinit(RequestTable *table);

/* The operation is one, not in use and has a completion, and the handle is this process's: 0, or
 * -EINVAL, -EBUSY, -EOWNERDEAD with error_text(). Without the lock. */
int request_check(const KyronIoDriverHandle *handle, const KyronOperation *operation);

/* A text for the wire, 1 to max bytes: 0, or -EINVAL with error_text(), which calls it what. */
int request_check_text(const char *what, const char *text, size_t max);

/* 0 with *out, new; or -EHOSTDOWN the daemon has gone, and if somebody waits for it, for too long,
 * -EDQUOT, -ENOMEM, with error_text(). operation may be NULL. */
int request_new(Request **out, KyronIoDriverHandle *handle, const RequestKind *kind,
                KyronOperation *operation);
/* Gives back one that is new. */
void request_free(Request *request);
/* Asks: it is sent with the next packets. Returns KYRON_PENDING. */
int request_queue(Request *request);

/* Ends one that is in no list: whoever waits for it is told by process_io. */
void request_end(Request *request, int error);

/* An answer, or a refusal of a whole request. Runs the completion: 1; 0 nobody waits for it.
 * Without the lock. */
int request_answer(KyronIoDriverHandle *handle, const Iod__Frame *frame, FdList *fds);

/* Whether the daemon has one that it has not answered. Lock held. */
bool request_is_any_sent(const KyronIoDriverHandle *handle);

/* The daemon is lost: queues again what can be asked again, and ends the rest with -EHOSTDOWN. */
void request_lose_all(KyronIoDriverHandle *handle);
/* Ends those with an operation; and every request. */
void request_end_waiting(KyronIoDriverHandle *handle, int error);
void request_end_all(KyronIoDriverHandle *handle, int error);
/* Runs the completions of what has ended; returns how many. Lock held, but not while they run. */
int request_run_ended(KyronIoDriverHandle *handle);
