/*
 * Notifier: a session's way out. It sends frames without blocking and keeps what the socket does
 * not take: at most one Readiness frame and one reply.
 *
 * State: empty, or waiting. While it is waiting the session is neither selected nor read, so
 * nothing more can come; the kernel's ready list holds, and merges, what happens meanwhile. When
 * the client has read, notifier_flush() sends what was kept.
 *
 * Readiness is kept in place; a reply is kept in memory allocated then, which no event needs.
 */
#pragma once

#include "daemon/driver/unread.h"
#include "proto/readiness_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        /* The client has not read: kept, call notifier_flush() when the socket is writable. */
        NOTIFIER_WAITING = 1,
};

typedef struct Notifier {
        int borrow_socket_fd;
        uint32_t *waiting; /* how many wait, of all that have this count */
        uint8_t *reply;    /* NULL: none kept */
        size_t reply_size;
        size_t readiness_size; /* 0: none kept */
        uint64_t kept_ms;      /* since when; CLOCK_MONOTONIC */
        Unread unread;
        uint8_t readiness[READINESS_FRAME_BYTES_MAX];
} Notifier;

/* waiting is counted up while it waits, and outlives it. */
void notifier_init(Notifier *notifier, int borrow_socket_fd, uint32_t *waiting);
void notifier_deinit(Notifier *notifier);

bool notifier_is_waiting(const Notifier *notifier);

/* For how many milliseconds the oldest packet that it was to send has been sent and not read, or
 * not sent at all; 0: there is none. Less than one counts as one. */
uint64_t notifier_unread_ms(const Notifier *notifier, const UnreadCharges *charges);

/*
 * Each sends one frame: 0 sent, NOTIFIER_WAITING kept, or -errno, which ends the session. Not to
 * be called while waiting. packed holds n entries, 1 to FRAME_EVENTS_MAX, made by io_id_pack().
 */
int notifier_send_readiness(Notifier *notifier, const uint64_t *packed, size_t n);
int notifier_send_reply(Notifier *notifier, const Iod__Frame *frame);

/* Sends one frame with borrowed descriptors, or none, and keeps nothing: 0 sent, NOTIFIER_WAITING
 * it could not be now, or -errno, which ends the session. Not to be called while waiting. */
int notifier_send_descriptors(Notifier *notifier, Iod__Frame *frame, const int *borrow_fds,
                              size_t n);

/* The same with an encoded frame that brings none. */
int notifier_send_encoded(Notifier *notifier, const void *bytes, size_t size);

/* Sends what was kept, as far as the socket takes it: 0 all, NOTIFIER_WAITING, or -errno. */
int notifier_flush(Notifier *notifier);
