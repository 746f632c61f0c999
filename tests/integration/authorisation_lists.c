/* What lists show to whom. See authorisation_lists.h. */
#include "tests/integration/authorisation_lists.h"

#include "tests/integration/authorisation_requests.h"
#include "tests/support/authorisation_scene.h"

/* Whose things a list has. */
typedef struct Seen {
        bool askers;
        bool owners;
        bool bystanders;
} Seen;

static void see(Seen *seen, uid_t uid)
{
        seen->askers |= uid == authorisation.asker_uid;
        seen->owners |= uid == authorisation.owner_uid;
        seen->bystanders |= uid == authorisation.bystander_uid;
}

static int what_is_seen(const Seen *seen)
{
        if (seen->owners && seen->bystanders)
                return AUTHORISATION_ALL;
        /* The owner has something of everything. */
        ck_assert(seen->askers || authorisation.asker_uid != authorisation.owner_uid);
        ck_assert(seen->askers || !seen->owners);
        ck_assert(!seen->bystanders);
        return seen->owners == (authorisation.asker_uid == authorisation.owner_uid)
                       ? AUTHORISATION_OWN
                       : AUTHORISATION_NOTHING;
}

#define LIST(CASE, field, message, list)                                                           \
        ({                                                                                         \
                Seen seen_ = {false, false, false};                                                \
                int error_ = AUTHORISATION_ASK(CASE, field, message);                              \
                for (size_t i_ = 0; error_ == 0 && i_ < authorisation.answer->list->n_entry; i_++) \
                        see(&seen_, authorisation.answer->list->entry[i_]->uid);                   \
                error_ == 0 ? what_is_seen(&seen_) : error_;                                       \
        })

int authorisation_get_status(void)
{
        Iod__GetStatus get_status = IOD__GET_STATUS__INIT;

        return AUTHORISATION_ASK(GET_STATUS, get_status, get_status);
}

int authorisation_get_metrics(void)
{
        Iod__GetMetrics get_metrics = IOD__GET_METRICS__INIT;

        return AUTHORISATION_ASK(GET_METRICS, get_metrics, get_metrics);
}

int authorisation_list_sessions(void)
{
        Iod__ListSessions list = IOD__LIST_SESSIONS__INIT;

        return LIST(LIST_SESSIONS, list_sessions, list, sessions);
}

int authorisation_list_owners_session(void)
{
        Iod__ListSessions list = IOD__LIST_SESSIONS__INIT;

        list.session = authorisation.owner_session;
        return AUTHORISATION_ASK(LIST_SESSIONS, list_sessions, list);
}

int authorisation_list_registrations(void)
{
        Iod__ListRegistrations list = IOD__LIST_REGISTRATIONS__INIT;

        return LIST(LIST_REGISTRATIONS, list_registrations, list, registrations);
}

int authorisation_list_owners_registrations(void)
{
        Iod__ListRegistrations list = IOD__LIST_REGISTRATIONS__INIT;

        list.session = authorisation.owner_session;
        return AUTHORISATION_ASK(LIST_REGISTRATIONS, list_registrations, list);
}

int authorisation_list_listeners(void)
{
        Iod__ListListeners list = IOD__LIST_LISTENERS__INIT;

        return LIST(LIST_LISTENERS, list_listeners, list, listeners);
}

int authorisation_list_groups(void)
{
        Iod__ListGroups list = IOD__LIST_GROUPS__INIT;

        return LIST(LIST_GROUPS, list_groups, list, groups);
}

/* Asks for something that there is not. */
static void ask_in_vain(RawClient *client)
{
        Iod__TakeHeld take = IOD__TAKE_HELD__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;

        take.name = (char *)"nothing";
        frame.body_case = IOD__FRAME__BODY_TAKE_HELD;
        frame.take_held = &take;
        service_send(client, &frame, NULL, 0);
}

static void be_refused(RawClient *client)
{
        const Iod__Frame *answer;

        ask_in_vain(client);
        do
                answer = raw_client_receive(client);
        while (answer && answer->body_case != IOD__FRAME__BODY_REFUSED);
        ck_assert_ptr_nonnull(answer);
}

/* What happens is told in its order: the asker's own is the last. */
int authorisation_subscribe(void)
{
        Iod__Subscribe subscribe = IOD__SUBSCRIBE__INIT;
        Seen seen = {false, false, false};
        int error = AUTHORISATION_ASK(SUBSCRIBE, subscribe, subscribe);

        if (error != 0)
                return error;
        be_refused(&authorisation.bystander);
        be_refused(&authorisation.owner);
        ask_in_vain(&authorisation.asker);
        while (!seen.askers) {
                const Iod__Happened *happened;

                authorisation_await(0);
                if (authorisation.answer->body_case != IOD__FRAME__BODY_HAPPENED)
                        continue;
                happened = authorisation.answer->happened;
                for (size_t i = 0; i < happened->n_happening; i++)
                        see(&seen, happened->happening[i]->uid);
        }
        return what_is_seen(&seen);
}

int authorisation_list_holds(void)
{
        Iod__ListHolds list = IOD__LIST_HOLDS__INIT;

        return LIST(LIST_HOLDS, list_holds, list, holds);
}

int authorisation_list_users(void)
{
        Iod__ListUsers list = IOD__LIST_USERS__INIT;

        return LIST(LIST_USERS, list_users, list, users);
}

int authorisation_list_policies(void)
{
        Iod__ListPolicies list = IOD__LIST_POLICIES__INIT;

        return AUTHORISATION_ASK(LIST_POLICIES, list_policies, list);
}
