/*
 * daemon/budget/: counts and says no.
 *
 * Quota: what each user (uid) has charged of the daemon's resources, and the limit for each.
 *
 * Whoever charges (a session, a held descriptor) holds a reference to the QuotaUser and gives back
 * what it charged; a user without references is forgotten, with their limits. Teardown asserts that
 * everything was given back.
 *
 * Limits come with each reference, since what the policy allows depends on the groups of the
 * process that asks: a user has the largest that were named since the account was made or the
 * limits were forgotten. One that falls below what is charged takes nothing back: it refuses more.
 */
#pragma once

#include "daemon/loop/time_share.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum QuotaResource {
        QUOTA_SESSIONS,
        QUOTA_REGISTRATIONS,
        QUOTA_LISTENERS,
        QUOTA_HOLDS,
        QUOTA_CONNECTS, /* under way */
        QUOTA_RESOURCE_COUNT,
} QuotaResource;

typedef struct Quota {
        void *users; /* tsearch(3) tree of QuotaUser by uid */
} Quota;

typedef struct QuotaUser {
        uid_t uid;
        uint32_t references;
        uint32_t limits[QUOTA_RESOURCE_COUNT];
        uint32_t used[QUOTA_RESOURCE_COUNT];
        uint64_t in_flight;     /* descriptors, see in_flight.h */
        uint64_t kept;          /* descriptors, see kept.h */
        uint64_t watches;       /* entries in the kernel, see watches.h */
        uint32_t drains;        /* waited for, see drain.h */
        uint64_t offered;       /* ids that are not used, see worker.h */
        uint64_t stored;        /* descriptors in systemd's store, see hold/hold_store.h */
        uint64_t late_bytes;    /* of requests that are kept, see requests/waiting_request.h */
        uint64_t subscriptions; /* see session/subscription.h */
        UserShare share;        /* of the loop's time */
} QuotaUser;

void quota_init(Quota *quota);
void quota_deinit(Quota *quota);

/* The user's account, made at its first use, with at least these limits. 0 or -ENOMEM. */
int quota_user_ref(Quota *quota, uid_t uid, const uint32_t limits[static QUOTA_RESOURCE_COUNT],
                   QuotaUser **out);
/* Another reference to an account that the caller has one to; its limits stay. */
QuotaUser *quota_user_ref_again(QuotaUser *user);
/* Gives the reference back; returns NULL. */
QuotaUser *quota_user_unref(Quota *quota, QuotaUser *user);

/* For a reload: forgets every limit, so that nothing more can be charged, until
 * quota_user_raise_limits() was called for each session's user with what counts now. Of a user
 * without sessions the next one brings the limits. */
void quota_forget_limits(Quota *quota);
void quota_user_raise_limits(QuotaUser *user, const uint32_t limits[static QUOTA_RESOURCE_COUNT]);

/* The account of the first user with this number or a higher one; NULL. */
QuotaUser *quota_user_from(const Quota *quota, uid_t uid);

bool quota_has_room(const QuotaUser *user, QuotaResource resource, uint32_t amount);
/* 0, or -EDQUOT with error_text(); then nothing was charged. */
int quota_charge(QuotaUser *user, QuotaResource resource, uint32_t amount);
/* What was charged in an earlier run of the daemon: whatever the limit is now. */
void quota_charge_again(QuotaUser *user, QuotaResource resource, uint32_t amount);
void quota_discharge(QuotaUser *user, QuotaResource resource, uint32_t amount);
