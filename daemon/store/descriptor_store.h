/*
 * daemon/store/: descriptors by name across lives; bytes and names only.
 *
 * DescriptorStore: systemd's, which keeps descriptors by name while the daemon is not there. What
 * is in it comes back with the next start, after a crash and a restart alike, but not after a stop.
 *
 * Each message to systemd is one change: these descriptors under this name, or nothing under it any
 * more. The loop never waits for systemd: what cannot be sent waits here, in order, until it can.
 * A change that waits borrows the descriptors it adds; who closes them removes the name first,
 * which takes back what was not sent.
 *
 * systemd is asked not to look at the descriptors (FDPOLL=0): one whose peer has gone may have
 * bytes that nobody has read yet. It keeps no file twice, under whatever name: the second time it
 * is left out.
 *
 * Owned by the daemon, single-threaded. Without systemd there is no store, and every call does
 * nothing.
 */
#pragma once

#include "daemon/loop/loop_event.h"
#include "daemon/process/service_manager.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum {
        /* Descriptors in it: FileDescriptorStoreMax= of the unit, with the records and notes. */
        DESCRIPTOR_STORE_MAX = 4096,
        /* Under one name. */
        DESCRIPTOR_STORE_PER_NAME_MAX = 2,
        /* How long settling may take. */
        DESCRIPTOR_STORE_SETTLE_MS = 1000,
};

typedef struct StoreChange StoreChange;
typedef TAILQ_HEAD(StoreChangeList, StoreChange) StoreChangeList;

typedef struct DescriptorStore {
        int fd;              /* -1: there is none */
        LoopEvent *writable; /* while changes wait */
        LoopEvent *again;    /* the kernel was short of something */
        StoreChangeList changes;
        uint32_t count; /* of descriptors, those on their way included */
        uint32_t max;
        uint64_t last_number; /* in a name */
        bool told_full;
        bool frozen;
} DescriptorStore;

/* 0, with or without a store; or -errno with error_text(). */
int descriptor_store_open(DescriptorStore *store, Loop *loop);
void descriptor_store_close(DescriptorStore *store);

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

/* Sends what waits. false: systemd did not take everything in time. */
bool descriptor_store_settle(DescriptorStore *store);
/* Sends what waits, and closes it: it stays as it is, whatever is forgotten from now on. The daemon
 * stops, and all is to come back. false: systemd did not take everything in time. */
bool descriptor_store_freeze(DescriptorStore *store);
