/*
 * Outage: from the loss of one daemon to the Welcome of the next.
 *
 * However a session ends, unless the daemon refused it by name, the handle's registrations stay and
 * those who wait go on waiting. Its way: away (the registrations and the requests that may be asked
 * twice are queued to be sent anew; the local driver serves the registrations, if the program
 * allows it) → an attempt to connect after 1 ms, then after twice as long each time up to 100 ms,
 * less a random part → greeting (Hello is sent) → Welcome, and the outbox sends what is queued.
 *
 * When it has lasted longer than the program allows, it is long: what needs the daemon ends with
 * -EHOSTDOWN, and without a local driver that is everything: the handle is `gone`.
 *
 * In doubt are the connections that the daemon passed on and might give to another worker: those
 * not accepted yet, and those kept on death. If the next Welcome has another epoch, the daemon is
 * dead and they are this process's; if it has the same, the daemon lives and has given them away.
 *
 * Guarded by the handle's lock, but for what is set once; attempts are made in process_io only.
 */
#pragma once

#include "client/kyron.h"
#include "core/error.h"
#include "proto/frame.h"

#include <stdint.h>
#include <sys/un.h>

enum {
        OUTAGE_DEFAULT_MS = 10000,
        OUTAGE_FIRST_DELAY_MS = 1,
        OUTAGE_DELAY_MAX_MS = 100,
        /* Between attempts, once it is long. */
        OUTAGE_LONG_DELAY_MS = 1000,
};

typedef enum OutageState {
        OUTAGE_NONE, /* there is a session */
        OUTAGE_AWAY,
        OUTAGE_GREETING,
} OutageState;

/* What the local driver serves until the next daemon has it. */
typedef enum Handover {
        HANDOVER_NONE,
        HANDOVER_SENT,  /* the registrations; it is to be asked whether it has them */
        HANDOVER_ASKED, /* and it has been */
} Handover;

typedef struct Outage {
        OutageState state;
        Handover handover;
        bool allows_local;
        bool is_long;
        int limit_ms; /* -1: none is waited out */
        int timer_fd; /* the next attempt */
        uint64_t began_ms;
        unsigned delay_ms;
        uint64_t epoch; /* of the session that was lost; 0: there was none */
        KyronServedBy told;
        void (*served_by_changed)(KyronIoDriverHandle *handle, KyronServedBy by, void *user);
        void *user;
        char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
        char program[FRAME_PROGRAM_MAX + 1];
} Outage;

/* Reads the options; opens nothing. */
void outage_init(Outage *outage, const KyronOptions *options);

/* The daemon is lost, and why. Lock held. */
void outage_begin(KyronIoDriverHandle *handle, const char *why);
/* The daemon wants none of this session: no outage, everything ends. Lock held. */
void outage_give_up(KyronIoDriverHandle *handle, const char *why);

/* Whether an error of opening the handle is the beginning of an outage that the program allows. */
bool outage_begins_with(const Outage *outage, int error);

/* Whether this process serves the registrations. */
bool outage_is_local(const KyronIoDriverHandle *handle);
/* Whether it is not known yet whose connection this is. */
bool outage_leaves_in_doubt(const KyronIoDriverHandle *handle,
                            const KyronAsyncRegistration *registration);

/* The timer has run out; and the daemon that was greeted has answered. In process_io, without the
 * lock. */
void outage_on_timer(KyronIoDriverHandle *handle);
void outage_on_greeted(KyronIoDriverHandle *handle);

/* Tells the program when somebody else serves. In process_io; lock held, but not while it is told.
 */
void outage_report(KyronIoDriverHandle *handle);
