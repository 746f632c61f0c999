/*
 * Query: a connection to the daemon on which kyronctl asks one thing after the other. An answer
 * that is not exactly what was asked for is an error: kyronctl does not guess.
 *
 * Functions return EXIT_CODE_OK, or another exit code with error_text().
 */
#pragma once

#include "client/handle/daemon_connection.h"
#include "ctl/verb.h"
#include "proto/frame.h"

enum { QUERY_TIMEOUT_MS = 5000 };

typedef struct Query {
        DaemonConnection connection;   /* its fd is -1 while there is none */
        uint32_t sequence;             /* of the request last sent that has an answer */
        Iod__Frame__BodyCase asked;    /* what that request was, */
        Iod__Frame__BodyCase expected; /* and what answers it */
        int refusal;                   /* errno of the answer, when it was Refused; else 0 */
        uint64_t pid_namespace;        /* of a list of processes: their numbers are of it; 0 */
        FrameArena arena;              /* of the frame last received */
} Query;

/* Connects. query_close() is allowed after a failure too. */
ExitCode query_open(Query *query, const char *socket_path);
void query_close(Query *query);

/* Sends a request and waits for its answer, at most QUERY_TIMEOUT_MS. *reply, whose body is the
 * expected one, is valid until the next question. */
ExitCode query_ask(Query *query, Iod__Frame *request, Iod__Frame__BodyCase expected,
                   Iod__Frame **reply);

/* The two halves of query_ask(), for an answer that may take long: between them the connection's
 * fd becomes readable when it is there. */
ExitCode query_send(Query *query, Iod__Frame *request, Iod__Frame__BodyCase expected);
ExitCode query_take_answer(Query *query, Iod__Frame **reply);
/* The next frame, whatever it is, waited for as long; *out is valid until the next one. */
ExitCode query_take_frame(Query *query, Iod__Frame **out);
/* Asks the daemon to answer the request last sent now, done or not. */
ExitCode query_cancel(Query *query);

/* An answer to that request which makes no sense; what says why. Returns an exit code. */
ExitCode query_nonsense(const Query *query, const char *what);

/* *out is valid until the next question. */
ExitCode query_status(Query *query, const Iod__Status **out);
