/* Holds on their way to systemd's store. See hold_store.h. */
#include "daemon/hold/hold_store.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/share.h"
#include "daemon/hold/hold_record.h"

#include <assert.h>
#include <errno.h>

/* With its record, and its note. */
static uint32_t descriptors_of(const Hold *hold)
{
        return hold->note_fd >= 0 ? 3 : 2;
}

static bool is_in_pace(HoldSet *set, const Hold *hold)
{
        return session_rate_take(&set->stores, hold->user->uid, HOLD_STORES_PER_SECOND,
                                 HOLD_STORES_AT_ONCE, clock_now_ns());
}

static void store(HoldSet *set, Hold *hold)
{
        const Share share = {.used = set->store->count, .max = set->store->max};
        uint32_t n = descriptors_of(hold);

        hold->stored = share_has_room(&share, hold->user->stored, n) &&
                       hold_record_store(set->store, hold);
        if (hold->stored)
                hold->user->stored += n;
}

static void arm(HoldSet *set)
{
        const struct timeval tick = {.tv_usec = HOLD_STORE_TICK_MS * 1000};

        if (!TAILQ_EMPTY(&set->unstored) && !loop_event_is_added(set->store_tick))
                loop_event_add(set->store_tick, &tick);
}

static void unlist(HoldSet *set, Hold *hold)
{
        if (hold->unstored)
                TAILQ_REMOVE(&set->unstored, hold, unstored_link);
        hold->unstored = false;
}

static void on_tick(evutil_socket_t fd, short what, void *data)
{
        HoldSet *set = data;
        Hold *hold;

        (void)fd;
        (void)what;
        /* Who is not in pace goes behind the others. */
        for (int i = 0; i < HOLD_STORES_PER_TICK && (hold = TAILQ_FIRST(&set->unstored)); i++) {
                unlist(set, hold);
                if (is_in_pace(set, hold)) {
                        store(set, hold);
                } else {
                        hold->unstored = true;
                        TAILQ_INSERT_TAIL(&set->unstored, hold, unstored_link);
                }
        }
        arm(set);
}

int hold_store_open(HoldSet *set, Loop *loop)
{
        TAILQ_INIT(&set->unstored);
        set->store_tick = loop_timer_new(loop, on_tick, set);
        return set->store_tick ? 0 : error_set(ENOMEM, "no memory for the holds' timer");
}

void hold_store_close(HoldSet *set)
{
        assert(TAILQ_EMPTY(&set->unstored));
        set->store_tick = loop_event_free(set->store_tick);
}

void hold_store_begin(HoldSet *set, Hold *hold)
{
        hold->unstored = false;
        if (hold->stored) {
                hold->user->stored += descriptors_of(hold);
                return;
        }
        if (!set->store || !descriptor_store_is_there(set->store))
                return;
        if (is_in_pace(set, hold)) {
                store(set, hold);
                return;
        }
        hold->unstored = true;
        TAILQ_INSERT_TAIL(&set->unstored, hold, unstored_link);
        arm(set);
}

void hold_store_end(HoldSet *set, Hold *hold)
{
        unlist(set, hold);
        if (hold->stored)
                hold->user->stored -= descriptors_of(hold);
}

void hold_store_all(HoldSet *set)
{
        Hold *hold;

        while ((hold = TAILQ_FIRST(&set->unstored))) {
                unlist(set, hold);
                store(set, hold);
        }
}
