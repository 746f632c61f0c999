/*
 * What the daemon does in many turns, at once: registrations whose files the kernel does not have
 * any more are forgotten. 0 or -errno.
 */
#pragma once

#include "daemon/driver/live_entries.h"
#include "daemon/driver/registration_set.h"

static inline int reconcile(RegistrationSet *set)
{
        LiveEntries live;
        uint32_t slot = 0;
        int r = live_entries_read(&live, set->selector.epoll_fd);

        if (r < 0)
                return r;
        registration_set_begin_marking(set);
        registration_set_mark_live(set, live.ids, live.count);
        while (!registration_set_forget_unmarked(set, &slot, 64, 3))
                ;
        set->watches = live.count;
        live_entries_release(&live);
        return 0;
}
