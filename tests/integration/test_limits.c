/*
 * Past each limit: what the daemon says, what goes on nevertheless, and that what was used is free
 * again afterwards. See tests/support/hostile_scene.h for what holds at the end of every test here.
 */
#include "core/cleanup.h"
#include "core/readiness.h"
#include "daemon/driver/io_driver.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/hostile_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static const char *const four_per_session[] = {"--max-registrations-per-session", "4", NULL};
static const char *const five_per_user[] = {"--max-registrations-per-user", "5", NULL};
static const char *const three_sessions_per_user[] = {"--max-sessions-per-user", "3", NULL};
static const char *const three_sessions[] = {"--max-sessions", "3", NULL};

static void open_client(void)
{
        raw_client_open(&scene.client, scene.daemon.socket_path);
}

static void add(uint32_t slot, uint32_t generation, int borrow_fd)
{
        uint64_t source = raw_source(slot, generation, READINESS_READABLE);

        raw_client_add(&scene.client, 7, &source, &borrow_fd, 1);
}

static void say_gone(uint32_t slot, uint32_t generation)
{
        uint64_t source = raw_source(slot, generation, 0);
        RawBytes body = {0}, frame = {0};

        raw_put_packed(&body, RAW_ADD_GONE, &source, 1);
        raw_put_frame(&frame, 0, 8, RAW_ADD_IO_SOURCE, &body);
        ck_assert_int_eq(raw_client_send(&scene.client, &frame, NULL, 0), 0);
}

static void expect_registrations(uint64_t count)
{
        ck_assert_uint_eq(raw_client_status(&scene.client)->registrations, 1 + count);
}

static void open_eventfds(int *fds, int count)
{
        for (int i = 0; i < count; i++)
                fds[i] = open_eventfd();
}

static void close_all(const int *fds, int count)
{
        for (int i = 0; i < count; i++)
                close(fds[i]);
}

/* ---- registrations of a session ---- */

START_TEST(a_slot_past_the_limit_is_refused)
{
        const Iod__Welcome *welcome;
        int fds[5];

        hostile_scene_start(four_per_session);
        raw_client_connect(&scene.client, scene.daemon.socket_path);
        raw_client_hello(&scene.client, 1, NULL);
        welcome = raw_client_expect(&scene.client, IOD__FRAME__BODY_WELCOME)->welcome;
        ck_assert_uint_eq(welcome->registrations_max, 4);
        open_eventfds(fds, 5);
        for (uint32_t slot = 0; slot < 4; slot++)
                add(slot, 1, fds[slot]);
        add(4, 1, fds[4]);
        raw_client_expect_source_refused(&scene.client, 7, raw_source(4, 1, 0), EDQUOT,
                                         "slot 4 is past the limit of 4 registrations a session");
        add(16777215, 1, fds[4]);
        raw_client_expect_source_refused(
                &scene.client, 7, raw_source(16777215, 1, 0), EDQUOT,
                "slot 16777215 is past the limit of 4 registrations a session");
        expect_registrations(4);
        close_all(fds, 5);
}
END_TEST

START_TEST(files_that_were_closed_do_not_count_however_fast_they_come)
{
        enum { FILES = 100 };

        hostile_scene_start(four_per_session);
        open_client();
        for (uint32_t generation = 1; generation <= FILES; generation++) {
                int fd = open_eventfd();

                add(0, generation, fd);
                expect_registrations(1);
                close(fd);
        }
        raw_client_request(&scene.client, 9, RAW_GET_STATUS);
        ck_assert_int_eq(raw_client_receive(&scene.client)->body_case, IOD__FRAME__BODY_STATUS);
}
END_TEST

START_TEST(files_kept_open_elsewhere_count_although_they_are_said_to_be_gone)
{
        enum { WATCHES_MAX = 2 * 4 + IO_DRIVER_CLOSING_MAX };
        int fds[WATCHES_MAX + 1];

        hostile_scene_start(four_per_session);
        open_client();
        open_eventfds(fds, WATCHES_MAX + 1);
        for (uint32_t i = 0; i < WATCHES_MAX; i++) {
                add(0, i + 1, fds[i]);
                say_gone(0, i + 1);
        }
        expect_registrations(0);
        add(0, WATCHES_MAX + 1, fds[WATCHES_MAX]);
        raw_client_expect_source_refused(
                &scene.client, 7, raw_source(0, WATCHES_MAX + 1, 0), EDQUOT,
                "files this session gave up are still open: close them, or remove them");
        /* Once they are closed there is room again. */
        close_all(fds, WATCHES_MAX);
        ck_assert(WAIT_UNTIL(({
                                     add(0, WATCHES_MAX + 1, fds[WATCHES_MAX]);
                                     raw_client_request(&scene.client, 9, RAW_GET_STATUS);
                                     raw_client_receive(&scene.client)->body_case ==
                                                     IOD__FRAME__BODY_STATUS ||
                                             (raw_client_receive(&scene.client), false);
                             }),
                             DEADLINE_MS));
        close(fds[WATCHES_MAX]);
}
END_TEST

/* ---- registrations of a user ---- */

static void expect_user_is_full(uint32_t slot, uint32_t generation)
{
        raw_client_expect_source_refused(
                &scene.client, 7, raw_source(slot, generation, 0), EDQUOT,
                "user %u is at the limit of 5 registrations per user: end some first",
                (unsigned)geteuid());
}

START_TEST(past_a_users_registrations_there_are_no_more_until_some_end)
{
        int fds[5];

        hostile_scene_start(five_per_user);
        open_client();
        open_eventfds(fds, 5);
        for (uint32_t slot = 0; slot < 4; slot++)
                add(slot, 1, fds[slot]);
        expect_registrations(4);
        add(4, 1, fds[4]);
        expect_user_is_full(4, 1);
        close(fds[0]);
        say_gone(0, 1);
        add(4, 1, fds[4]);
        expect_registrations(4);
        close_all(fds + 1, 4);
}
END_TEST

START_TEST(at_a_users_limit_a_slot_can_be_used_again)
{
        int fds[5];

        hostile_scene_start(five_per_user);
        open_client();
        open_eventfds(fds, 5);
        for (uint32_t slot = 0; slot < 4; slot++)
                add(slot, 1, fds[slot]);
        close(fds[0]);
        add(0, 2, fds[4]);
        expect_registrations(4);
        close_all(fds + 1, 4);
}
END_TEST

START_TEST(a_refused_registration_is_not_charged)
{
        CLEANUP(cleanup_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        CLEANUP(cleanup_close) int fd = open_eventfd();

        hostile_scene_start(five_per_user);
        open_client();
        for (uint32_t generation = 1; generation <= 20; generation++) {
                add(0, generation, null);
                raw_client_expect(&scene.client, IOD__FRAME__BODY_REFUSED);
        }
        add(0, 21, fd);
        expect_registrations(1);
}
END_TEST

/* ---- sessions ---- */

/* Opens sessions until one is refused with this sentence; then one ends, and another has room. */
static void check_session_limit(uint32_t limit, const char *sentence)
{
        static RawClient others[2];

        for (size_t i = 0; i < limit - 1; i++)
                raw_client_open(&others[i], scene.daemon.socket_path);
        raw_client_connect(&scene.client, scene.daemon.socket_path);
        raw_client_expect_goodbye(&scene.client, 0, EDQUOT, "%s", sentence);
        raw_client_close(&scene.client);

        /* Also when hello was there first, which the daemon leaves unread. */
        test_daemon_pause(&scene.daemon);
        raw_client_connect(&scene.client, scene.daemon.socket_path);
        raw_client_hello(&scene.client, 1, "late");
        test_daemon_resume(&scene.daemon);
        raw_client_expect_goodbye(&scene.client, 0, EDQUOT, "%s", sentence);
        raw_client_close(&scene.client);

        raw_client_close(&others[0]);
        ck_assert(WAIT_UNTIL(raw_client_status(&scene.neighbour)->sessions == limit - 1,
                             DEADLINE_MS));
        open_client();
        raw_client_close(&others[1]);
}

START_TEST(past_a_users_sessions_there_are_no_more_until_one_ends)
{
        char sentence[ERROR_TEXT_MAX];

        hostile_scene_start(three_sessions_per_user);
        snprintf(sentence, sizeof(sentence),
                 "user %u is at the limit of 3 sessions per user: end some first",
                 (unsigned)geteuid());
        check_session_limit(3, sentence);
}
END_TEST

START_TEST(past_all_sessions_there_are_no_more_until_one_ends)
{
        hostile_scene_start(three_sessions);
        check_session_limit(3, "the daemon is at its limit of 3 sessions: try again later");
}
END_TEST

/* ---- users among themselves ---- */

/* Opens the client's session as nobody; the kernel notes who connects. */
static void open_client_as_nobody(void)
{
        ck_assert_int_eq(chmod(scene.daemon.directory, 0711), 0);
        ck_assert_int_eq(seteuid(NOBODY), 0);
        open_client();
        ck_assert_int_eq(seteuid(0), 0);
}

START_TEST(one_users_limit_is_not_anothers)
{
        static RawClient others[2];

        if (geteuid() != 0)
                SKIP_TEST("only root can be two users");
        hostile_scene_start(three_sessions_per_user);
        for (size_t i = 0; i < 2; i++)
                raw_client_open(&others[i], scene.daemon.socket_path);
        raw_client_connect(&scene.client, scene.daemon.socket_path);
        raw_client_expect_goodbye(&scene.client, 0, EDQUOT,
                                  "user 0 is at the limit of 3 sessions "
                                  "per user: end some first");
        raw_client_close(&scene.client);
        open_client_as_nobody();
        for (size_t i = 0; i < 2; i++)
                raw_client_close(&others[i]);
}
END_TEST

static void send_list(unsigned field, unsigned number_field, uint64_t session)
{
        RawBytes body = {0}, frame = {0};

        raw_put_number(&body, number_field, session);
        raw_put_frame(&frame, 0, 7, field, &body);
        ck_assert_int_eq(raw_client_send(&scene.client, &frame, NULL, 0), 0);
}

static const struct {
        unsigned frame;
        unsigned session;
} lists[] = {
        {RAW_LIST_SESSIONS, 2},
        {RAW_LIST_REGISTRATIONS, 1},
};

START_TEST(a_session_that_is_not_there_cannot_be_listed)
{
        hostile_scene_set_up();
        open_client();
        send_list(lists[_i].frame, lists[_i].session, 123456789012);
        raw_client_expect_refused(&scene.client, 7, ENOENT, "there is no session 123456789012");
}
END_TEST

START_TEST(another_users_session_cannot_be_listed)
{
        const Iod__Sessions *sessions;
        uint64_t neighbours;

        if (geteuid() != 0)
                SKIP_TEST("only root can be two users");
        hostile_scene_set_up();
        raw_client_request(&scene.neighbour, 9, RAW_LIST_SESSIONS);
        sessions = raw_client_expect(&scene.neighbour, IOD__FRAME__BODY_SESSIONS)->sessions;
        ck_assert_uint_eq(sessions->n_entry, 1);
        neighbours = sessions->entry[0]->session;

        open_client_as_nobody();
        send_list(lists[_i].frame, lists[_i].session, neighbours);
        raw_client_expect_refused(&scene.client, 7, EACCES, "session %llu is another user's",
                                  (unsigned long long)neighbours);
        /* And what is listed without a name is one's own. */
        raw_client_request(&scene.client, 9, RAW_LIST_SESSIONS);
        sessions = raw_client_expect(&scene.client, IOD__FRAME__BODY_SESSIONS)->sessions;
        ck_assert_uint_eq(sessions->n_entry, 1);
        ck_assert_uint_eq(sessions->entry[0]->uid, NOBODY);
}
END_TEST

START_TEST(a_file_is_waited_for_by_500_sessions_and_not_more)
{
        enum { SESSIONS = 500 };
        uint64_t source = raw_source(0, 1, READINESS_READABLE);
        CLEANUP(cleanup_close) int fd = open_eventfd();
        int sockets[SESSIONS];

        hostile_scene_set_up();
        for (int i = 0; i < SESSIONS; i++) {
                open_client();
                raw_client_add(&scene.client, 7, &source, &fd, 1);
                sockets[i] = scene.client.socket_fd;
        }
        raw_client_status(&scene.client);
        open_client();
        raw_client_add(&scene.client, 7, &source, &fd, 1);
        raw_client_expect_source_refused(&scene.client, 7, source, EINVAL,
                                         "500 sessions wait for this file already");
        close_all(sockets, SESSIONS);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, NULL, hostile_scene_tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
        return tcase;
}

TEST_SUITE(test_limits)
{
        TCase *session = add_case(suite, "session");
        TCase *user = add_case(suite, "user");
        TCase *sessions = add_case(suite, "sessions");
        TCase *others = add_case(suite, "others");

        tcase_add_test(session, a_slot_past_the_limit_is_refused);
        tcase_add_test(session, files_that_were_closed_do_not_count_however_fast_they_come);
        tcase_add_test(session, files_kept_open_elsewhere_count_although_they_are_said_to_be_gone);
        tcase_add_test(user, past_a_users_registrations_there_are_no_more_until_some_end);
        tcase_add_test(user, at_a_users_limit_a_slot_can_be_used_again);
        tcase_add_test(user, a_refused_registration_is_not_charged);
        tcase_add_test(sessions, past_a_users_sessions_there_are_no_more_until_one_ends);
        tcase_add_test(sessions, past_all_sessions_there_are_no_more_until_one_ends);
        tcase_add_test(sessions, a_file_is_waited_for_by_500_sessions_and_not_more);
        tcase_add_test(others, one_users_limit_is_not_anothers);
        tcase_add_loop_test(others, a_session_that_is_not_there_cannot_be_listed, 0, 2);
        tcase_add_loop_test(others, another_users_session_cannot_be_listed, 0, 2);
}
