/*
 * A process in the daemon's place that welcomes a client and then answers every request with the
 * same frame, whatever was asked. Ends the test when it cannot be made; it dies with the test.
 */
#pragma once

#include "proto/frame.h"
#include "tests/support/daemon.h"

typedef struct LyingDaemon {
        pid_t pid;
        char *directory;
        char socket_path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
} LyingDaemon;

/*
 * answer: sent with the request's sequence plus sequence_offset; NULL closes the connection when
 * the first request has come. bytes: if there are any, sent instead. version: in the Welcome.
 */
typedef struct Lie {
        const Iod__Frame *answer;
        uint32_t sequence_offset;
        const char *bytes;
        uint32_t version;
} Lie;

/* Serves one connection. */
void lying_daemon_start(LyingDaemon *daemon, const Lie *lie);
void lying_daemon_stop(LyingDaemon *daemon);
