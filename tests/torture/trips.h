/*
 * A healthy client's round trips: a message over each of its TCP connections in turn, at a steady
 * rate, which an echo server sends back.
 *
 * A round trip is due at a time of its own, fixed beforehand. One that cannot begin then, because
 * the one before it on its connection still lasts, counts from when it was due: a stall is counted
 * by all whom it held up.
 *
 * Who waits, and with which calls a connection is made, written and read, is the TripIo's business:
 * libkyron's, or a bare epoll set's. Each of these calls does what it can at once, or says -EAGAIN;
 * then the trip is told later, by trip_continue() or trip_go_on(). Single-threaded.
 */
#pragma once

#include "examples/address.h"
#include "tests/torture/latency.h"

#include <kyron.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
        TRIP_BYTES = 64,
        TRIPS_MAX = 10000,
};

typedef struct Trips Trips;

typedef struct Trip {
        Trips *trips;
        bool is_open; /* its connection has not failed */
        enum { TRIP_CONNECTS, TRIP_IDLE, TRIP_SENDS, TRIP_RECEIVES } state;
        int64_t begun_ns;
        int64_t overdue_ns; /* the next one should have begun then; 0: it is not due yet */
        size_t done;        /* bytes */
        uint64_t number;
        uint64_t message[TRIP_BYTES / sizeof(uint64_t)];
        uint64_t reply[TRIP_BYTES / sizeof(uint64_t)];
        /* The TripIo's. */
        KyronTcpStream *stream;
        KyronOperation operation;
        int fd;
} Trip;

typedef struct TripIo {
        /* False: it has said why not. */
        bool (*open)(Trips *trips);
        /* 0, bytes, or -errno. */
        ssize_t (*connect)(Trip *trip, const Address *address);
        ssize_t (*write)(Trip *trip, const void *bytes, size_t size);
        ssize_t (*read)(Trip *trip, void *bytes, size_t size);
        void (*close_trip)(Trip *trip);
        /* One turn of at most so long: 0, or -errno. */
        int (*wait)(int ms);
        /* What the last -errno was about. */
        const char *(*error_text)(int error);
        /* Has the connections waited for elsewhere from now on: 0, or -errno. */
        int (*move)(void);
        void (*close)(void);
} TripIo;

extern const TripIo trip_io_library, trip_io_in_process;

struct Trips {
        const TripIo *io;
        Address address;
        unsigned connections;
        unsigned rate; /* round trips a second */
        unsigned connecting;
        unsigned busy;
        int64_t started_ns;
        uint64_t begun;
        unsigned next; /* whose turn it is */
        uint64_t failed, lost;
        uint64_t moves, arrivals; /* orders to move, and times that it had come to be direct */
        unsigned complaints;
        bool is_ending;
        Latency latency;
        Trip trip[TRIPS_MAX];
};

int64_t trips_now_ns(void);
void trips_complain(Trips *trips, const char *what, const char *why);

/* Connects all, and uses each once: from then on all of them wait, and there are no more. */
void trips_connect(Trips *trips);
/* The schedule begins now. */
void trips_start(Trips *trips);
/* Begins what is due; returns when the next is. */
int64_t trips_begin_due(Trips *trips);
/* One turn of at most until then; false when there is no going on. */
bool trips_turn(Trips *trips, int64_t until_ns);
/* Begins no more, and awaits what is on its way. */
void trips_end(Trips *trips);
void trips_close(Trips *trips);

/* The TripIo's: what the call that had said -EAGAIN came to, and from there on; or it is to be made
 * again. */
void trip_continue(Trip *trip, ssize_t result);
void trip_go_on(Trip *trip);
