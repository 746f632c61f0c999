/*
 * Opening: the requests that have the daemon open a socket for a client: Connect, Bind and
 * TakeListener. Connects are under way until the connector has an end for them; each is charged to
 * its user.
 */
#pragma once

#include "daemon/session/session.h"

typedef struct Daemon Daemon;

typedef struct Connect {
        TAILQ_ENTRY(Connect) link;
        Daemon *daemon;
        Session *session;
        struct Connecting *connecting;
        uint32_t sequence;
        uint64_t source;
        bool by_address; /* the name is not allowed itself */
        bool refused;    /* the address looked at last was not allowed */
} Connect;

/* Each serves one request; answers come by delivery.h. 0, a positive errno with error_text() to
 * refuse it, or -errno: the session has to end. */
int opening_serve_connect(Daemon *daemon, Session *session, const Iod__Frame *request);
int opening_serve_bind(Daemon *daemon, Session *session, const Iod__Frame *request);
int opening_serve_take_listener(Daemon *daemon, Session *session, const Iod__Frame *request);

/* Ends the connect that this request began; false: there is none. */
bool opening_cancel(Session *session, uint32_t sequence);
/* The session ends: so do its connects. */
void opening_cancel_all(Session *session);
