/*
 * SessionRate: how fast each user (uid) may open sessions, so that nobody's connecting over and
 * over keeps the daemon from its work. As many as a user may have can come at once; from then on so
 * many a second.
 *
 * Kept for each user is when the sessions opened so far would have been opened at that pace
 * (the generic cell rate algorithm). One who is not ahead of it is forgotten, so sessions that
 * ended count, and the table is as large as the number of users that connect at the same time.
 * Where that is more than it has room for, who is least ahead is forgotten: whoever has been hasty
 * stays, however many others come.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SESSION_RATE_USERS_MAX = 256 };

typedef struct SessionRate {
        uint32_t count;
        struct {
                uid_t uid;
                uint64_t paced_ns; /* CLOCK_MONOTONIC */
        } users[SESSION_RATE_USERS_MAX];
} SessionRate;

/* How many of those that may come at once the user has used up. */
uint32_t session_rate_used(const SessionRate *rate, uid_t uid, uint32_t per_second,
                           uint64_t now_ns);

/* Whether the user may open a session now, which counts then. */
bool session_rate_take(SessionRate *rate, uid_t uid, uint32_t per_second, uint32_t at_once,
                       uint64_t now_ns);
