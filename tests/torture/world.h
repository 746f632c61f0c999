/*
 * Where a torture takes place: a daemon of its own and echo servers, which are one ordinary user's,
 * without capabilities also when root runs the torture; and what the daemon has, to be compared
 * before and after.
 *
 * Run by root, the attackers are another ordinary user. Otherwise all is one user's: then attacks
 * are on the budget of those who suffer from them, too.
 */
#pragma once

#include "tests/torture/process.h"

#include <stdint.h>

/* What is wrong around the daemon from the beginning. */
enum {
        WORLD_UNREAD_LOG = 1 << 0,      /* standard error is a full pipe that nobody reads */
        WORLD_STOPPED_MANAGER = 1 << 1, /* so is NOTIFY_SOCKET, and the watchdog is to be fed */
};

/* Who waits for a healthy client's descriptors, and for those of its echo server. */
typedef enum Waits {
        WAITS_RELAYED,    /* the daemon */
        WAITS_DIRECT,     /* the process itself, with a session */
        WAITS_IN_PROCESS, /* it too, on epoll: it knows of no daemon */
        WAITS_COUNT,
} Waits;

typedef struct WaitsWords {
        const char *name;
        const char *delivery; /* KYRON_DELIVERY */
        const char *echo[4];  /* a program of the build, and its words */
} WaitsWords;

extern const WaitsWords world_waits[WAITS_COUNT];

typedef struct World {
        const char *build; /* the directory with the programs */
        uid_t user;        /* as process_start() */
        uid_t attacker;
        char directory[64];
        char socket_path[96];
        char config_path[96];
        char log_path[96];
        unsigned wrong;
        char pipe_path[96]; /* the daemon's log, if nobody reads it */
        char notify_path[96];
        int pipe_fd, notify_fd; /* whoever does not read; -1: there is none */
        Process daemon;
        Process echo[WAITS_COUNT];
        char echo_address[WAITS_COUNT][80];
        int names_fd;       /* a name server that does not answer */
        size_t descriptors; /* of the daemon, before anybody came */
} World;

/* Starts the daemon. */
void world_start(World *world, const char *build, unsigned wrong);
/* Starts an echo server. */
void world_start_echo(World *world, Waits waits);
/* As process_start(), as the world's user, with the delivery of who waits so. */
void world_start_process(const World *world, Waits waits, const char *const *words,
                         Process *process);
/* Stops all, when everybody else has gone: the daemon has to be as it was before anybody came, and
 * all have to end well. NULL, or what was wrong, valid until the next call. */
const char *world_stop(World *world);

/* The path of a program of the build, valid until the next call but three. */
const char *world_program(const World *world, const char *name);

/* SIGKILL, and a new daemon at once. Returns the milliseconds until it served. */
double world_replace_daemon(World *world);

/* What the daemon has. */
typedef struct Baseline {
        bool is_alive; /* the process that was started */
        size_t descriptors;
        size_t memory_kib; /* its own: heap, stacks, data */
        uint64_t sessions, registrations;
        double longest_turn_ms; /* of the loop, since the daemon started; -1: it does not say */
} Baseline;

Baseline world_baseline(const World *world);
/* The same, once nothing changes any more: what was registered is closed a little later. */
Baseline world_baseline_at_rest(const World *world);

/* Waits until the daemon has as much as before; returns what it has. */
Baseline world_settle(const World *world, const Baseline *before);
/* Whether it is alive, and has no more descriptors and sessions. Registrations are not compared:
 * clients make theirs when they first have to wait. */
bool world_is_settled(const Baseline *now, const Baseline *before);
