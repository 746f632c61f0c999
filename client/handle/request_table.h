/*
 * RequestTable: where the handle keeps the requests that wait for their answers. What a request is,
 * and what is done with it, is in requests/request.h.
 *
 * Guarded by the handle's lock.
 */
#pragma once

#include <stdint.h>
#include <sys/queue.h>

typedef struct Request Request;

typedef TAILQ_HEAD(RequestList, Request) RequestList;

typedef struct RequestTable {
        Request **requests; /* by place */
        uint32_t size;
        uint32_t room;
        RequestList free;
        RequestList queue; /* to be sent, or to be cancelled */
        RequestList ended;
} RequestTable;
