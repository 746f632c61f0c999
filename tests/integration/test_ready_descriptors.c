/*
 * The library and the daemon together: what is opened by address and name, connections shared among
 * workers, what is kept when one ends, and what is left behind and taken back.
 */
#include "tests/support/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static TestDaemon kyron_iod;
static char *directory;
static KyronIoDriverHandle *handle;
static TestCall call;

static void set_up(void)
{
        const char *options[] = {"--config", NULL, NULL};
        char path[256];
        FILE *file;

        directory = make_temp_dir();
        snprintf(path, sizeof(path), "%s/kyron-iod.conf", directory);
        file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        fprintf(file,
                "policy \"user:%u\" {\n"
                "        listen = {\"tcp:127.0.0.1:*\", \"unix:@kyron-test-*\"}\n"
                "        connect = {\"tcp:127.0.0.1:*\"}\n"
                "        bind = {\"udp:127.0.0.1:*\"}\n"
                "        hold = {\"session-*\", \"shared\"}\n"
                "}\n",
                (unsigned)geteuid());
        ck_assert_int_eq(fclose(file), 0);
        options[1] = path;
        test_daemon_start(&kyron_iod, options);
        handle = open_handle(&kyron_iod);
        test_call_init(&call);
}

static void tear_down(void)
{
        kyron_io_driver_handle_close(handle);
        test_daemon_stop(&kyron_iod);
        remove_temp_dir(directory);
}

/* The operation of call ends well. */
static void finish(KyronIoDriverHandle *on)
{
        ck_assert(PROCESS_UNTIL(on, call.completions == 1));
        ck_assert_msg(call.result == 0, "%zd: %s", call.result, call.text);
        test_call_init(&call);
}

static int listen_here(char address[static 64])
{
        struct sockaddr_in here = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(here);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
        ck_assert_int_eq(listen(fd, 16), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&here, &size), 0);
        snprintf(address, 64, "tcp:127.0.0.1:%u", ntohs(here.sin_port));
        return fd;
}

static int dial(const char *address)
{
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unsigned port;

        ck_assert_int_eq(sscanf(address, "tcp:127.0.0.1:%u", &port), 1);
        there.sin_port = htons((uint16_t)port);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&there, sizeof(there)), 0);
        return fd;
}

/* One byte from the peer reaches the stream, which had to wait for it. */
static void check_wait(KyronIoDriverHandle *on, KyronTcpStream *stream, int peer)
{
        char byte;

        ck_assert_int_eq(kyron_tcp_stream_read(stream, &call.operation, &byte, 1), KYRON_PENDING);
        process(on, 0);
        put_byte(peer);
        ck_assert(PROCESS_UNTIL(on, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        test_call_init(&call);
}

/* ---- By address and name ------------------------------------------------------------------- */

START_TEST(a_connection_is_made_and_waited_for)
{
        char address[64];
        int listener = listen_here(address), peer;
        KyronTcpStream *stream;

        ck_assert_int_eq(kyron_tcp_stream_connect_to(&stream, handle, address, 0, &call.operation),
                         KYRON_PENDING);
        finish(handle);
        peer = accept(listener, NULL, NULL);
        check_wait(handle, stream, peer);
        kyron_tcp_stream_close(stream);
        close(peer);
        close(listener);
}
END_TEST

START_TEST(what_the_policy_does_not_allow_is_refused_with_its_words)
{
        KyronTcpStream *stream;

        ck_assert_int_eq(kyron_tcp_stream_connect_to(&stream, handle, "tcp:192.0.2.1:80", 0,
                                                     &call.operation),
                         KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, -EACCES);
        ck_assert_str_ne(call.text, "");
        ck_assert_ptr_null(stream);
}
END_TEST

START_TEST(a_udp_socket_is_bound_and_waited_for)
{
        struct sockaddr_in address;
        socklen_t size = sizeof(address);
        KyronUdpSocket *udp;
        char byte;
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(kyron_udp_socket_bind_to(&udp, handle, "udp:127.0.0.1:0", &call.operation),
                         KYRON_PENDING);
        finish(handle);
        ck_assert_int_eq(kyron_udp_socket_local_addr(udp, (struct sockaddr *)&address, &size), 0);
        ck_assert_int_eq(kyron_udp_socket_recv(udp, &call.operation, &byte, 1), KYRON_PENDING);
        process(handle, 0);
        ck_assert_int_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, size), 1);
        ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
        ck_assert_int_eq(call.result, 1);
        kyron_udp_socket_close(udp);
        close(fd);
}
END_TEST

START_TEST(a_taken_listener_outlives_who_took_it)
{
        KyronIoDriverHandle *successor;
        struct sockaddr_in address;
        socklen_t size = sizeof(address);
        KyronTcpListener *listener;
        KyronTcpStream *stream;
        char text[64];
        int peer;

        ck_assert_int_eq(kyron_tcp_listener_take(&listener, handle, "web", "tcp:127.0.0.1:0", NULL,
                                                 &call.operation),
                         KYRON_PENDING);
        finish(handle);
        ck_assert_int_eq(
                kyron_tcp_listener_local_addr(listener, (struct sockaddr *)&address, &size), 0);
        snprintf(text, sizeof(text), "tcp:127.0.0.1:%u", ntohs(address.sin_port));
        kyron_tcp_listener_close(listener);
        kyron_io_driver_handle_close(handle);
        peer = dial(text);
        successor = handle = open_handle(&kyron_iod);
        ck_assert_int_eq(
                kyron_tcp_listener_take(&listener, successor, "web", NULL, NULL, &call.operation),
                KYRON_PENDING);
        finish(successor);
        ck_assert_int_eq(kyron_tcp_listener_accept(listener, &call.operation, &stream), 0);
        test_call_init(&call);
        check_wait(successor, stream, peer);
        kyron_tcp_stream_close(stream);
        kyron_tcp_listener_close(listener);
        close(peer);
}
END_TEST

START_TEST(a_listener_given_back_is_taken_again_by_the_same_session)
{
        KyronTcpListener *listener;
        KyronTcpStream *stream;

        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(kyron_tcp_listener_take(&listener, handle, "web",
                                                         "tcp:127.0.0.1:0", NULL, &call.operation),
                                 KYRON_PENDING);
                finish(handle);
                test_call_init(&call);
                /* It is registered: accepting waits. */
                ck_assert_int_eq(kyron_tcp_listener_accept(listener, &call.operation, &stream),
                                 KYRON_PENDING);
                process(handle, 0);
                kyron_tcp_listener_close(listener);
                ck_assert(PROCESS_UNTIL(handle, call.completions == 1));
                ck_assert_int_eq(call.result, -ECANCELED);
                test_call_init(&call);
        }
}
END_TEST

/* ---- Shared -------------------------------------------------------------------------------- */

static KyronEndpoint *join(KyronIoDriverHandle *on, const char *address, unsigned credits)
{
        const KyronEndpointOptions options = {
                .name = "shared",
                .address = address,
                .credits = credits,
        };
        KyronEndpoint *endpoint;

        ck_assert_int_eq(kyron_endpoint_join(&endpoint, on, &options, &call.operation),
                         KYRON_PENDING);
        finish(on);
        return endpoint;
}

static KyronTcpStream *accept_one(KyronIoDriverHandle *on, KyronEndpoint *endpoint)
{
        KyronTcpStream *stream;

        test_call_init(&call);
        if (kyron_endpoint_accept(endpoint, &call.operation, &stream) == KYRON_PENDING)
                finish(on);
        test_call_init(&call);
        ck_assert_ptr_nonnull(stream);
        return stream;
}

/* One who accepts and closes over and over, beside others. */
typedef struct Acceptor {
        KyronIoDriverHandle *on;
        KyronEndpoint *endpoint;
        TestCall call;
        KyronTcpStream *stream;
        int count;
} Acceptor;

static void begin_accept(Acceptor *acceptor)
{
        test_call_init(&acceptor->call);
        while (kyron_endpoint_accept(acceptor->endpoint, &acceptor->call.operation,
                                     &acceptor->stream) == 0) {
                kyron_tcp_stream_close(acceptor->stream);
                acceptor->count++;
        }
}

static void go_on_accepting(Acceptor *acceptor)
{
        process(acceptor->on, 1);
        if (acceptor->call.completions == 0)
                return;
        ck_assert_msg(acceptor->call.result == 0, "%s", acceptor->call.text);
        kyron_tcp_stream_close(acceptor->stream);
        acceptor->count++;
        begin_accept(acceptor);
}

START_TEST(connections_go_to_the_workers_in_turn_and_far_past_their_credits)
{
        enum { CONNECTIONS = 200 };
        KyronIoDriverHandle *other = open_handle(&kyron_iod);
        static Acceptor acceptors[2]; /* until their handles are closed */

        acceptors[0] = (Acceptor){.on = handle, .endpoint = join(handle, "tcp:127.0.0.1:0", 8)};
        acceptors[1] = (Acceptor){.on = other, .endpoint = join(other, NULL, 8)};

        for (int i = 0; i < 2; i++)
                begin_accept(&acceptors[i]);
        for (int i = 0; i < CONNECTIONS; i++) {
                int peer = dial(kyron_endpoint_address(acceptors[0].endpoint));

                ck_assert(WAIT_UNTIL(({
                                             go_on_accepting(&acceptors[0]);
                                             go_on_accepting(&acceptors[1]);
                                             acceptors[0].count + acceptors[1].count == i + 1;
                                     }),
                                     DEADLINE_MS));
                close(peer);
        }
        /* Who is not ready is passed over for the moment. */
        ck_assert_int_ge(acceptors[0].count, CONNECTIONS / 2 - 10);
        ck_assert_int_ge(acceptors[1].count, CONNECTIONS / 2 - 10);
        for (int i = 0; i < 2; i++)
                kyron_endpoint_close(acceptors[i].endpoint);
        process(other, 0);
        kyron_io_driver_handle_close(other);
}
END_TEST

START_TEST(a_passed_connection_is_waited_for_without_a_word)
{
        KyronEndpoint *endpoint = join(handle, "tcp:127.0.0.1:0", 0);
        int peer = dial(kyron_endpoint_address(endpoint));
        KyronTcpStream *stream = accept_one(handle, endpoint);

        check_wait(handle, stream, peer);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(peer);
}
END_TEST

START_TEST(who_leaves_leaves_its_connections_to_others)
{
        KyronIoDriverHandle *other = open_handle(&kyron_iod);
        KyronEndpoint *first = join(handle, "tcp:127.0.0.1:0", 1), *second;
        int peer = dial(kyron_endpoint_address(first));
        KyronTcpStream *stream;

        /* It has arrived, and is not accepted. */
        ck_assert(wait_readable(kyron_io_driver_handle_fd(handle), DEADLINE_MS));
        process(handle, 0);
        second = join(other, NULL, 1);
        kyron_endpoint_close(first);
        process(handle, 0);
        stream = accept_one(other, second);
        check_wait(other, stream, peer);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(second);
        kyron_io_driver_handle_close(other);
        close(peer);
}
END_TEST

/* A worker that tells its address, keeps its first connection with a note, and dies of nothing. */
static void serve_until_kept(int tell_fd)
{
        KyronIoDriverHandle *own = open_handle(&kyron_iod);
        KyronEndpoint *endpoint = join(own, "tcp:127.0.0.1:0", 1);
        const char *address = kyron_endpoint_address(endpoint);
        KyronTcpStream *stream;
        TestCall other;

        if (write(tell_fd, address, strlen(address)) < 0)
                _exit(1);
        /* Accepted at once, and kept in the same turn. */
        if (!wait_readable(kyron_io_driver_handle_fd(own), DEADLINE_MS))
                _exit(1);
        process(own, 0);
        test_call_init(&other);
        if (kyron_endpoint_accept(endpoint, &other.operation, &stream) != 0 ||
            kyron_tcp_stream_keep(stream, "at 12", 5, &call.operation) != KYRON_PENDING)
                _exit(1);
        finish(own);
        _exit(0);
}

START_TEST(a_kept_connection_goes_on_with_its_note)
{
        char address[64] = "", note[8] = "";
        KyronTcpStream *stream;
        KyronEndpoint *endpoint;
        int pipe[2], peer, status;
        pid_t worker;

        pipe_pair(pipe);
        fflush(NULL);
        worker = fork();
        if (worker == 0)
                serve_until_kept(pipe[1]);
        ck_assert(wait_readable(pipe[0], DEADLINE_MS));
        ck_assert_int_gt(read(pipe[0], address, sizeof(address) - 1), 0);
        peer = dial(address);
        ck_assert(wait_exit(worker, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        endpoint = join(handle, NULL, 1);
        stream = accept_one(handle, endpoint);
        ck_assert(kyron_tcp_stream_was_served_before(stream));
        ck_assert_int_eq(kyron_tcp_stream_note(stream, note, sizeof(note)), 5);
        ck_assert_str_eq(note, "at 12");
        check_wait(handle, stream, peer);
        kyron_tcp_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(pipe[0]);
        close(pipe[1]);
        close(peer);
}
END_TEST

START_TEST(unix_connections_are_shared_too)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        char name[64], byte;
        KyronUnixStream *stream;
        KyronEndpoint *endpoint;
        socklen_t size;
        int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        snprintf(name, sizeof(name), "unix:@kyron-test-%d", getpid());
        size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) - 5);
        memcpy(address.sun_path + 1, name + 6, strlen(name) - 6);
        endpoint = join(handle, name, 0);
        ck_assert_int_eq(connect(peer, (struct sockaddr *)&address, size), 0);
        if (kyron_endpoint_accept_unix(endpoint, &call.operation, &stream) == KYRON_PENDING)
                finish(handle);
        test_call_init(&call);
        put_byte(peer);
        ck_assert_int_eq(kyron_unix_stream_read(stream, &call.operation, &byte, 1), 0);
        kyron_unix_stream_close(stream);
        kyron_endpoint_close(endpoint);
        close(peer);
}
END_TEST

/* ---- Held ---------------------------------------------------------------------------------- */

START_TEST(what_is_left_is_taken_back_by_another_session)
{
        KyronIoDriverHandle *other;
        KyronHeld held;
        char note[8] = "";
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(
                kyron_hold(handle, pipe[0], "session-1", "here", 4, 60000, &call.operation),
                KYRON_PENDING);
        finish(handle);
        close(pipe[0]);
        kyron_io_driver_handle_close(handle);
        put_byte(pipe[1]);
        other = handle = open_handle(&kyron_iod);
        ck_assert_int_eq(kyron_take_held(other, "session-1", &call.operation, &held),
                         KYRON_PENDING);
        finish(other);
        ck_assert_uint_eq(held.note_size, 4);
        ck_assert_int_eq(pread(held.note_fd, note, sizeof(note), 0), 4);
        ck_assert_str_eq(note, "here");
        ck_assert_uint_eq(drain(held.fd), 1);
        close(held.fd);
        close(held.note_fd);
        close(pipe[1]);
        /* The name is free again. */
        ck_assert_int_eq(kyron_take_held(other, "session-1", &call.operation, &held),
                         KYRON_PENDING);
        ck_assert(PROCESS_UNTIL(other, call.completions == 1));
        ck_assert_int_eq(call.result, -ENOENT);
}
END_TEST

/* ---- Many at once --------------------------------------------------------------------------- */

enum { MANY = 100 };

static TestCall calls[MANY];

static bool all_completed(void)
{
        for (int i = 0; i < MANY; i++) {
                if (calls[i].completions == 0)
                        return false;
        }
        return true;
}

/* All of them end well. */
static void finish_all(void)
{
        ck_assert(PROCESS_UNTIL(handle, all_completed()));
        for (int i = 0; i < MANY; i++) {
                ck_assert_int_eq(calls[i].completions, 1);
                ck_assert_msg(calls[i].result == 0, "%d: %s", i, calls[i].text);
                test_call_init(&calls[i]);
        }
}

START_TEST(many_are_left_and_taken_back_at_once)
{
        static KyronHeld held[MANY];
        static char names[MANY][16];
        size_t before = count_descriptors();

        for (int i = 0; i < MANY; i++) {
                int fd = eventfd((unsigned)i + 1, EFD_CLOEXEC | EFD_NONBLOCK);

                test_call_init(&calls[i]);
                snprintf(names[i], sizeof(names[i]), "session-%d", i);
                ck_assert_int_eq(kyron_hold(handle, fd, names[i], names[i], i % 3 == 0 ? 5 : 0,
                                            60000, &calls[i].operation),
                                 KYRON_PENDING);
                held[i].fd = fd;
        }
        finish_all();
        for (int i = 0; i < MANY; i++) {
                close(held[i].fd);
                ck_assert_int_eq(kyron_take_held(handle, names[i], &calls[i].operation, &held[i]),
                                 KYRON_PENDING);
        }
        finish_all();
        for (int i = 0; i < MANY; i++) {
                eventfd_t value;

                ck_assert_int_eq(eventfd_read(held[i].fd, &value), 0);
                ck_assert_uint_eq(value, (unsigned)i + 1);
                close(held[i].fd);
                ck_assert_int_eq(held[i].note_fd >= 0, i % 3 == 0);
                if (held[i].note_fd >= 0)
                        close(held[i].note_fd);
        }
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(many_connections_are_made_at_once_and_waited_for)
{
        KyronTcpStream *streams[MANY];
        int peers[MANY], accepted = 0;
        char address[64];
        int listener = listen_here(address);

        ck_assert_int_eq(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
        ck_assert_int_eq(listen(listener, 2 * MANY), 0);
        for (int i = 0; i < MANY; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_tcp_stream_connect_to(&streams[i], handle, address, 0,
                                                             &calls[i].operation),
                                 KYRON_PENDING);
        }
        finish_all();
        while (accepted < MANY) {
                peers[accepted] = accept(listener, NULL, NULL);
                ck_assert_int_ge(peers[accepted++], 0);
        }
        /* Each is registered: what any of the peers says wakes one of them. */
        for (int i = 0; i < MANY; i++) {
                static char bytes[MANY];

                ck_assert_int_eq(
                        kyron_tcp_stream_read(streams[i], &calls[i].operation, &bytes[i], 1),
                        KYRON_PENDING);
        }
        for (int i = 0; i < MANY; i++)
                put_byte(peers[i]);
        ck_assert(PROCESS_UNTIL(handle, all_completed()));
        for (int i = 0; i < MANY; i++) {
                ck_assert_int_eq(calls[i].result, 1);
                kyron_tcp_stream_close(streams[i]);
                close(peers[i]);
        }
        close(listener);
}
END_TEST

/* What nobody waits for any more comes all the same, and is let go of. */
START_TEST(some_of_many_are_cancelled)
{
        KyronTcpStream *streams[MANY];
        size_t before = count_descriptors();
        char address[64];
        int listener = listen_here(address);

        ck_assert_int_eq(listen(listener, 2 * MANY), 0);
        for (int i = 0; i < MANY; i++) {
                test_call_init(&calls[i]);
                ck_assert_int_eq(kyron_tcp_stream_connect_to(&streams[i], handle, address, 0,
                                                             &calls[i].operation),
                                 KYRON_PENDING);
        }
        process(handle, 0);
        for (int i = 0; i < MANY; i += 2) {
                if (calls[i].completions == 0 && kyron_operation_cancel(&calls[i].operation) == 0)
                        calls[i].completions = -1;
        }
        ck_assert(PROCESS_UNTIL(handle, all_completed()));
        for (int i = 0; i < MANY; i++) {
                if (calls[i].completions < 0)
                        continue;
                ck_assert_msg(calls[i].result == 0, "%d: %s", i, calls[i].text);
                kyron_tcp_stream_close(streams[i]);
        }
        close(listener);
        ck_assert(PROCESS_UNTIL(handle, count_descriptors() == before));
}
END_TEST

TEST_SUITE(test_ready_descriptors)
{
        TCase *tcase = tcase_create("ready_descriptors");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_connection_is_made_and_waited_for);
        tcase_add_test(tcase, what_the_policy_does_not_allow_is_refused_with_its_words);
        tcase_add_test(tcase, a_udp_socket_is_bound_and_waited_for);
        tcase_add_test(tcase, a_taken_listener_outlives_who_took_it);
        tcase_add_test(tcase, a_listener_given_back_is_taken_again_by_the_same_session);
        tcase_add_test(tcase, connections_go_to_the_workers_in_turn_and_far_past_their_credits);
        tcase_add_test(tcase, a_passed_connection_is_waited_for_without_a_word);
        tcase_add_test(tcase, who_leaves_leaves_its_connections_to_others);
        tcase_add_test(tcase, a_kept_connection_goes_on_with_its_note);
        tcase_add_test(tcase, unix_connections_are_shared_too);
        tcase_add_test(tcase, what_is_left_is_taken_back_by_another_session);
        tcase_add_test(tcase, many_are_left_and_taken_back_at_once);
        tcase_add_test(tcase, many_connections_are_made_at_once_and_waited_for);
        tcase_add_test(tcase, some_of_many_are_cancelled);
        suite_add_tcase(suite, tcase);
}
