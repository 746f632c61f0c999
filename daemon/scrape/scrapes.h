/*
 * daemon/scrape/: answers who scrapes; what is told, others know.
 *
 * Scrapes: connections of HTTP clients that ask for the daemon's metrics, and nothing else: GET
 * /metrics, once on each. They come from listeners for that (mode = metrics).
 *
 * They may be anybody's. There are SCRAPES_MAX at a time; who has not sent its request after
 * SCRAPE_REQUEST_MS, or has not taken the answer after SCRAPE_MS in all, is gone; a request has
 * SCRAPE_REQUEST_MAX bytes; an answer is made at most once in SCRAPE_FRESH_MS for each format, and
 * shared by all who ask meanwhile.
 *
 * It is no evhttp, since that one does not say how many connections there may be, calls back beside
 * the loop's turns, and would receive and close on the loop what a client of a Unix socket sends:
 * descriptors, whose close() may last. Here they go to the closer, in the listener's lane, and so
 * do the connections.
 *
 * Owned by the daemon, single-threaded.
 */
#pragma once

#include "core/exposition.h"
#include "daemon/closing/closer.h"
#include "daemon/loop/loop.h"
#include "daemon/loop/waker.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
        SCRAPES_MAX = 16,
        SCRAPES_ACCEPTED_PER_TURN = 4,
        SCRAPE_REQUEST_MS = 2000,
        SCRAPE_MS = 10000,
        SCRAPE_FRESH_MS = 250,
};

typedef struct Scrape Scrape;
typedef struct ScrapeText ScrapeText;

typedef struct Scrapes {
        Loop *loop;
        Closer *closer;
        /* Writes what is told, with its end. */
        void (*tell)(void *data, Exposition *exposition);
        void *data;
        TAILQ_HEAD(, Scrape) list;
        uint32_t count;
        WakerList waiting;   /* for another to have room */
        ScrapeText *last[2]; /* of each format; NULL: none was made */
} Scrapes;

void scrapes_init(Scrapes *scrapes, Loop *loop, Closer *closer,
                  void (*tell)(void *data, Exposition *exposition), void *data);
/* Ends all. */
void scrapes_close(Scrapes *scrapes);

/* Whether there may be another. Where not, who waits in waiting is woken when there may. */
bool scrapes_have_room(const Scrapes *scrapes);
/* Takes a connection, to be closed in this lane, which stays while there is one; of a Unix socket
 * descriptors may come. 0; or -ENOMEM, and it is the caller's. */
int scrapes_add(Scrapes *scrapes, CloserLane *lane, int take_fd);
/* Ends those of a lane that goes. */
void scrapes_end(Scrapes *scrapes, const CloserLane *lane);
