/*
 * The requests of ready descriptors, as a RawClient sends them, and what comes back with their
 * descriptors. Calls end the test when the test's own side fails.
 */
#pragma once

#include "core/fd_list.h"
#include "tests/support/raw_client.h"

enum {
        /* READABLE and WRITABLE. */
        SERVICE_INTEREST = 3,
};

/* Sends a frame with borrowed descriptors. */
void service_send(RawClient *client, Iod__Frame *frame, const int *borrow_fds, size_t n);

/* Joins the group of name, opened at address unless that is "", offering the slots from first_slot
 * on, each with generation 1. options may be NULL. */
void service_join(RawClient *client, uint32_t sequence, const char *name, const char *address,
                  uint32_t first_slot, uint32_t slots, const Iod__ListenerOptions *options);
/* The same with everything a Join has. */
void service_join_as(RawClient *client, uint32_t sequence, Iod__Join *join, uint32_t first_slot,
                     uint32_t slots);
void service_offer(RawClient *client, uint32_t sequence, uint32_t endpoint, uint32_t first_slot,
                   uint32_t slots);
void service_leave(RawClient *client, uint32_t sequence, uint32_t endpoint);
/* An AddIoSource with nothing but what was taken, and what is gone. */
void service_taken(RawClient *client, const uint64_t *ids, size_t n);
void service_gone(RawClient *client, const uint64_t *ids, size_t n);

/* How many connections the daemon counts in the hands of a worker, a process; 0 if it knows none.
 */
uint32_t service_count_in_hand(RawClient *client, pid_t worker);

/* The next frame with its descriptors, waiting for it; NULL when the daemon has closed. */
Iod__Frame *service_receive(RawClient *client, FdList *fds);
