/*
 * daemon/in_flight: descriptors that nobody reads leave room for those of others; what would exceed
 * it waits, and comes when somebody has read.
 */
#include "daemon/budget/in_flight.h"

#include "tests/support/fd_message.h"
#include "tests/support/scale.h"
#include "tests/support/sharing_scene.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void ask_to_bind(int i, uint32_t sequence)
{
        SCENE_SEND(i, sequence, BIND, bind,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__bind__descriptor),
                    .address = (char *)"udp:127.0.0.1:0"});
        inner_server_settle();
}

static bool has_descriptor(int i)
{
        inner_server_settle();
        return wait_readable(sharing.clients[i].socket_fd, 0);
}

static void read_descriptor(int i)
{
        const Iod__Frame *frame;

        fd_list_close(&sharing.received);
        frame = service_receive(&sharing.clients[i], &sharing.received);
        ck_assert_ptr_nonnull(frame);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_OPENED);
        ck_assert_uint_eq(sharing.received.count, 1);
}

START_TEST(what_would_exceed_waits_and_comes_when_somebody_has_read)
{
        InFlight *in_flight = &inner.daemon->in_flight;
        Session *sessions[3];

        for (int i = 0; i < 3; i++)
                sessions[i] = scene_open(i);
        /* All of one user, who has half of what there is. */
        in_flight->share.max = 4;
        for (int i = 0; i < 3; i++)
                ask_to_bind(i, 1);
        ck_assert(has_descriptor(0) && has_descriptor(1) && !has_descriptor(2));
        ck_assert_uint_eq(in_flight->share.used, 2);
        ck_assert_uint_eq(sessions[2]->delivery.count, 1);
        read_descriptor(0);
        ck_assert(WAIT_UNTIL(has_descriptor(2), DEADLINE_MS));
        ck_assert_uint_eq(in_flight->share.used, 2);
        read_descriptor(1);
        read_descriptor(2);
        ck_assert_uint_eq(inner.daemon->sessions.count, 3);
}
END_TEST

START_TEST(what_a_session_has_unread_ends_with_its_client)
{
        InFlight *in_flight = &inner.daemon->in_flight;

        scene_open(0);
        scene_open(1);
        in_flight->share.max = 2;
        ask_to_bind(0, 1);
        ask_to_bind(1, 1);
        ck_assert(has_descriptor(0) && !has_descriptor(1));
        inner_server_close_client(&sharing.clients[0]);
        ck_assert(WAIT_UNTIL(has_descriptor(1), DEADLINE_MS));
        ck_assert_uint_eq(in_flight->share.used, 1);
}
END_TEST

/* So many as two users who read nothing can have of a hundred, and what is left for a third. */
START_TEST(who_reads_nothing_leaves_room_for_another_user)
{
        static InFlightEntry entries[3][100], last;
        QuotaUser users[3] = {{.uid = 1}, {.uid = 2}, {.uid = 3}};
        InFlight in_flight;
        uint32_t n[3] = {0};

        in_flight_init(&in_flight, NULL);
        in_flight.share.max = 99;
        in_flight.asked_ns = clock_now_ns(); /* nobody has read */
        for (int i = 0; i < 3; i++) {
                for (int k = 0; k < 100; k++) {
                        entries[i][k] = (InFlightEntry){.user = &users[i]};
                        if (!in_flight_has_room(&in_flight, &entries[i][k], 1))
                                break;
                        in_flight_charge(&in_flight, &entries[i][k], 1);
                        n[i]++;
                }
        }
        ck_assert_uint_eq(n[0], 50);
        ck_assert_uint_eq(n[1], 25);
        ck_assert_uint_eq(n[2], 12);
        /* A packet of many has room as long as so many are free, and not beyond. */
        last.user = &(QuotaUser){.uid = 4};
        ck_assert(in_flight_has_room(&in_flight, &last, 12));
        ck_assert(!in_flight_has_room(&in_flight, &last, 13));
}
END_TEST

enum { OPEN_FILES = 1024, HALF = OPEN_FILES / 2, STAGES = 3 };

/* What an ordinary process finds: by itself, with four packets in flight that it has not sent as
 * the daemon, and after they were read. */
static void look_as_others_send(uint64_t others[static STAGES])
{
        const struct rlimit limit = {.rlim_cur = OPEN_FILES, .rlim_max = OPEN_FILES};
        QuotaUser user = {.uid = 1};
        InFlightEntry entry = {.user = &user};
        InFlight in_flight;
        int ends[2], fds[FD_LIST_MAX];
        FdMessage message;
        char byte;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) < 0 ||
            setrlimit(RLIMIT_NOFILE, &limit) < 0)
                _exit(1);
        for (int i = 0; i < FD_LIST_MAX; i++)
                fds[i] = STDERR_FILENO;
        in_flight_init(&in_flight, NULL);
        in_flight.share.max = HALF;
        in_flight_look(&in_flight);
        others[0] = in_flight.others;
        for (int i = 0; i < 4; i++) {
                if (fd_message_send(ends[1], "x", 1, fds, FD_LIST_MAX) != 1)
                        _exit(1);
        }
        in_flight.looked_ns = 0;
        in_flight_look(&in_flight);
        others[1] = in_flight.others;
        /* The share is of what is left. */
        if (!in_flight_has_room(&in_flight, &entry, (uint32_t)(HALF - others[1])) ||
            in_flight_has_room(&in_flight, &entry, (uint32_t)(HALF - others[1] + 1)))
                _exit(1);
        while (fd_message_receive(ends[0], &byte, 1, FD_LIST_MAX, &message) == 1)
                fd_message_close(&message);
        in_flight.looked_ns = 0;
        if (!in_flight_has_room(&in_flight, &entry, HALF))
                _exit(1);
        others[2] = in_flight.others;
}

START_TEST(what_others_of_this_user_have_in_flight_is_nobodys_until_it_is_read)
{
        const uid_t nobody = (uid_t)(2000000000 + getpid());
        uint64_t others[STAGES];
        int ends[2], status;
        pid_t child;

        if (runs_under_valgrind())
                SKIP_TEST("valgrind judges a child by what its parent has");
        ck_assert_int_eq(pipe(ends), 0);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                if (geteuid() == 0 && setresuid(nobody, nobody, nobody) < 0)
                        _exit(1);
                look_as_others_send(others);
                _exit(write(ends[1], others, sizeof(others)) == sizeof(others) ? 0 : 1);
        }
        close(ends[1]);
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(read(ends[0], others, sizeof(others)), sizeof(others));
        close(ends[0]);
        if (others[0] > 0)
                SKIP_TEST("this user has %u descriptors in flight", (unsigned)others[0]);
        /* The kernel takes one packet beyond the limit. */
        ck_assert_uint_eq(others[1], HALF - FD_LIST_MAX);
        ck_assert_uint_eq(others[2], 0);
}
END_TEST

START_TEST(the_limit_is_half_of_the_open_files)
{
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_uint_eq(inner.daemon->in_flight.share.max, limit.rlim_cur / 2);
}
END_TEST

TEST_SUITE(test_in_flight)
{
        TCase *room = tcase_create("room");

        tcase_add_checked_fixture(room, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(room, TEST_TIMEOUT_SECONDS);
        tcase_add_test(room, what_would_exceed_waits_and_comes_when_somebody_has_read);
        tcase_add_test(room, what_a_session_has_unread_ends_with_its_client);
        tcase_add_test(room, who_reads_nothing_leaves_room_for_another_user);
        tcase_add_test(room, what_others_of_this_user_have_in_flight_is_nobodys_until_it_is_read);
        tcase_add_test(room, the_limit_is_half_of_the_open_files);
        suite_add_tcase(suite, room);
}
