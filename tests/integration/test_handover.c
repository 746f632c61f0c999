/*
 * SIGUSR2 puts another program in the daemon's place: what it owns is there as before, and whoever
 * connects waits and is served.
 */
#include "tests/integration/handover_scene.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/memfd_note.h"
#include "tests/support/scale.h"
#include "tests/support/service_frames.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int dial(const struct sockaddr_in *address)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
        return fd;
}

START_TEST(what_the_daemon_owns_is_there_in_the_next_program)
{
        int pair[2], note = memfd_note(5, NOTE_SEALS), first, waiting;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hold hold = IOD__HOLD__INIT;
        Iod__TakeHeld take = IOD__TAKE_HELD__INIT;
        struct sockaddr_in address, again;
        char byte;

        unix_pair(SOCK_STREAM, pair);
        hold.name = take.name = (char *)"web.1";
        hold.note_size = 5;
        hold.time_to_live_ms = 60000;
        frame.sequence = 2;
        frame.body_case = IOD__FRAME__BODY_HOLD;
        frame.hold = &hold;
        service_send(&handover.client, &frame, (int[]){pair[0], note}, 2);
        handover_expect(IOD__FRAME__BODY_DONE);
        address = handover_join("tcp:127.0.0.1:0");
        first = dial(&address);
        handover_expect(IOD__FRAME__BODY_CONNECTIONS);
        waiting = dial(&address); /* behind the one that is not taken */

        handover_do();
        handover_do();
        again = handover_join("");
        ck_assert_int_eq(again.sin_port, address.sin_port);
        ck_assert_uint_eq(handover_expect(IOD__FRAME__BODY_CONNECTIONS)->connections->n_connection,
                          1);
        ck_assert_int_eq(write(fd_list_borrow(&handover.received, 0), "x", 1), 1);
        ck_assert_int_eq(read(waiting, &byte, 1), 1);
        frame.body_case = IOD__FRAME__BODY_TAKE_HELD;
        frame.take_held = &take;
        service_send(&handover.client, &frame, NULL, 0);
        ck_assert_uint_eq(handover_expect(IOD__FRAME__BODY_HELD)->held->note_size, 5);
        ck_assert_int_eq(write(fd_list_borrow(&handover.received, 0), "x", 1), 1);
        ck_assert_int_eq(read(pair[1], &byte, 1), 1);
        ck_assert_int_eq(pread(fd_list_borrow(&handover.received, 1), &byte, 1, 4), 1);
        close(first);
        close(waiting);
        close(note);
        close(pair[0]);
        close(pair[1]);
}
END_TEST

static void take_held(const char *name)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__TakeHeld take = IOD__TAKE_HELD__INIT;

        take.name = (char *)name;
        frame.sequence = 3;
        frame.body_case = IOD__FRAME__BODY_TAKE_HELD;
        frame.take_held = &take;
        service_send(&handover.client, &frame, NULL, 0);
}

START_TEST(what_waits_for_a_client_to_read_is_held_again)
{
        static const char *const names[] = {"a", "b"};
        int pair[2];
        char byte;

        unix_pair(SOCK_STREAM, pair);
        for (int i = 0; i < 2; i++) {
                Iod__Frame frame = IOD__FRAME__INIT;
                Iod__Hold hold = IOD__HOLD__INIT;

                hold.name = (char *)names[i];
                hold.time_to_live_ms = 60000;
                frame.body_case = IOD__FRAME__BODY_HOLD;
                frame.sequence = 2;
                frame.hold = &hold;
                service_send(&handover.client, &frame, &pair[0], 1);
                handover_expect(IOD__FRAME__BODY_DONE);
        }
        /* The first is sent; the second waits until that is read. */
        take_held("a");
        take_held("b");
        ck_assert(wait_readable(handover.client.socket_fd, DEADLINE_MS));
        handover_do();
        take_held("b");
        handover_expect(IOD__FRAME__BODY_HELD);
        ck_assert_int_eq(write(fd_list_borrow(&handover.received, 0), "x", 1), 1);
        ck_assert_int_eq(read(pair[1], &byte, 1), 1);
        take_held("a");
        ck_assert_int_eq(handover_expect(IOD__FRAME__BODY_REFUSED)->refused->error, ENOENT);
        close(pair[0]);
        close(pair[1]);
}
END_TEST

START_TEST(nothing_else_stays_open)
{
        size_t before = test_daemon_count_descriptors(&handover.daemon);

        for (int i = 0; i < 3; i++)
                handover_do();
        ck_assert(
                WAIT_UNTIL(test_daemon_count_descriptors(&handover.daemon) <= before, DEADLINE_MS));
}
END_TEST

START_TEST(under_load_no_connection_is_refused_or_reset)
{
        int times = scaled(10, 50, 200);
        ShortConnections *load;

        handover_start_workers();
        load = handover_start_load();
        for (int i = 0; i < times; i++) {
                ck_assert(handover_has_served(load, 50));
                handover_do();
        }
        ck_assert(handover_has_served(load, 50));
        handover_end_load(load, "handed over");
}
END_TEST

/* Which listener's connection is that of a dead worker, who has left it so that its last close()
 * takes a minute. */
static int leave_lingering(const struct sockaddr_in *address)
{
        const struct linger minute = {.l_onoff = 1, .l_linger = 60};
        int peer = dial(address), fd;

        handover_expect(IOD__FRAME__BODY_CONNECTIONS);
        fd = fd_list_borrow(&handover.received, 0);
        ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &minute, sizeof(minute)), 0);
        fill(fd);
        fd_list_close(&handover.received);
        raw_client_close(&handover.client);
        return peer;
}

static void join_to_keep(struct sockaddr_in *address)
{
        Iod__Join join = IOD__JOIN__INIT;
        unsigned port;

        join.name = (char *)"web";
        join.keep_on_death = true;
        service_join_as(&handover.client, 1, &join, 0, 16);
        ck_assert_int_eq(sscanf(handover_expect(IOD__FRAME__BODY_JOINED)->joined->address,
                                "tcp:127.0.0.1:%u", &port),
                         1);
        *address = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
}

START_TEST(what_is_given_up_and_does_not_close_holds_up_nobody)
{
        struct sockaddr_in address;
        ConfigFile config;
        int peer;

        config_file_make(&config);
        config_file_write(&config, "listener \"web\" { address = \"tcp:127.0.0.1:0\" }\n");
        raw_client_close(&handover.client);
        test_daemon_stop(&handover.daemon);
        test_daemon_start(&handover.daemon,
                          (const char *const[]){"--user", "--config", config.path, NULL});
        handover_open_client();
        join_to_keep(&address);
        peer = leave_lingering(&address);
        /* The next program has no such listener. */
        config_file_write(&config, "\n");
        handover_do();
        close(peer);
        config_file_remove(&config);
}
END_TEST

TEST_SUITE(test_handover)
{
        TCase *tcase = tcase_create("handover");

        tcase_add_checked_fixture(tcase, handover_set_up, handover_tear_down);
        tcase_add_test(tcase, what_the_daemon_owns_is_there_in_the_next_program);
        tcase_add_test(tcase, what_waits_for_a_client_to_read_is_held_again);
        tcase_add_test(tcase, what_is_given_up_and_does_not_close_holds_up_nobody);
        tcase_add_test(tcase, nothing_else_stays_open);
        tcase_add_test(tcase, under_load_no_connection_is_refused_or_reset);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
