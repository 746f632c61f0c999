/* Happening: something that began, ended or went wrong, as it is told. */
#pragma once

#include "daemon/process/peer.h"
#include "proto/iod.pb-c.h"

#include <stdint.h>
#include <sys/types.h>

typedef enum HappeningOwner {
        HAPPENING_OF_USER,   /* that user hears of it, and who sees everybody's */
        HAPPENING_OF_DAEMON, /* only who sees everybody's */
        HAPPENING_OF_ALL,    /* everybody */
} HappeningOwner;

/* What does not apply is 0 or NULL. Strings are lent for the call, but for request. */
typedef struct Happening {
        Iod__What what;
        HappeningOwner owner;
        uid_t uid;     /* of a user */
        uint64_t time; /* CLOCK_REALTIME nanoseconds; whoever tells need not say */
        uint64_t session;
        pid_t pid;
        uint64_t listener;
        int error; /* a positive errno */
        uint32_t count;
        const char *request; /* a name of iod.proto's */
        const char *program;
        const char *name;
        const char *address;
        const char *text;
} Happening;

/* A bit for each kind. */
static inline uint32_t happening_kind_bit(Iod__Kind kind)
{
        return UINT32_C(1) << kind;
}

static inline uint32_t happening_bit(const Happening *happening)
{
        return happening_kind_bit((Iod__Kind)((unsigned)happening->what / 16));
}

/* Something about the peer of a session. */
static inline Happening happening_of(Iod__What what, const Peer *peer)
{
        return (Happening){
                .what = what,
                .uid = peer->uid,
                .session = peer->session,
                .pid = peer->pid,
                .program = peer->program,
        };
}
