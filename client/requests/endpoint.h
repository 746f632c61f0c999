/*
 * Endpoint: this process's place in the group that serves a shared listener.
 *
 * It joins with a request, and has a number from then on. It offers the daemon ids for as many
 * connections as it has credits (see offer.h). Connections arrive and wait until the program
 * accepts them (see arrival.h): accept is an operation on the endpoint's registration, which has no
 * descriptor and is made ready by arrivals instead of events.
 *
 * Its end has two halves: the program closes it, and the daemon confirms that it has left; until
 * then the offered slots stay taken. What has arrived and was not accepted is closed, and being
 * not told as taken goes to another worker.
 *
 * When the daemon is lost it joins again with the next, with the ids it had offered; what had
 * arrived stays, see outage.h; and what the program has is claimed, see claim.h.
 *
 * Guarded by the handle's lock.
 */
#pragma once

#include "client/readiness/async_registration.h"
#include "client/requests/endpoint_address.h"
#include "client/requests/passed_stream.h"
#include "client/requests/request.h"
#include "core/address_service.h"
#include "core/name.h"
#include "proto/frame.h"

enum {
        ENDPOINT_CREDITS = 64,
        /* Ids that one frame has room for. */
        ENDPOINT_OFFER_MAX = 2048,
};

struct KyronEndpoint {
        /* First: it is freed through it. */
        KyronAsyncRegistration registration;
        TAILQ_ENTRY(KyronEndpoint) link; /* of the handle's */
        uint64_t serial;                 /* within the handle, never used twice */
        uint32_t number;                 /* 0: it has not joined */
        unsigned credits;
        unsigned outstanding; /* streams in the three lists */
        PassedStreamList to_offer;
        PassedStreamList offered;
        PassedStreamList arrived;
        Request *leave; /* made beforehand: closing does not fail */
        bool rejoins;   /* the next daemon is being asked */
        bool disposed;  /* the program's half has ended */
        bool left;      /* the daemon's has */
        /* What it joined with, kept for joining again. */
        KyronEndpointOptions options;
        KyronListenerOptions listener;
        char name[LISTENER_NAME_MAX + 1];
        char wanted_address[ADDRESS_TEXT_MAX];
        EndpointAddress address;
};

/* The daemon says that an endpoint's listener was closed: who accepts is told, and nothing more
 * comes. Lock held. */
void endpoint_on_closed(KyronIoDriverHandle *handle, const Iod__EndpointClosed *closed);
/* The daemon is lost: every endpoint joins again, or if it has gone for good, closes what was not
 * accepted: it is another worker's now. Lock held. */
void endpoint_lose_all(KyronIoDriverHandle *handle);
/* Every endpoint lets go of the slots it has not been passed a connection for; and takes what it
 * can have for its credits. Lock held. */
void endpoint_let_go_all(KyronIoDriverHandle *handle);
void endpoint_fill_up_all(KyronIoDriverHandle *handle);
/* Those who accept try again. Lock held. */
void endpoint_wake_all(KyronIoDriverHandle *handle);
