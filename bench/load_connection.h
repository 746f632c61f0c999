/*
 * One connection of the load: it has `depth` messages under way at any time, and checks every byte
 * that comes back.
 *
 * A message is a slice of one block of random bytes that all connections share; where it begins
 * follows from the connection and the message's number, so the reply to another connection's, or to
 * an earlier one, is told from the right one, and neither making nor checking it costs more than
 * the kernel's own copy.
 */
#pragma once

#include "tests/torture/latency.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
        LOAD_SIZE_MAX = 64 * 1024,
        LOAD_DEPTH_MAX = 64,
};

/* What a message is like, and what became of all of them. */
typedef struct LoadMessages {
        size_t size;
        unsigned depth;
        bool is_datagram;
        uint64_t count; /* that came back */
        Latency latency;
} LoadMessages;

typedef struct LoadConnection {
        int fd;
        uint32_t number;
        bool wants_room; /* the socket took less than there was to send */
        uint64_t sent;   /* bytes */
        uint64_t received;
        uint64_t count; /* messages that came back, since the caller set it to 0 */
        int64_t sent_ns[LOAD_DEPTH_MAX];
} LoadConnection;

/* Once, before the first. */
void load_make_bytes(void);

/* Connects, and makes the socket non-blocking. */
void load_connection_open(LoadConnection *connection, uint32_t number, bool is_datagram,
                          const struct sockaddr *address, socklen_t address_size);
/* Sends until so many are under way, or the socket takes no more. */
void load_connection_send(LoadConnection *connection, const LoadMessages *messages);
/* Receives what there is; false at the end. Bytes that are not the ones sent end the program. */
bool load_connection_receive(LoadConnection *connection, LoadMessages *messages);
/* At once, without the wait that keeps a port from being used again. */
void load_connection_close(LoadConnection *connection);
