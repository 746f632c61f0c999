/* What the daemon keeps for clients: how many descriptors, and closing them. See kept.h. */
#include "daemon/budget/kept.h"

#include "core/error.h"

#include <errno.h>
#include <unistd.h>

void kept_init(Kept *kept, Closer *closer, const size_t *held)
{
        *kept = (Kept){.closer = closer, .held = held};
        TAILQ_INIT(&kept->waiting);
}

void kept_add(Kept *kept)
{
        kept->count++;
}

static bool keeps_enough(const Kept *kept)
{
        return kept->count + *kept->held >= kept->max;
}

bool kept_has_room(const Kept *kept, CloserLane *lane)
{
        return !keeps_enough(kept) && !closer_is_behind(kept->closer, lane);
}

int kept_check_room(const Kept *kept, CloserLane *lane)
{
        if (keeps_enough(kept))
                return error_set(EDQUOT, "the daemon keeps %u descriptors already: try later",
                                 kept->max);
        if (closer_is_behind(kept->closer, lane))
                return error_set(EBUSY, "what was kept before takes long to close: try later");
        return 0;
}

void kept_remove(Kept *kept)
{
        bool was_full = keeps_enough(kept);

        kept->count--;
        if (was_full)
                waker_list_wake_all(&kept->waiting);
}

int kept_add_descriptor(Kept *kept, CloserLane *lane)
{
        if (closer_reserve(kept->closer, lane, 1) < 0)
                return error_set(ENOMEM, "no memory to keep a descriptor");
        kept_add(kept);
        return 0;
}

void kept_close(Kept *kept, CloserLane *lane, int take_fd)
{
        closer_push_own(kept->closer, lane, take_fd);
        kept_remove(kept);
}

void kept_close_note(Kept *kept, int take_fd)
{
        close(take_fd);
        kept_remove(kept);
}
