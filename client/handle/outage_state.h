/*
 * Outage: where the handle is between the loss of one daemon and the Welcome of the next, and what
 * the program wants done then. What happens in it is in turn/outage.h.
 *
 * Guarded by the handle's lock, but for what is set once.
 */
#pragma once

#include "client/kyron.h"
#include "proto/frame.h"

#include <stdint.h>
#include <sys/un.h>

enum {
        OUTAGE_DEFAULT_MS = 10000,
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
        uint32_t handover_sequence; /* of what was asked last */
        bool allows_local;
        bool is_long;
        bool lacks_descriptors; /* for what came with Welcome: asks for none the next time */
        int limit_ms;           /* -1: none is waited out */
        int timer_fd;           /* the next attempt */
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

/* Whether an error of opening the handle is the beginning of an outage that the program allows. */
bool outage_begins_with(const Outage *outage, int error);
