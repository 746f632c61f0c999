/*
 * SessionView: what the daemon knows at one moment of its sessions, and of the workers among them;
 * as far as it tells this user. Without a daemon there are none, which is no failure.
 */
#pragma once

#include "ctl/query.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WAIT_LISTENER_TEXT_MAX = 128 };

typedef struct KnownSession {
        uint64_t session;
        int32_t pid;
        bool waiting;    /* has not read what it was sent */
        uint64_t frames; /* it was sent so far */
        uint64_t refusals;
        uint32_t registrations;
} KnownSession;

/* A membership in a group. */
typedef struct KnownWorker {
        uint64_t listener;
        uint64_t session;
        uint32_t endpoint;
        int32_t pid;
        bool draining;
        uint32_t credits;
        uint32_t in_hand;
        uint64_t passed;
        uint32_t queued; /* connections that the listener has accepted for its workers */
        /* The listener's; what is longer is cut. */
        char name[WAIT_LISTENER_TEXT_MAX];
        char address[WAIT_LISTENER_TEXT_MAX];
} KnownWorker;

typedef struct SessionView {
        uint64_t began_ms; /* of CLOCK_MONOTONIC */
        uint64_t ended_ms;
        bool served;                /* by a daemon */
        uint32_t registrations_max; /* of a session */
        size_t session_count;
        KnownSession *sessions; /* owned; in the order of their numbers */
        size_t worker_count;
        KnownWorker *workers; /* owned */
} SessionView;

/* query: NULL, there is no daemon. */
void session_view_read(SessionView *out, Query *query);
void session_view_release(SessionView *view);

/* NULL: there is none. */
const KnownSession *session_view_find(const SessionView *view, uint64_t session);
const KnownWorker *session_view_find_worker(const SessionView *view, const KnownWorker *worker);
