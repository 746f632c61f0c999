/* Records of what the daemon owns. See state.h. */
#include "daemon/store/record.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

void state_of_listener(const Listener *listener, StateRecord *out)
{
        const ListenerConfig *config = &listener->config;

        address_format(&config->address, out->address);
        out->listener = (State__Listener){
                .base = PROTOBUF_C_MESSAGE_INIT(&state__listener__descriptor),
                .name = (char *)config->name,
                .address = out->address,
                .shared = config->shared,
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
        };
        out->record = (State__Record)STATE__RECORD__INIT;
        out->record.version = STATE_VERSION;
        out->record.body_case = STATE__RECORD__BODY_LISTENER;
        out->record.listener = &out->listener;
}

void state_of_hold(const Hold *hold, StateRecord *out)
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
        out->record = (State__Record)STATE__RECORD__INIT;
        out->record.version = STATE_VERSION;
        out->record.body_case = STATE__RECORD__BODY_HOLD;
        out->record.hold = &out->hold;
}

void state_of_connection(const Connection *connection, StateRecord *out)
{
        out->connection = (State__Connection){
                .base = PROTOBUF_C_MESSAGE_INIT(&state__connection__descriptor),
                .listener = connection->listener->number,
                .again = connection->again,
        };
        out->record = (State__Record)STATE__RECORD__INIT;
        out->record.version = STATE_VERSION;
        out->record.body_case = STATE__RECORD__BODY_CONNECTION;
        out->record.connection = &out->connection;
}

/* ---- To and from a memfd ------------------------------------------------------------------- */

int state_seal_bytes(const void *bytes, size_t size)
{
        CLEANUP(cleanup_close) int fd = memfd_create("kyron-iod", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        if (fd < 0)
                return error_set(errno, "no memfd for a record: %s", strerror(errno));
        if (write(fd, bytes, size) != (ssize_t)size)
                return error_set(ENOMEM, "no memory for a record");
        if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
                return error_set(errno, "a record cannot be sealed: %s", strerror(errno));
        return STEAL_FD(fd);
}

int state_seal(const StateRecord *record)
{
        uint8_t bytes[STATE_RECORD_MAX];
        size_t size = state__record__get_packed_size(&record->record);

        if (size > sizeof(bytes))
                return error_set(EMSGSIZE, "a record of %zu bytes is too long", size);
        state__record__pack(&record->record, bytes);
        return state_seal_bytes(bytes, size);
}

int state_check_sealed(int borrow_fd, size_t size_max, size_t *size)
{
        int seals = fcntl(borrow_fd, F_GET_SEALS);
        struct stat file;

        if (seals < 0 || (seals & SEALS) != SEALS || fstat(borrow_fd, &file) < 0)
                return error_set(EINVAL, "its record is no sealed memfd");
        if (file.st_size <= 0 || (uint64_t)file.st_size > size_max)
                return error_set(EINVAL, "its record is %lld bytes long", (long long)file.st_size);
        *size = (size_t)file.st_size;
        return 0;
}

int state_read(int borrow_fd, State__Record **out)
{
        uint8_t bytes[STATE_RECORD_MAX];
        State__Record *record;
        size_t size;
        int r = state_check_sealed(borrow_fd, sizeof(bytes), &size);

        if (r < 0)
                return r;
        if (pread(borrow_fd, bytes, size, 0) != (ssize_t)size)
                return error_set(EIO, "its record cannot be read");
        record = state__record__unpack(NULL, size, bytes);
        if (!record)
                return error_set(EPROTO, "its record cannot be decoded");
        if (record->version != STATE_VERSION) {
                r = error_set(EPROTO, "its record has version %u, and %d is understood",
                              record->version, STATE_VERSION);
                state_free(record);
                return r;
        }
        *out = record;
        return 0;
}

State__Record *state_free(State__Record *record)
{
        if (record)
                state__record__free_unpacked(record, NULL);
        return NULL;
}

int state_to_listener_config(const State__Listener *record, ListenerConfig *out)
{
        Address address;

        /* A client's may have any printable name, and the configuration checks its own. */
        if (!*record->name || strlen(record->name) >= CONFIG_NAME_MAX ||
            address_parse(record->address, &address) < 0 || address.kind == ADDRESS_UDP ||
            address.host_is == ADDRESS_NAME)
                return error_set(EPROTO, "its record is of no listener: %.60s at %.60s",
                                 record->name, record->address);
        *out = (ListenerConfig){
                .address = address,
                .shared = record->shared,
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
        };
        snprintf(out->name, sizeof(out->name), "%s", record->name);
        return 0;
}
