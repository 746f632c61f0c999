/*
 * The packets that kyron-iod-protocol(7) shows are those that pass: its example, read out of the
 * man page, is played against a daemon byte by byte.
 */
#include "core/address.h"
#include "core/cleanup.h"
#include "tests/support/daemon.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"
#include "tests/support/raw_client.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the order of the page. */
enum {
        HELLO,
        WELCOME,
        ADD,
        READINESS,
        ADD_AGAIN,
        REFUSED,
        GONE,
        JOIN,
        JOINED,
        CONNECTIONS,
        WRITABLE,
        TAKEN,
        CONNECTION_GONE,
        OFFER,
        LEAVE,
        DONE,
        PACKET_COUNT,
};

static RawBytes packets[PACKET_COUNT];
static RawClient client;
static TestDaemon test_daemon;

/* The hexadecimal numbers up to the block's end. */
static void read_packet(FILE *page, RawBytes *packet)
{
        char line[256];

        packet->size = 0;
        while (fgets(line, sizeof(line), page) && strncmp(line, "```", 3) != 0) {
                char *rest = line, *end;

                for (;;) {
                        uint8_t byte = (uint8_t)strtoul(rest, &end, 16);

                        if (end == rest)
                                break;
                        raw_put(packet, &byte, 1);
                        rest = end;
                }
                ck_assert_msg(rest[strspn(rest, " \n")] == '\0', "not hexadecimal: %s", rest);
        }
}

static void read_page(void)
{
        CLEANUP(cleanup_fclose) FILE *page = NULL;
        const char *source_directory = getenv("KYRON_SOURCE_DIR");
        char path[4096], line[256];
        bool in_example = false;
        size_t count = 0;

        snprintf(path, sizeof(path), "%s/man/kyron-iod-protocol.7.scd",
                 source_directory ? source_directory : ".");
        page = fopen(path, "re");
        ck_assert_msg(page != NULL, "cannot read %s", path);
        while (fgets(line, sizeof(line), page)) {
                if (strncmp(line, "# ", 2) == 0)
                        in_example = strcmp(line, "# EXAMPLE\n") == 0;
                if (!in_example || strncmp(line, "```", 3) != 0)
                        continue;
                ck_assert_uint_lt(count, PACKET_COUNT);
                read_packet(page, &packets[count++]);
        }
        ck_assert_uint_eq(count, PACKET_COUNT);
}

static void set_up(void)
{
        /* Of its own user, who may listen. */
        static const char *const options[] = {"--user", NULL};

        read_page();
        test_daemon_start(&test_daemon, options);
        raw_client_connect(&client, test_daemon.socket_path);
}

static void tear_down(void)
{
        raw_client_close(&client);
        test_daemon_stop(&test_daemon);
}

static void send_packet(int which, const int *borrow_fds, size_t n)
{
        ck_assert_int_eq(raw_client_send(&client, &packets[which], borrow_fds, n), 0);
}

/* The next packet, whole, with its descriptor if it is to have one. */
static size_t receive_packet(uint8_t bytes[static FRAME_BYTES_MAX], int *fd)
{
        FdMessage message;

        ck_assert(wait_readable(client.socket_fd, DEADLINE_MS));
        fd_message_receive(client.socket_fd, bytes, FRAME_BYTES_MAX, fd ? 1 : 0, &message);
        ck_assert_int_gt(message.length, 0);
        ck_assert_uint_eq(message.count, fd ? 1 : 0);
        if (fd)
                *fd = message.fds[0];
        return (size_t)message.length;
}

static void expect_packet(int which)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        size_t size = receive_packet(bytes, NULL);

        ck_assert_uint_eq(size, packets[which].size);
        ck_assert_mem_eq(bytes, packets[which].bytes, size);
}

/* All but what differs from daemon to daemon: the epoch and the session's number. */
static void expect_welcome(void)
{
        static FrameArena arena, page_arena;
        uint8_t bytes[FRAME_BYTES_MAX];
        size_t size = receive_packet(bytes, NULL);
        Iod__Frame *frame, *shown;

        frame_arena_init(&arena);
        frame_arena_init(&page_arena);
        ck_assert_int_eq(frame_decode(&arena, bytes, size, 0, &frame), 0);
        ck_assert_int_eq(
                frame_decode(&page_arena, packets[WELCOME].bytes, packets[WELCOME].size, 0, &shown),
                0);
        ck_assert_int_eq(shown->body_case, IOD__FRAME__BODY_WELCOME);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_WELCOME);
        ck_assert_uint_eq(frame->sequence, shown->sequence);
        ck_assert_uint_eq(frame->welcome->version, shown->welcome->version);
        ck_assert_uint_eq(frame->welcome->registrations_max, shown->welcome->registrations_max);
        ck_assert_str_eq(frame->welcome->release, shown->welcome->release);
}

static char **address_of(Iod__Frame *frame)
{
        if (frame->body_case == IOD__FRAME__BODY_JOINED)
                return &frame->joined->address;
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_CONNECTIONS);
        ck_assert_uint_eq(frame->connections->n_connection, 1);
        return &frame->connections->connection[0]->address;
}

/* All but the port in its address, which the kernel chose: that goes to *port. */
static void expect_packet_but_port(int which, uint16_t *port, int *fd)
{
        static FrameArena arena;
        static const char shown[][20] = {"tcp:127.0.0.1:40001", "tcp:127.0.0.1:40002"};
        uint8_t bytes[FRAME_BYTES_MAX];
        size_t size = receive_packet(bytes, fd);
        Iod__Frame *frame;
        Address address;
        char **text;

        frame_arena_init(&arena);
        ck_assert_int_eq(frame_decode(&arena, bytes, size, fd ? 1 : 0, &frame), 0);
        text = address_of(frame);
        ck_assert_int_eq(address_parse(*text, &address), 0);
        ck_assert_str_eq(address.host, "127.0.0.1");
        *port = address.port;
        *text = (char *)shown[which == CONNECTIONS];
        ck_assert_int_eq(frame_encode(frame, bytes), (int)packets[which].size);
        ck_assert_mem_eq(bytes, packets[which].bytes, packets[which].size);
}

/* Connects to the port and returns its own end and port. */
static int dial(uint16_t port, uint16_t *own_port)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_port = htons(port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
        *own_port = ntohs(address.sin_port);
        return fd;
}

START_TEST(the_example_of_a_shared_listener_is_what_passes)
{
        uint16_t listening_port, peer_port, port;
        int peer_fd, passed_fd;
        char byte = 0;

        send_packet(HELLO, NULL, 0);
        expect_welcome();
        send_packet(JOIN, NULL, 0);
        expect_packet_but_port(JOINED, &listening_port, NULL);

        peer_fd = dial(listening_port, &peer_port);
        expect_packet_but_port(CONNECTIONS, &port, &passed_fd);
        ck_assert_uint_eq(port, peer_port);
        expect_packet(WRITABLE);
        send_packet(TAKEN, NULL, 0);

        put_byte(passed_fd);
        ck_assert_int_eq(read(peer_fd, &byte, 1), 1);
        close(passed_fd);
        /* The daemon has no copy any more: this is the end of it. */
        ck_assert_int_eq(read(peer_fd, &byte, 1), 0);
        send_packet(CONNECTION_GONE, NULL, 0);
        ck_assert_uint_eq(raw_client_status(&client)->registrations, 0);

        send_packet(OFFER, NULL, 0);
        send_packet(LEAVE, NULL, 0);
        expect_packet(DONE);
        close(peer_fd);
}
END_TEST

START_TEST(the_example_of_the_protocol_page_is_what_passes)
{
        int pipe_fds[2];

        pipe_pair(pipe_fds);
        send_packet(HELLO, NULL, 0);
        expect_welcome();

        send_packet(ADD, &pipe_fds[0], 1);
        put_byte(pipe_fds[1]);
        expect_packet(READINESS);

        send_packet(ADD_AGAIN, &pipe_fds[0], 1);
        expect_packet(REFUSED);

        ck_assert_uint_eq(raw_client_status(&client)->registrations, 1);
        close(pipe_fds[0]);
        send_packet(GONE, NULL, 0);
        ck_assert_uint_eq(raw_client_status(&client)->registrations, 0);
        close(pipe_fds[1]);
}
END_TEST

TEST_SUITE(test_documented_packets)
{
        TCase *example = tcase_create("example");

        tcase_add_checked_fixture(example, set_up, tear_down);
        tcase_set_timeout(example, TEST_TIMEOUT_SECONDS);
        tcase_add_test(example, the_example_of_the_protocol_page_is_what_passes);
        tcase_add_test(example, the_example_of_a_shared_listener_is_what_passes);
        suite_add_tcase(suite, example);
}
