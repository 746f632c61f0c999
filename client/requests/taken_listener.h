/*
 * TakenListener: a listener that the daemon gave to this process, which accepts from it itself.
 *
 * The daemon keeps it open for whoever takes it next, as long as a session has taken it and some
 * time longer. So when the daemon is lost, the next one is asked for it again, by its name alone:
 * one that has it counts this session as before, and one that lost it opens no other in its place.
 * What comes with the answer is the file that the program has already, and closed. Whatever the
 * answer is, the program accepts on.
 *
 * Guarded by the handle's lock.
 */
#pragma once

#include "client/readiness/bridged_fd.h"
#include "client/requests/request.h"
#include "core/name.h"

#include <stdbool.h>

typedef struct TakenListener {
        KyronBridgedFd bridged_fd; /* first: it is freed through it */
        TAILQ_ENTRY(TakenListener) link;
        bool listed;    /* the program has it */
        Request *again; /* the next daemon is being asked; or NULL */
        char name[LISTENER_NAME_MAX + 1];
} TakenListener;

/* One to be taken, without a descriptor and a slot yet; NULL: no memory. */
KyronBridgedFd *taken_listener_new(KyronIoDriverHandle *handle);
/* The program has it, by this name. Lock held. */
void taken_listener_begin(KyronBridgedFd *bridged_fd, const char *name);

/* The daemon is lost: the next one is asked for all of them. Lock held. */
void taken_listener_lose_all(KyronIoDriverHandle *handle);
