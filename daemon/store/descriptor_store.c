/* systemd's store of descriptors. See descriptor_store.h. */
#include "daemon/store/descriptor_store.h"

#include "core/cleanup.h"
#include "daemon/process/log.h"
#include "daemon/process/service_manager.h"

#include <stdio.h>

enum { TEXT_MAX = SERVICE_MANAGER_NAME_MAX + 64 };

void descriptor_store_open(DescriptorStore *store, NotifyQueue *queue)
{
        *store = (DescriptorStore){.queue = queue};
        if (notify_queue_is_there(queue))
                store->max = service_manager_store_max(DESCRIPTOR_STORE_MAX);
}

bool descriptor_store_is_there(const DescriptorStore *store)
{
        return store->max > 0 && !store->frozen;
}

static bool has_room(DescriptorStore *store, size_t count)
{
        if (count <= store->max && store->count <= store->max - count)
                return true;
        if (!store->told_full)
                log_daemon(LOG_WARNING,
                           "systemd keeps %u descriptors for the next start: no more will outlive "
                           "this daemon",
                           store->count);
        store->told_full = true;
        return false;
}

bool descriptor_store_add(DescriptorStore *store, const char *name, const int *borrow_fds,
                          size_t count, int take_record)
{
        CLEANUP(cleanup_close) int record = take_record;
        size_t all = count + (record >= 0);
        char text[TEXT_MAX];

        if (!descriptor_store_is_there(store) || count > DESCRIPTOR_STORE_PER_NAME_MAX ||
            !has_room(store, all))
                return false;
        snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
        if (notify_queue_put(store->queue, name, text, borrow_fds, count, STEAL_FD(record)) < 0)
                return false;
        store->count += (uint32_t)all;
        return true;
}

void descriptor_store_remove(DescriptorStore *store, const char *name, size_t count)
{
        char text[TEXT_MAX];

        if (!descriptor_store_is_there(store))
                return;
        store->count -= (uint32_t)count;
        if (store->count < store->max / 2)
                store->told_full = false;
        if (notify_queue_take_back(store->queue, name))
                return;
        snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
        if (notify_queue_put(store->queue, NULL, text, NULL, 0, -1) < 0)
                log_daemon(LOG_WARNING, "no memory to take %s from systemd's store", name);
}

void descriptor_store_came_back(DescriptorStore *store, size_t count)
{
        store->count += (uint32_t)count;
}

void descriptor_store_freeze(DescriptorStore *store)
{
        store->frozen = true;
}
