/* Per-user budgets. See quota.h. */
#include "daemon/budget/quota.h"

#include "core/error.h"
#include "core/tree.h"
#include "daemon/config/policy_words.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)POLICY_SESSIONS == QUOTA_SESSIONS &&
                       (int)POLICY_REGISTRATIONS == QUOTA_REGISTRATIONS &&
                       (int)POLICY_LISTENERS == QUOTA_LISTENERS &&
                       (int)POLICY_HOLDS == QUOTA_HOLDS && (int)POLICY_CONNECTS == QUOTA_CONNECTS &&
                       (int)POLICY_LIMIT_COUNT == QUOTA_RESOURCE_COUNT,
               "the policy's limits are the quota's resources");

static const char *const resource_names[QUOTA_RESOURCE_COUNT] = {
        [QUOTA_SESSIONS] = "sessions",   [QUOTA_REGISTRATIONS] = "registrations",
        [QUOTA_LISTENERS] = "listeners", [QUOTA_HOLDS] = "holds",
        [QUOTA_CONNECTS] = "connects",
};

static int compare_users(const void *a, const void *b)
{
        uid_t uid_a = ((const QuotaUser *)a)->uid;
        uid_t uid_b = ((const QuotaUser *)b)->uid;

        return (uid_a > uid_b) - (uid_a < uid_b);
}

void quota_init(Quota *quota)
{
        *quota = (Quota){.users = NULL};
}

void quota_deinit(Quota *quota)
{
        assert(!quota->users);
        (void)quota;
}

int quota_user_ref(Quota *quota, uid_t uid, const uint32_t limits[static QUOTA_RESOURCE_COUNT],
                   QuotaUser **out)
{
        QuotaUser key = {.uid = uid};
        QuotaUser **found = tfind(&key, &quota->users, compare_users);

        if (!found) {
                QuotaUser *user = calloc(1, sizeof(*user));

                if (!user)
                        return -ENOMEM;
                user->uid = uid;
                user_share_init(&user->share);
                found = tsearch(user, &quota->users, compare_users);
                if (!found) {
                        free(user);
                        return -ENOMEM;
                }
        }
        quota_user_raise_limits(*found, limits);
        *out = quota_user_ref_again(*found);
        return 0;
}

QuotaUser *quota_user_ref_again(QuotaUser *user)
{
        assert(user->references < UINT32_MAX);
        user->references++;
        return user;
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
        assert(user->in_flight == 0 && user->kept == 0 && user->stored == 0 && user->watches == 0 &&
               user->drains == 0 && user->offered == 0);
        tdelete(user, &quota->users, compare_users);
        free(user);
        return NULL;
}

static void forget_limits(const void *node, VISIT visit, void *closure)
{
        QuotaUser *user = *(QuotaUser *const *)node;

        (void)closure;
        if (visit == postorder || visit == leaf)
                memset(user->limits, 0, sizeof(user->limits));
}

void quota_forget_limits(Quota *quota)
{
        twalk_r(quota->users, forget_limits, NULL);
}

void quota_user_raise_limits(QuotaUser *user, const uint32_t limits[static QUOTA_RESOURCE_COUNT])
{
        for (size_t i = 0; i < QUOTA_RESOURCE_COUNT; i++) {
                if (user->limits[i] < limits[i])
                        user->limits[i] = limits[i];
        }
}

QuotaUser *quota_user_from(const Quota *quota, uid_t uid)
{
        const QuotaUser key = {.uid = uid};
        QuotaUser **found = tfind(&key, &quota->users, compare_users);

        return found ? *found : tree_after(&quota->users, &key, compare_users);
}

bool quota_has_room(const QuotaUser *user, QuotaResource resource, uint32_t amount)
{
        uint32_t limit = user->limits[resource];

        return amount <= limit && user->used[resource] <= limit - amount;
}

int quota_charge(QuotaUser *user, QuotaResource resource, uint32_t amount)
{
        if (!quota_has_room(user, resource, amount))
                return error_set(
                        EDQUOT, "user %u is at the limit of %u %s per user: end some first",
                        (unsigned)user->uid, user->limits[resource], resource_names[resource]);
        user->used[resource] += amount;
        return 0;
}

void quota_charge_again(QuotaUser *user, QuotaResource resource, uint32_t amount)
{
        assert(user->used[resource] <= UINT32_MAX - amount);
        user->used[resource] += amount;
}

void quota_discharge(QuotaUser *user, QuotaResource resource, uint32_t amount)
{
        assert(user->used[resource] >= amount);
        user->used[resource] -= amount;
}
