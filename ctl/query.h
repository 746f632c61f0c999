/*
 * Query: a connection to the daemon on which kyronctl asks one thing after the other, each
 * answered within QUERY_TIMEOUT_MS. An answer that is not exactly what was asked for is an error,
 * and so is a list that does not go on: kyronctl neither guesses nor loops.
 *
 * Functions return EXIT_CODE_OK, or another exit code with error_text().
 */
#pragma once

#include "client/daemon_connection.h"
#include "ctl/verb.h"
#include "proto/frame.h"

enum { QUERY_TIMEOUT_MS = 5000 };

typedef struct Query {
        DaemonConnection connection; /* its fd is -1 while there is none */
        uint32_t sequence;           /* of the request last sent */
        FrameArena arena;            /* of the frame last received */
} Query;

/* Connects. query_close() is allowed after a failure too. */
ExitCode query_open(Query *query, const char *socket_path);
void query_close(Query *query);

/* *out is valid until the next question. */
ExitCode query_status(Query *query, const Iod__Status **out);

/*
 * Call visit for every session, or for every registration of one session (0: of all), in the
 * daemon's order. Text in an entry is made printable; the entry is valid during the call.
 */
typedef void (*QuerySessionVisit)(void *data, const Iod__SessionEntry *entry);
typedef void (*QueryRegistrationVisit)(void *data, const Iod__RegistrationEntry *entry);
ExitCode query_sessions(Query *query, QuerySessionVisit visit, void *data);
ExitCode query_registrations(Query *query, uint64_t session, QueryRegistrationVisit visit,
                             void *data);
