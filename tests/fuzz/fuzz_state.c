/*
 * The state that one program hands over to the next, of any bytes: the server takes it over or
 * refuses to start, and closes all that came with it. What was taken over can be handed over again.
 * The descriptors that a state names are made for it, of kinds that its numbers say.
 */
#include "core/sealed_bytes.h"
#include "daemon/process/log.h"
#include "daemon/restart/handover_state.h"
#include "daemon/store/record.h"
#include "proto/frame.h"
#include "tests/fuzz/packet.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OWNED_MAX = 16 };

static int make_listener(int family, int type)
{
        int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const struct sockaddr any = {.sa_family = (sa_family_t)family};

        /* Of no address of its own: the kernel finds one. */
        FUZZ_REQUIRE(fd >= 0);
        if (family == AF_UNIX)
                FUZZ_REQUIRE(bind(fd, &any, sizeof(any.sa_family)) == 0);
        FUZZ_REQUIRE(listen(fd, 1) == 0);
        return fd;
}

static int make_descriptor(int number)
{
        int ends[2];

        if (number < 0)
                return -1;
        switch (number % 4) {
        case 0:
                return make_listener(AF_INET, SOCK_STREAM);
        case 1:
                return make_listener(AF_UNIX, SOCK_STREAM);
        case 2:
                FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
                close(ends[1]);
                return ends[0];
        default:
                return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        }
}

static int make_note(int number)
{
        static const char text[64];

        if (number < 0)
                return -1;
        return number == 0 ? make_descriptor(3)
                           : sealed_bytes_new("a record", text, (size_t)number % 64 + 1);
}

static bool has_file(const State__Owned *owned)
{
        return owned->record && owned->record->body_case == STATE__RECORD__BODY_LISTENER &&
               strncmp(owned->record->listener->address, "unix:/", 6) == 0;
}

/* The state with descriptors of this process, as a memfd; what it was if it is none, and -1 if it
 * is not to be tried: it could remove files of the machine's. */
static int make_state(const uint8_t *bytes, size_t size, State__State **out)
{
        State__State *state = state__state__unpack(NULL, size, bytes), named;
        State__Socket socket;
        uint8_t *packed;
        int fd;

        *out = state;
        if (!state)
                return sealed_bytes_new("a record", bytes, size);
        if (state->n_owned > OWNED_MAX)
                return -1;
        for (size_t i = 0; i < state->n_owned; i++) {
                if (has_file(state->owned[i]))
                        return -1;
        }
        if (state->socket) {
                state->socket->fd = make_listener(AF_UNIX, SOCK_SEQPACKET);
                socket = *state->socket;
                socket.path = inner.options.socket_path;
                socket.made_directory = (char *)"";
        }
        if (state->former)
                state->former->fd = make_descriptor(3);
        for (size_t i = 0; i < state->n_owned; i++) {
                state->owned[i]->fd = make_descriptor(state->owned[i]->fd);
                state->owned[i]->note_fd = make_note(state->owned[i]->note_fd);
        }
        named = *state;
        named.socket = state->socket ? &socket : NULL;
        packed = malloc(state__state__get_packed_size(&named) + 1);
        FUZZ_REQUIRE(packed);
        fd = sealed_bytes_new("a record", packed, state__state__pack(&named, packed));
        free(packed);
        return fd;
}

/* One that is refused was not looked into: its descriptors are still the caller's. */
static void close_refused(const State__State *state)
{
        if (!state)
                return;
        if (state->socket)
                close(state->socket->fd);
        if (state->former)
                close(state->former->fd);
        for (size_t i = 0; i < state->n_owned; i++) {
                if (state->owned[i]->fd >= 0)
                        close(state->owned[i]->fd);
                if (state->owned[i]->note_fd >= 0)
                        close(state->owned[i]->note_fd);
        }
}

static void take_over(int state_fd)
{
        State__State *again;

        inner.options.state_fd = state_fd;
        if (server_open(&inner.server, &inner.options, inner_server_config()) < 0)
                return;
        inner.daemon = &inner.server->daemon;
        inner_server_settle();
        state_fd = handover_state_make(inner.daemon, NULL, NULL);
        FUZZ_REQUIRE(state_fd >= 0 && handover_state_read(state_fd, &again) == 0);
        state__state__free_unpacked(again, NULL);
        close(state_fd);
        inner.server = server_close(inner.server);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        size_t descriptors = fuzz_count_descriptors();
        State__State *state, *read;
        int state_fd;

        inner_server_prepare();
        log_open(LOG_EMERG);
        state_fd = make_state(bytes, size, &state);
        if (state_fd >= 0) {
                if (handover_state_read(state_fd, &read) == 0) {
                        state__state__free_unpacked(read, NULL);
                        take_over(state_fd);
                } else {
                        close_refused(state);
                        close(state_fd);
                }
        }
        if (state)
                state__state__free_unpacked(state, NULL);
        remove_temp_dir(inner.directory);
        fuzz_require_descriptors(descriptors);
        return 0;
}
