/*
 * HoldRecord: what of a hold outlives the daemon: its descriptor with a record of it, and its note.
 */
#pragma once

#include "daemon/hold/hold.h"
#include "daemon/store/record.h"
#include "daemon/store/stored_name.h"

/* The record is of the hold's, which has to stay as long. */
void hold_record_make(const Hold *hold, Record *out);

/* Whether it is in the store now, or on its way there. It has to be forgotten before its
 * descriptors are closed. */
bool hold_record_store(DescriptorStore *store, const Hold *hold);
void hold_record_forget(DescriptorStore *store, uint64_t number, bool has_note);
