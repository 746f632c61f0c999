/*
 * RequestTable: where the handle keeps the requests that wait for their answers. What a request is,
 * and what is done with it, is in requests/request.h.
 *
 * A request's sequence has its place in the low 20 bits and is never below 2^20; what the handle
 * asks on its own account has one below that.
 *
 * Guarded by the handle's lock.
 */
#pragma once

#include <stdint.h>
#include <sys/queue.h>

enum {
        /* Whether the daemon lives. */
        SEQUENCE_ALIVE = 1,
        SEQUENCE_DELIVERY,
        /* Whether it has the registrations: each question has the next. */
        SEQUENCE_HANDOVER,
        SEQUENCE_HANDOVER_MAX = (1 << 20) - 1,
};

typedef struct Request Request;

typedef TAILQ_HEAD(RequestList, Request) RequestList;

typedef struct RequestTable {
        Request **requests; /* by place */
        uint32_t size;
        uint32_t room;
        RequestList free;
        RequestList queue; /* to be sent, or to be cancelled */
        RequestList ended;
        uint32_t packet_max; /* that the daemon takes in one packet; 0: one */
} RequestTable;
