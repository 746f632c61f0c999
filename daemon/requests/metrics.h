/*
 * What is counted, for who watches the daemon over time: asked for by a session (GetMetrics), or by
 * who scrapes. All of it is there already, and bounded: of sessions and listeners none is walked
 * through, of users some.
 */
#pragma once

#include "daemon/listen/listeners.h"
#include "daemon/requests/inspect.h"
#include "daemon/session/sessions.h"
#include "proto/metrics_text.h"

typedef struct Daemon Daemon;

enum {
        /* Users that are told of, those who have used most of a limit; and those looked at. */
        METRICS_USERS_MAX = 8,
        METRICS_USER_LOOKS = 256,
};

typedef struct MetricsReport {
        Iod__Metrics metrics; /* of the rest */
        Iod__Status status;
        Iod__Histogram turns, takes;
        Iod__ProgramMetrics programs[PROGRAMS_MAX + 1];
        Iod__ProgramMetrics *program_pointers[PROGRAMS_MAX + 1];
        Iod__ListenerEntry entries[LISTENERS_NAMED_MAX];
        Iod__ListenerMetrics listeners[LISTENERS_NAMED_MAX];
        Iod__ListenerMetrics *listener_pointers[LISTENERS_NAMED_MAX];
        InspectedUser users[METRICS_USERS_MAX];
        Iod__UserEntry *user_pointers[METRICS_USERS_MAX];
} MetricsReport;

/* As far as viewer may see it; NULL: all. Its texts are borrowed, for the present callback. */
void metrics_report(const Daemon *daemon, const Session *viewer, MetricsReport *out);

/* Writes all of it, with the end; data is the daemon. */
void metrics_tell(void *data, Exposition *exposition);

/* As inspect.h's. */
int metrics_serve(Daemon *daemon, Session *session, const Iod__Frame *request);
