/*
 * Load of short connections: connect, send 64 bytes, receive the same 64 back, close; several at a
 * time, one thread each, and none is ever tried again. What became of every one is counted, so that
 * a test of restarts and kills can say that none was refused or lost, and how long the slowest
 * took.
 *
 * The thread that starts a load ends it. Its threads have begun when it has started, and allocate
 * nothing: so a test can fork meanwhile. (A thread that is being made holds locks of the
 * sanitizer's allocator, on which a child would wait for ever.) Needs no test framework, so that
 * child processes can use it too.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

enum {
        SHORT_CONNECTION_BYTES = 64,
        SHORT_CONNECTIONS_AT_ONCE_MAX = 64,
};

/* What became of them: each connection is in one of the first six. */
typedef struct ShortConnectionsResult {
        uint64_t served;
        uint64_t refused;  /* ECONNREFUSED */
        uint64_t reset;    /* ECONNRESET, EPIPE */
        uint64_t lost;     /* nobody answered in time, or the end came before the answer */
        uint64_t mixed_up; /* other bytes came than were sent */
        uint64_t failed;   /* otherwise, as for want of ports */
        /* Milliseconds from connect() to the last byte, of the slowest that was served. */
        uint64_t slowest_ms;
        /* The first that was not served: what was done, and why it failed; else "". */
        char first_failure[128];
} ShortConnectionsResult;

typedef struct ShortConnections ShortConnections;

/*
 * Starts so many connections (0: until short_connections_end()), at_once of them at a time, to an
 * address of TCP or of a Unix stream socket. wait_ms bounds each step of each. To a loopback
 * address of IPv4 every thread comes from one of its own (127.1.0.x), so that ports do not run out.
 * NULL, with errno, when it cannot start.
 */
ShortConnections *short_connections_start(const struct sockaddr *address, socklen_t length,
                                          uint64_t count, unsigned at_once, int wait_ms);
/* How many have come to their end, whatever it was. */
uint64_t short_connections_ended(const ShortConnections *load);
/* Waits for what is under way: all of them, or with a count of 0 those begun. Frees the load. */
void short_connections_end(ShortConnections *load, ShortConnectionsResult *result);
