/*
 * A process in the daemon's place that welcomes a client and then answers every request as a test
 * wants it: with the same frame, whatever was asked, or with a function's. Ends the test when it
 * cannot be made; it dies with the test.
 */
#pragma once

#include "proto/frame.h"
#include "tests/support/daemon.h"

#include <stdbool.h>

typedef struct LyingDaemon {
        pid_t pid;
        char *directory;
        char socket_path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
} LyingDaemon;

/*
 * answer: sent with the request's sequence plus sequence_offset; NULL closes the connection when
 * the first request has come. bytes: if there are any, sent instead. version: in the Welcome.
 * reply: if there is one, it is called for each request instead, in the daemon's process, and may
 * answer or not; false closes the connection.
 */
typedef struct Lie {
        const Iod__Frame *answer;
        uint32_t sequence_offset;
        const char *bytes;
        uint32_t version;
        bool (*reply)(int fd, const Iod__Frame *request);
} Lie;

/* For reply: sends a frame with the request's sequence; done: Done; refused: a Refused. They return
 * true. */
bool lying_daemon_answer(int fd, const Iod__Frame *request, Iod__Frame *frame);
bool lying_daemon_done(int fd, const Iod__Frame *request);
bool lying_daemon_refuse(int fd, const Iod__Frame *request, int error, const char *text);

/* Serves one connection. */
void lying_daemon_start(LyingDaemon *daemon, const Lie *lie);
void lying_daemon_stop(LyingDaemon *daemon);
