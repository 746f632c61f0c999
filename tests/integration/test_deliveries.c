/*
 * Sessions that go direct and come back, with a real daemon: whoever moves, how many registrations
 * it has and however often it does, others are served and nothing is left. What a move takes is
 * printed.
 */
#include "core/clock.h"
#include "core/readiness.h"
#include "daemon/session/session_direct.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/hostile_scene.h"
#include "tests/support/scale.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
        RELAYED = IOD__DELIVERY__DELIVERY_RELAYED,
        DIRECT = IOD__DELIVERY__DELIVERY_DIRECT,
        MANY = 10000,
        MOVE = 5, /* the sequence of SetDelivery */
};

static int files[MANY];
static uint64_t sources[MANY];

/* So many files, if this process may have them. */
static void open_files(int n)
{
        struct rlimit limit;

        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_max < (rlim_t)n + 100)
                SKIP_TEST("this process may not open so many files");
        for (int i = 0; i < n; i++) {
                files[i] = open_eventfd();
                sources[i] = raw_source((uint32_t)i, 1, READINESS_READABLE);
        }
}

static void close_files(int n)
{
        for (int i = 0; i < n; i++)
                close(files[i]);
}

static void open_client(void)
{
        const Iod__Welcome *welcome = raw_client_open(&scene.client, scene.daemon.socket_path);

        ck_assert_uint_eq(welcome->deliveries, 3);
}

static void add_files(size_t first, size_t last)
{
        raw_client_add(&scene.client, 2, sources + first, files + first, last - first);
}

static void expect_done(void)
{
        ck_assert_uint_eq(raw_client_expect(&scene.client, IOD__FRAME__BODY_DONE)->sequence, MOVE);
}

/* What a neighbour's round trips take meanwhile. */
typedef struct Meanwhile {
        unsigned rounds;
        uint64_t longest_ns;
} Meanwhile;

static void look_at_neighbour(Meanwhile *meanwhile)
{
        uint64_t began = clock_now_ns(), took;

        hostile_scene_check_neighbour();
        took = clock_now_ns() - began;
        if (took > meanwhile->longest_ns)
                meanwhile->longest_ns = took;
        meanwhile->rounds++;
}

static void print(const char *what, const Meanwhile *meanwhile, uint64_t ns)
{
        printf("%s: %.1f ms, %u rounds of a neighbour meanwhile, the longest %.2f ms; the longest "
               "turn so far %.2f ms\n",
               what, (double)ns / 1e6, meanwhile->rounds, (double)meanwhile->longest_ns / 1e6,
               (double)raw_client_status(&scene.neighbour)->longest_turn_us / 1e3);
}

static void register_all(const char *what)
{
        Meanwhile meanwhile = {.rounds = 0};
        uint64_t began = clock_now_ns();

        for (size_t i = 0; i < MANY; i += FRAME_SOURCES_MAX) {
                add_files(i, i + FRAME_SOURCES_MAX < MANY ? i + FRAME_SOURCES_MAX : MANY);
                look_at_neighbour(&meanwhile);
        }
        /* The neighbour's is one, too. */
        ck_assert(WAIT_UNTIL(raw_client_status(&scene.neighbour)->registrations == MANY + 1,
                             DEADLINE_MS));
        print(what, &meanwhile, clock_now_ns() - began);
}

START_TEST(many_registrations_move_and_others_are_served)
{
        Meanwhile meanwhile = {.rounds = 0};
        const Iod__Frame *frame;
        uint64_t began, turns;

        hostile_scene_start(NULL);
        open_files(MANY);
        open_client();
        register_all("registered");
        turns = raw_client_status(&scene.neighbour)->turns;
        began = clock_now_ns();
        raw_client_set_delivery(&scene.client, MOVE, DIRECT);
        while (!wait_readable(scene.client.socket_fd, 0))
                look_at_neighbour(&meanwhile);
        expect_done();
        print("to direct", &meanwhile, clock_now_ns() - began);
        /* Others had theirs in between. */
        ck_assert_uint_ge(raw_client_status(&scene.neighbour)->turns,
                          turns + MANY / SESSION_DIRECT_SLICE);
        ck_assert_uint_eq(raw_client_status(&scene.neighbour)->registrations, 1);
        ck_assert_int_eq(eventfd_write(files[MANY / 2], 1), 0);
        raw_client_set_delivery(&scene.client, MOVE, RELAYED);
        expect_done();
        register_all("registered again");
        frame = raw_client_expect(&scene.client, IOD__FRAME__BODY_READINESS);
        ck_assert_uint_eq(frame->readiness->n_event, 1);
        ck_assert_uint_eq(frame->readiness->event[0], sources[MANY / 2]);
        close_files(MANY);
}
END_TEST

/* As fast as it can, and with its answers unread as long as there is room for them. */
START_TEST(who_goes_back_and_forth_all_the_time_harms_nobody)
{
        enum { AT_ONCE = 8 };
        const int rounds = scaled(10, 60, 1000);
        Meanwhile meanwhile = {.rounds = 0};
        uint64_t began;

        hostile_scene_start(NULL);
        open_files(FRAME_SOURCES_MAX);
        open_client();
        began = clock_now_ns();
        for (int round = 0; round < rounds; round++) {
                for (int i = 0; i < AT_ONCE; i++) {
                        add_files(0, FRAME_SOURCES_MAX);
                        raw_client_set_delivery(&scene.client, MOVE, DIRECT);
                        raw_client_set_delivery(&scene.client, MOVE, RELAYED);
                }
                look_at_neighbour(&meanwhile);
                for (int i = 0; i < 2 * AT_ONCE; i++)
                        expect_done();
        }
        print("back and forth", &meanwhile, clock_now_ns() - began);
        /* It goes on as any. */
        add_files(0, FRAME_SOURCES_MAX);
        ck_assert_uint_eq(raw_client_status(&scene.client)->registrations, FRAME_SOURCES_MAX + 1);
        close_files(FRAME_SOURCES_MAX);
}
END_TEST

START_TEST(who_dies_in_the_middle_leaves_nothing)
{
        hostile_scene_start(NULL);
        open_files(MANY);
        for (int round = 0; round < 3; round++) {
                open_client();
                for (size_t i = 0; i + FRAME_SOURCES_MAX <= MANY; i += FRAME_SOURCES_MAX)
                        add_files(i, i + FRAME_SOURCES_MAX);
                raw_client_set_delivery(&scene.client, MOVE, DIRECT);
                raw_client_close(&scene.client);
                hostile_scene_check_neighbour();
        }
        close_files(MANY);
}
END_TEST

START_TEST(the_configuration_says_which_there_are)
{
        ConfigFile config;
        const char *options[] = {"--config", NULL, NULL};
        const Iod__Welcome *welcome;

        config_file_make(&config);
        config_file_write(&config, "policy \"user:%u\" { delivery = {\"direct\"} }\n",
                          (unsigned)geteuid());
        options[1] = config.path;
        scene.client.socket_fd = -1;
        test_daemon_start(&scene.daemon, options);
        welcome = raw_client_open(&scene.client, scene.daemon.socket_path);
        ck_assert_uint_eq(welcome->deliveries, 2);
        /* It is direct without having asked. */
        open_files(1);
        add_files(0, 1);
        raw_client_expect_source_refused(&scene.client, 2, raw_source(0, 1, 0), EINVAL,
                                         "the session is direct: its client waits itself");
        raw_client_set_delivery(&scene.client, MOVE, DIRECT);
        expect_done();
        raw_client_set_delivery(&scene.client, MOVE, RELAYED);
        raw_client_expect_refused(&scene.client, MOVE, EACCES,
                                  "uid %u may not have delivery relayed: not in policy user:%u",
                                  (unsigned)geteuid(), (unsigned)geteuid());
        close_files(1);
        raw_client_close(&scene.client);
        test_daemon_stop(&scene.daemon);
        config_file_remove(&config);
        scene.daemon.pid = 0;
}
END_TEST

TEST_SUITE(test_deliveries)
{
        TCase *moves = tcase_create("moves");

        tcase_add_checked_fixture(moves, NULL, hostile_scene_tear_down);
        tcase_set_timeout(moves, TEST_TIMEOUT_SECONDS);
        tcase_add_test(moves, many_registrations_move_and_others_are_served);
        tcase_add_test(moves, who_goes_back_and_forth_all_the_time_harms_nobody);
        tcase_add_test(moves, who_dies_in_the_middle_leaves_nothing);
        tcase_add_test(moves, the_configuration_says_which_there_are);
        suite_add_tcase(suite, moves);
}
