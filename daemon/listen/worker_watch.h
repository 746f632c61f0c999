/*
 * WorkerWatch: which workers are silent, for who hears of it (daemon/tell/): they were sent
 * connections, and have not said that they have them.
 *
 * It looks every WORKER_WATCH_MS, at so many of them, and only while somebody hears what happens.
 */
#pragma once

#include "daemon/loop/loop.h"

#include <stdint.h>

enum {
        /* For so long a worker may have a reason. */
        WORKER_SILENT_MS = 2000,
        WORKER_WATCH_MS = 500,
        WORKER_WATCH_LOOKS = 512,
};

typedef struct Listeners Listeners;

typedef struct WorkerWatch {
        Listeners *listeners;
        LoopEvent *look; /* NULL: it is closed */
        Waker again;     /* it could not be armed */
        /* The last that it looked at; 0: it begins anew. */
        uint64_t listener;
        uint64_t session;
        uint32_t endpoint;
} WorkerWatch;

/* 0, or -ENOMEM with error_text(). */
int worker_watch_open(WorkerWatch *watch, Listeners *listeners);
void worker_watch_close(WorkerWatch *watch);

/* Somebody hears what happens. */
void worker_watch_begin(WorkerWatch *watch);
