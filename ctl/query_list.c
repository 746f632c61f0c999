/* Lists in pages. See query_list.h. */
#include "ctl/query_list.h"

#include "ctl/output.h"

ExitCode query_sessions(Query *query, QuerySessionVisit visit, void *data)
{
        Iod__ListSessions list = IOD__LIST_SESSIONS__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        request.body_case = IOD__FRAME__BODY_LIST_SESSIONS;
        request.list_sessions = &list;
        do {
                ExitCode code = query_ask(query, &request, IOD__FRAME__BODY_SESSIONS, &reply);

                if (code != EXIT_CODE_OK)
                        return code;
                if (reply->sessions->more && reply->sessions->n_entry == 0)
                        return query_nonsense(query, "a page that leads nowhere");
                for (size_t i = 0; i < reply->sessions->n_entry; i++) {
                        const Iod__SessionEntry *entry = reply->sessions->entry[i];

                        if (entry->session <= list.after)
                                return query_nonsense(query, "sessions out of order");
                        output_make_printable(entry->program);
                        visit(data, entry);
                        list.after = entry->session;
                }
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
                ExitCode code = query_ask(query, &request, IOD__FRAME__BODY_LISTENERS, &reply);

                if (code != EXIT_CODE_OK)
                        return code;
                if (reply->listeners->more && reply->listeners->n_entry == 0)
                        return query_nonsense(query, "a page that leads nowhere");
                for (size_t i = 0; i < reply->listeners->n_entry; i++) {
                        const Iod__ListenerEntry *entry = reply->listeners->entry[i];

                        if (entry->listener <= list.after)
                                return query_nonsense(query, "listeners out of order");
                        output_make_printable(entry->name);
                        output_make_printable(entry->address);
                        visit(data, entry);
                        list.after = entry->listener;
                }
        } while (reply->listeners->more);
        return EXIT_CODE_OK;
}

/* Whether a worker comes after the last one. */
static bool comes_after(const Iod__ListGroups *list, const Iod__GroupEntry *entry)
{
        if (entry->listener != list->after_listener)
                return entry->listener > list->after_listener;
        if (entry->session != list->after_session)
                return entry->session > list->after_session;
        return entry->endpoint > list->after_endpoint;
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
                if (reply->groups->more && reply->groups->n_entry == 0)
                        return query_nonsense(query, "a page that leads nowhere");
                for (size_t i = 0; i < reply->groups->n_entry; i++) {
                        const Iod__GroupEntry *entry = reply->groups->entry[i];

                        if (!comes_after(&list, entry))
                                return query_nonsense(query, "groups out of order");
                        output_make_printable(entry->name);
                        output_make_printable(entry->program);
                        visit(data, entry);
                        list.after_listener = entry->listener;
                        list.after_session = entry->session;
                        list.after_endpoint = entry->endpoint;
                }
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
                ExitCode code = query_ask(query, &request, IOD__FRAME__BODY_HOLDS, &reply);

                if (code != EXIT_CODE_OK)
                        return code;
                if (reply->holds->more && reply->holds->n_entry == 0)
                        return query_nonsense(query, "a page that leads nowhere");
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
        } while (reply->holds->more);
        return EXIT_CODE_OK;
}
