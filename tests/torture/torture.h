/*
 * A torture: one fault after another done to a daemon, each measured while it is done and checked
 * afterwards. What was promised and what was measured is told.
 *
 * `./dev torture` runs all cases and writes docs/reliability.md; `make check` runs a short form.
 * What has to hold however slow and busy the machine is (the daemon lives, has what it had before,
 * nothing of others' is lost) decides about success. Times are told, and compared with their
 * targets, and that is all.
 */
#pragma once

#include "tests/torture/world.h"

typedef struct Torture {
        const char *build;
        bool quick; /* as make check does it */
} Torture;

typedef struct Result {
        json_t *figures;     /* all that was measured */
        char measured[1024]; /* for people */
        char broken[256];    /* what did not hold; "": everything did */
        bool missed;         /* a target of time */
        bool skipped;        /* measured says why */
} Result;

typedef struct TortureCase TortureCase;
struct TortureCase {
        const char *name;
        const char *fault;
        const char *injected;
        const char *promised; /* NULL: what is promised beside every attack */
        void (*run)(const Torture *torture, const TortureCase *case_, Result *result);
        const char *attack; /* the kind, for those that have one */
        uint64_t count;     /* how often, where that is fixed */
        size_t kept_kib;    /* how much memory may be kept; 0: as usual */
        double turn_max_ms; /* of the loop; 0: nothing is promised */
        unsigned wrong;     /* around the daemon, see world.h */
};

/* Ends with an empty one. */
extern const TortureCase torture_cases[];

/* Healthy clients' round trips with and without an attack, in turns. */
void torture_beside(const Torture *torture, const TortureCase *case_, Result *result);
/* So many times, and what the daemon has before and after. */
void torture_many(const Torture *torture, const TortureCase *case_, Result *result);
/* A session moves its registrations, again and again. */
void torture_moving(const Torture *torture, const TortureCase *case_, Result *result);
/* kyronctl monitor looks on while sessions come and go. */
void torture_monitored(const Torture *torture, const TortureCase *case_, Result *result);
/* The daemon is killed, again and again, under load. */
void torture_outage(const Torture *torture, const TortureCase *case_, Result *result);
void torture_outage_with_fallback(const Torture *torture, const TortureCase *case_, Result *result);
/* It is stopped and goes on, again and again. */
void torture_stopped_daemon(const Torture *torture, const TortureCase *case_, Result *result);

/* Notes what did not hold; the first counts. */
void result_break(Result *result, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says more of what was measured. */
void result_say(Result *result, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What both kinds of attack need. False: it cannot be done here, and result says so. */
bool torture_start_attack(const World *world, const TortureCase *case_, uint64_t count,
                          Process *attack, Result *result);
typedef struct HealthyClient {
        Waits waits; /* as its echo server, which has to have been started */
        unsigned connections;
        unsigned rate;     /* round trips a second */
        bool rests;        /* but while it is measured */
        unsigned moves_ms; /* between two moves to the daemon or to itself; 0: it stays */
} HealthyClient;
void torture_start_client(const World *world, const HealthyClient *how, Process *client);
/* Ends a healthy client: every one of its round trips has to have come back. Returns the last that
 * it says, which is the caller's; NULL: nothing. */
json_t *torture_end_client(Process *client, Result *result);
/* When everybody has gone: the daemon has to be as it was at first, and end well. */
void torture_end_world(World *world, Result *result);
/* That the daemon lives and has what it had, but for so much memory that its allocator may keep;
 * says what it has. */
void torture_check_baseline(const World *world, const Baseline *before, size_t kept_kib,
                            Result *result);
