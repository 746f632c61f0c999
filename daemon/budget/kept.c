/* What the daemon keeps for clients: how many descriptors, and closing them. See kept.h. */
#include "daemon/budget/kept.h"

#include "core/error.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

void kept_init(Kept *kept, Closer *closer, const size_t *held)
{
        *kept = (Kept){.closer = closer, .held = held};
        TAILQ_INIT(&kept->waiting);
}

static Share share_of(const Kept *kept)
{
        return (Share){.used = kept->count + *kept->held, .max = kept->max};
}

void kept_add(Kept *kept, uint64_t *mine)
{
        kept->count++;
        ++*mine;
}

void kept_remove(Kept *kept, uint64_t *mine)
{
        assert(kept->count > 0 && *mine > 0);
        kept->count--;
        --*mine;
        /* Whose share has no room all the same looks again after a while. */
        waker_list_wake_first(&kept->waiting);
}

bool kept_has_room(const Kept *kept, uint64_t mine, CloserLane *lane, uint32_t n)
{
        const Share share = share_of(kept);

        return share_has_room(&share, mine, n) && !closer_is_behind(kept->closer, lane);
}

int kept_check_room(const Kept *kept, uint64_t mine, CloserLane *lane, uint32_t n)
{
        const Share share = share_of(kept);
        int r = share_check(&share, mine, n, "kept descriptors", "end some");

        if (r == 0 && closer_is_behind(kept->closer, lane))
                r = error_set(EBUSY, "what was kept before takes long to close: try later");
        return r;
}

int kept_add_descriptor(Kept *kept, uint64_t *mine, CloserLane *lane)
{
        if (closer_reserve(kept->closer, lane, 1) < 0)
                return error_set(ENOMEM, "no memory to keep a descriptor");
        kept_add(kept, mine);
        return 0;
}

void kept_close(Kept *kept, uint64_t *mine, CloserLane *lane, int take_fd)
{
        closer_push_own(kept->closer, lane, take_fd);
        kept_remove(kept, mine);
}

void kept_close_note(Kept *kept, uint64_t *mine, int take_fd)
{
        close(take_fd);
        kept_remove(kept, mine);
}
