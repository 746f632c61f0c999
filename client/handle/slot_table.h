/*
 * SlotTable: the handle's registrations by slot. The client's side of recreating a registration
 * from an IoId: a slot that was freed and used again has another generation.
 *
 * A slot belongs to the registration that took it, which has its id, and is given back once: by who
 * has it, and the id is IO_ID_NONE then. Whatever the daemon says of an id, nobody else's slot is
 * given back with it.
 *
 * A slot whose end the daemon has to be told of without fail is retired first, and free only once
 * that was sent.
 *
 * The next daemon may allow fewer. Slots past its limit stay with who has them, or are exchanged
 * for lower ones; none of them is given out.
 *
 * Slots are reused last-freed first, which keeps the numbers low and the daemon's table small.
 * Guarded by the handle's lock.
 */
#pragma once

#include "client/kyron.h"
#include "core/io_id.h"

typedef struct Slot {
        KyronAsyncRegistration *registration; /* who has it; NULL: nobody */
        uint32_t generation : 24;
        bool is_retired : 1;
        uint32_t next; /* free or retired one: a slot, or SLOT_NONE */
} Slot;

#define SLOT_NONE UINT32_MAX

typedef struct SlotTable {
        Slot *slots;
        uint32_t size;  /* allocated */
        uint32_t limit; /* as the daemon allows */
        uint32_t count; /* that somebody has */
        uint32_t first_free;
        uint32_t first_retired; /* not to be used before the daemon was told */
} SlotTable;

void slot_table_init(SlotTable *table, uint32_t limit);
void slot_table_deinit(SlotTable *table);
/* As the daemon allows; what there is of more stays. */
void slot_table_set_limit(SlotTable *table, uint32_t limit);
bool slot_table_is_past_limit(const SlotTable *table, IoId id);

/* Takes a slot for registration. 0 with *id, or -EDQUOT or -ENOMEM with error_text(). */
int slot_table_take(SlotTable *table, KyronAsyncRegistration *registration, IoId *id);
/* Whether there is one to be taken, if there is memory. */
bool slot_table_has_room(const SlotTable *table);
/* Gives it back, by who has it; the id finds nothing from then on. *id: IO_ID_NONE then. */
void slot_table_give_back(SlotTable *table, const KyronAsyncRegistration *registration, IoId *id);

/* Ends it, by who has it; the id finds nothing from then on, but its slot is not free yet. *id as
 * above. */
void slot_table_retire(SlotTable *table, const KyronAsyncRegistration *registration, IoId *id);
/* Up to max ids of retired ones; and gives the first count of them back. */
size_t slot_table_retired(const SlotTable *table, IoId *ids, size_t max);
void slot_table_give_back_retired(SlotTable *table, size_t count);

/* The registration that id names, or NULL. */
KyronAsyncRegistration *slot_table_recreate(const SlotTable *table, IoId id);
