/* Per-user budgets. See quota.h. */
#include "daemon/quota.h"

#include "core/error.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>

static const char *const resource_names[QUOTA_RESOURCE_COUNT] = {
        [QUOTA_SESSIONS] = "sessions",
        [QUOTA_REGISTRATIONS] = "registrations",
};

static int compare_users(const void *a, const void *b)
{
        uid_t uid_a = ((const QuotaUser *)a)->uid;
        uid_t uid_b = ((const QuotaUser *)b)->uid;

        return (uid_a > uid_b) - (uid_a < uid_b);
}

void quota_init(Quota *quota, uint32_t sessions_per_user, uint32_t registrations_per_user)
{
        *quota = (Quota){
                .per_user =
                        {
                                [QUOTA_SESSIONS] = sessions_per_user,
                                [QUOTA_REGISTRATIONS] = registrations_per_user,
                        },
        };
}

void quota_deinit(Quota *quota)
{
        assert(!quota->users);
        (void)quota;
}

int quota_user_ref(Quota *quota, uid_t uid, QuotaUser **out)
{
        QuotaUser key = {.uid = uid};
        QuotaUser **found = tfind(&key, &quota->users, compare_users);

        if (!found) {
                QuotaUser *user = calloc(1, sizeof(*user));

                if (!user)
                        return -ENOMEM;
                user->uid = uid;
                found = tsearch(user, &quota->users, compare_users);
                if (!found) {
                        free(user);
                        return -ENOMEM;
                }
        }
        (*found)->references++;
        *out = *found;
        return 0;
}

QuotaUser *quota_user_unref(Quota *quota, QuotaUser *user)
{
        if (!user)
                return NULL;
        assert(user->references > 0);
        if (--user->references > 0)
                return NULL;
        for (size_t i = 0; i < QUOTA_RESOURCE_COUNT; i++)
                assert(user->used[i] == 0);
        tdelete(user, &quota->users, compare_users);
        free(user);
        return NULL;
}

int quota_charge(const Quota *quota, QuotaUser *user, QuotaResource resource, uint32_t amount)
{
        uint32_t limit = quota->per_user[resource];

        if (amount > limit || user->used[resource] > limit - amount)
                return error_set(EDQUOT,
                                 "user %u is at the limit of %u %s per user: end some first",
                                 (unsigned)user->uid, limit, resource_names[resource]);
        user->used[resource] += amount;
        return 0;
}

void quota_discharge(QuotaUser *user, QuotaResource resource, uint32_t amount)
{
        assert(user->used[resource] >= amount);
        user->used[resource] -= amount;
}
