/*
 * daemon/server: it opens and closes without a trace, takes whom it has room for and tells the
 * others why, and only a signal ends it.
 */
#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/server/open_files.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static RawClient client, other;

/* ---- opening and closing ---- */

START_TEST(opened_and_closed_it_leaves_nothing)
{
        size_t before;

        inner_server_tear_down();
        inner_server_prepare();
        before = count_descriptors();
        inner_server_open();
        inner_server_open_session(&client);
        inner_server_add_pipe(&client, 0, 1, NULL);
        ck_assert_ptr_null(server_close(inner.server));
        inner.server = NULL;
        /* The client's socket and its pipe. */
        ck_assert_uint_eq(count_descriptors(), before + 3);
}
END_TEST

START_TEST(each_has_an_epoch_of_its_own)
{
        uint64_t epoch = inner.daemon->epoch;

        inner.server = server_close(inner.server);
        inner_server_open();
        ck_assert_uint_ne(inner.daemon->epoch, epoch);
}
END_TEST

START_TEST(a_second_one_on_the_same_path_says_so_and_harms_nothing)
{
        size_t before;
        int ready[2], status;
        pid_t first;

        inner.server = server_close(inner.server);
        pipe_pair(ready);
        first = fork();
        ck_assert_int_ge(first, 0);
        if (first == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                inner_server_open();
                put_byte(ready[1]);
                status = server_run(inner.server);
                server_close(inner.server);
                _exit(status == 0 ? 0 : 1);
        }
        ck_assert(wait_readable(ready[0], DEADLINE_MS));
        before = count_descriptors();
        ck_assert_int_eq(server_open(&inner.server, &inner.options, inner_server_config()),
                         -EADDRINUSE);
        ck_assert_ptr_nonnull(strstr(error_text(), "is served by another daemon: stop it first"));
        ck_assert_uint_eq(count_descriptors(), before);
        raw_client_open(&client, inner.options.socket_path);
        kill(first, SIGTERM);
        ck_assert(wait_exit(first, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(an_unusable_directory_is_an_error_and_leaves_nothing)
{
        size_t before;

        inner.server = server_close(inner.server);
        before = count_descriptors();
        strcpy(inner.options.socket_path, "/nonexistent/socket");
        ck_assert_int_eq(server_open(&inner.server, &inner.options, inner_server_config()),
                         -ENOENT);
        ck_assert_ptr_null(inner.server);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

static const int signals[] = {SIGTERM, SIGINT};

START_TEST(a_signal_ends_it_and_every_client_is_told)
{
        inner_server_open_session(&client);
        inner_server_connect(&other);
        raise(signals[_i]);
        ck_assert_int_eq(server_run(inner.server), 0);
        inner.server = server_close(inner.server);
        for (int i = 0; i < 2; i++) {
                RawClient *each = i == 0 ? &client : &other;
                const Iod__Frame *frame = raw_client_expect(each, IOD__FRAME__BODY_REFUSED);

                ck_assert_int_eq(frame->refused->error, ESHUTDOWN);
                ck_assert_str_eq(frame->refused->text, "kyron-iod is stopping");
                ck_assert(frame->refused->session_ends);
                raw_client_expect_end(each);
        }
}
END_TEST

START_TEST(no_client_whatever_it_does_ends_it)
{
        /* Invariant 7: what is queued is served before the signal counts. */
        RawBytes garbage = {0};

        raw_put(&garbage, "\xff\xff\xff", 3);
        for (int i = 0; i < 10; i++) {
                inner_server_open_session(&client);
                raw_client_send(&client, &garbage, NULL, 0);
                inner_server_expect(&client, IOD__FRAME__BODY_REFUSED);
                raw_client_close(&client);
        }
        inner_server_open_session(&client);
        raise(SIGTERM);
        ck_assert_int_eq(server_run(inner.server), 0);
}
END_TEST

/* ---- who gets in ---- */

static void set_up_two_sessions(void)
{
        inner_server_prepare();
        inner.options.sessions_max = 2;
        inner_server_open();
}

START_TEST(past_the_limit_of_sessions_who_connects_is_told)
{
        static RawClient third;
        size_t before;

        inner_server_open_session(&client);
        inner_server_open_session(&other);
        before = count_descriptors();
        raw_client_connect(&third, inner.options.socket_path);
        inner_server_expect_goodbye(&third, 0, EDQUOT,
                                    "the daemon is at its limit of 2 sessions: try again later");
        raw_client_close(&third);
        ck_assert(WAIT_UNTIL(count_descriptors() == before, DEADLINE_MS));
        ck_assert_uint_eq(inner.daemon->sessions.count, 2);
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_REFUSED], 1);
        inner_server_close_client(&client);
        inner_server_open_session(&third);
}
END_TEST

static void connect_many(int count)
{
        static RawClient many;

        for (int i = 0; i < count; i++)
                raw_client_connect(&many, inner.options.socket_path);
}

START_TEST(who_connects_over_and_over_is_turned_away)
{
        char sentence[FRAME_TEXT_MAX];

        inner.daemon->config->sessions_per_second = 2;
        inner.options.sessions_per_user_max = 3;
        for (int i = 0; i < 3; i++) {
                inner_server_open_session(&client);
                inner_server_close_client(&client);
        }
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        raw_client_connect(&client, inner.options.socket_path);
        snprintf(sentence, sizeof(sentence),
                 "user %u opens more than 2 sessions a second: try again later",
                 (unsigned)geteuid());
        inner_server_expect_goodbye(&client, 0, EDQUOT, sentence);
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_REFUSED], 1);
        /* It is another user's haste now. */
        inner.daemon->sessions.rate.users[0].uid++;
        inner_server_open_session(&other);
}
END_TEST

START_TEST(no_turn_turns_away_more_than_a_few)
{
        enum { FLOOD = 40 };
        int flood[FLOOD];
        uint64_t before = 0;

        inner.daemon->config->sessions_per_second = 1;
        inner.options.sessions_per_user_max = 1;
        inner_server_open_session(&client);
        for (int i = 0; i < FLOOD; i++) {
                flood[i] = raw_client_dial(inner.options.socket_path);
                ck_assert_int_ge(flood[i], 0);
        }
        while (inner.daemon->sessions.not_done[NOT_DONE_REFUSED] < FLOOD) {
                inner_server_turn();
                ck_assert_uint_le(inner.daemon->sessions.not_done[NOT_DONE_REFUSED], before + 4);
                before = inner.daemon->sessions.not_done[NOT_DONE_REFUSED];
        }
        for (int i = 0; i < FLOOD; i++)
                close(flood[i]);
}
END_TEST

START_TEST(a_turn_accepts_a_bounded_number)
{
        connect_many(40);
        inner_server_turn();
        ck_assert_uint_eq(inner.daemon->sessions.count, 4);
        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->sessions.count, 40);
}
END_TEST

START_TEST(without_descriptors_accepting_rests_and_goes_on_by_itself)
{
        int last;

        inner_server_open_session(&client);
        raw_client_connect(&other, inner.options.socket_path);
        last = dup(client.socket_fd);
        close(last);
        if (!limit_descriptors(last))
                SKIP_TEST("the limit of open files is not the kernel's here");
        inner_server_settle();
        unlimit_descriptors();
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert(!event_pending(&inner.daemon->sessions.acceptable->event, EV_READ, NULL));
        ck_assert(event_pending(&inner.daemon->sessions.accept_again->event, EV_TIMEOUT, NULL));
        /* Nobody is forgotten. */
        ck_assert(WAIT_UNTIL((inner_server_settle(), inner.daemon->sessions.count == 2),
                             DEADLINE_MS));
        ck_assert(event_pending(&inner.daemon->sessions.acceptable->event, EV_READ, NULL));
}
END_TEST

/* ---- what it needs ---- */

/* Opens with this limit of open files, soft and hard, in a process of its own; its exit code is
 * how many sessions there may be, or 255 for -EMFILE. */
static int sessions_under(rlim_t open_files)
{
        int status;
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (child == 0) {
                const struct rlimit limit = {.rlim_cur = open_files, .rlim_max = open_files};
                Server *server = NULL;

                if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
                        _exit(254);
                switch (server_open(&server, &inner.options, inner_server_config())) {
                case 0:
                        status = (int)server->daemon.sessions.max;
                        server_close(server);
                        _exit(status);
                case -EMFILE:
                        _exit(255);
                default:
                        _exit(254);
                }
        }
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        return WEXITSTATUS(status);
}

START_TEST(it_takes_as_many_sessions_as_its_descriptors_allow_and_no_more)
{
        int few, some, more;

        inner.server = server_close(inner.server);
        inner.options.sessions_max = 200;
        few = sessions_under(100);
        some = sessions_under(920);
        more = sessions_under(1020);
        if (few == 254 || some == 254 || more == 254)
                SKIP_TEST("the limit of open files is not the kernel's here");
        ck_assert_int_eq(few, 255);
        ck_assert_int_gt(some, 0);
        ck_assert_int_lt(some, 200);
        /* Its socket and its epoll set are two descriptors a session. */
        ck_assert_int_ge(some + 50, more);
        ck_assert_int_gt(more, some);
}
END_TEST

/* How many files the kernel's table of this process has places for. */
static long table_size(void)
{
        CLEANUP(cleanup_fclose) FILE *file = fopen("/proc/self/status", "re");
        char line[128];
        long size = -1;

        while (size < 0 && file && fgets(line, sizeof(line), file)) {
                if (sscanf(line, "FDSize: %ld", &size) != 1)
                        size = -1;
        }
        return size;
}

START_TEST(the_table_of_open_files_is_as_large_as_its_limit_before_anything_is_opened)
{
        int status;
        pid_t child;

        inner.server = server_close(inner.server);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                Config *config = inner_server_config();
                struct rlimit limit;

                /* A child's is as large as what it has open. */
                if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || table_size() >= 2048 ||
                    limit.rlim_max < 4096)
                        _exit(77);
                open_files_raise(&inner.options, config);
                config_free(config);
                getrlimit(RLIMIT_NOFILE, &limit);
                _exit(table_size() >= (long)limit.rlim_cur ? 0 : 1);
        }
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        if (WEXITSTATUS(status) == 77)
                SKIP_TEST("the limit of open files is too low, or not the kernel's here");
        ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(an_idle_server_has_nothing_to_wake_for)
{
        struct timeval left;

        inner_server_open_session(&client);
        inner_server_add_pipe(&client, 0, 1, NULL);
        ck_assert(!event_pending(&inner.daemon->sessions.accept_again->event, EV_TIMEOUT, &left));
        ck_assert_ptr_null(inner.server->watchdog);
        /* Nothing is ready, and no timer runs: the loop would wait for ever. */
        ck_assert_int_eq(
                event_base_get_num_events(inner.daemon->loop.base, EVENT_BASE_COUNT_ACTIVE), 0);
        ck_assert(!event_pending(&TAILQ_FIRST(&inner.daemon->sessions.list)->readable->event,
                                 EV_TIMEOUT, &left));
}
END_TEST

#if HAVE_SYSTEMD
START_TEST(systemd_hears_of_the_start_each_half_of_the_watchdogs_time_and_the_end)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        char messages[3][64] = {{0}};
        struct timeval now, due;

        inner.server = server_close(inner.server);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", inner.directory);
        ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
        setenv("NOTIFY_SOCKET", address.sun_path, 1);
        setenv("WATCHDOG_USEC", "60000000", 1);
        inner_server_open();
        ck_assert_ptr_nonnull(inner.server->watchdog);
        ck_assert(event_pending(&inner.server->watchdog->event, EV_TIMEOUT, &due));
        evutil_gettimeofday(&now, NULL);
        ck_assert_int_ge(due.tv_sec - now.tv_sec, 28);
        ck_assert_int_le(due.tv_sec - now.tv_sec, 30);

        event_active(&inner.server->watchdog->event, EV_TIMEOUT, 1);
        inner_server_settle();
        raise(SIGTERM);
        ck_assert_int_eq(server_run(inner.server), 0);
        for (int i = 0; i < 3; i++)
                ck_assert_int_gt(recv(manager, messages[i], sizeof(messages[i]) - 1, 0), 0);
        /* Not before a turn is over. */
        ck_assert_int_eq(strncmp(messages[0], "READY=1\n", 8), 0);
        ck_assert_str_eq(messages[1], "WATCHDOG=1");
        ck_assert_str_eq(messages[2], "STOPPING=1");
}
END_TEST
#endif

TEST_SUITE(test_server)
{
        TCase *life = tcase_create("life");
        TCase *limits = tcase_create("limits");

        tcase_add_checked_fixture(life, inner_server_set_up, inner_server_tear_down);
        tcase_add_test(life, opened_and_closed_it_leaves_nothing);
        tcase_add_test(life, each_has_an_epoch_of_its_own);
        tcase_add_test(life, a_second_one_on_the_same_path_says_so_and_harms_nothing);
        tcase_add_test(life, an_unusable_directory_is_an_error_and_leaves_nothing);
        tcase_add_loop_test(life, a_signal_ends_it_and_every_client_is_told, 0, 2);
        tcase_add_test(life, no_client_whatever_it_does_ends_it);
        tcase_add_test(life, a_turn_accepts_a_bounded_number);
        tcase_add_test(life, who_connects_over_and_over_is_turned_away);
        tcase_add_test(life, no_turn_turns_away_more_than_a_few);
        tcase_add_test(life, without_descriptors_accepting_rests_and_goes_on_by_itself);
        tcase_add_test(life, it_takes_as_many_sessions_as_its_descriptors_allow_and_no_more);
        tcase_add_test(life,
                       the_table_of_open_files_is_as_large_as_its_limit_before_anything_is_opened);
        tcase_add_test(life, an_idle_server_has_nothing_to_wake_for);
#if HAVE_SYSTEMD
        tcase_add_test(life,
                       systemd_hears_of_the_start_each_half_of_the_watchdogs_time_and_the_end);
#endif
        tcase_set_timeout(life, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, life);

        tcase_add_checked_fixture(limits, set_up_two_sessions, inner_server_tear_down);
        tcase_add_test(limits, past_the_limit_of_sessions_who_connects_is_told);
        tcase_set_timeout(limits, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, limits);
}
