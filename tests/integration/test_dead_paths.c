/*
 * Paths on a file system that does not answer: listeners are asked for there, one of the
 * configuration lies there, and so does a part of the configuration. Nobody waits for them but who
 * asked, nobody loses a session by them, and the daemon stops when it is told to.
 */
#include "core/readiness.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"
#include "tests/support/raw_client.h"
#include "tests/support/scale.h"
#include "tests/support/service_frames.h"
#include "tests/support/silent_fuse.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        ROUND_TRIPS = 50,
        /* More than the daemon has threads for one user; and fewer: it is a user, too. */
        MANY_LISTENERS = 40,
        FEW_LISTENERS = 3,
};

static ConfigFile config;
static Program kyron_iod;
static char socket_path[300];
static RawClient neighbour, asker;
static int neighbour_fd, dead_fd;

static void in_configuration(char *out, size_t size, const char *name)
{
        snprintf(out, size, "%s/%s", config.directory, name);
}

static void set_up(void)
{
        dead_fd = silent_fuse_open(S_IFIFO);
        if (dead_fd >= 0)
                silent_fuse_stop();
        config_file_make(&config);
        in_configuration(socket_path, sizeof(socket_path), "socket");
}

static void tear_down(void)
{
        char path[300];

        in_configuration(path, sizeof(path), "conf.d");
        unlink(path);
        silent_fuse_end();
        config_file_remove(&config);
        if (dead_fd >= 0)
                close(dead_fd);
}

/* Starts it with these listeners, and with a neighbour that waits for an eventfd. */
static void start(const char *listeners)
{
        const char *const words[] = {"--foreground", "--config",  config.path,
                                     "--socket",     socket_path, NULL};
        const uint64_t source = raw_source(0, 1, READINESS_READABLE);

        config_file_write(&config, "%s\npolicy \"user:*\" { listen = {\"unix:/mnt/*\"} }\n",
                          listeners);
        program_start(&kyron_iod, words, NULL);
        program_await_serving(socket_path);
        raw_client_open(&neighbour, socket_path);
        neighbour_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_ge(neighbour_fd, 0);
        raw_client_add(&neighbour, 0, &source, &neighbour_fd, 1);
        raw_client_open(&asker, socket_path);
}

/* What does not answer never does: whoever waited for it here would wait for ever. */
static void expect_neighbour_served(void)
{
        for (int i = 0; i < ROUND_TRIPS; i++) {
                eventfd_t value;

                ck_assert_int_eq(eventfd_write(neighbour_fd, 1), 0);
                raw_client_expect(&neighbour, IOD__FRAME__BODY_READINESS);
                ck_assert_int_eq(eventfd_read(neighbour_fd, &value), 0);
        }
}

static void expect_stop(void)
{
        ck_assert_int_eq(kill(kyron_iod.pid, SIGTERM), 0);
        ck_assert(WAIT_UNTIL(access(socket_path, F_OK) < 0, DEADLINE_MS));
        /* A leak checker waits for each thread to stop, and these do not. */
        if (BUILT_WITH_SANITIZER)
                silent_fuse_end();
        ck_assert_int_eq(program_wait(&kyron_iod), 0);
        raw_client_close(&neighbour);
        raw_client_close(&asker);
        close(neighbour_fd);
}

static void ask_for_listeners(uint32_t n)
{
        for (uint32_t i = 0; i < n; i++) {
                char name[16];

                snprintf(name, sizeof(name), "dead%u", i);
                service_join(&asker, i + 1, name, "unix:/mnt/socket", 0, 1, NULL);
        }
        /* They have been read. */
        raw_client_status(&asker);
}

START_TEST(a_listener_there_holds_up_who_asked_alone)
{
        if (dead_fd < 0)
                SKIP_TEST("FUSE cannot be mounted here");
        start("");
        ask_for_listeners(MANY_LISTENERS);
        expect_neighbour_served();
        expect_stop();
}
END_TEST

START_TEST(a_configured_listener_there_is_late_and_the_rest_is_served)
{
        if (dead_fd < 0)
                SKIP_TEST("FUSE cannot be mounted here");
        start("listener \"late\" { address = \"unix:/mnt/late\" }\n");
        program_await_said(&kyron_iod, "listener late is late");
        expect_neighbour_served();
        expect_stop();
}
END_TEST

START_TEST(a_reload_waits_for_its_files_alone)
{
        char path[300];

        if (dead_fd < 0)
                SKIP_TEST("FUSE cannot be mounted here");
        start("");
        in_configuration(path, sizeof(path), "conf.d");
        ck_assert_int_eq(symlink("/mnt/conf.d", path), 0);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(kill(kyron_iod.pid, SIGHUP), 0);
        expect_neighbour_served();
        expect_stop();
}
END_TEST

START_TEST(another_program_is_refused_and_no_session_is_lost)
{
        if (dead_fd < 0)
                SKIP_TEST("FUSE cannot be mounted here");
        start("");
        ask_for_listeners(FEW_LISTENERS);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(kill(kyron_iod.pid, SIGUSR2), 0);
                expect_neighbour_served();
        }
        program_await_said(&kyron_iod, "not handed over, this program goes on: some names or "
                                       "paths are waited for and do not answer");
        /* The sessions are the same. */
        expect_neighbour_served();
        raw_client_status(&asker);
        expect_stop();
}
END_TEST

TEST_SUITE(test_dead_paths)
{
        TCase *tcase = tcase_create("dead paths");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_listener_there_holds_up_who_asked_alone);
        tcase_add_test(tcase, a_configured_listener_there_is_late_and_the_rest_is_served);
        tcase_add_test(tcase, a_reload_waits_for_its_files_alone);
        tcase_add_test(tcase, another_program_is_refused_and_no_session_is_lost);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
