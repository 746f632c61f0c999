/*
 * ConnectionStore: the connections that were accepted and have reached nobody yet, so that they
 * outlive the daemon.
 *
 * Most are passed on within the callback that accepted them, and a message to systemd for each
 * would cost more than the connection. So one is stored only when it still waits at the next tick:
 * for its first bytes, or for another worker. Ticks are CONNECTION_STORE_TICK_MS apart from the
 * first, and each stores at most CONNECTION_STORE_STORES_PER_TICK: whoever makes connections wait
 * in numbers keeps neither systemd nor the loop busy. Those that are not stored yet when the daemon
 * is killed are lost; when it is stopped, all are stored before.
 *
 * What waits takes no more than half of the store, so that listeners and holds have the rest.
 *
 * Owned by Listeners. Where there is no store, nothing is listed and no timer runs.
 */
#pragma once

#include "daemon/listen/group.h"
#include "daemon/loop/loop_event.h"

enum {
        CONNECTION_STORE_FIRST_TICK_MS = 1,
        CONNECTION_STORE_TICK_MS = 20,
        CONNECTION_STORE_STORES_PER_TICK = 16,
};

typedef struct ConnectionStore {
        ConnectionList unstored; /* longest first */
        LoopEvent *tick;
} ConnectionStore;

/* 0 or -ENOMEM with error_text(). */
int connection_store_open(Listeners *listeners);
void connection_store_close(Listeners *listeners);

/* The connection waits, whatever for. It may do so already. */
void connection_store_begin(Connection *connection);
/* It does not any more: it is about to be passed on, or closed. */
void connection_store_end(Connection *connection);

/* Stores all of them: the daemon stops. */
void connection_store_all(Listeners *listeners);
