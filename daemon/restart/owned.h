/*
 * Owned: what an earlier run of the daemon owned, as it came, before it is taken over (restore.h).
 *
 * From systemd's store it comes by name and in any order, and is put together here: descriptor,
 * record and note. From the program that was in this process before it comes whole (handover.h).
 */
#pragma once

#include "daemon/store/stored_name.h"

typedef struct Daemon Daemon;
typedef struct State__Record State__Record;

/* One thing that came back. */
typedef struct OwnedItem {
        TAILQ_ENTRY(OwnedItem) link;
        StoredName name;
        int fd;        /* -1: it did not come, or is taken */
        int record_fd; /* the same */
        int note_fd;
        bool stored; /* in systemd's store */
        State__Record *record;
} OwnedItem;

typedef TAILQ_HEAD(OwnedList, OwnedItem) OwnedList;

/* Collects what came from the store, in order of kind and number; after the listening socket was
 * taken. What is not whole is given up. */
void owned_collect(Daemon *daemon, OwnedList *list);
/* One more, as it was in the process before; the descriptors and the record are the list's then,
 * also if it fails: 0, or -errno with error_text(). */
int owned_add(OwnedList *list, StoredName name, bool stored, int take_fd, int take_note_fd,
              State__Record *take_record);
/* Counts what is in the store. */
void owned_count(Daemon *daemon, const OwnedList *list);
/* Gives up one that cannot be used, here and in the store, and says so in the log. It is closed off
 * the loop. */
void owned_give_up(Daemon *daemon, OwnedList *list, OwnedItem *item, const char *why);
/* Closes a descriptor of one, off the loop; and no more are to be closed, for now. */
void owned_close(Daemon *daemon, int take_fd);
void owned_close_end(void);
/* Frees one that is in no list, and closes what was not taken of it. */
void owned_free(OwnedItem *item);
/* Closes what nobody has taken over; to be called also after all was. */
void owned_end(OwnedList *list);
