/*
 * SIGUSR2 puts another program in the daemon's place: what it owns is there as before, and whoever
 * connects waits and is served.
 */
#include "tests/integration/handover_scene.h"
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

TEST_SUITE(test_handover)
{
        TCase *tcase = tcase_create("handover");

        tcase_add_checked_fixture(tcase, handover_set_up, handover_tear_down);
        tcase_add_test(tcase, what_the_daemon_owns_is_there_in_the_next_program);
        tcase_add_test(tcase, what_waits_for_a_client_to_read_is_held_again);
        tcase_add_test(tcase, nothing_else_stays_open);
        tcase_add_test(tcase, under_load_no_connection_is_refused_or_reset);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
