/*
 * Quota: what each user (uid) has charged of the daemon's resources, and the limit for each.
 *
 * A session holds a reference to its QuotaUser and gives back what it charged; a user without
 * sessions is forgotten. Teardown asserts that everything was given back.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

typedef enum QuotaResource {
        QUOTA_SESSIONS,
        QUOTA_REGISTRATIONS,
        QUOTA_RESOURCE_COUNT,
} QuotaResource;

typedef struct Quota {
        uint32_t per_user[QUOTA_RESOURCE_COUNT];
        void *users; /* tsearch(3) tree of QuotaUser by uid */
} Quota;

typedef struct QuotaUser {
        uid_t uid;
        uint32_t references;
        uint32_t used[QUOTA_RESOURCE_COUNT];
} QuotaUser;

void quota_init(Quota *quota, uint32_t sessions_per_user, uint32_t registrations_per_user);
void quota_deinit(Quota *quota);

/* The user's account, made at its first use. 0 or -ENOMEM. */
int quota_user_ref(Quota *quota, uid_t uid, QuotaUser **out);
/* Gives the reference back; returns NULL. */
QuotaUser *quota_user_unref(Quota *quota, QuotaUser *user);

/* 0, or -EDQUOT with error_text(); then nothing was charged. */
int quota_charge(const Quota *quota, QuotaUser *user, QuotaResource resource, uint32_t amount);
void quota_discharge(QuotaUser *user, QuotaResource resource, uint32_t amount);
