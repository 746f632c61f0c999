/*
 * What an echo server does with a connection, whoever told it that it is ready: all servers of the
 * bench do their IO by this, but libuv's, which has its own. So what differs between them is the
 * waiting.
 *
 * It reads into one buffer that all connections share, and writes it back at once. What the socket
 * does not take is the connection's own until it does; meanwhile nothing is read from it. A read
 * that fills less than the buffer has emptied the socket: there is no need to ask once more (see
 * epoll(7)).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { ECHO_BUFFER = 64 * 1024 };

typedef struct EchoIo {
        int fd; /* non-blocking */
        char *rest;
        size_t rest_size;
} EchoIo;

typedef enum EchoState {
        ECHO_READS,  /* call again when there is something to read */
        ECHO_WRITES, /* when there is room to write */
        ECHO_ENDED,  /* the client has gone: close */
} EchoState;

/* Listens on a port of 127.0.0.1 that the kernel chooses; shared: with SO_REUSEPORT. */
int echo_listen(bool shared);
/* A connection that waits, non-blocking and without Nagle's delay; -1 when none does. */
int echo_accept(int borrow_listener);

/* The same for UDP: one socket, which answers whoever sends. */
int echo_udp_bind(void);
void echo_udp_run(int borrow_fd);

EchoState echo_io_run(EchoIo *io);
/* Closes the descriptor. */
void echo_io_close(EchoIo *io);
