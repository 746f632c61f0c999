/* The records of a listener and its connections. See listener_record.h. */
#include "daemon/listen/listener_record.h"

#include "core/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void listener_record_make(const Listener *listener, Record *out)
{
        const ListenerConfig *config = &listener->config;

        address_format(&config->address, out->address);
        out->listener = (State__Listener){
                .base = PROTOBUF_C_MESSAGE_INIT(&state__listener__descriptor),
                .name = (char *)config->name,
                .address = out->address,
                .shared = config->shared,
                .metrics = config->metrics,
                .when_readable = config->when_readable,
                .least_loaded = config->least_loaded,
                .v6_only = config->v6_only,
                .reuse_address = config->reuse_address,
                .nodelay = config->nodelay,
                .keepalive = config->keepalive,
                .backlog = config->backlog,
                .silent_ms = config->silent_ms,
                .keep_seconds = config->keep_seconds,
                .mode = config->mode,
                .configured = listener->configured,
                .user = listener->uid,
                .paused = listener->paused,
                .fixed = config->fixed,
                .directory_device = listener->file.directory_device,
                .directory_inode = listener->file.directory_inode,
                .file_device = listener->file.device,
                .file_inode = listener->file.inode,
                .bound = (char *)listener->address,
        };
        out->message = (State__Record)STATE__RECORD__INIT;
        out->message.version = RECORD_VERSION;
        out->message.body_case = STATE__RECORD__BODY_LISTENER;
        out->message.listener = &out->listener;
}

int listener_record_read_config(const State__Listener *record, ListenerConfig *out)
{
        Address address;

        /* It keeps a name that name_check_listener() allows no more: its workers know it by that.
         */
        if (!*record->name || strlen(record->name) > LISTENER_NAME_MAX ||
            address_parse(record->address, &address) < 0 || address.kind == ADDRESS_UDP ||
            address.host_is == ADDRESS_NAME)
                return error_set(EPROTO, "its record is of no listener: %.60s at %.60s",
                                 record->name, record->address);
        *out = (ListenerConfig){
                .address = address,
                .shared = record->shared,
                .metrics = record->metrics,
                .when_readable = record->when_readable,
                .least_loaded = record->least_loaded,
                .v6_only = record->v6_only,
                .reuse_address = record->reuse_address,
                .nodelay = record->nodelay,
                .keepalive = record->keepalive,
                .backlog = record->backlog,
                .silent_ms = record->silent_ms,
                .keep_seconds = record->keep_seconds,
                .mode = record->mode,
                .user = record->user,
                .fixed = record->fixed,
        };
        snprintf(out->name, sizeof(out->name), "%s", record->name);
        return 0;
}

SocketFile listener_record_read_file(const State__Listener *record)
{
        return (SocketFile){
                .directory_device = record->directory_device,
                .directory_inode = record->directory_inode,
                .device = record->file_device,
                .inode = record->file_inode,
        };
}

bool listener_record_store(DescriptorStore *store, const Listener *listener)
{
        const StoredName name = {.kind = STORED_LISTENER, .number = listener->group.number};
        Record record;

        if (!descriptor_store_is_there(store))
                return false;
        listener_record_make(listener, &record);
        return stored_name_add(store, name, listener->fd, -1, &record);
}

void listener_record_forget(DescriptorStore *store, uint64_t number)
{
        stored_name_forget(store, (StoredName){.kind = STORED_LISTENER, .number = number}, false);
}

/* ---- Connections --------------------------------------------------------------------------- */

void listener_record_make_connection(const Connection *connection, Record *out)
{
        out->connection = (State__Connection){
                .base = PROTOBUF_C_MESSAGE_INIT(&state__connection__descriptor),
                .listener = connection->group->number,
                .again = connection->again,
        };
        out->message = (State__Record)STATE__RECORD__INIT;
        out->message.version = RECORD_VERSION;
        out->message.body_case = STATE__RECORD__BODY_CONNECTION;
        out->message.connection = &out->connection;
}

/* It stays the same while it is stored. */
static StoredName name_of(const Connection *connection)
{
        return (StoredName){
                .kind = connection->again ? STORED_RETURNED : STORED_CONNECTION,
                .number = connection->number,
                .listener = connection->group->number,
        };
}

bool listener_record_store_connection(DescriptorStore *store, const Connection *connection)
{
        return stored_name_add(store, name_of(connection), connection->fd, connection->note_fd,
                               NULL);
}

void listener_record_forget_connection(DescriptorStore *store, const Connection *connection)
{
        stored_name_forget(store, name_of(connection), connection->note_fd >= 0);
}
