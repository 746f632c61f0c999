/* The handle's registrations by slot. See slot_table.h. */
#include "client/handle/slot_table.h"

#include "core/error.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_SIZE = 64 };

void slot_table_init(SlotTable *table, uint32_t limit)
{
        *table = (SlotTable){.first_free = SLOT_NONE, .first_retired = SLOT_NONE};
        slot_table_set_limit(table, limit);
}

void slot_table_set_limit(SlotTable *table, uint32_t limit)
{
        table->limit = limit < IO_ID_SLOT_MAX ? limit : IO_ID_SLOT_MAX;
}

void slot_table_deinit(SlotTable *table)
{
        free(table->slots);
        table->slots = NULL;
        table->size = 0;
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
        for (uint32_t slot = size; slot-- > table->size;) {
                slots[slot] = (Slot){.next_free = table->first_free};
                table->first_free = slot;
        }
        table->slots = slots;
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
        table->first_free = table->slots[slot].next_free;
        table->slots[slot].registration = registration;
        table->slots[slot].generation = io_id_next_generation(table->slots[slot].generation);
        *id = io_id_make(slot, table->slots[slot].generation);
        return 0;
}

void slot_table_give_back(SlotTable *table, IoId id)
{
        Slot *slot = &table->slots[io_id_slot(id)];

        slot->registration = NULL;
        slot->next_free = table->first_free;
        table->first_free = io_id_slot(id);
}

void slot_table_retire(SlotTable *table, IoId id)
{
        Slot *slot = &table->slots[io_id_slot(id)];

        slot->registration = NULL;
        slot->next_free = table->first_retired;
        table->first_retired = io_id_slot(id);
}

size_t slot_table_retired(const SlotTable *table, IoId *ids, size_t max)
{
        size_t count = 0;

        for (uint32_t slot = table->first_retired; slot != SLOT_NONE && count < max;
             slot = table->slots[slot].next_free)
                ids[count++] = io_id_make(slot, table->slots[slot].generation);
        return count;
}

void slot_table_give_back_retired(SlotTable *table, size_t count)
{
        while (count-- > 0) {
                uint32_t slot = table->first_retired;

                table->first_retired = table->slots[slot].next_free;
                slot_table_give_back(table, io_id_make(slot, table->slots[slot].generation));
        }
}

KyronAsyncRegistration *slot_table_recreate(const SlotTable *table, IoId id)
{
        uint32_t slot = io_id_slot(id);

        if (slot >= table->size || table->slots[slot].generation != io_id_generation(id))
                return NULL;
        return table->slots[slot].registration;
}
