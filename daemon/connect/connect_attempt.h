/*
 * ConnectAttempt: one non-blocking connect(2) to one address. It owns its socket until the socket
 * is stolen.
 */
#pragma once

#include "daemon/connect/inet_address.h"
#include "daemon/loop/loop_event.h"

typedef struct ConnectAttempt ConnectAttempt;

/* error: 0, and the socket is connected; or why not, -errno. Called from the loop. */
typedef void (*ConnectAttemptEnded)(ConnectAttempt *attempt, int error);

struct ConnectAttempt {
        int fd; /* -1: over */
        LoopEvent *writable;
        InetAddress address;
        ConnectAttemptEnded ended;
        void *data;
};

/* 0: connected at once. -EINPROGRESS: ended will be called. Else -errno, and it is over. */
int connect_attempt_start(ConnectAttempt *attempt, Loop *loop, const InetAddress *address,
                          ConnectAttemptEnded ended, void *data);
/* Closes it, if it is not over; ended is not called. */
void connect_attempt_end(ConnectAttempt *attempt);
/* The socket, now the caller's. */
int connect_attempt_steal(ConnectAttempt *attempt);
