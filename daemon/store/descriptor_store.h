/*
 * daemon/store/: descriptors by name across lives; bytes and names only.
 *
 * DescriptorStore: systemd's, which keeps descriptors by name while the daemon is not there. What
 * is in it comes back with the next start, after a crash and a restart alike, but not after a stop.
 *
 * Each message to systemd (NotifyQueue) is one change: these descriptors under this name, or
 * nothing under it any more. A change that waits borrows the descriptors it adds; who closes them
 * removes the name first, which takes back what was not sent.
 *
 * systemd is asked not to look at the descriptors (FDPOLL=0): one whose peer has gone may have
 * bytes that nobody has read yet. It keeps no file twice, under whatever name: the second time it
 * is left out.
 *
 * Owned by the daemon, single-threaded. Without systemd there is no store, and every call does
 * nothing.
 */
#pragma once

#include "daemon/store/notify_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        /* Descriptors in it: FileDescriptorStoreMax= of the unit, with the records and notes. */
        DESCRIPTOR_STORE_MAX = 4096,
        /* Under one name. */
        DESCRIPTOR_STORE_PER_NAME_MAX = 2,
};

typedef struct DescriptorStore {
        NotifyQueue *queue;
        uint32_t max;         /* 0: there is none */
        uint32_t count;       /* of descriptors, those on their way included */
        uint64_t last_number; /* in a name */
        bool told_full;
        bool frozen;
} DescriptorStore;

/* With or without a store. */
void descriptor_store_open(DescriptorStore *store, NotifyQueue *queue);

bool descriptor_store_is_there(const DescriptorStore *store);

/*
 * Puts descriptors in under a name that has none: borrow_fds, which stay open until the name is
 * removed, and take_record unless it is -1. false: there is no store or no room for it.
 */
bool descriptor_store_add(DescriptorStore *store, const char *name, const int *borrow_fds,
                          size_t count, int take_record);
/* Takes them out: count is how many were put in, the record included. */
void descriptor_store_remove(DescriptorStore *store, const char *name, size_t count);
/* So many came back under a name, and are in it still. */
void descriptor_store_came_back(DescriptorStore *store, size_t count);

/* It stays as it is, whatever is forgotten from now on: the daemon stops, and all is to come back.
 */
void descriptor_store_freeze(DescriptorStore *store);
