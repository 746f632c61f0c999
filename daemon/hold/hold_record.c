/* A hold's record. See hold_record.h. */
#include "daemon/hold/hold_record.h"

void hold_record_make(const Hold *hold, Record *out)
{
        out->hold = (State__Hold){
                .base = PROTOBUF_C_MESSAGE_INIT(&state__hold__descriptor),
                .user = hold->user->uid,
                .name = (char *)hold->name,
                .held_at_ms = hold->held_at_ms,
                .expires_at_ms = hold->expires_at_ms,
                .since = hold->since,
                .session = hold->session,
                .pid = hold->pid,
                .program = (char *)hold->program,
                .note_size = hold->note_size,
        };
        out->message = (State__Record)STATE__RECORD__INIT;
        out->message.version = RECORD_VERSION;
        out->message.body_case = STATE__RECORD__BODY_HOLD;
        out->message.hold = &out->hold;
}

bool hold_record_store(DescriptorStore *store, const Hold *hold)
{
        Record record;

        if (!descriptor_store_is_there(store))
                return false;
        hold_record_make(hold, &record);
        return stored_name_add(store, (StoredName){.kind = STORED_HOLD, .number = hold->number},
                               hold->fd, hold->note_fd, &record);
}

void hold_record_forget(DescriptorStore *store, uint64_t number, bool has_note)
{
        stored_name_forget(store, (StoredName){.kind = STORED_HOLD, .number = number}, has_note);
}
