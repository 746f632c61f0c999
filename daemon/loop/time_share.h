/*
 * Share: how much of the loop's time each user gets, and each of a user's sessions.
 *
 * In a round, which is a turn of the loop, a user's sessions are served as the kernel tells of them
 * until they have used SHARE_ROUND_NS together. From then on they wait in the user's line, and are
 * served from it in the rounds to come, the first first; while there is a line, whoever else of the
 * user's is ready goes to its end. So a round lasts as many shares as there are users with
 * something to be done, however many sessions each has and whatever they ask for, and no session of
 * a user keeps out another.
 *
 * Owned by the server, single-threaded. A session in a line has none of its events but the ones
 * that end it or wait for room.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct event;
struct event_base;
typedef struct Session Session;

enum {
        /* Some five requests, or the readiness of some five sessions: what a neighbour waits. */
        SHARE_ROUND_NS = 100000,
};

/* A user's. */
typedef struct UserShare {
        TAILQ_ENTRY(UserShare) link; /* of those with a line */
        TAILQ_HEAD(, Session) line;
        uint64_t round; /* in which it was used */
        uint64_t used_ns;
} UserShare;

typedef struct Shares {
        TAILQ_HEAD(, UserShare) users; /* with a line, in turn */
        struct event *serve;           /* the lines, in the next turn */
        uint64_t round;
} Shares;

/* 0 or -ENOMEM. */
int shares_open(Shares *shares, struct event_base *base);
void shares_close(Shares *shares);
/* A turn is over. */
void shares_renew(Shares *shares);

void user_share_init(UserShare *share);

/* Whether the session has to wait; then it is in the line, and its events are to be taken away. */
bool share_has_to_wait(Shares *shares, Session *session);
/* The session goes on in a round to come, wherever its user's share is: it is in the line, too. */
void share_wait(Shares *shares, Session *session);
/* The session's user has used so much more. Whether that was all of the share. */
bool share_use(Shares *shares, Session *session, uint64_t ns);
/* The session ends. */
void share_leave(Shares *shares, Session *session);
