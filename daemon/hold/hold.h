/*
 * daemon/hold/: descriptors left under a name.
 *
 * Holds: descriptors that clients left with the daemon, each under a name of its user's, until any
 * process of that user takes it back or its time is over. Besides connections that were not passed
 * yet this is the one case in which the daemon keeps a client's descriptor, so each is charged to
 * its user (QUOTA_HOLDS) for as long as it is open here, by a reference to the account that
 * outlives the session.
 *
 * A hold is in the set, to be found by name and by number, until it is taken or its time is over.
 * Then its descriptors leave: the set never closes one itself, as that can block, but gives it to
 * the function it was made with. While that has no room the hold is leaving: not found any more,
 * charged still, and offered again every HOLD_RETRY_MS.
 *
 * Nothing that is kept may ever block the daemon, not even when it is looked at: what
 * descriptor_kind_classify() refuses to wait for is refused here too, and a note is what
 * note_check() says. One timer serves the whole set, and is armed only while there is a hold.
 *
 * Owned by the daemon, single-threaded.
 */
#pragma once

#include "core/name.h"
#include "daemon/budget/quota.h"
#include "daemon/budget/session_rate.h"
#include "daemon/driver/descriptor_kind.h"
#include "daemon/loop/loop_event.h"
#include "proto/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
        /* Days of the longest time to live. */
        HOLD_DAYS_MAX = 365,
        HOLD_RETRY_MS = 10,
        /* Holds whose time is over that go in one turn of the loop. */
        HOLD_EXPIRIES_PER_TURN = 128,
};

/* Takes a descriptor of the user's to be closed and returns true; or has no room now and returns
 * false. */
typedef bool (*HoldClose)(void *data, uid_t uid, int take_fd);

/* Who leaves a descriptor, as what, and for how long. Copied. */
typedef struct HoldRequest {
        QuotaUser *user;
        const char *name;
        uint64_t time_to_live_ms;
        uint64_t session;
        pid_t pid;
        const char *program;
} HoldRequest;

/* One held descriptor; constant while it is in the set. */
typedef struct Hold {
        STAILQ_ENTRY(Hold) link; /* in order of leaving */
        uint64_t number;         /* never used twice, never 0 */
        QuotaUser *user;
        char name[HOLD_NAME_MAX + 1];
        int fd;
        int note_fd; /* -1: none */
        uint32_t note_size;
        DescriptorKind kind;
        uint64_t inode;
        uint64_t session; /* who left it */
        pid_t pid;
        char program[FRAME_PROGRAM_MAX + 1];
        uint64_t since;      /* CLOCK_REALTIME nanoseconds */
        uint64_t held_at_ms; /* CLOCK_MONOTONIC */
        uint64_t expires_at_ms;
        bool stored;   /* it outlives the daemon */
        bool unstored; /* and is to: it waits for that */
        TAILQ_ENTRY(Hold) unstored_link;
} Hold;

typedef struct DescriptorStore DescriptorStore;

typedef struct HoldSet {
        Quota *quota;
        void *by_name; /* tsearch(3) trees of Hold: by user and name, by number, by end */
        void *by_number;
        void *by_expiry;
        STAILQ_HEAD(, Hold) leaving;
        TAILQ_HEAD(, Hold) unstored; /* see hold_store.h */
        LoopEvent *timer;
        LoopEvent *store_tick;
        SessionRate stores; /* the pace of it */
        uint64_t last_number;
        /* Holds to be found, and descriptors open here, the leaving ones' too. */
        size_t count;
        size_t descriptors;
        HoldClose close;
        void *close_data;
        DescriptorStore *store; /* where they are kept for the next start; NULL: nowhere */
} HoldSet;

/* What was held, for whoever takes it. */
typedef struct HoldTaken {
        Hold was; /* all of it, to be held again; its user is the caller's to fill in */
        int fd;
        int note_fd; /* -1: there is none */
        uint32_t note_size;
        uint64_t held_ms;
        uint64_t stored; /* its number, to be taken from the store once it is sent; 0: it is not in
                            it */
} HoldTaken;

/* quota has to outlive the set. 0 or -ENOMEM; then there is nothing to deinit. */
int hold_set_init(HoldSet *set, Loop *loop, Quota *quota, HoldClose close, void *close_data);
/* Gives away everything. What is not taken even now the process's end closes. */
void hold_set_deinit(HoldSet *set);

/*
 * Holds take_fd, and take_note_fd unless it is -1; note_size is what was announced. 0, or with
 * error_text(), and then both are still the caller's: -EINVAL the name, the time to live or the
 * note, -EEXIST the name is taken, -EMSGSIZE the note is too long, -EDQUOT, -ENOMEM, and -EBADF,
 * -EPERM or -EOPNOTSUPP for a kind of descriptor that is not held.
 */
int hold_set_add(HoldSet *set, const HoldRequest *request, int take_fd, int take_note_fd,
                 uint32_t note_size);
/*
 * Holds again what an earlier run of the daemon held, with all it knew: *restored has everything
 * but its kind, and a user that the set takes a reference of its own to. It is charged whatever the
 * limits are now. 0, or as hold_set_add() and then the descriptors are still the caller's.
 */
int hold_set_restore(HoldSet *set, const Hold *restored);
/* Takes what is held under this name of the user's; the descriptors are the caller's, to be closed
 * where closing may last. 0, or with error_text(): -ENOENT, -EINVAL it is no name. */
int hold_set_take(HoldSet *set, uid_t uid, const char *name, HoldTaken *out);

/* The one with the lowest number above after; NULL when there is none. Valid until the set is
 * changed or the loop runs. */
const Hold *hold_set_next(const HoldSet *set, uint64_t after);
/* How long it is held yet, milliseconds. */
uint64_t hold_time_left_ms(const Hold *hold);
