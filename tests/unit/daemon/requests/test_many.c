/*
 * daemon/requests/dispatch: requests that come in one packet are served as if each had come alone,
 * with its descriptors; what is wrong with one, or with all, leaves no descriptor behind.
 */
#include "tests/support/memfd_note.h"
#include "tests/support/raw_client.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MANY = FRAME_REQUESTS_MAX + 1 };

typedef struct Packet {
        size_t count;
        Iod__Request entries[MANY];
        Iod__Request *pointers[MANY];
        Iod__Hold holds[MANY];
        Iod__TakeHeld takes[MANY];
        Iod__Bind binds[MANY];
        char names[MANY][16];
} Packet;

static Packet packet;
static int pairs[4][2];

static void set_up(void)
{
        sharing_scene_set_up();
        scene_open(0)->takes_answers = true;
        packet.count = 0;
        for (int i = 0; i < 4; i++)
                unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pairs[i]);
}

static void close_ours(void)
{
        for (int i = 0; i < 4; i++) {
                if (pairs[i][1] >= 0)
                        close(pairs[i][1]);
                pairs[i][1] = -1;
        }
}

static void tear_down(void)
{
        close_ours();
        for (int i = 0; i < 4; i++)
                close(pairs[i][0]);
        sharing_scene_tear_down();
}

static Iod__Request *add(uint32_t sequence, uint32_t descriptors)
{
        Iod__Request *entry = &packet.entries[packet.count];

        *entry = (Iod__Request)IOD__REQUEST__INIT;
        entry->sequence = sequence;
        entry->descriptors = descriptors;
        packet.pointers[packet.count++] = entry;
        return entry;
}

static void add_hold(uint32_t sequence, uint32_t descriptors, uint32_t note_size)
{
        size_t i = packet.count;
        Iod__Request *entry = add(sequence, descriptors);
        Iod__Hold *hold = &packet.holds[i];

        snprintf(packet.names[i], sizeof(packet.names[i]), "web.%u", sequence);
        *hold = (Iod__Hold)IOD__HOLD__INIT;
        hold->name = packet.names[i];
        hold->note_size = note_size;
        hold->time_to_live_ms = 60000;
        entry->body_case = IOD__REQUEST__BODY_HOLD;
        entry->hold = hold;
}

static void add_take(uint32_t sequence, const char *name)
{
        size_t i = packet.count;
        Iod__Request *entry = add(sequence, 0);

        packet.takes[i] = (Iod__TakeHeld)IOD__TAKE_HELD__INIT;
        packet.takes[i].name = (char *)name;
        entry->body_case = IOD__REQUEST__BODY_TAKE_HELD;
        entry->take_held = &packet.takes[i];
}

static void add_bind(uint32_t sequence)
{
        size_t i = packet.count;
        Iod__Request *entry = add(sequence, 0);

        packet.binds[i] = (Iod__Bind)IOD__BIND__INIT;
        packet.binds[i].address = (char *)"udp:127.0.0.1:0";
        entry->body_case = IOD__REQUEST__BODY_BIND;
        entry->bind = &packet.binds[i];
}

static void send_packet(const int *fds, size_t n)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Requests body = IOD__REQUESTS__INIT;

        body.n_request = packet.count;
        body.request = packet.pointers;
        frame.sequence = 99;
        frame.body_case = IOD__FRAME__BODY_REQUESTS;
        frame.requests = &body;
        service_send(&sharing.clients[0], &frame, fds, n);
}

/* Nobody has the other ends any more. */
static void expect_all_closed(void)
{
        char byte;

        close_ours();
        inner_server_settle();
        inner_server_await_closer();
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(read(pairs[i][0], &byte, 1), 0);
}

START_TEST(the_daemon_says_how_many_it_takes)
{
        raw_client_connect(&sharing.clients[1], inner.options.socket_path);
        raw_client_hello(&sharing.clients[1], 1, "test");
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_WELCOME)->welcome->requests_max,
                          FRAME_REQUESTS_MAX);
}
END_TEST

START_TEST(a_client_says_that_it_takes_answers)
{
        Session *session = inner_server_connect(&sharing.clients[1]);

        SCENE_SEND(1, 1, HELLO, hello,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__hello__descriptor),
                    .version = 1,
                    .program = (char *)"",
                    .answers = true});
        scene_expect(1, IOD__FRAME__BODY_WELCOME);
        ck_assert(session->takes_answers);
}
END_TEST

START_TEST(each_is_served_with_its_own_descriptors)
{
        int note = memfd_note(5, NOTE_SEALS);
        const int fds[] = {pairs[0][1], pairs[1][1], note, pairs[2][1]};
        const Iod__Answers *answers;
        char byte;

        add_hold(1, 1, 0);
        add_bind(2);
        add_hold(3, 2, 5);
        add_hold(4, 1, 0);
        add_take(5, "web.3");
        add_take(6, "web.4");
        send_packet(fds, 4);
        answers = scene_expect(0, IOD__FRAME__BODY_ANSWERS)->answers;
        ck_assert_uint_eq(answers->n_answer, 6);
        for (uint32_t i = 0; i < 6; i++)
                ck_assert_uint_eq(answers->answer[i]->sequence, i + 1);
        ck_assert_int_eq(answers->answer[0]->body_case, IOD__ANSWER__BODY_DONE);
        ck_assert_int_eq(answers->answer[1]->body_case, IOD__ANSWER__BODY_OPENED);
        ck_assert_int_eq(answers->answer[4]->body_case, IOD__ANSWER__BODY_HELD);
        ck_assert_uint_eq(answers->answer[4]->held->note_size, 5);
        /* That of the Opened, two of web.3, one of web.4. */
        ck_assert_uint_eq(sharing.received.count, 4);
        ck_assert_int_eq(write(sharing.received.fds[1], "3", 1), 1);
        ck_assert_int_eq(read(pairs[1][0], &byte, 1), 1);
        ck_assert_int_eq(byte, '3');
        ck_assert_int_eq(write(sharing.received.fds[3], "4", 1), 1);
        ck_assert_int_eq(read(pairs[2][0], &byte, 1), 1);
        ck_assert_int_eq(byte, '4');
        add_take(7, "web.1");
        packet.pointers[0] = packet.pointers[6];
        packet.count = 1;
        send_packet(NULL, 0);
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_HELD)->sequence, 7);
        close(note);
}
END_TEST

START_TEST(a_refused_one_leaves_the_others_alone)
{
        const int fds[] = {pairs[0][1], pairs[1][1]};
        const Iod__Answers *answers;

        add_take(1, "web.2");
        add_hold(2, 1, 0);
        packet.holds[1].time_to_live_ms = 0;
        add(3, 0);
        add_hold(4, 1, 0);
        send_packet(fds, 2);
        answers = scene_expect(0, IOD__FRAME__BODY_ANSWERS)->answers;
        ck_assert_uint_eq(answers->n_answer, 4);
        ck_assert_int_eq(answers->answer[0]->refused->error, ENOENT);
        ck_assert_int_eq(answers->answer[1]->refused->error, EINVAL);
        ck_assert_int_eq(answers->answer[2]->refused->error, EOPNOTSUPP);
        ck_assert_str_eq(answers->answer[2]->refused->text,
                         "requests takes connect, bind, hold, take_held, cancel");
        ck_assert_int_eq(answers->answer[3]->body_case, IOD__ANSWER__BODY_DONE);
        ck_assert_uint_eq(inner.daemon->holds.descriptors, 1);
        packet.count = 0;
        add_take(5, "web.4");
        send_packet(NULL, 0);
        scene_expect(0, IOD__FRAME__BODY_HELD);
        fd_list_close(&sharing.received);
        expect_all_closed();
}
END_TEST

START_TEST(a_client_that_takes_no_answers_gets_them_one_by_one)
{
        TAILQ_FIRST(&inner.daemon->sessions.list)->takes_answers = false;
        for (uint32_t i = 1; i <= 3; i++)
                add_bind(i);
        send_packet(NULL, 0);
        for (uint32_t i = 1; i <= 3; i++)
                ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_OPENED)->sequence, i);
}
END_TEST

START_TEST(too_many_are_refused_as_a_whole)
{
        for (uint32_t i = 1; i <= MANY; i++)
                add_bind(i);
        send_packet(NULL, 0);
        ck_assert_str_eq(scene_expect_refused(0, 99, EINVAL), "requests has at most 32, not 33");
        ck_assert_ptr_null(scene_next(0));
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

START_TEST(none_at_all_asks_for_nothing)
{
        send_packet(NULL, 0);
        ck_assert_ptr_null(scene_next(0));
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
}
END_TEST

START_TEST(descriptors_that_are_not_as_many_as_they_say_end_the_session)
{
        const int fds[] = {pairs[0][1], pairs[1][1], pairs[2][1]};

        add_hold(1, 1, 0);
        add_hold(2, UINT32_MAX, 0);
        send_packet(fds, 3);
        inner_server_expect_goodbye(&sharing.clients[0], 99, EBADMSG,
                                    "requests names 4294967296 descriptors and came with 3");
        expect_all_closed();
}
END_TEST

START_TEST(one_that_ends_the_session_leaves_no_descriptor)
{
        const int fds[] = {pairs[0][1], pairs[1][1], pairs[2][1], pairs[3][1]};

        add_hold(1, 1, 0);
        add_hold(2, 2, 0);
        add_hold(3, 1, 0);
        send_packet(fds, 4);
        inner_server_expect_goodbye(&sharing.clients[0], 99, EBADMSG,
                                    "hold takes 1 descriptors here and came with 2");
        ck_assert_uint_eq(inner.daemon->holds.descriptors, 1);
        scene_open(1);
        SCENE_SEND(1, 1, TAKE_HELD, take_held,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_held__descriptor),
                    .name = (char *)"web.1"});
        scene_expect(1, IOD__FRAME__BODY_HELD);
        fd_list_close(&sharing.received);
        expect_all_closed();
}
END_TEST

START_TEST(descriptors_that_nobody_takes_end_the_session)
{
        add_bind(1);
        packet.entries[0].descriptors = 1;
        send_packet(&pairs[0][1], 1);
        inner_server_expect_goodbye(&sharing.clients[0], 99, EBADMSG,
                                    "bind takes no descriptors and came with 1");
        expect_all_closed();
}
END_TEST

TEST_SUITE(test_many)
{
        TCase *many = tcase_create("many");

        tcase_add_checked_fixture(many, set_up, tear_down);
        tcase_set_timeout(many, TEST_TIMEOUT_SECONDS);
        tcase_add_test(many, the_daemon_says_how_many_it_takes);
        tcase_add_test(many, a_client_says_that_it_takes_answers);
        tcase_add_test(many, each_is_served_with_its_own_descriptors);
        tcase_add_test(many, a_refused_one_leaves_the_others_alone);
        tcase_add_test(many, a_client_that_takes_no_answers_gets_them_one_by_one);
        tcase_add_test(many, too_many_are_refused_as_a_whole);
        tcase_add_test(many, none_at_all_asks_for_nothing);
        tcase_add_test(many, descriptors_that_are_not_as_many_as_they_say_end_the_session);
        tcase_add_test(many, one_that_ends_the_session_leaves_no_descriptor);
        tcase_add_test(many, descriptors_that_nobody_takes_end_the_session);
        suite_add_tcase(suite, many);
}
