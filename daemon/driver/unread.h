/*
 * Unread: since when a client has left unread what it was sent.
 *
 * The kernel says how much of its memory a client has left unread, and not since when. So the time
 * and size of each of the last packets are kept, and what the kernel charges for a packet of some
 * size is measured when the daemon starts. Charge after charge, from the newest packet back, comes
 * to what is unread, and so to the oldest of it. Were the kernel to charge less than it did then,
 * it would be one that was sent later: whatever is told, it is unread for at least that long. So it
 * is where more than a minute passes between two packets, which counts as one.
 *
 * A packet costs three bytes and a look at the clock, and no system call.
 */
#pragma once

#include "core/clock.h"

#include <stddef.h>
#include <stdint.h>

enum {
        /* More than fit into a socket, of the smallest. */
        UNREAD_PACKETS_MAX = 96,
        /* Sizes that charges are known for: powers of two, and between them. */
        UNREAD_CHARGES = 21,
};

/* What the kernel charges for a packet of at most so many bytes. */
typedef struct UnreadCharges {
        uint32_t of[UNREAD_CHARGES];
} UnreadCharges;

typedef struct Unread {
        uint64_t newest_ms; /* when the last one was sent */
        uint16_t count;     /* that are known */
        uint16_t next;      /* place */
        /* How long after the one before it. */
        uint16_t after_ms[UNREAD_PACKETS_MAX];
        uint8_t classes[UNREAD_PACKETS_MAX]; /* of their sizes: which charge */
} Unread;

/* Where that fails, only the newest packet is ever known to be unread. */
void unread_measure_charges(UnreadCharges *out);

/* A packet of that size, at most FRAME_BYTES_MAX, was sent. */
void unread_note(Unread *unread, size_t size, uint64_t now_ms);

/* For how many milliseconds the oldest packet is unread, of those that are charged so many bytes;
 * 0: none is. Less than one counts as one. */
uint64_t unread_for_ms(const Unread *unread, const UnreadCharges *charges, uint32_t charged,
                       uint64_t now_ms);
