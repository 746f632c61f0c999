/*
 * Waiting: the connections that were accepted and have reached nobody yet, so that they outlive the
 * daemon.
 *
 * Most are passed on within the callback that accepted them, and a message to systemd for each
 * would cost more than the connection. So one is stored only when it still waits at the next tick:
 * for its first bytes, or for another worker. Ticks are WAITING_TICK_MS apart from the first, and
 * each stores at most WAITING_STORES_PER_TICK: whoever makes connections wait in numbers keeps
 * neither systemd nor the loop busy. Those that are not stored yet when the daemon is killed are
 * lost; when it is stopped, all are stored before.
 *
 * What waits takes no more than half of the store, so that listeners and holds have the rest.
 *
 * Owned by the server. Where there is no store, nothing is listed and no timer runs.
 */
#pragma once

#include "daemon/listen/connection.h"
#include "daemon/loop/loop_event.h"

typedef struct Server Server;

enum {
        WAITING_FIRST_TICK_MS = 1,
        WAITING_TICK_MS = 20,
        WAITING_STORES_PER_TICK = 16,
};

typedef struct Waiting {
        ConnectionList unstored; /* longest first */
        LoopEvent *tick;
} Waiting;

/* 0 or -ENOMEM with error_text(). */
int waiting_init(Server *server);
void waiting_deinit(Server *server);

/* The connection waits, whatever for. It may do so already. */
void waiting_begin(Connection *connection);
/* It does not any more: it is about to be passed on, or closed. */
void waiting_end(Connection *connection);

/* Stores all of them: the daemon stops. */
void waiting_store_all(Server *server);
