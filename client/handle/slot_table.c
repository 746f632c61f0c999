/* The handle's registrations by slot. See slot_table.h. */
#include "client/handle/slot_table.h"

#include "core/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { FIRST_SIZE = 64 };

void slot_table_init(SlotTable *table, uint32_t limit)
{
        *table = (SlotTable){.first_free = SLOT_NONE, .first_retired = SLOT_NONE};
        slot_table_set_limit(table, limit);
}

void slot_table_deinit(SlotTable *table)
{
        free(table->slots);
        table->slots = NULL;
        table->size = 0;
}

static void push_free(SlotTable *table, uint32_t slot)
{
        table->slots[slot].next = table->first_free;
        table->first_free = slot;
}

void slot_table_set_limit(SlotTable *table, uint32_t limit)
{
        table->limit = limit < IO_ID_SLOT_MAX ? limit : IO_ID_SLOT_MAX;
        table->first_free = SLOT_NONE;
        for (uint32_t slot = table->size; slot-- > 0;) {
                if (slot < table->limit && !table->slots[slot].registration &&
                    !table->slots[slot].is_retired)
                        push_free(table, slot);
        }
}

bool slot_table_is_past_limit(const SlotTable *table, IoId id)
{
        return io_id_slot(id) >= table->limit;
}

static int grow(SlotTable *table)
{
        uint32_t size = table->size ? table->size * 2 : FIRST_SIZE;
        Slot *slots;

        if (size > table->limit)
                size = table->limit;
        if (size <= table->size)
                return error_set(EDQUOT, "this session has all the %u registrations it may have",
                                 table->limit);
        slots = realloc(table->slots, size * sizeof(*slots));
        if (!slots)
                return error_set(ENOMEM, "no memory for another registration");
        table->slots = slots;
        for (uint32_t slot = size; slot-- > table->size;) {
                slots[slot] = (Slot){.registration = NULL};
                push_free(table, slot);
        }
        table->size = size;
        return 0;
}

int slot_table_take(SlotTable *table, KyronAsyncRegistration *registration, IoId *id)
{
        uint32_t slot;
        int r;

        if (table->first_free == SLOT_NONE) {
                r = grow(table);
                if (r < 0)
                        return r;
        }
        slot = table->first_free;
        table->first_free = table->slots[slot].next;
        table->slots[slot].registration = registration;
        table->count++;
        table->slots[slot].generation =
                io_id_next_generation(table->slots[slot].generation) & IO_ID_GENERATION_MAX;
        *id = io_id_make(slot, table->slots[slot].generation);
        return 0;
}

bool slot_table_has_room(const SlotTable *table)
{
        return table->first_free != SLOT_NONE || table->size < table->limit;
}

/* Nobody has it any more. One past the limit stays out of the list. */
static void set_free(SlotTable *table, uint32_t slot)
{
        table->slots[slot].registration = NULL;
        table->slots[slot].is_retired = false;
        if (slot < table->limit)
                push_free(table, slot);
}

void slot_table_give_back(SlotTable *table, const KyronAsyncRegistration *registration, IoId *id)
{
        assert(registration && slot_table_recreate(table, *id) == registration);
        (void)registration;
        table->count--;
        set_free(table, io_id_slot(*id));
        *id = IO_ID_NONE;
}

void slot_table_retire(SlotTable *table, const KyronAsyncRegistration *registration, IoId *id)
{
        Slot *slot = &table->slots[io_id_slot(*id)];

        assert(registration && slot_table_recreate(table, *id) == registration);
        (void)registration;
        table->count--;
        slot->registration = NULL;
        slot->is_retired = true;
        slot->next = table->first_retired;
        table->first_retired = io_id_slot(*id);
        *id = IO_ID_NONE;
}

size_t slot_table_retired(const SlotTable *table, IoId *ids, size_t max)
{
        size_t count = 0;

        for (uint32_t slot = table->first_retired; slot != SLOT_NONE && count < max;
             slot = table->slots[slot].next)
                ids[count++] = io_id_make(slot, table->slots[slot].generation);
        return count;
}

void slot_table_give_back_retired(SlotTable *table, size_t count)
{
        while (count-- > 0) {
                uint32_t slot = table->first_retired;

                table->first_retired = table->slots[slot].next;
                set_free(table, slot);
        }
}

KyronAsyncRegistration *slot_table_recreate(const SlotTable *table, IoId id)
{
        uint32_t slot = io_id_slot(id);

        if (slot >= table->size || table->slots[slot].generation != io_id_generation(id))
                return NULL;
        return table->slots[slot].registration;
}
