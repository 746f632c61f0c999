/*
 * What the parts of echo_load share: what is wanted, and what came of it.
 */
#pragma once

#include "address.h"

#include <kyron.h>
#include <stdint.h>

typedef enum LoadProtocol {
        LOAD_TCP,
        LOAD_UDP,
        LOAD_UNIX,
        LOAD_PROTOCOLS,
} LoadProtocol;

extern const char *const load_protocol_names[LOAD_PROTOCOLS];

/* Where an echo server is. */
typedef struct LoadTarget {
        LoadProtocol protocol;
        Address address;  /* of TCP and UDP */
        const char *path; /* of Unix */
        /* Of TCP, if the daemon is to connect: the address as it takes it; else empty. */
        char via_daemon[ADDRESS_TEXT_MAX + sizeof("tcp:")];
} LoadTarget;

enum { LOAD_TARGETS_MAX = 16 };

typedef struct LoadOptions {
        KyronOptions library;
        LoadTarget targets[LOAD_TARGETS_MAX]; /* connections take turns */
        unsigned target_count;
        uint64_t processes;
        uint64_t connections; /* of each process */
        uint64_t round_trips; /* of each connection */
        uint64_t size;        /* of each message, in bytes */
        uint64_t deadline_s;
        uint64_t hold_s;
        uint64_t seed;
        bool chaos;
        bool via_daemon;
} LoadOptions;

enum {
        /* A message begins with its round trip, process and connection. */
        LOAD_SIZE_MIN = 16,
        LOAD_SIZE_MAX = 16 * 1024 * 1024,
        LOAD_DATAGRAM_MAX = 65507,
        LOAD_CONNECTIONS_MAX = 1000000,
        LOAD_PROCESSES_MAX = 1000,
};

typedef struct LoadCount {
        uint64_t connections;
        uint64_t round_trips;
        uint64_t bytes; /* sent and received again */
        uint64_t resends;
        uint64_t cancels;
        uint64_t errors;
        double seconds;
} LoadCount;

typedef struct LoadTotals {
        LoadCount of[LOAD_PROTOCOLS];
} LoadTotals;

/* What ran beside each other: counts add up, the longest time counts. */
void load_totals_add(LoadTotals *totals, const LoadTotals *more);
uint64_t load_totals_errors(const LoadTotals *totals);
void load_totals_print(const LoadTotals *totals);
