/*
 * What the daemon owns outlives it: under a service manager that keeps descriptors, listeners and
 * holds come back after a crash and after a restart, and whoever connects meanwhile waits.
 */
#include "daemon/listen/socket_open.h"
#include "tests/support/client.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/fake_manager.h"
#include "tests/support/fixture.h"
#include "tests/support/held_lock.h"
#include "tests/support/memfd_note.h"
#include "tests/support/service_frames.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static FakeManager manager;
static ConfigFile config;
static RawClient client;
static FdList received;
static int pair[2];

static const char *options[] = {"--user", "--config", NULL, NULL};

static void set_up(void)
{
        config_file_make(&config);
        config_file_write(&config, "\n");
        options[2] = config.path;
        fake_manager_open(&manager, options);
        fake_manager_start(&manager);
        raw_client_open(&client, manager.daemon.socket_path);
        unix_pair(SOCK_STREAM, pair);
}

static void tear_down(void)
{
        fd_list_close(&received);
        raw_client_close(&client);
        fake_manager_close(&manager);
        config_file_remove(&config);
        close(pair[0]);
        close(pair[1]);
}

/* Ends it, and the client comes back. */
static void restart(int signal_number)
{
        fake_manager_restart(&manager, signal_number);
        raw_client_close(&client);
        raw_client_open(&client, manager.daemon.socket_path);
}

static Iod__Frame__BodyCase expect_one_of(Iod__Frame__BodyCase body, Iod__Frame__BodyCase other)
{
        const Iod__Frame *frame;

        do {
                fd_list_close(&received);
                frame = service_receive(&client, &received);
                ck_assert_ptr_nonnull(frame);
        } while (frame->body_case == IOD__FRAME__BODY_READINESS);
        ck_assert_msg(frame->body_case == body || frame->body_case == other, "%s came",
                      frame_body_name(frame->body_case));
        return frame->body_case;
}

static const Iod__Frame *expect(Iod__Frame__BodyCase body)
{
        const Iod__Frame *frame;

        do {
                fd_list_close(&received);
                frame = service_receive(&client, &received);
                ck_assert_ptr_nonnull(frame);
        } while (frame->body_case == IOD__FRAME__BODY_READINESS &&
                 body != IOD__FRAME__BODY_READINESS);
        ck_assert_msg(frame->body_case == body, "%s came, not %s: %s",
                      frame_body_name(frame->body_case), frame_body_name(body),
                      frame->body_case == IOD__FRAME__BODY_REFUSED ? frame->refused->text : "");
        return frame;
}

/* What a client is told may come before what the manager is. */
static void expect_stored(const char *prefix, size_t count)
{
        ck_assert_msg(WAIT_UNTIL(fake_manager_count(&manager, prefix) == count, DEADLINE_MS),
                      "%zu are stored as %s", fake_manager_count(&manager, prefix), prefix);
}

/* ---- Listeners ---- */

static struct sockaddr_in join_with(const char *name, const char *address, uint32_t slots,
                                    const Iod__ListenerOptions *listener_options)
{
        struct sockaddr_in found = {.sin_family = AF_INET};
        unsigned port;

        service_join(&client, 1, name, address, 0, slots, listener_options);
        ck_assert_int_eq(
                sscanf(expect(IOD__FRAME__BODY_JOINED)->joined->address, "tcp:127.0.0.1:%u", &port),
                1);
        found.sin_port = htons((uint16_t)port);
        found.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return found;
}

static struct sockaddr_in join(const char *name, const char *address)
{
        return join_with(name, address, 16, NULL);
}

static int dial(const struct sockaddr_in *address)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_msg(connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0, "%s",
                      strerror(errno));
        return fd;
}

/* The connection, or -1: nobody listens there. */
static int try_to_dial(const struct sockaddr_in *address)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
                return fd;
        close(fd);
        return -1;
}

/* The client is given so many connections, and each is whole. */
static void expect_connections(size_t n, const int *peers)
{
        size_t count = 0;

        while (count < n) {
                const Iod__Connections *connections =
                        expect(IOD__FRAME__BODY_CONNECTIONS)->connections;
                uint64_t ids[64];

                ck_assert_uint_le(connections->n_connection, 64);
                for (size_t i = 0; i < connections->n_connection; i++) {
                        ids[i] = connections->connection[i]->id;
                        ck_assert_int_eq(write(fd_list_borrow(&received, i), "x", 1), 1);
                }
                count += connections->n_connection;
                service_taken(&client, ids, connections->n_connection);
        }
        for (size_t i = 0; i < n; i++) {
                char byte;

                ck_assert_int_eq(read(peers[i], &byte, 1), 1);
                close(peers[i]);
        }
}

static const int signals[] = {SIGKILL, SIGTERM};

START_TEST(a_clients_listener_comes_back_and_who_connected_meanwhile_is_served)
{
        struct sockaddr_in address = join("web", "tcp:127.0.0.1:0"), again;
        int peers[8];

        fake_manager_end(&manager, signals[_i]);
        for (int i = 0; i < 8; i++)
                peers[i] = dial(&address);
        fake_manager_start(&manager);
        raw_client_close(&client);
        raw_client_open(&client, manager.daemon.socket_path);
        again = join("web", "");
        ck_assert_int_eq(again.sin_port, address.sin_port);
        expect_connections(8, peers);
        expect_stored("owned-listener-", 2);
}
END_TEST

START_TEST(what_comes_back_comes_back_again)
{
        struct sockaddr_in address = join("web", "tcp:127.0.0.1:0"), again;

        for (int i = 0; i < 5; i++) {
                restart(signals[i % 2]);
                again = join("web", "");
                ck_assert_int_eq(again.sin_port, address.sin_port);
        }
        /* A listener's number is not another's after that. */
        join("api", "tcp:127.0.0.1:0");
        expect_stored("owned-listener-", 4);
        restart(SIGKILL);
        again = join("web", "");
        ck_assert_int_eq(again.sin_port, address.sin_port);
        ck_assert_int_ne(join("api", "").sin_port, address.sin_port);
}
END_TEST

START_TEST(a_unix_listener_keeps_its_file)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        char text[256];
        int fd;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s/web", manager.daemon.directory);
        snprintf(text, sizeof(text), "unix:%s", address.sun_path);
        service_join(&client, 1, "web", text, 0, 1, NULL);
        expect(IOD__FRAME__BODY_JOINED);
        fake_manager_end(&manager, signals[_i]);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        fake_manager_start(&manager);
        raw_client_close(&client);
        raw_client_open(&client, manager.daemon.socket_path);
        service_join(&client, 1, "web", "", 0, 1, NULL);
        ck_assert_str_eq(expect(IOD__FRAME__BODY_JOINED)->joined->address, text);
        expect_connections(1, &fd);
}
END_TEST

START_TEST(a_configured_listener_keeps_its_socket_and_takes_its_new_options)
{
        struct sockaddr_in address, again;
        int peer;

        config_file_write(&config, "listener \"web\" { address = \"tcp:127.0.0.1:0\" }\n");
        restart(SIGTERM);
        address = join("web", "");
        fake_manager_end(&manager, SIGKILL);
        peer = dial(&address);
        config_file_write(&config, "listener \"web\" { address = \"tcp:127.0.0.1:0\"\n"
                                   "balance = least-loaded }\n");
        fake_manager_start(&manager);
        raw_client_close(&client);
        raw_client_open(&client, manager.daemon.socket_path);
        again = join("web", "");
        ck_assert_int_eq(again.sin_port, address.sin_port);
        expect_connections(1, &peer);
}
END_TEST

START_TEST(one_that_is_configured_no_more_is_closed)
{
        struct sockaddr_in address;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        config_file_write(&config, "listener \"web\" { address = \"tcp:127.0.0.1:0\" }\n");
        restart(SIGTERM);
        address = join("web", "");
        config_file_write(&config, "\n");
        restart(SIGKILL);
        expect_stored("owned-", 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), -1);
        ck_assert_int_eq(errno, ECONNREFUSED);
        close(fd);
}
END_TEST

START_TEST(the_configuration_takes_over_a_clients_listener)
{
        struct sockaddr_in address = join("web", "tcp:127.0.0.1:0");

        config_file_write(&config, "listener \"front\" { address = \"tcp:127.0.0.1:%u\" }\n",
                          ntohs(address.sin_port));
        restart(SIGKILL);
        ck_assert_int_eq(join("front", "").sin_port, address.sin_port);
        service_join(&client, 5, "web", "", 16, 1, NULL);
        ck_assert_int_eq(expect(IOD__FRAME__BODY_REFUSED)->refused->error, ENOENT);
}
END_TEST

/* The client takes a listener, and keeps its socket over the end of its session. */
static int take(const char *name, const char *address, struct sockaddr_in *found)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__TakeListener request = IOD__TAKE_LISTENER__INIT;
        socklen_t size = sizeof(*found);
        int fd;

        request.name = (char *)name;
        request.address = (char *)address;
        frame.sequence = 2;
        frame.body_case = IOD__FRAME__BODY_TAKE_LISTENER;
        frame.take_listener = &request;
        /* What another had may be there a moment later. */
        ck_assert(WAIT_UNTIL((service_send(&client, &frame, NULL, 0),
                              expect_one_of(IOD__FRAME__BODY_OPENED, IOD__FRAME__BODY_REFUSED)) ==
                                     IOD__FRAME__BODY_OPENED,
                             DEADLINE_MS));
        fd = fd_list_steal(&received, 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)found, &size), 0);
        return fd;
}

/* Who connects is not seen by whoever has the socket, but by who serves the listener. */
static void expect_served_without(int taken, const struct sockaddr_in *address)
{
        int peer = dial(address);

        expect_connections(1, &peer);
        ck_assert_int_eq(accept(taken, NULL, NULL), -1);
        ck_assert_int_ne(errno, EAGAIN);
}

START_TEST(what_a_client_has_is_not_the_configurations)
{
        struct sockaddr_in address;
        int taken = take("mine", "tcp:127.0.0.1:0", &address);

        config_file_write(&config, "listener \"front\" { address = \"tcp:127.0.0.1:%u\" }\n",
                          ntohs(address.sin_port));
        restart(signals[_i]);
        ck_assert_int_eq(join("front", "").sin_port, address.sin_port);
        expect_served_without(taken, &address);
        close(taken);
}
END_TEST

/* How many serve the only listener there is, or have taken it. */
static uint32_t count_takers(void)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__ListListeners list = IOD__LIST_LISTENERS__INIT;
        const Iod__Listeners *listeners;

        frame.sequence = 1;
        frame.body_case = IOD__FRAME__BODY_LIST_LISTENERS;
        frame.list_listeners = &list;
        service_send(&client, &frame, NULL, 0);
        listeners = expect(IOD__FRAME__BODY_LISTENERS)->listeners;
        ck_assert_uint_eq(listeners->n_entry, 1);
        return listeners->entry[0]->workers;
}

/* So the daemon keeps it open for whoever takes it next. */
START_TEST(what_a_program_has_taken_it_has_taken_from_the_next_daemon_too)
{
        const KyronOptions waiting = {
                .socket_path = manager.daemon.socket_path,
                .outage_ms = DEADLINE_MS,
        };
        KyronIoDriverHandle *handle;
        KyronTcpListener *listener;
        KyronTcpStream *stream;
        struct sockaddr_in address;
        socklen_t size = sizeof(address);
        TestCall call;
        int peer;

        ck_assert_int_eq(kyron_io_driver_handle_open(&handle, &waiting), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_listener_take(&listener, handle, "own", "tcp:127.0.0.1:0", NULL,
                                                 &call.operation),
                         KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_msg(call.result == 0, "%s", call.text);
        ck_assert_int_eq(
                kyron_tcp_listener_local_addr(listener, (struct sockaddr *)&address, &size), 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_tcp_listener_accept(listener, &call.operation, &stream),
                         KYRON_PENDING);
        ck_assert_uint_eq(count_takers(), 1);
        expect_stored("owned-listener-", 2);
        for (int i = 0; i < 3; i++) {
                restart(signals[_i]);
                ck_assert(PROCESS_UNTIL(handle, count_takers() == 1));
        }
        peer = dial(&address);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 0);
        kyron_tcp_stream_close(stream);
        close(peer);
        kyron_tcp_listener_close(listener);
        kyron_io_driver_handle_close(handle);
        ck_assert(WAIT_UNTIL(count_takers() == 0, DEADLINE_MS));
}
END_TEST

/* Its taker can have whoever asks for the socket's address, or ends it, wait. */
START_TEST(what_its_taker_keeps_locked_holds_up_no_start)
{
        struct sockaddr_in address, other;
        int taken = take("mine", "tcp:127.0.0.1:0", &address), again;
        HeldLock lock;

        if (!held_lock_take(&lock, taken)) {
                close(taken);
                SKIP_TEST("this user may not keep pages away");
        }
        restart(signals[_i]);
        held_lock_end(&lock);
        again = take("mine", "", &other);
        ck_assert_int_eq(other.sin_port, address.sin_port);
        close(again);
        close(taken);
}
END_TEST

/* Until the manager has let go of what was taken, that is where a connection comes to. */
static bool reaches_worker(const struct sockaddr_in *address, int *peer)
{
        *peer = try_to_dial(address);
        if (*peer < 0)
                return false;
        if (wait_readable(client.socket_fd, 500))
                return true;
        close(*peer);
        return false;
}

START_TEST(what_was_taken_of_the_configuration_is_opened_anew_where_it_is_shared)
{
        struct sockaddr_in address;
        int taken, peer;

        config_file_write(&config,
                          "listener \"web\" { address = \"tcp:127.0.0.1:0\" mode = take }\n");
        restart(SIGTERM);
        taken = take("web", "", &address);
        config_file_write(&config,
                          "listener \"web\" { address = \"tcp:127.0.0.1:%u\" mode = take }\n",
                          ntohs(address.sin_port));
        close(taken);
        restart(SIGTERM);
        taken = take("web", "", &address);
        config_file_write(&config, "listener \"web\" { address = \"tcp:127.0.0.1:%u\" }\n",
                          ntohs(address.sin_port));
        restart(signals[_i]);
        /* Who took it may go on; and when it has ended, the listener is the daemon's. */
        ck_assert_int_eq(join("web", "").sin_port, address.sin_port);
        peer = dial(&address);
        ck_assert(wait_readable(taken, DEADLINE_MS));
        close(accept(taken, NULL, NULL));
        close(peer);
        close(taken);
        ck_assert(WAIT_UNTIL(reaches_worker(&address, &peer), DEADLINE_MS));
        expect_connections(1, &peer);
}
END_TEST

START_TEST(what_somebody_has_ended_comes_back_opened_anew)
{
        struct sockaddr_in address;
        int taken = take("mine", "tcp:127.0.0.1:0", &address), peer;

        ck_assert_int_eq(shutdown(taken, SHUT_RD), 0);
        restart(signals[_i]);
        close(taken);
        taken = take("mine", "", &address);
        peer = dial(&address);
        ck_assert(wait_readable(taken, DEADLINE_MS));
        close(peer);
        close(taken);
}
END_TEST

START_TEST(a_listener_whose_address_is_not_free_yet_keeps_nothing_from_being_served)
{
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                           other;
        socklen_t size = sizeof(address);
        int foreign = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

        ck_assert_int_eq(bind(foreign, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(getsockname(foreign, (struct sockaddr *)&address, &size), 0);
        ck_assert_int_eq(listen(foreign, 1), 0);
        config_file_write(&config,
                          "listener \"late\" { address = \"tcp:127.0.0.1:%u\" }\n"
                          "listener \"web\" { address = \"tcp:127.0.0.1:0\" }\n",
                          ntohs(address.sin_port));
        restart(signals[_i]);
        other = join("web", "");
        peer = dial(&other);
        expect_connections(1, &peer);
        service_join(&client, 1, "late", "", 32, 8, NULL);
        expect(IOD__FRAME__BODY_JOINED);
        close(foreign);
        ck_assert(WAIT_UNTIL((peer = try_to_dial(&address)) >= 0, DEADLINE_MS));
        expect_connections(1, &peer);
        expect_stored("owned-listener-", 4);
        /* It comes back like any other. */
        restart(signals[_i]);
        ck_assert_int_eq(join("late", "").sin_port, address.sin_port);
        peer = dial(&address);
        expect_connections(1, &peer);
}
END_TEST

/* ---- Connections that wait ---- */

static int make_junk(int seals)
{
        return memfd_note(100, seals);
}

START_TEST(silent_connections_come_back_and_are_served_when_they_speak)
{
        Iod__ListenerOptions listener_options = IOD__LISTENER_OPTIONS__INIT;
        struct sockaddr_in address;
        int peers[8];

        listener_options.when_readable = true;
        address = join_with("web", "tcp:127.0.0.1:0", 16, &listener_options);
        for (int i = 0; i < 8; i++)
                peers[i] = dial(&address);
        expect_stored("owned-connection-", 8);
        fake_manager_end(&manager, signals[_i]);
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(write(peers[i], "x", 1), 1);
        fake_manager_start(&manager);
        raw_client_close(&client);
        raw_client_open(&client, manager.daemon.socket_path);
        join("web", "");
        for (int i = 4; i < 8; i++)
                ck_assert_int_eq(write(peers[i], "x", 1), 1);
        expect_connections(8, peers);
        expect_stored("owned-connection-", 0);
}
END_TEST

START_TEST(what_waits_behind_an_unread_packet_waits_in_the_kernel)
{
        struct sockaddr_in address = join("web", "tcp:127.0.0.1:0");
        const Iod__Connections *first;
        int first_peer = dial(&address), peers[8];

        first = expect(IOD__FRAME__BODY_CONNECTIONS)->connections;
        ck_assert_uint_eq(first->n_connection, 1);
        /* Which it does not say it has taken. */
        for (int i = 0; i < 8; i++)
                peers[i] = dial(&address);
        restart(signals[_i]);
        ck_assert_uint_eq(fake_manager_count(&manager, "owned-connection-"), 0);
        join("web", "");
        expect_connections(8, peers);
        close(first_peer);
}
END_TEST

START_TEST(a_stop_stores_what_no_tick_has)
{
        enum { PEERS = 200 };
        Iod__ListenerOptions listener_options = IOD__LISTENER_OPTIONS__INIT;
        struct sockaddr_in address;
        int peers[PEERS];

        listener_options.when_readable = true;
        listener_options.silent_ms = SOCKET_DEFERRED_MS; /* not in the kernel */
        address = join_with("web", "tcp:127.0.0.1:0", PEERS, &listener_options);
        /* More than the ticks of such a while store. */
        for (int i = 0; i < PEERS; i++)
                peers[i] = dial(&address);
        fake_manager_end(&manager, SIGTERM);
        for (int i = 0; i < PEERS; i++)
                ck_assert_int_eq(write(peers[i], "x", 1), 1);
        fake_manager_start(&manager);
        raw_client_close(&client);
        raw_client_open(&client, manager.daemon.socket_path);
        join_with("web", "", PEERS, NULL);
        expect_connections(PEERS, peers);
}
END_TEST

START_TEST(what_was_passed_on_is_its_workers_alone)
{
        struct sockaddr_in address = join("web", "tcp:127.0.0.1:0");
        int peer = dial(&address);

        expect(IOD__FRAME__BODY_CONNECTIONS);
        restart(signals[_i]);
        expect_stored("owned-connection-", 0);
        expect_stored("owned-returned-", 0);
        close(peer);
}
END_TEST

START_TEST(what_a_dead_worker_gave_back_comes_back_marked)
{
        struct sockaddr_in address = join("web", "tcp:127.0.0.1:0");
        int peer = dial(&address);

        expect(IOD__FRAME__BODY_CONNECTIONS);
        raw_client_close(&client);
        expect_stored("owned-returned-", 1);
        fake_manager_restart(&manager, signals[_i]);
        raw_client_open(&client, manager.daemon.socket_path);
        join("web", "");
        ck_assert(expect(IOD__FRAME__BODY_CONNECTIONS)->connections->connection[0]->again);
        close(peer);
}
END_TEST

/* Its first bytes may have been read by who had it. */
START_TEST(what_a_dead_worker_gave_back_does_not_wait_for_first_bytes_again)
{
        Iod__ListenerOptions listener_options = IOD__LISTENER_OPTIONS__INIT;
        struct sockaddr_in address;
        char byte;
        int peer;

        listener_options.when_readable = true;
        address = join_with("web", "tcp:127.0.0.1:0", 16, &listener_options);
        peer = dial(&address);
        ck_assert_int_eq(write(peer, "x", 1), 1);
        expect(IOD__FRAME__BODY_CONNECTIONS);
        ck_assert_int_eq(read(fd_list_borrow(&received, 0), &byte, 1), 1);
        raw_client_close(&client);
        expect_stored("owned-returned-", 1);
        fake_manager_restart(&manager, signals[_i]);
        raw_client_open(&client, manager.daemon.socket_path);
        join("web", "");
        ck_assert(wait_readable(client.socket_fd, DEADLINE_MS / 2)); /* not in the time they have */
        ck_assert(expect(IOD__FRAME__BODY_CONNECTIONS)->connections->connection[0]->again);
        close(peer);
}
END_TEST

START_TEST(a_connection_whose_listener_does_not_come_back_is_closed)
{
        Iod__ListenerOptions silently = IOD__LISTENER_OPTIONS__INIT;
        struct sockaddr_in address;
        int peer;
        char byte;

        silently.when_readable = true;
        address = join_with("web", "tcp:127.0.0.1:0", 16, &silently);
        peer = dial(&address);
        expect_stored("owned-connection-", 1);
        fake_manager_end(&manager, SIGKILL);
        ck_assert(fake_manager_replace_record(&manager, "owned-listener-1", make_junk(NOTE_SEALS)));
        fake_manager_start(&manager);
        expect_stored("owned-", 0);
        ck_assert_int_eq(read(peer, &byte, 1), 0);
        close(peer);
}
END_TEST

/* ---- Holds ---- */

static void hold(const char *name, uint64_t time_to_live_ms, int fd, int note, uint32_t note_size)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hold request = IOD__HOLD__INIT;

        request.name = (char *)name;
        request.note_size = note_size;
        request.time_to_live_ms = time_to_live_ms;
        frame.sequence = 2;
        frame.body_case = IOD__FRAME__BODY_HOLD;
        frame.hold = &request;
        service_send(&client, &frame, (int[]){fd, note}, note >= 0 ? 2 : 1);
        expect(IOD__FRAME__BODY_DONE);
}

static void ask_for(const char *name)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__TakeHeld request = IOD__TAKE_HELD__INIT;

        request.name = (char *)name;
        frame.sequence = 3;
        frame.body_case = IOD__FRAME__BODY_TAKE_HELD;
        frame.take_held = &request;
        service_send(&client, &frame, NULL, 0);
}

static void expect_whole(void)
{
        char byte;

        ck_assert_int_eq(write(fd_list_borrow(&received, 0), "x", 1), 1);
        ck_assert_int_eq(read(pair[1], &byte, 1), 1);
}

START_TEST(a_hold_comes_back_by_name_with_its_note_and_its_age)
{
        int note = memfd_note(5, NOTE_SEALS);
        const Iod__Held *held;
        char text[6] = "";
        struct timespec moment = {.tv_nsec = 20000000};

        hold("web.1", 60000, pair[0], note, 5);
        expect_stored("owned-hold-1", 3);
        nanosleep(&moment, NULL); /* it has an age then */
        restart(signals[_i]);
        ask_for("web.1");
        held = expect(IOD__FRAME__BODY_HELD)->held;
        ck_assert_str_eq(held->name, "web.1");
        ck_assert_uint_eq(held->note_size, 5);
        ck_assert_uint_ge(held->held_ms, 20);
        ck_assert_uint_eq(received.count, 2);
        ck_assert_int_eq(pread(fd_list_borrow(&received, 1), text, 5, 0), 5);
        ck_assert_str_eq(text, "nnnnn");
        expect_whole();
        ask_for("web.1");
        ck_assert_int_eq(expect(IOD__FRAME__BODY_REFUSED)->refused->error, ENOENT);
        expect_stored("owned-", 0);
        close(note);
}
END_TEST

START_TEST(what_was_taken_does_not_come_back)
{
        hold("web.1", 60000, pair[0], -1, 0);
        ask_for("web.1");
        expect(IOD__FRAME__BODY_HELD);
        expect_stored("owned-", 0);
        restart(SIGKILL);
        ask_for("web.1");
        ck_assert_int_eq(expect(IOD__FRAME__BODY_REFUSED)->refused->error, ENOENT);
}
END_TEST

START_TEST(a_time_to_live_goes_on_without_the_daemon)
{
        hold("short", 50, pair[0], -1, 0);
        hold("long", 60000, pair[1], -1, 0);
        restart(SIGKILL);
        expect_stored("owned-hold-1", 0);
        ask_for("short");
        ck_assert_int_eq(expect(IOD__FRAME__BODY_REFUSED)->refused->error, ENOENT);
        ask_for("long");
        expect(IOD__FRAME__BODY_HELD);
}
END_TEST

START_TEST(a_hundred_holds_come_back_from_many_crashes)
{
        char name[16];

        for (int i = 0; i < 100; i++) {
                int fds[2];

                unix_pair(SOCK_STREAM, fds);
                snprintf(name, sizeof(name), "n%d", i);
                hold(name, 60000, fds[0], -1, 0);
                close(fds[0]);
                close(fds[1]);
                if (i % 10 == 9)
                        restart(SIGKILL);
        }
        expect_stored("owned-", 200);
        for (int i = 0; i < 100; i++) {
                snprintf(name, sizeof(name), "n%d", i);
                ask_for(name);
                ck_assert_str_eq(expect(IOD__FRAME__BODY_HELD)->held->name, name);
        }
        expect_stored("owned-", 0);
}
END_TEST

/* ---- What cannot be used ---- */

static int make_socket(int unused)
{
        int fds[2];

        (void)unused;
        unix_pair(SOCK_STREAM, fds);
        close(fds[1]);
        return fds[0];
}

static const struct Unusable {
        int (*make)(int argument);
        int argument;
} unusable[] = {
        {make_junk, NOTE_SEALS | F_SEAL_SEAL}, /* bytes that are no record */
        {make_junk, 0},                        /* that may still change */
        {make_socket, 0},
};

START_TEST(a_record_that_cannot_be_read_costs_only_what_it_is_of)
{
        int other[2];

        unix_pair(SOCK_STREAM, other);
        hold("bad", 60000, other[0], -1, 0);
        hold("good", 60000, pair[0], -1, 0);
        fake_manager_end(&manager, SIGKILL);
        ck_assert(fake_manager_replace_record(&manager, "owned-hold-1",
                                              unusable[_i].make(unusable[_i].argument)));
        fake_manager_start(&manager);
        raw_client_close(&client);
        raw_client_open(&client, manager.daemon.socket_path);
        ask_for("bad");
        ck_assert_int_eq(expect(IOD__FRAME__BODY_REFUSED)->refused->error, ENOENT);
        /* And it is not kept for a third time. */
        expect_stored("owned-hold-1", 0);
        ask_for("good");
        expect(IOD__FRAME__BODY_HELD);
        expect_whole();
        close(other[0]);
        close(other[1]);
}
END_TEST

START_TEST(names_that_nobody_gave_are_passed_over)
{
        static const char *const names[] = {
                "owned-",           "owned-hold-",       "owned-hold-0",
                "owned-hold-x",     "owned-hold-7-node", "owned-hold-99999999999999999999999",
                "owned-listener-5", "owned-hold-8-note"};

        hold("good", 60000, pair[0], -1, 0);
        fake_manager_end(&manager, SIGKILL);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                fake_manager_store(&manager, names[i], make_socket(0));
        fake_manager_start(&manager);
        raw_client_close(&client);
        raw_client_open(&client, manager.daemon.socket_path);
        ask_for("good");
        expect(IOD__FRAME__BODY_HELD);
        expect_whole();
}
END_TEST

START_TEST(what_is_owned_comes_back)
{
        SKIP_TEST("built without systemd");
}
END_TEST

TEST_SUITE(test_restart)
{
        TCase *listeners = tcase_create("listeners");
        TCase *holds = tcase_create("holds");
        TCase *unusables = tcase_create("unusable");

        if (!HAVE_SYSTEMD) {
                tcase_add_test(listeners, what_is_owned_comes_back);
                suite_add_tcase(suite, listeners);
                return;
        }
        tcase_add_loop_test(listeners,
                            a_clients_listener_comes_back_and_who_connected_meanwhile_is_served, 0,
                            2);
        tcase_add_test(listeners, what_comes_back_comes_back_again);
        tcase_add_loop_test(listeners, a_unix_listener_keeps_its_file, 0, 2);
        tcase_add_test(listeners, a_configured_listener_keeps_its_socket_and_takes_its_new_options);
        tcase_add_test(listeners, one_that_is_configured_no_more_is_closed);
        tcase_add_test(listeners, the_configuration_takes_over_a_clients_listener);
        tcase_add_loop_test(listeners, what_a_client_has_is_not_the_configurations, 0, 2);
        tcase_add_loop_test(listeners, what_its_taker_keeps_locked_holds_up_no_start, 0, 2);
        tcase_add_loop_test(listeners,
                            what_was_taken_of_the_configuration_is_opened_anew_where_it_is_shared,
                            0, 2);
        tcase_add_loop_test(listeners,
                            what_a_program_has_taken_it_has_taken_from_the_next_daemon_too, 0, 2);
        tcase_add_loop_test(listeners, what_somebody_has_ended_comes_back_opened_anew, 0, 2);
        tcase_add_loop_test(
                listeners, a_listener_whose_address_is_not_free_yet_keeps_nothing_from_being_served,
                0, 2);
        tcase_add_loop_test(listeners, silent_connections_come_back_and_are_served_when_they_speak,
                            0, 2);
        tcase_add_loop_test(listeners, what_waits_behind_an_unread_packet_waits_in_the_kernel, 0,
                            2);
        tcase_add_test(listeners, a_stop_stores_what_no_tick_has);
        tcase_add_loop_test(listeners, what_was_passed_on_is_its_workers_alone, 0, 2);
        tcase_add_loop_test(listeners, what_a_dead_worker_gave_back_comes_back_marked, 0, 2);
        tcase_add_loop_test(listeners,
                            what_a_dead_worker_gave_back_does_not_wait_for_first_bytes_again, 0, 2);
        tcase_add_test(listeners, a_connection_whose_listener_does_not_come_back_is_closed);
        tcase_add_loop_test(holds, a_hold_comes_back_by_name_with_its_note_and_its_age, 0, 2);
        tcase_add_test(holds, what_was_taken_does_not_come_back);
        tcase_add_test(holds, a_time_to_live_goes_on_without_the_daemon);
        tcase_add_test(holds, a_hundred_holds_come_back_from_many_crashes);
        tcase_add_loop_test(unusables, a_record_that_cannot_be_read_costs_only_what_it_is_of, 0,
                            (int)(sizeof(unusable) / sizeof(unusable[0])));
        tcase_add_test(unusables, names_that_nobody_gave_are_passed_over);
        tcase_add_checked_fixture(listeners, set_up, tear_down);
        tcase_add_checked_fixture(holds, set_up, tear_down);
        tcase_add_checked_fixture(unusables, set_up, tear_down);
        tcase_set_timeout(listeners, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(holds, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(unusables, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, listeners);
        suite_add_tcase(suite, holds);
        suite_add_tcase(suite, unusables);
}
