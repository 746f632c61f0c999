/*
 * Restore: takes over what an earlier run of the daemon owned. It comes from systemd's store, by
 * name and in any order; each thing is checked like anything from outside. What cannot be used is
 * closed, with a line in the log, and the rest goes on.
 *
 * The configuration has the last word on listeners: the socket of one that is configured is taken
 * instead of a new one, whoever it was opened for; one that was configured and is no more is
 * closed. A client's stays as long as if its last worker had just left.
 */
#pragma once

#include "daemon/storing.h"

typedef struct Server Server;
typedef struct State__Record State__Record;

/* One thing that came back. */
typedef struct OwnedItem {
        TAILQ_ENTRY(OwnedItem) link;
        StoredName name;
        int fd;        /* -1: it did not come, or is taken */
        int record_fd; /* the same */
        int note_fd;
        State__Record *record;
} OwnedItem;

typedef TAILQ_HEAD(OwnedList, OwnedItem) OwnedList;

/* Collects what came from the store, in order of number; after the listening socket was taken. */
void restore_collect(Server *server, OwnedList *list);

/* Each takes what it is about from the list. After the configuration and before anything new is
 * opened; the first opens what is configured and did not come back: 0, or -errno with
 * error_text(). */
int restore_listeners(Server *server, OwnedList *list);
void restore_holds(Server *server, OwnedList *list);

/* Closes what nobody has taken. */
void restore_end(Server *server, OwnedList *list);
