/*
 * daemon/keeping: what is held comes back, with its note; a connection is kept on death from when
 * that was asked for; and what is refused stays with nobody.
 */
#include "daemon/requests/keeping.h"

#include "tests/support/memfd_note.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CYCLES = 2000 };

static void hold(int i, uint32_t sequence, Iod__Hold *request, const int *fds, size_t n)
{
        Iod__Frame frame = IOD__FRAME__INIT;

        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_HOLD;
        frame.hold = request;
        service_send(&sharing.clients[i], &frame, fds, n);
}

static void hold_as(int i, uint32_t sequence, const char *name, uint32_t note_size, const int *fds,
                    size_t n)
{
        Iod__Hold request = IOD__HOLD__INIT;

        request.name = (char *)name;
        request.note_size = note_size;
        request.time_to_live_ms = 60000;
        hold(i, sequence, &request, fds, n);
}

static void keep(int i, uint32_t sequence, uint64_t id, uint32_t note_size, const int *fds,
                 size_t n)
{
        Iod__Hold request = IOD__HOLD__INIT;

        request.id = id;
        request.note_size = note_size;
        hold(i, sequence, &request, fds, n);
}

static void take(int i, uint32_t sequence, const char *name)
{
        SCENE_SEND(i, sequence, TAKE_HELD, take_held,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_held__descriptor),
                    .name = (char *)name});
}

static int pair[2], note;

static void set_up(void)
{
        sharing_scene_set_up();
        scene_open(0);
        unix_pair(SOCK_STREAM, pair);
        note = memfd_note(5, NOTE_SEALS);
}

static void tear_down(void)
{
        close(pair[0]);
        close(pair[1]);
        close(note);
        sharing_scene_tear_down();
}

/* ---- holding ---- */

START_TEST(what_is_held_comes_back_to_another_session_with_its_note)
{
        const Iod__Frame *frame;
        char text[6] = "";

        hold_as(0, 2, "web.1", 5, (int[]){pair[0], note}, 2);
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_DONE)->sequence, 2);
        scene_close(0);
        scene_open(1);
        take(1, 3, "web.1");
        frame = scene_expect(1, IOD__FRAME__BODY_HELD);
        ck_assert_uint_eq(frame->sequence, 3);
        ck_assert_str_eq(frame->held->name, "web.1");
        ck_assert_uint_eq(frame->held->note_size, 5);
        ck_assert_uint_eq(sharing.received.count, 2);
        ck_assert_int_eq(write(fd_list_borrow(&sharing.received, 0), "x", 1), 1);
        ck_assert_int_eq(read(pair[1], text, 1), 1);
        ck_assert_int_eq(pread(fd_list_borrow(&sharing.received, 1), text, 5, 0), 5);
        take(1, 4, "web.1");
        ck_assert_str_eq(scene_expect_refused(1, 4, ENOENT), "nothing is held as web.1");
        ck_assert_uint_eq(inner.daemon->holds.descriptors, 0);
}
END_TEST

START_TEST(what_was_taken_and_not_sent_is_held_again_when_the_session_ends)
{
        hold_as(0, 2, "web.1", 5, (int[]){pair[0], note}, 2);
        /* It has not read that, so what it takes waits. */
        take(0, 3, "web.1");
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->holds.descriptors, 0);
        scene_close(0);
        ck_assert_uint_eq(inner.daemon->holds.descriptors, 2);
        scene_open(1);
        take(1, 4, "web.1");
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_HELD)->held->note_size, 5);
        ck_assert_uint_eq(sharing.received.count, 2);
}
END_TEST

START_TEST(nobody_takes_what_another_user_left)
{
        hold_as(0, 2, "web.1", 0, pair, 1);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        scene_open(1)->peer.uid++;
        take(1, 4, "web.1");
        scene_expect_refused(1, 4, ENOENT);
        TAILQ_LAST(&inner.daemon->sessions.list, SessionList)->peer.uid--;
}
END_TEST

static const struct Miscount {
        uint64_t id;
        uint32_t note_size;
        size_t n;
        const char *sentence;
} miscounts[] = {
        {0, 0, 0, "hold takes 1 descriptors here and came with 0"},
        {0, 5, 1, "hold takes 2 descriptors here and came with 1"},
        {0, 0, 2, "hold takes 1 descriptors here and came with 2"},
        {1, 0, 1, "hold takes 0 descriptors here and came with 1"},
        {1, 5, 2, "hold takes 1 descriptors here and came with 2"},
};

START_TEST(descriptors_that_are_not_as_many_as_it_says_end_the_session)
{
        Iod__Hold request = IOD__HOLD__INIT;

        request.name = (char *)"web.1";
        request.time_to_live_ms = 1000;
        request.id = miscounts[_i].id;
        request.note_size = miscounts[_i].note_size;
        hold(0, 2, &request, (int[]){pair[0], note}, miscounts[_i].n);
        inner_server_expect_goodbye(&sharing.clients[0], 2, EBADMSG, miscounts[_i].sentence);
}
END_TEST

START_TEST(what_is_not_held_is_refused_and_stays_with_nobody)
{
        Iod__Hold request = IOD__HOLD__INIT;
        int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
        size_t before = scene_count_descriptors();

        hold_as(0, 2, "other", 0, pair, 1); /* no rule allows that name */
        scene_expect_refused(0, 2, EACCES);
        hold_as(0, 3, "web 1", 0, pair, 1);
        scene_expect_refused(0, 3, EINVAL);
        request.name = (char *)"web.1";
        hold(0, 4, &request, pair, 1); /* a time to live of 0 */
        scene_expect_refused(0, 4, EINVAL);
        hold_as(0, 5, "web.1", 65537, (int[]){pair[0], note}, 2);
        scene_expect_refused(0, 5, EMSGSIZE);
        hold_as(0, 6, "web.1", 5, (int[]){pair[0], file}, 2);
        scene_expect(0, IOD__FRAME__BODY_REFUSED);
        hold_as(0, 7, "web.1", 0, &file, 1);
        scene_expect(0, IOD__FRAME__BODY_REFUSED);
        inner.daemon->kept.max = 0;
        hold_as(0, 8, "web.1", 0, pair, 1);
        scene_expect_refused(0, 8, EDQUOT);
        inner.daemon->kept.max = 100;
        hold_as(0, 9, "web.1", 0, pair, 1);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        hold_as(0, 10, "web.1", 0, pair, 1);
        scene_expect_refused(0, 10, EEXIST);
        take(0, 11, "web 1");
        scene_expect_refused(0, 11, EINVAL);
        take(0, 12, "web.1");
        scene_expect(0, IOD__FRAME__BODY_HELD);
        ck_assert_uint_eq(scene_count_descriptors(), before);
        close(file);
}
END_TEST

START_TEST(after_thousands_held_and_taken_nothing_is_left)
{
        size_t before = scene_count_descriptors();

        for (int i = 0; i < CYCLES; i++) {
                hold_as(0, 2, "web.1", 5, (int[]){pair[0], note}, 2);
                scene_await(0, IOD__FRAME__BODY_DONE);
                take(0, 3, "web.1");
                scene_await(0, IOD__FRAME__BODY_HELD);
        }
        ck_assert_uint_eq(scene_count_descriptors(), before);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

/* ---- keeping connections ---- */

/* A worker with one connection in hand; its id. */
static uint64_t serve_one(int i, bool taken)
{
        Iod__Connections *connections;
        uint64_t id;

        scene_join(i, 8, NULL);
        scene_dial_many(1);
        ck_assert_uint_eq(scene_connections(i, &connections), 1);
        id = connections->connection[0]->id;
        if (taken)
                scene_taken(i, connections);
        return id;
}

START_TEST(a_connection_is_kept_from_before_it_is_taken)
{
        Session *session = TAILQ_FIRST(&inner.daemon->sessions.list);
        uint64_t id = serve_one(1, false);
        Iod__Connections *connections;

        keep(1, 3, id, 0, NULL, 0);
        scene_expect(1, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(session->user->used[QUOTA_HOLDS], 1);
        service_taken(&sharing.clients[1], &id, 1);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->kept.count, 1);
        scene_close(1);
        ck_assert_uint_eq(session->user->used[QUOTA_HOLDS], 0);
        scene_join(2, 8, NULL);
        ck_assert_uint_eq(scene_connections(2, &connections), 1);
        ck_assert(connections->connection[0]->again);
        scene_gone(2, connections);
        ck_assert_uint_eq(session->user->used[QUOTA_HOLDS], 0);
}
END_TEST

START_TEST(a_note_replaces_the_one_before)
{
        uint64_t id = serve_one(1, false);
        size_t before = scene_count_descriptors();

        for (int i = 0; i < 10; i++) {
                keep(1, 3, id, 5, &note, 1);
                scene_expect(1, IOD__FRAME__BODY_DONE);
                ck_assert_uint_eq(inner.daemon->kept.count, 2);
        }
        ck_assert_uint_eq(scene_count_descriptors(), before + 1);
        keep(1, 4, id, 0, NULL, 0);
        scene_expect(1, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(inner.daemon->kept.count, 1);
        service_gone(&sharing.clients[1], &id, 1);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

START_TEST(what_is_not_kept_is_refused)
{
        uint64_t id = serve_one(1, true);
        Session *session = TAILQ_LAST(&inner.daemon->sessions.list, SessionList);
        size_t before = scene_count_descriptors();

        keep(1, 3, id, 5, &note, 1);
        scene_expect_refused(1, 3, ESTALE);
        keep(1, 4, io_id_make(77, 1), 5, &note, 1);
        ck_assert_str_eq(scene_expect_refused(1, 4, ENOENT),
                         "slot 77 is no connection of a shared listener");
        ck_assert_uint_eq(scene_count_descriptors(), before);
        inner_server_add_pipe(&sharing.clients[1], 50, 1, NULL);
        keep(1, 5, io_id_make(50, 1), 0, NULL, 0);
        scene_expect_refused(1, 5, ENOENT);
        scene_dial_many(1);
        ck_assert_uint_eq(scene_connections(1, NULL), 1);
        before = scene_count_descriptors();
        keep(1, 6, io_id_make(1, 1), 5, pair, 1);
        scene_expect(1, IOD__FRAME__BODY_REFUSED);
        session->user->used[QUOTA_HOLDS] = session->user->limits[QUOTA_HOLDS];
        keep(1, 7, io_id_make(1, 1), 5, &note, 1);
        scene_expect_refused(1, 7, EDQUOT);
        session->user->used[QUOTA_HOLDS] = 0;
        ck_assert_uint_eq(scene_count_descriptors(), before);
}
END_TEST

TEST_SUITE(test_keeping)
{
        TCase *holds = tcase_create("holds"), *connections = tcase_create("connections");

        tcase_add_checked_fixture(holds, set_up, tear_down);
        tcase_add_checked_fixture(connections, set_up, tear_down);
        tcase_set_timeout(holds, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(connections, TEST_TIMEOUT_SECONDS);
        tcase_add_test(holds, what_is_held_comes_back_to_another_session_with_its_note);
        tcase_add_test(holds, what_was_taken_and_not_sent_is_held_again_when_the_session_ends);
        tcase_add_test(holds, nobody_takes_what_another_user_left);
        tcase_add_loop_test(holds, descriptors_that_are_not_as_many_as_it_says_end_the_session, 0,
                            sizeof(miscounts) / sizeof(miscounts[0]));
        tcase_add_test(holds, what_is_not_held_is_refused_and_stays_with_nobody);
        tcase_add_test(holds, after_thousands_held_and_taken_nothing_is_left);
        tcase_add_test(connections, a_connection_is_kept_from_before_it_is_taken);
        tcase_add_test(connections, a_note_replaces_the_one_before);
        tcase_add_test(connections, what_is_not_kept_is_refused);
        suite_add_tcase(suite, holds);
        suite_add_tcase(suite, connections);
}
