/*
 * A handle of the library with a daemon that says anything: the input is a sequence of steps, each
 * a packet with descriptors from the daemon, something the program starts, cancels or closes, a
 * daemon that ends and one that comes, or a turn. Afterwards no descriptor is left.
 */
#include "client/handle/io_driver_handle.h"
#include "client/readiness/async_registration.h"
#include "core/cleanup.h"
#include "core/sealed_bytes.h"
#include "proto/pulse.h"
#include "tests/fuzz/packet.h"
#include "tests/support/memfd_note.h"
#include "tests/support/scripted_daemon.h"

#include <signal.h>
#include <unistd.h>

enum { OBJECTS = 4, STEPS_MAX = 200, SLOTS = 32 };

static ScriptedDaemon kyron_iod;

/* What a program has: of each kind as many as OBJECTS. */
typedef struct Object {
        KyronBridgedFd *bridged_fd;
        KyronTcpStream *stream; /* from an endpoint, or connected */
        KyronEndpoint *endpoint;
        KyronHeld held;
        KyronOperation wait, connect, join, accept, hold;
        char byte;
} Object;

static Object objects[OBJECTS];

static void on_done(KyronOperation *operation)
{
        (void)operation;
}

static void start(Object *object, FuzzInput *input, FuzzPeers *peers)
{
        static const KyronEndpointOptions options = {.name = "web", .credits = 3};
        int ends[2];

        switch (fuzz_take_byte(input) % 8) {
        case 0:
                if (object->bridged_fd || peers->count == FUZZ_PEERS_MAX)
                        break;
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
                peers->fds[peers->count++] = ends[1];
                FUZZ_REQUIRE(kyron_bridged_fd_new(&object->bridged_fd, kyron_iod.handle, ends[0]) ==
                             0);
                break;
        case 1:
                if (object->bridged_fd)
                        kyron_bridged_fd_read(object->bridged_fd, &object->wait, &object->byte, 1);
                break;
        case 2:
                if (!object->stream)
                        kyron_tcp_stream_connect_to(&object->stream, kyron_iod.handle, "tcp:a:1", 0,
                                                    &object->connect);
                break;
        case 3:
                if (!object->endpoint)
                        kyron_endpoint_join(&object->endpoint, kyron_iod.handle, &options,
                                            &object->join);
                break;
        case 4:
                if (object->endpoint && !object->stream)
                        kyron_endpoint_accept(object->endpoint, &object->accept, &object->stream);
                break;
        case 5:
                if (object->stream)
                        kyron_tcp_stream_keep(object->stream, "note", 4, &object->hold);
                break;
        case 6:
                if (object->stream)
                        kyron_tcp_stream_read(object->stream, &object->wait, &object->byte, 1);
                break;
        default:
                if (object->held.fd < 0)
                        kyron_take_held(kyron_iod.handle, "name", &object->hold, &object->held);
                break;
        }
}

static void close_held(KyronHeld *held)
{
        if (held->fd >= 0)
                close(held->fd);
        if (held->note_fd >= 0)
                close(held->note_fd);
        *held = (KyronHeld){.fd = -1, .note_fd = -1};
}

static bool is_idle(const KyronOperation *operation)
{
        return operation->internal.waker.internal.state == WAKER_IDLE;
}

static void end(Object *object, FuzzInput *input)
{
        switch (fuzz_take_byte(input) % 8) {
        case 0:
                kyron_bridged_fd_close(STEAL_PTR(object->bridged_fd));
                break;
        case 1:
                /* A stream that accept or connect is about to put there stays theirs. */
                kyron_tcp_stream_close(STEAL_PTR(object->stream));
                break;
        case 2:
                kyron_endpoint_close(STEAL_PTR(object->endpoint));
                break;
        case 3:
                kyron_operation_cancel(&object->wait);
                break;
        case 4:
                kyron_operation_cancel(&object->connect);
                break;
        case 5:
                kyron_operation_cancel(&object->join);
                break;
        case 6:
                kyron_operation_cancel(&object->accept);
                break;
        default:
                if (is_idle(&object->hold))
                        close_held(&object->held);
                break;
        }
}

/* Of a daemon that gives a pulse, or what is none; -1. */
static int new_pulse(uint8_t kind)
{
        int ends[2];

        switch (kind % 4) {
        case 1:
                return sealed_bytes_new_writable("a pulse", PULSE_BYTES);
        case 2:
                return memfd_note(PULSE_BYTES, 0);
        case 3:
                pipe_pair(ends);
                close(ends[0]);
                return ends[1];
        default:
                return -1;
        }
}

static void lose_or_find_daemon(uint8_t epoch)
{
        if (kyron_iod.socket_fd >= 0) {
                scripted_daemon_vanish(&kyron_iod);
        } else if (wait_readable(kyron_iod.listener_fd, 0)) {
                kyron_iod.socket_fd =
                        accept4(kyron_iod.listener_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
                fuzz_receive_all(kyron_iod.socket_fd);
                scripted_daemon_welcome_with_pulse(&kyron_iod, epoch % 3, new_pulse(epoch / 3));
        }
}

static void step(FuzzInput *input, FuzzPeers *peers)
{
        uint8_t what = fuzz_take_byte(input);
        Object *object = &objects[what / 16 % OBJECTS];

        switch (what % 16) {
        default:
                if (kyron_iod.socket_fd >= 0)
                        fuzz_send_packet(input, kyron_iod.socket_fd, peers);
                break;
        case 6:
        case 7:
        case 8:
                start(object, input, peers);
                break;
        case 9:
                end(object, input);
                break;
        case 10:
                fuzz_use_peer(input, peers);
                break;
        case 11:
                if (kyron_iod.socket_fd >= 0)
                        fuzz_receive_all(kyron_iod.socket_fd);
                break;
        case 12:
                lose_or_find_daemon(fuzz_take_byte(input));
                break;
        case 13:
        case 14:
        case 15:
                kyron_io_driver_handle_process_io(kyron_iod.handle, 0);
                break;
        }
}

static void open_objects(void)
{
        for (int i = 0; i < OBJECTS; i++) {
                Object *object = &objects[i];

                *object = (Object){.held = {.fd = -1, .note_fd = -1}};
                kyron_operation_init(&object->wait, on_done, NULL);
                kyron_operation_init(&object->connect, on_done, NULL);
                kyron_operation_init(&object->join, on_done, NULL);
                kyron_operation_init(&object->accept, on_done, NULL);
                kyron_operation_init(&object->hold, on_done, NULL);
        }
}

static void close_objects(void)
{
        for (int i = 0; i < OBJECTS; i++) {
                Object *object = &objects[i];

                kyron_operation_cancel(&object->connect);
                kyron_operation_cancel(&object->join);
                kyron_endpoint_close(object->endpoint);
                kyron_bridged_fd_close(object->bridged_fd);
                kyron_tcp_stream_close(object->stream);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        size_t descriptors = fuzz_count_descriptors();
        FuzzInput input = {.bytes = bytes, .size = size};
        FuzzPeers peers = {.count = 0};
        KyronOptions options = {.outage_ms = 1000};

        /* A peer may have gone before it is written to. */
        signal(SIGPIPE, SIG_IGN);
        options.local_fallback = fuzz_take_byte(&input) & 1;
        scripted_daemon_start_with(&kyron_iod, SLOTS, &options);
        open_objects();
        for (int i = 0; i < STEPS_MAX && input.size > 0; i++)
                step(&input, &peers);
        close_objects();
        scripted_daemon_stop(&kyron_iod);
        for (int i = 0; i < OBJECTS; i++)
                close_held(&objects[i].held);
        fuzz_close_peers(&peers);
        fuzz_require_descriptors(descriptors);
        return 0;
}
