/* A session's registrations by slot. See registration_set.h. */
#include "daemon/driver/registration_set.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t chunk_count(const RegistrationSet *set)
{
        return (set->limit + REGISTRATION_SET_CHUNK - 1) / REGISTRATION_SET_CHUNK;
}

void registration_set_init(RegistrationSet *set, uint32_t limit)
{
        *set = (RegistrationSet){.selector = SELECTOR_INIT, .limit = limit};
}

void registration_set_deinit(RegistrationSet *set)
{
        selector_close(&set->selector);
        if (set->chunks) {
                for (uint32_t i = 0; i < chunk_count(set); i++)
                        free(set->chunks[i]);
        }
        free(set->chunks);
        set->chunks = NULL;
}

static RegistrationInfo *slot_info(const RegistrationSet *set, uint32_t slot)
{
        RegistrationInfo *chunk;

        if (slot >= set->limit || !set->chunks)
                return NULL;
        chunk = set->chunks[slot / REGISTRATION_SET_CHUNK];
        return chunk ? &chunk[slot % REGISTRATION_SET_CHUNK] : NULL;
}

RegistrationInfo *registration_set_recreate(const RegistrationSet *set, IoId id)
{
        RegistrationInfo *info = slot_info(set, io_id_slot(id));

        if (!info || !info->in_use || info->generation != io_id_generation(id))
                return NULL;
        return info;
}

static int grow_to(RegistrationSet *set, uint32_t slot)
{
        RegistrationInfo **chunk;

        if (!set->chunks) {
                set->chunks = calloc(chunk_count(set), sizeof(*set->chunks));
                if (!set->chunks)
                        return -ENOMEM;
        }
        chunk = &set->chunks[slot / REGISTRATION_SET_CHUNK];
        if (!*chunk) {
                *chunk = calloc(REGISTRATION_SET_CHUNK, sizeof(**chunk));
                if (!*chunk)
                        return -ENOMEM;
        }
        return 0;
}

/* Generations wrap at 24 bits: later means less than half the circle ahead. */
static bool generation_is_later(uint32_t generation, uint32_t than)
{
        uint32_t ahead = (generation - than) & IO_ID_GENERATION_MAX;

        return than == 0 || (ahead != 0 && ahead <= IO_ID_GENERATION_MAX / 2);
}

int registration_set_claim(RegistrationSet *set, IoId id, RegistrationInfo **out)
{
        uint32_t slot = io_id_slot(id);
        uint32_t generation = io_id_generation(id);
        RegistrationInfo *info;

        if (slot >= set->limit)
                return error_set(EDQUOT, "slot %u is past the limit of %u registrations a session",
                                 slot, set->limit);
        if (generation == 0)
                return error_set(EINVAL, "slot %u came with generation 0: generations start at 1",
                                 slot);
        if (grow_to(set, slot) < 0)
                return error_set(ENOMEM, "no memory for another registration");
        info = slot_info(set, slot);
        if (!generation_is_later(generation, info->generation))
                return error_set(ESTALE, "slot %u generation %u is stale: the slot has come to %u",
                                 slot, generation, info->generation);
        *out = info;
        return 0;
}

bool registration_set_is_occupied(const RegistrationSet *set, IoId id)
{
        const RegistrationInfo *info = slot_info(set, io_id_slot(id));

        return info && info->in_use;
}

void registration_set_use(RegistrationSet *set, RegistrationInfo *info, RegistrationInfo value)
{
        if (info->in_use)
                registration_set_forget(set, info);
        *info = value;
        info->in_use = true;
        info->mark = set->mark;
        set->count++;
        set->watches++;
}

void registration_set_forget(RegistrationSet *set, RegistrationInfo *info)
{
        RegistrationOwner *owner = STEAL_PTR(info->owner);

        info->in_use = false;
        set->count--;
        if (owner)
                owner->forgotten(owner);
}

void registration_set_withdraw(RegistrationSet *set, RegistrationInfo *info)
{
        info->owner = NULL;
        info->in_use = false;
        /* Any earlier one would do; the first has none but "never used". */
        info->generation--;
        set->count--;
}

RegistrationInfo *registration_set_next(const RegistrationSet *set, uint32_t *slot)
{
        while (*slot < set->limit && set->chunks) {
                RegistrationInfo *info = slot_info(set, *slot);

                if (!info) {
                        *slot = (*slot / REGISTRATION_SET_CHUNK + 1) * REGISTRATION_SET_CHUNK;
                        continue;
                }
                if (info->in_use)
                        return info;
                (*slot)++;
        }
        return NULL;
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

bool registration_set_forget_unmarked(RegistrationSet *set, uint32_t *slot, uint32_t slots,
                                      uint32_t forget)
{
        uint32_t end = set->limit - *slot > slots ? *slot + slots : set->limit;
        RegistrationInfo *info;

        for (; (info = registration_set_next(set, slot)) && *slot < end && forget > 0; (*slot)++) {
                if (info->mark != set->mark) {
                        registration_set_forget(set, info);
                        forget--;
                }
        }
        return !info;
}
