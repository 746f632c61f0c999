/* Happenings in memory of fixed size. See happening_ring.h. */
#include "daemon/tell/happening_ring.h"

#include "core/address.h"
#include "proto/frame.h"

#include <assert.h>
#include <string.h>

enum {
        ALIGNMENT = _Alignof(HappeningRecord),
        STRINGS = 4,
        /* Bytes of a string of a client's that was no name. */
        NAME_LENGTH = 64,
};

/* What is longer is cut. */
static const size_t lengths_max[STRINGS] = {
        FRAME_PROGRAM_MAX,
        NAME_LENGTH,
        ADDRESS_TEXT_MAX - 1,
        ERROR_WIRE_MAX,
};

void happening_ring_init(HappeningRing *ring, void *borrow_bytes, size_t size)
{
        *ring = (HappeningRing){.borrow_bytes = borrow_bytes, .size = size};
}

/* ---- Shares -------------------------------------------------------------------------------- */

static uint64_t owner_of(const Happening *happening)
{
        return happening->owner == HAPPENING_OF_USER ? happening->uid : UINT64_MAX;
}

/* NULL: it has none. */
static HappeningShare *find_share(HappeningRing *ring, uint64_t owner)
{
        for (size_t i = 0; i < ring->n_shares; i++) {
                if (ring->shares[i].owner == owner)
                        return &ring->shares[i];
        }
        return NULL;
}

/* That it would be charged to; a new one is not in the table yet. */
static HappeningShare *choose_share(HappeningRing *ring, uint64_t owner)
{
        HappeningShare *share = find_share(ring, owner);

        if (share)
                return share;
        if (ring->n_shares == HAPPENING_SHARES_MAX)
                return &ring->others;
        share = &ring->shares[ring->n_shares];
        *share = (HappeningShare){.owner = owner};
        return share;
}

static void charge(HappeningRing *ring, HappeningShare *share, size_t size)
{
        if (share == &ring->shares[ring->n_shares])
                ring->n_shares++;
        share->used += size;
}

static void discharge(HappeningRing *ring, const HappeningRecord *record)
{
        HappeningShare *share =
                record->of_others ? &ring->others : find_share(ring, owner_of(&record->happening));

        assert(share && share->used >= record->size);
        share->used -= record->size;
        if (share->used == 0 && !record->of_others)
                *share = ring->shares[--ring->n_shares];
}

/* ---- Records ------------------------------------------------------------------------------- */

/* Where so many bytes fit behind the last record: true, with *at. */
static bool find_room(HappeningRing *ring, size_t need, size_t *at)
{
        *at = ring->end;
        if (ring->limit > 0)
                return ring->begin - ring->end >= need;
        if (ring->size - ring->end >= need)
                return true;
        if (ring->begin < need)
                return false;
        ring->limit = ring->end;
        *at = 0;
        return true;
}

bool happening_ring_put(HappeningRing *ring, const Happening *happening)
{
        const char *const strings[STRINGS] = {
                happening->program,
                happening->name,
                happening->address,
                happening->text,
        };
        size_t lengths[STRINGS], at, need = sizeof(HappeningRecord);
        const char *copies[STRINGS];
        HappeningShare *share;
        HappeningRecord *record;
        char *copy;

        for (size_t i = 0; i < STRINGS; i++) {
                lengths[i] = strings[i] ? strnlen(strings[i], lengths_max[i]) : 0;
                need += lengths[i] + 1;
        }
        need = (need + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        share = choose_share(ring, owner_of(happening));
        if (share->used + need > ring->size - happening_ring_used(ring) ||
            !find_room(ring, need, &at)) {
                ring->lost++;
                return false;
        }
        record = (HappeningRecord *)(void *)(ring->borrow_bytes + at);
        *record = (HappeningRecord){
                .size = (uint32_t)need,
                .of_others = share == &ring->others,
                .lost = ring->lost,
                .happening = *happening,
        };
        copy = (char *)(record + 1);
        for (size_t i = 0; i < STRINGS; i++) {
                copies[i] = copy;
                if (lengths[i] > 0)
                        memcpy(copy, strings[i], lengths[i]);
                copy[lengths[i]] = '\0';
                copy += lengths[i] + 1;
        }
        record->happening.program = copies[0];
        record->happening.name = copies[1];
        record->happening.address = copies[2];
        record->happening.text = copies[3];
        charge(ring, share, need);
        ring->end = at + need;
        ring->count++;
        ring->lost = 0;
        return true;
}

size_t happening_ring_used(const HappeningRing *ring)
{
        return ring->limit > 0 ? ring->limit - ring->begin + ring->end : ring->end - ring->begin;
}

static const HappeningRecord *record_at(const HappeningRing *ring, size_t at)
{
        return (const HappeningRecord *)(const void *)(ring->borrow_bytes + at);
}

const HappeningRecord *happening_ring_next(const HappeningRing *ring, const HappeningRecord *after)
{
        size_t at;

        if (ring->count == 0)
                return NULL;
        if (!after)
                return record_at(ring, ring->begin);
        at = (size_t)((const unsigned char *)after - ring->borrow_bytes) + after->size;
        if (at == ring->end)
                return NULL;
        return record_at(ring, ring->limit > 0 && at == ring->limit ? 0 : at);
}

void happening_ring_drop(HappeningRing *ring, size_t count)
{
        assert(count <= ring->count);
        for (; count > 0; count--) {
                const HappeningRecord *record = record_at(ring, ring->begin);

                discharge(ring, record);
                ring->begin += record->size;
                ring->count--;
                if (ring->limit > 0 && ring->begin == ring->limit)
                        ring->begin = ring->limit = 0;
        }
        if (ring->count == 0)
                ring->begin = ring->end = 0;
}
