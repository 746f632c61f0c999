/*
 * TimeShare: how much of the loop's time each user gets, and each of a user's sessions.
 *
 * In a round, which is a turn of the loop, a user's sessions are served as the kernel tells of them
 * until they have used SHARE_ROUND_NS together. From then on they wait in the user's line, and are
 * served from it in the rounds to come, the first first; while there is a line, whoever else of the
 * user's is ready goes to its end. So a round lasts as many shares as there are users with
 * something to be done, however many sessions each has and whatever they ask for, and no session of
 * a user keeps out another.
 *
 * Single-threaded. A session waits in the line with its Waker, and has none of its events meanwhile
 * but the ones that end it or wait for room.
 */
#pragma once

#include "daemon/loop/loop_event.h"
#include "daemon/loop/waker.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
        /* Some five requests, or the readiness of some five sessions: what a neighbour waits. */
        SHARE_ROUND_NS = 100000,
};

/* A user's. */
typedef struct UserShare {
        TAILQ_ENTRY(UserShare) link; /* of those with a line */
        WakerList line;
        uint64_t round; /* in which it was used */
        uint64_t used_ns;
} UserShare;

typedef struct TimeShares {
        TAILQ_HEAD(, UserShare) users; /* with a line, in turn */
        LoopEvent *serve;              /* the lines, in the next turn */
        uint64_t round;
} TimeShares;

/* 0 or -ENOMEM. */
int time_shares_open(TimeShares *shares, Loop *loop);
void time_shares_close(TimeShares *shares);
/* A turn is over. */
void time_shares_renew(TimeShares *shares);

void user_share_init(UserShare *share);

/* Whether one of the user's sessions has to wait; then it is in the line, and its events are to be
 * taken away. */
bool time_share_has_to_wait(TimeShares *shares, UserShare *share, Waker *session);
/* The session goes on in a round to come, wherever its user's share is: it is in the line, too. */
void time_share_wait(TimeShares *shares, UserShare *share, Waker *session);
/* The user has used so much more. Whether that was all of the share. */
bool time_share_use(const TimeShares *shares, UserShare *share, uint64_t ns);
/* The session ends. */
void time_share_leave(TimeShares *shares, UserShare *share, Waker *session);
