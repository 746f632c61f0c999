/*
 * HappeningRing: happenings on their way to one who hears of them, in memory of fixed size.
 *
 * Each lies in one piece, with its strings behind it. What finds no room is counted, and the count
 * goes with the next that does; what is there already stays. Nothing is allocated.
 *
 * Of one user's there is never more than would find room once more: so nobody's noise hides the
 * others'. What is the daemon's counts as one more user's; and so do together those of users that
 * the table of HAPPENING_SHARES_MAX has no room for.
 *
 * Does not own its memory.
 */
#pragma once

#include "daemon/tell/happening.h"

#include <stdbool.h>
#include <stddef.h>

enum { HAPPENING_SHARES_MAX = 32 };

typedef struct HappeningRecord {
        uint32_t size;  /* with its strings */
        bool of_others; /* of a user without a place in the table */
        uint64_t lost;  /* how many before it found no room */
        Happening happening;
} HappeningRecord;

typedef struct HappeningShare {
        uint64_t owner; /* a user (uid), or the daemon */
        size_t used;
} HappeningShare;

typedef struct HappeningRing {
        unsigned char *borrow_bytes;
        size_t size;
        size_t begin; /* of the first record */
        size_t end;   /* of the last */
        size_t limit; /* where the records that begin at 0 follow; 0: there are none of these */
        size_t count;
        uint64_t lost;                               /* since the last record */
        HappeningShare shares[HAPPENING_SHARES_MAX]; /* of those who have something here */
        size_t n_shares;
        HappeningShare others;
} HappeningRing;

/* The memory is aligned as malloc() does it. */
void happening_ring_init(HappeningRing *ring, void *borrow_bytes, size_t size);

/* Puts a copy at the end. false: there was no room, and it counts as lost. */
bool happening_ring_put(HappeningRing *ring, const Happening *happening);

/* Whether there is something to be told. */
static inline bool happening_ring_is_due(const HappeningRing *ring)
{
        return ring->count > 0 || ring->lost > 0;
}

/* Bytes that are used. */
size_t happening_ring_used(const HappeningRing *ring);

/* The first record after one, or after NULL; NULL: there is none. Lent until it is dropped. */
const HappeningRecord *happening_ring_next(const HappeningRing *ring, const HappeningRecord *after);
/* Forgets the first so many. */
void happening_ring_drop(HappeningRing *ring, size_t count);
