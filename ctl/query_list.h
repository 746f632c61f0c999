/*
 * Lists that the daemon answers in pages: asks for page after page and calls visit for each entry,
 * in the daemon's order, which has to be the order of iod.proto: a list that does not go on is an
 * error, so kyronctl never loops. Text in an entry is made printable; the entry is valid during
 * the call.
 *
 * Functions return EXIT_CODE_OK, or another exit code with error_text().
 */
#pragma once

#include "ctl/query.h"

typedef void (*QuerySessionVisit)(void *data, const Iod__SessionEntry *entry);
typedef void (*QueryRegistrationVisit)(void *data, const Iod__RegistrationEntry *entry);
typedef void (*QueryListenerVisit)(void *data, const Iod__ListenerEntry *entry);
typedef void (*QueryGroupVisit)(void *data, const Iod__GroupEntry *entry);
typedef void (*QueryHoldVisit)(void *data, const Iod__HoldEntry *entry);
typedef void (*QueryUserVisit)(void *data, const Iod__UserEntry *entry);
typedef void (*QueryPolicyVisit)(void *data, const Iod__PolicyLine *line);

/* One session, or 0: all; and what one has, or all have. */
ExitCode query_sessions(Query *query, uint64_t session, QuerySessionVisit visit, void *data);
ExitCode query_registrations(Query *query, uint64_t session, QueryRegistrationVisit visit,
                             void *data);
ExitCode query_listeners(Query *query, QueryListenerVisit visit, void *data);
ExitCode query_groups(Query *query, QueryGroupVisit visit, void *data);
ExitCode query_holds(Query *query, QueryHoldVisit visit, void *data);
ExitCode query_users(Query *query, QueryUserVisit visit, void *data);
/* *audit: whether what no policy allows is allowed all the same. */
ExitCode query_policies(Query *query, QueryPolicyVisit visit, void *data, bool *audit);
