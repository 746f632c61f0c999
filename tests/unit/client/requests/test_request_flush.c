/*
 * client/requests/request_flush: what is asked for together goes together, in its order, to a
 * daemon that takes it; and what cannot be sent ends alone.
 */
#include "client/requests/request_flush.h"

#include "client/handle/io_driver_handle.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = FRAME_REQUESTS_MAX + 4 };

static ScriptedDaemon kyron_iod;
static TestCall calls[CALLS];
static KyronTcpStream *streams[CALLS];
static KyronHeld held[CALLS];
static char names[CALLS][16];
static int pairs[3][2];

static void set_up(void)
{
        scripted_daemon_start(&kyron_iod, 100);
        kyron_iod.handle->requests.packet_max = FRAME_REQUESTS_MAX;
        for (int i = 0; i < CALLS; i++) {
                test_call_init(&calls[i]);
                snprintf(names[i], sizeof(names[i]), "name-%d", i);
        }
        for (int i = 0; i < 3; i++)
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pairs[i]);
}

static void tear_down(void)
{
        for (int i = 0; i < 3; i++) {
                close(pairs[i][0]);
                if (pairs[i][1] >= 0)
                        close(pairs[i][1]);
        }
        scripted_daemon_stop(&kyron_iod);
}

static void take(int i)
{
        ck_assert_int_eq(kyron_take_held(kyron_iod.handle, names[i], &calls[i].operation, &held[i]),
                         KYRON_PENDING);
}

static void hold(int i, const char *note)
{
        ck_assert_int_eq(kyron_hold(kyron_iod.handle, pairs[i][1], names[i], note,
                                    note ? strlen(note) : 0, 60000, &calls[i].operation),
                         KYRON_PENDING);
}

static void start_connect(int i)
{
        ck_assert_int_eq(kyron_tcp_stream_connect_to(&streams[i], kyron_iod.handle,
                                                     "tcp:example.org:443", 0, &calls[i].operation),
                         KYRON_PENDING);
}

static const Iod__Requests *expect_many(size_t n, size_t n_fds)
{
        const Iod__Frame *frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_REQUESTS);

        ck_assert_uint_eq(frame->sequence, 0);
        ck_assert_uint_eq(frame->requests->n_request, n);
        ck_assert_uint_eq(kyron_iod.fds.count, n_fds);
        return frame->requests;
}

START_TEST(what_is_asked_for_together_goes_together)
{
        const Iod__Requests *many;
        uint32_t sequences[4];

        start_connect(0);
        hold(1, "note");
        take(3);
        hold(2, NULL);
        /* What the daemon has to have first goes first. */
        many = expect_many(2, 3);
        ck_assert_str_eq(many->request[0]->hold->name, "name-1");
        ck_assert_uint_eq(many->request[0]->descriptors, 2);
        ck_assert_str_eq(many->request[1]->hold->name, "name-2");
        ck_assert_uint_eq(many->request[1]->descriptors, 1);
        sequences[1] = many->request[0]->sequence;
        sequences[2] = many->request[1]->sequence;
        many = expect_many(2, 0);
        ck_assert_str_eq(many->request[0]->connect->address, "tcp:example.org:443");
        ck_assert_str_eq(many->request[1]->take_held->name, "name-3");
        sequences[0] = many->request[0]->sequence;
        sequences[3] = many->request[1]->sequence;
        scripted_daemon_expect_nothing(&kyron_iod);
        scripted_daemon_send_done(&kyron_iod, sequences[2]);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(calls[2].completions, 1);
        scripted_daemon_send_refused(&kyron_iod, sequences[3], ENOENT, "no");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(calls[3].result, -ENOENT);
        scripted_daemon_send_done(&kyron_iod, sequences[1]);
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(calls[1].completions, 1);
        ck_assert_int_eq(calls[0].completions, 0);
}
END_TEST

START_TEST(one_goes_as_itself)
{
        take(0);
        ck_assert_str_eq(
                scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_HELD)->take_held->name,
                "name-0");
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(no_packet_has_more_than_the_daemon_takes)
{
        const Iod__Requests *many;

        for (int i = 0; i < CALLS; i++)
                take(i);
        many = expect_many(FRAME_REQUESTS_MAX, 0);
        for (int i = 0; i < FRAME_REQUESTS_MAX; i++)
                ck_assert_str_eq(many->request[i]->take_held->name, names[i]);
        many = expect_many(CALLS - FRAME_REQUESTS_MAX, 0);
        ck_assert_str_eq(many->request[0]->take_held->name, names[FRAME_REQUESTS_MAX]);
        scripted_daemon_expect_nothing(&kyron_iod);
}
END_TEST

START_TEST(a_daemon_of_more_is_sent_as_many_as_there_is_room_for)
{
        kyron_iod.handle->requests.packet_max = UINT32_MAX;
        for (int i = 0; i < CALLS; i++)
                take(i);
        expect_many(FRAME_REQUESTS_MAX, 0);
        expect_many(CALLS - FRAME_REQUESTS_MAX, 0);
}
END_TEST

START_TEST(an_older_daemon_is_asked_one_by_one)
{
        kyron_iod.handle->requests.packet_max = 0;
        for (int i = 0; i < 3; i++)
                take(i);
        for (int i = 0; i < 3; i++)
                ck_assert_str_eq(scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_TAKE_HELD)
                                         ->take_held->name,
                                 names[i]);
}
END_TEST

START_TEST(cancels_go_with_others)
{
        const Iod__Requests *many;
        uint32_t sequences[2];

        start_connect(0);
        start_connect(1);
        many = expect_many(2, 0);
        sequences[0] = many->request[0]->sequence;
        sequences[1] = many->request[1]->sequence;
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(kyron_operation_cancel(&calls[i].operation), 0);
        take(2);
        many = expect_many(3, 0);
        for (int i = 0; i < 2; i++) {
                ck_assert_uint_eq(many->request[i]->sequence, 0);
                ck_assert_int_eq(many->request[i]->body_case, IOD__REQUEST__BODY_CANCEL);
                ck_assert_uint_eq(many->request[i]->cancel->request, sequences[i]);
        }
        ck_assert_str_eq(many->request[2]->take_held->name, "name-2");
}
END_TEST

START_TEST(one_whose_descriptor_is_closed_ends_alone)
{
        for (int i = 0; i < 3; i++)
                hold(i, NULL);
        close(pairs[1][1]);
        pairs[1][1] = -1;
        ck_assert_str_eq(scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_HOLD)->hold->name,
                         "name-0");
        ck_assert_str_eq(scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_HOLD)->hold->name,
                         "name-2");
        process(kyron_iod.handle, 0);
        ck_assert_int_eq(calls[1].completions, 1);
        ck_assert_int_eq(calls[1].result, -EBADF);
        ck_assert_int_eq(calls[0].completions, 0);
        ck_assert_int_eq(calls[2].completions, 0);
}
END_TEST

START_TEST(what_the_daemon_left_unanswered_is_asked_again_together)
{
        for (int i = 0; i < 3; i++)
                take(i);
        expect_many(3, 0);
        pthread_mutex_lock(&kyron_iod.handle->lock);
        request_lose_all(kyron_iod.handle);
        pthread_mutex_unlock(&kyron_iod.handle->lock);
        expect_many(3, 0);
}
END_TEST

TEST_SUITE(test_request_flush)
{
        TCase *flush = tcase_create("flush");

        tcase_set_timeout(flush, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(flush, set_up, tear_down);
        tcase_add_test(flush, what_is_asked_for_together_goes_together);
        tcase_add_test(flush, one_goes_as_itself);
        tcase_add_test(flush, no_packet_has_more_than_the_daemon_takes);
        tcase_add_test(flush, a_daemon_of_more_is_sent_as_many_as_there_is_room_for);
        tcase_add_test(flush, an_older_daemon_is_asked_one_by_one);
        tcase_add_test(flush, cancels_go_with_others);
        tcase_add_test(flush, one_whose_descriptor_is_closed_ends_alone);
        tcase_add_test(flush, what_the_daemon_left_unanswered_is_asked_again_together);
        suite_add_tcase(suite, flush);
}
