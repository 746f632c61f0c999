/* What kyronctl shows of users and their limits. See inspect.h. */
#include "daemon/requests/inspect.h"

#include "core/clock.h"
#include "daemon/config/policy_words.h"
#include "daemon/daemon.h"
#include "daemon/listen/drain.h"

enum {
        /* Users of one page. */
        USERS_PER_PAGE = 32,
        /* Sessions in line that are counted; there is no need to know of more. */
        IN_LINE_MAX = 64,
};

typedef struct UserPage {
        Iod__Users page;
        InspectedUser users[USERS_PER_PAGE];
        Iod__UserEntry *pointers[USERS_PER_PAGE];
} UserPage;

static void add_limit(Iod__UserEntry *entry, const char *name, uint64_t used, uint64_t max)
{
        Iod__UserLimit *limit = entry->limit[entry->n_limit++];

        *limit = (Iod__UserLimit)IOD__USER_LIMIT__INIT;
        limit->name = (char *)name;
        limit->used = used;
        limit->max = max;
        limit->out = used >= max;
}

static void add_shared(Iod__UserEntry *entry, const char *name, const Share *share, uint64_t used)
{
        add_limit(entry, name, used, share_most(share, used));
}

static void add_shared_limits(const Daemon *daemon, const QuotaUser *user, Iod__UserEntry *entry)
{
        const Share kept = {
                .used = daemon->kept.count + daemon->holds.descriptors,
                .max = daemon->kept.max,
        };
        const Share stored = {.used = daemon->store.count, .max = daemon->store.max};

        add_shared(entry, "kept", &kept, user->kept);
        add_shared(entry, "in-flight", &daemon->in_flight.share, user->in_flight);
        add_shared(entry, "watches", &daemon->watches.share, user->watches);
        add_shared(entry, "offers", &daemon->listeners.offered, user->offered);
        add_shared(entry, "late-bytes", &daemon->sessions.late_bytes, user->late_bytes);
        add_shared(entry, "subscriptions", &daemon->sessions.teller->share, user->subscriptions);
        if (stored.max > 0)
                add_shared(entry, "stored", &stored, user->stored);
}

/* As check_newcomer() counts. */
static void add_openings(const Daemon *daemon, const QuotaUser *user, Iod__UserEntry *entry)
{
        const uint32_t pace = daemon->config->sessions_per_second;
        const uint32_t per_user = daemon->options->sessions_per_user_max;

        add_limit(entry, "openings",
                  session_rate_used(&daemon->sessions.rate, user->uid, pace, clock_now_ns()),
                  per_user > pace ? per_user : pace);
}

static uint32_t count_in_line(const QuotaUser *user)
{
        const Waker *waker;
        uint32_t count = 0;

        TAILQ_FOREACH(waker, &user->share.line, link)
        {
                if (++count == IN_LINE_MAX)
                        break;
        }
        return count;
}

static void fill_entry(const Daemon *daemon, const QuotaUser *user, Iod__UserEntry *entry)
{
        entry->uid = user->uid;
        entry->in_line = count_in_line(user);
        for (int i = 0; i < QUOTA_RESOURCE_COUNT; i++)
                add_limit(entry, policy_limit_name((PolicyLimit)i), user->used[i], user->limits[i]);
        add_shared_limits(daemon, user, entry);
        add_limit(entry, "drains", user->drains, DRAIN_PER_USER_MAX);
        add_openings(daemon, user, entry);
}

void inspect_fill_user(const Daemon *daemon, const QuotaUser *user, InspectedUser *out)
{
        out->entry = (Iod__UserEntry)IOD__USER_ENTRY__INIT;
        for (size_t i = 0; i < INSPECT_LIMITS; i++)
                out->pointers[i] = &out->limits[i];
        out->entry.limit = out->pointers;
        fill_entry(daemon, user, &out->entry);
}

static void add_user(const Daemon *daemon, const QuotaUser *user, UserPage *out)
{
        InspectedUser *place = &out->users[out->page.n_entry];

        inspect_fill_user(daemon, user, place);
        out->pointers[out->page.n_entry++] = &place->entry;
}

/* Those that the viewer sees, from a number on. */
static const QuotaUser *next_user(const Daemon *daemon, const Session *viewer, uint32_t from)
{
        const uid_t own = viewer->peer.uid;

        if (viewer->sees_all)
                return quota_user_from(&daemon->quota, from);
        return from <= own ? viewer->user : NULL;
}

int inspect_list_users(Daemon *daemon, Session *viewer, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        UserPage out = {.page = IOD__USERS__INIT};
        const QuotaUser *user = next_user(daemon, viewer, request->list_users->from);

        out.page.entry = out.pointers;
        while (user && out.page.n_entry < USERS_PER_PAGE) {
                add_user(daemon, user, &out);
                user = user->uid < UINT32_MAX ? next_user(daemon, viewer, user->uid + 1) : NULL;
        }
        out.page.more = user != NULL;
        if (user)
                out.page.next = user->uid;
        frame.body_case = IOD__FRAME__BODY_USERS;
        frame.users = &out.page;
        return session_reply(viewer, request->sequence, &frame);
}
