/*
 * HandleDelivery: who waits for the handle's registrations while there is a session: the daemon,
 * which relays what becomes ready; or this process itself, directly, with the session open beside.
 *
 * What the program wants is auto, relayed or direct; what it may is in the Welcome. With auto it is
 * relayed until the handle takes turns so often that the way through the daemon costs it something,
 * and again once it has been quiet for some seconds: handle_delivery_decide(), which is asked after
 * every so many turns while relayed, and by a timer while direct. So a handle at rest has no timer.
 *
 * The threshold to go is higher than the one to come back, so a constant rate is on one side of
 * either; and who goes again soon after it came back has to be quiet for twice as long the next
 * time, so bursts end up on one side, too.
 *
 * How it is moved, while events go on, is in turn/moving.h. Guarded by the handle's lock; direct is
 * changed by the thread in process_io only.
 */
#pragma once

#include "client/kyron.h"

#include <stdint.h>

enum {
        /* The Welcome's bits. */
        DELIVERY_ALLOWS_RELAYED = 1,
        DELIVERY_ALLOWS_DIRECT = 2,

        /* So many turns within so long, and it goes direct. */
        DELIVERY_BUSY_TURNS = 30,
        DELIVERY_BUSY_MS = 100,
        /* Fewer than so many turns a second for as long as is asked, and it comes back. */
        DELIVERY_QUIET_RATE = 100,
        DELIVERY_QUIET_MS = 2000,
        DELIVERY_QUIET_MAX_MS = 16000,
        /* So soon after it came back it is to go no more. */
        DELIVERY_AGAIN_MS = 60000,
};

/* What auto goes by. */
typedef struct DeliveryPace {
        bool direct;
        uint32_t turns;    /* since then */
        uint64_t since_ms; /* CLOCK_MONOTONIC_COARSE, as all here */
        uint64_t back_ms;  /* when it came back last; 0: never */
        unsigned quiet_ms; /* that it has to be quiet before it comes back */
} DeliveryPace;

typedef struct HandleDelivery {
        KyronDelivery wanted;
        uint32_t allowed; /* what the Welcome said */
        bool direct;      /* this process serves the registrations */
        bool told_direct; /* what the daemon was told last, or the session began with */
        bool is_asked;    /* and it has not answered */
        bool moves_back;  /* the daemon is taking them over */
        bool is_unable;   /* there was no room to serve them here: not again in this session */
        int timer_fd;     /* while auto is direct; -1 */
        DeliveryPace pace;
} HandleDelivery;

/* wanted: as KyronOptions.delivery; the environment's KYRON_DELIVERY counts instead. */
void handle_delivery_init(HandleDelivery *delivery, KyronDelivery wanted);
/* There is a session, with what the Welcome allows; 0: of a daemon that knows no other way. */
void handle_delivery_begin_session(HandleDelivery *delivery, uint32_t allowed);
/* The program wants another. */
void handle_delivery_want(HandleDelivery *delivery, KyronDelivery wanted, uint64_t now_ms);

/* Whether this process is to serve them. */
bool handle_delivery_wants_direct(const HandleDelivery *delivery);

/* A turn in which something happened. */
void handle_delivery_on_turn(HandleDelivery *delivery);

/* Whether auto is direct from now_ms on, after what was counted since it was asked last. Makes no
 * system call. */
bool handle_delivery_decide(DeliveryPace *pace, uint64_t now_ms);
