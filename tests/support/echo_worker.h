/*
 * Echo workers: processes that serve a shared listener by libkyron, 64 bytes to a connection. A
 * worker answers before it consumes the request, so that one that is killed at any moment leaves
 * either all or nothing to whoever gets the connection next.
 */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct EchoWorkerOptions {
        const char *socket_path; /* the daemon's */
        const char *name;        /* the listener's */
        const char *address;     /* NULL: it is there already */
        bool least_loaded;
        bool when_readable;
        bool keep_on_death;
        bool moves; /* its registrations to the daemon and back, all the time */
        unsigned weight;
        unsigned credits;
        unsigned work_us;    /* for each connection, during which the worker does nothing else */
        void (*work)(void);  /* likewise, in the worker's process; or NULL */
        unsigned stop_after; /* it accepts so many and no more; 0: no end */
} EchoWorkerOptions;

/* What a worker tells, in memory it shares with the test. */
typedef struct EchoWorkerState {
        atomic_bool has_joined;
        atomic_int failure; /* a negative errno */
        atomic_uint_fast64_t accepted;
        atomic_uint_fast64_t served;
        atomic_uint_fast64_t served_again; /* which another worker had before */
        char address[128];
} EchoWorkerState;

typedef struct EchoWorker {
        pid_t pid; /* 0: not running */
        EchoWorkerState *state;
} EchoWorker;

/* Starts a worker and waits until it has joined. state is new with a worker's first start. */
void echo_worker_start(EchoWorker *worker, const EchoWorkerOptions *options);
/* The address of a worker's listener; of 127.0.0.1. */
struct sockaddr_in echo_worker_address(const EchoWorker *worker);
/* SIGTERM: it leaves, serves what it has, and ends with 0. */
void echo_worker_stop(EchoWorker *worker);
void echo_worker_kill(EchoWorker *worker);
/* After a test: kills it if it runs, and forgets its state. */
void echo_worker_clean_up(EchoWorker *worker);
