/*
 * Watches: entries in epoll sets. The kernel counts them for the daemon's user, whichever client
 * they are for, and has a limit for all of them together: fs.epoll.max_user_watches.
 *
 * Each client's user has a share of them (core/share.h); files that were given up and are open
 * still count. What the daemon waits for itself is left out of that.
 *
 * The limit is in /proc/sys, which a service with ProcSubset=pid does not see. Then it is taken for
 * somewhat less than what the kernel makes of the memory there is. Where the kernel refuses before
 * that, for its limit was lowered or others of the same user have watches, what was there by then
 * is the limit, until the configuration is read again. That it may be refused itself all the same,
 * the daemon has some in hand: a set with entries for nothing, which it gives up then.
 */
#pragma once

#include "core/share.h"

enum {
        WATCHES_SPARE = 1024,
        /* However many the kernel allows: what each takes of the daemon's and the kernel's memory
         * has to fit into that of the service. */
        WATCHES_MAX = 4194304,
        /* Of the limit, an eighth at most is left for the daemon's own. */
        WATCHES_OWN_PART = 8,
};

typedef struct Watches {
        Share share;    /* of the clients' users; the entries are in session_source.h's hands */
        uint64_t own;   /* that the daemon may need itself */
        int spare_fd;   /* the set of those in hand, -1: given up */
        int spare_file; /* what they are entries of */
} Watches;

#define WATCHES_INIT                                                                               \
        {                                                                                          \
                .spare_fd = -1, .spare_file = -1                                                   \
        }

/* What the kernel allows, as far as it is known. */
uint64_t watches_kernel_max(void);

/* Finds out what there is, and takes the spare ones. own: how many the daemon may need itself. */
void watches_open(Watches *watches, uint64_t own);
/* The same again: the kernel's limit may be another one. */
void watches_look_again(Watches *watches);
void watches_close(Watches *watches);

/* The kernel has refused one (ENOSPC). */
void watches_ran_out(Watches *watches);
