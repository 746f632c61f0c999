/*
 * Descriptors whose close() blocks: a TCP socket that lingers for a minute over data its peer never
 * reads, where the daemon's copy is the last one, so the daemon is who waits; and a file whose FUSE
 * server does not answer, where every close() asks. Only the closer may wait, and only for whom it
 * closes. See tests/support/hostile_scene.h for what holds at the end of every test here.
 */
#include "core/cleanup.h"
#include "core/readiness.h"
#include "daemon/closing/closer.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/hostile_scene.h"
#include "tests/support/silent_fuse.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINGER_SECONDS = 60, SESSIONS_MAX = 3 };

static const char *const few_sessions[] = {"--max-sessions", "3", NULL};
static RawClient others[SESSIONS_MAX];

static int peers[2 * FRAME_SOURCES_MAX];
static size_t peer_count;

/* A socket that lingers; its peer is kept open, unread, until the test ends. */
static int open_lingering(void)
{
        const struct linger linger = {.l_onoff = 1, .l_linger = LINGER_SECONDS};
        const int small = 4096;
        int ends[2];

        tcp_pair(ends);
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
        setsockopt(ends[1], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        fill(ends[0]);
        ck_assert_int_eq(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
        peers[peer_count++] = ends[1];
        return ends[0];
}

/* A packet with n lingering sockets, the first packet if there is no session. Our copies are closed
 * before the daemon can have closed its own. */
static void send_lingering(RawBytes *packet, size_t n)
{
        int fds[FRAME_SOURCES_MAX] = {0};

        for (size_t i = 0; i < n; i++)
                fds[i] = open_lingering();
        test_daemon_pause(&scene.daemon);
        if (scene.client.socket_fd < 0)
                raw_client_connect(&scene.client, scene.daemon.socket_path);
        ck_assert_int_eq(raw_client_send(&scene.client, packet, fds, n), 0);
        for (size_t i = 0; i < n; i++)
                close(fds[i]);
        test_daemon_resume(&scene.daemon);
}

static void put_sources(RawBytes *frame, uint32_t slot, uint32_t generation, size_t n)
{
        uint64_t sources[FRAME_SOURCES_MAX];
        RawBytes body = {0};

        for (uint32_t i = 0; i < n; i++)
                sources[i] = raw_source(slot + i, generation, READINESS_READABLE);
        raw_put_packed(&body, RAW_ADD_SOURCE, sources, n);
        raw_put_frame(frame, (uint32_t)n, 7, RAW_ADD_IO_SOURCE, &body);
}

static void set_up(void)
{
        hostile_scene_start(few_sessions);
}

static void tear_down(void)
{
        /* With their peers gone, nothing lingers. */
        while (peer_count > 0)
                close(peers[--peer_count]);
        hostile_scene_tear_down();
}

START_TEST(one_that_is_registered_stalls_nobody)
{
        RawBytes packet = {0};

        raw_client_open(&scene.client, scene.daemon.socket_path);
        put_sources(&packet, 0, 1, 1);
        send_lingering(&packet, 1);
        raw_client_status(&scene.client);
        hostile_scene_check_neighbour();
}
END_TEST

START_TEST(one_in_a_packet_over_the_limit_stalls_nobody)
{
        RawBytes packet = {.size = FRAME_BYTES_MAX + 1};

        raw_client_open(&scene.client, scene.daemon.socket_path);
        send_lingering(&packet, 1);
        raw_client_expect_goodbye(&scene.client, 0, EMSGSIZE,
                                  "a packet is longer than the limit of 32768 bytes");
        hostile_scene_check_neighbour();
}
END_TEST

START_TEST(one_in_an_empty_packet_stalls_nobody)
{
        RawBytes packet = {0};

        raw_client_open(&scene.client, scene.daemon.socket_path);
        send_lingering(&packet, 1);
        raw_client_expect_end(&scene.client);
        hostile_scene_check_neighbour();
}
END_TEST

START_TEST(some_in_packets_that_are_never_read_stall_nobody)
{
        enum { MORE_ANSWERS_THAN_FIT = 8 };
        int fds[FRAME_SOURCES_MAX];
        RawBytes refused = {0}, packet = {0};

        /* The daemon waits for this client to read, and meanwhile does not read itself. */
        for (int i = 0; i < FRAME_SOURCES_MAX; i++)
                fds[i] = scene.neighbour_fd;
        put_sources(&refused, 0, 0, FRAME_SOURCES_MAX);
        raw_client_open(&scene.client, scene.daemon.socket_path);
        for (int i = 0; i < MORE_ANSWERS_THAN_FIT; i++)
                ck_assert_int_eq(raw_client_send(&scene.client, &refused, fds, FRAME_SOURCES_MAX),
                                 0);
        ck_assert(WAIT_UNTIL(raw_client_status(&scene.neighbour)->sessions_waiting == 1,
                             DEADLINE_MS));
        put_sources(&packet, 0, 1, 20);
        send_lingering(&packet, 20);
        raw_client_close(&scene.client);
        hostile_scene_check_nothing_left();
}
END_TEST

START_TEST(one_in_the_packet_of_a_connection_that_is_turned_away_stalls_nobody)
{
        RawBytes packet = {0};

        put_sources(&packet, 0, 1, 1);
        for (int i = 0; i < SESSIONS_MAX - 1; i++)
                raw_client_open(&others[i], scene.daemon.socket_path);
        send_lingering(&packet, 1);
        raw_client_expect_goodbye(&scene.client, 0, EDQUOT,
                                  "the daemon is at its limit of %d sessions: try again later",
                                  SESSIONS_MAX);
        hostile_scene_check_neighbour();
        for (int i = 0; i < SESSIONS_MAX - 1; i++)
                raw_client_close(&others[i]);
}
END_TEST

START_TEST(hundreds_of_them_stall_nobody)
{
        raw_client_open(&scene.client, scene.daemon.socket_path);
        for (uint32_t slot = 0; slot < 2 * FRAME_SOURCES_MAX; slot += FRAME_SOURCES_MAX) {
                RawBytes packet = {0};

                put_sources(&packet, slot, 1, FRAME_SOURCES_MAX);
                send_lingering(&packet, FRAME_SOURCES_MAX);
        }
        raw_client_status(&scene.client);
        hostile_scene_check_neighbour();
}
END_TEST

START_TEST(they_do_not_keep_the_daemon_from_stopping)
{
        RawBytes packet = {0};

        raw_client_open(&scene.client, scene.daemon.socket_path);
        put_sources(&packet, 0, 1, FRAME_SOURCES_MAX);
        send_lingering(&packet, FRAME_SOURCES_MAX);
        raw_client_status(&scene.client);
        test_daemon_stop(&scene.daemon);
        hostile_scene_forget();
}
END_TEST

/* ---- a file system that does not answer ---- */

enum { NOBODY = 65534 };

static int silent_fd;

static int no_silence; /* an errno: there is none here */

static void set_up_silent(void)
{
        hostile_scene_start(NULL);
        silent_fd = silent_fuse_open(S_IFREG);
        no_silence = silent_fd < 0 ? errno : 0;
}

/* At the beginning of each test with it. */
#define NEEDS_SILENCE()                                                                            \
        do {                                                                                       \
                if (no_silence)                                                                    \
                        SKIP_TEST("no FUSE file system: %s", strerror(no_silence));                \
        } while (0)

static void end_silence(void)
{
        if (no_silence)
                return;
        silent_fuse_end();
        close(silent_fd);
}

static void tear_down_silent(void)
{
        end_silence();
        hostile_scene_tear_down();
}

/* Each copy is refused, and its close() does not return. */
static void send_silent(uint32_t slot, size_t n)
{
        int fds[FRAME_SOURCES_MAX];
        RawBytes packet = {0};

        for (size_t i = 0; i < n; i++)
                fds[i] = silent_fd;
        put_sources(&packet, slot, 1, (uint32_t)n);
        ck_assert_int_eq(raw_client_send(&scene.client, &packet, fds, n), 0);
        ck_assert_uint_eq(
                raw_client_expect(&scene.client, IOD__FRAME__BODY_REFUSED)->refused->n_source, n);
}

START_TEST(a_file_whose_server_is_silent_holds_up_nobodys_closing)
{
        uint64_t source = raw_source(0, 1, READINESS_READABLE);

        NEEDS_SILENCE();
        raw_client_open(&scene.client, scene.daemon.socket_path);
        raw_client_add(&scene.client, 7, &source, &silent_fd, 1);
        raw_client_expect_source_refused(&scene.client, 7, source, EPERM,
                                         "a regular file is always ready: use it without waiting");
        /* What the neighbour sends is closed, though it is the same user: the other end of a pipe
         * sees it. So often that a queue nobody closes would be full. */
        hostile_scene_await_closer();
        for (int i = 0; i < 600; i++)
                hostile_scene_check_neighbour();
        hostile_scene_await_closer();
}
END_TEST

START_TEST(however_many_of_its_files_hold_up_no_other_user)
{
        NEEDS_SILENCE();
        if (getuid() != 0)
                SKIP_TEST("only root can be another user");
        ck_assert_int_eq(chmod(scene.daemon.directory, 0755), 0);
        ck_assert_int_eq(seteuid(NOBODY), 0);
        raw_client_open(&scene.client, scene.daemon.socket_path);
        ck_assert_int_eq(seteuid(0), 0);
        send_silent(0, FRAME_SOURCES_MAX);
        send_silent(FRAME_SOURCES_MAX, FRAME_SOURCES_MAX);
        /* Its own requests wait. */
        raw_client_request(&scene.client, 77, RAW_GET_STATUS);
        for (int i = 0; i < 600; i++)
                hostile_scene_check_neighbour();
        hostile_scene_await_closer();
        ck_assert(!wait_readable(scene.client.socket_fd, 0));
        silent_fuse_end();
        ck_assert_uint_eq(raw_client_expect(&scene.client, IOD__FRAME__BODY_STATUS)->sequence, 77);
}
END_TEST

/* The main thread's state, as proc(5) has it. */
__attribute__((unused)) static char state_of_daemon(void)
{
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        char path[64], state = '?';

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)scene.daemon.pid);
        file = fopen(path, "re");
        if (!file || fscanf(file, "%*d (kyron-iod) %c", &state) != 1)
                return '?';
        return state;
}

static bool daemon_has_exited(void)
{
#if defined(__SANITIZE_ADDRESS__)
        /* At the end it looks for leaks, for which it stops every thread first. */
        return access(scene.daemon.socket_path, F_OK) < 0;
#else
        return state_of_daemon() == 'Z';
#endif
}

START_TEST(a_daemon_that_is_told_to_stop_ends_its_work_all_the_same)
{
        int status;

        NEEDS_SILENCE();
        raw_client_open(&scene.client, scene.daemon.socket_path);
        send_silent(0, 3 * CLOSER_LANE_THREADS);
        ck_assert_int_eq(kill(scene.daemon.pid, SIGTERM), 0);
        /* It has removed its socket and called exit(); the kernel keeps what is left of it until
         * the file is closed. */
        ck_assert(WAIT_UNTIL(daemon_has_exited(), DEADLINE_MS));
        ck_assert_int_lt(access(scene.daemon.socket_path, F_OK), 0);
        raw_client_expect_goodbye(&scene.neighbour, 0, ESHUTDOWN, "kyron-iod is stopping");
        end_silence();
        ck_assert(wait_exit(scene.daemon.pid, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        remove_temp_dir(STEAL_PTR(scene.daemon.directory));
        hostile_scene_forget();
}
END_TEST

TEST_SUITE(test_hostile_closing)
{
        TCase *lingering = tcase_create("lingering");
        TCase *silent = tcase_create("silent");

        tcase_add_checked_fixture(lingering, set_up, tear_down);
        tcase_set_timeout(lingering, TEST_TIMEOUT_SECONDS);
        tcase_add_test(lingering, one_that_is_registered_stalls_nobody);
        tcase_add_test(lingering, one_in_a_packet_over_the_limit_stalls_nobody);
        tcase_add_test(lingering, one_in_an_empty_packet_stalls_nobody);
        tcase_add_test(lingering, some_in_packets_that_are_never_read_stall_nobody);
        tcase_add_test(lingering,
                       one_in_the_packet_of_a_connection_that_is_turned_away_stalls_nobody);
        tcase_add_test(lingering, hundreds_of_them_stall_nobody);
        tcase_add_test(lingering, they_do_not_keep_the_daemon_from_stopping);
        suite_add_tcase(suite, lingering);

        tcase_add_checked_fixture(silent, set_up_silent, tear_down_silent);
        tcase_set_timeout(silent, TEST_TIMEOUT_SECONDS);
        tcase_add_test(silent, a_file_whose_server_is_silent_holds_up_nobodys_closing);
        tcase_add_test(silent, however_many_of_its_files_hold_up_no_other_user);
        tcase_add_test(silent, a_daemon_that_is_told_to_stop_ends_its_work_all_the_same);
        suite_add_tcase(suite, silent);
}
