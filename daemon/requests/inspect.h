/*
 * What kyronctl shows: the daemon's state, sessions, registrations, listeners, groups, holds, users
 * and policies, in pages of bounded work.
 * A user sees their own; root and the admin group see all.
 */
#pragma once

#include "daemon/listen/listener.h"
#include "daemon/session/session.h"

typedef struct Daemon Daemon;

enum {
        /* Of a user, beside the policy's: what all share, and the others. */
        INSPECT_OTHER_LIMITS = 9,
        INSPECT_LIMITS = QUOTA_RESOURCE_COUNT + INSPECT_OTHER_LIMITS,
};

typedef struct InspectedUser {
        Iod__UserEntry entry; /* of the rest */
        Iod__UserLimit limits[INSPECT_LIMITS];
        Iod__UserLimit *pointers[INSPECT_LIMITS];
} InspectedUser;

/* What is told of one thing; its texts are borrowed. */
void inspect_fill_status(const Daemon *daemon, Iod__Status *status);
void inspect_fill_listener(const Listener *listener, Iod__ListenerEntry *entry);
void inspect_fill_user(const Daemon *daemon, const QuotaUser *user, InspectedUser *out);

/* Each answers one request: 0, a positive errno with error_text() to refuse it, or -errno when
 * the session has to end. */
int inspect_get_status(Daemon *daemon, Session *session, const Iod__Frame *request);
int inspect_list_sessions(Daemon *daemon, Session *session, const Iod__Frame *request);
int inspect_list_registrations(Daemon *daemon, Session *session, const Iod__Frame *request);
int inspect_list_listeners(Daemon *daemon, Session *session, const Iod__Frame *request);
int inspect_list_groups(Daemon *daemon, Session *session, const Iod__Frame *request);
int inspect_list_holds(Daemon *daemon, Session *session, const Iod__Frame *request);
int inspect_list_users(Daemon *daemon, Session *session, const Iod__Frame *request);
int inspect_list_policies(Daemon *daemon, Session *session, const Iod__Frame *request);
