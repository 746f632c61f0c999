/* What one program hands over to the next. See handover_state.h. */
#include "daemon/restart/handover_state.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "core/sealed_bytes.h"
#include "daemon/daemon.h"
#include "daemon/hold/hold_record.h"
#include "daemon/listen/listener_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

/* A state being made. The arrays are as long as can be needed. */
typedef struct Making {
        State__State state;
        State__Socket socket;
        size_t room;
        State__Owned *owned;
        State__Owned **pointers;
        Record *records;
} Making;

static void free_making(Making *making)
{
        free(making->owned);
        free(making->pointers);
        free(making->records);
}

/* One more; its record is to be filled in. NULL: there is no room, which cannot be. */
static Record *add(Making *making, uint64_t number, int fd, int note_fd, bool stored)
{
        size_t i = making->state.n_owned;
        State__Owned *owned = &making->owned[i];

        if (i >= making->room)
                return NULL;
        making->state.n_owned++;
        making->pointers[i] = owned;
        *owned = (State__Owned)STATE__OWNED__INIT;
        owned->number = number;
        owned->fd = fd;
        owned->note_fd = note_fd;
        owned->stored = stored;
        owned->record = &making->records[i].message;
        return &making->records[i];
}

static void add_connections(Making *making, const ConnectionList *list)
{
        const Connection *connection;

        TAILQ_FOREACH(connection, list, link)
        {
                Record *record = add(making, connection->number, connection->fd,
                                     connection->note_fd, connection->stored);

                if (record)
                        listener_record_make_connection(connection, record);
        }
}

/* And those of its connections that nobody has got. One without a socket is looked for again. */
static void add_listener(Making *making, const Listener *listener)
{
        Record *record = NULL;
        const Worker *worker;

        if (listener->fd >= 0)
                record = add(making, listener->group.number, listener->fd, -1,
                             listener->group.stored);
        if (record)
                listener_record_make(listener, record);
        add_connections(making, &listener->group.silent);
        add_connections(making, &listener->group.queue);
        TAILQ_FOREACH(worker, &listener->group.workers, link)
        add_connections(making, &worker->assigned);
}

static void add_holds(Making *making, const HoldSet *set)
{
        const Hold *hold;

        for (hold = hold_set_next(set, 0); hold; hold = hold_set_next(set, hold->number)) {
                Record *record = add(making, hold->number, hold->fd, hold->note_fd, hold->stored);

                if (record)
                        hold_record_make(hold, record);
        }
}

static int seal(const Making *making)
{
        size_t size = state__state__get_packed_size(&making->state);
        CLEANUP(cleanup_free) uint8_t *bytes = malloc(size);

        if (!bytes || size > HANDOVER_STATE_MAX)
                return error_set(ENOMEM, "no memory for %zu bytes of state", size);
        state__state__pack(&making->state, bytes);
        return sealed_bytes_new("the state", bytes, size);
}

int handover_state_make(Daemon *daemon, State__Question *question, State__Former *former)
{
        const DaemonSocket *listening = &daemon->socket;
        Making making = {.state = STATE__STATE__INIT, .socket = STATE__SOCKET__INIT};
        Listener *listener;
        int r;

        making.room = daemon->listeners.count + daemon->holds.count + daemon->kept.count;
        making.owned = calloc(making.room + 1, sizeof(*making.owned));
        making.pointers = calloc(making.room + 1, sizeof(State__Owned *));
        making.records = calloc(making.room + 1, sizeof(*making.records));
        if (!making.owned || !making.pointers || !making.records) {
                free_making(&making);
                return error_set(ENOMEM, "no memory for the state");
        }
        making.socket.fd = listening->fd;
        making.socket.path = (char *)listening->path;
        making.socket.device = listening->device;
        making.socket.inode = listening->inode;
        making.socket.made_directory = (char *)listening->made_directory;
        making.state.version = RECORD_VERSION;
        making.state.socket = &making.socket;
        making.state.owned = making.pointers;
        making.state.question = question;
        making.state.former = former;
        TAILQ_FOREACH(listener, &daemon->listeners.list, link)
        add_listener(&making, listener);
        add_holds(&making, &daemon->holds);
        r = seal(&making);
        free_making(&making);
        return r;
}

/* ---- Reading ------------------------------------------------------------------------------- */

static bool is_whole(const State__Owned *owned)
{
        return owned->fd >= 0 && owned->record && owned->record->version == RECORD_VERSION &&
               owned->record->body_case != STATE__RECORD__BODY__NOT_SET;
}

static int check(const State__State *state)
{
        if (state->version != RECORD_VERSION)
                return error_set(EPROTO, "the state has version %u, and %d is understood",
                                 state->version, RECORD_VERSION);
        if (!state->socket || state->socket->fd < 0)
                return error_set(EPROTO, "the state has no listening socket");
        for (size_t i = 0; i < state->n_owned; i++) {
                if (!is_whole(state->owned[i]))
                        return error_set(EPROTO, "what is number %llu in the state is not known",
                                         (unsigned long long)state->owned[i]->number);
        }
        return 0;
}

int handover_state_read(int borrow_fd, State__State **out)
{
        State__State *state;
        size_t size;
        void *bytes;
        int r = record_check_sealed(borrow_fd, HANDOVER_STATE_MAX, &size);

        if (r < 0)
                return r;
        bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, borrow_fd, 0);
        if (bytes == MAP_FAILED)
                return error_set(ENOMEM, "no memory for %zu bytes of state", size);
        state = state__state__unpack(NULL, size, bytes);
        munmap(bytes, size);
        if (!state)
                return error_set(EPROTO, "the state cannot be decoded");
        r = check(state);
        if (r < 0)
                state__state__free_unpacked(state, NULL);
        else
                *out = state;
        return r;
}

void handover_state_inherit(const State__State *state, bool inherit)
{
        const int flags = inherit ? 0 : FD_CLOEXEC;

        fcntl(state->socket->fd, F_SETFD, flags);
        if (state->former && state->former->fd >= 0)
                fcntl(state->former->fd, F_SETFD, flags);
        for (size_t i = 0; i < state->n_owned; i++) {
                fcntl(state->owned[i]->fd, F_SETFD, flags);
                if (state->owned[i]->note_fd >= 0)
                        fcntl(state->owned[i]->note_fd, F_SETFD, flags);
        }
}
