/*
 * A connection to the daemon: find its socket, connect, check who serves it, say Hello and read
 * the Welcome. Used by the handle and by kyronctl, which asks for one thing at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
        /* How long the daemon may take for accepting, and for its Welcome. */
        DAEMON_CONNECTION_TIMEOUT_MS = 5000,
        DAEMON_CONNECTION_RELEASE_MAX = 32,
};

typedef struct DaemonConnection {
        int fd;
        int pulse_fd; /* that came with Welcome; -1 */
        uint64_t epoch;
        uint64_t session;
        uint32_t registrations_max;
        uint32_t deliveries;   /* bits, see handle_delivery.h; 0: the daemon knows one alone */
        uint32_t requests_max; /* in a Requests; 0: it knows none */
        char release[DAEMON_CONNECTION_RELEASE_MAX];
} DaemonConnection;

/* The socket to use: path if it is not NULL, else $KYRON_SOCKET, else the system's. */
const char *daemon_connection_path(const char *path);

/* 0 with *out, whose descriptors are the caller's, or the errors of kyron_io_driver_handle_open()
 * with error_text(). program may be NULL. */
int daemon_connection_open(DaemonConnection *out, const char *path, const char *program,
                           bool wants_pulse);

/* The same in two steps that never wait. Connects and says Hello, and for how long there was no
 * daemon before (0: it was not so): the socket, or -errno as above;
 * -ETIMEDOUT the daemon's backlog is full. */
int daemon_connection_start(const char *path, const char *program, bool wants_pulse,
                            uint64_t away_ms);
/* Takes the answer. 0 with *out, whose fd is borrow_fd and whose pulse_fd is the caller's; -EAGAIN
 * it has not come; or -errno as above. */
int daemon_connection_finish(DaemonConnection *out, int borrow_fd);

/* Waits until the daemon has sent something: 0, -ETIMEDOUT or -errno, with error_text(). */
int daemon_connection_wait(int borrow_fd, int timeout_ms);
