/* A session's registrations by slot. See registration_set.h. */
#include "daemon/driver/registration_set.h"

#include "core/error.h"

#include <errno.h>

void registration_set_init(RegistrationSet *set, uint32_t limit)
{
        *set = (RegistrationSet){.selector = SELECTOR_INIT, .limit = limit};
        registration_map_init(&set->map, limit);
}

void registration_set_deinit(RegistrationSet *set)
{
        selector_close(&set->selector);
        registration_map_deinit(&set->map);
}

/* The slot's, of whichever generation; NULL: it is free. */
static RegistrationInfo *slot_info(const RegistrationSet *set, IoId id)
{
        uint32_t slot = io_id_slot(id);

        return slot < set->limit ? registration_map_find(&set->map, slot) : NULL;
}

RegistrationInfo *registration_set_recreate(const RegistrationSet *set, IoId id)
{
        RegistrationInfo *info = slot_info(set, id);

        return info && info->generation == io_id_generation(id) ? info : NULL;
}

/* Generations wrap at 24 bits: later means less than half the circle ahead. */
static bool generation_is_later(uint32_t generation, uint32_t than)
{
        uint32_t ahead = (generation - than) & IO_ID_GENERATION_MAX;

        return ahead != 0 && ahead <= IO_ID_GENERATION_MAX / 2;
}

int registration_set_check(const RegistrationSet *set, IoId id)
{
        uint32_t slot = io_id_slot(id);
        uint32_t generation = io_id_generation(id);
        const RegistrationInfo *info;

        if (slot >= set->limit)
                return error_set(EDQUOT, "slot %u is past the limit of %u registrations a session",
                                 slot, set->limit);
        if (generation == 0)
                return error_set(EINVAL, "slot %u came with generation 0: generations start at 1",
                                 slot);
        info = slot_info(set, id);
        if (info && !generation_is_later(generation, info->generation))
                return error_set(ESTALE, "slot %u generation %u is stale: the slot has come to %u",
                                 slot, generation, info->generation);
        return 0;
}

bool registration_set_is_occupied(const RegistrationSet *set, IoId id)
{
        return slot_info(set, id);
}

static void tell_owner(RegistrationOwner *owner)
{
        if (owner)
                owner->forgotten(owner);
}

int registration_set_use(RegistrationSet *set, IoId id, RegistrationInfo value)
{
        RegistrationInfo *older = slot_info(set, id);

        value.generation = io_id_generation(id) & IO_ID_GENERATION_MAX;
        value.mark = set->mark;
        value.made = value.told = registration_info_now();
        if (older) {
                RegistrationOwner *owner = older->owner;

                *older = value;
                set->watches += !value.unwatched;
                tell_owner(owner);
                return 0;
        }
        if (registration_map_insert(&set->map, io_id_slot(id), &value) < 0)
                return error_set(ENOMEM, "no memory for another registration");
        set->watches += !value.unwatched;
        set->count++;
        return 0;
}

void registration_set_forget(RegistrationSet *set, IoId id)
{
        const RegistrationInfo *info = registration_set_recreate(set, id);
        RegistrationOwner *owner = info ? info->owner : NULL;

        registration_set_withdraw(set, id);
        tell_owner(owner);
}

void registration_set_withdraw(RegistrationSet *set, IoId id)
{
        if (!registration_set_recreate(set, id))
                return;
        registration_map_remove(&set->map, io_id_slot(id));
        set->count--;
}

RegistrationInfo *registration_set_next(const RegistrationSet *set, uint32_t *slot)
{
        return registration_map_next(&set->map, slot);
}

/* ---- Reconciling with the kernel ----------------------------------------------------------- */

void registration_set_begin_marking(RegistrationSet *set)
{
        set->mark = !set->mark;
}

void registration_set_mark_live(RegistrationSet *set, const IoId *ids, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                RegistrationInfo *info = registration_set_recreate(set, ids[i]);

                if (info)
                        info->mark = set->mark;
        }
}

bool registration_set_forget_unmarked(RegistrationSet *set, uint32_t *slot, uint32_t looks,
                                      uint32_t forget)
{
        for (; looks > 0 && forget > 0; looks--, (*slot)++) {
                const RegistrationInfo *info = registration_set_next(set, slot);

                if (!info)
                        return true;
                if (info->unwatched || info->mark == set->mark)
                        continue;
                registration_set_forget(set, io_id_make(*slot, info->generation));
                forget--;
        }
        return false;
}

/* ---- Without the kernel -------------------------------------------------------------------- */

bool registration_set_watch_no_more(RegistrationSet *set, uint32_t *slot, uint32_t looks)
{
        for (; looks > 0; looks--, (*slot)++) {
                RegistrationInfo *info = registration_set_next(set, slot);

                if (!info)
                        return true;
                if (info->owner) {
                        info->unwatched = true;
                        info->readiness = 0;
                } else if (!info->unwatched) {
                        registration_set_forget(set, io_id_make(*slot, info->generation));
                }
        }
        return false;
}
