/*
 * daemon/tell/: what happened, to whoever asked to hear of it; knows no session.
 *
 * Teller: those who hear of what happens. Whoever has something to tell asks teller_is_heard()
 * first: while nobody listens, that is all it costs.
 *
 * A Hearer hears of the kinds it asked for: of its own user, or of everybody. It belongs to whoever
 * passes it on, with its memory; how many there are counts in the teller's share.
 */
#pragma once

#include "core/share.h"
#include "daemon/tell/happening.h"
#include "daemon/tell/happening_ring.h"

#include <stdbool.h>
#include <sys/queue.h>

enum {
        /* Bytes of a hearer's ring. */
        TELLER_RING_BYTES = 128 * 1024,
        /* Hearers, of all users together. */
        TELLER_HEARERS_MAX = 32,
};

typedef struct Hearer Hearer;
struct Hearer {
        LIST_ENTRY(Hearer) link;
        uint32_t kinds; /* happening_kind_bit() of each */
        uid_t uid;
        bool hears_all; /* of every user, and of the daemon */
        HappeningRing ring;
        /* There is something new in the ring, or lost. */
        void (*heard)(Hearer *hearer);
};

typedef struct Teller {
        LIST_HEAD(, Hearer) hearers;
        Share share; /* of hearers */
} Teller;

void teller_init(Teller *teller);

static inline bool teller_is_heard(const Teller *teller)
{
        return !LIST_EMPTY(&teller->hearers);
}

/* From now on, and no more. */
void teller_add(Teller *teller, Hearer *hearer);
void teller_remove(Hearer *hearer);

/* Tells all whom it concerns. */
void teller_tell(Teller *teller, const Happening *happening);
/* Tells of the daemon itself, if anybody hears it; and what everybody may know. */
void teller_tell_of_daemon(Teller *teller, Iod__What what, int error, const char *text);
void teller_tell_everybody(Teller *teller, Iod__What what, const char *text);
