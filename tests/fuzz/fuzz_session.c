/*
 * Whole sessions with the daemon's own server, in this process: the input is a sequence of steps,
 * each a packet with descriptors from one of three clients, something that happens to a descriptor,
 * a client that reads, ends or begins, something that happens around it (happen), or a turn of the
 * server's loop. Afterwards the server is stopped, which asserts by itself that every charge was
 * given back, and no descriptor is left.
 *
 * The limits are low, so that they are met.
 */
#include "tests/fuzz/packet.h"
#include "tests/support/deadline.h"
#include "tests/support/inner_server.h"

#include "core/cleanup.h"
#include "daemon/process/log.h"
#include "proto/frame_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        CLIENTS = 3,
        STEPS_MAX = 200,
        /* Of the server's timers that come early. */
        TIMERS_MAX = 64,
        NOBODY = 65534,
        /* Requests that fill a socket with their answers. */
        REQUESTS = 100,
        /* More than a session may have. */
        MEMBERSHIPS = 260,
        SPARSE_STEP = 257,
};

static const char configuration[] = "admin-group = \"root\"\n"
                                    "max-sessions-per-user = 3\n"
                                    "max-registrations-per-session = 300\n"
                                    "max-registrations-per-user = 400\n"
                                    "policy \"user:*\" {\n"
                                    "  serve = {\"web\"}\n"
                                    "  listen = {\"tcp:127.0.0.1:*\"}\n"
                                    "  connect = {\"tcp:127.0.0.1:*\"}\n"
                                    "  bind = {\"udp:127.0.0.1:*\"}\n"
                                    "  hold = {\"*\"}\n"
                                    "  listeners = 3\n"
                                    "  holds = 3\n"
                                    "  connects = 3\n"
                                    "}\n"
                                    "listener \"web\" {\n"
                                    "  address = \"tcp:127.0.0.1:0\"\n"
                                    "}\n";

static RawClient clients[CLIENTS];
static bool connected[CLIENTS];

static void set_up_server(void)
{
        Options *options = &inner.options;
        Config *config;
        int fd;

        inner_server_prepare();
        log_open(LOG_EMERG);
        snprintf(options->config_path, sizeof(options->config_path), "%s/conf", inner.directory);
        options->config_given = true;
        fd = open(options->config_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        FUZZ_REQUIRE(fd >= 0 && write(fd, configuration, strlen(configuration)) > 0);
        close(fd);
        FUZZ_REQUIRE(config_load(&config, options->config_path, true, false) == 0);
        config_settle(config, options);
        FUZZ_REQUIRE(server_open(&inner.server, options, config) == 0);
        inner.daemon = &inner.server->daemon;
}

static void connect_client(int i)
{
        raw_client_connect(&clients[i], inner.options.socket_path);
        connected[i] = true;
}

static void open_client(int i)
{
        connect_client(i);
        raw_client_hello(&clients[i], 1, "fuzz");
        inner_server_settle();
}

static void close_client(int i)
{
        raw_client_close(&clients[i]);
        connected[i] = false;
}

/* ---- What happens around the sessions ------------------------------------------------------ */

/* Somebody connects to a listener, and stays as a peer. */
static void connect_to_listener(FuzzInput *input, FuzzPeers *peers)
{
        uint8_t i = fuzz_take_byte(input);
        const Listener *listener;
        int fd;

        TAILQ_FOREACH(listener, &inner.daemon->listeners.list, link)
        {
                if (i-- == 0 || !TAILQ_NEXT(listener, link))
                        break;
        }
        if (!listener || listener->bound.kind != ADDRESS_TCP)
                return;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        FUZZ_REQUIRE(fd >= 0);
        if (connect(fd, &listener->bound.socket_address.any, listener->bound.size) == 0 ||
            errno == EINPROGRESS)
                fuzz_keep_peer(peers, fd);
        else
                close(fd);
}

typedef struct Timers {
        struct event *events[TIMERS_MAX];
        size_t count;
} Timers;

static int find_timer(const struct event_base *base, const struct event *event, void *data)
{
        Timers *timers = data;

        (void)base;
        if (event_pending(event, EV_TIMEOUT, NULL) && timers->count < TIMERS_MAX)
                timers->events[timers->count++] = (struct event *)event;
        return 0;
}

/* As if it took so long until the next turn that every timer is due. */
static void let_time_pass(void)
{
        Timers timers = {.count = 0};

        event_base_foreach_event(inner.daemon->loop.base, find_timer, &timers);
        for (size_t i = 0; i < timers.count; i++)
                event_active(timers.events[i], EV_TIMEOUT, 0);
}

/* Asks and asks, and reads nothing. */
static void ask_often(const RawClient *client, uint8_t what)
{
        static RawBytes request;

        request.size = 0;
        raw_put_frame(&request, 0, 1, RAW_GET_STATUS + what % 3, NULL);
        for (int i = 0; i < REQUESTS; i++) {
                frame_socket_send(client->socket_fd, request.bytes, request.size, NULL, 0);
                inner_server_settle();
        }
}

/* Registers as many files as one packet takes, of a generation of their own. All but one of them
 * end at once. */
static void register_many(const RawClient *client, uint8_t generation, FuzzPeers *peers)
{
        static RawBytes body, frame;
        uint64_t sources[FD_LIST_MAX];
        int fds[FD_LIST_MAX];

        body.size = frame.size = 0;
        for (uint32_t i = 0; i < FD_LIST_MAX; i++) {
                sources[i] = raw_source(i, 1u + generation, READINESS_READABLE);
                fds[i] = eventfd(generation & 1, EFD_CLOEXEC | EFD_NONBLOCK);
                FUZZ_REQUIRE(fds[i] >= 0);
        }
        raw_put_packed(&body, RAW_ADD_SOURCE, sources, FD_LIST_MAX);
        raw_put_frame(&frame, FD_LIST_MAX, 0, RAW_ADD_IO_SOURCE, &body);
        frame_socket_send(client->socket_fd, frame.bytes, frame.size, fds, FD_LIST_MAX);
        inner_server_settle();
        fuzz_keep_peer(peers, fds[0]);
        for (uint32_t i = 1; i < FD_LIST_MAX; i++)
                close(fds[i]);
}

/* Encodes the frame and sends it, with this descriptor for each that it announces. */
static void send_frame(const RawClient *client, Iod__Frame *frame, int fd)
{
        static uint8_t bytes[FRAME_BYTES_MAX];
        int fds[FD_LIST_MAX];
        int size = frame_encode(frame, bytes);

        FUZZ_REQUIRE(size > 0);
        for (uint32_t i = 0; i < frame->descriptors; i++)
                fds[i] = fd;
        frame_socket_send(client->socket_fd, bytes, (size_t)size, fds, frame->descriptors);
        inner_server_settle();
}

/* One file under as many slots as there are, far from each other: all but the first are refused. */
static void register_sparsely(const RawClient *client, uint8_t generation)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;
        uint64_t sources[FD_LIST_MAX];
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        FUZZ_REQUIRE(fd >= 0);
        for (uint32_t i = 0; i < FD_LIST_MAX; i++)
                sources[i] = raw_source(i * SPARSE_STEP % IO_ID_SLOT_MAX, 1u + generation,
                                        READINESS_READABLE);
        add.n_source = FD_LIST_MAX;
        add.source = sources;
        frame.descriptors = FD_LIST_MAX;
        frame.body_case = IOD__FRAME__BODY_ADD_IO_SOURCE;
        frame.add_io_source = &add;
        send_frame(client, &frame, fd);
        close(fd);
}

/* As often as it may, and more, with an id for each. */
static void join_often(const RawClient *client, uint8_t generation)
{
        for (uint32_t i = 0; i < MEMBERSHIPS; i++) {
                Iod__Frame frame = IOD__FRAME__INIT;
                Iod__Join join = IOD__JOIN__INIT;
                uint64_t source = raw_source(i % 300, 1u + generation, READINESS_READABLE);

                join.name = (char *)"web";
                join.n_source = 1;
                join.source = &source;
                frame.sequence = 1 + i;
                frame.body_case = IOD__FRAME__BODY_JOIN;
                frame.join = &join;
                send_frame(client, &frame, -1);
        }
}

/* Drains, half of which are cancelled. */
static void drain_often(const RawClient *client)
{
        for (uint32_t i = 0; i < REQUESTS; i++) {
                Iod__Frame frame = IOD__FRAME__INIT, cancelling = IOD__FRAME__INIT;
                Iod__Drain drain = IOD__DRAIN__INIT;
                Iod__Cancel cancel = IOD__CANCEL__INIT;
                const Session *first = TAILQ_FIRST(&inner.daemon->sessions.list);

                drain.session = first ? first->id : 0;
                frame.sequence = 1 + i;
                frame.body_case = IOD__FRAME__BODY_DRAIN;
                frame.drain = &drain;
                send_frame(client, &frame, -1);
                cancel.request = 1 + i;
                cancelling.body_case = IOD__FRAME__BODY_CANCEL;
                cancelling.cancel = &cancel;
                if (i % 2)
                        send_frame(client, &cancelling, -1);
        }
}

static void name_much(const RawClient *client, uint8_t what)
{
        switch (what % 3) {
        case 0:
                register_sparsely(client, what / 3);
                break;
        case 1:
                join_often(client, what / 3);
                break;
        default:
                drain_often(client);
        }
}

static bool is_reconciling(void)
{
        const Session *session;

        inner_server_settle();
        TAILQ_FOREACH(session, &inner.daemon->sessions.list, link)
        {
                if (session->reconciled.reconciliation)
                        return true;
        }
        return false;
}

/* libFuzzer's alarm may come meanwhile. */
static void await_end(pid_t pid)
{
        pid_t ended;

        do {
                ended = waitpid(pid, NULL, 0);
        } while (ended < 0 && errno == EINTR);
        FUZZ_REQUIRE(ended == pid);
}

/* Another process says something in the client's name. */
static void let_child_send(const RawClient *client)
{
        pid_t pid = fork();

        FUZZ_REQUIRE(pid >= 0);
        if (pid == 0) {
                frame_socket_send(client->socket_fd, "", 1, NULL, 0);
                _exit(0);
        }
        await_end(pid);
}

/* Another process connects, another user's if that can be, and ends; its connection stays. */
static void let_child_connect(int i)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        pid_t pid;

        FUZZ_REQUIRE(fd >= 0);
        strcpy(address.sun_path, inner.options.socket_path);
        pid = fork();
        FUZZ_REQUIRE(pid >= 0);
        if (pid == 0) {
                if (getuid() == 0 && setuid(NOBODY) < 0)
                        _exit(1);
                _exit(connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0);
        }
        inner_server_turn();
        await_end(pid);
        frame_arena_init(&clients[i].arena);
        clients[i].socket_fd = fd;
        connected[i] = true;
}

static void happen(FuzzInput *input, FuzzPeers *peers, int i)
{
        uint8_t what = fuzz_take_byte(input);

        switch (what % 8) {
        default:
                connect_to_listener(input, peers);
                break;
        case 1:
                if (connected[i])
                        name_much(&clients[i], what / 8);
                break;
        case 2:
                let_time_pass();
                break;
        case 3:
                if (connected[i])
                        ask_often(&clients[i], what / 8);
                break;
        case 4:
                if (connected[i])
                        register_many(&clients[i], what / 8, peers);
                break;
        case 5:
                FUZZ_REQUIRE(WAIT_UNTIL(!is_reconciling(), DEADLINE_MS));
                inner_server_await_closer();
                break;
        case 6:
                if (connected[i])
                        let_child_send(&clients[i]);
                break;
        case 7:
                if (!connected[i])
                        let_child_connect(i);
                break;
        }
}

/* ---- The steps ----------------------------------------------------------------------------- */

static void step(FuzzInput *input, FuzzPeers *peers)
{
        uint8_t what = fuzz_take_byte(input);
        int i = what / 16 % CLIENTS;

        switch (what % 16) {
        default:
                if (connected[i])
                        fuzz_send_packet(input, clients[i].socket_fd, peers);
                break;
        case 8:
                fuzz_use_peer(input, peers);
                break;
        case 9:
                if (connected[i])
                        fuzz_send_request(input, clients[i].socket_fd, peers);
                break;
        case 10:
                if (connected[i])
                        fuzz_receive_all(clients[i].socket_fd);
                break;
        case 11:
                inner_server_settle();
                break;
        case 12:
                happen(input, peers, i);
                break;
        case 13:
                inner_server_turn();
                break;
        case 14:
                if (connected[i])
                        close_client(i);
                else
                        open_client(i);
                break;
        case 15:
                /* Without a word of its own: what it says first is the input's. */
                if (!connected[i])
                        connect_client(i);
                break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        FuzzInput input = {.bytes = bytes, .size = size};
        FuzzPeers peers = {.count = 0};
        size_t descriptors = fuzz_count_descriptors();

        set_up_server();
        open_client(0);
        for (int i = 0; i < STEPS_MAX && input.size > 0; i++)
                step(&input, &peers);
        inner_server_settle();
        for (int i = 0; i < CLIENTS; i++) {
                if (connected[i])
                        close_client(i);
        }
        fuzz_close_peers(&peers);
        inner_server_settle();
        inner_server_tear_down();
        fuzz_require_descriptors(descriptors);
        return 0;
}
