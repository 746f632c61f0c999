/* Lists in pages. See query_list.h. */
#include "ctl/query_list.h"

#include "ctl/output.h"

/* Moves on to where the daemon says, if that is beyond what it told. false: it is where it was. */
static bool go_on(uint64_t *after, uint64_t asked, uint64_t next)
{
        if (next > *after)
                *after = next;
        return *after > asked;
}

ExitCode query_sessions(Query *query, uint64_t session, QuerySessionVisit visit, void *data)
{
        Iod__ListSessions list = IOD__LIST_SESSIONS__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        request.body_case = IOD__FRAME__BODY_LIST_SESSIONS;
        request.list_sessions = &list;
        list.session = session;
        do {
                const uint64_t asked = list.after;
                ExitCode code = query_ask(query, &request, IOD__FRAME__BODY_SESSIONS, &reply);

                if (code != EXIT_CODE_OK)
                        return code;
                query->pid_namespace = reply->sessions->pid_namespace;
                for (size_t i = 0; i < reply->sessions->n_entry; i++) {
                        const Iod__SessionEntry *entry = reply->sessions->entry[i];

                        if (entry->session <= list.after)
                                return query_nonsense(query, "sessions out of order");
                        if (session != 0 && entry->session != session)
                                return query_nonsense(query, "another session");
                        output_make_printable(entry->program);
                        if (entry->last_refusal)
                                output_make_printable(entry->last_refusal->text);
                        visit(data, entry);
                        list.after = entry->session;
                }
                if (reply->sessions->more && !go_on(&list.after, asked, reply->sessions->next))
                        return query_nonsense(query, "a page that leads nowhere");
        } while (reply->sessions->more);
        return EXIT_CODE_OK;
}

/* Whether a place in the list of registrations is at or after where the list goes on. */
static bool goes_on(const Iod__ListRegistrations *list, uint64_t session, uint32_t slot)
{
        if (session != list->from_session)
                return session > list->from_session;
        return slot >= list->from_slot;
}

/* One page; moves the request on to just behind what was visited. */
static ExitCode visit_registrations(const Query *query, const Iod__Registrations *page,
                                    Iod__ListRegistrations *list, QueryRegistrationVisit visit,
                                    void *data)
{
        for (size_t i = 0; i < page->n_entry; i++) {
                const Iod__RegistrationEntry *entry = page->entry[i];

                if (!goes_on(list, entry->session, entry->slot) || entry->slot == UINT32_MAX)
                        return query_nonsense(query, "registrations out of order");
                if (list->session != 0 && entry->session != list->session)
                        return query_nonsense(query, "another session's registrations");
                output_make_printable(entry->program);
                output_make_printable(entry->kind);
                visit(data, entry);
                list->from_session = entry->session;
                list->from_slot = entry->slot + 1;
        }
        return EXIT_CODE_OK;
}

ExitCode query_registrations(Query *query, uint64_t session, QueryRegistrationVisit visit,
                             void *data)
{
        Iod__ListRegistrations list = IOD__LIST_REGISTRATIONS__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        list.session = session;
        request.body_case = IOD__FRAME__BODY_LIST_REGISTRATIONS;
        request.list_registrations = &list;
        for (;;) {
                const Iod__ListRegistrations asked = list;
                const Iod__Registrations *page;
                ExitCode code;

                code = query_ask(query, &request, IOD__FRAME__BODY_REGISTRATIONS, &reply);
                if (code != EXIT_CODE_OK)
                        return code;
                page = reply->registrations;
                code = visit_registrations(query, page, &list, visit, data);
                if (code != EXIT_CODE_OK || page->next_session == 0)
                        return code;
                if (!goes_on(&list, page->next_session, page->next_slot) ||
                    (page->next_session == asked.from_session &&
                     page->next_slot == asked.from_slot))
                        return query_nonsense(query, "a page that leads nowhere");
                list.from_session = page->next_session;
                list.from_slot = page->next_slot;
        }
}

ExitCode query_listeners(Query *query, QueryListenerVisit visit, void *data)
{
        Iod__ListListeners list = IOD__LIST_LISTENERS__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        request.body_case = IOD__FRAME__BODY_LIST_LISTENERS;
        request.list_listeners = &list;
        do {
                const uint64_t asked = list.after;
                ExitCode code = query_ask(query, &request, IOD__FRAME__BODY_LISTENERS, &reply);

                if (code != EXIT_CODE_OK)
                        return code;
                for (size_t i = 0; i < reply->listeners->n_entry; i++) {
                        const Iod__ListenerEntry *entry = reply->listeners->entry[i];

                        if (entry->listener <= list.after)
                                return query_nonsense(query, "listeners out of order");
                        output_make_printable(entry->name);
                        output_make_printable(entry->address);
                        visit(data, entry);
                        list.after = entry->listener;
                }
                if (reply->listeners->more && !go_on(&list.after, asked, reply->listeners->next))
                        return query_nonsense(query, "a page that leads nowhere");
        } while (reply->listeners->more);
        return EXIT_CODE_OK;
}

/* Moves on to this worker; false: it does not come after the last one. */
static bool move_on(Iod__ListGroups *list, uint64_t listener, uint64_t session, uint32_t endpoint)
{
        bool comes_after = listener != list->after_listener ? listener > list->after_listener
                           : session != list->after_session ? session > list->after_session
                                                            : endpoint > list->after_endpoint;

        list->after_listener = listener;
        list->after_session = session;
        list->after_endpoint = endpoint;
        return comes_after;
}

/* Whether the page leads on: the request is moved to where the daemon says, or else it has gone on
 * by what was told. */
static bool leads_on(Iod__ListGroups *list, const Iod__Groups *page)
{
        const Iod__GroupEntry *last = page->n_entry > 0 ? page->entry[page->n_entry - 1] : NULL;

        if (page->next_listener == 0)
                return last;
        if (last && page->next_listener == last->listener && page->next_session == last->session &&
            page->next_endpoint == last->endpoint)
                return true;
        return move_on(list, page->next_listener, page->next_session, page->next_endpoint);
}

ExitCode query_groups(Query *query, QueryGroupVisit visit, void *data)
{
        Iod__ListGroups list = IOD__LIST_GROUPS__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        request.body_case = IOD__FRAME__BODY_LIST_GROUPS;
        request.list_groups = &list;
        do {
                ExitCode code = query_ask(query, &request, IOD__FRAME__BODY_GROUPS, &reply);

                if (code != EXIT_CODE_OK)
                        return code;
                query->pid_namespace = reply->groups->pid_namespace;
                for (size_t i = 0; i < reply->groups->n_entry; i++) {
                        const Iod__GroupEntry *entry = reply->groups->entry[i];

                        if (!move_on(&list, entry->listener, entry->session, entry->endpoint))
                                return query_nonsense(query, "groups out of order");
                        output_make_printable(entry->name);
                        output_make_printable(entry->program);
                        visit(data, entry);
                }
                if (reply->groups->more && !leads_on(&list, reply->groups))
                        return query_nonsense(query, "a page that leads nowhere");
        } while (reply->groups->more);
        return EXIT_CODE_OK;
}

ExitCode query_holds(Query *query, QueryHoldVisit visit, void *data)
{
        Iod__ListHolds list = IOD__LIST_HOLDS__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        request.body_case = IOD__FRAME__BODY_LIST_HOLDS;
        request.list_holds = &list;
        do {
                const uint64_t asked = list.after;
                ExitCode code = query_ask(query, &request, IOD__FRAME__BODY_HOLDS, &reply);

                if (code != EXIT_CODE_OK)
                        return code;
                for (size_t i = 0; i < reply->holds->n_entry; i++) {
                        const Iod__HoldEntry *entry = reply->holds->entry[i];

                        if (entry->hold <= list.after)
                                return query_nonsense(query, "holds out of order");
                        output_make_printable(entry->name);
                        output_make_printable(entry->program);
                        output_make_printable(entry->kind);
                        visit(data, entry);
                        list.after = entry->hold;
                }
                if (reply->holds->more && !go_on(&list.after, asked, reply->holds->next))
                        return query_nonsense(query, "a page that leads nowhere");
        } while (reply->holds->more);
        return EXIT_CODE_OK;
}

ExitCode query_users(Query *query, QueryUserVisit visit, void *data)
{
        Iod__ListUsers list = IOD__LIST_USERS__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        request.body_case = IOD__FRAME__BODY_LIST_USERS;
        request.list_users = &list;
        do {
                ExitCode code = query_ask(query, &request, IOD__FRAME__BODY_USERS, &reply);
                uint64_t next = list.from;

                if (code != EXIT_CODE_OK)
                        return code;
                for (size_t i = 0; i < reply->users->n_entry; i++) {
                        const Iod__UserEntry *entry = reply->users->entry[i];

                        if (entry->uid < next)
                                return query_nonsense(query, "users out of order");
                        for (size_t j = 0; j < entry->n_limit; j++)
                                output_make_printable(entry->limit[j]->name);
                        visit(data, entry);
                        next = (uint64_t)entry->uid + 1;
                }
                if (!reply->users->more)
                        return EXIT_CODE_OK;
                if (reply->users->next < next || reply->users->next == list.from)
                        return query_nonsense(query, "a page that leads nowhere");
                list.from = reply->users->next;
        } while (true);
}

ExitCode query_policies(Query *query, QueryPolicyVisit visit, void *data, bool *audit)
{
        Iod__ListPolicies list = IOD__LIST_POLICIES__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        request.body_case = IOD__FRAME__BODY_LIST_POLICIES;
        request.list_policies = &list;
        do {
                ExitCode code = query_ask(query, &request, IOD__FRAME__BODY_POLICIES, &reply);

                if (code != EXIT_CODE_OK)
                        return code;
                *audit = reply->policies->audit;
                for (size_t i = 0; i < reply->policies->n_line; i++) {
                        const Iod__PolicyLine *line = reply->policies->line[i];

                        output_make_printable(line->policy);
                        output_make_printable(line->key);
                        output_make_printable(line->value);
                        visit(data, line);
                }
                if (!reply->policies->more)
                        return EXIT_CODE_OK;
                if (reply->policies->next <= list.after)
                        return query_nonsense(query, "a page that leads nowhere");
                list.after = reply->policies->next;
        } while (true);
}
