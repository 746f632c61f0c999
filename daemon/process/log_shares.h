/*
 * LogShares: whose lines there is room for in the log, so that nobody's noise hides the others'.
 *
 * What counts of a user (uid) is how many of its lines were written lately or wait to be: its
 * level. It falls with time, by LOG_LINES_PER_SECOND a second for all users together, in equal
 * parts, and never below what still waits. A user's level may rise to as much of
 * LOG_USERS_LINES_MAX as the others leave: one alone has half of it, and the next always finds
 * some. The daemon's own lines have LOG_DAEMON_LINES_MAX and LOG_LINES_PER_SECOND to themselves.
 *
 * What found no room is counted for each, until that is said. A user whose level is back at nothing
 * is forgotten, so the table is as large as the number of users that are told of at the same time;
 * those it has no room for share its last place.
 *
 * Owned by the log, under its lock. Times are of one clock that only goes forward.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        LOG_LINES_PER_SECOND = 100,
        /* Of all users, written at once or waiting. */
        LOG_USERS_LINES_MAX = 400,
        /* And of the daemon's own. */
        LOG_DAEMON_LINES_MAX = 100,
        LOG_SHARES_USERS_MAX = 256,
        /* Users who are named where it is said whose lines were left out. */
        LOG_SHARES_NAMED_MAX = 4,
};

/* Whose a line is: a user (uid), or this. */
#define LOG_OWNER_DAEMON INT64_C(-1)
/* And what it is charged to: the same, or this. */
#define LOG_OWNER_OTHERS INT64_C(-2)

typedef struct LogShare {
        int64_t owner;
        uint64_t level; /* billionths of a line */
        uint32_t waiting;
        uint32_t left_out; /* not said yet */
} LogShare;

typedef struct LogShares {
        uint64_t fallen_ns;   /* up to when the levels have fallen */
        uint64_t left_out_ns; /* since when something is to be said */
        LogShare daemon;
        LogShare others; /* of users without a place */
        LogShare users[LOG_SHARES_USERS_MAX];
        size_t count;
} LogShares;

#define LOG_SHARES_INIT                                                                            \
        {                                                                                          \
                .daemon.owner = LOG_OWNER_DAEMON, .others.owner = LOG_OWNER_OTHERS                 \
        }

/* Whether there is room for a line of this owner's, which waits then, charged to *charged. If not,
 * it counts as left out. */
bool log_shares_take(LogShares *shares, int64_t owner, uint64_t now_ns, int64_t *charged);
/* A line charged so was written. */
void log_shares_written(LogShares *shares, int64_t charged);

/* Whether something was left out that has not been said. */
bool log_shares_left_out(const LogShares *shares);
/* Writes a sentence of what was left out, and whose it was, and forgets it. false: nothing was, or
 * it is not a second yet since it began. */
bool log_shares_say(LogShares *shares, uint64_t now_ns, char *out, size_t size);
